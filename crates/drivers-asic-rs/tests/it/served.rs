//! Machines made of recorded replies, behind real sockets at the standard ports.
//!
//! Not here: what is read from them (`recorded`).

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use offpeak_drivers::fronts::Ports;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A recorded reply.
pub(crate) fn recorded(path: &str) -> Value {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../drivers/tests/fixtures");
    let text = std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap()
}

/// What a machine answers: by command over TCP, by path over HTTP, and to GraphQL.
#[derive(Default)]
pub(crate) struct Machine {
    pub(crate) commands: BTreeMap<String, Value>,
    pub(crate) pages: BTreeMap<String, String>,
    pub(crate) graphql: Option<Value>,
    /// By command and parameter, over TCP with lengths at 4433.
    pub(crate) framed: BTreeMap<(String, String), Value>,
    /// Its pages want HTTP digest, with any answer.
    pub(crate) is_locked: bool,
}

impl Machine {
    pub(crate) fn command(mut self, name: &str, reply: Value) -> Self {
        self.commands.insert(name.to_owned(), reply);
        self
    }
    /// Recorded replies to commands of the same names.
    pub(crate) fn commands(self, folder: &str, names: &[&str]) -> Self {
        names
            .iter()
            .fold(self, |machine, name| machine.command(name, recorded(&format!("{folder}/{name}.json"))))
    }
    pub(crate) fn page(mut self, path: &str, body: impl ToString) -> Self {
        self.pages.insert(path.to_owned(), body.to_string());
        self
    }

    pub(crate) fn framed(mut self, command: &str, parameter: &str, path: &str) -> Self {
        self.framed.insert((command.to_owned(), parameter.to_owned()), recorded(path));
        self
    }

    /// The reply to a request over TCP; several commands are answered as cgminer does.
    fn told(&self, request: &[u8]) -> Value {
        let request: Value = serde_json::from_slice(request).unwrap_or_default();
        let names = request["command"].as_str().or(request["cmd"].as_str()).unwrap_or_default();
        let unknown = json!({"STATUS": [{"STATUS": "E", "Code": 14, "Msg": "Invalid command"}], "id": 1});
        let one = |name: &str| self.commands.get(name).cloned();
        match names.contains('+') {
            false => one(names).unwrap_or(unknown),
            true => names
                .split('+')
                .map(|name| (name.to_owned(), json!([one(name).unwrap_or_default()])))
                .collect(),
        }
    }
    /// The reply to a request over HTTP: a status and a body.
    fn shown(&self, method: &str, path: &str) -> (u16, String) {
        if let (Some(data), "/graphql") = (&self.graphql, path) {
            return (200, json!({"data": data}).to_string());
        }
        match self.pages.get(path).or_else(|| self.pages.get(&format!("{method} {path}"))) {
            Some(body) => (200, body.clone()),
            None => (404, String::new()),
        }
    }
}

async fn read_until(stream: &mut TcpStream, whole: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !whole(&bytes) {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            break;
        }
    }
    bytes
}

fn body_of(bytes: &[u8]) -> Option<(String, usize, usize)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    Some((head, end, length.unwrap_or(0)))
}

async fn serve_http(machine: Arc<Machine>, mut stream: TcpStream) {
    let is_whole = |bytes: &[u8]| {
        // What is no HTTP is answered as an HTTP server does.
        bytes.starts_with(b"{") || body_of(bytes).is_some_and(|(_, end, length)| bytes.len() >= end + length)
    };
    let request = read_until(&mut stream, is_whole).await;
    let (status, body) = match body_of(&request) {
        Some((head, ..)) => {
            let mut words = head.split_whitespace();
            let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let path = target.split('?').next().unwrap_or_default();
            let is_open = !machine.is_locked || head.to_ascii_lowercase().contains("\nauthorization:");
            if is_open { machine.shown(method, path) } else { (401, String::new()) }
        }
        None => (400, String::new()),
    };
    let kind = if body.starts_with('<') { "text/html" } else { "application/json" };
    let reply = format!(
        "HTTP/1.1 {status} OK\r\nContent-Type: {kind}\r\nWWW-Authenticate: Digest realm=\"antMiner Configuration\", nonce=\"n\", qop=\"auth\"\r\nSet-Cookie: session_id=x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(reply.as_bytes()).await;
    let _ = stream.shutdown().await;
}

async fn serve_tcp(machine: Arc<Machine>, mut stream: TcpStream) {
    let is_whole = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes.trim_ascii_end()).is_ok();
    let request = read_until(&mut stream, is_whole).await;
    let mut reply = machine.told(request.trim_ascii_end()).to_string().into_bytes();
    reply.push(0);
    let _ = stream.write_all(&reply).await;
    let _ = stream.shutdown().await;
}

async fn serve_framed(machine: Arc<Machine>, mut stream: TcpStream) {
    let is_whole = |bytes: &[u8]| {
        let length = bytes.first_chunk().map(|length| u32::from_le_bytes(*length) as usize);
        length.is_some_and(|length| bytes.len() >= 4 + length)
    };
    loop {
        let request = read_until(&mut stream, is_whole).await;
        let Some(request) = request.get(4..) else { return };
        let request: Value = serde_json::from_slice(request).unwrap_or_default();
        let word = |key: &str| request[key].as_str().unwrap_or_default().to_owned();
        let reply = machine.framed.get(&(word("cmd"), word("param"))).cloned();
        let reply = reply.unwrap_or_else(|| json!({"code": -2, "msg": "invalid command"})).to_string();
        let mut bytes = u32::try_from(reply.len()).unwrap().to_le_bytes().to_vec();
        bytes.extend(reply.into_bytes());
        if stream.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// A machine at an address: its commands at 4028, its pages at 80, or both at 4028 where it has no commands there.
pub(crate) async fn serve(ip: IpAddr, machine: Machine, api_is_http: bool) -> JoinSet<()> {
    let (machine, mut served) = (Arc::new(machine), JoinSet::new());
    let has_api = api_is_http || !machine.commands.is_empty();
    let mut ports: Vec<u16> = if has_api { vec![4028, 80] } else { vec![80] };
    if !machine.framed.is_empty() {
        ports.push(4433);
    }
    for port in ports {
        let listener = match TcpListener::bind(SocketAddr::new(ip, port)).await {
            Ok(listener) => listener,
            Err(_) if port == 80 && Ports::for_this_user() != Ports::STANDARD => continue,
            Err(error) => panic!("{ip}:{port}: {error}"),
        };
        let (machine, http) = (Arc::clone(&machine), port == 80 || api_is_http);
        served.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let machine = Arc::clone(&machine);
                if port == 4433 {
                    tokio::spawn(serve_framed(machine, stream));
                } else if http {
                    tokio::spawn(serve_http(machine, stream));
                } else {
                    tokio::spawn(serve_tcp(machine, stream));
                }
            }
        });
    }
    served
}
