//! Query and Scan against a plain map: random tables, indexes, histories, conditions, filters and page sizes.

use std::collections::BTreeMap;

use base::Chance;
use serde_json::{Map, Value, json};

use crate::{
    rig::{Rig, Seeded, definition},
    scalar::Scalar,
};

const WORLDS: u64 = 24;
const WRITES: usize = 80;
const QUESTIONS: usize = 40;

/// A table or an index, as its definition says.
#[derive(Debug, Clone)]
struct Source {
    index: Option<String>,
    is_global: bool,
    /// One attribute, and maybe another; of a global index up to four of each.
    partition: Vec<&'static str>,
    sort: Vec<&'static str>,
    /// What of an item it shows; all of it if there is nothing here.
    shown: Option<Vec<&'static str>>,
}

/// A table with everything that was ever put into it and is still there.
struct World {
    chance: Chance,
    rig: Rig,
    /// By attribute: the type of those that are keys.
    types: BTreeMap<&'static str, &'static str>,
    table: Source,
    indexes: Vec<Source>,
    items: BTreeMap<Vec<Scalar>, Map<String, Value>>,
}

/// Attributes that some index may have as its key, or that a filter may ask for.
const OTHERS: [&str; 5] = ["a", "b", "c", "d", "e"];

impl World {
    async fn create(seed: u64) -> World {
        let (chance, rig) = (Chance::seeded(seed), Rig::in_memory());
        let types: BTreeMap<_, _> = ["p", "s", "a", "b", "d", "e"]
            .into_iter()
            .map(|name| (name, ["S", "N", "B"][chance.below(3) as usize]))
            .collect();
        let sort = if chance.happens(0.8) { vec!["s"] } else { vec![] };
        let table = Source { index: None, is_global: false, partition: vec!["p"], sort, shown: None };
        let mut indexes = Vec::new();
        let keys: Vec<&'static str> = table.key().collect();
        let mut add = |name: &str, is_global: bool, partition: &[&'static str], sort: &[&'static str]| {
            let own = partition.iter().chain(sort);
            let shown = match chance.below(3) {
                0 => None,
                1 => Some(keys.iter().chain(own).copied().collect()),
                _ => Some(keys.iter().chain(own).chain(&["c"]).copied().collect()),
            };
            let (partition, sort) = (partition.to_vec(), sort.to_vec());
            indexes.push(Source { index: Some(name.to_owned()), is_global, partition, sort, shown });
        };
        if keys.len() == 2 {
            add("local", false, &["p"], &["a"]);
        }
        add("global", true, &["a"], if chance.happens(0.6) { &["b"] } else { &[] });
        add("inverted", true, &["b"], &["p"]);
        // Some attributes in some order, of which the first ones are the partition key.
        let mut several = ["p", "s", "a", "b", "d", "e"];
        several.sort_by_cached_key(|_| chance.below(1000));
        let partition = 1 + chance.below(2) as usize;
        let sort = 1 + chance.below(4) as usize;
        add("several", true, &several[..partition], &several[partition..partition + sort]);
        let world = World { chance, rig, types, table, indexes, items: BTreeMap::new() };
        world.rig.done("CreateTable", world.definition()).await;
        world
    }

    fn definition(&self) -> Value {
        let of = |global: bool| {
            let those = self.indexes.iter().filter(|index| index.is_global == global);
            let described = those.map(|index| {
                let projection = match &index.shown {
                    None => json!({ "ProjectionType": "ALL" }),
                    Some(shown) if shown.contains(&"c") => {
                        json!({ "ProjectionType": "INCLUDE", "NonKeyAttributes": ["c"] })
                    }
                    Some(_) => json!({ "ProjectionType": "KEYS_ONLY" }),
                };
                json!({ "IndexName": index.index, "KeySchema": index.key_schema(), "Projection": projection })
            });
            described.collect::<Vec<_>>()
        };
        let sources = || [&self.table].into_iter().chain(&self.indexes);
        let used = self.types.iter().filter(|(name, _)| sources().any(|source| source.has_key(name)));
        let mut body = json!({
            "TableName": "World",
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": self.table.key_schema(),
            "AttributeDefinitions": used.map(|(name, key_type)| definition(name, key_type)).collect::<Vec<_>>(),
            "GlobalSecondaryIndexes": of(true),
        });
        if !of(false).is_empty() {
            body["LocalSecondaryIndexes"] = of(false).into();
        }
        body
    }

