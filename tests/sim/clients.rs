//! The clients: what they ask for, in all the ways in which it can be written, and how they leave.

mod queries;

use std::{sync::Arc, time::Duration};

use backend::{Backend, Call, Outcome, Reply, Wire};
use base::Chance;
use model::Target;
use serde_json::{Value, json};

use self::queries::{GROUPS, LABELS};
use crate::{
    checker::{Promise, Reading, Shown, Strength},
    keys::{Attributes, KEYS, KeyNumber, TABLES, Table, arn_of, key_in, keys_of, pick, spelled, table_named},
    view::View,
    world::World,
};

/// One client, from the first operation to the last.
pub(crate) struct Client {
    pub(crate) number: usize,
    pub(crate) world: Arc<World>,
}

impl Client {
    /// Operates until the run is over.
    pub(crate) async fn run(self) {
        while self.world.take_operation() {
            self.think().await;
            self.operate().await;
        }
    }

    async fn think(&self) {
        let World { clock, habits, .. } = &*self.world;
        let chance = self.chance();
        let millis = match chance.happens(0.02) {
            true => chance.below(habits.nap_millis),
            false => chance.below(habits.think_millis),
        };
        clock.sleep(Duration::from_millis(millis)).await;
        self.world.quiet_time().await;
        self.world.listen();
    }

    async fn operate(&self) {
        let World { habits, .. } = &*self.world;
        let chance = self.chance();
        if chance.happens(habits.pauses) {
            self.world.begin_quiet_time();
        }
        if chance.happens(habits.indexes_beside) {
            self.world.origin.replace_index_beside(self.any_global_index());
        }
        if chance.happens(habits.outages) {
            self.world.origin.falter();
        }
        match chance.fraction() {
            share if share < habits.table_operations / 2.0 => self.replace_table().await,
            share if share < habits.table_operations => self.replace_index().await,
            share if share < habits.table_operations + habits.opaque_writes => self.write_opaquely().await,
            share if share < habits.writes => self.write().await,
            share if share < habits.writes + habits.writes_beside => self.write_beside(),
            share if share < habits.writes + habits.writes_beside + habits.stream_troubles => {
                self.world.origin.trouble_stream(self.chance().below(TABLES.len() as u64) as usize);
            }
            _ => self.read().await,
        }
    }

    fn chance(&self) -> &Chance {
        &self.world.chance
    }

    // Reads.

    async fn read(&self) {
        match self.chance().below(26) {
            20.. => self.query().await,
            0..=3 => self.batch_get_item().await,
            4 => self.transact_get_items().await,
            5 if self.chance().happens(0.1) => {
                let table = self.chance().below(TABLES.len() as u64) as usize;
                self.ask("DescribeTable", json!({ "TableName": self.name_of(table) })).await;
            }
            5 if self.chance().happens(0.1) => self.world.purge(self.any_key()),
            _ => self.get_item().await,
        }
    }

    fn strength(&self) -> Strength {
        match self.chance().happens(self.world.habits.strong_reads) {
            true => Strength::Strong,
            false => Strength::Eventual,
        }
    }

    async fn get_item(&self) {
        let (key, strength, view) = (self.any_key(), self.strength(), View::any(self.chance()));
        let mut request = self.request_for(key);
        if strength == Strength::Strong || self.chance().happens(0.1) {
            request["ConsistentRead"] = json!(strength == Strength::Strong);
        }
        let asks_capacity = self.chance().happens(0.1);
        if asks_capacity {
            request["ReturnConsumedCapacity"] = json!("TOTAL");
        }
        view.ask(&mut request);
        let reading = self.world.checker.start(self.number, key, view, strength);
        let Some(reply) = self.ask("GetItem", request).await else { return };
        let body = json_of(&reply);
        if is_hit(&reply)
            && body["ConsumedCapacity"]["CapacityUnits"].as_f64() != asks_capacity.then_some(0.0)
        {
            self.world.checker.report(Promise::HitsAreFree, || body.to_string());
        }
        self.end(reading, &reply, body.get("Item"));
    }

