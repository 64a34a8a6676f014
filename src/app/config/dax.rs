//! The section of the DAX door.

use std::time::Duration;

use dax_door::{ListsConfig, NodesTlsConfig, RosterConfig, TlsConfig};

use super::{
    DaxConfig, parse,
    resolve::{COUNT_MAX, Reader},
};

/// Less need not hold the names of one item: 400 KB of short ones take up to eighteen times as much.
const LISTS_BYTES_MIN: u64 = 8 << 20;

/// The settings of the door, if it is to be open. They are checked as well if it is not.
pub(super) fn resolve(
    reader: &mut Reader<'_>,
    call_timeout: Duration,
    drain_timeout: Duration,
    region: &str,
) -> Option<DaxConfig> {
    let count = |text: &str| parse::number(text, 1..=COUNT_MAX);
    let listen = reader.read_if_set("dax.listen", parse::address);
    let tls_listen = reader.read_if_set("dax.tls_listen", parse::address);
    let door = dax_door::Config {
        connections_max: reader.read("dax.connections_max", count),
        request_bytes_max: reader.read("dax.request_bytes_max", parse::request_bytes),
        read_timeout: reader.read("dax.read_timeout", parse::timeout),
        call_timeout,
        leave_time: reader.read("dax.leave_time", parse::span),
        roster: roster(reader),
        lists: ListsConfig {
            directory: reader.read_if_set("dax.state_dir", parse::directory),
            lists_max: reader.read("dax.attribute_lists_max", count),
            bytes_max: reader
                .read("dax.attribute_lists_bytes_max", |text| parse::bytes(text, LISTS_BYTES_MIN)),
        },
        tls: tls(reader),
        access_keys: reader.read_if_set("dax.access_keys", parse::file),
        region: region.to_owned(),
    };
    if listen.is_none() && tls_listen.is_none() {
        return None;
    }
    if door.leave_time >= drain_timeout {
        reader.reject(
            "dax.leave_time",
            "must be less than server.drain_timeout, when all connections are cut off",
        );
    }
    // With keys there is somebody who has to authenticate.
    if door.access_keys.is_none() {
        for (path, address) in [("dax.listen", listen), ("dax.tls_listen", tls_listen)] {
            address.into_iter().for_each(|address| reader.check_reach(path, address));
        }
    }
    Some(DaxConfig { listen, tls_listen, door })
}

fn roster(reader: &mut Reader<'_>) -> RosterConfig {
    let roster = RosterConfig {
        advertise: reader.read_if_set("dax.advertise", parse::reach),
        role: reader.read("dax.role", parse::role),
        zone: reader.read("dax.zone", parse::zone),
        others: reader.read("dax.nodes", parse::nodes),
    };
    match roster.leaders() {
        1 => {}
        0 => {
            reader.reject("dax.role", "leaves the cluster without a leader: mark one of dax.nodes as leader")
        }
        _ => reader.reject(
            "dax.nodes",
            "the cluster has more than one leader; this node is one unless dax.role is replica",
        ),
    }
    roster
}

/// The certificate goes with the listener.
fn tls(reader: &mut Reader<'_>) -> Option<TlsConfig> {
    let certificate = reader.read_if_set("dax.tls_certificate", parse::file);
    let key = reader.read_if_set("dax.tls_key", parse::file);
    let is_wanted = reader.layers.value("dax.tls_listen").is_some();
    for (path, file) in [("dax.tls_certificate", &certificate), ("dax.tls_key", &key)] {
        match (is_wanted, file) {
            (true, None) => reader.miss(path),
            (false, Some(_)) => reader.reject(path, "is for dax.tls_listen, which is not set"),
            (true, Some(_)) | (false, None) => {}
        }
    }
    let nodes = nodes(reader, is_wanted);
    Some(TlsConfig { certificate: certificate?, key: key?, nodes }).filter(|_| is_wanted)
}

/// By what nodes know one another, who can speak TLS only if they listen for it.
fn nodes(reader: &mut Reader<'_>, is_wanted: bool) -> Option<NodesTlsConfig> {
    let authorities = reader.read_if_set("dax.nodes_authorities", parse::file);
    let name = reader.read_if_set("dax.nodes_name", parse::zone);
    match (&authorities, &name) {
        (Some(_), _) if !is_wanted => {
            reader.reject("dax.nodes_authorities", "is for dax.tls_listen, which is not set");
        }
        (None, Some(_)) => {
            reader.reject("dax.nodes_name", "is for dax.nodes_authorities, which is not set");
        }
        _ => {}
    }
    Some(NodesTlsConfig { authorities: authorities?, name })
}
