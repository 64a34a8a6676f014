//! Histories made by chance, each held against what following promises.

use std::collections::BTreeMap;

use super::{
    service::{Fault, ITERATORS_LAST},
    *,
};

const SEEDS: u64 = 16;
const STEPS: usize = 120;

/// A stream that lives by chance, and what is known of it.
struct History {
    rig: Rig,
    chance: Chance,
    /// The table's streams so far.
    streams: u32,
    /// When each change was written, and to which shard of which stream.
    written: BTreeMap<String, (Instant, String)>,
    /// Those that nothing was heard of yet.
    pending: BTreeMap<String, Instant>,
    /// So many words were heard of what was told.
    heard: usize,
    changes: Vec<String>,
}

impl History {
    async fn of(seed: u64) -> History {
        let rig = Rig::polling(INTERVAL, seed);
        rig.service.kept().is_latest_late = seed.is_multiple_of(2);
        rig.service.enable("1", &["a", "b", "c"]);
        rig.follower.follow("Tab").unwrap();
        let mut history = History {
            rig,
            chance: Chance::seeded(seed),
            streams: 1,
            written: BTreeMap::new(),
            pending: BTreeMap::new(),
            heard: 0,
            changes: Vec::new(),
        };
        for step in 0..STEPS {
            history.step().await;
            history.check_lag(&format!("seed {seed}, step {step}"));
        }
        history.rig.service.recover();
        history.rig.service.show_all();
        if history.rig.service.kept().open_shards().is_empty() {
            history.rig.service.enable("last", &["a"]);
        }
        history.rig.pass(70.0).await;
        assert!(history.rig.is_following(), "seed {seed}: {:?}", history.rig.state());
        history.check_lag(&format!("seed {seed}, at its end"));
        assert!(history.pending.is_empty(), "seed {seed}: nothing was heard of {:?}", history.pending);
        history
    }

    async fn step(&mut self) {
        let History { rig, chance, .. } = self;
        let open = rig.service.kept().open_shards();
        let shard = open.get(chance.below(open.len() as u64) as usize).cloned();
        match (chance.below(100), shard) {
            (0..45, Some(shard)) => self.write(&shard),
            (45..55, Some(shard)) => {
                let children = [format!("{shard}l"), format!("{shard}r")];
                let count = 1 + chance.below(2) as usize;
                let children: Vec<&str> = children.iter().take(count).map(String::as_str).collect();
                rig.service.split(&shard, &children);
                if chance.happens(0.3) {
                    children.iter().for_each(|child| rig.service.hide(child, true));
                }
            }
            (55..57, Some(shard)) => rig.service.trim(&shard),
            (57..58, _) => rig.service.disable(),
            (58..60, _) => {
                self.streams += 1;
                rig.service.enable(&self.streams.to_string(), &["a", "b", "c"]);
            }
            (60..64, _) => {
                let operations = ["GetRecords", "GetShardIterator", "DescribeStream", "DescribeTable"];
                let codes = ["ThrottlingException", "InternalServerError", "AccessDeniedException"];
                let operation = operations[chance.below(4) as usize];
                let code = codes.get(chance.below(4) as usize);
                rig.service.fail(operation, code.map_or(Fault::NoAnswer, |code| Fault::Error(code)));
            }
            (64..76, _) => {
                rig.service.recover();
                rig.service.show_all();
            }
            (76..77, _) => {
                // Heirs are not waited for as long as that.
                rig.service.show_all();
                rig.pass(ITERATORS_LAST.as_secs_f64()).await;
            }
            (77..81, _) => {
                let mut kept = rig.service.kept();
                kept.delay = Duration::from_millis(chance.below(400));
                kept.page = 1 + chance.below(5) as usize;
            }
            _ => rig.pass(chance.fraction() * 3.0).await,
        }
    }

    /// Writes a few changes to a shard.
    fn write(&mut self, shard: &str) {
        for _ in 0..=self.chance.below(4) {
            let (number, now) = (self.rig.service.write(shard), self.rig.clock.now());
            self.pending.insert(number.clone(), now);
            // A shard's name begins with that of the shard from which it descends.
            self.written.insert(number, (now, format!("{}{shard}", self.streams)));
        }
    }

    /// Whatever is older than the lag was told, or track was said to be lost since.
    fn check_lag(&mut self, place: &str) {
        let told = self.rig.told.0.lock().unwrap();
        for word in &told[self.heard..] {
            match word {
                Word::Changed(number) => {
                    self.pending.remove(number);
                    self.changes.push(number.clone());
                }
                Word::LostTrack(at) => self.pending.retain(|_, written_at| *written_at > *at),
            }
        }
        self.heard = told.len();
        let Some(State::Following { lag }) = self.rig.follower.state("Tab") else { return };
        let now = self.rig.clock.now();
        for (number, written_at) in &self.pending {
            let age = now - *written_at;
            assert!(age <= lag + SLICE, "{place}: {number} is {age:?} old, and the lag should be {lag:?}");
        }
    }

    /// How many changes came before an earlier one of the same item, which is in the same shard or in one from which
    /// it descends.
    fn reordered(&self) -> usize {
        let shards: Vec<(&str, &String)> =
            self.changes.iter().map(|number| (self.written[number].1.as_str(), number)).collect();
        let is_kin = |a: &str, b: &str| a.starts_with(b) || b.starts_with(a);
        let is_late = |(place, (shard, number)): &(usize, &(&str, &String))| {
            shards[..*place].iter().any(|(other, before)| is_kin(other, shard) && before > number)
        };
        shards.iter().enumerate().filter(is_late).count()
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_is_written_is_told_in_order_and_in_time_or_track_is_lost() {
    let (mut changes, mut losses) = (0, 0);
    for seed in 0..SEEDS {
        let history = History::of(seed).await;
        assert_eq!(history.reordered(), 0, "seed {seed}");
        changes += history.changes.len();
        losses += history.rig.losses();
    }
    // Else the histories would show nothing.
    assert!(changes > 400 && losses > SEEDS as usize, "{changes} {losses}");
}
