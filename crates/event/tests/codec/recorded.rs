//! Recordings, both ways: what AWS sent decodes to the request that was made, and that request encodes to what AWS sent.

use lambridge_event::{Context, Field, Format, Kind, Received, Request, decode_answer, decode_request};
use serde_json::{Map, Value, json};

use crate::sample;

const QUERY: &str = "repeat=one&repeat=two&redirect=https%3A%2F%2Fexample.com%2Fa%2Fb&literalPlus=a+b&encodedPlus=a%2Bb&empty=";
const BODY: &str = r#"{"message":"hello from the public internet","unicode":"lambda-λ"}"#;

fn voker(source: &str) -> (String, Value) {
    let path = format!("{}/tests/golden/voker-{source}-request.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let tree = serde_json::from_str(&text).unwrap();
    (text, tree)
}

/// The context that a recorded event tells of.
fn context<'a>(
    of: &'a Value,
    resource: Option<&'a str>,
    parameters: &'a [(&'a str, &'a str)],
) -> Context<'a> {
    let text = |key: &str| of.pointer(key).and_then(Value::as_str).unwrap_or_default();
    Context {
        request_id: text("/requestId"),
        time_ms: of
            .get("timeEpoch")
            .or(of.get("requestTimeEpoch"))
            .and_then(Value::as_u64)
            .unwrap_or_default(),
        source_ip: of
            .pointer("/http/sourceIp")
            .or(of.pointer("/identity/sourceIp"))
            .map_or("", |v| v.as_str().unwrap()),
        protocol: of.pointer("/http/protocol").or(of.get("protocol")).map_or("", |v| v.as_str().unwrap()),
        domain_name: text("/domainName"),
        account_id: text("/accountId"),
        region: "",
        api_id: text("/apiId"),
        stage: text("/stage"),
        resource,
        path_parameters: parameters,
        binary_media_types: None,
        target_group_arn: text("/elb/targetGroupArn"),
    }
}

fn fields<'a>(received: &'a Received<'_>) -> Vec<Field<'a>> {
    received.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect()
}

/// The received request, encoded again.
fn again(
    format: Format,
    received: &Received<'_>,
    headers: &[Field<'_>],
    query: &str,
    context: &Context<'_>,
) -> Value {
    let (method, path, body) = (&*received.method, &*received.path, &*received.body);
    sample::event(format, &Request { method, path, query, headers, body }, context)
}

fn remove(tree: &mut Value, pointer: &str, key: &str) {
    tree.pointer_mut(pointer).and_then(Value::as_object_mut).unwrap().remove(key);
}

fn check_received(received: &Received<'_>, kind: Kind, query: &str, probe: &[&str]) {
    assert_eq!(received.kind, kind);
    assert_eq!(received.method, "POST");
    assert_eq!(received.path, "/capture/space%20value");
    assert_eq!(received.query, query);
    assert_eq!(received.body, BODY.as_bytes());
    let values = |name: &str| -> Vec<&str> {
        received
            .headers
            .iter()
            .filter(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, v)| &**v)
            .collect()
    };
    assert_eq!(values("x-voker-probe"), probe);
    assert_eq!(values("cookie"), ["session=abc123; theme=dark"]);
    assert_eq!(values("content-type"), ["application/json"]);
}

#[test]
fn function_url() {
    let (text, mut expect) = voker("functionurl");
    let received = decode_request(text.as_bytes()).unwrap();
    check_received(&received, Kind::HttpV2, QUERY, &["first,second"]);
    for key in ["authorizer", "authentication"] {
        remove(&mut expect, "/requestContext", key);
    }
    for key in ["pathParameters", "stageVariables"] {
        remove(&mut expect, "", key);
    }
    let mut headers = fields(&received);
    headers.retain(|(name, _)| *name != b"x-voker-probe");
    headers.extend([(&b"X-Voker-Probe"[..], &b"first"[..]), (b"x-voker-probe", b"second")]);
    let context = context(&expect["requestContext"], None, &[]);
    assert_eq!(again(Format::HttpV2, &received, &headers, &received.query, &context), expect);
}

#[test]
fn http_api() {
    let (text, _) = voker("apigwv2");
    let received = decode_request(text.as_bytes()).unwrap();
    check_received(&received, Kind::HttpV2, QUERY, &["first,second"]);
}