    /// Ends a read that an answer holds, if it holds any.
    fn end(&self, reading: Reading, reply: &Reply, item: Option<&Value>) {
        let shown = match (reply.success(), item) {
            (Some(_), Some(item)) => Shown::Item(object(item).clone()),
            (Some(_), None) => Shown::Absent,
            (None, _) if json_of(reply)["__type"].as_str().is_some_and(is_not_found) => Shown::NoTable,
            (None, _) => return,
        };
        self.world.checker.end(reading, shown, reply.outcome);
    }

    async fn batch_get_item(&self) {
        let chance = self.chance();
        let mut keys: Vec<KeyNumber> = (0..1 + chance.below(5)).map(|_| self.any_key()).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut readings = Vec::new();
        let mut tables = Attributes::new();
        for (table, Table { name, .. }) in TABLES.iter().enumerate() {
            let keys: Vec<KeyNumber> = keys.iter().copied().filter(|key| KEYS[*key].0 == table).collect();
            if keys.is_empty() {
                continue;
            }
            let (strength, view) = (self.strength(), View::any_with_key(table, chance));
            let mut wanted =
                json!({ "Keys": keys.iter().map(|key| spelled(*key, chance)).collect::<Vec<_>>() });
            if strength == Strength::Strong {
                wanted["ConsistentRead"] = json!(true);
            }
            view.ask(&mut wanted);
            let name = if chance.happens(0.1) { arn_of(table) } else { (*name).to_owned() };
            tables.insert(name.clone(), wanted);
            let start =
                |key| (name.clone(), key, self.world.checker.start(self.number, key, view.clone(), strength));
            readings.extend(keys.into_iter().map(start));
        }
        let Some(reply) = self.ask("BatchGetItem", json!({ "RequestItems": tables })).await else { return };
        let body = json_of(&reply);
        if reply.success().is_none() {
            return;
        }
        for (name, key, reading) in readings {
            let is_it = |part: &&Value| key_in(table_named(&name), object(part)) == key;
            let find =
                |parts: &'_ Value| parts.as_array().and_then(|parts| parts.iter().find(is_it).cloned());
            if find(&body["UnprocessedKeys"][&name]["Keys"]).is_none() {
                self.end(reading, &reply, find(&body["Responses"][&name]).as_ref());
            }
        }
    }

    async fn transact_get_items(&self) {
        let keys: Vec<KeyNumber> = (0..2).map(|_| self.any_key()).collect();
        let gets: Vec<Value> = keys.iter().map(|key| json!({ "Get": self.request_for(*key) })).collect();
        // Such a read is as strong as any, but it leaves nothing in the cache.
        let start =
            |key: &KeyNumber| self.world.checker.start(self.number, *key, View::Whole, Strength::Eventual);
        let readings: Vec<Reading> = keys.iter().map(start).collect();
        let Some(reply) = self.ask("TransactGetItems", json!({ "TransactItems": gets })).await else {
            return;
        };
        if reply.success().is_none() {
            return;
        }
        let body = json_of(&reply);
        for (place, reading) in readings.into_iter().enumerate() {
            self.end(reading, &reply, body["Responses"][place].get("Item"));
        }
    }

    // Writes.

    async fn write(&self) {
        let key = self.any_key();
        match self.chance().below(12) {
            0..=3 => self.put_item(key).await,
            4..=6 => self.update_item(key).await,
            7 => self.delete_item(key).await,
            8 | 9 => self.batch_write_item().await,
            _ => self.transact_write_items().await,
        }
    }

    async fn put_item(&self, key: KeyNumber) {
        let mut request = json!({ "TableName": self.name_of(KEYS[key].0), "Item": self.new_item(key) });
        self.perhaps_condition(&mut request);
        if self.chance().happens(0.2) {
            request["ReturnValues"] = json!("ALL_OLD");
        }
        self.ask("PutItem", request).await;
    }

    async fn update_item(&self, key: KeyNumber) {
        let mut request = self.update_of(key);
        match self.chance().below(4) {
            0 => {}
            1 => request["ReturnValues"] = json!("UPDATED_NEW"),
            _ => request["ReturnValues"] = json!("ALL_NEW"),
        }
        self.perhaps_condition(&mut request);
        self.ask("UpdateItem", request).await;
    }

