//! The command line. Flags that set a configuration key come from its row in `config/keys.rs`.

use std::{net::SocketAddr, path::PathBuf};

use clap::{
    Arg, ArgAction, ArgMatches, Args, Command as ClapCommand, CommandFactory, Error, FromArgMatches, Parser,
    Subcommand, ValueEnum,
};

use crate::config::{
    LIST_SEPARATOR,
    keys::{KEYS, Key, Kind, Preset},
};

const EXIT_CODES: &str = "\
Exit codes:
  0  done; of serve: asked to stop, and drained
  1  failed
  2  the command line or the configuration is wrong";

/// A write-through caching proxy for DynamoDB, with an engine of its own.
#[derive(Debug, Parser)]
#[command(name = "linac", version, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve DynamoDB's API, cached, over the bundled engine or in front of another endpoint
    Serve(Serve),
    /// Check or show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the variables that send AWS SDKs and the AWS CLI to this node
    Env(Env),
    /// Have a running node forget what it has cached
    Purge(Purge),
    /// Fill the cache of a running node with items of a table
    Warm(Warm),
    /// Have a running node say what it would do with a request, by which rule and why
    Explain(Explain),
    /// Have a running node say what the cache does for each table, and whether the table is worth caching
    Report(Report),
    /// Have a running node read its configuration again, and put its rules into force
    Reload(Reload),
    /// Ask a running node whether it lives
    Healthcheck(Healthcheck),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// `linac serve`.
#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
    /// Print the addresses to stdout once they are bound
    #[arg(long)]
    pub(crate) print_address: bool,
}

/// `linac config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Report every mistake
    Check(SettingsArgs),
    /// Print every key with its value and where the value comes from
    Show(SettingsArgs),
}

/// `linac env`.
#[derive(Debug, Args)]
pub struct Env {
    /// Where the node listens [default: as configured]
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// For DAX's clients
    #[arg(long)]
    pub(crate) dax: bool,
    /// The shell that is to read the variables
    #[arg(long, value_enum, default_value_t = Shell::Sh)]
    pub(crate) shell: Shell,
}

/// A family of shells, by how they set a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// sh, bash, zsh
    Sh,
    /// fish
    Fish,
    /// PowerShell
    Powershell,
}

/// `linac purge`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["all", "table"]))]
pub struct Purge {
    /// Everything
    #[arg(long)]
    pub(crate) all: bool,
    /// A table, with its indexes
    #[arg(long, value_name = "NAME")]
    pub(crate) table: Option<String>,
    /// The results of queries and scans of one index
    #[arg(long, value_name = "NAME", requires = "table", conflicts_with_all = ["all", "key"])]
    pub(crate) index: Option<String>,
    /// One item: its primary key, as in GetItem, such as {"Artist": {"S": "Acme"}}
    #[arg(long, value_name = "JSON", requires = "table", conflicts_with = "all")]
    pub(crate) key: Option<String>,
    #[command(flatten)]
    pub(crate) node: Node,
}

/// `linac warm`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["keys", "scan"]))]
pub struct Warm {
    /// The table, by its name
    #[arg(long, value_name = "NAME")]
    pub(crate) table: String,
    /// The items of the keys in this file: a primary key a line, such as {"Artist": {"S": "Acme"}}
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,
    /// All items: the table is scanned for keys, and then each is read, which is paid for twice
    #[arg(long)]
    pub(crate) scan: bool,
    /// Segments that are scanned at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) segments: u32,
    /// Items a second at most
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: u32,
    /// Where the node listens [default: as configured]
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
}

/// `linac explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// The operation, such as GetItem or Query
    pub(crate) operation: String,
    /// Its request as clients send it, such as {"TableName": "Music", "Key": {"Artist": {"S": "Acme"}}}
    #[arg(value_name = "JSON")]
    pub(crate) request: String,
    #[command(flatten)]
    pub(crate) node: Node,
}

/// `linac report`.
#[derive(Debug, Args)]
pub struct Report {
    #[command(flatten)]
    pub(crate) node: Node,
}

/// `linac reload`.
#[derive(Debug, Args)]
pub struct Reload {
    #[command(flatten)]
    pub(crate) node: Node,
}

/// `linac healthcheck`.
#[derive(Debug, Args)]
pub struct Healthcheck {
    #[command(flatten)]
    pub(crate) node: Node,
}

/// Which running node is meant.
#[derive(Debug, Args)]
pub struct Node {
    /// The node's admin port [default: as configured]
    #[arg(long, value_name = "ADDR")]
    pub(crate) admin: Option<SocketAddr>,
}

/// A file and flags that set configuration keys.
#[derive(Debug, Clone)]
pub struct SettingsArgs {
    pub(crate) config: Option<PathBuf>,
    /// Paths of keys and their values.
    pub(crate) flags: Vec<(&'static str, String)>,
}

impl Cli {
    /// The arguments of this process. Asked for help, or unable to make sense of them, it exits.
    pub fn from_arguments() -> Cli {
        Cli::parse()
    }

