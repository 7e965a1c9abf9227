//! One connection to a machine's TCP API: a request is read to its end, answered, and the connection
//! closed. Misbehaviour happens here, for pages too.
//!
//! Not here: what the answers say, sockets (`listen`).

use std::net::IpAddr;
use std::time::Duration;

use offpeak_site::{Family, MachineIx};
use offpeak_twin::Answering;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::{Shared, antminer, avalon, braiins, luxos, vnish, whatsminer, whatsminer_v3};

/// A connection that says nothing for so long is closed (WhatsMiner API V2.0.5, section 2).
const REQUEST_WITHIN: Duration = Duration::from_secs(10);
/// How long a silent machine holds a connection.
const HOLD_MAX: Duration = Duration::from_secs(60);
/// Longer requests are cut off; the longest real one saves three pools.
const REQUEST_MAX: usize = 16 * 1024;
/// What replies start with; recorded ones are 0.3 to 2.5 KB.
const REPLY_START: usize = 2 * 1024;
/// A flood: 100 MB in chunks.
const FLOOD_CHUNK: usize = 64 * 1024;
const FLOOD_CHUNKS: usize = 100_000_000 / FLOOD_CHUNK;

/// A stream that can be dropped with a reset, as when nobody listens.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Ends the connection at once.
    fn hang_up(self);
}

impl Duplex for TcpStream {
    fn hang_up(self) {
        // Without it the close is an orderly one, which is no worse than a reset that fails.
        let _ = self.set_zero_linger();
    }
}

impl Duplex for DuplexStream {
    fn hang_up(self) {}
}

/// Whether these bytes are a whole request: JSON does not say where it ends, so it is read as such.
fn is_whole(bytes: &[u8]) -> bool {
    let text = bytes.trim_ascii_end();
    let text = text.strip_suffix(b"\0").unwrap_or(text);
    match serde_json::from_slice::<serde::de::IgnoredAny>(text) {
        Ok(_) => true,
        Err(error) => !error.is_eof(),
    }
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| !matches!(byte, 0 | b'\n' | b'\r' | b' '));
    end.map_or(&[], |end| &bytes[..=end])
}

/// Reads a request until `whole` says so, or the peer ends it. `None` when it says nothing in time.
async fn read_request<S: Duplex>(stream: &mut S, whole: fn(&[u8]) -> bool) -> Option<Vec<u8>> {
    let mut request = Vec::with_capacity(512);
    let reading = async {
        while request.len() < REQUEST_MAX {
            if stream.read_buf(&mut request).await.ok()? == 0 || whole(&request) {
                break;
            }
        }
        Some(())
    };
    timeout(REQUEST_WITHIN, reading).await.ok().flatten()?;
    (!request.is_empty()).then_some(request)
}

impl Shared {
    /// Serves a connection to a machine's TCP API.
    pub(super) async fn serve_api<S: Duplex>(&self, machine: MachineIx, client: IpAddr, mut stream: S) {
        let (answering, delay) = self.answering(machine);
        if answering == Answering::Unreachable {
            return stream.hang_up();
        }
        if self.cards[machine.ix()].family == Family::WhatsminerV3 {
            return self.serve_framed(machine, client, stream).await;
        }
        let Some(request) = read_request(&mut stream, is_whole).await else { return };
        if !delay.is_zero() {
            sleep(delay).await;
        }
        let card = &self.cards[machine.ix()];
        let mut reply = Vec::with_capacity(REPLY_START);
        let request = trimmed(&request);
        let mut spoken = true;
        let answering = self.at_now(|state| {
            // It may have lost its power, or hung, since.
            let answering = state.plant.answering(machine);
            if !matches!(
                answering,
                Answering::Unreachable | Answering::Silent | Answering::Garbage | Answering::Flood
            ) {
                match card.family {
                    Family::AntminerStock => antminer::answer(state, card, machine, request, &mut reply),
                    Family::BraiinsOs | Family::BraiinsOsGraphQl => {
                        braiins::answer_api(state, request, &mut reply);
                    }
                    Family::Vnish => vnish::answer_api(state, card, machine, request, &mut reply),
                    Family::LuxOs => luxos::answer(state, card, machine, request, &mut reply),
                    Family::Avalon => spoken = avalon::answer(state, card, machine, request, &mut reply),
                    Family::WhatsminerV2 => {
                        whatsminer::answer(state, card, machine, client, request, &mut reply);
                    }
                    family => unreachable!("the layout opens no API for {}", family.name()),
                }
            }
            answering
        });
        if !spoken {
            // Restarting, it closes the connection without a word.
            return;
        }
        let terminated =
            !matches!(card.family, Family::WhatsminerV2 | Family::BraiinsOs | Family::BraiinsOsGraphQl);
        misbehave(answering, reply, terminated, stream).await;
    }
}

/// Whether this begins with a length instead of JSON, which holds no NUL.
fn is_framed(bytes: &[u8]) -> bool {
    bytes.get(3).is_some_and(|&highest| highest == 0)
}

/// Whether these bytes are a whole request, with or without a length before it.
fn is_whole_framed(bytes: &[u8]) -> bool {
    match bytes.first_chunk::<4>() {
        None => false,
        Some(length) if is_framed(bytes) => bytes.len() >= 4 + u32::from_le_bytes(*length) as usize,
        Some(_) => is_whole(bytes),
    }
}