    async fn delete_item(&self, key: KeyNumber) {
        let mut request = self.request_for(key);
        self.perhaps_condition(&mut request);
        self.ask("DeleteItem", request).await;
    }

    fn perhaps_condition(&self, request: &mut Value) {
        if self.chance().happens(0.2) {
            request["ConditionExpression"] = json!("attribute_not_exists(never)");
        }
    }

    async fn batch_write_item(&self) {
        let chance = self.chance();
        let mut tables = json!({});
        let table = chance.below(TABLES.len() as u64) as usize;
        let name = self.name_of(table);
        let mut writes = Vec::new();
        for key in keys_of(table).filter(|_| chance.happens(0.6)) {
            writes.push(match chance.happens(0.7) {
                true => json!({ "PutRequest": { "Item": self.new_item(key) } }),
                false => json!({ "DeleteRequest": { "Key": spelled(key, chance) } }),
            });
        }
        if !writes.is_empty() {
            tables[name] = json!(writes);
            self.ask("BatchWriteItem", json!({ "RequestItems": tables })).await;
        }
    }

    async fn transact_write_items(&self) {
        let chance = self.chance();
        let request = match self.world.earlier_transaction().filter(|_| chance.happens(0.4)) {
            Some(earlier) => earlier,
            None => {
                let mut keys = [self.any_key(), self.any_key()].to_vec();
                keys.dedup();
                let actions: Vec<Value> = keys.into_iter().map(|key| self.transact_action(key)).collect();
                let token = format!("t{}", self.world.new_number());
                json!({ "TransactItems": actions, "ClientRequestToken": token })
            }
        };
        self.world.remember_transaction(&request);
        self.ask("TransactWriteItems", request).await;
    }

    fn transact_action(&self, key: KeyNumber) -> Value {
        match self.chance().below(5) {
            0 => json!({ "Update": self.update_of(key) }),
            1 => json!({ "Delete": self.request_for(key) }),
            _ => json!({ "Put": { "TableName": self.name_of(KEYS[key].0), "Item": self.new_item(key) } }),
        }
    }

    /// Writes of which the node cannot tell the keys, or not even the table.
    async fn write_opaquely(&self) {
        let chance = self.chance();
        let key = self.any_key();
        let table = TABLES[KEYS[key].0].name;
        let update = || {
            let mut parameters = vec![self.new_value()];
            parameters.extend(spelled(key, chance).into_iter().map(|(_, value)| value));
            let statement = format!("UPDATE \"{table}\" SET v=? WHERE key=?");
            json!({ "Statement": statement, "Parameters": parameters })
        };
        let put = |verb: &str| {
            let statement = format!("{verb} INTO \"{table}\" VALUE ?");
            json!({ "Statement": statement, "Parameters": [{ "M": self.new_item(key) }] })
        };
        match chance.below(8) {
            0..=2 => self.ask("ExecuteStatement", update()).await,
            3 => self.ask("ExecuteStatement", put("INSERT")).await,
            4 => self.ask("ExecuteStatement", put("UPSERT")).await,
            5 => self.ask("BatchExecuteStatement", json!({ "Statements": [update(), put("INSERT")] })).await,
            6 => self.ask("Frobnicate", json!({ "Where": table, "Item": self.new_item(key) })).await,
            _ => {
                let request = json!({ "TableName": table, "Where": table, "Item": self.new_item(key) });
                self.ask("Frobnicate", request).await
            }
        };
    }

    async fn replace_table(&self) {
        let table = self.chance().below(TABLES.len() as u64) as usize;
        let request = json!({ "TableName": TABLES[table].name });
        self.ask("DeleteTable", request.clone()).await;
        // A table that nobody makes again would end the run for its keys.
        loop {
            self.think().await;
            let reply = self.ask("CreateTable", request.clone()).await;
            if reply.is_some_and(|reply| reply.success().is_some() || json_of(&reply)["__type"] == IN_USE) {
                break;
            }
        }
    }

    fn write_beside(&self) {
        let key = self.any_key();
        let item = self.chance().happens(0.8).then(|| self.new_item(key));
        self.world.origin.write_beside(key, item);
    }

    // What requests are made of.

