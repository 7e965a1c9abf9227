//! The drill of a headless demo: some time after the opening one hall is stopped, and started again when it
//! is off.

use std::time::Duration;

use jiff::Timestamp;
use offpeak_site::CircuitKind;
use serde::Serialize;
use tokio::time::sleep;

use crate::runtime::answer::Answers;
use crate::runtime::live::{Shared, lock};
use offpeak_server::view::CommandsView;
use offpeak_server::{By, SiteHandle as _};

/// Plant time from the opening to the drill.
const DRILL_AFTER: Duration = Duration::from_secs(150);
/// Plant time that the drill lasts.
const DRILL_LASTS: Duration = Duration::from_secs(90);

/// Who stops the hall, and why.
const DRILL: By<'_> = By { who: "the demo", why: "drill" };

/// A stop of one hall and its end.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Drill {
    pub(super) circuit: String,
    pub(super) at: Timestamp,
    pub(super) hashing_before: u32,
    sleeps_confirmed: u64,
    /// Plant time until none hashed or was on its way; `null` if that was not seen.
    pub(super) all_off_after_s: Option<f64>,
    hashing_after: u32,
}

/// Some time after the opening: one hall is stopped, and started again when it is off.
pub(super) async fn drill(handle: &Answers, shared: &Shared) -> Option<Drill> {
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
    handle.stop(Some(&circuit), DRILL).ok()?;
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
    handle.resume(Some(&circuit), DRILL).ok()?;
    Some(drill)
}

fn counts(shared: &Shared) -> CommandsView {
    lock(&shared.story).counts
}

fn is_open(shared: &Shared) -> bool {
    lock(&shared.latest).as_ref().is_some_and(|latest| latest.cycle.envelope.contract.open)
}
