//! How the origin describes its tables, and changes their indexes.

use model::ErrorCode;
use serde_json::{Value, json};

use super::{
    Origin, attributes,
    effects::Effect,
    streams::{Told, stream_arn},
    table_of,
};
use crate::{
    indexes::{Design, INDEXES, IndexNumber, Kind, attribute_definitions, index_named, indexes_of},
    keys::{TABLES, arn_of, pick},
    truth::{Described, Truth, Writer},
};

impl Origin {
    pub(super) fn describe(&self, request: &Value) -> Result<Value, ErrorCode> {
        let table = table_of(request);
        let truth = self.truth();
        let times_made = truth.tables[table].ok_or(ErrorCode::ResourceNotFoundException)?;
        let is_updating =
            indexes_of(table).any(|index| truth.newest_index(index).active_at > self.clock.now());
        let keys = Design::of_table(table);
        let designs = indexes_of(table).filter_map(|index| truth.newest_index(index).design);
        let types = keys.key_attributes().chain(designs.flat_map(|design| design.key_attributes()));
        let mut described = json!({
            "TableName": TABLES[table].name,
            "TableStatus": if is_updating { "UPDATING" } else { "ACTIVE" },
            "KeySchema": keys.definition("")["KeySchema"],
            "LatestStreamArn": stream_arn(table, truth.streams[table].newest()),
            "AttributeDefinitions": attribute_definitions(types),
        });
        for (member, kind) in
            [("LocalSecondaryIndexes", Kind::Local), ("GlobalSecondaryIndexes", Kind::Global)]
        {
            let indexes = self.described_indexes(&truth, table, kind);
            if !indexes.is_empty() {
                described[member] = Value::Array(indexes);
            }
        }
        if self.weather.identities {
            described["TableArn"] = json!(arn_of(table));
            described["TableId"] = json!(format!("id-{table}-{times_made}"));
        }
        Ok(json!({ "Table": described }))
    }

    /// What a description tells the node of indexes.
    pub(super) fn told_of_indexes(&self, request: &Value) -> Told {
        let truth = self.truth();
        let now = self.clock.now();
        let told = |index: usize| {
            let state = truth.newest_index(index);
            let is_active = state.active_at <= now;
            let place = truth.indexes[index].len() - 1;
            (index, Described { design: state.design, is_active: is_active || state.design.is_none(), place })
        };
        Told::Indexes(indexes_of(table_of(request)).map(told).collect())
    }

    /// Somebody drops an index without the node, and makes it again in some design a while later.
    pub(crate) fn replace_index_beside(&self, index: IndexNumber) {
        let origin = self.clone();
        self.truth().make_index(index, None, (self.clock.now(), self.clock.now()), Writer::Beside);
        self.drain.spawn(async move {
            origin.clock.sleep(origin.weather.index_making.mul_f64(origin.chance.fraction())).await;
            let (now, mut truth) = (origin.clock.now(), origin.truth());
            let exists = truth.tables[INDEXES[index].table].is_some();
            if exists && truth.newest_index(index).design.is_none() {
                let design = pick(&origin.chance, INDEXES[index].designs);
                let takes = origin.weather.index_making.mul_f64(origin.chance.fraction());
                truth.make_index(index, Some(design), (now, now + takes), Writer::Beside);
            }
        });
    }

    fn described_indexes(&self, truth: &Truth, table: usize, kind: Kind) -> Vec<Value> {
        let now = self.clock.now();
        let describe = |index| {
            let state = truth.newest_index(index);
            let mut described = state.design?.definition(INDEXES[index].name);
            if kind == Kind::Global {
                let status = if state.active_at <= now { "ACTIVE" } else { "CREATING" };
                described["IndexStatus"] = json!(status);
            }
            if self.weather.identities {
                described["IndexArn"] = json!(format!("{}/index/{}", arn_of(table), INDEXES[index].name));
            }
            Some(described)
        };
        indexes_of(table).filter(|index| INDEXES[*index].kind == kind).filter_map(describe).collect()
    }

    /// What an `UpdateTable` does: it drops indexes, or makes some, which are filled a while later.
    pub(super) fn index_effects(&self, request: &Value) -> Vec<Effect> {
        let table = table_of(request);
        let updates = request["GlobalSecondaryIndexUpdates"].as_array().expect("clients update indexes");
        let effect = |update: &Value| {
            let (word, update) = attributes(update).iter().next().expect("an update is of some kind");
            let name = update["IndexName"].as_str().expect("an index has a name");
            let index = index_named(table, name);
            match word.as_str() {
                "Delete" => Effect::DropIndex(index),
                _ => {
                    let share = if self.chance.happens(0.5) { 0.0 } else { self.chance.fraction() };
                    let takes = self.weather.index_making.mul_f64(share);
                    Effect::MakeIndex(index, Design::defined(index, update), takes)
                }
            }
        };
        updates.iter().map(effect).collect()
    }
}
