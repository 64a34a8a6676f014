//! What DynamoDB takes for a number, how it writes it back, and that order is numeric.

use bigdecimal::BigDecimal;
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
        // What 64 bits cannot hold is no exponent.
        ("1e9223372036854775807", Overflow),
        ("1e9223372036854775808", NotANumber),
        ("1e99999999999", Overflow),
        ("0e126", Overflow),
        ("1e-131", Underflow),
        ("-1e-131", Underflow),
        ("0.1e-130", Underflow),
        ("1e-99999999999", Underflow),
        ("1e-9223372036854775809", NotANumber),
        ("0e-131", Underflow),
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
        (format!("1e{}", "9".repeat(million)), Err(NumberError::NotANumber)),
        (format!("1e-{}", "9".repeat(million)), Err(NumberError::NotANumber)),
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

#[test]
fn sums_are_exact_or_refused() {
    use NumberError::*;
    let nines = "9".repeat(38);
    let one_and_37_zeros = format!("1{}", "0".repeat(37));
    let cases: [(&str, &str, Result<&str, NumberError>); 26] = [
        ("1", "2", Ok("3")),
        ("1", "-1", Ok("0")),
        ("-1", "1", Ok("0")),
        ("0", "-7", Ok("-7")),
        ("-7", "0", Ok("-7")),
        ("0", "0", Ok("0")),
        ("7", "-3.5", Ok("3.5")),
        ("-3.5", "7", Ok("3.5")),
        ("3", "-7.5", Ok("-4.5")),
        ("0.1", "0.2", Ok("0.3")),
        ("5", "5", Ok("10")),
        ("1", "1e22", Ok("10000000000000000000001")),
        ("1e22", "-1", Ok("9999999999999999999999")),
        (&one_and_37_zeros, "1", Ok("10000000000000000000000000000000000001")),
        ("1e38", "-1", Ok(&nines)),
        ("1e38", "1", Err(Overflow)),
        ("1e39", "-1", Err(Overflow)),
        ("1e50", "1", Err(Overflow)),
        ("1e50", "-1", Err(Overflow)),
        ("1e125", "1e-130", Err(Overflow)),
        (&nines, "1", Ok("100000000000000000000000000000000000000")),
        (&nines, "2", Err(Overflow)),
        (&nines, "0.1", Err(Overflow)),
        ("9e125", "9e125", Err(Overflow)),
        ("1.1e-130", "-1e-130", Err(Underflow)),
        ("-1.1e-130", "1e-130", Err(Underflow)),
    ];
    let parse = |text: &str| Number::parse(text).unwrap();
    for (one, two, expected) in cases {
        let expected = expected.map(parse);
        assert_eq!(parse(one).checked_add(&parse(two)), expected, "{one} + {two}");
        assert_eq!(parse(two).checked_add(&parse(one)), expected, "{two} + {one}");
    }
    let below = parse("9e125").checked_sub(&parse("-9e125"));
    assert_eq!(below, Err(Overflow));
    assert_eq!(parse("9e125").checked_add(&parse("9e124")), Ok(parse("9.9e125")));
    assert_eq!(parse("0").checked_sub(&parse("0")), Ok(parse("0")));
    assert_eq!(Number::from(u64::MAX).to_text(), u64::MAX.to_string());
}

/// A sum as one learns it at school: a digit per power of ten, from 1E-170 to 1E+129, carried at the end.
struct Columns([i32; Columns::COUNT]);

impl Columns {
    const COUNT: usize = 300;
    const UNITS: usize = 170;

    fn add(&mut self, number: &Number, sign: i32) {
        let text = number.to_text();
        let sign = if text.starts_with('-') { -sign } else { sign };
        let digits = text.trim_start_matches('-');
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        for (place, digit) in whole.bytes().rev().enumerate() {
            self.0[Columns::UNITS + place] += sign * i32::from(digit - b'0');
        }
        for (place, digit) in fraction.bytes().enumerate() {
            self.0[Columns::UNITS - 1 - place] += sign * i32::from(digit - b'0');
        }
    }

    /// What `checked_add` must say.
    fn expected(mut self) -> Result<Number, NumberError> {
        let negative = self.0.iter().rev().find(|&&column| column != 0).is_some_and(|&top| top < 0);
        if negative {
            self.0.iter_mut().for_each(|column| *column = -*column);
        }
        for place in 0..Columns::COUNT - 1 {
            self.0[place + 1] += self.0[place].div_euclid(10);
            self.0[place] = self.0[place].rem_euclid(10);
        }
        let mut text = if negative { String::from("-") } else { String::new() };
        text.extend(self.0.iter().rev().map(|digit| digit.to_string()));
        text.push_str(&format!("e-{}", Columns::UNITS));
        match Number::parse(&text) {
            Err(NumberError::TooManyDigits) => Err(NumberError::Overflow),
            // A zero written with a large exponent is another matter.
            _ if self.0.iter().all(|&digit| digit == 0) => Number::parse("0"),
            result => result,
        }
    }
}

