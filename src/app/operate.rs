//! The subcommands around a node: everything but serving.

use std::{
    future::Future,
    io::{self, ErrorKind, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use base::Clock;
use serde_json::{Value, json};

use crate::{
    Failed,
    cli::{Cli, ConfigCommand, Env, Explain, Healthcheck, Node, Purge, Reload, Shell},
    config::Settings,
};

/// For a running node to answer: a purge walks the cache.
pub(crate) const ANSWER_PATIENCE: Duration = Duration::from_secs(10);
/// DAX's port.
const DAX_ADDRESS: &str = "127.0.0.1:8111";
/// For a table to be described: what a read would wait for, a second.
const EXPLAIN_ATTEMPTS: u32 = 10;
const EXPLAIN_PAUSE: Duration = Duration::from_millis(100);

/// `linac config check|show`.
///
/// # Errors
/// All mistakes in the configuration.
pub fn config(command: ConfigCommand) -> Result<(), Failed> {
    match command {
        ConfigCommand::Check(args) => {
            Settings::read(args.config.as_deref(), args.flags)?.resolve()?;
            print("the configuration is right\n")
        }
        ConfigCommand::Show(args) => {
            let settings = Settings::read(args.config.as_deref(), args.flags)?;
            print(&settings.show())?;
            settings.resolve()?;
            Ok(())
        }
    }
}

/// `linac env`.
///
/// # Errors
/// When no address is given and the configured one is no address.
pub fn env(args: &Env) -> Result<(), Failed> {
    if args.dax {
        return print(&dax_variables(args.shell, &dax_endpoint(args.listen)?));
    }
    let address = address_of(args.listen, "json.listen")?;
    print(&variables(args.shell, &format!("http://{address}")))
}

/// `linac purge`.
///
/// # Errors
/// When the key is not JSON, the node cannot be reached, or it refuses.
pub fn purge(args: &Purge) -> Result<(), Failed> {
    let request = purge_request(args).map_err(Failed::Usage)?;
    let node = node_address(&args.node)?;
    let answer = on_this_thread(admin_door::act(node, "purge", &request, ANSWER_PATIENCE))?;
    print(&format!("{answer}\n"))
}

/// `linac explain`.
///
/// # Errors
/// When the request is not JSON, the node cannot be reached, or it refuses.
pub fn explain(args: &Explain) -> Result<(), Failed> {
    let request: Value = serde_json::from_str(&args.request)
        .map_err(|error| Failed::Usage(format!("the request is not JSON: {error}")))?;
    let request = json!({ "operation": args.operation, "request": request });
    let node = node_address(&args.node)?;
    let answer = on_this_thread(async {
        let clock = Clock::start();
        let mut answer = admin_door::act(node, "explain", &request, ANSWER_PATIENCE).await?;
        // The node has begun to learn what it did not know of the table.
        for _ in 0..EXPLAIN_ATTEMPTS {
            if answer["ask_again"] != true {
                break;
            }
            clock.sleep(EXPLAIN_PAUSE).await;
            answer = admin_door::act(node, "explain", &request, ANSWER_PATIENCE).await?;
        }
        Ok(answer)
    })?;
    print(&format!("{answer:#}\n"))
}

/// `linac reload`.
///
/// # Errors
/// When the node cannot be reached, or finds mistakes in its configuration.
pub fn reload(args: &Reload) -> Result<(), Failed> {
    let node = node_address(&args.node)?;
    let answer = on_this_thread(admin_door::act(node, "reload", &json!({}), ANSWER_PATIENCE))?;
    print(&format!("{answer}\n"))
}

/// `linac healthcheck`.
///
/// # Errors
/// When the node does not answer that it lives.
pub fn healthcheck(args: &Healthcheck) -> Result<(), Failed> {
    let node = node_address(&args.node)?;
    on_this_thread(admin_door::check_health(node, ANSWER_PATIENCE))
}

/// `linac completions`.
///
/// # Errors
/// When they cannot be written.
pub fn completions(shell: clap_complete::Shell) -> Result<(), Failed> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::description(), "linac", &mut script);
    print(&String::from_utf8_lossy(&script))
}

