//! The client side, for the subcommands that talk to a running process.

use std::{future::Future, io, net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{Method, Request, StatusCode, header::HOST};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// The answer to an action or a probe is a line or two.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Why a running process did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there.
    #[error("cannot connect to the admin port at {address}: {cause}")]
    Unreachable {
        /// Where the port was expected.
        address: SocketAddr,
        /// What the operating system said.
        cause: io::Error,
    },
    /// No answer within the time given.
    #[error("no answer from the admin port at {0} within {1:?}")]
    TimedOut(SocketAddr, Duration),
    /// The conversation broke off, or is not HTTP.
    #[error("the admin port at {address} does not answer as one: {cause}")]
    Broken {
        /// Who answered.
        address: SocketAddr,
        /// What was wrong.
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The process says no.
    #[error("refused ({status}): {message}")]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// The process's own words.
        message: String,
    },
}

/// Asks the process behind `address` whether it lives.
///
/// # Errors
/// [`ClientError`] when it does not, or does not say so within `patience`.
pub async fn check_health(address: SocketAddr, patience: Duration) -> Result<(), ClientError> {
    let body = within(patience, address, ask(address, Method::GET, "/healthz", Bytes::new())).await?;
    drop(body);
    Ok(())
}

/// Asks the process behind `address` to carry out an action; its answer.
///
/// # Errors
/// [`ClientError`] when it refuses, or does not answer within `patience`.
pub async fn act(
    address: SocketAddr,
    name: &str,
    request: &Value,
    patience: Duration,
) -> Result<Value, ClientError> {
    let path = format!("/actions/{name}");
    let body = Bytes::from(request.to_string());
    let answer = within(patience, address, ask(address, Method::POST, &path, body)).await?;
    serde_json::from_slice(&answer).map_err(|cause| broken(address, cause))
}

async fn within<T>(
    patience: Duration,
    address: SocketAddr,
    exchange: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, ClientError> {
    tokio::time::timeout(patience, exchange).await.unwrap_or(Err(ClientError::TimedOut(address, patience)))
}

/// One request on a connection of its own; the body of a 200.
async fn ask(address: SocketAddr, method: Method, path: &str, body: Bytes) -> Result<Bytes, ClientError> {
    let stream = TcpStream::connect(address).await;
    let stream = stream.map_err(|cause| ClientError::Unreachable { address, cause })?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|cause| broken(address, cause))?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, address.to_string())
        .body(Full::new(body))
        .expect("the parts are our own");
    let exchange = async move {
        let (head, body) =
            sender.send_request(request).await.map_err(|cause| broken(address, cause))?.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        Ok((head.status, body.map_err(|cause| broken(address, cause))?.to_bytes()))
    };
    // The exchange drops its sender when it is done, which ends the connection; an error of the connection
    // shows in the exchange, too.
    let (answer, _) = tokio::join!(exchange, connection);
    match answer? {
        (StatusCode::OK, body) => Ok(body),
        (status, body) => Err(ClientError::Refused { status, message: message_of(&body) }),
    }
}

fn message_of(body: &[u8]) -> String {
    match serde_json::from_slice::<Value>(body).as_ref().map(|answer| &answer["error"]) {
        Ok(Value::String(message)) => message.clone(),
        _ => String::from_utf8_lossy(body).trim().to_owned(),
    }
}

fn broken(address: SocketAddr, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ClientError {
    ClientError::Broken { address, cause: cause.into() }
}
