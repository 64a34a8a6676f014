//! Clients that misbehave, and clients that do not, over real sockets.

use backend::Outcome;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    task::JoinHandle,
    time::timeout,
};

use super::*;

mod cluster;
use crate::{
    attribute_lists::ListsConfig,
    methods::Method,
    reply::{Asked, Reply},
    roster::{Role, RosterConfig},
};
use dax_wire::{Layering, Writer};

mod replies;
mod room;

const PLAIN: &[u8] = b"\x67J7yne5G\x00\xf6\xa1\x69UserAgent\x64Test\x00";
const FRAMED: &[u8] = b"\x67J7yne5G\x01\xf6\xa1\x69UserAgent\x64Test\x00";
/// For what must happen.
const PATIENCE: Duration = Duration::from_secs(10);
/// For what must not.
const MOMENT: Duration = Duration::from_millis(60);

/// Answers with the arguments; the first of them may say how.
struct Echo;

const SLOW: &[u8] = b"\x44slow";
const LARGE: &[u8] = b"\x45large";
const LARGE_BYTES: usize = 1 << 20;

impl Answers for Echo {
    async fn answer(&self, asked: Asked<'_>) -> Reply {
        let mut message = vec![0x80];
        if asked.arguments.starts_with(SLOW) {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        if asked.arguments.starts_with(LARGE) {
            message.resize(1 + LARGE_BYTES, 0);
        }
        message.extend_from_slice(asked.arguments);
        Reply::answer(message, Outcome::Miss)
    }
}

struct Node {
    address: SocketAddr,
    door: Arc<Door<Echo>>,
    drain: Drain,
    listening: JoinHandle<()>,
}

fn config() -> Config {
    Config {
        connections_max: 100,
        request_bytes_max: 32 << 20,
        read_timeout: PATIENCE,
        call_timeout: PATIENCE,
        leave_time: Duration::ZERO,
        roster: RosterConfig {
            advertise: None,
            role: Role::Leader,
            zone: "a".to_owned(),
            others: Vec::new(),
        },
        lists: ListsConfig { directory: None, lists_max: 100, bytes_max: 1 << 20 },
        tls: None,
        access_keys: None,
        region: "us-east-1".to_owned(),
    }
}

fn listener() -> TcpListener {
    base::listen(([127, 0, 0, 1], 0).into()).unwrap()
}

async fn open(config: Config) -> Node {
    open_on(listener(), config).await
}

async fn open_on(listener: TcpListener, config: Config) -> Node {
    let address = listener.local_addr().unwrap();
    let drain = Drain::new();
    let parts = Parts {
        clock: Clock::start(),
        chance: Chance::seeded(1),
        drain: drain.clone(),
        metrics: Metrics::of_a_test(),
    };
    let transport = if config.tls.is_some() { Transport::Tls } else { Transport::Plain };
    let door = Door::before(|_lists| Echo, config, parts).unwrap();
    let listening = drain.spawn(serve(Arc::clone(&door), listener, transport));
    Node { address, door, drain, listening }
}

impl Node {
    async fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// Behind its preamble.
    async fn client(&self) -> TcpStream {
        let mut stream = self.connect().await;
        stream.write_all(PLAIN).await.unwrap();
        stream
    }
}

/// A request with its arguments.
fn request(method: Method, arguments: &[u8]) -> Vec<u8> {
    let mut out = Writer::new();
    out.int(1);
    out.int(method.id().into());
    [out.into_bytes(), arguments.to_vec()].concat()
}

/// `scan` has two arguments: some bytes, and no options.
fn scan(table: &[u8]) -> Vec<u8> {
    request(Method::Scan, &[table, &[0xf6]].concat())
}

fn echo(table: &[u8]) -> Vec<u8> {
    [&[0x80], table, &[0xf6]].concat()
}

async fn expect(stream: &mut (impl AsyncRead + Unpin), expected: &[u8]) {
    let mut got = vec![0; expected.len()];
    timeout(PATIENCE, stream.read_exact(&mut got)).await.expect("an answer in time").unwrap();
    assert!(
        got == expected,
        "{:02x?} is not {:02x?}",
        &got[..got.len().min(40)],
        &expected[..expected.len().min(40)]
    );
}

async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), table: &[u8]) {
    stream.write_all(&scan(table)).await.unwrap();
    expect(stream, &echo(table)).await;
}

/// Everything until the node closes the connection.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("the end in time").unwrap();
    rest
}

async fn is_silent(stream: &mut TcpStream) -> bool {
    timeout(MOMENT, stream.read_u8()).await.is_err()
}

