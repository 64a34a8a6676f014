//! From sections of rules to the rules of tables: of each key the most specific word holds, and what one of
//! several sections switches off is off.

use std::collections::{BTreeSet, HashMap};

use cache::{ResultRules, Rule, RuleBook, TableRule};
use model::{IndexName, TableName};

use super::{
    Mistake,
    parse::{self, RulesPreset},
    place::Place,
    raw::Layers,
    resolve::Reader,
};

/// The largest share of a life in which an entry may be fetched anew: more would fetch what was just fetched.
const REFRESH_AHEAD_MAX: f64 = 0.9;
/// Less holds no entry worth the name, and is likely a forgotten unit.
const ENTRY_BYTES_MIN: u64 = 1 << 10;

/// The rules of all tables.
pub(super) fn book(reader: &mut Reader<'_>) -> RuleBook {
    check_aliases(reader);
    let layers = reader.layers;
    let named: BTreeSet<&str> = layers.rules().keys().filter_map(|place| place.table.as_deref()).collect();
    let default = table_rule(reader, &Place::default());
    let mut tables = HashMap::new();
    for table in named {
        let place = Place::of_table(table);
        check_name(reader, &place, TableName::parse(table).err());
        tables.insert(table.to_owned(), table_rule(reader, &place));
    }
    RuleBook { default, tables }
}

/// The names that parameter groups of DAX have for times to live; `derive.rs` gives them their meaning.
fn check_aliases(reader: &mut Reader<'_>) {
    let preset = reader.read("cache.preset", parse::preset);
    for path in ["cache.record_ttl_millis", "cache.query_ttl_millis"] {
        let Some(written) = reader.layers.value(path) else { continue };
        reader.parsed(path, written, &parse::millis);
        if preset != RulesPreset::Dax {
            reader.reject(
                path,
                "is for cache.preset = \"dax\" alone; otherwise it is cache.ttl that says this",
            );
        }
    }
}

/// The rule of a table, or of those without sections of their own.
fn table_rule(reader: &mut Reader<'_>, table: &Place) -> TableRule {
    let of = |reader: &mut Reader<'_>, operation| rule(reader, &table.with_operation(operation));
    let get_item = of(reader, "GetItem");
    let share = |text: &str| parse::number(text, 0.0..=1.0);
    TableRule {
        batch_get_item: of(reader, "BatchGetItem"),
        results: result_rules(reader, table),
        indexes: index_rules(reader, table),
        coherence: word(reader, table, "coherence", parse::coherence).unwrap_or(cache::Coherence::Write),
        consistent_pages: word(reader, table, "consistent_pages", parse::claim).unwrap_or_default(),
        asks_for_images: word(reader, table, "ask_for_images", parse::claim).unwrap_or_default(),
        ttl_attribute: word(reader, table, "ttl_attribute", parse::attribute),
        bytes_reserved: word(reader, table, "reserve", |text| parse::bytes(text, 0)).unwrap_or_default(),
        verify: word(reader, table, "verify", share).unwrap_or_default(),
        ..TableRule::new(get_item)
    }
}

fn index_rules(reader: &mut Reader<'_>, table: &Place) -> HashMap<String, ResultRules> {
    let layers: &Layers = reader.layers;
    let of_table = layers.rules().keys().filter(|place| table.table.is_some() && place.table == table.table);
    let named: BTreeSet<&str> = of_table.filter_map(|place| place.index.as_deref()).collect();
    let mut indexes = HashMap::new();
    for index in named {
        let place = table.with_index(index);
        check_name(reader, &place, IndexName::parse(index).err());
        indexes.insert(index.to_owned(), result_rules(reader, &place));
    }
    indexes
}

fn result_rules(reader: &mut Reader<'_>, owner: &Place) -> ResultRules {
    ResultRules {
        query: rule(reader, &owner.with_operation("Query")),
        scan: rule(reader, &owner.with_operation("Scan")),
    }
}

/// The rule of an operation on a table or an index.
fn rule(reader: &mut Reader<'_>, place: &Place) -> Rule {
    let ttl = word(reader, place, "ttl", parse::ttl).unwrap_or(cache::Ttl::Off);
    let negative_ttl = word(reader, place, "negative_ttl", parse::ttl).unwrap_or(cache::Ttl::Off);
    let ahead = |text: &str| parse::number(text, 0.0..=REFRESH_AHEAD_MAX);
    let entry_bytes = |text: &str| parse::bytes(text, ENTRY_BYTES_MIN);
    let rule = Rule {
        entry_bytes_max: word(reader, place, "entry_bytes_max", entry_bytes).unwrap_or(u64::MAX),
        stale_grace: word(reader, place, "stale_grace", parse::grace).unwrap_or_default(),
        refresh_ahead: word(reader, place, "refresh_ahead", ahead).unwrap_or_default(),
        ..Rule::new(ttl, negative_ttl)
    };
    if is_on(reader, place) { rule } else { rule.off() }
}

/// The most specific word on a key: of the sections that the place lies in, else of `[cache]`. Every other
/// word is checked too.
fn word<T>(
    reader: &mut Reader<'_>,
    place: &Place,
    name: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Option<T> {
    let layers = reader.layers;
    let of_cache = format!("cache.{name}");
    let mut last = layers.value(&of_cache).and_then(|written| reader.parsed(&of_cache, written, &parse));
    for section in place.path() {
        if let Some(written) = layers.rule(&section, name) {
            last = reader.parsed(&format!("{section}.{name}"), written, &parse).or(last);
        }
    }
    last
}

/// Whether an operation is cached here. No section can switch on what another one has switched off. Scans are
/// off until somebody says on of them: one scan brings in more than a cache can hold, and nobody asks for it
/// again.
fn is_on(reader: &mut Reader<'_>, place: &Place) -> bool {
    let layers = reader.layers;
    let mut is_said_of_operation = false;
    let mut is_off = false;
    for section in place.path() {
        let Some(written) = layers.rule(&section, "cache") else { continue };
        let is_on = reader.parsed(&format!("{section}.cache"), written, &parse::switch);
        is_said_of_operation |= section.operation.is_some() && is_on == Some(true);
        is_off |= is_on == Some(false);
    }
    !is_off && (is_said_of_operation || place.operation != Some("Scan"))
}

fn check_name(reader: &mut Reader<'_>, place: &Place, wrong: Option<model::NameError>) {
    let Some(wrong) = wrong else { return };
    let is_within =
        |other: &Place| other.table == place.table && (place.index.is_none() || other.index == place.index);
    let mut within = reader.layers.rules().iter().filter(|(other, _)| is_within(other));
    if let Some(any) = within.find_map(|(_, written)| written.values().next()) {
        reader.mistakes.push(Mistake::new(&place.to_string(), &any.source, &wrong.to_string()));
    }
}

#[cfg(test)]
mod tests;
