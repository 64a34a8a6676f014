//! Text to tokens. What is no token by the rules is one all the same: `Unknown`, for the parser to trip over.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A bare name or a keyword: which, the parser of each kind of expression knows.
    Word,
    /// `#` and what follows it.
    NamePlaceholder,
    /// `:` and what follows it.
    ValuePlaceholder,
    /// Decimal digits without leading zeros.
    Digits,
    Dot,
    Comma,
    OpenBracket,
    CloseBracket,
    OpenParenthesis,
    CloseParenthesis,
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
    Plus,
    Minus,
    /// One character that belongs to nothing.
    Unknown,
    /// Behind the last character.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// All tokens of a text, `End` the last of them.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        at += length_of(&text[at..], |byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
        let (kind, length) = first_token(&text[at..]);
        tokens.push(Token { kind, start: at, end: at + length });
        if kind == Kind::End {
            return tokens;
        }
        at += length;
    }
}

fn first_token(text: &str) -> (Kind, usize) {
    let mut bytes = text.bytes();
    let Some(first) = bytes.next() else { return (Kind::End, 0) };
    match (first, bytes.next()) {
        (b'<', Some(b'>')) => (Kind::NotEqual, 2),
        (b'<', Some(b'=')) => (Kind::AtMost, 2),
        (b'>', Some(b'=')) => (Kind::AtLeast, 2),
        (b'<', _) => (Kind::Less, 1),
        (b'>', _) => (Kind::More, 1),
        (b'=', _) => (Kind::Equal, 1),
        (b'+', _) => (Kind::Plus, 1),
        (b'-', _) => (Kind::Minus, 1),
        (b'.', _) => (Kind::Dot, 1),
        (b',', _) => (Kind::Comma, 1),
        (b'[', _) => (Kind::OpenBracket, 1),
        (b']', _) => (Kind::CloseBracket, 1),
        (b'(', _) => (Kind::OpenParenthesis, 1),
        (b')', _) => (Kind::CloseParenthesis, 1),
        (b'#', Some(next)) if is_word_byte(next) => (Kind::NamePlaceholder, 1 + word_length(&text[1..])),
        (b':', Some(next)) if is_word_byte(next) => (Kind::ValuePlaceholder, 1 + word_length(&text[1..])),
        // DynamoDB: [00] and [01] were seen refused as syntax errors, so a zero ends a number.
        (b'0', _) => (Kind::Digits, 1),
        (b'1'..=b'9', _) => (Kind::Digits, length_of(text, |byte| byte.is_ascii_digit())),
        // DynamoDB: a bare name begins with a letter: `SET _123` fails at the token "_" (Alternator's
        // test_update_expression.py).
        (b'a'..=b'z' | b'A'..=b'Z', _) => (Kind::Word, word_length(text)),
        _ => (Kind::Unknown, text.chars().next().map_or(1, char::len_utf8)),
    }
}

fn word_length(text: &str) -> usize {
    length_of(text, is_word_byte)
}

fn length_of(text: &str, belongs: impl Fn(u8) -> bool) -> usize {
    text.bytes().position(|byte| !belongs(byte)).unwrap_or(text.len())
}

/// May stand behind the first character of a name, or behind the `#` or `:` of a placeholder.
pub(crate) fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::Kind::*;
    use super::*;

    #[test]
    fn texts_fall_apart_into_tokens() {
        let cases: [(&str, &[Kind]); 12] = [
            ("", &[End]),
            (" \t\r\n", &[End]),
            ("a.b_2[10]", &[Word, Dot, Word, OpenBracket, Digits, CloseBracket, End]),
            ("<><=>=<>", &[NotEqual, AtMost, AtLeast, NotEqual, End]),
            ("< > =", &[Less, More, Equal, End]),
            ("#1_a:_b", &[NamePlaceholder, ValuePlaceholder, End]),
            ("#a#b", &[NamePlaceholder, NamePlaceholder, End]),
            ("# : #-", &[Unknown, Unknown, Unknown, Minus, End]),
            ("__a", &[Unknown, Unknown, Word, End]),
            ("007", &[Digits, Digits, Digits, End]),
            ("1a", &[Digits, Word, End]),
            ("é!𝄞", &[Unknown, Unknown, Unknown, End]),
        ];
        for (text, expected) in cases {
            let found: Vec<Kind> = tokens(text).iter().map(|token| token.kind).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn tokens_know_where_they_stand() {
        let text = " é = :abc ";
        let found: Vec<&str> = tokens(text).iter().map(|token| &text[token.start..token.end]).collect();
        assert_eq!(found, ["é", "=", ":abc", ""]);
    }
}
