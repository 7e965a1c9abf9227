//! offpeak runs a Bitcoin mine on the power the grid can spare, and proves that it did.

mod cli;
mod client;
mod commands;
mod exit;
mod order_words;
mod reports;
mod runtime;
#[cfg(test)]
mod sample;
mod screen;

use std::io::{IsTerminal as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command};
use crate::exit::{Exit, WrongUsage};

const PANICKED: &str = "error: this is a fault in offpeak itself
hint: report it with the message above; the book is whole, and the same command goes on from it";

fn main() -> ExitCode {
    let cli = Cli::parse();
    // A screen has no room for a log; a run is looked up in it.
    let level = if matches!(&cli.command, Command::Run(run) if !run.screen) { "info" } else { "error" };
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level)))
        .with_writer(std::io::stderr)
        // It would tell of a log that nobody takes by a panic: a controller outlives its terminal.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    // A panic has said what and where; by then the terminal is given back.
    let carried = catch_unwind(AssertUnwindSafe(|| commands::carry_out(cli.command)));
    let (exit, last_word) = match carried {
        Ok(Ok(exit)) => (exit, None),
        Ok(Err(error)) => {
            let exit = if error.is::<WrongUsage>() { Exit::Usage } else { Exit::Failed };
            (exit, Some(told(&error)))
        }
        Err(_) => (Exit::Failed, Some(PANICKED.to_owned())),
    };
    if let Some(word) = last_word {
        // Nobody may be there to read it: a terminal that was closed, say.
        let _ = writeln!(std::io::stderr(), "{word}");
    }
    exit.into()
}

/// What failed and why on one line, then what to do about it, whoever in the chain knew.
fn told(error: &anyhow::Error) -> String {
    let (mut failed, mut hints) = (Vec::new(), String::new());
    for cause in error.chain().map(ToString::to_string) {
        let (what, hint) = cause.split_once("\nhint: ").unwrap_or((&cause, ""));
        failed.push(what.to_owned());
        if !hint.is_empty() {
            hints = format!("{hints}\nhint: {hint}");
        }
    }
    format!("error: {}{hints}", failed.join(": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_comes_last() {
        let error = anyhow::anyhow!("no such file").context("x.toml cannot be read\nhint: name a site file");
        assert_eq!(told(&error), "error: x.toml cannot be read: no such file\nhint: name a site file");
        assert_eq!(told(&anyhow::anyhow!("plain")), "error: plain");
    }
}