#[tokio::test]
async fn a_request_in_pieces_of_a_byte_is_answered_once_it_is_whole() {
    let node = open(config()).await;
    let mut stream = node.connect().await;
    let bytes = [PLAIN, &scan(b"\x43abc")].concat();
    for byte in &bytes[..bytes.len() - 1] {
        stream.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert!(is_silent(&mut stream).await);
    stream.write_all(&bytes[bytes.len() - 1..]).await.unwrap();
    expect(&mut stream, &echo(b"\x43abc")).await;
}

#[tokio::test]
async fn requests_in_one_packet_are_answered_in_their_order() {
    let node = open(config()).await;
    let mut stream = node.client().await;
    // The first takes long, the second has no reply, and the third is the node's own.
    let authorize = request(Method::AuthorizeConnection, b"\x61k\x61s\x41t\xf6\xf6");
    let endpoints = request(Method::Endpoints, b"");
    let packet = [scan(SLOW), authorize, endpoints, scan(b"\x41z")].concat();
    stream.write_all(&packet).await.unwrap();
    expect(&mut stream, &echo(SLOW)).await;
    let local = stream.peer_addr().unwrap();
    let roster = config().roster.whole_answer(Entrance { local, is_tls: false }, false);
    expect(&mut stream, &roster).await;
    expect(&mut stream, &echo(b"\x41z")).await;
}

#[tokio::test]
async fn replies_are_framed_for_who_asks_for_frames_errors_too() {
    let node = open(config()).await;
    let mut stream = node.connect().await;
    stream.write_all(FRAMED).await.unwrap();
    stream.write_all(&scan(b"\x41z")).await.unwrap();
    expect(&mut stream, &Layering::Framed.carry(echo(b"\x41z").into())).await;
    stream.write_all(&scan(LARGE)).await.unwrap();
    let large = [&[0x80][..], &vec![0; LARGE_BYTES], LARGE, &[0xf6]].concat();
    expect(&mut stream, &Layering::Framed.carry(large.into())).await;
    stream.write_all(&[0x01, 0x00]).await.unwrap();
    let complaint = rest(&mut stream).await;
    let length = u32::from_be_bytes(complaint[..4].try_into().unwrap()) as usize;
    assert_eq!((length, complaint[4], complaint[8]), (complaint.len(), 1, 0x85));
}

#[tokio::test]
async fn strangers_and_health_checks_are_closed_without_a_word() {
    let node = open(config()).await;
    for stranger in [b"GET / HTTP/1.1\r\n\r\n".as_slice(), b"\x67J7yne5G\x02", b"\x67J7yne5G\x00\xf6\xa0\x01"]
    {
        let mut stream = node.connect().await;
        stream.write_all(stranger).await.unwrap();
        assert_eq!(rest(&mut stream).await, b"");
    }
    assert_eq!(node.door.metrics.strangers.get(), 3);
    for check in [b"".as_slice(), &PLAIN[..5], PLAIN, &[PLAIN, &scan(b"\x43abc")[..7]].concat()] {
        let mut stream = node.connect().await;
        stream.write_all(check).await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(rest(&mut stream).await, b"");
    }
    assert_eq!((node.door.metrics.strangers.get(), node.door.metrics.unreadable.get()), (3, 0));
    ask(&mut node.client().await, b"\x41z").await;
}

#[tokio::test]
async fn what_cannot_be_read_gets_an_error_and_the_end_and_no_memory() {
    let node = open(config()).await;
    let garbage: [&[u8]; 6] = [
        &[0x01, 0x00],
        &[0x02],
        &[0x01, 0x1a, 0x2e, 0xcb, 0x61, 0xc7],
        &[0xff, 0xff, 0xff],
        // A gigabyte is announced.
        &scan(&[0x5a, 0x40, 0, 0, 0])[..11],
        &scan(&[0x81; 200]),
    ];
    for (number, garbage) in (1..).zip(garbage) {
        let mut stream = node.client().await;
        ask(&mut stream, b"\x41a").await;
        // What is sent behind it does not take the error away.
        stream.write_all(&[garbage, &[0; 5000]].concat()).await.unwrap();
        let complaint = rest(&mut stream).await;
        assert_eq!(complaint[..3], [0x85, 4, 0x18], "{garbage:02x?}");
        assert_eq!(node.door.metrics.unreadable.get(), number);
    }
    assert_eq!(node.door.room.in_use(), 0);
}

#[tokio::test]
async fn a_slow_client_is_let_go_after_a_while_and_an_idle_one_never() {
    let node = open(Config { read_timeout: Duration::from_millis(200), ..config() }).await;
    let mut idle = node.client().await;
    let mut half = node.client().await;
    half.write_all(&scan(b"\x43abc")[..7]).await.unwrap();
    let mut silent = node.connect().await;
    let mut half_preamble = node.connect().await;
    half_preamble.write_all(&PLAIN[..4]).await.unwrap();
    for stream in [&mut half, &mut silent, &mut half_preamble] {
        assert_eq!(rest(stream).await, b"");
    }
    assert!(is_silent(&mut idle).await);
    ask(&mut idle, b"\x41z").await;
}

#[tokio::test]
async fn a_node_that_leaves_answers_on_and_then_closes() {
    let leave_time = Duration::from_millis(600);
    let other = "10.0.0.2".parse().unwrap();
    let roster = RosterConfig { others: vec![other], ..config().roster };
    let node = open(Config { leave_time, roster: roster.clone(), ..config() }).await;
    let (mut busy, mut idle) = (node.client().await, node.client().await);
    ask(&mut busy, b"\x41a").await;
    ask(&mut idle, b"\x41a").await;
    let entrance = Entrance { local: busy.peer_addr().unwrap(), is_tls: false };
    let endpoints = request(Method::Endpoints, b"");
    busy.write_all(&endpoints).await.unwrap();
    expect(&mut busy, &roster.whole_answer(entrance, false)).await;

    node.drain.begin();
    busy.write_all(&endpoints).await.unwrap();
    expect(&mut busy, &roster.whole_answer(entrance, true)).await;
    ask(&mut busy, b"\x41b").await;
    // Clients ask for nodes on new connections.
    let mut late = node.client().await;
    late.write_all(&endpoints).await.unwrap();
    expect(&mut late, &roster.whole_answer(entrance, true)).await;
    assert!(is_silent(&mut idle).await, "it is closed later");
    // What is under way when the time is over is answered still.
    tokio::time::sleep(leave_time).await;
    busy.write_all(&scan(SLOW)).await.unwrap();
    assert_eq!(rest(&mut busy).await, echo(SLOW));
    assert_eq!(rest(&mut idle).await, b"");
    assert_eq!(rest(&mut late).await, b"");
    assert!(node.listening.is_finished() && TcpStream::connect(node.address).await.is_err());
    assert_eq!(node.drain.finished(PATIENCE).await, 0);
}

#[tokio::test]
async fn a_node_that_is_alone_lets_nobody_in_when_it_leaves() {
    let node = open(Config { leave_time: Duration::from_millis(600), ..config() }).await;
    let mut busy = node.client().await;
    ask(&mut busy, b"\x41a").await;
    node.drain.begin();
    timeout(PATIENCE, node.listening).await.expect("it stops listening").unwrap();
    assert!(TcpStream::connect(node.address).await.is_err());
    ask(&mut busy, b"\x41b").await;
    assert_eq!(rest(&mut busy).await, b"");
    assert_eq!(node.drain.finished(PATIENCE).await, 0);
}

#[tokio::test]
async fn connections_that_ask_for_nothing_do_not_hold_up_a_node_that_leaves() {
    let directory = tempfile::tempdir().unwrap();
    let (tls, _) = tls::tests::files(directory.path());
    for tls in [None, Some(tls)] {
        let node = open(Config { tls, ..config() }).await;
        let mut silent = node.connect().await;
        let mut half = node.connect().await;
        half.write_all(&PLAIN[..4]).await.unwrap();
        while node.door.metrics.connections.get() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        node.drain.begin();
        assert_eq!(node.drain.finished(PATIENCE / 2).await, 0);
        // Over TLS the half is no beginning of anything, and there may be an alert.
        let _alerts = (rest(&mut silent).await, rest(&mut half).await);
    }
}

#[tokio::test]
async fn attribute_lists_are_numbered_and_named() {
    let node = open(config()).await;
    let mut stream = node.client().await;
    let names = b"\x82\x61a\x61b";
    stream.write_all(&request(Method::DefineAttributeListId, names)).await.unwrap();
    let id = node.door.lists.id_of(&["a", "b"]).await.unwrap();
    let number = [&[0x1b][..], &id.to_be_bytes()].concat();
    expect(&mut stream, &[&[0x80], &number[..]].concat()).await;
    stream.write_all(&request(Method::DefineAttributeList, &number)).await.unwrap();
    expect(&mut stream, &[&[0x80], &names[..]].concat()).await;
    assert_eq!(node.door.metrics.attribute_lists.get(), 1);
}

#[tokio::test]
async fn without_a_right_authorization_the_next_call_fails_and_the_connection_stays() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    std::fs::write(&path, "AKIDEXAMPLE SECRET\n").unwrap();
    let node = open(Config { access_keys: Some(path), ..config() }).await;
    let mut stream = node.client().await;
    let refused = async |stream: &mut TcpStream, last: u8| {
        stream.write_all(&request(Method::Endpoints, b"")).await.unwrap();
        let mut head = [0; 7];
        timeout(PATIENCE, stream.read_exact(&mut head)).await.unwrap().unwrap();
        assert_eq!(head, [0x84, 4, 0x17, 0x18, 31, 0x18, last]);
        // The rest of the message.
        let mut rest = [0; 1024];
        let _length = timeout(PATIENCE, stream.read(&mut rest)).await.unwrap().unwrap();
    };
    refused(&mut stream, 33).await;
    let authorize = async |stream: &mut TcpStream, secret: &str| {
        stream.write_all(&authorization(&node, secret)).await.unwrap();
    };
    authorize(&mut stream, "OTHER").await;
    refused(&mut stream, 32).await;
    refused(&mut stream, 32).await;
    authorize(&mut stream, "SECRET").await;
    ask(&mut stream, b"\x41z").await;
    ask(&mut stream, b"\x41y").await;
    assert_eq!(node.door.metrics.unauthorized.get(), 3);
}

