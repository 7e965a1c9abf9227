//! What a site shows of itself: one shape for the local socket, `--json` and the terminal view.
//!
//! Fields name their unit. What is not known is `null`, never zero.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The site as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SiteView {
    /// Its id.
    pub(crate) site: String,
    /// Its full name.
    pub(crate) name: String,
    /// Plant time.
    pub(crate) at: Timestamp,
    /// The site's time zone, for showing civil time.
    pub(crate) time_zone: String,
    /// Plant seconds a second.
    pub(crate) speed: u32,
    /// How bytes travel, in words: `sockets`, `in-memory streams, virtual time`.
    pub(crate) transport: String,
    /// The revenue meter; `null` while it is silent.
    pub(crate) power_kw: Option<f64>,
    /// How old that is.
    pub(crate) power_age_s: Option<f64>,
    /// What binds at the connection.
    pub(crate) limit: Option<LimitView>,
    /// What comes next there.
    pub(crate) next: Option<ChangeView>,
    /// Why nothing may start or hash, if so.
    pub(crate) block: Option<String>,
    /// By the machines' own word.
    pub(crate) hash_rate_ths: f64,
    /// Measured power over claimed hash rate.
    pub(crate) efficiency_j_per_th: Option<f64>,
    /// Rates at present prices, in `money.currency` an hour.
    pub(crate) money: MoneyView,
    /// Machines by standing.
    pub(crate) counts: CountsView,
    /// The halls.
    pub(crate) halls: Vec<HallView>,
    /// The fans that machines need.
    #[serde(default)]
    pub(crate) fans: Vec<FansView>,
    /// From one reading of a machine to the next, as the load lets it be.
    #[serde(default)]
    pub(crate) read_every_s: f64,
    /// How commands ended since the start.
    pub(crate) commands: CommandsView,
    /// The last decisions, newest last.
    pub(crate) decisions: Vec<DecisionView>,
    /// What needs attention, most urgent first.
    pub(crate) alarms: Vec<String>,
    /// The checker's objections since the start.
    pub(crate) checker_vetoes: u64,
    /// Power against its limit over time, oldest first.
    pub(crate) trace: Vec<PointView>,
}

/// A limit and who says so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LimitView {
    pub(crate) limit_kw: f64,
    pub(crate) source: String,
    /// When this source's word changes.
    pub(crate) until: Option<Timestamp>,
}

/// A coming change of what is allowed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ChangeView {
    pub(crate) at: Timestamp,
    pub(crate) limit_kw: f64,
    pub(crate) text: String,
}

/// Money now and today.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MoneyView {
    pub(crate) currency: String,
    pub(crate) cost_per_h: Option<f64>,
    pub(crate) revenue_per_h: Option<f64>,
    pub(crate) margin_per_h: Option<f64>,
    pub(crate) cost_today: f64,
    pub(crate) revenue_today: f64,
    pub(crate) margin_today: f64,
    pub(crate) energy_today_kwh: f64,
    /// Time of today that is in none of these sums.
    pub(crate) unmetered_s: f64,
    pub(crate) unpriced_s: f64,
}

/// Machines by standing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CountsView {
    pub(crate) running: u32,
    pub(crate) rising: u32,
    pub(crate) falling: u32,
    pub(crate) asleep: u32,
    pub(crate) cut: u32,
    pub(crate) failed: u32,
    pub(crate) unknown: u32,
    pub(crate) total: u32,
}

impl CountsView {
    /// By state, with its word.
    pub(crate) fn by_state(&self) -> [(u32, &'static str); 7] {
        [
            (self.running, "running"),
            (self.rising, "rising"),
            (self.falling, "falling"),
            (self.asleep, "asleep"),
            (self.cut, "cut"),
            (self.failed, "failed"),
            (self.unknown, "unknown"),
        ]
    }
    /// As `940 running, 60 asleep of 1000`; running is never left out.
    pub(crate) fn words(&self) -> String {
        let shown = self.by_state().into_iter().filter(|(n, word)| *n > 0 || *word == "running");
        let words: Vec<_> = shown.map(|(number, word)| format!("{number} {word}")).collect();
        format!("{} of {}", words.join(", "), self.total)
    }
}

/// One hall.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct HallView {
    pub(crate) id: String,
    /// `observe` or `control`.
    pub(crate) authority: String,
    /// Its meter, or what its machines come to by the catalogue where it has none.
    pub(crate) power_kw: Option<f64>,
    pub(crate) metered: bool,
    pub(crate) limit_kw: Option<f64>,
    pub(crate) source: Option<String>,
    pub(crate) counts: CountsView,
    /// A stop or lockout on it.
    pub(crate) block: Option<String>,
    /// What offpeak would do now in a hall that it only watches.
    pub(crate) advice: Option<AdviceView>,
}

