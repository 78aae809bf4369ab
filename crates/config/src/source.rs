//! The only input and output of this crate: files and folders into texts.
//!
//! A path is a file of any name, or a folder, of which every `.yaml`, `.yml` and `.json` below it is read in name
//! order. Names that begin with a dot are passed over: editors and Kubernetes (`..data`, the folder behind a mounted
//! ConfigMap) keep their own things there. Files, bytes and depth are bounded.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::document::Span;
use crate::report::{Report, quoted};

/// One file.
pub const MAX_FILE: u64 = 4 << 20;
/// All files together.
const MAX_TOTAL: usize = 32 << 20;
/// Files below all folders.
const MAX_FILES: usize = 2000;
/// Folders inside each other.
const MAX_DEPTH: usize = 16;
/// A file behind `${file:…}`.
const MAX_REFERRED: u64 = 1 << 20;

/// A text and where relative paths in it start.
#[derive(Debug)]
pub struct Source {
    pub name: Arc<str>,
    pub folder: PathBuf,
    pub text: String,
}

/// Texts behind `${file:…}` by path, or why there is none.
pub type Files = BTreeMap<PathBuf, Result<String, String>>;

/// Reads every file that `paths` name. What cannot be read is reported.
pub fn read(paths: &[PathBuf], report: &mut Report, watched: &mut Vec<PathBuf>) -> Vec<Source> {
    let mut walk = Walk { report, watched, found: Vec::new(), seen: Vec::new(), full: false };
    for path in paths {
        walk.path(path);
    }
    let found = walk.found;
    let mut total = 0;
    let mut sources = Vec::new();
    for path in found {
        let name: Arc<str> = path.to_string_lossy().into();
        let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        match read_text(&path, MAX_FILE) {
            Ok(text) => {
                total += text.len();
                if total > MAX_TOTAL {
                    let message = format!("the files are larger than {} MiB together", MAX_TOTAL >> 20);
                    report.error_nowhere(message).help("name fewer files");
                    break;
                }
                sources.push(Source { name, folder, text });
            }
            Err(Unread::Io(error)) => {
                let message = format!("{} cannot be read: {}", quoted(&name), plain(&error));
                report.error_nowhere(message);
            }
            Err(Unread::TooLarge) => {
                let message = format!("{} is larger than {} MiB", quoted(&name), MAX_FILE >> 20);
                report.error_nowhere(message).help("split the file");
            }
            Err(Unread::NotUtf8 { line, column }) => {
                let span = Span { file: name, line, column, length: 1 };
                report.error(&span, "the file is not UTF-8").help("save it as UTF-8");
            }
        }
    }
    sources
}

/// Reads what `${file:…}` names; only regular files, so that none of them can be waited for.
pub fn read_referred(path: &Path) -> Result<String, String> {
    let metadata = fs::metadata(path).map_err(|error| plain(&error))?;
    if !metadata.is_file() {
        return Err("not a file".to_owned());
    }
    match read_text(path, MAX_REFERRED) {
        Ok(text) => Ok(text),
        Err(Unread::Io(error)) => Err(plain(&error)),
        Err(Unread::TooLarge) => Err(format!("larger than {} MiB", MAX_REFERRED >> 20)),
        Err(Unread::NotUtf8 { .. }) => Err("not UTF-8".to_owned()),
    }
}

struct Walk<'a> {
    report: &'a mut Report,
    watched: &'a mut Vec<PathBuf>,
    found: Vec<PathBuf>,
    /// Real paths, so that a file named twice, or a folder that links to itself, is read once.
    seen: Vec<PathBuf>,
    full: bool,
}

