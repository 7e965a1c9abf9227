//! A sleep order to 5,000 machines of all kinds: how soon it reaches the last one, and how soon every machine has
//! shown by its own reading that it obeyed; and that every circuit's own meter shows it too. The twin is in this
//! process, so that the machines' own time is known.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use offpeak_drivers::clock::Clock;
use offpeak_drivers::connect::Connector;
use offpeak_drivers::driver::Driver;
use offpeak_drivers::fronts::{Fronts, Layout};
use offpeak_drivers::modbus::{ModbusMeter, RegisterMap};
use offpeak_drivers::poll::{Fleet, Poller};
use offpeak_site::{Action, Activity, MachineIx, Outcome};
use offpeak_twin::{Initial, Plant, Scenario};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::fleet::{KINDS, Kind, Written, addressing, targets};
use super::{Figures, in_own_process};
use crate::commands::load;
use crate::runtime::{plant_io, stage};

const MACHINES: u32 = 5_000;
/// For the first round of readings, and for machines to fall asleep.
const PATIENCE: Duration = Duration::from_secs(180);
/// Five standard errors of a meter of class 1.
const METER_ERROR: f64 = 0.05;

pub(super) fn of_all_kinds() -> Result<Figures> {
    let kinds: Vec<&Kind> = KINDS.iter().collect();
    let site = Written::new(MACHINES, &kinds)?;
    in_own_process("shed", &site.path)
}

pub(super) fn shed_here(path: &Path) -> Result<Figures> {
    let mut site = load(path)?.context("the site file has mistakes")?;
    let layout = Layout::plan(&site, addressing())?;
    layout.apply(&mut site);
    let site = Arc::new(site);
    let start = stage::opening(&site);
    let scenario = Scenario { initial: Initial::Running, ..Scenario::healthy() };
    let plant = Plant::new(Arc::clone(&site), &scenario, 1, start);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let fronts = Fronts::new(plant, layout, Clock::starting_at(start))?;
        let _listening = fronts.listen()?;
        let fleet = Arc::new(Fleet::new(Driver::new(Connector::Tcp, fronts.clock()), targets(&site)));
        let poller = Poller::new(Arc::clone(&fleet), plant_io::pace_at_speed_one());
        let rotation = tokio::spawn(async move { poller.run().await });
        let shown = shed(&fronts, &fleet).await;
        rotation.abort();
        shown
    })
}

fn read_as(fleet: &Fleet, activity: Activity) -> usize {
    let mut count = 0;
    fleet.each(|_, latest| {
        count += usize::from(latest.reading.is_some_and(|reading| reading.activity == activity));
    });
    count
}

/// Watts by each circuit's own meter, over its protocol, and as they are.
async fn metered(fronts: &Fronts) -> Result<Vec<(f64, f64)>> {
    let map = RegisterMap::named("offpeak-twin").context("the twin's own register map")?;
    let mut told = Vec::new();
    for (place, at) in fronts.layout().meters().iter().enumerate() {
        let within = Duration::from_secs(5);
        let mut meter = ModbusMeter::new(Connector::Tcp, fronts.clock(), at.clone(), map.clone(), within);
        let watts = meter.read().await?.power.to_watts_f64();
        let true_watts = fronts.with(|plant| {
            let circuit = plant.site().meters[place].circuit;
            plant.circuit_power(circuit).to_watts_f64()
        });
        told.push((watts, true_watts));
    }
    Ok(told)
}

/// Each meter has seen its machines go, within a few of its standard errors of what it read before.
fn ensure_metered(before: &[(f64, f64)], after: &[(f64, f64)]) -> Result<()> {
    ensure!(!before.is_empty() && before.len() == after.len(), "no meter has seen the batch");
    for (place, (before, after)) in before.iter().zip(after).enumerate() {
        let (told, truly) = (before.0 - after.0, before.1 - after.1);
        ensure!(truly > before.1 / 2.0, "meter {place}: {truly} W of {} W went", before.1);
        ensure!(
            (told - truly).abs() < before.1 * METER_ERROR,
            "meter {place} shows {told} W gone, {truly} W went"
        );
    }
    Ok(())
}

