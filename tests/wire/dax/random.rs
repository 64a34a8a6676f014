//! Requests by chance: most make sense, many fail, and all could come from an SDK.

mod expressions;
mod values;

use base::Chance;
use serde_json::{Map, Value, json};

use self::expressions::Placeholders;
use super::tables::{Index, TABLES, Table};

/// No table.
pub(crate) const NOWHERE: &str = "Nowhere";

/// What makes requests.
pub(crate) struct Random {
    chance: Chance,
    last_transaction: Option<Value>,
}

impl Random {
    pub(crate) fn seeded(seed: u64) -> Random {
        Random { chance: Chance::seeded(seed), last_transaction: None }
    }

    fn one<T: Copy>(&self, of: &[T]) -> T {
        of[self.place(of)]
    }

    fn place<T>(&self, of: &[T]) -> usize {
        self.chance.below(of.len() as u64) as usize
    }

    fn happens(&self, percent: u64) -> bool {
        self.chance.below(100) < percent
    }

    /// An operation and its request.
    pub(crate) fn request(&mut self) -> (&'static str, Value) {
        const OPERATIONS: [(&str, u64); 10] = [
            ("PutItem", 20),
            ("UpdateItem", 24),
            ("DeleteItem", 6),
            ("GetItem", 14),
            ("Query", 14),
            ("Scan", 8),
            ("BatchGetItem", 6),
            ("BatchWriteItem", 6),
            ("TransactGetItems", 4),
            ("TransactWriteItems", 10),
        ];
        let mut at = self.chance.below(OPERATIONS.iter().map(|(_, weight)| weight).sum());
        let (operation, _) = OPERATIONS
            .iter()
            .find(|(_, weight)| {
                let is_it = at < *weight;
                at = at.saturating_sub(*weight);
                is_it
            })
            .unwrap();
        let mut request = match *operation {
            "PutItem" => self.put(),
            "UpdateItem" => self.update(),
            "DeleteItem" => self.delete(),
            "GetItem" => self.get(),
            "Query" => self.query(),
            "Scan" => self.scan(),
            "BatchGetItem" => self.batch_get(),
            "BatchWriteItem" => self.batch_write(),
            "TransactGetItems" => self.transact_get(),
            _ => self.transact_write(),
        };
        if self.happens(30) {
            request["ReturnConsumedCapacity"] = json!(self.one(&["TOTAL", "INDEXES", "NONE"]));
        }
        (operation, request)
    }

