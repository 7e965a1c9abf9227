//! `offpeak scan`: who answers on these networks. Our families by our own identification, everything
//! else through asic-rs, which knows the standard ports only.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use offpeak_drivers::clock::Clock;
use offpeak_drivers::connect::Connector;
use offpeak_drivers::driver::Driver;
use offpeak_drivers::scan::{Effort, Found, Progress, ScanRange, WebPort, scan as scan_ranges};
use offpeak_drivers_asic_rs::{AT_ONCE_MAX, OtherMachine, Others};
use offpeak_server::view::{FoundView, ScanView};
use offpeak_site::Endpoint;
use reqwest::Method;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::running::{client, told};
use super::table::table;
use super::{print, print_json};
use crate::cli::Scan;
use crate::exit::{Exit, WrongUsage};

/// More than this is asked for by mistake.
const ENDPOINTS_MAX: u64 = 1 << 20;
/// How often a site elsewhere is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// How much is done at once: an address that is waited for and one that is talked to may hold a file each, every
/// stranger that asic-rs looks at a few.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    pub(crate) effort: Effort,
    pub(crate) strangers: usize,
}

/// Files that the process has open anyway.
const FILES_SPARE: usize = 48;
/// Files of a stranger looked at.
const FILES_STRANGER: usize = 4;
/// Connections at once that are worth starting with, and as many talks.
const AT_ONCE_MIN: usize = 16;
/// A scan that gets through fewer empty addresses than these in a second is worth a word.
const PER_SECOND_GOOD: f64 = 1_500.0;

/// What fits into so many open files; more than the usual effort is no use. A connection that is waited for and a talk
/// hold a file each.
fn budget(files: usize) -> Result<Budget> {
    let room = files.saturating_sub(FILES_SPARE);
    if room < AT_ONCE_MIN * 2 {
        bail!(
            "this process may open {files} files, which are too few for a scan\nhint: `ulimit -n 1024` raises it in this shell; it needs {}",
            FILES_SPARE + AT_ONCE_MIN * 2
        );
    }
    let usual = Effort::default();
    let talks = (room / 2).min(usual.talks);
    let effort = Effort { at_once: (room - talks).min(usual.at_once), talks, ..usual };
    Ok(Budget { effort, strangers: (room / FILES_STRANGER).clamp(1, AT_ONCE_MAX) })
}

/// What fits into the files that this process may open.
pub(crate) fn scan_budget() -> Result<Budget> {
    crate::runtime::raise_limit();
    budget(crate::runtime::open_files())
}

/// A bar on stderr where a person sees it.
pub(crate) fn progress(length: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} {eta}").expect("a valid template");
    ProgressBar::new(length).with_style(style)
}

/// Ranges as people write them, and how many places they are.
pub(crate) fn ranges_of(texts: &[String]) -> Result<(Vec<ScanRange>, u64), WrongUsage> {
    let range = |text: &String| {
        text.parse::<ScanRange>().map_err(|error| {
            let hint = "a network 10.1.0.0/22, a range 10.1.0.1-10.1.3.254 or an address, with :PORTS for certain ports";
            WrongUsage(format!("{error}\nhint: {hint}"))
        })
    };
    let ranges = texts.iter().map(range).collect::<Result<Vec<_>, _>>()?;
    let endpoints: u64 = ranges.iter().map(ScanRange::places_count).sum();
    if endpoints > ENDPOINTS_MAX {
        let hint = "scan a smaller range, or fewer ports";
        return Err(WrongUsage(format!("{endpoints} endpoints are more than {ENDPOINTS_MAX}\nhint: {hint}")));
    }
    Ok((ranges, endpoints))
}

