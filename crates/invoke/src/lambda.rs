//! One client: region, endpoint, credentials, connections.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use bytes::Bytes;
use http::Method;
use lambridge_model::{ConnectionSettings, Credentials, EndpointVariant, Function};
use lambridge_wire::invoke::{self as wire, InvocationType};
use lambridge_wire::limits::SYNC_PAYLOAD;
use lambridge_wire::name::FunctionName;
use tokio::sync::OnceCell;
use tokio::time::Instant;

mod clock;
mod standing;

pub use standing::{Identity, Standing};

use crate::answer::Head;
use crate::connection::{Broken, Connections, Tls};
use crate::credentials::{Lease, Store};
use crate::draft::{self, Draft, Kept, Malformed};
use crate::endpoint::{Endpoint, Variant, told};
use crate::streamed::{Answer, Streamed};
use crate::{ClientError, Env, Executed, InvokeError, Invoked, Place, Shared, answer, credentials};

/// A client of one Lambda endpoint. Cheap to clone.
#[derive(Clone)]
pub struct Lambda {
    inner: Arc<Inner>,
}

struct Inner {
    region: OnceCell<String>,
    /// When the last look-up of a region ended.
    no_region: Mutex<Option<Instant>>,
    connections: OnceCell<Arc<Connections>>,
    source: Credentials,
    env: Env,
    store: Arc<Store>,
    clock: clock::Clock,
    tls: Arc<Tls>,
    settings: ConnectionSettings,
    asked: EndpointVariant,
}

/// One call.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// Encoded path and query of the call, made once per function by [`Lambda::target`].
    pub target: &'a Target,
    /// The kind.
    pub kind: InvocationType,
    /// The event.
    pub payload: Bytes,
    /// Ask for the last 4 KB of log.
    pub log_tail: bool,
    /// `X-Amzn-Trace-Id` to pass on.
    pub trace_id: Option<&'a str>,
    /// `X-Amz-Tenant-Id`, of a function with tenant isolation.
    pub tenant_id: Option<&'a str>,
    /// Everything, connection included, ends here.
    pub deadline: Instant,
}

/// Which function of the endpoint, ready to send.
pub struct Target {
    /// `/2015-03-31/functions/…/invocations?Qualifier=…`, percent-encoded.
    pub path_and_query: String,
    kept: Kept,
}

impl Target {
    fn new(path_and_query: String) -> Self {
        Self { path_and_query, kept: Kept::default() }
    }
}

impl Clone for Target {
    fn clone(&self) -> Self {
        Self::new(self.path_and_query.clone())
    }
}

impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        self.path_and_query == other.path_and_query
    }
}

impl Eq for Target {}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Target").field(&self.path_and_query).finish()
    }
}

impl fmt::Debug for Lambda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lambda")
            .field("region", &self.inner.region.get())
            .field("endpoint", &self.inner.connections.get().map(|c| c.endpoint().host_header.clone()))
            .finish_non_exhaustive()
    }
}

impl Lambda {
    pub(crate) fn new(shared: &Shared, place: Place, source: Credentials) -> Result<Self, ClientError> {
        let Place { region, endpoint, asked } = place;
        let endpoint = endpoint.as_deref().map(Endpoint::parse).transpose()?;
        if let (None, Some(region)) = (&endpoint, &region) {
            // What the shared files say is read at the first call; a region that is none is told now.
            Endpoint::of_region(region, Variant::default())?;
        }
        let (tls, settings) = (Arc::clone(&shared.tls), shared.connections);
        let connections =
            endpoint.map(|endpoint| Arc::new(Connections::new(endpoint, Arc::clone(&tls), settings)));
        let inner = Inner {
            region: OnceCell::new_with(region),
            no_region: Mutex::default(),
            connections: OnceCell::new_with(connections),
            store: Arc::new(Store::new(source.clone(), Arc::clone(&shared.env), asked)),
            clock: clock::Clock::default(),
            source,
            env: Arc::clone(&shared.env),
            tls,
            settings,
            asked,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The region, once it is known.
    pub fn region(&self) -> Option<&str> {
        self.inner.region.get().map(String::as_str)
    }

    /// The region that calls are signed for, and the URL of Lambda's API, found as by the first call. Of these only a region
    /// that neither settings nor environment nor shared files say is asked for, of the instance's metadata.
    pub async fn place(&self) -> Result<(&str, String), InvokeError> {
        let region = self.inner.region().await?;
        let connections = self.inner.connections(region).await?;
        Ok((region, connections.endpoint().to_string()))
    }

    /// Someone beside the pool holds this client.
    pub(crate) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.inner) > 1
    }

