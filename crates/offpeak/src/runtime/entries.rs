//! What a cycle and a site come to as entries of the book.

use offpeak_dispatch::{BatchVerdict, CommandState, Cycle, FanTransition, Memory, Standing, Transition};
use offpeak_site::{CircuitIx, Site};
use offpeak_store::{Change, MachineState, MeterVerdict, PlanSummary, Standing as Place};

/// A command's change of state.
pub(super) fn change(site: &Site, memory: &Memory, of: &Transition) -> Change {
    let remembered = &memory.machines[of.machine.ix()];
    let (state, detail) = state_words(&of.state);
    Change {
        generation: of.generation,
        machine: site.machine(of.machine).id.clone(),
        action: of.action.to_string(),
        at: of.at,
        state,
        detail,
        now: Some(MachineState {
            started_at: remembered.started_at,
            cut: remembered.cut,
            disobeys: remembered.disobeys,
        }),
    }
}

/// A command to fans and its change of state.
pub(super) fn fan_change(site: &Site, of: &FanTransition) -> Change {
    let (state, detail) = state_words(&of.state);
    Change {
        generation: of.generation,
        machine: site.fans[of.fans.ix()].id.clone(),
        action: super::fan_views::action(of).to_owned(),
        at: of.at,
        state,
        detail,
        now: None,
    }
}

/// A command's state in a word, and the machine's words where there are any.
pub(super) fn state_words(state: &CommandState) -> (&'static str, Option<String>) {
    match state {
        CommandState::Issued => ("issued", None),
        CommandState::Accepted => ("accepted", None),
        CommandState::Confirmed => ("confirmed", None),
        CommandState::Refused(words) => ("refused", Some(words.clone())),
        CommandState::Unanswered(trouble) => ("unanswered", Some(trouble.to_string())),
        CommandState::TimedOut => ("timed out", None),
        CommandState::Superseded => ("superseded", None),
    }
}

/// What a meter makes of a batch.
pub(super) fn verdict(site: &Site, of: &BatchVerdict) -> MeterVerdict {
    MeterVerdict {
        circuit: site.circuits.get(of.circuit).id.clone(),
        since: of.since,
        until: of.until,
        commands: of.commands,
        confirmed: of.confirmed,
        least: of.least,
        most: of.most,
        measured: of.measured,
        tolerance: of.tolerance,
        says: of.says.to_string(),
    }
}

/// Plans by the minute: what the last one came to, and how much was commanded and objected to.
#[derive(Debug, Default)]
pub(super) struct Minutes {
    minute: Option<i64>,
    commands: u32,
    vetoes: u32,
}

impl Minutes {
    /// Counts a cycle; the first of a minute gives the summary of the one before.
    pub(super) fn add(&mut self, cycle: &Cycle) -> Option<PlanSummary> {
        let minute = cycle.at.as_second().div_euclid(60);
        let over = self.minute.replace(minute).is_some_and(|before| before < minute);
        let summary = over.then(|| summary(cycle, self.commands, self.vetoes));
        if over {
            (self.commands, self.vetoes) = (0, 0);
        }
        self.commands += u32::try_from(cycle.commands.len()).unwrap_or(u32::MAX);
        self.vetoes += u32::try_from(cycle.vetoes.len()).unwrap_or(u32::MAX);
        summary
    }
}

fn summary(cycle: &Cycle, commands: u32, vetoes: u32) -> PlanSummary {
    let load = cycle.loads.circuit(CircuitIx::ROOT);
    let binding = cycle.envelope.circuit(CircuitIx::ROOT).binding;
    let count = |standing| cycle.loads.standings.iter().filter(|found| **found == standing).count() as u32;
    let [running, rising, falling, asleep] =
        [Standing::Running, Standing::Rising, Standing::Falling, Standing::Asleep].map(count);
    PlanSummary {
        at: cycle.at,
        limit: binding.map(|limit| limit.power),
        source: binding.map_or_else(|| "nothing".to_owned(), |limit| limit.source.to_string()),
        measured: load.measured,
        expected: load.expected,
        running,
        rising,
        falling,
        asleep,
        other: cycle.loads.standings.len() as u32 - running - rising - falling - asleep,
        commands,
        vetoes,
    }
}

/// What stands where by the site file.
pub(super) fn places(site: &Site) -> Vec<Place> {
    let owner = |machine: &offpeak_site::Machine| {
        site.owners
            .get(usize::from(machine.owner.0))
            .map_or_else(|| "not named".to_owned(), |owner| owner.id.clone())
    };
    site.machines()
        .map(|(ix, machine)| Place {
            machine: machine.id.clone(),
            model: site.model_of(ix).name.clone(),
            owner: owner(machine),
            serial: machine.serial.clone(),
            mac: machine.mac.map(|mac| mac.to_string()),
        })
        .collect()
}

/// Who a change by the site file is by.
pub(super) const SITE_FILE: &str = "site file";
