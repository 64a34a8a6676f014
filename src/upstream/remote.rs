//! The remote backend: a DynamoDB-compatible service over HTTP.

use std::sync::Arc;

use auth::{Signer, SigningError};
use backend::{Backend, Bypass, Call, Failure, FailureKind, OriginAnswer, Outcome, Reply};
use base::{Chance, Clock, Condition, causes};
use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use http_body_util::{BodyExt, Limited};
use reqwest::{Client, redirect};

use crate::{
    circuits::Circuits,
    config::{Config, Origin},
    endpoint::Endpoints,
    metrics::Metrics,
    retry::{RetryBudget, Safety},
};

/// An answer that is longer is not DynamoDB's: the largest, a batch of 16 MB, may grow about threefold in JSON.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// A connection is not kept unused for longer: AWS closes it after about a minute.
const IDLE_CONNECTION: std::time::Duration = std::time::Duration::from_secs(45);

/// What the remote backend is handed from outside.
#[derive(Debug)]
pub struct Parts {
    /// Signs what is sent.
    pub signer: Arc<Signer>,
    /// Time.
    pub clock: Clock,
    /// Chance, for the pauses between attempts.
    pub chance: Chance,
    /// What it counts.
    pub metrics: Metrics,
}

/// Why a remote backend cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The configured address is no URL.
    #[error("the upstream address is not a URL: {0}")]
    Address(#[from] http::uri::InvalidUri),
    /// TLS or the connection pool cannot be set up.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(#[from] reqwest::Error),
}

/// A DynamoDB-compatible service, over HTTP.
#[derive(Debug)]
pub struct Remote {
    client: Client,
    endpoints: Endpoints,
    config: Config,
    parts: Parts,
    budget: RetryBudget,
    circuits: Arc<Circuits>,
}

impl Remote {
    /// Sets up the connection pool; connects nowhere yet.
    ///
    /// # Errors
    /// [`SetupError`] when the address is none, or TLS cannot be set up.
    pub fn new(config: Config, parts: Parts) -> Result<Remote, SetupError> {
        // Whoever was first has installed the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let endpoints = Endpoints::of(&config)?;
        let builder = Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(config.connect_timeout)
            .pool_idle_timeout(IDLE_CONNECTION)
            .tcp_nodelay(true)
            .retry(reqwest::retry::never())
            .referer(false);
        // A proxy of the environment is for the way out, not for a neighbour.
        let is_plain = matches!(&config.origin, Origin::Url(url) if url.starts_with("http://"));
        let client = if is_plain { builder.no_proxy() } else { builder }.build()?;
        let circuits = Circuits::closed(
            config.breaker.as_ref(),
            &endpoints,
            config.timeout,
            parts.clock.clone(),
            parts.chance.clone(),
            parts.metrics.clone(),
        );
        Ok(Remote { client, endpoints, config, parts, budget: RetryBudget::full(), circuits })
    }

    /// The hosts that it talks to.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Whether the hosts answer, for who asks how the node is.
    pub fn condition(&self) -> Arc<dyn Condition> {
        Arc::clone(&self.circuits) as Arc<dyn Condition>
    }

    async fn send(&self, call: &Call) -> Result<Reply, Failure> {
        let Parts { clock, chance, metrics, .. } = &self.parts;
        let deadline = call.deadline.min(clock.now() + self.config.timeout);
        let safety = if call.target().only_reads() { Safety::Repeatable } else { Safety::Once };
        let (service, uri) = self.endpoints.for_target(call.target());
        let mut attempt = 1;
        let mut passage = self.circuits.admit(service)?;
        loop {
            let began = clock.now();
            let result = match clock.timeout_at(deadline, self.attempt(call, uri)).await {
                Some(result) => result,
                None => Err(Failure::new(FailureKind::TimedOut, "no answer in time")),
            };
            passage.ended(&result);
            metrics.attempt(call.target().word(), &result, clock.now().saturating_duration_since(began));
            let Some(pause) = self.budget.pause(&result, safety, attempt, self.config.attempts, chance)
            else {
                if result.is_ok() {
                    self.budget.earn();
                }
                return result;
            };
            if clock.now() + pause >= deadline {
                return result;
            }
            clock.sleep(pause).await;
            // What was found out says more than that nobody is asked any more.
            let Ok(next) = self.circuits.admit(service) else { return result };
            passage = next;
            metrics.retries.inc();
            attempt += 1;
        }
    }

