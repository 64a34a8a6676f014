//! The five values with which a connection begins.
//!
//! There is no reply to them, and a connection that is closed right behind them is a client's health check.

use minicbor::{Decoder, data::Type, decode};

use crate::{Layering, Writer};

/// The longest preamble. That of clients takes some 70 bytes; the client's name for itself can be made longer.
pub(crate) const PREAMBLE_BYTES_MAX: usize = 4 << 10;
/// Entries of the client's description of itself; clients send one.
const CLIENT_WORDS_MAX: u64 = 64;

const MAGIC: &str = "J7yne5G";
/// DAX: the one client mode that was ever seen.
const MODE: i64 = 0;

/// The words of the client's description of itself that count.
const USER_AGENT: &str = "UserAgent";
/// Linac: by which a node is known to another. DAX's clients do not say it, and DAX's nodes do not read it.
const NODE: &str = "Node";

/// What a connection said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preamble {
    /// How it wants its replies.
    pub layering: Layering,
    /// What the client calls itself: for the log alone.
    pub user_agent: Option<String>,
    /// It is another node of the cluster.
    pub is_node: bool,
}

/// Why this is no client of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stranger {
    /// It begins otherwise.
    #[error("does not speak DAX")]
    NoMagic,
    /// Neither 0 nor 1.
    #[error("asks for a layering that nobody knows")]
    Layering,
    /// Not 0.
    #[error("asks for a mode that nobody knows")]
    Mode,
    /// Not the five values of a preamble.
    #[error("says something malformed of itself")]
    Malformed,
    /// More than any client says.
    #[error("says too much of itself")]
    TooLong,
}

impl Preamble {
    /// The preamble and its length, once `bytes` holds the whole of it.
    ///
    /// # Errors
    /// When it is not, or cannot become, the preamble of a client.
    pub fn read(bytes: &[u8]) -> Result<Option<(Preamble, usize)>, Stranger> {
        match read(bytes) {
            Ok(read) => Ok(Some(read)),
            Err(Unread::Stranger(why)) => Err(why),
            Err(Unread::Incomplete) if bytes.len() >= PREAMBLE_BYTES_MAX => Err(Stranger::TooLong),
            Err(Unread::Incomplete) => Ok(None),
        }
    }

    /// As the one who connects says it.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.text(MAGIC);
        out.int(match self.layering {
            Layering::Plain => 0,
            Layering::Framed => 1,
        });
        out.null();
        let words = [(USER_AGENT, self.user_agent.as_deref()), (NODE, self.is_node.then_some(""))];
        let words: Vec<_> = words.iter().filter_map(|(word, text)| Some((word, (*text)?))).collect();
        out.map(words.len());
        for (word, text) in words {
            out.text(word);
            out.text(text);
        }
        out.int(MODE);
        out.into_bytes()
    }
}

enum Unread {
    Incomplete,
    Stranger(Stranger),
}

impl From<decode::Error> for Unread {
    fn from(error: decode::Error) -> Unread {
        if error.is_end_of_input() { Unread::Incomplete } else { Unread::Stranger(Stranger::Malformed) }
    }
}

fn read(bytes: &[u8]) -> Result<(Preamble, usize), Unread> {
    let mut values = Decoder::new(bytes);
    if bytes.first().is_some_and(|first| *first != 0x60 | MAGIC.len() as u8) || values.str()? != MAGIC {
        return Err(Unread::Stranger(Stranger::NoMagic));
    }
    let layering = match values.i64()? {
        0 => Layering::Plain,
        1 => Layering::Framed,
        _ => return Err(Unread::Stranger(Stranger::Layering)),
    };
    skip_session(&mut values)?;
    let (user_agent, is_node) = words(&mut values)?;
    if values.i64()? != MODE {
        return Err(Unread::Stranger(Stranger::Mode));
    }
    Ok((Preamble { layering, user_agent, is_node }, values.position()))
}

/// DAX: bytes from the Python, JavaScript and old Java clients, text from Go's, null from the new Java client.
fn skip_session(values: &mut Decoder<'_>) -> Result<(), Unread> {
    match values.datatype()? {
        Type::Bytes => values.bytes().map(drop)?,
        Type::String => values.str().map(drop)?,
        Type::Null => values.null()?,
        _ => return Err(Unread::Stranger(Stranger::Malformed)),
    }
    Ok(())
}

