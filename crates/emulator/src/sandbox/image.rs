//! A container image, unpacked into a folder: what it starts, in which environment, and with which extensions.
//!
//! Two forms are taken. A *root* is the image's file system and nothing else, as `docker export` gives it; what it starts
//! must be said in the configuration. An *OCI bundle*, as `umoci unpack` makes it, has the file system in `rootfs`, and in
//! `config.json` the command, the variables and the working directory that ENTRYPOINT, CMD, ENV and WORKDIR made.
//!
//! Source: OCI runtime specification 1.1, `config.md`, `process`; Lambda developer guide, "Create a Lambda function using
//! a container image": the working directory is `/var/task` where the image says nothing.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::opt;

/// Largest `config.json`.
const CONFIG: u64 = 1 << 20;

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Image {
    /// The folder that is `/`.
    pub(crate) root: PathBuf,
    /// Its command. Empty for a mere root.
    pub(crate) command: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    /// The working directory, in the image.
    pub(crate) directory: String,
}

/// Reads what lies in `folder`.
pub(crate) fn open(folder: &Path) -> Result<Image, String> {
    let folder = std::path::absolute(folder).map_err(|error| error.to_string())?;
    let root = folder.join("rootfs");
    let file = folder.join("config.json");
    match File::open(&file) {
        Ok(config) if root.is_dir() => {
            bundle(root, config).map_err(|why| format!("`{}`: {why}", file.display()))
        }
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(format!("cannot read `{}`: {error}", file.display()))
        }
        _ if folder.is_dir() => {
            let directory = if folder.join("var/task").is_dir() { "/var/task" } else { "/" };
            Ok(Image { root: folder, directory: directory.to_owned(), ..Image::default() })
        }
        _ => Err(format!("`{}` is not a folder with an image in it", folder.display())),
    }
}

fn bundle(root: PathBuf, config: File) -> Result<Image, String> {
    #[derive(Deserialize)]
    struct Config {
        process: Process,
    }
    #[derive(Deserialize)]
    struct Process {
        #[serde(default)]
        args: Vec<String>,
        #[serde(default)]
        env: Vec<String>,
        cwd: String,
    }
    let mut text = Vec::new();
    config.take(CONFIG).read_to_end(&mut text).map_err(|error| error.to_string())?;
    let process = serde_json::from_slice::<Config>(&text).map_err(|error| error.to_string())?.process;
    let pair = |text: &String| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let env = process.env.iter().filter_map(pair).filter(|(name, _)| !name.is_empty()).collect();
    Ok(Image { root, command: process.args, env, directory: process.cwd })
}

impl Image {
    /// The extensions by name, each with its path in the image.
    pub(crate) fn extensions(&self) -> Result<Vec<(String, PathBuf)>, String> {
        let opt = self.root.join("opt");
        if !opt.is_dir() {
            return Ok(Vec::new());
        }
        let inside = |(name, _): (String, PathBuf)| {
            let path = Path::new("/opt/extensions").join(&name);
            (name, path)
        };
        Ok(opt::extensions(&opt)?.into_iter().map(inside).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_root_and_a_bundle() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let root = Image { root: path.to_owned(), directory: "/".to_owned(), ..Image::default() };
        assert_eq!(open(path), Ok(root.clone()));
        fs::create_dir_all(path.join("var/task")).unwrap();
        assert_eq!(open(path), Ok(Image { directory: "/var/task".to_owned(), ..root.clone() }));
        assert_eq!(root.extensions(), Ok(Vec::new()));

        fs::create_dir_all(path.join("rootfs/opt/extensions")).unwrap();
        fs::write(path.join("rootfs/opt/extensions/one"), "").unwrap();
        let config = r#"{"ociVersion":"1.0.0","process":{"args":["node","index.js"],"cwd":"/app","env":["A=b=c","EMPTY=","=x","odd"]}}"#;
        fs::write(path.join("config.json"), config).unwrap();
        let image = open(path).unwrap();
        let env = [("A".to_owned(), "b=c".to_owned()), ("EMPTY".to_owned(), String::new())];
        let command = vec!["node".to_owned(), "index.js".to_owned()];
        let expect =
            Image { root: path.join("rootfs"), command, env: env.into(), directory: "/app".to_owned() };
        assert_eq!(image, expect);
        let inside = PathBuf::from("/opt/extensions/one");
        assert_eq!(image.extensions(), Ok(vec![("one".to_owned(), inside)]));

        fs::write(path.join("config.json"), "{}").unwrap();
        assert!(open(path).unwrap_err().contains("config.json"));
        assert!(open(&path.join("nowhere")).unwrap_err().ends_with("is not a folder with an image in it"));
    }
}
