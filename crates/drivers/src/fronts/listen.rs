//! The front ends' sockets. Thousands of machines cost two listeners: one a port, on every loopback
//! address, that tells machines apart by the address a connection came to.
//!
//! Nothing here can be reached from outside: listeners are bound to the loopback device where the
//! system lets us, and a connection whose ends are not both loopback addresses is dropped unread.
//!
//! Not here: what is said over a connection.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::layout::Service;
use super::talk::Duplex;
use super::{FrontsError, Shared, web};

/// Connections that wait to be taken.
const BACKLOG: i32 = 4_096;
/// Connections at once, however many files may be open.
const CONNECTIONS_MAX: u64 = 16_384;
/// Connections at once that are worth starting with.
const CONNECTIONS_MIN: u64 = 128;
/// Files that a process has open anyway.
const FILES_SPARE: u64 = 64;

/// Open sockets; dropping it closes them.
#[derive(Debug)]
pub struct Listening {
    tasks: JoinSet<()>,
}

impl Listening {
    /// How many listeners there are.
    #[must_use]
    pub fn listeners(&self) -> usize {
        self.tasks.len()
    }
}

/// How many connections may be open at once, with so many listeners; the limit of open files is raised
/// as far as this user may.
fn room(listeners: u64) -> Result<usize, FrontsError> {
    let wanted = listeners + FILES_SPARE + CONNECTIONS_MAX;
    let limit = getrlimit(Resource::Nofile);
    let mut current = limit.current.unwrap_or(u64::MAX);
    if current < wanted {
        let raised = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
        match setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum }) {
            Ok(()) => current = raised,
            Err(error) => tracing::warn!(%error, limit = current, "cannot raise the limit of open files"),
        }
    }
    let room = current.saturating_sub(listeners + FILES_SPARE).min(CONNECTIONS_MAX);
    if room < CONNECTIONS_MIN {
        let needed = listeners + FILES_SPARE + CONNECTIONS_MIN;
        return Err(FrontsError::TooFewFiles { limit: current, needed });
    }
    Ok(usize::try_from(room).expect("at most 16,384"))
}

pub(super) fn open(shared: &Arc<Shared>) -> Result<Listening, FrontsError> {
    let addresses = shared.layout.listeners();
    let places = Arc::new(Semaphore::new(room(addresses.len() as u64)?));
    let mut tasks = JoinSet::new();
    for at in addresses {
        let listener = listener(at).map_err(|source| FrontsError::Listen { at, source })?;
        tasks.spawn(accept(Arc::clone(shared), listener, Arc::clone(&places)));
    }
    Ok(Listening { tasks })
}

fn listener(at: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(at), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    if at.ip() == IpAddr::V4(Ipv4Addr::UNSPECIFIED) {
        keep_inside(&socket);
    }
    socket.bind(&at.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Ordinary users may do so since Linux 5.7. Where it fails, connections are judged one by one.
#[cfg(target_os = "linux")]
fn keep_inside(socket: &Socket) {
    if let Err(error) = socket.bind_device(Some(b"lo")) {
        tracing::debug!(%error, "not bound to the loopback device");
    }
}

#[cfg(not(target_os = "linux"))]
fn keep_inside(_: &Socket) {}

async fn accept(shared: Arc<Shared>, listener: TcpListener, places: Arc<Semaphore>) {
    // Dropped with the listener: so are its connections.
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
        let (stream, client) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot take a connection");
                // Mostly a full table of files: others have to end first.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Some(service) = service(&shared, &stream, client) else {
            stream.hang_up();
            continue;
        };
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            serve(shared, service, client.ip(), stream).await;
            drop(place);
        });
    }
}

/// What a connection came to; `None` for what nobody answers at, and for strangers.
fn service(shared: &Shared, stream: &TcpStream, client: SocketAddr) -> Option<Service> {
    let at = stream.local_addr().ok()?;
    if !at.ip().is_loopback() || !client.ip().is_loopback() {
        return None;
    }
    shared.layout.services.get(&at).copied()
}

async fn serve(shared: Arc<Shared>, service: Service, client: IpAddr, stream: TcpStream) {
    match service {
        Service::Api(machine) => shared.serve_api(machine, client, stream).await,
        Service::Web(machine) => {
            // Pages come in several packets; without this each waits for the one before.
            let _ = stream.set_nodelay(true);
            web::serve(shared, machine, stream).await;
        }
        Service::Modbus(line) => {
            let _ = stream.set_nodelay(true);
            shared.serve_modbus(line, stream).await;
        }
    }
}