impl Shell {
    fn assign(self, name: &str, value: &str) -> String {
        match self {
            Shell::Sh => format!("export {name}={value}"),
            Shell::Fish => format!("set -gx {name} {value}"),
            Shell::Powershell => format!("$env:{name} = \"{value}\""),
        }
    }
}

/// The endpoint that DAX's clients are given: as asked, else as configured, without TLS where both are.
fn dax_endpoint(given: Option<SocketAddr>) -> Result<String, Failed> {
    if let Some(address) = given {
        return Ok(format!("dax://{}", reachable(address)));
    }
    let settings = Settings::read(None, Vec::new())?;
    for (key, scheme) in [("dax.listen", "dax"), ("dax.tls_listen", "daxs")] {
        if settings.text(key).is_some() {
            return Ok(format!("{scheme}://{}", address_of(None, key)?));
        }
    }
    Ok(format!("dax://{DAX_ADDRESS}"))
}

fn dax_variables(shell: Shell, endpoint: &str) -> String {
    let mut lines = vec![
        "# DAX's clients read no variable for their endpoint: the application hands it to them.".to_owned(),
        shell.assign("DAX_ENDPOINT", endpoint),
    ];
    if endpoint.starts_with("daxs:") {
        lines.push("# They have to trust the certificate: for Python and Go, and for Node.".to_owned());
        for name in ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"] {
            lines.push(format!("# {}", shell.assign(name, "ca.pem")));
        }
    }
    lines.push(
        "# They sign with some credentials for some region, whatever they are, unless dax.access_keys is set."
            .to_owned(),
    );
    lines.extend(placeholders(shell));
    lines.join("\n") + "\n"
}

/// What clients will not do without, as comments.
fn placeholders(shell: Shell) -> impl Iterator<Item = String> {
    let variables =
        [("AWS_ACCESS_KEY_ID", "local"), ("AWS_SECRET_ACCESS_KEY", "local"), ("AWS_REGION", "us-east-1")];
    variables.into_iter().map(move |(name, value)| format!("# {}", shell.assign(name, value)))
}

fn variables(shell: Shell, url: &str) -> String {
    let endpoints = ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_DYNAMODB_STREAMS"];
    let mut lines: Vec<String> = endpoints.into_iter().map(|name| shell.assign(name, url)).collect();
    lines.push(
        "# SDKs need some credentials and a region, whatever they are: the node signs with its own.".into(),
    );
    lines.extend(placeholders(shell));
    lines.join("\n") + "\n"
}

fn purge_request(args: &Purge) -> Result<Value, String> {
    let Some(table) = &args.table else { return Ok(json!({ "all": true })) };
    if let Some(index) = &args.index {
        return Ok(json!({ "table": table, "index": index }));
    }
    let Some(key) = &args.key else { return Ok(json!({ "table": table })) };
    let key: Value = serde_json::from_str(key).map_err(|error| format!("--key is not JSON: {error}"))?;
    Ok(json!({ "table": table, "key": key }))
}

pub(crate) fn node_address(node: &Node) -> Result<SocketAddr, Failed> {
    address_of(node.admin, "admin.listen")
}

/// A node's address as given, or as the environment and the defaults have it; one to connect to.
pub(crate) fn address_of(given: Option<SocketAddr>, key: &str) -> Result<SocketAddr, Failed> {
    let address = match given {
        Some(address) => address,
        None => {
            let settings = Settings::read(None, Vec::new())?;
            let text = settings.text(key).unwrap_or_default();
            text.trim().parse().map_err(|_| Failed::Usage(format!("{key} is not an address: {text}")))?
        }
    };
    Ok(reachable(address))
}

