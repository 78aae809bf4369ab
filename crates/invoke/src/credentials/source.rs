//! The configured source as a provider of AWS's SDK.

// The two aliases' new home is `aws-runtime`, which would be one more direct dependency for two names.
#![allow(deprecated)]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use aws_config::Region;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::imds::region::ImdsRegionProvider;
use aws_config::meta::region::ProvideRegion;
use aws_config::profile::profile_file::{ProfileFileKind, ProfileFiles};
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials as Keys;
use aws_credential_types::provider::SharedCredentialsProvider;
use lambridge_model::{Credentials as Source, EndpointVariant};

use super::role::{self, Role};
use crate::Env;

pub(super) type Making = Pin<Box<dyn Future<Output = SharedCredentialsProvider> + Send>>;

/// Boxed, since a role may be assumed from a role.
pub(super) fn provider(source: Source, region: String, env: Env, variant: EndpointVariant) -> Making {
    Box::pin(async move {
        match source {
            Source::Default => default_chain(region, &env, variant).await,
            Source::Static { access_key_id, secret_access_key, session_token } => {
                let token = session_token.map(|token| token.expose().to_owned());
                fixed(&access_key_id, secret_access_key.expose(), token)
            }
            Source::Profile(name) => {
                let config = chain_config(&env, variant).with_region(Some(Region::new(region)));
                let mut profile =
                    ProfileFileCredentialsProvider::builder().profile_name(name).configure(&config);
                if let Some(files) = files(&env) {
                    profile = profile.profile_files(files);
                }
                SharedCredentialsProvider::new(profile.build())
            }
            Source::AssumeRole(role) => {
                let base = provider(role.base.clone(), region.clone(), Arc::clone(&env), variant).await;
                SharedCredentialsProvider::new(Role::new(*role, base, region, &env, variant).await)
            }
        }
    })
}

/// The shared files that the injected environment names, a kind that is not named at its usual place; `None` leaves the
/// whole choice to AWS's own rules.
pub(crate) fn files(env: &Env) -> Option<ProfileFiles> {
    let (config, keys) = (set(env, "AWS_CONFIG_FILE"), set(env, "AWS_SHARED_CREDENTIALS_FILE"));
    if config.is_none() && keys.is_none() {
        return None;
    }
    let mut files = ProfileFiles::builder()
        .include_default_config_file(config.is_none())
        .include_default_credentials_file(keys.is_none());
    if let Some(path) = config {
        files = files.with_file(ProfileFileKind::Config, path);
    }
    if let Some(path) = keys {
        files = files.with_file(ProfileFileKind::Credentials, path);
    }
    Some(files.build())
}

pub(super) fn set(env: &Env, name: &str) -> Option<String> {
    env(name).filter(|value| !value.is_empty())
}

async fn default_chain(region: String, env: &Env, variant: EndpointVariant) -> SharedCredentialsProvider {
    if let (Some(id), Some(secret)) = (set(env, "AWS_ACCESS_KEY_ID"), set(env, "AWS_SECRET_ACCESS_KEY")) {
        return fixed(&id, &secret, set(env, "AWS_SESSION_TOKEN"));
    }
    let chain = DefaultCredentialsChain::builder().configure(chain_config(env, variant));
    SharedCredentialsProvider::new(chain.region(Region::new(region)).build().await)
}

/// How AWS's own providers ask STS, for web identities and the roles of profiles.
fn chain_config(env: &Env, variant: EndpointVariant) -> ProviderConfig {
    let EndpointVariant { fips, dualstack } = role::sts_variant(env, variant);
    ProviderConfig::default().with_use_fips(fips).with_use_dual_stack(dualstack)
}

fn fixed(id: &str, secret: &str, token: Option<String>) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Keys::new(id, secret, token, None, "lambridge"))
}

/// The region that the shared files or the instance name. The variables that name a region come before all this, and are the caller's.
pub(crate) async fn default_region(source: &Source, env: &Env) -> Option<String> {
    let mut profile = ProfileFileRegionProvider::builder();
    if let Some(name) = self::profile(source, env) {
        profile = profile.profile_name(name);
    }
    if let Some(files) = files(env) {
        profile = profile.profile_files(files);
    }
    let mut found = profile.build().region().await;
    let asks_instance =
        !set(env, "AWS_EC2_METADATA_DISABLED").is_some_and(|off| off.eq_ignore_ascii_case("true"));
    if found.is_none() && asks_instance {
        found = ImdsRegionProvider::builder().build().region().await;
    }
    found.map(|region| region.as_ref().to_owned())
}

/// The profile that gives the keys, or the one that `AWS_PROFILE` names; `None` is the default one.
pub(crate) fn profile(source: &Source, env: &Env) -> Option<String> {
    profile_of(source).or_else(|| set(env, "AWS_PROFILE"))
}

/// The profile behind a source, a role's base included.
fn profile_of(source: &Source) -> Option<String> {
    match source {
        Source::Profile(name) => Some(name.clone()),
        Source::AssumeRole(role) => profile_of(&role.base),
        Source::Default | Source::Static { .. } => None,
    }
}
