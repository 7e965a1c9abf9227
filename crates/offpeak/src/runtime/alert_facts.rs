//! What alerts are judged by: the last picture and what the process knows of itself, as facts.
//!
//! Not here: any judgement (`offpeak-alerts`).

use offpeak_alerts::{CircuitFact, Facts, MachineFact, MachineState, PoolFact};
use offpeak_dispatch::{CircuitLimit, Limit, Source, Standing};
use offpeak_drivers::poll::Known;
use offpeak_site::{Activity, CircuitKind, Site};
use offpeak_units::Power;

use super::answer::Answers;
use super::live::{Latest, lock};

/// How long a machine has hashed before its hash rate is judged: its own windows are shorter.
const SETTLED: jiff::SignedDuration = jiff::SignedDuration::from_mins(30);

pub(super) fn facts(answers: &Answers, site: &Site, latest: &Latest) -> Facts {
    let circuits = site.circuits.iter().map(|(ix, circuit)| {
        let (load, limits) = (latest.cycle.loads.circuit(ix), latest.cycle.envelope.circuit(ix));
        let limit = watched(limits);
        CircuitFact {
            id: circuit.id.clone(),
            parent: circuit.parent.map(|parent| parent.ix()),
            is_hall: circuit.kind == CircuitKind::Hall,
            metered: circuit.meter.is_some(),
            gateway: circuit
                .meter
                .and_then(|meter| site.meters[meter.ix()].modbus.as_ref())
                .map(|modbus| modbus.address.clone()),
            power_kw: load.measured.map(Power::to_kilowatts_f64),
            limit: limit.map(|limit| (limit.power.to_kilowatts_f64(), limit.source.describe(site))),
        }
    });
    Facts {
        at: latest.cycle.at,
        circuits: circuits.collect(),
        machines: machines(answers, site, latest),
        // Of the house it runs in, whoever judges finds out by themselves.
        disk_free: None,
        clock_off: None,
        signals: signals(site, latest),
        stalled: None,
        book_error: answers.shared.recorder.error(),
    }
}

/// The limit to watch. While the way down is under way the load follows its line; that is nothing to be told. A stop or a
/// lockout allows nothing, and what sleepers and fans draw remains: whoever does not obey it is told of by name, and
/// what would bind without it is watched.
fn watched(limits: &CircuitLimit) -> Option<Limit> {
    let is_block = |limit: &Limit| matches!(limit.source, Source::Stop | Source::Lockout);
    let binding =
        limits.binding.filter(|limit| !is_block(limit)).or(limits.next.filter(|limit| !is_block(limit)));
    binding.filter(|limit| !limit.source.is_glide())
}

fn machines(answers: &Answers, site: &Site, latest: &Latest) -> Vec<MachineFact> {
    let fleet = lock(&answers.shared.fleet).clone();
    let now = latest.cycle.at;
    let fact = |(ix, machine): (offpeak_site::MachineIx, &offpeak_site::Machine)| {
        let (seen, remembered) = (&latest.snapshot.machines[ix.ix()], &latest.memory.machines[ix.ix()]);
        let standing = latest.cycle.loads.standings[ix.ix()];
        let known = fleet.as_ref().and_then(|fleet| fleet.known(ix));
        let normal = site.model(machine.model).normal().hash_rate.to_terahashes_f64();
        let settled = remembered.hashing_since.is_some_and(|since| since.duration_until(now) >= SETTLED);
        let hashing = seen.reading.filter(|reading| {
            settled && standing == Standing::Running && reading.activity == Activity::Hashing && normal > 0.0
        });
        MachineFact {
            id: machine.id.clone(),
            circuit: machine.circuit.ix(),
            state: match standing {
                Standing::Running => MachineState::Running,
                Standing::Unknown | Standing::Failed => MachineState::Lost,
                _ => MachineState::Other,
            },
            temperature_c: seen.reading.and_then(|reading| reading.temperature).map(|t| t.to_celsius_f64()),
            hash_share: hashing
                .and_then(|reading| reading.hash_rate)
                .map(|rate| rate.to_terahashes_f64() / normal),
            firmware: known.as_ref().and_then(|known| known.identity.firmware.clone()),
            owner: site.owners[usize::from(machine.owner.0)].id.clone(),
            pool: known.as_ref().and_then(|known| pool(known)),
            disobeys: remembered.is_disobedient(site.model_of(ix)),
        }
    };
    site.machines().map(fact).collect()
}

