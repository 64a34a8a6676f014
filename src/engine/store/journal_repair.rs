//! Mending fjall's journals before fjall opens them. The only file that knows their format.
//!
//! fjall 3.1 writes journals `0.jnl`, `1.jnl`, …, of which the greatest is the active one: 64 MB of zeros that
//! batches overwrite. A batch is a start, items, and an end:
//!
//! ```text
//! 01 item_count:u32 seqno:u64
//! 02 value_type:u8 compression:u8 keyspace:u64 key_len:u16 value_len:u32 stored_len:u32 key stored_value
//! 04 keyspace:u64                                  (a keyspace is cleared; counts as an item)
//! 03 xxh3(items):u64 "FJL\x03"
//! ```
//!
//! Numbers are little-endian. On opening, fjall takes an unknown tag for the end, cuts the file there and says
//! nothing even if whole batches follow; and takes a checksum that does not match for fatal. Neither will do: a
//! crash may leave any page of the last batch out. So everything after the last batch that follows whole batches
//! only is cut off here first, and kept in a file.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use base::sync_directory;
use xxhash_rust::xxh3::Xxh3;

use crate::{
    OpenError, Repair,
    directory::{failed, free_name},
};

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
const TRAILER: [u8; 4] = *b"FJL\x03";

const START_BYTES: usize = 13;
const READ_BYTES: usize = 64 << 10;

/// Which journals get a file of their own that no older handle writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rewrite {
    /// Those that are mended.
    Damaged,
    /// Those too that a handle of this process may hold: after a failure it may still flush what it has
    /// buffered when it is dropped, and what a failed sync left in the page cache is no promise. A journal that
    /// is written anew and synced depends on neither.
    Newest,
}

/// Makes every journal end with a whole batch, and none follow a damaged one.
pub(crate) fn repair(database: &Path, aside: &Path, rewrite: Rewrite) -> Result<Vec<Repair>, OpenError> {
    let journals = journals(database)?;
    let mut repairs = Vec::new();
    if journals.is_empty() {
        // The active one is never removed. Without any, fjall 3.1 forgets how far its numbers had come, shows
        // nothing of what is in tables, and hides what is written next behind it; an empty one is enough.
        let journal = database.join("0.jnl");
        let create = || File::create(&journal)?.sync_all().and_then(|()| sync_directory(database));
        create().map_err(failed("create", &journal))?;
        repairs.push(Repair::Missing { journal });
    }
    let mut last_seqno = 0;
    let mut is_damaged = false;
    for (at, (number, path)) in journals.iter().enumerate() {
        if at > 0 && journals[at - 1].0 + 1 != *number {
            repairs.push(Repair::Missing { journal: database.join(format!("{}.jnl", number - 1)) });
        }
        let scan = Scan::of(path, last_seqno).map_err(failed("read", path))?;
        if is_damaged {
            repairs.extend(set_aside(path, aside, &scan)?);
            continue;
        }
        last_seqno = scan.last_seqno;
        let mut newer = journals[at + 1..].iter().map(|(_, path)| Scan::of(path, last_seqno));
        let mut is_followed = || newer.any(|scan| scan.is_ok_and(|scan| scan.groups > 0));
        match scan.tail {
            // The two newest: closing a journal may have failed half way.
            None if rewrite == Rewrite::Newest && at + 2 >= journals.len() => {
                write_anew(path, scan.good_bytes).map_err(failed("rewrite", path))?;
            }
            None => {}
            Some(tail) => {
                is_damaged = tail.groups > 0 || is_followed();
                let kept = keep_tail(path, aside, scan.good_bytes, tail.bytes)?;
                write_anew(path, scan.good_bytes).map_err(failed("rewrite", path))?;
                repairs.push(cut(path, scan.good_bytes, tail, kept, is_damaged));
            }
        }
    }
    Ok(repairs)
}

