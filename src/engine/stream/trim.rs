//! Throws away what nobody can read any more: records of more than a day ago, and streams that ended then. Readers
//! do not wait for that; they leave out what is too old.

use std::{ops::Bound, sync::Weak, time::Duration};

use store::{Direction, Transaction};

use super::{
    RETAINED_MILLIS, Stream, decode,
    iterator::ITERATOR_MILLIS,
    list, place, row,
    shard::{LANES, Number},
};
use crate::{Core, EngineError, catalog::CATALOG};

/// Looking at the oldest record of each stream this often is no load.
const TRIMMED_EVERY: Duration = Duration::from_secs(60);
/// Records thrown away in one turn of the writer: more make clients wait longer.
const RECORDS_AT_ONCE: usize = 256;
/// A reader's iterator may point at a record that is too old by now. It is told so by the record's still being
/// there; a little is added for clocks that were corrected.
const KEPT_MILLIS: u64 = RETAINED_MILLIS + ITERATOR_MILLIS + 5 * 60 * 1000;

/// Goes on for as long as there is an engine.
pub(crate) async fn keep_trimming(trimmed: Weak<Core>) {
    while let Some(core) = trimmed.upgrade() {
        if let Err(error) = core.trim_streams().await {
            tracing::warn!(%error, "old stream records were not thrown away; another try follows");
        }
        let (clock, drain) = (core.clock.clone(), core.drain.clone());
        drop(core);
        tokio::select! {
            () = clock.sleep(TRIMMED_EVERY) => {}
            () = drain.begun() => return,
        }
    }
}

impl Core {
    /// Everything that is due.
    pub(crate) async fn trim_streams(&self) -> Result<(), EngineError> {
        let streams = list(&self.store.view(), None, None).collect::<Result<Vec<_>, _>>()?;
        for stream in streams {
            if stream.is_gone(self.now_millis()) {
                self.forget_stream(stream).await?;
                continue;
            }
            let before = Number::at(self.now_millis().saturating_sub(KEPT_MILLIS));
            for lane in 0..LANES {
                while !self.drain.has_begun() && self.trim_some(&stream, lane, before).await? {}
            }
        }
        Ok(())
    }

    /// Whether there was something to throw away.
    async fn trim_some(&self, stream: &Stream, lane: u8, before: Number) -> Result<bool, EngineError> {
        let (from, to) = (place(lane, Number::at(0)), place(lane, before));
        let bounds = (Bound::Included(from.as_slice()), Bound::Excluded(to.as_slice()));
        let old = self.store.view().range(stream.space(), bounds, Direction::Forward).take(RECORDS_AT_ONCE);
        let old = old.map(|row| row.map(|(key, _value)| key)).collect::<Result<Vec<_>, _>>()?;
        if old.is_empty() {
            return Ok(false);
        }
        let space = stream.space();
        self.commit(move |tx: &mut Transaction<'_>| {
            if tx.has(space) {
                old.iter().for_each(|key| tx.delete(space, key));
            }
            Ok::<_, EngineError>(())
        })
        .await?;
        Ok(true)
    }

    async fn forget_stream(&self, stream: Stream) -> Result<(), EngineError> {
        let row = row(&stream.table, &stream.label);
        self.commit(move |tx: &mut Transaction<'_>| {
            let Some(found) = tx.get(CATALOG, &row)? else { return Ok(()) };
            let space = decode(&found)?.space();
            tx.delete(CATALOG, &row);
            tx.drop_space(space);
            Ok::<_, EngineError>(())
        })
        .await
    }
}
