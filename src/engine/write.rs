//! One item's write, inside of a transaction of the store: the same for PutItem, UpdateItem, DeleteItem, each
//! request of a batch and each action of a transaction.

use std::sync::Arc;

use expr::{Condition, Update};
use model::{Item, PrimaryKey, limits::ITEM_BYTES_MAX};
use store::Transaction;

use crate::{
    EngineError,
    capacity::{Consumed, write_units},
    catalog, index, keys,
    record::Record,
    statistics,
    stream::{self, Author},
    table::{IndexKind, Table},
    ttl,
};

/// A write that was checked as far as that can be done without the item.
#[derive(Clone)]
pub(crate) struct Write {
    pub(crate) table: Arc<Table>,
    pub(crate) key: PrimaryKey,
    pub(crate) condition: Option<Condition>,
    /// Whether a failed condition shows the item that it failed on.
    pub(crate) shows_item: bool,
    pub(crate) action: Action,
}

#[derive(Clone)]
pub(crate) enum Action {
    Put(Item),
    /// Puts what is not there yet.
    Insert(Item),
    Delete,
    /// As `Delete`, since the item's time to live is over.
    Expire,
    Update {
        update: Update,
        /// The key as an item, which is what an update begins with where there is none.
        key: Item,
    },
    /// Holds the condition against the item, and changes nothing.
    Check,
}

/// What a write found and left.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) old: Option<Item>,
    pub(crate) new: Option<Item>,
    pub(crate) consumed: Consumed,
    /// How large the items of this partition are together, those in local indexes included; only where there
    /// are such indexes.
    pub(crate) collection_bytes: Option<u64>,
}

impl Write {
    /// # Errors
    /// Then nothing is changed, and the whole transaction of the store has to fail.
    pub(crate) fn apply(&self, tx: &mut Transaction<'_>) -> Result<Written, EngineError> {
        catalog::check_current(tx, &self.table)?;
        let place = keys::item_key(&self.key);
        let record = tx.get(self.table.space, &place)?.map(Record::decode).transpose()?;
        let old_bytes = record.as_ref().map_or(0, Record::size);
        let old = record.as_ref().map(Record::item).transpose()?;
        if let Some(condition) = &self.condition
            && !condition.holds(old.as_ref().unwrap_or(&Item::new()))
        {
            let item = if self.shows_item { old } else { None };
            return Err(EngineError::ConditionFailed { item });
        }
        let new = match &self.action {
            Action::Insert(_) if old.is_some() => {
                let item = if self.shows_item { old } else { None };
                return Err(EngineError::DuplicateItem { item });
            }
            Action::Put(item) | Action::Insert(item) => Some(item.clone()),
            Action::Delete | Action::Expire => None,
            Action::Update { update, key } => self.updated(update, old.as_ref(), key)?,
            Action::Check => {
                let consumed = Consumed::of_table(write_units(old_bytes));
                return Ok(Written { new: old.clone(), old, consumed, collection_bytes: None });
            }
        };
        let new_bytes = new.as_ref().map_or(0, Item::size);
        let mut consumed = Consumed::of_table(write_units(old_bytes.max(new_bytes)));
        if old == new {
            let collection_bytes = self.grow_collection(tx, 0)?;
            return Ok(Written { old, new, consumed, collection_bytes });
        }
        match &new {
            Some(item) => tx.put(self.table.space, &place, Record::encode(item)),
            None => tx.delete(self.table.space, &place),
        }
        let items = i64::from(new.is_some()) - i64::from(old.is_some());
        let bytes = new_bytes as i64 - old_bytes as i64;
        statistics::add(tx, self.table.space, items, bytes)?;
        let mut collection = bytes;
        for written in index::maintain(tx, &self.table, old.as_ref(), new.as_ref())? {
            if written.index.kind == IndexKind::Local {
                collection += written.bytes;
            }
            consumed.add_index(written.index, written.units);
            statistics::add(tx, written.index.space, written.entries, written.bytes)?;
        }
        let author = if matches!(self.action, Action::Expire) { Author::TimeToLive } else { Author::Client };
        stream::record(tx, &self.table, &place, (old.as_ref(), new.as_ref()), author)?;
        ttl::maintain(tx, &self.table, &place, (old.as_ref(), new.as_ref()));
        let collection_bytes = self.grow_collection(tx, collection)?;
        Ok(Written { old, new, consumed, collection_bytes })
    }

    fn grow_collection(&self, tx: &mut Transaction<'_>, bytes: i64) -> Result<Option<u64>, EngineError> {
        let Some(collections) = self.table.collections else { return Ok(None) };
        statistics::grow_collection(tx, collections, self.key.partition_bytes(), bytes).map(Some)
    }

    fn updated(&self, update: &Update, old: Option<&Item>, key: &Item) -> Result<Option<Item>, EngineError> {
        let Some(new) = update.apply(old, key)? else { return Ok(None) };
        check_updated_size(new.size())?;
        index::check_keys(&self.table, &new, index::Given::Update)?;
        Ok(Some(new))
    }
}

/// # Errors
/// If an update measures more than an item may.
pub(crate) fn check_updated_size(bytes: usize) -> Result<(), EngineError> {
    match bytes {
        ..=ITEM_BYTES_MAX => Ok(()),
        _ => Err(EngineError::validation("Item size to update has exceeded the maximum allowed size")),
    }
}
