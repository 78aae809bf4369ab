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
use lambridge_model::AssumeRole;

use super::source::set;
use crate::Env;

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
    ) -> Self {
        let sts = aws_sdk_sts::Client::new(&sts_config(base, region, env).await);
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
/// environment sets them.
pub(crate) async fn sts_config(base: SharedCredentialsProvider, region: String, env: &Env) -> SdkConfig {
    let endpoint = set(env, "AWS_ENDPOINT_URL_STS").or_else(|| set(env, "AWS_ENDPOINT_URL"));
    let mut config = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region))
        .credentials_provider(base);
    if let Some(endpoint) = endpoint {
        config = config.endpoint_url(endpoint);
    }
    config.load().await
}
