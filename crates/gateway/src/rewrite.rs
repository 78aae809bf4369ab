//! Another path in place of the one that was asked for.
//!
//! A prefix is replaced once, on a segment boundary: the segments that matched go, the rest stays byte for byte as it was
//! sent. `/foo/bar` with `/foo` for `/xyz` is `/xyz/bar`, and `/foo` alone is `/xyz` (Gateway API, HTTPPathModifier).

use lambridge_model::{PathMatch, PathRewrite, Segment};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::router;

/// What a path cannot have as it is; `%` stays, since a configured path may be encoded already. RFC 3986 section 3.3.
const OUTSIDE: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'?').add(b'`').add(b'{').add(b'}');

/// A compiled [`PathRewrite`].
#[derive(Debug)]
pub(crate) enum PathRule {
    Whole(Vec<Piece>),
    /// The first `depth` segments become `by`, which is empty for `/`.
    Prefix {
        depth: usize,
        by: String,
    },
}

#[derive(Debug)]
pub(crate) enum Piece {
    Text(String),
    /// What stands at this segment of the path that was asked for.
    Segment {
        index: usize,
        rest: bool,
    },
}

impl PathRule {
    /// `matched` is the path match of the same route.
    pub(crate) fn new(rewrite: &PathRewrite, matched: &PathMatch) -> Result<Self, String> {
        match rewrite {
            PathRewrite::Prefix(by) => {
                let depth = match matched {
                    PathMatch::Prefix(prefix) => depth(prefix),
                    PathMatch::PrefixTemplate(template) => depth(template.as_str()),
                    PathMatch::Template(_) | PathMatch::Regex(_) => {
                        return Err("a prefix is rewritten, and the path is matched as a whole".to_owned());
                    }
                };
                Ok(Self::Prefix { depth, by: encoded(by.trim_end_matches('/')) })
            }
            PathRewrite::Path(template) => {
                let known: Vec<(&str, usize, bool)> = match matched {
                    PathMatch::Template(matched) | PathMatch::PrefixTemplate(matched) => {
                        matched.parameters().collect()
                    }
                    PathMatch::Prefix(_) | PathMatch::Regex(_) => Vec::new(),
                };
                let pieces = template.segments().iter().map(|segment| match segment {
                    Segment::Literal(text) => Ok(Piece::Text(encoded(text))),
                    Segment::Param { name, .. } => known
                        .iter()
                        .find(|(other, _, _)| other == name)
                        // All that was matched, however it is written here: only a last one may be written `{rest+}`.
                        .map(|&(_, index, rest)| Piece::Segment { index, rest })
                        .ok_or_else(|| format!("the path that is matched has no parameter `{name}`")),
                });
                Ok(Self::Whole(pieces.collect::<Result<_, _>>()?))
            }
        }
    }

    /// The new path. `path` is the one that was asked for, as sent.
    pub(crate) fn apply(&self, path: &str) -> String {
        match self {
            Self::Whole(pieces) => {
                let mut out = String::with_capacity(path.len() + 16);
                for piece in pieces {
                    out.push('/');
                    out.push_str(match piece {
                        Piece::Text(text) => text,
                        Piece::Segment { index, rest } => router::segment(path, *index, *rest),
                    });
                }
                out
            }
            Self::Prefix { depth, by } => {
                let out = format!("{by}{}", after(path, *depth));
                if out.is_empty() { "/".to_owned() } else { out }
            }
        }
    }
}

/// Segments of a prefix; `/` has none.
fn depth(prefix: &str) -> usize {
    let inner = prefix.trim_matches('/');
    if inner.is_empty() { 0 } else { inner.split('/').count() }
}

/// What follows the first `depth` segments, with its `/`.
fn after(path: &str, depth: usize) -> &str {
    let mut rest = path;
    for _ in 0..depth {
        let inner = rest.strip_prefix('/').unwrap_or(rest);
        rest = inner.find('/').map_or("", |at| &inner[at..]);
    }
    rest
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, OUTSIDE).to_string()
}

#[cfg(test)]
mod tests {
    use lambridge_model::{PathMatch, PathRewrite};

    use super::PathRule;

    fn check(matched: PathMatch, rewrite: PathRewrite, path: &str, expect: &str) {
        let rule = PathRule::new(&rewrite, &matched).unwrap();
        assert_eq!(rule.apply(path), expect, "{matched:?} {rewrite:?} {path}");
    }

    /// The table of the Gateway API's HTTPPathModifier.
    #[test]
    fn prefixes() {
        for (path, prefix, by, expect) in [
            ("/foo/bar", "/foo", "/xyz", "/xyz/bar"),
            ("/foo/bar", "/foo", "/xyz/", "/xyz/bar"),
            ("/foo/bar", "/foo/", "/xyz", "/xyz/bar"),
            ("/foo", "/foo", "/xyz", "/xyz"),
            ("/foo/", "/foo", "/xyz", "/xyz/"),
            ("/foo/bar", "/foo", "/", "/bar"),
            ("/foo/", "/foo", "/", "/"),
            ("/foo", "/foo", "/", "/"),
            ("/a%2Fb/c//d", "/a%2Fb", "/x", "/x/c//d"),
            ("/any", "/", "/x", "/x/any"),
            ("/f/a", "/f", "/caf\u{e9} b", "/caf%C3%A9%20b/a"),
        ] {
            check(PathMatch::Prefix(prefix.into()), PathRewrite::Prefix(by.into()), path, expect);
        }
        let template = || PathMatch::PrefixTemplate("/t/{tenant}".parse().unwrap());
        check(template(), PathRewrite::Prefix("/x".into()), "/t/7/a/b", "/x/a/b");
    }

    #[test]
    fn whole_paths() {
        let template = |text: &str| PathMatch::Template(text.parse().unwrap());
        let to = |text: &str| PathRewrite::Path(text.parse().unwrap());
        check(template("/a/{id}"), to("/b/{id}/c"), "/a/x%20y", "/b/x%20y/c");
        check(template("/a/{rest+}"), to("/{rest+}"), "/a/b/c", "/b/c");
        check(template("/a/{rest+}"), to("/x/{rest}"), "/a/b/c", "/x/b/c");
        check(template("/a/{id}/{rest+}"), to("/{rest}/of/{id}"), "/a/1/b//c", "/b//c/of/1");
        check(template("/a/{id}"), to("/x/{id+}"), "/a/b", "/x/b");
        check(PathMatch::Regex("/.*".into()), to("/x"), "/anything", "/x");
        check(PathMatch::Prefix("/".into()), to("/"), "/anything", "/");
        assert!(PathRule::new(&to("/{no}"), &template("/{id}")).is_err());
        assert!(PathRule::new(&PathRewrite::Prefix("/".into()), &template("/{id}")).is_err());
    }
}
