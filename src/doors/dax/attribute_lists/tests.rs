use std::fs;

use tempfile::TempDir;

use super::*;

struct Registry {
    directory: TempDir,
    metrics: Metrics,
    lists_max: usize,
    bytes_max: u64,
}

impl Registry {
    fn new() -> Registry {
        let (directory, metrics) = (tempfile::tempdir().unwrap(), Metrics::of_a_test());
        Registry { directory, metrics, lists_max: 1000, bytes_max: 1 << 20 }
    }

    fn open(&self) -> Result<AttributeLists, LogError> {
        let directory = Some(self.directory.path().to_owned());
        let config = ListsConfig { directory, lists_max: self.lists_max, bytes_max: self.bytes_max };
        AttributeLists::open(&config, Clock::start(), &self.metrics)
    }

    fn count(&self) -> i64 {
        self.metrics.attribute_lists.get()
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("attribute-lists")
    }
}

const LISTS: [&[&str]; 5] = [&["a"], &["a", "b"], &["b", "a"], &["ab"], &["\u{1f600}", "\u{ff41}"]];

async fn define(lists: &AttributeLists) -> Vec<i64> {
    let mut ids = Vec::new();
    for names in LISTS {
        ids.push(lists.id_of(names).await.unwrap());
    }
    ids
}

fn names(lists: &AttributeLists, id: i64) -> Option<Vec<String>> {
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
        assert_eq!(registry.count(), LISTS.len() as i64);
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
    assert_eq!(lists.known_id([].into_iter()), Some(NO_ATTRIBUTES));
    assert_eq!(names(&lists, NO_ATTRIBUTES), Some(Vec::new()));
    for unknown in [i64::MIN, 0, 2, ID_MAX, i64::MAX] {
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
    // Of these two, and of one with four letters more.
    (registry.lists_max, registry.bytes_max) = (10, 3 * (LIST_OVERHEAD + NAME_OVERHEAD) + 10);
    let lists = registry.open().unwrap();
    assert_eq!(lists.id_of(&["12345"]).await, Err(Undefined::Full));
    assert!(lists.id_of(&["1234"]).await.is_ok());
    let long = "x".repeat(LIST_BYTES_MAX + 1);
    assert_eq!(lists.id_of(&[&long]).await, Err(Undefined::TooLong));
    assert_eq!((registry.metrics.refused_lists.get(), registry.count()), (3, 3));
}

#[tokio::test]
async fn names_without_a_byte_take_room_too() {
    let registry = Registry::new();
    let lists = registry.open().unwrap();
    assert_eq!(lists.id_of(&vec![""; LIST_BYTES_MAX + 1]).await, Err(Undefined::TooLong));
    // Each is another list.
    let mut count = 1000;
    while lists.id_of(&vec![""; count]).await.is_ok() {
        count += 1;
    }
    assert_eq!(count, 1000 + (registry.bytes_max / (LIST_OVERHEAD + 1000 * NAME_OVERHEAD)) as usize);
    assert_eq!(lists.id_of(&vec![""; count]).await, Err(Undefined::Full));
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
        // A power cut can leave zeros where the data was to be, before what was written as well.
        let zeros = |from: usize, to: usize| {
            let mut torn = content.clone();
            torn[from..to].fill(0);
            torn
        };
        check(&zeros(end, content.len()));
        check(&zeros(whole, end + 1));
    }
    let lists = registry.open().unwrap();
    assert_eq!(lists.id_of(&["second"]).await, Ok(second));
    drop(lists);
    assert_eq!(fs::read(registry.file()).unwrap(), content);
}

#[tokio::test]
async fn a_crash_while_the_file_is_made_is_survived() {
    let registry = Registry::new();
    let first_line = b"linac attribute lists, format 1\n";
    for begun in [b"", &first_line[..10], first_line, b"linac attr\0\0\0", &[0; 32]] {
        fs::write(registry.file(), begun).unwrap();
        assert_eq!(define(&registry.open().unwrap()).await.len(), LISTS.len());
        registry.open().unwrap();
        assert_eq!(registry.count(), LISTS.len() as i64);
        fs::remove_file(registry.file()).unwrap();
    }
}

#[test]
fn a_file_that_is_another_is_left_as_it_is() {
    let registry = Registry::new();
    for other in [&b"linac attribute lists, format 2\n"[..], b"linac attr\0x", &[0; 33]] {
        fs::write(registry.file(), other).unwrap();
        assert!(matches!(registry.open(), Err(LogError::Unknown(_))), "{other:?}");
        assert_eq!(fs::read(registry.file()).unwrap(), other);
    }
}

/// A kill before the sync leaves a record that is there for whoever reads it, but need not be on the disk.
#[tokio::test]
async fn the_last_record_is_written_again_at_every_start() {
    let registry = Registry::new();
    let long_ago = std::time::SystemTime::UNIX_EPOCH;
    for lists in [&[][..], &["first"], &["first", "second"]] {
        for name in lists {
            registry.open().unwrap().id_of(&[name]).await.unwrap();
        }
        drop(registry.open().unwrap());
        let content = fs::read(registry.file()).unwrap();
        fs::File::options().write(true).open(registry.file()).unwrap().set_modified(long_ago).unwrap();
        registry.open().unwrap();
        assert_eq!(registry.count(), lists.len() as i64);
        assert_ne!(fs::metadata(registry.file()).unwrap().modified().unwrap(), long_ago);
        assert_eq!(fs::read(registry.file()).unwrap(), content);
    }
}

