//! The life of a node: bind, start, watch, drain.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use base::{Action, Chance, Clock, Drain, telemetry, units::print_bytes};
use futures_util::future::select_all;
use tokio::{net::TcpListener, task::JoinHandle};
use tracing::{error, info, warn};

use crate::{
    Config, Failed, Parts, Serve, StartError,
    assemble::{Stack, assemble},
    cli::SettingsArgs,
    config::{Origin, Settings},
    explain::Explain,
    operate::print,
    reload::{Reload, ReloadAction},
    signals::{ReloadSignal, StopSignals},
};

/// The crates of this product, whose messages the log takes at its level.
const ROOMS: [&str; 14] = [
    "app",
    "admin_door",
    "auth",
    "backend",
    "base",
    "cache",
    "dax_door",
    "dax_wire",
    "engine",
    "expr",
    "json_door",
    "model",
    "store",
    "upstream",
];
/// For probes to hear the last answers of the admin door.
const ADMIN_DRAIN_PATIENCE: Duration = Duration::from_secs(1);

/// A node that serves.
#[derive(Debug)]
pub struct Running {
    /// Where clients connect: the port is a real one, also if 0 was asked for.
    pub json_address: SocketAddr,
    /// Where DAX's clients connect, if they may.
    pub dax_address: Option<SocketAddr>,
    /// The same over TLS.
    pub daxs_address: Option<SocketAddr>,
    /// Where operators and probes connect.
    pub admin_address: SocketAddr,
    /// The register of everything that serves clients; once it drains, the node is stopping.
    pub drain: Drain,
    /// The admin door ends last, so that it can say that the node is draining.
    admin_drain: Drain,
    drain_timeout: Duration,
    doors: Vec<JoinHandle<()>>,
    reload: Option<Arc<Reload>>,
}

/// Starts a node. It serves when this returns, and stops by [`Running::stop`].
///
/// # Errors
/// When an address cannot be had, or the upstream's client cannot be set up.
pub async fn start(config: Config, parts: Parts) -> Result<Running, StartError> {
    start_with(config, parts, None).await
}

/// The same for a configuration that can be read again, where its settings came from.
async fn start_with(
    config: Config,
    parts: Parts,
    source: Option<(SettingsArgs, Settings)>,
) -> Result<Running, StartError> {
    let (json, json_address) = bind("json.listen", config.json_listen)?;
    let (admin, admin_address) = bind("admin.listen", config.admin_listen)?;
    let dax = config.dax.as_ref();
    let bind_dax = |key, address: Option<SocketAddr>| address.map(|address| bind(key, address)).transpose();
    let plain = bind_dax("dax.listen", dax.and_then(|dax| dax.listen))?;
    let tls = bind_dax("dax.tls_listen", dax.and_then(|dax| dax.tls_listen))?;
    let (dax_address, daxs_address) =
        (plain.as_ref().map(|(_, address)| *address), tls.as_ref().map(|(_, address)| *address));
    let (drain, admin_drain) = (Drain::new(), Drain::new());
    let clock = parts.clock.clone();
    let registry = telemetry::metrics_registry();
    let Stack { door, dax_door, mut actions, caching, conditions, origin, aws_signer } =
        assemble(&config, parts, &drain, &registry)?;
    let reload = source.map(|(source, settings)| {
        Arc::new(Reload::new(source, settings, &config.cache.rules, Arc::clone(&caching)))
    });
    actions.push(Arc::new(Explain { of_cache: caching.explain_action(), reload: reload.clone() }));
    actions.extend(reload.clone().map(|reload| Arc::new(ReloadAction(reload)) as Arc<dyn Action>));
    let admin_metrics = admin_door::Metrics::register(&registry)?;
    let admin_door = admin_door::Door::new(registry, actions, conditions, drain.clone(), &admin_metrics);
    announce(&config, json_address, admin_address, &origin);
    for (scheme, address) in [("dax", dax_address), ("daxs", daxs_address)] {
        if let Some(address) = address {
            info!(endpoint = %format_args!("{scheme}://{address}"), "serving clients of dax");
        }
    }
    if let Some(signer) = aws_signer {
        drain.spawn(announce_account(signer, drain.clone()));
    }
    let mut doors = vec![
        drain.spawn(json_door::serve(door, json)),
        admin_drain.spawn(admin_door::serve(admin_door, admin, clock, admin_drain.clone())),
    ];
    if let Some(door) = dax_door {
        use dax_door::Transport::{Plain, Tls};
        for (bound, transport) in [(plain, Plain), (tls, Tls)] {
            if let Some((listener, _)) = bound {
                doors.push(drain.spawn(dax_door::serve(Arc::clone(&door), listener, transport)));
            }
        }
    }
    let drain_timeout = config.server.drain_timeout;
    Ok(Running {
        json_address,
        dax_address,
        daxs_address,
        admin_address,
        drain,
        admin_drain,
        drain_timeout,
        doors,
        reload,
    })
}

impl Running {
    /// Stops accepting, finishes what is under way, for as long as `server.drain_timeout` allows; how many
    /// tasks were left then.
    pub async fn stop(&self) -> usize {
        self.drain.begin();
        let left = self.drain.finished(self.drain_timeout).await;
        self.admin_drain.begin();
        self.admin_drain.finished(ADMIN_DRAIN_PATIENCE).await;
        left
    }

