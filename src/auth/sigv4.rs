//! Signature Version 4: signing what goes to the origin.

use std::time::SystemTime;

use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use base::Clock;
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

use crate::credentials::{Chain, Keyring, NoCredentials};

/// DynamoDB: Streams are signed for the same service name.
const SERVICE: &str = "dynamodb";

/// Signs requests as the process.
#[derive(Debug)]
pub struct Signer {
    keyring: Keyring,
    region: String,
    clock: Clock,
}

/// Why a request could not be signed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SigningError {
    /// There is nothing to sign with.
    #[error(transparent)]
    NoCredentials(#[from] NoCredentials),
    /// The request cannot be put into canonical form.
    #[error("unsignable request: {0}")]
    Unsignable(String),
}

impl Signer {
    /// A signer for a region. Credentials are looked for when first needed.
    pub fn new(chain: Chain, region: String, clock: Clock) -> Signer {
        Signer { keyring: Keyring::new(chain, region.clone(), clock.clone()), region, clock }
    }

    /// The account that requests are made as, where somebody can say.
    pub async fn account(&self) -> Option<String> {
        self.keyring.account().await
    }

    /// Adds the signature to the headers of a POST.
    ///
    /// Signed are the host, the content type and everything that begins with `x-amz-`; other headers may be
    /// changed on the way by whoever stands between.
    ///
    /// # Errors
    /// [`SigningError`]; nothing was sent then.
    pub async fn sign(&self, uri: &Uri, headers: &mut HeaderMap, body: &[u8]) -> Result<(), SigningError> {
        let credentials = self.keyring.credentials().await?;
        let time = self.clock.wall();
        let signature = signature(&credentials.into(), &self.region, time, uri, headers, body)
            .map_err(|error| SigningError::Unsignable(error.to_string()))?;
        for (name, value) in signature {
            headers.insert(name, value);
        }
        Ok(())
    }
}

type SignatureHeaders = Vec<(HeaderName, HeaderValue)>;

fn signature(
    identity: &aws_smithy_runtime_api::client::identity::Identity,
    region: &str,
    time: SystemTime,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<SignatureHeaders, Box<dyn std::error::Error>> {
    let parameters = v4::SigningParams::builder()
        .identity(identity)
        .region(region)
        .name(SERVICE)
        .time(time)
        .settings(SigningSettings::default())
        .build()?;
    let is_signed = |name: &HeaderName| name == header::CONTENT_TYPE || name.as_str().starts_with("x-amz-");
    let mut signed = Vec::with_capacity(headers.len());
    for (name, value) in headers.iter().filter(|(name, _)| is_signed(name)) {
        signed.push((name.as_str(), value.to_str()?));
    }
    let request =
        SignableRequest::new("POST", uri.to_string(), signed.into_iter(), SignableBody::Bytes(body))?;
    let (instructions, _signature) = sign(request, &parameters.into())?.into_parts();
    let (added, _query) = instructions.into_parts();
    added.iter().map(|header| Ok((header.name().parse()?, HeaderValue::from_str(header.value())?))).collect()
}
