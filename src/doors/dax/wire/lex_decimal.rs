//! Numbers as sort keys have them: bytes in the order of the numbers.
//!
//! A header with the sign and the power of ten, then digits in threes, each ten bits, and ten bits that say how
//! many digits the last three really are. What is negative has everything turned around.

use model::Number;

use super::Malformed;
use super::number::parts;

const ZERO: u8 = 0x80;
/// Which some client might write for -0.
const NEGATIVE_ZERO: u8 = 0x7F;
/// Powers of ten that fit into the header itself.
const SHORT: std::ops::RangeInclusive<i64> = -62..=61;
/// Behind the smallest and largest of those.
const POSITIVE_LARGE: u8 = 0xFE;
const POSITIVE_SMALL: u8 = 0x81;
const NEGATIVE_LARGE: u8 = 0x01;
const NEGATIVE_SMALL: u8 = 0x7E;
/// What three digits are written as begins here: what is below says that there are no more.
const FIRST_GROUP: u16 = 12;
const LAST_GROUP: u16 = FIRST_GROUP + 999;
const GROUP_BITS: u32 = 10;
const GROUP_MAX: u16 = 0x3FF;

/// With the digits that clients print as DynamoDB would; see [`parts`].
pub fn encode(number: &Number) -> Vec<u8> {
    if number.is_zero() {
        return vec![ZERO];
    }
    let (unscaled, exponent) = parts(number);
    let (is_negative, digits) = (unscaled < 0, unscaled.unsigned_abs().to_string());
    let mut bytes = header(is_negative, exponent + digits.len() as i64);
    let mut bits = BitWriter { bytes: &mut bytes, pending: 0, pending_bits: 0 };
    let mut put = |group: u16, negative: u16| bits.put(if is_negative { negative - group } else { group });
    let mut last = 0;
    for group in digits.as_bytes().chunks(3) {
        let value = (0..3)
            .fold(0, |value, place| value * 10 + group.get(place).map_or(0, |digit| u16::from(digit - b'0')));
        // Both ends of the range change places for a negative number.
        put(value + FIRST_GROUP, FIRST_GROUP + LAST_GROUP);
        last = group.len() as u16;
    }
    put(last - 1, GROUP_MAX);
    bits.finish();
    bytes
}

/// For 0.ddd… × 10^`power`.
fn header(is_negative: bool, power: i64) -> Vec<u8> {
    if SHORT.contains(&power) {
        let byte = if is_negative { 0x3F - power } else { 0xC0 + power };
        return vec![byte as u8];
    }
    let (first, mask) = match (is_negative, power > 0) {
        (false, true) => (POSITIVE_LARGE, 1 << 31),
        (false, false) => (POSITIVE_SMALL, 1 << 31),
        (true, true) => (NEGATIVE_LARGE, !(1 << 31)),
        (true, false) => (NEGATIVE_SMALL, !(1 << 31)),
    };
    let mut header = vec![first];
    header.extend((power as u32 ^ mask).to_be_bytes());
    header
}

/// # Errors
/// If the bytes are not one number, and nothing else, that DynamoDB has.
pub fn decode(bytes: &[u8]) -> Result<Number, Malformed> {
    let (&first, rest) = bytes.split_first().ok_or(Malformed::Truncated)?;
    if matches!(first, ZERO | NEGATIVE_ZERO) {
        return if rest.is_empty() { Ok(Number::from(0)) } else { Err(Malformed::Trailing) };
    }
    let is_negative = first < ZERO;
    let (power, rest) = match first {
        0x00 | 0xFF => return Err(Malformed::LexDecimal),
        POSITIVE_LARGE | POSITIVE_SMALL => long_power(rest, 1 << 31)?,
        NEGATIVE_LARGE | NEGATIVE_SMALL => long_power(rest, !(1 << 31))?,
        _ if is_negative => (0x3F - i64::from(first), rest),
        _ => (i64::from(first) - 0xC0, rest),
    };
    let digits = digits(rest, is_negative)?;
    let sign = if is_negative { "-" } else { "" };
    Ok(Number::parse(&format!("{sign}0.{digits}e{power}"))?)
}

fn long_power(bytes: &[u8], mask: u32) -> Result<(i64, &[u8]), Malformed> {
    let (power, rest) = bytes.split_first_chunk().ok_or(Malformed::Truncated)?;
    let power = (u32::from_be_bytes(*power) ^ mask) as i32;
    Ok((power.into(), rest))
}

