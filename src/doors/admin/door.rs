//! The server side.

use std::{error::Error, sync::Arc, time::Duration};

use base::{Accepting, Action, Clock, Condition, Drain, Permits, accept_loop, time_to_hang_up};
use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{ALLOW, CONTENT_TYPE, ORIGIN},
};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus::{IntCounter, Registry, TEXT_FORMAT, TextEncoder};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tracing::{debug, info};

/// A scraper, a prober and an operator or two; more wait.
const CONNECTIONS_MAX: usize = 64;
/// A primary key of 3 KiB, written in JSON with every character escaped, fits.
const BODY_BYTES_MAX: usize = 64 << 10;
/// For the head of the next request: longer than scrapers and probers pause, so that they keep their
/// connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(90);
/// For a body of at most [`BODY_BYTES_MAX`].
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

type Reply = Response<Full<Bytes>>;

/// What this port shows and offers.
pub struct Door {
    registry: Registry,
    actions: Vec<Arc<dyn Action>>,
    conditions: Vec<Arc<dyn Condition>>,
    serving: Drain,
    connections: Permits,
}

/// What this port counts about itself.
#[derive(Debug, Clone)]
pub struct Metrics {
    connection_waits: IntCounter,
}

impl Metrics {
    /// Enters the counters into the registry.
    ///
    /// # Errors
    /// When they are there already.
    pub fn register(registry: &Registry) -> prometheus::Result<Metrics> {
        let connection_waits = IntCounter::new(
            "admin_connection_waits_total",
            "How often the admin door stopped accepting until a connection ended",
        )?;
        registry.register(Box::new(connection_waits.clone()))?;
        Ok(Metrics { connection_waits })
    }
}

impl Door {
    /// `serving` is the register of the doors that serve clients: once it drains, `/readyz` says so. It also says
    /// what is the matter with `conditions`.
    pub fn new(
        registry: Registry,
        actions: Vec<Arc<dyn Action>>,
        conditions: Vec<Arc<dyn Condition>>,
        serving: Drain,
        metrics: &Metrics,
    ) -> Arc<Door> {
        let connections = Permits::new(CONNECTIONS_MAX, metrics.connection_waits.clone());
        Arc::new(Door { registry, actions, conditions, serving, connections })
    }

    async fn answer(&self, request: Request<Incoming>) -> Reply {
        // A web page must not purge. Browsers name the page's origin, other clients have none.
        if request.headers().contains_key(ORIGIN) {
            return error(StatusCode::FORBIDDEN, "requests of web pages are refused");
        }
        let route = Route::of(request.uri().path());
        let is_allowed = match route {
            Route::Metrics | Route::Alive | Route::Ready => {
                matches!(*request.method(), Method::GET | Method::HEAD)
            }
            Route::Action(_) => request.method() == Method::POST,
            Route::Unknown => true,
        };
        if !is_allowed {
            return wrong_method(&route);
        }
        match route {
            Route::Metrics => self.metrics(),
            Route::Alive => reply(StatusCode::OK, TEXT, "alive\n"),
            Route::Ready if self.serving.has_begun() => {
                reply(StatusCode::SERVICE_UNAVAILABLE, TEXT, "draining\n")
            }
            Route::Ready => reply(StatusCode::OK, TEXT, self.ready()),
            Route::Action(name) => match self.actions.iter().find(|action| action.name() == name) {
                Some(action) => run(action.as_ref(), request.into_body()).await,
                None => error(StatusCode::NOT_FOUND, "no such action"),
            },
            Route::Unknown => error(StatusCode::NOT_FOUND, "no such page"),
        }
    }

    /// Ready whatever the matter is: nobody is served better elsewhere, as what one node cannot reach is out of reach
    /// for the others too, and hits are still answered.
    fn ready(&self) -> String {
        let troubles = self.conditions.iter().filter_map(|condition| condition.trouble());
        std::iter::once("ready".to_owned()).chain(troubles).map(|line| line + "\n").collect()
    }

    fn metrics(&self) -> Reply {
        match TextEncoder::new().encode_to_string(&self.registry.gather()) {
            Ok(text) => reply(StatusCode::OK, TEXT_FORMAT, text),
            Err(cause) => error(StatusCode::INTERNAL_SERVER_ERROR, &cause.to_string()),
        }
    }
}

/// The pages of this port.
#[derive(Debug, PartialEq, Eq)]
enum Route<'a> {
    Metrics,
    Alive,
    Ready,
    Action(&'a str),
    Unknown,
}

impl Route<'_> {
    fn of(path: &str) -> Route<'_> {
        match path {
            "/metrics" => Route::Metrics,
            "/healthz" => Route::Alive,
            "/readyz" => Route::Ready,
            _ => path.strip_prefix("/actions/").map_or(Route::Unknown, Route::Action),
        }
    }
}

/// Answers on `listener` until `drain` begins: a register of its own, that begins after the serving doors
/// have drained, so that probes hear `/readyz` say "draining" meanwhile.
pub async fn serve(door: Arc<Door>, listener: TcpListener, clock: Clock, drain: Drain) {
    let connections = door.connections.clone();
    let accepting = Accepting { door: "admin", connections, clock, drain, linger: Duration::ZERO };
    let converse = |stream, _| converse(Arc::clone(&door), stream, accepting.clone());
    accept_loop(listener, accepting.clone(), converse).await;
}

/// One connection, request after request.
async fn converse(door: Arc<Door>, stream: TcpStream, accepting: Accepting) {
    let service = service_fn(move |request| {
        let door = Arc::clone(&door);
        async move { Ok::<_, std::convert::Infallible>(door.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = time_to_hang_up(&accepting.drain, &accepting.clock) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(cause) = ended {
        debug!(%cause, "admin connection broke off");
    }
}

async fn run(action: &dyn Action, body: Incoming) -> Reply {
    let outcome = match read_json(body).await {
        Ok(request) => action.run(&request).map_err(|message| error(StatusCode::BAD_REQUEST, &message)),
        Err(refusal) => Err(refusal),
    };
    info!(action = action.name(), is_done = outcome.is_ok(), "operator asked for an action");
    match outcome {
        Ok(answer) => reply(StatusCode::OK, JSON, answer.to_string()),
        Err(refusal) => refusal,
    }
}

/// The body as JSON; no body is an empty object.
async fn read_json(body: Incoming) -> Result<Value, Reply> {
    let whole = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, BODY_BYTES_MAX).collect()).await;
    let bytes = match whole {
        Err(_) => return Err(error(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")),
        Ok(Err(cause)) => return Err(unread(cause.as_ref())),
        Ok(Ok(whole)) => whole.to_bytes(),
    };
    if bytes.is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(&bytes)
        .map_err(|cause| error(StatusCode::BAD_REQUEST, &format!("the body is not JSON: {cause}")))
}

fn unread(cause: &(dyn Error + 'static)) -> Reply {
    if cause.is::<LengthLimitError>() {
        error(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large")
    } else {
        error(StatusCode::BAD_REQUEST, "the body broke off")
    }
}

fn wrong_method(route: &Route<'_>) -> Reply {
    let allowed = if matches!(route, Route::Action(_)) { "POST" } else { "GET, HEAD" };
    let mut refusal = error(StatusCode::METHOD_NOT_ALLOWED, &format!("the method must be {allowed}"));
    refusal.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    refusal
}

fn error(status: StatusCode, message: &str) -> Reply {
    reply(status, JSON, json!({ "error": message }).to_string())
}

fn reply(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

#[cfg(test)]
mod tests;
