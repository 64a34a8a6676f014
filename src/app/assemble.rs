//! The stack, innermost layer first.

use std::sync::Arc;

use auth::{Chain, Signer};
use backend::Backend;
use base::{Action, Chance, Clock, Drain};
use cache::Caching;
use prometheus::Registry;
use upstream::Remote;

use crate::{Config, StartError, config::is_aws, read_only::ReadOnly};

/// What a node is given beside its configuration.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The node's time.
    pub clock: Clock,
    /// The node's randomness.
    pub chance: Chance,
}

/// A node that nobody can reach yet.
pub(crate) struct Stack {
    pub(crate) door: Arc<json_door::Door>,
    pub(crate) actions: Vec<Arc<dyn Action>>,
    /// Whom it talks to, and as whom.
    pub(crate) upstream_host: String,
    pub(crate) signer: Arc<Signer>,
}

/// Builds the stack: door → read-only → cache → origin.
pub(crate) fn assemble(
    config: &Config,
    parts: Parts,
    drain: &Drain,
    registry: &Registry,
) -> Result<Stack, StartError> {
    let Parts { clock, chance } = parts;
    let drain = drain.clone();
    // A server of another vendor may well run where nobody has credentials of AWS.
    let chain = if is_aws(&config.upstream.origin) { Chain::Aws } else { Chain::Local };
    let signer = Arc::new(Signer::new(chain, config.upstream.region.clone(), clock.clone()));
    let remote_parts = upstream::Parts {
        signer: Arc::clone(&signer),
        clock: clock.clone(),
        chance: chance.clone(),
        metrics: upstream::Metrics::register(registry)?,
    };
    let remote = Remote::new(config.upstream.clone(), remote_parts)?;
    let upstream_host = remote.endpoints().host().to_owned();

    let cache_parts = cache::Parts {
        clock: clock.clone(),
        chance: chance.clone(),
        drain: drain.clone(),
        metrics: cache::Metrics::register(registry)?,
    };
    let caching = Caching::new(config.cache.clone(), Arc::new(remote), cache_parts);
    let actions = vec![caching.purge_action()];

    // Outermost, so that what is refused here does not even look into the cache.
    let stack: Arc<dyn Backend> =
        if config.server.read_only { Arc::new(ReadOnly::new(caching)) } else { caching };
    let metrics = json_door::Metrics::register(registry)?;
    let door_parts = json_door::Parts { clock, chance, drain, metrics };
    let door = json_door::Door::new(config.json.clone(), stack, door_parts);
    Ok(Stack { door, actions, upstream_host, signer })
}
