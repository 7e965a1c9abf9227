//! What stands between bytes and replies: ends, lengths, HTTP with its digests, Modbus frames. A peer says these
//! bytes, whatever it is asked, and closes.
//!
//! Not here: what replies mean (`parsers`).

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use offpeak_site::observe::ModbusAddress;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::runtime::{Builder, Runtime};

use crate::clock::Clock;
use crate::connect::{Connector, MemoryHost};
use crate::http::{Challenge, Credentials, Login, Pages};
use crate::modbus::{ModbusMeter, RegisterMap};
use crate::{exchange, whatsminer_v3};

/// Never waited for: the peer closes as soon as it has spoken.
const WITHIN: Duration = Duration::from_secs(10);
/// More than any request here.
const STREAM_BUFFER: usize = 16 * 1024;

/// Runs every reader of a stream on these bytes and forgets what they say.
pub(super) fn run(bytes: &[u8]) {
    let (mut plain, mut framed) = (Vec::new(), Vec::new());
    let _ = at_once(exchange::collect(&mut &*bytes, &mut plain));
    let _ = at_once(whatsminer_v3::frame::collect(&mut &*bytes, &mut framed));
    assert!(
        plain.len() <= bytes.len() && framed.len() <= exchange::REPLY_MAX,
        "no more than was sent is kept"
    );
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime without input or output needs nothing of the system");
    }
    RUNTIME.with(|runtime| runtime.block_on(talk(bytes)));
}

/// The outcome of a future that has nothing to wait for.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => unreachable!("a slice of bytes never makes its reader wait"),
    }
}

async fn talk(bytes: &[u8]) {
    let connector = Connector::Memory(Arc::new(Peer(Arc::from(bytes))));
    let at = SocketAddr::from((Ipv4Addr::LOCALHOST, 80));
    let credentials = Credentials { user: "root".to_owned(), password: "root".to_owned() };
    let mut challenge = Challenge::default();
    // Twice: the second time with whatever challenge the first has left.
    for _ in 0..2 {
        let login = Login::Digest(&credentials, &mut challenge);
        let _ =
            Pages::new(&connector, at, login, WITHIN).post("/cgi-bin/set_miner_conf.cgi", vec![b'x']).await;
    }
    for name in ["eastron-sdm630", "offpeak-twin"] {
        let address = ModbusAddress { address: at.to_string(), unit: 1 };
        let map = RegisterMap::named(name).expect("it comes with offpeak");
        let _ = ModbusMeter::new(connector.clone(), Clock::System, address, map, WITHIN).read().await;
    }
}

/// Says these bytes to whoever connects, reads what it is sent and closes.
struct Peer(Arc<[u8]>);

impl MemoryHost for Peer {
    fn connect(&self, _: SocketAddr) -> std::io::Result<DuplexStream> {
        let (ours, mut theirs) = tokio::io::duplex(STREAM_BUFFER);
        let bytes = Arc::clone(&self.0);
        tokio::spawn(async move {
            if theirs.write_all(&bytes).await.is_ok() && theirs.shutdown().await.is_ok() {
                let mut ignored = [0; 1024];
                while matches!(theirs.read(&mut ignored).await, Ok(1..)) {}
            }
        });
        Ok(ours)
    }
}
