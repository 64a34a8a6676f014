//! A writer of CBOR that cannot fail.

use minicbor::Encoder;
use minicbor::data::{Int, Tag};

/// Writes to memory. Lengths are as short as they can be, as clients have them.
#[derive(Debug)]
pub struct Writer(Encoder<Vec<u8>>);

/// Memory takes whatever is written.
type Written<'w, E> = Result<&'w mut Encoder<Vec<u8>>, E>;

fn done<E: std::fmt::Debug>(written: Written<'_, E>) {
    written.expect("a vector takes all that is written");
}

impl Default for Writer {
    fn default() -> Writer {
        Writer::new()
    }
}

impl Writer {
    pub fn new() -> Writer {
        Writer::with_room(0)
    }

    /// With memory for so many bytes, where it is known before how many they will be.
    pub fn with_room(bytes: usize) -> Writer {
        Writer(Encoder::new(Vec::with_capacity(bytes)))
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0.into_writer()
    }

    pub fn int(&mut self, value: i64) {
        done(self.0.i64(value));
    }

    /// All that 64 bits and a sign can say.
    pub(super) fn wide_int(&mut self, value: Int) {
        done(self.0.int(value));
    }

    pub fn float(&mut self, value: f64) {
        done(self.0.f64(value));
    }

    pub fn text(&mut self, text: &str) {
        done(self.0.str(text));
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        done(self.0.bytes(bytes));
    }

    pub fn bool(&mut self, value: bool) {
        done(self.0.bool(value));
    }

    pub fn null(&mut self) {
        done(self.0.null());
    }

    pub fn array(&mut self, length: usize) {
        done(self.0.array(length as u64));
    }

    pub fn map(&mut self, entries: usize) {
        done(self.0.map(entries as u64));
    }

    /// A map that goes on until [`Writer::end`].
    pub fn begin_map(&mut self) {
        done(self.0.begin_map());
    }

    pub fn end(&mut self) {
        done(self.0.end());
    }

    pub fn tag(&mut self, tag: u64) {
        done(self.0.tag(Tag::new(tag)));
    }

    /// Bytes that are CBOR already, or follow it raw.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.0.writer_mut().extend_from_slice(bytes);
    }
}
