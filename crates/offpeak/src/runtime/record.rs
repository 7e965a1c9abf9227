//! What is seen goes into the lake: from the running loop, on a thread of its own that the loop never waits for, and
//! from a simulation, which waits.
//!
//! Not here: how energy is accounted (`accounts`), files (`lake`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Timestamp};
use offpeak_accounts::{Anchor, Batch, LastWord, Ledger, Picture, last_anchor};
use offpeak_dispatch::{CommandState, Cycle, Directives, Feeds};
use offpeak_lake::{Asked, Lake, LakeRecorder, Options, Rows, Table, Tally, read, stretches};
use offpeak_rows::{CommandRow, MeterRow, Name, SignalRow};
use offpeak_site::{CircuitIx, MeterIx, Site};
use offpeak_twin::{Second, Simulation};
use offpeak_units::{Energy, Power};
use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use super::entries::state_words;
use super::live::{Latest, lock};

/// The lake's folder in a site's data folder.
pub(crate) const LAKE: &str = "lake";
/// What a report must know of the site, beside the lake.
const SITE: &str = "site.json";
/// Pictures that wait at most: seconds of the loop.
const QUEUE: usize = 30;
/// How far before the end of the meters' records the machines' end is looked for: they wait for silent meters.
const LOOK_BACK: SignedDuration = SignedDuration::from_mins(30);
/// Simulated seconds after which a recorded lake is looked after: days that are over become one file.
const MERGE_EVERY_S: i64 = 3_600;
/// How far back a meter's last row is looked for, in days, a longer while only where the shorter has none.
const LOOK_BACK_DAYS: [i64; 3] = [2, 40, 400];

/// What a report must know of the site that was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recorded {
    /// Its id.
    pub(crate) site: String,
    /// Where its civil time is resolved.
    pub(crate) time_zone: String,
    /// The meter that counts.
    pub(crate) revenue_meter: String,
}

impl Recorded {
    fn of(site: &Site) -> Self {
        Self {
            site: site.id.clone(),
            time_zone: site.time_zone.iana_name().unwrap_or("UTC").to_owned(),
            revenue_meter: site.meters[site.revenue_meter().ix()].id.clone(),
        }
    }
    /// What was written beside a lake.
    pub(crate) fn read(dir: &Path) -> Result<Self> {
        let path = dir.join(SITE);
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!(
                "{} cannot be read\nhint: `offpeak run` and `offpeak simulate --record` write it",
                path.display()
            )
        })?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} does not say of which site it is", path.display()))
    }
    fn write(&self, dir: &Path) -> Result<()> {
        let path = dir.join(SITE);
        let begun = dir.join("site.json.new");
        let text = serde_json::to_string_pretty(self).context("names are text")?;
        std::fs::write(&begun, text + "\n")
            .with_context(|| format!("{} cannot be written", begun.display()))?;
        std::fs::rename(&begun, &path).with_context(|| format!("{} cannot be written", path.display()))
    }
}

/// A lake that is written, and the accounts that feed it.
struct Keeper {
    site: Arc<Site>,
    ledger: Ledger,
    names: Vec<(Name, Name)>,
    site_name: Name,
    /// As of the last picture; `None` before the first: what was in force then was recorded when it came.
    directives: Option<Directives>,
}

fn open(site: &Arc<Site>, dir: &Path, at: Timestamp, options: Options) -> Result<(Keeper, Lake)> {
    let lake_dir = dir.join(LAKE);
    let lake = Lake::open(&lake_dir, options)?;
    // What an earlier writer left in the journal is in the tables before they are looked at.
    lake.settle()?;
    Recorded::of(site).write(dir)?;
    let anchors = anchors(&lake_dir, at)?;
    // A clock that was set back meanwhile: recorded time goes on where it ended.
    let begin = anchors.values().map(|anchor| anchor.at).max().map_or(at, |last| last.max(at));
    let (last, meters) = last_words(&lake_dir, &anchors)?;
    let ledger = Ledger::new(Arc::clone(site), begin, &anchors).after(&last, &meters);
    let hall = |at: CircuitIx| &site.circuits.get(site.circuits.hall_of(at).unwrap_or(CircuitIx::ROOT)).id;
    let names =
        site.machines.iter().map(|m| (Name::from(m.id.as_str()), Name::from(hall(m.circuit).as_str())));
    let keeper = Keeper {
        names: names.collect(),
        site_name: Name::from(site.id.as_str()),
        ledger,
        directives: None,
        site: Arc::clone(site),
    };
    Ok((keeper, lake))
}

