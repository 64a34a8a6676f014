//! Writing answers as DynamoDB writes them.

use backend::{Answer, Document, Outcome, Reply};
use base::Chance;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use model::{ApiError, ErrorCode};

use crate::{
    Body,
    body::BodyError,
    coding::Coding,
    door::{cache_status, full},
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
pub(crate) const CRC32: HeaderName = HeaderName::from_static("x-amz-crc32");
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const JSON_1_0: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// DynamoDB: as boto3 users see it in `ResponseMetadata`.
const SERVER: HeaderValue = HeaderValue::from_static("Server");

/// What of a request matters for the form of every answer to it.
#[derive(Debug)]
pub(crate) struct Asker {
    /// The id that this node gives the request, unless the origin gives it one.
    pub(crate) request_id: String,
    content_type: HeaderValue,
    /// How it wants to be answered, if the answer is large.
    pub(crate) coding: Option<Coding>,
}

/// A request that calls no operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// Asks whether the service is well.
    Healthy,
    /// Neither POST, nor GET of the root.
    NotPost,
    /// The node has as many requests under way as it may.
    TooMany,
    /// There is no body to work with.
    Body(BodyError),
    /// Neither JSON by its content type nor aimed at an operation.
    NotJson,
    /// Says that it is JSON, is not, and is aimed at no operation.
    Malformed,
    /// Aimed at no operation.
    NoTarget,
}

impl Asker {
    pub(crate) fn of(headers: &HeaderMap, chance: &Chance) -> Asker {
        // DynamoDB: JSON 1.0 is answered as such, anything else as application/json.
        let content_type = match media_type(headers) {
            Some("application/x-amz-json-1.0") | None => JSON_1_0,
            Some(_) => JSON,
        };
        Asker { request_id: chance.request_id(), content_type, coding: Coding::asked(headers) }
    }

    /// Puts this node's request id on an answer, and the name that the service gives itself.
    pub(crate) fn identify(&self, response: &mut Response<Body>) {
        let id = HeaderValue::from_str(&self.request_id).expect("request ids are letters and digits");
        response.headers_mut().insert(REQUEST_ID, id);
        response.headers_mut().insert(header::SERVER, SERVER);
    }
}

impl Unreadable {
    /// DynamoDB: without a target the content type is looked at first, then the JSON, then the target.
    pub(crate) fn no_target(headers: &HeaderMap, body: &[u8]) -> Unreadable {
        let is_json = matches!(media_type(headers), Some("application/json" | "application/x-amz-json-1.0"));
        if body.is_empty() {
            return Unreadable::NoTarget;
        }
        match (is_json, serde_json::from_slice::<serde::de::IgnoredAny>(body)) {
            (false, _) => Unreadable::NotJson,
            (true, Err(_)) => Unreadable::Malformed,
            (true, Ok(_)) => Unreadable::NoTarget,
        }
    }
}

fn media_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(str::trim)
}

/// What a call came to.
pub(crate) fn reply(asker: &Asker, reply: Reply) -> Response<Body> {
    let outcome = reply.outcome;
    let ours = |document: Document| {
        let mut response = json(StatusCode::OK, asker, document.body, document.crc32);
        response.headers_mut().insert(CACHE_STATUS, cache_status(outcome));
        response
    };
    match reply.answer {
        Answer::Document(document) => ours(document),
        Answer::Batch(batch) => ours(batch.document().clone()),
        Answer::Origin(origin) => {
            let crc32 = crc32fast::hash(&origin.body);
            let mut response = Response::new(full(origin.body));
            *response.status_mut() = origin.status;
            if !origin.headers.contains_key(REQUEST_ID) {
                asker.identify(&mut response);
            }
            let headers = response.headers_mut();
            headers.insert(CRC32, HeaderValue::from(crc32));
            // RFC 9211: a list, the caches nearest to the origin first. The origin's own checksum replaces ours.
            headers.extend(origin.headers);
            headers.append(CACHE_STATUS, cache_status(outcome));
            response
        }
    }
}

/// An error of this node's.
pub(crate) fn error(asker: &Asker, error: &ApiError) -> Response<Body> {
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    own(status, asker, error.to_json())
}

