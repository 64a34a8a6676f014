//! Nodes that know of one another.

use std::fs;

use super::*;
use crate::{
    NodesTlsConfig, TlsConfig,
    caller::{self, Caller, Message},
    roster,
};
use dax_wire::Preamble;

/// For what one node notices of another: some looks.
const NOTICE: Duration = Duration::from_secs(20);

/// Doors of one cluster, each of which knows the others; the first leads.
async fn cluster<const N: usize>(configure: impl Fn(usize) -> Config) -> [Node; N] {
    let listeners: [TcpListener; N] = std::array::from_fn(|_| listener());
    let addresses = listeners.each_ref().map(|listener| listener.local_addr().unwrap());
    let mut nodes = Vec::new();
    for (own, listener) in listeners.into_iter().enumerate() {
        let others = (0..N).filter(|other| *other != own);
        let roster = RosterConfig {
            role: if own == 0 { Role::Leader } else { Role::Replica },
            others: others.map(|other| as_other(addresses[other], other == 0)).collect(),
            ..config().roster
        };
        nodes.push(open_on(listener, Config { roster, ..configure(own) }).await);
    }
    nodes.try_into().ok().unwrap()
}

fn as_other(address: SocketAddr, leads: bool) -> roster::Node {
    let role = if leads { "leader" } else { "" };
    format!("{} {role} dax={port} daxs={port}", address.ip(), port = address.port()).parse().unwrap()
}

impl Node {
    /// A connection of a client, or of another node.
    async fn caller(&self, is_node: bool) -> Caller<TcpStream> {
        let preamble = Preamble { layering: Layering::Plain, user_agent: None, is_node };
        Caller::begin(self.connect().await, &preamble).await.unwrap()
    }

    /// The nodes that it shows clients.
    async fn shows(&self) -> Vec<SocketAddr> {
        let answer = result(&mut self.caller(false).await, Method::Endpoints, &[]).await.unwrap();
        let mut addresses = roster::addresses(&answer).unwrap();
        addresses.sort();
        addresses
    }

    async fn shows_in_the_end(&self, nodes: &[&Node]) {
        let mut expected: Vec<_> = nodes.iter().map(|node| node.address).collect();
        expected.sort();
        let shows = async {
            while self.shows().await != expected {
                tokio::time::sleep(MOMENT).await;
            }
        };
        timeout(NOTICE, shows).await.expect("the nodes in time");
    }
}

/// `None` for an error.
async fn result(caller: &mut Caller<TcpStream>, method: Method, arguments: &[u8]) -> Option<Vec<u8>> {
    match timeout(PATIENCE, caller.exchange(&caller::request(method, arguments), method))
        .await
        .unwrap()
        .unwrap()
    {
        Message::Result(result) => Some(result),
        Message::Error(_) => None,
    }
}

const NAMES: &[u8] = &[0x82, 0x61, b'a', 0x61, b'b'];

#[tokio::test]
async fn clients_are_not_shown_a_node_that_leaves() {
    let long = Duration::from_secs(60);
    let [a, b, c] = cluster(|_| Config { leave_time: long, ..config() }).await;
    for node in [&a, &b, &c] {
        assert_eq!(node.shows().await.len(), 3, "at once");
    }
    b.drain.begin();
    assert_eq!(b.shows().await.len(), 2);
    a.shows_in_the_end(&[&a, &c]).await;
    c.shows_in_the_end(&[&a, &c]).await;
    assert_eq!(a.door.metrics.nodes.get(), 2);
}

#[tokio::test]
async fn clients_are_not_shown_a_node_that_is_gone_until_it_is_back() {
    let (first, second) = (listener(), listener());
    let there = second.local_addr().unwrap();
    drop(second);
    let roster = RosterConfig { others: vec![as_other(there, false)], ..config().roster };
    let a = open_on(first, Config { roster, ..config() }).await;
    a.shows_in_the_end(&[&a]).await;
    let b = open_on(base::listen(there).unwrap(), config()).await;
    a.shows_in_the_end(&[&a, &b]).await;
}

#[tokio::test]
async fn nodes_call_one_another_over_tls_and_none_that_is_another() {
    let directories = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let files = directories.each_ref().map(|directory| tls::tests::files(directory.path()).0);
    for (authority, others_are_gone) in [(0, false), (1, true)] {
        let of_node = |_| {
            let nodes = NodesTlsConfig { authorities: files[authority].certificate.clone(), name: None };
            Config { tls: Some(TlsConfig { nodes: Some(nodes), ..files[0].clone() }), ..config() }
        };
        let [a, b] = cluster(of_node).await;
        let shown = async |node: &Node, count| {
            while node.door.metrics.nodes.get() != count {
                tokio::time::sleep(MOMENT).await;
            }
        };
        if others_are_gone {
            timeout(NOTICE, shown(&a, 1)).await.expect("another authority than that of the certificates");
            continue;
        }
        let looked_at = async {
            while b.door.metrics.connections.get() == 0 {
                tokio::time::sleep(MOMENT).await;
            }
        };
        timeout(NOTICE, looked_at).await.expect("a look");
        a.door.lists.id_of(&["a", "b"]).await.unwrap();
        assert_eq!(b.door.metrics.attribute_lists.get(), 1);
        b.drain.begin();
        timeout(NOTICE, shown(&a, 1)).await.expect("it leaves");
    }
}