fn digits(bytes: &[u8], is_negative: bool) -> Result<String, Malformed> {
    let mut digits = String::new();
    let mut groups = Groups { bytes, at: 0 };
    loop {
        let group = groups.next().ok_or(Malformed::Truncated)?;
        match group {
            FIRST_GROUP..=LAST_GROUP => {
                let value = if is_negative { LAST_GROUP - group } else { group - FIRST_GROUP };
                digits.push_str(&format!("{value:03}"));
            }
            _ => {
                let last = 1 + if is_negative { GROUP_MAX - group } else { group };
                if last > 3 || digits.is_empty() {
                    return Err(Malformed::LexDecimal);
                }
                digits.truncate(digits.len() - 3 + usize::from(last));
                return if groups.is_at_end() { Ok(digits) } else { Err(Malformed::Trailing) };
            }
        }
    }
}

struct BitWriter<'a> {
    bytes: &'a mut Vec<u8>,
    pending: u32,
    pending_bits: u32,
}

impl BitWriter<'_> {
    fn put(&mut self, group: u16) {
        self.pending = self.pending << GROUP_BITS | u32::from(group);
        self.pending_bits += GROUP_BITS;
        while self.pending_bits >= 8 {
            self.pending_bits -= 8;
            self.bytes.push((self.pending >> self.pending_bits) as u8);
        }
    }

    fn finish(self) {
        if self.pending_bits > 0 {
            self.bytes.push((self.pending << (8 - self.pending_bits)) as u8);
        }
    }
}

struct Groups<'a> {
    bytes: &'a [u8],
    /// In bits.
    at: usize,
}

impl Groups<'_> {
    fn next(&mut self) -> Option<u16> {
        // Ten bits never begin at the end of a byte: they always touch two, never three.
        let (byte, bit) = (self.at / 8, self.at % 8);
        let both = u16::from_be_bytes([*self.bytes.get(byte)?, *self.bytes.get(byte + 1)?]);
        self.at += GROUP_BITS as usize;
        Some(both << bit >> (16 - GROUP_BITS))
    }

    /// But for the bits that fill the last byte.
    fn is_at_end(&self) -> bool {
        self.at.div_ceil(8) == self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::number::tests::any_number;
    use crate::testing::{hex, unhex};
    use crate::vectors::numbers;

    #[test]
    fn clients_and_we_write_the_same() {
        for case in numbers() {
            let number = Number::parse(&case.number).unwrap();
            for sent in [&case.python_lex, &case.js_lex, &case.go_lex] {
                assert_eq!(decode(&unhex(sent)), Ok(number), "{}: {sent}", case.number);
            }
            assert_eq!(hex(&encode(&number)), case.server_should_send_lex, "{}", case.number);
        }
    }

    #[test]
    fn digits_that_are_zeros_stay_but_for_those_of_long_numbers() {
        let cases = [
            ("0", "80"),
            ("-1234", "3bde263ffc"),
            ("100", "c31c0020"),
            ("0.001", "be1c0000"),
            ("1e-130", "817fffff7f1c0000"),
            ("9.9e125", "fe8000007efa8010"),
            ("-9.9e120", "017fffff86057fe0"),
            ("1e100", "fe800000651c0000"),
        ];
        for (number, expected) in cases {
            assert_eq!(hex(&encode(&Number::parse(number).unwrap())), expected, "{number}");
        }
        assert_eq!(decode(&unhex("c31c0000")), Ok(Number::from(100)));
        assert_eq!(decode(&unhex("7f")), Ok(Number::from(0)));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for hex in [
            "",
            "00",
            "ff",
            "8000",
            "c1",
            "c11c",
            "c11c00",
            "c1000000",
            "c100c000",
            "c11c0c00",
            "c11c000000",
            "c1fd4000",
            "fe8000",
            "fe80000100 1c0000",
            "817fff00 001c0000",
            "3e000000",
            "02",
        ] {
            assert!(decode(&unhex(hex)).is_err(), "{hex}");
        }
    }

    proptest! {
        #[test]
        fn numbers_come_back_and_keep_their_order(one in any_number(), two in any_number()) {
            let (first, second) = (encode(&one), encode(&two));
            prop_assert_eq!(decode(&first), Ok(one));
            // Only equal numbers may be written in two ways, and we write them in one.
            prop_assert_eq!(first.cmp(&second), one.cmp(&two));
        }

        #[test]
        fn any_bytes_are_a_number_or_none(bytes in vec(any::<u8>(), 0..30)) {
            if let Ok(number) = decode(&bytes) {
                prop_assert_eq!(decode(&encode(&number)), Ok(number));
            }
        }
    }
}
