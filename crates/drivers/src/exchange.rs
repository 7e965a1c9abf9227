//! One request and one reply on a connection of its own, as the machines' TCP APIs want it: the
//! machine ends its reply with a NUL or by closing.
//!
//! Not here: what the bytes mean (the codecs), HTTP (`http`).

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use offpeak_site::Trouble;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::connect::Connector;

/// No recorded reply comes near; what is longer is not read to its end.
pub const REPLY_MAX: usize = 256 * 1024;
/// What a buffer starts with: recorded replies are 0.3 to 3.5 KB.
const BUFFER_START: usize = 4 * 1024;

/// Sends `request` and collects the reply in `buffer` (cleared first), without its terminator.
///
/// # Errors
/// `Unreachable` without a connection, or with one that is reset before a byte has come (nobody is
/// behind it), `Silent` without an end in time, `Oversized` beyond [`REPLY_MAX`], `Garbled` when bytes
/// follow the NUL, `Truncated` when the machine closes before it has sent anything. Whether what came before a close is a whole reply, only the
/// codec can tell: see [`shape`].
pub async fn exchange(
    connector: &Connector,
    to: SocketAddr,
    request: &[u8],
    buffer: &mut Vec<u8>,
    within: Duration,
) -> Result<(), Trouble> {
    buffer.clear();
    let mut connected = false;
    let talk = async {
        let mut stream = connector.connect(to).await.map_err(|error| of_connect(&error))?;
        connected = true;
        stream.write_all(request).await.map_err(|error| of_break(&error, true))?;
        stream.flush().await.map_err(|error| of_break(&error, true))?;
        collect(&mut stream, buffer).await
    };
    match timeout(within, talk).await {
        Ok(outcome) => outcome,
        Err(_) if connected => Err(Trouble::Silent),
        Err(_) => Err(Trouble::Unreachable),
    }
}

/// What a failed connection means. An exhausted table of our own sockets is no word about the
/// machine, but all that can be said is that it was not reached.
fn of_connect(error: &io::Error) -> Trouble {
    tracing::trace!(%error, "no connection");
    Trouble::Unreachable
}

/// What a connection that breaks means; `at_once` when nothing has come over it.
pub(crate) fn of_break(error: &io::Error, at_once: bool) -> Trouble {
    match error.kind() {
        io::ErrorKind::ConnectionReset if at_once => Trouble::Unreachable,
        _ => Trouble::Truncated,
    }
}

pub(crate) async fn collect(
    stream: &mut (impl tokio::io::AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
) -> Result<(), Trouble> {
    buffer.reserve(BUFFER_START);
    loop {
        let before = buffer.len();
        if before >= REPLY_MAX {
            return Err(Trouble::Oversized);
        }
        if buffer.capacity() - before < 512 {
            buffer.reserve(buffer.capacity());
        }
        match stream.read_buf(buffer).await {
            Ok(0) => break,
            Ok(_) => {
                if let Some(nul) = memchr::memchr(0, &buffer[before..]) {
                    let end = before + nul;
                    let rest = &buffer[end + 1..];
                    if rest.iter().any(|&byte| !matches!(byte, 0 | b'\n' | b'\r')) {
                        return Err(Trouble::Garbled);
                    }
                    buffer.truncate(end);
                    return if buffer.is_empty() { Err(Trouble::Garbled) } else { Ok(()) };
                }
            }
            Err(error) => return Err(of_break(&error, buffer.is_empty())),
        }
    }
    if buffer.is_empty() { Err(Trouble::Truncated) } else { Ok(()) }
}

/// Why these bytes are no reply: a JSON object that ends too early, or no JSON object at all.
#[must_use]
pub fn shape(error: &serde_json::Error, bytes: &[u8]) -> Trouble {
    let object = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    // A number that is cut behind its point is called invalid, at the last byte.
    let last_line = bytes.rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
    let lines = memchr::memchr_iter(b'\n', bytes).count() + 1;
    let at_end = error.line() == lines && error.column() >= last_line.len();
    if error.is_eof() || (object && error.is_syntax() && at_end) {
        Trouble::Truncated
    } else {
        Trouble::Garbled
    }
}
