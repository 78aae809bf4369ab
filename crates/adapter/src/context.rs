//! The context headers: what the application learns about the event's source and the invocation.
//!
//! * `x-amzn-request-context`: the event's own `requestContext`, `null` when it has none
//! * `x-amzn-lambda-context`: JSON in snake case about the invocation and the function
//! * `x-amzn-trace-id`, `x-amz-tenant-id`: of the invocation
//!
//! A client's copies of these are dropped, whatever the invocation has. Control bytes cannot stand in a header and are
//! removed: in JSON they are white space, or not JSON. The caller's context and identity are passed on as they came, some
//! of it under a second name: see [`names`].
//!
//! Source: "Request context", "Lambda context" and "Multi-tenancy" of the documentation of AWS Lambda Web Adapter, and
//! the key names of its 1.0.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use lambridge_wire::runtime as wire;
use serde_json::value::RawValue;

use crate::runtime::Delivery;
use crate::settings::Function;

mod names;

const REQUEST_CONTEXT: HeaderName = HeaderName::from_static("x-amzn-request-context");
const LAMBDA_CONTEXT: HeaderName = HeaderName::from_static("x-amzn-lambda-context");
const TRACE: HeaderName = HeaderName::from_static("x-amzn-trace-id");
const TENANT: HeaderName = HeaderName::from_static("x-amz-tenant-id");

/// What the adapter alone says, whoever asks.
pub const OWN: [HeaderName; 3] = [REQUEST_CONTEXT, LAMBDA_CONTEXT, TENANT];

/// Whether a field is one of these but for `_` in place of `-`: behind CGI's names, and WSGI's, an application reads one as
/// the other.
pub fn is_copy(name: &HeaderName) -> bool {
    let name = name.as_str().as_bytes();
    let alike = |own: u8, other: u8| own == other || (own == b'-' && other == b'_');
    OWN.iter()
        .map(|own| own.as_str().as_bytes())
        .any(|own| own.len() == name.len() && own != name && own.iter().zip(name).all(|(a, b)| alike(*a, *b)))
}

/// The last part of the Lambda context, which is the same for all invocations.
#[derive(Debug, Clone)]
pub struct FunctionContext {
    env_config: String,
}

impl FunctionContext {
    /// Renders it once.
    pub fn new(function: &Function) -> FunctionContext {
        let mut env_config = String::from(",\"env_config\":{\"function_name\":");
        quote(&function.name, &mut env_config);
        env_config.push_str(",\"memory\":");
        env_config.push_str(&function.memory.to_string());
        for (key, value) in [
            (",\"version\":", &function.version),
            (",\"log_stream\":", &function.log_stream),
            (",\"log_group\":", &function.log_group),
        ] {
            env_config.push_str(key);
            quote(value, &mut env_config);
        }
        env_config.push_str("}}");
        FunctionContext { env_config }
    }

    /// Sets the context headers, in place of what the client sent under these names.
    pub fn set(&self, delivery: &Delivery, request_context: Option<&str>, headers: &mut HeaderMap) {
        headers.insert(REQUEST_CONTEXT, value(request_context.unwrap_or("null").into()));
        headers.insert(LAMBDA_CONTEXT, value(self.lambda_context(delivery)));
        if let Some(trace) = delivery.get(wire::TRACE_ID) {
            headers.insert(TRACE, trace.clone());
        }
        match delivery.get(wire::TENANT_ID) {
            Some(tenant) => headers.insert(TENANT, tenant.clone()),
            None => headers.remove(TENANT),
        };
    }

    fn lambda_context(&self, delivery: &Delivery) -> String {
        let mut json = String::with_capacity(384 + self.env_config.len());
        json.push_str("{\"request_id\":");
        quote(delivery.request_id().unwrap_or_default(), &mut json);
        json.push_str(",\"deadline\":");
        json.push_str(&delivery.deadline_ms().unwrap_or(0).to_string());
        json.push_str(",\"invoked_function_arn\":");
        quote(delivery.text(wire::INVOKED_FUNCTION_ARN).unwrap_or_default(), &mut json);
        json.push_str(",\"xray_trace_id\":");
        optional(delivery.text(wire::TRACE_ID), &mut json);
        json.push_str(",\"client_context\":");
        json.push_str(&names::of_client_context(object(delivery, wire::CLIENT_CONTEXT)));
        json.push_str(",\"identity\":");
        json.push_str(&names::of_identity(object(delivery, wire::COGNITO_IDENTITY)));
        json.push_str(",\"tenant_id\":");
        optional(delivery.text(wire::TENANT_ID), &mut json);
        json.push_str(&self.env_config);
        json
    }
}

