//! Where a site is served: its local socket and, if asked for, an address of the network.
//!
//! The server has threads and a clock of its own: it answers while the control loop is busy, and keeps its patience in
//! real seconds where the plant's time is virtual. Whoever may write to the local socket may run the mine, so the
//! folder and the socket are their owner's alone.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener as StdUnixListener, UnixStream as StdUnixStream};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::access::{Peer, counted};
use crate::api::{App, router};
use crate::headers::Secure;
use crate::tls::Tls;

const NAME: &str = "offpeak.sock";
/// Connections at once; further ones wait for a place.
const CONNECTIONS_MAX: usize = 512;
/// And of one address, so that no one shuts the others out.
const CONNECTIONS_OF_ADDRESS: usize = 64;
/// The same of the site's own machine, where several programs ask.
const CONNECTIONS_OF_LOOPBACK: usize = 128;
/// How long the head of a request may take.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// The largest head of a request.
const HEAD_MAX: usize = 16 * 1024;
/// How long a client may take no byte of what it asked for.
const WRITE_PATIENCE: Duration = Duration::from_secs(30);
/// How long to wait after a connection that could not be taken, for want of files most likely.
const BREATH: Duration = Duration::from_millis(100);
/// How long an answer that is being worked out may hold up the end.
const FAREWELL: Duration = Duration::from_secs(1);

/// How many connections each address has.
#[derive(Debug, Default)]
struct Crowd(Mutex<BTreeMap<String, usize>>);

/// One of them; dropped, it is gone.
struct Guest {
    crowd: Arc<Crowd>,
    address: String,
}

impl Crowd {
    fn counts(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Lets one more in; `None` where its address has as many as it may.
    fn enter(self: &Arc<Self>, ip: IpAddr) -> Option<Guest> {
        let is_loopback = ip.to_canonical().is_loopback();
        let most = if is_loopback { CONNECTIONS_OF_LOOPBACK } else { CONNECTIONS_OF_ADDRESS };
        let address = counted(ip);
        let mut counts = self.counts();
        let count = counts.entry(address.clone()).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Guest { crowd: Arc::clone(self), address })
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut counts = self.crowd.counts();
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

/// A serving thread; dropped, it ends.
#[derive(Debug)]
pub struct Serving {
    /// Where, for a network address.
    address: Option<SocketAddr>,
    /// Taken when it ends.
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Serving {
    /// The address that it is reached at.
    #[must_use]
    pub const fn address(&self) -> Option<SocketAddr> {
        self.address
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            let _ = thread.join();
        }
    }
}

/// A served local socket; dropped, it ends and its socket is gone.
#[derive(Debug)]
pub struct Socket {
    path: PathBuf,
    _serving: Serving,
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Where a site's socket is.
#[must_use]
pub fn socket_in(dir: &Path) -> PathBuf {
    dir.join(NAME)
}

/// Serves a site in its data folder.
///
/// # Errors
/// When another process answers there, or the socket cannot be made.
pub fn serve_local(app: Arc<App>, dir: &Path) -> io::Result<Socket> {
    let path = socket_in(dir);
    let listener = local_listener(dir, &path)?;
    let serving = start("socket", app, None, move |router| async move {
        let listener = UnixListener::from_std(listener)?;
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let place = Arc::clone(&places).acquire_owned().await.map_err(io::Error::other)?;
            let Some((stream, _)) = taken(listener.accept().await).await else { continue };
            let uid = stream.peer_cred().ok().map(|who| who.uid());
            let router = router.clone();
            tokio::spawn(async move {
                let _place = place;
                converse(stream, Peer::Local { uid }, router).await;
            });
        }
    })?;
    Ok(Socket { path, _serving: serving })
}

/// Serves a site at an address of the network; without TLS at a loopback address only.
///
/// # Errors
/// When the address is taken, or open to the network without TLS.
pub fn serve_tcp(app: Arc<App>, address: SocketAddr, tls: Option<&Tls>) -> io::Result<Serving> {
    if tls.is_none() && !address.ip().is_loopback() {
        let message = format!("{address} is open to the network, where nothing is served without TLS");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let acceptor = tls.map(|tls| TlsAcceptor::from(Arc::clone(&tls.config)));
    start("http", app, Some(address), move |router| async move {
        let listener = TcpListener::from_std(listener)?;
        let (places, crowd) = (Arc::new(Semaphore::new(CONNECTIONS_MAX)), Arc::new(Crowd::default()));
        loop {
            let place = Arc::clone(&places).acquire_owned().await.map_err(io::Error::other)?;
            let Some((stream, from)) = taken(listener.accept().await).await else { continue };
            let ip = from.ip();
            let Some(guest) = crowd.enter(ip) else {
                tracing::debug!(%ip, "an address has as many connections as it may");
                continue;
            };
            let _ = stream.set_nodelay(true);
            let (router, acceptor) = (router.clone(), acceptor.clone());
            let peer = move |secure| Peer::Remote { ip, secure };
            tokio::spawn(async move {
                let _place = (place, guest);
                match acceptor {
                    None => converse(stream, peer(false), router).await,
                    // Who speaks no TLS, or slowly, is let go.
                    Some(acceptor) => {
                        if let Ok(Ok(stream)) = timeout(HEAD_PATIENCE, acceptor.accept(stream)).await {
                            converse(stream, peer(true), router).await;
                        }
                    }
                }
            });
        }
    })
}

/// Runs a listener on threads of its own.
fn start<F, W>(name: &str, app: Arc<App>, address: Option<SocketAddr>, listen: F) -> io::Result<Serving>
where
    F: FnOnce(Router) -> W + Send + 'static,
    W: Future<Output = io::Result<()>> + Send,
{
    let runtime = Builder::new_multi_thread().worker_threads(2).thread_name(name).enable_all().build()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = std::thread::Builder::new().name(name.into()).spawn(move || {
        let router = router(Arc::clone(&app));
        let alerts = Arc::clone(&app.alerts);
        runtime.block_on(async move {
            let (handle, painter) = (Arc::clone(&app.handle), Arc::clone(&app));
            tokio::spawn(async move { painter.stream.run(handle).await });
            let book = app.doors.book().path().to_owned();
            tokio::spawn(Arc::clone(&app.alerts).run(Arc::clone(&app.handle), book));
            tokio::select! {
                ended = listen(router) => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "no further connections are taken");
                    }
                }
                _ = stopped => {}
            }
        });
        runtime.shutdown_timeout(FAREWELL);
        alerts.keep_last();
    })?;
    Ok(Serving { address, running: Some((stop, thread)) })
}

