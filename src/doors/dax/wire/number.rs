//! Numbers: integers, large integers, decimal fractions and, of JavaScript, doubles.

use minicbor::Decoder;
use minicbor::data::{Int, Type};
use model::limits::NUMBER_DIGITS_MAX;
use model::{Number, NumberError};

use super::{Malformed, Writer};

const POSITIVE_BIGNUM: u64 = 2;
const NEGATIVE_BIGNUM: u64 = 3;
const DECIMAL_FRACTION: u64 = 4;
/// Twice as many as the largest number has: a mantissa may have zeros behind it that its exponent takes back.
const BIGNUM_BYTES_MAX: usize = 128;

/// # Errors
/// If no number, or none that DynamoDB has, comes next.
pub fn decode(decoder: &mut Decoder<'_>) -> Result<Number, Malformed> {
    match decoder.datatype()? {
        Type::Tag => {
            let tag = decoder.tag()?.as_u64();
            decode_tagged(tag, decoder)
        }
        // The shortest text that means this double is what a JavaScript client's caller had written.
        Type::F64 => Ok(Number::parse(&format!("{:e}", decoder.f64()?))?),
        _ => Ok(Number::scaled(integer(decoder)?, 0)?),
    }
}

/// What stands behind a tag that was read.
pub(super) fn decode_tagged(tag: u64, decoder: &mut Decoder<'_>) -> Result<Number, Malformed> {
    if tag != DECIMAL_FRACTION {
        return Ok(Number::parse(&bignum(tag, decoder)?)?);
    }
    if decoder.array()? != Some(2) {
        return Err(Malformed::WrongType);
    }
    // What 64 bits cannot hold is out of range like all else.
    let exponent = integer(decoder)?.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
    match decoder.datatype()? {
        Type::Tag => {
            let tag = decoder.tag()?.as_u64();
            // However large the exponent, the text stays short.
            Ok(Number::parse(&format!("{}e{exponent}", bignum(tag, decoder)?))?)
        }
        _ => Ok(Number::scaled(integer(decoder)?, exponent)?),
    }
}

pub(super) fn is_number_tag(tag: u64) -> bool {
    matches!(tag, POSITIVE_BIGNUM | NEGATIVE_BIGNUM | DECIMAL_FRACTION)
}

pub(super) fn is_int(kind: Type) -> bool {
    use Type::*;
    matches!(kind, U8 | U16 | U32 | U64 | I8 | I16 | I32 | I64 | Int)
}

fn integer(decoder: &mut Decoder<'_>) -> Result<i128, Malformed> {
    match decoder.datatype()? {
        kind if is_int(kind) => Ok(decoder.int()?.into()),
        _ => Err(Malformed::WrongType),
    }
}

fn bignum(tag: u64, decoder: &mut Decoder<'_>) -> Result<String, Malformed> {
    let is_negative = match tag {
        POSITIVE_BIGNUM => false,
        NEGATIVE_BIGNUM => true,
        _ => return Err(Malformed::WrongType),
    };
    let bytes = decoder.bytes()?;
    let leading_zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
    let bytes = &bytes[leading_zeros..];
    if bytes.len() > BIGNUM_BYTES_MAX {
        return Err(NumberError::Overflow.into());
    }
    // A negative one is one less than minus what its bytes say.
    let digits = decimal_digits(bytes, is_negative.into());
    Ok(if is_negative { format!("-{digits}") } else { digits })
}

/// The digits of big-endian bytes, plus something.
fn decimal_digits(bytes: &[u8], plus: u8) -> String {
    const UNIT: u128 = 10u128.pow(18);
    let mut limbs: Vec<u128> = Vec::new();
    let mut multiply_and_add = |factor: u128, summand: u8| {
        let mut carry = u128::from(summand);
        for limb in &mut limbs {
            let product = *limb * factor + carry;
            *limb = product % UNIT;
            carry = product / UNIT;
        }
        if carry > 0 {
            limbs.push(carry);
        }
    };
    bytes.iter().for_each(|&byte| multiply_and_add(256, byte));
    multiply_and_add(1, plus);
    let mut limbs = limbs.iter().rev();
    let mut digits = limbs.next().map_or_else(|| "0".to_owned(), u128::to_string);
    limbs.for_each(|limb| digits.push_str(&format!("{limb:018}")));
    digits
}

/// In the forms that all clients print as DynamoDB would, as far as there are any.
///
/// What fits 64 bits is an integer. Clients print other integers digit by digit if they are decimal fractions of
/// exponent 0, but those written in Python fail at more than 38 digits, so longer ones have an exponent.
pub fn encode(number: &Number, writer: &mut Writer) {
    let (unscaled, exponent) = parts(number);
    match i64::try_from(unscaled) {
        Ok(integer) if exponent == 0 => writer.int(integer),
        _ => {
            writer.tag(DECIMAL_FRACTION);
            writer.array(2);
            writer.int(exponent);
            encode_integer(unscaled, writer);
        }
    }
}

fn encode_integer(integer: i128, writer: &mut Writer) {
    if let Ok(integer) = Int::try_from(integer) {
        return writer.wide_int(integer);
    }
    let (tag, content) = match integer < 0 {
        false => (POSITIVE_BIGNUM, integer),
        true => (NEGATIVE_BIGNUM, -1 - integer),
    };
    let bytes = content.to_be_bytes();
    let leading_zeros = content.leading_zeros() as usize / 8;
    writer.tag(tag);
    writer.bytes(&bytes[leading_zeros..]);
}

