//! A role as a source of keys: STS's AssumeRole, asked by whoever stands before it in the chain.
//!
//! `aws-config` has such a provider too, but none that passes transitive tags on; the call itself is the SDK's either way.
//! What STS says when it refuses (the caller's ARN is in it) goes to the log, as every reason for missing credentials does.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials as Keys;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Providing;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_sts::types::Tag;
use lambridge_model::{AssumeRole, EndpointVariant};

use crate::Env;
use crate::endpoint::told::by_environment;

/// Assumes one role.
pub(super) struct Role {
    sts: aws_sdk_sts::Client,
    role: AssumeRole,
}

impl std::fmt::Debug for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Role").field(&self.role.arn).finish()
    }
}

impl Role {
    /// `base` gives the keys that STS is asked with, in `region`.
    pub(super) async fn new(
        role: AssumeRole,
        base: SharedCredentialsProvider,
        region: String,
        env: &Env,
        variant: EndpointVariant,
    ) -> Self {
        let sts = aws_sdk_sts::Client::new(&sts_config(base, region, env, variant).await);
        Self { sts, role }
    }

    async fn assume(&self) -> provider::Result {
        let role = &self.role;
        let tags = role.tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
        let tags: Result<Vec<Tag>, _> = tags.collect();
        let call = self
            .sts
            .assume_role()
            .role_arn(&role.arn)
            .role_session_name(&role.session_name)
            .set_external_id(role.external_id.clone())
            .set_tags(
                Some(tags.map_err(CredentialsError::invalid_configuration)?).filter(|tags| !tags.is_empty()),
            )
            .set_transitive_tag_keys(Some(role.transitive_tags.clone()).filter(|keys| !keys.is_empty()));
        let assumed = call.send().await.map_err(CredentialsError::provider_error)?;
        let found = assumed
            .credentials
            .ok_or_else(|| CredentialsError::unhandled("STS answered without credentials"))?;
        let end = found
            .expiration
            .try_into()
            .map_err(|_| CredentialsError::unhandled("the end of the credentials is out of range"))?;
        Ok(Keys::new(
            found.access_key_id,
            found.secret_access_key,
            Some(found.session_token),
            Some(end),
            "lambridge",
        ))
    }
}

impl ProvideCredentials for Role {
    fn provide_credentials<'a>(&'a self) -> Providing<'a>
    where
        Self: 'a,
    {
        Providing::new(self.assume())
    }
}

/// How STS is reached with the keys of `base`: at `AWS_ENDPOINT_URL_STS` or `AWS_ENDPOINT_URL` where the injected
/// environment sets them, else at the region's own endpoint, of the same variant as Lambda's.
pub(crate) async fn sts_config(
    base: SharedCredentialsProvider,
    region: String,
    env: &Env,
    variant: EndpointVariant,
) -> SdkConfig {
    let EndpointVariant { fips, dualstack } = sts_variant(env, variant);
    let endpoint = sts_endpoint(env);
    let mut config = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region))
        .credentials_provider(base);
    if let Some(endpoint) = endpoint {
        config = config.endpoint_url(endpoint);
    }
    if let Some(fips) = fips {
        config = config.use_fips(fips);
    }
    if let Some(dualstack) = dualstack {
        config = config.use_dual_stack(dualstack);
    }
    config.load().await
}

/// What the configuration says; where it says nothing, the SDK asks the environment and the profile itself. Variants are
/// those of AWS's own endpoints: with another one the SDK would refuse every call.
pub(super) fn sts_variant(env: &Env, asked: EndpointVariant) -> EndpointVariant {
    match sts_endpoint(env) {
        Some(_) => EndpointVariant { fips: Some(false), dualstack: Some(false) },
        None => asked,
    }
}

fn sts_endpoint(env: &Env) -> Option<String> {
    by_environment(env, "STS")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use aws_credential_types::Credentials as Keys;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use aws_sdk_sts::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
    use lambridge_model::EndpointVariant;

    use super::sts_config;
    use crate::Env;

    /// Which variant STS is asked at, and whether at an endpoint of one's own.
    async fn check(
        asked: (Option<bool>, Option<bool>),
        url: Option<&'static str>,
        expect: [Option<bool>; 2],
    ) {
        let env: Env =
            Arc::new(move |name| url.filter(|_| name == "AWS_ENDPOINT_URL_STS").map(str::to_owned));
        let keys = SharedCredentialsProvider::new(Keys::new("A", "b", None, None, "test"));
        let variant = EndpointVariant { fips: asked.0, dualstack: asked.1 };
        let config = sts_config(keys, "eu-west-1".to_owned(), &env, variant).await;
        assert_eq!([config.use_fips(), config.use_dual_stack()], expect, "{asked:?} {url:?}");
        assert_eq!(config.endpoint_url(), url);
    }

    #[tokio::test]
    async fn sts_is_asked_at_the_functions_variant() {
        check((Some(true), Some(true)), None, [Some(true), Some(true)]).await;
        check((Some(true), None), None, [Some(true), None]).await;
        check((Some(false), None), None, [Some(false), None]).await;
        check((Some(true), None), Some("http://127.0.0.1:1"), [Some(false), Some(false)]).await;
    }

    /// Every region's endpoints, as AWS's Python SDK has them.
    #[tokio::test]
    async fn endpoints_of_every_region() {
        for (region, fips, dualstack, host) in crate::endpoint::regions::of("sts") {
            let params = Params::builder()
                .region(region)
                .use_fips(fips)
                .use_dual_stack(dualstack)
                .use_global_endpoint(false)
                .build();
            let found = DefaultResolver::new().resolve_endpoint(&params.unwrap()).await.unwrap();
            assert_eq!(found.url(), format!("https://{host}"), "{region} {fips} {dualstack}");
        }
    }
}
