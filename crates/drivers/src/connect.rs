//! Opens byte streams: TCP, or in-memory ones to a twin's front ends, so that the same codecs run in
//! tokio's virtual time.
//!
//! Not here: what is said over the stream, and for how long one waits.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};

/// Answers connections inside the process: a twin's front ends.
pub trait MemoryHost: Send + Sync {
    /// The caller's end of a new stream to this address; the host serves the other end.
    ///
    /// # Errors
    /// As a socket would: refused where nothing listens.
    fn connect(&self, to: SocketAddr) -> io::Result<DuplexStream>;
}

/// How streams are opened.
#[derive(Clone)]
pub enum Connector {
    /// Over the network.
    Tcp,
    /// Inside the process.
    Memory(Arc<dyn MemoryHost>),
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tcp => "Tcp",
            Self::Memory(_) => "Memory",
        })
    }
}

impl Connector {
    /// Opens a stream.
    ///
    /// # Errors
    /// When nothing listens there, or no socket can be had.
    pub async fn connect(&self, to: SocketAddr) -> io::Result<Stream> {
        match self {
            Self::Tcp => {
                let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
                // A poll opens and closes a connection. Closing with a reset keeps thousands of them
                // from lingering in TIME_WAIT; by then the whole reply has been read.
                socket.set_zero_linger()?;
                Ok(Stream::Tcp(socket.connect(to).await?))
            }
            Self::Memory(host) => host.connect(to).map(Stream::Memory),
        }
    }

    /// Opens a stream to `host:port`. In memory the host must be an address.
    ///
    /// # Errors
    /// When the name is unknown or nothing listens there.
    pub async fn connect_named(&self, to: &str) -> io::Result<Stream> {
        match self {
            Self::Tcp => {
                let stream = TcpStream::connect(to).await?;
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
            Self::Memory(host) => {
                let to = to.parse().map_err(|_| {
                    io::Error::new(io::ErrorKind::InvalidInput, format!("`{to}` is no address"))
                })?;
                host.connect(to).map(Stream::Memory)
            }
        }
    }
}

/// An open stream.
#[derive(Debug)]
pub enum Stream {
    /// Over the network.
    Tcp(TcpStream),
    /// Inside the process.
    Memory(DuplexStream),
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Memory(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Memory(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }
    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Memory(stream) => Pin::new(stream).poll_flush(context),
        }
    }
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Memory(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
