use std::{path::PathBuf, time::Duration};

use cache::{Coherence, RuleBook, Ttl};

use super::super::{Settings, raw::Sources};

fn settings(content: &str) -> Settings {
    let file = Some((PathBuf::from("linac.toml"), content.to_owned()));
    Settings::merge(&Sources { file, ..Sources::default() })
}

fn book(content: &str) -> RuleBook {
    settings(content).resolve().map_err(|mistakes| mistakes.to_string()).expect(content).cache.rules
}

fn mistakes(content: &str) -> String {
    settings(content).resolve().map_or_else(|mistakes| mistakes.to_string(), |_| String::new())
}

fn seconds(seconds: u64) -> Ttl {
    Ttl::For(Duration::from_secs(seconds))
}

#[test]
fn of_each_key_the_most_specific_word_holds() {
    let book = book(
        r#"
        [cache]
        ttl = "1s"
        [cache.operations.Query]
        ttl = "2s"
        stale_grace = "9s"
        [tables."Music"]
        ttl = "3s"
        refresh_ahead = 0.5
        [tables."Music".operations.Query]
        ttl = "4s"
        [tables."Music".indexes."ByYear"]
        ttl = "5s"
        entry_bytes_max = "4 KiB"
        [tables."Music".indexes."ByYear".operations.Query]
        ttl = "6s"
        [tables."Sessions".indexes."ByUser".operations.Query]
        negative_ttl = "off"
        "#,
    );
    assert_eq!(book.default.get_item.ttl, seconds(1));
    assert_eq!(book.default.batch_get_item.ttl, seconds(1));
    assert_eq!(book.default.results.query.ttl, seconds(2));
    let music = book.of_table("Music");
    assert_eq!((music.get_item.ttl, music.get_item.stale_grace), (seconds(3), Duration::ZERO));
    assert_eq!((music.results.query.ttl, music.results.query.refresh_ahead), (seconds(4), 0.5));
    let by_year = music.results_of(Some("ByYear"));
    assert_eq!((by_year.query.ttl, by_year.query.entry_bytes_max), (seconds(6), 4 << 10));
    assert_eq!(by_year.query.stale_grace, Duration::from_secs(9), "what only the outermost section says");
    assert_eq!(music.results_of(Some("Other")).query.ttl, seconds(4));
    let sessions = book.of_table("Sessions");
    assert_eq!(sessions.results.query.negative_ttl, seconds(10));
    assert_eq!(sessions.results_of(Some("ByUser")).query.negative_ttl, Ttl::Off);
    assert_eq!(sessions.results_of(Some("ByUser")).query.ttl, seconds(2));
}

#[test]
fn what_one_section_switches_off_is_off() {
    let on_of = |content: &str| {
        let book = book(content);
        let music = book.of_table("Music");
        let index = music.results_of(Some("ByYear"));
        let rules = [&music.get_item, &music.results.query, &music.results.scan, &index.query, &index.scan];
        rules.map(|rule| u8::from(rule.is_on()))
    };
    // GetItem, Query and Scan of the table, Query and Scan of the index.
    let cases = [
        ("", [1, 1, 0, 1, 0]),
        ("[cache.operations.Scan]\ncache = 'on'", [1, 1, 1, 1, 1]),
        ("[tables.Music]\ncache = 'on'", [1, 1, 0, 1, 0]),
        ("[tables.Music.operations.Scan]\ncache = 'on'", [1, 1, 1, 1, 1]),
        ("[tables.Music.indexes.ByYear.operations.Scan]\ncache = 'on'", [1, 1, 0, 1, 1]),
        ("[tables.Music.indexes.ByYear]\ncache = 'off'", [1, 1, 0, 0, 0]),
        ("[tables.Music.operations.Query]\ncache = 'off'", [1, 0, 0, 0, 0]),
        ("[tables.Music]\ncache = 'off'\n[tables.Music.operations.GetItem]\ncache = 'on'", [0, 0, 0, 0, 0]),
        (
            "[cache.operations.Query]\ncache = 'off'\n[tables.Music.indexes.ByYear.operations.Query]\ncache = 'on'",
            [1, 0, 0, 0, 0],
        ),
        ("[tables.Music]\nttl = 'off'\n[tables.Music.operations.Query]\nttl = '1m'", [0, 1, 0, 1, 0]),
    ];
    for (content, expected) in cases {
        assert_eq!(on_of(content), expected, "{content}");
    }
}

