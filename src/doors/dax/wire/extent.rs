//! Where values end in bytes that still come in.
//!
//! A request has no length in front: it is so many CBOR values. Clients send a long one in pieces, so what was
//! looked at once is not looked at again, and contents of strings not at all.

use super::Malformed;

/// What a client may ask for before anybody knows who it is.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of all values together.
    pub bytes: usize,
    /// Of arrays, maps and tags inside each other.
    pub levels: usize,
}

/// How far the values were followed.
#[derive(Debug)]
pub struct Extent {
    limits: Limits,
    /// What came before the bytes that are shown.
    forgotten: usize,
    /// All before this is understood. May lie behind what has come in: within a string.
    at: usize,
    /// What is not complete, outermost first.
    open: Vec<Open>,
    complete: usize,
}

/// How much is missing of an array, map or tag.
#[derive(Clone, Copy, Debug)]
enum Open {
    Values(u64),
    /// Until a break.
    Array,
    /// Likewise; whether a name waits for its value.
    Map {
        is_between: bool,
    },
}

/// The first bytes of a value.
struct Header {
    major: u8,
    length: usize,
    /// `None` if it says that a break will come.
    argument: Option<u64>,
}

const BREAK: u8 = 0xFF;

impl Extent {
    pub fn new(limits: Limits) -> Extent {
        Extent { limits, forgotten: 0, at: 0, open: Vec::new(), complete: 0 }
    }

    /// How many bytes the first `values` values have; `None` if they have not all come in. `bytes` are all since
    /// the beginning, of which there may only be more than there were. One may ask for more values than before,
    /// not for fewer.
    ///
    /// # Errors
    /// If this is not CBOR, or will be beyond the limits once it is complete.
    pub fn of(&mut self, values: usize, bytes: &[u8]) -> Result<Option<usize>, Malformed> {
        while self.complete < values {
            let Some(rest) = bytes.get(self.at..).filter(|rest| !rest.is_empty()) else { return Ok(None) };
            if rest[0] == BREAK {
                self.advance(1)?;
                self.end()?;
                continue;
            }
            let Some(header) = Header::read(rest)? else { return Ok(None) };
            self.advance(header.length)?;
            self.enter(&header)?;
        }
        // The last value may be a string whose contents have not come in.
        Ok((self.at <= bytes.len()).then_some(self.at))
    }

    /// How many of the first bytes are followed already, of so many that were shown: those are not to be shown again.
    pub fn forget(&mut self, shown: usize) -> usize {
        let count = self.at.min(shown);
        self.forgotten += count;
        self.at -= count;
        count
    }

    fn advance(&mut self, bytes: usize) -> Result<(), Malformed> {
        let at = self.at.saturating_add(bytes);
        if at > self.limits.bytes - self.forgotten {
            return Err(Malformed::TooLarge { max: self.limits.bytes });
        }
        self.at = at;
        Ok(())
    }

    fn enter(&mut self, header: &Header) -> Result<(), Malformed> {
        match (header.major, header.argument) {
            (2 | 3, Some(length)) => {
                self.advance(usize::try_from(length).unwrap_or(usize::MAX))?;
                self.complete_one()
            }
            (4, None) => self.open(Open::Array),
            (5, None) => self.open(Open::Map { is_between: false }),
            (4, Some(0)) | (5, Some(0)) => self.complete_one(),
            (4, Some(elements)) => self.open_counted(elements),
            (5, Some(entries)) => self.open_counted(entries.saturating_mul(2)),
            (6, Some(_)) => self.open_counted(1),
            (0 | 1 | 7, Some(_)) => self.complete_one(),
            _ => Err(Malformed::NotCbor),
        }
    }

    /// What has more elements than there may be bytes will never be complete.
    fn open_counted(&mut self, values: u64) -> Result<(), Malformed> {
        if values > (self.limits.bytes - self.forgotten - self.at) as u64 {
            return Err(Malformed::TooLarge { max: self.limits.bytes });
        }
        self.open(Open::Values(values))
    }