    /// Few values of each type, so that keys meet and one often begins another.
    fn scalar(&self, name: &str) -> Scalar {
        let pick = self.chance.below(7) as usize;
        match self.types.get(name).copied().unwrap_or("S") {
            "N" => Scalar::number(["-12.5", "-1", "0", "0.5", "1", "10", "1e20"][pick]),
            "B" => {
                Scalar::B([&[0][..], &[0, 0], &[0, 255], &[1], &[1, 0], &[255], &[255, 255]][pick].to_vec())
            }
            _ => Scalar::S(["\0", "a", "a\0", "a\u{1}", "ab", "b", "é"][pick].to_owned()),
        }
    }

    fn key(&self) -> Map<String, Value> {
        self.table.key().map(|name| (name.to_owned(), self.scalar(name).to_json())).collect()
    }

    /// Puts, changes or deletes an item, there and here.
    async fn write(&mut self) {
        let key = self.key();
        let place = self.table.place(&key).unwrap();
        match self.chance.below(10) {
            0 | 1 => {
                self.rig.done("DeleteItem", json!({ "TableName": "World", "Key": key })).await;
                self.items.remove(&place);
            }
            2..=4 => {
                let set = OTHERS[self.chance.below(OTHERS.len() as u64) as usize];
                let others: Vec<&str> = OTHERS.into_iter().filter(|name| *name != set).collect();
                let removed = others[self.chance.below(others.len() as u64) as usize];
                let value = self.scalar(set).to_json();
                let update = json!({
                    "TableName": "World", "Key": key, "UpdateExpression": format!("SET {set} = :v REMOVE {removed}"),
                    "ExpressionAttributeValues": { ":v": value },
                });
                self.rig.done("UpdateItem", update).await;
                let item = self.items.entry(place).or_insert(key);
                item.insert(set.to_owned(), value);
                item.remove(removed);
            }
            _ => {
                let mut item = key;
                // An index is sparse. (Where the table has no sort key, `s` is an attribute like others.)
                for name in OTHERS.into_iter().chain(["s"]) {
                    if !item.contains_key(name) && self.chance.happens(0.8) {
                        item.insert(name.to_owned(), self.scalar(name).to_json());
                    }
                }
                self.rig.done("PutItem", json!({ "TableName": "World", "Item": item })).await;
                self.items.insert(place, item);
            }
        }
    }

    fn source(&self) -> &Source {
        let pick = self.chance.below(1 + self.indexes.len() as u64) as usize;
        [&self.table].into_iter().chain(&self.indexes).nth(pick).unwrap()
    }

    /// What a source holds.
    fn holds<'a>(&'a self, source: &'a Source) -> impl Iterator<Item = &'a Map<String, Value>> {
        self.items.values().filter(|item| source.place(item).is_some())
    }

    /// A filter on an attribute that is no key of the source, as an expression and as what it means.
    fn filter(&self, source: &Source) -> Option<(Value, Scalar)> {
        let is_asked = !source.has_key("c") && self.chance.happens(0.3);
        is_asked.then(|| {
            let bound = self.scalar("c");
            (bound.to_json(), bound)
        })
    }

