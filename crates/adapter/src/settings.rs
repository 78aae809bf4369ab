//! What the environment says: the settings of the adapter, each with its older name and default.
//!
//! A value that cannot be read is a [`Warning`] and the default holds, because a function that starts with a default
//! answers. Where no default can be meant (the application is somewhere else, or a hook would be left out) it is a
//! [`Settings::fault`], which ends the init phase with its name.
//!
//! Source: the documentation of AWS Lambda Web Adapter 1.0, whose settings these are, and of Lambda's own variables.
//! [`TABLE`] has them all.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use crate::log::Level;
use crate::snapstart::{Hook, Hooks};

mod parse;
mod table;
pub use parse::StatusSet;
use parse::{boolean, endpoint, filtered, namespace, port, seconds};
pub use table::{Entry, TABLE};

const PORT: &str = "a port from 1 to 65535";

/// Lambda ends an init phase after ten seconds; this leaves it the rest.
const ASYNC_INIT: Duration = Duration::from_millis(9_800);

/// The adapter's settings, all of them read and checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The Runtime API; `None` outside Lambda.
    pub runtime_api: Option<Endpoint>,
    /// Where extensions register: never the proxy.
    pub extensions_api: Endpoint,
    /// The application.
    pub app: Endpoint,
    /// How to find out that the application is up.
    pub readiness: Readiness,
    /// End the init phase after so long, whether the application is up or not.
    pub async_init: Option<Duration>,
    /// Removed from the front of the path; starts with `/`, does not end with one.
    pub remove_base_path: Option<String>,
    /// Where events that are not HTTP are posted.
    pub pass_through_path: String,
    /// Where the events of WebSocket APIs are posted; without it they are passed through as any other.
    pub websocket_path: Option<String>,
    /// What the application does around a snapshot.
    pub snapstart: Hooks,
    /// This header's value becomes `authorization`.
    pub authorization_source: Option<HeaderName>,
    /// Answers with such a status are invocation errors.
    pub error_status_codes: StatusSet,
    /// How answers go back.
    pub invoke_mode: InvokeMode,
    /// Compress answers.
    pub compression: bool,
    /// How long a connection to the application may lie idle and be used again; zero: never.
    pub pool_idle_timeout: Duration,
    /// Invocations at once (Managed Instances).
    pub workers: usize,
    /// What Lambda says about the function.
    pub function: Function,
    /// Least severe level that is logged.
    pub log_level: Level,
    /// The application is one for Lambda Web Functions.
    pub web_function: bool,
    /// One JSON object a line.
    pub log_json: bool,
    /// A line for each invocation, whatever the level.
    pub access_log: bool,
    /// The namespace of the metrics; `None`: there are none.
    pub metrics: Option<String>,
    /// A value that cannot be read and has no default that could be meant: the function must not start.
    pub fault: Option<String>,
}

/// `host:port` with an optional path in front of every path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Name or address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Empty, or starts with `/` and does not end with one.
    pub base: String,
    /// `host:port` as the `Host` header has it.
    pub authority: HeaderValue,
    /// A Unix socket in place of host and port.
    pub socket: Option<PathBuf>,
    /// What is spoken there.
    pub speaks: Speaks,
}

/// What is spoken over connections to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 without TLS, known beforehand (RFC 9113, section 3.3).
    H2c,
}

/// The readiness check.
#[derive(Debug, Clone)]
pub struct Readiness {
    /// Where.
    pub endpoint: Endpoint,
    /// Path, with a query if wanted.
    pub path: String,
    /// How.
    pub protocol: Protocol,
    /// Which answers count as up.
    pub healthy: StatusSet,
    /// Then the init phase fails.
    pub timeout: Option<Duration>,
}

/// How readiness is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// GET, and a healthy status.
    Http,
    /// A connection that is accepted.
    Tcp,
}

/// `AWS_LWA_INVOKE_MODE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvokeMode {
    /// One payload.
    Buffered,
    /// A stream with the head in a prelude.
    ResponseStream,
}

/// What Lambda says about the function.
#[derive(Debug, Clone, Default)]
pub struct Function {
    /// `AWS_LAMBDA_FUNCTION_NAME`.
    pub name: String,
    /// `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`.
    pub memory: u64,
    /// `AWS_LAMBDA_FUNCTION_VERSION`.
    pub version: String,
    /// `AWS_LAMBDA_LOG_STREAM_NAME`.
    pub log_stream: String,
    /// `AWS_LAMBDA_LOG_GROUP_NAME`.
    pub log_group: String,
}

