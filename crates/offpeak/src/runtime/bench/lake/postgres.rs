//! The same rows in a PostgreSQL of its own: a day of the smaller mine, through `COPY`, with the index that its
//! questions need. The server runs in a folder of the bench, on a Unix socket, as a user without rights.

use std::io::{BufWriter, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use offpeak_rows::MachineRow;

use super::rows::{self, Day, Fleet};
use super::{BY_HOUR, Figures, MONTH_MACHINES, TIMES, ask, settle};

const TABLE: &str = "create table machine (site text not null, machine text not null, owner text, hall text not null,
  model text not null, circuit text not null, start timestamptz not null, length_s int not null, covered_s int not null,
  energy_j bigint, billed_j bigint, hashes_gh bigint, mode text, state text not null, hashing_s int not null,
  starting_s int not null, outside_hours_s int not null, ordered_s int not null, price_s int not null, fault_s int not null,
  unreachable_s int not null, maintenance_s int not null, no_data_s int not null, chip_max_dc smallint, inlet_dc smallint,
  known text not null, rule text)";

struct Server {
    folder: PathBuf,
    bin: PathBuf,
}

impl Server {
    /// The newest that Debian has installed, if any.
    fn start() -> Result<Option<Self>> {
        let mut bins: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path().join("bin"))
            .filter(|bin| bin.join("initdb").is_file())
            .collect();
        bins.sort();
        let Some(bin) = bins.pop() else { return Ok(None) };
        let folder = std::env::temp_dir().join(format!("offpeak-bench-pg-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        // The server's user comes in, too.
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777))?;
        let server = Self { folder, bin };
        let data = server.folder.join("data");
        server.run("initdb", &["--no-sync", "--auth=trust", "--username=bench", "-D"], Some(&data))?;
        // Durable as it comes; memory as is usual on a machine of 8 GiB and more; no network.
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories='{}' -c shared_buffers=1GB -c work_mem=64MB \
             -c max_wal_size=8GB -c max_parallel_workers_per_gather=2",
            server.folder.display()
        );
        server.run("pg_ctl", &["start", "--wait", "-l", "/dev/null", "-o", &options, "-D"], Some(&data))?;
        Ok(Some(server))
    }

    /// Runs one of its programs, as `postgres` where we are root: the server refuses to be.
    fn run(&self, name: &str, args: &[&str], last: Option<&Path>) -> Result<()> {
        let program = self.bin.join(name);
        let mut command = if rustix::process::geteuid().is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.args(args).args(last).current_dir(&self.folder).stdout(Stdio::null()).stderr(Stdio::null());
        let status = command.status().with_context(|| format!("{name} cannot be started"))?;
        ensure!(status.success(), "{name} failed");
        Ok(())
    }

    fn client(&self) -> Command {
        let mut command = Command::new(self.bin.join("psql"));
        command.args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "bench",
            "-d",
            "postgres",
            "-h",
        ]);
        command.arg(&self.folder);
        command
    }

    fn ask(&self, sql: &str) -> Result<String> {
        let output = self.client().args(["-c", sql]).output()?;
        ensure!(output.status.success(), "PostgreSQL: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Milliseconds of the median of some answers, by psql's own clock.
    fn time(&self, sql: &str) -> Result<f64> {
        let mut took = Vec::new();
        for _ in 0..TIMES.parse::<u32>()? {
            let output = self.client().args(["-c", "\\timing on", "-c", sql]).output()?;
            ensure!(output.status.success(), "PostgreSQL: {}", String::from_utf8_lossy(&output.stderr));
            let text = String::from_utf8(output.stdout)?;
            let line = text.lines().rev().find_map(|line| line.strip_prefix("Time: "));
            let ms = line.and_then(|line| line.split_whitespace().next()).context("psql told no time")?;
            took.push(ms.parse::<f64>()?);
        }
        took.sort_by(f64::total_cmp);
        Ok(took[took.len() / 2])
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.run("pg_ctl", &["stop", "--mode=immediate", "-D"], Some(&self.folder.join("data")));
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// One day of the smaller mine in the lake and in PostgreSQL, and the same questions of both.
pub(super) fn beside(fleet: &Fleet, day: &Day, near: &Path, figures: &mut Figures) -> Result<()> {
    let dir = near.join("../postgres-peer");
    let dir = std::path::absolute(dir)?;
    let mut lake = super::open(&dir)?;
    for minute in 0..rows::MINUTES {
        super::write(&mut lake, &day.rows(fleet, 0, minute))?;
    }
    settle(&mut lake, rows::start() + jiff::SignedDuration::from_hours(72))?;
    let owner = format!(
        "select machine, sum(energy_j), sum(billed_j), sum(hashes_gh), sum(hashing_s), count(*) from machine
         where owner = '{}' group by machine order by machine",
        rows::owner_of(7)
    );
    figures.insert("peer_day_lake_owner_ms".to_owned(), ask(&dir, &owner)?);
    figures.insert("peer_day_lake_by_hour_ms".to_owned(), ask(&dir, BY_HOUR)?);
    drop(lake);
    std::fs::remove_dir_all(&dir)?;
    let Some(server) = Server::start()? else {
        eprintln!("no PostgreSQL beside it: `apt-get install postgresql` installs one");
        return Ok(());
    };
    server.ask(TABLE)?;
    let began = Instant::now();
    copy(&server, fleet, day)?;
    let count = (MONTH_MACHINES * rows::MINUTES) as f64;
    figures.insert("peer_postgres_rows_per_s".to_owned(), count / began.elapsed().as_secs_f64());
    server.ask("create index on machine (owner, machine, start)")?;
    server.ask("vacuum analyze machine")?;
    let bytes: f64 = server.ask("select pg_total_relation_size('machine')")?.parse()?;
    figures.insert("peer_postgres_bytes_per_machine_minute".to_owned(), bytes / count);
    figures.insert("peer_day_postgres_owner_ms".to_owned(), server.time(&owner)?);
    figures.insert("peer_day_postgres_by_hour_ms".to_owned(), server.time(BY_HOUR)?);
    Ok(())
}

fn copy(server: &Server, fleet: &Fleet, day: &Day) -> Result<()> {
    let mut client = server.client().args(["-c", "copy machine from stdin"]).stdin(Stdio::piped()).spawn()?;
    let mut to = BufWriter::with_capacity(1 << 20, client.stdin.take().context("psql takes no rows")?);
    for minute in 0..rows::MINUTES {
        for row in day.rows(fleet, 0, minute) {
            write_row(&mut to, &row)?;
        }
    }
    drop(to.into_inner()?);
    ensure!(client.wait()?.success(), "PostgreSQL did not take the rows");
    Ok(())
}

/// As COPY's text form wants it; no name here has a tab or a backslash.
fn write_row(to: &mut impl Write, row: &MachineRow) -> Result<()> {
    let or_null = |value: Option<i64>| value.map_or_else(|| "\\N".to_owned(), |value| value.to_string());
    let down = &row.down;
    writeln!(
        to,
        "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t\\N",
        row.site,
        row.machine,
        row.owner.as_deref().unwrap_or("\\N"),
        row.hall,
        row.model,
        row.circuit,
        row.start,
        row.length_s,
        row.covered_s,
        or_null(row.energy_j),
        or_null(row.billed_j),
        or_null(row.hashes_gh),
        row.mode.map_or("\\N", offpeak_rows::MachineMode::word),
        row.state,
        row.hashing_s,
        row.starting_s,
        down.outside_hours_s,
        down.ordered_s,
        down.price_s,
        down.fault_s,
        down.unreachable_s,
        down.maintenance_s,
        down.no_data_s,
        or_null(row.chip_max_dc.map(i64::from)),
        or_null(row.inlet_dc.map(i64::from)),
        row.known,
    )?;
    Ok(())
}
