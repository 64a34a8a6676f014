//! Rows on disk, over fjall.
//!
//! All rows lie in one keyspace that is made with the store: keyspaces of fjall 3.1 that come and go are
//! dangerous.
//! - Their names live in a tree of their own whose numbers are not restored on opening. After one was deleted,
//!   the next one may get its directory's number and a row that the older deletion hides: the next opening takes
//!   it for an orphan and removes it, with everything in it.
//! - The directory that holds a new one is not synced: after a power cut its journal entries may belong to nobody.
//! - Each gathers a memtable of its own and holds back journals for as long as it is not written out.
//!
//! So a space is a prefix, making one costs a row, and `sweep.rs` clears away what dropping one leaves.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
    time::Duration,
};

use base::{Clock, Instant, sync_directory};
use bytes::Bytes;
use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions, LsmError, PersistMode, Readable};

use crate::{
    Config, Direction, OpenError, Opened, Refusal, Repair,
    backing::{Backing, Bounds, CommitFailure, Durability, Prepared, ReadFailure, Rows, Snapshot},
    directory::{Content, Directory, failed},
    journal_repair::{self, Rewrite},
    writer::words_of,
};

/// The keyspace that holds all rows.
const ROWS: &str = "rows";

/// One flushes while the other compacts.
const WORKER_THREADS: usize = 2;

/// Journals up to this size are kept before memtables are written out because of them. fjall's smallest is 64 MB;
/// a journal is only closed at 64 MB, so less than three would flush needlessly.
const JOURNAL_BYTES_MAX: u64 = 192 << 20;

/// fjall itself waits without end once four memtables wait to be written out, even if the thread that should do
/// it has failed. Waiting earlier, with an eye on failures, never gets there: one commit adds at most two.
const SEALED_MEMTABLES_MAX: usize = 1;

/// From how many tables that wait to be merged on commits are slowed down. fjall waits without end at 30 runs.
const L0_TABLES_MAX: usize = 20;

/// How long a commit waits for tables to be merged. Not longer: merging is only begun when a table is added, so
/// waiting for it without end might be just that.
const MERGE_PATIENCE: Duration = Duration::from_millis(50);

/// How often is looked whether upkeep has caught up.
const UPKEEP_POLL: Duration = Duration::from_millis(1);

/// How long is waited between attempts to reopen after a failure.
const REOPEN_PAUSE: Duration = Duration::from_secs(1);

pub(crate) struct Disk {
    directory: Directory,
    settings: Settings,
    state: State,
    clock: Clock,
    /// The journal that was the newest when it was last looked for.
    journal: u64,
}

#[derive(Debug, Clone, Copy)]
struct Settings {
    cache_bytes: u64,
    memtable_bytes: u64,
    reserve_bytes: u64,
}

enum State {
    Open(Handles),
    /// A write, a sync or upkeep failed. Views that were taken before still read.
    Failed {
        why: Arc<str>,
        retry_at: Instant,
    },
}

struct Handles {
    // Dropped in this order: the database stops its threads first.
    database: Database,
    rows: Keyspace,
}

struct DiskSnapshot {
    rows: Keyspace,
    snapshot: fjall::Snapshot,
}

impl Disk {
    pub(crate) fn open(path: &Path, config: &Config, clock: Clock) -> Result<(Disk, Opened), OpenError> {
        let directory = Directory::lock(path)?;
        let settings = Settings {
            cache_bytes: config.cache_bytes,
            memtable_bytes: config.memtable_bytes,
            reserve_bytes: config.reserve_bytes,
        };
        let mut repairs = Vec::new();
        let handles = match directory.content()? {
            Content::Store => {
                let (handles, mended) = open_database(&directory, settings, Rewrite::Damaged)?;
                repairs = mended;
                handles
            }
            Content::Nothing => create_database(&directory, settings)?,
            Content::Unfinished => {
                let repair = Repair::Unfinished { aside: directory.set_database_aside()? };
                repair.log();
                repairs.push(repair);
                create_database(&directory, settings)?
            }
        };
        let journal = journal_repair::newest(&directory.database());
        Ok((Disk { directory, settings, state: State::Open(handles), clock, journal }, Opened { repairs }))
    }

    /// Every handle has to go before the files are opened again; what readers hold goes on reading.
    fn fail(&mut self, why: Arc<str>) {
        tracing::error!(%why, "the store failed: writes are refused until it is reopened");
        self.state = State::Failed { why, retry_at: self.clock.now() };
    }

    fn reopen(&mut self) -> Result<Prepared, Refusal> {
        match open_database(&self.directory, self.settings, Rewrite::Newest) {
            Ok((handles, _)) => {
                tracing::warn!("the store was reopened after a failure: writes go on");
                self.journal = journal_repair::newest(&self.directory.database());
                self.state = State::Open(handles);
                Ok(Prepared::Reopened)
            }
            Err(error) => {
                let why: Arc<str> = Arc::from(base::causes(&error));
                tracing::error!(%why, "the store cannot be reopened yet");
                self.state =
                    State::Failed { why: Arc::clone(&why), retry_at: self.clock.now() + REOPEN_PAUSE };
                Err(Refusal::Unavailable(why))
            }
        }
    }

