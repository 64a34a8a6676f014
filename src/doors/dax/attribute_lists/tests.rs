use std::fs;

use tempfile::TempDir;

use super::*;

struct Registry {
    directory: TempDir,
    lists_max: usize,
    bytes_max: u64,
}

impl Registry {
    fn new() -> Registry {
        Registry { directory: tempfile::tempdir().unwrap(), lists_max: 1000, bytes_max: 1 << 20 }
    }

    fn open(&self) -> Result<AttributeLists, LogError> {
        AttributeLists::open(&ListsConfig {
            directory: Some(self.directory.path().to_owned()),
            lists_max: self.lists_max,
            bytes_max: self.bytes_max,
        })
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("attribute-lists")
    }
}

const LISTS: [&[&str]; 5] = [&["a"], &["a", "b"], &["b", "a"], &["ab"], &["\u{1f600}", "\u{ff41}"]];

async fn define(lists: &AttributeLists) -> Vec<u64> {
    let mut ids = Vec::new();
    for names in LISTS {
        ids.push(lists.id_of(names).await.unwrap());
    }
    ids
}

fn names(lists: &AttributeLists, id: u64) -> Option<Vec<String>> {
    Some(lists.names_of(id)?.iter().map(|name| name.to_string()).collect())
}

#[tokio::test]
async fn a_list_has_one_number_after_every_restart_and_on_every_node() {
    let (one, other) = (Registry::new(), Registry::new());
    let lists = one.open().unwrap();
    let ids = define(&lists).await;
    drop(lists);
    for registry in [&one, &one, &other] {
        let lists = registry.open().unwrap();
        assert_eq!(define(&lists).await, ids);
        for (id, expected) in ids.iter().zip(LISTS) {
            assert_eq!(names(&lists, *id).unwrap(), expected);
            assert_eq!(lists.known_id(expected.iter().copied()), Some(*id));
            assert!((2..=ID_MAX).contains(id), "{id}");
        }
        assert_eq!(lists.count(), LISTS.len());
    }
    // Clients remember it, so it is never to change.
    assert_eq!(ids[0], first_place(["a"].into_iter()));
    assert_eq!(first_place(["a"].into_iter()), 6_514_011_716_637_001);
}

#[tokio::test]
async fn names_are_on_the_disk_before_the_number_is_told() {
    let registry = Registry::new();
    let lists = registry.open().unwrap();
    let id = lists.id_of(&["secret"]).await.unwrap();
    // What a kill would leave: nothing of the process is asked any more.
    let copy = Registry::new();
    fs::copy(registry.file(), copy.file()).unwrap();
    assert_eq!(names(&copy.open().unwrap(), id).unwrap(), ["secret"]);
}

#[test]
fn the_empty_list_is_one_and_unknown_numbers_have_no_names() {
    let lists = Registry::new().open().unwrap();
    assert_eq!(lists.known_id([].into_iter()), Some(EMPTY));
    assert_eq!(names(&lists, EMPTY), Some(Vec::new()));
    for unknown in [0, 2, ID_MAX, u64::MAX] {
        assert_eq!(names(&lists, unknown), None);
    }
}

#[tokio::test]
async fn at_the_bound_new_lists_are_refused_and_none_is_forgotten() {
    let mut registry = Registry::new();
    registry.lists_max = 2;
    let lists = registry.open().unwrap();
    let (one, two) = (lists.id_of(&["one"]).await.unwrap(), lists.id_of(&["two"]).await.unwrap());
    assert_eq!(lists.id_of(&["three"]).await, Err(Undefined::Full));
    assert_eq!(lists.id_of(&["one"]).await, Ok(one));
    assert_eq!(names(&lists, two).unwrap(), ["two"]);
    drop(lists);
    // A smaller bound later takes nothing away either.
    registry.lists_max = 1;
    let lists = registry.open().unwrap();
    assert_eq!(lists.id_of(&["two"]).await, Ok(two));
    assert_eq!(lists.id_of(&["three"]).await, Err(Undefined::Full));
    drop(lists);
    let each = AROUND_NAME_BYTES;
    (registry.lists_max, registry.bytes_max) = (10, 10 + 3 * each);
    let lists = registry.open().unwrap();
    assert_eq!(lists.id_of(&["12345"]).await, Err(Undefined::Full));
    assert_eq!(lists.id_of(&["", "1"]).await, Err(Undefined::Full), "short names take room too");
    assert!(lists.id_of(&["1234"]).await.is_ok());
    let long = "x".repeat(LIST_BYTES_MAX + 1);
    assert_eq!(lists.id_of(&[&long]).await, Err(Undefined::TooLong));
}