    /// Precomputes the request target of `function`. The qualifier goes into the query, wherever it was written.
    pub fn target(function: &Function) -> Target {
        Self::target_of(&function.name, function.qualifier.as_deref())
    }

    /// The same for a name that comes with a request. A qualifier within the name counts before `qualifier`.
    pub fn target_of(name: &FunctionName, qualifier: Option<&str>) -> Target {
        let qualifier = name.qualifier().or(qualifier);
        Target::new(wire::invoke_path(&name.unqualified().to_string(), qualifier))
    }

    /// As [`target`](Self::target), for [`invoke_streaming`](Self::invoke_streaming).
    pub fn stream_target(function: &Function) -> Target {
        Self::stream_target_of(&function.name, function.qualifier.as_deref())
    }

    /// As [`target_of`](Self::target_of), for [`invoke_streaming`](Self::invoke_streaming).
    pub fn stream_target_of(name: &FunctionName, qualifier: Option<&str>) -> Target {
        let qualifier = name.qualifier().or(qualifier);
        Target::new(wire::stream_path(&name.unqualified().to_string(), qualifier))
    }

    /// Sends one signed Invoke. No hidden retries.
    pub async fn invoke(&self, call: Call<'_>) -> Result<Invoked, InvokeError> {
        let (headers, count) = call.headers();
        let outgoing = call.outgoing(&headers[..count]);
        self.send(&outgoing, call.deadline).await
    }

    /// Sends one signed InvokeWithResponseStream, and reads the head of its answer. `call.target` is one of
    /// [`stream_target`](Self::stream_target). The deadline goes on to the first piece: see [`Streamed`].
    pub async fn invoke_streaming(&self, call: Call<'_>) -> Result<Streamed, InvokeError> {
        let (headers, count) = call.headers();
        let outgoing = call.outgoing(&headers[..count]);
        self.inner.open(&outgoing, call.deadline).await
    }

    /// Sends one signed request, and reads its answer.
    pub(crate) async fn send(
        &self,
        outgoing: &Outgoing<'_>,
        deadline: Instant,
    ) -> Result<Invoked, InvokeError> {
        self.inner.send(outgoing, deadline).await
    }
}

impl Call<'_> {
    /// Those beside what each request has, and how many they are.
    fn headers(&self) -> ([(&'static str, &str); 4], usize) {
        let mut headers = [("content-type", "application/json"); 4];
        let mut count = 1;
        if self.kind != InvocationType::RequestResponse {
            headers[count] = (wire::X_AMZ_INVOCATION_TYPE, self.kind.as_str());
            count += 1;
        }
        if self.log_tail {
            headers[count] = (wire::X_AMZ_LOG_TYPE, "Tail");
            count += 1;
        }
        if let Some(tenant_id) = self.tenant_id {
            headers[count] = (wire::X_AMZ_TENANT_ID, tenant_id);
            count += 1;
        }
        (headers, count)
    }

    fn outgoing<'a>(&'a self, headers: &'a [(&'static str, &'a str)]) -> Outgoing<'a> {
        Outgoing {
            method: Method::POST,
            path_and_query: &self.target.path_and_query,
            headers,
            payload: self.payload.clone(),
            trace_id: self.trace_id,
            kept: Some(&self.target.kept),
        }
    }
}

/// A request to Lambda's API, not signed yet.
pub(crate) struct Outgoing<'a> {
    pub(crate) method: Method,
    /// Percent-encoded, without the endpoint's own prefix.
    pub(crate) path_and_query: &'a str,
    /// Beside those that each request has: lower case, in alphabetical order.
    pub(crate) headers: &'a [(&'static str, &'a str)],
    pub(crate) payload: Bytes,
    pub(crate) trace_id: Option<&'a str>,
    /// Where a draft is kept, of requests that differ in their payload, and perhaps in their headers.
    pub(crate) kept: Option<&'a Kept>,
}