/// Something in the environment that does not count, or will not for long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// The value cannot be read; the default holds.
    Unreadable {
        /// The variable.
        name: &'static str,
        /// What it says.
        value: String,
        /// What would be read.
        expected: &'static str,
    },
    /// An older name.
    Deprecated {
        /// The name in use.
        old: &'static str,
        /// The name to use.
        new: &'static str,
    },
    /// A port that is not the application's to take.
    Port {
        /// The port.
        port: u16,
        /// Whose it is.
        whose: String,
    },
    /// Something this version does not do.
    Unsupported {
        /// The variable.
        name: &'static str,
        /// What happens instead.
        instead: &'static str,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { name, value, expected } => {
                write!(f, "{name} is `{value}`, expected {expected}; the default is used")
            }
            Self::Deprecated { old, new } => {
                write!(f, "{old} is deprecated and will be removed in version 2.0, use {new} instead")
            }
            Self::Port { port, whose } => {
                write!(f, "the application's port, {port} of AWS_LWA_PORT or PORT, {whose}; give it another")
            }
            Self::Unsupported { name, instead } => write!(f, "{name}: {instead}"),
        }
    }
}

impl Settings {
    /// Reads the environment. The first of two equal names wins, as with the C library.
    pub fn from_env(env: impl Iterator<Item = (String, String)>) -> (Settings, Vec<Warning>) {
        let mut vars = HashMap::new();
        for (name, value) in env {
            vars.entry(name).or_insert(value);
        }
        let mut reader = Reader { vars, warnings: Vec::new(), fault: None };
        let settings = reader.settings();
        (settings, reader.warnings)
    }
}

struct Reader {
    vars: HashMap<String, String>,
    warnings: Vec<Warning>,
    fault: Option<String>,
}

/// A variable with the older name that stands in for it.
type Name = (&'static str, Option<&'static str>);

impl Reader {
    fn settings(&mut self) -> Settings {
        let speaks = self
            .parsed(("AWS_LWA_APP_PROTOCOL", None), "`http1` or `h2c`", |v| {
                if v.eq_ignore_ascii_case("http1") {
                    Some(Speaks::Http1)
                } else if v.eq_ignore_ascii_case("h2c") {
                    Some(Speaks::H2c)
                } else {
                    None
                }
            })
            .unwrap_or(Speaks::Http1);
        let web_function = self.flag(("AWS_LWA_WEB_FUNCTION", None));
        let app = Endpoint { speaks, ..if web_function { self.http_endpoint() } else { self.app() } };
        let readiness = self.readiness(&app);
        let (runtime_api, extensions_api) = self.apis();
        if !web_function {
            self.ports(&app, runtime_api.as_ref(), &extensions_api);
        }
        let invoke_mode = self
            .parsed(("AWS_LWA_INVOKE_MODE", None), "`buffered` or `response_stream`", |v| {
                if v.eq_ignore_ascii_case("buffered") {
                    Some(InvokeMode::Buffered)
                } else if v.eq_ignore_ascii_case("response_stream") {
                    Some(InvokeMode::ResponseStream)
                } else {
                    None
                }
            })
            .unwrap_or(InvokeMode::Buffered);
        let enabled = self.flag(("AWS_LWA_ENABLE_COMPRESSION", None));
        let streams = self.flag(("AWS_LWA_STREAM_COMPRESSION", None));
        let compression = match invoke_mode {
            InvokeMode::Buffered => enabled,
            InvokeMode::ResponseStream => streams,
        };
        if enabled && !streams && invoke_mode == InvokeMode::ResponseStream {
            self.warnings.push(Warning::Unsupported {
                name: "AWS_LWA_ENABLE_COMPRESSION",
                instead: "compression is not supported with response streaming, it is off (AWS_LWA_STREAM_COMPRESSION turns it on)",
            });
        }
        let started_by = self.vars.get("AWS_LAMBDA_INITIALIZATION_TYPE").cloned().unwrap_or_default();
        let mut async_init = self.flag(("AWS_LWA_ASYNC_INIT", Some("ASYNC_INIT")));
        if async_init && matches!(started_by.as_str(), "snap-start" | "provisioned-concurrency") {
            // The init phase has no ten-second bound there, and ending it early would snapshot an app that is not up.
            async_init = false;
            self.warnings.push(Warning::Unsupported {
                name: "AWS_LWA_ASYNC_INIT",
                instead: "ignored with SnapStart and provisioned concurrency",
            });
        }
        let idle = self
            .parsed(("AWS_LWA_POOL_IDLE_TIMEOUT_SECONDS", None), "seconds, 0 or more", seconds)
            .unwrap_or(Duration::from_secs(4));
        Settings {
            runtime_api,
            extensions_api,
            app,
            readiness,
            async_init: async_init.then_some(ASYNC_INIT),
            remove_base_path: self.base_path(),
            pass_through_path: self.path(("AWS_LWA_PASS_THROUGH_PATH", None), "/events"),
            websocket_path: self.path_if_set("AWS_LWA_WEBSOCKET_PATH"),
            snapstart: Hooks {
                snapshot: started_by == "snap-start",
                before: self.hook("AWS_LWA_SNAPSTART_BEFORE_CHECKPOINT_PATH"),
                after: self.hook("AWS_LWA_SNAPSTART_AFTER_RESTORE_PATH"),
            },
            authorization_source: self
                .parsed(("AWS_LWA_AUTHORIZATION_SOURCE", None), "a header name", |v| v.parse().ok()),
            error_status_codes: self
                .statuses(("AWS_LWA_ERROR_STATUS_CODES", None))
                .unwrap_or_else(StatusSet::none),
            invoke_mode,
            compression,
            // A connection cannot outlive a snapshot.
            pool_idle_timeout: if started_by == "snap-start" { Duration::ZERO } else { idle },
            workers: self
                .parsed(("AWS_LAMBDA_MAX_CONCURRENCY", None), "a number from 1 to 1000", |v| {
                    v.parse().ok().filter(|n| (1..=1000).contains(n))
                })
                .unwrap_or(1),
            function: self.function(),
            web_function,
            access_log: self.flag(("AWS_LWA_ACCESS_LOG", None)),
            metrics: self.parsed(
                ("AWS_LWA_METRICS_NAMESPACE", None),
                "a CloudWatch namespace: up to 255 letters, digits and `.-_/#:`, not starting with `AWS/`",
                namespace,
            ),
            log_level: self.log_level(),
            log_json: self
                .parsed(("AWS_LAMBDA_LOG_FORMAT", None), "`JSON` or `TEXT`", |v| {
                    let json = v.eq_ignore_ascii_case("json");
                    (json || v.eq_ignore_ascii_case("text")).then_some(json)
                })
                .unwrap_or(false),
            fault: self.fault.take(),
        }
    }