impl Walk<'_> {
    fn path(&mut self, path: &Path) {
        self.watched.push(path.to_path_buf());
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.folder(path, 0),
            Ok(_) => self.file(path),
            Err(error) => {
                let name = path.to_string_lossy();
                let message = format!("{} cannot be read: {}", quoted(&name), plain(&error));
                self.report.error_nowhere(message).help("`-c` takes a file or a folder that exists");
            }
        }
    }

    fn folder(&mut self, folder: &Path, depth: usize) {
        let name = folder.to_string_lossy().into_owned();
        if depth > MAX_DEPTH {
            let message = format!("{} is more than {MAX_DEPTH} folders deep", quoted(&name));
            self.report.error_nowhere(message).help("look for a link that leads back up");
            return;
        }
        if !self.is_new(folder) {
            return;
        }
        let entries: io::Result<Vec<fs::DirEntry>> = fs::read_dir(folder).and_then(|entries| {
            // One more than fits is enough to know that it does not.
            entries.take(MAX_FILES * 8).collect()
        });
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                self.report.error_nowhere(format!("{} cannot be read: {}", quoted(&name), plain(&error)));
                return;
            }
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            if self.full || entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            let Ok(metadata) = fs::metadata(&path) else { continue };
            if metadata.is_dir() {
                self.watched.push(path.clone());
                self.folder(&path, depth + 1);
            } else if metadata.is_file() && is_document(&path) {
                self.watched.push(path.clone());
                self.file(&path);
            }
        }
    }

    fn file(&mut self, path: &Path) {
        if self.full || !self.is_new(path) {
            return;
        }
        if self.found.len() >= MAX_FILES {
            self.full = true;
            let message = format!("there are more than {MAX_FILES} files");
            self.report.error_nowhere(message).help("name a folder with fewer documents");
            return;
        }
        self.found.push(path.to_path_buf());
    }

    fn is_new(&mut self, path: &Path) -> bool {
        let Ok(real) = fs::canonicalize(path) else { return true };
        let new = !self.seen.contains(&real);
        if new {
            self.seen.push(real);
        }
        new
    }
}

fn is_document(path: &Path) -> bool {
    path.extension()
        .is_some_and(|end| ["yaml", "yml", "json"].iter().any(|known| end.eq_ignore_ascii_case(known)))
}

enum Unread {
    Io(io::Error),
    TooLarge,
    NotUtf8 { line: u32, column: u32 },
}

fn read_text(path: &Path, limit: u64) -> Result<String, Unread> {
    let file = fs::File::open(path).map_err(Unread::Io)?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(Unread::Io)?;
    if bytes.len() as u64 > limit {
        return Err(Unread::TooLarge);
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let valid = String::from_utf8_lossy(valid);
        let line = valid.matches('\n').count() + 1;
        let column = valid.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        Unread::NotUtf8 {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
        }
    })
}

/// The system's words without its number.
fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string().to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{read, read_referred};
    use crate::report::Report;

    #[test]
    fn folders_in_name_order_without_dotfiles() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("b")).unwrap();
        fs::create_dir(at("..data")).unwrap();
        for name in ["c.yaml", "b/x.json", "a.yml", "note.txt", ".hidden.yaml", "..data/a.yml"] {
            fs::write(at(name), name).unwrap();
        }
        let mut report = Report::default();
        let mut watched = Vec::new();
        // The file is named twice, and read once.
        let paths = [folder.path().to_path_buf(), at("a.yml")];
        let sources = read(&paths, &mut report, &mut watched);
        let texts: Vec<&str> = sources.iter().map(|source| source.text.as_str()).collect();
        assert_eq!(texts, ["a.yml", "b/x.json", "c.yaml"]);
        assert_eq!(sources[1].folder, at("b"));
        assert!(watched.contains(&at("b")) && watched.contains(&at("c.yaml")));
        assert!(!report.has_errors());
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("latin.yaml"), b"a: b\nc: \xe9\n").unwrap();
        fs::write(at("large.yaml"), vec![b' '; (4 << 20) + 1]).unwrap();
        let mut report = Report::default();
        let paths = [at("latin.yaml"), at("large.yaml"), at("absent.yaml")];
        assert!(read(&paths, &mut report, &mut Vec::new()).is_empty());
        let text = report.finish(&[]).render_text();
        assert!(text.contains("latin.yaml:2:4: error: the file is not UTF-8"), "{text}");
        assert!(text.contains("is larger than 4 MiB"), "{text}");
        assert!(text.contains("absent.yaml` cannot be read: no such file"), "{text}");
        assert_eq!(read_referred(folder.path()), Err("not a file".to_owned()));
    }
}
