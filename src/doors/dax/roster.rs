//! Which nodes there are: the answer by which clients find them.
//!
//! Clients ask every few seconds, of any node, and connect to the addresses in the answer, not to the one that they
//! were given. A node that is not in it any more is left within seconds. In it are those of the configured nodes that
//! are there (`nodes.rs`).

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use minicbor::Decoder;
use xxhash_rust::xxh3::xxh3_64;

use crate::reply;
use dax_wire::{Malformed, Writer, for_each};

/// What a node does in a cluster.
///
/// DAX: Python's and JavaScript's clients send writes to the leader; Go's and Java's send them to any node. Here every
/// node takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Exactly one node.
    Leader,
    /// All others.
    Replica,
}

/// Where clients reach a node. A port that is not said is that of this node's own listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Its address.
    pub address: IpAddr,
    /// For `dax://`.
    pub port: Option<u16>,
    /// For `daxs://`.
    pub tls_port: Option<u16>,
}

/// A node beside this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it is reached.
    pub reach: Reach,
    /// What it does.
    pub role: Role,
    /// Its availability zone, if it has one of its own.
    pub zone: Option<String>,
    /// Whether clients are to be shown it. Those that come through a load balancer are not.
    pub is_listed: bool,
}

/// All nodes of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterConfig {
    /// Where this node is reached; `None` is the address that the asking client connected to.
    pub advertise: Option<Reach>,
    /// What this node does.
    pub role: Role,
    /// The availability zone of this node, and of those that have none of their own.
    pub zone: String,
    /// The other nodes.
    pub others: Vec<Node>,
}

/// By which door a client came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entrance {
    /// This node's end of the connection.
    pub local: SocketAddr,
    /// Whether it is `daxs://`.
    pub is_tls: bool,
}

/// A node as it is in the answer.
struct Entry<'a> {
    address: IpAddr,
    port: u16,
    role: Role,
    zone: &'a str,
}

impl RosterConfig {
    /// How many of the nodes lead; it must be one, or there are clients that do not start.
    pub fn leaders(&self) -> usize {
        let others = self.others.iter().filter(|node| node.is_listed);
        let roles = others.map(|node| node.role).chain([self.role]);
        roles.filter(|role| *role == Role::Leader).count()
    }

    /// Whether clients have nowhere else to go.
    pub(crate) fn is_alone(&self) -> bool {
        !self.others.iter().any(|node| node.is_listed)
    }

    /// The message that answers `endpoints`: this node, and the `others` that are there and listed. A node that
    /// `is_leaving` is not in it, unless it is the only one: an empty answer stops clients altogether.
    pub(crate) fn answer<'n>(
        &'n self,
        entrance: Entrance,
        is_leaving: bool,
        others: impl Iterator<Item = &'n Node>,
    ) -> Vec<u8> {
        let entries = self.entries(entrance, is_leaving, others);
        let leader = entries.iter().find(|entry| entry.role == Role::Leader).map_or(0, Entry::id);
        let mut out = reply::begin(0);
        out.array(entries.len());
        for entry in &entries {
            entry.write(leader, &mut out);
        }
        out.into_bytes()
    }

    /// With all others.
    #[cfg(test)]
    pub(crate) fn whole_answer(&self, entrance: Entrance, is_leaving: bool) -> Vec<u8> {
        self.answer(entrance, is_leaving, self.others.iter())
    }

    fn entries<'n>(
        &'n self,
        entrance: Entrance,
        is_leaving: bool,
        others: impl Iterator<Item = &'n Node>,
    ) -> Vec<Entry<'n>> {
        let local = SocketAddr::new(entrance.local.ip().to_canonical(), entrance.local.port());
        let own = self.advertise.unwrap_or(Reach { address: local.ip(), port: None, tls_port: None });
        let entry = |reach: &Reach, role, zone| {
            let port = if entrance.is_tls { reach.tls_port } else { reach.port };
            Entry { address: reach.address, port: port.unwrap_or(local.port()), role, zone }
        };
        let own = entry(&own, self.role, self.zone.as_str());
        let mut entries: Vec<Entry<'_>> = others
            .map(|node| entry(&node.reach, node.role, node.zone.as_deref().unwrap_or(&self.zone)))
            .collect();
        if !is_leaving || entries.is_empty() {
            entries.insert(0, own);
        }
        // Somebody has to lead, or Python's client does not start. Which of the nodes it is makes no difference to
        // them.
        if entries.iter().all(|entry| entry.role == Role::Replica) {
            entries[0].role = Role::Leader;
        }
        entries
    }
}

