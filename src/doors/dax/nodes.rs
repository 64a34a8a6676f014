//! The other nodes of a cluster, as this one sees them.
//!
//! Each is asked every second which nodes there are. One that is not in its own answer is leaving, and one that does
//! not answer is gone; clients are shown neither until it is back. The calls are those of clients, with the same access
//! keys; over `daxs://` if this node was told by what to know the others, else over `dax://`.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use auth::AccessKeys;
use base::Clock;
use dax_wire::{Layering, Malformed, Preamble, Writer, item};
use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use minicbor::Decoder;
use prometheus::IntGauge;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use crate::{
    authorize,
    caller::{self, Broken, Caller, Message},
    door::Transport,
    methods::Method,
    roster::{self, Node},
    tls::Dialer,
};

/// How often each is asked. Clients ask every 4 s.
const WATCH_EVERY: Duration = Duration::from_secs(1);
/// For a connection and an answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// So often in a row one that is there has not answered when it is gone.
const MISSES_MAX: u32 = 3;

/// The other nodes.
pub(crate) struct Nodes {
    others: Vec<Other>,
    /// With which nodes authorize.
    keys: Option<Arc<AccessKeys>>,
    clock: Clock,
    /// How many clients are shown, this one included.
    count: IntGauge,
    /// How nodes are called over TLS, if they are.
    tls: Option<Dialer>,
    /// Where this node listens for such calls, and so do the others that have not said another port. Unset, nobody is
    /// called.
    port: OnceLock<u16>,
}

struct Other {
    node: Node,
    state: Mutex<State>,
    /// A connection that is kept for the next call.
    line: tokio::sync::Mutex<Option<Caller<Stream>>>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    standing: Standing,
    /// Calls in a row without an answer.
    misses: u32,
}

/// A connection, with or without TLS.
trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<C: AsyncRead + AsyncWrite + Send + Unpin> Duplex for C {}
type Stream = Box<dyn Duplex>;

/// Whether clients are shown a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// They are; at the beginning too, when nothing is known.
    There,
    Leaving,
    Gone,
}

/// Why a node has not answered.
#[derive(Debug, thiserror::Error)]
enum Unanswered {
    #[error("this node does not listen for such calls itself")]
    Uncalled,
    #[error("there was no answer in time")]
    Late,
    #[error("it refuses: {0}")]
    Refused(String),
    #[error(transparent)]
    Broken(#[from] Broken),
}

impl From<io::Error> for Unanswered {
    fn from(error: io::Error) -> Unanswered {
        Broken::Lost(error).into()
    }
}

impl Nodes {
    pub(crate) fn new(
        others: Vec<Node>,
        keys: Option<Arc<AccessKeys>>,
        tls: Option<Dialer>,
        clock: Clock,
        count: IntGauge,
    ) -> Nodes {
        let other = |node| Other {
            node,
            state: Mutex::new(State { standing: Standing::There, misses: 0 }),
            line: tokio::sync::Mutex::default(),
        };
        let nodes = Nodes {
            others: others.into_iter().map(other).collect(),
            keys,
            tls,
            clock,
            count,
            port: OnceLock::new(),
        };
        nodes.count();
        nodes
    }

    /// Those that clients are shown.
    pub(crate) fn shown(&self) -> impl Iterator<Item = &Node> {
        let is_shown = |other: &&Other| other.node.is_listed && other.state().standing == Standing::There;
        self.others.iter().filter(is_shown).map(|other| &other.node)
    }

    /// What nodes speak among one another.
    pub(crate) fn transport(&self) -> Transport {
        if self.tls.is_some() { Transport::Tls } else { Transport::Plain }
    }

    /// Asks all of them for ever how they are; `port` is where this node listens for the same.
    pub(crate) async fn watch(&self, port: u16) {
        let port = *self.port.get_or_init(|| port);
        if self.others.is_empty() {
            return;
        }
        loop {
            join_all(self.others.iter().map(|other| self.look_at(other, port))).await;
            self.count();
            self.clock.sleep(WATCH_EVERY).await;
        }
    }

    /// Has all number a list of attribute names, and waits until they have. Those that are gone ask for it, once they
    /// are back and somebody uses it.
    pub(crate) async fn tell(&self, names: &[&str]) {
        let mut arguments = Writer::new();
        item::encode_names(names, &mut arguments);
        let arguments = arguments.into_bytes();
        let tell = async |other: &Other| {
            if let Err(why) = self.call(other, Method::DefineAttributeListId, &arguments).await {
                let node = other.node.reach;
                tracing::warn!(%node, %why, "a node was not told a list of attribute names");
            }
        };
        join_all(self.not_gone().map(tell)).await;
    }

    /// The names behind the number of a list, if a node that is not gone knows it.
    pub(crate) async fn names_of(&self, list: i64) -> Option<Vec<String>> {
        let mut arguments = Writer::new();
        arguments.int(list);
        let arguments = arguments.into_bytes();
        let ask = async |other: &Other| {
            let result = self.call(other, Method::DefineAttributeList, &arguments).await.ok()?;
            let names = item::decode_names(&result).ok()?;
            Some(names.into_iter().map(str::to_owned).collect())
        };
        let mut answers: FuturesUnordered<_> = self.not_gone().map(ask).collect();
        while let Some(answer) = answers.next().await {
            if answer.is_some() {
                return answer;
            }
        }
        None
    }