#[test]
fn tables_have_keys_that_no_part_of_them_has() {
    let book = book(
        r#"
        [cache]
        bytes_max = "64 MiB"
        verify = 0.01
        consistent_pages = true
        [tables."Music"]
        coherence = "ttl"
        consistent_pages = false
        ask_for_images = true
        verify = 1
        ttl_attribute = "expires"
        reserve = "63 MiB"
        "#,
    );
    let (default, music) = (&book.default, book.of_table("Music"));
    assert_eq!((default.coherence, music.coherence), (Coherence::Write, Coherence::Ttl));
    assert!(default.consistent_pages && !music.consistent_pages);
    assert!(!default.asks_for_images && music.asks_for_images);
    assert_eq!((default.verify, music.verify), (0.01, 1.0));
    assert_eq!((&default.ttl_attribute, &music.ttl_attribute), (&None, &Some("expires".to_owned())));
    assert_eq!((default.bytes_reserved, music.bytes_reserved), (0, 63 << 20));
}

#[test]
fn every_mistake_in_rules_is_reported_once_with_its_place() {
    let found = mistakes(
        r#"
        [cache]
        bytes_max = "2 MiB"
        coherence = "none"
        operations.PutItem.ttl = "1m"
        operations.Query.coherence = "ttl"
        [tables."Music"]
        ttl = "0s"
        negative_ttl = "never"
        entry_bytes_max = "12"
        refresh_ahead = 0.95
        stale_grace = "0s"
        ttl_attribute = ""
        reserve = "1 MiB"
        colour = "red"
        [tables."Music".operations.GetItem]
        ttl = "1m"
        reserve = "1 MiB"
        [tables."Music".indexes."ByYear".operations.GetItem]
        ttl = "1m"
        [tables."Music".indexes."B"]
        cache = "maybe"
        [tables."Sessions"]
        operations = 3
        reserve = "512 KiB"
        "#,
    );
    let expected = "\
cache.operations.PutItem (linac.toml): no such setting; did you mean cache.operations.GetItem?
cache.operations.Query.coherence (linac.toml): no such setting; there are cache, ttl, negative_ttl, \
entry_bytes_max, stale_grace, refresh_ahead
tables.\"Music\".operations.GetItem.reserve (linac.toml): no such setting; there are cache, ttl, negative_ttl, \
entry_bytes_max, stale_grace, refresh_ahead
tables.\"Music\".indexes.\"ByYear\".operations.GetItem (linac.toml): no such setting; there are Query, Scan
tables.\"Music\".colour (linac.toml): no such setting; there are cache, ttl, negative_ttl, entry_bytes_max, \
stale_grace, refresh_ahead, coherence, consistent_pages, ask_for_images, verify, ttl_attribute, reserve
tables.\"Sessions\".operations (linac.toml): must be a section
cache.coherence (linac.toml): must be write, ttl or stream
tables.\"Music\".ttl (linac.toml): must be more than 0: say \"off\" to keep nothing, or \"forever\" to keep what is \
right until a write or want of room ends it
tables.\"Music\".negative_ttl (linac.toml): must be off, forever, or a duration: not a duration such as 250ms, 30s \
or 5m: expected number at 0
tables.\"Music\".entry_bytes_max (linac.toml): must be at least 1 KiB
tables.\"Music\".stale_grace (linac.toml): must be a duration of more than 0, or off
tables.\"Music\".refresh_ahead (linac.toml): must be a number from 0 to 0.9
tables.\"Music\".indexes.\"B\" (linac.toml): a name has 3 to 255 characters out of a-z, A-Z, 0-9, '_', '-' and '.'
tables.\"Music\".indexes.\"B\".cache (linac.toml): must be on or off
tables.\"Music\".ttl_attribute (linac.toml): must be the name of an attribute, of 1 to 255 characters
cache.bytes_max (linac.toml): tables reserve 1536 KiB of it, and 1 MiB must be left for all others";
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(found, expected);
}

