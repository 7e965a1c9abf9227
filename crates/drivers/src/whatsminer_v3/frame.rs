//! One request and one reply on a connection of its own, each behind its length.
//!
//! Not here: what the bytes mean (`reply`), replies that end with a NUL (`exchange`).

use std::time::Duration;

use offpeak_site::Trouble;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::framed;
use crate::call::Call;
use crate::exchange::{REPLY_MAX, of_break};

/// Empty messages are signs of life; a machine that sends nothing else is not waited for.
const HEARTBEATS_MAX: usize = 4;

/// Sends a message and leaves the reply in the call's buffer.
///
/// # Errors
/// As [`crate::exchange::exchange`]; `Oversized` for a length beyond the limit, which garbage has too.
pub(crate) async fn ask(call: &mut Call<'_>, message: &[u8], within: Duration) -> Result<(), Trouble> {
    let to = call.api();
    call.buffer.clear();
    let mut connected = false;
    let talk = async {
        let mut stream = call.driver.connector.connect(to).await.map_err(|_| Trouble::Unreachable)?;
        connected = true;
        stream.write_all(&framed(message)).await.map_err(|error| of_break(&error, true))?;
        stream.flush().await.map_err(|error| of_break(&error, true))?;
        collect(&mut stream, call.buffer).await
    };
    match timeout(within, talk).await {
        Ok(outcome) => outcome,
        Err(_) if connected => Err(Trouble::Silent),
        Err(_) => Err(Trouble::Unreachable),
    }
}

pub(crate) async fn collect(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
) -> Result<(), Trouble> {
    for _ in 0..=HEARTBEATS_MAX {
        let mut length = [0; 4];
        stream.read_exact(&mut length).await.map_err(|error| of_break(&error, true))?;
        let length = u32::from_le_bytes(length) as usize;
        if length > REPLY_MAX {
            return Err(Trouble::Oversized);
        }
        if length > 0 {
            buffer.resize(length, 0);
            stream.read_exact(buffer).await.map_err(|error| of_break(&error, false))?;
            return Ok(());
        }
    }
    Err(Trouble::Garbled)
}
