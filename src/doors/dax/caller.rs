//! A connection as the one who connects has it: a preamble, then one call after the other.

mod message;

use std::io;

use dax_wire::{Layering, Malformed, Preamble, Writer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::methods::{Method, SERVICE};

pub(crate) use self::message::Message;

/// Why a call has no reply; the connection is of no use any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error("the reply is malformed: {0}")]
    Malformed(#[from] Malformed),
    #[error(transparent)]
    Lost(#[from] io::Error),
}

/// A connection to a node.
#[derive(Debug)]
pub(crate) struct Caller<C> {
    stream: C,
    layering: Layering,
    incoming: Vec<u8>,
}

impl<C: AsyncRead + AsyncWrite + Unpin> Caller<C> {
    /// Says who connects.
    pub(crate) async fn begin(mut stream: C, preamble: &Preamble) -> io::Result<Caller<C>> {
        stream.write_all(&preamble.encode()).await?;
        Ok(Caller { stream, layering: preamble.layering, incoming: Vec::new() })
    }

    /// Sends `bytes`, the last of which are a request of this method, and waits for its reply.
    pub(crate) async fn exchange(&mut self, bytes: &[u8], method: Method) -> Result<Message, Broken> {
        self.stream.write_all(bytes).await?;
        let mut reading = message::Reading::new(self.layering, method);
        loop {
            if let Some((message, end)) = reading.message(&self.incoming)? {
                self.incoming.drain(..end);
                return Ok(message);
            }
            if self.stream.read_buf(&mut self.incoming).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
    }
}

/// A request.
pub(crate) fn request(method: Method, arguments: &[u8]) -> Vec<u8> {
    let mut out = Writer::new();
    out.int(SERVICE);
    out.int(method.id().into());
    out.raw(arguments);
    out.into_bytes()
}
