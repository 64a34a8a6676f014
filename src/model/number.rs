//! DynamoDB's number: a decimal of up to 38 significant digits, between 1E-130 and 9.99…E+125, or zero.

use std::cmp::Ordering;
use std::fmt::{self, Write};

use crate::limits::{NUMBER_DIGITS_MAX, NUMBER_MAGNITUDE_MAX, NUMBER_MAGNITUDE_MIN};

/// Equal values have equal fields: the coefficient has no trailing zeros, zero has neither sign nor exponent.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Number {
    negative: bool,
    coefficient: u128,
    exponent: i16,
}

/// Why a text is no number, in DynamoDB's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    #[error("The parameter cannot be converted to a numeric value")]
    NotANumber,
    #[error("Attempting to store more than 38 significant digits in a Number")]
    TooManyDigits,
    #[error("Number overflow. Attempting to store a number with magnitude larger than supported range")]
    Overflow,
    #[error("Number underflow. Attempting to store a number with magnitude smaller than supported range")]
    Underflow,
}

impl Number {
    pub fn parse(text: &str) -> Result<Number, NumberError> {
        Written::read(text.as_bytes()).ok_or(NumberError::NotANumber)?.checked()
    }

    /// `integer` times ten to the power of `exponent`.
    pub fn scaled(integer: i128, exponent: i64) -> Result<Number, NumberError> {
        let exponent = exponent.clamp(-EXPONENT_CEILING, EXPONENT_CEILING);
        let mut coefficient = integer.unsigned_abs();
        let mut zeros = 0;
        while coefficient > 0 && coefficient.is_multiple_of(10) {
            coefficient /= 10;
            zeros += 1;
        }
        let written = Written {
            negative: integer < 0,
            coefficient,
            significant_digits: digits(coefficient),
            exponent: exponent + zeros,
            written_exponent: exponent,
        };
        written.checked()
    }

    /// What [`Number::scaled`] makes it of again: an integer without zeros behind it, and a power of ten.
    pub fn unscaled(&self) -> (i128, i16) {
        let coefficient = i128::try_from(self.coefficient).expect("38 digits fit into 127 bits");
        (if self.negative { -coefficient } else { coefficient }, self.exponent)
    }

    /// The text DynamoDB answers with.
    ///
    /// DynamoDB: plain decimals without exponent, plus sign or superfluous zeros, however long that gets
    /// (developer guide, "Data types", Number: leading and trailing zeros are trimmed).
    pub fn to_text(&self) -> String {
        self.to_string()
    }

    pub fn is_negative(&self) -> bool {
        self.negative
    }

    pub fn is_zero(&self) -> bool {
        self.coefficient == 0
    }

    /// The exact sum.
    ///
    /// DynamoDB: nothing is ever rounded. A sum that needs more than 38 digits is refused, and with the words
    /// for an overflow, odd as that is (Alternator's test_number.py, whose authors ran it against DynamoDB).
    pub fn checked_add(&self, other: &Number) -> Result<Number, NumberError> {
        if self.is_zero() || other.is_zero() {
            return Ok(if self.is_zero() { *other } else { *self });
        }
        let (high, low) = if self.exponent >= other.exponent { (self, other) } else { (other, self) };
        let unit = 10u128.checked_pow((high.exponent - low.exponent) as u32);
        // What does not fit here has 39 digits or more, and the last one is not zero, since no coefficient
        // ends in a zero.
        let scaled = unit.and_then(|unit| high.coefficient.checked_mul(unit)).ok_or(NumberError::Overflow)?;
        let (negative, coefficient) = match (high.negative == low.negative, scaled >= low.coefficient) {
            (true, _) => (low.negative, scaled.checked_add(low.coefficient).ok_or(NumberError::Overflow)?),
            (false, true) => (high.negative, scaled - low.coefficient),
            (false, false) => (low.negative, low.coefficient - scaled),
        };
        Number::exactly(negative, coefficient, low.exponent)
    }

    /// The exact difference; see [`Number::checked_add`].
    pub fn checked_sub(&self, other: &Number) -> Result<Number, NumberError> {
        self.checked_add(&Number { negative: !other.negative && !other.is_zero(), ..*other })
    }

    /// The canonical form of a result, if there is one.
    fn exactly(negative: bool, mut coefficient: u128, mut exponent: i16) -> Result<Number, NumberError> {
        if coefficient == 0 {
            return Ok(Number { negative: false, coefficient: 0, exponent: 0 });
        }
        while coefficient.is_multiple_of(10) {
            coefficient /= 10;
            exponent += 1;
        }
        let number = Number { negative, coefficient, exponent };
        match i64::from(number.magnitude()) {
            _ if number.significant_digits() > NUMBER_DIGITS_MAX => Err(NumberError::Overflow),
            NUMBER_MAGNITUDE_MIN..=NUMBER_MAGNITUDE_MAX => Ok(number),
            ..NUMBER_MAGNITUDE_MIN => Err(NumberError::Underflow),
            _ => Err(NumberError::Overflow),
        }
    }

    /// How many digits the coefficient has; zero has none.
    pub fn significant_digits(&self) -> usize {
        digits(self.coefficient)
    }

    /// How many of the significant digits stand before the decimal point, and how many behind it.
    pub(crate) fn digits_around_point(&self) -> (usize, usize) {
        let digits = self.significant_digits();
        let whole = usize::try_from(self.magnitude() + 1).unwrap_or(0).min(digits);
        (whole, digits - whole)
    }

