//! From an HTTP request to a call, and back.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use backend::{Backend, Call, Failure, Outcome, Reply, Wire};
use base::{Accepting, Chance, Clock, Drain, Permits, accept_loop, time_to_hang_up};
use http::{Method, Request, Response, header};
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use model::{ApiError, Side, Target};
use tokio::net::{TcpListener, TcpStream};

use crate::{
    Body,
    answer::{self, Asker, Unreadable},
    body,
    config::Config,
    cors::Cors,
    metrics::Metrics,
};

/// An idle connection is kept for so long, and a request's head may take so long to arrive.
///
/// SDKs keep connections for up to a minute; who closes first loses a request, so it must not be the server.
const IDLE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(75);

/// Requests at once on one HTTP/2 connection.
const STREAMS_MAX: u32 = 256;

/// What the door is handed from outside.
#[derive(Debug)]
pub struct Parts {
    /// Time.
    pub clock: Clock,
    /// Chance, for request ids.
    pub chance: Chance,
    /// Where connections are registered.
    pub drain: Drain,
    /// What it counts.
    pub metrics: Metrics,
}

/// The JSON door.
pub struct Door {
    config: Config,
    cors: Cors,
    backend: Arc<dyn Backend>,
    clock: Clock,
    chance: Chance,
    drain: Drain,
    metrics: Metrics,
    requests: Permits,
    request_bytes: Permits,
}

/// Serves until the drain begins; requests under way then are finished.
pub async fn serve(door: Arc<Door>, listener: TcpListener) {
    let accepting = Accepting {
        door: "json",
        connections: Permits::new(door.config.connections_max, door.metrics.refused_connections.clone()),
        clock: door.clock.clone(),
        drain: door.drain.clone(),
        linger: std::time::Duration::ZERO,
    };
    accept_loop(listener, accepting, |stream, _peer| Arc::clone(&door).converse(stream)).await;
}

impl Door {
    /// A door in front of a stack.
    pub fn new(config: Config, backend: Arc<dyn Backend>, parts: Parts) -> Arc<Door> {
        let Parts { clock, chance, drain, metrics } = parts;
        Arc::new(Door {
            cors: Cors::new(&config.cors),
            requests: Permits::new(config.requests_max, metrics.refused_requests.clone()),
            request_bytes: Permits::new(config.request_bytes_max, metrics.refused_bytes.clone()),
            config,
            backend,
            clock,
            chance,
            drain,
            metrics,
        })
    }

