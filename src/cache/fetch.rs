//! From a read that the cache may answer to its answer: out of an entry, or from the origin together with
//! whoever else misses the same.

use std::{
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use backend::{Call, Document, Failure, FailureKind, Outcome, Reply};
use base::Instant;
use bytes::Bytes;
use model::{
    ErrorCode, IndexScope,
    call::{GetItem, ReturnConsumedCapacity},
};

use crate::{
    Core,
    answer::{Consumed, GotItem, GotPage, View, compose_item, compose_page, numbers_of},
    coherence::{Rule, Sight},
    config,
    entry::{ABSENT, Asked, Entry, Stored, Strength, body_of},
    flight::{Boarded, Follower, Joining, Ticket},
    freshness::Life,
    metrics::Counted,
    page::Asking,
    schema::{Located, Table},
};

/// What a flight brings to everybody aboard.
#[derive(Debug, Clone)]
pub(crate) enum Arrival {
    /// The answer as an entry, with the reply that it came in.
    Entry { entry: Arc<Entry>, is_stored: bool, reply: Reply },
    /// An answer that cannot be shared: an error, or one of a shape that this version does not know.
    Other(Reply),
    /// No answer.
    Failed(Failure),
    /// Nothing that could be shared: whoever came aboard asks again.
    Nothing,
}

/// A read that the cache may answer.
pub(crate) struct Reading<'a> {
    pub(crate) call: &'a Call,
    pub(crate) table: Arc<Table>,
    pub(crate) located: Located,
    pub(crate) wants: Wants<'a>,
    /// No entry may outlive this moment.
    pub(crate) until: Option<Instant>,
}

/// What a read wants.
pub(crate) enum Wants<'a> {
    Item { get: &'a GetItem, view: View },
    Page { asking: Asking<'a>, scope: Option<IndexScope> },
}

/// What an answer is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Item,
    Page,
}

impl Wants<'_> {
    fn table_name(&self) -> &str {
        match self {
            Wants::Item { get, .. } => &get.table_name,
            Wants::Page { asking, .. } => asking.table_name(),
        }
    }

    fn capacity(&self) -> Option<ReturnConsumedCapacity> {
        match self {
            Wants::Item { get, .. } => get.return_consumed_capacity,
            Wants::Page { asking, .. } => asking.capacity(),
        }
    }

    fn counted(&self) -> Counted {
        match self {
            Wants::Item { .. } => Counted::Items,
            Wants::Page { .. } => Counted::Results,
        }
    }

    fn shape(&self) -> Shape {
        match self {
            Wants::Item { .. } => Shape::Item,
            Wants::Page { .. } => Shape::Page,
        }
    }

    /// Whether it wants all of what an entry has.
    fn is_whole(&self) -> bool {
        match self {
            Wants::Item { view, .. } => view.is_whole(),
            Wants::Page { .. } => true,
        }
    }

    /// Its answer out of an entry; `None` if that has something that this version cannot project.
    pub(crate) fn compose(&self, entry: &Entry, consumed: Consumed<'_>) -> Option<Document> {
        match self {
            Wants::Item { view, .. } => compose_item(entry, view, self.table_name(), consumed),
            Wants::Page { asking, scope } => {
                let index = asking.index_name().zip(*scope);
                Some(compose_page(entry, self.table_name(), index, consumed))
            }
        }
    }

    /// What is kept of an answer to it; `None` if that shows a part, or is of an unknown shape.
    pub(crate) fn kept(&self, body: &Bytes) -> Option<(Document, bool)> {
        self.is_whole().then(|| kept_of(self.shape(), body)).flatten()
    }

    /// The call of a fill: of the whole item, whatever part of it the reader wants.
    pub(crate) fn fill(&self, call: &Call, strength: Strength) -> Call {
        match self {
            _ if self.is_whole() && strength == Strength::Eventual => call.clone(),
            Wants::Item { get, .. } => call.with_body(fill_body(get, strength)),
            Wants::Page { .. } => {
                let body = crate::strengthened(&call.wire().body, &[]);
                body.map_or_else(|| call.clone(), |body| call.with_body(body))
            }
        }
    }
}

