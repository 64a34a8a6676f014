//! The map of imports in `src/README.md` against the manifests, and the list of crates that may log.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Room, names_in, read, rooms};

/// Who may import whom.
type Map = BTreeMap<String, Allowed>;

#[derive(Debug, PartialEq)]
enum Allowed {
    Everyone,
    Rooms(BTreeSet<String>),
}

/// Reads the lines `room → rooms` in the code blocks of a Markdown file.
fn map_in(markdown: &str) -> Map {
    let blocks = markdown.split("```").skip(1).step_by(2);
    let arrows = blocks.flat_map(str::lines).filter_map(|line| line.split_once('→'));
    arrows
        .map(|(room, allowed)| {
            let allowed = match allowed.trim() {
                "everyone" => Allowed::Everyone,
                "nobody" => Allowed::Rooms(BTreeSet::new()),
                rooms => Allowed::Rooms(rooms.split_whitespace().map(str::to_owned).collect()),
            };
            (room.trim().to_owned(), allowed)
        })
        .collect()
}

/// The arrows that are in the manifests and not on the map, and the rooms that are on only one of the two.
fn lies(map: &Map, imports: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let mut lies = Vec::new();
    for (room, imported) in imports {
        match map.get(room) {
            None => lies.push(format!("{room} is not on the map")),
            Some(Allowed::Everyone) => {}
            Some(Allowed::Rooms(allowed)) => {
                let strays = imported.iter().filter(|import| !allowed.contains(*import));
                lies.extend(strays.map(|import| format!("{room} → {import} is not on the map")));
            }
        }
    }
    let gone = map.keys().filter(|room| !imports.contains_key(*room));
    lies.extend(gone.map(|room| format!("{room} is on the map, but there is no such room")));
    lies
}

#[test]
fn nobody_imports_whom_the_map_does_not_show() {
    let map = map_in(&read("src/README.md"));
    assert!(!map.is_empty(), "there is no map in src/README.md");
    let imports = rooms().iter().map(|room| (room.name.clone(), room.imports())).collect();
    assert_eq!(lies(&map, &imports), [""; 0]);
}

#[test]
fn the_log_knows_every_room_of_the_program() {
    let run = read("src/app/run.rs");
    let (_, rest) = run.split_once("const ROOMS:").expect("the list of rooms");
    let (list, _) = rest.split_once("];").unwrap();
    let listed: BTreeSet<&str> = names_in(list).collect();
    let rooms = rooms();
    let mut linked: Vec<&Room> = rooms.iter().filter(|room| room.name == "app").collect();
    let mut next = 0;
    while let Some(room) = linked.get(next).copied() {
        let imports = room.imports();
        let new = rooms.iter().filter(|room| imports.contains(&room.name));
        let new: Vec<&Room> = new.filter(|new| linked.iter().all(|room| room.name != new.name)).collect();
        linked.extend(new);
        next += 1;
    }
    let linked: BTreeSet<&str> = linked.into_iter().map(Room::library).collect();
    assert_eq!(listed, linked, "the rooms in src/app/run.rs, and those that make up the program");
}

#[test]
fn strays_are_found() {
    let map = map_in("words → more words\n```text\na   → nobody\nb   → a\napp → everyone\n```\n");
    let check = |imports: &[(&str, &[&str])], expected: &[&str]| {
        let imports = imports.iter().map(|(room, imported)| {
            ((*room).to_owned(), imported.iter().map(|import| (*import).to_owned()).collect())
        });
        assert_eq!(lies(&map, &imports.collect()), expected);
    };
    check(&[("a", &[]), ("b", &["a"]), ("app", &["a", "b"])], &[]);
    check(&[("a", &["b"]), ("b", &["a"]), ("app", &[])], &["a → b is not on the map"]);
    check(&[("a", &[]), ("b", &[]), ("app", &[]), ("c", &["a"])], &["c is not on the map"]);
    check(&[("a", &[]), ("app", &[])], &["b is on the map, but there is no such room"]);
}
