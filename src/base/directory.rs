//! Directories, and the names in them, that outlive a power cut.

#[cfg(unix)]
use std::fs::File;
use std::{fs, io, path::Path};

/// Makes a directory, and those above it that it needs. Their names are on the disk then.
///
/// # Errors
/// Those of the file system: something else has the name, or there is no right or room for it.
pub fn create_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let above = match path.parent() {
        Some(above) if above != Path::new("") => above,
        _ => Path::new("."),
    };
    create_directory(above)?;
    match fs::create_dir(path) {
        // Race: another process makes it too.
        Err(_) if path.is_dir() => {}
        made => made?,
    }
    sync_directory(above)
}

/// Makes the names in a directory durable.
///
/// # Errors
/// Those of the disk.
#[cfg(unix)]
pub fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Elsewhere a directory cannot be opened as a file, and is synced by the system.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use tempfile::tempdir;

    use super::create_directory;

    #[test]
    fn what_is_missing_above_is_made_too_and_what_is_there_is_left_alone() {
        let place = tempdir().unwrap();
        let nested = place.path().join("a/b/c");
        create_directory(&nested).unwrap();
        std::fs::write(nested.join("kept"), "content").unwrap();
        create_directory(&nested).unwrap();
        assert_eq!(std::fs::read_to_string(nested.join("kept")).unwrap(), "content");
    }

    #[test]
    fn a_file_in_the_way_is_an_error() {
        let place = tempdir().unwrap();
        std::fs::write(place.path().join("file"), "").unwrap();
        assert!(create_directory(&place.path().join("file")).is_err());
        assert!(create_directory(&place.path().join("file/below")).is_err());
    }
}