/// Where the nodes are that an answer shows.
pub(crate) fn addresses(result: &[u8]) -> Result<Vec<SocketAddr>, Malformed> {
    let mut values = Decoder::new(result);
    let mut addresses = Vec::new();
    let length = values.array()?;
    for_each(&mut values, length, |values| {
        let (mut address, mut port) = (None, None);
        let length = values.map()?;
        for_each(values, length, |values| {
            match values.i64()? {
                ADDRESS => address = Some(ip(values.bytes()?)?),
                PORT => port = Some(values.u16()?),
                _ => values.skip()?,
            }
            Ok(())
        })?;
        addresses.extend(address.zip(port).map(SocketAddr::from));
        Ok(())
    })?;
    Ok(addresses)
}

fn ip(bytes: &[u8]) -> Result<IpAddr, Malformed> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).map_err(|_| Malformed::WrongType)
}

/// What the fields of a node are known by.
const ID: i64 = 0;
const HOST: i64 = 1;
const ADDRESS: i64 = 2;
const PORT: i64 = 3;
const ROLE: i64 = 4;
const ZONE: i64 = 5;
const LEADER_ID: i64 = 6;

impl Entry<'_> {
    /// The same from whichever node the answer comes, so it is made of the address.
    fn id(&self) -> i64 {
        let address = SocketAddr::new(self.address, self.port).to_string();
        (xxh3_64(address.as_bytes()) >> 33) as i64
    }

    /// DAX: these seven fields and no other; Python's client fails on more.
    fn write(&self, leader: i64, out: &mut Writer) {
        out.map(7);
        out.int(ID);
        out.int(self.id());
        out.int(HOST);
        out.text(&self.address.to_string());
        out.int(ADDRESS);
        match self.address {
            IpAddr::V4(address) => out.bytes(&address.octets()),
            IpAddr::V6(address) => out.bytes(&address.octets()),
        }
        out.int(PORT);
        out.int(self.port.into());
        out.int(ROLE);
        out.int(match self.role {
            Role::Leader => 1,
            Role::Replica => 2,
        });
        out.int(ZONE);
        out.text(self.zone);
        // It changes with the leader.
        out.int(LEADER_ID);
        out.int(leader);
    }
}

/// An address with or without ports: `10.0.0.1 dax=8111 daxs=9111`.
impl FromStr for Reach {
    type Err = String;

    fn from_str(text: &str) -> Result<Reach, String> {
        let mut words = text.split_whitespace();
        let mut reach = address(words.next())?;
        for word in words {
            if !reach.take_port(word)? {
                return Err(format!("{word:?} must be dax=PORT or daxs=PORT"));
            }
        }
        Ok(reach)
    }
}

/// An address, and more in any order: `10.0.0.2 leader zone=eu-west-1b dax=8111 daxs=9111`, `10.0.0.3 unlisted`.
impl FromStr for Node {
    type Err = String;

    fn from_str(text: &str) -> Result<Node, String> {
        let mut words = text.split_whitespace();
        let mut node =
            Node { reach: address(words.next())?, role: Role::Replica, zone: None, is_listed: true };
        for word in words {
            match (word, word.strip_prefix("zone=")) {
                (_, Some(zone)) => node.zone = Some(zone.to_owned()),
                ("leader", _) => node.role = Role::Leader,
                ("replica", _) => node.role = Role::Replica,
                ("unlisted", _) => node.is_listed = false,
                _ if node.reach.take_port(word)? => {}
                _ => {
                    return Err(format!(
                        "{word:?} must be leader, replica, unlisted, zone=NAME, dax=PORT or daxs=PORT"
                    ));
                }
            }
        }
        Ok(node)
    }
}

