//! kgateway: `Backend`, in every shape its `spec.aws` has had.

use crate::table::{Key, Table, Unknown, ignored, no, yes};

/// `Backend`.
pub const BACKEND: Table = Table { keys: BACKEND_KEYS, unknown: Unknown::Warning, notes: &[] };

const FUNCTIONS_ONLY: &str = "only `aws` backends are served here; leave this one to kgateway";

/// Rows of `Backend`. Types are compared without their case: the first releases wrote `aws`.
pub const BACKEND_KEYS: &[Key] = &[
    yes("apiVersion", "`gateway.kgateway.dev/v1alpha1`"),
    yes("kind", "`Backend`"),
    yes("metadata", "name and namespace"),
    yes("status", "written by controllers"),
    yes("spec", "exactly one of the members below"),
    yes("spec.type", "`AWS`, also when absent"),
    yes("spec.type: AWS", "Lambda"),
    no("spec.type: AI", "a language model", FUNCTIONS_ONLY),
    no("spec.type: Static", "addresses", FUNCTIONS_ONLY),
    no("spec.type: DynamicForwardProxy", "the host of the request", FUNCTIONS_ONLY),
    no("spec.type: MCP", "tools", FUNCTIONS_ONLY),
    no("spec.type: GCP", "Google Cloud", FUNCTIONS_ONLY),
    no("spec.type: PriorityGroups", "several backends", FUNCTIONS_ONLY),
    no("spec.ai", "a language model", FUNCTIONS_ONLY),
    no("spec.static", "addresses", FUNCTIONS_ONLY),
    no("spec.dynamicForwardProxy", "the host of the request", FUNCTIONS_ONLY),
    no("spec.mcp", "tools", FUNCTIONS_ONLY),
    no("spec.gcp", "Google Cloud", FUNCTIONS_ONLY),
    no("spec.priorityGroups", "several backends", FUNCTIONS_ONLY),
    yes("spec.aws", "Lambda"),
    yes("spec.aws.region", "`us-east-1` when absent"),
    yes("spec.aws.accountId", "owner of the function"),
    yes("spec.aws.secretRef", "a Secret with AWS keys; the AWS default chain when absent"),
    yes("spec.aws.secretRef.name", "of the Secret"),
    yes("spec.aws.secretRef.namespace", "that of the backend when absent; another takes a `ReferenceGrant`"),
    yes("spec.aws.auth", "who calls; the AWS default chain when absent"),
    yes("spec.aws.auth.type", "what the other keys say when absent"),
    yes("spec.aws.auth.type: Secret", "keys of a Secret"),
    yes("spec.aws.auth.type: AssumeRole", "a role, starting from the AWS default chain"),
    yes("spec.aws.auth.type: irsa", "a role, starting from the AWS default chain"),
    yes("spec.aws.auth.type: default", "the AWS default chain"),
    yes("spec.aws.auth.secretRef", "a Secret with AWS keys"),
    yes("spec.aws.auth.secretRef.name", "of the Secret"),
    yes("spec.aws.auth.secretRef.namespace", "as `aws.secretRef.namespace`"),
    yes("spec.aws.auth.secret", "as `secretRef`"),
    yes("spec.aws.auth.secret.name", "of the Secret"),
    yes("spec.aws.auth.secret.namespace", "as `aws.secretRef.namespace`"),
    yes("spec.aws.auth.assumeRole", "a role to assume"),
    yes("spec.aws.auth.assumeRole.roleArn", "`arn:aws:iam::123456789012:role/name`"),
    yes("spec.aws.auth.irsa", "a role to assume"),
    yes("spec.aws.auth.irsa.roleARN", "`arn:aws:iam::123456789012:role/name`"),
    yes("spec.aws.lambdaFunctions", "functions that a `Parameter` filter names"),
    yes("spec.aws.lambdaFunctions[].logicalName", "what filters call it; its name when absent"),
    yes("spec.aws.lambdaFunctions[].lambdaFunctionName", "name of the function"),
    yes("spec.aws.lambdaFunctions[].qualifier", "version or alias; none when empty"),
    yes("spec.aws.lambda", "the one function of the backend"),
    yes("spec.aws.lambda.accountId", "wins over `aws.accountId`"),
    yes("spec.aws.lambda.endpointURL", "base URL of the Lambda API; a port is not needed"),
    yes("spec.aws.lambda.functionName", "name of the function"),
    yes("spec.aws.lambda.invocationMode", "`Sync` when absent"),
    yes("spec.aws.lambda.invocationMode: Sync", "wait for the answer"),
    yes("spec.aws.lambda.invocationMode: Async", "queue the event and answer 202"),
    yes("spec.aws.lambda.payloadTransformMode", "`Envoy` when absent"),
    yes(
        "spec.aws.lambda.payloadTransformMode: None",
        "the function is given the body, the client its payload",
    ),
    no(
        "spec.aws.lambda.payloadTransformMode: Envoy",
        "the event of Envoy's Lambda filter",
        "write `payloadTransformMode: None`, or use `event: http_v2` in a native document",
    ),
    yes("spec.aws.lambda.qualifier", "version or alias; none when empty"),
    no("spec.aws.ec2", "instances", FUNCTIONS_ONLY),
    ignored("spec.aws.service", "name of the AWS service", "functions are of `lambda`"),
];

#[cfg(test)]
mod tests {
    #[test]
    fn the_table_is_whole() {
        crate::table::check(&super::BACKEND);
    }
}