    /// Those that may answer, if nodes are called at all.
    fn not_gone(&self) -> impl Iterator<Item = &Other> {
        let is_there = |other: &&Other| other.state().standing != Standing::Gone;
        self.others.iter().filter(is_there).filter(|_| self.port.get().is_some())
    }

    fn count(&self) {
        self.count.set(1 + self.shown().count() as i64);
    }

    async fn look_at(&self, other: &Other, port: u16) {
        let seen = match self.call(other, Method::Endpoints, &[]).await {
            Ok(result) => match roster::addresses(&result) {
                Ok(addresses) if addresses.contains(&self.address(other, port)) => Ok(Standing::There),
                // One that is not listed shows clients the way through a load balancer.
                Ok(_) if !other.node.is_listed => Ok(Standing::There),
                Ok(_) => Ok(Standing::Leaving),
                Err(why) => Err(Unanswered::Broken(why.into())),
            },
            // It is there to refuse.
            Err(Unanswered::Refused(_)) => Ok(Standing::There),
            Err(why) => Err(why),
        };
        other.note(seen);
    }

    /// Makes a call that may be made twice.
    async fn call(&self, other: &Other, method: Method, arguments: &[u8]) -> Result<Vec<u8>, Unanswered> {
        let port = *self.port.get().ok_or(Unanswered::Uncalled)?;
        let call = async {
            let mut line = other.line.lock().await;
            let bytes = self.authorized(method, arguments);
            // Taken out: a connection whose reply nobody has waited for must not be used again.
            if let Some(mut caller) = line.take()
                && let Ok(message) = caller.exchange(&bytes, method).await
            {
                *line = Some(caller);
                return result(message);
            }
            let stream = self.connect(self.address(other, port)).await?;
            let mut caller = Caller::begin(stream, &preamble()).await?;
            let message = caller.exchange(&bytes, method).await?;
            *line = Some(caller);
            result(message)
        };
        self.in_time(call).await.unwrap_or(Err(Unanswered::Late))
    }

    /// What nobody waits for any longer than for a node.
    pub(crate) async fn in_time<T>(&self, what: impl Future<Output = T>) -> Option<T> {
        self.clock.timeout_at(self.clock.now() + PATIENCE, what).await
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<Stream> {
        Ok(match &self.tls {
            Some(dialer) => Box::new(dialer.connect(address).await?),
            None => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
        })
    }

    fn address(&self, other: &Other, port: u16) -> SocketAddr {
        let reach = &other.node.reach;
        let its_own = if self.tls.is_some() { reach.tls_port } else { reach.port };
        SocketAddr::new(reach.address, its_own.unwrap_or(port))
    }

    /// A request, behind one that says who calls.
    fn authorized(&self, method: Method, arguments: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Some(keys) = &self.keys {
            let claim = authorize::encode(&keys.claim_dax(self.clock.wall()));
            bytes = caller::request(Method::AuthorizeConnection, &claim);
        }
        bytes.extend(caller::request(method, arguments));
        bytes
    }
}

impl Other {
    fn state(&self) -> State {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of how it is.
    fn note(&self, seen: Result<Standing, Unanswered>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.standing;
        *state = match &seen {
            Ok(standing) => State { standing: *standing, misses: 0 },
            Err(_) if state.misses + 1 >= MISSES_MAX => State { standing: Standing::Gone, ..*state },
            Err(_) => State { misses: state.misses + 1, ..*state },
        };
        let node = self.node.reach;
        match (state.standing, seen) {
            (standing, _) if standing == before => {}
            (Standing::There, _) => {
                tracing::info!(%node, "a node is there again, and clients are shown it")
            }
            (Standing::Leaving, _) => tracing::info!(
                %node,
                "a node is leaving, or does not know itself by this address; clients are not shown it"
            ),
            (Standing::Gone, _) if before == Standing::Leaving => {
                tracing::info!(%node, "the node that was leaving is gone");
            }
            (Standing::Gone, Err(why)) => {
                tracing::warn!(%node, %why, "a node does not answer, and clients are not shown it");
            }
            (Standing::Gone, Ok(_)) => {}
        }
    }
}

fn result(message: Message) -> Result<Vec<u8>, Unanswered> {
    match message {
        Message::Result(result) => Ok(result),
        Message::Error(error) => {
            // Behind the codes.
            let mut values = Decoder::new(&error);
            let words = values.skip().and_then(|()| values.str()).map_err(Malformed::from);
            Err(Unanswered::Refused(words.map_err(Broken::from)?.to_owned()))
        }
    }
}

fn preamble() -> Preamble {
    let user_agent = Some(concat!("linac/", env!("CARGO_PKG_VERSION")).to_owned());
    Preamble { layering: Layering::Plain, user_agent, is_node: true }
}
