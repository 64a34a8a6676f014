//! The keys of the configuration against `config/reference.toml`, which documents them.

use std::collections::BTreeSet;

use crate::source::{names_in, read};

/// Whose keys stand in sections of tables, indexes and operations.
const RULES: &str = "rules";

/// The keys in a list of the source.
fn keys_in(source: &str, list: &str) -> BTreeSet<String> {
    let (_, rest) = source.split_once(list).unwrap_or_else(|| panic!("{list} is not in the source"));
    let (list, _) = rest.split_once("];").unwrap();
    names_in(list).map(str::to_owned).collect()
}

/// The keys that a reference shows, with their section; such as are commented out included.
fn keys_shown(reference: &str) -> BTreeSet<String> {
    let mut section = String::new();
    let mut keys = BTreeSet::new();
    for line in reference.lines() {
        let line = line.strip_prefix("# ").unwrap_or(line);
        let header = line.strip_prefix('[').and_then(|line| line.strip_suffix(']'));
        if let Some(name) = header {
            // Sections within sections are those of rules, which have keys of their own.
            section = if name.contains('.') { RULES.to_owned() } else { name.to_owned() };
        }
        let is_key =
            |name: &&str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        if let Some((name, _)) = line.split_once(" = ").filter(|(name, _)| is_key(name)) {
            keys.insert(format!("{section}.{name}"));
        }
    }
    keys
}

#[test]
fn the_reference_shows_every_key_and_no_other() {
    let source = read("src/app/config/keys.rs");
    // Paths have a dot, and so are told from kinds, flags and presets.
    let is_path = |name: &String| name.contains('.') && !name.starts_with(|c: char| c.is_ascii_digit());
    let mut keys: BTreeSet<String> =
        keys_in(&source, "KEYS: &[Key] = &[").into_iter().filter(is_path).collect();
    let of_rules = keys_in(&source, "RULE_KEYS: &[RuleKey] = &[");
    keys.extend(of_rules.iter().map(|key| format!("{RULES}.{key}")));
    assert!(keys.len() > 20, "{keys:?}");
    assert_eq!(keys_shown(&read("config/reference.toml")), keys);
}

#[test]
fn keys_are_found_in_a_reference() {
    let reference = "# About a = b.\n[cache]\n# ttl of it\nttl = \"5m\"\n# bytes_max = \"1\"\n# [tables.\"X\"]\n# ttl = \"1\"\n";
    let expected = ["cache.bytes_max", "cache.ttl", "rules.ttl"].map(str::to_owned);
    assert_eq!(keys_shown(reference), BTreeSet::from(expected));
}
