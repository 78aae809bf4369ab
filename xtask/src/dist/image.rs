//! The adapter as a container image: an OCI layout in a tar, made from nothing but the program.
//!
//! One layer with `/lambda-adapter`, for each architecture, and an index that names them all: what a Dockerfile copies
//! from. No tool is needed to make it, so no daemon, no storage and no root, and two builds of the same program are the
//! same bytes; Debian's tools either want one of those or put the time of the day into the image. That skopeo and umoci
//! read it is tested where they are installed (`tests/real/packages_test.py`).
//!
//! Source: OCI image format specification 1.1: `image-layout.md`, `image-index.md`, `manifest.md`, `config.md`.

use std::io::Write;

use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};

use super::arch::Arch;
use super::{tar, zip::Entry};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// No build has a time of its own.
const CREATED: &str = "1970-01-01T00:00:00Z";

/// The archive. `tag` is the name that `oci-archive:FILE:TAG` finds it by.
pub fn archive(programs: &[(Arch, Vec<u8>)], tag: &str) -> Result<Vec<u8>, String> {
    let mut blobs = Blobs::default();
    let mut manifests = Vec::new();
    for (arch, program) in programs {
        let mut manifest = manifest(&mut blobs, *arch, program)?;
        manifest["platform"] = json!({ "architecture": arch.oci(), "os": "linux" });
        manifests.push(manifest);
    }
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests });
    let mut entry = blobs.json(INDEX, &index);
    entry["annotations"] = json!({ "org.opencontainers.image.ref.name": tag });
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [entry] }).to_string();

    blobs.0.sort();
    blobs.0.dedup();
    let mut entries = vec![
        Entry { name: "oci-layout", mode: 0o644, bytes: br#"{"imageLayoutVersion":"1.0.0"}"# },
        Entry { name: "index.json", mode: 0o644, bytes: index.as_bytes() },
        Entry { name: "blobs/", mode: 0o755, bytes: b"" },
        Entry { name: "blobs/sha256/", mode: 0o755, bytes: b"" },
    ];
    entries.extend(blobs.0.iter().map(|(name, bytes)| Entry { name, mode: 0o644, bytes }));
    tar::archive(&entries)
}

/// The descriptor of the image for one architecture.
fn manifest(blobs: &mut Blobs, arch: Arch, program: &[u8]) -> Result<Value, String> {
    let layer = tar::archive(&[Entry { name: "lambda-adapter", mode: 0o755, bytes: program }])?;
    let unpacked = digest(&layer);
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    let packed = encoder.write_all(&layer).and_then(|()| encoder.finish());
    let packed = packed.map_err(|error| format!("cannot pack the image's layer: {error}"))?;
    let layer = blobs.add(LAYER, packed);
    let config = json!({
        "created": CREATED,
        "architecture": arch.oci(),
        "os": "linux",
        "config": { "Labels": { "org.opencontainers.image.licenses": "Apache-2.0" } },
        "rootfs": { "type": "layers", "diff_ids": [unpacked] },
        "history": [{ "created": CREATED, "created_by": "cargo xtask dist" }],
    });
    let config = blobs.json(CONFIG, &config);
    let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer] });
    Ok(blobs.json(MANIFEST, &manifest))
}

/// Files of `blobs/sha256`, by their path.
#[derive(Default)]
struct Blobs(Vec<(String, Vec<u8>)>);

impl Blobs {
    /// Adds one and gives its descriptor.
    fn add(&mut self, kind: &str, bytes: Vec<u8>) -> Value {
        let digest = digest(&bytes);
        let descriptor = json!({ "mediaType": kind, "digest": digest, "size": bytes.len() });
        self.0.push((format!("blobs/{}", digest.replace(':', "/")), bytes));
        descriptor
    }

    fn json(&mut self, kind: &str, value: &Value) -> Value {
        self.add(kind, value.to_string().into_bytes())
    }
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", super::sha256(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_each_time_and_both_architectures() {
        let programs = [(Arch::X86_64, b"one".to_vec()), (Arch::Arm64, b"two".to_vec())];
        let made = archive(&programs, "0.1.0").unwrap();
        assert_eq!(made, archive(&programs, "0.1.0").unwrap());
        let text = String::from_utf8_lossy(&made);
        for word in ["\"amd64\"", "\"arm64\"", "\"0.1.0\"", "\"imageLayoutVersion\""] {
            assert!(text.contains(word), "{word}");
        }
    }
}
