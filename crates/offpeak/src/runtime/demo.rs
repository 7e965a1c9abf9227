//! `offpeak demo`: the twin's machines behind real protocols, found and driven by the real loop.
//!
//! Up to ten times real time the machines stand behind sockets, on a thread of their own, and the
//! controller knows the plant through those sockets only. Above that the same codecs run over
//! in-memory streams in virtual time.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use jiff::Timestamp;
use offpeak_dispatch::Controller;
use offpeak_drivers::clock::Clock;
use offpeak_drivers::connect::Connector;
use offpeak_drivers::driver::Driver;
use offpeak_drivers::fronts::{Addressing, Fronts, Layout, Ports, serve};
use offpeak_drivers::scan::{Effort, Found, ScanRange, WebPort, scan};
use offpeak_site::{Authority, CircuitKind, Endpoint, Site};
use offpeak_store::Book;
use offpeak_twin::{Judge, Plant};
use serde::Serialize;
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::answer::Answers;
use super::live::{self, Shared, lock};
use super::plant_io::Wire;
use super::stage;
use super::story::Story;
use super::{demo_site, files};
use crate::cli;
use crate::commands::{DATA, load, print, print_json};
use crate::exit::Exit;
use crate::handle::SiteHandle;
use crate::view::CommandsView;

/// The fastest that sockets are run at.
pub(crate) const SOCKET_SPEED_MAX: u32 = 10;
/// Plant time from the opening to the drill.
const DRILL_AFTER: Duration = Duration::from_secs(150);
/// Plant time that the drill lasts.
const DRILL_LASTS: Duration = Duration::from_secs(90);

/// What to show.
#[derive(Clone, Debug)]
pub(crate) struct Demo {
    pub(crate) site: Site,
    pub(crate) seed: u64,
    pub(crate) speed: u32,
    pub(crate) dir: PathBuf,
    /// No screen: a drill instead, and a report.
    pub(crate) headless: bool,
    /// Wall time; without it until the screen is left.
    pub(crate) lasts: Option<Duration>,
}

/// What a headless demo did.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    site: String,
    machines: usize,
    found: usize,
    /// Machines that did not answer the scan: none, or behind an open outlet.
    not_found: Vec<String>,
    transport: String,
    speed: u32,
    seed: u64,
    plant_from: Timestamp,
    plant_to: Timestamp,
    plant_s: f64,
    wall_ms: u128,
    ready_ms: u128,
    cycles: u64,
    polls: u64,
    power_kw: Option<f64>,
    limit_kw: Option<f64>,
    commands: CommandsView,
    drill: Option<Drill>,
    /// Judged on the twin's noise-free power.
    limit_excess_count: u64,
    checker_vetoes: u64,
}

/// A stop of one hall and its end.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Drill {
    circuit: String,
    at: Timestamp,
    hashing_before: u32,
    sleeps_confirmed: u64,
    /// Plant time until none hashed or was on its way; `null` if that was not seen.
    all_off_after_s: Option<f64>,
    hashing_after: u32,
}

/// The parts that every demo has.
struct Stage {
    shared: Arc<Shared>,
    controller: Controller,
    began: Instant,
    plant_from: Timestamp,
    transport: &'static str,
    found: usize,
    not_found: Vec<String>,
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
        dir: PathBuf::from(DATA).join("demo"),
        headless: args.headless,
        lasts: args.lasts,
    })?;
    let Some(report) = report else { return Ok(Exit::Done) };
    if json {
        print_json(&report)?
    } else {
        print(&report.to_string())?
    }
    Ok(if report.limit_excess_count == 0 { Exit::Done } else { Exit::LimitExceeded })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let commands = self.commands;
        writeln!(
            f,
            "{}: {} of {} machines found over {}",
            self.site, self.found, self.machines, self.transport
        )?;
        writeln!(f, "plant time {} to {}, {} times real time", self.plant_from, self.plant_to, self.speed)?;
        writeln!(f, "wakes      {} sent, {} confirmed", commands.wakes_issued, commands.wakes_confirmed)?;
        writeln!(f, "sleeps     {} sent, {} confirmed", commands.sleeps_issued, commands.sleeps_confirmed)?;
        if let Some(drill) = &self.drill {
            let off = drill
                .all_off_after_s
                .map_or_else(|| "not seen".to_owned(), |after| format!("after {after:.0} s"));
            writeln!(
                f,
                "drill      {} stopped at {}: {} machines, all off {off}",
                drill.circuit, drill.at, drill.hashing_before
            )?;
        }
        write!(f, "excess     {} second(s) above a limit", self.limit_excess_count)
    }
}

/// Runs a demo.
pub(crate) fn demo(mut demo: Demo) -> Result<Option<Report>> {
    let began = Instant::now();
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
    let (plant, _, past) = stage::with_past(&site, &stage::demo_scenario(), demo.seed, at);
    Ok((plant, layout, past))
}