/// Where each meter's account goes on.
fn anchors(lake: &Path, at: Timestamp) -> Result<BTreeMap<String, Anchor>> {
    let mut anchors: BTreeMap<String, Anchor> = BTreeMap::new();
    for days in LOOK_BACK_DAYS {
        let day = SignedDuration::from_hours(24);
        let from = at - day * i32::try_from(days).unwrap_or(i32::MAX);
        // A clock that was set back has rows ahead of it.
        read::<MeterRow>(lake, Table::Meter, from, at + day * 2, |row| {
            let anchor = last_anchor(&row);
            let known = anchors.entry(row.meter.to_string()).or_insert(anchor);
            if known.at < anchor.at {
                *known = anchor;
            }
        })?;
        if !anchors.is_empty() {
            break;
        }
    }
    Ok(anchors)
}

/// What was recorded last of each machine, and of meters since: looked for where the meters' records end, a while
/// before, since machines wait for silent meters, and after, since a clock may have been set back.
fn last_words(
    lake: &Path,
    anchors: &BTreeMap<String, Anchor>,
) -> Result<(BTreeMap<String, LastWord>, Vec<MeterRow>)> {
    let mut last: BTreeMap<String, LastWord> = BTreeMap::new();
    let mut meters = Vec::new();
    let Some(end) = anchors.values().map(|anchor| anchor.at).max() else { return Ok((last, meters)) };
    let (from, until) = (end - LOOK_BACK, end + SignedDuration::from_hours(24));
    for stretch in stretches(lake, from, until)? {
        stretch.runs(&[Asked::Machine, Asked::Energy], from, until, 60, |run| {
            let Some(machine) = &run.machine else { return };
            let length = i64::try_from(run.length_s).unwrap_or(0);
            let known_s = run.measured_s + run.register_s + run.estimated_s + run.unsettled_s;
            let per_minute = (run.energy_j * 60).checked_div(i128::from(known_s));
            let word = LastWord {
                until: run.start + SignedDuration::from_secs(length),
                energy: per_minute.and_then(|joules| i64::try_from(joules).ok()).map(Energy::from_joules),
            };
            let known = last.entry(machine.to_string()).or_insert(word);
            if known.until < word.until {
                *known = word;
            }
        })?;
    }
    read::<MeterRow>(lake, Table::Meter, from, until, |row| meters.push(row))?;
    Ok((last, meters))
}

impl Keeper {
    /// The commands' changes of a cycle.
    fn commands(&self, cycle: &Cycle) -> Rows {
        let rows = cycle.transitions.iter().map(|of| {
            let (machine, hall) = &self.names[of.machine.ix()];
            let (state, words) = state_words(&of.state);
            let reason = || {
                let given = cycle.commands.iter().find(|command| command.generation == of.generation)?;
                Some(given.reason.describe(&self.site))
            };
            let detail = if of.state == CommandState::Issued { reason() } else { words };
            CommandRow {
                site: self.site_name.clone(),
                generation: of.generation,
                machine: machine.clone(),
                hall: hall.clone(),
                action: Name::from(of.action.to_string()),
                at: of.at,
                state: Name::from(state),
                detail: detail.map(Name::from),
            }
        });
        Rows::Command(rows.collect())
    }

    /// Orders, stops, lockouts and words of the feed that came or went since the last picture.
    fn signals(&mut self, directives: &Directives, at: Timestamp) -> Rows {
        let Some(before) = self.directives.replace(directives.clone()) else {
            return Rows::Signal(Vec::new());
        };
        if *directives == before {
            return Rows::Signal(Vec::new());
        }
        let rows = |of: &Directives, not: &Directives, lifted: bool| {
            signals_in(&self.site, &self.site_name, of, not, at, lifted)
        };
        let mut found = rows(directives, &before, false);
        found.extend(rows(&before, directives, true));
        found.extend(words_in(&self.site, &self.site_name, &directives.feeds, &before.feeds, at));
        Rows::Signal(found)
    }
}

