//! What all readers have in common.

use minicbor::Decoder;
use minicbor::data::Type;

use super::Malformed;

/// # Errors
/// If anything is left to be read.
pub fn expect_end(decoder: &Decoder<'_>) -> Result<(), Malformed> {
    if decoder.position() == decoder.input().len() { Ok(()) } else { Err(Malformed::Trailing) }
}

/// Reads the elements of an array, or the entries of a map, whose header had this length; `None` is one that ends
/// with a break.
pub fn for_each<'b>(
    decoder: &mut Decoder<'b>,
    length: Option<u64>,
    mut read: impl FnMut(&mut Decoder<'b>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    match length {
        // A length that is a lie soon runs into the end of the bytes.
        Some(length) => (0..length).try_for_each(|_| read(decoder)),
        None => {
            while decoder.datatype()? != Type::Break {
                read(decoder)?;
            }
            decoder.set_position(decoder.position() + 1);
            Ok(())
        }
    }
}

/// Text, or a fault of its own where bytes are no text.
pub(super) fn text<'b>(decoder: &mut Decoder<'b>) -> Result<&'b str, Malformed> {
    match decoder.datatype()? {
        Type::String => decoder.str().map_err(|error| match Malformed::from(error) {
            Malformed::Truncated => Malformed::Truncated,
            _ => Malformed::NotText,
        }),
        _ => Err(Malformed::WrongType),
    }
}