/// Whoever listens on all addresses is reached on loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Carries out one exchange with a running node.
pub(crate) fn on_this_thread<T>(
    exchange: impl Future<Output = Result<T, admin_door::ClientError>>,
) -> Result<T, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failed::Other(format!("cannot start: {error}")))?;
    runtime.block_on(exchange).map_err(|error| Failed::Other(error.to_string()))
}

/// Writes to stdout. A reader that has seen enough (`linac config show | head`) is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failed> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failed::Other(format!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shell_sets_variables_in_its_way() {
        let check = |shell, expected: [&str; 2]| {
            let text = variables(shell, "http://127.0.0.1:8000");
            let (set, comments) = text.lines().partition::<Vec<_>, _>(|line| !line.starts_with('#'));
            assert_eq!(set, expected);
            assert!(comments.iter().any(|comment| comment.contains("AWS_ACCESS_KEY_ID")), "{text}");
        };
        check(
            Shell::Sh,
            [
                "export AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:8000",
                "export AWS_ENDPOINT_URL_DYNAMODB_STREAMS=http://127.0.0.1:8000",
            ],
        );
        check(
            Shell::Fish,
            [
                "set -gx AWS_ENDPOINT_URL_DYNAMODB http://127.0.0.1:8000",
                "set -gx AWS_ENDPOINT_URL_DYNAMODB_STREAMS http://127.0.0.1:8000",
            ],
        );
        check(
            Shell::Powershell,
            [
                "$env:AWS_ENDPOINT_URL_DYNAMODB = \"http://127.0.0.1:8000\"",
                "$env:AWS_ENDPOINT_URL_DYNAMODB_STREAMS = \"http://127.0.0.1:8000\"",
            ],
        );
    }

    #[test]
    fn the_endpoint_of_dax_comes_with_what_it_needs() {
        let check = |given: &str, expected: &str| {
            assert_eq!(dax_endpoint(Some(given.parse().unwrap())).unwrap(), expected);
        };
        check("127.0.0.1:8111", "dax://127.0.0.1:8111");
        check("0.0.0.0:8111", "dax://127.0.0.1:8111");
        let plain = dax_variables(Shell::Sh, "dax://127.0.0.1:8111");
        assert!(plain.contains("\nexport DAX_ENDPOINT=dax://127.0.0.1:8111\n"), "{plain}");
        assert!(!plain.contains("SSL_CERT_FILE"), "{plain}");
        let tls = dax_variables(Shell::Fish, "daxs://127.0.0.1:9111");
        assert!(tls.contains("\n# set -gx SSL_CERT_FILE ca.pem\n"), "{tls}");
        assert!(tls.contains("\n# set -gx AWS_REGION us-east-1\n"), "{tls}");
    }

    #[test]
    fn a_purge_says_what_to_forget() {
        let check = |table: Option<&str>, key: Option<&str>, expected: Option<Value>| {
            let (table, key) = (table.map(str::to_owned), key.map(str::to_owned));
            let args = Purge { all: table.is_none(), table, key, index: None, node: Node { admin: None } };
            assert_eq!(purge_request(&args).ok(), expected);
        };
        check(None, None, Some(json!({ "all": true })));
        check(Some("Music"), None, Some(json!({ "table": "Music" })));
        let key = json!({ "table": "Music", "key": { "Id": { "N": "1" } } });
        check(Some("Music"), Some("{\"Id\": {\"N\": \"1\"}}"), Some(key));
        check(Some("Music"), Some("Id=1"), None);
    }

    #[test]
    fn all_addresses_are_reached_on_loopback() {
        let check = |address: &str, expected: &str| {
            assert_eq!(reachable(address.parse().unwrap()), expected.parse().unwrap());
        };
        check("0.0.0.0:9464", "127.0.0.1:9464");
        check("[::]:9464", "[::1]:9464");
        check("10.0.0.1:9464", "10.0.0.1:9464");
    }
}
