//! Who may call: access keys that the operator hands out, and signatures made with them.

use std::{
    collections::HashMap,
    fmt, fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// DAX: the service that its clients sign for.
const DAX_SERVICE: &str = "dax";
/// AWS: a signature counts for five minutes, and clocks may differ as much (general reference, "Signature
/// Version 4").
const SKEW_MAX: Duration = Duration::from_secs(5 * 60);
/// DAX: all clients sign a request to this name, wherever they connect; Go's and Java's with the scheme before it.
const DAX_HOSTS: [&str; 2] = ["dax.amazonaws.com", "https://dax.amazonaws.com"];

/// The access keys that callers may sign with.
pub struct AccessKeys {
    /// Secrets by the id of their key.
    secrets: HashMap<String, String>,
    /// What signatures must be made for.
    region: String,
}

/// Why a file of access keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AccessKeysError {
    /// The file cannot be read.
    #[error("cannot read the access keys in {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A line is not an id and a secret. The line itself is not shown: it may hold a secret.
    #[error("{path}, line {line}: must be an access key id and its secret, with a space between them")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
    },
    /// An id stands there twice.
    #[error("{path}, line {line}: this access key id was there before")]
    Repeated {
        /// The file.
        path: PathBuf,
        /// The second line.
        line: usize,
    },
    /// Nobody could call.
    #[error("{path} has no access key")]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// What a caller says who it is.
#[derive(Debug, Clone, Copy)]
pub struct SignedClaim<'a> {
    /// The id of its access key.
    pub access_key_id: &'a str,
    /// In hexadecimal digits.
    pub signature: &'a str,
    /// What it signed.
    pub string_to_sign: &'a [u8],
}

/// The same, made by this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnClaim {
    /// The id of its access key.
    pub access_key_id: String,
    /// In hexadecimal digits.
    pub signature: String,
    /// What it signed.
    pub string_to_sign: String,
}

/// Why a claim is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The id is nobody's.
    #[error("unknown access key id")]
    UnknownKey,
    /// It was signed with another secret, or changed since.
    #[error("wrong signature")]
    WrongSignature,
    /// What was signed is not of the form that DAX's clients sign.
    #[error("malformed string to sign")]
    Malformed,
    /// It was signed for another region, service or request.
    #[error("signed for something else")]
    OtherScope,
    /// It was signed long ago, or clocks differ.
    #[error("signed at another time")]
    OtherTime,
}

/// The four lines that are signed.
struct Signed<'a> {
    moment: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
    request_hash: &'a str,
}

impl AccessKeys {
    /// From pairs of id and secret.
    pub fn new(secrets: HashMap<String, String>, region: String) -> AccessKeys {
        AccessKeys { secrets, region }
    }

