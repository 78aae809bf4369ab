//! Lambda's protocols as types. Pure: bytes in, values out, no I/O.
//!
//! * [`name`]: function names, ARNs, qualifiers
//! * [`invoke`]: the Invoke API: paths, headers, kinds, error shapes
//! * [`list`]: ListFunctions and ListAliases
//! * [`eventstream`]: frames of a streamed Invoke
//! * [`prelude`]: the head of a streamed HTTP answer
//! * [`report`]: the platform's report at the end of a log
//! * [`runtime`]: the Runtime API
//! * [`extensions`]: the Extensions API
//! * [`telemetry`]: subscriptions of the Telemetry API
//! * [`http1`]: how an HTTP/1.1 answer is read
//! * [`limits`]: the service's limits, each with its source

pub mod eventstream;
pub mod extensions;
pub mod http1;
pub mod invoke;
pub mod limits;
pub mod list;
pub mod name;
pub mod prelude;
pub mod report;
pub mod runtime;
pub mod telemetry;
