use std::path::PathBuf;

use super::*;

const REFERENCE: &str = include_str!("../../../config/reference.toml");
const PROXY: &str = include_str!("../../../config/proxy.toml");
const STANDALONE: &str = include_str!("../../../config/standalone.toml");

fn from_file(content: &str) -> Sources {
    Sources { file: Some((PathBuf::from("linac.toml"), content.to_owned())), ..Sources::default() }
}

/// The mistakes in `sources`, one a line.
fn mistakes(sources: &Sources) -> String {
    Settings::merge(sources).resolve().map_or_else(|mistakes| mistakes.to_string(), |_| String::new())
}

#[test]
fn nothing_is_needed() {
    let config = Config::of(&[]).unwrap();
    let Origin::Bundled(engine) = &config.origin else { panic!("{:?}", config.origin) };
    assert_eq!(engine.store.place, engine::Place::Directory("linac-data".into()));
    assert_eq!(engine.store.sync, engine::SyncPolicy::EachCommit);
    assert_eq!(engine.item_collection_bytes_max, model::limits::ITEM_COLLECTION_BYTES_MAX);
    assert_eq!(engine.ttl_sweep, Some(Duration::from_secs(10)));
    assert_eq!(config.cache.settle, Duration::ZERO);
    let config = Config::of(&[("upstream.url", "http://127.0.0.1:8001")]).unwrap();
    let Origin::Remote(upstream) = &config.origin else { panic!("{:?}", config.origin) };
    assert_eq!(config.cache.settle, Duration::from_secs(2));
    assert_eq!(config.json_listen.to_string(), "127.0.0.1:8000");
    assert_eq!(config.region, "us-east-1");
    assert_eq!(config.json.healthy_name, "dynamodb.us-east-1.amazonaws.com");
    assert_eq!(config.cache.rules.default.get_item.ttl, cache::Ttl::For(Duration::from_secs(300)));
    assert_eq!(config.cache.fill_timeout, upstream.timeout);
    assert!(config.json.cors.is_empty() && !config.server.read_only);
}

#[test]
fn expired_items_are_looked_for_every_so_often_or_not_at_all() {
    let sweep = |text: &str| {
        let config = Config::of(&[("engine.ttl_sweep", text)]).map_err(|mistakes| mistakes.to_string())?;
        let Origin::Bundled(engine) = config.origin else { panic!("{:?}", config.origin) };
        Ok::<_, String>(engine.ttl_sweep)
    };
    assert_eq!(sweep("1m"), Ok(Some(Duration::from_secs(60))));
    assert_eq!(sweep("off"), Ok(None));
    for wrong in ["0s", "never"] {
        assert!(sweep(wrong).unwrap_err().contains("must be a duration of more than 0, or off"), "{wrong}");
    }
}

#[test]
fn a_dead_upstream_is_left_alone_unless_that_is_off_and_reads_are_hedged_if_that_is_on() {
    let upstream = |settings: &[(&str, &str)]| {
        let config = Config::of(&[&[("upstream.url", "http://a")], settings].concat());
        let Origin::Remote(upstream) = config.map_err(|mistakes| mistakes.to_string())?.origin else {
            unreachable!("there is an upstream")
        };
        Ok::<_, String>((upstream.breaker, upstream.hedge))
    };
    let cool_down = Duration::from_secs(5);
    let breaker = upstream::BreakerConfig { failure_share: 0.5, requests_min: 20, cool_down };
    assert_eq!(upstream(&[]), Ok((Some(breaker.clone()), None)));
    let hedge = upstream::HedgeConfig { budget: 0.02 };
    let set = [("upstream.breaker", "off"), ("upstream.hedge", "p95")];
    assert_eq!(upstream(&set), Ok((None, Some(hedge))));
    let set = [("upstream.breaker_failure_share", "1"), ("upstream.breaker_requests_min", "5")];
    assert_eq!(
        upstream(&set),
        Ok((Some(upstream::BreakerConfig { failure_share: 1.0, requests_min: 5, ..breaker }), None))
    );
    for (path, wrong, expected) in [
        ("upstream.breaker", "yes", "must be on or off"),
        ("upstream.breaker_failure_share", "0", "must be a number from 0.01 to 1"),
        ("upstream.breaker_requests_min", "0", "must be a number from 1 to 10000000"),
        ("upstream.breaker_cool_down", "0s", "must be more than 0"),
        ("upstream.hedge", "p99", "must be off or p95"),
        ("upstream.hedge_budget", "2", "must be a number from 0 to 1"),
    ] {
        assert_eq!(upstream(&[(path, wrong)]), Err(format!("{path} (--{path}): {expected}")));
    }
}