    /// From a file with an id and its secret on each line; lines that begin with `#` are comments.
    ///
    /// # Errors
    /// [`AccessKeysError`].
    pub fn load(path: &Path, region: String) -> Result<AccessKeys, AccessKeysError> {
        let path = path.to_owned();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) => return Err(AccessKeysError::Unreadable { path, source }),
        };
        let mut secrets = HashMap::new();
        let is_content = |line: &&str| !line.is_empty() && !line.starts_with('#');
        let lines = text.lines().map(str::trim).zip(1..);
        for (content, line) in lines.filter(|(content, _)| is_content(content)) {
            let mut words = content.split_whitespace();
            let (Some(id), Some(secret), None) = (words.next(), words.next(), words.next()) else {
                return Err(AccessKeysError::Malformed { path, line });
            };
            if secrets.insert(id.to_owned(), secret.to_owned()).is_some() {
                return Err(AccessKeysError::Repeated { path, line });
            }
        }
        if secrets.is_empty() {
            return Err(AccessKeysError::Empty { path });
        }
        Ok(AccessKeys::new(secrets, region))
    }

    /// What this process says who it is to another that has the same keys: it signs with the first, in the order of ids.
    pub fn claim_dax(&self, now: SystemTime) -> OwnClaim {
        let (id, secret) = self.secrets.iter().min().expect("there is a key where there are keys");
        let moment = humantime::format_rfc3339_seconds(now).to_string().replace(['-', ':'], "");
        let (date, region) = (&moment[..8], &self.region);
        let request_hash = request_hash(DAX_HOSTS[0], &moment);
        let scope = format!("{date}/{region}/{DAX_SERVICE}/aws4_request");
        let string_to_sign = format!("{ALGORITHM}\n{moment}\n{scope}\n{request_hash}");
        let key = generate_signing_key(secret, now, region, DAX_SERVICE);
        let signature = calculate_signature(key, string_to_sign.as_bytes());
        OwnClaim { access_key_id: id.clone(), signature, string_to_sign }
    }

    /// Whether a caller of the DAX door is who it says.
    ///
    /// # Errors
    /// Why not.
    pub fn verify_dax(&self, claim: SignedClaim<'_>, now: SystemTime) -> Result<(), Denied> {
        let signed = Signed::read(claim.string_to_sign).ok_or(Denied::Malformed)?;
        let moment = signed.time().ok_or(Denied::Malformed)?;
        let secret = self.secrets.get(claim.access_key_id).ok_or(Denied::UnknownKey)?;
        if signed.region != self.region || signed.service != DAX_SERVICE {
            return Err(Denied::OtherScope);
        }
        let key = generate_signing_key(secret, moment, &self.region, DAX_SERVICE);
        let expected = calculate_signature(key, claim.string_to_sign);
        if !bool::from(expected.as_bytes().ct_eq(claim.signature.as_bytes())) {
            return Err(Denied::WrongSignature);
        }
        let distance = now.duration_since(moment).unwrap_or_else(|ahead| ahead.duration());
        if distance > SKEW_MAX {
            return Err(Denied::OtherTime);
        }
        let is_of_this_request = DAX_HOSTS.iter().any(|host| signed.is_request_to(host));
        if is_of_this_request { Ok(()) } else { Err(Denied::OtherScope) }
    }
}