impl Reading<'_> {
    /// The rule that holds for it.
    pub(crate) fn rule(&self) -> &config::Rule {
        match &self.wants {
            Wants::Item { .. } => &self.table.rule.get_item,
            Wants::Page { asking, .. } => asking.rule(&self.table.rule),
        }
    }

    pub(crate) fn count(&self, outcome: Outcome) {
        self.table.metrics.count(self.wants.counted(), outcome);
    }

    /// Whether it can be asked for strongly: a global index cannot.
    pub(crate) fn strength(&self, sight: &Sight) -> Strength {
        match self.wants {
            Wants::Page { scope: Some(IndexScope::Global), .. } => Strength::Eventual,
            _ => Strength::needed(sight),
        }
    }
}

impl Core {
    /// The entry of a place, if it still counts: it is fresh, and no write has moved its slots.
    pub(crate) fn lookup(&self, table: &Table, located: &Located) -> Option<Arc<Entry>> {
        let entry = self.untouched(table, located)?;
        let is_fresh = entry.is_fresh(self.clock.now()) || !self.rules.hold(Rule::EntriesExpire);
        is_fresh.then_some(entry)
    }

    /// The entry of a place, fresh or not, if no write has moved its slots.
    pub(crate) fn untouched(&self, table: &Table, located: &Located) -> Option<Arc<Entry>> {
        let entry = table.shelf.get(&located.cache_key)?;
        (entry.stamp == self.stamps.current(&located.place)).then_some(entry)
    }

    /// A hit; `None` if the entry has something that cannot be projected.
    pub(crate) fn hit(self: &Arc<Self>, reading: &Reading<'_>, entry: &Arc<Entry>) -> Option<Reply> {
        let consumed = Consumed::none(reading.wants.capacity());
        let document = reading.wants.compose(entry, consumed)?;
        let now = self.clock.now();
        let ttl = entry.life.ttl(now);
        let outcome = match entry.is_negative {
            true => Outcome::NegativeHit { ttl },
            false => Outcome::Hit { ttl },
        };
        reading.count(outcome);
        if entry.becomes_due(now) {
            self.refresh_ahead(reading);
        }
        self.perhaps_verify(reading, entry);
        Some(Reply::document(document, outcome))
    }

    /// Answers a read that the cache may answer.
    pub(crate) async fn serve(self: &Arc<Self>, reading: Reading<'_>) -> Result<Reply, Failure> {
        match self.lookup(&reading.table, &reading.located) {
            Some(entry) => self.hit_or_pass(&reading, &entry).await,
            None => self.fetch(reading).await,
        }
    }

    async fn hit_or_pass(
        self: &Arc<Self>,
        reading: &Reading<'_>,
        entry: &Arc<Entry>,
    ) -> Result<Reply, Failure> {
        match self.hit(reading, entry) {
            Some(reply) => Ok(reply),
            None => self.pass_settled(reading.call, backend::Bypass::NotUnderstood).await,
        }
    }

    /// Asks the origin, together with whoever else misses the same.
    async fn fetch(self: &Arc<Self>, reading: Reading<'_>) -> Result<Reply, Failure> {
        let Reading { call, table, located, .. } = &reading;
        let look = || match self.lookup(table, located) {
            Some(entry) => Ok(entry),
            None => Err(self.stamps.sight(&located.place)),
        };
        let now = self.clock.now();
        let (follower, is_first) = match self.flights.board(&located.cache_key, self.joining(), now, look) {
            Boarded::Landed(entry) => return self.hit_or_pass(&reading, &entry).await,
            Boarded::First(ticket, follower, sight) => {
                self.take_off(ticket, &reading, sight);
                (follower, true)
            }
            Boarded::Joined(follower) => (follower, false),
        };
        self.metrics.flights.set(self.flights.count() as i64);
        let arrival = match self.arrival(follower, call).await {
            Ok(arrival) => arrival,
            Err(failure) => Arrival::Failed(failure),
        };
        if is_trouble(&arrival)
            && let Some(reply) = self.stale(&reading)
        {
            return Ok(reply);
        }
        match arrival {
            Arrival::Failed(failure) => {
                reading.count(Outcome::MissNotStored);
                Err(failure)
            }
            Arrival::Entry { entry, is_stored, reply } if is_first => {
                let outcome = if is_stored { Outcome::Miss } else { Outcome::MissNotStored };
                self.first(&reading, &entry, reply, outcome).await
            }
            Arrival::Entry { entry, .. } => self.shared(&reading, Some(&entry), Outcome::Collapsed).await,
            // An error of the origin's is shared with the followers of this flight, and never stored.
            Arrival::Other(reply) if (is_first && reading.wants.is_whole()) || reply.success().is_none() => {
                let outcome = if is_first { Outcome::MissNotStored } else { Outcome::Collapsed };
                reading.count(outcome);
                Ok(reply.with(outcome))
            }
            Arrival::Other(_) | Arrival::Nothing => self.shared(&reading, None, Outcome::MissNotStored).await,
        }
    }

