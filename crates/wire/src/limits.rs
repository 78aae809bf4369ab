//! The service's limits, each with its source.

/// Synchronous payload, request and answer each, in bytes. Source: the runtime interface emulator's buffer,
/// 6 MiB + 100, which real error texts print (`6291556 bytes`).
pub const SYNC_PAYLOAD: usize = 6 * 1024 * 1024 + 100;
/// Asynchronous event, in bytes. Source: Lambda quotas, October 2025.
pub const ASYNC_PAYLOAD: usize = 1024 * 1024;
/// Longest function timeout, in seconds. Source: Lambda quotas.
pub const MAX_TIMEOUT_SECS: u64 = 900;
/// Time for the init phase, in seconds. Source: Lambda runtime environment guide.
pub const INIT_SECS: u64 = 10;
/// Bytes of log that `X-Amz-Log-Result` carries before base64. Source: Invoke API reference.
pub const LOG_TAIL: usize = 4096;
/// Longest client context, in base64 characters. Source: Invoke API reference.
pub const CLIENT_CONTEXT: usize = 3583;
/// Streamed answer, in bytes. Source: Lambda quotas, July 2025.
pub const STREAMED_ANSWER: usize = 200 * 1024 * 1024;
/// Function timeout when none is set, in seconds. Source: CreateFunction API reference.
pub const DEFAULT_TIMEOUT_SECS: u64 = 3;
/// Environment variables together, in bytes. Source: Lambda quotas.
pub const ENVIRONMENT: usize = 4096;
/// Smallest and largest memory of a function, in MB. Source: Lambda quotas.
pub const MEMORY_MB: std::ops::RangeInclusive<u32> = 128..=10_240;
