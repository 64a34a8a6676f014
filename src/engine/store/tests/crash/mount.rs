//! File systems of a test's own, where the machine allows it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// A file system that is taken away again.
pub(crate) struct Mount {
    directory: TempDir,
}

impl Mount {
    /// `None` where mounting is not allowed, which is said.
    pub(crate) fn new(test: &str, arguments: &[&str]) -> Option<Mount> {
        let directory = tempfile::tempdir().unwrap();
        let outcome = run(Command::new("mount").args(arguments).arg(directory.path()));
        match outcome {
            Ok(()) => Some(Mount { directory }),
            Err(why) => {
                crate::say(&format!("SKIPPED {test}: mount {}: {why}", arguments.join(" ")));
                None
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn remount(&self, options: &str) {
        run(Command::new("mount").args(["-o", options]).arg(self.path())).unwrap();
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: somebody may still look at a file.
        if let Err(why) = run(Command::new("umount").arg("-l").arg(self.path())) {
            crate::say(&format!("umount {}: {why}", self.path().display()));
        }
    }
}

/// An ext4 file system in a file.
pub(crate) fn image(test: &str, folder: &Path) -> Option<PathBuf> {
    let image = folder.join("image");
    // Sparse; a journal of fjall's alone may come to 64 MB.
    std::fs::File::create(&image).unwrap().set_len(512 << 20).unwrap();
    match run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&image)) {
        Ok(()) => Some(image),
        Err(why) => {
            crate::say(&format!("SKIPPED {test}: mkfs.ext4: {why}"));
            None
        }
    }
}

pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(error.to_string()),
    }
}
