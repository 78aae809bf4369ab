//! A Lambda function as the gateway calls it and as the emulator runs it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use lambridge_wire::name::FunctionName;

use crate::{Event, Origin, Percent, Prices, Secret};

/// One entry of `functions:`.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// What is invoked; the configuration key when the file gives no name.
    pub name: FunctionName,
    /// Version or alias when not part of `name`.
    pub qualifier: Option<String>,
    /// Overrides `aws.region`; both absent means the AWS default chain.
    pub region: Option<String>,
    /// Base URL of the Lambda API, without a trailing `/`.
    pub endpoint: Option<String>,
    /// Which of the region's own endpoints, where `endpoint` gives none.
    pub variant: EndpointVariant,
    /// Who calls.
    pub credentials: Credentials,
    /// Whose instances serve a call, of a function with tenant isolation.
    pub tenant_id: Option<TenantId>,
    /// The event the function is given.
    pub event: Event,
    /// How its answer is read.
    pub answer: AnswerRule,
    /// How it is called.
    pub invoke: Invocation,
    /// Called only while Lambda's ListFunctions names it, with the same credentials.
    pub discover: bool,
    /// Media types that are base64 in `rest_v1` events, `*/*` for all; `None` is "all that is not text".
    pub binary_media_types: Option<Vec<String>>,
    /// The whole call, queueing and retries included; of a streamed answer, its head. Default 30 s.
    pub timeout: Duration,
    /// The longest pause within a streamed answer. Default 5 min, as API Gateway's. Source: API Gateway developer guide,
    /// "Stream the integration response".
    pub idle_timeout: Duration,
    /// Asks for the end of the log of each call, and reads its report: cold starts, memory, what it cost at these prices.
    pub log_tail: Option<Prices>,
    /// What is tried again.
    pub retries: Retries,
    /// How many calls at once.
    pub concurrency: Concurrency,
    /// When it is not called for a while; `None` is never.
    pub breaker: Option<Breaker>,
    /// Where it is called instead, in order.
    pub failover: Vec<Failover>,
    /// How long a place may take, of a request that may run twice, while another place is left; below [`timeout`](Self::timeout).
    pub attempt_timeout: Option<Duration>,
    /// How the emulator runs it; `None` where it only exists in AWS.
    pub run: Option<Run>,
    /// For messages.
    pub origin: Origin,
}

impl Function {
    /// A function with every default.
    pub fn new(name: FunctionName) -> Self {
        Self {
            name,
            qualifier: None,
            region: None,
            endpoint: None,
            variant: EndpointVariant::default(),
            credentials: Credentials::Default,
            tenant_id: None,
            event: Event::default(),
            answer: AnswerRule::Proxy,
            invoke: Invocation::Sync,
            discover: false,
            binary_media_types: None,
            timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(300),
            log_tail: None,
            retries: Retries::default(),
            concurrency: Concurrency::default(),
            breaker: None,
            failover: Vec::new(),
            attempt_timeout: None,
            run: None,
            origin: Origin::default(),
        }
    }

    /// Itself at every place where it is called: its own first, then those it fails over to.
    pub fn places(&self) -> impl Iterator<Item = Self> {
        std::iter::once(self.clone()).chain(self.failover.iter().map(|place| self.there(place)))
    }

    fn there(&self, place: &Failover) -> Self {
        let Failover { region, endpoint, name, credentials } = place.clone();
        // A variant is one of AWS's own endpoints.
        let variant = match endpoint {
            Some(_) => EndpointVariant { fips: Some(false), dualstack: Some(false) },
            None => self.variant,
        };
        Self { name, region: Some(region), endpoint, variant, credentials, ..self.clone() }
    }

    /// The same with a blank place: two of them are equal if they are called and run alike.
    pub fn without_place(&self) -> Self {
        Self { origin: Origin::default(), event: self.event.without_place(), ..self.clone() }
    }
}

/// Which of a region's endpoints; `None` leaves it to the environment and the shared files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct EndpointVariant {
    /// With validated cryptography.
    pub fips: Option<bool>,
    /// With IPv6 addresses as well.
    pub dualstack: Option<bool>,
}