/// A fresh book for each demo: it is a plant's that was never built.
fn open_book(demo: &Demo) -> Result<Arc<Book>> {
    // Opened once first: the book of a demo that is running is refused here, and left alone.
    drop(Book::open(&files::book(&demo.dir)?)?);
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
            Ok(result) => result.map(|()| None).context("the twin cannot be served"),
            Err(_) => bail!("the twin's thread panicked"),
        };
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let wire = Wire { connector: Connector::Tcp, clock: fronts.clock(), speed };
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
        let wire = Wire { connector: fronts.connector(), clock: fronts.clock(), speed: 1 };
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
    let mut site = demo.site.clone();
    let (found, not_found) = discover(&mut site, &wire).await?;
    let site = Arc::new(site);
    let controller = Controller::new(Arc::clone(&site), live::recall(&site, &book)?);
    let plant_from = wire.clock.now();
    let judge = Arc::new(Mutex::new(Judge::new(&site, fronts.with(|plant| plant.now()))));
    let watching = Arc::clone(&judge);
    fronts.watch(move |plant| lock(&watching).observe(plant));
    let shared = Shared::new(site, wire, book, Some(past))?;
    let stage = Stage { shared, controller, began, plant_from, transport, found, not_found };
    let handle = Arc::new(Answers::new(Arc::clone(&stage.shared), demo.speed, transport));
    let _server = crate::socket::serve(Arc::clone(&handle) as Arc<dyn SiteHandle>, &demo.dir)?;
    let ready_ms = began.elapsed().as_millis();
    let shared = Arc::clone(&stage.shared);
    let lasts = demo.lasts;
    let over = Arc::new(AtomicBool::new(false));
    let screen = (!demo.headless).then(|| show(Arc::clone(&handle), lasts, Arc::clone(&over)));
    let drill =
        async { if demo.headless { drill(&handle, &shared).await } else { std::future::pending().await } };
    let mut drilled = None;
    {
        let looping = live::run(Arc::clone(&shared), stage.controller.clone());
        tokio::pin!(looping, drill);
        // Virtual time is held to so many plant seconds a second; tokio's clock counts them all.
        let left =
            lasts.map(|lasts| lasts.saturating_sub(began.elapsed()) * (demo.speed / shared.wire.speed));
        let ending = end(left, Arc::clone(&over));
        tokio::pin!(ending);
        loop {
            tokio::select! {
                result = &mut looping => result?,
                done = &mut drill, if drilled.is_none() => drilled = Some(done),
                () = &mut ending => break,
            }
        }
    }
    over.store(true, Ordering::Relaxed);
    if let Some(screen) = screen {
        screen.join().map_err(|_| anyhow!("the screen panicked"))??;
    }
    let excess = lock(&judge).verdict().seconds;
    Ok(demo.headless.then(|| report(&demo, &stage, &handle, drilled.flatten(), ready_ms, excess)))
}

