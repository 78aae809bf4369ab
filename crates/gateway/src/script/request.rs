//! `request`: what a script sees of the request and may change.
//!
//! A method with one argument less reads, with one more it writes. Parameters are called as KrakenD calls them, with their
//! first letter in upper case. The path is the client's: KrakenD shows the backend's `url_pattern`, which for a Lambda
//! backend is a dummy.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use mlua::{Lua, MultiValue, UserData, UserDataMethods, Value};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use super::Scripted;
use super::value::{self, Item};

/// What may not stand in a path as it is.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'%');
/// What may not stand in a query as it is; escapes are the script's.
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');
/// What may not stand in a parameter, of the path or of the query, as it is.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The request of one run.
#[derive(Debug)]
pub(super) struct Request {
    head: Parts,
    head_changed: bool,
    body: Bytes,
    parameters: Vec<(String, String)>,
}

impl Request {
    pub(super) fn new(head: Parts, parameters: &[(&str, &str)], body: Bytes) -> Self {
        let decoded = |(name, value): &(&str, &str)| {
            ((*name).to_owned(), percent_decode_str(value).decode_utf8_lossy().into_owned())
        };
        Self { head, head_changed: false, body, parameters: parameters.iter().map(decoded).collect() }
    }

    pub(super) fn into_scripted(self) -> Scripted {
        let encoded =
            |(name, value): (String, String)| (name, percent_encode(value.as_bytes(), PART).to_string());
        Scripted {
            head: self.head_changed.then_some(self.head),
            body: self.body,
            parameters: self.parameters.into_iter().map(encoded).collect(),
        }
    }

    fn query(&self) -> &str {
        self.head.uri.query().unwrap_or_default()
    }

    /// Sorted by key and encoded anew, as Go does it.
    fn sorted_query(&self) -> String {
        let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).collect::<Vec<u8>>();
        let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = self
            .query()
            .split('&')
            .filter(|part| !part.is_empty())
            .map(|part| part.split_once('=').unwrap_or((part, "")))
            .map(|(name, value)| (decode(name), decode(value)))
            .collect();
        pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
        let encode = |bytes: &[u8]| percent_encode(bytes, PART).to_string().replace("%20", "+");
        let parts: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        parts.join("&")
    }

    fn set_target(&mut self, path: &str, query: &str) -> mlua::Result<()> {
        let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        let wrong = || mlua::Error::runtime("this is not a path and a query");
        let target: PathAndQuery = target.parse().map_err(|_| wrong())?;
        let mut parts = std::mem::take(&mut self.head.uri).into_parts();
        parts.path_and_query = Some(target);
        self.head.uri = Uri::from_parts(parts).map_err(|_| wrong())?;
        self.head_changed = true;
        Ok(())
    }

    fn parameter(&self, name: &str) -> &str {
        self.parameters.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    fn set_parameter(&mut self, name: String, value: String) {
        match self.parameters.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.parameters.push((name, value)),
        }
    }
}

/// The request as Lua holds it.
#[derive(Debug, Clone)]
pub(super) struct Shared(Rc<RefCell<Request>>);

impl Shared {
    pub(super) fn new(request: Request) -> Self {
        Self(Rc::new(RefCell::new(request)))
    }

    /// `request.load()`.
    pub(super) fn install(&self, lua: &Lua) -> mlua::Result<()> {
        let shared = self.clone();
        let table = lua.create_table()?;
        table.set("load", lua.create_function(move |_, _: MultiValue| Ok(shared.clone()))?)?;
        lua.globals().set("request", table)
    }

    /// What became of it; the state is gone.
    pub(super) fn take(self) -> Request {
        let empty = || Request::new(http::Request::new(()).into_parts().0, &[], Bytes::new());
        self.0.replace_with(|_| empty())
    }
}