/// The number of the active journal; 0 if there is none.
pub(crate) fn newest(database: &Path) -> u64 {
    journals(database).ok().and_then(|journals| journals.last().map(|(number, _)| *number)).unwrap_or(0)
}

/// The active journal, if it or one after it is there: closing a journal counts one up, and the closed one may
/// be gone soon.
pub(crate) fn newest_from(database: &Path, number: u64) -> Option<u64> {
    let is_there = |number: u64| database.join(format!("{number}.jnl")).exists();
    let next = (number + 1..).take_while(|number| is_there(*number)).last();
    next.or_else(|| is_there(number).then_some(number))
}

fn cut(journal: &Path, kept_bytes: u64, tail: Tail, aside: PathBuf, is_damaged: bool) -> Repair {
    let (journal, cut_bytes) = (journal.to_owned(), tail.bytes);
    if is_damaged {
        Repair::Damaged { journal, kept_bytes, cut_bytes, groups_cut: tail.groups, aside }
    } else {
        Repair::TornTail { journal, kept_bytes, cut_bytes, aside }
    }
}

/// The journals, the oldest first. What an interrupted repair left is removed.
fn journals(database: &Path) -> Result<Vec<(u64, PathBuf)>, OpenError> {
    let mut journals = Vec::new();
    for entry in fs::read_dir(database).map_err(failed("read", database))? {
        let path = entry.map_err(failed("read", database))?.path();
        if path.extension().is_some_and(|extension| extension == "new") {
            fs::remove_file(&path).map_err(failed("remove", &path))?;
        }
        let number = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".jnl")?.parse().ok());
        if let Some(number) = number {
            journals.push((number, path));
        }
    }
    journals.sort();
    Ok(journals)
}

fn set_aside(path: &Path, aside: &Path, scan: &Scan) -> Result<Option<Repair>, OpenError> {
    let groups = scan.groups + scan.tail.as_ref().map_or(0, |tail| tail.groups);
    let kept = free_name(aside, &name_of(path)).map_err(failed("create", aside))?;
    fs::rename(path, &kept).map_err(failed("move", path))?;
    Ok((groups > 0).then(|| Repair::SetAside { journal: path.to_owned(), groups, aside: kept }))
}

