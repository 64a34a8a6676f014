//! The file of the numbered lists: records that are only ever added, each with checksums.
//!
//! Behind the file's first line each record is a head of twelve bytes, which are the length of its body, the checksum
//! of the body, and the checksum of these two; then the body, which is a CBOR array of number and names for each of the
//! lists that were written at once. One record is written and synced before the next is begun, so a crash can harm the
//! last one only. Whether that was synced, nobody knows who finds it: so it is written and synced again before its
//! numbers are told.

use std::{
    collections::HashMap,
    fs::{File, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use base::{create_directory, sync_directory};
use minicbor::{Decoder, Encoder};

use super::Names;

const FILE: &str = "attribute-lists";
/// A change of the format counts it up and brings a migration.
const FIRST_LINE: &[u8] = b"linac attribute lists, format 1\n";
const HEAD_BYTES: usize = 12;

/// The file, open and locked.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
    /// Up to here everything is on the disk, or being written.
    length: u64,
    /// What is on the disk is not known any more.
    is_broken: bool,
}

/// Why the lists cannot be kept, or were not kept.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The operating system refused something.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// Another process has it.
    #[error("{0} is in use by another process")]
    InUse(PathBuf),
    /// It is something else, or was written by a later version.
    #[error("{0} is not a file of attribute lists that this version knows")]
    Unknown(PathBuf),
    /// Something in it changed since it was written, with more behind it. To go on without would have clients read and
    /// write items under the wrong names, or not at all.
    #[error(
        "{path} is damaged at byte {offset}, with more behind it: put back a copy of it, or move it away, and restart \
        all clients of the DAX door"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the record begins that cannot be read.
        offset: usize,
    },
    /// An earlier write or sync failed in a way that leaves the content unknown, until a restart reads it.
    #[error("{0} is not written to any more, since the disk failed")]
    Broken(PathBuf),
}

/// With their numbers.
type Lists = Vec<(i64, Names)>;

impl Log {
    /// Opens the file, made if need be, and reads it.
    pub(super) fn open(directory: &Path) -> Result<(Log, Lists), LogError> {
        create_directory(directory).map_err(failed("create", directory))?;
        let path = directory.join(FILE);
        let file = File::options().create(true).truncate(false).read(true).write(true).open(&path);
        let mut file = file.map_err(failed("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LogError::InUse(path)),
            Err(TryLockError::Error(source)) => return Err(LogError::Io { action: "lock", path, source }),
        }
        let mut content = Vec::new();
        file.read_to_end(&mut content).map_err(failed("read", &path))?;
        let mut log = Log { path, file, length: 0, is_broken: false };
        let lists = log.mend(&content)?;
        sync_directory(directory).map_err(failed("sync", directory))?;
        Ok((log, lists))
    }

    /// Reads the content, cuts off what a crash left behind it, and sees to it that the rest is on the disk.
    fn mend(&mut self, content: &[u8]) -> Result<Lists, LogError> {
        if is_new(content) {
            self.cut(0)?;
            self.write(0, FIRST_LINE)?;
            self.sync()?;
            return Ok(Vec::new());
        }
        if !content.starts_with(FIRST_LINE) {
            return Err(LogError::Unknown(self.path.clone()));
        }
        let mut lists = Vec::new();
        let (mut last, mut offset) = (FIRST_LINE.len(), FIRST_LINE.len());
        loop {
            match Record::read(&content[offset..]) {
                Record::Whole(more, behind) => {
                    lists.extend(more);
                    last = offset;
                    offset = content.len() - behind.len();
                }
                Record::End => break,
                Record::Torn => {
                    tracing::warn!(path = %self.path.display(), offset, "the last record was not written whole, and is cut off");
                    self.cut(offset as u64)?;
                    break;
                }
                Record::Damaged => return Err(LogError::Damaged { path: self.path.clone(), offset }),
            }
        }
        // The process may have been killed before it was synced, or its sync have failed, after which the system takes
        // it for synced. Either way it need not be on the disk, unless it is written anew.
        self.write(last as u64, &content[last..offset])?;
        self.sync()?;
        Ok(lists)
    }

    /// Adds a record; it is on the disk when this returns.
    pub(super) fn append(&mut self, lists: &HashMap<i64, Names>) -> Result<(), LogError> {
        if self.is_broken {
            return Err(LogError::Broken(self.path.clone()));
        }
        let before = self.length;
        if let Err(error) = self.write(before, &encode(lists)) {
            // Mostly a full disk. Half a record in the middle would be damage, so it goes.
            self.is_broken = self.cut(before).is_err();
            return Err(error);
        }
        let synced = self.sync();
        // The system may have dropped the pages that it could not write, and say nothing the next time.
        self.is_broken = synced.is_err();
        synced
    }

    /// Writes what is the end of the file then.
    fn write(&mut self, at: u64, bytes: &[u8]) -> Result<(), LogError> {
        let written = self.file.seek(SeekFrom::Start(at)).and_then(|_| self.file.write_all(bytes));
        written.map_err(failed("write", &self.path))?;
        self.length = at + bytes.len() as u64;
        Ok(())
    }

    fn sync(&self) -> Result<(), LogError> {
        self.file.sync_data().map_err(failed("sync", &self.path))
    }

    /// Another file under it, for a test of disks that fail.
    #[cfg(test)]
    pub(super) fn replace_file(&mut self, file: File) {
        self.file = file;
    }

    fn cut(&mut self, length: u64) -> Result<(), LogError> {
        let cut = self.file.set_len(length).and_then(|()| self.file.sync_all());
        cut.map_err(failed("cut", &self.path))?;
        self.length = length;
        Ok(())
    }
}

enum Record<'a> {
    Whole(Lists, &'a [u8]),
    End,
    /// The last one, which a crash kept from being written.
    Torn,
    Damaged,
}

impl Record<'_> {
    fn read(bytes: &[u8]) -> Record<'_> {
        if bytes.is_empty() {
            return Record::End;
        }
        let Some((head, rest)) = Head::read(bytes) else {
            // A power cut may leave the file with its new length and zeros where pages were not written, in this head
            // too. But nothing is ever written behind a record that is not synced.
            return if holds_record(&bytes[1..]) { Record::Damaged } else { Record::Torn };
        };
        // The head is sound, so its length is the one that was meant.
        let Some((body, behind)) = rest.split_at_checked(head.length) else { return Record::Torn };
        match head.decode(body) {
            Some(lists) => Record::Whole(lists, behind),
            // That of a crash cannot be told from later damage. Forgetting is the lesser harm: the same list gets the
            // same number when it is defined again.
            None if behind.is_empty() => Record::Torn,
            None => Record::Damaged,
        }
    }
}

