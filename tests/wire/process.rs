//! The program as a process: its life cycle and its subcommands.

use std::{process::Output, time::Duration};

use dax_door::{Layering, client::Client as Dax};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    client::{self, Client, PATIENCE, request},
    dynamo::{Dynamo, get, put},
    faults::arrived,
    node::{Process, check_descriptors, linac},
    stub::{Answer, Ending, Stub},
};

/// Runs a subcommand to its end.
pub(crate) async fn run(arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String, String) {
    let output = linac().args(arguments).envs(variables.iter().copied()).output();
    let Output { status, stdout, stderr } =
        tokio::time::timeout(PATIENCE, output).await.expect("it ends in time").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

const IN_FLIGHT: usize = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_cuts_none_of_a_thousand_requests() {
    check_descriptors(3 * IN_FLIGHT);
    let stub = Stub::with_tables(|received| async move {
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        Answer::ok(received.body).into()
    });
    let mut process = Process::before(&stub, &[], &[]).await;
    let connecting = (0..IN_FLIGHT + 1).map(|_| Client::connect(process.json));
    let mut clients = join_all(connecting).await;
    let mut idle = clients.pop().unwrap();
    // Some only read, some write, some would be cached.
    let calls = clients.iter_mut().enumerate().map(|(n, client)| {
        let operation = ["Query", "PutItem", "GetItem"][n % 3];
        let body = get("Music", &format!("k{n}"));
        async move { (client.post(operation, body.clone()).await, body) }
    });
    let terminate = async {
        let mut all = 0;
        while all < IN_FLIGHT {
            all = stub.received().len();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        process.terminate();
        process.logged("draining").await;
        let ready = client::get(process.admin, "/readyz").await;
        assert_eq!((ready.status.as_u16(), ready.body.as_ref()), (503, b"draining\n".as_ref()));
    };
    let (answers, ()) = tokio::join!(join_all(calls), terminate);
    for (answer, body) in answers {
        assert_eq!((answer.status.as_u16(), answer.body.as_ref()), (200, body.as_bytes()));
    }
    assert_eq!(process.ended().await.code(), Some(0));
    assert!(process.log().contains("\"drained\""), "{}", process.log());
    assert!(idle.try_send(request("Query", "{}")).await.is_err(), "an idle connection is closed");
    assert_eq!(stub.received().len(), IN_FLIGHT);
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let stub = Stub::start(|_| async { Ending::Silence });
    let mut process = Process::before(&stub, &[], &[]).await;
    let mut client = Client::connect(process.json).await;
    let cut_off = async {
        assert!(client.try_send(request("Query", "{}")).await.is_err(), "cut off");
    };
    let signals = async {
        arrived(&stub, "Query", 1).await;
        process.terminate();
        process.logged("draining").await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(process.is_running(), "the request is under way");
        process.terminate();
        assert_eq!(process.ended().await.code(), Some(1));
        process.logged("told twice to stop").await;
    };
    tokio::join!(cut_off, signals);
}

#[tokio::test]
async fn draining_takes_no_longer_than_it_may() {
    let stub = Stub::start(|_| async { Ending::Silence });
    let mut process = Process::before(&stub, &[], &[("LINAC__SERVER__DRAIN_TIMEOUT", "500ms")]).await;
    let mut client = Client::connect(process.json).await;
    let cut_off = async {
        assert!(client.try_send(request("Query", "{}")).await.is_err(), "cut off");
    };
    let signal = async {
        arrived(&stub, "Query", 1).await;
        process.terminate();
        let ended = tokio::time::timeout(Duration::from_secs(5), process.ended()).await;
        assert_eq!(ended.expect("in time").code(), Some(0));
        process.logged("not everything ended in time").await;
    };
    tokio::join!(cut_off, signal);
}

#[tokio::test]
async fn an_answer_that_the_dax_door_does_not_understand_is_not_in_the_log() {
    let stub = Stub::with_tables(|_| {
        std::future::ready(Ending::Answer(Answer::ok(r#"{"Item":"a-secret","Attributes":"a-secret"}"#)))
    });
    let process = Process::before(&stub, &["--log-level", "trace", "--dax", "127.0.0.1:0"], &[]).await;
    let mut client = Dax::connect(process.dax.unwrap(), Layering::Plain).await.unwrap();
    let key = json!({ "TableName": "Music", "Key": { "p": { "S": "a" } } });
    for operation in ["GetItem", "DeleteItem"] {
        client.call(operation, &key).await.unwrap_err();
    }
    process.logged("is not understood").await;
    assert!(!process.log().contains("a-secret"), "{}", process.log());
}

#[tokio::test]
async fn the_first_line_of_the_log_says_where_it_serves_and_secrets_are_not_in_it() {
    let stub = Dynamo::new().stub();
    let arguments = ["--log-level", "trace", "--region", "eu-west-3"];
    let process = Process::before(&stub, &arguments, &[]).await;
    let strong = get("Confidential", "k-secret").replace("}}}", "}},\"ConsistentRead\":true}");
    for (operation, body) in [
        ("PutItem", put("Confidential", "k-secret", 424_242)),
        ("GetItem", get("Confidential", "k-secret")),
        ("GetItem", strong),
        ("GetItem", "{\"TableName\":\"Confidential\",\"Key\":{\"p\":\"k-secret\"}}".to_owned()),
        ("Query", "{\"k-secret\":424242".to_owned()),
        ("k-secret", "{}".to_owned()),
    ] {
        process.post(operation, body).await;
    }
    process.logged("answered").await;
    let log = process.log();
    let first: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    assert_eq!(first["message"], "serving");
    assert_eq!(first["listen"], process.json.to_string());
    assert_eq!(first["admin"], process.admin.to_string());
    assert_eq!(first["origin"], stub.address.to_string());
    assert_eq!(first["region"], "eu-west-3");
    assert!(!log.contains("k-secret") && !log.contains("424242"), "{log}");
    assert!(log.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{log}");
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let stub = Dynamo::new().stub();
    let url = stub.url();
    let taken = stub.address.to_string();
    let serve = ["serve", "--upstream", &url, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    for (flag, key) in [("--listen", "json.listen"), ("--admin", "admin.listen")] {
        let mut arguments = serve.to_vec();
        let place = arguments.iter().position(|each| *each == flag).unwrap() + 1;
        arguments[place] = &taken;
        let (code, _, said) = run(&arguments, &[]).await;
        assert_eq!(code, 1);
        assert!(said.contains(&format!("cannot listen on {taken} ({key})")), "{said}");
    }
}

#[tokio::test]
async fn what_cannot_be_served_is_refused_at_once() {
    for (arguments, words) in [
        (&["serve", "--upstream", "localhost:8000"][..], "upstream.url (--upstream): must be"),
        (&["serve", "--in-memory", "--data-dir", "data"], "engine.in_memory wants none"),
        (&["serve", "--upstream", "http://127.0.0.1:9", "--in-memory"], "names another origin"),
        (&["serve", "--upstream", "aws"], "upstream.region is needed"),
        (&["serve", "--upstream", "http://127.0.0.1:9", "--listen", "0.0.0.0:0"], "--allow-remote"),
        (&["serve", "--upstream", "http://127.0.0.1:9", "--admin", "[::]:0"], "--allow-remote"),
        (&["serve", "--frobnicate"], "--frobnicate"),
        (&["serve", "--upstream", "http://127.0.0.1:9", "--config", "/nonexistent.toml"], "cannot read"),
        (&["frobnicate"], "frobnicate"),
    ] {
        let (code, _, said) = run(arguments, &[]).await;
        assert_eq!(code, 2, "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
}

/// A file that is gone when the test is over.
struct File(std::path::PathBuf);

impl File {
    fn with(name: &str, content: &str) -> File {
        let path = std::env::temp_dir().join(format!("linac-{}-{name}", std::process::id()));
        std::fs::write(&path, content).unwrap();
        File(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    fn rewrite(&self, content: &str) {
        std::fs::write(&self.0, content).unwrap();
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _already_gone = std::fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn config_check_reports_every_mistake() {
    let file =
        File::with("wrong.toml", "[cache]\nttl = \"soon\"\nmodus = \"on\"\n[upstream]\nurl = \"nowhere\"\n");
    let variables = [("LINAC__JSON__REQUEST_MAX", "1"), ("LINAC__LOG__LEVEL", "loud")];
    let (code, out, said) = run(&["config", "check", "--config", file.path()], &variables).await;
    assert_eq!((code, out.as_str()), (2, ""));
    for words in [
        "cache.ttl",
        "cache.modus",
        "did you mean cache.mode",
        "upstream.url",
        "LINAC__JSON__REQUESTS_MAX",
        "env LINAC__LOG__LEVEL",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let (code, out, said) = run(&["config", "check", "--upstream", "http://127.0.0.1:9"], &[]).await;
    assert_eq!((code, out.as_str(), said.as_str()), (0, "the configuration is right\n", ""));
}

#[tokio::test]
async fn config_show_is_a_configuration_again() {
    let arguments = ["config", "show", "--upstream", "http://127.0.0.1:9", "--cors", "https://app.example"];
    let (code, shown, _) = run(&arguments, &[("LINAC__CACHE__TTL", "1m")]).await;
    assert_eq!(code, 0);
    assert!(shown.contains("cache.ttl = \"1m\"  # env LINAC__CACHE__TTL"), "{shown}");
    let file = File::with("shown.toml", &shown);
    let (code, again, said) = run(&["config", "show", "--config", file.path()], &[]).await;
    assert_eq!(code, 0, "{said}");
    let values = |text: &str| text.parse::<toml::Table>().unwrap();
    assert_eq!(values(&again), values(&shown));
}

#[tokio::test]
async fn a_file_s_rules_of_tables_hold() {
    let file = File::with("tables.toml", "[tables.\"AuditLog\"]\ncache = \"off\"\n");
    let stub = Dynamo::new().stub();
    let process = Process::before(&stub, &["--config", file.path()], &[]).await;
    for (table, outcome) in
        [("AuditLog", "fwd=bypass; detail=table-cache-off"), ("Music", "hit; detail=negative")]
    {
        process.post("GetItem", get(table, "a")).await;
        assert_eq!(process.post("GetItem", get(table, "a")).await.outcome(), outcome);
    }
}

/// What a read of an item comes to, the second time.
async fn second_read(process: &Process, table: &str) -> String {
    process.post("GetItem", get(table, "a")).await;
    process.post("GetItem", get(table, "a")).await.outcome()
}

#[tokio::test]
async fn a_hangup_exchanges_the_rules_and_nothing_else() {
    const HIT: &str = "hit; detail=negative";
    const OFF: &str = "fwd=bypass; detail=table-cache-off";
    let file = File::with("reloaded.toml", "[tables.\"AuditLog\"]\ncache = \"off\"\n");
    let stub = Dynamo::new().stub();
    let process = Process::before(&stub, &["--config", file.path()], &[]).await;
    assert_eq!(second_read(&process, "AuditLog").await, OFF);
    assert_eq!(second_read(&process, "Music").await, HIT);
    assert_eq!(second_read(&process, "Sessions").await, HIT);
    let asked = stub.count("GetItem");

    file.rewrite("[tables.\"Music\"]\ncache = \"off\"\n[json]\nrequests_max = 7\n");
    process.hang_up();
    process.logged("rules are in force").await;
    assert!(process.log().contains("takes a restart"), "{}", process.log());
    assert!(process.log().contains("\"key\":\"json.requests_max\""), "{}", process.log());
    assert_eq!(process.post("GetItem", get("Sessions", "a")).await.outcome(), HIT, "it keeps its entries");
    assert_eq!(stub.count("GetItem"), asked);
    assert_eq!(second_read(&process, "AuditLog").await, HIT);
    assert_eq!(second_read(&process, "Music").await, OFF);

    file.rewrite("[tables.\"Music\"]\ncache = \"off\"\nttl = \"0\"\n[cash]\nttl = \"1m\"\n");
    process.hang_up();
    process.logged("the rules stay as they were").await;
    process.logged("did you mean cache?").await;
    process.logged("must be more than 0").await;
    assert_eq!(process.post("GetItem", get("Music", "a")).await.outcome(), OFF);
    assert_eq!(second_read(&process, "AuditLog").await, HIT);
}

#[tokio::test]
async fn reload_says_what_changed_or_every_mistake() {
    let file = File::with("reload.toml", "");
    let stub = Dynamo::new().stub();
    let process = Process::before(&stub, &["--config", file.path()], &[]).await;
    let admin = process.admin.to_string();
    let reload = ["reload", "--admin", &admin];
    let (code, out, said) = run(&reload, &[]).await;
    assert_eq!((code, out.as_str()), (0, "{\"rules_changed\":[],\"takes_a_restart\":[]}\n"), "{said}");

    let reserve =
        "[cache]\nttl = \"1m\"\n[tables.\"Music\"]\nreserve = \"2 MiB\"\noperations.Query.ttl = \"1s\"\n";
    file.rewrite(reserve);
    let (_, out, said) = run(&reload, &[]).await;
    let expected = serde_json::json!({
        "rules_changed": ["cache.ttl", "tables.\"Music\".operations.Query.ttl"],
        "takes_a_restart": ["tables.\"Music\".reserve"],
    });
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), expected, "{said}");
    let (_, out, _) = run(&reload, &[]).await;
    let expected = serde_json::json!({
        "rules_changed": [], "takes_a_restart": ["tables.\"Music\".reserve"],
    });
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), expected, "the restart is still to come");

    file.rewrite("[cache]\nttl = \"soon\"\nmodus = \"on\"\n");
    let (code, out, said) = run(&reload, &[]).await;
    assert_eq!((code, out.as_str()), (1, ""));
    for words in ["cache.ttl", "cache.modus", "did you mean cache.mode"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    std::fs::remove_file(file.path()).unwrap();
    let (code, _, said) = run(&reload, &[]).await;
    assert!(code == 1 && said.contains("cannot read"), "{said}");
    process.post("GetItem", get("Music", "a")).await;
    let answer = process.post("GetItem", get("Music", "a")).await;
    assert!(answer.cache().starts_with("linac; hit"), "{}", answer.cache());
}

#[tokio::test]
async fn env_prints_what_to_export() {
    let (code, out, _) = run(&["env", "--listen", "127.0.0.1:1234"], &[]).await;
    assert_eq!(code, 0);
    assert!(out.contains("export AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:1234\n"), "{out}");
    assert!(out.contains("export AWS_ENDPOINT_URL_DYNAMODB_STREAMS=http://127.0.0.1:1234\n"), "{out}");
    let (_, out, _) = run(&["env"], &[("LINAC__JSON__LISTEN", "0.0.0.0:4321")]).await;
    assert!(out.contains("=http://127.0.0.1:4321\n"), "{out}");
}

#[tokio::test]
async fn completions_are_printed() {
    for shell in ["bash", "zsh", "fish"] {
        let (code, out, _) = run(&["completions", shell], &[]).await;
        assert_eq!(code, 0);
        assert!(out.contains("print-address"));
    }
}

#[tokio::test]
async fn healthcheck_asks_a_running_node() {
    let stub = Dynamo::new().stub();
    let mut process = Process::before(&stub, &[], &[]).await;
    let admin = process.admin.to_string();
    assert_eq!(run(&["healthcheck", "--admin", &admin], &[]).await.0, 0);
    assert_eq!(run(&["healthcheck"], &[("LINAC__ADMIN__LISTEN", &admin)]).await.0, 0);
    process.terminate();
    assert_eq!(process.ended().await.code(), Some(0));
    let (code, _, said) = run(&["healthcheck", "--admin", &admin], &[]).await;
    assert_eq!(code, 1);
    assert!(said.contains("cannot connect to the admin port"), "{said}");
}

#[tokio::test]
async fn purge_makes_a_running_node_forget() {
    let stub = Dynamo::new().stub();
    let process = Process::before(&stub, &[], &[]).await;
    let admin = process.admin.to_string();
    let key = r#"{"p":{"S":"a"}}"#;
    for what in [&["--all"][..], &["--table", "Music"], &["--table", "Music", "--key", key]] {
        process.post("GetItem", get("Music", "a")).await;
        assert_eq!(process.post("GetItem", get("Music", "a")).await.outcome(), "hit; detail=negative");
        let (code, out, said) = run(&[&["purge", "--admin", &admin], what].concat(), &[]).await;
        assert_eq!(code, 0, "{said}");
        let answer: Value = serde_json::from_str(&out).unwrap();
        assert!(answer["entries"] == 1 && answer["purged"].is_string(), "{what:?}: {out}");
        assert_eq!(
            process.post("GetItem", get("Music", "a")).await.outcome(),
            "fwd=miss; stored",
            "{what:?}"
        );
    }
    for (what, expected, words) in [
        (&["--table", "Music", "--key", "p=a"][..], 2, "--key is not JSON"),
        (&["--table", "Music", "--key", "{}"], 1, "not a primary key of Music"),
        (&["--table", "a b"], 1, "no table name"),
        (&["--table", "Music", "--index", "None"], 1, "no index None"),
        (&[], 2, "required"),
    ] {
        let (code, _, said) = run(&[&["purge", "--admin", &admin], what].concat(), &[]).await;
        assert_eq!(code, expected, "{what:?}: {said}");
        assert!(said.contains(words), "{what:?}: {said}");
    }
}

#[tokio::test]
async fn explain_says_what_becomes_of_a_request_and_by_whose_word() {
    let file = File::with(
        "explained.toml",
        "[cache.operations.GetItem]\nttl = \"7m\"\n[tables.\"Music\"]\nnegative_ttl = \"3m\"\n",
    );
    let stub = Dynamo::new().stub();
    let process = Process::before(&stub, &["--config", file.path()], &[]).await;
    let admin = process.admin.to_string();
    let explain = async |operation: &str, request: &str| {
        let (code, out, said) = run(&["explain", "--admin", &admin, operation, request], &[]).await;
        assert_eq!(code, 0, "{said}");
        serde_json::from_str::<Value>(&out).unwrap()
    };
    let request = get("Music", "a");
    let told = explain("GetItem", &request).await;
    assert_eq!((&told["answered_by"], &told["why"]), (&"origin".into(), &"not-held".into()), "{told}");
    process.post("GetItem", request.clone()).await;
    let told = explain("GetItem", &request).await;
    assert_eq!((&told["answered_by"], &told["why"]), (&"cache".into(), &"negative-hit".into()), "{told}");
    assert_eq!((&told["rule"]["ttl"], &told["rule"]["negative_ttl"]), (&"7m".into(), &"3m".into()));
    let sources = &told["sources"];
    assert_eq!(sources["ttl"], format!("cache.operations.GetItem.ttl ({})", file.path()));
    assert_eq!(sources["negative_ttl"], format!("tables.\"Music\".negative_ttl ({})", file.path()));
    assert_eq!(sources["coherence"], "cache.coherence (default)");
    assert_eq!(stub.count("GetItem"), 1);
    let (code, _, said) = run(&["explain", "--admin", &admin, "GetItem", "Id=1"], &[]).await;
    assert!(code == 2 && said.contains("not JSON"), "{said}");
}

#[tokio::test]
async fn results_outlive_writes_with_the_preset_of_dax_and_with_no_other() {
    let query = serde_json::json!({
        "TableName": "Music", "KeyConditionExpression": "p = :p",
        "ExpressionAttributeValues": { ":p": { "S": "a" } },
    });
    let version = |items: &Value| items["Items"][0]["v"]["N"].as_str().map(str::to_owned);
    for (preset, outcome, seen) in [("dax", "hit", "1"), ("default", "fwd=miss; stored", "2")] {
        let process = Process::start(&["--in-memory"], &[("LINAC__CACHE__PRESET", preset)]).await;
        process.post("CreateTable", music().to_string()).await;
        process.post("PutItem", put("Music", "a", 1)).await;
        for operation in ["Query", "Scan"] {
            let body = if operation == "Query" {
                query.clone()
            } else {
                serde_json::json!({ "TableName": "Music" })
            };
            process.post(operation, body.to_string()).await;
        }
        assert_eq!(process.post("Query", query.to_string()).await.outcome(), "hit", "{preset}");
        process.post("PutItem", put("Music", "a", 2)).await;
        let answer = process.post("Query", query.to_string()).await;
        assert_eq!(answer.outcome(), outcome, "{preset}");
        assert_eq!(version(&answer.json()).as_deref(), Some(seen), "{preset}");
        let scan = process.post("Scan", "{\"TableName\":\"Music\"}").await;
        assert_eq!(scan.outcome() == "hit", preset == "dax", "{}", scan.outcome());
        // Items are never behind what was written, in either.
        let item = process.post("GetItem", get("Music", "a")).await;
        assert_eq!(item.json()["Item"]["v"]["N"], "2", "{preset}");
    }
}

/// The definition of the table `Music`.
fn music() -> Value {
    serde_json::json!({
        "TableName": "Music", "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{ "AttributeName": "p", "KeyType": "HASH" }],
        "AttributeDefinitions": [{ "AttributeName": "p", "AttributeType": "S" }],
    })
}

#[tokio::test]
async fn warm_reads_keys_or_a_table_into_the_cache_of_a_running_node() {
    let process = Process::start(&["--in-memory"], &[]).await;
    let listen = process.json.to_string();
    assert_eq!(process.post("CreateTable", music().to_string()).await.status.as_u16(), 200);
    let names: Vec<String> = (0..250).map(|n| format!("k{n}")).collect();
    for name in &names {
        assert_eq!(process.post("PutItem", put("Music", name, 1)).await.status.as_u16(), 200);
    }
    let admin = process.admin.to_string();
    let forget = async || assert_eq!(run(&["purge", "--admin", &admin, "--all"], &[]).await.0, 0);
    let outcome = async |key: &str| process.post("GetItem", get("Music", key)).await.outcome();

    forget().await;
    let warm = ["warm", "--listen", &listen, "--table", "Music", "--rate", "100000"];
    let (code, out, said) = run(&[&warm[..], &["--scan", "--segments", "3"]].concat(), &[]).await;
    assert_eq!((code, out.as_str()), (0, "{\"items\":250,\"keys\":250,\"unprocessed\":0}\n"), "{said}");
    for name in &names {
        assert_eq!(outcome(name).await, "hit", "{name}");
    }

    forget().await;
    let key = |name: &str| format!("{{\"p\": {{\"S\": \"{name}\"}}}}\n");
    let file = File::with("keys.jsonl", &(key("k1") + "\n" + &key("k2") + &key("k1") + &key("none")));
    let (code, out, said) = run(&[&warm[..], &["--keys", file.path()]].concat(), &[]).await;
    assert_eq!((code, out.as_str()), (0, "{\"items\":2,\"keys\":3,\"unprocessed\":0}\n"), "{said}");
    assert_eq!(outcome("k2").await, "hit");
    assert_eq!(outcome("none").await, "hit; detail=negative");
    assert_eq!(outcome("k3").await, "fwd=miss; stored");

    file.rewrite(&(key("k1") + "p = k2\n"));
    let (code, _, said) = run(&[&warm[..], &["--keys", file.path()]].concat(), &[]).await;
    assert!(code == 1 && said.contains("line 2: not a key"), "{said}");
    file.rewrite("{\"q\": {\"S\": \"k1\"}}\n");
    let (code, _, said) = run(&[&warm[..], &["--keys", file.path()]].concat(), &[]).await;
    assert!(code == 1 && said.contains("BatchGetItem: 400 ValidationException"), "{said}");
    let unheard = ["warm", "--listen", &listen, "--table", "Unheard", "--scan"];
    let (code, _, said) = run(&unheard, &[]).await;
    assert!(code == 1 && said.contains("ResourceNotFoundException"), "{said}");
}

#[tokio::test]
async fn a_read_only_node_passes_on_reads_alone() {
    let stub = Dynamo::new().stub();
    let process = Process::before(&stub, &["--read-only"], &[]).await;
    for operation in ["PutItem", "UpdateItem", "CreateTable", "TagResource", "ExecuteStatement", "Frobnicate"]
    {
        let answer = process.post(operation, put("Music", "a", 1)).await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "AccessDeniedException"));
    }
    assert!(stub.received().is_empty());
    assert_eq!(process.post("GetItem", get("Music", "a")).await.outcome(), "fwd=miss; stored");
    assert_eq!(process.post("GetItem", get("Music", "a")).await.outcome(), "hit; detail=negative");
    assert_eq!(process.post("Scan", "{}").await.error(), "ValidationException");
}