fn authorization(node: &Node, secret: &str) -> Vec<u8> {
    request(Method::AuthorizeConnection, &signed(secret, node.door.clock.wall()))
}

/// The arguments of `authorizeConnection`, signed by AWS's own code.
fn signed(secret: &str, now: std::time::SystemTime) -> Vec<u8> {
    use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
    let moment: String = humantime::format_rfc3339_seconds(now).to_string().replace(['-', ':'], "");
    let hash = {
        use sha2::Digest;
        let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let request =
            format!("POST\n/\n\nhost:dax.amazonaws.com\nx-amz-date:{moment}\n\nhost;x-amz-date\n{nothing}");
        sha2::Sha256::digest(request).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let date = &moment[..8];
    let text = format!("AWS4-HMAC-SHA256\n{moment}\n{date}/us-east-1/dax/aws4_request\n{hash}");
    let signature =
        calculate_signature(generate_signing_key(secret, now, "us-east-1", "dax"), text.as_bytes());
    let mut out = Writer::new();
    out.text("AKIDEXAMPLE");
    out.text(&signature);
    out.bytes(text.as_bytes());
    out.null();
    out.null();
    out.into_bytes()
}

#[tokio::test]
async fn a_client_over_tls_is_served_whatever_name_it_asks_for() {
    let directory = tempfile::tempdir().unwrap();
    let (tls, certificate) = tls::tests::files(directory.path());
    let node = open(Config { tls: Some(tls), ..config() }).await;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(client));
    // With a name, and by the address, for which nothing is named.
    for name in ["dax.example", "127.0.0.1"] {
        let name = rustls::pki_types::ServerName::try_from(name).unwrap();
        let mut stream = connector.connect(name, node.connect().await).await.unwrap();
        stream.write_all(PLAIN).await.unwrap();
        ask(&mut stream, b"\x41z").await;
        stream.write_all(&request(Method::Endpoints, b"")).await.unwrap();
        let entrance = Entrance { local: node.address, is_tls: true };
        expect(&mut stream, &config().roster.whole_answer(entrance, false)).await;
    }
    let mut plain = node.connect().await;
    plain.write_all(PLAIN).await.unwrap();
    let _alert = rest(&mut plain).await;
}

#[tokio::test]
async fn the_task_of_a_connection_is_small() {
    let node = open(config()).await;
    let stream = node.connect().await;
    let peer = stream.peer_addr().unwrap();
    let task = Arc::clone(&node.door).converse(stream, peer, None);
    let bytes = std::mem::size_of_val(&task);
    assert!(bytes <= 4 << 10, "{bytes} bytes");
}

#[tokio::test]
async fn idle_connections_cost_little_and_are_counted() {
    let node = open(Config { connections_max: 1000, ..config() }).await;
    let mut idle = Vec::new();
    for _ in 0..300 {
        idle.push(node.client().await);
    }
    ask(&mut node.client().await, b"\x41z").await;
    for stream in &mut idle {
        ask(stream, b"\x41z").await;
    }
    assert!(node.door.metrics.connections.get() >= 300);
    assert_eq!(node.door.room.in_use(), 0);
    drop(idle);
    while node.door.metrics.connections.get() > 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
