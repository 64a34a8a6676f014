//! Histories made by chance, each held against what following promises.

use std::collections::BTreeMap;

use super::{
    service::{Fault, ITERATORS_LAST},
    *,
};

const SEEDS: u64 = 20;
const STEPS: usize = 120;

/// What happens to a stream and its service, by chance; when each change was written, and in which family of shards.
async fn live(rig: &Rig, chance: &Chance) -> BTreeMap<String, (Instant, String)> {
    let mut written = BTreeMap::new();
    let mut label = 1;
    for _ in 0..STEPS {
        let open = rig.service.kept().open_shards();
        let shard = open.get(chance.below(open.len() as u64) as usize).cloned();
        match (chance.below(100), shard) {
            (0..50, Some(shard)) => {
                let number = rig.service.write(&shard);
                // A shard's name begins with that of the shard from which it descends.
                written.insert(number, (rig.clock.now(), format!("{label}{shard}")));
            }
            (50..58, Some(shard)) => {
                let children = [format!("{shard}l"), format!("{shard}r")];
                let count = 1 + chance.below(2) as usize;
                let children: Vec<&str> = children.iter().take(count).map(String::as_str).collect();
                rig.service.split(&shard, &children);
                if chance.happens(0.3) {
                    rig.service.hide(children[0], true);
                }
            }
            (58..61, Some(shard)) => rig.service.trim(&shard),
            (61..62, _) => rig.service.disable(),
            (62..64, _) => {
                label += 1;
                rig.service.enable(&label.to_string(), &["a", "b", "c"]);
            }
            (64..67, _) => {
                let operations = ["GetRecords", "GetShardIterator", "DescribeStream", "DescribeTable"];
                let codes = ["ThrottlingException", "InternalServerError", "AccessDeniedException"];
                let operation = operations[chance.below(4) as usize];
                let fault =
                    codes.get(chance.below(4) as usize).map_or(Fault::NoAnswer, |code| Fault::Error(code));
                rig.service.fail(operation, fault);
            }
            (67..79, _) => {
                rig.service.recover();
                rig.service.show_all();
            }
            (79..81, _) => rig.pass(ITERATORS_LAST.as_secs_f64()).await,
            (81..84, _) => {
                let mut kept = rig.service.kept();
                kept.delay = Duration::from_millis(chance.below(400));
                kept.page = 1 + chance.below(5) as usize;
            }
            _ => rig.pass(chance.fraction() * 3.0).await,
        }
    }
    rig.service.recover();
    rig.service.show_all();
    rig.service.enable(&(label + 1).to_string(), &["a"]);
    written
}

/// Whether, after this change was written, it was told or it was said that track was lost.
fn is_accounted_for(told: &[Word], number: &str, written_at: Instant) -> bool {
    told.iter().any(|word| match word {
        Word::Changed(told) => told == number,
        Word::LostTrack(at) => *at >= written_at,
    })
}

#[tokio::test(start_paused = true)]
async fn whatever_is_written_is_told_or_track_is_lost_and_in_order() {
    let (mut changes, mut losses, mut reordered) = (0, 0, Vec::new());
    for seed in 0..SEEDS {
        let rig = Rig::polling(INTERVAL, seed);
        rig.service.enable("1", &["a", "b", "c"]);
        rig.follower.follow("Tab").unwrap();
        let written = live(&rig, &Chance::seeded(seed)).await;
        rig.pass(70.0).await;
        assert!(rig.is_following(), "seed {seed}: {:?}", rig.state());
        let told = rig.told.0.lock().unwrap().clone();
        for (number, (at, shard)) in &written {
            assert!(is_accounted_for(&told, number, *at), "seed {seed}: {number} of {shard} is missing");
        }
        let mut before: Vec<(String, &String)> = Vec::new();
        for word in &told {
            let Word::Changed(number) = word else { continue };
            let (_, shard) = &written[number];
            let is_kin = |(earlier, _): &&(String, &String)| shard.starts_with(earlier.as_str());
            reordered
                .extend(before.iter().filter(is_kin).filter(|(_, earlier)| *earlier >= number).map(|_| seed));
            before.push((shard.clone(), number));
        }
        changes += before.len();
        losses += rig.losses();
    }
    assert_eq!(reordered, [0; 0], "seeds in which a change came before an earlier one of its item");
    // Else the histories would show nothing.
    assert!(changes > 300 && losses > SEEDS as usize, "{changes} {losses}");
}