fn address(word: Option<&str>) -> Result<Reach, String> {
    let address = word.and_then(|word| word.parse().ok());
    let address = address.ok_or("must begin with an IP address: clients connect to no name")?;
    Ok(Reach { address, port: None, tls_port: None })
}

/// As it is read.
impl fmt::Display for Reach {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.address)?;
        let ports = [("dax", self.port), ("daxs", self.tls_port)];
        ports.iter().try_for_each(|(name, port)| match port {
            Some(port) => write!(out, " {name}={port}"),
            None => Ok(()),
        })
    }
}

impl Reach {
    /// Whether the word is a port.
    fn take_port(&mut self, word: &str) -> Result<bool, String> {
        let Some((name, number)) = word.split_once('=') else { return Ok(false) };
        let port = match name {
            "dax" => &mut self.port,
            "daxs" => &mut self.tls_port,
            _ => return Ok(false),
        };
        let number = number.parse().ok().filter(|number| *number > 0);
        *port = Some(number.ok_or_else(|| format!("{word:?} must have a port from 1 to 65535"))?);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use minicbor::Decoder;

    use super::*;

    fn entrance(local: &str) -> Entrance {
        Entrance { local: local.parse().unwrap(), is_tls: false }
    }

    fn alone() -> RosterConfig {
        RosterConfig { advertise: None, role: Role::Leader, zone: "a".to_owned(), others: Vec::new() }
    }

    /// Address, port, role and zone of each node, after the checks that every answer has to pass.
    fn nodes(message: &[u8]) -> Vec<(Vec<u8>, u16, u8, String)> {
        let mut values = Decoder::new(message);
        assert_eq!(values.array().unwrap(), Some(0));
        let count = values.array().unwrap().unwrap();
        assert!(count > 0, "never empty");
        let (mut nodes, mut ids, mut leader_ids) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..count {
            assert_eq!(values.map().unwrap(), Some(7));
            let mut key = 0;
            let mut next = |values: &mut Decoder<'_>| {
                assert_eq!(values.u8().unwrap(), key);
                key += 1;
            };
            next(&mut values);
            let id = values.i64().unwrap();
            next(&mut values);
            assert!(!values.str().unwrap().is_empty());
            next(&mut values);
            let address = values.bytes().unwrap().to_vec();
            next(&mut values);
            let port = values.u16().unwrap();
            next(&mut values);
            let role = values.u8().unwrap();
            next(&mut values);
            let zone = values.str().unwrap().to_owned();
            next(&mut values);
            leader_ids.push(values.i64().unwrap());
            if role == 1 {
                ids.push(id);
            }
            nodes.push((address, port, role, zone));
        }
        assert_eq!(values.position(), message.len());
        let told = addresses(&message[1..]).unwrap();
        let shown = nodes.iter().map(|(address, port, ..)| SocketAddr::new(ip(address).unwrap(), *port));
        assert!(shown.eq(told.iter().copied()), "{told:?}");
        assert_eq!(ids.len(), 1, "one leads");
        assert!(leader_ids.iter().all(|id| *id == ids[0]));
        nodes
    }

    #[test]
    fn a_node_alone_says_where_the_client_came_in() {
        let check = |local: &str, address: &[u8], port| {
            let message = alone().whole_answer(entrance(local), false);
            assert_eq!(nodes(&message), [(address.to_vec(), port, 1, "a".to_owned())]);
            assert_eq!(
                alone().whole_answer(entrance(local), true),
                message,
                "it stays, for there is no other"
            );
        };
        check("127.0.0.1:8111", &[127, 0, 0, 1], 8111);
        check("[::ffff:10.0.0.1]:8111", &[10, 0, 0, 1], 8111);
        check("[::1]:9111", &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 9111);
    }