impl<'a> Signed<'a> {
    fn read(text: &'a [u8]) -> Option<Signed<'a>> {
        let mut lines = str::from_utf8(text).ok()?.split('\n');
        let (ALGORITHM, moment, scope, request_hash, None) =
            (lines.next()?, lines.next()?, lines.next()?, lines.next()?, lines.next())
        else {
            return None;
        };
        let mut scope = scope.split('/');
        let (date, region, service, "aws4_request", None) =
            (scope.next()?, scope.next()?, scope.next()?, scope.next()?, scope.next())
        else {
            return None;
        };
        let signed = Signed { moment, date, region, service, request_hash };
        moment.starts_with(date).then_some(signed)
    }

    /// When it was signed, from the form `20261121T072831Z`.
    fn time(&self) -> Option<SystemTime> {
        let is_basic = |(at, byte): (usize, u8)| match at {
            8 => byte == b'T',
            15 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        };
        let text = self.moment;
        if text.len() != 16 || self.date.len() != 8 || !text.bytes().enumerate().all(is_basic) {
            return None;
        }
        let (date, time) = (&text[..8], &text[9..15]);
        let (year, month, day) = (&date[..4], &date[4..6], &date[6..]);
        let (hour, minute, second) = (&time[..2], &time[2..4], &time[4..]);
        humantime::parse_rfc3339(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z")).ok()
    }

    fn is_request_to(&self, host: &str) -> bool {
        request_hash(host, self.moment) == self.request_hash
    }
}

/// Of the request without a body that DAX's clients sign.
fn request_hash(host: &str, moment: &str) -> String {
    let hex = |hash: &[u8]| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let nothing = hex(&Sha256::digest(b""));
    let request = format!("POST\n/\n\nhost:{host}\nx-amz-date:{moment}\n\nhost;x-amz-date\n{nothing}");
    hex(&Sha256::digest(request.as_bytes()))
}

/// Without the secrets.
impl fmt::Debug for AccessKeys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.secrets.len();
        out.debug_struct("AccessKeys").field("keys", &count).field("region", &self.region).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Captured {
        signature: &'static str,
        moment: &'static str,
        request_hash: &'static str,
    }

    /// What live clients sent, with access key id AKIDEXAMPLE and secret SECRET: Python, both of JavaScript, and Go;
    /// then Python and Go with a session token, which is not signed.
    const CAPTURED: [Captured; 6] = [
        Captured {
            signature: "fafea5742c6712567f542946192279451fce442624d7c365d8934fce78d09c1e",
            moment: "2026-11-21T07:28:31Z",
            request_hash: "3daf0facca6d8c8c83274a546b31099873d2ed81e5d2d488d1e31221442cb716",
        },
        Captured {
            signature: "19143252ac476d4573b17aa7f95faea38ad1ff344c4af1fb2c537be704b77157",
            moment: "2026-11-21T07:33:52Z",
            request_hash: "09c1249e5865d5ede0ea49192e2cf9bcba61fa672599e8df9f820f95ad7805c2",
        },
        Captured {
            signature: "bc6827e5fe7bdbc75f49394598aa0f15b586eba050edb6148dacbddc9b70b23f",
            moment: "2026-11-21T07:33:54Z",
            request_hash: "8d47e3ee7aabe9d7493be3984e1ff59c13c4f079a6f40187e8071c69c4981512",
        },
        Captured {
            signature: "1ad8aa234ff752786574eb2a41b411d0005d1c3185ae92636dd460cd03c088fe",
            moment: "2026-11-21T07:38:56Z",
            request_hash: "d5f877d7b43ee7af49d45b6547334667dec67ba0036d3b42f7f86dcc51473a46",
        },
        Captured {
            signature: "4dac4e63ef39e9d3d06adb4b05a8ace25c7cefadd63fa879ea472c57fefaadf6",
            moment: "2026-11-21T07:39:35Z",
            request_hash: "96c95531a33c7779c98f77a45a48adcfe6506a728d221bf9cd025074fa83faf3",
        },
        Captured {
            signature: "0607cfb44cbfdeecbcd8092ac44ac196902051752c7b78ee362b591fdc4f81cb",
            moment: "2026-11-21T07:39:34Z",
            request_hash: "63656c728d84a6352ce5d8d9d4320f8b6fd97213576e72a5ea993ec309cbc29a",
        },
    ];

    impl Captured {
        fn time(&self) -> SystemTime {
            humantime::parse_rfc3339(self.moment).unwrap()
        }

        fn string_to_sign(&self) -> String {
            let moment = self.moment.replace(['-', ':'], "");
            let date = &moment[..8];
            format!("{ALGORITHM}\n{moment}\n{date}/us-east-1/dax/aws4_request\n{}", self.request_hash)
        }
    }

    fn keys_of(secret: &str, region: &str) -> AccessKeys {
        let secrets = HashMap::from([("AKIDEXAMPLE".to_owned(), secret.to_owned())]);
        AccessKeys::new(secrets, region.to_owned())
    }

    fn keys() -> AccessKeys {
        keys_of("SECRET", "us-east-1")
    }

    fn claim<'a>(signature: &'a str, string_to_sign: &'a [u8]) -> SignedClaim<'a> {
        SignedClaim { access_key_id: "AKIDEXAMPLE", signature, string_to_sign }
    }

    #[test]
    fn captured_signatures_are_right_at_their_time_and_for_five_minutes_around_it() {
        for captured in &CAPTURED {
            let text = captured.string_to_sign();
            let check = |now, expected| {
                let claim = claim(captured.signature, text.as_bytes());
                assert_eq!(keys().verify_dax(claim, now), expected, "{}", captured.moment);
            };
            check(captured.time(), Ok(()));
            check(captured.time() + SKEW_MAX, Ok(()));
            check(captured.time() - SKEW_MAX, Ok(()));
            check(captured.time() + SKEW_MAX + Duration::from_secs(1), Err(Denied::OtherTime));
            check(captured.time() - SKEW_MAX - Duration::from_secs(1), Err(Denied::OtherTime));
        }
    }

    #[test]
    fn what_one_process_signs_another_with_the_same_keys_believes() {
        let now = humantime::parse_rfc3339("2026-11-21T07:28:31.5Z").unwrap();
        let made = keys().claim_dax(now);
        assert_eq!(made.string_to_sign, CAPTURED[0].string_to_sign());
        assert_eq!(made.signature, CAPTURED[0].signature, "as Python's client signed at that moment");
        let secrets = [("B", "2"), ("A", "1")].map(|(id, secret)| (id.to_owned(), secret.to_owned()));
        let keys = AccessKeys::new(HashMap::from(secrets), "eu-west-1".to_owned());
        let made = keys.claim_dax(now);
        assert_eq!(made.access_key_id, "A");
        let (signature, string_to_sign) = (made.signature.as_str(), made.string_to_sign.as_bytes());
        let claim = SignedClaim { access_key_id: "A", signature, string_to_sign };
        assert_eq!(keys.verify_dax(claim, now), Ok(()));
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let captured = &CAPTURED[0];
        let text = captured.string_to_sign();
        for at in 0..text.len() {
            let mut text = text.clone().into_bytes();
            text[at] ^= 1;
            let denied = keys().verify_dax(claim(captured.signature, &text), captured.time());
            assert!(denied.is_err(), "byte {at} of the text");
        }
        for at in 0..captured.signature.len() {
            let mut signature = captured.signature.as_bytes().to_vec();
            signature[at] ^= 1;
            let signature = String::from_utf8(signature).unwrap();
            let denied = keys().verify_dax(claim(&signature, text.as_bytes()), captured.time());
            assert_eq!(denied, Err(Denied::WrongSignature), "byte {at} of the signature");
        }
        let short = claim(&captured.signature[..63], text.as_bytes());
        assert_eq!(keys().verify_dax(short, captured.time()), Err(Denied::WrongSignature));
    }

    #[test]
    fn other_keys_scopes_and_requests_are_told_apart() {
        let captured = &CAPTURED[0];
        let text = captured.string_to_sign();
        let check = |keys: &AccessKeys, claim: SignedClaim<'_>, expected| {
            assert_eq!(keys.verify_dax(claim, captured.time()), Err(expected));
        };
        let right = claim(captured.signature, text.as_bytes());
        check(&keys_of("SECRET2", "us-east-1"), right, Denied::WrongSignature);
        check(&keys_of("SECRET", "eu-west-1"), right, Denied::OtherScope);
        check(&keys(), SignedClaim { access_key_id: "AKIDOTHER", ..right }, Denied::UnknownKey);
        let dynamodb = text.replace("/dax/", "/dynamodb/");
        check(&keys(), claim(captured.signature, dynamodb.as_bytes()), Denied::OtherScope);
        // Signed with the right key, but not what clients of DAX sign.
        let other_request = text.replace(captured.request_hash, &"0".repeat(64));
        let key = generate_signing_key("SECRET", captured.time(), "us-east-1", "dax");
        let signature = calculate_signature(key, other_request.as_bytes());
        check(&keys(), claim(&signature, other_request.as_bytes()), Denied::OtherScope);
        for malformed in ["", "x", "a\nb\nc\nd", &format!("{text}\n"), &text.replace("T0", "X0")] {
            check(&keys(), claim(captured.signature, malformed.as_bytes()), Denied::Malformed);
        }
        let other_day = text.replacen("20261121/", "20261122/", 1);
        check(&keys(), claim(captured.signature, other_day.as_bytes()), Denied::Malformed);
    }

    #[test]
    fn a_file_has_a_key_a_line_and_its_mistakes_are_named_without_the_secret() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys");
        let load = |text: &str| {
            fs::write(&path, text).unwrap();
            AccessKeys::load(&path, "us-east-1".to_owned()).map_err(|error| error.to_string())
        };
        let loaded = load("# ours\n\n AKIDEXAMPLE  SECRET \nOTHER x/y+z\n").unwrap();
        assert_eq!(loaded.secrets.len(), 2);
        assert_eq!(loaded.secrets["AKIDEXAMPLE"], "SECRET");
        assert!(!format!("{loaded:?}").contains("SECRET"));
        for (text, expected) in [
            ("A SECRET more", "line 1: must be"),
            ("# c\nA", "line 2: must be"),
            ("A SECRET\nA SECRET", "line 2: this access key id was there before"),
            ("# nobody\n", "has no access key"),
        ] {
            let wrong = load(text).unwrap_err();
            assert!(wrong.contains(expected) && !wrong.contains("SECRET"), "{wrong}");
        }
        fs::remove_file(&path).unwrap();
        let missing = AccessKeys::load(&path, String::new()).unwrap_err().to_string();
        assert!(missing.starts_with("cannot read the access keys in"), "{missing}");
    }
}