/// The pool that is in use or, where no machine says which, the first.
fn pool(known: &Known) -> Option<PoolFact> {
    let pools = known.details.as_ref()?.pools.as_ref()?;
    let used = pools.iter().find(|pool| pool.is_active == Some(true)).or_else(|| pools.first())?;
    Some(PoolFact { url: used.url.clone()?, user: used.user.clone()? })
}

/// How old the last word of each of the grid's signals is.
fn signals(site: &Site, latest: &Latest) -> Vec<(String, Option<jiff::SignedDuration>)> {
    let words = &latest.snapshot.directives.feeds.signals;
    let age = |place: &usize| words.get(place).map(|word| word.at.duration_until(latest.cycle.at));
    site.rules.signals.iter().enumerate().map(|(place, signal)| (signal.id.clone(), age(&place))).collect()
}

#[cfg(test)]
mod tests {
    use offpeak_server::{By, MachineQuery, SiteHandle as _};
    use offpeak_site::{MachineIx, Measure};
    use offpeak_twin::{Fault, Pinned, Scenario};

    use super::super::ahead::live_tests::{mine_with, until};
    use super::super::ahead::tests::site;
    use super::*;

    fn limit(kw: i64, source: Source) -> Option<Limit> {
        let power = Power::from_kilowatts(kw);
        Some(Limit { power, source, until: None, measure: Measure::Instant, holds: false, nominal: power })
    }
    fn watched_of(binding: Option<Limit>, next: Option<Limit>) -> Option<Source> {
        watched(&CircuitLimit { binding, next, ..CircuitLimit::default() }).map(|limit| limit.source)
    }

    #[test]
    fn what_remains_under_a_stop_is_held_to_the_limit_behind_it() {
        assert_eq!(
            watched_of(limit(100, Source::Contract), limit(150, Source::Rating)),
            Some(Source::Contract)
        );
        assert_eq!(watched_of(limit(0, Source::Stop), limit(150, Source::Rating)), Some(Source::Rating));
        assert_eq!(watched_of(limit(0, Source::Lockout), limit(0, Source::Stop)), None);
        assert_eq!(watched_of(limit(90, Source::ContractClosing), limit(150, Source::Rating)), None);
        assert_eq!(
            watched_of(limit(0, Source::Emergency(3)), limit(150, Source::Rating)),
            Some(Source::Emergency(3))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_machine_that_was_cut_because_it_did_not_sleep_is_told_everywhere() {
        let site = site();
        let place = site.machines.iter().position(|machine| machine.outlet.is_some()).unwrap();
        let id = site.machines[place].id.clone();
        let pinned = [(MachineIx(place as u32), Pinned::always(Fault::IgnoresCommands))].into();
        let dir = tempfile::tempdir().unwrap();
        let (_shared, answers) = mine_with(site, Scenario { pinned, ..Scenario::healthy() }, dir.path());
        until("the first cycle", || answers.latest().is_some()).await;
        answers.stop(None, By { who: "anna", why: "test" }).unwrap();
        let machine = || answers.machine(&id).unwrap().unwrap();
        until("it is cut", || machine().state == "cut").await;
        until("nothing else is on", || answers.view(0).counts.running == 0).await;
        let shown = machine();
        let trouble = shown.trouble.unwrap();
        assert!(trouble.contains("did not go to sleep, so its outlet is off"), "{trouble}");
        assert_eq!((shown.power_w, shown.hash_rate_ths, shown.temperature_c), (None, None, None));
        let query = MachineQuery { trouble: Some(true), limit: 10, ..MachineQuery::default() };
        let found = answers.machines(&query).unwrap().machines;
        assert_eq!(found.iter().map(|machine| machine.id.as_str()).collect::<Vec<_>>(), [id.as_str()]);
        let facts = answers.facts().unwrap();
        let told: Vec<_> = facts.machines.iter().filter(|machine| machine.disobeys).collect();
        assert_eq!(told.iter().map(|machine| machine.id.as_str()).collect::<Vec<_>>(), [id.as_str()]);
        let alarms = answers.view(0).alarms;
        let alarm = "1 machine(s) do not obey, and were cut at their outlets; see `offpeak machines`";
        assert!(alarms.iter().any(|text| text == alarm), "{alarms:?}");
    }
}
