//! `cargo xtask dist`: the adapter as it is shipped, in `target/dist/packages`.
//!
//! * `lambda-adapter-ARCH`: the static program.
//! * `lambda-adapter-layer-ARCH.zip`: a layer, which Lambda unpacks into `/opt`: `bootstrap`, the wrapper of
//!   `packaging/layer`, and `extensions/lambda-adapter`.
//! * `lambda-adapter-image.tar`: an image that holds the program and nothing else, for every architecture that was asked for.
//! * `SHA256SUMS` of them all.
//!
//! The same programs give the same bytes. A program that is there already need not be built: `--adapter ARCH=PATH` packs
//! it as it is, which is how one run joins what two machines have built, and how the tests pack the debug build.

mod arch;
mod build;
mod image;
mod tar;
mod zip;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use self::arch::Arch;
use self::zip::Entry;
use crate::step::step;
use crate::workspace::{self, Workspace};

const USAGE: &str = "\
usage: cargo xtask dist [--arch x86_64|arm64]... [--adapter ARCH=PATH]... [--out FOLDER]

  --arch ARCH          build for it; this machine's where nothing is said; may be given twice
  --adapter ARCH=PATH  pack this program, build none for that architecture
  --out FOLDER         where to (target/dist/packages)";

#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    /// Where the program is; `None`: to be built.
    programs: BTreeMap<Arch, Option<PathBuf>>,
    out: Option<PathBuf>,
}

/// Builds and packs.
pub fn run(arguments: impl Iterator<Item = String>) -> Result<(), String> {
    let Some(options) = parse(arguments)? else {
        println!("{USAGE}");
        return Ok(());
    };
    let workspace = workspace::load()?;
    let mut programs = Vec::new();
    for (arch, path) in options.programs {
        let path = match path {
            Some(path) => path,
            None => build::adapter(&workspace, arch)?,
        };
        programs.push((arch, read(&path)?));
    }
    let out = options.out.unwrap_or_else(|| workspace.target.join("dist/packages"));
    step("pack", || pack(&workspace, &programs, &out))
}

fn pack(workspace: &Workspace, programs: &[(Arch, Vec<u8>)], out: &Path) -> Result<(), String> {
    let bootstrap = read(&workspace.root.join("packaging/layer/bootstrap"))?;
    let mut packages = Vec::new();
    for (arch, program) in programs {
        let layer = zip::archive(&[
            Entry { name: "bootstrap", mode: 0o755, bytes: &bootstrap },
            Entry { name: "extensions/lambda-adapter", mode: 0o755, bytes: program },
        ])?;
        packages.push((format!("lambda-adapter-{}", arch.aws()), 0o755, program.clone()));
        packages.push((format!("lambda-adapter-layer-{}.zip", arch.aws()), 0o644, layer));
    }
    let image = image::archive(programs, &version(workspace)?)?;
    packages.push(("lambda-adapter-image.tar".to_owned(), 0o644, image));
    packages.sort();
    let sums: String =
        packages.iter().map(|(name, _, bytes)| format!("{}  {name}\n", sha256(bytes))).collect();
    packages.push(("SHA256SUMS".to_owned(), 0o644, sums.into_bytes()));
    std::fs::create_dir_all(out).map_err(|error| format!("cannot make `{}`: {error}", out.display()))?;
    for (name, mode, bytes) in &packages {
        write(&out.join(name), *mode, bytes)?;
        println!("{:>9} bytes  {}", bytes.len(), out.join(name).display());
    }
    Ok(())
}

/// The version of the adapter's package, which the image is named by.
fn version(workspace: &Workspace) -> Result<String, String> {
    let packages = workspace.metadata["packages"].as_array().into_iter().flatten();
    let adapter = packages.into_iter().find(|package| package["name"] == "lambridge-adapter");
    let version = adapter.and_then(|package| package["version"].as_str());
    version.map(str::to_owned).ok_or("no package is called `lambridge-adapter`".to_owned())
}

/// `None` where the arguments ask for help.
fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let mut options = Options::default();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("`{argument}` needs a value\n{USAGE}"));
        match argument.as_str() {
            "--arch" => drop(options.programs.entry(Arch::parse(&value()?)?).or_default()),
            "--adapter" => {
                let text = value()?;
                let (arch, path) =
                    text.split_once('=').ok_or(format!("`{text}` is not ARCH=PATH\n{USAGE}"))?;
                options.programs.insert(Arch::parse(arch)?, Some(PathBuf::from(path)));
            }
            "--out" => options.out = Some(PathBuf::from(value()?)),
            "help" | "--help" | "-h" => return Ok(None),
            other => return Err(format!("`{other}` is not an argument of dist\n{USAGE}")),
        }
    }
    if options.programs.is_empty() {
        options.programs.insert(Arch::host()?, None);
    }
    Ok(Some(options))
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))
}

fn write(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, bytes)
        .and_then(|()| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)))
        .map_err(|error| format!("cannot write `{}`: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments() {
        let check = |words: &[&str], expect: Result<Option<Options>, &str>| {
            let found = parse(words.iter().map(|word| (*word).to_owned()));
            match expect {
                Ok(options) => assert_eq!(found, Ok(options), "{words:?}"),
                Err(start) => assert!(found.unwrap_err().starts_with(start), "{words:?}"),
            }
        };
        let options = |programs: &[(Arch, Option<&str>)], out: Option<&str>| {
            let programs = programs.iter().map(|(arch, path)| (*arch, path.map(PathBuf::from))).collect();
            Ok(Some(Options { programs, out: out.map(PathBuf::from) }))
        };
        check(&["help"], Ok(None));
        check(&["--arch", "arm64"], options(&[(Arch::Arm64, None)], None));
        check(
            &["--adapter", "x86_64=a=b", "--arch", "aarch64", "--arch", "x86_64", "--out", "o"],
            options(&[(Arch::X86_64, Some("a=b")), (Arch::Arm64, None)], Some("o")),
        );
        check(&["--arch"], Err("`--arch` needs a value"));
        check(&["--arch", "mips"], Err("`mips` is no architecture of Lambda"));
        check(&["--adapter", "x86_64"], Err("`x86_64` is not ARCH=PATH"));
        check(&["fast"], Err("`fast` is not an argument"));
    }
}
