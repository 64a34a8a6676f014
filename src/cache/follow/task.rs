//! The task that follows one table: finds its stream, walks along it, and finds it again when it is lost.

use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};

use backend::Call;
use base::Instant;
use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt};
use model::{Target, call::StreamViewType};
use tokio::sync::oneshot;

use super::{
    Loss, Noted, Notes, Parts, Shared,
    answers::{self, RecordsPage, Trouble},
    lineage::{Listed, ShardId},
    metrics::ReadOutcome,
    pace::Pauses,
    walk::{Errand, Found, Page, Place, Walk, What},
};

/// The deadline of a call.
const PATIENCE: Duration = Duration::from_secs(10);

/// Shards that a stream may have, closed ones included: a shard lives for about four hours and is listed for a day.
const LISTED_MAX: usize = 10 * super::walk::SHARDS_MAX;

/// Between attempts to begin. The longest is also how late a stream is noticed that a table is given after a while.
const BEGINNINGS: Pauses = Pauses { first: Duration::from_millis(500), longest: Duration::from_secs(60) };

/// Who followed for so long before it failed begins again as if for the first time.
const STEADY_AFTER: Duration = Duration::from_secs(60);

/// How often it is noted how far behind it is.
const BETWEEN_NOTES: Duration = Duration::from_millis(250);

/// Follows one table.
pub(super) struct Task {
    shared: Arc<Shared>,
    notes: Arc<Notes>,
}

/// A stream that was found, and its shards.
struct Stream {
    arn: String,
    view: StreamViewType,
    shards: Vec<Listed>,
}

/// What is asked beside the walk.
enum Asked {
    /// Which shards there are.
    Shards,
    /// Something about one of them.
    OfShard(Errand),
}

/// What was answered.
enum News {
    Listed(Result<Vec<Listed>, Trouble>),
    Iterated(ShardId, Result<String, Trouble>),
    Read { shard: ShardId, iterator: String, asked_at: Instant, page: Result<Page, Trouble> },
}

impl Task {
    pub(super) fn new(shared: Arc<Shared>, notes: Arc<Notes>) -> Task {
        Task { shared, notes }
    }

    /// Follows until the table is forgotten or the process is to end.
    pub(super) async fn run(self, forgotten: oneshot::Receiver<()>) {
        let drain = self.shared.parts.drain.clone();
        tokio::select! {
            biased;
            _ = forgotten => {}
            () = drain.begun() => {}
            never = self.keep_following() => match never {},
        }
    }

    async fn keep_following(&self) -> Infallible {
        let Parts { clock, chance, .. } = &self.shared.parts;
        let (mut failures, mut said) = (0_u32, None);
        loop {
            let began = clock.now();
            let Err(loss) = self.follow().await;
            let was_steady = clock.now().saturating_duration_since(began) >= STEADY_AFTER;
            failures = if was_steady { 1 } else { failures.saturating_add(1) };
            let was_following = self.lose(loss);
            // Said once, and again when it had been followed meanwhile, or for another reason.
            if was_following || said != Some(loss) {
                tracing::warn!(table = self.table(), why = loss.word(), "stream is not followed");
                said = Some(loss);
            }
            clock.sleep(BEGINNINGS.after(failures, chance)).await;
        }
    }

    /// Notes that the stream is not followed; whether it was until now.
    fn lose(&self, loss: Loss) -> bool {
        let Parts { clock, sink, metrics, .. } = &self.shared.parts;
        metrics.lost(loss);
        let before = self.notes.note(Noted::Lost(loss), clock.now());
        let was_following = matches!(before, Noted::Following(_));
        if was_following {
            sink.lost_track(self.table());
        }
        was_following
    }

    fn table(&self) -> &str {
        &self.notes.table
    }

