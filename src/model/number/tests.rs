//! What DynamoDB takes for a number, how it writes it back, and that order is numeric.

use proptest::prelude::*;

use super::*;

#[test]
fn numbers_come_back_in_plain_decimals() {
    let cases = [
        ("0", "0"),
        ("-0", "0"),
        ("+0.000", "0"),
        ("0e10", "0"),
        ("00", "0"),
        ("7", "7"),
        ("+7", "7"),
        ("-7", "-7"),
        ("007", "7"),
        ("7.", "7"),
        (".7", "0.7"),
        ("-.7", "-0.7"),
        ("1.50", "1.5"),
        ("100", "100"),
        ("1E2", "100"),
        ("1e+2", "100"),
        ("1.25e1", "12.5"),
        ("12.5e-1", "1.25"),
        ("0.00012e4", "1.2"),
        ("1e-3", "0.001"),
        ("120e-2", "1.2"),
        ("1e0000000000000000000000000000002", "100"),
        ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
        ("-0.12345678901234567890123456789012345678", "-0.12345678901234567890123456789012345678"),
        ("1234567890123456789012345678901234567800000", "1234567890123456789012345678901234567800000"),
        ("0.10000000000000000000000000000000000000000000000000", "0.1"),
    ];
    for (text, expected) in cases {
        assert_eq!(Number::parse(text).unwrap().to_text(), expected, "{text}");
    }
}

#[test]
fn what_dynamodb_cannot_hold_is_refused() {
    use NumberError::*;
    let cases = [
        ("", NotANumber),
        ("-", NotANumber),
        (".", NotANumber),
        ("e1", NotANumber),
        ("1e", NotANumber),
        ("1e+", NotANumber),
        ("1e1.0", NotANumber),
        ("1e1e1", NotANumber),
        ("1.2.3", NotANumber),
        ("--1", NotANumber),
        ("+-1", NotANumber),
        (" 1", NotANumber),
        ("1 ", NotANumber),
        ("1\n", NotANumber),
        ("1_000", NotANumber),
        ("1,000", NotANumber),
        ("0x10", NotANumber),
        ("NaN", NotANumber),
        ("Infinity", NotANumber),
        ("-Infinity", NotANumber),
        ("١", NotANumber),
        ("123456789012345678901234567890123456789", TooManyDigits),
        ("-1.23456789012345678901234567890123456789", TooManyDigits),
        ("100000000000000000000000000000000000000000001", TooManyDigits),
        ("1e126", Overflow),
        ("-1e126", Overflow),
        ("10e125", Overflow),
        ("1e99999999999999999999999999999999999999", Overflow),
        ("0e126", Overflow),
        ("1e-131", Underflow),
        ("-1e-131", Underflow),
        ("0.1e-130", Underflow),
        ("1e-99999999999999999999999999999999999999", Underflow),
    ];
    for (text, expected) in cases {
        assert_eq!(Number::parse(text), Err(expected), "{text}");
    }
}

#[test]
fn the_limits_of_the_range_are_inside() {
    for text in ["1e125", "9.9999999999999999999999999999999999999e125", "1e-130", "1.5e-130", "0.001e128"] {
        for sign in ["", "-"] {
            let number = Number::parse(&format!("{sign}{text}")).unwrap();
            assert_eq!(Number::parse(&number.to_text()), Ok(number), "{sign}{text}");
        }
    }
}

#[test]
fn hostile_lengths_are_read_once() {
    let million = 1_000_000;
    let cases = [
        ("1".repeat(million), Err(NumberError::Overflow)),
        (format!("0.{}", "1".repeat(million)), Err(NumberError::TooManyDigits)),
        (format!("0.{}1", "0".repeat(million)), Err(NumberError::Underflow)),
        (format!("1{}e-1000000", "0".repeat(million)), Ok("1")),
        (format!("0.{}1e1000001", "0".repeat(million)), Ok("1")),
        (format!("1e{}", "9".repeat(million)), Err(NumberError::Overflow)),
        (format!("1e-{}", "9".repeat(million)), Err(NumberError::Underflow)),
        (format!("{}.{}", "0".repeat(million), "0".repeat(million)), Ok("0")),
    ];
    for (text, expected) in cases {
        assert_eq!(Number::parse(&text), expected.map(|text| Number::parse(text).unwrap()), "{}", text.len());
    }
}

#[test]
fn order_is_numeric_over_the_whole_range() {
    let ascending = [
        "-9.9e125", "-1e125", "-100", "-99.9", "-12", "-1.2", "-1.1", "-1", "-0.1", "-1e-130", "0", "1e-130",
        "1.1e-130", "0.001", "0.1", "0.12", "0.121", "0.13", "1", "1.01", "9", "10", "11", "100", "1e125",
        "9.9e125",
    ];
    let numbers = ascending.map(|text| Number::parse(text).unwrap());
    for (i, one) in numbers.iter().enumerate() {
        for (j, two) in numbers.iter().enumerate() {
            assert_eq!(one.cmp(two), i.cmp(&j), "{one} {two}");
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[-+]?[0-9.]{0,50}([eE][-+]?[0-9]{0,5})?") {
        if let Ok(number) = Number::parse(&text) {
            prop_assert_eq!(Number::parse(&number.to_text()), Ok(number));
        }
    }

    #[test]
    fn order_agrees_with_integers(
        one in -9999i128..9999,
        p in 0u32..25,
        two in -9999i128..9999,
        q in 0u32..25,
    ) {
        let (x, y) = (one * 10i128.pow(p), two * 10i128.pow(q));
        let parse = |coefficient: i128, power: u32| {
            Number::parse(&format!("{coefficient}e{}", i64::from(power) - 12)).unwrap()
        };
        prop_assert_eq!(parse(one, p).cmp(&parse(two, q)), x.cmp(&y));
        prop_assert_eq!(parse(one, p) == parse(two, q), x == y);
    }
}
