//! What real clients were seen to send and to understand, for tests: `fixtures/vectors.json`.

use std::collections::BTreeMap;

use model::{KeyAttribute, KeySchema, KeyType};
use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Vectors {
    pub(crate) numbers: Vec<NumberVector>,
    pub(crate) expressions: Vec<ExpressionVector>,
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
    serde_json::from_str(include_str!("../fixtures/vectors.json")).expect("the fixture has this shape")
}

pub(crate) fn numbers() -> Vec<NumberVector> {
    vectors().numbers
}

/// Spaces mean nothing.
pub(crate) fn unhex(hex: &str) -> Vec<u8> {
    let hex = hex.replace(' ', "");
    assert!(hex.len().is_multiple_of(2), "{hex}");
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    hex.as_bytes().chunks(2).map(byte).collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