/// A number as an integer and a power of ten, which is 0 for an integer of at most 38 digits.
pub(super) fn parts(number: &Number) -> (i128, i64) {
    let (unscaled, exponent) = number.unscaled();
    match u32::try_from(exponent) {
        Ok(zeros) if number.significant_digits() + zeros as usize <= NUMBER_DIGITS_MAX => {
            (unscaled * 10i128.pow(zeros), 0)
        }
        _ => (unscaled, exponent.into()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{hex, unhex};
    use crate::vectors::numbers;

    fn decoded(bytes: &[u8]) -> Result<Number, Malformed> {
        let mut decoder = Decoder::new(bytes);
        let number = decode(&mut decoder)?;
        assert_eq!(decoder.position(), bytes.len());
        Ok(number)
    }

    fn encoded(number: &Number) -> Vec<u8> {
        let mut writer = Writer::new();
        encode(number, &mut writer);
        writer.into_bytes()
    }

    #[test]
    fn what_clients_send_is_understood_and_what_they_print_right_is_sent() {
        let numbers = numbers();
        assert_eq!(numbers.len(), 45);
        for case in &numbers {
            let number = Number::parse(&case.number).unwrap();
            assert_eq!(number.to_text(), case.canonical);
            for sent in [&case.python_cbor, &case.js_cbor, &case.go_cbor] {
                assert_eq!(decoded(&unhex(sent)), Ok(number), "{}: {sent}", case.number);
            }
            assert_eq!(hex(&encoded(&number)), case.server_should_send_cbor, "{}", case.number);
        }
    }

    #[test]
    fn any_width_and_any_form_is_the_same_number() {
        let one = [
            "01",
            "1801",
            "190001",
            "1a00000001",
            "1b0000000000000001",
            "c24101",
            "c2420001",
            "c4820001",
            "c482211864",
            "c4822019000a",
            "c4822bc245e8d4a51000",
            "fb3ff0000000000000",
        ];
        for hex in one {
            assert_eq!(decoded(&unhex(hex)), Ok(Number::from(1)), "{hex}");
        }
        for (hex, expected) in [
            ("3bffffffffffffffff", "-18446744073709551616"),
            ("c240", "0"),
            ("c340", "-1"),
            ("c349010000000000000000", "-18446744073709551617"),
            ("fb3fb999999999999a", "0.1"),
            ("fb8000000000000000", "0"),
            ("fb44b52d02c7e14af6", "100000000000000000000000"),
        ] {
            assert_eq!(decoded(&unhex(hex)).map(|number| number.to_text()), Ok(expected.to_owned()), "{hex}");
        }
    }

    #[test]
    fn what_no_number_can_be_is_refused_before_it_is_expanded() {
        let large = format!("c25a00010000{}", "ff".repeat(65536));
        let cases = [
            ("c4821a3b9aca0001", NumberError::Overflow),
            ("c4821bffffffffffffffff01", NumberError::Overflow),
            ("c4823bffffffffffffffff01", NumberError::Underflow),
            ("c482187e01", NumberError::Overflow),
            ("c482388201", NumberError::Underflow),
            ("c48200c25101 00000000 00000000 00000000 00000001", NumberError::TooManyDigits),
            (large.as_str(), NumberError::Overflow),
            ("fb7ff0000000000000", NumberError::NotANumber),
            ("fb7ff8000000000000", NumberError::NotANumber),
            ("fb7fefffffffffffff", NumberError::Overflow),
            ("fb0000000000000001", NumberError::Underflow),
        ];
        for (hex, expected) in cases {
            assert_eq!(decoded(&unhex(hex)), Err(expected.into()), "{hex:.40}");
        }
    }

    #[test]
    fn other_shapes_are_no_numbers() {
        for hex in [
            "6131",
            "4131",
            "f4",
            "f6",
            "80",
            "a0",
            "f93c00",
            "fa3f800000",
            "c101",
            "c48101",
            "c483010101",
            "c49f0101ff",
            "c482610101",
            "c48201fb3ff0000000000000",
            "c201",
            "c26131",
            "c4",
            "c482",
            "c48201",
        ] {
            assert!(decoded(&unhex(hex)).is_err(), "{hex}");
        }
    }

    pub(crate) fn any_number() -> impl Strategy<Value = Number> {
        ("-?[1-9][0-9]{0,37}", -130i64..126, any::<bool>()).prop_filter_map("too large or small", |parts| {
            let (digits, exponent, is_integer) = parts;
            let exponent = if is_integer { 0 } else { exponent };
            Number::parse(&format!("{digits}e{exponent}")).ok()
        })
    }

    proptest! {
        #[test]
        fn numbers_come_back(number in any_number()) {
            prop_assert_eq!(decoded(&encoded(&number)), Ok(number));
        }

        #[test]
        fn doubles_are_their_shortest_text(double in any::<f64>()) {
            let bytes = [&[0xFB][..], &double.to_be_bytes()].concat();
            let expected = Number::parse(&double.to_string()).map_err(Malformed::from);
            prop_assert_eq!(decoded(&bytes), expected);
        }

        #[test]
        fn digits_are_those_of_the_bytes(bytes in any::<[u8; 15]>(), plus: u8) {
            let expected = bytes.iter().fold(0u128, |sum, &byte| sum << 8 | u128::from(byte)) + u128::from(plus);
            prop_assert_eq!(decimal_digits(&bytes, plus), expected.to_string());
        }
    }
}