#[tokio::test]
async fn a_record_that_a_crash_cut_short_is_forgotten_and_written_anew() {
    let registry = Registry::new();
    let lists = registry.open().unwrap();
    let first = lists.id_of(&["first"]).await.unwrap();
    let whole = fs::read(registry.file()).unwrap().len();
    let second = lists.id_of(&["second"]).await.unwrap();
    drop(lists);
    let content = fs::read(registry.file()).unwrap();
    let check = |torn: &[u8]| {
        fs::write(registry.file(), torn).unwrap();
        let lists = registry.open().unwrap();
        assert_eq!(names(&lists, first).unwrap(), ["first"]);
        assert_eq!(names(&lists, second), None);
        drop(lists);
        assert_eq!(fs::read(registry.file()).unwrap(), content[..whole], "cut off");
    };
    for end in whole..content.len() {
        check(&content[..end]);
        // A power cut can leave zeros where the data was to be.
        let blank = [&content[..end], &vec![0; content.len() - end]].concat();
        if end == whole || end >= whole + 12 {
            check(&blank);
        }
    }
    let lists = registry.open().unwrap();
    assert_eq!(lists.id_of(&["second"]).await, Ok(second));
    drop(lists);
    assert_eq!(fs::read(registry.file()).unwrap(), content);
}

#[tokio::test]
async fn a_crash_while_the_file_is_made_is_survived() {
    let registry = Registry::new();
    for begun in ["", "linac attr"] {
        fs::write(registry.file(), begun).unwrap();
        assert_eq!(define(&registry.open().unwrap()).await.len(), LISTS.len());
        assert_eq!(registry.open().unwrap().count(), LISTS.len());
        fs::remove_file(registry.file()).unwrap();
    }
}

#[tokio::test]
async fn a_flipped_bit_before_the_last_record_is_an_error_and_never_another_name() {
    let registry = Registry::new();
    let lists = registry.open().unwrap();
    let ids = define(&lists).await;
    let last = fs::read(registry.file()).unwrap().len();
    lists.id_of(&["last"]).await.unwrap();
    drop(lists);
    let content = fs::read(registry.file()).unwrap();
    for at in 0..content.len() {
        let mut damaged = content.clone();
        damaged[at] ^= 0x10;
        fs::write(registry.file(), &damaged).unwrap();
        match registry.open() {
            Err(LogError::Unknown(_)) => assert!(at < 32, "byte {at}"),
            Err(LogError::Damaged { offset, .. }) => assert!((32..=at).contains(&offset), "byte {at}"),
            Err(other) => panic!("byte {at}: {other}"),
            Ok(lists) => {
                assert!(at >= last, "byte {at}");
                assert_eq!(define(&lists).await, ids);
            }
        }
        // A refusal to start leaves everything as it is.
        if at < last {
            assert_eq!(fs::read(registry.file()).unwrap(), damaged);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_that_define_one_list_at_once_get_one_number() {
    for directory in [Some(tempfile::tempdir().unwrap()), None] {
        let path = directory.as_ref().map(|directory| directory.path().to_owned());
        let config = ListsConfig { directory: path, lists_max: 100, bytes_max: 1 << 20 };
        let lists = Arc::new(AttributeLists::open(&config).unwrap());
        let drain = base::Drain::new();
        let tasks: Vec<_> = (0..64)
            .map(|number| {
                let lists = Arc::clone(&lists);
                let own = format!("own {}", number % 8);
                drain.spawn(async move { lists.id_of(&["shared", &own]).await.unwrap() })
            })
            .collect();
        let mut ids = Vec::new();
        for task in tasks {
            ids.push(task.await.unwrap());
        }
        assert_eq!(lists.count(), 8);
        for (number, id) in ids.iter().enumerate() {
            assert_eq!(*id, ids[number % 8]);
        }
        drop(lists);
        if let Some(path) = config.directory.as_ref() {
            assert_eq!(Log::open(path).unwrap().1.len(), 8, "each is written once");
        }
    }
}

#[tokio::test]
async fn lists_of_one_hash_stand_one_behind_the_other() {
    let registry = Registry::new();
    let id = first_place(["a"].into_iter());
    let (mut log, _) = Log::open(registry.directory.path()).unwrap();
    let other: Names = Arc::from([Box::from("not a")]);
    log.append(id, &other).unwrap();
    drop(log);
    let lists = registry.open().unwrap();
    assert_eq!(lists.id_of(&["a"]).await, Ok(next_place(id)));
    drop(lists);
    let lists = registry.open().unwrap();
    assert_eq!(lists.known_id(["a"].into_iter()), Some(next_place(id)));
    assert_eq!(names(&lists, id).unwrap(), ["not a"]);
    assert_eq!(next_place(ID_MAX), 2, "they go round");
}

#[test]
fn a_file_belongs_to_one_process() {
    let registry = Registry::new();
    let _held = registry.open().unwrap();
    assert!(matches!(registry.open(), Err(LogError::InUse(_))));
}

/// `/dev/full` takes nothing, as a full disk.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_disk_that_takes_nothing_gets_no_number_told() {
    let registry = Registry::new();
    let lists = registry.open().unwrap();
    let known = lists.id_of(&["known"]).await.unwrap();
    drop(lists);
    let lists = registry.open().unwrap();
    let full = fs::File::options().read(true).write(true).open("/dev/full").unwrap();
    lists.log.as_ref().unwrap().lock().await.replace_file(full);
    for _ in 0..2 {
        assert_eq!(lists.id_of(&["new"]).await, Err(Undefined::Unwritable));
        assert_eq!(lists.known_id(["new"].into_iter()), None);
    }
    assert_eq!(lists.id_of(&["known"]).await, Ok(known), "what is known is still answered");
    drop(lists);
    assert_eq!(registry.open().unwrap().count(), 1);
}
