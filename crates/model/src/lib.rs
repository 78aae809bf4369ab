//! What a gateway serves, as plain data: the contract between every configuration dialect and the data plane.
//!
//! A dialect is a function into [`Model`]; the gateway knows nothing else. Values here cannot be wrong: names are
//! parsed, durations are positive, templates are split. What only a later stage can check (a regex compiles, a
//! certificate loads) is kept as text with its [`Origin`], so that the complaint names its place.

mod canary;
mod event;
mod function;
mod listener;
mod percent;
mod policies;
mod prices;
mod route;
mod secret;
mod settings;
mod telemetry;
mod trace;
mod upstream;

pub use canary::{Canary, Rollback, Sticky};
pub use event::{Event, EventTemplate};
pub use function::{
    AnswerRule, AssumeRole, Breaker, Concurrency, Credentials, EndpointVariant, Failover, Function,
    Invocation, KrakendAnswer, KrakendEncoding, Program, Retries, RetryBudget, RetryOn, Run, TenantId, Url,
    UrlAuth, UrlCors, UrlMode,
};
pub use listener::{Http2, HttpsRedirect, Listener, Tls};
pub use percent::Percent;
pub use policies::{HeaderChanges, PathRewrite, Policies, RateKey, RateLimit, Redirect, Rewrite, Scheme};
pub use prices::{Price, Prices};
pub use route::{
    Errors, FunctionFrom, Matcher, NameSource, ParamKind, PathMatch, Route, ScriptSource, Scripts, Segment,
    StaticAnswer, Target, Template, TemplateError, ValueMatch, Weighted,
};
pub use secret::Secret;
pub use settings::{
    Admin, Cidr, ConnectionSettings, Drain, EmulatorSettings, Limits, Log, LogFormat, LogLevel, Protocol,
    TraceFrom, TraceSettings,
};
pub use telemetry::{Otlp, OtlpProtocol};
pub use trace::{SpanId, TraceContext, TraceId};
pub use upstream::{Endpoint, HostRule, Upstream};

use std::collections::BTreeMap;

/// Everything a gateway serves. One whole value; a reload makes another.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Model {
    /// Addresses to serve on. Never empty after `config`.
    pub listeners: Vec<Listener>,
    /// The admin address, if any.
    pub admin: Option<Admin>,
    /// By configuration key.
    pub functions: BTreeMap<String, Function>,
    /// In file order.
    pub routes: Vec<Route>,
    /// Bounds on what clients may send.
    pub limits: Limits,
    /// How to end.
    pub drain: Drain,
    /// What to write down.
    pub log: Log,
    /// Peers whose forwarding headers and request ids count.
    pub trusted_proxies: Vec<Cidr>,
    /// Whose traces are gone on with.
    pub trace: TraceSettings,
    /// Where traces and metrics go (`telemetry.otlp`).
    pub telemetry: Option<Otlp>,
    /// The local Lambda.
    pub emulator: EmulatorSettings,
    /// Connections to each Lambda endpoint.
    pub connections: ConnectionSettings,
}

impl Model {
    /// The same with every place blank: two of them are equal if they serve the same.
    pub fn without_places(mut self) -> Self {
        let blank = |origin: &mut Origin| *origin = Origin::default();
        self.listeners.iter_mut().for_each(|listener| blank(&mut listener.origin));
        self.functions.values_mut().for_each(|function| *function = function.without_place());
        for route in &mut self.routes {
            blank(&mut route.origin);
            route.scripts.iter_mut().for_each(|scripts| blank(&mut scripts.origin));
        }
        self
    }
}

/// Where in the configuration a value was written, for messages and `explain`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Origin {
    /// The file as it was named.
    pub file: String,
    /// From 1; 0 when the value was written nowhere.
    pub line: u32,
    /// From 1.
    pub column: u32,
}