    #[test]
    fn an_advertised_address_comes_first_with_the_port_of_the_door() {
        let mut config = RosterConfig { advertise: Some("192.0.2.7 dax=18111".parse().unwrap()), ..alone() };
        let at = |config: &RosterConfig, is_tls| {
            let entrance = Entrance { is_tls, ..entrance("10.0.0.1:9111") };
            let (address, port, ..) = nodes(&config.whole_answer(entrance, false)).remove(0);
            (address, port)
        };
        assert_eq!(at(&config, false), (vec![192, 0, 2, 7], 18111));
        assert_eq!(at(&config, true), (vec![192, 0, 2, 7], 9111));
        config.advertise = Some("192.0.2.7 daxs=19111".parse().unwrap());
        assert_eq!(at(&config, true), (vec![192, 0, 2, 7], 19111));
    }

    #[test]
    fn a_node_that_leaves_is_not_in_its_list_and_somebody_else_leads() {
        let others = ["10.0.0.2 zone=b", "10.0.0.3 dax=8112"].map(|node| node.parse().unwrap());
        let config = RosterConfig { others: others.to_vec(), ..alone() };
        assert_eq!(config.leaders(), 1);
        let own = (vec![10, 0, 0, 1], 8111, 1, "a".to_owned());
        let (b, c) = (vec![10, 0, 0, 2], vec![10, 0, 0, 3]);
        let here = entrance("10.0.0.1:8111");
        assert_eq!(
            nodes(&config.whole_answer(here, false)),
            [own, (b.clone(), 8111, 2, "b".into()), (c.clone(), 8112, 2, "a".into())]
        );
        assert_eq!(
            nodes(&config.whole_answer(here, true)),
            [(b, 8111, 1, "b".into()), (c, 8112, 2, "a".into())]
        );
        let replica = RosterConfig { role: Role::Replica, ..config };
        assert_eq!(replica.leaders(), 0);
    }

    #[test]
    fn nodes_have_the_same_id_from_wherever_they_are_seen() {
        let ids = |config: &RosterConfig, local| {
            let mut ids: Vec<_> = config
                .entries(entrance(local), false, config.others.iter())
                .iter()
                .map(|entry| (entry.address, entry.id()))
                .collect();
            ids.sort_unstable();
            ids
        };
        let one = RosterConfig { others: vec!["10.0.0.2".parse().unwrap()], ..alone() };
        let two =
            RosterConfig { others: vec!["10.0.0.1 leader".parse().unwrap()], role: Role::Replica, ..alone() };
        assert_eq!(ids(&one, "10.0.0.1:8111"), ids(&two, "10.0.0.2:8111"));
    }

    #[test]
    fn nodes_are_read_from_words() {
        let node: Node = "10.0.0.2  leader zone=b dax=1 daxs=2".parse().unwrap();
        let reach = Reach { address: [10, 0, 0, 2].into(), port: Some(1), tls_port: Some(2) };
        assert_eq!(node, Node { reach, role: Role::Leader, zone: Some("b".into()), is_listed: true });
        assert!(!"10.0.0.2 unlisted".parse::<Node>().unwrap().is_listed);
        for (text, expected) in [
            ("", "must begin with an IP address"),
            ("node1.example", "must begin with an IP address"),
            ("10.0.0.2:8111", "must begin with an IP address"),
            ("10.0.0.2 boss", "\"boss\" must be leader, replica"),
            ("10.0.0.2 dax=0", "must have a port from 1"),
            ("10.0.0.2 daxs=65536", "must have a port from 1"),
        ] {
            let wrong = text.parse::<Node>().unwrap_err();
            assert!(wrong.contains(expected), "{wrong}");
        }
        assert!("10.0.0.2 leader".parse::<Reach>().is_err());
        for text in ["10.0.0.2", "10.0.0.2 daxs=2", "::1 dax=1 daxs=2"] {
            assert_eq!(text.parse::<Reach>().unwrap().to_string(), text);
        }
    }
}