/// A set of fans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FansView {
    pub(crate) id: String,
    /// Whose machines need them.
    pub(crate) circuit: String,
    /// How many of their contactors are closed; `null` while their switch is silent.
    pub(crate) closed: Option<u16>,
    pub(crate) contactors: u16,
    /// In words.
    pub(crate) state: String,
}

/// What would be done now if offpeak might act, in machines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AdviceView {
    /// Put to sleep or cut.
    pub(crate) stop: u32,
    /// Woken.
    pub(crate) start: u32,
}

impl AdviceView {
    /// As `would stop 12 and start 0`.
    pub(crate) fn words(self) -> String {
        format!("would stop {} and start {}", self.stop, self.start)
    }
}

/// How commands ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CommandsView {
    pub(crate) issued: u64,
    pub(crate) confirmed: u64,
    pub(crate) refused: u64,
    pub(crate) unanswered: u64,
    pub(crate) timed_out: u64,
    pub(crate) superseded: u64,
    pub(crate) sleeps_issued: u64,
    pub(crate) sleeps_confirmed: u64,
    pub(crate) wakes_issued: u64,
    pub(crate) wakes_confirmed: u64,
    /// Batches of commands that a circuit's meter agreed with, disagreed with, and could not tell.
    pub(crate) meter_agrees: u64,
    pub(crate) meter_disagrees: u64,
    pub(crate) meter_cannot_tell: u64,
}

impl CommandsView {
    /// As `12 batches agree, 1 disagrees, 3 too small to tell`; nothing before the first.
    pub(crate) fn meter_words(&self) -> Option<String> {
        let (agree, disagree, unknown) = (self.meter_agrees, self.meter_disagrees, self.meter_cannot_tell);
        let any = agree + disagree + unknown > 0;
        any.then(|| format!("{agree} batches agree, {disagree} disagree, {unknown} cannot be told"))
    }
}

/// A decision in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DecisionView {
    pub(crate) at: Timestamp,
    pub(crate) text: String,
}

/// Power against its limit at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PointView {
    pub(crate) at: Timestamp,
    pub(crate) power_kw: Option<f64>,
    pub(crate) limit_kw: Option<f64>,
}

/// One machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MachineView {
    pub(crate) id: String,
    pub(crate) model: String,
    pub(crate) owner: String,
    pub(crate) hall: String,
    /// Its IP address, with the API's port unless that is 4028.
    pub(crate) address: Option<String>,
    pub(crate) mac: Option<String>,
    pub(crate) serial: Option<String>,
    /// What it last said of its firmware when it was asked who it is.
    pub(crate) firmware: Option<String>,
    /// `running`, `rising`, `falling`, `asleep`, `cut`, `failed` or `unknown`.
    pub(crate) state: String,
    /// What is asked of it: `run`, `off` or `leave`.
    pub(crate) target: String,
    /// Why.
    pub(crate) reason: String,
    /// What would be asked of it and why, if offpeak did more than watch its hall.
    pub(crate) advice: Option<String>,
    /// What is wrong between us and it.
    pub(crate) trouble: Option<String>,
    /// Age of its last word.
    pub(crate) age_s: Option<f64>,
    /// By its own word.
    pub(crate) power_w: Option<f64>,
    pub(crate) hash_rate_ths: Option<f64>,
    pub(crate) temperature_c: Option<f64>,
    /// The command in flight or, failing that, the machine's last refusal.
    pub(crate) command: Option<String>,
    /// Whether an outlet can cut it.
    pub(crate) has_outlet: bool,
    /// The fans it needs, in words.
    pub(crate) fans: Vec<String>,
}

/// What binds on a circuit at a moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Explanation {
    pub(crate) circuit: String,
    pub(crate) at: Timestamp,
    pub(crate) binding: Option<LimitView>,
    pub(crate) next: Option<LimitView>,
    /// Why nothing may start or hash there, if so.
    pub(crate) block: Option<String>,
    /// Circuits above it, nearest first, with what binds on each.
    pub(crate) above: Vec<(String, Option<LimitView>)>,
    /// Measured now; `null` for another moment, without a meter, or while it is silent.
    pub(crate) power_kw: Option<f64>,
    /// What would remain with everything asleep.
    pub(crate) floor_kw: Option<f64>,
    /// The fans that its machines need, in words; none for another moment.
    pub(crate) fans: Vec<String>,
    pub(crate) changes_at: Timestamp,
    /// What is kept free below the limit for what meters and machines leave unknown; `null` for another moment.
    pub(crate) margin_kw: Option<f64>,
    /// Every limit at the circuit and above it, tightest first, each with where it is.
    pub(crate) every: Vec<(String, LimitView)>,
}

/// One stretch of the calendar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CalendarView {
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
    /// The tightest limit at the circuit or above it, as the stretch begins.
    pub(crate) binding: Option<LimitView>,
    /// Where that is.
    pub(crate) at: Option<String>,
    /// The next tightest.
    pub(crate) next: Option<LimitView>,
    /// Why nothing may start or hash there, if so.
    pub(crate) block: Option<String>,
    /// What a kilowatt-hour costs, in the site's currency; `null`: not known.
    pub(crate) power_price: Option<f64>,
}