/// Copies what will be cut off.
fn keep_tail(path: &Path, aside: &Path, from: u64, bytes: u64) -> Result<PathBuf, OpenError> {
    let kept = free_name(aside, &name_of(path)).map_err(failed("create", aside))?;
    let copy = || {
        copy_range(path, &kept, from, bytes)?;
        sync_directory(aside)
    };
    copy().map_err(failed("write", &kept))?;
    Ok(kept)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Puts the good part into a new file of the same name.
fn write_anew(path: &Path, good_bytes: u64) -> io::Result<()> {
    let temporary = path.with_extension("new");
    copy_range(path, &temporary, 0, good_bytes)?;
    fs::rename(&temporary, path)?;
    sync_directory(path.parent().unwrap_or(Path::new(".")))
}

fn copy_range(from: &Path, to: &Path, offset: u64, bytes: u64) -> io::Result<()> {
    let copy = || {
        let mut source = File::open(from)?;
        source.seek(SeekFrom::Start(offset))?;
        let mut target = File::create(to)?;
        let copied = io::copy(&mut source.take(bytes), &mut target)?;
        assert!(copied == bytes, "a journal does not shrink while it is read");
        target.sync_all()
    };
    // Half a copy is of no use, and the disk may be full because of it.
    copy().inspect_err(|_| drop(fs::remove_file(to)))
}

/// What is in a journal.
struct Scan {
    /// Up to here there are whole batches only.
    good_bytes: u64,
    groups: u64,
    last_seqno: u64,
    /// What follows, unless it is nothing but zeros.
    tail: Option<Tail>,
}

struct Tail {
    /// Without the zeros at its end.
    bytes: u64,
    /// How many whole batches are in it.
    groups: u64,
}

impl Scan {
    fn of(path: &Path, last_seqno: u64) -> io::Result<Scan> {
        let mut journal = Journal::open(path)?;
        let mut scan = Scan { good_bytes: 0, groups: 0, last_seqno, tail: None };
        while let Some(batch) = journal.batch_at(scan.good_bytes)? {
            scan.good_bytes = batch.end;
            scan.groups += 1;
            scan.last_seqno = scan.last_seqno.max(batch.seqno);
        }
        let data_end = journal.data_end(scan.good_bytes)?;
        if data_end > scan.good_bytes {
            let groups = journal.groups_between(scan.good_bytes, data_end, scan.last_seqno)?;
            scan.tail = Some(Tail { bytes: data_end - scan.good_bytes, groups });
        }
        Ok(scan)
    }
}

struct Batch {
    end: u64,
    seqno: u64,
}

/// A journal that is read anywhere.
struct Journal {
    file: BufReader<File>,
    len: u64,
    at: u64,
}

impl Journal {
    fn open(path: &Path) -> io::Result<Journal> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        Ok(Journal { file: BufReader::with_capacity(READ_BYTES, file), len, at: 0 })
    }

    fn seek(&mut self, to: u64) -> io::Result<()> {
        // Relative, so that what is buffered stays of use.
        let distance = i64::try_from(to).and_then(|to| Ok(to - i64::try_from(self.at)?));
        self.file.seek_relative(distance.map_err(io::Error::other)?)?;
        self.at = to;
        Ok(())
    }

    /// Fills `bytes`; `None` at the end of the file.
    fn take<const N: usize>(&mut self) -> io::Result<Option<[u8; N]>> {
        if self.len - self.at < N as u64 {
            return Ok(None);
        }
        let mut bytes = [0; N];
        self.file.read_exact(&mut bytes)?;
        self.at += N as u64;
        Ok(Some(bytes))
    }

    /// The batch that starts at `offset`, if it is whole.
    fn batch_at(&mut self, offset: u64) -> io::Result<Option<Batch>> {
        self.seek(offset)?;
        let Some([START, count @ .., s0, s1, s2, s3, s4, s5, s6, s7]) = self.take::<START_BYTES>()? else {
            return Ok(None);
        };
        let mut checksum = Xxh3::new();
        for _ in 0..u32::from_le_bytes(count) {
            if !self.item(&mut checksum)? {
                return Ok(None);
            }
        }
        let Some([END, end @ ..]) = self.take::<13>()? else { return Ok(None) };
        let is_whole = end[..8] == checksum.digest().to_le_bytes() && end[8..] == TRAILER;
        let seqno = u64::from_le_bytes([s0, s1, s2, s3, s4, s5, s6, s7]);
        Ok(is_whole.then_some(Batch { end: self.at, seqno }))
    }

    /// Reads over an item; whether it is one.
    fn item(&mut self, checksum: &mut Xxh3) -> io::Result<bool> {
        match self.take::<1>()? {
            Some([ITEM]) => {
                let Some(head) = self.take::<20>()? else { return Ok(false) };
                let (value_type, compression) = (head[0], head[1]);
                if !matches!(value_type, 0..=2) || compression > 1 {
                    return Ok(false);
                }
                checksum.update(&[ITEM]);
                checksum.update(&head);
                let key_bytes = u16::from_le_bytes([head[10], head[11]]);
                let stored_bytes = u32::from_le_bytes([head[16], head[17], head[18], head[19]]);
                self.sum_up(u64::from(key_bytes) + u64::from(stored_bytes), checksum)
            }
            Some([CLEAR]) => {
                let Some(keyspace) = self.take::<8>()? else { return Ok(false) };
                checksum.update(&[CLEAR]);
                checksum.update(&keyspace);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Adds `bytes` to the checksum; whether there are so many.
    fn sum_up(&mut self, mut bytes: u64, checksum: &mut Xxh3) -> io::Result<bool> {
        if bytes > self.len - self.at {
            return Ok(false);
        }
        let mut chunk = [0; 8 << 10];
        while bytes > 0 {
            let part = usize::try_from(bytes).map_or(chunk.len(), |bytes| bytes.min(chunk.len()));
            self.file.read_exact(&mut chunk[..part])?;
            checksum.update(&chunk[..part]);
            bytes -= part as u64;
            self.at += part as u64;
        }
        Ok(true)
    }

    /// The end of the last byte from `from` on that is not zero, or `from`.
    fn data_end(&mut self, from: u64) -> io::Result<u64> {
        static ZEROS: [u8; READ_BYTES] = [0; READ_BYTES];
        let mut chunk = vec![0; READ_BYTES];
        let mut end = from;
        let mut at = from;
        while let Some(data) = self.next_data(at)? {
            at = data;
            self.seek(at)?;
            let part = usize::try_from(self.len - at).map_or(READ_BYTES, |rest| rest.min(READ_BYTES));
            self.file.read_exact(&mut chunk[..part])?;
            self.at += part as u64;
            if chunk[..part] != ZEROS[..part] {
                let last = chunk[..part].iter().rposition(|byte| *byte != 0).unwrap_or_default();
                end = at + last as u64 + 1;
            }
            at += part as u64;
        }
        Ok(end)
    }

    /// Where the file next has data, which spares reading 64 MB of holes; `None` if there is none.
    #[cfg(target_os = "linux")]
    fn next_data(&mut self, from: u64) -> io::Result<Option<u64>> {
        use rustix::{fs::SeekFrom, io::Errno};
        if from >= self.len {
            return Ok(None);
        }
        let found = rustix::fs::seek(self.file.get_ref(), SeekFrom::Data(from));
        // The reader's own idea of where it stands is wrong now.
        self.file.seek(io::SeekFrom::Start(self.at))?;
        match found {
            Ok(data) => Ok(Some(data.max(from))),
            Err(Errno::NXIO) => Ok(None),
            // Not every file system knows its holes.
            Err(_) => Ok(Some(from)),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn next_data(&mut self, from: u64) -> io::Result<Option<u64>> {
        Ok((from < self.len).then_some(from))
    }

    /// How many whole batches lie between, wherever they start. Seqnos only grow, which rules out nearly
    /// everything that merely looks like a start.
    fn groups_between(&mut self, from: u64, to: u64, last_seqno: u64) -> io::Result<u64> {
        /// Far more than any journal holds, far less than chance or text gives.
        const SEQNO_LEAP: u64 = 1 << 32;
        let mut groups = 0;
        let mut last_seqno = last_seqno;
        let mut at = from;
        while let Some(start) = self.next_start(at, to)? {
            at = start + 1;
            let Some(batch) = self.batch_at(start)? else { continue };
            if batch.seqno > last_seqno && batch.seqno - last_seqno < SEQNO_LEAP {
                groups += 1;
                last_seqno = batch.seqno;
                at = batch.end;
            }
        }
        Ok(groups)
    }

    /// The next place that looks like the start of a batch.
    fn next_start(&mut self, from: u64, to: u64) -> io::Result<Option<u64>> {
        let mut chunk = vec![0; READ_BYTES];
        let mut at = from;
        while at + START_BYTES as u64 + 1 < to {
            self.seek(at)?;
            let part = usize::try_from(to - at).map_or(READ_BYTES, |rest| rest.min(READ_BYTES));
            self.file.read_exact(&mut chunk[..part])?;
            self.at += part as u64;
            // Counts and seqnos are small, so that the upper bytes of both are zeros.
            let looks_like_start = |window: &[u8]| {
                window[0] == START
                    && window[4] == 0
                    && window[11..13] == [0, 0]
                    && matches!(window[13], ITEM | CLEAR)
            };
            let found = chunk[..part].windows(START_BYTES + 1).position(looks_like_start);
            if let Some(found) = found {
                return Ok(Some(at + found as u64));
            }
            at += (part - START_BYTES) as u64;
        }
        Ok(None)
    }
}