    fn table(&self) -> &'static Table {
        &TABLES[self.place(&TABLES)]
    }

    /// Mostly one that is there.
    fn table_name(&self, table: &Table) -> Value {
        if self.happens(1) { json!(NOWHERE) } else { json!(table.name) }
    }

    fn put(&self) -> Value {
        let table = self.table();
        let mut request = json!({ "TableName": self.table_name(table), "Item": self.item(table) });
        self.maybe_condition(table, &mut request, &["NONE", "ALL_OLD"]);
        request
    }

    fn delete(&self) -> Value {
        let table = self.table();
        let mut request = json!({ "TableName": self.table_name(table), "Key": self.key(table) });
        self.maybe_condition(table, &mut request, &["NONE", "ALL_OLD"]);
        request
    }

    fn maybe_condition(&self, table: &Table, request: &mut Value, values: &[&str]) {
        let mut with = Placeholders::default();
        if self.happens(40) {
            request["ConditionExpression"] = json!(self.condition(table, &mut with, 3));
        }
        self.write_words(request, values);
        with.write(request);
    }

    fn write_words(&self, request: &mut Value, values: &[&str]) {
        if self.happens(60) {
            request["ReturnValues"] = json!(self.one(values));
        }
        if self.happens(20) {
            request["ReturnItemCollectionMetrics"] = json!("SIZE");
        }
    }

    fn update(&self) -> Value {
        let table = self.table();
        let mut request = json!({ "TableName": self.table_name(table), "Key": self.key(table) });
        let mut with = Placeholders::default();
        if self.happens(97) {
            request["UpdateExpression"] = json!(self.update_expression(table, &mut with));
        }
        if self.happens(25) {
            request["ConditionExpression"] = json!(self.condition(table, &mut with, 2));
        }
        let values = ["NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW", "UPDATED_NEW"];
        self.write_words(&mut request, &values);
        with.write(&mut request);
        request
    }

    fn get(&self) -> Value {
        let table = self.table();
        let mut request = json!({ "TableName": self.table_name(table), "Key": self.key(table) });
        self.maybe_projection(table, &mut request);
        if self.happens(20) {
            request["ConsistentRead"] = json!(self.happens(50));
        }
        request
    }

    fn maybe_projection(&self, table: &Table, request: &mut Value) {
        let mut with = Placeholders::default();
        if self.happens(40) {
            request["ProjectionExpression"] = json!(self.projection(table, &mut with));
        }
        with.write(request);
    }

    fn index(&self, table: &Table) -> Option<&'static Index> {
        let table = TABLES.iter().find(|known| known.name == table.name).unwrap();
        (!table.indexes.is_empty() && self.happens(50)).then(|| &table.indexes[self.place(table.indexes)])
    }

    fn page_words(&self, table: &Table, index: Option<&Index>, request: &mut Value, with: &mut Placeholders) {
        if let Some(index) = index {
            request["IndexName"] = json!(index.name);
        }
        if self.happens(35) {
            request["FilterExpression"] = json!(self.condition(table, with, 2));
        }
        match self.chance.below(8) {
            0 | 1 => request["ProjectionExpression"] = json!(self.projection(table, with)),
            2 => request["Select"] = json!("COUNT"),
            // Of global indexes DAX's door takes it for the default, as Go's clients say it without being asked.
            3 if index.is_none_or(|index| !index.is_global) => request["Select"] = json!("ALL_ATTRIBUTES"),
            4 if index.is_some() => request["Select"] = json!("ALL_PROJECTED_ATTRIBUTES"),
            5 => {
                request["ProjectionExpression"] = json!(self.projection(table, with));
                request["Select"] = json!("SPECIFIC_ATTRIBUTES");
            }
            _ => {}
        }
        if self.happens(50) {
            request["Limit"] = json!(1 + self.chance.below(6));
        }
        if self.happens(20) {
            request["ConsistentRead"] = json!(self.happens(50));
        }
    }

    fn query(&self) -> Value {
        let table = self.table();
        let index = self.index(table);
        let key = index.map_or(table.key, |index| index.key);
        let mut with = Placeholders::default();
        let mut request = json!({ "TableName": table.name });
        let mut condition = format!("{} = {}", with.name(key[0].0), with.value(self.key_value(key[0].1)));
        if let Some(&(sort, of)) = key.get(1).filter(|_| self.happens(60)) {
            let (name, value) = (with.name(sort), with.value(self.key_value(of)));
            let more = match self.chance.below(3) {
                0 if of != 'N' => format!("begins_with({name}, {value})"),
                1 => {
                    let other = with.value(self.key_value(of));
                    format!("{name} BETWEEN {value} AND {other}")
                }
                _ => format!("{name} {} {value}", self.one(&["=", "<", "<=", ">", ">="])),
            };
            condition = if self.happens(80) {
                format!("{condition} AND {more}")
            } else {
                format!("{more} AND {condition}")
            };
        }
        request["KeyConditionExpression"] = json!(condition);
        if self.happens(40) {
            request["ScanIndexForward"] = json!(self.happens(40));
        }
        self.page_words(table, index, &mut request, &mut with);
        with.write(&mut request);
        request
    }

    fn scan(&self) -> Value {
        let table = self.table();
        let index = self.index(table);
        let mut with = Placeholders::default();
        let mut request = json!({ "TableName": self.table_name(table) });
        if self.happens(30) {
            let total = 1 + self.chance.below(4);
            request["TotalSegments"] = json!(total);
            request["Segment"] = json!(self.chance.below(total));
        }
        self.page_words(table, index, &mut request, &mut with);
        with.write(&mut request);
        request
    }

    fn two_tables(&self) -> Vec<&'static Table> {
        let first = self.chance.below(TABLES.len() as u64) as usize;
        let second = (first + 1 + self.chance.below(TABLES.len() as u64 - 1) as usize) % TABLES.len();
        if self.happens(75) { vec![&TABLES[first], &TABLES[second]] } else { vec![&TABLES[first]] }
    }

    /// Up to so many that differ, unless chance has it otherwise.
    fn keys(&self, table: &Table, most: u64) -> Vec<Value> {
        let mut keys: Vec<Value> = Vec::new();
        for _ in 0..=self.chance.below(most) {
            let key = self.key(table);
            if !keys.contains(&key) || self.happens(3) {
                keys.push(key);
            }
        }
        keys
    }

    fn batch_get(&self) -> Value {
        let mut tables = Map::new();
        for table in self.two_tables() {
            let mut wanted = json!({ "Keys": self.keys(table, 8) });
            self.maybe_projection(table, &mut wanted);
            if self.happens(20) {
                wanted["ConsistentRead"] = json!(true);
            }
            tables.insert(table.name.to_owned(), wanted);
        }
        json!({ "RequestItems": tables })
    }

    fn batch_write(&self) -> Value {
        let mut tables = Map::new();
        for table in self.two_tables() {
            let writes = self.keys(table, 6).into_iter().map(|key| match self.happens(70) {
                true => {
                    let mut item = self.item(table);
                    item.as_object_mut().unwrap().extend(key.as_object().unwrap().clone());
                    json!({ "PutRequest": { "Item": item } })
                }
                false => json!({ "DeleteRequest": { "Key": key } }),
            });
            tables.insert(table.name.to_owned(), writes.collect());
        }
        let mut request = json!({ "RequestItems": tables });
        if self.happens(20) {
            request["ReturnItemCollectionMetrics"] = json!("SIZE");
        }
        request
    }

    fn transact_get(&self) -> Value {
        let mut reads = Vec::new();
        for table in self.two_tables() {
            for key in self.keys(table, 3) {
                let mut get = json!({ "TableName": self.table_name(table), "Key": key });
                self.maybe_projection(table, &mut get);
                reads.push(json!({ "Get": get }));
            }
        }
        json!({ "TransactItems": reads })
    }

    fn transact_write(&mut self) -> Value {
        if let Some(last) = self.last_transaction.clone().filter(|_| self.happens(15)) {
            return last;
        }
        let mut actions = Vec::new();
        for table in self.two_tables() {
            for key in self.keys(table, 3) {
                actions.push(self.action(table, key));
            }
        }
        let mut request = json!({ "TransactItems": actions });
        if self.happens(20) {
            request["ReturnItemCollectionMetrics"] = json!("SIZE");
        }
        if self.happens(60) {
            request["ClientRequestToken"] = json!(format!("token-{}", self.chance.below(500)));
        }
        self.last_transaction = Some(request.clone());
        request
    }

    fn action(&self, table: &Table, key: Value) -> Value {
        let mut with = Placeholders::default();
        let (kind, mut action) = match self.chance.below(4) {
            0 => {
                let mut item = self.item(table);
                item.as_object_mut().unwrap().extend(key.as_object().unwrap().clone());
                ("Put", json!({ "Item": item }))
            }
            1 => ("Delete", json!({ "Key": key })),
            2 => (
                "Update",
                json!({ "Key": key, "UpdateExpression": self.update_expression(table, &mut with) }),
            ),
            _ => ("ConditionCheck", json!({ "Key": key })),
        };
        action["TableName"] = self.table_name(table);
        if kind == "ConditionCheck" || self.happens(25) {
            // Mostly one that holds, as all of a transaction have to.
            let holds = self.happens(70);
            action["ConditionExpression"] = json!(match holds {
                true => format!("attribute_not_exists({})", with.name("never there")),
                false => self.condition(table, &mut with, 2),
            });
        }
        if self.happens(40) {
            action["ReturnValuesOnConditionCheckFailure"] = json!("ALL_OLD");
        }
        with.write(&mut action);
        json!({ kind: action })
    }
}