    fn app(&mut self) -> Endpoint {
        let port = self.required(("AWS_LWA_PORT", Some("PORT")), PORT, port).unwrap_or(8080);
        let host = ("AWS_LWA_HOST", Some("HOST"));
        self.required(host, "a host name, an address or `unix:/PATH`", |v| match v.strip_prefix("unix:") {
            Some(path) => Endpoint::socket(path, port),
            None => Endpoint::new(v, port, ""),
        })
        .unwrap_or_else(|| Endpoint::local(port))
    }

    fn readiness(&mut self, app: &Endpoint) -> Readiness {
        let name = ("AWS_LWA_READINESS_CHECK_PORT", Some("READINESS_CHECK_PORT"));
        let port = self.required(name, PORT, port).unwrap_or(app.port);
        let protocol = ("AWS_LWA_READINESS_CHECK_PROTOCOL", Some("READINESS_CHECK_PROTOCOL"));
        let protocol = self
            .parsed(protocol, "`http` or `tcp`", |v| {
                if v.eq_ignore_ascii_case("http") {
                    Some(Protocol::Http)
                } else if v.eq_ignore_ascii_case("tcp") {
                    Some(Protocol::Tcp)
                } else {
                    None
                }
            })
            .unwrap_or(Protocol::Http);
        let healthy = self.statuses(("AWS_LWA_READINESS_CHECK_HEALTHY_STATUS", None));
        let below =
            self.parsed(("AWS_LWA_READINESS_CHECK_MIN_UNHEALTHY_STATUS", None), "a status above 100", |v| {
                v.parse().ok().filter(|status| *status > 100)
            });
        if below.is_some() {
            self.warnings.push(Warning::Deprecated {
                old: "AWS_LWA_READINESS_CHECK_MIN_UNHEALTHY_STATUS",
                new: "AWS_LWA_READINESS_CHECK_HEALTHY_STATUS",
            });
        }
        Readiness {
            endpoint: match app.socket {
                Some(_) => app.clone(),
                None => Endpoint {
                    speaks: app.speaks,
                    ..Endpoint::new(&app.host, port, "").unwrap_or_else(|| Endpoint::local(port))
                },
            },
            path: self.path(("AWS_LWA_READINESS_CHECK_PATH", Some("READINESS_CHECK_PATH")), "/"),
            protocol,
            healthy: healthy
                .unwrap_or_else(|| StatusSet::range(100, below.map_or(499, |status: u16| status - 1))),
            timeout: self.parsed(
                ("AWS_LWA_READINESS_CHECK_TIMEOUT_SECONDS", None),
                "seconds, more than 0",
                |v| seconds(v).filter(|wait| !wait.is_zero()),
            ),
        }
    }

