//! Carries commands out: those on files here, those on a running site through its socket, the rest in
//! `runtime`.

mod books;
mod check;
mod control;
mod details;
mod device;
mod dispatch;
mod observatory;
mod people;
mod records;
mod running;
mod scan;
mod sums;
mod table;

use std::io::Write as _;

use anyhow::{Context as _, Result};
use clap::CommandFactory as _;
use serde::Serialize;

use crate::cli::{Cli, Command};
use crate::exit::Exit;
use crate::runtime;

pub(crate) use books::{BOOK, copy_name, copy_time, expected_key, verification};
pub(crate) use check::{load, unknown_devices};
pub(crate) use device::{Keys, attempt, give};
pub(crate) use observatory::hash_on_all_cores;
pub(crate) use records::{beside, program};
pub(crate) use running::DATA;
pub(crate) use scan::{Looking, look, progress, ranges_of, scan_budget};

/// Does what was asked.
pub(crate) fn carry_out(command: Command) -> Result<Exit> {
    match command {
        Command::Demo(args) => runtime::demo_command(args),
        Command::Run(args) => runtime::run_command(args),
        Command::Twin(args) => runtime::twin_command(args),
        Command::Simulate(args) => runtime::simulate_command(args),
        Command::Bench(args) => runtime::bench_command(args),
        Command::Check(args) => check::check(args),
        Command::Scan(args) => scan::scan(args),
        Command::Device(args) => device::device(args),
        Command::Dispatch(args) => dispatch::dispatch(args),
        Command::Status(args) => running::status(args),
        Command::Machines(args) => running::machines(args),
        Command::Machine(args) => running::machine(args),
        Command::Explain(args) => running::explain(args),
        Command::Stop(args) => running::stop(args),
        Command::Resume(args) => running::resume(args),
        Command::Lockout(args) => running::lockout(args),
        Command::Authority(args) => running::authority(args),
        Command::Control(command) => control::control(command),
        Command::Report(args) => books::report(&args),
        Command::Audit(command) => books::audit(command),
        Command::Backup(args) => books::backup(&args),
        Command::Restore(args) => books::restore(&args),
        Command::Sql(args) => records::sql(&args),
        Command::Lake(command) => records::lake(command),
        Command::User(command) => people::user(command),
        Command::Token(command) => people::token(command),
        Command::Observatory(command) => observatory::observatory(command),
        Command::Completions(args) => {
            clap_complete::generate(args.shell, &mut Cli::command(), "offpeak", &mut std::io::stdout());
            Ok(Exit::Done)
        }
    }
}

/// Data goes to stdout; a reader that has seen enough is no failure.
pub(crate) fn print(text: &str) -> Result<()> {
    match writeln!(std::io::stdout(), "{}", text.trim_end()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(error).context("stdout cannot be written")
        }
        _ => Ok(()),
    }
}

/// As one JSON value.
pub(crate) fn print_json(value: &impl Serialize) -> Result<()> {
    print(&serde_json::to_string_pretty(value)?)
}