    /// Asks one random Query or Scan, page by page, and compares.
    async fn ask(&self) {
        let source = self.source().clone();
        let filter = self.filter(&source);
        let mut body = json!({ "TableName": "World" });
        let mut values = Map::new();
        if let Some(index) = &source.index {
            body["IndexName"] = json!(index);
        }
        if let Some((bound, _)) = &filter {
            body["FilterExpression"] = json!("c > :f");
            values.insert(":f".to_owned(), bound.clone());
        }
        if self.chance.happens(0.5) {
            body["Limit"] = json!(1 + self.chance.below(4));
        }
        if self.chance.happens(0.2) {
            body["Select"] = json!("COUNT");
        }
        let tests = if self.chance.happens(0.7) { self.tests(&source, &mut values) } else { vec![] };
        let operation = if tests.is_empty() { "Scan" } else { "Query" };
        if operation == "Query" {
            let mut texts: Vec<&str> = tests.iter().map(|test| test.text.as_str()).collect();
            texts.sort_by_cached_key(|_| self.chance.below(1000));
            body["KeyConditionExpression"] = json!(texts.join(" AND "));
            body["ScanIndexForward"] = json!(self.chance.happens(0.5));
        }
        if !values.is_empty() {
            body["ExpressionAttributeValues"] = Value::Object(values);
        }
        let in_range = |item: &&Map<String, Value>| {
            tests.iter().all(|test| test.holds(&source.value(item, test.attribute)))
        };
        let range: Vec<_> = self.holds(&source).filter(in_range).collect();
        let matches = |item: &&&Map<String, Value>| match &filter {
            None => true,
            Some((_, bound)) => {
                // An index shows a filter what it has.
                let has_it = source.shown.as_ref().is_none_or(|shown| shown.contains(&"c"));
                has_it && item.get("c").is_some_and(|value| Scalar::from_json(value) > *bound)
            }
        };
        let mut expected: Vec<Value> = range.iter().filter(matches).map(|item| source.show(item)).collect();
        let expected_count = expected.len();
        if operation == "Scan" && self.chance.happens(0.5) {
            let total = 1 + self.chance.below(5);
            let mut found = Found::default();
            for segment in 0..total {
                body["Segment"] = json!(segment);
                body["TotalSegments"] = json!(total);
                self.pages(operation, body.clone(), &mut found).await;
            }
            self.compare(&body, found, &mut expected, expected_count, range.len());
            return;
        }
        let mut found = Found::default();
        self.pages(operation, body.clone(), &mut found).await;
        if operation == "Query" {
            let sort_key = |item: &Value| {
                let value = |name: &&str| source.value(item.as_object().unwrap(), name);
                source.sort.iter().map(value).collect::<Vec<_>>()
            };
            let mut sorts: Vec<Vec<Scalar>> = found.items.iter().map(sort_key).collect();
            if body["ScanIndexForward"] == false {
                sorts.reverse();
            }
            assert!(sorts.is_sorted(), "{body}: {sorts:?}");
        }
        self.compare(&body, found, &mut expected, expected_count, range.len());
    }

    fn compare(&self, body: &Value, found: Found, expected: &mut Vec<Value>, count: usize, scanned: usize) {
        let Found { mut items, count: counted, scanned: looked_at } = found;
        assert_eq!((counted, looked_at), (count, scanned), "{body}");
        if body["Select"] == "COUNT" {
            assert!(items.is_empty(), "{body}");
            return;
        }
        let by_text = |item: &Value| item.to_string();
        items.sort_by_key(by_text);
        expected.sort_by_key(by_text);
        assert_eq!(items, *expected, "{body}");
    }

    /// Follows the pages of a request to their end.
    async fn pages(&self, operation: &str, mut body: Value, found: &mut Found) {
        let limit = body["Limit"].as_u64();
        loop {
            let mut page = self.rig.done(operation, body.clone()).await;
            let scanned = page["ScannedCount"].as_u64().unwrap();
            assert!(limit.is_none_or(|limit| scanned <= limit), "{body}: {page}");
            found.scanned += scanned as usize;
            found.count += page["Count"].as_u64().unwrap() as usize;
            if let Some(items) = page["Items"].as_array_mut() {
                found.items.append(items);
            }
            if page["LastEvaluatedKey"].is_null() {
                return;
            }
            assert_eq!(Some(scanned), limit, "{body}: a page ends early only at its limit");
            body["ExclusiveStartKey"] = page["LastEvaluatedKey"].take();
        }
    }

    /// Tests of all attributes of a partition key, and of some attributes of a sort key: equalities, and one
    /// that may be any behind those.
    fn tests(&self, source: &Source, values: &mut Map<String, Value>) -> Vec<Test> {
        let mut tests = Vec::new();
        let prefix = self.chance.below(1 + source.sort.len() as u64) as usize;
        // Values of an item that is there, or any.
        let held: Vec<_> = self.holds(source).collect();
        let is_held = !held.is_empty() && self.chance.happens(0.6);
        let item = is_held.then(|| held[self.chance.below(held.len() as u64) as usize]);
        for (place, &attribute) in source.partition.iter().chain(&source.sort[..prefix]).enumerate() {
            let bound = format!(":p{place}");
            let value = item.map_or_else(|| self.scalar(attribute), |item| source.value(item, attribute));
            values.insert(bound.clone(), value.to_json());
            let text = format!("{attribute} = {bound}");
            tests.push(Test { attribute, text, kind: Kind::Equal, low: value.clone(), high: value });
        }
        if let Some(last) = source.sort.get(prefix) {
            tests.extend(self.test(last, values));
        }
        tests
    }

