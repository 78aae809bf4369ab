//! kgateway: `Backend`.

use super::{Body, Kind};
use crate::document::{Node, Span};
use crate::kubernetes::support::KGATEWAY;
use crate::kubernetes::support::kgateway::BACKEND;
use crate::reader::{Fields, Leaf, Reader};

pub const KINDS: &[Kind] = &[Kind {
    group: KGATEWAY,
    name: "Backend",
    versions: &["v1alpha1"],
    namespaced: true,
    table: &BACKEND,
    read: backend,
}];

#[derive(Debug, Default)]
pub struct Backend {
    pub kind: Option<Leaf>,
    pub aws: Option<Aws>,
    /// Another member was written, which is refused: then `aws` is not missing.
    pub has_other: bool,
}

#[derive(Debug)]
pub struct Aws {
    pub region: Option<Leaf>,
    pub account: Option<Leaf>,
    pub secret: Option<SecretRef>,
    pub auth: Option<Auth>,
    pub functions: Option<(Span, Vec<LambdaFunction>)>,
    pub lambda: Option<Lambda>,
    /// `ec2`, which is refused.
    pub has_other: bool,
}

#[derive(Debug)]
pub struct SecretRef {
    pub span: Span,
    pub name: Option<Leaf>,
    pub namespace: Option<Leaf>,
}

#[derive(Debug)]
pub struct Auth {
    pub span: Span,
    pub kind: Option<Leaf>,
    /// `secretRef`, or `secret` of the first releases.
    pub secret: Option<SecretRef>,
    pub role: Option<Role>,
}

#[derive(Debug)]
pub struct Role {
    pub span: Span,
    pub arn: Option<Leaf>,
    /// How the shape at hand calls it.
    pub key: &'static str,
}

#[derive(Debug)]
pub struct LambdaFunction {
    pub span: Span,
    pub logical: Option<Leaf>,
    pub name: Option<Leaf>,
    pub qualifier: Option<Leaf>,
}

#[derive(Debug)]
pub struct Lambda {
    pub span: Span,
    pub account: Option<Leaf>,
    pub endpoint: Option<Leaf>,
    pub name: Option<Leaf>,
    pub mode: Option<Leaf>,
    pub transform: Option<Leaf>,
    pub qualifier: Option<Leaf>,
}

fn backend(reader: &mut Reader<'_>, top: &Fields<'_>) -> Body {
    let others = ["ai", "static", "dynamicForwardProxy", "mcp", "gcp", "priorityGroups"];
    let read = |reader: &mut Reader<'_>, spec: &Fields<'_>| Backend {
        kind: reader.leaf(spec, "type"),
        aws: reader.section(spec, "aws", aws),
        has_other: spec.has("aws") || others.iter().any(|key| spec.has(key)),
    };
    Body::Backend(Box::new(reader.section(top, "spec", read).unwrap_or_default()))
}

fn aws(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Aws {
    Aws {
        region: reader.leaf(fields, "region"),
        account: reader.leaf(fields, "accountId"),
        secret: reader.section(fields, "secretRef", secret_ref),
        auth: reader.section(fields, "auth", |reader, fields| Auth {
            span: fields.span.clone(),
            kind: reader.leaf(fields, "type"),
            secret: reader
                .section(fields, "secretRef", secret_ref)
                .or_else(|| reader.section(fields, "secret", secret_ref)),
            role: role(reader, fields, "assumeRole", "roleArn")
                .or_else(|| role(reader, fields, "irsa", "roleARN")),
        }),
        functions: reader.list(fields, "lambdaFunctions", lambda_function),
        lambda: reader.section(fields, "lambda", lambda),
        has_other: ["ec2", "lambda", "lambdaFunctions"].iter().any(|key| fields.has(key)),
    }
}

fn role(reader: &mut Reader<'_>, fields: &Fields<'_>, name: &str, key: &'static str) -> Option<Role> {
    reader.section(fields, name, |reader, fields| Role {
        span: fields.span.clone(),
        arn: reader.leaf(fields, key),
        key,
    })
}

fn secret_ref(reader: &mut Reader<'_>, fields: &Fields<'_>) -> SecretRef {
    SecretRef {
        span: fields.span.clone(),
        name: reader.leaf(fields, "name"),
        namespace: reader.leaf(fields, "namespace"),
    }
}

fn lambda_function(reader: &mut Reader<'_>, node: &Node) -> Option<LambdaFunction> {
    let fields = reader.fields(node, "spec.aws.lambdaFunctions[]")?;
    Some(LambdaFunction {
        span: fields.span.clone(),
        logical: reader.leaf(&fields, "logicalName"),
        name: reader.leaf(&fields, "lambdaFunctionName"),
        qualifier: reader.leaf(&fields, "qualifier"),
    })
}

fn lambda(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Lambda {
    Lambda {
        span: fields.span.clone(),
        account: reader.leaf(fields, "accountId"),
        endpoint: reader.leaf(fields, "endpointURL"),
        name: reader.leaf(fields, "functionName"),
        mode: reader.leaf(fields, "invocationMode"),
        transform: reader.leaf(fields, "payloadTransformMode"),
        qualifier: reader.leaf(fields, "qualifier"),
    }
}
