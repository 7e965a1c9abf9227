//! Questions to lake and book, and the lake's way to a bucket: both by `offpeak-query`, a program of its own, so
//! that a question that takes too much ends that process and never one that runs a mine.

use std::io::ErrorKind;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use offpeak_server::view::RowsView;
use reqwest::Method;
use serde_json::{Value, json};

use super::running::{DATA, client, told};
use super::table::table;
use super::{print, print_json};
use crate::cli::{LakeCommand, Sql, SqlFormat, Upload};
use crate::exit::{Exit, WrongUsage};

/// Rows that a site elsewhere is asked for.
const REMOTE_ROWS: usize = 10_000;

/// The program that has the engine.
const PROGRAM: &str = "offpeak-query";
/// The lake's folder in a site's data folder.
pub(crate) const LAKE: &str = "lake";
/// The book in a site's data folder.
const BOOK: &str = "book.sqlite";

/// The data folder that is meant: the one named, or the only one with a lake.
fn data_dir(named: Option<&PathBuf>) -> Result<PathBuf> {
    if let Some(dir) = named {
        return Ok(dir.clone());
    }
    let entries = std::fs::read_dir(DATA).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| path.join(LAKE).is_dir()).collect();
    found.sort();
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => bail!(
            "there is no lake under ./{DATA}\nhint: name a site's data folder with --dir, or a lake with --lake"
        ),
        _ => {
            let names: Vec<_> = found.iter().map(|path| path.display().to_string()).collect();
            bail!("several sites have a lake: {}\nhint: say which with --dir", names.join(", "))
        }
    }
}

/// The program with the engine.
pub(crate) fn program() -> Command {
    Command::new(beside(PROGRAM))
}

/// A program beside this one, or the one on the path.
pub(crate) fn beside(program: &str) -> PathBuf {
    let beside = std::env::current_exe().ok().map(|path| path.with_file_name(program));
    beside.filter(|path| path.is_file()).unwrap_or_else(|| PathBuf::from(program))
}

/// Becomes the program; comes back only if it cannot be started.
fn become_program(mut command: Command) -> Result<Exit> {
    let error = command.exec();
    if error.kind() == ErrorKind::NotFound {
        bail!(
            "{PROGRAM} is not installed beside this program\nhint: `make query` builds it; it holds the query engine"
        );
    }
    Err(error).context(PROGRAM)
}

/// A site elsewhere is asked through its API, where its answer has an end.
fn remote(args: &Sql) -> Result<Exit> {
    let form = args.format.map(SqlFormat::word);
    let Some(statement) = args
        .statement
        .as_deref()
        .filter(|_| args.out.is_none() && !args.plan && !matches!(form, Some("csv" | "parquet")))
    else {
        let words = "a site elsewhere answers as a table or in JSON\nhint: --tables, --plan, --out, CSV and Parquet are of a lake here";
        return Err(WrongUsage(words.to_owned()).into());
    };
    let client = match client(&args.at)? {
        Ok(client) => client,
        Err(exit) => return Ok(exit),
    };
    let body = json!({"statement": statement, "limit": REMOTE_ROWS});
    let found: RowsView = match told(&args.at, client.change(Method::POST, &["sql"], &[], Some(&body)))? {
        Ok(found) => found,
        Err(exit) => return Ok(exit),
    };
    if found.is_cut {
        eprintln!("only the first {REMOTE_ROWS} rows are told");
    }
    if form == Some("json") {
        print_json(&found.rows)?;
        return Ok(Exit::Done);
    }
    let mut columns: Vec<&str> = Vec::new();
    for name in found.rows.iter().flat_map(|row| row.keys()) {
        if !columns.contains(&name.as_str()) {
            columns.push(name);
        }
    }
    let cell = |value: Option<&Value>| match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let row =
        |row: &serde_json::Map<String, Value>| columns.iter().map(|name| cell(row.get(*name))).collect();
    let rows: Vec<Vec<String>> = found.rows.iter().map(row).collect();
    print(&table(&columns, &rows))?;
    Ok(Exit::Done)
}

pub(crate) fn sql(args: &Sql) -> Result<Exit> {
    if args.at.site.is_some() && args.lake.is_none() {
        return remote(args);
    }
    let mut command = program();
    command.arg("sql");
    match &args.lake {
        Some(lake) => {
            command.arg("--lake").arg(lake);
            if let Some(dir) = &args.at.dir {
                command.arg("--book").arg(dir.join(BOOK));
            }
        }
        None => {
            let dir = data_dir(args.at.dir.as_ref())?;
            command.arg("--lake").arg(dir.join(LAKE));
            if dir.join(BOOK).is_file() {
                command.arg("--book").arg(dir.join(BOOK));
            }
        }
    }
    if let Some(format) = args.format {
        command.args(["--format", format.word()]);
    }
    if let Some(out) = &args.out {
        command.arg("--out").arg(out);
    }
    if args.plan {
        command.arg("--plan");
    }
    command.args(["--memory-mb", &args.memory_mb.to_string()]);
    if let Some(statement) = args.statement.as_deref().filter(|_| !args.tables) {
        command.args(["--", statement]);
    }
    become_program(command)
}

pub(crate) fn lake(command: LakeCommand) -> Result<Exit> {
    let LakeCommand::Upload(Upload { to, every, at }) = command;
    let mut command = program();
    command.arg("upload").arg("--lake").arg(data_dir(at.dir.as_ref())?.join(LAKE)).args(["--to", &to]);
    if let Some(every) = every {
        command.args(["--every-s", &every.as_secs().max(1).to_string()]);
    }
    become_program(command)
}
