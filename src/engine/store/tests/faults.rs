//! What the writer makes of a disk that fails: nobody is told anything that is not so.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex, RwLock, mpsc::sync_channel},
};

use base::Clock;
use bytes::Bytes;

use crate::{
    Refusal, Space, StoreError, SyncPolicy, Transaction, View,
    backing::{Backing, CommitFailure, Durability, Prepared, Snapshot},
    memory::Memory,
    writer::{Change, Job, Writer},
};

const ZERO: Space = Space(0);

/// How the next commit goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Fine,
    /// It fails, but it is there after reopening.
    FailsApplied,
    /// It fails, and it is not there.
    FailsLost,
    /// The same, and reopening fails once.
    FailsForLonger,
}

struct Faulty {
    memory: Memory,
    fates: Arc<Mutex<VecDeque<Fate>>>,
    /// How often reopening will still fail, once something has.
    failed: Option<u32>,
}

impl Backing for Faulty {
    fn prepare(&mut self) -> Result<Prepared, Refusal> {
        match self.failed {
            None => Ok(Prepared::Same),
            Some(0) => {
                self.failed = None;
                Ok(Prepared::Reopened)
            }
            Some(times) => {
                self.failed = Some(times - 1);
                Err(Refusal::Unavailable(Arc::from("still broken")))
            }
        }
    }

    fn commit(
        &mut self,
        rows: Vec<(Bytes, Option<Bytes>)>,
        durability: Durability,
    ) -> Result<(), CommitFailure> {
        let fate = self.fates.lock().unwrap().pop_front().unwrap_or(Fate::Fine);
        if matches!(fate, Fate::Fine | Fate::FailsApplied) {
            self.memory.commit(rows, durability)?;
        }
        if fate == Fate::Fine {
            return Ok(());
        }
        self.failed = Some(u32::from(fate == Fate::FailsForLonger));
        Err(CommitFailure::Unknown(Arc::from("broken")))
    }

    fn sync(&mut self) -> Result<(), CommitFailure> {
        Ok(())
    }

    fn snapshot(&self) -> Arc<dyn Snapshot> {
        self.memory.snapshot()
    }
}

/// Runs one group over a disk that goes on as `fates` say, then another change.
fn run(fates: &[Fate]) -> (Vec<Result<Option<Bytes>, StoreError>>, View) {
    let (queue, jobs) = sync_channel::<Box<dyn Job>>(10);
    let fates = Arc::new(Mutex::new(fates.iter().copied().collect()));
    let backing = Faulty { memory: Memory::default(), fates, failed: None };
    let (writer, view) =
        Writer::new(Box::new(backing), jobs, SyncPolicy::EachCommit, Clock::start()).unwrap();
    let (answer, answers) = sync_channel(10);
    let send = |change: fn(&mut Transaction<'_>) -> Option<Bytes>| {
        let answer = answer.clone();
        let change = move |transaction: &mut Transaction<'_>| Ok::<_, Infallible>(change(transaction));
        let reply = move |outcome: Result<Result<_, Infallible>, _>| {
            answer.send(outcome.map(|outcome| outcome.unwrap_or_else(|never| match never {}))).unwrap();
        };
        queue.send(Box::new(Change::new(change, reply))).unwrap();
    };
    send(|transaction| {
        transaction.put(ZERO, b"a", "1");
        None
    });
    send(|transaction| transaction.get(ZERO, b"a").unwrap());
    drop(queue);
    writer.run();
    drop(answer);
    (answers.iter().collect(), seen(&view))
}

fn seen(view: &RwLock<View>) -> View {
    view.read().unwrap().clone()
}

#[test]
fn a_group_that_succeeds_is_answered() {
    let (answers, view) = run(&[Fate::Fine]);
    assert!(matches!(&answers[..], [Ok(None), Ok(Some(value))] if value == "1"), "{answers:?}");
    assert!(view.get(ZERO, b"a").unwrap().is_some());
}

#[test]
fn a_group_that_is_there_after_reopening_has_succeeded() {
    let (answers, view) = run(&[Fate::FailsApplied]);
    assert!(matches!(&answers[..], [Ok(None), Ok(Some(value))] if value == "1"), "{answers:?}");
    assert!(view.get(ZERO, b"a").unwrap().is_some());
}

#[test]
fn a_group_that_is_gone_after_reopening_was_not_applied() {
    let (answers, view) = run(&[Fate::FailsLost]);
    let refused = |answer: &Result<_, StoreError>| matches!(answer, Err(StoreError::NotApplied(_)));
    assert!(answers.len() == 2 && answers.iter().all(refused), "{answers:?}");
    assert!(view.get(ZERO, b"a").unwrap().is_none());
}

#[test]
fn a_group_is_in_doubt_while_reopening_fails_and_only_who_wrote_is_told_so() {
    let (answers, view) = run(&[Fate::FailsForLonger]);
    let [Err(wrote), Err(read)] = &answers[..] else { panic!("{answers:?}") };
    assert!(wrote.may_be_applied(), "{wrote}");
    assert!(!read.may_be_applied(), "{read}");
    assert!(view.get(ZERO, b"a").unwrap().is_none());
}