async fn shed(fronts: &Fronts, fleet: &Arc<Fleet>) -> Result<Figures> {
    let all = fleet.len();
    let ready = async {
        while read_as(fleet, Activity::Hashing) < all {
            sleep(Duration::from_millis(100)).await;
        }
    };
    ensure!(timeout(PATIENCE, ready).await.is_ok(), "not every machine was read as hashing");
    let machines: Vec<MachineIx> = fronts.with(|plant| plant.site().machines().map(|(ix, _)| ix).collect());
    fleet.keep_armed(&machines).await;
    let before = metered(fronts).await?;

    let places = Arc::new(Semaphore::new(plant_io::COMMANDS_MAX));
    let (ordered, mut orders) = (Instant::now(), JoinSet::new());
    for &machine in &machines {
        let (fleet, places) = (Arc::clone(fleet), Arc::clone(&places));
        orders.spawn(async move {
            let _place = places.acquire().await;
            (fleet.command(machine, Action::Sleep).await, ordered.elapsed())
        });
    }
    let (mut reached, mut accepted) = (Duration::ZERO, 0);
    while let Some(done) = orders.join_next().await {
        let (outcome, after) = done?;
        ensure!(outcome == Outcome::Accepted, "an order ended otherwise: {outcome:?}");
        (reached, accepted) = (reached.max(after), accepted + 1);
    }
    ensure!(accepted == machines.len(), "{accepted} of {} machines were reached", machines.len());

    // By machine: when it slept, and when it was read as asleep.
    let mut slept: Vec<Option<Duration>> = vec![None; machines.len()];
    let mut seen = slept.clone();
    while seen.iter().any(Option::is_none) {
        ensure!(ordered.elapsed() < PATIENCE, "not every machine was read as asleep");
        sleep(Duration::from_millis(100)).await;
        let since = ordered.elapsed();
        fronts.with(|plant| {
            for (slept, machine) in slept.iter_mut().zip(&machines) {
                if slept.is_none() && plant.truth(*machine).activity == Some(Activity::Asleep) {
                    *slept = Some(since);
                }
            }
        });
        fleet.each(|machine, latest| {
            let asleep = latest.reading.is_some_and(|reading| reading.activity == Activity::Asleep);
            let seen = &mut seen[machine.ix()];
            if asleep && seen.is_none() {
                *seen = Some(since);
            }
        });
    }
    ensure_metered(&before, &metered(fronts).await?)?;
    let mut by_family = BTreeMap::new();
    for (slept, machine) in slept.iter().zip(&machines) {
        let family = fronts.with(|plant| plant.site().model_of(*machine).family);
        let last: &mut Duration = by_family.entry(family).or_default();
        *last = (*last).max(slept.unwrap_or_default());
    }
    let last = |times: &[Option<Duration>]| times.iter().flatten().max().copied().unwrap_or_default();
    let notice = slept.iter().zip(&seen).filter_map(|(slept, seen)| Some((*seen)?.saturating_sub((*slept)?)));
    let mut figures = Figures::from([
        ("shed_5000_reached_s".to_owned(), reached.as_secs_f64()),
        ("shed_5000_asleep_s".to_owned(), last(&slept).as_secs_f64()),
        ("shed_5000_confirmed_s".to_owned(), last(&seen).as_secs_f64()),
        ("shed_5000_noticed_within_s".to_owned(), notice.max().unwrap_or_default().as_secs_f64()),
    ]);
    let of_family = |family: offpeak_site::Family| family.name().replace('-', "_");
    figures.extend(
        by_family
            .into_iter()
            .map(|(family, last)| (format!("shed_5000_asleep_{}_s", of_family(family)), last.as_secs_f64())),
    );
    Ok(figures)
}
