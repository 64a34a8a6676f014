//! Which web pages may call.
//!
//! The node signs what it forwards, so a page in a browser that can reach it could use its credentials. Browsers
//! name the page's origin with every request that could do harm; a request that names one is refused unless it
//! is allowed here.

use http::{HeaderName, HeaderValue, Request, Response, header};
use model::{ApiError, ErrorCode};

use crate::{Body, answer::Asker, door::full};

/// The origins that may call.
#[derive(Debug)]
pub(crate) struct Cors {
    allowed: Vec<String>,
}

/// DynamoDB: a preflight answer holds for two days.
const MAX_AGE_SECONDS: u32 = 172_800;

impl Cors {
    pub(crate) fn new(allowed: &[String]) -> Cors {
        Cors { allowed: allowed.to_vec() }
    }

    /// Whether a request with this `Origin` may be answered.
    pub(crate) fn check(&self, origin: Option<&HeaderValue>) -> Result<(), ApiError> {
        let is_allowed = origin.is_none_or(|origin| self.allows(origin));
        is_allowed.then_some(()).ok_or_else(|| {
            let message = "Web pages of this origin may not call; the node's operator can allow it.";
            ApiError::client(ErrorCode::AccessDeniedException, message)
        })
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        self.allowed.iter().any(|allowed| allowed == "*" || allowed.as_bytes() == origin.as_bytes())
    }

    /// Lets the page read the answer.
    pub(crate) fn allow(&self, origin: &HeaderValue, response: &mut Response<Body>) {
        if self.allows(origin) {
            const EXPOSED: &str = "x-amzn-requestid, x-amz-crc32, cache-status";
            let headers = response.headers_mut();
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
            headers.append(header::VARY, HeaderValue::from_static("origin"));
        }
    }

    /// The answer to a browser that asks beforehand.
    pub(crate) fn preflight<T>(request: &Request<T>, asker: &Asker) -> Response<Body> {
        let mut response = Response::new(full(""));
        let echoes: [(HeaderName, HeaderName); 2] = [
            (header::ACCESS_CONTROL_REQUEST_HEADERS, header::ACCESS_CONTROL_ALLOW_HEADERS),
            (header::ACCESS_CONTROL_REQUEST_METHOD, header::ACCESS_CONTROL_ALLOW_METHODS),
        ];
        for (asked, answered) in echoes {
            if let Some(value) = request.headers().get(asked) {
                response.headers_mut().insert(answered, value.clone());
            }
        }
        response.headers_mut().insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(MAX_AGE_SECONDS));
        asker.identify(&mut response);
        response
    }
}
