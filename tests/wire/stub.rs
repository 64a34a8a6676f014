//! A recording stub upstream: an HTTP server whose every answer a test scripts, breakage included.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use base::Drain;
use bytes::Bytes;
use futures_util::{
    FutureExt, StreamExt,
    future::{BoxFuture, Either},
    stream,
};
use http::{HeaderMap, Method, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{body::Frame, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

/// For bytes that were handed over to be on the wire before the connection breaks.
const FLUSH: Duration = Duration::from_millis(20);

/// A server that does as its script says, and remembers what it was asked.
pub(crate) struct Stub {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    drain: Drain,
}

struct State {
    script: Box<dyn Fn(Received) -> BoxFuture<'static, Ending> + Send + Sync>,
    received: Mutex<Vec<Received>>,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// How an exchange ends.
#[derive(Debug, Clone)]
pub(crate) enum Ending {
    Answer(Answer),
    /// The head, which promises the whole body, and half of it; then the connection closes.
    Half(Answer),
    /// The same, then the connection is reset.
    HalfThenReset(Answer),
    /// The connection closes without an answer.
    Close,
    /// The connection is reset without an answer.
    Reset,
    /// Nothing, for as long as the client cares to wait.
    Silence,
}

/// An answer, byte for byte.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Stub {
    /// Starts a server that answers by `script`.
    pub(crate) fn start<F>(script: impl Fn(Received) -> F + Send + Sync + 'static) -> Stub
    where
        F: Future<Output = Ending> + Send + 'static,
    {
        Stub::on(base::listen(([127, 0, 0, 1], 0).into()).unwrap(), script)
    }

    /// The same on a listener of the test's own.
    pub(crate) fn on<F>(listener: TcpListener, script: impl Fn(Received) -> F + Send + Sync + 'static) -> Stub
    where
        F: Future<Output = Ending> + Send + 'static,
    {
        let address = listener.local_addr().unwrap();
        let drain = Drain::new();
        let state = Arc::new(State {
            script: Box::new(move |received| script(received).boxed()),
            received: Mutex::default(),
        });
        let (accepting, spawner) = (Arc::clone(&state), drain.clone());
        drain.spawn(async move {
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = spawner.begun() => return,
                };
                let Ok((stream, _)) = accepted else { continue };
                let conversation = converse(Arc::clone(&accepting), stream);
                let until = spawner.clone();
                spawner.spawn(async move {
                    tokio::select! {
                        () = conversation => {}
                        () = until.begun() => {}
                    }
                });
            }
        });
        Stub { address, state, drain }
    }

    /// The same, with a description for whoever asks about any table: its key is `p`, a string.
    pub(crate) fn with_tables<F>(script: impl Fn(Received) -> F + Send + Sync + 'static) -> Stub
    where
        F: Future<Output = Ending> + Send + 'static,
    {
        Stub::start(move |received| match received.operation() {
            "DescribeTable" => Either::Left(std::future::ready(describe(&received.json()))),
            _ => Either::Right(script(received)),
        })
    }

    /// One that gives everybody the same answer.
    pub(crate) fn answering(answer: Answer) -> Stub {
        Stub::start(move |_| std::future::ready(Ending::Answer(answer.clone())))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What arrived so far, without the node's own questions about tables.
    pub(crate) fn received(&self) -> Vec<Received> {
        let received = self.state.received.lock().unwrap();
        received.iter().filter(|each| !each.is_internal()).cloned().collect()
    }

    /// The only request that arrived.
    pub(crate) fn only(&self) -> Received {
        let mut received = self.received();
        assert_eq!(received.len(), 1, "{received:?}");
        received.remove(0)
    }

    /// How often an operation was called.
    pub(crate) fn count(&self, operation: &str) -> usize {
        let received = self.state.received.lock().unwrap();
        received.iter().filter(|each| each.operation() == operation).count()
    }

    /// Forgets what arrived so far.
    pub(crate) fn forget(&self) {
        self.state.received.lock().unwrap().clear();
    }

    /// Nobody listens any more, and open connections close.
    pub(crate) fn stop(&self) {
        self.drain.begin();
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Received {
    /// The part of the target behind the dot.
    pub(crate) fn operation(&self) -> &str {
        self.target().rsplit('.').next().unwrap_or_default()
    }

    pub(crate) fn target(&self) -> &str {
        self.header("x-amz-target")
    }

    /// A header's value; empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap_or("not text"))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn is_internal(&self) -> bool {
        self.operation() == "DescribeTable" && !self.headers.contains_key("x-test-client")
    }
}

impl Answer {
    /// A success.
    pub(crate) fn ok(body: impl Into<Bytes>) -> Answer {
        Answer::of(200, body)
    }

    pub(crate) fn of(status: u16, body: impl Into<Bytes>) -> Answer {
        let status = StatusCode::from_u16(status).unwrap();
        Answer { status, body: body.into(), ..Answer::default() }
            .with("content-type", "application/x-amz-json-1.0")
    }

    /// An error in DynamoDB's form.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Answer {
        let namespace = "com.amazonaws.dynamodb.v20120810";
        Answer::of(status, json!({ "__type": format!("{namespace}#{code}"), "message": message }).to_string())
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Answer {
        self.headers.append(name, value.parse().unwrap());
        self
    }
}

impl From<Answer> for Ending {
    fn from(answer: Answer) -> Ending {
        Ending::Answer(answer)
    }
}

/// The description of a table whose key is `p`, a string; of `Albums`, with a sort key `s` of the same kind.
pub(crate) fn describe(request: &Value) -> Ending {
    let name = request["TableName"].as_str().unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or_default();
    let names: &[(&str, &str)] =
        if name == "Albums" { &[("p", "HASH"), ("s", "RANGE")] } else { &[("p", "HASH")] };
    let key = names.iter().map(|(name, kind)| json!({ "AttributeName": name, "KeyType": kind }));
    let attributes = names.iter().map(|(name, _)| json!({ "AttributeName": name, "AttributeType": "S" }));
    let table = json!({
        "TableName": name,
        "TableArn": format!("arn:aws:dynamodb:us-east-1:000000000000:table/{name}"),
        "TableStatus": "ACTIVE",
        "KeySchema": key.collect::<Vec<_>>(),
        "AttributeDefinitions": attributes.collect::<Vec<_>>(),
    });
    Answer::ok(json!({ "Table": table }).to_string()).into()
}

async fn converse(state: Arc<State>, mut stream: TcpStream) {
    let _peer_left = stream.set_nodelay(true);
    let is_reset = AtomicBool::new(false);
    let service = service_fn(|request: http::Request<hyper::body::Incoming>| {
        let (state, is_reset) = (Arc::clone(&state), &is_reset);
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
            let received = Received { method: head.method, uri: head.uri, headers: head.headers, body };
            state.received.lock().unwrap().push(received.clone());
            let ending = (state.script)(received).await;
            is_reset.store(matches!(ending, Ending::Reset | Ending::HalfThenReset(_)), Ordering::SeqCst);
            match ending {
                Ending::Answer(answer) => Ok(response(answer.clone(), whole(answer.body))),
                Ending::Half(answer) | Ending::HalfThenReset(answer) => {
                    let length = answer.body.len().to_string();
                    let half = answer.body.slice(..answer.body.len() / 2);
                    let mut response = response(answer, broken_off(half));
                    response.headers_mut().insert("content-length", length.parse().unwrap());
                    Ok(response)
                }
                Ending::Close | Ending::Reset => Err(io::Error::other("as the script says")),
                Ending::Silence => std::future::pending().await,
            }
        }
    });
    // A connection that ends badly does so by its script.
    let _ended = http1::Builder::new().serve_connection(TokioIo::new(&mut stream), service).await;
    if is_reset.load(Ordering::SeqCst) {
        let _peer_left = stream.set_zero_linger();
    }
}

fn response(answer: Answer, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}

type Body = UnsyncBoxBody<Bytes, io::Error>;

fn whole(body: Bytes) -> Body {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}

/// A body that ends in an error, once what there is of it was sent.
fn broken_off(half: Bytes) -> Body {
    let frames = stream::once(async { Ok(Frame::data(half)) }).chain(stream::once(async {
        tokio::time::sleep(FLUSH).await;
        Err(io::Error::other("as the script says"))
    }));
    StreamBody::new(frames).boxed_unsync()
}
