//! Queries and scans, mostly the same few, in many spellings; and what becomes of indexes.

use backend::Reply;
use serde_json::{Value, json};

use super::{Client, is_hit, is_not_found, json_of, object};
use crate::{
    checker::{Answered, Page, Promise, Strength},
    indexes::{Design, INDEXES, IndexNumber, Kind, attribute_definitions, indexes_of},
    keys::{KEYS, TABLES, canonical, key_names, keys_of, pick},
    query::{Direction, KeyTest, Query, Select, Test},
};

/// Values of `v` that are asked for are this far apart, so that many ask for the same.
const VERSIONS_APART: u64 = 500;

/// Nobody follows pages any further.
const PAGES_MAX: u64 = 4;

impl Client {
    /// Asks a query or a scan, and perhaps for the pages that follow.
    pub(super) async fn query(&self) {
        let mut query = self.popular_query();
        for _ in 0..1 + self.chance().below(PAGES_MAX) {
            query.start = match self.ask_query(&query).await {
                Some(Answered::Page(Page { last: Some(last), .. })) => Some(last),
                _ => return,
            };
        }
    }

    async fn ask_query(&self, query: &Query) -> Option<Answered> {
        let checker = &self.world.checker;
        let querying = checker.start_query(self.number, query.clone());
        let reply = self.ask(query.operation(), query.ask(self.chance())).await?;
        let body = json_of(&reply);
        let consumed = body["ConsumedCapacity"]["CapacityUnits"].as_f64();
        if is_hit(&reply) && consumed != query.capacity.map(|_| 0.0) {
            checker.report(Promise::HitsAreFree, || format!("{query}: {body}"));
        }
        let answered = answered(&reply, &body)?;
        checker.end_query(querying, answered.clone(), reply.outcome);
        Some(answered)
    }

    /// Mostly what others ask for too; now and then something new, which others may ask for from then on.
    fn popular_query(&self) -> Query {
        let query = match self.world.popular_query().filter(|_| self.chance().happens(0.85)) {
            Some(popular) => popular,
            None => {
                let query = self.any_query();
                self.world.make_popular(query.clone());
                query
            }
        };
        Query { is_strong: self.strength() == Strength::Strong, ..query }
    }

    fn any_query(&self) -> Query {
        let chance = self.chance();
        let table = chance.below(TABLES.len() as u64) as usize;
        let index = chance.happens(0.7).then(|| self.any_index(table)).flatten();
        let design = index.map_or(Design::of_table(table), |index| self.design_of(index));
        let mut query = Query {
            table,
            index,
            keys: vec![],
            above: chance.happens(0.15).then(|| self.some_version()),
            select: Select::Whole,
            limit: chance.happens(0.2).then(|| 1 + chance.below(3) as usize),
            start: None,
            direction: Direction::Forward,
            is_strong: self.strength() == Strength::Strong,
            segment: None,
            capacity: chance.happens(0.1).then(|| *pick(chance, &["TOTAL", "INDEXES"])),
        };
        match chance.below(10) {
            0 => query.select = Select::Count,
            1 => query.select = Select::Attributes(self.some_names(table, &design)),
            _ => {}
        }
        if chance.happens(0.15) {
            query.segment = chance.happens(0.3).then(|| (chance.below(2), 2));
            return query;
        }
        query.keys = self.key_tests(table, &design);
        if chance.happens(0.2) {
            query.direction = Direction::Backward;
        }
        query
    }

    fn any_index(&self, table: usize) -> Option<IndexNumber> {
        let indexes: Vec<IndexNumber> = indexes_of(table).collect();
        (!indexes.is_empty()).then(|| *pick(self.chance(), &indexes))
    }

    /// How an index is made, or for some clients how it was or might be.
    fn design_of(&self, index: IndexNumber) -> Design {
        let made = self.world.origin.design_of(index).filter(|_| self.chance().happens(0.9));
        *made.unwrap_or_else(|| pick(self.chance(), INDEXES[index].designs))
    }