    /// Whether the journal is where it should be, and upkeep has room and keeps up; waits for it if need be.
    fn check(&mut self) -> Result<(), NotReady> {
        let State::Open(handles) = &self.state else { return Ok(()) };
        match journal_repair::newest_from(&self.directory.database(), self.journal) {
            Some(journal) => self.journal = journal,
            None => return Err(NotReady::Failed(save(handles))),
        }
        let free_bytes = free_bytes(self.directory.path());
        let reserve_bytes = self.settings.reserve_bytes;
        if free_bytes < reserve_bytes {
            return Err(NotReady::Refuse(Refusal::DiskFull { free_bytes, reserve_bytes }));
        }
        let patient_until = self.clock.now() + MERGE_PATIENCE;
        loop {
            // Buffers are empty between commits, so this only asks whether a background thread has failed.
            if let Err(error) = handles.database.persist(PersistMode::Buffer) {
                return Err(NotReady::Failed(error.to_string()));
            }
            let flush_lags = handles.rows.sealed_memtable_count() > SEALED_MEMTABLES_MAX;
            let merge_lags = handles.rows.l0_table_count() > L0_TABLES_MAX;
            if !flush_lags && (!merge_lags || self.clock.now() >= patient_until) {
                return Ok(());
            }
            std::thread::sleep(UPKEEP_POLL);
        }
    }
}

/// Somebody has removed the journal, and what is written to it is lost with the handle. What it holds is still in
/// memory: writes that out as a table.
fn save(handles: &Handles) -> String {
    let mut saved = handles.rows.rotate_memtable().map_err(|error| error.to_string());
    while saved.is_ok() && handles.rows.sealed_memtable_count() > 0 {
        std::thread::sleep(UPKEEP_POLL);
        saved =
            handles.database.persist(PersistMode::Buffer).map(|()| true).map_err(|error| error.to_string());
    }
    match saved {
        Ok(_) => "the journal was removed; what was in it has been saved".to_owned(),
        Err(error) => format!("the journal was removed, and what was in it cannot be saved: {error}"),
    }
}

/// Why a commit has to wait.
enum NotReady {
    Refuse(Refusal),
    Failed(String),
}

impl Backing for Disk {
    fn prepare(&mut self) -> Result<Prepared, Refusal> {
        if let State::Failed { why, retry_at } = &self.state {
            if self.clock.now() < *retry_at {
                return Err(Refusal::Unavailable(Arc::clone(why)));
            }
            return self.reopen();
        }
        match self.check() {
            Ok(()) => Ok(Prepared::Same),
            Err(NotReady::Refuse(refusal)) => Err(refusal),
            Err(NotReady::Failed(why)) => {
                self.fail(Arc::from(why));
                self.reopen()
            }
        }
    }

    fn commit(
        &mut self,
        rows: Vec<(Bytes, Option<Bytes>)>,
        durability: Durability,
    ) -> Result<(), CommitFailure> {
        let State::Open(handles) = &self.state else {
            return Err(CommitFailure::NotApplied(Arc::from("the store is not open")));
        };
        let mode = match durability {
            Durability::Synced => PersistMode::SyncData,
            Durability::Buffered => PersistMode::Buffer,
        };
        let mut batch = handles.database.batch().durability(Some(mode));
        for (key, value) in rows {
            match value {
                Some(value) => batch.insert(&handles.rows, key, value),
                None => batch.remove(&handles.rows, key),
            }
        }
        let failure = match catch_unwind(AssertUnwindSafe(|| batch.commit())) {
            Ok(Ok(())) => return Ok(()),
            // Found before anything is written.
            Ok(Err(fjall::Error::Poisoned)) => CommitFailure::NotApplied(Arc::from("upkeep failed")),
            Ok(Err(error)) => CommitFailure::Unknown(Arc::from(error.to_string())),
            Err(panic) => CommitFailure::Unknown(words_of(&*panic)),
        };
        let (CommitFailure::NotApplied(why) | CommitFailure::Unknown(why)) = &failure;
        self.fail(Arc::clone(why));
        Err(failure)
    }

    fn sync(&mut self) -> Result<(), CommitFailure> {
        let State::Open(handles) = &self.state else {
            return Err(CommitFailure::Unknown(Arc::from("the store is not open")));
        };
        let Err(error) = handles.database.persist(PersistMode::SyncData) else { return Ok(()) };
        let why: Arc<str> = Arc::from(error.to_string());
        self.fail(Arc::clone(&why));
        Err(CommitFailure::Unknown(why))
    }