/// What it calls itself, and whether it is a node.
fn words(values: &mut Decoder<'_>) -> Result<(Option<String>, bool), Unread> {
    let words = values.map()?.filter(|words| *words <= CLIENT_WORDS_MAX);
    let words = words.ok_or(Unread::Stranger(Stranger::Malformed))?;
    let (mut user_agent, mut is_node) = (None, false);
    for _ in 0..words {
        match (values.str()?, values.str()?) {
            (USER_AGENT, text) => user_agent = Some(text.to_owned()),
            (NODE, _) => is_node = true,
            _ => {}
        }
    }
    Ok((user_agent, is_node))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::unhex;

    /// The preambles of the seven clients, captured.
    const CAPTURED: [(&str, Layering, &str); 7] = [
        (
            "674a37796e65354700507beac8d0d0d84994a4b01b42c2594a0da169557365724167656e7475446178507974686f6e436c69656e742d322e312e3000",
            Layering::Plain,
            "DaxPythonClient-2.1.0",
        ),
        (
            "674a37796e653547005070d52899ebf5079b9151ba11ea705859a169557365724167656e74724461784a53436c69656e742d312e322e313000",
            Layering::Plain,
            "DaxJSClient-1.2.10",
        ),
        (
            "674a37796e65354700503a2f0c53b4bbe9023b9aec2b200b4e05a169557365724167656e74734461784a535633436c69656e742d332e312e3000",
            Layering::Plain,
            "DaxJSV3Client-3.1.0",
        ),
        (
            "674a37796e653547006130a169557365724167656e7473446178476f5632436c69656e742d312e302e3300",
            Layering::Plain,
            "DaxGoV2Client-1.0.3",
        ),
        (
            "674a37796e65354701f6a169557365724167656e74754461784a6176615632436c69656e742d322e302e3500",
            Layering::Framed,
            "DaxJavaV2Client-2.0.5",
        ),
        (
            "674a37796e653547006130a169557365724167656e7472446178476f436c69656e742d312e322e313400",
            Layering::Plain,
            "DaxGoClient-1.2.14",
        ),
        (
            "674a37796e6535470050603157590021fc8dd0e396f45cf8bde9a169557365724167656e74781a4461784a617661436c69656e742d312e302e3233303334312e3000",
            Layering::Plain,
            "DaxJavaClient-1.0.230341.0",
        ),
    ];

    #[test]
    fn every_client_is_let_in_once_its_preamble_is_whole() {
        for (hex, layering, user_agent) in CAPTURED {
            let mut wire = unhex(hex);
            let expected = Preamble { layering, user_agent: Some(user_agent.to_owned()), is_node: false };
            for end in 0..wire.len() {
                assert_eq!(Preamble::read(&wire[..end]), Ok(None), "{user_agent}, {end} bytes");
            }
            let length = wire.len();
            assert_eq!(Preamble::read(&wire), Ok(Some((expected.clone(), length))));
            wire.extend_from_slice(&[1, 2, 3]);
            assert_eq!(Preamble::read(&wire), Ok(Some((expected, length))), "a request follows");
        }
    }

    #[test]
    fn what_is_said_is_heard() {
        for (layering, is_node) in [(Layering::Plain, true), (Layering::Framed, false)] {
            let preamble = Preamble { layering, user_agent: Some("linac".to_owned()), is_node };
            let wire = preamble.encode();
            assert_eq!(Preamble::read(&wire), Ok(Some((preamble, wire.len()))));
        }
    }

    #[test]
    fn others_are_strangers() {
        let check = |wire: &[u8], expected: Stranger| {
            assert_eq!(Preamble::read(wire), Err(expected), "{wire:02x?}");
        };
        check(b"GET / HTTP/1.1\r\n", Stranger::NoMagic);
        check(&[0x16, 0x03, 0x01], Stranger::NoMagic);
        check(b"\x67J7yne5H", Stranger::NoMagic);
        check(&unhex("674a37796e65354702"), Stranger::Layering);
        check(&unhex("674a37796e65354720"), Stranger::Layering);
        check(&unhex("674a37796e6535470001"), Stranger::Malformed);
        check(&unhex("674a37796e65354700f6a001"), Stranger::Mode);
        check(&unhex("674a37796e65354700f6bf"), Stranger::Malformed);
        check(&unhex("674a37796e65354700f6bb00ffffffffffffff"), Stranger::Malformed);
        // A session of a gigabyte is not waited for.
        let mut endless = unhex("674a37796e653547005a40000000");
        assert_eq!(Preamble::read(&endless), Ok(None));
        endless.resize(PREAMBLE_BYTES_MAX, 0);
        check(&endless, Stranger::TooLong);
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_odd_for_a_preamble(
            kept in 0_usize..=44,
            tail in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let live = unhex(CAPTURED[3].0);
            let wire = [&live[..kept.min(live.len())], &tail].concat();
            if let Ok(Some((_, length))) = Preamble::read(&wire) {
                prop_assert!(length <= wire.len());
                prop_assert_eq!(Preamble::read(&wire[..length - 1]), Ok(None));
            }
        }
    }
}
