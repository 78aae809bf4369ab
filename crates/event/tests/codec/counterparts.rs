//! The crates that Rust functions are written with, as counterparts: they take every event of ours, and the events that
//! come with them as examples are taken by us.

use std::path::PathBuf;
use std::process::Command;

use aws_lambda_events::alb::{AlbTargetGroupRequest, AlbTargetGroupResponse};
use aws_lambda_events::apigw::{
    ApiGatewayProxyRequest, ApiGatewayProxyResponse, ApiGatewayV2httpRequest, ApiGatewayV2httpResponse,
};
use aws_lambda_events::lambda_function_urls::LambdaFunctionUrlRequest;
use aws_lambda_events::vpc_lattice::VpcLatticeRequestV2;
use lambda_http::RequestExt as _;
use lambda_http::request::LambdaRequest;
use lambridge_event::{Answer, Context, Format, Kind, Request, decode_answer, decode_request, encode_answer};

use crate::sample::{self, CONTEXT, GET};

type Headers = Vec<(&'static str, &'static [u8])>;

fn requests() -> Vec<(Headers, Request<'static>)> {
    vec![
        (vec![], GET),
        (
            vec![("Host", b"shop.example.com"), ("X-A", b"1"), ("x-a", b"2"), ("cookie", b"a=1; b=2")],
            Request { path: "/a%20b/c", query: "x=1&x=2&y=a+b&z", ..GET },
        ),
        (
            vec![("content-type", b"application/json"), ("user-agent", b"curl \xe9")],
            Request { method: "POST", body: b"{\"a\":\"\\u00e9\"}", ..GET },
        ),
        (
            vec![("content-type", b"image/png")],
            Request { method: "PUT", path: "/i", body: b"\x89PNG\r\n\x1a\n\x00\xff", ..GET },
        ),
    ]
}

#[test]
fn our_events_are_taken() {
    let template = Context {
        resource: Some("/users/{id}"),
        path_parameters: &[("id", "a%20b")],
        stage: "live",
        ..CONTEXT
    };
    for (headers, request) in requests() {
        let headers = sample::fields(&headers);
        let request = Request { headers: &headers, ..request };
        for context in [&CONTEXT, &template] {
            let v2 = sample::encode(Format::HttpV2, &request, context);
            serde_json::from_slice::<ApiGatewayV2httpRequest>(&v2).unwrap();
            serde_json::from_slice::<LambdaFunctionUrlRequest>(&v2).unwrap();
            let rest = sample::encode(Format::RestV1, &request, context);
            serde_json::from_slice::<ApiGatewayProxyRequest>(&rest).unwrap();
            for format in [Format::Alb, Format::AlbMultiValue] {
                serde_json::from_slice::<AlbTargetGroupRequest>(&sample::encode(format, &request, context))
                    .unwrap();
            }
            let lattice = sample::encode(Format::LatticeV2, &request, context);
            serde_json::from_slice::<VpcLatticeRequestV2>(&lattice).unwrap();
        }
        for format in [Format::HttpV2, Format::RestV1, Format::Alb, Format::AlbMultiValue] {
            let event = sample::encode(format, &request, &CONTEXT);
            let parsed: LambdaRequest = serde_json::from_slice(&event).unwrap();
            let expected = match parsed {
                LambdaRequest::ApiGatewayV2(_) => format == Format::HttpV2,
                LambdaRequest::ApiGatewayV1(_) => format == Format::RestV1,
                LambdaRequest::Alb(_) => matches!(format, Format::Alb | Format::AlbMultiValue),
                _ => false,
            };
            assert!(expected, "{format:?} was taken for another source");
            let seen = lambda_http::Request::from(parsed);
            assert_eq!(seen.method(), request.method, "{format:?}");
            assert_eq!(seen.raw_http_path(), request.path, "{format:?}");
            assert_eq!(seen.body().as_ref(), request.body, "{format:?}");
            let query = seen.query_string_parameters();
            if request.query.contains("y=") {
                assert_eq!(query.first("y"), Some("a b"), "{format:?}");
            }
        }
    }
}

#[test]
fn our_answers_are_taken() {
    let answer = Answer {
        status: 201,
        headers: vec![
            (b"content-type"[..].into(), b"text/plain"[..].into()),
            (b"set-cookie"[..].into(), b"a=1"[..].into()),
        ],
        body: b"hello"[..].into(),
    };
    let encoded = |kind| {
        let mut out = Vec::new();
        encode_answer(kind, &answer, &mut out);
        out
    };
    let v2: ApiGatewayV2httpResponse = serde_json::from_slice(&encoded(Kind::HttpV2)).unwrap();
    assert_eq!((v2.status_code, v2.cookies.len()), (201, 1));
    let rest: ApiGatewayProxyResponse = serde_json::from_slice(&encoded(Kind::RestV1)).unwrap();
    assert_eq!((rest.status_code, rest.multi_value_headers.len()), (201, 2));
    let alb: AlbTargetGroupResponse = serde_json::from_slice(&encoded(Kind::Alb)).unwrap();
    assert_eq!((alb.status_code, alb.headers.len(), alb.multi_value_headers.len()), (201, 2, 0));
    let alb: AlbTargetGroupResponse = serde_json::from_slice(&encoded(Kind::AlbMultiValue)).unwrap();
    assert_eq!((alb.headers.len(), alb.multi_value_headers.len()), (0, 2));
}

