//! `/metrics`: what a running site shows to Prometheus.
//!
//! [`exposition`] makes the text, whoever serves it; [`serve`] is a listener on this machine alone, since it asks
//! nobody who they are.

mod http;
mod text;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use offpeak_dispatch::{Standing, limits};
use offpeak_site::{CircuitKind, Site};
use offpeak_units::{Energy, Power};

pub(crate) use http::serve;
use text::{Exposition, Kind};

use super::live::{Latest, Shared, lock};
use super::story::hash_rate;
use super::views::state_name;

/// What a scraper is told that the text is.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything there is to tell of a running site now. What is not known is absent, never zero.
pub(crate) fn exposition(shared: &Shared) -> String {
    let site = shared.site();
    let latest = lock(&shared.latest).clone();
    let mut text = Exposition::default();
    let (id, version) = (site.id.as_str(), env!("CARGO_PKG_VERSION"));
    text.family(
        "offpeak",
        Kind::Info,
        "The site, and the version that runs it",
        [(vec![("site", id), ("version", version)], 1.0)],
    );
    if let Some(latest) = &latest {
        let age = latest.cycle.at.duration_until(shared.wire.clock.now()).as_secs_f64();
        text.one(
            "offpeak_cycle_age_seconds",
            Kind::Gauge,
            "Since the last control cycle, in plant time",
            Some(age),
        );
        circuits(&mut text, &site, latest);
        meters(&mut text, &site, latest);
        machines(&mut text, &site, latest);
    }
    counters(&mut text, shared);
    text.finish()
}

/// Circuits that are told of: PDUs and racks are too many.
fn is_told(kind: CircuitKind) -> bool {
    matches!(kind, CircuitKind::Connection | CircuitKind::Transformer | CircuitKind::Hall)
}

fn watts(power: Power) -> f64 {
    power.to_watts_f64()
}

fn circuits(text: &mut Exposition, site: &Site, latest: &Latest) {
    let told = || site.circuits.iter().filter(|(_, circuit)| is_told(circuit.kind));
    let measured = told().filter_map(|(ix, circuit)| {
        let power = latest.cycle.loads.circuit(ix).measured?;
        Some((vec![("circuit", circuit.id.as_str()), ("kind", circuit.kind.name())], watts(power)))
    });
    text.family("offpeak_power_watts", Kind::Gauge, "What a circuit draws, by its meter", measured);
    let expected = told().map(|(ix, circuit)| {
        (vec![("circuit", circuit.id.as_str())], watts(latest.cycle.loads.circuit(ix).expected))
    });
    text.family(
        "offpeak_expected_watts",
        Kind::Gauge,
        "What a circuit will draw when everything in flight has arrived",
        expected,
    );
    let limit = told().filter_map(|(ix, circuit)| {
        let binding = latest.cycle.envelope.circuit(ix).binding?;
        Some((vec![("circuit", circuit.id.as_str())], watts(binding.power)))
    });
    text.family("offpeak_limit_watts", Kind::Gauge, "The most a circuit may draw now", limit);
    let blocked = told().map(|(ix, circuit)| {
        let is_blocked = latest.cycle.envelope.circuit(ix).block.is_some();
        (vec![("circuit", circuit.id.as_str())], f64::from(u8::from(is_blocked)))
    });
    text.family("offpeak_blocked", Kind::Gauge, "Whether nothing may start below a circuit", blocked);
    let unmet =
        latest.cycle.plan.unmet.iter().map(|unmet| {
            (vec![("circuit", site.circuits.get(unmet.circuit).id.as_str())], watts(unmet.floor))
        });
    text.family(
        "offpeak_floor_above_limit_watts",
        Kind::Gauge,
        "What remains on a circuit whose limit cannot be met",
        unmet,
    );
}

fn meters(text: &mut Exposition, site: &Site, latest: &Latest) {
    let each = || site.meters.iter().zip(&latest.snapshot.meters);
    let labels = |meter: &'_ offpeak_site::Meter| -> (String, String) {
        (meter.id.clone(), site.circuits.get(meter.circuit).id.clone())
    };
    let names: Vec<(String, String)> = site.meters.iter().map(labels).collect();
    let named = |place: usize| vec![("meter", names[place].0.as_str()), ("circuit", names[place].1.as_str())];
    let age = |at: jiff::Timestamp| at.duration_until(latest.cycle.at);
    let up = each().enumerate().map(|(place, (_, reading))| {
        let speaks = reading.is_some_and(|reading| age(reading.at) <= limits::METER_STALE);
        (named(place), f64::from(u8::from(speaks)))
    });
    text.family("offpeak_meter_up", Kind::Gauge, "Whether a meter has spoken within 10 s", up);
    let ages = each()
        .enumerate()
        .filter_map(|(place, (_, reading))| Some((named(place), age(reading.as_ref()?.at).as_secs_f64())));
    text.family("offpeak_meter_age_seconds", Kind::Gauge, "Since a meter's last reading", ages);
    let energy = each().enumerate().filter_map(|(place, (_, reading))| {
        let joules = Energy::to_joules(reading.as_ref()?.energy?);
        Some((named(place), joules as f64))
    });
    text.family("offpeak_meter_energy_joules", Kind::Counter, "A meter's import register", energy);
}

