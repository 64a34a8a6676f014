//! The rooms as they lie on the disk.

use std::{
    fs,
    path::{Path, PathBuf},
};

use toml::Table;

/// A crate under `src/`.
#[derive(Debug)]
pub(crate) struct Room {
    /// Its folder below `src/`, such as `doors/json`.
    pub(crate) name: String,
    pub(crate) manifest: Table,
    /// Its own files, without tests, benches and the rooms inside of it.
    pub(crate) files: Vec<File>,
}

/// A source file.
#[derive(Debug)]
pub(crate) struct File {
    /// Below `src/`.
    pub(crate) path: String,
    /// Without comments, and without the tests at its end.
    pub(crate) code: String,
}

/// The package's folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the package.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every room.
pub(crate) fn rooms() -> Vec<Room> {
    let all = walk(&root().join("src"));
    let of_room = |manifest: &PathBuf| {
        let folder = manifest.parent().unwrap();
        let text = fs::read_to_string(manifest).unwrap();
        let is_source = |path: &&PathBuf| {
            let inside = path.strip_prefix(folder);
            home(path) == Some(folder)
                && inside.is_ok_and(|inside| {
                    let is_test = inside.starts_with("benches") || inside.starts_with("tests");
                    path.extension().is_some_and(|extension| extension == "rs")
                        && !is_test
                        && path.file_name().is_some_and(|name| name != "tests.rs" && name != "testing.rs")
                })
        };
        let files = all
            .iter()
            .filter(is_source)
            .map(|path| File { path: below_src(path), code: code(&fs::read_to_string(path).unwrap()) });
        Room { name: below_src(folder), manifest: text.parse().unwrap(), files: files.collect() }
    };
    let is_manifest = |path: &&PathBuf| path.file_name().is_some_and(|name| name == "Cargo.toml");
    let rooms: Vec<Room> = all.iter().filter(is_manifest).map(of_room).collect();
    assert!(rooms.len() > 5, "{rooms:?}");
    rooms
}

/// The folder of the room that a file belongs to: a room may lie in the folder of another.
fn home(path: &Path) -> Option<&Path> {
    path.ancestors().skip(1).find(|folder| folder.join("Cargo.toml").exists())
}

impl Room {
    /// What the code calls it.
    pub(crate) fn library(&self) -> &str {
        self.manifest["lib"]["name"].as_str().unwrap()
    }

    /// The rooms that it depends on, for its tests too.
    pub(crate) fn imports(&self) -> Vec<String> {
        let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
        let names = tables.iter().filter_map(|table| self.manifest.get(*table)?.as_table());
        let names = names.flat_map(|dependencies| dependencies.keys());
        names.filter_map(|name| Some(name.strip_prefix("linac-")?.replace('-', "/"))).collect()
    }
}

fn below_src(path: &Path) -> String {
    path.strip_prefix(root().join("src")).unwrap().to_str().unwrap().replace('\\', "/")
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

/// What of a file is compiled into the product: its tests are at its end, and comments are whole lines.
fn code(text: &str) -> String {
    let until_tests = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = until_tests.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The string literals in a piece of code that look like names.
pub(crate) fn names_in(code: &str) -> impl Iterator<Item = &str> {
    let is_name = |text: &&str| {
        !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_.".contains(&b))
    };
    code.split('"').skip(1).step_by(2).filter(is_name)
}