#[test]
fn there_is_one_origin_and_one_place() {
    let check = |settings: &[(&'static str, &str)], expected: &str| {
        let flags = settings.iter().map(|(path, text)| (*path, (*text).to_owned())).collect();
        assert_eq!(mistakes(&Sources { flags, ..Sources::default() }), expected);
    };
    let (url, directory) = (("upstream.url", "http://127.0.0.1:1"), ("engine.data_dir", "d"));
    let in_memory = ("engine.in_memory", "true");
    check(&[directory], "");
    check(&[in_memory], "");
    check(
        &[directory, in_memory],
        "engine.data_dir (--data-dir): names a directory, and engine.in_memory wants none",
    );
    for (path, flag) in
        [(directory, "engine.data_dir (--data-dir)"), (in_memory, "engine.in_memory (--in-memory)")]
    {
        let wrong = "is for the bundled engine, and upstream.url names another origin";
        check(&[url, path], &format!("{flag}: {wrong}"));
    }
}

#[test]
fn flags_beat_variables_beat_the_file_beats_defaults() {
    let check = |file: Option<&str>, variable: Option<&str>, flag: Option<&str>, expected: &str| {
        let file = file.map(|level| (PathBuf::from("linac.toml"), format!("[log]\nlevel = \"{level}\"")));
        let variables = variable.map(|level| ("LINAC__LOG__LEVEL".to_owned(), level.to_owned()));
        let flags = flag.map(|level| ("log.level", level.to_owned()));
        let sources = Sources {
            file,
            variables: variables.into_iter().collect(),
            flags: flags.into_iter().collect(),
            memory_limit: None,
        };
        let shown = Settings::merge(&sources).show();
        assert!(shown.lines().any(|line| line == expected), "{expected} not in:\n{shown}");
    };
    check(None, None, None, "log.level = \"info\"  # default");
    check(Some("warn"), None, None, "log.level = \"warn\"  # linac.toml");
    check(Some("warn"), Some("debug"), None, "log.level = \"debug\"  # env LINAC__LOG__LEVEL");
    check(Some("warn"), Some("debug"), Some("trace"), "log.level = \"trace\"  # --log-level");
}

#[test]
fn every_mistake_is_reported_with_its_place() {
    let mut sources = from_file(
        r#"
        stray = 1
        [json]
        listen = "0.0.0.0:8000"
        request_bytes_max = "1 MiB"
        cors = ["https://a.example", 1]
        [cache]
        tll = "1m"
        ttl = "0"
        jitter = 2
        doubt = "10s"
        [cash]
        ttl = "1m"
        [tables."Music"]
        negative_ttl = "never"
        cach = "off"
        [tables."a b"]
        cache = "off"
        "#,
    );
    sources.variables =
        vec![("LINAC__UPSTREAM__URI".into(), "x".into()), ("LINAC__CACHE__MODE".into(), "yes".into())];
    sources.flags = vec![("upstream.url", "127.0.0.1:8001".into())];
    let expected = "\
cache.tll (linac.toml): no such setting; did you mean cache.ttl?
cash (linac.toml): no such setting; did you mean cache?
json.cors (linac.toml): must be a list of texts in quotes
stray (linac.toml): is not in a section
tables.\"Music\".cach (linac.toml): no such setting; did you mean tables.\"Music\".cache?
env LINAC__UPSTREAM__URI: no such setting; did you mean LINAC__UPSTREAM__URL?
upstream.url (--upstream): must be \"aws\", or http:// or https:// with a host and nothing behind it
json.request_bytes_max (linac.toml): must be at least 16 MiB
cache.ttl (linac.toml): must be more than 0; to cache nothing, say off
cache.mode (env LINAC__CACHE__MODE): must be on or off
tables.\"Music\".negative_ttl (linac.toml): not a duration such as 250ms, 30s or 5m: expected number at 0
tables.\"a b\" (linac.toml): a name has 3 to 255 characters out of a-z, A-Z, 0-9, '_', '-' and '.'
cache.jitter (linac.toml): must be a number from 0 to 1
json.listen (linac.toml): can be reached from beyond this machine, and nobody has to authenticate: \
if that is meant, add --allow-remote or json.allow_remote = true
cache.doubt (linac.toml): must not be less than upstream.timeout: a write may be applied until then";
    let found = mistakes(&sources);
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(found, expected);
}

#[test]
fn a_file_that_is_no_toml_is_one_mistake() {
    let sources = Sources { flags: vec![("upstream.url", "http://a".into())], ..from_file("[json\n") };
    let found = mistakes(&sources);
    assert!(found.starts_with("linac.toml: ") && found.contains("line 1"), "{found}");
}

#[test]
fn aws_needs_a_region() {
    let found = Config::of(&[("upstream.url", "aws")]).unwrap_err().to_string();
    assert!(found.starts_with("upstream.region is needed"), "{found}");
    let config = Config::of(&[("upstream.url", "https://dynamodb.eu-west-1.amazonaws.com")]).unwrap();
    assert_eq!(config.region, "eu-west-1");
}

#[test]
fn listening_for_everybody_has_to_be_meant() {
    let check = |key: &str, address: &str, is_meant: &str, is_right: bool| {
        let settings = [("upstream.url", "http://a"), (key, address), ("json.allow_remote", is_meant)];
        assert_eq!(Config::of(&settings).is_ok(), is_right, "{key} {address} {is_meant}");
    };
    check("json.listen", "127.0.0.1:0", "false", true);
    check("json.listen", "[::1]:0", "false", true);
    check("json.listen", "[::ffff:127.0.0.1]:0", "false", true);
    check("json.listen", "0.0.0.0:0", "false", false);
    check("json.listen", "[::]:0", "false", false);
    check("json.listen", "0.0.0.0:0", "true", true);
    check("admin.listen", "10.0.0.1:0", "false", false);
    check("admin.listen", "10.0.0.1:0", "true", true);
}

#[test]
fn a_table_takes_what_it_does_not_say_from_the_cache_section() {
    let sources = Sources {
        flags: vec![("upstream.url", "http://a".into())],
        ..from_file(
            "[cache]\nttl = \"1m\"\n[tables.\"Music\"]\nnegative_ttl = \"1s\"\n[tables.Log]\ncache = \"off\"",
        )
    };
    let config = Settings::merge(&sources).resolve().unwrap();
    let seconds = |seconds| cache::Ttl::For(Duration::from_secs(seconds));
    let rule = |ttl, negative_ttl| cache::Rule::new(seconds(ttl), seconds(negative_ttl));
    let rules = config.cache.rules;
    assert_eq!(rules.default, cache::TableRule::new(rule(60, 10)));
    assert_eq!(rules.tables["Music"], cache::TableRule::new(rule(60, 1)));
    assert!(!rules.tables["Log"].get_item.is_on());
}

#[test]
fn what_is_shown_is_a_configuration_again() {
    let sources = Sources {
        memory_limit: Some(8 << 30),
        flags: vec![
            ("upstream.url", "http://a".into()),
            ("json.cors", "https://a.example,https://b.example".into()),
        ],
        ..from_file("[tables.\"my.table\"]\nttl = \"1m\"")
    };
    let shown = Settings::merge(&sources).show();
    assert!(
        shown.contains("cache.bytes_max = \"4 GiB\"  # default: half the memory limit, 8 GiB"),
        "{shown}"
    );
    let again = Settings::merge(&from_file(&shown));
    assert_eq!(again.show().replace("linac.toml", "-").lines().count(), shown.lines().count());
    assert!(again.show().contains("tables.\"my.table\".ttl = \"1m\"  # linac.toml"));
    again.resolve().unwrap();
}

#[test]
fn the_reference_names_every_key_with_its_default() {
    let reference = Settings::merge(&from_file(REFERENCE));
    assert_eq!(reference.mistakes, [], "the reference has keys that are none");
    for key in KEYS {
        let (section, name) = key.path.split_once('.').unwrap();
        match key.preset {
            Preset::Value(text) => {
                let written = reference.layers.value(key.path).unwrap();
                assert_eq!(written.text, text, "{}", key.path);
                assert!(matches!(written.source, Source::File(_)), "{} is not in the reference", key.path);
            }
            Preset::Found(_) => {
                let section = REFERENCE.split(&format!("\n[{section}]\n")).nth(1).unwrap_or_default();
                let section = section.split("\n[").next().unwrap_or_default();
                let is_named = section.lines().any(|line| line.starts_with(&format!("# {name} = ")));
                assert!(is_named, "{} is not in the reference", key.path);
            }
        }
    }
    for key in keys::TABLE_KEYS {
        assert!(REFERENCE.contains(&format!("\n# {key} = ")), "tables.NAME.{key} is not in the reference");
    }
}

#[test]
fn the_example_is_right() {
    assert_eq!(mistakes(&from_file(PROXY)), "");
    assert_eq!(mistakes(&from_file(STANDALONE)), "");
}