async fn taken<T>(accepted: io::Result<T>) -> Option<T> {
    match accepted {
        Ok(accepted) => Some(accepted),
        Err(error) => {
            tracing::warn!(%error, "a connection cannot be taken");
            sleep(BREATH).await;
            None
        }
    }
}

/// One connection until it ends. A client that goes away in the middle is nobody's trouble but its own.
async fn converse<S>(stream: S, peer: Peer, router: Router)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut patient = TimeoutStream::new(stream);
    patient.set_write_timeout(Some(WRITE_PATIENCE));
    let secure = matches!(peer, Peer::Remote { secure: true, .. });
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(Secure(secure));
        router.clone().oneshot(request.map(axum::body::Body::new) as Request)
    });
    let mut server = http1::Builder::new();
    // Who has said all may close their side and still reads the answer, as `nc -N` and scripts do.
    server.half_close(true);
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_PATIENCE).max_buf_size(HEAD_MAX);
    let connection = server.serve_connection(TokioIo::new(Box::pin(patient)), service);
    let _ = pin!(connection).await;
}

/// A socket that was never open to others: bound in a closed folder, then moved to its place, where it takes
/// the place of one that nobody answers at any more.
fn local_listener(dir: &Path, path: &Path) -> io::Result<StdUnixListener> {
    if StdUnixStream::connect(path).is_ok() {
        let message = format!("a running site already answers at {}", path.display());
        return Err(io::Error::new(io::ErrorKind::AddrInUse, message));
    }
    let closed = dir.join(format!(".{}", std::process::id()));
    DirBuilder::new().recursive(true).mode(0o700).create(&closed)?;
    let bound = bind_in(&closed, path);
    let _ = fs::remove_dir_all(&closed);
    bound
}

fn bind_in(closed: &Path, path: &Path) -> io::Result<StdUnixListener> {
    let first = closed.join("s");
    let listener = StdUnixListener::bind(&first).map_err(|error| {
        // The system allows a socket's path about a hundred bytes.
        io::Error::new(error.kind(), format!("no socket can be made in {}: {error}", closed.display()))
    })?;
    listener.set_nonblocking(true)?;
    fs::set_permissions(&first, fs::Permissions::from_mode(0o600))?;
    fs::rename(&first, path)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_places_of_its_own() {
        let crowd = Arc::new(Crowd::default());
        let enter = |ip: &str| crowd.enter(ip.parse().unwrap());
        let mut guests: Vec<_> =
            (0..CONNECTIONS_OF_ADDRESS).map(|n| enter(&format!("2001:db8::{n:x}")).unwrap()).collect();
        assert!(enter("2001:db8::ffff").is_none(), "one client's addresses are one");
        assert!(enter("2001:db8:0:1::1").is_some() && enter("203.0.113.7").is_some(), "others' are others");
        drop(guests.pop());
        guests.extend(enter("2001:db8::ffff"));
        assert_eq!(guests.len(), CONNECTIONS_OF_ADDRESS, "who went makes room");
        drop(guests);
        assert!(crowd.counts().is_empty(), "nothing is kept of who is gone");
    }
}
