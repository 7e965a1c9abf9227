//! The binary as its users meet it.

#![expect(clippy::unwrap_used, reason = "a test stops where its ground gives way")]

mod beside;
mod books;
mod demo;
mod dispatch;
mod kill;
mod metrics;
mod mistakes;
mod node;
mod observatory;
mod records;
mod terminal;
mod words;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Held by a test that serves the twin on its ports: they are the same for all.
static PORTS: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// The binary under test, in a folder of its own.
fn offpeak(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_offpeak"));
    command
        .current_dir(dir)
        .env_remove("OFFPEAK_DIR")
        .env_remove("OFFPEAK_CHAIN")
        .env_remove("RUST_LOG")
        .env("TMPDIR", dir)
        .env("XDG_RUNTIME_DIR", dir);
    command
}

fn run(dir: &Path, args: &[&str]) -> Output {
    offpeak(dir).args(args).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// A file under `sites/`.
fn site(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sites").join(name).canonicalize().unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {} {}", stdout(output), stderr(output)))
}