    /// The whole command line, for completions.
    pub(crate) fn description() -> ClapCommand {
        Cli::command()
    }
}

const CONFIG: &str = "config";

impl Args for SettingsArgs {
    fn augment_args(command: ClapCommand) -> ClapCommand {
        let file = Arg::new(CONFIG).long(CONFIG).value_name("FILE").help("Read this TOML file");
        let file = file.value_parser(clap::value_parser!(PathBuf));
        KEYS.iter().filter_map(argument).fold(command.arg(file), ClapCommand::arg)
    }

    fn augment_args_for_update(command: ClapCommand) -> ClapCommand {
        SettingsArgs::augment_args(command)
    }
}

/// The flag of a key.
fn argument(key: &'static Key) -> Option<Arg> {
    let flag = key.flag?;
    let help = match (key.kind, key.preset) {
        (Kind::Text | Kind::Number, Preset::Value(preset)) => format!("{} [default: {preset}]", key.doc),
        _ => key.doc.to_owned(),
    };
    let argument = Arg::new(key.path).long(flag.name).help(help);
    Some(match key.kind {
        Kind::Claim => argument.action(ArgAction::SetTrue),
        Kind::List => argument.action(ArgAction::Append).value_name(flag.value),
        Kind::Text | Kind::Number => argument.action(ArgAction::Set).value_name(flag.value),
    })
}

impl FromArgMatches for SettingsArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<SettingsArgs, Error> {
        let given = |key: &'static Key| {
            let _has_flag = key.flag?;
            let text = match key.kind {
                Kind::Claim => matches.get_flag(key.path).then(|| "true".to_owned()),
                Kind::Text | Kind::Number | Kind::List => {
                    let members = matches.get_many::<String>(key.path)?.map(String::as_str);
                    Some(members.collect::<Vec<_>>().join(LIST_SEPARATOR))
                }
            };
            Some((key.path, text?))
        };
        let flags = KEYS.iter().filter_map(given).collect();
        Ok(SettingsArgs { config: matches.get_one::<PathBuf>(CONFIG).cloned(), flags })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = SettingsArgs::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, Error> {
        Cli::try_parse_from(line.split_whitespace()).map(|cli| cli.command)
    }

    #[test]
    fn the_description_is_sound() {
        Cli::description().debug_assert();
    }

    #[test]
    fn flags_set_keys() {
        let line = "linac serve --config a.toml --listen 127.0.0.1:0 --admin 127.0.0.1:0 --upstream aws \
            --cache off --region eu-west-1 --read-only --cors https://a.example --cors https://b.example --allow-remote \
            --log-level debug --log-format json --data-dir d --in-memory --dax 127.0.0.1:0 --daxs [::1]:0 \
            --print-address";
        let Ok(Command::Serve(serve)) = parse(line) else { panic!("{line}") };
        assert!(serve.print_address);
        assert_eq!(serve.settings.config, Some(PathBuf::from("a.toml")));
        let expected = [
            ("json.listen", "127.0.0.1:0"),
            ("json.cors", "https://a.example,https://b.example"),
            ("json.allow_remote", "true"),
            ("dax.listen", "127.0.0.1:0"),
            ("dax.tls_listen", "[::1]:0"),
            ("admin.listen", "127.0.0.1:0"),
            ("upstream.url", "aws"),
            ("upstream.region", "eu-west-1"),
            ("engine.data_dir", "d"),
            ("engine.in_memory", "true"),
            ("cache.mode", "off"),
            ("server.read_only", "true"),
            ("log.level", "debug"),
            ("log.format", "json"),
        ];
        let flags: Vec<_> = serve.settings.flags.iter().map(|(path, text)| (*path, text.as_str())).collect();
        assert_eq!(flags, expected);
        let flagged = KEYS.iter().filter(|key| key.flag.is_some()).count();
        assert_eq!(flags.len(), flagged, "a flag is missing in this test");
    }

    #[test]
    fn lines_are_accepted_or_refused() {
        let check = |line: &str, is_accepted: bool| assert_eq!(parse(line).is_ok(), is_accepted, "{line}");
        check("linac serve", true);
        check("linac serve --in-memory", true);
        check("linac serve --data-dir d", true);
        check("linac serve --frobnicate", false);
        check("linac config check --config a.toml", true);
        check("linac config show --upstream aws", true);
        check("linac config", false);
        check("linac env --shell fish --listen 127.0.0.1:1", true);
        check("linac env --dax --shell fish --listen 127.0.0.1:1", true);
        check("linac env --shell csh", false);
        check("linac purge", false);
        check("linac purge --all --table Music", false);
        check("linac purge --table Music --key {}", true);
        check("linac purge --all --key {}", false);
        check("linac purge --table Music --index ByYear", true);
        check("linac purge --table Music --index ByYear --key {}", false);
        check("linac purge --index ByYear", false);
        check("linac explain GetItem {}", true);
        check("linac warm --table Music --keys a.jsonl --rate 5", true);
        check("linac warm --table Music --scan --segments 8", true);
        check("linac warm --table Music --scan --keys a.jsonl", false);
        check("linac warm --table Music --scan --rate 0", false);
        check("linac warm --table Music", false);
        check("linac explain GetItem", false);
        check("linac report --admin 127.0.0.1:1", true);
        check("linac report Music", false);
        check("linac reload --admin 127.0.0.1:1", true);
        check("linac healthcheck --admin nowhere", false);
        check("linac completions zsh", true);
        check("linac", false);
    }
}
