//! Source lines without their secrets.
//!
//! Two nets, since a line must be safe even when the file does not parse: values after a key whose name sounds secret
//! are masked by the look of the line alone, and lines that a dialect marked as holding a secret are masked after
//! their first `:` (or whole). A mask is as wide as what it hides, so that the marker below still points right.

/// Parts of names whose values are not shown.
const SECRET_WORDS: [&str; 11] = [
    "authorization",
    "secret",
    "token",
    "password",
    "passwd",
    "passphrase",
    "private_key",
    "api_key",
    "apikey",
    "access_key",
    "accesskey",
];

/// A secret of more lines than that is marked by its dialect.
const MAX_LOOK_BACK: usize = 200;

/// Whether the value of a key of this name is a secret.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    // `secretRef` and `secret_name` say which one, not what it is.
    let refers = name.ends_with("ref") || name.ends_with("name");
    !refers && SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// `line` with its secrets replaced by `*`; `secret` says that it holds one whatever it looks like.
pub fn mask(line: &str, secret: bool) -> String {
    let chars: Vec<char> = line.chars().collect();
    let mut out = chars.clone();
    if secret {
        let from = chars.iter().position(|&c| c == ':').map_or(0, |at| at + 1);
        hide(&mut out[from..]);
        return out.into_iter().collect();
    }
    hide_users(&mut out);
    let mut at = 0;
    while at < chars.len() {
        let end = at + chars[at..].iter().take_while(|&&c| is_word(c)).count();
        if end == at {
            at += 1;
            continue;
        }
        let word: String = chars[at..end].iter().collect();
        at = end;
        if !is_secret_name(&word) {
            continue;
        }
        // Between a name and its value stand quotes, blanks and one `:` or `=`.
        let start = end + chars[end..].iter().take_while(|&&c| matches!(c, '"' | '\'' | ' ' | '\t')).count();
        match chars.get(start) {
            Some(':' | '=') => {
                let stop = value_end(&chars, start + 1);
                hide(&mut out[start + 1..stop]);
                at = stop;
            }
            // A forgotten `:` must not show the value either.
            Some(c) if start > end && is_word(*c) => {
                let stop = value_end(&chars, start);
                hide(&mut out[start..stop]);
                at = stop;
            }
            _ => {}
        }
    }
    out.into_iter().collect()
}

/// `text` without the names and passwords of its URLs, as in `http://user:password@host`: what a message quotes.
pub fn without_users(text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    hide_users(&mut chars);
    chars.into_iter().collect()
}

/// Masks what stands between `//` and the `@` of the same authority.
fn hide_users(chars: &mut [char]) {
    let mut at = 0;
    while let Some(found) = chars[at..].windows(3).position(|three| three == [':', '/', '/']) {
        let start = at + found + 3;
        let authority = chars[start..]
            .iter()
            .position(|&c| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '`'))
            .map_or(chars.len(), |length| start + length);
        if let Some(user) = chars[start..authority].iter().rposition(|&c| c == '@') {
            hide(&mut chars[start..start + user]);
        }
        at = authority;
    }
}

/// Whether the line at `index` goes on with a value whose key, in a line above and further left, is a secret's.
pub fn continues_secret(lines: &[&str], index: usize) -> bool {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let Some(line) = lines.get(index) else { return false };
    let above = lines[..index].iter().rev().take(MAX_LOOK_BACK);
    let parent = above.copied().find(|above| !above.trim().is_empty() && indent(above) < indent(line));
    parent.and_then(|parent| parent.split_once(':')).is_some_and(|(key, _)| is_secret_name(key))
}

/// The end of the value that begins at `from`: a closing quote, or what ends a plain value in a flow map.
fn value_end(chars: &[char], from: usize) -> usize {
    let start = from + chars[from..].iter().take_while(|c| c.is_whitespace()).count();
    match chars.get(start) {
        Some(&quote @ ('"' | '\'')) => {
            chars[start + 1..].iter().position(|&c| c == quote).map_or(chars.len(), |at| start + 1 + at + 1)
        }
        // No list or map belongs here, but what was put into one is a secret all the same.
        Some('{' | '[') => chars[start..]
            .iter()
            .position(|&c| matches!(c, '}' | ']'))
            .map_or(chars.len(), |at| start + at + 1),
        _ => chars[start..]
            .iter()
            .position(|&c| matches!(c, ',' | '}' | ']'))
            .map_or(chars.len(), |at| start + at),
    }
}

/// Blanks stay, so that the line keeps its shape, and references stay: they name a secret, and are none.
fn hide(chars: &mut [char]) {
    let text: String = chars.iter().collect();
    if text.contains("${env:") || text.contains("${file:") {
        return;
    }
    for c in chars {
        if !c.is_whitespace() && !matches!(c, '"' | '\'') {
            *c = '*';
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

#[cfg(test)]
mod tests {
    use super::{continues_secret, mask};

    fn check(line: &str, expect: &str) {
        assert_eq!(mask(line, false), expect);
    }

    #[test]
    fn by_the_look_of_the_line() {
        check("region: us-east-1", "region: us-east-1");
        check("set: { authorization: Bearer abc, a: b }", "set: { authorization: ****** ***, a: b }");
        check("  secret_access_key: abc", "  secret_access_key: ***");
        check(
            "{ access_key_id: AK, secret_access_key: \"x,y\" }",
            "{ access_key_id: **, secret_access_key: \"***\" }",
        );
        check("env: { DB_PASSWORD: hunter2, A: b }", "env: { DB_PASSWORD: *******, A: b }");
        check("secret_access_key hunter2", "secret_access_key *******");
        check("\"session_token\" : \"abc\",", "\"session_token\" : \"***\",");
        check("secret_access_key: ${env:KEY}", "secret_access_key: ${env:KEY}");
        check("{ token: [a, b], c: d }", "{ token: *** **, c: d }");
        check("url: http://ada:pass:word@host/a@b", "url: http://*************@host/a@b");
        check("[http://a@b@c, \"https://d:e@f\"]", "[http://***@c, \"https://***@f\"]");
        check("url: http://${env:USER}@host", "url: http://${env:USER}@host");
        check("url: http://host/a@b # ://", "url: http://host/a@b # ://");
        check("password: 'no end", "password: '** ***");
        check("accessKey: QUtJQQ==", "accessKey: ********");
        check("secretRef: { name: aws-creds }", "secretRef: { name: aws-creds }");
    }

    #[test]
    fn marked_lines() {
        assert_eq!(mask("    abc def", true), "    *** ***");
        assert_eq!(mask("  x: abc", true), "  x: ***");
    }

    #[test]
    fn lines_below_a_secret_name() {
        let lines = ["a:", "  secret_access_key: |", "    abc", "", "    def", "  region: x", "b: c"];
        let found: Vec<bool> = (0..lines.len()).map(|index| continues_secret(&lines, index)).collect();
        assert_eq!(found, [false, false, true, false, true, false, false]);
    }
}