#[test]
fn a_directory_is_made_with_those_above_it() {
    let above = tempfile::tempdir().unwrap();
    let directory = above.path().join("state").join("dax");
    let config = ListsConfig { directory: Some(directory.clone()), lists_max: 1, bytes_max: 1 << 20 };
    AttributeLists::open(&config, Clock::start(), &Metrics::of_a_test()).unwrap();
    assert!(directory.join("attribute-lists").is_file());
    fs::write(above.path().join("file"), "").unwrap();
    let config = ListsConfig { directory: Some(above.path().join("file")), ..config };
    assert!(matches!(
        AttributeLists::open(&config, Clock::start(), &Metrics::of_a_test()),
        Err(LogError::Io { action: "create", .. })
    ));
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
        let metrics = Metrics::of_a_test();
        let lists = Arc::new(AttributeLists::open(&config, Clock::start(), &metrics).unwrap());
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
        assert_eq!(metrics.attribute_lists.get(), 8);
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
async fn lists_that_wait_for_the_disk_are_written_at_once() {
    let mut registry = Registry::new();
    registry.lists_max = 3;
    let lists = Arc::new(registry.open().unwrap());
    let busy = Arc::clone(lists.log.as_ref().unwrap()).lock_owned().await;
    let drain = base::Drain::new();
    let names = ["a", "b", "b", "c", "d"];
    let tasks = names.map(|name| {
        let lists = Arc::clone(&lists);
        drain.spawn(async move { lists.id_of(&[name]).await })
    });
    while lists.waiting().lists.len() < names.len() {
        tokio::task::yield_now().await;
    }
    drop(busy);
    let mut ids = Vec::new();
    for task in tasks {
        ids.push(task.await.unwrap());
    }
    let expected = ["a", "b", "b", "c"].map(|name| Ok(first_place([name].into_iter())));
    assert_eq!(ids, [&expected[..], &[Err(Undefined::Full)]].concat());
    drop(lists);
    let content = fs::read(registry.file()).unwrap();
    let (length, _) = content[32..].split_first_chunk().unwrap();
    assert_eq!(content.len(), 32 + 12 + u32::from_le_bytes(*length) as usize, "there is one record");
    let lists = registry.open().unwrap();
    assert_eq!(lists.id_of(&["c"]).await, ids[3]);
    assert_eq!(registry.count(), 3);
}

#[test]
fn no_more_waits_than_may_be_written_at_once() {
    let mut waiting = Waiting::default();
    let names: Names = Arc::from([Box::from("x".repeat(1 << 18))]);
    (0..100).for_each(|_| waiting.push(&names));
    assert_eq!(waiting.take().len(), 3);
    waiting.push(&names);
    assert_eq!(waiting.take().len(), 1);
}

#[tokio::test]
async fn lists_of_one_hash_stand_one_behind_the_other() {
    let registry = Registry::new();
    let id = first_place(["a"].into_iter());
    let (mut log, _) = Log::open(registry.directory.path()).unwrap();
    let other: Names = Arc::from([Box::from("not a")]);
    log.append(&HashMap::from([(id, other)])).unwrap();
    drop(log);
    let lists = registry.open().unwrap();
    assert_eq!(lists.id_of(&["a"]).await, Ok(next_place(id)));
    drop(lists);
    let lists = registry.open().unwrap();
    assert_eq!(lists.known_id(["a"].into_iter()), Some(next_place(id)));
    assert_eq!(names(&lists, id).unwrap(), ["not a"]);
    assert_eq!(next_place(ID_MAX), 2, "they go round");
    // In one record too.
    let mut new = Lists::default();
    let b: Names = Arc::from([Box::from("b")]);
    let place = first_place(["b"].into_iter());
    new.add(place, Arc::from([Box::from("not b")]));
    assert_eq!(lists.read().place(&b, &mut new, &lists), Ok(next_place(place)));
    assert_eq!(lists.read().place(&b, &mut new, &lists), Ok(next_place(place)));
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
    assert_eq!(registry.metrics.refused_lists.get(), 0, "there was room");
    registry.open().unwrap();
    assert_eq!(registry.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_hangs_holds_nobody_up_for_long() {
    let registry = Registry::new();
    let lists = registry.open().unwrap();
    let known = lists.id_of(&["known"]).await.unwrap();
    let hanging = lists.log.as_ref().unwrap().lock().await;
    let began = lists.clock.now();
    assert_eq!(lists.id_of(&["new"]).await, Err(Undefined::Late));
    assert_eq!(lists.clock.now() - began, PATIENCE);
    assert_eq!(lists.id_of(&["known"]).await, Ok(known));
    drop(hanging);
    assert!(lists.id_of(&["new"]).await.is_ok());
}