    /// The keys, by which rows can be told apart, and perhaps `v`.
    fn some_names(&self, table: usize, design: &Design) -> Vec<&'static str> {
        let mut names = key_names(table);
        if design.projects(table, "v") && self.chance().happens(0.5) {
            names.push("v");
        }
        names
    }

    fn key_tests(&self, table: usize, design: &Design) -> Vec<KeyTest> {
        let chance = self.chance();
        let (name, _) = design.partition;
        let mut tests = vec![KeyTest { name, test: Test::Is(self.some_value(table, name)) }];
        if let Some((name, _)) = design.sort.filter(|_| chance.happens(0.3)) {
            let some = || self.some_value(table, name);
            let test = match chance.below(3) {
                0 => Test::Is(some()),
                1 => Test::Below(some()),
                _ => Test::between(some(), some()),
            };
            tests.push(KeyTest { name, test });
        }
        tests.sort_by_key(|test| test.name);
        tests
    }

    /// A value that an attribute may well have.
    fn some_value(&self, table: usize, name: &str) -> Value {
        let chance = self.chance();
        let keys: Vec<_> = keys_of(table).map(|key| KEYS[key]).collect();
        let (_, partition, sort) = *pick(chance, &keys);
        match name {
            "p" if TABLES[table].partition.1 == "N" => json!({ "N": canonical(partition[0]) }),
            "p" => json!({ "S": partition[0] }),
            "s" => json!({ "N": canonical(sort[0]) }),
            "w" => json!({ "S": pick(chance, &LABELS) }),
            "g" => json!({ "S": pick(chance, &GROUPS) }),
            _ => self.some_version(),
        }
    }

    /// A version between the oldest and the newest; one that many ask for.
    fn some_version(&self) -> Value {
        let newest = self.world.newest_number() / VERSIONS_APART;
        let version = match self.chance().below(3) {
            0 => 0,
            1 => newest / 2,
            _ => newest,
        };
        json!({ "N": (version * VERSIONS_APART).to_string() })
    }

    pub(super) fn any_global_index(&self) -> IndexNumber {
        let indexes: Vec<IndexNumber> =
            (0..INDEXES.len()).filter(|index| INDEXES[*index].kind == Kind::Global).collect();
        *pick(self.chance(), &indexes)
    }

    /// Drops a global index, and makes it again in some design.
    pub(super) async fn replace_index(&self) {
        let index = self.any_global_index();
        self.update_index(index, json!({ "Delete": { "IndexName": INDEXES[index].name } }), None).await;
        let design = pick(self.chance(), INDEXES[index].designs);
        // An index that nobody makes again would end the run for its queries.
        loop {
            self.think().await;
            let create = json!({ "Create": design.definition(INDEXES[index].name) });
            let reply = self.update_index(index, create, Some(design)).await;
            // Somebody else has made it, or the table is gone and will have it when it is made.
            let is_no_more_to_do = |reply: &Reply| {
                let code = json_of(reply)["__type"].as_str().map(str::to_owned).unwrap_or_default();
                reply.success().is_some() || is_invalid(&code) || is_not_found(&code)
            };
            if reply.as_ref().is_some_and(is_no_more_to_do) {
                break;
            }
        }
    }

    async fn update_index(
        &self,
        index: IndexNumber,
        update: Value,
        design: Option<&Design>,
    ) -> Option<Reply> {
        let table = INDEXES[index].table;
        let mut request =
            json!({ "TableName": self.name_of(table), "GlobalSecondaryIndexUpdates": [update] });
        if let Some(design) = design {
            let attributes = design.key_attributes().chain(Design::of_table(table).key_attributes());
            request["AttributeDefinitions"] = attribute_definitions(attributes);
        }
        self.ask("UpdateTable", request).await
    }
}

/// The values of `w`, which some items lack.
pub(super) const LABELS: [&str; 3] = ["wide", "wider", "w\u{e4}ide"];

/// The values of `g`.
pub(super) const GROUPS: [&str; 2] = ["red", "blue"];

/// What an answer says, if it says anything of rows.
fn answered(reply: &Reply, body: &Value) -> Option<Answered> {
    if reply.success().is_none() {
        let code = body["__type"].as_str()?;
        return match () {
            () if is_not_found(code) => Some(Answered::NoTable),
            () if is_invalid(code) => Some(Answered::Refused),
            () => None,
        };
    }
    let items = body["Items"].as_array().map(|items| items.iter().map(|item| object(item).clone()).collect());
    let number = |member: &str| body[member].as_u64().map(|number| number as usize);
    Some(Answered::Page(Page {
        items,
        count: number("Count").expect("pages are counted"),
        scanned: number("ScannedCount").expect("pages are counted"),
        last: body["LastEvaluatedKey"].as_object().cloned(),
    }))
}

fn is_invalid(code: &str) -> bool {
    code.ends_with("#ValidationException")
}