/// The folder of a dependency's sources, from cargo itself.
fn source_of(package: &str) -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--offline", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = metadata["packages"].as_array().unwrap().iter().find(|one| one["name"] == package).unwrap();
    PathBuf::from(found["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned()
}

fn check_examples(package: &str, folder: &str, rows: &[(&str, Kind, &str)]) {
    let folder = source_of(package).join(folder);
    for (name, kind, line) in rows {
        let event = std::fs::read(folder.join(format!("{name}.json"))).unwrap();
        let found = decode_request(&event).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(
            (found.kind, format!("{} {}", found.method, found.path)),
            (*kind, (*line).to_owned()),
            "{name}"
        );
    }
}

#[test]
fn examples_of_aws_lambda_events() {
    use Kind::{Alb, AlbMultiValue, HttpV2, LatticeV1, LatticeV2, Other, RestV1};
    check_examples(
        "aws_lambda_events",
        "src/fixtures",
        &[
            ("example-alb-lambda-target-request-headers-only", Alb, "GET /"),
            ("example-alb-lambda-target-request-multivalue-headers", AlbMultiValue, "GET /"),
            ("example-apigw-request", RestV1, "POST /hello/world"),
            ("example-apigw-request-catch-all", RestV1, "POST /hello/world"),
            ("example-apigw-request-multi-value-parameters", RestV1, "POST /hello/world"),
            ("example-apigw-console-request", RestV1, "POST /path/to/resource"),
            ("example-apigw-console-test-request", RestV1, "POST /myPath"),
            ("example-apigw-restapi-openapi-request", RestV1, "POST /hello/world"),
            ("example-apigw-sam-rest-request", RestV1, "GET /test"),
            ("example-apigw-v2-request-iam", HttpV2, "GET /my/path"),
            ("example-apigw-v2-request-jwt-authorizer", HttpV2, "GET /my/path"),
            ("example-apigw-v2-request-lambda-authorizer", HttpV2, "GET /my/path"),
            ("example-apigw-v2-request-multi-value-parameters", HttpV2, "GET /my/path"),
            ("example-apigw-v2-request-no-authorizer", HttpV2, "GET /"),
            ("example-apigw-sam-http-request", HttpV2, "GET /dump"),
            ("example-apigw-custom-auth-request", Other, "POST /"),
            ("example-apigw-custom-auth-request-type-request", Other, "POST /"),
            ("example-apigw-v2-custom-authorizer-v1-request", Other, "POST /"),
            ("example-apigw-v2-custom-authorizer-v2-request", Other, "POST /"),
            ("example-apigw-websocket-request", Other, "POST /"),
            ("example-apigw-websocket-request-without-method", Other, "POST /"),
            ("example-vpc-lattice-v1-request", LatticeV1, "POST /api/product"),
            ("example-vpc-lattice-v2-request", LatticeV2, "GET /health"),
            ("example-vpc-lattice-v2-request-base64", LatticeV2, "POST /api/files/upload"),
            ("example-vpc-lattice-v2-request-roles-anywhere", LatticeV2, "POST /api/external/data-sync"),
            ("example-sqs-event", Other, "POST /"),
            ("example-s3-event", Other, "POST /"),
        ],
    );
}

#[test]
fn examples_of_lambda_http() {
    use Kind::{Alb, AlbMultiValue, HttpV2, RestV1};
    check_examples(
        "lambda_http",
        "tests/data",
        &[
            ("alb_health_check", Alb, "GET /"),
            ("alb_request", Alb, "GET /"),
            ("alb_request_encoded_query_parameters", Alb, "GET /"),
            ("alb_multi_value_request", AlbMultiValue, "GET /"),
            ("alb_no_host", Alb, "GET /v1/health/"),
            ("apigw_proxy_request", RestV1, "GET /hello"),
            ("apigw_multi_value_proxy_request", RestV1, "POST /hello/world"),
            ("apigw_no_host", RestV1, "GET /hello"),
            ("apigw_request_path_with_space", HttpV2, "POST /my/path-with%20space"),
            ("apigw_v2_proxy_request", HttpV2, "POST /my/path"),
            ("apigw_v2_proxy_request_minimal", HttpV2, "GET /"),
            ("apigw_v2_proxy_request_with_stage_in_path", HttpV2, "POST /Prod/my/path"),
            ("apigw_v2_sam_local", HttpV2, "GET /hello"),
            ("lambda_function_url_request", HttpV2, "GET /my/path"),
        ],
    );
}

#[test]
fn example_answers_of_aws_lambda_events() {
    let folder = source_of("aws_lambda_events").join("src/fixtures");
    for (name, format) in
        [("example-apigw-response", Format::RestV1), ("example-alb-lambda-target-response", Format::Alb)]
    {
        let payload = std::fs::read(folder.join(format!("{name}.json"))).unwrap();
        let answer = decode_answer(format, &payload).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(answer.status, 200, "{name}");
    }
}