    /// Where an application for Lambda Web Functions listens; one that listens everywhere is asked on the loopback.
    fn http_endpoint(&mut self) -> Endpoint {
        const DEFAULT: u16 = 3000;
        let named = self.required(("AWS_LAMBDA_HTTP_ENDPOINT", None), "host:port", endpoint);
        match named {
            None => Endpoint::local(DEFAULT),
            Some(everywhere) if everywhere.host == "0.0.0.0" => Endpoint::local(everywhere.port),
            Some(everywhere) if everywhere.host == "::" => {
                Endpoint::new("::1", everywhere.port, "").unwrap_or_else(|| Endpoint::local(everywhere.port))
            }
            Some(named) => named,
        }
    }

    fn apis(&mut self) -> (Option<Endpoint>, Endpoint) {
        let original = self.parsed(("AWS_LAMBDA_RUNTIME_API", None), "host:port", endpoint);
        let proxy = self.parsed(("AWS_LWA_LAMBDA_RUNTIME_API_PROXY", None), "host:port", endpoint);
        let extensions = original.clone().unwrap_or_else(|| Endpoint::local(9001));
        // A proxy alone does not make a Lambda of this machine.
        (original.map(|original| proxy.unwrap_or(original)), extensions)
    }

    /// Ports on this host that others have, or that nobody may have. Outside Lambda the application may listen anywhere.
    fn ports(&mut self, app: &Endpoint, runtime_api: Option<&Endpoint>, extensions_api: &Endpoint) {
        let Some(runtime_api) = runtime_api else { return };
        let here = |endpoint: &Endpoint| matches!(endpoint.host.as_str(), "127.0.0.1" | "localhost" | "::1");
        if app.socket.is_some() || !here(app) {
            return;
        }
        let port = app.port;
        let clashes = |api: &Endpoint| api.port == port && (here(api) || api.host == app.host);
        let whose = if clashes(extensions_api) {
            format!("is the Runtime API's: AWS_LAMBDA_RUNTIME_API is `{extensions_api}`")
        } else if clashes(runtime_api) {
            format!("is the proxy's: AWS_LWA_LAMBDA_RUNTIME_API_PROXY is `{runtime_api}`")
        } else if port == 9001 {
            "is the Runtime API's in Lambda".to_owned()
        } else if port == 3000 {
            "is that of the Lambda Insights extension".to_owned()
        } else if port < 1024 {
            "is below 1024, where Lambda lets no application listen".to_owned()
        } else {
            return;
        };
        self.warnings.push(Warning::Port { port, whose });
    }

    fn function(&mut self) -> Function {
        let text = |name: &str| self.vars.get(name).cloned().unwrap_or_default();
        Function {
            name: text("AWS_LAMBDA_FUNCTION_NAME"),
            version: text("AWS_LAMBDA_FUNCTION_VERSION"),
            log_stream: text("AWS_LAMBDA_LOG_STREAM_NAME"),
            log_group: text("AWS_LAMBDA_LOG_GROUP_NAME"),
            memory: text("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").parse().unwrap_or(0),
        }
    }

    fn log_level(&mut self) -> Level {
        const WORDS: &str = "TRACE, DEBUG, INFO, WARN, ERROR or FATAL";
        let documented = self.parsed(("AWS_LAMBDA_LOG_LEVEL", None), WORDS, Level::parse);
        // `RUST_LOG` may hold filters for other programs, too; they are none of ours.
        let fallback = self.vars.get("RUST_LOG").and_then(|filters| filtered(filters));
        documented.or(fallback).unwrap_or(Level::Info)
    }

