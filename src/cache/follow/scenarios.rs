//! Following as the cache sees it, in front of a service whose streams split, expire, are trimmed, switched off and made
//! again, in stopped time.

mod histories;
mod limits;
mod losses;
mod service;
mod walks;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use backend::Backend;
use base::{Chance, Clock, Drain, Instant};
use prometheus::Registry;

use self::service::Service;
use super::{Change, Config, Follower, Loss, Metrics, Parts, Sink, State, TABLES_MAX, TooManyTables};

const INTERVAL: Duration = Duration::from_millis(250);

/// The lag of an idle stream is less, in seconds: the interval, the answer's time, and how often it is noted.
const CAUGHT_UP: f64 = 0.6;

/// Time and the calendar pass in slices, which differ by no more.
const SLICE: Duration = Duration::from_millis(100);

/// A follower of a service's tables, and what it told.
struct Rig {
    follower: Follower,
    service: Arc<Service>,
    told: Arc<Told>,
    clock: Clock,
    drain: Drain,
    registry: Registry,
}

/// What a follower told, in its order.
#[derive(Default)]
struct Told(Mutex<Vec<Word>>);

#[derive(Debug, Clone, PartialEq)]
enum Word {
    LostTrack(Instant),
    Changed(String),
}

struct Ear(Arc<Told>, Clock);

impl Sink for Ear {
    fn changed(&self, _table: &str, change: &Change) {
        self.0.0.lock().unwrap().push(Word::Changed(change.sequence_number.clone()));
    }

    fn lost_track(&self, _table: &str) {
        self.0.0.lock().unwrap().push(Word::LostTrack(self.1.now()));
    }
}

impl Rig {
    fn new() -> Rig {
        Rig::polling(INTERVAL, 1)
    }

    fn polling(poll_interval: Duration, seed: u64) -> Rig {
        let (clock, drain, registry) = (Clock::start(), Drain::new(), Registry::new());
        let (service, told) = (Service::new(clock.clone()), Arc::new(Told::default()));
        let parts = Parts {
            origin: Arc::clone(&service.backend) as Arc<dyn Backend>,
            sink: Arc::new(Ear(Arc::clone(&told), clock.clone())),
            clock: clock.clone(),
            chance: Chance::seeded(seed),
            drain: drain.clone(),
            metrics: Metrics::register(&registry).unwrap(),
        };
        let follower = Follower::new(parts, Config { poll_interval });
        Rig { follower, service, told, clock, drain, registry }
    }

    /// A table with a stream of these shards, followed by now.
    async fn following(shards: &[&str]) -> Rig {
        let rig = Rig::new();
        rig.service.enable("1", shards);
        rig.follower.follow("Tab").unwrap();
        rig.pass(1.0).await;
        assert!(rig.is_following());
        assert_eq!(rig.losses(), 1);
        rig
    }

    /// Lets time pass, and the calendar with it.
    async fn pass(&self, seconds: f64) {
        let end = self.clock.now() + Duration::from_secs_f64(seconds);
        while self.clock.now() < end {
            let step = (end - self.clock.now()).min(SLICE);
            self.clock.turn_calendar(step);
            self.clock.sleep(step).await;
        }
    }

    fn state(&self) -> State {
        self.follower.state("Tab").unwrap()
    }

    fn is_following(&self) -> bool {
        matches!(self.state(), State::Following { .. })
    }

    /// In seconds.
    fn lag(&self) -> f64 {
        match self.state() {
            State::Following { lag } => lag.as_secs_f64(),
            other => panic!("not followed, but {other:?}"),
        }
    }

    /// How often it was said that track was lost.
    fn losses(&self) -> usize {
        let told = self.told.0.lock().unwrap();
        told.iter().filter(|word| matches!(word, Word::LostTrack(_))).count()
    }

    /// The changes that were told since the last time.
    fn changes(&self) -> Vec<String> {
        let told = std::mem::take(&mut *self.told.0.lock().unwrap());
        let changes = told.into_iter().filter_map(|word| match word {
            Word::Changed(number) => Some(number),
            Word::LostTrack(_) => None,
        });
        changes.collect()
    }

    /// The value of a metric, or of one of its series.
    fn metric(&self, name: &str) -> Option<f64> {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name() == name)?;
        let metrics = family.get_metric();
        let value = |metric: &prometheus::proto::Metric| {
            metric.get_gauge().get_value() + metric.get_counter().get_value()
        };
        (!metrics.is_empty()).then(|| metrics.iter().map(value).sum())
    }
}