    /// Reads the configuration again; what came of it is in the log.
    fn reload(&self) {
        let outcome = self.reload.as_ref().map(|reload| reload.reload());
        drop(outcome);
    }

    /// Resolves when a door closes although nobody asked for it, which only a bug can bring about.
    async fn door_lost(&mut self) {
        let (ended, _, _) = select_all(&mut self.doors).await;
        error!(cause = ?ended.err(), "a door closed by itself");
    }
}

/// `linac serve`: until it is asked to stop.
///
/// # Errors
/// When the configuration is wrong, the node cannot start, or it was told twice to stop.
pub fn serve(args: Serve) -> Result<(), Failed> {
    let settings = Settings::read(args.settings.config.as_deref(), args.settings.flags.clone())?;
    let config = settings.resolve()?;
    telemetry::start_log(config.log, &ROOMS);
    let runtime = tokio::runtime::Runtime::new();
    let runtime = runtime.map_err(|error| Failed::Other(format!("cannot start: {error}")))?;
    let outcome = runtime.block_on(live(config, (args.settings, settings), args.print_address));
    // What did not end in time is cut off, not waited for.
    runtime.shutdown_background();
    outcome
}

async fn live(config: Config, source: (SettingsArgs, Settings), print_address: bool) -> Result<(), Failed> {
    let deaf = |error| Failed::Other(format!("cannot listen to signals: {error}"));
    let mut signals = StopSignals::listen().map_err(deaf)?;
    let mut hangups = ReloadSignal::listen().map_err(deaf)?;
    let parts = Parts { clock: Clock::start(), chance: Chance::real() };
    let mut running = start_with(config, parts, Some(source)).await?;
    if print_address {
        let (json, admin) = (running.json_address, running.admin_address);
        print(&format!("listen http://{json}\nadmin http://{admin}\n"))?;
        for (scheme, address) in [("dax", running.dax_address), ("daxs", running.daxs_address)] {
            if let Some(address) = address {
                print(&format!("{scheme} {scheme}://{address}\n"))?;
            }
        }
    }
    let is_asked_to_stop = loop {
        tokio::select! {
            () = signals.next() => break true,
            () = running.door_lost() => break false,
            () = hangups.next() => running.reload(),
        }
    };
    info!(drain_timeout = ?running.drain_timeout, "draining");
    let left = tokio::select! {
        left = running.stop() => left,
        () = signals.next() => return Err(Failed::Other("told twice to stop, requests cut off".to_owned())),
    };
    match left {
        0 => info!("drained"),
        tasks => warn!(tasks, "not everything ended in time, cutting it off"),
    }
    if is_asked_to_stop { Ok(()) } else { Err(Failed::Other("a door closed by itself".to_owned())) }
}

fn bind(key: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let bound = base::listen(address).and_then(|listener| Ok((listener.local_addr()?, listener)));
    match bound {
        Ok((address, listener)) => Ok((listener, address)),
        Err(cause) => Err(StartError::Bind { key, address, cause }),
    }
}

/// The first lines of the log.
fn announce(config: &Config, json_address: SocketAddr, admin_address: SocketAddr, origin: &str) {
    let is_cached = config.cache.mode == cache::Mode::On;
    let cache = if is_cached { print_bytes(config.cache.bytes_max) } else { "off".to_owned() };
    info!(
        listen = %json_address,
        admin = %admin_address,
        origin,
        region = config.region,
        cache,
        read_only = config.server.read_only,
        "serving"
    );
    if is_cached && matches!(config.origin, Origin::Remote(_)) {
        warn!("what other nodes and other writers change upstream is stale here for up to the ttl");
    }
    for (key, address) in [("json.listen", json_address), ("admin.listen", admin_address)] {
        if !address.ip().to_canonical().is_loopback() {
            warn!(key, %address, "can be reached from beyond this machine, and nobody has to authenticate");
        }
    }
}

/// Says as whom this node acts, once AWS has said so; serving does not wait for it.
async fn announce_account(signer: Arc<auth::Signer>, drain: Drain) {
    tokio::select! {
        account = signer.account() => {
            if let Some(account) = account {
                info!(account, "upstream account");
            }
        }
        () = drain.begun() => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    async fn start_on(admin: &str) -> Result<Running, StartError> {
        let settings = [
            ("upstream.url", "http://127.0.0.1:9"),
            ("json.listen", "127.0.0.1:0"),
            ("admin.listen", admin),
            ("cache.bytes_max", "1 MiB"),
        ];
        let config = Config::of(&settings).unwrap();
        start(config, Parts { clock: Clock::start(), chance: Chance::seeded(1) }).await
    }

    #[tokio::test]
    async fn a_node_lives_until_it_is_stopped() {
        let node = start_on("127.0.0.1:0").await.unwrap();
        let admin = node.admin_address;
        admin_door::check_health(admin, PATIENCE).await.unwrap();
        assert_eq!(node.stop().await, 0);
        assert!(admin_door::check_health(admin, PATIENCE).await.is_err());
    }

    #[tokio::test]
    async fn an_address_in_use_is_named() {
        let node = start_on("127.0.0.1:0").await.unwrap();
        let taken = node.admin_address.to_string();
        let error = start_on(&taken).await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot listen on {taken} (admin.listen): ")), "{error}");
    }
}
