//! A value as DynamoDB quotes it in an error.

use std::fmt::Write;

use super::shape::Shape;
use super::tree::Tree;

/// DynamoDB quotes all of it. Here an answer stays small, whatever the request was: what comes after this is
/// left out, brackets excepted.
const ECHO_BYTES_MAX: usize = 16 * 1024;

/// Whose form the value takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// As Java prints its lists, maps and classes.
    Java,
    /// DynamoDB: the requests of a BatchGetItem are quoted as they came.
    Json,
}

/// Bounded in length.
pub(super) fn echo(value: &Tree, shape: &Shape, style: Style) -> String {
    let mut out = Echo { text: String::new(), style };
    match value {
        // Quotation marks of its own has only what is inside something else.
        Tree::Text(text) => out.write(text),
        _ => out.value(value, shape),
    }
    out.text
}

/// As much of a text as an error quotes.
pub(super) fn shown(text: &str) -> &str {
    cut(text, ECHO_BYTES_MAX)
}

fn cut(text: &str, bytes_max: usize) -> &str {
    let is_end = |end: &usize| text.is_char_boundary(*end);
    let end = (0..=bytes_max.min(text.len())).rev().find(is_end).unwrap_or_default();
    &text[..end]
}

struct Echo {
    text: String,
    style: Style,
}

impl Echo {
    fn write(&mut self, text: &str) {
        let left = ECHO_BYTES_MAX.saturating_sub(self.text.len());
        self.text.push_str(cut(text, left));
    }

    fn is_full(&self) -> bool {
        self.text.len() >= ECHO_BYTES_MAX
    }

    fn value(&mut self, value: &Tree, shape: &Shape) {
        match value {
            Tree::Null | Tree::TooDeep => self.write("null"),
            Tree::Bool(value) => self.write(if *value { "true" } else { "false" }),
            Tree::Integer(value) => self.write(&value.to_string()),
            Tree::Decimal(value) => self.write(&value.to_string()),
            Tree::Text(text) => self.string(text),
            Tree::List(elements) => {
                let of = if let Shape::List(of, _) = shape { of } else { &Shape::Anything };
                self.text.push('[');
                self.separated(elements, |out, element| out.value(element, of));
                self.text.push(']');
            }
            Tree::Object(members) => self.object(members, shape),
        }
    }

    fn string(&mut self, text: &str) {
        match self.style {
            Style::Java => self.write(text),
            Style::Json => {
                self.write("\"");
                self.write(text);
                self.write("\"");
            }
        }
    }

    fn object(&mut self, members: &[(String, Tree)], shape: &Shape) {
        let class = match (self.style, shape) {
            (Style::Json, _) => None,
            (Style::Java, Shape::Structure(structure)) => Some(structure.name),
            (Style::Java, Shape::Value) => Some("AttributeValue"),
            (Style::Java, _) => None,
        };
        let (open, close) = if class.is_some() { ("(", ')') } else { ("{", '}') };
        let _ = write!(self.text, "{}{open}", class.unwrap_or_default());
        let is_json = self.style == Style::Json;
        self.separated(members, |out, (name, value)| {
            match (is_json, class) {
                (true, _) => {
                    out.string(name);
                    out.write(":");
                }
                (false, Some(_)) => {
                    let mut letters = name.chars();
                    let first = letters.next().map(|first| first.to_ascii_lowercase().to_string());
                    out.write(&first.unwrap_or_default());
                    out.write(letters.as_str());
                    out.write("=");
                }
                (false, None) => {
                    out.write(name);
                    out.write("=");
                }
            }
            out.value(value, member_shape(shape, name));
        });
        self.text.push(close);
    }

    fn separated<T>(&mut self, parts: &[T], mut write: impl FnMut(&mut Echo, &T)) {
        for (place, part) in parts.iter().enumerate() {
            if self.is_full() {
                return;
            }
            if place > 0 {
                self.write(if self.style == Style::Json { "," } else { ", " });
            }
            write(self, part);
        }
    }
}

fn member_shape<'a>(shape: &'a Shape, name: &str) -> &'a Shape {
    match shape {
        Shape::Map(of, _) => of,
        Shape::Structure(structure) => structure
            .members
            .iter()
            .find(|member| member.name == name)
            .map_or(&Shape::Anything, |member| &member.shape),
        _ => &Shape::Anything,
    }
}
