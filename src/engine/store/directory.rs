//! The files of a store: its lock, its format, the engine's own directory, and what was set aside.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use base::{create_directory, sync_directory};

use crate::OpenError;

/// What this build writes and reads. A change of anything on disk counts it up and brings a migration.
const FORMAT: u32 = 1;

const LOCK: &str = "lock";
const FORMAT_FILE: &str = "format";
const FORMAT_WORDS: &str = "linac store, format ";
const DATABASE: &str = "fjall";
const ASIDE: &str = "aside";

/// Together a fifth of a second: nobody who waits for the error will mind.
const LOCK_ATTEMPTS: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// A directory that is locked against everybody else.
pub(crate) struct Directory {
    path: PathBuf,
    /// Held until it is dropped.
    _lock: File,
}

/// What is in a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Nothing,
    /// A creation that did not end.
    Unfinished,
    Store,
}

impl Directory {
    /// Makes the directory if need be, and locks it.
    pub(crate) fn lock(path: &Path) -> Result<Directory, OpenError> {
        create_directory(path).map_err(failed("create", path))?;
        let lock_path = path.join(LOCK);
        let lock = File::options().create(true).truncate(false).write(true).open(&lock_path);
        let lock = lock.map_err(failed("open", &lock_path))?;
        match patiently(&lock) {
            Ok(()) => Ok(Directory { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => {
                Err(OpenError::Io { action: "lock", path: lock_path, source })
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the storage engine keeps its files.
    pub(crate) fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    /// Where goes what was cut out.
    pub(crate) fn aside(&self) -> PathBuf {
        self.path.join(ASIDE)
    }

    /// What is here, if this build can read it.
    pub(crate) fn content(&self) -> Result<Content, OpenError> {
        let format = self.path.join(FORMAT_FILE);
        match fs::read_to_string(&format) {
            Ok(text) => check_format(&format, &text).map(|()| Content::Store),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.content_without_format(),
            Err(source) => Err(OpenError::Io { action: "read", path: format, source }),
        }
    }

    fn content_without_format(&self) -> Result<Content, OpenError> {
        let mut content = Content::Nothing;
        for entry in fs::read_dir(&self.path).map_err(failed("read", &self.path))? {
            let name = entry.map_err(failed("read", &self.path))?.file_name();
            match name.to_str() {
                // A file system of its own comes with one.
                Some(LOCK | ASIDE | "lost+found") => {}
                Some(DATABASE) => content = Content::Unfinished,
                Some(temporary) if temporary.starts_with(FORMAT_FILE) => {}
                _ => {
                    let found = name.to_string_lossy().into_owned();
                    return Err(OpenError::NotAStore { path: self.path.clone(), found });
                }
            }
        }
        Ok(content)
    }

    /// Says that the store is complete: from now on its content counts.
    pub(crate) fn write_format(&self) -> Result<(), OpenError> {
        let path = self.path.join(FORMAT_FILE);
        let temporary = self.path.join(format!("{FORMAT_FILE}.new"));
        let write = || {
            let mut file = File::create(&temporary)?;
            file.write_all(format!("{FORMAT_WORDS}{FORMAT}\n").as_bytes())?;
            file.sync_all()?;
            fs::rename(&temporary, &path)?;
            sync_directory(&self.path)
        };
        write().map_err(failed("write", &path))
    }

    /// Moves the engine's directory out of the way.
    pub(crate) fn set_database_aside(&self) -> Result<PathBuf, OpenError> {
        let database = self.database();
        let aside = free_name(&self.aside(), DATABASE).map_err(failed("create", &self.aside()))?;
        fs::rename(&database, &aside).map_err(failed("move", &database))?;
        Ok(aside)
    }
}

/// Locks, in a few attempts: a process that is being started holds the locks of its parent for a moment.
fn patiently(lock: &File) -> Result<(), TryLockError> {
    for _ in 1..LOCK_ATTEMPTS {
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            outcome => return outcome,
        }
    }
    lock.try_lock()
}

fn check_format(path: &Path, text: &str) -> Result<(), OpenError> {
    let version = text.strip_prefix(FORMAT_WORDS).map(str::trim_end);
    if version.and_then(|version| version.parse().ok()) == Some(FORMAT) {
        return Ok(());
    }
    let found = version.unwrap_or(text).chars().take(40).collect();
    Err(OpenError::UnknownFormat { path: path.to_owned(), found, known: FORMAT })
}

/// For `map_err`: what was attempted on what.
pub(crate) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::Io { action, path, source }
}

/// A path in `folder`, which is made if need be, that nothing has yet.
pub(crate) fn free_name(folder: &Path, name: &str) -> io::Result<PathBuf> {
    create_directory(folder)?;
    for number in 1_u32.. {
        let path = folder.join(format!("{name}.{number}"));
        if !path.try_exists()? {
            return Ok(path);
        }
    }
    unreachable!("a directory does not hold so many files")
}

/// What a directory and everything below it take on the disk.
pub(crate) fn bytes_on_disk(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    let bytes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_on_disk(&entry.path()),
        Ok(metadata) => allocated_bytes(&metadata),
        // It has gone since.
        Err(_) => 0,
    });
    bytes.sum()
}

/// What a file takes, which for a sparse journal is much less than its length.
#[cfg(unix)]
fn allocated_bytes(metadata: &fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    // POSIX leaves the unit open; every system that Rust runs on counts in 512 bytes.
    metadata.blocks() * 512
}

#[cfg(not(unix))]
fn allocated_bytes(metadata: &fs::Metadata) -> u64 {
    metadata.len()
}