const STANDINGS: [Standing; 7] = [
    Standing::Running,
    Standing::Rising,
    Standing::Falling,
    Standing::Asleep,
    Standing::Cut,
    Standing::Failed,
    Standing::Unknown,
];

fn machines(text: &mut Exposition, site: &Site, latest: &Latest) {
    let mut counts: BTreeMap<(&str, usize), u32> = BTreeMap::new();
    for ((_, machine), standing) in site.machines().zip(&latest.cycle.loads.standings) {
        let hall =
            site.circuits.hall_of(machine.circuit).map_or("", |hall| site.circuits.get(hall).id.as_str());
        let place = STANDINGS.iter().position(|known| known == standing).unwrap_or(STANDINGS.len() - 1);
        *counts.entry((hall, place)).or_default() += 1;
    }
    let halls: std::collections::BTreeSet<&str> = counts.keys().map(|(hall, _)| *hall).collect();
    let samples = halls.iter().flat_map(|hall| {
        let counts = &counts;
        STANDINGS.iter().enumerate().map(move |(place, standing)| {
            let count = counts.get(&(*hall, place)).copied().unwrap_or(0);
            (vec![("hall", *hall), ("state", state_name(*standing))], f64::from(count))
        })
    });
    text.family("offpeak_machines", Kind::Gauge, "Machines by hall and how they stand", samples);
    let hashes = hash_rate(&latest.snapshot).to_megahashes() as f64 * 1e6;
    text.one("offpeak_hash_rate", Kind::Gauge, "Hashes a second by the machines' own words", Some(hashes));
}

fn counters(text: &mut Exposition, shared: &Shared) {
    let (counts, vetoes, cycles) = {
        let story = lock(&shared.story);
        (story.counts, story.vetoes, story.cycles)
    };
    let states = [
        ("issued", counts.issued),
        ("confirmed", counts.confirmed),
        ("refused", counts.refused),
        ("unanswered", counts.unanswered),
        ("timed out", counts.timed_out),
        ("superseded", counts.superseded),
    ];
    let by = |key: &'static str, of: Vec<(&'static str, u64)>| {
        of.into_iter().map(move |(word, number)| (vec![(key, word)], number as f64))
    };
    text.family("offpeak_commands", Kind::Counter, "Commands by state", by("state", states.to_vec()));
    let verdicts = vec![
        ("agrees", counts.meter_agrees),
        ("disagrees", counts.meter_disagrees),
        ("machine only", counts.meter_cannot_tell),
    ];
    text.family(
        "offpeak_batches",
        Kind::Counter,
        "Batches of commands by what the meter says",
        by("meter", verdicts),
    );
    let polls = shared.polls.load(Ordering::Relaxed);
    for (name, help, value) in [
        ("offpeak_checker_objections", "Objections of the checker", vetoes),
        ("offpeak_cycles", "Control cycles", cycles),
        ("offpeak_readings", "Readings of machines tried", polls),
        ("offpeak_book_lost_changes", "Changes that the book did not take", shared.recorder.lost()),
    ] {
        text.one(name, Kind::Counter, help, Some(value as f64));
    }
    if let Some(recording) = &shared.recording {
        let tally = recording.tally();
        let fates = vec![
            ("taken", tally.taken),
            ("duplicate", tally.duplicates),
            ("refused", tally.refused),
            ("lost", tally.lost),
        ];
        text.family(
            "offpeak_lake_rows",
            Kind::Counter,
            "Rows for the lake by what became of them",
            by("fate", fates),
        );
        let bytes = tally.lake.space.bytes as f64;
        text.one("offpeak_lake_bytes", Kind::Gauge, "What the lake takes up on disk", Some(bytes));
        let free = tally.lake.space.free_bytes as f64;
        text.one("offpeak_lake_free_bytes", Kind::Gauge, "What is free on the lake's disk", Some(free));
        let help = "Whether room for the lake grows scarce (1) or is used up (2), by budget or disk";
        let room = f64::from(tally.lake.space.room as u8);
        text.one("offpeak_lake_room", Kind::Gauge, help, Some(room));
        let dropped = recording.dropped() as f64;
        let help = "Seconds of the loop that were not recorded: the recorder was behind";
        text.one("offpeak_recording_dropped_pictures", Kind::Counter, help, Some(dropped));
    }
}
