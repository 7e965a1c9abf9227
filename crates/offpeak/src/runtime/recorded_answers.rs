//! Answers what is asked of a site's records: its lake, its book, its copies of the book.
//!
//! Not here: how reports are made (`reports`).

use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use offpeak_lake::{Asked, LakeError, stretches_of};
use offpeak_server::view::{BackupView, MinutesView, ReportView, RowsView, VerificationView};
use offpeak_server::{By, HandleError, Records, ReportQuery};
use offpeak_store::{Deed, back_up};

use super::answer::{Answers, book_error};
use super::record::LAKE;
use crate::commands::{copy_name, copy_time, expected_key, program, verification};
use crate::exit::WrongUsage;
use crate::reports;

/// Steps of a machine's recorded time at most.
const STEPS_MAX: i64 = 500;
/// Lengths of a step, in seconds: what divides an hour, or a day.
const STEP_LENGTHS: [u32; 8] = [60, 120, 300, 600, 900, 1_800, 3_600, 7_200];
/// How long a question in SQL may take.
const SQL_PATIENCE: Duration = Duration::from_secs(20);
/// Megabytes that it may take.
const SQL_MEMORY_MB: &str = "256";
/// Bytes of an answer at most.
const SQL_BYTES_MAX: u64 = 16 << 20;

impl Answers {
    /// The folder of a site that records.
    fn recorded(&self) -> Result<&Path, HandleError> {
        let dir = self.dir();
        let hint = "hint: `offpeak run` records unless --no-lake is given; rows come to the tables every five minutes";
        match dir.join(LAKE).is_dir() {
            true => Ok(dir),
            false => Err(HandleError::NotRecorded(format!("this site has recorded nothing yet\n{hint}"))),
        }
    }
}

fn words(error: &anyhow::Error) -> HandleError {
    let text = format!("{error:#}");
    match error.downcast_ref::<WrongUsage>() {
        Some(wrong) => HandleError::Invalid(wrong.to_string()),
        None if text.contains("\nhint: ") => HandleError::NotRecorded(text),
        None => HandleError::Unreadable(text),
    }
}

impl Records for Answers {
    fn report(&self, query: &ReportQuery) -> Result<ReportView, HandleError> {
        reports::view(self.recorded()?, query).map_err(|error| words(&error))
    }