/// Whether a whole record begins anywhere. Of the bytes between, one place in 2^32 looks like a head.
fn holds_record(bytes: &[u8]) -> bool {
    (0..bytes.len()).any(|at| {
        let head = Head::read(&bytes[at..]);
        head.is_some_and(|(head, rest)| rest.get(..head.length).and_then(|body| head.decode(body)).is_some())
    })
}

/// What stands before a body.
struct Head {
    length: usize,
    checksum: u32,
}

impl Head {
    /// If it is sound, with what is behind it.
    fn read(bytes: &[u8]) -> Option<(Head, &[u8])> {
        let (head, rest) = bytes.split_first_chunk::<HEAD_BYTES>()?;
        let word =
            |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().expect("a word has four bytes"));
        let is_sound = crc32fast::hash(&head[..8]) == word(8);
        is_sound.then(|| (Head { length: word(0) as usize, checksum: word(4) }, rest))
    }

    fn decode(&self, body: &[u8]) -> Option<Lists> {
        if crc32fast::hash(body) == self.checksum { decode(body) } else { None }
    }
}

fn encode(lists: &HashMap<i64, Names>) -> Vec<u8> {
    let mut out = Encoder::new(vec![0; HEAD_BYTES]);
    let mut write = |(id, names): (&i64, &Names)| {
        out.array(1 + names.len() as u64)?.i64(*id)?;
        names.iter().try_for_each(|name| out.str(name).map(drop))
    };
    lists.iter().try_for_each(&mut write).expect("a vector takes everything");
    let mut record = out.into_writer();
    let (head, body) = record.split_at_mut(HEAD_BYTES);
    let length = u32::try_from(body.len()).expect("what waits is no longer than a few items");
    head[..4].copy_from_slice(&length.to_le_bytes());
    head[4..8].copy_from_slice(&crc32fast::hash(body).to_le_bytes());
    let of_head = crc32fast::hash(&head[..8]);
    head[8..].copy_from_slice(&of_head.to_le_bytes());
    record
}

fn decode(body: &[u8]) -> Option<Lists> {
    let mut values = Decoder::new(body);
    let mut lists = Vec::new();
    while values.position() < body.len() {
        let names = values.array().ok()??.checked_sub(1)?;
        let id = values.i64().ok()?;
        let names: Option<Vec<Box<str>>> = (0..names).map(|_| values.str().ok().map(Box::from)).collect();
        lists.push((id, Arc::from(names?)));
    }
    Some(lists)
}

/// For `map_err`: what was attempted on what.
fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LogError {
    let path = path.to_owned();
    move |source| LogError::Io { action, path, source }
}

/// Whether the creation of a file with this content did not end: with zeros a power cut leaves what was not written.
fn is_new(content: &[u8]) -> bool {
    let mut bytes = content.iter().zip(FIRST_LINE);
    content.len() <= FIRST_LINE.len() && bytes.all(|(found, meant)| found == meant || *found == 0)
}
