//! Circuits, what is ordered on them, and the floor as views.
//!
//! Not here: the site as a whole and single machines (`views`).

use std::collections::BTreeMap;

use jiff::Timestamp;
use offpeak_dispatch::{Directives, Standing};
use offpeak_server::Columns;
use offpeak_server::view::{
    CircuitView, CommandRecord, CountsView, DirectivesView, FloorView, LockoutView, StatesView, StopView,
};
use offpeak_site::{Authority, CircuitIx, Reading, Site};
use offpeak_store::{Given, PastChange};
use offpeak_units::{Efficiency, Power};

use super::live::Latest;
use super::orders;
use super::views::{block_view, count, limit_view};

pub(super) fn command(of: PastChange) -> CommandRecord {
    CommandRecord {
        generation: of.generation,
        action: of.action,
        at: of.at,
        state: of.state,
        detail: of.detail,
    }
}

pub(super) fn circuits(site: &Site, latest: Option<&Latest>) -> Vec<CircuitView> {
    let mut counts = vec![CountsView::default(); site.circuits.len()];
    for (ix, machine) in site.machines() {
        let standing = latest.map_or(Standing::Unknown, |latest| latest.cycle.loads.standings[ix.ix()]);
        for above in site.circuits.path(machine.circuit) {
            count(&mut counts[above.ix()], standing);
        }
    }
    let kw = Power::to_kilowatts_f64;
    let view = |(ix, circuit): (CircuitIx, &offpeak_site::Circuit)| {
        let load = latest.map(|latest| latest.cycle.loads.circuit(ix));
        let limits = latest.map(|latest| latest.cycle.envelope.circuit(ix));
        CircuitView {
            id: circuit.id.clone(),
            kind: circuit.kind.name().to_owned(),
            parent: circuit.parent.map(|parent| site.circuits.get(parent).id.clone()),
            authority: if circuit.authority == Authority::Control { "control" } else { "observe" }.to_owned(),
            rating_kw: circuit.rating.map(kw),
            meter: circuit.meter.map(|meter| site.meters[meter.ix()].id.clone()),
            power_kw: load.and_then(|load| load.measured).map(kw),
            upper_kw: load.map(|load| kw(load.upper)),
            floor_kw: load.map(|load| kw(load.floor)),
            limit: limits.and_then(|limits| limits.binding.as_ref().map(|limit| limit_view(site, limit))),
            block: limits.and_then(|limits| block_view(site, limits)),
            counts: counts[ix.ix()],
        }
    };
    site.circuits.iter().map(view).collect()
}

pub(super) fn directives(
    site: &Site,
    directives: &Directives,
    givers: &BTreeMap<u64, Given>,
) -> DirectivesView {
    let name = |circuit: CircuitIx| site.circuits.get(circuit).id.clone();
    let stops = directives.stops.iter();
    let lockouts = directives.lockouts.iter();
    DirectivesView {
        stops: stops
            .map(|of| StopView { circuit: name(of.circuit), at: of.at, reason: of.reason.clone() })
            .collect(),
        lockouts: lockouts
            .map(|of| LockoutView { circuit: name(of.circuit), at: of.at, by: of.by.clone() })
            .collect(),
        orders: directives
            .orders
            .iter()
            .map(|order| orders::view(site, order, givers.get(&order.id)))
            .collect(),
    }
}

pub(super) fn floor(site: &Site) -> FloorView {
    let machines = || site.machines().map(|(_, machine)| machine);
    FloorView {
        circuits: site.circuits.iter().map(|(_, circuit)| circuit.id.clone()).collect(),
        models: site.models.iter().map(|model| model.name.clone()).collect(),
        owners: site.owners.iter().map(|owner| owner.id.clone()).collect(),
        id: machines().map(|machine| machine.id.clone()).collect(),
        circuit: machines().map(|machine| machine.circuit.0).collect(),
        model: machines().map(|machine| machine.model.ix() as u32).collect(),
        owner: machines().map(|machine| machine.owner.0.into()).collect(),
    }
}

const fn letter(standing: Standing) -> char {
    match standing {
        Standing::Running => 'r',
        Standing::Rising => 'u',
        Standing::Falling => 'd',
        Standing::Asleep => 's',
        Standing::Cut => 'c',
        Standing::Failed => 'f',
        Standing::Unknown => '?',
    }
}

pub(super) fn states(latest: &Latest, columns: Columns) -> StatesView {
    let readings = || latest.snapshot.machines.iter().map(|seen| seen.reading);
    let at = latest.cycle.at;
    let whole = |value: f64| (value.is_finite() && value >= 0.0).then(|| value.round().min(4e9) as u32);
    let temperature = |reading: Reading| reading.temperature.map(|t| t.to_celsius_f64().round() as i16);
    let efficiency = |reading: Reading| {
        let efficiency = Efficiency::of(reading.power?, reading.hash_rate?)?;
        whole(efficiency.to_joules_per_terahash_f64() * 10.0)
    };
    let power = |reading: Reading| whole(reading.power?.to_watts_f64());
    let age = |reading: Reading| u32::try_from(reading.at.duration_until(at).as_secs()).ok();
    StatesView {
        at,
        state: latest.cycle.loads.standings.iter().map(|standing| letter(*standing)).collect(),
        temperature_c: columns.temperature.then(|| readings().map(|r| r.and_then(temperature)).collect()),
        power_w: columns.power.then(|| readings().map(|r| r.and_then(power)).collect()),
        efficiency_dj_per_th: columns
            .efficiency
            .then(|| readings().map(|r| r.and_then(efficiency)).collect()),
        age_s: columns.age.then(|| readings().map(|r| r.and_then(age)).collect()),
    }
}

/// Before the first cycle.
pub(super) fn no_states(at: Timestamp, machines: usize) -> StatesView {
    StatesView { at, state: "?".repeat(machines), ..StatesView::default() }
}