    pub(crate) fn joining(&self) -> Joining {
        let hold = |rule| self.rules.hold(rule);
        match (hold(Rule::FlightsJoinUnderTheirWord), hold(Rule::DoubtfulFlightsClose)) {
            (true, true) => Joining::IfAsGood,
            (true, false) => Joining::UnderTheSameWord,
            (false, _) => Joining::Always,
        }
    }

    pub(crate) async fn arrival(&self, follower: Follower<Arrival>, call: &Call) -> Result<Arrival, Failure> {
        let arrival = self.clock.timeout_at(call.deadline, follower.arrival()).await;
        Ok(arrival.ok_or_else(Failure::deadline)?.unwrap_or(Arrival::Nothing))
    }

    /// What the origin would have been asked for, expired but within its grace and under words that still
    /// match: better than nothing, where the origin is in trouble.
    fn stale(self: &Arc<Self>, reading: &Reading<'_>) -> Option<Reply> {
        // Race: a write has left its image meanwhile, or a later read has brought the item. That is no old answer.
        if let Some(entry) = self.lookup(&reading.table, &reading.located) {
            return self.hit(reading, &entry);
        }
        let entry = self.stale_entry(&reading.table, &reading.located)?;
        let now = self.clock.now();
        let document = reading.wants.compose(&entry, Consumed::none(reading.wants.capacity()))?;
        let age = now.saturating_duration_since(entry.life.expires_at);
        let outcome = Outcome::StaleHit { age };
        reading.count(outcome);
        Some(Reply::document(document, outcome))
    }

    /// An entry that may be shown to whom the origin fails.
    pub(crate) fn stale_entry(&self, table: &Table, located: &Located) -> Option<Arc<Entry>> {
        let is_within_grace = |entry: &Arc<Entry>| {
            self.clock.now() < entry.life.stale_until || !self.rules.hold(Rule::GraceEnds)
        };
        self.untouched(table, located).filter(is_within_grace)
    }

    /// The reader whose miss began the flight gets the origin's own answer, if that is what it asked for.
    async fn first(
        self: &Arc<Self>,
        reading: &Reading<'_>,
        entry: &Entry,
        reply: Reply,
        outcome: Outcome,
    ) -> Result<Reply, Failure> {
        if reading.wants.is_whole() {
            reading.count(outcome);
            return Ok(reply.with(outcome));
        }
        let got = GotItem::read(reply.body());
        let consumed = match got.and_then(|got| got.consumed_capacity) {
            Some(consumed) => Consumed::Origin(consumed),
            None => Consumed::Unsaid,
        };
        match reading.wants.compose(entry, consumed) {
            Some(document) => {
                reading.count(outcome);
                Ok(Reply::document(document, outcome))
            }
            None => self.pass_settled(reading.call, backend::Bypass::NotUnderstood).await,
        }
    }

    /// A reader who shares what another's read brought consumed nothing; what cannot be shared is asked for
    /// again.
    async fn shared(
        self: &Arc<Self>,
        reading: &Reading<'_>,
        entry: Option<&Entry>,
        outcome: Outcome,
    ) -> Result<Reply, Failure> {
        let consumed = Consumed::none(reading.wants.capacity());
        match entry.and_then(|entry| reading.wants.compose(entry, consumed)) {
            Some(document) => {
                reading.count(outcome);
                Ok(Reply::document(document, outcome))
            }
            None => self.pass_settled(reading.call, backend::Bypass::NotUnderstood).await,
        }
    }