/// What an order would do, before it is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PreviewView {
    pub(crate) order: OrderView,
    /// When the way down to it would begin.
    pub(crate) begins: Timestamp,
    /// What the circuit draws now, and what it would come down to.
    pub(crate) before_kw: f64,
    pub(crate) after_kw: f64,
    /// Machines that would be stopped, each with what would be sent.
    pub(crate) stops: Vec<(String, String)>,
    pub(crate) starts: Vec<String>,
    /// Until nineteen in twenty of the slowest kind have followed.
    pub(crate) takes_s: f64,
    /// Lost margin an hour, and over the whole order where its end is known; `null`: a price is not known.
    pub(crate) cost_per_h: Option<f64>,
    pub(crate) cost: Option<f64>,
    pub(crate) currency: String,
    /// If it cannot be met: what remains, and whose that is.
    pub(crate) unmet: Option<String>,
}

/// Why a machine is as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct WhyView {
    pub(crate) machine: String,
    pub(crate) state: String,
    pub(crate) target: String,
    pub(crate) reason: String,
    /// Its place among all machines by what they make of a watt, from 1.
    pub(crate) rank: usize,
    pub(crate) machines: usize,
    /// Where on its way to the grid least room is left, by whom, and how much.
    pub(crate) binds_at: Option<String>,
    pub(crate) binds: Option<LimitView>,
    pub(crate) room_kw: Option<f64>,
    pub(crate) needs_kw: f64,
    /// What would change its state.
    pub(crate) changes: Vec<String>,
}

/// An order that is not over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OrderView {
    pub(crate) id: u64,
    /// `emergency`, `dispatch`, `wish` or `maintenance`.
    pub(crate) kind: String,
    pub(crate) circuit: String,
    pub(crate) limit_kw: f64,
    /// Whether it is a setpoint: no less is to be drawn either.
    pub(crate) setpoint: bool,
    /// The minutes over which its mean counts; `null`: each instant.
    pub(crate) mean_min: Option<u8>,
    pub(crate) from: Timestamp,
    pub(crate) until: Option<Timestamp>,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_664_733_600 + second).unwrap()
    }

    /// A mine of a thousand machines in its window, drawing so much.
    pub(crate) fn sample(power_kw: Option<f64>) -> SiteView {
        let counts = CountsView {
            running: 940,
            rising: 20,
            asleep: 30,
            unknown: 10,
            total: 1_000,
            ..CountsView::default()
        };
        let hall = |place: u32| HallView {
            id: format!("hall-{place}"),
            authority: "control".into(),
            power_kw: power_kw.map(|power| power / 2.0),
            metered: true,
            limit_kw: Some(2_000.0),
            source: Some("rating".into()),
            counts,
            block: (place == 2).then(|| "lockout: nothing may hash".to_owned()),
            advice: None,
        };
        let trace = (0..200).map(|n| PointView {
            at: at(n * 60 - 12_000),
            power_kw: (!(90..110).contains(&n)).then_some(f64::from(n as i32) * 14.0),
            limit_kw: Some(2_916.0),
        });
        SiteView {
            site: "demo".into(),
            name: "A mine of 1000 machines".into(),
            at: at(600),
            time_zone: "Asia/Almaty".into(),
            speed: 10,
            transport: "sockets".into(),
            power_kw,
            power_age_s: Some(1.0),
            limit: Some(LimitView { limit_kw: 2_916.0, source: "contract".into(), until: Some(at(28_800)) }),
            next: Some(ChangeView { at: at(28_800), limit_kw: 76.0, text: "window closes".into() }),
            block: None,
            hash_rate_ths: 81_234.5,
            efficiency_j_per_th: Some(35.6),
            money: MoneyView {
                currency: "KZT".into(),
                cost_per_h: Some(75_000.0),
                revenue_per_h: Some(125_000.0),
                margin_per_h: Some(50_000.0),
                cost_today: 10_000.0,
                revenue_today: 16_000.0,
                margin_today: 6_000.0,
                energy_today_kwh: 400.0,
                unmetered_s: 0.0,
                unpriced_s: 0.0,
            },
            counts,
            halls: vec![hall(1), hall(2)],
            fans: vec![],
            read_every_s: 5.0,
            commands: CommandsView {
                issued: 1_020,
                confirmed: 1_010,
                timed_out: 3,
                ..CommandsView::default()
            },
            decisions: vec![DecisionView { at: at(0), text: "wake 38: starts: there is room".into() }],
            alarms: if power_kw.is_none() {
                vec!["the revenue meter is silent: nothing is started".into()]
            } else {
                vec![]
            },
            checker_vetoes: 0,
            trace: trace.collect(),
        }
    }
}
