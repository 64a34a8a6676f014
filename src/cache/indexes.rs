//! Which partitions of global indexes a write touches: as far as its request tells, and its answer.

use std::collections::BTreeSet;

use expr::asked;
use model::{
    Item, TableRef,
    call::{Request, ReturnValues, UpdateItem},
};
use serde::Deserialize;

use crate::{
    answer::{replaced_image, updated_image},
    coherence::{Slot, Stamps},
    schema::{Index, Table},
};

/// Which attributes of an item a write changes, besides making or deleting it.
#[derive(Debug)]
pub(crate) enum Changes {
    /// Any.
    Anything,
    /// These.
    Only(BTreeSet<String>),
}

/// What a write touches of an index.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Touches {
    /// Nothing: the index has the same before and after.
    Nothing,
    /// This partition.
    Partition(Slot),
    /// Some partition or two, which depends on what the item was or becomes.
    AnyPartition,
}

impl Changes {
    /// What an update changes.
    pub(crate) fn of(update: &UpdateItem) -> Changes {
        match asked::update(update) {
            Ok((update, _condition)) => Changes::Only(update.attributes().map(str::to_owned).collect()),
            Err(_) => Changes::Anything,
        }
    }

    fn include(&self, attribute: &str) -> bool {
        match self {
            Changes::Anything => true,
            Changes::Only(attributes) => attributes.contains(attribute),
        }
    }

    /// What is touched of an index by a write of the item of this primary key, of which all that matters of
    /// `key` is that it has the key's attributes.
    pub(crate) fn touches(&self, table: &Table, index: &Index, key: &Item, stamps: &Stamps) -> Touches {
        let Some(schema) = &index.definition.key_schema else { return Touches::AnyPartition };
        let is_of_table = |name: &str| table.key_schema().attributes().any(|own| own.name == name);
        // An item keeps its primary key, and with it the partitions of indexes that are made of it.
        if schema.partition.iter().all(|attribute| is_of_table(&attribute.name)) {
            return match index.partition_slot(table, key, stamps) {
                Some(slot) => Touches::Partition(slot),
                None => Touches::AnyPartition,
            };
        }
        let shows_change = schema.attributes().any(|attribute| self.include(&attribute.name))
            || match (&index.definition.projects, self) {
                (None, _) | (_, Changes::Anything) => true,
                (Some(projected), _) => projected.iter().any(|name| self.include(name)),
            };
        // An item that the write makes has no other attributes than those of its key and those that it
        // changes, so it is not in the index either.
        if shows_change { Touches::AnyPartition } else { Touches::Nothing }
    }
}

impl Index {
    /// The partition that an item lies in by its attributes, whether or not it is in the index.
    pub(crate) fn partition_slot(&self, table: &Table, item: &Item, stamps: &Stamps) -> Option<Slot> {
        let schema = self.definition.key_schema.as_ref()?;
        let mut partition = Vec::new();
        for attribute in &schema.partition {
            let value = item.get(&attribute.name)?;
            if value.type_name() != attribute.key_type.as_str() {
                return None;
            }
            model::encode_component(value, &mut partition);
        }
        Some(stamps.partition_slot(table.bare_name(), Some(&self.definition.name), &partition))
    }
}

/// The item before and after a write, as far as its request and answer tell. It is absent or not known.
#[derive(Debug, Default)]
struct Images {
    old: Option<Option<Item>>,
    new: Option<Option<Item>>,
    /// Whether both have the same attributes but for some.
    changes: Option<Changes>,
}

impl Images {
    fn of(request: &Request, body: &[u8]) -> Images {
        let returns = |asked: Option<ReturnValues>, values| asked == Some(values);
        match request {
            Request::PutItem(put) => Images {
                old: returns(put.return_values, ReturnValues::AllOld).then(|| replaced_image(body)).flatten(),
                new: Some(Some(put.item.attributes.clone())),
                changes: None,
            },
            Request::DeleteItem(delete) => Images {
                old: returns(delete.return_values, ReturnValues::AllOld)
                    .then(|| replaced_image(body))
                    .flatten(),
                new: Some(None),
                changes: None,
            },
            Request::UpdateItem(update) => {
                let new = updated_image(body).filter(|_| update.returns_all_new());
                let new = new.and_then(|item| model::json::item_from_slice(item.get().as_bytes()).ok());
                let old = returns(update.return_values, ReturnValues::AllOld).then(|| replaced_image(body));
                Images { old: old.flatten(), new: new.map(Some), changes: Some(Changes::of(update)) }
            }
            _ => Images::default(),
        }
    }

    /// The partitions of an index that were touched; `None` if they cannot be told.
    fn touched(&self, table: &Table, index: &Index, stamps: &Stamps) -> Option<Vec<Slot>> {
        let schema = index.definition.key_schema.as_ref()?;
        let keeps_partition = self.changes.as_ref().is_some_and(|changes| {
            !schema.partition.iter().any(|attribute| changes.include(&attribute.name))
        });
        let known: Vec<&Option<Item>> = match (&self.old, &self.new) {
            (Some(old), Some(new)) => vec![old, new],
            // What the write left alone was the same before and after.
            (Some(one), None) | (None, Some(one)) if keeps_partition => vec![one],
            _ => return None,
        };
        let slots = known.into_iter().flatten().filter_map(|item| index.partition_slot(table, item, stamps));
        Some(slots.collect())
    }
}

/// The slots to move for indexes of which a request alone did not tell what it touches, once it was applied:
/// partitions, as far as the answer shows the item before and after, else whole indexes.
pub(crate) fn touched(
    table: &Table,
    request: &Request,
    body: &[u8],
    asked: &[Slot],
    stamps: &Stamps,
) -> Vec<Slot> {
    let images = Images::of(request, body);
    let slots = table
        .global_indexes()
        .filter(|index| asked.contains(&index.slot))
        .flat_map(|index| images.touched(table, index, stamps).unwrap_or_else(|| vec![index.slot]));
    slots.collect()
}

/// The indexes that an `UpdateTable` makes, drops or changes.
#[derive(Debug)]
pub(crate) struct UpdatedIndexes {
    /// The table's name without account and region.
    pub(crate) bare_name: String,
    pub(crate) indexes: Vec<String>,
}

impl UpdatedIndexes {
    /// `None` if they cannot be told.
    pub(crate) fn read(body: &[u8]) -> Option<UpdatedIndexes> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Body {
            table_name: String,
            global_secondary_index_updates: Option<Vec<Update>>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase", deny_unknown_fields)]
        struct Update {
            create: Option<Named>,
            update: Option<Named>,
            delete: Option<Named>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Named {
            index_name: String,
        }
        let Body { table_name, global_secondary_index_updates } = serde_json::from_slice(body).ok()?;
        let updates = global_secondary_index_updates.into_iter().flatten();
        let named = updates.flat_map(|update| [update.create, update.update, update.delete]).flatten();
        Some(UpdatedIndexes {
            bare_name: TableRef::parse(&table_name)?.bare_name().to_owned(),
            indexes: named.map(|named| named.index_name).collect(),
        })
    }
}