/// What the feed says in `of` and did not say in `not`.
fn words_in(site: &Site, name: &Name, of: &Feeds, not: &Feeds, at: Timestamp) -> Vec<SignalRow> {
    let row = |id: &str, kind: &str, said: Timestamp, text: Option<String>| SignalRow {
        site: name.clone(),
        source: Name::from("feed"),
        id: Name::from(format!("{id} {said}")),
        at,
        kind: Name::from(kind),
        circuit: None,
        limit_mw: None,
        from: Some(said),
        until: None,
        text: text.map(Name::from),
    };
    let mut rows = Vec::new();
    if let Some((temperature, said)) = of.outdoor.filter(|_| of.outdoor != not.outdoor) {
        rows.push(row("outdoor", "temperature", said, Some(temperature.to_string())));
    }
    if let Some((price, said)) = of.hash_price.filter(|_| of.hash_price != not.hash_price) {
        let words = format!("{} {} a TH and day", price.to_per_terahash_day(), price.currency());
        rows.push(row("hash price", "price", said, Some(words)));
    }
    for (place, word) in of.signals.iter().filter(|(place, word)| not.signals.get(place) != Some(word)) {
        let Some(signal) = site.rules.signals.get(*place) else { continue };
        rows.push(SignalRow {
            circuit: Some(Name::from(site.circuits.get(signal.circuit).id.as_str())),
            limit_mw: word.limit.map(Power::to_milliwatts),
            ..row(&signal.id, if word.holds { "setpoint" } else { "limit" }, word.at, None)
        });
    }
    rows
}

/// What is in `of` and not in `not`.
fn signals_in(
    site: &Site,
    name: &Name,
    of: &Directives,
    not: &Directives,
    at: Timestamp,
    lifted: bool,
) -> Vec<SignalRow> {
    let row = |source: &str, id: String, kind: &str, circuit: CircuitIx| SignalRow {
        site: name.clone(),
        source: Name::from(source),
        id: Name::from(id),
        at,
        kind: Name::from(if lifted { format!("{kind} lifted") } else { kind.to_owned() }),
        circuit: Some(Name::from(site.circuits.get(circuit).id.as_str())),
        limit_mw: None,
        from: None,
        until: None,
        text: None,
    };
    let circuit = |ix: CircuitIx| site.circuits.get(ix).id.as_str();
    let mut rows = Vec::new();
    for stop in of.stops.iter().filter(|stop| !not.stops.contains(stop)) {
        let id = format!("stop {} {}", circuit(stop.circuit), stop.at);
        let (from, text) = (Some(stop.at), Some(Name::from(stop.reason.as_str())));
        rows.push(SignalRow { from, text, ..row("operator", id, "stop", stop.circuit) });
    }
    for lockout in of.lockouts.iter().filter(|lockout| !not.lockouts.contains(lockout)) {
        let id = format!("lockout {} {}", circuit(lockout.circuit), lockout.at);
        let (from, text) = (Some(lockout.at), Some(Name::from(lockout.by.as_str())));
        rows.push(SignalRow { from, text, ..row("operator", id, "lockout", lockout.circuit) });
    }
    for order in of.orders.iter().filter(|order| !not.orders.contains(order)) {
        rows.push(SignalRow {
            limit_mw: Some(Power::to_milliwatts(order.limit)),
            from: Some(order.from),
            until: order.until,
            ..row("order", format!("order {}", order.id), "limit", order.circuit)
        });
    }
    rows
}

/// Records a running site.
#[derive(Debug)]
pub(crate) struct Recording {
    queue: Option<SyncSender<Arc<Latest>>>,
    thread: Option<JoinHandle<()>>,
    dropped: AtomicU64,
    tally: Arc<Mutex<Tally>>,
}

impl Recording {
    /// Opens the lake in a data folder and starts the thread.
    pub(crate) fn start(site: &Arc<Site>, dir: &Path, at: Timestamp, options: Options) -> Result<Self> {
        let (keeper, lake) = open(site, dir, at, options)?;
        let lake = LakeRecorder::start(lake);
        let (queue, pictures) = sync_channel(QUEUE);
        let tally = Arc::new(Mutex::new(Tally::default()));
        let theirs = Arc::clone(&tally);
        let thread = std::thread::Builder::new()
            .name("accounts".into())
            .spawn(move || follow(keeper, lake, &pictures, &theirs))
            .context("the recording thread could not be started")?;
        Ok(Self { queue: Some(queue), thread: Some(thread), dropped: AtomicU64::new(0), tally })
    }

