//! What real clients were seen to send and to understand, for tests: `fixtures/vectors.json`.

use std::collections::BTreeMap;

use minicbor::Decoder;
use model::{KeyAttribute, KeySchema, KeyType};
use serde::Deserialize;

use super::{Budget, Extent, Limits, item, key, testing::unhex};

#[derive(Deserialize)]
pub(crate) struct Vectors {
    pub(crate) numbers: Vec<NumberVector>,
    pub(crate) expressions: Vec<ExpressionVector>,
    vectors: Vec<CallVector>,
    table_key_schemas: BTreeMap<String, Vec<(String, KeyType)>>,
    /// By client, then by number.
    attribute_list_ids: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

/// All bytes of one call.
#[derive(Deserialize)]
struct CallVector {
    id: String,
    client: String,
    operation: String,
    request_hex: String,
}

impl Vectors {
    fn schema(&self, table: &str) -> KeySchema {
        let attribute =
            |(name, key_type): &(String, KeyType)| KeyAttribute { name: name.clone(), key_type: *key_type };
        let mut attributes = self.table_key_schemas[table].iter().map(attribute);
        KeySchema { partition: attributes.next().into_iter().collect(), sort: attributes.collect() }
    }
}

/// An expression as text, and what clients make of it.
#[derive(Deserialize)]
pub(crate) struct ExpressionVector {
    pub(crate) kind: String,
    pub(crate) expression: String,
    pub(crate) names: BTreeMap<String, String>,
    pub(crate) values: BTreeMap<String, serde_json::Value>,
    pub(crate) encoded: String,
    /// Where they differ.
    pub(crate) python: Option<String>,
    pub(crate) js2: Option<String>,
    pub(crate) go2: Option<String>,
}

/// A number in all its forms.
#[derive(Deserialize)]
pub(crate) struct NumberVector {
    /// As the caller of the client wrote it.
    pub(crate) number: String,
    pub(crate) canonical: String,
    pub(crate) python_cbor: String,
    pub(crate) js_cbor: String,
    pub(crate) go_cbor: String,
    pub(crate) server_should_send_cbor: String,
    pub(crate) python_lex: String,
    pub(crate) js_lex: String,
    pub(crate) go_lex: String,
    pub(crate) server_should_send_lex: String,
}

pub(crate) fn vectors() -> Vectors {
    serde_json::from_str(include_str!("fixtures/vectors.json")).expect("the fixture has this shape")
}

pub(crate) fn numbers() -> Vec<NumberVector> {
    vectors().numbers
}

/// A key of attributes `h` and maybe `r`, by the letters of their types.
pub(crate) fn schema(types: &str) -> KeySchema {
    let attribute = |(name, letter): (&str, char)| KeyAttribute {
        name: name.to_owned(),
        key_type: match letter {
            'S' => KeyType::S,
            'N' => KeyType::N,
            'B' => KeyType::B,
            other => panic!("no type of keys: {other}"),
        },
    };
    let mut attributes = ["h", "r"].into_iter().zip(types.chars()).map(attribute);
    KeySchema { partition: attributes.next().into_iter().collect(), sort: attributes.collect() }
}

/// How many values stand behind the numbers of service and method.
fn arguments(operation: &str) -> usize {
    match operation {
        "endpoints" => 0,
        "defineKeySchema" | "defineAttributeListId" | "defineAttributeList" => 1,
        "scan" | "batchGetItem" | "batchWriteItem" => 2,
        "getItem" | "updateItem" | "deleteItem" | "query" => 3,
        "putItem" | "transactGetItems" => 4,
        "authorizeConnection" => 5,
        "transactWriteItems" => 9,
        other => panic!("no operation: {other}"),
    }
}

/// As clients send long requests, though these are short.
fn in_pieces(bytes: &[u8], values: usize, piece: usize) -> Option<usize> {
    let mut extent = Extent::new(Limits { bytes: 1 << 20, levels: 32 });
    let ends = (0..bytes.len()).step_by(piece).skip(1).chain([bytes.len()]);
    ends.map(|end| extent.of(values, &bytes[..end]).unwrap()).find(Option::is_some).flatten()
}

#[test]
fn every_request_ends_where_it_was_seen_to_end() {
    for vector in &vectors().vectors {
        let bytes = unhex(&vector.request_hex);
        let values = 2 + arguments(&vector.operation);
        for piece in [1, 7, 4096] {
            assert_eq!(in_pieces(&bytes, values, piece), Some(bytes.len()), "{}", vector.id);
        }
    }
}

#[test]
fn the_items_of_clients_are_understood_and_come_back() {
    let vectors = vectors();
    let mut seen = 0;
    for vector in vectors.vectors.iter().filter(|vector| vector.operation == "putItem") {
        let bytes = unhex(&vector.request_hex);
        let mut decoder = Decoder::new(&bytes);
        let _service_and_method = (decoder.int().unwrap(), decoder.int().unwrap());
        let table = str::from_utf8(decoder.bytes().unwrap()).unwrap();
        let schema = vectors.schema(table);
        let read = key::decode(&schema, decoder.bytes().unwrap());
        let read = read.unwrap_or_else(|error| panic!("{}: {error}", vector.id));
        assert_eq!(key::decode(&schema, &key::encode(&schema, &read).unwrap()), Ok(read));
        let (list, values) = item::split_list(decoder.bytes().unwrap()).unwrap();
        let lists = &vectors.attribute_list_ids[&vector.client];
        if list == item::NO_ATTRIBUTES {
            assert!(values.is_empty(), "{}", vector.id);
        }
        // Not all lists were recorded.
        let Some(names) = lists.get(&list.to_string()) else { continue };
        let read = item::decode(values, names, &mut Budget::of_request())
            .unwrap_or_else(|error| panic!("{}: {error}", vector.id));
        let ours = item::Values::of(&read, &schema);
        assert_eq!(ours.names, *names, "{}", vector.id);
        assert_eq!(item::decode(&ours.bytes, names, &mut Budget::of_request()), Ok(read), "{}", vector.id);
        seen += 1;
    }
    assert!(seen > 50, "{seen} items");
}
