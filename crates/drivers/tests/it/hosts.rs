//! Machines made by hand, behind in-memory streams or sockets: well-behaved, misbehaving, and with a memory.

use std::collections::BTreeMap;
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

/// Machines by address, each with a handler for its streams.
#[derive(Clone, Default)]
pub(crate) struct Hosts(Arc<Mutex<BTreeMap<SocketAddr, Handler>>>, bool);

impl Hosts {
    /// A network in which addresses without a machine answer nothing, not even that nobody is there.
    pub(crate) fn dropping() -> Self {
        Self(Arc::default(), true)
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
        let nobody = if self.1 { io::ErrorKind::TimedOut } else { io::ErrorKind::ConnectionRefused };
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
