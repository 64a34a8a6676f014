//! What the answers of several operations have in common.

use std::collections::BTreeMap;

use model::{ApiError, AttributeValue, ErrorCode, Item, KeySchema};
use serde::{Deserialize, de::DeserializeOwned};

use dax_wire::{Writer, value};

use super::refused::Unanswerable;

/// The keys of results.
pub(super) const ITEM: i64 = 0;
pub(super) const CAPACITY: i64 = 1;
pub(super) const ATTRIBUTES: i64 = 2;
pub(super) const METRICS: i64 = 3;
pub(super) const ITEMS: i64 = 7;
pub(super) const COUNT: i64 = 8;
pub(super) const LAST_KEY: i64 = 9;
pub(super) const SCANNED_COUNT: i64 = 10;

/// Reads what an origin answered.
///
/// # Errors
/// If it has another form than DynamoDB's.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unanswerable> {
    serde_json::from_slice(body).map_err(|error| {
        // What it says of itself quotes what it found, which may be of an item.
        let (kind, line, column) = (error.classify(), error.line(), error.column());
        tracing::warn!(?kind, line, column, "the origin's answer is not understood");
        let code = ErrorCode::InternalServerError;
        ApiError::upstream(code, "The origin's answer is not understood.").into()
    })
}

/// `ConsumedCapacity`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Capacity {
    pub(super) table_name: String,
    #[serde(flatten)]
    units: Units,
    table: Option<Units>,
    global_secondary_indexes: Option<BTreeMap<String, Units>>,
    local_secondary_indexes: Option<BTreeMap<String, Units>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Units {
    capacity_units: Option<f64>,
    read_capacity_units: Option<f64>,
    write_capacity_units: Option<f64>,
}

impl Capacity {
    /// As all operations but transactions have it: five values in a string.
    pub(super) fn write(&self, out: &mut Writer) {
        let mut within = Writer::new();
        within.text(&self.table_name);
        within.float(self.units.capacity_units.unwrap_or_default());
        match &self.table {
            Some(table) => within.float(table.capacity_units.unwrap_or_default()),
            None => within.null(),
        }
        for indexes in [&self.global_secondary_indexes, &self.local_secondary_indexes] {
            match indexes {
                Some(indexes) => {
                    within.map(indexes.len());
                    for (name, units) in indexes {
                        within.text(name);
                        within.float(units.capacity_units.unwrap_or_default());
                    }
                }
                None => within.null(),
            }
        }
        out.bytes(&within.into_bytes());
    }

    /// As transactions have it: a map that says more.
    pub(super) fn write_extended(&self, out: &mut Writer) {
        out.begin_map();
        self.units.write_members(out);
        out.int(4);
        out.text(&self.table_name);
        if let Some(table) = &self.table {
            out.int(5);
            table.write(out);
        }
        for (number, indexes) in [(6, &self.global_secondary_indexes), (7, &self.local_secondary_indexes)] {
            if let Some(indexes) = indexes {
                out.int(number);
                out.map(indexes.len());
                for (name, units) in indexes {
                    out.text(name);
                    units.write(out);
                }
            }
        }
        out.end();
    }
}

impl Units {
    fn write(&self, out: &mut Writer) {
        out.map(self.all().iter().flatten().count());
        self.write_members(out);
    }

    fn write_members(&self, out: &mut Writer) {
        for (number, units) in (1..).zip(self.all()) {
            if let Some(units) = units {
                out.int(number);
                out.float(units);
            }
        }
    }

    /// In the order of their numbers, from 1.
    fn all(&self) -> [Option<f64>; 3] {
        [self.capacity_units, self.read_capacity_units, self.write_capacity_units]
    }
}

pub(super) fn write_capacities(capacities: &[Capacity], out: &mut Writer) {
    out.array(capacities.len());
    capacities.iter().for_each(|capacity| capacity.write(out));
}

/// `ItemCollectionMetrics`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CollectionMetrics {
    item_collection_key: Item,
    #[serde(rename = "SizeEstimateRangeGB")]
    size_estimate_range_gb: [f64; 2],
}

impl CollectionMetrics {
    /// Three values in a string.
    pub(super) fn write(&self, schema: &KeySchema, out: &mut Writer) {
        let mut within = Writer::new();
        let key = self.item_collection_key.get(&schema.partition[0].name);
        value::encode(key.unwrap_or(&AttributeValue::Null), &mut within);
        self.size_estimate_range_gb.iter().for_each(|size| within.float(*size));
        out.bytes(&within.into_bytes());
    }
}