#[test]
fn the_preset_of_dax_keeps_results_until_their_time_is_over() {
    let plain = book("[cache]\npreset = 'dax'");
    assert_eq!(plain.default.coherence, Coherence::Ttl);
    let results = &plain.default.results;
    for rule in [&plain.default.get_item, &plain.default.batch_get_item, &results.query, &results.scan] {
        assert_eq!((rule.ttl, rule.negative_ttl), (seconds(300), seconds(300)));
    }
    let book = book(
        r#"
        [cache]
        preset = "dax"
        ttl = "1m"
        [tables."Music"]
        ttl = "2m"
        coherence = "write"
        [tables."Sessions"]
        negative_ttl = "1s"
        [tables."Sessions".operations.Query]
        ttl = "3m"
        "#,
    );
    assert_eq!(book.default.get_item.negative_ttl, seconds(60));
    let music = book.of_table("Music");
    assert_eq!((music.get_item.negative_ttl, music.coherence), (seconds(120), Coherence::Write));
    let query = &book.of_table("Sessions").results.query;
    assert_eq!(
        (query.ttl, query.negative_ttl),
        (seconds(180), seconds(1)),
        "what is written beats the preset"
    );
}

#[test]
fn dax_s_ttl_of_0_means_two_things() {
    let ttls = |content: &str| {
        let rule = book(&format!("[cache]\npreset = 'dax'\n{content}")).default;
        let rules = [&rule.get_item, &rule.batch_get_item, &rule.results.query, &rule.results.scan];
        rules.map(|rule| (rule.ttl, rule.negative_ttl))
    };
    let minutes = |minutes: u64| (seconds(60 * minutes), seconds(60 * minutes));
    let (forever, off) = ((Ttl::Forever, Ttl::Forever), (Ttl::Off, Ttl::Off));
    assert_eq!(ttls("record_ttl_millis = 0"), [forever, forever, minutes(5), minutes(5)]);
    assert_eq!(ttls("query_ttl_millis = 0"), [minutes(5), minutes(5), off, off]);
    assert_eq!(
        ttls("record_ttl_millis = 60000\nquery_ttl_millis = 120000"),
        [minutes(1), minutes(1), minutes(2), minutes(2)]
    );
    assert_eq!(
        ttls("record_ttl_millis = 0\noperations.GetItem.ttl = '1m'"),
        [minutes(1), forever, minutes(5), minutes(5)]
    );
    assert_eq!(
        mistakes("[cache]\nrecord_ttl_millis = 0\nquery_ttl_millis = -1"),
        "cache.record_ttl_millis (linac.toml): is for cache.preset = \"dax\" alone; otherwise it is cache.ttl that \
         says this\ncache.query_ttl_millis (linac.toml): must be a number from 0 to 31536000000\n\
         cache.query_ttl_millis (linac.toml): is for cache.preset = \"dax\" alone; otherwise it is cache.ttl that \
         says this"
    );
    assert_eq!(
        mistakes("[cache]\npreset = 'DAX'\nttl = '0'"),
        "cache.preset (linac.toml): must be default or dax\ncache.ttl (linac.toml): must be more than 0: say \
         \"off\" to keep nothing, or \"forever\" to keep what is right until a write or want of room ends it"
    );
}

#[test]
fn what_the_preset_of_dax_shows_is_a_configuration_again() {
    let shown = settings("[cache]\npreset = 'dax'\nrecord_ttl_millis = 0\n[tables.Music]\nttl = '1m'").show();
    for line in [
        "cache.coherence = \"ttl\"  # default: as DAX has it",
        "cache.operations.GetItem.ttl = \"forever\"  # default: cache.record_ttl_millis",
        "tables.\"Music\".negative_ttl = \"1m\"  # default: as long as ttl",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line} not in:\n{shown}");
    }
    assert_eq!(
        book(&shown),
        book("[cache]\npreset = 'dax'\nrecord_ttl_millis = 0\n[tables.Music]\nttl = '1m'")
    );
}

/// The reason of the default of `entry_bytes_max`.
#[test]
fn a_full_page_of_words_is_small_enough_to_be_kept() {
    let item = {
        let attributes: Vec<String> =
            (0..10).map(|n| format!("\"name{n}\":{{\"S\":\"ten_letter\"}}")).collect();
        format!("{{{}}}", attributes.join(","))
    };
    let size = model::json::item_from_slice(item.as_bytes()).unwrap().size();
    let page = model::limits::PAGE_BYTES_MAX / size * (item.len() + 1);
    let kept = book("").default.results.query.entry_bytes_max;
    assert!((page as u64) < kept, "{page}");
    assert!(page > model::limits::PAGE_BYTES_MAX * 17 / 10, "as the reference says: {page}");
}
