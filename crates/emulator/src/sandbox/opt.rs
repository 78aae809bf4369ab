//! The folder that stands for `/opt`, where Lambda unpacks layers and an image keeps its extensions.
//!
//! Every file in its `extensions` is started as an external extension, whose name is the file's; so on Lambda, where a
//! subfolder is passed over. Files whose name begins with a dot are passed over as well: they are this machine's.
//!
//! Source: Lambda developer guide, "Using the Lambda Extensions API to create extensions"; aws-lambda-runtime-interface-emulator.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The extensions by name, in its order. A folder without `extensions` has none.
pub(super) fn extensions(opt: &Path) -> Result<Vec<(String, PathBuf)>, String> {
    if !opt.is_dir() {
        return Err(format!("`{}` is not a folder", opt.display()));
    }
    let folder = absolute(opt.join("extensions"));
    let cannot = |error| format!("cannot read `{}`: {error}", folder.display());
    let entries = match std::fs::read_dir(&folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(cannot)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(cannot)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_file() && !name.starts_with('.') {
            found.push((name, path));
        }
    }
    found.sort();
    Ok(found)
}

/// Where `path` lies on this machine.
pub(super) fn inside(path: &str, opt: Option<&Path>) -> PathBuf {
    match (path.strip_prefix("/opt/"), opt) {
        (Some(rest), Some(opt)) => absolute(opt.join(rest)),
        _ => PathBuf::from(path),
    }
}

/// A child starts in the function's folder, and would look there for a relative path.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_order() {
        let folder = tempfile::tempdir().unwrap();
        let opt = folder.path();
        assert_eq!(extensions(opt), Ok(Vec::new()), "no extensions at all");
        std::fs::create_dir_all(opt.join("extensions/folder")).unwrap();
        for name in ["two", "one", ".gitkeep"] {
            std::fs::write(opt.join("extensions").join(name), "").unwrap();
        }
        let found = extensions(opt).unwrap();
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["one", "two"]);
        assert_eq!(found[0].1, opt.join("extensions/one"));
        let missing = extensions(&opt.join("nowhere")).unwrap_err();
        assert!(missing.ends_with("is not a folder"), "{missing}");
    }

    #[test]
    fn paths_below_opt() {
        let check = |path: &str, opt: Option<&str>, expect: &str| {
            assert_eq!(inside(path, opt.map(Path::new)), Path::new(expect), "{path} {opt:?}");
        };
        check("/opt/bootstrap", Some("/home/me/opt"), "/home/me/opt/bootstrap");
        check("/opt/bin/wrap", Some("/home/me/opt/"), "/home/me/opt/bin/wrap");
        check("/opt/bootstrap", None, "/opt/bootstrap");
        check("/option", Some("/home/me/opt"), "/option");
        check("/usr/bin/env", Some("/home/me/opt"), "/usr/bin/env");
    }
}
