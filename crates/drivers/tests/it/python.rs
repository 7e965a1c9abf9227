//! The independent clients and servers in Python, each in a process of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// The command for a script of `tests/py`, with piped input and output.
pub(crate) fn script(name: &str) -> Command {
    let python = std::env::var_os("OFFPEAK_PYTHON").expect(
        "OFFPEAK_PYTHON names no Python with tests/py/requirements.txt installed: run `make test`, which makes one",
    );
    let mut command = Command::new(python);
    command.arg(format!("{}/tests/py/{name}", env!("CARGO_MANIFEST_DIR")));
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// A server that prints its port first, ended with the test.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: String,
}

impl Server {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut process = command.stderr(Stdio::null()).spawn().expect("OFFPEAK_PYTHON can be started");
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port: u16 =
            line.trim().parse().expect("the server prints its port; are the requirements installed?");
        Self { process, address: format!("127.0.0.1:{port}") }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
