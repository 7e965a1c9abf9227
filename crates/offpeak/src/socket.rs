//! The local socket of a running site: the server's side and the command line's.
//!
//! Whoever may write to the socket may run the mine, so the folder and the socket are their owner's
//! alone.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use crate::handle::SiteHandle;
use crate::protocol::{Envelope, REQUEST_MAX, Request, Response, VERSION};

const NAME: &str = "offpeak.sock";
/// Connections at once.
const CONNECTIONS_MAX: usize = 32;
/// How long either side may be silent.
const PATIENCE: Duration = Duration::from_secs(10);
/// Points of the trace that a status carries.
const TRACE_POINTS: usize = 720;

/// The serving task; dropped, it ends and its socket is gone.
#[derive(Debug)]
pub(crate) struct Server {
    path: PathBuf,
    task: AbortHandle,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
        let _ = fs::remove_file(&self.path);
    }
}

/// Where a site's socket is.
pub(crate) fn path_in(dir: &Path) -> PathBuf {
    dir.join(NAME)
}

/// Serves a site in its data folder. Needs a tokio runtime.
///
/// # Errors
/// When another process answers there, or the socket cannot be made.
pub(crate) fn serve(handle: Arc<dyn SiteHandle>, dir: &Path) -> io::Result<Server> {
    let path = path_in(dir);
    if StdUnixStream::connect(&path).is_ok() {
        let message = format!("a running site already answers at {}", path.display());
        return Err(io::Error::new(io::ErrorKind::AddrInUse, message));
    }
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let task = tokio::spawn(async move {
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let Ok((stream, _)) = listener.accept().await else { continue };
            let handle = Arc::clone(&handle);
            tokio::spawn(async move {
                let _place = place;
                // A client that goes away in the middle is nobody's trouble but its own.
                let _ = timeout(PATIENCE, converse(stream, handle)).await;
            });
        }
    });
    Ok(Server { path, task: task.abort_handle() })
}

async fn converse(stream: UnixStream, handle: Arc<dyn SiteHandle>) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    let mut reader = tokio::io::BufReader::new(reader.take(REQUEST_MAX));
    let read = reader.read_line(&mut line).await;
    let response = match read {
        Ok(_) if line.ends_with('\n') => respond(&line, &handle),
        Ok(_) => Response::Refused(format!("a request is one line of at most {REQUEST_MAX} bytes")),
        Err(error) => Response::Refused(format!("the request cannot be read: {error}")),
    };
    let mut bytes = serde_json::to_vec(&response).map_err(io::Error::other)?;
    bytes.push(b'\n');
    writer.write_all(&bytes).await
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
        Request::Machines(filter) => Response::Machines(handle.machines(&filter)),
        Request::Machine(id) => Response::Machine(handle.machine(&id).map(Box::new)),
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
    let mut stream = StdUnixStream::connect(path_in(dir))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut bytes = serde_json::to_vec(&Envelope { version: VERSION, request }).map_err(io::Error::other)?;
    bytes.push(b'\n');
    stream.write_all(&bytes)?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    serde_json::from_str(&line).map_err(io::Error::other)
}

#[cfg(test)]
#[path = "socket_tests.rs"]
mod tests;
