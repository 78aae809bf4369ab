//! A function URL that only signed requests may call (`AuthType: AWS_IAM`), and who the caller is in the event.
//!
//! The signature is that of the Invoke API: Signature Version 4 for the service `lambda`. Where the emulator has no
//! credentials of its own any key may sign, but sign it must. There are no policies here: whoever signed is allowed. The
//! signature ends here, as on Lambda, where an application takes its own authorization from another header.
//!
//! Source: Lambda developer guide, "Control access to Lambda function URLs" and, for the event, "Request payload format":
//! `requestContext.authorizer.iam`.

use http::StatusCode;
use http::header::HeaderValue;
use http::request::Parts;
use lambridge_wire::invoke::X_AMZN_ERROR_TYPE;
use lambridge_wire::name::partition_of;

use crate::context::Context;
use crate::http::{Answer, json};
use crate::service::Service;
use crate::signature;

/// Who signed; or the refusal.
pub(super) fn caller(service: &Service, head: &Parts, body: &[u8]) -> Result<String, Box<Answer>> {
    let Some(key_id) = signature::key_id(head) else {
        return Err(refusal("AccessDeniedException", r#"{"Message":"Forbidden"}"#.to_owned()));
    };
    service
        .check_signature(head, body)
        .map_err(|(name, message)| refusal(name, serde_json::json!({ "message": message }).to_string()))?;
    Ok(key_id.to_owned())
}

/// Writes the caller into an event, whose `requestContext` is an object with members.
pub(super) fn authorize(event: Vec<u8>, context: &Context, key_id: &str) -> Vec<u8> {
    const CONTEXT: &[u8] = br#""requestContext":{"#;
    // Within a string each quote has a backslash before it, so this is the member and nothing else.
    let Some(found) = event.windows(CONTEXT.len()).position(|window| window == CONTEXT) else { return event };
    let account = &context.account;
    let user = format!("arn:{}:iam::{account}:user/local", partition_of(&context.region));
    let iam = serde_json::json!({
        "iam": {
            "accessKey": key_id,
            "accountId": account,
            "callerId": key_id,
            "cognitoIdentity": null,
            "principalOrgId": null,
            "userArn": user,
            "userId": key_id,
        }
    });
    let (before, after) = event.split_at(found + CONTEXT.len());
    let mut whole = Vec::with_capacity(event.len() + 256);
    whole.extend_from_slice(before);
    whole.extend_from_slice(format!(r#""authorizer":{iam},"#).as_bytes());
    whole.extend_from_slice(after);
    whole
}

fn refusal(name: &'static str, body: String) -> Box<Answer> {
    let mut answer = json(StatusCode::FORBIDDEN.as_u16(), body);
    answer.headers_mut().insert(X_AMZN_ERROR_TYPE, HeaderValue::from_static(name));
    Box::new(answer)
}
