//! Where the credentials come from with which requests to the origin are signed.

use std::{sync::Arc, time::Duration};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, environment::EnvironmentVariableCredentialsProvider,
    meta::credentials::CredentialsProviderChain, profile::ProfileFileCredentialsProvider,
    provider_config::ProviderConfig,
};
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider, error::CredentialsError},
};
use aws_smithy_http_client::{Builder, tls};
use base::{Clock, causes};
use tokio::sync::{Mutex, OnceCell};

/// Temporary credentials are renewed so long before they end.
const RENEW_BEFORE_END: Duration = Duration::from_secs(300);

/// Where to look for credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chain {
    /// Everywhere that AWS SDKs look: environment, profiles, SSO, processes, web identity, containers, instances.
    Aws,
    /// The environment and profiles; without any, a placeholder, since many DynamoDB-compatible servers check
    /// no signatures.
    Local,
}

/// Why there are no credentials.
#[derive(Debug, Clone, thiserror::Error)]
#[error("no credentials: {0}")]
pub struct NoCredentials(String);

/// The credentials of the process, found when first needed and renewed before they end.
#[derive(Debug)]
pub(crate) struct Keyring {
    chain: Chain,
    region: String,
    clock: Clock,
    provider: OnceCell<Found>,
    current: Mutex<Option<Credentials>>,
}

#[derive(Debug, Clone)]
struct Found {
    provider: SharedCredentialsProvider,
    /// Only where the whole chain is used.
    config: Option<Arc<SdkConfig>>,
}

impl Keyring {
    pub(crate) fn new(chain: Chain, region: String, clock: Clock) -> Keyring {
        Keyring { chain, region, clock, provider: OnceCell::new(), current: Mutex::new(None) }
    }

    /// Credentials that are good for some time yet.
    pub(crate) async fn credentials(&self) -> Result<Credentials, NoCredentials> {
        let mut current = self.current.lock().await;
        let renew_at = self.clock.wall() + RENEW_BEFORE_END;
        if let Some(credentials) = &*current
            && credentials.expiry().is_none_or(|end| end > renew_at)
        {
            return Ok(credentials.clone());
        }
        let renewed = match (self.found().await.provider.provide_credentials().await, current.take()) {
            (Ok(credentials), _) => credentials,
            // Not renewed yet, but not over either.
            (Err(error), Some(old)) if old.expiry().is_some_and(|end| end > self.clock.wall()) => {
                tracing::warn!(%error, "credentials could not be renewed");
                old
            }
            (Err(CredentialsError::CredentialsNotLoaded(_)), _) if self.chain == Chain::Local => {
                tracing::info!("no AWS credentials found; requests are signed with a placeholder");
                Credentials::new("linac", "linac", None, None, "Placeholder")
            }
            (Err(error), _) => return Err(NoCredentials(causes(&error))),
        };
        *current = Some(renewed.clone());
        Ok(renewed)
    }

    /// The account that the credentials belong to, asked of STS; `None` where nobody can say.
    pub(crate) async fn account(&self) -> Option<String> {
        let config = self.found().await.config.clone()?;
        let identity = aws_sdk_sts::Client::new(&config).get_caller_identity().send().await.ok()?;
        identity.account().map(str::to_owned)
    }

    async fn found(&self) -> &Found {
        self.provider.get_or_init(|| self.find()).await
    }

    async fn find(&self) -> Found {
        let https = Builder::new()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
            .build_https();
        let region = Region::new(self.region.clone());
        match self.chain {
            Chain::Local => {
                let provider_config =
                    ProviderConfig::without_region().with_http_client(https).with_region(Some(region));
                let profile = ProfileFileCredentialsProvider::builder().configure(&provider_config).build();
                let environment = EnvironmentVariableCredentialsProvider::new();
                let chain = CredentialsProviderChain::first_try("Environment", environment)
                    .or_else("Profile", profile);
                Found { provider: SharedCredentialsProvider::new(chain), config: None }
            }
            Chain::Aws => {
                let loader =
                    aws_config::defaults(BehaviorVersion::latest()).http_client(https).region(region);
                let config = loader.load().await;
                let provider = config.credentials_provider().unwrap_or_else(|| {
                    SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new())
                });
                Found { provider, config: Some(Arc::new(config)) }
            }
        }
    }
}