#[tokio::test]
async fn a_list_that_one_node_numbers_all_of_them_know() {
    let directory = tempfile::tempdir().unwrap();
    let access_keys = directory.path().join("keys");
    fs::write(&access_keys, "B 2\nA 1\n").unwrap();
    for keys in [None, Some(access_keys)] {
        let [a, b, c] = cluster(|_| Config { access_keys: keys.clone(), ..config() }).await;
        a.numbered_and_known_by(&[&b, &c]).await;
    }
}

impl Node {
    async fn numbered_and_known_by(&self, others: &[&Node]) {
        let keys = self.door.keys.as_deref();
        let number = ask(self, false, Method::DefineAttributeListId, NAMES, keys).await.unwrap();
        for other in others {
            let known = ask(other, true, Method::DefineAttributeList, &number, keys).await;
            assert_eq!(
                known.as_deref(),
                Some(NAMES),
                "it was told, and says so to a node, for which it asks nobody"
            );
        }
    }
}

/// As somebody who signs, if need be.
async fn ask(
    node: &Node,
    is_node: bool,
    method: Method,
    arguments: &[u8],
    keys: Option<&AccessKeys>,
) -> Option<Vec<u8>> {
    let mut stream = node.caller(is_node).await;
    let claim = keys.map(|keys| crate::authorize::encode(&keys.claim_dax(node.door.clock.wall())));
    let authorize = claim.map(|claim| caller::request(Method::AuthorizeConnection, &claim));
    let bytes = [authorize.unwrap_or_default(), caller::request(method, arguments)].concat();
    match timeout(PATIENCE, stream.exchange(&bytes, method)).await.unwrap().unwrap() {
        Message::Result(result) => Some(result),
        Message::Error(_) => None,
    }
}

#[tokio::test]
async fn a_number_that_is_unknown_here_is_asked_of_the_others() {
    // B was not there when A numbered the list.
    let (first, second) = (listener(), listener());
    let (at_a, at_b) = (first.local_addr().unwrap(), second.local_addr().unwrap());
    let a = open_on(first, config()).await;
    let number = ask(&a, false, Method::DefineAttributeListId, NAMES, None).await.unwrap();
    let roster = RosterConfig { others: vec![as_other(at_a, false)], ..config().roster };
    let b = open_on(second, Config { roster, ..config() }).await;
    assert_eq!(b.address, at_b);
    assert_eq!(
        ask(&b, true, Method::DefineAttributeList, &number, None).await,
        None,
        "a node asks by itself"
    );
    assert_eq!(ask(&b, false, Method::DefineAttributeList, &number, None).await.as_deref(), Some(NAMES));
    assert_eq!(
        ask(&b, true, Method::DefineAttributeList, &number, None).await.as_deref(),
        Some(NAMES),
        "for good"
    );
    let nobodys = [0x19, 0x12, 0x34];
    assert_eq!(ask(&b, false, Method::DefineAttributeList, &nobodys, None).await, None);
}

#[tokio::test]
async fn nodes_that_are_not_listed_know_what_one_another_has_numbered() {
    let (first, second) = (listener(), listener());
    let [at_a, at_b] = [&first, &second].map(|listener| listener.local_addr().unwrap());
    let before_both: std::net::IpAddr = [192, 0, 2, 7].into();
    let knows = |other: SocketAddr| {
        let other = format!("{} unlisted dax={}", other.ip(), other.port()).parse().unwrap();
        let advertise = Some(before_both.to_string().parse().unwrap());
        Config { roster: RosterConfig { others: vec![other], advertise, ..config().roster }, ..config() }
    };
    let (a, b) = (open_on(first, knows(at_b)).await, open_on(second, knows(at_a)).await);
    for node in [&a, &b] {
        assert_eq!(node.shows().await, [SocketAddr::new(before_both, node.address.port())]);
    }
    a.numbered_and_known_by(&[&b]).await;
}

#[tokio::test]
async fn a_node_that_is_wrong_about_a_list_is_not_believed() {
    let other_names = [0x81, 0x61, b'c'];
    let elsewhere = open(config()).await;
    let number = ask(&elsewhere, false, Method::DefineAttributeListId, &other_names, None).await.unwrap();
    let question = caller::request(Method::DefineAttributeList, &number);
    let liar = listener();
    let roster =
        RosterConfig { others: vec![as_other(liar.local_addr().unwrap(), false)], ..config().roster };
    // Whatever it is asked.
    let lying = elsewhere.drain.spawn(async move {
        let mut asked = Vec::new();
        loop {
            let (mut stream, _) = liar.accept().await.unwrap();
            while stream.read_buf(&mut asked).await.unwrap() > 0 {
                stream.write_all(&[&[0x80], NAMES].concat()).await.unwrap();
                if asked.ends_with(&question) {
                    return;
                }
            }
        }
    });
    let b = open(Config { roster, ..config() }).await;
    assert_eq!(ask(&b, false, Method::DefineAttributeList, &number, None).await, None);
    timeout(PATIENCE, lying).await.expect("it was asked").unwrap();
    assert_eq!(b.door.metrics.attribute_lists.get(), 0);
}
