//! Durations and sizes as people write them.

use std::{str::FromStr, time::Duration};

use bytesize::{ByteSize, GIB, KIB, MIB, TIB};

/// A duration with its unit, such as `250ms`, `30s` or `1h 30m`; a bare `0` is none at all.
///
/// # Errors
/// A phrase that says what is wrong and how it is written.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text.trim())
        .map_err(|error| format!("not a duration such as 250ms, 30s or 5m: {error}"))
}

/// The shortest form that [`parse_duration`] reads back as the same duration.
pub fn print_duration(span: Duration) -> String {
    humantime::format_duration(span).to_string()
}

/// A number of bytes with or without a unit: `512 MiB`, `2GB`, `65536`.
///
/// # Errors
/// A phrase that says how a size is written.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    ByteSize::from_str(text.trim())
        .map(|size| size.as_u64())
        .map_err(|_| "not a size such as 512 MiB, 2 GiB or 65536".to_owned())
}

/// The exact number of bytes in the largest binary unit that divides it.
pub fn print_bytes(bytes: u64) -> String {
    const UNITS: [(u64, &str); 5] = [(TIB, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB"), (1, "B")];
    let divides = |size: u64| bytes >= size && bytes.is_multiple_of(size);
    let (size, unit) = UNITS.into_iter().find(|(size, _)| divides(*size)).unwrap_or((1, "B"));
    format!("{} {unit}", bytes / size)
}

/// A moment of the calendar in UTC, to the millisecond: `2026-11-27T04:05:06.789`.
pub fn print_moment(millis_since_epoch: u64) -> String {
    let moment = std::time::UNIX_EPOCH + Duration::from_millis(millis_since_epoch);
    humantime::format_rfc3339_millis(moment).to_string().trim_end_matches('Z').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_unit() {
        let check = |text: &str, expected: Option<Duration>| {
            assert_eq!(parse_duration(text).ok(), expected, "{text:?}");
        };
        check("250ms", Some(Duration::from_millis(250)));
        check(" 30s ", Some(Duration::from_secs(30)));
        check("1h 30m", Some(Duration::from_secs(5400)));
        check("0", Some(Duration::ZERO));
        check("0s", Some(Duration::ZERO));
        check("30", None);
        check("-1s", None);
        check("", None);
        check("soon", None);
        check("99999999999999999999s", None);
    }

    #[test]
    fn sizes_are_read_in_binary_and_decimal_units() {
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(parse_bytes(text).ok(), expected, "{text:?}");
        };
        check("512 MiB", Some(512 * MIB));
        check("2GB", Some(2_000_000_000));
        check("65536", Some(65536));
        check(" 1.5 KiB ", Some(1536));
        check("0", Some(0));
        check("-1", None);
        check("", None);
        check("half", None);
        check("12 XB", None);
    }

    #[test]
    fn what_is_printed_reads_back_the_same() {
        for (bytes, text) in [(0, "0 B"), (1536, "1536 B"), (KIB, "1 KiB"), (256 * MIB, "256 MiB")] {
            assert_eq!(print_bytes(bytes), text);
            assert_eq!(parse_bytes(text), Ok(bytes));
        }
        assert_eq!(parse_bytes(&print_bytes(u64::MAX)), Ok(u64::MAX));
        for span in [Duration::from_millis(250), Duration::from_secs(5400), Duration::from_nanos(1)] {
            assert_eq!(parse_duration(&print_duration(span)), Ok(span));
        }
    }
}
