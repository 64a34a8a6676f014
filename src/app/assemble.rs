//! The stack, innermost layer first.

use std::sync::Arc;

use auth::{Chain, Signer};
use backend::Backend;
use base::{Action, Chance, Clock, Condition, Drain};
use cache::Caching;
use engine::Engine;
use prometheus::Registry;
use upstream::{Hedged, Remote};

use crate::{Config, StartError, config::Origin, read_only::ReadOnly};

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
    /// The DAX door, if it is to be open.
    pub(crate) dax_door: Option<Arc<dax_door::Door>>,
    pub(crate) actions: Vec<Arc<dyn Action>>,
    pub(crate) caching: Arc<Caching>,
    /// What may be the matter with a node that serves.
    pub(crate) conditions: Vec<Arc<dyn Condition>>,
    /// What answers the calls that the cache does not, in a word for the log.
    pub(crate) origin: String,
    /// As whom it talks to AWS.
    pub(crate) aws_signer: Option<Arc<Signer>>,
}

/// Builds the stack: doors → read-only → cache → hedge → origin.
pub(crate) fn assemble(
    config: &Config,
    parts: Parts,
    drain: &Drain,
    registry: &Registry,
) -> Result<Stack, StartError> {
    let Parts { clock, chance } = parts;
    let drain = drain.clone();
    // A server of another vendor may well run where nobody has credentials of AWS.
    let chain = if config.origin.is_aws() { Chain::Aws } else { Chain::Local };
    let signer = Arc::new(Signer::new(chain, config.region.clone(), clock.clone()));
    let mut conditions = Vec::new();
    let (backend, origin): (Arc<dyn Backend>, String) = match &config.origin {
        Origin::Remote(upstream) => {
            let metrics = upstream::Metrics::register(registry)?;
            let parts = upstream::Parts {
                signer: Arc::clone(&signer),
                clock: clock.clone(),
                chance: chance.clone(),
                metrics: metrics.clone(),
            };
            let remote = Remote::new(upstream.clone(), parts)?;
            let host = remote.endpoints().host().to_owned();
            conditions.push(remote.condition());
            let remote = Arc::new(remote);
            match &upstream.hedge {
                Some(hedge) => (Arc::new(Hedged::new(hedge, remote, clock.clone(), metrics)), host),
                None => (remote, host),
            }
        }
        Origin::Bundled(engine) => {
            let parts = engine::Parts {
                clock: clock.clone(),
                chance: chance.clone(),
                drain: drain.clone(),
                metrics: engine::Metrics::register(registry)?,
            };
            // What had to be mended is in the log by then.
            let (opened, _mended) = Engine::open(engine.clone(), parts)?;
            (Arc::new(opened), place(&engine.store.place))
        }
    };

    let cache_parts = cache::Parts {
        clock: clock.clone(),
        chance: chance.clone(),
        drain: drain.clone(),
        metrics: cache::Metrics::register(registry)?,
    };
    let caching = Caching::new(config.cache.clone(), backend, cache_parts);
    let actions = vec![caching.purge_action(), caching.report_action()];

    // Outermost, so that what is refused here does not even look into the cache.
    let stack: Arc<dyn Backend> =
        if config.server.read_only { Arc::new(ReadOnly::new(caching.clone())) } else { caching.clone() };
    let dax_door = match &config.dax {
        Some(dax) => {
            let metrics = dax_door::Metrics::register(registry)?;
            let parts = dax_door::Parts {
                clock: clock.clone(),
                chance: chance.clone(),
                drain: drain.clone(),
                metrics,
            };
            Some(dax_door::Door::open(dax.door.clone(), Arc::clone(&stack), parts)?)
        }
        None => None,
    };
    let metrics = json_door::Metrics::register(registry)?;
    let door_parts = json_door::Parts { clock, chance, drain, metrics };
    let door = json_door::Door::new(config.json.clone(), stack, door_parts);
    let aws_signer = config.origin.is_aws().then_some(signer);
    Ok(Stack { door, dax_door, actions, caching, conditions, origin, aws_signer })
}

fn place(place: &engine::Place) -> String {
    match place {
        engine::Place::Directory(directory) => format!("bundled engine, in {}", directory.display()),
        engine::Place::Memory => "bundled engine, in memory".to_owned(),
    }
}
