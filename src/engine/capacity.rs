//! What calls consume, table by table and index by index. (What a read or a write costs is `model::capacity`.)

use std::collections::BTreeMap;

use model::call::ReturnConsumedCapacity;
pub(crate) use model::capacity::{Reading, write_units};
use serde::Serialize;

use crate::table::{Index, IndexKind};

/// What a call consumed of one table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Consumed {
    pub(crate) table: f64,
    pub(crate) local: BTreeMap<String, f64>,
    pub(crate) global: BTreeMap<String, f64>,
}

/// What is billed as which, in the answers of transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    TransactRead,
    TransactWrite,
}

impl Consumed {
    pub(crate) fn of_table(units: f64) -> Consumed {
        Consumed { table: units, ..Consumed::default() }
    }

    pub(crate) fn add(&mut self, other: &Consumed) {
        self.table += other.table;
        for (sum, more) in [(&mut self.local, &other.local), (&mut self.global, &other.global)] {
            for (index, units) in more {
                *sum.entry(index.clone()).or_default() += units;
            }
        }
    }

    pub(crate) fn add_index(&mut self, index: &Index, units: f64) {
        let indexes = match index.kind {
            IndexKind::Local => &mut self.local,
            IndexKind::Global => &mut self.global,
        };
        *indexes.entry(index.name.clone()).or_default() += units;
    }

    /// What the same consumes as part of a transaction.
    ///
    /// DynamoDB: indexes cost no more than otherwise (dynoxide, captured in August 2026).
    pub(crate) fn in_transaction(mut self) -> Consumed {
        self.table *= 2.0;
        self
    }

    /// As an answer says it; `None` if nobody asked.
    pub(crate) fn told(
        &self,
        table_name: &str,
        wanted: Option<ReturnConsumedCapacity>,
        kind: Kind,
    ) -> Option<ConsumedCapacity> {
        let detail = match wanted {
            None | Some(ReturnConsumedCapacity::None) => return None,
            Some(ReturnConsumedCapacity::Total) => false,
            Some(ReturnConsumedCapacity::Indexes) => true,
        };
        let total = self.table + self.local.values().sum::<f64>() + self.global.values().sum::<f64>();
        let units = |units: f64| Units {
            capacity_units: units,
            read_capacity_units: (kind == Kind::TransactRead).then_some(units),
            write_capacity_units: (kind == Kind::TransactWrite).then_some(units),
        };
        let indexes = |consumed: &BTreeMap<String, f64>| {
            let of = |(name, consumed): (&String, &f64)| (name.clone(), units(*consumed));
            (detail && !consumed.is_empty()).then(|| consumed.iter().map(of).collect())
        };
        Some(ConsumedCapacity {
            table_name: table_name.to_owned(),
            sum: units(total),
            table: detail.then(|| units(self.table)),
            local_secondary_indexes: indexes(&self.local),
            global_secondary_indexes: indexes(&self.global),
        })
    }
}

/// `ConsumedCapacity` in an answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ConsumedCapacity {
    table_name: String,
    #[serde(flatten)]
    sum: Units,
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<Units>,
    #[serde(skip_serializing_if = "Option::is_none")]
    local_secondary_indexes: Option<BTreeMap<String, Units>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    global_secondary_indexes: Option<BTreeMap<String, Units>>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Units {
    capacity_units: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_capacity_units: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    write_capacity_units: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_as_much_as_was_asked_for() {
        let consumed = Consumed { table: 1.0, global: [("g".to_owned(), 2.0)].into(), ..Consumed::default() };
        let told = |wanted, kind| serde_json::to_string(&consumed.told("T", Some(wanted), kind)).unwrap();
        assert_eq!(told(ReturnConsumedCapacity::None, Kind::Plain), "null");
        assert_eq!(
            told(ReturnConsumedCapacity::Total, Kind::Plain),
            r#"{"TableName":"T","CapacityUnits":3.0}"#
        );
        assert_eq!(
            told(ReturnConsumedCapacity::Indexes, Kind::Plain),
            r#"{"TableName":"T","CapacityUnits":3.0,"Table":{"CapacityUnits":1.0},"GlobalSecondaryIndexes":{"g":{"CapacityUnits":2.0}}}"#
        );
        assert_eq!(
            told(ReturnConsumedCapacity::Total, Kind::TransactWrite),
            r#"{"TableName":"T","CapacityUnits":3.0,"WriteCapacityUnits":3.0}"#
        );
    }
}
