//! What is remembered of transactions that came with a token, so that each is carried out once.
//!
//! It is written with the transaction itself, in the same turn of the store's writer. So there is no moment at
//! which a token is in use and not remembered: of two requests at once under one token, the later one waits for
//! its turn and finds what the earlier one left.

use std::{collections::BTreeMap, ops::Bound};

use model::{ApiError, ErrorCode};
use serde::{Deserialize, Serialize};
use store::{Direction, Transaction};
use xxhash_rust::xxh3::xxh3_128;

use crate::{EngineError, answer::json, catalog::CATALOG};

/// DynamoDB: "A client request token is valid for 10 minutes after the first request that uses it is completed"
/// (API reference, TransactWriteItems).
const LIFE_MILLIS: u64 = 10 * 60 * 1000;
const ROWS: &[u8] = b"token/";
/// Tokens by the time of their use, so that old ones are found.
const TIME_ROWS: &[u8] = b"token-time/";
/// Old tokens forgotten with each new one: more than come, so that they do not pile up.
const FORGOTTEN_AT_ONCE: usize = 4;

/// A token, and what was asked for under it.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    text: String,
    /// Of what was asked for, in hexadecimal digits.
    digest: String,
}

/// What reading a transaction's items costs, by table.
pub(crate) type ReadUnits = BTreeMap<String, f64>;

#[derive(Serialize, Deserialize)]
struct Remembered {
    digest: String,
    /// In milliseconds since the epoch.
    at: u64,
    /// What doing the same again costs.
    read_units: ReadUnits,
}

impl Token {
    /// What makes two requests under one token the same is what they do: `asked`, in a form that is the same for
    /// the same. What they want to be told of it does not count.
    pub(crate) fn new(text: &str, asked: &str) -> Token {
        Token { text: text.to_owned(), digest: format!("{:032x}", xxh3_128(asked.as_bytes())) }
    }

    /// What doing it again costs, if it was done before.
    ///
    /// # Errors
    /// If something else was done under this token.
    pub(crate) fn done_before(&self, tx: &Transaction<'_>) -> Result<Option<ReadUnits>, EngineError> {
        match recall(tx, &self.text)? {
            Some(remembered) if remembered.digest != self.digest => Err(ApiError::client(
                ErrorCode::IdempotentParameterMismatchException,
                "Another transaction with the same token was already processed with different parameters",
            )
            .into()),
            remembered => Ok(remembered.map(|remembered| remembered.read_units)),
        }
    }

    /// Remembers that it is done now.
    pub(crate) fn remember(self, tx: &mut Transaction<'_>, read_units: ReadUnits) -> Result<(), EngineError> {
        let Token { text, digest } = self;
        let at = tx.commit_time();
        remember(tx, &text, &Remembered { digest, at, read_units })
    }
}

fn recall(tx: &Transaction<'_>, token: &str) -> Result<Option<Remembered>, EngineError> {
    let Some(row) = tx.get(CATALOG, &[ROWS, token.as_bytes()].concat())? else { return Ok(None) };
    let remembered: Remembered = serde_json::from_slice(&row).map_err(|_| EngineError::CorruptRecord)?;
    Ok(Some(remembered).filter(|remembered| remembered.at + LIFE_MILLIS > tx.commit_time()))
}

fn remember(tx: &mut Transaction<'_>, token: &str, remembered: &Remembered) -> Result<(), EngineError> {
    forget_old(tx)?;
    tx.put(CATALOG, &time_row(remembered.at, token.as_bytes()), Vec::new());
    tx.put(CATALOG, &[ROWS, token.as_bytes()].concat(), json(remembered));
    Ok(())
}

fn forget_old(tx: &mut Transaction<'_>) -> Result<(), EngineError> {
    let expired = time_row(tx.commit_time().saturating_sub(LIFE_MILLIS), b"");
    let span = (Bound::Included(TIME_ROWS), Bound::Excluded(expired.as_slice()));
    let old = tx.range(CATALOG, span, Direction::Forward).take(FORGOTTEN_AT_ONCE);
    let old = old.map(|row| row.map(|(key, _)| key)).collect::<Result<Vec<_>, _>>()?;
    for row in old {
        let token = &row[TIME_ROWS.len() + 8..];
        // It may have been used again since.
        if recall(tx, &String::from_utf8_lossy(token))?.is_none() {
            tx.delete(CATALOG, &[ROWS, token].concat());
        }
        tx.delete(CATALOG, &row);
    }
    Ok(())
}

fn time_row(at: u64, token: &[u8]) -> Vec<u8> {
    [TIME_ROWS, &at.to_be_bytes(), token].concat()
}

#[cfg(test)]
mod tests;