    fn snapshot(&self) -> Arc<dyn Snapshot> {
        let State::Open(handles) = &self.state else {
            unreachable!("asked only after a commit or an opening that succeeded")
        };
        // Race: a flush or a compaction takes a number too and moves what is visible past a commit that is
        // under way; a snapshot opened then sees that commit half and sees it change. No commit is under way
        // here, since only the committing thread asks.
        let snapshot = handles.database.snapshot();
        Arc::new(DiskSnapshot { rows: handles.rows.clone(), snapshot })
    }
}

impl Snapshot for DiskSnapshot {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ReadFailure> {
        let value = self.snapshot.get(&self.rows, key).map_err(|error| read_failure(&error))?;
        Ok(value.map(Bytes::from))
    }

    fn range(&self, bounds: Bounds, direction: Direction) -> Rows {
        let rows = self.snapshot.range::<Bytes, _>(&self.rows, bounds);
        let owned = |row: fjall::Guard| match row.into_inner() {
            Ok((key, value)) => Ok((Bytes::from(key), Bytes::from(value))),
            Err(error) => Err(read_failure(&error)),
        };
        match direction {
            Direction::Forward => Box::new(rows.map(owned)),
            Direction::Backward => Box::new(rows.rev().map(owned)),
        }
    }
}

fn read_failure(error: &fjall::Error) -> ReadFailure {
    let detail = Arc::from(error.to_string());
    match error {
        fjall::Error::Io(io) | fjall::Error::Storage(LsmError::Io(io))
            if io.kind() != std::io::ErrorKind::UnexpectedEof =>
        {
            ReadFailure::Refused(detail)
        }
        _ => ReadFailure::Corrupt(detail),
    }
}

fn builder(path: &Path, settings: Settings) -> fjall::DatabaseBuilder<Database> {
    Database::builder(path)
        .cache_size(settings.cache_bytes)
        .worker_threads(WORKER_THREADS)
        .max_journaling_size(JOURNAL_BYTES_MAX)
        // Blocks of tables are compressed; what is compressed in a journal would be compressed once more to
        // check it on opening.
        .journal_compression(CompressionType::None)
}

/// Makes an empty database whose every name is durable, and only then says that there is a store.
fn create_database(directory: &Directory, settings: Settings) -> Result<Handles, OpenError> {
    let path = directory.database();
    let handles = guarded(directory.path(), || {
        let database = builder(&path, settings).open()?;
        let options = || KeyspaceCreateOptions::default().max_memtable_size(settings.memtable_bytes);
        let rows = database.keyspace(ROWS, options)?;
        Ok(Handles { database, rows })
    })?;
    sync_tree(&path).map_err(failed("sync", &path))?;
    sync_directory(directory.path()).map_err(failed("sync", directory.path()))?;
    directory.write_format()?;
    Ok(handles)
}

/// fjall does not sync the directory in which it makes a keyspace's.
fn sync_tree(path: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        }
    }
    sync_directory(path)
}

fn open_database(
    directory: &Directory,
    settings: Settings,
    rewrite: Rewrite,
) -> Result<(Handles, Vec<Repair>), OpenError> {
    let path = directory.database();
    let repairs = journal_repair::repair(&path, &directory.aside(), rewrite)?;
    repairs.iter().for_each(Repair::log);
    renew_lock(&path).map_err(failed("renew the lock of", &path))?;
    let handles = guarded(directory.path(), || {
        let database = builder(&path, settings).open()?;
        if !database.keyspace_exists(ROWS) {
            return Err(fjall::Error::Unrecoverable);
        }
        let rows = database.keyspace(ROWS, KeyspaceCreateOptions::default)?;
        Ok(Handles { database, rows })
    })?;
    Ok((handles, repairs))
}

/// Views that were taken before a failure hold fjall's lock for as long as they live, but what they may read does
/// no harm. The lock that counts between processes is the directory's.
fn renew_lock(database: &Path) -> std::io::Result<()> {
    let lock = database.join("lock");
    match fs::remove_file(&lock) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::File::create(lock).map(drop)
}

/// fjall panics on some files that it does not expect.
fn guarded<T>(path: &Path, open: impl FnOnce() -> fjall::Result<T>) -> Result<T, OpenError> {
    let detail = match catch_unwind(AssertUnwindSafe(open)) {
        Ok(Ok(opened)) => return Ok(opened),
        Ok(Err(fjall::Error::Io(source) | fjall::Error::Storage(LsmError::Io(source)))) => {
            return Err(OpenError::Io { action: "open the database in", path: path.to_owned(), source });
        }
        Ok(Err(error)) => error.to_string(),
        Err(panic) => words_of(&*panic).to_string(),
    };
    Err(OpenError::Unreadable { path: path.to_owned(), detail })
}

/// What the file system can still give. One that does not tell does not stop us: a full disk is found out when
/// writing fails.
fn free_bytes(path: &Path) -> u64 {
    rustix::fs::statvfs(path).map_or(u64::MAX, |figures| figures.f_bavail.saturating_mul(figures.f_frsize))
}
