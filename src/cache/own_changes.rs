//! Changes that the origin makes by itself, such as of items whose time to live is over: guarded as writes that pass
//! through, so that nobody is answered from before them.

use std::sync::Arc;

use backend::{Busy, Ending, OwnChange, Watched, Watcher};

use crate::{
    Core,
    coherence::{Guard, Verdict},
    scope::Scope,
};

/// What the origin tells of its changes.
pub(crate) struct OwnChanges(pub(crate) Arc<Core>);

impl Watcher for OwnChanges {
    fn begins(&self, changes: &[OwnChange]) -> Result<Box<dyn Watched>, Busy> {
        let core = &self.0;
        let mut scope = Scope::default();
        changes.iter().for_each(|change| core.cover_changed(&mut scope, &change.table, &change.key));
        let guard = core.open(&scope).map_err(|_| {
            core.metrics.refused_writes.inc();
            Busy
        })?;
        Ok(Box::new(Guarded { core: Arc::clone(core), guard, scope }))
    }
}

/// A change of the origin's under way. Dropped untold, its items are in doubt for a while.
struct Guarded {
    core: Arc<Core>,
    guard: Guard,
    scope: Scope,
}

impl Watched for Guarded {
    fn end(self: Box<Self>, ending: Ending) {
        let Guarded { core, mut guard, scope } = *self;
        let outdated = core.outdated(&scope);
        guard.late(outdated.iter().copied());
        match ending {
            Ending::Known => guard.close(Verdict::Definite, scope.indexes.into_iter().chain(outdated)),
            Ending::Unknown => guard.close(Verdict::Unknown, []),
        };
    }
}
