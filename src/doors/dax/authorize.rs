//! Who may call on a connection, and until when.
//!
//! DAX: `authorizeConnection` has no reply. What is wrong with it is told by the reply to the next call.

use std::time::Duration;

use auth::{AccessKeys, Denied, OwnClaim, SignedClaim};
use base::{Clock, Instant};
use minicbor::{Decoder, data::Type, decode};
use model::ErrorCode;

use crate::error::Refusal;
use dax_wire::Writer;

/// DAX: clients take a grant to last so long, and sign anew before it ends: on one connection after 270 s at the latest.
const GRANT: Duration = Duration::from_secs(300);

/// DAX: the JavaScript and Go clients sign anew and try again.
const REQUIRED: &[u8] = &[4, 23, 31, 33];
/// DAX: no client tries again with these.
const NOT_BELIEVED: &[u8] = &[4, 23, 31, 32];
const NOT_ACCEPTED: &[u8] = &[4, 23, 31, 34];

/// What a connection was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant {
    /// It said nothing yet.
    None,
    Until(Instant),
    Denied(Denied),
}

impl Grant {
    /// What the arguments of `authorizeConnection` bring about.
    pub(crate) fn of(arguments: &[u8], keys: &AccessKeys, clock: &Clock) -> Grant {
        let verified = match claim(arguments) {
            Ok(claim) => keys.verify_dax(claim, clock.wall()),
            Err(_) => Err(Denied::Malformed),
        };
        match verified {
            Ok(()) => Grant::Until(clock.now() + GRANT),
            Err(denied) => Grant::Denied(denied),
        }
    }

    /// Whether a call may pass.
    pub(crate) fn check(self, now: Instant) -> Result<(), Refusal> {
        let required = |message, nearest| Refusal::of_protocol(REQUIRED, message, Some(nearest), 401);
        match self {
            Grant::Until(end) if now < end => Ok(()),
            Grant::Until(_) => {
                Err(required("The authorization has expired.", ErrorCode::ExpiredTokenException))
            }
            Grant::None => {
                let nearest = ErrorCode::MissingAuthenticationTokenException;
                Err(required("The connection is not authorized.", nearest))
            }
            Grant::Denied(denied) => Err(refusal(denied)),
        }
    }
}

/// DynamoDB: these are the errors of a request that is signed so.
fn refusal(denied: Denied) -> Refusal {
    let (codes, message, nearest) = match denied {
        Denied::UnknownKey => {
            (NOT_BELIEVED, "The access key id is not known here.", ErrorCode::UnrecognizedClientException)
        }
        Denied::WrongSignature => {
            (NOT_BELIEVED, "The signature is wrong: check the secret.", ErrorCode::InvalidSignatureException)
        }
        Denied::Malformed => {
            (NOT_ACCEPTED, "The authorization is malformed.", ErrorCode::IncompleteSignatureException)
        }
        Denied::OtherScope => (
            NOT_ACCEPTED,
            "The authorization is for another region or service.",
            ErrorCode::InvalidSignatureException,
        ),
        Denied::OtherTime => (
            NOT_ACCEPTED,
            "The authorization was signed at another time: check the clock.",
            ErrorCode::InvalidSignatureException,
        ),
    };
    Refusal::of_protocol(codes, message, Some(nearest), 403)
}

/// Access key id, signature, string to sign; then a session token, which is not signed, and a user agent.
fn claim(arguments: &[u8]) -> Result<SignedClaim<'_>, decode::Error> {
    let mut values = Decoder::new(arguments);
    let (access_key_id, signature) = (values.str()?, values.str()?);
    // DAX: bytes, although it is text.
    let string_to_sign = match values.datatype()? {
        Type::String => values.str()?.as_bytes(),
        _ => values.bytes()?,
    };
    Ok(SignedClaim { access_key_id, signature, string_to_sign })
}