/// How a function's payload becomes an HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AnswerRule {
    /// By the proxy rules of the event's own source.
    #[default]
    Proxy,
    /// The payload is the body, 200, `application/json`.
    Raw,
    /// As Gloo's `unwrapAsAlb` reads it.
    GlooAlb,
    /// As Gloo's `unwrapAsApiGateway` reads it.
    GlooApiGateway,
    /// A JSON object that is shaped and encoded as KrakenD does it.
    Krakend(Box<KrakendAnswer>),
}

/// What KrakenD does to a backend's answer, in this order: target, allow or deny, mapping, group, encoding.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KrakendAnswer {
    /// The object at this dotted path is the answer.
    pub target: Option<String>,
    /// Dotted paths that are kept; empty keeps all.
    pub allow: Vec<String>,
    /// Dotted paths that are removed; counts only without `allow`.
    pub deny: Vec<String>,
    /// New names of keys at the top, `(old, new)`.
    pub mapping: Vec<(String, String)>,
    /// Puts the answer below this key.
    pub group: Option<String>,
    /// How the client gets it.
    pub encoding: KrakendEncoding,
    /// `Cache-Control: public, max-age` of complete answers; zero for none.
    pub cache_ttl: Duration,
}

/// `output_encoding` of KrakenD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KrakendEncoding {
    /// The object as JSON.
    #[default]
    Json,
    /// The value of its key `collection` as JSON.
    JsonCollection,
    /// The text of its key `content`.
    String,
    /// Status and headers without a body of its own.
    NoOp,
}

/// The invocation kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Invocation {
    /// Wait for the answer.
    #[default]
    Sync,
    /// Pass the answer on as it comes.
    Stream,
    /// Queue: 202.
    Async,
    /// Check only: 204.
    DryRun,
}

/// Where credentials come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Credentials {
    /// The AWS default chain.
    #[default]
    Default,
    /// Written in the file.
    Static {
        /// `AKIA…`.
        access_key_id: String,
        /// Never shown.
        secret_access_key: Secret,
        /// For temporary credentials.
        session_token: Option<Secret>,
    },
    /// A profile of the shared files.
    Profile(String),
    /// Through STS, starting from `base`.
    AssumeRole(Box<AssumeRole>),
}

/// A role to assume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssumeRole {
    /// `arn:aws:iam::123456789012:role/name`.
    pub arn: String,
    /// For roles of third parties.
    pub external_id: Option<String>,
    /// Default `lambridge`.
    pub session_name: String,
    /// Session tags, by key.
    pub tags: BTreeMap<String, String>,
    /// Keys of those tags that stay when a further role is assumed from this one.
    pub transitive_tags: Vec<String>,
    /// Who assumes it.
    pub base: Credentials,
}

impl AssumeRole {
    /// `base` assumes the role `arn`, with every default.
    pub fn new(arn: String, base: Credentials) -> Self {
        Self {
            arn,
            external_id: None,
            session_name: "lambridge".to_owned(),
            tags: BTreeMap::new(),
            transitive_tags: Vec::new(),
            base,
        }
    }
}

/// Where the tenant of a call stands. A request without one is refused: Lambda would refuse its call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantId {
    /// The same for every call.
    Value(String),
    /// A header of the request, in lower case.
    Header(String),
    /// A parameter of the route's path, or one that a script sets.
    Path(String),
}

/// Retries of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// Attempts after the first. Default 2.
    pub max: u32,
    /// Which failures.
    pub on: RetryOn,
    /// How many retries there may be among all calls.
    pub budget: RetryBudget,
}

impl Default for Retries {
    fn default() -> Self {
        Self { max: 2, on: RetryOn::Safe, budget: RetryBudget::default() }
    }
}

/// Retries among all calls of a function: without a bound they would multiply an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryBudget {
    /// Of the calls. Default 20%.
    pub ratio: Percent,
    /// And so many each second, so that a function with few calls has retries too. Default 3.
    pub min_per_second: u32,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self { ratio: Percent::new(20), min_per_second: 3 }
    }
}

/// What a retry is safe for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RetryOn {
    /// What surely was not executed, throttles, and anything for an idempotent request.
    #[default]
    Safe,
    /// As an AWS SDK: every throttle, 5xx and broken connection, whatever the method.
    Sdk,
}

