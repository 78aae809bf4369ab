//! Where the region comes from when neither the function nor a variable names one: the shared files, as AWS's SDKs read
//! them. "Shared config and credentials files" in the SDK reference.

#![allow(clippy::unwrap_used)] // A file of tests: helpers outside of test functions panic as they do.

use std::sync::Arc;
use std::time::Duration;

use lambridge_invoke::{Call, Executed, InvokeError, Lambda, Pool};
use lambridge_model::{AssumeRole, ConnectionSettings, Credentials, Function, Secret};
use lambridge_testkit::{Answer, FakeLambda};
use lambridge_wire::invoke::InvocationType;
use tempfile::TempDir;
use tokio::time::Instant;

/// Two profiles, one without a region.
const CONFIG: &str = "\
[default]
region = eu-north-1
[profile south]
region = ap-south-2
aws_access_key_id = AKIDSOUTH
aws_secret_access_key = secret
[profile nowhere]
aws_access_key_id = AKIDNOWHERE
aws_secret_access_key = secret
[profile behind]
source_profile = south
role_arn = arn:aws:iam::123456789012:role/r
";

/// A fake Lambda, and the clients of one environment.
struct World {
    lambda: FakeLambda,
    folder: TempDir,
    pool: Pool,
}

impl World {
    fn new(config: &str, more: &'static [(&'static str, &'static str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = folder.path().join("config");
        std::fs::write(&world, config).unwrap();
        let file = world.to_str().unwrap().to_owned();
        let env = move |name: &str| match name {
            "AWS_CONFIG_FILE" => Some(file.clone()),
            "AWS_SHARED_CREDENTIALS_FILE" => Some("/dev/null".to_owned()),
            // No test may ask the metadata of the machine it runs on.
            "AWS_EC2_METADATA_DISABLED" => Some("true".to_owned()),
            _ => more.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
        };
        Self {
            lambda: FakeLambda::answering(Answer::ok("{}")),
            folder,
            pool: Pool::new(Arc::new(env), ConnectionSettings::default()),
        }
    }

    fn client(&self, credentials: Credentials) -> Lambda {
        let name = "shop".parse().unwrap();
        let endpoint = Some(self.lambda.endpoint());
        self.pool.client(&Function { endpoint, credentials, ..Function::new(name) }).unwrap()
    }
}

async fn call(client: &Lambda) -> Result<(), InvokeError> {
    let target = Lambda::target(&Function::new("shop".parse().unwrap()));
    let call = Call {
        target: &target,
        kind: InvocationType::RequestResponse,
        payload: "{}".into(),
        log_tail: false,
        trace_id: None,
        tenant_id: None,
        deadline: Instant::now() + Duration::from_secs(20),
    };
    client.invoke(call).await.map(|_| ())
}

fn keys() -> Credentials {
    Credentials::Static {
        access_key_id: "AKID".to_owned(),
        secret_access_key: Secret::new("secret"),
        session_token: None,
    }
}

/// The region that a call was signed for.
async fn check(credentials: Credentials, env: &'static [(&'static str, &'static str)], expect: Option<&str>) {
    let world = World::new(CONFIG, env);
    let outcome = call(&world.client(credentials.clone())).await;
    match expect {
        Some(region) => {
            outcome.unwrap();
            let authorization = world.lambda.requests()[0].header("authorization").unwrap().to_owned();
            assert!(authorization.contains(&format!("/{region}/lambda/aws4_request")), "{authorization}");
        }
        None => {
            let error = outcome.unwrap_err();
            assert!(matches!(error, InvokeError::NoRegion), "{credentials:?}: {error:?}");
            assert_eq!(error.executed(), Executed::No);
            assert!(world.lambda.requests().is_empty());
        }
    }
}

#[tokio::test]
async fn from_the_shared_files() {
    let profile = |name: &str| Credentials::Profile(name.to_owned());
    check(keys(), &[], Some("eu-north-1")).await;
    check(keys(), &[("AWS_PROFILE", "south")], Some("ap-south-2")).await;
    check(keys(), &[("AWS_PROFILE", "")], Some("eu-north-1")).await;
    check(keys(), &[("AWS_PROFILE", "nowhere")], None).await;
    check(keys(), &[("AWS_PROFILE", "absent")], None).await;
    check(profile("south"), &[], Some("ap-south-2")).await;
    check(profile("south"), &[("AWS_PROFILE", "nowhere")], Some("ap-south-2")).await;
    check(profile("nowhere"), &[], None).await;
    check(profile("nowhere"), &[("AWS_REGION", "us-west-2")], Some("us-west-2")).await;
    check(profile("absent"), &[], None).await;
}

#[tokio::test]
async fn a_roles_region_is_that_of_the_profile_behind_it() {
    let role = |base| {
        let arn = "arn:aws:iam::123456789012:role/r".to_owned();
        Credentials::AssumeRole(Box::new(AssumeRole::new(arn, base)))
    };
    // STS cannot be reached: who gets as far as asking it has found a region.
    let far = &[("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")];
    for (base, has_region) in [("south", true), ("nowhere", false)] {
        let world = World::new(CONFIG, far);
        let error = call(&world.client(role(Credentials::Profile(base.to_owned())))).await.unwrap_err();
        match has_region {
            true => assert!(matches!(error, InvokeError::NoCredentials { .. }), "{error:?}"),
            false => assert!(matches!(error, InvokeError::NoRegion), "{error:?}"),
        }
    }
}

#[tokio::test]
async fn a_region_that_comes_later_is_found_then() {
    let world = World::new("", &[]);
    let client = world.client(keys());
    assert!(matches!(call(&client).await, Err(InvokeError::NoRegion)));
    std::fs::write(world.folder.path().join("config"), CONFIG).unwrap();
    // Not at once: a missing region costs one look a second, not one a call.
    assert!(matches!(call(&client).await, Err(InvokeError::NoRegion)));
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    let found = async {
        while call(&client).await.is_err() {
            tick.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), found).await.expect("it is looked for again");
}