impl Inner {
    async fn send(&self, outgoing: &Outgoing<'_>, deadline: Instant) -> Result<Invoked, InvokeError> {
        let (region, connections, lease) = self.prepare(deadline).await?;
        let _permit = connections.permit(deadline).await.map_err(unreachable)?;
        let now = self.clock.now();
        let draft = signed(outgoing, connections, &lease, region, now)?;
        if connections.is_shared() {
            // Boxed, so that it is no part of the future of calls that share nothing.
            let whole = Box::pin(general(outgoing, connections, &draft, deadline)).await?;
            return self.judge(whole.0, whole.1, &lease, now);
        }
        let message = draft.message(outgoing);
        let (mut connection, head) = connections.call(&message, deadline).await.map_err(unreachable)?;
        let payload = connection.whole(SYNC_PAYLOAD).await.map_err(unreachable)?;
        connections.rest(connection);
        self.judge(head, payload, &lease, now)
    }

    /// As [`send`](Self::send), up to the head of an answer that is a stream.
    async fn open(&self, outgoing: &Outgoing<'_>, deadline: Instant) -> Result<Streamed, InvokeError> {
        let (region, connections, lease) = self.prepare(deadline).await?;
        let permit = connections.own_permit(deadline).await.map_err(unreachable)?;
        let now = self.clock.now();
        let draft = signed(outgoing, connections, &lease, region, now)?;
        let (head, payload) = if connections.is_shared() {
            let sent = AtomicBool::new(false);
            let next = || draft.request(outgoing);
            let begun = connections.begin_shared(next, |now| sent.store(now, Ordering::Relaxed));
            let (connection, answer) = within(deadline, &sent, begun).await?;
            let (parts, body) = answer.into_parts();
            let head = Head::of(parts.status, &parts.headers);
            if head.is_stream() {
                return Ok(Streamed::new(Answer::General(connection, body), permit, head, deadline));
            }
            let answer = http::Response::from_parts(parts, body);
            let rest = connections.finish(connection, answer, SYNC_PAYLOAD);
            (head, within(deadline, &sent, rest).await?.into_body())
        } else {
            let message = draft.message(outgoing);
            let (mut connection, head) = connections.call(&message, deadline).await.map_err(unreachable)?;
            if head.is_stream() {
                return Ok(Streamed::new(Answer::Own(connection), permit, head, deadline));
            }
            let payload = connection.whole(SYNC_PAYLOAD).await.map_err(unreachable)?;
            connections.rest(connection);
            (head, payload)
        };
        let invoked = self.judge(head, payload, &lease, now)?;
        Err(answer::no_stream(invoked))
    }

    /// What each call needs before it is signed. Mostly it is there; the wait for it is boxed, so that it is no part of
    /// every call's future.
    async fn prepare(&self, deadline: Instant) -> Result<(&str, &Arc<Connections>, Arc<Lease>), InvokeError> {
        if let (Some(region), Some(connections)) = (self.region.get(), self.connections.get())
            && let Some(lease) = self.store.at_hand(region)
        {
            return Ok((region, connections, lease));
        }
        let late = |_| InvokeError::Timeout { executed: Executed::No };
        tokio::time::timeout_at(deadline, Box::pin(self.ready())).await.map_err(late)?
    }

    async fn ready(&self) -> Result<(&str, &Arc<Connections>, Arc<Lease>), InvokeError> {
        let region = self.region().await?;
        let connections = self.connections(region).await?;
        let lease = self.store.get(region).await.map_err(|message| InvokeError::NoCredentials { message })?;
        Ok((region, connections, lease))
    }

