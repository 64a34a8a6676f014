//! What is kept is read as JSON once, and never again, whatever clients want of it.

use std::{sync::Mutex, time::Duration};

use backend::{Batch, Reply as Kept};

use super::*;

/// Answers reads from documents that are kept. From the second call on they are no JSON any more.
struct Shelf {
    vectors: Arc<Vectors>,
    documents: Mutex<Option<Vec<Document>>>,
}

const HIT: Outcome = Outcome::Hit { ttl: Duration::from_secs(1) };

/// A batch that is never put together.
fn batch(documents: Vec<Document>) -> Kept {
    let batch = Batch::new(vec![(String::new(), documents)], |_| panic!("nobody wants it as JSON"));
    Kept { answer: Answer::Batch(batch), outcome: HIT }
}

/// No JSON.
const SPOILED: Bytes = Bytes::from_static(b"spoiled");

impl Shelf {
    fn answer(&self, call: &Call) -> Kept {
        let body: Value = serde_json::from_slice(&call.wire().body).unwrap();
        let operation = call.target().word();
        if operation == "DescribeTable" {
            let description = self.vectors.description(body["TableName"].as_str().unwrap());
            return origin_reply(200, description.unwrap().to_string());
        }
        let mut shelf = self.documents.lock().unwrap();
        let is_first = shelf.is_none();
        let documents = shelf.get_or_insert_with(|| self.documents(operation, &body));
        let shown = |document: &Document| {
            let mut shown = document.clone();
            if !is_first {
                shown.body = SPOILED;
            }
            shown
        };
        match operation {
            "BatchGetItem" => batch(documents.iter().map(shown).collect()),
            _ => Kept::document(shown(&documents[0]), HIT),
        }
    }

    fn documents(&self, operation: &str, body: &Value) -> Vec<Document> {
        let kept = |body: Value| Document::new(Bytes::from(body.to_string())).with_form();
        match operation {
            "GetItem" => vec![kept(json!({ "Item": self.item(body["TableName"].as_str().unwrap()) }))],
            "BatchGetItem" => {
                let tables = body["RequestItems"].as_object().unwrap().iter();
                let counts = tables.map(|(table, asked)| (table, asked["Keys"].as_array().unwrap().len()));
                counts
                    .flat_map(|(table, count)| vec![kept(json!({ "Item": self.item(table) })); count])
                    .collect()
            }
            _ => {
                let items = [self.item(body["TableName"].as_str().unwrap())];
                vec![kept(
                    json!({ "Items": items, "Count": 1, "ScannedCount": 3, "LastEvaluatedKey": items[0] }),
                )]
            }
        }
    }

    /// The key, and attributes that clients ask for.
    fn item(&self, table: &str) -> Value {
        let mut item =
            json!({ "s": { "S": "text" }, "a": { "M": { "b": { "L": [{ "N": "1" }, { "N": "2" }] } } } });
        for (name, kind) in &self.vectors.table_key_schemas[table] {
            item[name] = json!({ kind: if kind == "N" { "7" } else { "a2V5" } });
        }
        item
    }
}

#[tokio::test]
async fn what_is_kept_is_read_as_json_once() {
    let vectors = Arc::new(vectors());
    let (mut reads, mut projected) = (0, 0);
    for vector in &vectors.vectors {
        let (method, arguments) = vector.request();
        if !matches!(method, Method::GetItem | Method::BatchGetItem | Method::Query | Method::Scan) {
            continue;
        }
        let shelf = Arc::new(Shelf { vectors: Arc::clone(&vectors), documents: Mutex::default() });
        let origin = Scripted::new(move |call: Call| std::future::ready(Ok(shelf.answer(&call))).boxed());
        let operations = vectors.operations(&vector.client, origin);
        let message = async || operations.answer(asked(method, &arguments)).await.message;
        let (first, second) = (message().await, message().await);
        assert_eq!(first[0], 0x80, "{}", vector.id);
        assert_eq!(first, second, "{}", vector.id);
        reads += 1;
        projected += usize::from(vector.id.contains("proj"));
    }
    assert!(reads > 100 && projected >= 6, "{reads} reads, {projected} with a projection");
}

#[tokio::test]
async fn the_key_of_an_item_has_one_form_whether_the_item_is_kept_or_not() {
    let vectors = Arc::new(vectors());
    let keys = &vectors.table_key_schemas["NS"];
    let item = json!({ &keys[0].0: { "N": "100" }, &keys[1].0: { "S": "a" } });
    // As Python writes `1E+2`.
    let (as_it_came, canonical) = ([0xc4, 0x82, 0x02, 0x01, b'a'], [0x18, 100, b'a']);
    let mut arguments = Writer::new();
    arguments.map(1);
    arguments.text("NS");
    arguments.array(3);
    arguments.raw(&[0xf4]);
    arguments.null();
    arguments.array(1);
    arguments.bytes(&as_it_came);
    arguments.null();
    let arguments = arguments.into_bytes();
    for is_kept in [true, false] {
        let (tables, item) = (Arc::clone(&vectors), item.clone());
        let origin = Scripted::new(move |call: Call| {
            let reply = match (call.target().word(), is_kept) {
                ("DescribeTable", _) => origin_reply(200, tables.description("NS").unwrap().to_string()),
                (_, true) => {
                    let part = Document::new(Bytes::from(json!({ "Item": item }).to_string())).with_form();
                    batch(vec![part])
                }
                (_, false) => origin_reply(200, json!({ "Responses": { "NS": [item] } }).to_string()),
            };
            std::future::ready(Ok(reply)).boxed()
        });
        let operations = vectors.operations("python", origin);
        let message = operations.answer(asked(Method::BatchGetItem, &arguments)).await.message;
        assert_eq!(message[0], 0x80, "{message:?}");
        let shows = |key: &[u8]| message.windows(key.len()).any(|bytes| bytes == key);
        assert!(shows(&canonical) && !shows(&as_it_came), "kept: {is_kept}, {message:?}");
    }
}