/// The answer to a request that calls no operation.
pub(crate) fn unreadable(asker: &Asker, request: Unreadable, healthy_name: &str) -> Response<Body> {
    let bare = |code: ErrorCode| {
        // DynamoDB: these two come without a message.
        let body = format!("{{\"__type\":\"{}\"}}", code.full_type());
        own(StatusCode::BAD_REQUEST, asker, body.into_bytes())
    };
    let busy = || {
        let message = "This node has too many requests under way.";
        error(asker, &ApiError::ours(ErrorCode::ServiceUnavailable, message))
    };
    match request {
        // DynamoDB: with a space at the end.
        Unreadable::Healthy => text(StatusCode::OK, asker, format!("healthy: {healthy_name} ")),
        Unreadable::NotPost | Unreadable::NotJson => {
            text(StatusCode::NOT_FOUND, asker, "<UnknownOperationException/>\n".to_owned())
        }
        Unreadable::Malformed => bare(ErrorCode::SerializationException),
        Unreadable::NoTarget => bare(ErrorCode::UnknownOperationException),
        Unreadable::TooMany | Unreadable::Body(BodyError::NoRoom) => busy(),
        // DynamoDB: an empty 413, after which the connection is of no use.
        Unreadable::Body(BodyError::TooLarge) => {
            closing(text(StatusCode::PAYLOAD_TOO_LARGE, asker, String::new()))
        }
        Unreadable::Body(BodyError::TooSlow) => {
            let message = "The body of the request did not arrive in time.";
            closing(error(asker, &ApiError::client(ErrorCode::RequestTimeoutException, message)))
        }
        Unreadable::Body(BodyError::Broken) => {
            let message = "The body of the request ended early.";
            closing(error(asker, &ApiError::client(ErrorCode::SerializationException, message)))
        }
        Unreadable::Body(BodyError::Undecodable) => {
            // DynamoDB: an internal error, though it is the client's (ScyllaDB's `test_compressed_request.py`,
            // which runs against the service as well).
            let message = "The body of the request is not in the content coding that it says it is in.";
            error(asker, &ApiError::client(ErrorCode::InternalServerError, message))
        }
    }
}

fn own(status: StatusCode, asker: &Asker, body: Vec<u8>) -> Response<Body> {
    let crc32 = crc32fast::hash(&body);
    let mut response = json(status, asker, body.into(), crc32);
    let refused = Outcome::Bypass(backend::Bypass::Refused);
    response.headers_mut().insert(CACHE_STATUS, cache_status(refused));
    response
}

fn json(status: StatusCode, asker: &Asker, body: bytes::Bytes, crc32: u32) -> Response<Body> {
    let mut response = Response::new(full(body));
    *response.status_mut() = status;
    asker.identify(&mut response);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, asker.content_type.clone());
    headers.insert(CRC32, HeaderValue::from(crc32));
    response
}

fn text(status: StatusCode, asker: &Asker, body: String) -> Response<Body> {
    let crc32 = crc32fast::hash(body.as_bytes());
    let mut response = Response::new(full(body));
    *response.status_mut() = status;
    asker.identify(&mut response);
    response.headers_mut().insert(CRC32, HeaderValue::from(crc32));
    response
}

fn closing(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_without_a_target_are_told_apart_as_dynamodb_does() {
        let cases = [
            (Some("application/x-amz-json-1.0"), "{}", Unreadable::NoTarget),
            (Some("application/json; charset=x"), "{}", Unreadable::NoTarget),
            (Some("application/x-amz-json-1.0"), "hi", Unreadable::Malformed),
            (Some("application/x-amz-json-1.1"), "hi", Unreadable::NotJson),
            (None, "hi", Unreadable::NotJson),
            (None, "", Unreadable::NoTarget),
        ];
        for (content_type, body, expected) in cases {
            let mut headers = HeaderMap::new();
            if let Some(value) = content_type {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(value));
            }
            assert_eq!(Unreadable::no_target(&headers, body.as_bytes()), expected, "{content_type:?} {body}");
        }
    }
}