    /// Fetches anew what a hot entry has before it expires; nobody waits for it.
    fn refresh_ahead(self: &Arc<Self>, reading: &Reading<'_>) {
        let look = || Err::<(), Sight>(self.stamps.sight(&reading.located.place));
        let (key, now) = (&reading.located.cache_key, self.clock.now());
        if let Boarded::First(ticket, _, sight) = self.flights.board(key, self.joining(), now, look) {
            self.metrics.refreshes.inc();
            self.take_off(ticket, reading, sight);
        }
    }

    /// Sends a flight on its way, in a task of its own: its first reader may leave.
    fn take_off(self: &Arc<Self>, mut ticket: Ticket<Arrival>, reading: &Reading<'_>, sight: Sight) {
        let strength = reading.strength(&sight);
        let call = reading.wants.fill(reading.call, strength);
        let (shape, rule, until) = (reading.wants.shape(), reading.rule().clone(), reading.until);
        let (table, located) = (Arc::clone(&reading.table), reading.located.clone());
        let core = Arc::clone(self);
        self.drain.spawn(async move {
            core.flights.depart(&mut ticket).await;
            let call = call.until(core.clock.now() + core.fill_timeout);
            let asked = Asked { strength, at: core.clock.now() };
            let answer = core.clock.timeout_at(call.deadline, core.origin.call(call.clone())).await;
            let arrival = match answer.unwrap_or_else(|| Err(Failure::deadline())) {
                Err(failure) => Arrival::Failed(failure),
                Ok(reply) => {
                    core.catalog.observe(call.target(), table.bare_name(), &reply);
                    match reply.success().and_then(|body| kept_of(shape, body)) {
                        Some(kept) => {
                            let landing = Landing { until, ..Landing::of_read(&table, &located, &rule) };
                            let (entry, is_stored) = core.land(landing, kept, sight, asked);
                            Arrival::Entry { entry, is_stored, reply }
                        }
                        None => Arrival::Other(reply),
                    }
                }
            };
            core.flights.arrive(ticket, arrival);
            core.metrics.flights.set(core.flights.count() as i64);
        });
    }

    /// Stores what the origin answered, unless a write may have overtaken it; says whether it was stored.
    pub(crate) fn land(
        &self,
        landing: Landing<'_>,
        (document, is_negative): (Document, bool),
        sight: Sight,
        asked: Asked,
    ) -> (Arc<Entry>, bool) {
        let Landing { table, located, rule, until, is_image } = landing;
        let now = self.clock.now();
        let current = self.stamps.current(&located.place);
        let is_stamped = self.rules.hold(Rule::FillsAreStamped);
        let at_most = [
            until.map(|until| until.saturating_duration_since(asked.at)),
            sight.keeps_for,
            self.time_to_live(table, &document),
        ];
        let life = Life::of(
            asked.at,
            is_negative,
            rule,
            at_most.into_iter().flatten().min(),
            (self.jitter, &self.chance),
        );
        let stamp = if is_stamped { sight.stamp } else { current };
        let told = (stamp, asked, now);
        let document = if self.keeps_forms { document.with_form() } else { document };
        let entry = Entry::new((document, is_negative), told, life, is_image, self.next_serial());
        let entry = Arc::new(entry);
        // Race: reader A misses, writer B updates and finishes, then A's older answer arrives. Storing it
        // would do no harm, since B moved the stamp that it carries, but it would take a newer entry's place.
        if is_stamped && !(sight.may_land && sight.stamp == current) {
            self.metrics.overtaken_fills.inc();
            return (entry, false);
        }
        if life.is_over(now) {
            return (entry, false);
        }
        let stored = table.shelf.store(&located.cache_key, Arc::clone(&entry), rule.entry_bytes_max);
        if stored == Stored::Contradicted {
            self.contradict(located);
        }
        self.metrics.entries.set(self.shelves.count() as i64);
        self.metrics.bytes.set(self.shelves.bytes() as i64);
        (entry, stored == Stored::Kept)
    }