    /// Finds the stream and walks along it until it is lost.
    async fn follow(&self) -> Result<Infallible, Loss> {
        let Parts { clock, chance, .. } = &self.shared.parts;
        let stream = self.insist(|| self.find()).await?;
        let interval = self.shared.config.poll_interval;
        let (mut walk, errands) = Walk::begin(&stream.shards, clock.now(), interval, chance.clone())?;
        let mut under_way = FuturesUnordered::new();
        let go = |asked| self.go(&stream, asked);
        under_way.extend(errands.into_iter().map(Asked::OfShard).map(go));
        let (mut has_begun, mut note_due) = (false, clock.now());
        loop {
            let now = clock.now();
            if walk.has_begun() && !has_begun {
                (has_begun, note_due) = (true, now);
                self.begin(&walk);
            }
            if note_due <= now {
                let mark = walk.mark(now)?;
                if has_begun {
                    self.notes.note(Noted::Following(mark), now);
                }
                note_due = now + BETWEEN_NOTES;
            }
            if walk.listing_due().is_some_and(|due| due <= now) {
                walk.list();
                under_way.push(go(Asked::Shards));
            }
            let wake = walk.listing_due().map_or(note_due, |due| due.min(note_due));
            tokio::select! {
                biased;
                Some(news) = under_way.next() => {
                    let errands = self.hear(&mut walk, news)?;
                    under_way.extend(errands.into_iter().map(Asked::OfShard).map(go));
                }
                () = clock.sleep_until(wake) => {}
            }
        }
    }

    /// Every shard is read from a certain place on: what was kept until now may be older than that.
    fn begin(&self, walk: &Walk) {
        self.shared.parts.sink.lost_track(self.table());
        tracing::info!(table = self.table(), shards = walk.shards(), "stream is followed");
    }

    /// Takes news in; what to do next.
    fn hear(&self, walk: &mut Walk, news: News) -> Result<Vec<Errand>, Loss> {
        let now = self.shared.parts.clock.now();
        match news {
            News::Listed(listed) => walk.listed(listed, now),
            News::Iterated(shard, iterator) => walk.iterated(&shard, iterator, now),
            News::Read { shard, iterator, asked_at, page } => {
                walk.read(&shard, iterator, asked_at, page, now)
            }
        }
    }

    /// Lists the shards at once, or does an errand when its time comes.
    async fn go(&self, stream: &Stream, asked: Asked) -> News {
        let Errand { shard, at, what } = match asked {
            Asked::Shards => return News::Listed(self.list(&stream.arn).await.map(|found| found.shards)),
            Asked::OfShard(errand) => errand,
        };
        self.shared.parts.clock.sleep_until(at).await;
        match what {
            What::Iterator(place) => {
                let iterator = self.iterator(&stream.arn, &shard, &place).await;
                News::Iterated(shard, iterator)
            }
            What::Records(iterator) => {
                let (asked_at, page) = self.read(stream.view, &iterator).await;
                News::Read { shard, iterator, asked_at, page }
            }
        }
    }

    /// The table's stream of this day.
    async fn find(&self) -> Result<Stream, Trouble> {
        let body = self.describe("DescribeTable", &[("TableName", self.table())]).await?;
        self.list(&answers::latest_stream(&body)?).await
    }

    /// The shards of a stream, page by page.
    async fn list(&self, arn: &str) -> Result<Stream, Trouble> {
        let mut shards: Vec<Listed> = Vec::new();
        let mut last: Option<String> = None;
        loop {
            let mut members = vec![("StreamArn", arn)];
            members.extend(last.as_deref().map(|last| ("ExclusiveStartShardId", last)));
            let page = answers::stream_page(&self.describe("DescribeStream", &members).await?)?;
            shards.extend(page.shards);
            if shards.len() > LISTED_MAX {
                return Err(Trouble::Lost(Loss::TooManyShards));
            }
            // An origin that answers with the same page for ever must not keep us.
            if page.last.is_some() && page.last == last {
                return Err(Trouble::Lost(Loss::Unreadable));
            }
            last = page.last;
            if last.is_none() {
                return Ok(Stream { arn: arn.to_owned(), view: page.view, shards });
            }
        }
    }

    async fn iterator(&self, arn: &str, shard: &str, place: &Place) -> Result<String, Trouble> {
        let mut members = vec![("StreamArn", arn), ("ShardId", shard)];
        let kind = match place {
            Place::Latest => "LATEST",
            Place::TrimHorizon => "TRIM_HORIZON",
            Place::After(number) => {
                members.push(("SequenceNumber", number));
                "AFTER_SEQUENCE_NUMBER"
            }
        };
        members.push(("ShardIteratorType", kind));
        let (_, body) = self.ask("GetShardIterator", &members).await;
        Ok(answers::iterator(&body?)?)
    }

