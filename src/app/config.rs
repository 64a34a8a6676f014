//! The configuration: who may say what, and what holds.
//!
//! Rows in `keys.rs` → what was written, in `raw.rs` (of tables, indexes and operations by `place.rs`) →
//! defaults that depend on the machine, in `derive.rs` → checked values, in `resolve.rs` and `rules.rs`. Only
//! this module reads files and the environment.

mod dax;
mod derive;
pub(crate) mod keys;
mod parse;
pub(crate) mod place;
mod raw;
mod resolve;
mod rules;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    net::SocketAddr,
    path::Path,
    time::Duration,
};

use base::telemetry::LogConfig;

pub(crate) use self::raw::LIST_SEPARATOR;
use self::{
    keys::{KEYS, Key, Kind, Preset, RULE_KEYS, RuleKey},
    place::Place,
    raw::{Layers, Source, Sources, Written},
};

/// Everything that a node needs to be told, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where clients connect.
    pub json_listen: SocketAddr,
    /// How they are served.
    pub json: json_door::Config,
    /// The door of DAX's clients, if it is to be open.
    pub dax: Option<DaxConfig>,
    /// Where operators and probes connect.
    pub admin_listen: SocketAddr,
    /// Who is behind this node.
    pub origin: Origin,
    /// The region that requests upstream are signed for, and that ARNs of the bundled engine name.
    pub region: String,
    /// What is kept.
    pub cache: cache::Config,
    /// The process as a whole.
    pub server: ServerConfig,
    /// How the log is written.
    pub log: LogConfig,
}

/// The door of DAX's clients; it listens on one address at least.
#[derive(Debug, Clone)]
pub struct DaxConfig {
    /// For `dax://`.
    pub listen: Option<SocketAddr>,
    /// For `daxs://`; there is a certificate then.
    pub tls_listen: Option<SocketAddr>,
    /// How they are served.
    pub door: dax_door::Config,
}

/// What answers the calls that the cache does not.
#[derive(Debug, Clone)]
pub enum Origin {
    /// A DynamoDB-compatible endpoint.
    Remote(upstream::Config),
    /// The engine in this process.
    Bundled(engine::Config),
}

impl Origin {
    /// Whether AWS is behind this node.
    pub(crate) fn is_aws(&self) -> bool {
        matches!(self, Origin::Remote(upstream) if parse::is_aws(&upstream.origin))
    }
}

/// What concerns the process as a whole.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Whether everything is refused that is not known to be a read.
    pub read_only: bool,
    /// For requests under way to end, once asked to stop.
    pub drain_timeout: Duration,
}

/// Something in the configuration that cannot hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake(String);

/// Every mistake in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(Mistake::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Mistakes(pub Vec<Mistake>);

impl Config {
    /// The configuration of a node that nothing but `settings` (paths of keys, such as `cache.ttl`, and their
    /// values) speaks to: no file, no environment.
    ///
    /// # Errors
    /// All mistakes at once.
    ///
    /// # Panics
    /// When a path is not that of a key.
    pub fn of(settings: &[(&str, &str)]) -> Result<Config, Mistakes> {
        let key = |path| Key::find(path).expect("the path of a key").path;
        let flags = settings.iter().map(|(path, text)| (key(path), (*text).to_owned())).collect();
        Settings::merge(&Sources { flags, ..Sources::default() }).resolve()
    }
}

/// What was written about each key, checked or not.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    layers: Layers,
    mistakes: Vec<Mistake>,
}

impl Settings {
    /// Reads the file and the environment; `flags` are paths of keys and their values.
    pub(crate) fn read(
        file: Option<&Path>,
        flags: Vec<(&'static str, String)>,
    ) -> Result<Settings, Mistakes> {
        let content = |path: &Path| {
            let content = fs::read_to_string(path);
            content.map_err(|error| Mistake(format!("cannot read {}: {error}", path.display())))
        };
        let file = match file {
            Some(path) => Some((path.to_owned(), content(path).map_err(|unread| Mistakes(vec![unread]))?)),
            None => None,
        };
        let variables = std::env::vars_os()
            .map(|(name, text)| (name.to_string_lossy().into_owned(), text.to_string_lossy().into_owned()))
            .collect();
        let memory_limit = base::memory_limit();
        Ok(Settings::merge(&Sources { file, variables, flags, memory_limit }))
    }

    fn merge(sources: &Sources) -> Settings {
        let mut mistakes = Vec::new();
        let mut layers = Layers::merge(sources, &mut mistakes);
        derive::derive(&mut layers, sources);
        Settings { layers, mistakes }
    }

    /// Checks all values.
    pub(crate) fn resolve(&self) -> Result<Config, Mistakes> {
        let mut mistakes = self.mistakes.clone();
        let config = resolve::resolve(&self.layers, &mut mistakes);
        if mistakes.is_empty() { Ok(config) } else { Err(Mistakes(mistakes)) }
    }

    /// The last word on a key, unchecked.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.layers.value(path).map(|written| written.text.as_str())
    }