    fn minutes(
        &self,
        machine: &str,
        owner: Option<&str>,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<MinutesView, HandleError> {
        let lake = self.recorded()?.join(LAKE);
        let length = from.duration_until(until).as_secs();
        let fits = |step: &&u32| length / i64::from(**step) <= STEPS_MAX;
        let step_s = *STEP_LENGTHS.iter().find(fits).unwrap_or(&STEP_LENGTHS[7]);
        let read = || read_minutes(&lake, (machine, owner), from, until, step_s);
        // Files that are merged meanwhile are listed again.
        let read = read().or_else(|error| if error.is_gone() { read() } else { Err(error) });
        read.map_err(|error| HandleError::Unreadable(error.to_string()))
    }

    fn verify_audit(&self) -> Result<VerificationView, HandleError> {
        let book = self.shared.book.path();
        expected_key(None, book)
            .and_then(|key| verification(book, key))
            .map_err(|error| HandleError::Unreadable(format!("{error:#}")))
    }

    fn backups(&self) -> Vec<BackupView> {
        let entries = std::fs::read_dir(self.copies()).into_iter().flatten().flatten();
        let copy = |entry: std::fs::DirEntry| {
            let name = entry.file_name().into_string().ok()?;
            Some(BackupView { at: copy_time(&name)?, bytes: entry.metadata().ok()?.len(), name })
        };
        let mut found: Vec<BackupView> = entries.filter_map(copy).collect();
        found.sort_by(|a, b| b.name.cmp(&a.name));
        found
    }

    fn back_up(&self, by: By<'_>) -> Result<BackupView, HandleError> {
        let failed = |error: String| HandleError::Book(error);
        std::fs::create_dir_all(self.copies()).map_err(|error| failed(error.to_string()))?;
        let name = copy_name(Timestamp::now());
        let at = copy_time(&name).unwrap_or_default();
        let path = self.copies().join(&name);
        if path.exists() {
            return Err(HandleError::Conflict(
                "a copy was made this second\nhint: it is whole; see it in the list".into(),
            ));
        }
        let deed = Deed { who: by.who, what: "backup", subject: &name, why: by.why };
        self.shared.book.note(self.now(), &deed).map_err(book_error)?;
        let copied = back_up(self.shared.book.path(), &path)
            .map_err(|error| failed(format!("{:#}", anyhow::Error::from(error))))?;
        Ok(BackupView { name, at, bytes: copied.bytes })
    }

    fn sql(&self, statement: &str, rows: usize) -> Result<RowsView, HandleError> {
        let dir = self.recorded()?;
        let mut command = program();
        command.args(["sql", "--format", "json", "--memory-mb", SQL_MEMORY_MB]);
        command.arg("--rows").arg((rows + 1).to_string());
        command.arg("--lake").arg(dir.join(LAKE)).arg("--book").arg(self.shared.book.path());
        command.args(["--", statement]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().map_err(|_| {
            HandleError::NotRecorded(
                "the query engine is not installed here\nhint: `make query` builds offpeak-query; it stands beside offpeak".into(),
            )
        })?;
        let text = answer_of(child)?;
        let mut rows_found: Vec<serde_json::Map<String, serde_json::Value>> =
            serde_json::from_str(&text).map_err(|error| HandleError::Unreadable(error.to_string()))?;
        let is_cut = rows_found.len() > rows;
        rows_found.truncate(rows);
        Ok(RowsView { rows: rows_found, is_cut })
    }
}

/// What a question's process answers, in time and not too much; it is ended otherwise.
fn answer_of(mut child: std::process::Child) -> Result<String, HandleError> {
    let reader = |pipe: Option<Box<dyn std::io::Read + Send>>| {
        std::thread::spawn(move || {
            let mut text = Vec::new();
            if let Some(pipe) = pipe {
                let _ = pipe.take(SQL_BYTES_MAX + 1).read_to_end(&mut text);
            }
            text
        })
    };
    let out = reader(child.stdout.take().map(|pipe| Box::new(pipe) as _));
    let err = reader(child.stderr.take().map(|pipe| Box::new(pipe) as _));
    let ends = Instant::now() + SQL_PATIENCE;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if Instant::now() < ends && !out.is_finished() => {
                std::thread::sleep(Duration::from_millis(20))
            }
            // It says no more: it ends at once, or hangs.
            Ok(None) if Instant::now() < ends => std::thread::sleep(Duration::from_millis(5)),
            _ => break None,
        }
    };
    if status.is_none() {
        let _ = child.kill();
        let _ = child.wait();
        let words = format!(
            "the question took more than {} s\nhint: ask for less time or fewer machines, or use `offpeak sql` on the site's machine",
            SQL_PATIENCE.as_secs()
        );
        return Err(HandleError::Invalid(words));
    }
    let text = out.join().unwrap_or_default();
    if text.len() as u64 > SQL_BYTES_MAX {
        return Err(HandleError::Invalid(
            "the answer is too large\nhint: ask for fewer rows or columns".into(),
        ));
    }
    if !status.is_some_and(|status| status.success()) {
        let said = err.join().unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        return Err(HandleError::Invalid(said.trim().trim_start_matches("error: ").to_owned()));
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The places of seconds without an answer, and without data, among a run's.
const UNREACHABLE: usize = 6;
const NO_DATA: usize = 8;

/// A step's sums.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    /// Of which something is known,
    known_s: u64,
    billed_j: i128,
    billed_s: u64,
    said_j: i128,
    said_s: u64,
    hashes_gh: i128,
    hashing_s: u64,
}

fn read_minutes(
    lake: &Path,
    (machine, owner): (&str, Option<&str>),
    from: Timestamp,
    until: Timestamp,
    step_s: u32,
) -> Result<MinutesView, LakeError> {
    let mut steps = std::collections::BTreeMap::<i64, Step>::new();
    let asked = [Asked::Machine, Asked::Owner, Asked::Energy, Asked::Hashes, Asked::Seconds];
    for stretch in stretches_of(lake, machine, from, until)? {
        stretch.runs(&asked, from, until, step_s, |run| {
            let is_other = run.machine.as_ref().is_none_or(|name| **name != *machine);
            let is_another_s = owner.is_some_and(|owner| run.owner.as_deref() != Some(owner));
            if is_other || is_another_s {
                return;
            }
            let step = steps.entry(run.start.as_second().div_euclid(i64::from(step_s))).or_default();
            let billed_s = run.measured_s + run.register_s + run.estimated_s;
            // Of a machine that did not answer nothing is known either.
            let unknown_s = run.seconds[UNREACHABLE] + run.seconds[NO_DATA];
            step.known_s += run.length_s.saturating_sub(unknown_s);
            step.billed_j += run.billed_j;
            step.billed_s += billed_s;
            step.said_j += run.energy_j;
            step.said_s += billed_s + run.unsettled_s;
            step.hashes_gh += run.hashes_gh;
            step.hashing_s += run.seconds[0];
        })?;
    }
    let mean = |joules: i128, seconds: u64| (seconds > 0).then(|| joules as f64 / seconds as f64);
    let mut view = MinutesView {
        machine: machine.to_owned(),
        step_s,
        at: Vec::new(),
        power_w: Vec::new(),
        said_w: Vec::new(),
        hash_rate_ths: Vec::new(),
        hashing: Vec::new(),
    };
    for (number, step) in steps {
        let Ok(at) = Timestamp::from_second(number * i64::from(step_s)) else { continue };
        view.at.push(at.max(from));
        view.power_w.push(mean(step.billed_j, step.billed_s));
        view.said_w.push(mean(step.said_j, step.said_s));
        view.hash_rate_ths.push(mean(step.hashes_gh, step.known_s).map(|giga| giga / 1_000.0));
        view.hashing.push((step.known_s > 0).then(|| step.hashing_s as f64 / step.known_s as f64));
    }
    Ok(view)
}