#[test]
fn rest_api() {
    let (text, mut expect) = voker("apigwv1");
    let received = decode_request(text.as_bytes()).unwrap();
    // The map has lost the order of keys and the client's spelling of escapes.
    let query = "empty=&encodedPlus=a%2Bb&literalPlus=a%20b&redirect=https%3A%2F%2Fexample.com%2Fa%2Fb&repeat=one&repeat=two";
    check_received(&received, Kind::RestV1, query, &["first", "second"]);
    for key in ["authorizer", "operationName", "resourceId", "extendedRequestId"] {
        remove(&mut expect, "/requestContext", key);
    }
    for key in ["apiKey", "apiKeyId", "clientCert"] {
        remove(&mut expect, "/requestContext/identity", key);
    }
    for (_, value) in expect.pointer_mut("/requestContext/identity").unwrap().as_object_mut().unwrap() {
        if value == "" {
            *value = Value::Null;
        }
    }
    let headers = fields(&received);
    let context = context(&expect["requestContext"], None, &[]);
    let mut found = again(Format::RestV1, &received, &headers, QUERY, &context);
    for key in ["resourceId", "extendedRequestId", "deploymentId"] {
        remove(&mut found, "/requestContext", key);
    }
    assert_eq!(found, expect);
}

#[test]
fn load_balancer() {
    let (text, mut expect) = voker("alb");
    let received = decode_request(text.as_bytes()).unwrap();
    let query = "empty=&encodedPlus=a%2Bb&literalPlus=a+b&redirect=https%3A%2F%2Fexample.com%2Fa%2Fb&repeat=one&repeat=two";
    check_received(&received, Kind::AlbMultiValue, query, &["first", "second"]);
    for key in ["headers", "queryStringParameters"] {
        remove(&mut expect, "", key);
    }
    let headers = fields(&received);
    let context = context(&expect["requestContext"], None, &[]);
    assert_eq!(again(Format::AlbMultiValue, &received, &headers, QUERY, &context), expect);

    // The single-value style of the same request: the last of the repeats.
    let last = |map: &Value| -> Map<String, Value> {
        let lists = map.as_object().unwrap();
        lists
            .iter()
            .map(|(name, list)| (name.clone(), list.as_array().unwrap().last().unwrap().clone()))
            .collect()
    };
    let single = json!({
        "requestContext": expect["requestContext"], "httpMethod": "POST", "path": "/capture/space%20value",
        "queryStringParameters": last(&expect["multiValueQueryStringParameters"]),
        "headers": last(&expect["multiValueHeaders"]), "body": BODY, "isBase64Encoded": false,
    });
    assert_eq!(again(Format::Alb, &received, &headers, QUERY, &context), single);
    let text = serde_json::to_vec(&single).unwrap();
    assert_eq!(decode_request(&text).unwrap().kind, Kind::Alb);
}

fn localstack(test: &str) -> Map<String, Value> {
    let text = include_str!("../golden/localstack-rest.json");
    let mut tests: Value = serde_json::from_str(text).unwrap();
    tests[test].take().as_object().unwrap().clone()
}

#[test]
fn rest_events() {
    let events = localstack("test_lambda_aws_proxy_integration");
    assert_eq!(events.len(), 11);
    for (name, mut event) in events {
        // The recording shows a JSON body parsed, and varying values outside their lists.
        if event["body"].is_object() {
            event["body"] = Value::String(event["body"].to_string());
        }
        for (_, value) in event["multiValueHeaders"].as_object_mut().unwrap() {
            if value.is_string() {
                *value = json!([value.take()]);
            }
        }
        let text = serde_json::to_vec(&event).unwrap();
        let received = decode_request(&text).unwrap();
        assert_eq!(received.kind, Kind::RestV1, "{name}");
        assert_eq!(received.path, event["path"].as_str().unwrap(), "{name}");
        let headers = fields(&received);
        let resource = event["resource"].as_str().unwrap();
        let context = context(&event["requestContext"], (resource != "/{proxy+}").then_some(resource), &[]);
        let mut found = again(Format::RestV1, &received, &headers, &received.query, &context);
        for key in
            ["deploymentId", "extendedRequestId", "path", "requestTime", "requestTimeEpoch", "resourceId"]
        {
            assert!(found["requestContext"].get(key).is_some(), "{name}: {key}");
            found["requestContext"][key] = event["requestContext"][key].clone();
        }
        // A recorded placeholder, where the prefix is the API's id.
        found["requestContext"]["domainPrefix"] = event["requestContext"]["domainPrefix"].clone();
        assert_eq!(found, event, "{name}");
    }
}

