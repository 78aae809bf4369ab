//! Which request goes where.

use std::fmt;
use std::str::FromStr;

use crate::{Canary, Origin, Policies, Redirect, Upstream};

/// One route. Precedence is the router's affair; order here is file order.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// Unique in a model.
    pub id: String,
    /// Which requests.
    pub matcher: Matcher,
    /// Listener addresses this route is limited to, as written; empty for all.
    pub listeners: Vec<std::net::SocketAddr>,
    /// Where they go.
    pub target: Target,
    /// How a weighted set chooses; plain for every other target.
    pub canary: Canary,
    /// Whose error answers clients get.
    pub errors: Errors,
    /// Among the routes of one host, a lower one is asked first, whatever its path; 0 where only the rules of
    /// precedence count.
    pub order: u32,
    /// Lua that runs around the call.
    pub scripts: Option<Scripts>,
    /// What is done to requests and answers on their way.
    pub policies: Policies,
    /// For messages.
    pub origin: Origin,
}

impl Route {
    /// A route with every default, and no id yet.
    pub fn new(matcher: Matcher, target: Target) -> Self {
        Self {
            id: String::new(),
            matcher,
            listeners: Vec::new(),
            target,
            canary: Canary::default(),
            errors: Errors::Native,
            order: 0,
            scripts: None,
            policies: Policies::default(),
            origin: Origin::default(),
        }
    }
}

/// What a request must be like. Empty parts match everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matcher {
    /// Lower case, without port; `*.example.com` is one or more labels.
    pub host: Option<String>,
    /// The path part.
    pub path: PathMatch,
    /// Upper case; empty for all.
    pub methods: Vec<String>,
    /// Lower-case name, and what one of its lines must be like.
    pub headers: Vec<(String, ValueMatch)>,
    /// Decoded key, and what its first decoded value must be like.
    pub query: Vec<(String, ValueMatch)>,
}

/// What a header or a parameter of the query must be like.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ValueMatch {
    /// This value.
    Exact(String),
    /// A value of this pattern, anchored at both ends when compiled.
    Regex(String),
    /// There with any value, or not there.
    Present(bool),
}

impl From<&str> for ValueMatch {
    fn from(value: &str) -> Self {
        Self::Exact(value.to_owned())
    }
}

impl Matcher {
    /// Matches every request with such a path.
    pub fn path(path: PathMatch) -> Self {
        Self { host: None, path, methods: Vec::new(), headers: Vec::new(), query: Vec::new() }
    }
}

/// How a path is matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathMatch {
    /// Segments, some of them parameters. A template without parameters is an exact path.
    Template(Template),
    /// Whole segments: `/a` matches `/a` and `/a/b`, not `/ab`. Without a trailing `/` except for `/` itself.
    Prefix(String),
    /// The same with parameters in it, none of which takes the rest.
    PrefixTemplate(Template),
    /// Anchored at both ends when compiled.
    Regex(String),
}

/// A path template such as `/users/{id}/files/{path+}`. Made only by parsing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    segments: Vec<Segment>,
}

/// One segment of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// Matches itself.
    Literal(String),
    /// `{id}`: one segment, `{rest+}`: one or more, to the end.
    Param {
        /// The name between the braces.
        name: String,
        /// One or the rest.
        kind: ParamKind,
    },
}

/// How much a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamKind {
    /// Exactly one non-empty segment.
    One,
    /// One or more segments, the rest of the path.
    Rest,
}

/// Why a text is no template.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not a path template: {reason}")]
pub struct TemplateError {
    /// The text.
    pub text: String,
    /// What is wrong.
    pub reason: &'static str,
}

