use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::{ClientError, act, check_health};

const PATIENCE: Duration = Duration::from_secs(5);

/// Answers with what it was asked; refuses everything that is not an object.
struct Echo;

impl Action for Echo {
    fn name(&self) -> &'static str {
        "echo"
    }

    fn run(&self, request: &Value) -> Result<Value, String> {
        request.is_object().then(|| request.clone()).ok_or_else(|| "an object is needed".to_owned())
    }
}

/// What is the matter with the test.
#[derive(Default)]
struct Trouble(std::sync::Mutex<Option<String>>);

impl Condition for Trouble {
    fn trouble(&self) -> Option<String> {
        self.0.lock().unwrap().clone()
    }
}

async fn open() -> (SocketAddr, Drain, Drain) {
    open_with(Arc::default()).await
}

async fn open_with(trouble: Arc<Trouble>) -> (SocketAddr, Drain, Drain) {
    let registry = base::telemetry::metrics_registry();
    let metrics = Metrics::register(&registry).unwrap();
    let (serving, drain) = (Drain::new(), Drain::new());
    let door = Door::new(registry, vec![Arc::new(Echo)], vec![trouble], serving.clone(), &metrics);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drain.spawn(serve(door, listener, Clock::start(), drain.clone()));
    (address, serving, drain)
}

/// What comes back for a request as written, until the door closes the connection.
async fn say(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn ask(address: SocketAddr, line: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    let head =
        format!("{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}");
    say(address, &format!("{head}\r\n{body}")).await
}

#[tokio::test]
async fn a_node_in_trouble_is_ready_and_says_so() {
    let trouble = Arc::<Trouble>::default();
    let (address, serving, _drain) = open_with(Arc::clone(&trouble)).await;
    let body =
        async || ask(address, "GET /readyz", "", "").await.split_once("\r\n\r\n").unwrap().1.to_owned();
    assert_eq!(body().await, "ready\n");
    *trouble.0.lock().unwrap() = Some("it rains".to_owned());
    assert!(ask(address, "GET /readyz", "", "").await.starts_with("HTTP/1.1 200"));
    assert_eq!(body().await, "ready\nit rains\n");
    serving.begin();
    assert_eq!(body().await, "draining\n");
}

#[tokio::test]
async fn every_page_answers_as_documented() {
    let (address, _serving, _drain) = open().await;
    let check = async |line: &str, headers: &str, body: &str, expected: &str, contained: &str| {
        let answer = ask(address, line, headers, body).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected}")), "{line} {headers}: {answer}");
        assert!(answer.contains(contained), "{line} {headers}: {answer}");
    };
    check("GET /healthz", "", "", "200", "alive").await;
    check("GET /readyz", "", "", "200", "ready").await;
    check("GET /metrics", "", "", "200", "linac_admin_connection_waits_total 0").await;
    check("HEAD /metrics", "", "", "200", "text/plain").await;
    check("GET /", "", "", "404", "{\"error\":\"no such page\"}").await;
    check("POST /healthz", "", "", "405", "allow: GET, HEAD").await;
    check("GET /actions/echo", "", "", "405", "allow: POST").await;
    check("POST /actions/echo", "", "{\"a\":1}", "200", "{\"a\":1}").await;
    check("POST /actions/echo", "", "", "200", "{}").await;
    check("POST /actions/echo", "", "[]", "400", "{\"error\":\"an object is needed\"}").await;
    check("POST /actions/echo", "", "{", "400", "the body is not JSON").await;
    check("POST /actions/other", "", "{}", "404", "no such action").await;
    check("POST /actions/echo", "", &" ".repeat(BODY_BYTES_MAX + 1), "413", "too large").await;
    check("POST /actions/echo", "origin: https://a.example\r\n", "{}", "403", "web pages").await;
    check("GET /metrics", "origin: null\r\n", "", "403", "web pages").await;
}

#[tokio::test]
async fn a_draining_process_is_alive_and_not_ready() {
    let (address, serving, drain) = open().await;
    serving.begin();
    assert!(ask(address, "GET /readyz", "", "").await.starts_with("HTTP/1.1 503"));
    check_health(address, PATIENCE).await.unwrap();
    drain.begin();
    assert_eq!(drain.finished(PATIENCE).await, 0);
    assert!(matches!(check_health(address, PATIENCE).await, Err(ClientError::Unreachable { .. })));
}

#[tokio::test]
async fn the_client_gets_answers_and_refusals() {
    let (address, _serving, _drain) = open().await;
    let request = json!({ "table": "Music" });
    assert_eq!(act(address, "echo", &request, PATIENCE).await.unwrap(), request);
    let refusal = act(address, "echo", &json!(1), PATIENCE).await.unwrap_err();
    assert_eq!(refusal.to_string(), "refused (400 Bad Request): an object is needed");
}

#[tokio::test]
async fn the_client_gives_up_on_a_port_that_is_silent_or_no_admin_port() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let outcome = check_health(address, Duration::from_millis(50)).await;
    assert!(matches!(outcome, Err(ClientError::TimedOut(..))), "{outcome:?}");

    let mail = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = mail.local_addr().unwrap();
    Drain::new().spawn(async move {
        let (mut stream, _) = mail.accept().await.unwrap();
        stream.write_all(b"220 mail.example ESMTP\r\n").await.unwrap();
    });
    let outcome = check_health(address, PATIENCE).await;
    assert!(matches!(outcome, Err(ClientError::Broken { .. })), "{outcome:?}");
}
