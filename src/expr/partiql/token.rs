//! Text to tokens, each with the place that messages name it by.

use super::StatementFault;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// A bare name or a keyword: which, its place decides.
    Word(&'a str),
    /// A name in double quotes, without them.
    Name(String),
    /// A string in single quotes, without them.
    Text(String),
    /// A number without its sign.
    Number(&'a str),
    /// `?`
    Parameter,
    Sign(&'static str),
    /// Behind the last character.
    End,
}

#[derive(Clone, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) place: Place,
}

/// DynamoDB: line and column, both counted from 1, and the length: `1:8:5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    line: usize,
    column: usize,
    length: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.line, self.column, self.length)
    }
}

/// The longer ones first.
const SIGNS: [&str; 23] = [
    "<<", ">>", "<>", "!=", "<=", ">=", "||", "<", ">", "=", "+", "-", "*", "/", "%", ".", ",", ":", "(",
    ")", "[", "]", "{",
];

impl<'a> Token<'a> {
    pub(super) fn is_word(&self, keyword: &str) -> bool {
        matches!(self.kind, Kind::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    pub(super) fn is_sign(&self, sign: &str) -> bool {
        matches!(self.kind, Kind::Sign(found) if found == sign)
    }
}

/// All tokens of a text, [`Kind::End`] the last of them.
///
/// DynamoDB: what is no token at all is reported with nothing behind the colon (conformance suite, grammar).
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, StatementFault> {
    let mut reader = Reader { text, at: 0, line: 1, line_start: 0 };
    let mut tokens = Vec::new();
    loop {
        reader.skip_blanks()?;
        let (start, line, column) = (reader.at, reader.line, reader.at - reader.line_start + 1);
        let kind = reader.token()?;
        let length = reader.text[start..reader.at].chars().count();
        let is_end = kind == Kind::End;
        tokens.push(Token { kind, place: Place { line, column, length } });
        if is_end {
            return Ok(tokens);
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    line_start: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Goes behind `length` bytes, which may hold ends of lines.
    fn advance(&mut self, length: usize) {
        for (place, byte) in self.text.as_bytes()[self.at..self.at + length].iter().enumerate() {
            if *byte == b'\n' {
                self.line += 1;
                self.line_start = self.at + place + 1;
            }
        }
        self.at += length;
    }

    /// White space and comments.
    fn skip_blanks(&mut self) -> Result<(), StatementFault> {
        loop {
            let rest = self.rest();
            let blanks = rest.len() - rest.trim_start().len();
            if blanks > 0 {
                self.advance(blanks);
            } else if rest.starts_with("--") {
                self.advance(rest.find('\n').unwrap_or(rest.len()));
            } else if let Some(comment) = rest.strip_prefix("/*") {
                self.advance(comment.find("*/").ok_or(StatementFault::NotWellFormed)? + "/**/".len());
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<Kind<'a>, StatementFault> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(Kind::End) };
        let (kind, length) = match first {
            '"' => return self.quoted('"').map(Kind::Name),
            '\'' => return self.quoted('\'').map(Kind::Text),
            '?' => (Kind::Parameter, 1),
            ';' if rest[1..].trim().is_empty() => (Kind::End, rest.len()),
            '}' => (Kind::Sign("}"), 1),
            _ if is_word_start(first) => {
                let length = rest.find(|c| !is_word_part(c)).unwrap_or(rest.len());
                (Kind::Word(&rest[..length]), length)
            }
            _ if starts_number(rest) => {
                let length = number_length(rest);
                (Kind::Number(&rest[..length]), length)
            }
            _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => (Kind::Sign(sign), sign.len()),
                None => return Err(StatementFault::NotWellFormed),
            },
        };
        self.advance(length);
        Ok(kind)
    }

    /// What stands between quotes, of which two in a row are one that belongs to it.
    fn quoted(&mut self, quote: char) -> Result<String, StatementFault> {
        let mut content = String::new();
        let mut rest = &self.rest()[1..];
        let mut length = 1;
        loop {
            let end = rest.find(quote).ok_or(StatementFault::NotWellFormed)?;
            content.push_str(&rest[..end]);
            length += end + 1;
            rest = &rest[end + 1..];
            if !rest.starts_with(quote) {
                self.advance(length);
                return Ok(content);
            }
            content.push(quote);
            length += 1;
            rest = &rest[1..];
        }
    }
}

fn is_word_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || c == '$'
}

fn is_word_part(c: char) -> bool {
    is_word_start(c) || c.is_ascii_digit()
}

fn starts_number(text: &str) -> bool {
    text.strip_prefix('.').unwrap_or(text).starts_with(|c: char| c.is_ascii_digit())
}

/// Digits, perhaps a point and more of them, perhaps an exponent that has digits.
fn number_length(text: &str) -> usize {
    let digits = |from: usize| from + text[from..].bytes().take_while(u8::is_ascii_digit).count();
    let mut end = digits(0);
    if text[end..].starts_with('.') {
        end = digits(end + 1);
    }
    let exponent = text[end..].strip_prefix(['e', 'E']);
    let signed = exponent.map(|exponent| exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
    match signed {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => digits(text.len() - rest.len()),
        _ => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind<'_>> {
        tokens(text).unwrap().into_iter().map(|token| token.kind).collect()
    }

    #[test]
    fn texts_fall_apart_into_tokens() {
        use Kind::*;
        assert_eq!(kinds("  "), [End]);
        assert_eq!(
            kinds("a_$1 \"b \"\"c\" 'd''e'"),
            [Word("a_$1"), Name("b \"c".to_owned()), Text("d'e".to_owned()), End]
        );
        assert_eq!(
            kinds("1 .5e1 2.e-3 4e 7.31E+6"),
            [Number("1"), Number(".5e1"), Number("2.e-3"), Number("4"), Word("e"), Number("7.31E+6"), End]
        );
        assert_eq!(kinds("<<?>><>="), [Sign("<<"), Parameter, Sign(">>"), Sign("<>"), Sign("="), End]);
        assert_eq!(kinds("a -- b\n/* c\n*/ d;"), [Word("a"), Word("d"), End]);
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for text in ["'a", "\"a", "\"a\"\"", "/* a", "#", "a; b", "é", "`1`"] {
            assert!(tokens(text).is_err(), "{text}");
        }
    }

    #[test]
    fn tokens_know_where_they_stand() {
        let places: Vec<String> =
            tokens("a\n  'bé' c").unwrap().iter().map(|token| token.place.to_string()).collect();
        assert_eq!(places, ["1:1:1", "2:3:4", "2:9:1", "2:10:0"]);
    }
}
