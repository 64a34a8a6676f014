//! The signature that the upstream gets, verified over what it received.

use std::time::{Duration, SystemTime};

use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};

use crate::{
    client::{Client, request},
    node::Process,
    stub::{Answer, Received, Stub},
};

const KEY: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const TOKEN: &str = "FwoGZXIvYXdzEJr//////////wEaDH/token+with=signs";
const REGION: &str = "eu-central-1";

/// Who signs, for what.
struct Signer<'a> {
    token: Option<&'a str>,
    region: &'a str,
}

impl Signer<'_> {
    /// Checks the signature of a request as a server would: from what it received, and the secret.
    fn verify(&self, received: &Received) {
        let authorization = received.header("authorization");
        let fields = authorization.strip_prefix("AWS4-HMAC-SHA256 ").expect("a signature of version 4");
        let field = |name: &str| {
            let mut fields = fields.split(", ");
            fields.find_map(|field| field.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
        };
        let time = received.header("x-amz-date");
        let credential = format!("{KEY}/{}/{}/dynamodb/aws4_request", &time[..8], self.region);
        assert_eq!(field("Credential"), credential);
        let signed: Vec<&str> = field("SignedHeaders").split(';').collect();
        let must_be_signed = |name: &&http::HeaderName| {
            let name = name.as_str();
            name == "host" || name == "content-type" || name.starts_with("x-amz-")
        };
        for name in received.headers.keys().filter(must_be_signed) {
            assert!(signed.contains(&name.as_str()), "{name} is not signed: {authorization}");
        }
        assert_eq!(received.headers.get("x-amz-security-token").map(|v| v.to_str().unwrap()), self.token);

        let moment = moment(time);
        let age = wall().duration_since(moment).unwrap_or_default();
        assert!(age < Duration::from_secs(60), "signed {age:?} ago");
        assert_eq!(authorization, self.authorization(received, &signed, moment));
    }

    /// What the client of AWS's own library would have sent.
    fn authorization(&self, received: &Received, signed: &[&str], moment: SystemTime) -> String {
        let identity =
            aws_credential_types::Credentials::new(KEY, SECRET, self.token.map(str::to_owned), None, "test")
                .into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name("dynamodb")
            .time(moment)
            .settings(SigningSettings::default())
            .build()
            .unwrap();
        // The library adds these itself.
        let own = ["host", "x-amz-date", "x-amz-security-token"];
        let names = signed.iter().filter(|name| !own.contains(name));
        let headers: Vec<(&str, &str)> = names
            .flat_map(|name| {
                let values = received.headers.get_all(*name).iter();
                values.map(|value| (*name, value.to_str().unwrap()))
            })
            .collect();
        let uri = format!("http://{}{}", received.header("host"), received.uri);
        let body = SignableBody::Bytes(&received.body);
        let request = SignableRequest::new(received.method.as_str(), uri, headers.into_iter(), body).unwrap();
        let (instructions, _) = sign(request, &parameters.into()).unwrap().into_parts();
        let mut added = instructions.headers();
        let (_, value) = added.find(|(name, _)| name.eq_ignore_ascii_case("authorization")).unwrap();
        value.to_owned()
    }
}

/// `20150830T123600Z`.
fn moment(text: &str) -> SystemTime {
    let number = |range: std::ops::Range<usize>| text[range].parse::<u64>().unwrap();
    let (year, month, day) = (number(0..4), number(4..6), number(6..8));
    // Days from the civil calendar, with the year beginning in March.
    let (shifted_year, shifted_month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * shifted_year + shifted_year / 4 - shifted_year / 100
        + shifted_year / 400
        + (153 * shifted_month + 2) / 5
        + day
        - 1
        - 719_468;
    let seconds = ((days * 24 + number(9..11)) * 60 + number(11..13)) * 60 + number(13..15);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn wall() -> SystemTime {
    base::Clock::start().wall()
}

/// Sends requests of many kinds through a process with these credentials; each must be signed rightly.
async fn check(token: Option<&str>, arguments: &[&str], variables: &[(&str, &str)], region: &str) {
    let stub = Stub::with_tables(|_| async { Answer::error(400, "ValidationException", "no").into() });
    let mut environment = vec![("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", SECRET)];
    environment.extend(token.map(|token| ("AWS_SESSION_TOKEN", token)));
    environment.extend(variables);
    let process = Process::before(&stub, arguments, &environment).await;
    let mut client = Client::connect(process.json).await;
    let large = format!("{{\"TableName\":\"{}\"}}", "x".repeat(300_000));
    let item = r#"{"TableName":"Music","Key":{"p":{"S":"é \"quoted\""}}}"#;
    let cases = [
        ("DynamoDB_20120810.GetItem", item),
        ("DynamoDB_20120810.Query", r#"{"TableName":"Music"}"#),
        ("DynamoDB_20120810.PutItem", "{ malformed"),
        ("DynamoDB_20120810.PutItem", ""),
        ("DynamoDB_20120810.Scan", &large),
        ("DynamoDB_20120810.Of the future: 1  2", "{}"),
        ("DynamoDBStreams_20120810.GetRecords", r#"{"ShardIterator":"x"}"#),
        ("DynamoDB_20120810.ExecuteStatement", r#"{"Statement":"SELECT * FROM Music"}"#),
    ];
    for (target, body) in cases {
        let mut sent = request("", body.to_owned());
        let headers = sent.headers_mut();
        headers.insert("x-amz-target", target.parse().unwrap());
        headers.append("x-amz-meta", "  two   spaces ".parse().unwrap());
        headers.append("x-amz-meta", "second".parse().unwrap());
        headers.insert("x-amz-security-token", "somebody else's".parse().unwrap());
        headers.insert("authorization", "AWS4-HMAC-SHA256 Credential=somebody else".parse().unwrap());
        client.send(sent).await;
    }
    let received = stub.received();
    assert_eq!(received.len(), cases.len());
    for each in &received {
        Signer { token, region }.verify(each);
    }
    // Nothing secret is in the log, whatever its level.
    let log = process.log();
    assert!(!log.contains(SECRET) && token.is_none_or(|token| !log.contains(token)), "{log}");
}

#[tokio::test]
async fn requests_are_signed_as_this_process() {
    check(None, &["--region", REGION, "--log-level", "trace"], &[], REGION).await;
}

#[tokio::test]
async fn a_session_token_is_sent_and_signed() {
    check(Some(TOKEN), &["--log-level", "trace"], &[("AWS_REGION", "ap-southeast-2")], "ap-southeast-2")
        .await;
}

#[test]
fn moments_are_read() {
    let seconds = |text| moment(text).duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    assert_eq!(seconds("19700101T000000Z"), 0);
    assert_eq!(seconds("20150830T123600Z"), 1_440_938_160);
    assert_eq!(seconds("20240229T235959Z"), 1_709_251_199);
}
