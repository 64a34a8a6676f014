//! What the DAX door needs to be told.

use std::{path::PathBuf, time::Duration};

use crate::{attribute_lists::ListsConfig, roster::RosterConfig};

/// Checked settings of the DAX door.
#[derive(Debug, Clone)]
pub struct Config {
    /// Connections at once, over all listeners; more wait in the backlog.
    pub connections_max: usize,
    /// Bytes of requests held at once beyond what each connection may hold anyway; and as many of replies that clients
    /// are slow to take.
    pub request_bytes_max: usize,
    /// For a preamble or a request to arrive, once begun; and for a client to take 64 KiB of a reply, or its rest.
    pub read_timeout: Duration,
    /// For a call to be answered.
    pub call_timeout: Duration,
    /// For clients to hear that this node leaves and to go elsewhere, before their connections are closed.
    pub leave_time: Duration,
    /// How clients find the nodes.
    pub roster: RosterConfig,
    /// The numbered lists of attribute names.
    pub lists: ListsConfig,
    /// The certificate of the TLS listener.
    pub tls: Option<TlsConfig>,
    /// The file of access keys; without one everybody may call.
    pub access_keys: Option<PathBuf>,
    /// The region that clients sign for.
    pub region: String,
}

/// The files of a certificate, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfig {
    /// The certificate, and those that lead from it to one that clients trust.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// With it nodes call one another over TLS, not over `dax://`.
    pub nodes: Option<NodesTlsConfig>,
}

/// By what nodes know one another over TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodesTlsConfig {
    /// The file of the authorities, in PEM, that all nodes' certificates lead to.
    pub authorities: PathBuf,
    /// The name that is in all nodes' certificates; `None` if each has its own address there.
    pub name: Option<String>,
}
