//! Every form of a function's name, in every partition: the region that signs, the host that is called, and the path.

#![allow(clippy::unwrap_used)] // A file of tests: helpers outside of test functions panic as they do.

use std::sync::Arc;

use lambridge_model::{ConnectionSettings, Function};

use super::Lambda;
use crate::Pool;

/// `region` is the configuration's own; `AWS_REGION` is eu-north-1.
async fn check(name: &str, qualifier: Option<&str>, region: Option<&str>, expect: (&str, &str, &str)) {
    let env = |name: &str| match name {
        "AWS_REGION" => Some("eu-north-1".to_owned()),
        "AWS_CONFIG_FILE" | "AWS_SHARED_CREDENTIALS_FILE" => Some("/dev/null".to_owned()),
        _ => None,
    };
    let function = Function {
        qualifier: qualifier.map(str::to_owned),
        region: region.map(str::to_owned),
        ..Function::new(name.parse().unwrap())
    };
    let client = Pool::new(Arc::new(env), ConnectionSettings::default()).client(&function).unwrap();
    let region = client.region().unwrap();
    let connections = client.inner.connections(region).await.unwrap();
    let path = Lambda::target(&function).path_and_query;
    let path = path.strip_prefix("/2015-03-31/functions/").unwrap();
    let host = connections.endpoint().host_header.to_str().unwrap();
    assert_eq!((region, host, path), expect, "{name}");
}

#[tokio::test]
async fn forms() {
    let north = "lambda.eu-north-1.amazonaws.com";
    let plain = "shop/invocations";
    let live = "shop/invocations?Qualifier=live";
    check("shop", None, None, ("eu-north-1", north, plain)).await;
    check("shop", Some("live"), None, ("eu-north-1", north, live)).await;
    check("shop:live", None, None, ("eu-north-1", north, live)).await;
    check("shop:live", Some("live"), None, ("eu-north-1", north, live)).await;
    check("shop:$LATEST", None, None, ("eu-north-1", north, "shop/invocations?Qualifier=%24LATEST")).await;
    check("shop", None, Some("us-west-2"), ("us-west-2", "lambda.us-west-2.amazonaws.com", plain)).await;
    let partial = "123456789012%3Afunction%3Ashop/invocations";
    check("123456789012:function:shop", None, None, ("eu-north-1", north, partial)).await;
    check(
        "123456789012:function:shop:7",
        None,
        None,
        ("eu-north-1", north, "123456789012%3Afunction%3Ashop/invocations?Qualifier=7"),
    )
    .await;
    check(
        "us-west-2:123456789012:function:shop",
        None,
        None,
        (
            "us-west-2",
            "lambda.us-west-2.amazonaws.com",
            "us-west-2%3A123456789012%3Afunction%3Ashop/invocations",
        ),
    )
    .await;
}

#[tokio::test]
async fn partitions() {
    for (partition, region, suffix) in [
        ("aws", "ap-southeast-2", "amazonaws.com"),
        ("aws-cn", "cn-north-1", "amazonaws.com.cn"),
        ("aws-us-gov", "us-gov-west-1", "amazonaws.com"),
        ("aws-iso", "us-iso-east-1", "c2s.ic.gov"),
        ("aws-iso-b", "us-isob-east-1", "sc2s.sgov.gov"),
        ("aws-iso-e", "eu-isoe-west-1", "cloud.adc-e.uk"),
        ("aws-iso-f", "us-isof-south-1", "csp.hci.ic.gov"),
        ("aws-eusc", "eusc-de-east-1", "amazonaws.eu"),
    ] {
        let arn = format!("arn:{partition}:lambda:{region}:123456789012:function:shop:live");
        let encoded =
            format!("arn:{partition}:lambda:{region}:123456789012:function:shop").replace(':', "%3A");
        let host = format!("lambda.{region}.{suffix}");
        let path = format!("{encoded}/invocations?Qualifier=live");
        check(&arn, None, None, (region, &host, &path)).await;
    }
}
