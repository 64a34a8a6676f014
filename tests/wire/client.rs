//! Clients: one that speaks HTTP properly, and one that writes bytes as a test pleases.

use std::{net::SocketAddr, time::Duration};

use base::Drain;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Nothing in these tests takes as long, unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// A header's value; empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap_or("not text"))
    }

    /// What this node says about its cache: the last member of the list.
    pub(crate) fn cache(&self) -> &str {
        let last = self.headers.get_all("cache-status").iter().next_back();
        last.map_or("", |value| value.to_str().unwrap())
    }

    /// What the cache did, without the seconds left.
    pub(crate) fn outcome(&self) -> String {
        let parts = self.cache().split("; ").skip(1).filter(|part| !part.starts_with("ttl="));
        parts.collect::<Vec<_>>().join("; ")
    }

    /// The name of the error, without its namespace.
    pub(crate) fn error(&self) -> String {
        let json: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let code = json["__type"].as_str().unwrap_or_default();
        code.rsplit('#').next().unwrap_or_default().to_owned()
    }
}

/// A connection that sends one request after the other.
pub(crate) struct Client {
    sender: Sender,
}

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).await.unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        Drain::new().spawn(connection);
        Client { sender: Sender::Http1(sender) }
    }

    /// HTTP/2 by prior knowledge.
    pub(crate) async fn connect_http2(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).await.unwrap();
        let (sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        Drain::new().spawn(connection);
        Client { sender: Sender::Http2(sender) }
    }

    /// A client that shares the connection, which only HTTP/2 can.
    pub(crate) fn share(&self) -> Client {
        match &self.sender {
            Sender::Http1(_) => panic!("one request at a time"),
            Sender::Http2(sender) => Client { sender: Sender::Http2(sender.clone()) },
        }
    }

    /// Calls an operation of DynamoDB.
    pub(crate) async fn post(&mut self, operation: &str, body: impl Into<Bytes>) -> Answer {
        self.send(request(operation, body)).await
    }

    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> Answer {
        self.try_send(request).await.unwrap()
    }

    pub(crate) async fn try_send(
        &mut self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Answer, hyper::Error> {
        let answer = async {
            let (head, body) = match &mut self.sender {
                Sender::Http1(sender) => {
                    // Race: the task of the connection may not have seen yet that the last answer is read.
                    sender.ready().await?;
                    sender.send_request(request).await?
                }
                Sender::Http2(sender) => {
                    let host = request.headers_mut().remove("host").unwrap();
                    let uri = format!("http://{}{}", host.to_str().unwrap(), request.uri());
                    *request.uri_mut() = uri.parse().unwrap();
                    sender.send_request(request).await?
                }
            }
            .into_parts();
            let body = body.collect().await?.to_bytes();
            Ok(Answer { status: head.status, headers: head.headers, body })
        };
        tokio::time::timeout(PATIENCE, answer).await.expect("an answer in time")
    }
}

/// Calls an operation on a connection of its own.
pub(crate) async fn post(address: SocketAddr, operation: &str, body: impl Into<Bytes>) -> Answer {
    Client::connect(address).await.post(operation, body).await
}

/// Asks for a page on a connection of its own.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Answer {
    let request = Request::builder().uri(path).header("host", address.to_string());
    Client::connect(address).await.send(request.body(Full::default()).unwrap()).await
}

/// The operations of the other service.
const OF_STREAMS: [&str; 4] = ["ListStreams", "DescribeStream", "GetShardIterator", "GetRecords"];

/// A call of an operation, as an SDK makes it.
pub(crate) fn request(operation: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let api = if OF_STREAMS.contains(&operation) { "DynamoDBStreams" } else { "DynamoDB" };
    Request::builder()
        .method(Method::POST)
        .uri("/")
        .header("host", "dynamodb.test")
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", format!("{api}_20120810.{operation}"))
        .header("x-test-client", "yes")
        .body(Full::new(body.into()))
        .unwrap()
}

/// A connection on which a test writes bytes.
pub(crate) struct Wire {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Wire {
    pub(crate) async fn connect(address: SocketAddr) -> Wire {
        Wire { stream: TcpStream::connect(address).await.unwrap(), unread: Vec::new() }
    }

    /// Writes everything, unless the other side does not want it.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> bool {
        let written = tokio::time::timeout(PATIENCE, self.stream.write_all(bytes)).await;
        written.expect("the other side reads or closes").is_ok()
    }

    /// Says that nothing more will come.
    pub(crate) async fn finish(&mut self) {
        let _peer_left = self.stream.shutdown().await;
    }

    /// Breaks the connection off with a reset.
    pub(crate) fn reset(self) {
        let _peer_left = self.stream.set_zero_linger();
    }

    /// The next answer; `None` if the connection ends instead.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        let answer = tokio::time::timeout(PATIENCE, self.next_answer()).await;
        answer.expect("an answer, or the end, in time")
    }

    /// Whether the other side closes, by and by, without another byte.
    pub(crate) async fn is_closed_within(&mut self, span: Duration) -> bool {
        let mut byte = [0];
        match tokio::time::timeout(span, self.stream.read(&mut byte)).await {
            Ok(Ok(read)) => read == 0 && self.unread.is_empty(),
            Ok(Err(_)) => true,
            Err(_) => false,
        }
    }

    async fn next_answer(&mut self) -> Option<Answer> {
        let head = loop {
            if let Some(end) = find(&self.unread, b"\r\n\r\n") {
                break self.unread.drain(..end + 4).collect::<Vec<_>>();
            }
            self.read_some().await?;
        };
        let (status, headers) = parse_head(&head);
        let length =
            headers.get("content-length").map_or(0, |value| value.to_str().unwrap().parse().unwrap());
        while self.unread.len() < length {
            self.read_some().await?;
        }
        let body = self.unread.drain(..length).collect::<Vec<_>>().into();
        Some(Answer { status, headers, body })
    }

    async fn read_some(&mut self) -> Option<()> {
        match self.stream.read_buf(&mut self.unread).await {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(()),
        }
    }
}

fn parse_head(head: &[u8]) -> (StatusCode, HeaderMap) {
    let head = str::from_utf8(head).unwrap();
    let (status_line, fields) = head.trim_end().split_once("\r\n").unwrap_or((head.trim_end(), ""));
    let status = status_line.split(' ').nth(1).unwrap_or_else(|| panic!("{status_line:?}"));
    let fields = fields.split("\r\n").filter_map(|field| field.split_once(':'));
    let headers = fields
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.trim().parse().unwrap()))
        .collect();
    (status.parse().unwrap(), headers)
}

fn find(bytes: &[u8], sought: &[u8]) -> Option<usize> {
    bytes.windows(sought.len()).position(|window| window == sought)
}
