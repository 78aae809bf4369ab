//! Where the environment and the shared files say that Lambda is, where the configuration says nothing.
//!
//! As AWS's SDKs read them: `AWS_ENDPOINT_URL_LAMBDA`, `AWS_ENDPOINT_URL`, what the profile's `services` say of `lambda`, the
//! profile's `endpoint_url`; none of these where `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` or the profile's
//! `ignore_configured_endpoint_urls` is `true`. Without a URL, the region's own endpoint, of the variant that
//! `AWS_USE_FIPS_ENDPOINT`, `AWS_USE_DUALSTACK_ENDPOINT` or the profile's keys of those names ask for. The profile is that of
//! the credentials, else the one that `AWS_PROFILE` names, else `default`.
//!
//! Source: the SDK reference, "Service-specific endpoints", "Dual-stack and FIPS endpoints".

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_types::service_config::ServiceConfigKey;
use lambridge_model::{Credentials, EndpointVariant};

use super::{Endpoint, Variant};
use crate::{ClientError, Env, credentials};

const IGNORE: &str = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS";
const URL: &str = "AWS_ENDPOINT_URL";

/// What the environment alone says, unless it says that none of it counts.
pub(crate) fn by_environment(env: &Env, service: &str) -> Option<String> {
    if said(env, IGNORE) == Some(true) {
        return None;
    }
    let names = [format!("{URL}_{service}"), URL.to_owned()];
    names.iter().find_map(|name| env(name).filter(|url| !url.trim().is_empty()))
}

/// A variant is one of AWS's own endpoints, and another endpoint has none.
pub(crate) fn has_no_variant(asked: EndpointVariant) -> Result<(), ClientError> {
    match (asked.fips, asked.dualstack) {
        (Some(true), _) => Err(ClientError::NoVariant { key: "use_fips" }),
        (_, Some(true)) => Err(ClientError::NoVariant { key: "use_dualstack" }),
        _ => Ok(()),
    }
}