/// The arguments of `authorizeConnection` that say so.
pub(crate) fn encode(claim: &OwnClaim) -> Vec<u8> {
    let mut out = Writer::new();
    out.text(&claim.access_key_id);
    out.text(&claim.signature);
    out.bytes(claim.string_to_sign.as_bytes());
    out.null();
    out.null();
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use dax_wire::testing::unhex;

    use super::*;

    const HEAD: usize = 6;
    /// Requests of live clients, signed with AKIDEXAMPLE and SECRET; with the moment at which they were.
    const CAPTURED: [(&str, &str); 4] = [
        (
            "2026-11-21T07:28:31Z",
            "011a58c2336b6b414b49444558414d504c45784066616665613537343263363731323536376635343239343631\
             393232373934353166636534343236323464376333363564383933346663653738643039633165588641575334\
             2d484d41432d5348413235360a3230323631313231543037323833315a0a32303236313132312f75732d656173\
             742d312f6461782f617773345f726571756573740a336461663066616363613664386338633833323734613534\
             36623331303939383733643265643831653564326434383864316533313232313434326362373136f675446178\
             507974686f6e436c69656e742d322e312e30",
        ),
        (
            "2026-11-21T07:33:52Z",
            "011a58c2336b6b414b49444558414d504c45784031393134333235326163343736643435373362313761613766\
             393566616561333861643166663334346334616631666232633533376265373034623737313537588641575334\
             2d484d41432d5348413235360a3230323631313231543037333335325a0a32303236313132312f75732d656173\
             742d312f6461782f617773345f726571756573740a303963313234396535383635643565646530656134393139\
             32653263663962636261363166613637323539396538646639663832306639356164373830356332f672446178\
             4a53436c69656e742d312e322e3130",
        ),
        (
            "2026-11-21T07:38:56Z",
            "011a58c2336b6b414b49444558414d504c45784031616438616132333466663735323738363537346562326134\
             316234313164303030356431633331383561653932363336646434363063643033633038386665588641575334\
             2d484d41432d5348413235360a3230323631313231543037333835365a0a32303236313132312f75732d656173\
             742d312f6461782f617773345f726571756573740a643566383737643762343365653761663439643435623635\
             34373333343636376465633637626130303336643362343266376638366463633531343733613436f671446178\
             476f436c69656e742d312e302e30",
        ),
        (
            "2026-11-21T07:39:35Z",
            "011a58c2336b6b414b49444558414d504c45784034646163346536336566333965396433643036616462346230\
             356138616365323563376365666164643633666138373965613437326335376665666161646636588641575334\
             2d484d41432d5348413235360a3230323631313231543037333933355a0a32303236313132312f75732d656173\
             742d312f6461782f617773345f726571756573740a393663393535333161333363373737396339386637376134\
             356134386164636665363530366137323864323231626639636430323530373466613833666166337353455353\
             494f4e544f4b454e4558414d504c4575446178507974686f6e436c69656e742d322e312e30",
        ),
    ];

    fn keys() -> AccessKeys {
        let secrets = HashMap::from([("AKIDEXAMPLE".to_owned(), "SECRET".to_owned())]);
        AccessKeys::new(secrets, "us-east-1".to_owned())
    }

    #[test]
    fn requests_of_live_clients_verify_and_none_does_with_a_flipped_bit() {
        let keys = keys();
        for (moment, hex) in CAPTURED {
            let request = unhex(hex);
            let now = humantime::parse_rfc3339(moment).unwrap();
            let verify = |arguments: &[u8]| claim(arguments).ok().map(|claim| keys.verify_dax(claim, now));
            assert_eq!(verify(&request[HEAD..]), Some(Ok(())), "{moment}");
            // Access key id, signature and string to sign, with their heads; nothing behind is signed.
            let signed_end = HEAD + 12 + 66 + 136;
            for at in HEAD..signed_end {
                let mut damaged = request.clone();
                damaged[at] ^= 1;
                assert_ne!(verify(&damaged[HEAD..]), Some(Ok(())), "{moment}, byte {at}");
            }
        }
    }

    #[test]
    fn a_grant_ends_and_a_denial_stays_until_the_next_claim() {
        let clock = Clock::start();
        let now = clock.now();
        let until = Grant::Until(now + GRANT);
        assert_eq!(until.check(now + GRANT - Duration::from_millis(1)), Ok(()));
        let tuple = |grant: Grant, now| grant.check(now).unwrap_err().encode("R")[..7].to_vec();
        for grant in [until, Grant::None] {
            assert_eq!(tuple(grant, now + GRANT), [0x84, 4, 0x17, 0x18, 31, 0x18, 33]);
        }
        for (denied, last) in [
            (Denied::UnknownKey, 32),
            (Denied::WrongSignature, 32),
            (Denied::Malformed, 34),
            (Denied::OtherScope, 34),
            (Denied::OtherTime, 34),
        ] {
            assert_eq!(
                tuple(Grant::Denied(denied), now),
                [0x84, 4, 0x17, 0x18, 31, 0x18, last],
                "{denied:?}"
            );
        }
        let malformed = Grant::of(&[0x01, 0x02], &keys(), &clock);
        assert_eq!(malformed, Grant::Denied(Denied::Malformed));
        let old = unhex(CAPTURED[0].1);
        let far = Grant::of(&old[HEAD..], &keys(), &clock);
        assert_eq!(far, Grant::Denied(Denied::OtherTime), "it was captured long ago");
    }
}
