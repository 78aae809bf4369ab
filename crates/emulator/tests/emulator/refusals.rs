//! Requests that the Invoke API does not take.

use crate::support::{House, plan, request, send};

const PATH: &str = "/2015-03-31/functions/f/invocations";

async fn check(
    house: &House,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    status: u16,
    kind: &str,
    text: &str,
) {
    let answer = house.post(path, headers, body.to_vec()).await;
    assert_eq!((answer.status, answer.header("x-amzn-errortype")), (status, kind), "{path} {headers:?}");
    assert!(answer.body.contains(text), "{} has no {text}", answer.body);
    assert_eq!(answer.header("x-amzn-requestid").len(), 36);
}

#[tokio::test]
async fn refusals() {
    let house = plan("plain").start().await;
    let house = &house;
    let parameter = "InvalidParameterValueException";
    let content = "InvalidRequestContentException";
    let large = vec![b'1'; 6_291_557];
    let large_event = vec![b'1'; 1_048_577];
    let event = ("x-amz-invocation-type", "Event");
    let unknown = "Function not found: arn:aws:lambda:us-east-1:000000000000:function:g";
    check(
        house,
        "/2015-03-31/functions/g/invocations",
        &[],
        b"{}",
        404,
        "ResourceNotFoundException",
        unknown,
    )
    .await;
    check(house, &format!("{PATH}?Qualifier=a:b"), &[], b"{}", 400, parameter, "message").await;
    let mismatch = "The derived qualifier from the function name does not match the specified qualifier.";
    check(house, "/2015-03-31/functions/f:a/invocations?Qualifier=b", &[], b"{}", 400, parameter, mismatch)
        .await;
    check(house, "/2015-03-31/functions/f%20f/invocations", &[], b"{}", 400, parameter, "message").await;
    check(house, PATH, &[], b"{", 400, content, "Could not parse request body into json").await;
    check(house, PATH, &[], b"n\x87", 400, content, "Invalid UTF-8 start byte 0x87").await;
    check(house, PATH, &[], b"\"\x87\"", 400, content, "column: 3]").await;
    check(house, PATH, &[("x-amzn-requestid", "mine")], b"{}", 400, content, "request id").await;
    check(house, PATH, &[("x-amz-client-context", "%")], b"{}", 400, content, "Client context").await;
    check(house, PATH, &[("x-amz-client-context", "e3s=")], b"{}", 400, content, "Client context").await;
    check(house, PATH, &[("x-amz-tenant-id", "a!b")], b"{}", 400, parameter, "tenant").await;
    check(house, PATH, &[("x-amz-invocation-type", "Later")], b"{}", 400, parameter, "invocationType").await;
    check(house, PATH, &[("x-amz-log-type", "All")], b"{}", 400, parameter, "logType").await;
    check(house, PATH, &[], &large, 413, "RequestTooLargeException", "6291456 bytes").await;
    check(house, PATH, &[event], &large_event, 413, "RequestTooLargeException", "1048576 bytes").await;
    check(house, "/", &[], b"", 404, "UnknownOperationException", "message").await;
    check(house, PATH, &[("host", "evil.example")], b"{}", 403, "AccessDeniedException", "evil.example")
        .await;
    check(house, PATH, &[("host", "192.0.2.1:9000")], b"{}", 403, "AccessDeniedException", "192.0.2.1").await;
}

#[tokio::test]
async fn hosts_of_this_machine() {
    let house = plan("plain").start().await;
    for host in ["localhost", "LOCALHOST:9000", "127.0.0.9:1", "[::1]:9000", "lambda.localhost.", "::1"] {
        let dry = ("x-amz-invocation-type", "DryRun");
        let answer = send(house.address, request(PATH, &[("host", host), dry], "{}")).await;
        assert_eq!(answer.status, if host == "::1" { 403 } else { 204 }, "{host}");
    }
}