impl Shared {
    /// A WhatsMiner of API version 3: framed requests, as many as a connection brings; and, as its
    /// firmwares do at the old port, version 2 for reading.
    async fn serve_framed<S: Duplex>(&self, machine: MachineIx, client: IpAddr, mut stream: S) {
        while let Some(request) = read_request(&mut stream, is_whole_framed).await {
            let (_, delay) = self.answering(machine);
            if !delay.is_zero() {
                sleep(delay).await;
            }
            let (card, framed) = (&self.cards[machine.ix()], is_framed(&request));
            let mut reply = Vec::with_capacity(REPLY_START);
            let answering = self.at_now(|state| {
                let answering = state.plant.answering(machine);
                if !matches!(answering, Answering::Unreachable | Answering::Silent) {
                    if framed {
                        whatsminer_v3::answer(state, card, machine, &request[4..], &mut reply);
                    } else {
                        whatsminer::answer(state, card, machine, client, trimmed(&request), &mut reply);
                    }
                }
                answering
            });
            let reply = if framed { crate::whatsminer_v3::framed(&reply) } else { reply };
            if !framed || answering != Answering::Properly {
                return misbehave(answering, reply, false, stream).await;
            }
            if stream.write_all(&reply).await.is_err() {
                return;
            }
        }
    }
}

/// Says a reply in the way that the plant wants: properly, or not. Who has gone meanwhile is no matter.
async fn misbehave<S: Duplex>(answering: Answering, mut reply: Vec<u8>, terminated: bool, mut stream: S) {
    let half = reply.len() / 2;
    match answering {
        Answering::Properly => {}
        Answering::Unreachable => return stream.hang_up(),
        Answering::Silent => return hold(stream).await,
        Answering::Garbage => reply = garbage(),
        Answering::Flood => return flood(b"{\"STATUS\":[{\"STATUS\":\"S\",\"When\":", stream).await,
        Answering::CloseMidReply => reply.truncate(half),
        Answering::Nul => reply.insert(half, 0),
        Answering::NoTerminator => {
            let _ = stream.write_all(&reply).await;
            return hold(stream).await;
        }
    }
    if terminated && matches!(answering, Answering::Properly | Answering::Nul) {
        reply.push(0);
    }
    let _ = stream.write_all(&reply).await;
    let _ = stream.shutdown().await;
}

/// Keeps a connection open until the peer closes it, or gives up after a while.
async fn hold<S: Duplex>(mut stream: S) {
    let mut ignored = [0; 256];
    let until_closed = async { while matches!(stream.read(&mut ignored).await, Ok(1..)) {} };
    let _ = timeout(HOLD_MAX, until_closed).await;
}

async fn flood<S: Duplex>(start: &[u8], mut stream: S) {
    let _ = stream.write_all(start).await;
    let chunk = vec![b'9'; FLOOD_CHUNK];
    for _ in 0..FLOOD_CHUNKS {
        if stream.write_all(&chunk).await.is_err() {
            return;
        }
    }
}

/// Bytes of no protocol, and none of them a NUL.
fn garbage() -> Vec<u8> {
    (1..400_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8 | 1).collect()
}

fn has_blank_line(bytes: &[u8]) -> bool {
    bytes.windows(4).any(|four| four == b"\r\n\r\n")
}

/// What a machine that misbehaves makes of a request for a page.
pub(super) async fn misbehave_as_web<S: Duplex>(answering: Answering, mut stream: S) {
    if answering == Answering::Unreachable {
        return stream.hang_up();
    }
    if read_request(&mut stream, has_blank_line).await.is_none() {
        return;
    }
    let head = |length: usize| {
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n")
            .into_bytes()
    };
    let start = b"{\"pools\":[{\"url\":\"stratum+tcp://";
    match answering {
        Answering::Garbage => {
            let _ = stream.write_all(&garbage()).await;
        }
        Answering::Flood => flood(&head(FLOOD_CHUNK * FLOOD_CHUNKS), stream).await,
        Answering::CloseMidReply => {
            let _ = stream.write_all(&[head(1_000).as_slice(), start].concat()).await;
        }
        Answering::Nul => {
            let body = [start.as_slice(), b"\0\"}]}"].concat();
            let _ = stream.write_all(&[head(body.len()), body].concat()).await;
        }
        Answering::NoTerminator => {
            let _ = stream.write_all(&[head(1_000).as_slice(), start].concat()).await;
            hold(stream).await;
        }
        Answering::Silent | Answering::Properly | Answering::Unreachable => hold(stream).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_ends_with_its_json() {
        assert!(is_whole(b"{\"cmd\":\"summary\"}"));
        assert!(is_whole(b"{\"command\":\"stats\"}\n"));
        assert!(is_whole(b"{\"command\":\"stats\"}\0"));
        assert!(is_whole(b"summary|"), "what is no JSON is answered as such");
        assert!(!is_whole(b"{\"cmd\":\"summ"));
        assert!(!is_whole(b""));
    }

    #[test]
    fn garbage_is_no_text_and_holds_no_nul() {
        let garbage = garbage();
        assert!(!garbage.contains(&0));
        assert!(std::str::from_utf8(&garbage).is_err());
    }
}
