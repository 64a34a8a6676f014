//! A call on its way down: what was asked, by whom, until when.

use std::sync::{Arc, OnceLock};

use base::Instant;
use bytes::Bytes;
use http::{HeaderMap, header};
use model::{
    Target,
    call::{NotUnderstood, Request},
};

/// One DynamoDB call. Clones are cheap and share the decoded request.
#[derive(Debug, Clone)]
pub struct Call {
    asked: Arc<Asked>,
    /// When the caller stops waiting.
    pub deadline: Instant,
}

#[derive(Debug)]
struct Asked {
    target: Target,
    /// Made of the request when somebody asks for it, where it did not come as JSON.
    wire: OnceLock<Wire>,
    caller: Caller,
    request_id: String,
    request: OnceLock<Result<Request, NotUnderstood>>,
}

/// A call as it came over HTTP.
#[derive(Debug, Clone, Default)]
pub struct Wire {
    /// The client's headers; empty for a call of our own.
    pub headers: HeaderMap,
    /// The body, with a content coding that we know taken off.
    pub body: Bytes,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// A client that nobody identified: the node trusts whoever can reach it.
    Anyone,
    /// The process itself.
    Internal,
}

impl Wire {
    /// Whether the body has a content coding, which only its origin may know how to take off.
    pub fn is_coded(&self) -> bool {
        let codings = self.headers.get_all(header::CONTENT_ENCODING).iter();
        let mut codings = codings.map(|value| value.as_bytes().trim_ascii());
        codings.any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"))
    }
}

impl Call {
    /// A client's call.
    pub fn from_client(target: Target, wire: Wire, request_id: String, deadline: Instant) -> Call {
        Call::new(target, wire, Caller::Anyone, request_id, deadline)
    }

    /// A call that the process makes for itself.
    pub fn internal(target: Target, body: Bytes, deadline: Instant) -> Call {
        let wire = Wire { headers: HeaderMap::new(), body };
        Call::new(target, wire, Caller::Internal, String::new(), deadline)
    }

    /// A client's call that did not come as JSON.
    pub fn of_request(target: Target, request: Request, request_id: String, deadline: Instant) -> Call {
        let (wire, request) = (OnceLock::new(), OnceLock::from(Ok(request)));
        let asked = Asked { target, wire, caller: Caller::Anyone, request_id, request };
        Call { asked: Arc::new(asked), deadline }
    }

    fn new(target: Target, wire: Wire, caller: Caller, request_id: String, deadline: Instant) -> Call {
        let asked =
            Asked { target, wire: OnceLock::from(wire), caller, request_id, request: OnceLock::new() };
        Call { asked: Arc::new(asked), deadline }
    }

    /// The same caller asking something else: another body for the same operation.
    #[must_use]
    pub fn with_body(&self, body: Bytes) -> Call {
        let wire = Wire { headers: self.wire().headers.clone(), body };
        Call::new(
            self.target().clone(),
            wire,
            self.asked.caller,
            self.asked.request_id.clone(),
            self.deadline,
        )
    }

    /// The same call with another deadline.
    #[must_use]
    pub fn until(&self, deadline: Instant) -> Call {
        Call { asked: Arc::clone(&self.asked), deadline }
    }

    /// What is asked for.
    pub fn target(&self) -> &Target {
        &self.asked.target
    }

    /// The bytes as they came, or as they would have come as JSON.
    pub fn wire(&self) -> &Wire {
        self.asked.wire.get_or_init(|| {
            let request = self.asked.request.get().and_then(|request| request.as_ref().ok());
            let body = request.and_then(Request::to_json).expect("who makes a request can write it");
            Wire { headers: HeaderMap::new(), body: Bytes::from(body) }
        })
    }

    /// Who asks.
    pub fn caller(&self) -> Caller {
        self.asked.caller
    }

    /// The id under which this node answers and logs; empty for a call of its own.
    pub fn request_id(&self) -> &str {
        &self.asked.request_id
    }

    /// The request, decoded when first asked for.
    ///
    /// # Errors
    /// [`NotUnderstood`] if it does not decode, or has a content coding that nobody took off.
    pub fn request(&self) -> Result<&Request, NotUnderstood> {
        let decode = || match self.asked.target.known() {
            _ if self.wire().is_coded() => Err(NotUnderstood::as_a_whole()),
            Some(operation) => Request::decode(operation, &self.wire().body),
            None => Ok(Request::Unread),
        };
        self.asked.request.get_or_init(decode).as_ref().map_err(|why| *why)
    }
}
