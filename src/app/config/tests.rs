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
cache.ttl (linac.toml): must be more than 0: say \"off\" to keep nothing, or \"forever\" to keep what is right \
until a write or want of room ends it
tables.\"Music\".negative_ttl (linac.toml): must be off, forever, or a duration: not a duration such as 250ms, 30s \
or 5m: expected number at 0
tables.\"a b\" (linac.toml): a name has 3 to 255 characters out of a-z, A-Z, 0-9, '_', '-' and '.'
cache.mode (env LINAC__CACHE__MODE): must be on, shadow or off
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

fn dax(settings: &[(&str, &str)]) -> Result<Option<DaxConfig>, String> {
    Config::of(settings).map(|config| config.dax).map_err(|mistakes| mistakes.to_string())
}

#[test]
fn the_door_of_dax_is_open_where_it_listens() {
    assert!(dax(&[]).unwrap().is_none());
    let open = dax(&[("dax.listen", "127.0.0.1:8111"), ("dax.nodes", "10.0.0.2, 10.0.0.3 zone=b")]);
    let open = open.unwrap().unwrap();
    assert_eq!((open.listen.map(|address| address.port()), open.tls_listen), (Some(8111), None));
    assert_eq!(open.door.lists.directory, Some("linac-data/dax".into()));
    assert_eq!(open.door.roster.others.len(), 2);
    assert_eq!((open.door.leave_time, open.door.tls), (Duration::from_secs(10), None));
    let both = dax(&[
        ("dax.tls_listen", "127.0.0.1:9111"),
        ("dax.tls_certificate", "c.pem"),
        ("dax.tls_key", "k.pem"),
        ("dax.nodes_authorities", "ca.pem"),
        ("engine.in_memory", "true"),
    ]);
    let both = both.unwrap().unwrap();
    assert_eq!((both.listen, both.door.lists.directory), (None, None));
    let tls = both.door.tls.unwrap();
    assert_eq!(tls.key, PathBuf::from("k.pem"));
    assert_eq!(tls.nodes.map(|nodes| (nodes.authorities, nodes.name)), Some(("ca.pem".into(), None)));
    let proxy = dax(&[("dax.listen", "127.0.0.1:0"), ("upstream.url", "http://a")]).unwrap().unwrap();
    assert_eq!(proxy.door.lists.directory, None);
}

#[test]
fn mistakes_about_the_door_of_dax_are_named() {
    let check = |settings: &[(&str, &str)], expected: &str| {
        let wrong = dax(&[&[("dax.listen", "127.0.0.1:8111")], settings].concat()).map(drop).unwrap_err();
        assert!(wrong.contains(expected), "{wrong}");
    };
    check(&[("dax.tls_listen", "127.0.0.1:9111")], "dax.tls_certificate is needed");
    check(&[("dax.tls_key", "k.pem")], "is for dax.tls_listen, which is not set");
    check(&[("dax.leave_time", "30s")], "must be less than server.drain_timeout");
    check(&[("dax.nodes_authorities", "ca.pem")], "is for dax.tls_listen, which is not set");
    check(&[("dax.nodes_name", "dax.example")], "is for dax.nodes_authorities, which is not set");
    check(&[("dax.role", "replica")], "without a leader");
    check(&[("dax.nodes", "10.0.0.2 leader")], "more than one leader");
    check(&[("dax.nodes", "node2.example")], "must begin with an IP address");
    check(&[("dax.advertise", "10.0.0.1:8111")], "must begin with an IP address");
    check(&[("dax.request_bytes_max", "1 MiB")], "must be at least 16 MiB");
    let remote = [("dax.listen", "0.0.0.0:8111")];
    assert!(dax(&remote).unwrap_err().contains("--allow-remote"));
    assert!(dax(&[remote[0], ("dax.access_keys", "keys")]).is_ok(), "somebody has to authenticate");
    assert!(dax(&[remote[0], ("json.allow_remote", "true")]).is_ok());
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
    let table = |rule: cache::Rule| cache::TableRule::new(cache::Rule { entry_bytes_max: 2 << 20, ..rule });
    assert_eq!(rules.default, table(rule(60, 10)));
    assert_eq!(rules.tables["Music"], table(rule(60, 1)));
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
        ..from_file(
            "[tables.\"my.table\"]\nttl = \"1m\"\nrefresh_ahead = 0.5\n[cache.operations.Scan]\ncache = \"on\"",
        )
    };
    let shown = Settings::merge(&sources).show();
    assert!(
        shown.contains("cache.bytes_max = \"4 GiB\"  # default: half the memory limit, 8 GiB"),
        "{shown}"
    );
    let again = Settings::merge(&from_file(&shown));
    let values = |shown: &str| -> Vec<String> {
        shown.lines().map(|line| line.split("  # ").next().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(values(&again.show()), values(&shown));
    assert!(again.show().contains("tables.\"my.table\".ttl = \"1m\"  # linac.toml"));
    assert!(again.show().contains("tables.\"my.table\".refresh_ahead = 0.5  # linac.toml"));
    assert_eq!(
        again.resolve().unwrap().cache.rules,
        Settings::merge(&sources).resolve().unwrap().cache.rules
    );
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
    for key in keys::RULE_KEYS {
        let name = key.name;
        assert!(REFERENCE.contains(&format!("\n# {name} = ")), "{name} is not in the reference");
    }
    // The sections of rules are only shown; they must be right as well, and leave everything as it is.
    let (_, rules) = REFERENCE.split_once("\n# Rules of operations").unwrap();
    let is_toml = |line: &&str| (line.starts_with('[') && line.ends_with(']')) || line.contains(" = ");
    let rules: Vec<&str> = rules.lines().filter_map(|line| line.strip_prefix("# ")).filter(is_toml).collect();
    let shown = Settings::merge(&from_file(&rules.join("\n")));
    assert_eq!(shown.mistakes, []);
    let kinds = |wanted: fn(&Place) -> bool| shown.layers.rules().keys().any(wanted);
    assert!(kinds(|place| place.table.is_none()), "of all tables");
    assert!(kinds(|place| place.index.is_some() && place.operation.is_some()), "of all kinds");
    for key in keys::RULE_KEYS.iter().filter(|key| key.name != "reserve") {
        let written = shown.layers.rule(&Place::of_table("Music"), key.name).unwrap();
        if let Some(Key { preset: Preset::Value(text), .. }) = Key::find(&format!("cache.{}", key.name)) {
            assert_eq!(written.text, *text, "{}", key.name);
        }
    }
    shown.resolve().unwrap();
}

#[test]
fn the_example_is_right() {
    assert_eq!(mistakes(&from_file(PROXY)), "");
    assert_eq!(mistakes(&from_file(STANDALONE)), "");
}