    /// One connection, HTTP/1 or HTTP/2 by prior knowledge.
    async fn converse(self: Arc<Self>, stream: TcpStream) {
        let mut server = auto::Builder::new(TokioExecutor::new());
        server
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE_TIMEOUT)
            // Copying a small answer behind its head is cheaper than a vectored write. (`pipeline_flush`, by which
            // pipelined answers would share one, keeps an answer back for as long as anything of the next request
            // is unread, and loses it if the connection ends then.)
            .writev(false);
        server.http2().timer(TokioTimer::new()).max_concurrent_streams(STREAMS_MAX);
        let has_asked = Arc::new(AtomicBool::new(false));
        let (door, asks) = (Arc::clone(&self), Arc::clone(&has_asked));
        let service = service_fn(move |request| {
            asks.store(true, Ordering::Relaxed);
            let door = Arc::clone(&door);
            async move { Ok::<_, Infallible>(door.respond(request).await) }
        });
        let connection = server.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = time_to_hang_up(&self.drain, &self.clock) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
            () = self.silence(&has_asked) => Err("nothing was asked".into()),
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "connection ended early");
        }
    }

    /// Resolves if a connection has asked nothing by the time that an idle one is closed. Before the first request
    /// nobody else looks at the clock: it is not known yet whether HTTP/1 or HTTP/2 is spoken.
    async fn silence(&self, has_asked: &AtomicBool) {
        self.clock.sleep(IDLE_TIMEOUT).await;
        if has_asked.load(Ordering::Relaxed) {
            std::future::pending().await
        }
    }

    /// Answers one request.
    async fn respond(&self, request: Request<Incoming>) -> Response<Body> {
        let began = self.clock.now();
        let asker = Asker::of(request.headers(), &self.chance);
        let origin = request.headers().get(header::ORIGIN).cloned();
        let mut response = match self.cors.check(origin.as_ref()) {
            Err(refused) => self.complain(&asker, &refused),
            Ok(()) if request.method() == Method::OPTIONS && origin.is_some() => {
                Cors::preflight(&request, &asker)
            }
            Ok(()) => match self.admit(request, &asker).await {
                Ok((target, reply)) => self.conclude(&asker, &target, reply, began),
                Err(unreadable) => {
                    self.metrics.unreadable.inc();
                    answer::unreadable(&asker, unreadable, &self.config.healthy_name)
                }
            },
        };
        if let Some(origin) = origin {
            self.cors.allow(&origin, &mut response);
        }
        match asker.coding {
            Some(coding) => coding.put_on(response).await,
            None => response,
        }
    }

    /// Reads a request and has it answered; `Err` if there is no operation to be called.
    async fn admit(
        &self,
        request: Request<Incoming>,
        asker: &Asker,
    ) -> Result<(Target, Result<Reply, Failure>), Unreadable> {
        // DynamoDB: nothing else can be got (ScyllaDB's `test_health.py`, which runs against the service as well).
        if request.method() == Method::GET && request.uri().path() == "/" {
            return Err(Unreadable::Healthy);
        }
        if request.method() != Method::POST {
            return Err(Unreadable::NotPost);
        }
        let (head, incoming) = request.into_parts();
        let mut headers = head.headers;
        let deadline = self.clock.now() + self.config.read_timeout;
        let Some(_permit) = self.requests.take(1) else {
            self.clock.timeout_at(deadline, body::discard(incoming, &headers)).await;
            return Err(Unreadable::TooMany);
        };
        let read = body::read(incoming, &mut headers, &self.request_bytes, (&self.clock, deadline)).await;
        let (body, _bytes_permit) = read.map_err(Unreadable::Body)?;

        let target =
            headers.get("x-amz-target").and_then(|value| value.to_str().ok()).and_then(Target::parse);
        let Some(target) = target else { return Err(Unreadable::no_target(&headers, &body)) };
        let deadline = self.clock.now() + self.config.call_timeout;
        let wire = Wire { headers, body };
        let call = Call::from_client(target.clone(), wire, asker.request_id.clone(), deadline);
        let reply = match self.backend.ready(&call) {
            Some(reply) => Ok(reply),
            None => {
                let answer = self.clock.timeout_at(deadline, self.backend.call(call)).await;
                answer.unwrap_or_else(|| Err(Failure::deadline()))
            }
        };
        Ok((target, reply))
    }

    /// Counts, logs and writes what came of a call.
    fn conclude(
        &self,
        asker: &Asker,
        target: &Target,
        result: Result<Reply, Failure>,
        began: base::Instant,
    ) -> Response<Body> {
        let took = self.clock.now().saturating_duration_since(began);
        let operation = target.word();
        match result {
            Ok(reply) => {
                let (status, outcome) = (reply.status(), reply.outcome);
                self.metrics.count(target, outcome, status, took);
                let request_id = asker.request_id.as_str();
                if status.is_server_error() {
                    tracing::warn!(
                        request_id,
                        operation,
                        outcome = outcome.word(),
                        status = status.as_u16(),
                        ?took,
                        "the origin answered an error of its own"
                    );
                } else {
                    tracing::debug!(
                        request_id,
                        operation,
                        outcome = outcome.word(),
                        status = status.as_u16(),
                        ?took,
                        "answered"
                    );
                }
                answer::reply(asker, reply)
            }
            Err(failure) => {
                let error = ApiError::from(&failure);
                let status = error.code.status();
                self.metrics.failed(target, status, took);
                let request_id = asker.request_id.as_str();
                match error.side {
                    Side::Client => {
                        tracing::debug!(request_id, operation, status, %failure, ?took, "refused")
                    }
                    Side::Upstream | Side::Ours => {
                        tracing::warn!(request_id, operation, status, %failure, ?took, "no answer");
                    }
                }
                answer::error(asker, &error)
            }
        }
    }

    fn complain(&self, asker: &Asker, error: &ApiError) -> Response<Body> {
        self.metrics.refused_origins.inc();
        tracing::debug!(request_id = asker.request_id, "a web page of another origin was refused");
        answer::error(asker, error)
    }
}

/// A body that is ready to be sent.
pub(crate) fn full(bytes: impl Into<bytes::Bytes>) -> Body {
    Full::new(bytes.into())
}

/// Says in the header what the cache did.
pub(crate) fn cache_status(outcome: Outcome) -> http::HeaderValue {
    http::HeaderValue::from_str(&outcome.cache_status()).expect("outcomes are spelled in ASCII")
}
