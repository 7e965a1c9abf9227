//! The local socket of a running site: the server's side and the command line's.
//!
//! Whoever may write to the socket may run the mine, so the folder and the socket are their owner's
//! alone. The server has a thread and a clock of its own: it answers while the control loop is busy, keeps
//! its patience in real seconds where the plant's time is virtual, and a long list of machines holds up
//! nobody but who asked for it.
//!
//! Not here: what is said over it (`protocol`), and who carries it out (`handle`).

use std::fs::{self, DirBuilder};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener as StdUnixListener, UnixStream as StdUnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use crate::handle::SiteHandle;
use crate::protocol::{Envelope, REQUEST_MAX, Request, Response, VERSION};

const NAME: &str = "offpeak.sock";
/// Connections at once; further ones wait for a place.
const CONNECTIONS_MAX: usize = 32;
/// How long either side may be silent.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait after a connection that could not be taken, for want of files most likely.
const BREATH: Duration = Duration::from_millis(100);
/// How long an answer that is being worked out may hold up the end.
const FAREWELL: Duration = Duration::from_secs(1);
/// Points of the trace that a status carries.
const TRACE_POINTS: usize = 720;

/// The serving thread; dropped, it ends and its socket is gone.
#[derive(Debug)]
pub(crate) struct Server {
    path: PathBuf,
    /// Taken when it ends.
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            let _ = thread.join();
        }
    }
}

/// Where a site's socket is.
pub(crate) fn path_in(dir: &Path) -> PathBuf {
    dir.join(NAME)
}

/// Serves a site in its data folder.
///
/// # Errors
/// When another process answers there, or the socket cannot be made.
pub(crate) fn serve(handle: Arc<dyn SiteHandle>, dir: &Path) -> io::Result<Server> {
    let path = path_in(dir);
    let listener = listen(dir, &path)?;
    let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(CONNECTIONS_MAX).build()?;
    let listener = {
        let _inside = runtime.enter();
        UnixListener::from_std(listener)?
    };
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::Builder::new().name("socket".into()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                () = take_all(listener, handle) => {}
                _ = stopped => {}
            }
        });
        runtime.shutdown_timeout(FAREWELL);
    })?;
    Ok(Server { path, running: Some((stop, thread)) })
}

/// A socket that was never open to others: bound in a closed folder, then moved to its place, where it takes
/// the place of one that nobody answers at any more.
fn listen(dir: &Path, path: &Path) -> io::Result<StdUnixListener> {
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

async fn take_all(listener: UnixListener, handle: Arc<dyn SiteHandle>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection to the local socket cannot be taken");
                sleep(BREATH).await;
                continue;
            }
        };
        let handle = Arc::clone(&handle);
        tokio::spawn(async move {
            let _place = place;
            // A client that goes away in the middle is nobody's trouble but its own.
            let _ = converse(stream, handle).await;
        });
    }
}

async fn converse(stream: UnixStream, handle: Arc<dyn SiteHandle>) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    let mut reader = tokio::io::BufReader::new(reader.take(REQUEST_MAX));
    let response = match timeout(PATIENCE, reader.read_line(&mut line)).await? {
        Ok(0) => return Ok(()),
        Ok(_) if line.ends_with('\n') => spawn_blocking(move || encode(&respond(&line, &handle))).await?,
        Ok(_) => encode(&Response::Refused(format!("a request is one line of at most {REQUEST_MAX} bytes"))),
        Err(error) => encode(&Response::Refused(format!("the request cannot be read: {error}"))),
    };
    timeout(PATIENCE, writer.write_all(&response?)).await?
}

fn encode(response: &Response) -> io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(response).map_err(io::Error::other)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn respond(line: &str, handle: &Arc<dyn SiteHandle>) -> Response {
    let envelope: Envelope = match serde_json::from_str(line) {
        Ok(envelope) => envelope,
        Err(error) => return Response::Refused(format!("not a request: {error}")),
    };
    if envelope.version != VERSION {
        return Response::Refused(format!(
            "the running site speaks version {VERSION}, the request version {}",
            envelope.version
        ));
    }
    carry_out(envelope.request, handle.as_ref()).unwrap_or_else(|error| Response::Refused(error.to_string()))
}

fn carry_out(request: Request, handle: &dyn SiteHandle) -> Result<Response, crate::handle::HandleError> {
    let named = |circuit: &Option<String>| circuit.clone().unwrap_or_else(|| "the whole site".to_owned());
    Ok(match request {
        Request::Status => Response::Status(Box::new(handle.view(TRACE_POINTS))),
        Request::Machines(filter) => Response::Machines(handle.machines(&filter)?),
        Request::Machine(id) => Response::Machine(handle.machine(&id)?.map(Box::new)),
        Request::Explain { circuit, at } => Response::Explain(Box::new(handle.explain(&circuit, at)?)),
        Request::Stop { circuit, reason } => {
            handle.stop(circuit.as_deref(), &reason)?;
            Response::Done(format!("stopped: {}", named(&circuit)))
        }
        Request::Resume { circuit } => {
            let lifted = handle.resume(circuit.as_deref())?;
            Response::Done(format!("{lifted} stop(s) lifted at {}", named(&circuit)))
        }
        Request::Lockout { circuit, by } => {
            handle.lockout(&circuit, &by)?;
            Response::Done(format!("locked out for {by}: {circuit}"))
        }
        Request::LiftLockout { circuit, by, manager } => {
            handle.lift_lockout(&circuit, &by, manager)?;
            Response::Done(format!("lockout lifted by {by}: {circuit}"))
        }
        Request::Order { words, kind } => Response::Orders(vec![handle.order(&words, &kind)?]),
        Request::LiftOrder(id) => {
            handle.lift_order(id)?;
            Response::Done(format!("order {id} lifted"))
        }
        Request::Plan { words, kind } => Response::Plan(Box::new(handle.preview(&words, &kind)?)),
        Request::Why(name) => Response::Why(handle.why(&name)?.map(Box::new)),
        Request::Orders => Response::Orders(handle.orders()),
        Request::Calendar { circuit, days } => Response::Calendar(handle.calendar(circuit.as_deref(), days)?),
        Request::Authority { hall, control } => {
            handle.set_authority(&hall, control)?;
            let word = if control { "offpeak acts in" } else { "offpeak only observes" };
            Response::Done(format!("{word} {hall}"))
        }
    })
}

/// Asks the site of a data folder.
///
/// # Errors
/// When nothing answers there; the caller tells the user so.
pub(crate) fn ask(dir: &Path, request: Request) -> io::Result<Response> {
    let mut bytes = serde_json::to_vec(&Envelope { version: VERSION, request }).map_err(io::Error::other)?;
    bytes.push(b'\n');
    if bytes.len() as u64 > REQUEST_MAX {
        let message = format!("the request has {} bytes; {REQUEST_MAX} are the most", bytes.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let mut stream = StdUnixStream::connect(path_in(dir))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(&bytes)?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    if !line.ends_with('\n') {
        let message = "it closed the connection before its answer was complete";
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
    }
    serde_json::from_str(&line).map_err(|error| {
        let message = format!("its answer is not understood, it may be another version of offpeak: {error}");
        io::Error::new(io::ErrorKind::InvalidData, message)
    })
}

#[cfg(test)]
#[path = "socket_tests.rs"]
mod tests;