    async fn attempt(&self, call: &Call, uri: &Uri) -> Result<Reply, Failure> {
        let mut headers = forwarded(&call.wire().headers);
        let target = HeaderValue::from_str(&call.target().header())
            .map_err(|_| Failure::new(FailureKind::Refused, "The target is not a header value."))?;
        headers.insert(X_AMZ_TARGET, target);
        headers.entry(header::CONTENT_TYPE).or_insert(JSON_1_0);
        let body = &call.wire().body;
        if body.is_empty() {
            // The HTTP client leaves it out, and some servers answer 411 then.
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(0));
        }
        self.parts.signer.sign(uri, &mut headers, body).await.map_err(|error| match error {
            SigningError::NoCredentials(why) => Failure::new(FailureKind::NoCredentials, why.to_string()),
            SigningError::Unsignable(_) => {
                Failure::new(FailureKind::Refused, "A header of the request cannot be signed.")
            }
        })?;
        self.exchange(uri, headers, body.clone()).await
    }

    async fn exchange(&self, uri: &Uri, headers: HeaderMap, body: Bytes) -> Result<Reply, Failure> {
        let request = self.client.post(uri.to_string()).headers(headers).body(body);
        let response = request.send().await.map_err(|error| failure(&error))?;
        let (head, body) = http::Response::<reqwest::Body>::from(response).into_parts();
        let whole = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let body = whole.map_err(|error| Failure::new(FailureKind::Lost, causes(&*error)))?.to_bytes();
        let answer = OriginAnswer { status: head.status, headers: end_to_end(&head.headers), body };
        Ok(Reply::origin(answer, Outcome::Bypass(Bypass::CacheOff)))
    }
}

impl Backend for Remote {
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Reply, Failure>> {
        async move { self.send(&call).await }.boxed()
    }
}

const X_AMZ_TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const JSON_1_0: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");

/// Headers that concern one connection only, whichever way they go.
const OF_CONNECTION: [HeaderName; 10] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::CONTENT_LENGTH,
];

/// Headers of a request that this node makes itself.
const OUR_OWN: [HeaderName; 8] = [
    header::HOST,
    header::EXPECT,
    // Answers are kept as they come, so they must come without a content coding.
    header::ACCEPT_ENCODING,
    header::ORIGIN,
    header::AUTHORIZATION,
    HeaderName::from_static("x-amz-date"),
    HeaderName::from_static("x-amz-security-token"),
    HeaderName::from_static("x-amz-content-sha256"),
];

/// The client's headers, as far as they are meant for the origin.
fn forwarded(headers: &HeaderMap) -> HeaderMap {
    let mut headers = end_to_end(headers);
    OUR_OWN.iter().for_each(|name| drop(headers.remove(name)));
    headers
}

/// The headers of a message without those of the connection that it came by.
fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    // RFC 9110, 7.6.1: whatever Connection lists concerns that connection only.
    let listed: Vec<String> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let is_meant = |name: &HeaderName| {
        !OF_CONNECTION.contains(name) && !listed.iter().any(|listed| listed == name.as_str())
    };
    headers.iter().filter(|(name, _)| is_meant(name)).map(|(n, v)| (n.clone(), v.clone())).collect()
}

fn failure(error: &reqwest::Error) -> Failure {
    let kind = if error.is_connect() {
        FailureKind::Unreachable
    } else if error.is_timeout() {
        FailureKind::TimedOut
    } else {
        FailureKind::Lost
    };
    Failure::new(kind, causes(error))
}
