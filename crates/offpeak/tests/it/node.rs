//! `chain sync` from a real node: Bitcoin Core on a chain of its own, which `make node` builds and names.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{code, json, run, stderr};

const PASSWORD: &str = "only-for-this-test";
/// `reader:only-for-this-test`, as HTTP wants it.
const LOGIN: &str = "cmVhZGVyOm9ubHktZm9yLXRoaXMtdGVzdA==";

struct Core {
    process: Child,
    port: u16,
}

impl Core {
    fn start(folder: &Path) -> Self {
        let program = std::env::var_os("OFFPEAK_BITCOIND")
            .expect("OFFPEAK_BITCOIND names no node: `make node` builds one and runs these tests");
        std::fs::create_dir_all(folder).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
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
            .args(["-rpcuser=reader", &format!("-rpcpassword={PASSWORD}")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("OFFPEAK_BITCOIND can be started");
        let mut log = BufReader::new(process.stdout.take().unwrap()).lines();
        assert!(log.by_ref().map_while(Result::ok).any(|line| line.contains("Done loading")));
        std::thread::spawn(move || log.map_while(Result::ok).for_each(drop));
        Self { process, port }
    }
    fn call(&self, method: &str, params: &str) -> serde_json::Value {
        let body = format!(r#"{{"id":0,"method":"{method}","params":{params}}}"#);
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(
            stream,
            "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {LOGIN}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let answer: serde_json::Value =
            serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].clone()
    }
    /// Makes blocks that anybody may spend; another script makes other blocks.
    fn generate(&self, blocks: u32, script: &str) {
        let described = self.call("getdescriptorinfo", &format!(r#"["raw({script})"]"#));
        self.call("generatetodescriptor", &format!("[{blocks},{}]", described["descriptor"]));
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
#[ignore = "needs a node: `make node`"]
fn a_real_node_brings_the_chain_up_to_date_and_past_a_reorganisation() {
    let dir = tempfile::tempdir().unwrap();
    let core = Core::start(&dir.path().join("node"));
    core.generate(2_050, "51");
    std::fs::write(dir.path().join("password"), PASSWORD).unwrap();
    let node = format!("127.0.0.1:{}", core.port);
    let rest = [
        "chain",
        "sync",
        "--network-name",
        "regtest",
        "--chain",
        "kept",
        "--node",
        &node,
        "--rest",
        "--json",
    ];
    let told = json(&run(dir.path(), &rest));
    assert_eq!(
        (&told["headers"]["height"], &told["headers"]["new"]),
        (&2_050.into(), &2_051.into()),
        "{told}"
    );
    let shown =
        || json(&run(dir.path(), &["chain", "--network-name", "regtest", "--chain", "kept", "--json"]));
    assert_eq!(shown()["verified"]["hash"], core.call("getbestblockhash", "[]"));

    // The node turns to a branch that leaves ours 300 blocks back, and is longer: over RPC this time.
    let fork = core.call("getblockhash", "[1750]");
    core.call("invalidateblock", &format!("[{fork}]"));
    core.generate(310, "52");
    let rpc =
        [&rest[..8], &["--user", "reader", "--password-file", "password", "--fees-days", "1", "--json"]]
            .concat();
    let told = json(&run(dir.path(), &rpc));
    assert_eq!(told["headers"]["height"], 2_059, "{told}");
    assert_eq!(shown()["verified"]["hash"], core.call("getbestblockhash", "[]"));
    assert!(told["fee_months"].as_u64().unwrap() >= 1, "{told}");

    // A shorter branch changes nothing.
    let fork = core.call("getblockhash", "[2000]");
    core.call("invalidateblock", &format!("[{fork}]"));
    let before = shown();
    let output = run(dir.path(), &rpc);
    assert!(code(&output) == 1 && stderr(&output).contains("less work"), "{}", stderr(&output));
    assert_eq!(shown(), before);

    // Another chain's node is not read.
    let main = run(dir.path(), &["chain", "sync", "--chain", "kept", "--node", &node, "--rest"]);
    assert!(stderr(&main).contains("follows the chain `regtest`, not `main`"), "{}", stderr(&main));
}
