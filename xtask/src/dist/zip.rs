//! A zip archive whose bytes depend on nothing but what is in it.
//!
//! Each entry has the permissions it is given and the oldest time that the format knows, so that two builds of the same
//! program give the same layer, and Lambda the same hash. Entries are deflated. Files of 4 GiB and more are refused: they
//! would need the Zip64 records, and no layer is as large (250 MB is Lambda's limit).
//!
//! Source: PKWARE, ".ZIP File Format Specification" 6.3, sections 4.3 and 4.4; "version made by" 3 is Unix, where the
//! upper half of the external attributes is the file's mode.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// A file to be packed.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Path with `/`, relative.
    pub name: &'a str,
    /// Permissions, for instance `0o755`.
    pub mode: u32,
    /// Contents.
    pub bytes: &'a [u8],
}

/// Version 2.0 of the format: deflate.
const VERSION: u16 = 20;
const UNIX: u16 = 3 << 8;
const DEFLATED: u16 = 8;
/// Names are UTF-8.
const FLAGS: u16 = 1 << 11;
/// 1 January 1980, midnight.
const DATE: u16 = (1 << 5) | 1;
const REGULAR: u32 = 0o100_000;

/// The archive of `entries`, in their order.
pub fn archive(entries: &[Entry<'_>]) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for entry in entries {
        let offset = length(out.len(), entry.name)?;
        let packed =
            deflate(entry.bytes).map_err(|error| format!("cannot pack `{}`: {error}", entry.name))?;
        let facts = facts(entry, &packed)?;
        out.extend(b"PK\x03\x04");
        out.extend(&facts);
        out.extend(entry.name.as_bytes());
        out.extend(&packed);

        directory.extend(b"PK\x01\x02");
        directory.extend((UNIX | VERSION).to_le_bytes());
        directory.extend(&facts);
        // No comment, the first disk, no internal attributes.
        directory.extend([0; 6]);
        directory.extend(((REGULAR | entry.mode) << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(entry.name.as_bytes());
    }
    let (count, size) = (u16::try_from(entries.len()), length(directory.len(), "the directory")?);
    let (count, start) = (count.map_err(|_| "too many entries")?, length(out.len(), "the directory")?);
    out.append(&mut directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(size.to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0; 2]);
    Ok(out)
}

/// What a local header and its copy in the directory have in common.
fn facts(entry: &Entry<'_>, packed: &[u8]) -> Result<Vec<u8>, String> {
    let mut facts = Vec::with_capacity(26);
    for word in [VERSION, FLAGS, DEFLATED, 0, DATE] {
        facts.extend(word.to_le_bytes());
    }
    facts.extend(crc32fast::hash(entry.bytes).to_le_bytes());
    facts.extend(length(packed.len(), entry.name)?.to_le_bytes());
    facts.extend(length(entry.bytes.len(), entry.name)?.to_le_bytes());
    let name = u16::try_from(entry.name.len()).map_err(|_| format!("`{}` is too long a name", entry.name))?;
    facts.extend(name.to_le_bytes());
    // No extra field.
    facts.extend([0; 2]);
    Ok(facts)
}

fn length(length: usize, what: &str) -> Result<u32, String> {
    u32::try_from(length).map_err(|_| format!("`{what}` is too large for a zip"))
}

fn deflate(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Read back by Python's own reader: names, modes, contents, and that every checksum holds.
    #[test]
    fn another_reader_takes_it() {
        let folder = std::env::temp_dir().join(format!("lambridge-zip-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("layer.zip");
        let large: Vec<u8> = (0..200_000u32).flat_map(u32::to_le_bytes).collect();
        let entries = [
            Entry { name: "bootstrap", mode: 0o755, bytes: b"#!/bin/sh\n" },
            Entry { name: "extensions/grüße", mode: 0o644, bytes: &large },
            Entry { name: "empty", mode: 0o600, bytes: b"" },
        ];
        std::fs::write(&file, archive(&entries).unwrap()).unwrap();
        let script = "import sys, zipfile\n\
            with zipfile.ZipFile(sys.argv[1]) as z:\n \
            assert z.testzip() is None\n \
            for i in z.infolist(): print(i.filename, oct(i.external_attr >> 16), i.file_size, i.date_time[0])";
        let read = Command::new("python3").args(["-c", script]).arg(&file).output().unwrap();
        let expect =
            "bootstrap 0o100755 10 1980\nextensions/grüße 0o100644 800000 1980\nempty 0o100600 0 1980\n";
        assert_eq!(
            String::from_utf8_lossy(&read.stdout),
            expect,
            "{}",
            String::from_utf8_lossy(&read.stderr)
        );
        std::fs::remove_dir_all(folder).unwrap();
    }
}