/// What the function answered is in the source of the recorded test, what came of it in the recording.
#[test]
fn rest_answers() {
    let recorded = localstack("test_aws_proxy_response_payload_format_validation");
    let rows = [
        ("no-body", json!({"statusCode": 200}), 200),
        (
            "with-headers",
            json!({"statusCode": 200, "headers": {"test-header": "value", "header-bool": true}}),
            200,
        ),
        ("with-headers-null", json!({"statusCode": 200, "headers": null}), 200),
        ("wrong-format", json!({"statusCode": 200, "wrongValue": "value"}), 502),
        (
            "b64-encoded-false",
            json!({"statusCode": 200, "body": "dGVzdC1kYXRh", "isBase64Encoded": false}),
            200,
        ),
        (
            "multi-headers-valid",
            json!({"statusCode": 200, "multiValueHeaders": {"test-multi": ["value1", "value2"]}}),
            200,
        ),
        (
            "multi-headers-overwrite",
            json!({
                "statusCode": 200,
                "multiValueHeaders": {"test-multi": ["value-multi"]},
                "headers": {"test-multi": "value-solo"},
            }),
            200,
        ),
        (
            "multi-headers-overwrite-casing",
            json!({
                "statusCode": 200,
                "multiValueHeaders": {"tesT-Multi": ["value-multi"]},
                "headers": {"test-multi": "value-solo"},
            }),
            200,
        ),
        (
            "multi-headers-invalid",
            json!({"statusCode": 200, "multiValueHeaders": {"test-multi": "value-multi"}}),
            502,
        ),
        ("invalid-status-code", json!({"statusCode": "test"}), 502),
        ("status-code-str", json!({"statusCode": "201"}), 201),
        ("just-string", json!("just-string"), 502),
        ("only-headers", json!({"headers": {"test-header": "value"}}), 200),
    ];
    for (name, payload, status) in rows {
        let recorded = &recorded[&format!("invoke-api-{name}")];
        let payload = serde_json::to_vec(&payload).unwrap();
        let Ok(answer) = decode_answer(Format::RestV1, &payload) else {
            assert_eq!(status, 502, "{name}");
            assert_eq!(recorded["content"]["message"], "Internal server error", "{name}");
            continue;
        };
        assert_eq!(answer.status, status, "{name}");
        assert_eq!(recorded["content"].as_str().unwrap().as_bytes(), &*answer.body, "{name}");
        let Some(expect) = recorded.get("headers").and_then(Value::as_object) else { continue };
        for (header, value) in expect.iter().filter(|(name, _)| {
            ["Content-Type", "header-bool", "test-header"].contains(&name.as_str())
                || name.to_lowercase() == "test-multi"
        }) {
            let values: Vec<&str> = answer
                .headers
                .iter()
                .filter(|(found, _)| {
                    &**found == header.as_bytes() || (header == "Content-Type" && **found == *b"content-type")
                })
                .map(|(_, value)| std::str::from_utf8(value).unwrap())
                .collect();
            assert_eq!(values.join(", "), value.as_str().unwrap(), "{name}: {header}");
        }
    }
}

/// Recorded without an `Accept` that fits: base64 stays as it is under AWS's own rule.
#[test]
fn rest_base64_stays_without_a_fitting_accept() {
    let payload = br#"{"statusCode":200,"body":"dGVzdC1kYXRh","isBase64Encoded":true}"#;
    let types = ["image/png".to_owned()];
    let body = |accept: Option<&[u8]>| {
        lambridge_event::decode_binary_answer(payload, accept, &types).unwrap().body.into_owned()
    };
    assert_eq!(body(None), b"dGVzdC1kYXRh");
    assert_eq!(body(Some(b"*/*")), b"dGVzdC1kYXRh");
    assert_eq!(body(Some(b"image/png;q=0.9, text/html")), b"test-data");
    assert_eq!(&*decode_answer(Format::RestV1, payload).unwrap().body, b"test-data");
}
