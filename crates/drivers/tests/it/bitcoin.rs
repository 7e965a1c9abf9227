//! A Bitcoin node. The real one is Bitcoin Core on a chain of its own (regtest), started here on loopback: tests of
//! it are run by `make node`, which builds it first. The others speak to sockets that answer in its shape, or do not.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use offpeak_drivers::bitcoin::{Node, NodeAddress, NodeError, NodeTip, Way};
use offpeak_drivers::connect::Connector;
use offpeak_drivers::http::Credentials;
use offpeak_site::Trouble;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const USER: &str = "reader";
const PASSWORD: &str = "only for this test";
/// Blocks of the test chain: more than one answer of REST, and more than one period.
const BLOCKS: u32 = 2_100;

/// A node of our own, ended with the test.
struct Core {
    process: Child,
    folder: PathBuf,
    at: NodeAddress,
}

impl Core {
    fn start(name: &str) -> Self {
        let program = std::env::var_os("OFFPEAK_BITCOIND")
            .expect("OFFPEAK_BITCOIND names no node: `make node` builds one and runs these tests");
        let folder = std::env::temp_dir().join(format!("offpeak-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let port = free_port();
        let mut process = Command::new(program)
            .arg(format!("-datadir={}", folder.display()))
            .args([
                "-regtest",
                "-server",
                "-rest",
                "-listen=0",
                "-dnsseed=0",
                "-printtoconsole=1",
                "-dbcache=8",
            ])
            .args(["-rpcbind=127.0.0.1", "-rpcallowip=127.0.0.1", &format!("-rpcport={port}")])
            .args([format!("-rpcuser={USER}"), format!("-rpcpassword={PASSWORD}")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("OFFPEAK_BITCOIND can be started");
        let mut log = BufReader::new(process.stdout.take().unwrap()).lines();
        let ready = log.by_ref().map_while(Result::ok).any(|line| line.contains("Done loading"));
        assert!(ready, "the node says that it is ready");
        // What it goes on to say is read away, so that it never waits for us.
        std::thread::spawn(move || log.map_while(Result::ok).for_each(drop));
        Self { process, folder, at: format!("127.0.0.1:{port}").parse().unwrap() }
    }
    /// Makes blocks that pay to nobody in particular.
    async fn generate(&self, blocks: u32) {
        // Anybody may spend what it pays: the script is OP_TRUE alone.
        let script = "raw(51)#8lvh9jxk";
        self.call("generatetodescriptor", &json!([blocks, script])).await;
    }
    /// One RPC by hand, with a client that is not ours, so that the set-up shares no code with what is tested.
    async fn call(&self, method: &str, params: &Value) -> Value {
        let body = json!({ "id": 0, "method": method, "params": params }).to_string();
        let answer = post(self.at.socket(), &body).await.expect("the node answers");
        assert_eq!(answer["error"], Value::Null, "{method}");
        answer["result"].clone()
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn post(at: SocketAddr, body: &str) -> Option<Value> {
    use base64::Engine as _;
    let login = base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{PASSWORD}"));
    let request = format!(
        "POST / HTTP/1.1\r\nHost: {at}\r\nAuthorization: Basic {login}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = tokio::net::TcpStream::connect(at).await.ok()?;
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
}

fn login(user: &str, password: &str) -> Way {
    Way::Rpc(Credentials { user: user.to_owned(), password: password.to_owned() })
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a node: `make node`"]
async fn a_real_node_tells_the_same_over_rpc_and_rest() {
    let core = Core::start("node");
    core.generate(BLOCKS).await;
    let connector = Connector::Tcp;
    let rpc_way = login(USER, PASSWORD);
    let mut rpc = Node::new(&connector, core.at, &rpc_way);
    let mut rest = Node::new(&connector, core.at, &Way::Rest);
    let tip = rpc.tip().await.unwrap();
    assert_eq!((tip.chain.as_str(), tip.height, tip.headers), ("regtest", BLOCKS, BLOCKS));
    assert_eq!(rest.tip().await.unwrap(), tip);

    let all = rest.headers(0, 2_000).await.unwrap();
    assert_eq!(all.len(), 2_000, "as many as were asked for");
    let rest_of_it = rest.headers(2_000, 2_000).await.unwrap();
    assert_eq!(rest_of_it.len(), 101, "the chain ends");
    let over_rpc = rpc.headers(0, 700).await.unwrap();
    assert_eq!(over_rpc, all[..700]);
    assert_eq!(rpc.headers(BLOCKS - 9, 100).await.unwrap(), rest_of_it[91..]);
    // What it gave is a chain: each header names the hash of the one before, which the node itself told.
    let hash = core.call("getblockhash", &json!([699])).await;
    let mut named: Vec<u8> = all[700][4..36].to_vec();
    named.reverse();
    let named: String = named.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hash, named);

    let fees = rpc.fees(&[1, 2, BLOCKS]).await.unwrap();
    assert_eq!(fees.iter().map(|block| block.height).collect::<Vec<_>>(), [1, 2, BLOCKS]);
    assert!(fees.iter().all(|block| block.fees_sat == 0 && block.time > 1_296_688_602));
    assert_eq!(rest.fees(&[1]).await, Err(NodeError::NoFees));

    let beyond = rpc.headers(BLOCKS + 1, 1).await.unwrap_err();
    assert!(matches!(beyond, NodeError::Refused { code: -8, .. }), "{beyond}");
    let beyond = rest.headers(BLOCKS + 1, 1).await.unwrap_err();
    assert!(matches!(beyond, NodeError::Status { status: 404, .. }), "{beyond}");
    let stranger_way = login(USER, "guess");
    let mut stranger = Node::new(&connector, core.at, &stranger_way);
    assert_eq!(stranger.tip().await, Err(NodeError::Login));
}

/// Answers each request on a socket with what `answer` makes of its first line and body.
async fn recorded(answer: impl Fn(&str, &str) -> (u16, Vec<u8>) + Send + Sync + 'static) -> NodeAddress {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut read = Vec::new();
            let mut part = [0; 4_096];
            while let Ok(count) = stream.read(&mut part).await {
                if count == 0 {
                    break;
                }
                read.extend_from_slice(&part[..count]);
                let text = String::from_utf8_lossy(&read).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head
                    .lines()
                    .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok())
                    .unwrap_or(0);
                if body.len() < length {
                    continue;
                }
                let (status, bytes) = answer(head.lines().next().unwrap_or_default(), body);
                let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", bytes.len());
                let _ = stream.write_all(head.as_bytes()).await;
                let _ = stream.write_all(&bytes).await;
                read.clear();
            }
        }
    });
    at.to_string().parse().unwrap()
}

/// `/rest/chaininfo.json` in the shape in which Bitcoin Core 31 gives it on regtest.
const CHAIN_INFO: &str = r#"{"chain":"regtest","blocks":3,"headers":3,"bestblockhash":"3b0b8ba4a40a5e94eb22ec63ab3dc2a42d8dcdc2b3bb7b4ff4d4ab4eb19ad6c4","bits":"207fffff","target":"7fffff0000000000000000000000000000000000000000000000000000000000","difficulty":4.656542373906925e-10,"time":1790000000,"mediantime":1790000000,"verificationprogress":1,"initialblockdownload":false,"chainwork":"0000000000000000000000000000000000000000000000000000000000000008","size_on_disk":1200,"pruned":false,"warnings":[]}"#;

#[tokio::test]
async fn a_node_is_read_over_rest_and_what_it_garbles_is_refused() {
    let at = recorded(|line, _| {
        if line.starts_with("GET /rest/chaininfo.json ") {
            return (200, CHAIN_INFO.into());
        }
        if let Some(rest) = line.strip_prefix("GET /rest/blockhashbyheight/") {
            return match rest.split('.').next() {
                Some("0" | "1") => (200, format!(r#"{{"blockhash":"{}"}}"#, "0f".repeat(32)).into()),
                Some("2") => (200, br#"{"blockhash":"../../etc"}"#.into()),
                _ => (404, b"Block height out of range\r\n".into()),
            };
        }
        match line.contains("?count=1 ") {
            true => (200, vec![7; 79]),
            false => (200, vec![7; 160]),
        }
    })
    .await;
    let connector = Connector::Tcp;
    let mut node = Node::new(&connector, at, &Way::Rest);
    let expected = NodeTip { chain: "regtest".into(), height: 3, headers: 3, catching_up: false };
    assert_eq!(node.tip().await, Ok(expected));
    assert_eq!(node.headers(0, 2).await.unwrap(), [[7; 80], [7; 80]]);
    assert!(matches!(node.headers(0, 1).await, Err(NodeError::Shape { .. })), "79 bytes");
    assert!(matches!(node.headers(2, 2).await, Err(NodeError::Shape { .. })), "no hash");
    let told = node.headers(9, 2).await.unwrap_err().to_string();
    assert_eq!(
        told,
        "the node answers /rest/blockhashbyheight/9.json with status 404: Block height out of range"
    );
    assert_eq!(node.headers(0, 2_001).await, Err(NodeError::TooMany { asked: 2_001, most: 2_000 }));
}

#[tokio::test]
async fn a_node_is_read_over_rpc_many_calls_at_once() {
    let header = "20".repeat(80);
    let at = recorded(move |_, body| {
        let calls: Vec<Value> = serde_json::from_str(body).unwrap();
        let answers: Vec<Value> = calls
            .iter()
            .rev()
            .map(|call| {
                let result = match call["method"].as_str().unwrap() {
                    "getblockchaininfo" => json!({ "chain": "main", "blocks": 900, "headers": 905, "initialblockdownload": true }),
                    "getblockhash" => json!("00".repeat(32)),
                    "getblockheader" => json!(header),
                    _ => json!({ "height": call["params"][0], "time": 1_790_000_000, "totalfee": 2_500_000 }),
                };
                json!({ "result": result, "error": null, "id": call["id"] })
            })
            .collect();
        (200, serde_json::to_vec(&answers).unwrap())
    })
    .await;
    let connector = Connector::Tcp;
    let way = login(USER, PASSWORD);
    let mut node = Node::new(&connector, at, &way);
    let tip = node.tip().await.unwrap();
    assert!(tip.catching_up && tip.headers == 905);
    assert_eq!(node.headers(0, 600).await.unwrap(), vec![[0x20; 80]; 600]);
    assert_eq!(node.headers(898, 600).await.unwrap().len(), 3, "heights 898 to 900");
    let fees = node.fees(&[880, 886]).await.unwrap();
    assert_eq!((fees[1].height, fees[1].fees_sat), (886, 2_500_000));
    assert!(matches!(node.fees(&[0; 501]).await, Err(NodeError::TooMany { .. })));
}

#[tokio::test]
async fn nobody_there_or_somebody_else() {
    let connector = Connector::Tcp;
    let way = login(USER, PASSWORD);
    let nobody = format!("127.0.0.1:{}", free_port()).parse().unwrap();
    let mut node = Node::new(&connector, nobody, &way);
    assert_eq!(node.tip().await, Err(NodeError::Trouble(Trouble::Unreachable)));
    let at = recorded(|_, _| (200, b"<html>a router</html>".into())).await;
    let mut node = Node::new(&connector, at, &way);
    assert!(matches!(node.tip().await, Err(NodeError::Status { status: 200, .. })));
    // The socket answers one connection at a time.
    drop(node);
    let mut node = Node::new(&connector, at, &Way::Rest);
    assert!(matches!(node.tip().await, Err(NodeError::Shape { .. })));
    let at = recorded(|_, _| (401, Vec::new())).await;
    let mut node = Node::new(&connector, at, &way);
    assert_eq!(node.tip().await, Err(NodeError::Login));
}