    /// Half of the time one of a few, which many then use at once.
    fn any_key(&self) -> KeyNumber {
        match self.chance().happens(0.5) {
            true => *pick(self.chance(), &HOT_KEYS),
            false => self.chance().below(KEYS.len() as u64) as usize,
        }
    }

    fn name_of(&self, table: usize) -> String {
        match self.chance().happens(0.2) {
            true => arn_of(table),
            false => TABLES[table].name.to_owned(),
        }
    }

    fn request_for(&self, key: KeyNumber) -> Value {
        json!({ "TableName": self.name_of(KEYS[key].0), "Key": spelled(key, self.chance()) })
    }

    fn update_of(&self, key: KeyNumber) -> Value {
        let mut request = self.request_for(key);
        request["UpdateExpression"] = json!("SET v = :v, m = :m");
        request["ExpressionAttributeValues"] = json!({ ":v": self.new_value() });
        request
    }

    /// A value that nobody has written before.
    fn new_value(&self) -> Value {
        json!({ "N": self.world.new_number().to_string() })
    }

    /// An item that nobody has written before, sometimes in a form that the origin gives back differently.
    fn new_item(&self, key: KeyNumber) -> Attributes {
        let chance = self.chance();
        let value = self.new_value();
        let mut item = spelled(key, chance);
        item.insert("v".to_owned(), value.clone());
        item.insert("g".to_owned(), json!({ "S": pick(chance, &GROUPS) }));
        if chance.happens(0.85) {
            item.insert("w".to_owned(), json!({ "S": pick(chance, &LABELS) }));
        }
        let mut perhaps = |name: &str, value: Value| {
            if chance.happens(0.3) {
                item.insert(name.to_owned(), value);
            }
        };
        perhaps("m", json!({ "M": { "a": value, "b": { "BOOL": true } } }));
        perhaps("l", json!({ "L": [{ "NULL": true }, value] }));
        if chance.happens(0.1) {
            item.insert("n".to_owned(), json!({ "N": "1.50" }));
            item.insert("t".to_owned(), json!({ "NS": ["3", "1", "2.0"] }));
        }
        item
    }

    /// Asks the node as a door would; `None` if there was no answer or the client left before it.
    async fn ask(&self, operation: &str, request: Value) -> Option<Reply> {
        let World { node, clock, habits, checker, .. } = &*self.world;
        let chance = self.chance();
        let target = Target::parse(&format!("DynamoDB_20120810.{operation}")).expect("a service of ours");
        let wire = Wire { body: request.to_string().into(), ..Wire::default() };
        let patience =
            Duration::from_millis(habits.patience_millis / 2 + chance.below(habits.patience_millis / 2));
        let deadline = clock.now() + patience;
        let call = Call::from_client(target, wire, String::new(), deadline);
        let reply = match node.ready(&call) {
            Some(reply) => Some(reply),
            None if chance.happens(habits.leavings) => {
                let leaves_at = clock.now() + patience.mul_f64(chance.fraction() * 0.1);
                clock.timeout_at(leaves_at, node.call(call)).await?.ok()
            }
            None => match clock.timeout_at(deadline + habits.hang, node.call(call)).await {
                Some(answer) => answer.ok(),
                None => {
                    checker.report(Promise::NeverHangs, || format!("{operation} {request}"));
                    None
                }
            },
        };
        if let Some(reply) = &reply {
            self.world.count(operation, reply);
        }
        reply
    }
}

/// A key of each table that everybody wants.
const HOT_KEYS: [KeyNumber; 3] = [0, 4, 7];

const IN_USE: &str = "com.amazonaws.dynamodb.v20120810#ResourceInUseException";

fn is_not_found(code: &str) -> bool {
    code.ends_with("#ResourceNotFoundException")
}

fn is_hit(reply: &Reply) -> bool {
    matches!(reply.outcome, Outcome::Hit { .. } | Outcome::NegativeHit { .. } | Outcome::StaleHit { .. })
}

fn json_of(reply: &Reply) -> Value {
    serde_json::from_slice(reply.body()).unwrap_or_default()
}

fn object(value: &Value) -> &Attributes {
    value.as_object().expect("items are objects")
}
