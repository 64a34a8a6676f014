//! Scalars of a test's own, ordered by somebody else's arithmetic.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bigdecimal::BigDecimal;
use serde_json::{Value, json};

/// What a key may consist of. Ordered as DynamoDB orders values of one type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scalar {
    S(String),
    N(BigDecimal),
    B(Vec<u8>),
}

impl Scalar {
    pub(crate) fn number(text: &str) -> Scalar {
        Scalar::N(text.parse().unwrap())
    }

    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Scalar::S(_) => "S",
            Scalar::N(_) => "N",
            Scalar::B(_) => "B",
        }
    }

    /// DynamoDB: developer guide, "DynamoDB item sizes and formats"; a number has a byte for two of its
    /// digits, one more, and one for a minus.
    pub(crate) fn size(&self) -> usize {
        match self {
            Scalar::S(text) => text.len(),
            Scalar::B(bytes) => bytes.len(),
            Scalar::N(number) => {
                let text = number.to_plain_string();
                let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
                let (whole, fraction) =
                    (whole.trim_start_matches(['-', '0']), fraction.trim_end_matches('0'));
                let (whole, fraction) = match (whole, fraction) {
                    ("", fraction) => ("", fraction.trim_start_matches('0')),
                    (whole, "") => (whole.trim_end_matches('0'), ""),
                    both => both,
                };
                let digits = whole.len().div_ceil(2) + fraction.len().div_ceil(2);
                digits + 1 + usize::from(text.starts_with('-'))
            }
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        match self {
            Scalar::S(text) => json!({ "S": text }),
            Scalar::N(number) => json!({ "N": number.to_string() }),
            Scalar::B(bytes) => json!({ "B": BASE64_STANDARD.encode(bytes) }),
        }
    }

    pub(crate) fn from_json(value: &Value) -> Scalar {
        let (type_name, value) = value.as_object().unwrap().iter().next().unwrap();
        let text = value.as_str().unwrap();
        match type_name.as_str() {
            "S" => Scalar::S(text.to_owned()),
            "N" => Scalar::number(text),
            "B" => Scalar::B(BASE64_STANDARD.decode(text).unwrap()),
            other => panic!("{other} is no scalar"),
        }
    }

    /// Numbers begin with nothing.
    pub(crate) fn begins_with(&self, prefix: &Scalar) -> bool {
        match (self, prefix) {
            (Scalar::S(text), Scalar::S(prefix)) => text.as_bytes().starts_with(prefix.as_bytes()),
            (Scalar::B(bytes), Scalar::B(prefix)) => bytes.starts_with(prefix),
            _ => false,
        }
    }
}
