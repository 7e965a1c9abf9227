//! How fast a large site answers: a twin of 50,000 machines in the same process, with a cycle each second, and 50
//! clients that ask one thing after another.
//!
//! Not here: what the figures should be (`docs/benchmarks.md`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use jiff::{SignedDuration, Timestamp};
use offpeak_alerts::Rules;
use offpeak_dispatch::Snapshot;
use offpeak_drivers::clock::Clock;
use offpeak_drivers::connect::Connector;
use offpeak_server::access::{Doors, Permission, Secret};
use offpeak_server::alerts::Alerts;
use offpeak_server::api::App;
use offpeak_server::{SiteHandle, serve_tcp};
use offpeak_site::MeterIx;
use offpeak_store::{ApiToken, Book, Person};
use offpeak_twin::{Initial, Pace, Scenario, Simulation};

use super::super::answer::Answers;
use super::super::live::{Latest, Shared, lock};
use super::super::plant_io::Wire;
use super::super::{demo_site, stage};
use super::Figures;

const MACHINES: u32 = 50_000;
const CLIENTS: usize = 50;
/// Of each client, for each figure: some seconds, so that most of it is asked for anew after a cycle.
const REQUESTS: usize = 400;
/// Plant seconds before it is measured.
const WARM_UP: SignedDuration = SignedDuration::from_mins(15);

/// What is read.
const READS: [&str; 10] = [
    "/api/v1/site?trace=720",
    "/api/v1/machines/hall-2%2Frack-9%2Fpdu-2%2F4",
    "/api/v1/circuits/hall-3/explanation",
    "/api/v1/circuits",
    "/api/v1/calendar?days=14",
    "/api/v1/floor/states?columns=temperature,age",
    "/api/v1/directives",
    "/api/v1/machines?limit=100",
    "/api/v1/machines/hall-1%2Frack-4%2Fpdu-1%2F2/why",
    "/api/v1/calendar?days=2&circuit=hall-4",
];
/// Tables with filters, as somebody who looks for something asks for them.
const TABLES: [&str; 4] = [
    "/api/v1/machines?hall=hall-2&state=running&sort=power&descending=true&limit=100",
    "/api/v1/machines?search=rack-17&sort=temperature&descending=true&limit=100",
    "/api/v1/machines?owner=customer-a&state=unknown,failed,asleep&limit=100",
    "/api/v1/machines?model=S19&sort=efficiency&limit=100",
];

/// The figures.
pub(super) fn api_here() -> Result<Figures> {
    let folder = std::env::temp_dir().join(format!("offpeak-bench-{}-api", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let figures = measured(&folder);
    let _ = std::fs::remove_dir_all(&folder);
    figures
}

fn measured(folder: &std::path::Path) -> Result<Figures> {
    let text = demo_site::site_text(MACHINES);
    let loaded = offpeak_site::file::load("the bench's site", &text, &|_| None);
    let site = Arc::new(loaded.map_err(|found| anyhow!("{} mistakes in the bench's site", found.len()))?);
    let book = Arc::new(Book::open(&folder.join("book.sqlite"))?);
    let wire = Wire { connector: Connector::Tcp, clock: Clock::System, speed: 1, logins: None };
    let shared = Shared::new(Arc::clone(&site), wire, Arc::clone(&book), None, None)?;
    let scenario = Scenario { initial: Initial::Running, ..stage::demo_scenario() };
    let mut twin = Simulation::new(Arc::clone(&site), &scenario, 1, stage::opening(&site), Pace::Step);
    twin.run_until(twin.plant().now() + WARM_UP);
    step(&mut twin, &shared);

    let token = token(&book)?;
    let doors = Doors::new(book).unbounded();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let handle: Arc<dyn SiteHandle> = {
        let _inside = runtime.enter();
        Arc::new(Answers::new(Arc::clone(&shared), 1, "in process"))
    };
    let alerts =
        Alerts::new(Rules::default(), "bench", site.time_zone.clone(), &|_| None).map_err(|e| anyhow!(e))?;
    let served = serve_tcp(App::new(handle, doors, alerts, None), ([127, 0, 0, 1], 0).into(), None)?;
    let base = format!("http://{}", served.address().context("an address")?);

    let over = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&over);
    let stepping = std::thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            let began = Instant::now();
            step(&mut twin, &shared);
            std::thread::sleep(Duration::from_secs(1).saturating_sub(began.elapsed()));
        }
    });
    let figures = runtime.block_on(async {
        let mut figures = Figures::from([
            ("api_p95_ms".to_owned(), p95(&base, &token, CLIENTS, &READS).await?),
            ("table_p95_ms".to_owned(), p95(&base, &token, CLIENTS, &TABLES).await?),
        ]);
        // Which of the reads are dear.
        for path in READS.iter().chain(&TABLES) {
            let alone = p95(&base, &token, 1, std::slice::from_ref(path)).await?;
            figures.insert(format!("p95_ms_alone {path}"), alone);
        }
        anyhow::Ok(figures)
    });
    over.store(true, Ordering::Relaxed);
    ensure!(stepping.join().is_ok(), "the twin's thread panicked");
    figures
}

