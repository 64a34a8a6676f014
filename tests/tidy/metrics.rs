//! The names of metrics: each once, and dashboards show none that nobody counts.

use std::{collections::BTreeMap, fs};

use crate::source::{Room, names_in, rooms, root};

/// Before the name of every metric, once it is out.
const PREFIX: &str = "linac_";

/// The metrics that rooms register, and in which files. A metric's name begins with the name of its room.
fn registered(rooms: &[Room]) -> BTreeMap<&str, Vec<&str>> {
    let mut metrics: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for room in rooms {
        let own = format!("{}_", room.name.rsplit('/').next().unwrap_or_default());
        let files = room.files.iter().filter(|file| file.code.contains("prometheus"));
        for file in files {
            for name in names_in(&file.code).filter(|name| name.starts_with(&own)) {
                metrics.entry(name).or_default().push(&file.path);
            }
        }
    }
    metrics
}

/// The names of metrics in a text, without the product's prefix.
fn mentioned(text: &str) -> Vec<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !is_part(c));
    words.filter_map(|word| word.strip_prefix(PREFIX)).filter(|name| !name.is_empty()).collect()
}

/// Whether a name is that of a metric, or of one of the series that a histogram has.
fn is_known(name: &str, metrics: &BTreeMap<&str, Vec<&str>>) -> bool {
    let series = ["_bucket", "_sum", "_count"].into_iter().filter_map(|series| name.strip_suffix(series));
    std::iter::once(name).chain(series).any(|name| metrics.contains_key(name))
}

#[test]
fn every_metric_is_registered_once() {
    let rooms = rooms();
    let metrics = registered(&rooms);
    assert!(metrics.len() > 10, "{metrics:?}");
    let twice: Vec<_> = metrics.iter().filter(|(_, files)| files.len() > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[test]
fn dashboards_show_what_is_counted() {
    let rooms = rooms();
    let metrics = registered(&rooms);
    let mut shown = 0;
    for entry in fs::read_dir(root().join("dashboards")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        let unknown: Vec<_> = mentioned(&text).into_iter().filter(|name| !is_known(name, &metrics)).collect();
        assert!(unknown.is_empty(), "{path:?} shows {unknown:?}; there are {:?}", metrics.keys());
        shown += mentioned(&text).len();
    }
    assert!(shown > 0, "no dashboard shows anything");
}

#[test]
fn names_are_found_in_a_dashboard() {
    let expression = "sum(rate(linac_json_request_seconds_bucket{le=\"1\"}[5m])) / linac_cache_entries";
    assert_eq!(mentioned(expression), ["json_request_seconds_bucket", "cache_entries"]);
    let metrics = BTreeMap::from([("json_request_seconds", vec![])]);
    assert!(is_known("json_request_seconds_bucket", &metrics));
    assert!(!is_known("cache_entries", &metrics));
}