    /// The outcome; a clock by which Lambda refuses is corrected, keys that it refuses are not used again.
    fn judge(
        &self,
        mut head: Head,
        payload: Bytes,
        lease: &Arc<Lease>,
        signed: SystemTime,
    ) -> Result<Invoked, InvokeError> {
        let date = head.date.take();
        let mut outcome = answer::read(head, payload);
        if let Err(InvokeError::AccessDenied { kind, cured, .. }) = &mut outcome {
            *cured = answer::blames_clock(kind) && self.clock.correct(signed, date.as_deref())
                || answer::blames_keys(kind) && self.store.refused(lease);
        }
        outcome
    }

    /// Looked for once; a failure is remembered for a moment, so that calls without a region do not queue up to ask
    /// an instance's metadata one after the other.
    async fn region(&self) -> Result<&str, InvokeError> {
        let found = self.region.get_or_try_init(|| async {
            let failed = *self.no_region.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            if failed.is_some_and(|at| at.elapsed() < credentials::BACKOFF) {
                return Err(InvokeError::NoRegion);
            }
            let found = credentials::default_region(&self.source, &self.env).await;
            *self.no_region.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(Instant::now());
            found.ok_or(InvokeError::NoRegion)
        });
        found.await.map(String::as_str)
    }

    async fn connections(&self, region: &str) -> Result<&Arc<Connections>, InvokeError> {
        let made = self.connections.get_or_try_init(|| async {
            let endpoint = told::endpoint(region, self.asked, &self.source, &self.env).await;
            let endpoint = endpoint.map_err(|error| unsent(error.to_string()))?;
            Ok(Arc::new(Connections::new(endpoint, Arc::clone(&self.tls), self.settings)))
        });
        made.await
    }
}

/// An exchange by a general client: head and body of the answer.
async fn general(
    outgoing: &Outgoing<'_>,
    connections: &Arc<Connections>,
    draft: &Draft,
    deadline: Instant,
) -> Result<(Head, Bytes), InvokeError> {
    let sent = AtomicBool::new(false);
    let next = || draft.request(outgoing);
    let exchange = connections.exchange(next, SYNC_PAYLOAD, |now| sent.store(now, Ordering::Relaxed));
    let answer = within(deadline, &sent, exchange).await?;
    let (parts, payload) = answer.into_parts();
    Ok((Head::of(parts.status, &parts.headers), payload))
}

/// Runs a part of an exchange until the deadline. `sent` is where it tells whether its request has left.
async fn within<T>(
    deadline: Instant,
    sent: &AtomicBool,
    part: impl Future<Output = Result<T, Broken>>,
) -> Result<T, InvokeError> {
    let outcome = tokio::time::timeout_at(deadline, part).await;
    outcome.unwrap_or_else(|_| Err(Broken::Late { sent: sent.load(Ordering::Relaxed) })).map_err(unreachable)
}

fn signed(
    outgoing: &Outgoing<'_>,
    connections: &Connections,
    lease: &Arc<Lease>,
    region: &str,
    now: SystemTime,
) -> Result<Arc<Draft>, InvokeError> {
    draft::of(outgoing, connections.endpoint(), lease, region, now).map_err(malformed)
}

fn malformed(Malformed(what): Malformed) -> InvokeError {
    unsent(format!("the request's {what} cannot be sent"))
}

fn unsent(message: String) -> InvokeError {
    InvokeError::Unreachable { message, executed: Executed::No }
}

fn unreachable(broken: Broken) -> InvokeError {
    match broken {
        Broken::Unsent(message) => unsent(message),
        Broken::Sent(message) => InvokeError::Unreachable { message, executed: Executed::Maybe },
        Broken::TooLarge => InvokeError::AnswerTooLarge { limit: SYNC_PAYLOAD },
        Broken::Late { sent } => {
            InvokeError::Timeout { executed: if sent { Executed::Maybe } else { Executed::No } }
        }
    }
}

#[cfg(test)]
mod tests;