    fn open(&mut self, open: Open) -> Result<(), Malformed> {
        if self.open.len() == self.limits.levels {
            return Err(Malformed::TooDeep { max: self.limits.levels });
        }
        self.open.push(open);
        Ok(())
    }

    fn complete_one(&mut self) -> Result<(), Malformed> {
        loop {
            match self.open.last_mut() {
                None => {
                    self.complete += 1;
                    return Ok(());
                }
                Some(Open::Values(missing)) if *missing == 1 => {
                    self.open.pop();
                }
                Some(Open::Values(missing)) => {
                    *missing -= 1;
                    return Ok(());
                }
                Some(Open::Array) => return Ok(()),
                Some(Open::Map { is_between }) => {
                    *is_between = !*is_between;
                    return Ok(());
                }
            }
        }
    }

    fn end(&mut self) -> Result<(), Malformed> {
        match self.open.pop() {
            Some(Open::Array | Open::Map { is_between: false }) => self.complete_one(),
            Some(Open::Map { is_between: true } | Open::Values(_)) | None => Err(Malformed::NotCbor),
        }
    }
}

impl Header {
    /// `None` if it has not all come in.
    fn read(bytes: &[u8]) -> Result<Option<Header>, Malformed> {
        let (major, info) = (bytes[0] >> 5, bytes[0] & 0x1F);
        let extra = match info {
            0..24 => 0,
            24..28 => 1usize << (info - 24),
            31 if matches!(major, 4 | 5) => return Ok(Some(Header { major, length: 1, argument: None })),
            // Strings in pieces are in no client's requests.
            _ => return Err(Malformed::NotCbor),
        };
        let Some(argument) = bytes.get(1..=extra) else { return Ok(None) };
        let argument = match extra {
            0 => u64::from(info),
            _ => argument.iter().fold(0, |argument, &byte| argument << 8 | u64::from(byte)),
        };
        Ok(Some(Header { major, length: 1 + extra, argument: Some(argument) }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits { bytes: 1000, levels: 4 };

    fn extent(values: usize, bytes: &[u8]) -> Result<Option<usize>, Malformed> {
        Extent::new(LIMITS).of(values, bytes)
    }

    /// What comes in byte by byte is found as what comes in at once.
    fn bytewise(values: usize, bytes: &[u8]) -> Result<Option<usize>, Malformed> {
        let mut extent = Extent::new(LIMITS);
        let mut found = Ok(None);
        for length in 0..=bytes.len() {
            found = extent.of(values, &bytes[..length]);
            if found != Ok(None) {
                break;
            }
        }
        found
    }

    #[test]
    fn values_end_where_they_end() {
        let cases: [(usize, &[u8], Option<usize>); 22] = [
            (0, b"", Some(0)),
            (1, b"", None),
            (1, b"\x01\x02", Some(1)),
            (2, b"\x01\x02", Some(2)),
            (1, b"\x18\xFF", Some(2)),
            (1, b"\x18", None),
            (1, b"\x1B\0\0\0\0\0\0\0\x01", Some(9)),
            (1, b"\x3B\0\0\0\0\0\0\0", None),
            (1, b"\x43abc\x01", Some(4)),
            (1, b"\x63ab", None),
            (1, b"\x40", Some(1)),
            (1, b"\x80", Some(1)),
            (1, b"\x82\x01\x81\x02\x03", Some(4)),
            (1, b"\xA1\x61a\x81\xF6", Some(5)),
            (1, b"\xA0", Some(1)),
            (1, b"\xBF\xFF", Some(2)),
            (1, b"\xBF\x00\x01\x02\xBF\xFF\xFF\x07", Some(7)),
            (1, b"\x9F\x01\x9F\xFF\xFF", Some(5)),
            (1, b"\xC4\x82\x20\x0F", Some(4)),
            (1, b"\xD9\x0C\xF9\x81\x61a", Some(6)),
            (1, b"\xFB\0\0\0\0\0\0\0\0", Some(9)),
            (3, b"\xF4\xF5\xF6", Some(3)),
        ];
        for (values, bytes, expected) in cases {
            assert_eq!(extent(values, bytes), Ok(expected), "{bytes:02x?}");
            assert_eq!(bytewise(values, bytes), Ok(expected), "{bytes:02x?}");
        }
    }

    #[test]
    fn one_may_ask_for_more_once_the_first_are_known() {
        let bytes = b"\x01\x1A\x0F\xB0\xCC\x6A\x42ab\xF6";
        let mut extent = Extent::new(LIMITS);
        assert_eq!(extent.of(2, &bytes[..4]), Ok(None));
        assert_eq!(extent.of(2, bytes), Ok(Some(6)));
        assert_eq!(extent.of(4, bytes), Ok(Some(10)));
        assert_eq!(extent.of(4, bytes), Ok(Some(10)));
    }

    #[test]
    fn what_is_no_cbor_is_refused() {
        let cases: [&[u8]; 13] = [
            b"\x1C",
            b"\x3D",
            b"\x5E",
            b"\x7F\x61a\xFF",
            b"\x5F\xFF",
            b"\x1F",
            b"\x3F",
            b"\xDF",
            b"\xFC",
            b"\xFF",
            b"\x81\xFF",
            b"\xBF\x01\xFF",
            b"\xC2\xFF",
        ];
        for bytes in cases {
            assert_eq!(extent(1, bytes), Err(Malformed::NotCbor), "{bytes:02x?}");
        }
    }

    #[test]
    fn limits_hold_as_soon_as_they_are_foreseen() {
        let large = Err(Malformed::TooLarge { max: 1000 });
        assert_eq!(extent(1, b"\x59\x03\xE5"), Ok(None), "3 and 997 bytes");
        assert_eq!(extent(1, b"\x59\x03\xE6"), large);
        assert_eq!(extent(1, b"\x5B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), large);
        assert_eq!(extent(1, b"\x99\x03\xE5"), Ok(None));
        assert_eq!(extent(1, b"\x99\x03\xE6"), large);
        assert_eq!(extent(1, b"\xB9\x01\xF3"), large);
        assert_eq!(extent(1, b"\xBB\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), large);
        assert_eq!(extent(2000, &[1; 1001]), large);
        assert_eq!(extent(1, b"\x81\x81\x81\x81\x01"), Ok(Some(5)));
        assert_eq!(extent(1, b"\x81\x81\x81\x81\x80"), Ok(Some(5)));
        for opening in [0x81, 0x9F, 0xBF, 0xC2] {
            let bytes = [0x81, 0x81, 0x81, 0x81, opening];
            assert_eq!(extent(1, &bytes), Err(Malformed::TooDeep { max: 4 }));
        }
    }

    /// What was followed is forgotten at once, and nothing but the end is looked for.
    fn forgetful(values: usize, bytes: &[u8], step: usize) -> Result<Option<usize>, Malformed> {
        let (mut extent, mut begin) = (Extent::new(LIMITS), 0);
        for end in (0..bytes.len()).step_by(step).chain([bytes.len()]) {
            match extent.of(values, &bytes[begin..end])? {
                Some(found) => return Ok(Some(begin + found)),
                None => begin += extent.forget(end - begin),
            }
        }
        assert!(bytes.len() - begin < 9, "of what is incomplete no more is kept than a header");
        Ok(None)
    }

    proptest! {
        #[test]
        fn what_is_forgotten_makes_no_difference(bytes in vec(any::<u8>(), 0..60), step in 1usize..9) {
            prop_assert_eq!(forgetful(3, &bytes, step), extent(3, &bytes));
            let large = [&b"\x59\x03\x20"[..], &[7; 800], &bytes].concat();
            prop_assert_eq!(forgetful(3, &large, step), extent(3, &large));
        }

        #[test]
        fn pieces_make_no_difference(bytes in vec(any::<u8>(), 0..60), values in 0usize..4) {
            prop_assert_eq!(bytewise(values, &bytes), extent(values, &bytes));
        }
    }
}
