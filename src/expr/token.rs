//! Text to tokens.

use crate::ExprError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    Name(&'a str),
    /// `#` and what follows it.
    Placeholder(&'a str),
    /// Decimal digits without leading zeros.
    Digits(&'a str),
    Dot,
    Comma,
    Open,
    Close,
}

/// The tokens of a text, and where each begins.
pub(crate) struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(crate) fn of(text: &'a str) -> Tokens<'a> {
        Tokens { text, at: 0 }
    }

    /// Where the next token begins, or the text ends.
    pub(crate) fn position(&mut self) -> usize {
        self.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
        self.at
    }

    pub(crate) fn next(&mut self) -> Result<Option<Token<'a>>, ExprError> {
        let start = self.position();
        let Some(&first) = self.text.as_bytes().get(start) else { return Ok(None) };
        let token = match first {
            b'.' => self.symbol(Token::Dot),
            b',' => self.symbol(Token::Comma),
            b'[' => self.symbol(Token::Open),
            b']' => self.symbol(Token::Close),
            // DynamoDB: a bare name begins with a letter, "set _something" is a syntax error
            // (aws-sdk-js issue 1691).
            b'a'..=b'z' | b'A'..=b'Z' => Token::Name(self.take_while(is_name_byte)),
            b'#' => {
                self.at += 1;
                self.take_while(is_name_byte);
                Token::Placeholder(&self.text[start..self.at])
            }
            b'0'..=b'9' => Token::Digits(self.take_while(|byte| byte.is_ascii_digit())),
            _ => return Err(ExprError::Syntax { at: start }),
        };
        match token {
            Token::Placeholder("#") => Err(ExprError::Syntax { at: start }),
            // DynamoDB: [00] and [01] were seen refused as syntax errors.
            Token::Digits(digits) if digits.len() > 1 && first == b'0' => {
                Err(ExprError::Syntax { at: start })
            }
            token => Ok(Some(token)),
        }
    }

    fn symbol(&mut self, token: Token<'a>) -> Token<'a> {
        self.at += 1;
        token
    }

    fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'a str {
        let rest = &self.text[self.at..];
        let length = rest.bytes().position(|byte| !belongs(byte)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }
}

/// May stand behind the first character of a name, or behind the `#` of a placeholder.
pub(crate) fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