    /// The keys whose values are others than in `before`.
    pub(crate) fn differences(&self, before: &Settings) -> Differences {
        let is_other = |path: &&Key| self.text(path.path) != before.text(path.path);
        let of_keys = KEYS.iter().filter(is_other).map(|key| (key.path.to_owned(), key.is_rule));
        let places: BTreeSet<&Place> =
            self.layers.rules().keys().chain(before.layers.rules().keys()).collect();
        let of_sections = places.into_iter().flat_map(|place| {
            let text = |settings: &Settings, key: &RuleKey| {
                settings.layers.rule(place, key.name).map(|written| written.text.clone())
            };
            let others = place.keys().filter(move |key| text(self, key) != text(before, key));
            others.map(move |key| (format!("{place}.{}", key.name), key.is_rule))
        });
        let (rules, others) = of_keys.chain(of_sections).partition::<Vec<_>, _>(|(_, is_rule)| *is_rule);
        let paths = |keys: Vec<(String, bool)>| keys.into_iter().map(|(path, _)| path).collect();
        Differences { rules: paths(rules), others: paths(others) }
    }

    /// For every key of the rule of an operation: which section says it, and who wrote that.
    pub(crate) fn sources(&self, place: &Place) -> BTreeMap<&'static str, String> {
        let told = |key: &RuleKey| {
            let of_cache = format!("cache.{}", key.name);
            let of_cache = self.layers.value(&of_cache).map(|written| (of_cache, written));
            let written = place.path().into_iter().rev().find_map(|section| {
                let written = self.layers.rule(&section, key.name)?;
                Some((format!("{section}.{}", key.name), written))
            });
            let (path, written) = written.or(of_cache)?;
            Some(format!("{path} ({})", written.source))
        };
        RULE_KEYS.iter().filter_map(|key| Some((key.name, told(key)?))).collect()
    }

    /// Every key with its value and who wrote it, in a form that is a configuration file again.
    pub(crate) fn show(&self) -> String {
        let keys = KEYS.iter().map(|key| match self.layers.value(key.path) {
            Some(written) => line(key.path, key.kind, written),
            None => match key.preset {
                Preset::Found(how) => format!("# {} is not set; {how}\n", key.path),
                Preset::Value(_) => format!("# {} is not set\n", key.path),
            },
        });
        let rules = self.layers.rules().iter().flat_map(|(place, written)| {
            let kind =
                |name| RULE_KEYS.iter().find(|key| key.name == name).map_or(Kind::Text, |key| key.kind);
            written.iter().map(move |(key, written)| line(&format!("{place}.{key}"), kind(*key), written))
        });
        keys.chain(rules).collect()
    }
}

/// Keys whose values differ.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Differences {
    /// Those of rules, which can be exchanged while a node runs.
    pub(crate) rules: Vec<String>,
    /// All others.
    pub(crate) others: Vec<String>,
}

fn line(path: &str, kind: Kind, Written { text, source }: &Written) -> String {
    let value = match kind {
        Kind::Text => quoted(text),
        Kind::Number | Kind::Claim => text.clone(),
        Kind::List => {
            let members = text.split(LIST_SEPARATOR).filter(|member| !member.is_empty());
            format!("[{}]", members.map(quoted).collect::<Vec<_>>().join(", "))
        }
    };
    format!("{path} = {value}  # {source}\n")
}

/// TOML escapes as JSON does.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl Mistake {
    fn new(path: &str, source: &Source, wrong: &str) -> Mistake {
        Mistake(format!("{path} ({source}): {wrong}"))
    }

    /// Of a source that has no key of its own.
    fn of_whole(source: &Source, wrong: &str) -> Mistake {
        Mistake(format!("{source}: {wrong}"))
    }

    fn missing(path: &str) -> Mistake {
        let key = Key::find(path).expect("only keys are missed");
        let flag = key.flag.map_or(String::new(), |flag| format!("--{}, ", flag.name));
        Mistake(format!("{path} is needed: {} ({flag}{}, or in the file)", key.doc, key.variable()))
    }

    fn unknown(path: &str, source: &Source, known: impl Iterator<Item = String>) -> Mistake {
        Mistake::new(path, source, &no_such(path, known))
    }

    fn unknown_variable(name: &str, source: &Source) -> Mistake {
        Mistake::of_whole(source, &no_such(name, KEYS.iter().map(Key::variable)))
    }
}

/// With a guess, if there is a likely one: two slips, or one word of a longer name. What is farther off is
/// noise; then those are named that stand in the same section.
fn no_such(name: &str, known: impl Iterator<Item = String>) -> String {
    let known: Vec<String> = known.collect();
    let section = |path: &str| path.rsplit_once('.').map(|(section, _)| section.to_owned());
    let is_sibling = |known: &str| section(known).is_some() && section(known) == section(name);
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    // How far it is, and how far it may be.
    let distance = |known: &str| {
        let (name, known) =
            if is_sibling(known) { (last(name), last(known)) } else { (name.to_owned(), known.to_owned()) };
        (strsim::damerau_levenshtein(&name, &known), 2.max(known.len() / 4))
    };
    let nearest = known.iter().min_by_key(|known| (distance(known), known.as_str()));
    if let Some(known) = nearest.filter(|known| distance(known).0 <= distance(known).1) {
        return format!("no such setting; did you mean {known}?");
    }
    let siblings = known.iter().filter(|known| is_sibling(known));
    let names: Vec<&str> = siblings.filter_map(|sibling| sibling.rsplit('.').next()).collect();
    match names.is_empty() {
        true => "no such setting".to_owned(),
        false => format!("no such setting; there are {}", names.join(", ")),
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
