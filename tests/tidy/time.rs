//! Where time, chance and the environment come in.

use crate::source::{Room, rooms};

/// The real clock, by its several names; only `base` looks at it.
const TIME: [&str; 4] = ["SystemTime::now", "Instant::now", "Utc::now", "Local::now"];
/// Sources of chance; only `base` draws from them.
const CHANCE: [&str; 6] = ["fastrand", "rand::", "getrandom", "RandomState", "thread_rng", "Uuid::new_v4"];
/// Ways to the environment; only the configuration reads it.
const ENVIRONMENT: [&str; 5] = ["env::var", "env::vars", "env::args", "env::current_dir", "env::home_dir"];

/// The lines of rooms that mention any of `words`, but for files below `home`.
fn mentions(rooms: &[Room], words: &[&str], home: &str) -> Vec<String> {
    let files = rooms.iter().flat_map(|room| &room.files).filter(|file| !file.path.starts_with(home));
    files
        .flat_map(|file| file.code.lines().map(move |line| (file, line)))
        .filter(|(_, line)| words.iter().any(|word| contains_word(line, word)))
        .map(|(file, line)| format!("src/{}: {}", file.path, line.trim()))
        .collect()
}

/// Whether a line contains `word`, and not as the end of another one.
fn contains_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    line.match_indices(word).any(|(place, _)| !line[..place].ends_with(is_part))
}

#[test]
fn only_base_looks_at_the_clock_and_throws_dice() {
    let words = [&TIME[..], &CHANCE].concat();
    assert_eq!(mentions(&rooms(), &words, "base/"), [""; 0]);
}

#[test]
fn only_the_configuration_reads_the_environment() {
    assert_eq!(mentions(&rooms(), &ENVIRONMENT, "app/config"), [""; 0]);
}

#[test]
fn a_mention_is_found() {
    assert!(
        contains_word("let roll = rand::random();", "rand::") && !contains_word("Operand::Sum", "rand::")
    );
    let rooms = rooms();
    assert!(!mentions(&rooms, &TIME, "nowhere").is_empty(), "base has the clock");
    assert!(!mentions(&rooms, &CHANCE, "nowhere").is_empty(), "base has the dice");
    assert!(!mentions(&rooms, &ENVIRONMENT, "nowhere").is_empty(), "the configuration has the environment");
}