    /// The power of ten of the leading digit: 0 for 7, 2 for 100, -1 for 0.5. Zero's means nothing.
    pub(crate) fn magnitude(&self) -> i16 {
        self.exponent + self.significant_digits() as i16 - 1
    }

    /// The coefficient shifted so that it fills all 38 digits: comparable between numbers of one magnitude.
    pub(crate) fn left_aligned(&self) -> u128 {
        self.coefficient * 10u128.pow((NUMBER_DIGITS_MAX - self.significant_digits()) as u32)
    }

    fn cmp_absolute(&self, other: &Number) -> Ordering {
        self.magnitude().cmp(&other.magnitude()).then_with(|| self.left_aligned().cmp(&other.left_aligned()))
    }

    fn signum(&self) -> i8 {
        match (self.is_zero(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Number) -> Ordering {
        self.signum().cmp(&other.signum()).then_with(|| match self.signum() {
            0 => Ordering::Equal,
            1 => self.cmp_absolute(other),
            _ => other.cmp_absolute(self),
        })
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_char('-')?;
        }
        let digits = self.coefficient.to_string();
        let point = digits.len() as i16 + self.exponent;
        if point <= 0 {
            write!(f, "0.{:0<zeros$}{digits}", "", zeros = -point as usize)
        } else if self.exponent < 0 {
            let (whole, fraction) = digits.split_at(point as usize);
            write!(f, "{whole}.{fraction}")
        } else {
            write!(f, "{digits:0<width$}", width = point as usize)
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Number({self})")
    }
}

/// A number's text taken apart, before anybody asked whether DynamoDB can hold it.
struct Written {
    negative: bool,
    /// Stays at its first 38 digits when there are more.
    coefficient: u128,
    /// From the first to the last digit that is not zero.
    significant_digits: usize,
    /// Of the coefficient's last digit.
    exponent: i64,
    /// As it stood after the `e`; 0 without one.
    written_exponent: i64,
}

impl From<u64> for Number {
    fn from(integer: u64) -> Number {
        Number::exactly(false, integer.into(), 0).expect("20 digits fit into 38")
    }
}

/// Beyond any exponent that digits within a request body could bring back into range, and far from overflow.
const EXPONENT_CEILING: i64 = 1 << 40;

impl Written {
    /// One pass, whatever the length of digits or exponent. `None` if this is no number at all.
    fn read(text: &[u8]) -> Option<Written> {
        let (negative, text) = split_sign(text);
        let mantissa_length = text.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(text.len());
        let (mantissa, exponent) = text.split_at(mantissa_length);
        let written_exponent = match exponent.split_first() {
            None => 0,
            Some((_e, digits)) => read_exponent(digits)?,
        };
        let mut number =
            Written { negative, coefficient: 0, significant_digits: 0, exponent: 0, written_exponent };
        number.read_mantissa(mantissa)?;
        Some(number)
    }

    fn read_mantissa(&mut self, mantissa: &[u8]) -> Option<()> {
        let mut digits = 0usize;
        let mut point = None;
        let mut zeros = 0usize;
        for &byte in mantissa {
            match byte {
                b'.' if point.is_none() => {
                    point = Some(digits);
                    continue;
                }
                b'0' if self.significant_digits > 0 => zeros += 1,
                b'0' => {}
                b'1'..=b'9' => {
                    self.push_digit(zeros, byte - b'0');
                    zeros = 0;
                }
                _ => return None,
            }
            digits += 1;
        }
        let fraction_digits = digits - point.unwrap_or(digits);
        self.exponent = self.written_exponent - fraction_digits as i64 + zeros as i64;
        (digits > 0).then_some(())
    }

    /// Zeros count only once a later digit shows that they are not trailing.
    fn push_digit(&mut self, zeros_before: usize, digit: u8) {
        self.significant_digits += zeros_before + 1;
        if self.significant_digits <= NUMBER_DIGITS_MAX {
            self.coefficient = self.coefficient * 10u128.pow(zeros_before as u32 + 1) + u128::from(digit);
        }
    }

    fn checked(self) -> Result<Number, NumberError> {
        // DynamoDB: a zero is as large as its exponent says (conformance suite, exponents).
        let magnitude = match self.significant_digits {
            0 => self.written_exponent,
            digits => self.exponent + digits as i64 - 1,
        };
        match magnitude {
            NUMBER_MAGNITUDE_MIN..=NUMBER_MAGNITUDE_MAX => {}
            ..NUMBER_MAGNITUDE_MIN => return Err(NumberError::Underflow),
            _ => return Err(NumberError::Overflow),
        }
        match self.significant_digits {
            0 => Ok(Number { negative: false, coefficient: 0, exponent: 0 }),
            1..=NUMBER_DIGITS_MAX => Ok(Number {
                negative: self.negative,
                coefficient: self.coefficient,
                exponent: self.exponent as i16,
            }),
            _ => Err(NumberError::TooManyDigits),
        }
    }
}

fn digits(coefficient: u128) -> usize {
    coefficient.checked_ilog10().map_or(0, |log| log as usize + 1)
}

fn split_sign(text: &[u8]) -> (bool, &[u8]) {
    match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    }
}

/// DynamoDB: an exponent that 64 bits cannot hold makes the whole no number (conformance suite, exponents).
fn read_exponent(text: &[u8]) -> Option<i64> {
    let exponent: i64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    Some(exponent.clamp(-EXPONENT_CEILING, EXPONENT_CEILING))
}

#[cfg(test)]
mod tests;
