//! The lists of a cluster: those that are numbered here, and those that other nodes have numbered.
//!
//! A number means the same on every node, as it is a hash of the list. A new list is told to all nodes before a client
//! hears its number, and one that is unknown here is asked of them; so a client may go from node to node with what it
//! has learnt, as one does that connects through a load balancer.

use std::{sync::Arc, time::Duration};

use moka::sync::Cache;
use tokio::sync::Mutex;

use super::{AttributeLists, Names, Undefined};
use crate::nodes::Nodes;

/// For so long a number that nobody knows is not asked for again.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Such numbers remembered at once.
const UNKNOWN_MAX: u64 = 1_000;

/// The lists of a cluster.
pub(crate) struct SharedLists {
    here: AttributeLists,
    nodes: Arc<Nodes>,
    unknown: Cache<i64, ()>,
    asking: Mutex<()>,
}

impl SharedLists {
    pub(crate) fn new(here: AttributeLists, nodes: Arc<Nodes>) -> SharedLists {
        let unknown = Cache::builder().max_capacity(UNKNOWN_MAX).time_to_live(ASK_AGAIN_AFTER).build();
        SharedLists { here, nodes, unknown, asking: Mutex::default() }
    }

    /// Of a node that is alone.
    #[cfg(test)]
    pub(crate) fn alone(here: AttributeLists) -> SharedLists {
        let shown = prometheus::IntGauge::new("nodes", "nodes").unwrap();
        SharedLists::new(here, Arc::new(Nodes::new(Vec::new(), None, None, base::Clock::start(), shown)))
    }

    /// What this node knows by itself: what it has to say to others.
    pub(crate) fn here(&self) -> &AttributeLists {
        &self.here
    }

    /// As [`AttributeLists::id_of`]; the other nodes have heard of the list as well.
    pub(crate) async fn id_of(&self, names: &[&str]) -> Result<i64, Undefined> {
        if let Some(id) = self.here.known_id(names.iter().copied()) {
            return Ok(id);
        }
        let id = self.here.id_of(names).await?;
        self.nodes.tell(names).await;
        Ok(id)
    }

    /// The names behind a number; `None` if no node knows it.
    pub(crate) async fn names_of(&self, id: i64) -> Option<Names> {
        if let Some(names) = self.here.names_of(id) {
            return Some(names);
        }
        // One question at a time: clients that go on with the same list ask it together.
        let _asking = self.nodes.in_time(self.asking.lock()).await?;
        if let Some(names) = self.here.names_of(id) {
            return Some(names);
        }
        if self.unknown.contains_key(&id) {
            return None;
        }
        let learnt = self.learn(id).await;
        if learnt.is_none() {
            self.unknown.insert(id, ());
        }
        learnt
    }

    async fn learn(&self, id: i64) -> Option<Names> {
        let names = self.nodes.names_of(id).await?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        // A node that is wrong about a list must not have items written under the wrong names.
        if !self.here.would_be(&names, id) {
            tracing::error!(id, "a node has other names for a list than those that its number is made of");
            return None;
        }
        // If it cannot be kept here, it is asked for again the next time.
        let _kept = self.here.id_of(&names).await;
        Some(names.into_iter().map(Box::from).collect())
    }
}