    /// How long what an answer shows has to live by the time to live of its items.
    ///
    /// DynamoDB: whose end lies more than five years back never expires (developer guide, "How it works" under
    /// time to live).
    fn time_to_live(&self, table: &Table, document: &Document) -> Option<Duration> {
        const IGNORED_AFTER: Duration = Duration::from_secs(5 * 365 * 24 * 60 * 60);
        let attribute = table.rule.ttl_attribute.as_deref()?;
        let now = self.clock.wall().duration_since(UNIX_EPOCH).unwrap_or_default();
        let ends = numbers_of(&document.body, attribute);
        let ends = ends.into_iter().filter_map(|end| Duration::try_from_secs_f64(end).ok());
        ends.filter(|end| *end + IGNORED_AFTER > now).map(|end| end.saturating_sub(now)).min()
    }

    /// Drops the entry of a place, since it is not what a client was shown.
    pub(crate) fn contradict(&self, located: &Located) {
        self.metrics.contradictions.inc();
        self.stamps.touch([located.place.own]);
    }
}

/// Where an answer is to be stored, and how.
#[derive(Clone, Copy)]
pub(crate) struct Landing<'a> {
    pub(crate) table: &'a Table,
    pub(crate) located: &'a Located,
    pub(crate) rule: &'a config::Rule,
    /// No entry may outlive this moment.
    pub(crate) until: Option<Instant>,
    /// Whether a write left it.
    pub(crate) is_image: bool,
}

impl<'a> Landing<'a> {
    /// Of an answer to a read.
    pub(crate) fn of_read(table: &'a Table, located: &'a Located, rule: &'a config::Rule) -> Landing<'a> {
        Landing { table, located, rule, until: None, is_image: false }
    }
}

/// What is kept of an item that an answer shows, or of its absence.
pub(crate) fn kept_item(item_json: Option<&str>) -> (Document, bool) {
    let body = item_json.map_or(Bytes::from_static(ABSENT), |item| Bytes::from(body_of(item)));
    (Document::new(body), item_json.is_none())
}

fn kept_of(shape: Shape, body: &Bytes) -> Option<(Document, bool)> {
    match shape {
        Shape::Item => Some(kept_item(GotItem::read(body)?.item.map(serde_json::value::RawValue::get))),
        Shape::Page => Some(GotPage::read(body)?.kept(body)),
    }
}

/// Whether an answer, or none, tells of trouble with the origin that has nothing to do with who asks for what.
fn is_trouble(arrival: &Arrival) -> bool {
    match arrival {
        Arrival::Entry { .. } | Arrival::Nothing => false,
        Arrival::Failed(failure) => failed_in_trouble(failure),
        Arrival::Other(reply) => answered_in_trouble(reply),
    }
}

/// Whether there is no answer for a reason that has nothing to do with who asks for what.
pub(crate) fn failed_in_trouble(failure: &Failure) -> bool {
    match failure.kind {
        FailureKind::Unreachable
        | FailureKind::Unavailable
        | FailureKind::Overloaded
        | FailureKind::Lost
        | FailureKind::TimedOut => true,
        FailureKind::NoCredentials | FailureKind::Refused | FailureKind::Internal => false,
    }
}

/// Whether an answer says that the origin cannot answer now.
pub(crate) fn answered_in_trouble(reply: &Reply) -> bool {
    let is_late = |code: ErrorCode| code == ErrorCode::RequestTimeoutException;
    reply.status().is_server_error()
        || ErrorCode::in_body(reply.body()).is_some_and(|code| code.is_throttling() || is_late(code))
}

fn fill_body(get: &GetItem, strength: Strength) -> Bytes {
    let mut body = serde_json::json!({ "TableName": get.table_name, "Key": get.key });
    if strength == Strength::Strong {
        body["ConsistentRead"] = serde_json::json!(true);
    }
    if let Some(detail) = get.return_consumed_capacity {
        body["ReturnConsumedCapacity"] = serde_json::json!(detail.as_str());
    }
    Bytes::from(body.to_string())
}