/// Reads the shared files; the endpoint of Lambda in `region`.
pub(crate) async fn endpoint(
    region: &str,
    asked: EndpointVariant,
    source: &Credentials,
    env: &Env,
) -> Result<Endpoint, ClientError> {
    let files = shared_files(source, env).await;
    let find = |variable, key| read(&files, variable, key);
    let ignored = said(env, IGNORE).or_else(|| word(&find(IGNORE, "ignore_configured_endpoint_urls")?));
    let url = || by_environment(env, "LAMBDA").or_else(|| find(URL, "endpoint_url"));
    if let Some(url) = Some(url).filter(|_| ignored != Some(true)).and_then(|url| url()) {
        has_no_variant(asked)?;
        return Endpoint::parse(&url);
    }
    let is = |asked: Option<bool>, variable, key| {
        asked.or_else(|| said(env, variable)).or_else(|| word(&find(variable, key)?)).unwrap_or_default()
    };
    let variant = Variant {
        fips: is(asked.fips, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"),
        dualstack: is(asked.dualstack, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"),
    };
    Endpoint::of_region(region, variant)
}

/// The SDK's own reader of them, which wants a region and would look for one.
async fn shared_files(source: &Credentials, env: &Env) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .no_credentials()
        .region(Region::from_static("us-east-1"))
        .use_fips(false)
        .use_dual_stack(false);
    if let Some(name) = credentials::profile(source, env) {
        loader = loader.profile_name(name);
    }
    if let Some(files) = credentials::files(env) {
        loader = loader.profile_files(files);
    }
    loader.load().await
}

fn read(files: &SdkConfig, variable: &str, key: &str) -> Option<String> {
    // Its three parts are given.
    let key = ServiceConfigKey::builder().service_id("Lambda").env(variable).profile(key).build().ok()?;
    files.service_config()?.load_config(key)
}

fn said(env: &Env, name: &str) -> Option<bool> {
    word(&env(name)?)
}

fn word(text: &str) -> Option<bool> {
    let is = |word: &str| text.trim().eq_ignore_ascii_case(word);
    if is("true") { Some(true) } else { is("false").then_some(false) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lambridge_model::{Credentials, EndpointVariant};

    use super::endpoint;
    use crate::Env;

    const FILES: &str = "\
[default]
region = eu-north-1
[profile near]
endpoint_url = http://near:1
[profile nearer]
endpoint_url = http://near:1
services = local
[profile deaf]
endpoint_url = http://near:1
ignore_configured_endpoint_urls = true
[profile fips]
use_fips_endpoint = true
use_dualstack_endpoint = TRUE
[profile broken]
endpoint_url = near
[services local]
lambda =
  endpoint_url = http://nearer:2
s3 =
  endpoint_url = http://s3:3
";

    /// Where a function of eu-west-1 is called: the profile of its credentials, its variant, the environment.
    async fn check(profile: Option<&str>, variant: (Option<bool>, Option<bool>), env: &str, expect: &str) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        std::fs::write(&file, FILES).unwrap();
        let pairs = env.split_whitespace().filter_map(|pair| pair.split_once('='));
        let mut known: Vec<(String, String)> =
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        known.push(("AWS_CONFIG_FILE".to_owned(), file.to_str().unwrap().to_owned()));
        known.push(("AWS_SHARED_CREDENTIALS_FILE".to_owned(), "/dev/null".to_owned()));
        let find: Env =
            Arc::new(move |name| known.iter().find(|(one, _)| one == name).map(|(_, value)| value.clone()));
        let source = profile.map_or(Credentials::Default, |name| Credentials::Profile(name.to_owned()));
        let asked = EndpointVariant { fips: variant.0, dualstack: variant.1 };
        let found = endpoint("eu-west-1", asked, &source, &find).await;
        let found = found.map_or_else(|error| error.to_string(), |endpoint| endpoint.to_string());
        assert_eq!(found, expect, "{profile:?} {variant:?} {env}");
    }

    const NONE: (Option<bool>, Option<bool>) = (None, None);
    const USUAL: &str = "https://lambda.eu-west-1.amazonaws.com";
    const FIPS: &str = "https://lambda-fips.eu-west-1.amazonaws.com";
    const BOTH: &str = "https://lambda-fips.eu-west-1.api.aws";

    #[tokio::test]
    async fn endpoints() {
        check(None, NONE, "", USUAL).await;
        check(None, NONE, "AWS_ENDPOINT_URL=http://h:2", "http://h:2").await;
        check(None, NONE, "AWS_ENDPOINT_URL=http://h:2 AWS_ENDPOINT_URL_LAMBDA=http://l:3", "http://l:3")
            .await;
        check(None, NONE, "AWS_ENDPOINT_URL=http://h:2 AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true", USUAL)
            .await;
        check(Some("near"), NONE, "", "http://near:1").await;
        check(None, NONE, "AWS_PROFILE=near", "http://near:1").await;
        check(Some("nearer"), NONE, "AWS_PROFILE=near", "http://nearer:2").await;
        check(Some("nearer"), NONE, "AWS_ENDPOINT_URL=http://h:2", "http://h:2").await;
        check(Some("nearer"), NONE, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=TRUE", USUAL).await;
        check(Some("deaf"), NONE, "AWS_ENDPOINT_URL_LAMBDA=http://l:3", USUAL).await;
        check(Some("broken"), NONE, "", "`near` is not an http or https URL").await;
        check(Some("absent"), NONE, "", USUAL).await;
    }

    #[tokio::test]
    async fn variants() {
        let both = "AWS_USE_FIPS_ENDPOINT=true AWS_USE_DUALSTACK_ENDPOINT=TRUE";
        check(None, (Some(true), None), "", FIPS).await;
        check(None, (Some(true), Some(true)), "", BOTH).await;
        check(None, NONE, both, BOTH).await;
        check(None, (Some(false), None), both, "https://lambda.eu-west-1.api.aws").await;
        check(None, NONE, "AWS_USE_FIPS_ENDPOINT=1", USUAL).await;
        check(Some("fips"), NONE, "", BOTH).await;
        check(Some("fips"), NONE, "AWS_USE_DUALSTACK_ENDPOINT=false", FIPS).await;
        check(Some("fips"), (Some(false), Some(false)), "", USUAL).await;
        // They are AWS's own, and count for no other endpoint; who asks for both has made a mistake.
        check(None, NONE, "AWS_USE_FIPS_ENDPOINT=true AWS_ENDPOINT_URL=http://h:2", "http://h:2").await;
        let conflict = |key| format!("`{key}` does not go with an endpoint of one's own");
        check(Some("near"), (Some(true), None), "", &conflict("use_fips")).await;
        check(None, (None, Some(true)), "AWS_ENDPOINT_URL=http://h:2", &conflict("use_dualstack")).await;
        check(Some("deaf"), (Some(true), None), "AWS_ENDPOINT_URL=http://h:2", FIPS).await;
    }
}