proptest! {
    #[test]
    fn sums_agree_with_school(
        one in "-?[1-9][0-9]{0,36}", p in -130i32..90, two in "-?[1-9][0-9]{0,36}", near in -40i32..40,
    ) {
        let q = (p + near).clamp(-130, 88);
        let parse = |digits: &str, power: i32| Number::parse(&format!("{digits}e{power}")).unwrap();
        let (one, two) = (parse(&one, p), parse(&two, q));
        for (sign, found) in [(1, one.checked_add(&two)), (-1, one.checked_sub(&two))] {
            let mut columns = Columns([0; Columns::COUNT]);
            columns.add(&one, 1);
            columns.add(&two, sign);
            prop_assert_eq!(found, columns.expected(), "{} {} {}", one, sign, two);
        }
    }

    #[test]
    fn sums_agree_with_integers(one in -(1i128 << 100)..1i128 << 100, two in -(1i128 << 100)..1i128 << 100) {
        let parse = |integer: i128| Number::parse(&integer.to_string()).unwrap();
        prop_assert_eq!(parse(one).checked_add(&parse(two)), Ok(parse(one + two)));
        prop_assert_eq!(parse(one).checked_sub(&parse(two)), Ok(parse(one - two)));
    }

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

fn big(text: &str) -> BigDecimal {
    text.parse().unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// What a number of DynamoDB's makes of an exact result.
fn admitted(exact: &BigDecimal) -> Result<Number, NumberError> {
    let (digits, scale) = exact.normalized().into_bigint_and_exponent();
    let digits = digits.to_string();
    let count = digits.trim_start_matches('-').len() as i64;
    match count - 1 - scale {
        _ if digits == "0" => Number::parse("0"),
        // DynamoDB: these words for too many digits, too; see `checked_add`.
        magnitude if count > 38 || magnitude > 125 => Err(NumberError::Overflow),
        magnitude if magnitude < -130 => Err(NumberError::Underflow),
        _ => Number::parse(&format!("{digits}e{}", -scale)),
    }
}

/// Short and long ones, with points and exponents, near the limits and near each other.
fn any_text() -> impl Strategy<Value = String> {
    let digits =
        prop_oneof!["-?[0-9]{1,4}", "-?[0-9]{1,38}", "-?[0-9]{1,20}[.][0-9]{1,18}", "-?[19]0{0,30}[1-9]"];
    let exponent = prop_oneof![-3i32..4, -45i32..45, -130i32..88];
    (digits, exponent).prop_map(|(digits, exponent)| format!("{digits}e{exponent}"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn sums_agree_with_big_decimals(one in any_text(), two in any_text()) {
        if let (Ok(x), Ok(y)) = (Number::parse(&one), Number::parse(&two)) {
            prop_assert_eq!(x.checked_add(&y), admitted(&(big(&one) + big(&two))), "{} + {}", one, two);
            prop_assert_eq!(x.checked_sub(&y), admitted(&(big(&one) - big(&two))), "{} - {}", one, two);
            prop_assert_eq!(x.cmp(&y), big(&one).cmp(&big(&two)));
        }
    }

    #[test]
    fn an_integer_and_a_power_of_ten_are_what_their_text_is(
        integer in prop_oneof![any::<i128>(), -1000i128..1000, any::<i64>().prop_map(i128::from)],
        zeros in 0u32..40,
        exponent in prop_oneof![-200i64..200, -3i64..4, any::<i64>(), Just(i64::MAX), Just(i64::MIN)],
    ) {
        let integer = 10i128.checked_pow(zeros).and_then(|unit| integer.checked_mul(unit)).unwrap_or(integer);
        let number = Number::scaled(integer, exponent);
        prop_assert_eq!(number, Number::parse(&format!("{integer}e{exponent}")), "{}e{}", integer, exponent);
        if let Ok(number) = number {
            let (integer, exponent) = number.unscaled();
            prop_assert_eq!(Number::scaled(integer, exponent.into()), Ok(number));
            prop_assert!(integer % 10 != 0 || (integer, exponent) == (0, 0));
        }
    }

    #[test]
    fn texts_agree_with_big_decimals(text in any_text()) {
        match Number::parse(&text) {
            Ok(number) => {
                prop_assert_eq!(big(&number.to_text()), big(&text));
                prop_assert_eq!(admitted(&big(&text)), Ok(number));
            }
            Err(NumberError::TooManyDigits | NumberError::Overflow | NumberError::Underflow) => {
                prop_assert!(admitted(&big(&text)).is_err(), "{}", text);
            }
            Err(NumberError::NotANumber) => prop_assert!(false, "{} is one", text),
        }
    }
}