    /// Hands a picture over; never waits. One that finds no room is counted: the meters' registers bridge it.
    pub(crate) fn offer(&self, latest: &Arc<Latest>) {
        let Some(queue) = &self.queue else { return };
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = queue.try_send(Arc::clone(latest))
        {
            let dropped = self.dropped.fetch_add(1, Ordering::Relaxed) + 1;
            if dropped.is_power_of_two() {
                warn!(dropped, "recording is behind: pictures are left out");
            }
        }
    }

    /// Pictures that were left out.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// What became of all rows.
    pub(crate) fn tally(&self) -> Tally {
        lock(&self.tally).clone()
    }
}

impl Drop for Recording {
    /// Writes what is waiting.
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn follow(mut keeper: Keeper, lake: LakeRecorder, pictures: &Receiver<Arc<Latest>>, tally: &Mutex<Tally>) {
    let mut told = None;
    // What finds no room is counted by the recorder and told with its tally.
    let record = |rows: Rows| {
        let _ = lake.record(rows);
    };
    let hand_over = |batch: Batch| {
        record(Rows::Meter(batch.meters));
        record(Rows::Machine(batch.machines));
    };
    while let Ok(latest) = pictures.recv() {
        let (snapshot, cycle) = (&latest.snapshot, &latest.cycle);
        keeper.ledger.read_meters(&snapshot.meters);
        keeper.ledger.look(&Picture {
            at: cycle.at,
            machines: &snapshot.machines,
            memory: &latest.memory,
            plan: &cycle.plan,
            envelope: &cycle.envelope,
        });
        record(keeper.commands(cycle));
        record(keeper.signals(&snapshot.directives, cycle.at));
        hand_over(keeper.ledger.take());
        let now = lake.tally();
        if now.error != told {
            told.clone_from(&now.error);
            match &told {
                Some(error) => warn!(error, lost = now.lost, "the lake could not be written"),
                None => info!("the lake is written again"),
            }
        }
        *lock(tally) = now;
    }
    hand_over(keeper.ledger.finish());
    let last = lake.close();
    if last.lost > 0 {
        warn!(lost = last.lost, "rows are missing in the lake");
    }
    *lock(tally) = last;
}

/// Records a simulation: on its own thread, since its time is not ours and nothing may be lost.
pub(crate) struct SimulationRecord {
    keeper: Keeper,
    lake: Lake,
    last: Option<Cycle>,
    dir: PathBuf,
    rows: u64,
}

/// What a recorded simulation came to.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RecordedRows {
    pub(crate) rows: u64,
    /// Of the lake's tables.
    pub(crate) bytes: u64,
    /// Machines times minutes.
    pub(crate) machine_minutes: u64,
}

impl SimulationRecord {
    /// Begins, in a folder without a lake.
    pub(crate) fn begin(site: &Arc<Site>, dir: &Path, simulation: &Simulation) -> Result<Self> {
        std::fs::create_dir_all(dir).with_context(|| format!("{} cannot be made", dir.display()))?;
        if dir.join(LAKE).exists() {
            anyhow::bail!("{} has a lake already\nhint: name a new folder", dir.display());
        }
        let (mut keeper, lake) = open(site, dir, simulation.plant().now(), Options::default())?;
        keeper.ledger = keeper.ledger.with_quarters();
        let meters = 0..site.meters.len() as u32;
        let readings: Vec<_> = meters.map(|ix| simulation.plant().meter(MeterIx(ix))).collect();
        keeper.ledger.read_meters(&readings);
        Ok(Self { keeper, lake, last: None, dir: dir.to_owned(), rows: 0 })
    }

