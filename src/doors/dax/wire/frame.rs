//! How a reply travels: as it is (layering 0), or cut into frames (layering 1).
//!
//! A frame is its own length, header included, in four bytes; a byte of flags; three zeros; and a part of the
//! message. Bit 0 of the flags marks the last frame of a message. Requests have no frames in either layering.

use bytes::Bytes;

use crate::Malformed;

/// What a connection's preamble asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layering {
    /// Replies follow one another without anything between them.
    Plain,
    /// DAX: the Java client for SDK 2 asks for frames, and cannot start without.
    Framed,
}

const HEADER_BYTES: usize = 8;
const LAST: u8 = 1;
/// What a frame takes: large enough that its header costs nothing, and a size that the Java client was seen to read.
const FRAME_BYTES_MAX: usize = 64 << 10;

impl Layering {
    /// The bytes that carry a message.
    pub fn carry(self, message: Bytes) -> Bytes {
        match self {
            Layering::Plain => message,
            Layering::Framed => framed(&message, FRAME_BYTES_MAX - HEADER_BYTES).into(),
        }
    }
}

/// The message that frames hold, and how long they are, once the last of them is there.
///
/// # Errors
/// If these are no frames.
pub fn unframed(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, Malformed> {
    let mut message = Vec::new();
    let mut at = 0;
    loop {
        let Some(header) = bytes[at..].first_chunk::<HEADER_BYTES>() else { return Ok(None) };
        let [a, b, c, d, flags, rest @ ..] = *header;
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if length < HEADER_BYTES || flags > LAST || rest != [0; 3] {
            return Err(Malformed::NotCbor);
        }
        let Some(part) = bytes[at..].get(HEADER_BYTES..length) else { return Ok(None) };
        message.extend_from_slice(part);
        at += length;
        if flags == LAST {
            return Ok(Some((message, at)));
        }
    }
}

/// A message in frames of at most `part_bytes_max` of it each; an empty one has a frame too.
fn framed(message: &[u8], part_bytes_max: usize) -> Vec<u8> {
    let frames = message.len().div_ceil(part_bytes_max).max(1);
    let mut out = Vec::with_capacity(message.len() + frames * HEADER_BYTES);
    for number in 1..=frames {
        let begin = (number - 1) * part_bytes_max;
        let part = &message[begin..message.len().min(begin + part_bytes_max)];
        let length = u32::try_from(part.len() + HEADER_BYTES).expect("a frame is small");
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&[if number == frames { LAST } else { 0 }, 0, 0, 0]);
        out.extend_from_slice(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::hex;

    const MESSAGE: [u8; 7] = [0x80, 0xa1, 0x62, 0x70, 0x6b, 0x61, 0x53];

    /// The message, and in how many frames it came.
    fn parts(wire: &[u8]) -> (Vec<u8>, usize) {
        let (message, end) = unframed(wire).unwrap().unwrap();
        assert_eq!(end, wire.len(), "something follows the last frame");
        let frames = (wire.len() - message.len()) / HEADER_BYTES;
        (message, frames)
    }

    #[test]
    fn frames_look_as_a_live_java_client_took_them() {
        assert_eq!(hex(&Layering::Framed.carry(MESSAGE.to_vec().into())), "0000000f0100000080a162706b6153");
        assert_eq!(hex(&framed(&MESSAGE, 4)), "0000000c0000000080a162700000000b010000006b6153");
        let captured =
            [&[0, 0, 0, 11, 0, 0, 0, 0], &MESSAGE[..3], &[0, 0, 0, 12, 1, 0, 0, 0], &MESSAGE[3..]].concat();
        assert_eq!(parts(&captured), (MESSAGE.to_vec(), 2));
        assert_eq!(Layering::Plain.carry(MESSAGE.to_vec().into()), MESSAGE[..]);
    }

    #[test]
    fn frames_are_read_once_the_last_is_there_and_only_if_they_are_frames() {
        let wire = framed(&MESSAGE, 4);
        for end in 0..wire.len() {
            assert_eq!(unframed(&wire[..end]), Ok(None), "{end} bytes");
        }
        assert_eq!(unframed(&[&wire[..], &wire[..3]].concat()), Ok(Some((MESSAGE.to_vec(), wire.len()))));
        for (at, wrong) in [(3, 7), (4, 2), (5, 1), (7, 1)] {
            let mut wire = wire.clone();
            wire[at] = wrong;
            assert_eq!(unframed(&wire), Err(Malformed::NotCbor), "byte {at}");
        }
    }

    #[test]
    fn large_replies_take_several_frames() {
        let part = FRAME_BYTES_MAX - HEADER_BYTES;
        for (length, frames) in [(0, 1), (1, 1), (part, 1), (part + 1, 2), (2 * part, 2), (1 << 20, 17)] {
            let message: Vec<u8> = (0..length).map(|number| number as u8).collect();
            assert_eq!(parts(&Layering::Framed.carry(message.clone().into())), (message, frames), "{length}");
        }
    }

    proptest! {
        #[test]
        fn any_message_comes_out_again(message in proptest::collection::vec(any::<u8>(), 0..200), part in 1_usize..50) {
            prop_assert_eq!(parts(&framed(&message, part)).0, message);
        }
    }
}