    /// Reads a shard, and tells of what was found.
    async fn read(&self, view: StreamViewType, iterator: &str) -> (Instant, Result<Page, Trouble>) {
        let (asked_at, body) = self.ask("GetRecords", &[("ShardIterator", iterator)]).await;
        let page = body.and_then(|body| Ok(answers::records_page(&body, view)?));
        let metrics = &self.shared.parts.metrics;
        metrics.read(match &page {
            Ok(page) if page.changes.is_empty() => ReadOutcome::Nothing,
            Ok(_) => ReadOutcome::Records,
            Err(trouble) => ReadOutcome::Trouble(*trouble),
        });
        (asked_at, page.map(|page| self.tell(page, asked_at)))
    }

    fn tell(&self, page: RecordsPage, asked_at: Instant) -> Page {
        let Parts { sink, metrics, .. } = &self.shared.parts;
        metrics.records(self.table(), page.changes.len());
        for change in page.changes.iter().flatten() {
            sink.changed(self.table(), change);
        }
        let unread = page.changes.iter().filter(|change| change.is_none()).count();
        if unread > 0 {
            tracing::warn!(table = self.table(), unread, "records of the stream could not be read");
            metrics.unread_records.inc_by(unread as u64);
            sink.lost_track(self.table());
        }
        Page { found: self.found(&page, asked_at), next: page.next }
    }

    fn found(&self, page: &RecordsPage, asked_at: Instant) -> Found {
        let clock = &self.shared.parts.clock;
        let Some(last) = page.changes.last() else { return Found::Nothing };
        let since_asked = clock.now().saturating_duration_since(asked_at);
        let age = |created_at| clock.wall().duration_since(created_at).unwrap_or_default();
        let newest = page.changes.iter().flatten().filter_map(|change| change.created_at).max();
        Found::Records {
            behind: newest.map(|newest| age(newest).saturating_sub(since_asked)),
            last_sequence_number: last.as_ref().map(|last| last.sequence_number.clone()),
        }
    }

    /// Asks until there is an answer to go on with.
    async fn insist<T, F: Future<Output = Result<T, Trouble>>>(
        &self,
        ask: impl Fn() -> F,
    ) -> Result<T, Loss> {
        let Parts { clock, chance, .. } = &self.shared.parts;
        let mut failures = 0_u32;
        loop {
            match ask().await {
                Ok(answer) => return Ok(answer),
                Err(Trouble::Lost(loss)) => return Err(loss),
                Err(trouble @ (Trouble::Throttled | Trouble::Failed | Trouble::Expired)) => {
                    failures = failures.saturating_add(1);
                    tracing::debug!(table = self.table(), ?trouble, failures, "stream cannot be found yet");
                    clock.sleep(BEGINNINGS.after(failures, chance)).await;
                }
            }
        }
    }

    /// Asks for a description, in turn: the service takes few of them.
    async fn describe(&self, operation: &str, members: &[(&str, &str)]) -> Result<Bytes, Trouble> {
        let Shared { parts, descriptions, .. } = &*self.shared;
        parts.clock.sleep_until(descriptions.take(parts.clock.now())).await;
        self.ask(operation, members).await.1
    }

    /// The answer to a call, and when it was asked.
    async fn ask(&self, operation: &str, members: &[(&str, &str)]) -> (Instant, Result<Bytes, Trouble>) {
        let Parts { origin, clock, .. } = &self.shared.parts;
        let _call = self.shared.calls.acquire().await.expect("the semaphore is never closed");
        let asked_at = clock.now();
        let deadline = asked_at + PATIENCE;
        let body = Bytes::from(answers::request(members));
        let call = Call::internal(Target::of(operation), body, deadline);
        let answer = match clock.timeout_at(deadline, origin.call(call)).await {
            Some(Ok(reply)) => match reply.success() {
                Some(body) => Ok(body.clone()),
                None => Err(answers::trouble(reply.status(), reply.body())),
            },
            Some(Err(failure)) => {
                tracing::debug!(table = self.table(), operation, %failure, "no answer about a stream");
                Err(Trouble::Failed)
            }
            None => Err(Trouble::Failed),
        };
        (asked_at, answer)
    }
}

impl From<Loss> for Trouble {
    fn from(loss: Loss) -> Trouble {
        Trouble::Lost(loss)
    }
}