    /// A test of an attribute of a sort key.
    fn test(&self, sort: &'static str, values: &mut Map<String, Value>) -> Option<Test> {
        let (one, two) = (self.scalar(sort), self.scalar(sort));
        let (low, high) = if one <= two { (one, two) } else { (two, one) };
        let may_begin = low.type_name() != "N";
        let (text, kind) = match self.chance.below(8) {
            0 => (format!("{sort} = :l"), Kind::Equal),
            1 => (format!("{sort} < :l"), Kind::Less),
            2 => (format!("{sort} <= :l"), Kind::AtMost),
            3 => (format!("{sort} > :l"), Kind::More),
            4 => (format!("{sort} >= :l"), Kind::AtLeast),
            5 => (format!("{sort} BETWEEN :l AND :h"), Kind::Between),
            6 if may_begin => (format!("begins_with({sort}, :l)"), Kind::Begins),
            _ => return None,
        };
        values.insert(":l".to_owned(), low.to_json());
        if matches!(kind, Kind::Between) {
            values.insert(":h".to_owned(), high.to_json());
        }
        Some(Test { attribute: sort, text, kind, low, high })
    }
}

#[derive(Debug, Default)]
struct Found {
    items: Vec<Value>,
    count: usize,
    scanned: usize,
}

struct Test {
    attribute: &'static str,
    text: String,
    kind: Kind,
    low: Scalar,
    high: Scalar,
}

enum Kind {
    Equal,
    Less,
    AtMost,
    More,
    AtLeast,
    Between,
    Begins,
}

impl Test {
    fn holds(&self, value: &Scalar) -> bool {
        match self.kind {
            Kind::Equal => *value == self.low,
            Kind::Less => *value < self.low,
            Kind::AtMost => *value <= self.low,
            Kind::More => *value > self.low,
            Kind::AtLeast => *value >= self.low,
            Kind::Between => *value >= self.low && *value <= self.high,
            Kind::Begins => value.begins_with(&self.low),
        }
    }
}

impl Source {
    fn key_schema(&self) -> Vec<Value> {
        let partition = self.partition.iter().map(|name| (name, "HASH"));
        let keys = partition.chain(self.sort.iter().map(|name| (name, "RANGE")));
        keys.map(|(name, role)| json!({ "AttributeName": name, "KeyType": role })).collect()
    }

    /// The names of its attributes.
    fn key(&self) -> impl Iterator<Item = &'static str> {
        self.partition.iter().chain(&self.sort).copied()
    }

    fn has_key(&self, name: &str) -> bool {
        self.key().any(|key| key == name)
    }

    fn value(&self, item: &Map<String, Value>, name: &str) -> Scalar {
        Scalar::from_json(&item[name])
    }

    /// The key under which an item is in it, if it is.
    fn place(&self, item: &Map<String, Value>) -> Option<Vec<Scalar>> {
        self.key().map(|name| item.get(name).map(Scalar::from_json)).collect()
    }

    /// What it shows of an item.
    fn show(&self, item: &Map<String, Value>) -> Value {
        let is_shown = |name: &str| self.shown.as_ref().is_none_or(|shown| shown.contains(&name));
        let shown = item.iter().filter(|(name, _)| is_shown(name));
        // Numbers come back in the form that the engine gives them.
        shown.map(|(name, value)| (name.clone(), canonical(value))).collect::<Map<_, _>>().into()
    }
}

fn canonical(value: &Value) -> Value {
    match value["N"].as_str() {
        Some(text) => json!({ "N": model::Number::parse(text).unwrap().to_text() }),
        None => value.clone(),
    }
}

#[tokio::test]
async fn queries_and_scans_find_what_a_plain_map_holds() {
    for seed in 0..WORLDS {
        let _seeded = Seeded(seed);
        let mut world = World::create(seed).await;
        for _ in 0..WRITES {
            world.write().await;
        }
        for _ in 0..QUESTIONS {
            world.ask().await;
        }
        let described = world.rig.describe("World").await;
        assert_eq!(described["ItemCount"], world.items.len());
        let size = |(name, value): (&String, &Value)| name.len() + Scalar::from_json(value).size();
        let sizes = world.items.values().map(|item| item.iter().map(size).sum::<usize>());
        assert_eq!(described["TableSizeBytes"], sizes.sum::<usize>());
        for (list, is_global) in [("LocalSecondaryIndexes", false), ("GlobalSecondaryIndexes", true)] {
            for index in described[list].as_array().into_iter().flatten() {
                let source =
                    world.indexes.iter().find(|source| json!(source.index) == index["IndexName"]).unwrap();
                assert_eq!(source.is_global, is_global);
                assert_eq!(index["ItemCount"], world.holds(source).count(), "{index}");
            }
        }
    }
}