/// One second of the twin, and its picture for those who ask.
fn step(twin: &mut Simulation, shared: &Shared) {
    let second = twin.second();
    let Some(cycle) = second.cycle else { return };
    let meters = (0..shared.site().meters.len()).map(|ix| twin.plant().meter(MeterIx(ix as u32)));
    let snapshot = Snapshot {
        at: cycle.at,
        machines: twin.seen().to_vec(),
        meters: meters.collect(),
        // The bench's site has none.
        fans: Vec::new(),
        directives: offpeak_dispatch::Directives::default(),
        returned: Vec::new(),
    };
    lock(&shared.story).add(&shared.site(), &snapshot, &cycle);
    let memory = twin.controller().memory().clone();
    shared.show(Arc::new(Latest { snapshot, cycle, memory, fan_refusals: BTreeMap::new() }));
}

fn token(book: &Book) -> Result<String> {
    let at = Timestamp::now();
    let person = Person {
        name: "bench".to_owned(),
        role: "owner".to_owned(),
        owner: None,
        password_hash: None,
        disabled: false,
        at,
    };
    book.add_person(&person, "bench")?;
    let key = Secret::fresh();
    let scopes = Permission::ALL.iter().map(ToString::to_string).collect();
    let token = ApiToken {
        id: 0,
        person: person.name,
        name: "bench".to_owned(),
        scopes,
        at,
        expires_at: Some(at + SignedDuration::from_hours(1)),
        revoked_at: None,
    };
    book.add_token(&key.hash(), &token, "bench")?;
    Ok(key.reveal().to_owned())
}

/// The 95th percentile of what so many clients wait for, in milliseconds.
async fn p95(base: &str, token: &str, clients: usize, paths: &'static [&'static str]) -> Result<f64> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let mut asking = tokio::task::JoinSet::new();
    for client in 0..clients {
        let (http, base, token) = (http.clone(), base.to_owned(), token.to_owned());
        asking.spawn(async move {
            let mut waits = Vec::with_capacity(REQUESTS);
            for request in 0..REQUESTS {
                let path = paths[(client + request) % paths.len()];
                let began = Instant::now();
                let response = http.get(format!("{base}{path}")).bearer_auth(&token).send().await?;
                let status = response.status();
                let body = response.bytes().await?;
                ensure!(status.is_success(), "{path}: {status} {}", String::from_utf8_lossy(&body));
                waits.push(began.elapsed());
            }
            Ok(waits)
        });
    }
    let mut waits = Vec::with_capacity(clients * REQUESTS);
    while let Some(client) = asking.join_next().await {
        waits.extend(client??);
    }
    waits.sort_unstable();
    Ok(waits[waits.len() * 95 / 100].as_secs_f64() * 1e3)
}
