//! The Invoke API: paths, headers, invocation kinds, and the shapes of its errors.

/// `X-Amz-Invocation-Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum InvocationType {
    /// Wait for the function's answer: 200.
    #[default]
    RequestResponse,
    /// Queue and return: 202.
    Event,
    /// Check access and parameters only: 204.
    DryRun,
}
