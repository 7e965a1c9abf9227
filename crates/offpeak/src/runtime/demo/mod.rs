//! `offpeak demo`: the twin's machines behind real protocols, found and driven by the real loop.
//!
//! Up to ten times real time the machines stand behind sockets, on a thread of their own, and the
//! controller knows the plant through those sockets only. Above that the same codecs run over
//! in-memory streams in virtual time.

mod discover;
mod drill;
mod report;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use jiff::Timestamp;
use offpeak_dispatch::Controller;
use offpeak_drivers::clock::Clock;
use offpeak_drivers::connect::Connector;
use offpeak_drivers::fronts::{Addressing, Fronts, Layout, Ports, serve};
use offpeak_lake::Options;
use offpeak_site::{Authority, Site};
use offpeak_store::Book;
use offpeak_twin::{Judge, Plant};
use tokio::sync::oneshot;
use tokio::time::sleep;

use self::discover::{Census, discover};
use self::drill::{Drill, drill};
use self::report::{Report, report};
use super::answer::Answers;
use super::ending::{Screen, end};
use super::live::{self, Search, Shared, lock};
use super::plant_io::Wire;
use super::record::Recording;
use super::serving::{Network, Served};
use super::stage;
use super::story::Story;
use super::{demo_site, files};
use crate::cli;
use crate::commands::{load, print, print_json};
use crate::exit::Exit;
use crate::screen::Leaving;
use offpeak_server::SiteHandle;

const CANNOT_SERVE: &str = "the twin cannot be served\nhint: end the other demo or twin, or take `--speed 11` or more, which needs no ports";
/// The fastest that sockets are run at.
const SOCKET_SPEED_MAX: u32 = 10;
/// The day before is recorded for as many machines as leave the start short.
const PAST_MACHINES_MAX: usize = 2_000;
/// Nobody waits minutes for a demo's records.
const PUBLISH_EVERY: Duration = Duration::from_secs(5);

/// What to show.
#[derive(Clone, Debug)]
struct Demo {
    site: Site,
    seed: u64,
    speed: u32,
    dir: PathBuf,
    /// No screen: a drill instead, and a report.
    headless: bool,
    /// Wall time; without it until the screen is left.
    lasts: Option<Duration>,
    /// Where it is served over HTTP.
    network: Network,
}

/// The parts that every demo has.
struct Stage {
    shared: Arc<Shared>,
    began: Instant,
    plant_from: Timestamp,
    transport: &'static str,
    /// From the start of the process until it can be watched and asked.
    ready_ms: u128,
    /// Judges the twin's noise-free power.
    judge: Arc<Mutex<Judge>>,
}

