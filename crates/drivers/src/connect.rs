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

use crate::transcript::{Tape, Track};

/// Answers connections inside the process: a twin's front ends.
pub trait MemoryHost: Send + Sync {
    /// The caller's end of a new stream to this address; the host serves the other end.
    ///
    /// # Errors
    /// As a socket would: refused where nothing listens. One that drops what it is sent says
    /// [`io::ErrorKind::TimedOut`]: the caller waits, as it would for packets that nobody answers.
    fn connect(&self, to: SocketAddr) -> io::Result<DuplexStream>;
}

/// How streams are opened.
#[derive(Clone)]
pub enum Connector {
    /// Over the network.
    Tcp,
    /// Inside the process.
    Memory(Arc<dyn MemoryHost>),
    /// As the other, with everything said kept on a tape.
    Taped(Box<Connector>, Tape),
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tcp => "Tcp",
            Self::Memory(_) => "Memory",
            Self::Taped(..) => "Taped",
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
            Self::Memory(host) => match host.connect(to) {
                Err(error) if error.kind() == io::ErrorKind::TimedOut => std::future::pending().await,
                opened => opened.map(Stream::Memory),
            },
            Self::Taped(through, tape) => {
                let opened = Box::pin(through.connect(to)).await;
                let track = tape.begin(to, opened.as_ref().err().map(ToString::to_string));
                Ok(Stream::Taped(Box::new(opened?), track))
            }
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
            // Meters and switches are not what a tape is for.
            Self::Taped(through, _) => Box::pin(through.connect_named(to)).await,
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
    /// Another one, with what is said kept.
    Taped(Box<Stream>, Track),
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
            Self::Taped(stream, track) => {
                let before = buffer.filled().len();
                let polled = Pin::new(stream.as_mut()).poll_read(context, buffer);
                track.received(&buffer.filled()[before..]);
                polled
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Memory(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Taped(stream, track) => {
                let polled = Pin::new(stream.as_mut()).poll_write(context, bytes);
                if let Poll::Ready(Ok(written)) = &polled {
                    track.sent(&bytes[..*written]);
                }
                polled
            }
        }
    }
    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Memory(stream) => Pin::new(stream).poll_flush(context),
            Self::Taped(stream, _) => Pin::new(stream.as_mut()).poll_flush(context),
        }
    }
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Memory(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Taped(stream, _) => Pin::new(stream.as_mut()).poll_shutdown(context),
        }
    }
}
