//! `offpeak-query`: what `offpeak sql` and `offpeak lake upload` start. A question that takes too much can end this
//! process and never the one that runs a mine.

use std::fs::File;
use std::io::{BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::{Parser, ValueEnum};
use offpeak_query::{Format, Limits, PART_BYTES, Place, Query, QueryError, TableInfo, upload};

/// Asks lake and book in SQL, and puts the lake into a bucket. `offpeak sql` and `offpeak lake` start it.
#[derive(Debug, Parser)]
#[command(version)]
enum Cli {
    /// Answer a question
    Sql(Sql),
    /// Put the lake's files into an S3-compatible store
    Upload(Upload),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Table,
    Csv,
    Json,
    Parquet,
}

#[derive(Debug, clap::Args)]
struct Sql {
    /// The question; without one the tables are shown
    statement: Option<String>,
    /// A folder, or s3://bucket/prefix
    #[arg(long)]
    lake: String,
    /// The book beside it
    #[arg(long)]
    book: Option<PathBuf>,
    /// How the answer is written [default: table on a terminal, else csv; by the ending of --out]
    #[arg(long)]
    format: Option<Form>,
    /// Write the answer to a file
    #[arg(long)]
    out: Option<PathBuf>,
    /// Megabytes of memory that a question may take
    #[arg(long, default_value_t = 1_024)]
    memory_mb: u32,
    /// Rows of the answer at most; the rest is left out
    #[arg(long)]
    rows: Option<usize>,
    /// Say how the engine goes about it instead
    #[arg(long)]
    plan: bool,
    /// Ask so many times, and say how many milliseconds the median took
    #[arg(long, hide = true)]
    times: Option<u32>,
}

#[derive(Debug, clap::Args)]
struct Upload {
    /// The lake's folder
    #[arg(long)]
    lake: PathBuf,
    /// s3://bucket/prefix
    #[arg(long)]
    to: String,
    /// Again after so many seconds
    #[arg(long)]
    every_s: Option<u64>,
}

fn main() -> ExitCode {
    let done = match Cli::parse() {
        Cli::Sql(args) => sql(&args),
        Cli::Upload(args) => send(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("the system starts no threads")
}

fn sql(args: &Sql) -> Result<()> {
    let runtime = runtime()?;
    let limits =
        Limits { memory_bytes: args.memory_mb as usize * 1_000_000, rows: args.rows, ..Limits::default() };
    let query = Query::open(Place::parse(&args.lake)?.store()?, args.book.as_deref(), limits)?;
    let Some(statement) = &args.statement else { return say(&tables_text(query.tables())) };
    if args.plan {
        return say(&runtime.block_on(query.plan(statement)).map_err(told)?);
    }
    if let Some(times) = args.times {
        return time(&runtime, &query, statement, times);
    }
    let format = format(args)?;
    let answered = match &args.out {
        Some(path) => {
            let out = BufWriter::new(File::create(path).with_context(|| path.display().to_string())?);
            runtime.block_on(query.run(statement, format, out))
        }
        None => runtime.block_on(query.run(statement, format, BufWriter::new(Stdout))),
    };
    answered.map(drop).map_err(told)
}

/// One line of JSON: the median and the rows of the answer.
fn time(runtime: &tokio::runtime::Runtime, query: &Query, statement: &str, times: u32) -> Result<()> {
    let (mut took, mut rows) = (Vec::new(), 0);
    for _ in 0..times.max(1) {
        let began = std::time::Instant::now();
        rows = runtime.block_on(query.run(statement, Format::Csv, std::io::sink())).map_err(told)?;
        took.push(began.elapsed().as_secs_f64() * 1e3);
    }
    took.sort_by(f64::total_cmp);
    say(&format!(
        "{{\"median_ms\":{:.3},\"first_to_last_ms\":[{:.3},{:.3}],\"rows\":{rows}}}",
        took[took.len() / 2],
        took[0],
        took[took.len() - 1]
    ))
}

fn say(text: &str) -> Result<()> {
    writeln!(Stdout, "{}", text.trim_end()).context("stdout cannot be written")
}

/// Data goes to stdout; a reader that has seen enough is no failure.
struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match std::io::stdout().write(bytes) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(bytes.len()),
            other => other,
        }
    }
    fn flush(&mut self) -> std::io::Result<()> {
        match std::io::stdout().flush() {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }
}

fn told(error: QueryError) -> anyhow::Error {
    match error.statement() {
        Some(words) => {
            let words = words.lines().collect::<Vec<_>>().join(" ");
            anyhow::anyhow!("{words}\nhint: `offpeak sql --tables` shows what can be asked for")
        }
        None => error.into(),
    }
}

fn format(args: &Sql) -> Result<Format> {
    let ending = args.out.as_deref().and_then(Path::extension).and_then(|ending| ending.to_str());
    let format = match (args.format, ending) {
        (Some(Form::Table), _) => Format::Table,
        (Some(Form::Csv), _) | (None, Some("csv")) => Format::Csv,
        (Some(Form::Json), _) | (None, Some("json")) => Format::Json,
        (Some(Form::Parquet), _) | (None, Some("parquet")) => Format::Parquet,
        (None, _) if args.out.is_none() && std::io::stdout().is_terminal() => Format::Table,
        (None, _) => Format::Csv,
    };
    if format == Format::Parquet && args.out.is_none() {
        bail!("a Parquet file is written with --out FILE");
    }
    Ok(format)
}

fn tables_text(tables: &[TableInfo]) -> String {
    let mut text = String::new();
    for table in tables {
        text += &format!("{}: {}\n", table.name, table.about);
        let width = table.columns.iter().map(|column| column.name.len()).max().unwrap_or(0);
        for column in &table.columns {
            let may = if column.nullable { ", may be NULL" } else { "" };
            text += &format!("  {:width$}  {}{may}\n", column.name, column.of);
        }
        text.push('\n');
    }
    text
}

fn send(args: &Upload) -> Result<()> {
    if !args.lake.is_dir() {
        return Err(QueryError::NoLake(args.lake.clone()).into());
    }
    let place = Place::parse(&args.to)?;
    let Place::Bucket(_) = &place else { bail!("`{}` is no bucket: s3://BUCKET/PREFIX", args.to) };
    let store = place.store()?;
    let runtime = runtime()?;
    loop {
        match (runtime.block_on(upload(&args.lake, store.as_ref(), PART_BYTES)), args.every_s) {
            (Ok(done), _) => say(&format!(
                "{} files put ({} bytes), {} there already, {} merged parts removed",
                done.files, done.bytes, done.present, done.removed
            ))?,
            // A line that is down comes back.
            (Err(error), Some(_)) => {
                let _ = writeln!(std::io::stderr(), "warning: {:#}", anyhow::Error::from(error));
            }
            (Err(error), None) => return Err(error.into()),
        }
        let Some(every_s) = args.every_s else { return Ok(()) };
        let ended = async {
            tokio::time::timeout(Duration::from_secs(every_s), tokio::signal::ctrl_c()).await.is_ok()
        };
        if runtime.block_on(ended) {
            return Ok(());
        }
    }
}