impl Template {
    /// As written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
    /// In order; the root path has one empty literal.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }
    /// The parameters: name, index of the segment, whether it takes the rest.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, usize, bool)> {
        self.segments.iter().enumerate().filter_map(|(index, segment)| match segment {
            Segment::Literal(_) => None,
            Segment::Param { name, kind } => Some((name.as_str(), index, *kind == ParamKind::Rest)),
        })
    }
    /// Whether it has no parameters.
    pub fn is_exact(&self) -> bool {
        self.segments.iter().all(|segment| matches!(segment, Segment::Literal(_)))
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let wrong = |reason| TemplateError { text: text.to_owned(), reason };
        let Some(rest) = text.strip_prefix('/') else { return Err(wrong("it must start with `/`")) };
        if text.contains(['?', '#']) {
            return Err(wrong("a path has no `?` or `#`"));
        }
        let mut segments = Vec::new();
        let mut names: Vec<&str> = Vec::new();
        let parts: Vec<&str> = rest.split('/').collect();
        for (index, part) in parts.iter().enumerate() {
            if !part.contains(['{', '}']) {
                segments.push(Segment::Literal((*part).to_owned()));
                continue;
            }
            let inner = part
                .strip_prefix('{')
                .and_then(|part| part.strip_suffix('}'))
                .ok_or_else(|| wrong("a parameter is a whole segment, `{name}`"))?;
            let (name, kind) = match inner.strip_suffix('+') {
                Some(name) => (name, ParamKind::Rest),
                None => (inner, ParamKind::One),
            };
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b)) {
                return Err(wrong("a parameter's name has letters, digits, `_`, `-` and `.` only"));
            }
            if kind == ParamKind::Rest && index + 1 != parts.len() {
                return Err(wrong("`{name+}` must be the last segment"));
            }
            if names.contains(&name) {
                return Err(wrong("a parameter's name stands twice"));
            }
            names.push(name);
            segments.push(Segment::Param { name: name.to_owned(), kind });
        }
        Ok(Self { text: text.to_owned(), segments })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Where a matched request goes.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// One function or a weighted set, by key. Never empty; keys exist in the model.
    Functions(Vec<Weighted>),
    /// A function that the request names.
    FunctionFrom(FunctionFrom),
    /// An HTTP service.
    Upstream(Upstream),
    /// Elsewhere, for the client to go to.
    Redirect(Redirect),
    /// The same answer each time.
    Static(StaticAnswer),
}

/// A function whose name comes with the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionFrom {
    /// Key of the function that has every setting but the name.
    pub function: String,
    /// Where the name stands.
    pub source: NameSource,
    /// Names that may be called: a name as it is written, or one with `*` for any characters. Never empty.
    pub allow: Vec<String>,
}

/// Where a request names its function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameSource {
    /// A parameter of the path, or one that a script sets.
    Path(String),
    /// A header, in lower case.
    Header(String),
    /// A query parameter.
    Query(String),
}

/// Lua around a call, in the terms of KrakenD's backend modifier: the sources and `pre` run before the event is made,
/// `post` on the answer. Lua 5.1; a fresh state for each request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scripts {
    /// Run first, in order.
    pub sources: Vec<ScriptSource>,
    /// Code that runs before the call.
    pub pre: Option<String>,
    /// Code that runs after it.
    pub post: Option<String>,
    /// `string`, `math`, `os` and the like are there.
    pub open_libs: bool,
    /// For messages.
    pub origin: Origin,
}

/// One file of Lua, already read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScriptSource {
    /// As it was named, for messages.
    pub name: String,
    /// The code.
    pub text: String,
}

/// A share of the requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weighted {
    /// Key in [`crate::Model::functions`].
    pub function: String,
    /// 1 when absent; 0 gets nothing.
    pub weight: u32,
}

/// An answer from the configuration itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaticAnswer {
    /// 200..=599.
    pub status: u16,
    /// In order.
    pub headers: Vec<(String, String)>,
    /// The bytes.
    pub body: Vec<u8>,
}

/// Whose style error answers have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Errors {
    /// `application/problem+json`.
    #[default]
    Native,
    /// runway: 502 with the function's error payload.
    Runway,
    /// KrakenD: the status alone, with its own headers.
    Krakend,
    /// Envoy, for kgateway and Gloo.
    Envoy,
}

#[cfg(test)]
mod tests {
    use super::{ParamKind, Segment, Template};

    #[test]
    fn templates() {
        let template: Template = "/users/{id}/files/{rest+}".parse().unwrap();
        assert_eq!(template.segments().len(), 4);
        assert_eq!(template.segments()[3], Segment::Param { name: "rest".into(), kind: ParamKind::Rest });
        assert!("/a/b".parse::<Template>().unwrap().is_exact());
        for wrong in ["", "a", "/{}", "/{a", "/x{a}", "/{a+}/b", "/{a}/{a}", "/a?b", "/{a b}"] {
            assert!(wrong.parse::<Template>().is_err(), "{wrong}");
        }
    }
}
