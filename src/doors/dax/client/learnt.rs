//! What a client has asked the node before: keys of tables, numbers of attribute lists, names behind numbers.

use std::collections::HashMap;

use dax_wire::{
    Malformed, for_each,
    item::{self, NO_ATTRIBUTES},
};
use minicbor::Decoder;
use model::{Item, KeyAttribute, KeySchema, KeyType};

use super::CallError;

/// What is known; nothing of it is ever forgotten, as with DAX's clients.
#[derive(Debug, Default)]
pub(super) struct Learnt {
    schemas: HashMap<String, KeySchema>,
    numbers: HashMap<Vec<String>, i64>,
    names: HashMap<i64, Vec<String>>,
}

impl Learnt {
    pub(super) fn schema(&self, table: &str) -> Option<&KeySchema> {
        self.schemas.get(table)
    }

    /// Of a table that a request names, for which it was learnt before.
    pub(super) fn known(&self, table: &str) -> Result<&KeySchema, CallError> {
        self.schema(table).ok_or_else(|| CallError::Unsendable(format!("the keys of {table} are unknown")))
    }

    pub(super) fn number(&self, names: &[String]) -> Option<i64> {
        if names.is_empty() { Some(NO_ATTRIBUTES) } else { self.numbers.get(names).copied() }
    }

    pub(super) fn names(&self, number: i64) -> Option<&[String]> {
        if number == NO_ATTRIBUTES { Some(&[]) } else { self.names.get(&number).map(Vec::as_slice) }
    }

    pub(super) fn names_of_item(&self, table: &str, item: &Item) -> Result<Vec<String>, CallError> {
        let attributes = item::beside_key(item, self.known(table)?);
        Ok(attributes.map(|(name, _value)| name.to_owned()).collect())
    }

    pub(super) fn learn_schema(&mut self, table: &str, reply: &[u8]) -> Result<(), Malformed> {
        let mut decoder = Decoder::new(reply);
        let mut attributes = Vec::new();
        let length = decoder.map()?;
        for_each(&mut decoder, length, |decoder| {
            let name = decoder.str()?.to_owned();
            let key_type = match decoder.str()? {
                "S" => KeyType::S,
                "N" => KeyType::N,
                "B" => KeyType::B,
                _ => return Err(Malformed::WrongType),
            };
            attributes.push(KeyAttribute { name, key_type });
            Ok(())
        })?;
        let sort = attributes.split_off(1.min(attributes.len()));
        if attributes.is_empty() || sort.len() > 1 {
            return Err(Malformed::WrongType);
        }
        self.schemas.insert(table.to_owned(), KeySchema { partition: attributes, sort });
        Ok(())
    }

    pub(super) fn learn_number(&mut self, names: Vec<String>, reply: &[u8]) -> Result<(), Malformed> {
        let number = Decoder::new(reply).i64()?;
        self.names.insert(number, names.clone());
        self.numbers.insert(names, number);
        Ok(())
    }

    pub(super) fn learn_names(&mut self, number: i64, reply: &[u8]) -> Result<(), Malformed> {
        let mut decoder = Decoder::new(reply);
        let mut names = Vec::new();
        let length = decoder.array()?;
        for_each(&mut decoder, length, |decoder| {
            names.push(decoder.str()?.to_owned());
            Ok(())
        })?;
        self.numbers.insert(names.clone(), number);
        self.names.insert(number, names);
        Ok(())
    }
}