pub(crate) fn scan(args: Scan) -> Result<Exit> {
    if args.site.site.is_some() {
        return remote(&args);
    }
    let (ranges, endpoints) = ranges_of(&args.ranges)?;
    let budget = scan_budget()?;
    let per_second = budget.effort.empty_per_second();
    if per_second < PER_SECOND_GOOD {
        let usual = Effort::default();
        eprintln!(
            "this process may open {} files: some {per_second:.0} empty addresses a second are asked, which takes longer\nhint: `ulimit -n {}` in this shell, if the system allows it",
            crate::runtime::open_files(),
            FILES_SPARE + usual.at_once + usual.talks
        );
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let bar = progress(endpoints);
    let looking = Looking {
        driver: Driver::new(Connector::Tcp, Clock::System),
        web: WebPort::Fixed(args.http_port),
        budget,
        others: true,
    };
    let found = runtime.block_on(look(&looking, &ranges, |now, _| bar.set_position(now.done)));
    bar.finish_and_clear();
    show(&args, &found, endpoints)
}

/// A site elsewhere searches its own networks.
fn remote(args: &Scan) -> Result<Exit> {
    let client = match client(&args.site)? {
        Ok(client) => client,
        Err(exit) => return Ok(exit),
    };
    let body = json!({"ranges": args.ranges, "reason": args.reason});
    let mut scan: ScanView =
        match told(&args.site, client.change(Method::POST, &["scans"], &[], Some(&body)))? {
            Ok(scan) => scan,
            Err(exit) => return Ok(exit),
        };
    let bar = progress(scan.of);
    while scan.state == "running" {
        std::thread::sleep(ASK_EVERY);
        let last: Vec<ScanView> = match told(&args.site, client.get(&["scans"], &[]))? {
            Ok(last) => last,
            Err(exit) => return Ok(exit),
        };
        let mine = last.into_iter().find(|last| last.id == scan.id);
        scan = mine.context("another search was begun meanwhile")?;
        bar.set_position(scan.asked);
    }
    bar.finish_and_clear();
    if let Some(trouble) = &scan.trouble {
        bail!("the search has ended: {trouble}");
    }
    if scan.state == "ended" {
        eprintln!(
            "somebody ended the search after {} of {} addresses; this is what it had found",
            scan.asked, scan.of
        );
    }
    show(args, &scan.found, scan.of)
}

fn show(args: &Scan, found: &[FoundView], endpoints: u64) -> Result<Exit> {
    if args.json {
        print_json(&found)?;
        return Ok(Exit::Done);
    }
    let cells = |row: &FoundView| {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        vec![
            format!("{}:{}", row.address, row.port),
            text(&row.family),
            text(&row.model),
            text(&row.mac),
            text(&row.firmware),
            text(&row.note),
        ]
    };
    let rows: Vec<_> = found.iter().map(cells).collect();
    print(&table(&["address", "family", "model", "mac", "firmware", "note"], &rows))?;
    eprintln!("{} answer of {endpoints} asked", rows.len());
    Ok(Exit::Done)
}

/// How a search goes about it.
pub(crate) struct Looking {
    pub(crate) driver: Driver,
    pub(crate) web: WebPort,
    pub(crate) budget: Budget,
    /// Whether asic-rs looks at who is of no known family: over the network only.
    pub(crate) others: bool,
}

/// Who answers in these ranges; `progress` is called for each endpoint that is done, with who answers there as far as is
/// known by then.
pub(crate) async fn look(
    looking: &Looking,
    ranges: &[ScanRange],
    mut progress: impl FnMut(Progress, Option<FoundView>),
) -> Vec<FoundView> {
    let Looking { driver, web, budget, others } = looking;
    let told = |now, what: Option<&(Endpoint, Found)>| progress(now, what.map(|(at, what)| row(*at, what)));
    let found = scan_ranges(driver, ranges, *web, budget.effort, told).await;
    let others = others.then(|| Arc::new(Others::new(Clock::System)));
    let places = Arc::new(Semaphore::new(budget.strangers));
    let mut asking = JoinSet::new();
    for (place, (endpoint, what)) in found.found.into_iter().enumerate() {
        let (others, places) = (others.clone(), Arc::clone(&places));
        asking.spawn(async move {
            let _place = places.acquire().await.expect("the semaphore is never closed");
            let mut row = row(endpoint, &what);
            if what == Found::Other
                && let Some(machine) = identified(endpoint, others.as_deref()).await
            {
                row.family = Some("other".to_owned());
                row.model = Some(format!("{} {}", machine.make, machine.model));
                row.firmware = Some(machine.firmware);
                row.note = Some("identified by asic-rs".to_owned());
            }
            (place, row)
        });
    }
    let mut rows = asking.join_all().await;
    rows.sort_by_key(|(place, _)| *place);
    rows.into_iter().map(|(_, row)| row).collect()
}

/// What our own families' identification says.
fn row(endpoint: Endpoint, what: &Found) -> FoundView {
    let mut row = FoundView {
        address: endpoint.ip.to_string(),
        port: endpoint.api_port,
        family: None,
        model: None,
        mac: None,
        serial: None,
        firmware: None,
        note: None,
        machine: None,
    };
    match what {
        Found::Machine(identity) => {
            if identity.family.has_pages_only() {
                row.port = endpoint.http_port;
            }
            row.family = Some(identity.family.name().to_owned());
            row.model.clone_from(&identity.model);
            row.mac = identity.mac.map(|mac| mac.to_string());
            row.serial.clone_from(&identity.serial);
            row.firmware.clone_from(&identity.firmware);
        }
        Found::Other => row.note = Some("something answers, of no known family".to_owned()),
        Found::Trouble(trouble) => row.note = Some(trouble.to_string()),
    }
    row
}

async fn identified(endpoint: Endpoint, others: Option<&Others>) -> Option<OtherMachine> {
    others?.identify(endpoint.ip).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_stays_within_the_files_it_may_open() {
        assert!(budget(79).unwrap_err().to_string().contains("hint: `ulimit -n 1024`"));
        let least = budget(80).unwrap();
        assert_eq!((least.effort.at_once, least.effort.talks, least.strangers), (16, 16, 8));
        for files in [80, 128, 256, 560, 1_024, 8_240, 1_048_576, usize::MAX] {
            let found = budget(files).unwrap();
            assert!(found.effort.at_once + found.effort.talks + FILES_SPARE <= files, "{files}: {found:?}");
            assert!(found.strangers * FILES_STRANGER + FILES_SPARE <= files, "{files}: {found:?}");
        }
        let enough = FILES_SPARE + Effort::default().at_once + Effort::default().talks;
        assert_eq!(budget(enough).unwrap(), Budget { effort: Effort::default(), strangers: AT_ONCE_MAX });
        assert!(budget(enough).unwrap().effort.empty_per_second() >= PER_SECOND_GOOD);
        assert!(budget(4_096).unwrap().effort.empty_per_second() < PER_SECOND_GOOD, "and is told");
    }
}
