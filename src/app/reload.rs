//! Reading the configuration again while a node runs: its rules of tables are exchanged, if everything in it is
//! right.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use base::Action;
use cache::{Caching, RuleBook};
use serde_json::{Value, json};
use tracing::{error, info, warn};

use crate::{
    cli::SettingsArgs,
    config::{Mistakes, Settings, place::Place},
};

/// Where the configuration of a running node comes from, and what is in force of it.
pub(crate) struct Reload {
    source: SettingsArgs,
    caching: Arc<Caching>,
    /// What the node began with.
    started: Settings,
    /// Memory is divided when a node starts: what its tables reserved then.
    reserved: HashMap<String, u64>,
    /// What was last put into force.
    latest: Mutex<Settings>,
}

/// What a reload found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Changes {
    /// The keys of rules that are in force since.
    pub(crate) rules: Vec<String>,
    /// The keys that differ from those that the node began with, and take a restart.
    pub(crate) of_restart: Vec<String>,
}

impl Reload {
    pub(crate) fn new(
        source: SettingsArgs,
        started: Settings,
        book: &RuleBook,
        caching: Arc<Caching>,
    ) -> Reload {
        let reserved = book.tables.iter().map(|(table, rule)| (table.clone(), rule.bytes_reserved)).collect();
        let latest = Mutex::new(started.clone());
        Reload { source, caching, started, reserved, latest }
    }

    /// Reads file, environment and flags again. A mistake leaves everything as it was.
    ///
    /// # Errors
    /// All mistakes at once.
    pub(crate) fn reload(&self) -> Result<Changes, Mistakes> {
        // Two at once would have the one report what the other puts into force.
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = self.read_again(&latest);
        match outcome {
            Ok((settings, book, changes)) => {
                if !changes.rules.is_empty() {
                    self.caching.exchange_rules(book);
                }
                *latest = settings;
                info!(rules = changes.rules.join(", "), "configuration read again, rules are in force");
                for key in &changes.of_restart {
                    warn!(key, "differs from what this node began with, and takes a restart");
                }
                Ok(changes)
            }
            Err(mistakes) => {
                for mistake in &mistakes.0 {
                    error!(%mistake, "configuration read again, and the rules stay as they were");
                }
                Err(mistakes)
            }
        }
    }

    /// For every key of a rule: who wrote the word in force.
    pub(crate) fn sources(&self, place: &Place) -> BTreeMap<&'static str, String> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).sources(place)
    }

    fn read_again(&self, latest: &Settings) -> Result<(Settings, RuleBook, Changes), Mistakes> {
        let settings = Settings::read(self.source.config.as_deref(), self.source.flags.clone())?;
        let mut book = settings.resolve()?.cache.rules;
        for (table, rule) in &mut book.tables {
            rule.bytes_reserved = self.reserved.get(table).copied().unwrap_or_default();
        }
        let changes = Changes {
            rules: settings.differences(latest).rules,
            of_restart: settings.differences(&self.started).others,
        };
        Ok((settings, book, changes))
    }
}

impl fmt::Debug for Reload {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Reload").field("source", &self.source).finish_non_exhaustive()
    }
}

/// The operator's reload.
pub(crate) struct ReloadAction(pub(crate) Arc<Reload>);

impl Action for ReloadAction {
    fn name(&self) -> &'static str {
        "reload"
    }

    fn run(&self, request: &Value) -> Result<Value, String> {
        if !request.as_object().is_some_and(serde_json::Map::is_empty) {
            return Err("expected {}".to_owned());
        }
        let changes = self.0.reload().map_err(|mistakes| mistakes.to_string())?;
        Ok(json!({ "rules_changed": changes.rules, "takes_a_restart": changes.of_restart }))
    }
}
