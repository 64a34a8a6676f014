//! What is kept is read as JSON once, and never again, whatever clients want of it.

use std::{sync::Mutex, time::Duration};

use backend::Reply as Kept;

use super::*;

/// Answers reads from documents that are kept. From the second call on they are no JSON any more.
struct Shelf {
    vectors: Arc<Vectors>,
    documents: Mutex<Option<Vec<Document>>>,
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
        let document = match operation {
            "BatchGetItem" => Document::new(SPOILED).of_parts(documents.iter().map(shown).collect()),
            _ => shown(&documents[0]),
        };
        Kept::document(document, Outcome::Hit { ttl: Duration::from_secs(1) })
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