/// After so long on tokio's clock, or when the screen is left.
async fn end(left: Option<Duration>, over: Arc<AtomicBool>) {
    let late = async {
        match left {
            Some(left) => sleep(left).await,
            None => std::future::pending().await,
        }
    };
    let shut = async {
        while !over.load(Ordering::Relaxed) {
            sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        () = late => {}
        () = shut => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

fn show(
    handle: Arc<Answers>,
    lasts: Option<Duration>,
    over: Arc<AtomicBool>,
) -> std::thread::JoinHandle<Result<()>> {
    std::thread::spawn(move || {
        let until = lasts.map(|lasts| Instant::now() + lasts);
        let result = crate::screen::run(handle, until, Arc::clone(&over));
        over.store(true, Ordering::Relaxed);
        result
    })
}

/// Finds the machines by asking every address of their networks who is there, and writes down what
/// the scan learned of each.
async fn discover(site: &mut Site, wire: &Wire) -> Result<(usize, Vec<String>)> {
    let endpoints: Vec<Endpoint> = site.machines.iter().filter_map(|machine| machine.endpoint).collect();
    let driver = Driver::new(wire.connector.clone(), wire.clock);
    let mut by_web: std::collections::BTreeMap<u16, Vec<Endpoint>> = std::collections::BTreeMap::new();
    for endpoint in endpoints {
        by_web.entry(endpoint.http_port).or_default().push(endpoint);
    }
    let mut known = std::collections::BTreeMap::new();
    for (web, endpoints) in by_web {
        let ranges = networks(&endpoints)?;
        let found = scan(&driver, &ranges, WebPort::Fixed(web), Effort::default(), |_| {}).await;
        for (endpoint, what) in found.found {
            if let Found::Machine(identity) = what {
                known.insert(endpoint, identity);
            }
        }
    }
    let mut not_found = Vec::new();
    for machine in &mut site.machines {
        match machine.endpoint.and_then(|endpoint| known.remove(&endpoint)) {
            Some(identity) => {
                machine.mac = machine.mac.or(identity.mac);
                machine.serial = machine.serial.take().or(identity.serial);
            }
            None => not_found.push(machine.id.clone()),
        }
    }
    Ok((site.machines.len() - not_found.len(), not_found))
}

/// The ranges that hold these endpoints: one for each /24 and port, from the first to the last.
fn networks(endpoints: &[Endpoint]) -> Result<Vec<ScanRange>> {
    let mut spans: std::collections::BTreeMap<(Vec<u8>, u16), (std::net::IpAddr, std::net::IpAddr)> =
        std::collections::BTreeMap::new();
    for endpoint in endpoints {
        let std::net::IpAddr::V4(ip) = endpoint.ip else { bail!("{} is not an IPv4 address", endpoint.ip) };
        let network = (ip.octets()[..3].to_vec(), endpoint.api_port);
        let span = spans.entry(network).or_insert((endpoint.ip, endpoint.ip));
        *span = (span.0.min(endpoint.ip), span.1.max(endpoint.ip));
    }
    let range = |((_, port), (first, last)): (_, (std::net::IpAddr, std::net::IpAddr))| {
        let (_, port): (Vec<u8>, u16) = (Vec::new(), port);
        format!("{first}-{last}:{port}").parse::<ScanRange>().map_err(anyhow::Error::from)
    };
    spans.into_iter().map(range).collect()
}

/// Some time after the opening: one hall is stopped, and started again when it is off.
async fn drill(handle: &Answers, shared: &Shared) -> Option<Drill> {
    let wire = &shared.wire;
    let second = wire.real(Duration::from_secs(1));
    while !is_open(shared) {
        sleep(second).await;
    }
    sleep(wire.real(DRILL_AFTER)).await;
    let circuit = shared.site().circuits.iter().find(|(_, c)| c.kind == CircuitKind::Hall)?.1.id.clone();
    let hashing = |handle: &Answers| {
        let view = handle.view(0);
        view.halls
            .iter()
            .find(|hall| hall.id == circuit)
            .map_or(0, |hall| hall.counts.running + hall.counts.rising)
    };
    let (hashing_before, counts_before) = (hashing(handle), counts(shared));
    let at = handle.view(0).at;
    handle.stop(Some(&circuit), "drill").ok()?;
    let mut drill = Drill {
        circuit: circuit.clone(),
        at,
        hashing_before,
        sleeps_confirmed: 0,
        all_off_after_s: None,
        hashing_after: hashing_before,
    };
    let mut passed = Duration::ZERO;
    while passed < DRILL_LASTS {
        sleep(second).await;
        passed += Duration::from_secs(1);
        let hall = handle.view(0).halls.into_iter().find(|hall| hall.id == circuit)?;
        drill.hashing_after = hall.counts.running + hall.counts.rising;
        let on = drill.hashing_after + hall.counts.falling;
        if on == 0 && drill.all_off_after_s.is_none() {
            drill.all_off_after_s = Some(at.duration_until(handle.view(0).at).as_secs_f64());
        }
    }
    drill.sleeps_confirmed = counts(shared).sleeps_confirmed - counts_before.sleeps_confirmed;
    handle.resume(Some(&circuit)).ok()?;
    Some(drill)
}

fn counts(shared: &Shared) -> CommandsView {
    lock(&shared.story).counts
}

fn is_open(shared: &Shared) -> bool {
    lock(&shared.latest).as_ref().is_some_and(|latest| latest.cycle.envelope.contract.open)
}

fn report(
    demo: &Demo,
    stage: &Stage,
    handle: &Answers,
    drill: Option<Drill>,
    ready_ms: u128,
    limit_excess_count: u64,
) -> Report {
    let view = handle.view(0);
    Report {
        site: view.site,
        machines: demo.site.machines.len(),
        found: stage.found,
        not_found: stage.not_found.clone(),
        transport: stage.transport.to_owned(),
        speed: demo.speed,
        seed: demo.seed,
        plant_from: stage.plant_from,
        plant_to: view.at,
        plant_s: stage.plant_from.duration_until(view.at).as_secs_f64(),
        wall_ms: stage.began.elapsed().as_millis(),
        ready_ms,
        cycles: lock(&stage.shared.story).cycles,
        polls: stage.shared.polls.load(Ordering::Relaxed),
        power_kw: view.power_kw,
        limit_kw: view.limit.map(|limit| limit.limit_kw),
        commands: view.commands,
        drill,
        limit_excess_count,
        checker_vetoes: view.checker_vetoes,
    }
}