/// Calls at once to one function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    /// Calls in flight. Default 1,000.
    pub max: usize,
    /// Calls waiting beyond that. Default 1,000.
    pub queue: usize,
    /// The longest wait in the queue. Default 2 s.
    pub wait: Duration,
    /// Lambda's throttles lower the number of calls in flight, down to this; successes raise it again. `None` is `max` always.
    pub adaptive: Option<usize>,
}

impl Default for Concurrency {
    fn default() -> Self {
        Self { max: 1000, queue: 1000, wait: Duration::from_secs(2), adaptive: None }
    }
}

/// When a function is left alone because it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breaker {
    /// Opens when so many of the calls fail. Default 50%.
    pub errors: Percent,
    /// Of the calls in this time. Default 10 s.
    pub over: Duration,
    /// Fewer calls than this say nothing. Default 20.
    pub min_calls: u32,
    /// How long it stays open before one call is let through. Default 5 s.
    pub open: Duration,
    /// Errors of the function itself count too. Default no.
    pub function_errors: bool,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            errors: Percent::new(50),
            over: Duration::from_secs(10),
            min_calls: 20,
            open: Duration::from_secs(5),
            function_errors: false,
        }
    }
}

/// The same function at another place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failover {
    /// Where.
    pub region: String,
    /// Base URL of the Lambda API there, without a trailing `/`.
    pub endpoint: Option<String>,
    /// What it is called there.
    pub name: FunctionName,
    /// Who calls there.
    pub credentials: Credentials,
}

/// How the emulator runs a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// What is started.
    pub program: Program,
    /// Working directory, already joined with the file's folder.
    pub dir: PathBuf,
    /// Stands for `/opt`: what lies in its `extensions` is started, and paths below `/opt` are found in it.
    pub opt: Option<PathBuf>,
    /// A container image, unpacked: its root, or an OCI bundle. Stands for the whole file system: `dir` is empty
    /// then, and there is no `opt`.
    pub image: Option<PathBuf>,
    /// `_HANDLER`.
    pub handler: Option<String>,
    /// Variables beside AWS's own.
    pub env: BTreeMap<String, String>,
    /// Processes at most. Default 1.
    pub instances: usize,
    /// Of one invocation. Default 30 s.
    pub timeout: Duration,
    /// Megabytes, as reported. Default 128.
    pub memory: u32,
    /// Calls that wait for a free instance. Default 100; 0 means 429 at once.
    pub queue: usize,
    /// Fixes the web app's port; `instances` is then 1.
    pub port: Option<u16>,
    /// Invocations an instance takes at once (a Managed Instance above 1). Default 1.
    pub concurrency: usize,
    /// `AWS_LAMBDA_FUNCTION_VERSION` by qualifier: published versions.
    pub versions: BTreeMap<String, Run>,
    /// Alias to version.
    pub aliases: BTreeMap<String, String>,
    /// A function URL of its own.
    pub url: Option<Url>,
}

/// What an instance starts. Words are split as a shell would, without a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// A web application, behind the adapter.
    Web(Vec<String>),
    /// A Runtime API client.
    Command(Vec<String>),
    /// What the package brings: an image's own command, else `bootstrap` in `dir` or in `/opt`.
    Packed,
}

/// A local function URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// Its address.
    pub address: SocketAddr,
    /// Buffered by default.
    pub mode: UrlMode,
    /// Open by default.
    pub auth: UrlAuth,
    /// Pages of other origins that may read its answers.
    pub cors: Option<UrlCors>,
}

/// `AuthType` of a function URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UrlAuth {
    /// Anyone.
    #[default]
    None,
    /// Whoever signs with a key of the emulator's.
    AwsIam,
}

/// `Cors` of a function URL. `*` in a list stands for all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UrlCors {
    /// Whether pages may send cookies.
    pub allow_credentials: bool,
    /// Request headers, in lower case.
    pub allow_headers: Vec<String>,
    /// Methods.
    pub allow_methods: Vec<String>,
    /// Origins, `https://example.com`.
    pub allow_origins: Vec<String>,
    /// Headers that a page may read.
    pub expose_headers: Vec<String>,
    /// For how long a browser may remember; up to a day.
    pub max_age: Duration,
}

/// `InvokeMode` of a function URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UrlMode {
    /// One whole answer.
    #[default]
    Buffered,
    /// Chunk by chunk.
    ResponseStream,
}
