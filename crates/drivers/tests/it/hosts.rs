//! Machines made by hand, behind in-memory streams or sockets: well-behaved, misbehaving, and with a memory.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use offpeak_drivers::connect::{Connector, MemoryHost};
use offpeak_site::Endpoint;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};

/// How a machine treats each request.
#[derive(Clone, Debug)]
pub(crate) enum Manner {
    /// Answers and ends with a NUL.
    Nul(Vec<u8>),
    /// Answers and closes.
    Close(Vec<u8>),
    /// Answers, without a terminator, and stays.
    NoEnd(Vec<u8>),
    /// Stays and says nothing.
    Silent,
    /// Half an answer, then closes.
    Half(Vec<u8>),
    /// An answer with a NUL inside.
    NulInside(Vec<u8>),
    /// 100 MB.
    Flood,
}

pub(crate) async fn serve(manner: Manner, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut request = [0; 1024];
    if !matches!(stream.read(&mut request).await, Ok(read) if read > 0) {
        return;
    }
    let _ = match &manner {
        Manner::Nul(reply) => stream.write_all(&[reply.as_slice(), b"\0"].concat()).await,
        Manner::Close(reply) | Manner::NoEnd(reply) => stream.write_all(reply).await,
        Manner::Silent => Ok(()),
        Manner::Half(reply) => stream.write_all(&reply[..reply.len() / 2]).await,
        Manner::NulInside(reply) => {
            let (before, after) = reply.split_at(reply.len() / 2);
            stream.write_all(&[before, b"\0", after, b"\0"].concat()).await
        }
        Manner::Flood => {
            let chunk = [b'9'; 65_536];
            for _ in 0..1_600 {
                if stream.write_all(&chunk).await.is_err() {
                    break;
                }
            }
            Ok(())
        }
    };
    if matches!(manner, Manner::Silent | Manner::NoEnd(_) | Manner::Nul(_)) {
        // Until the other side goes.
        let _ = stream.read(&mut request).await;
    }
}

type Handler = Arc<dyn Fn(DuplexStream) + Send + Sync>;

/// Machines by address, each with a handler for its streams; and whether nobody's addresses say nothing.
#[derive(Clone, Default)]
pub(crate) struct Hosts(Arc<Mutex<BTreeMap<SocketAddr, Handler>>>, bool, Arc<Mutex<BTreeSet<IpAddr>>>);

impl Hosts {
    /// A network in which addresses without a machine answer nothing, not even that nobody is there.
    pub(crate) fn dropping() -> Self {
        Self(Arc::default(), true, Arc::default())
    }
    /// Somebody is at this address: it says so at ports that are closed.
    pub(crate) fn refuses(&self, ip: IpAddr) {
        self.2.lock().unwrap().insert(ip);
    }
    /// Pages, by path; no other is known.
    pub(crate) fn pages(&self, at: SocketAddr, pages: &'static [(&'static str, &'static str)]) {
        self.at(at, move |mut stream| {
            tokio::spawn(async move {
                let mut request = vec![0; 4096];
                let read = stream.read(&mut request).await.unwrap_or(0);
                let head = String::from_utf8_lossy(&request[..read]).into_owned();
                let path = head.split_whitespace().nth(1).unwrap_or_default();
                let found = pages.iter().find(|(page, _)| *page == path);
                let (status, body) = found.map_or(("404 Not Found", ""), |(_, body)| ("200 OK", *body));
                let length = body.len();
                let reply = format!(
                    "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
                let _ = stream.write_all(reply.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        });
    }
    pub(crate) fn at(&self, at: SocketAddr, handler: impl Fn(DuplexStream) + Send + Sync + 'static) {
        self.0.lock().unwrap().insert(at, Arc::new(handler));
    }
    pub(crate) fn manner(&self, at: SocketAddr, manner: Manner) {
        self.at(at, move |stream| {
            tokio::spawn(serve(manner.clone(), stream));
        });
    }
    pub(crate) fn connector(&self) -> Connector {
        Connector::Memory(Arc::new(self.clone()))
    }
}

impl MemoryHost for Hosts {
    fn connect(&self, to: SocketAddr) -> io::Result<DuplexStream> {
        let handler = self.0.lock().unwrap().get(&to).cloned();
        let drops = self.1 && !self.2.lock().unwrap().contains(&to.ip());
        let nobody = if drops { io::ErrorKind::TimedOut } else { io::ErrorKind::ConnectionRefused };
        let handler = handler.ok_or(nobody)?;
        let (ours, theirs) = tokio::io::duplex(16 * 1024);
        handler(theirs);
        Ok(ours)
    }
}

/// The n-th machine's standard endpoint.
pub(crate) fn endpoint(n: u32) -> Endpoint {
    Endpoint::standard(IpAddr::V4(Ipv4Addr::from(0x0A00_0001 + n)))
}

pub(crate) fn api(n: u32) -> SocketAddr {
    offpeak_drivers::driver::api(endpoint(n))
}