    /// Takes a second in. Each machine is read once a minute, and what is new of it at once.
    pub(crate) fn second(&mut self, simulation: &Simulation, second: Second) -> Result<()> {
        if let Some(cycle) = second.cycle {
            if let Rows::Command(rows) = self.keeper.commands(&cycle) {
                self.rows += self.lake.append(&rows)?.rows;
            }
            self.last = Some(cycle);
        }
        let at = simulation.plant().now();
        let ledger = &mut self.keeper.ledger;
        ledger.read_meters(simulation.meters());
        let Some(cycle) = &self.last else { return Ok(()) };
        let picture = Picture {
            at,
            machines: simulation.seen(),
            memory: simulation.controller().memory(),
            plan: &cycle.plan,
            envelope: &cycle.envelope,
        };
        if at.as_second() % 60 != 0 {
            for machine in simulation.polled() {
                ledger.look_at(&picture, *machine, &simulation.seen()[machine.ix()]);
            }
            return Ok(());
        }
        for (machine, _) in self.keeper.site.machines() {
            let mut seen = simulation.seen()[machine.ix()];
            if seen.trouble.is_none() && seen.reading.is_some() {
                seen.reading = simulation.plant().reading(machine).ok();
            }
            ledger.look_at(&picture, machine, &seen);
        }
        let batch = ledger.take();
        self.write(batch)?;
        if at.as_second() % MERGE_EVERY_S == 0 {
            self.lake.tend(at);
        }
        Ok(())
    }

    fn write(&mut self, batch: Batch) -> Result<()> {
        self.rows += self.lake.append(&batch.meters)?.rows;
        self.rows += self.lake.append(&batch.machines)?.rows;
        Ok(())
    }

    /// Ends, and says what it came to.
    pub(crate) fn end(mut self, seconds: u64) -> Result<RecordedRows> {
        let batch = self.keeper.ledger.finish();
        self.write(batch)?;
        let machines = self.keeper.site.machines.len() as u64;
        self.lake.close()?;
        let mut bytes = 0;
        for table in Table::ALL {
            bytes +=
                offpeak_lake::files(&self.dir.join(LAKE), table)?.iter().map(|file| file.bytes).sum::<u64>();
        }
        Ok(RecordedRows { rows: self.rows, bytes, machine_minutes: machines * seconds / 60 })
    }
}

#[cfg(test)]
mod tests {
    use offpeak_dispatch::SignalWord;
    use offpeak_units::Temperature;

    use super::*;

    #[test]
    fn words_of_the_feed_are_recorded_once_as_they_come() {
        let text = include_str!("../../../../sites/small.toml").replacen(
            "[[owners]]",
            "[[signals]]\nid = \"grid\"\ncircuit = \"hall-1\"\nhold_min = 5\nfallback_kw = 10\n\n[[owners]]",
            1,
        );
        let site = Arc::new(offpeak_site::file::load("small", &text, &|_| None).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let at = |second: i64| Timestamp::from_second(1_664_755_200 + second).unwrap();
        let (mut keeper, _lake) = open(&site, folder.path(), at(0), Options::default()).unwrap();
        let mut directives = Directives::default();
        let mut told = |directives: &Directives, second: i64| match keeper.signals(directives, at(second)) {
            Rows::Signal(rows) => rows,
            _ => panic!("signals"),
        };
        assert_eq!(told(&directives, 1), [], "what was in force at the start was recorded when it came");
        directives.feeds.outdoor = Some((Temperature::from_celsius(31), at(1)));
        let word = SignalWord { at: at(2), limit: Some(Power::ZERO), holds: false };
        directives.feeds.signals.insert(0, word);
        let rows = told(&directives, 3);
        assert_eq!(rows.len(), 2);
        assert_eq!((&*rows[0].kind, rows[0].limit_mw, &rows[0].circuit), ("temperature", None, &None));
        assert_eq!(
            (&*rows[1].kind, rows[1].limit_mw, rows[1].circuit.as_deref()),
            ("limit", Some(0), Some("hall-1"))
        );
        assert_eq!((rows[1].at, rows[1].from), (at(3), Some(at(2))));
        assert_eq!(told(&directives, 4), [], "nothing new");
        directives.feeds.signals.insert(0, SignalWord { limit: None, ..word });
        let rows = told(&directives, 5);
        assert_eq!((rows.len(), rows[0].limit_mw), (1, None), "no limit is not a limit of zero");
    }
}