    /// A path that starts with `/`; one that does not is taken to mean so, with a warning.
    fn path(&mut self, name: Name, default: &str) -> String {
        match self.get(name) {
            None => default.to_owned(),
            Some((_, path)) if path.starts_with('/') => path,
            Some((name, path)) => {
                let slashed = format!("/{path}");
                self.warnings.push(Warning::Unreadable {
                    name,
                    value: path,
                    expected: "a path that starts with `/` (one is put in front)",
                });
                slashed
            }
        }
    }

    fn path_if_set(&mut self, name: &'static str) -> Option<String> {
        self.get((name, None))?;
        Some(self.path((name, None), ""))
    }

    fn hook(&mut self, name: &'static str) -> Option<Hook> {
        self.required((name, None), "a path other than `/`, without escapes of `%`", Hook::new)
    }

    fn base_path(&mut self) -> Option<String> {
        let (_, path) = self.get(("AWS_LWA_REMOVE_BASE_PATH", Some("REMOVE_BASE_PATH")))?;
        let path = path.trim_matches('/');
        (!path.is_empty()).then(|| format!("/{path}"))
    }

    fn flag(&mut self, name: Name) -> bool {
        self.parsed(name, "`true` or `false`", boolean).unwrap_or(false)
    }

    fn statuses(&mut self, name: Name) -> Option<StatusSet> {
        let (name, value) = self.get(name)?;
        let (set, bad) = StatusSet::parse(&value);
        self.warnings.extend(bad.into_iter().map(|value| Warning::Unreadable {
            name,
            value,
            expected: "a status or a range such as `500-599`",
        }));
        (!set.is_empty()).then_some(set)
    }

    fn parsed<T>(
        &mut self,
        name: Name,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let (name, value) = self.get(name)?;
        let parsed = parse(&value);
        if parsed.is_none() {
            self.warnings.push(Warning::Unreadable { name, value, expected });
        }
        parsed
    }

    /// As [`Reader::parsed`], where no default could be meant.
    fn required<T>(
        &mut self,
        name: Name,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let (name, value) = self.get(name)?;
        let parsed = parse(&value);
        if parsed.is_none() {
            self.fault.get_or_insert_with(|| format!("{name} is `{value}`, expected {expected}"));
        }
        parsed
    }

    /// The value, without blanks around it, and the name it was found under. An empty value counts as none.
    fn get(&mut self, (name, old): Name) -> Option<(&'static str, String)> {
        let present = |name: &'static str| {
            let value = self.vars.get(name)?.trim();
            (!value.is_empty()).then(|| (name, value.to_owned()))
        };
        if let Some(found) = present(name) {
            return Some(found);
        }
        let found = present(old?)?;
        if found.0 != "PORT" {
            self.warnings.push(Warning::Deprecated { old: found.0, new: name });
        }
        Some(found)
    }
}

impl Endpoint {
    /// `None` when the host cannot stand in a `Host` header.
    pub fn new(host: &str, port: u16, base: &str) -> Option<Endpoint> {
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'%');
        if bare.is_empty() || !bare.bytes().all(plain) {
            return None;
        }
        let authority =
            if bare.contains(':') { format!("[{bare}]:{port}") } else { format!("{bare}:{port}") };
        Some(Endpoint {
            host: bare.to_owned(),
            port,
            base: base.trim_end_matches('/').to_owned(),
            authority: HeaderValue::try_from(authority).ok()?,
            socket: None,
            speaks: Speaks::Http1,
        })
    }

    /// A Unix socket; the path is absolute. The host is `localhost`, as is usual there.
    pub fn socket(path: &str, port: u16) -> Option<Endpoint> {
        path.starts_with('/').then(|| Endpoint {
            host: "localhost".to_owned(),
            port,
            base: String::new(),
            authority: HeaderValue::from_static("localhost"),
            socket: Some(PathBuf::from(path)),
            speaks: Speaks::Http1,
        })
    }

    /// The loopback address.
    pub fn local(port: u16) -> Endpoint {
        let authority = HeaderValue::try_from(format!("127.0.0.1:{port}"))
            .unwrap_or_else(|_| HeaderValue::from_static("127.0.0.1"));
        Endpoint {
            host: "127.0.0.1".to_owned(),
            port,
            base: String::new(),
            authority,
            socket: None,
            speaks: Speaks::Http1,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.socket {
            Some(path) => write!(f, "unix:{}", path.display()),
            None => f.write_str(&String::from_utf8_lossy(self.authority.as_bytes())),
        }
    }
}

#[cfg(test)]
mod tests;
