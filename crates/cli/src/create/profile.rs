//! Keys from the shared credentials file.
//!
//! `AWS_SHARED_CREDENTIALS_FILE`, else `~/.aws/credentials`; the profile `AWS_PROFILE`, else `default`. Only keys that stand
//! in the file count: what a profile says about roles and processes makes credentials that end soon, and a Secret
//! stays. Source: AWS SDKs and Tools Reference Guide, shared config and credentials files.

use std::fmt;
use std::io::Read;
use std::path::PathBuf;

/// More than any such file has.
const MAX_FILE: u64 = 1 << 20;

/// A pair, perhaps temporary.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    pub access_key: String,
    pub secret_key: String,
    pub session_token: Option<String>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(***)")
    }
}

/// Keys, and where they were.
#[derive(Debug)]
pub struct Found {
    pub keys: Keys,
    pub origin: String,
}

/// The keys of the profile, or what the user can do.
pub fn read(env: &dyn Fn(&str) -> Option<String>) -> Result<Found, String> {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    let profile = set("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
    let path = match set("AWS_SHARED_CREDENTIALS_FILE") {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(set("HOME").ok_or("give `--access-key` and `--secret-key`")?)
            .join(".aws/credentials"),
    };
    let shown = path.display();
    let mut text = String::new();
    std::fs::File::open(&path).and_then(|file| file.take(MAX_FILE).read_to_string(&mut text)).map_err(
        |error| format!("give `--access-key` and `--secret-key`; `{shown}` cannot be read: {error}"),
    )?;
    match keys_of(&text, &profile) {
        Some(keys) => Ok(Found { keys, origin: format!("profile `{profile}` in `{shown}`") }),
        None => Err(format!(
            "give `--access-key` and `--secret-key`; profile `{profile}` in `{shown}` has no `aws_access_key_id` and \
             `aws_secret_access_key`"
        )),
    }
}

fn keys_of(text: &str, profile: &str) -> Option<Keys> {
    let mut here = false;
    let mut values = [None, None, None];
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            here = section.0.trim() == profile;
            continue;
        }
        let Some((name, value)) = line.split_once('=').filter(|_| here && !line.starts_with(['#', ';']))
        else {
            continue;
        };
        let names = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"];
        if let Some(at) = names.iter().position(|known| *known == name.trim()) {
            values[at] = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        }
    }
    let [access_key, secret_key, session_token] = values;
    Some(Keys { access_key: access_key?, secret_key: secret_key?, session_token })
}

#[cfg(test)]
mod tests {
    use super::keys_of;

    fn check(profile: &str, expect: Option<[&str; 3]>) {
        let text = "[default]\naws_access_key_id = A\naws_secret_access_key=b==\n\n# a note\n[ prod ]\n\
                    aws_access_key_id=P\n;aws_secret_access_key=no\naws_secret_access_key = p\naws_session_token = t\n\
                    [half]\naws_access_key_id=H\n[role]\nrole_arn = x\n";
        let found = keys_of(text, profile);
        let found = found.as_ref().map(|keys| {
            [&*keys.access_key, &*keys.secret_key, keys.session_token.as_deref().unwrap_or_default()]
        });
        assert_eq!(found, expect, "{profile}");
    }

    #[test]
    fn profiles() {
        check("default", Some(["A", "b==", ""]));
        check("prod", Some(["P", "p", "t"]));
        check("half", None);
        check("role", None);
        check("absent", None);
    }

    #[test]
    fn without_a_file() {
        let message = super::read(&|_| None).unwrap_err();
        assert_eq!(message, "give `--access-key` and `--secret-key`");
    }
}