impl UserData for Shared {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        access(
            methods,
            "method",
            |request| request.head.method.as_str().into(),
            |request, text| {
                request.head.method =
                    Method::from_bytes(text).map_err(|_| mlua::Error::runtime("this is not a method"))?;
                request.head_changed = true;
                Ok(())
            },
        );
        access(
            methods,
            "path",
            |request| percent_decode_str(request.head.uri.path()).collect(),
            |request, text| {
                let path = percent_encode(text, PATH).to_string();
                let path = if path.starts_with('/') { path } else { format!("/{path}") };
                let query = request.query().to_owned();
                request.set_target(&path, &query)
            },
        );
        access(
            methods,
            "url",
            |request| request.head.uri.path_and_query().map_or("/", PathAndQuery::as_str).into(),
            |request, text| {
                let text = String::from_utf8_lossy(text);
                // Of a whole URL the part behind the host.
                let rest = text
                    .split_once("://")
                    .map_or(&*text, |(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
                let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
                request.set_target(path, &percent_encode(query.as_bytes(), QUERY).to_string())
            },
        );
        access(
            methods,
            "query",
            |request| request.sorted_query().into(),
            |request, text| {
                let path = request.head.uri.path().to_owned();
                request.set_target(&path, &percent_encode(text, QUERY).to_string())
            },
        );
        access(
            methods,
            "body",
            |request| request.body.to_vec(),
            |request, text| {
                request.body = Bytes::copy_from_slice(text);
                Ok(())
            },
        );
        methods.add_method("params", params);
        methods.add_method("headers", headers);
        methods.add_method("headerList", header_list);
    }
}

/// A method that reads without an argument and writes with one.
fn access<M: UserDataMethods<Shared>>(
    methods: &mut M,
    name: &'static str,
    get: fn(&Request) -> Vec<u8>,
    set: fn(&mut Request, &[u8]) -> mlua::Result<()>,
) {
    methods.add_method(name, move |lua, this, arguments: MultiValue| match arguments.front() {
        None => Ok(Value::String(lua.create_string(get(&this.0.borrow()))?)),
        Some(value) => {
            set(&mut this.0.borrow_mut(), &value::text(lua, value)?)?;
            Ok(Value::Nil)
        }
    });
}

fn params(lua: &Lua, this: &Shared, arguments: MultiValue) -> mlua::Result<Value> {
    let mut arguments = arguments.iter();
    match (arguments.next(), arguments.next()) {
        (None, _) => {
            let pairs = this.0.borrow().parameters.clone();
            let items = pairs.into_iter().map(|(name, value)| (name, Item::Text(value.into_bytes())));
            Item::table(items).into_value(lua)
        }
        (Some(name), None) => {
            let name = value::string(lua, name)?;
            Ok(Value::String(lua.create_string(this.0.borrow().parameter(&name))?))
        }
        (Some(name), Some(value)) => {
            let (name, value) = (value::string(lua, name)?, value::string(lua, value)?);
            value::hold(lua, name.len() + value.len())?;
            this.0.borrow_mut().set_parameter(name, value);
            Ok(Value::Nil)
        }
    }
}

fn headers(lua: &Lua, this: &Shared, arguments: MultiValue) -> mlua::Result<Value> {
    let mut arguments = arguments.iter();
    match (arguments.next(), arguments.next()) {
        (None, _) => {
            let request = this.0.borrow();
            let fields = &request.head.headers;
            let items = fields.keys().map(|name| (canonical(name), values(fields, name)));
            Item::table(items).into_value(lua)
        }
        (Some(name), None) => {
            let request = this.0.borrow();
            let value = header_name(lua, name)?.and_then(|name| request.head.headers.get(name));
            Ok(Value::String(lua.create_string(value.map_or(&b""[..], HeaderValue::as_bytes))?))
        }
        (Some(name), Some(Value::Nil)) => {
            if let Some(name) = header_name(lua, name)? {
                let mut request = this.0.borrow_mut();
                request.head.headers.remove(name);
                request.head_changed = true;
            }
            Ok(Value::Nil)
        }
        (Some(name), Some(value)) => {
            let text = value::text(lua, value)?;
            replace(lua, this, header_name(lua, name)?, &[text])
        }
    }
}

fn header_list(lua: &Lua, this: &Shared, arguments: MultiValue) -> mlua::Result<Value> {
    let mut arguments = arguments.iter();
    let name = arguments.next().ok_or_else(|| mlua::Error::runtime("need arguments"))?;
    let name = header_name(lua, name)?;
    match arguments.next() {
        None => {
            let request = this.0.borrow();
            let found = name.map_or(Item::list(Vec::new()), |name| values(&request.head.headers, &name));
            found.into_value(lua)
        }
        Some(value) => {
            let Some(Item::List(list)) = Item::from_user_data(value) else {
                return Err(mlua::Error::runtime("invalid header value, must be a luaList"));
            };
            let texts: Vec<Vec<u8>> = list.borrow().iter().filter_map(Item::as_text).collect();
            replace(lua, this, name, &texts)
        }
    }
}

fn values(fields: &HeaderMap, name: &HeaderName) -> Item {
    Item::list(fields.get_all(name).iter().map(|value| Item::Text(value.as_bytes().to_vec())).collect())
}

fn replace(lua: &Lua, this: &Shared, name: Option<HeaderName>, texts: &[Vec<u8>]) -> mlua::Result<Value> {
    let name = name.ok_or_else(|| mlua::Error::runtime("this is not the name of a header"))?;
    let mut request = this.0.borrow_mut();
    request.head.headers.remove(&name);
    for text in texts {
        let value = HeaderValue::from_bytes(text)
            .map_err(|_| mlua::Error::runtime("this is not the value of a header"))?;
        value::hold(lua, text.len())?;
        // A map of headers has a bound of its own.
        let appended = request.head.headers.try_append(name.clone(), value);
        appended.map_err(|_| mlua::Error::runtime("too many headers"))?;
    }
    request.head_changed = true;
    Ok(Value::Nil)
}

/// `None` for what no header can be called.
fn header_name(lua: &Lua, value: &Value) -> mlua::Result<Option<HeaderName>> {
    Ok(HeaderName::from_bytes(&value::text(lua, value)?).ok())
}

/// `Content-Type`, as Go writes names.
fn canonical(name: &HeaderName) -> String {
    let parts: Vec<String> = name.as_str().split('-').map(capital).collect();
    parts.join("-")
}

fn capital(part: &str) -> String {
    let mut chars = part.chars();
    chars.next().map_or(String::new(), |first| first.to_ascii_uppercase().to_string() + chars.as_str())
}