pub(crate) fn demo_command(args: cli::Demo) -> Result<Exit> {
    let site = match &args.site {
        Some(path) => match load(path)? {
            Some(site) => site,
            None => return Ok(Exit::Mistakes),
        },
        None => {
            let text = demo_site::site_text(args.machines.unwrap_or(demo_site::SMALL_MACHINES));
            offpeak_site::file::load("the demo's site", &text, &|_| None).map_err(|found| {
                anyhow!("{}", found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
            })?
        }
    };
    let json = args.json;
    let report = demo(Demo {
        site,
        seed: args.seed,
        speed: args.speed,
        dir: files::default_dir("demo"),
        headless: args.headless,
        lasts: args.lasts,
        network: Network::of_demo(&args.listen),
    })?;
    let Some(report) = report else { return Ok(Exit::Done) };
    if json {
        print_json(&report)?
    } else {
        print(&report.to_string())?
    }
    Ok(if report.limit_excess_count == 0 { Exit::Done } else { Exit::LimitExceeded })
}

/// Runs a demo.
fn demo(mut demo: Demo) -> Result<Option<Report>> {
    let began = Instant::now();
    if !demo.headless {
        Screen::possible(
            "`offpeak demo --headless` needs none: it prints the address of its pages and runs until it is ended, or for `--for 60s`",
        )?;
    }
    files::raise_limit();
    give_authority(&mut demo.site)?;
    if demo.speed > SOCKET_SPEED_MAX { in_memory(demo, began) } else { over_sockets(demo, began) }
}

/// A demo acts: its plant is nobody's.
fn give_authority(site: &mut Site) -> Result<()> {
    let mut circuits: Vec<_> = site.circuits.iter().map(|(_, circuit)| circuit.clone()).collect();
    for circuit in &mut circuits {
        circuit.authority = Authority::Control;
    }
    site.circuits = offpeak_site::CircuitTree::new(circuits).context("the tree stays a tree")?;
    Ok(())
}

/// The plant with its past, and the site as the twin serves it.
fn set_stage(demo: &mut Demo, addressing: Addressing) -> Result<(Plant, Layout, Story)> {
    let layout = Layout::plan(&demo.site, addressing)?;
    layout.apply(&mut demo.site);
    let site = Arc::new(demo.site.clone());
    let at = stage::opening(&site);
    // Opened once first: the folder of a demo that is running is refused here, and left alone.
    drop(files::open_book(&demo.dir)?);
    files::clear_lake(&demo.dir)?;
    let record = (site.machines.len() <= PAST_MACHINES_MAX).then_some(demo.dir.as_path());
    let (plant, _, past) = stage::with_past(&site, &stage::demo_scenario(), demo.seed, at, record)?;
    Ok((plant, layout, past))
}

/// A fresh book for each demo: it is a plant's that was never built.
fn open_book(demo: &Demo) -> Result<Arc<Book>> {
    Ok(Arc::new(Book::open(&files::fresh_book(&demo.dir)?)?))
}

fn over_sockets(mut demo: Demo, began: Instant) -> Result<Option<Report>> {
    let addressing = if cfg!(target_os = "linux") {
        Addressing::AddressPerMachine(Ports::for_this_user())
    } else {
        Addressing::PortPerMachine { first: 20_000 }
    };
    let (plant, layout, past) = set_stage(&mut demo, addressing)?;
    let (ready, opened) = std::sync::mpsc::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let speed = demo.speed;
    let twin = std::thread::Builder::new().name("twin".into()).spawn(move || {
        let until = async {
            let _ = stopped.await;
        };
        serve(plant, layout, speed, |fronts| drop(ready.send(fronts.clone())), until)
    })?;
    let Ok(fronts) = opened.recv() else {
        // The sender is gone without a word: the thread has ended, and says why.
        return match twin.join() {
            Ok(result) => result.map(|()| None).context(CANNOT_SERVE),
            Err(_) => bail!("the twin's thread panicked"),
        };
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let wire = Wire { connector: Connector::Tcp, clock: fronts.clock(), speed, logins: None };
    let report = runtime.block_on(play(demo, wire, fronts, past, began, "sockets"));
    drop(stop);
    drop(runtime);
    let _ = twin.join();
    report
}

fn in_memory(mut demo: Demo, began: Instant) -> Result<Option<Report>> {
    let (plant, layout, past) = set_stage(&mut demo, Addressing::InMemory)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    runtime.block_on(async {
        // Tokio's time is the plant's: it leaps from timer to timer, and the pacer holds it back.
        let fronts = Fronts::new(plant, layout, Clock::starting_at(demo_start(&demo)))?;
        let wire = Wire { connector: fronts.connector(), clock: fronts.clock(), speed: 1, logins: None };
        let (own, speed) = (fronts.clone(), demo.speed);
        tokio::spawn(async move { own.run().await });
        tokio::spawn(pace(speed));
        play(demo, wire, fronts, past, began, "in-memory streams, virtual time").await
    })
}

fn demo_start(demo: &Demo) -> Timestamp {
    stage::opening(&demo.site)
}

/// Holds virtual time back to so many plant seconds a second.
async fn pace(speed: u32) {
    let (began, mut passed) = (Instant::now(), 0_u32);
    loop {
        sleep(Duration::from_secs(1)).await;
        passed += 1;
        let due = Duration::from_secs(passed.into()) / speed;
        std::thread::sleep(due.saturating_sub(began.elapsed()));
    }
}

async fn play(
    demo: Demo,
    wire: Wire,
    fronts: Fronts,
    past: Story,
    began: Instant,
    transport: &'static str,
) -> Result<Option<Report>> {
    let book = open_book(&demo)?;
    let site = Arc::new(demo.site.clone());
    let plant_from = wire.clock.now();
    let judge = Arc::new(Mutex::new(Judge::new(&site, fronts.with(|plant| plant.now()))));
    let watching = Arc::clone(&judge);
    fronts.watch(move |plant| lock(&watching).observe(plant));
    let expected = site.machines.len();
    let options = Options { publish_every: PUBLISH_EVERY, ..Options::default() };
    let recording = Recording::start(&site, &demo.dir, wire.clock.now(), options)?;
    let shared = Shared::new(site, wire, book, Some(past), Some(recording))?;
    *lock(&shared.search) = Some(Search { found: 0, expected });
    let handle = Arc::new(Answers::new(Arc::clone(&shared), demo.speed, transport));
    let served =
        Served::start(Arc::clone(&handle) as Arc<dyn SiteHandle>, &shared, &demo.dir, &demo.network)?;
    let note = served.link().map(|link| format!("open {link}"));
    // Standard output is the report's.
    note.iter().for_each(|note| eprintln!("{note}"));
    let screen = (!demo.headless)
        .then(|| Screen::open(handle.clone(), Leaving::Demo, demo.lasts, note))
        .transpose()?;
    let ready_ms = began.elapsed().as_millis();
    let stage = Stage { shared, began, plant_from, transport, ready_ms, judge };
    let (census, drilled) = act(&demo, &stage, &handle, screen).await?;
    Ok(demo.headless.then(|| report(&demo, &stage, &handle, census, drilled)))
}

/// Finds the machines, drives them, and in a headless demo has its drill; until it ends. The screen is open all
/// the while.
async fn act(
    demo: &Demo,
    stage: &Stage,
    handle: &Answers,
    mut screen: Option<Screen>,
) -> Result<(Census, Option<Drill>)> {
    let shared = &stage.shared;
    let census = Mutex::new(Census::default());
    let working = async {
        *lock(&census) = discover(shared).await?;
        let site = shared.site();
        let controller = Controller::new(Arc::clone(&site), live::recall(&site, &shared.book, shared.now())?);
        live::run(Arc::clone(shared), controller).await
    };
    let drilling =
        async { if demo.headless { drill(handle, shared).await } else { std::future::pending().await } };
    // Virtual time is held to so many plant seconds a second; tokio's clock counts them all.
    let left = demo
        .lasts
        .map(|lasts| lasts.saturating_sub(stage.began.elapsed()) * (demo.speed / shared.wire.speed));
    let mut drilled = None;
    {
        let ending = end(left, screen.as_mut());
        tokio::pin!(working, drilling, ending);
        loop {
            tokio::select! {
                result = &mut working => result?,
                done = &mut drilling, if drilled.is_none() => drilled = Some(done),
                _ = &mut ending => break,
            }
        }
    }
    screen.map_or(Ok(()), Screen::close)?;
    Ok((census.into_inner().unwrap_or_default(), drilled.flatten()))
}