/// A header that holds JSON, as it came; `null` when it is absent or no JSON.
fn object<'a>(delivery: &'a Delivery, name: &str) -> &'a str {
    delivery
        .get(name)
        .and_then(|value| serde_json::from_slice::<&RawValue>(value.as_bytes()).ok())
        .map_or("null", RawValue::get)
}

fn optional(text: Option<&str>, json: &mut String) {
    match text {
        Some(text) => quote(text, json),
        None => json.push_str("null"),
    }
}

/// A JSON string. Nearly every value is plain and is copied whole.
fn quote(text: &str, json: &mut String) {
    if text.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\') {
        json.push('"');
        json.push_str(text);
        json.push('"');
    } else {
        json.push_str(&serde_json::Value::from(text).to_string());
    }
}

fn value(mut text: String) -> HeaderValue {
    // Each byte is looked at, without a way out, so that many are at once.
    if text.bytes().fold(false, |found, byte| found | is_control(byte)) {
        text.retain(|c| !c.is_ascii_control());
    }
    // Only control bytes are refused, and they are gone.
    HeaderValue::from_maybe_shared(Bytes::from(text)).unwrap_or(HeaderValue::from_static("null"))
}

fn is_control(byte: u8) -> bool {
    (byte < 0x20) | (byte == 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Headers of `/next`, the event's context, and the headers the application gets.
    #[track_caller]
    fn check(
        next: &[(&'static str, &str)],
        context: Option<&str>,
        client: &[(&'static str, &str)],
        expect: &[(&str, Option<&str>)],
    ) {
        let map = |list: &[(&'static str, &str)]| {
            list.iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
                .collect::<HeaderMap>()
        };
        let function = Function { name: "f".into(), memory: 128, version: "1".into(), ..Function::default() };
        let mut headers = map(client);
        FunctionContext::new(&function).set(&Delivery::new(next, Bytes::new()), context, &mut headers);
        for (name, value) in expect {
            let got = headers.get(*name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
            assert_eq!(got.as_deref(), *value, "{name}");
        }
    }

    const CONFIG: &str =
        r#""env_config":{"function_name":"f","memory":128,"version":"1","log_stream":"","log_group":""}}"#;

    #[test]
    fn all_of_it() {
        let full = format!(
            r#"{{"request_id":"id","deadline":5,"invoked_function_arn":"arn","xray_trace_id":"Root=1","client_context":{{"a":1}},"identity":null,"tenant_id":"blue",{CONFIG}"#
        );
        check(
            &[
                (wire::REQUEST_ID, "id"),
                (wire::DEADLINE_MS, "5"),
                (wire::INVOKED_FUNCTION_ARN, "arn"),
                (wire::TRACE_ID, "Root=1"),
                (wire::CLIENT_CONTEXT, r#"{"a":1}"#),
                (wire::COGNITO_IDENTITY, "{not json"),
                (wire::TENANT_ID, "blue"),
            ],
            Some("{\n \"stage\": \"é\u{7f}\"}"),
            &[
                ("x-amzn-trace-id", "forged"),
                ("x-amz-tenant-id", "forged"),
                ("x-amzn-lambda-context", "forged"),
            ],
            &[
                ("x-amzn-lambda-context", Some(&full)),
                ("x-amzn-request-context", Some("{ \"stage\": \"é\"}")),
                ("x-amzn-trace-id", Some("Root=1")),
                ("x-amz-tenant-id", Some("blue")),
            ],
        );
    }

    #[test]
    fn copies() {
        for (name, expect) in [
            ("x_amzn_request_context", true),
            ("x-amzn_lambda-context", true),
            ("x_amz_tenant_id", true),
            ("x-amz-tenant-id", false),
            ("x_amz_tenant_ib", false),
            ("x_mine", false),
        ] {
            assert_eq!(is_copy(&HeaderName::from_static(name)), expect, "{name}");
        }
    }

    #[test]
    fn none_of_it() {
        let bare = format!(
            r#"{{"request_id":"","deadline":0,"invoked_function_arn":"","xray_trace_id":null,"client_context":null,"identity":null,"tenant_id":null,{CONFIG}"#
        );
        check(
            &[(wire::DEADLINE_MS, "soon"), (wire::TENANT_ID, "")],
            None,
            &[
                ("x-amzn-trace-id", "client"),
                ("x-amz-tenant-id", "forged"),
                ("x-amzn-request-context", "forged"),
            ],
            &[
                ("x-amzn-lambda-context", Some(&bare)),
                ("x-amzn-request-context", Some("null")),
                ("x-amzn-trace-id", Some("client")),
                ("x-amz-tenant-id", None),
            ],
        );
    }
}
