//! Why `disk.rs` makes no keyspaces of fjall's: these fail once fjall is mended, and only then the question is
//! open again.

use std::path::Path;

use fjall::{Database, KeyspaceCreateOptions, PersistMode};

fn open(path: &Path) -> Database {
    Database::builder(path).worker_threads(1).open().unwrap()
}

#[test]
fn fjall_loses_keyspaces_that_are_made_after_others_were_deleted() {
    let directory = tempfile::tempdir().unwrap();
    let database = open(directory.path());
    for number in 0..10 {
        let keyspace = database.keyspace(&format!("old{number}"), KeyspaceCreateOptions::default).unwrap();
        database.delete_keyspace(keyspace).unwrap();
    }
    // The numbers that these deletions have are not restored, so what follows is older than they.
    drop(database);
    let mut is_lost = false;
    for number in 0..4 {
        let database = open(directory.path());
        is_lost |= (0..number).any(|number| !database.keyspace_exists(&format!("new{number}")));
        let keyspace = database.keyspace(&format!("new{number}"), KeyspaceCreateOptions::default).unwrap();
        keyspace.insert("row", "of great value").unwrap();
        database.persist(PersistMode::SyncAll).unwrap();
    }
    assert!(is_lost, "fjall keeps its keyspaces now: see disk.rs");
}
