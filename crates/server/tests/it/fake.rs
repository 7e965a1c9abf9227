//! A site that only remembers what it was asked.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use offpeak_alerts::{Facts, Rules};
use offpeak_server::alerts::Alerts;
use offpeak_server::view::{
    About, AheadView, CalendarView, CircuitView, CommandRecord, CommandsView, CountsView, DecisionView,
    DirectivesView, Explanation, FloorView, HoldView, MachinePage, MachineView, MoneyView, OrderView,
    PreviewView, SiteView, StatesView, WhyView,
};
use offpeak_server::{By, Columns, HandleError, MachineQuery, SiteHandle, Stopped};

/// What the fake shows and remembers.
#[derive(Default)]
pub(crate) struct Fake {
    /// What was changed, in words.
    pub(crate) asked: Mutex<Vec<String>>,
    /// The number of what is shown.
    pub(crate) picture: AtomicU64,
    /// How often its calendar was made.
    pub(crate) calendars: AtomicU64,
    /// What alerts are judged by, two seconds later each time.
    pub(crate) facts: Mutex<Option<Facts>>,
}

impl Fake {
    pub(crate) fn note(&self, what: &str, by: By<'_>) {
        self.asked.lock().unwrap().push(format!("{what} by {}: {}", by.who, by.why));
    }
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Alerts that nobody is told of.
pub(crate) fn no_alerts() -> Alerts {
    Alerts::new(Rules::default(), "fake", jiff::tz::TimeZone::UTC, &|_| None).unwrap()
}

pub(crate) fn at() -> Timestamp {
    "2022-10-03T18:10:00Z".parse().unwrap()
}

/// Two machines of two owners.
pub(crate) fn machine(place: u32) -> MachineView {
    MachineView {
        id: format!("hall-1/rack-1/{place}"),
        model: "M30S".into(),
        owner: format!("owner-{place}"),
        hall: "hall-1".into(),
        circuit: "hall-1/rack-1".into(),
        address: Some(format!("10.0.0.{place}")),
        mac: None,
        serial: None,
        firmware: None,
        state: "running".into(),
        target: "run".into(),
        reason: if place == 1 { "off: held by anna: unpaid" } else { "runs: there is room" }.into(),
        advice: None,
        trouble: None,
        age_s: Some(1.0),
        power_w: None,
        hash_rate_ths: None,
        temperature_c: None,
        command: None,
        has_outlet: false,
        fans: vec![],
        held: (place == 1).then(|| HoldView {
            machine: format!("hall-1/rack-1/{place}"),
            at: at(),
            until: None,
            by: Some("anna".into()),
            reason: Some("unpaid".into()),
        }),
    }
}

/// One for everybody, one about money, two that name machines.
fn decisions() -> Vec<DecisionView> {
    let decision = |text: &str, about| DecisionView { at: at(), text: text.into(), about };
    let unnamed = Some("sleep 1 machine: no room".into());
    vec![
        decision("sleep 38 machines: no room", About::Site),
        decision("Monday is over: 77.0 KZT earned", About::Money),
        decision("sleep hall-1/rack-1/2: no room", About::Machines { unnamed }),
        decision("1 machine held off by anna: unpaid", About::Machines { unnamed: None }),
    ]
}

fn order(id: u64, kind: &str) -> OrderView {
    OrderView {
        id,
        kind: kind.into(),
        circuit: "grid".into(),
        limit_kw: 5.0,
        setpoint: false,
        mean_min: None,
        from: at(),
        until: None,
        by: None,
        reason: None,
    }
}

impl SiteHandle for Fake {
    fn cycle(&self) -> u64 {
        1
    }
    fn picture(&self) -> Option<u64> {
        Some(self.picture.load(Ordering::SeqCst))
    }
    fn now(&self) -> Timestamp {
        at()
    }
    fn facts(&self) -> Option<Facts> {
        let mut facts = self.facts.lock().unwrap();
        let facts = facts.as_mut()?;
        facts.at += jiff::SignedDuration::from_secs(2);
        Some(facts.clone())
    }
    fn view(&self, _trace_points: usize) -> SiteView {
        SiteView {
            site: "fake".into(),
            name: "A site that remembers".into(),
            at: at(),
            time_zone: "UTC".into(),
            speed: 1,
            transport: "none".into(),
            connection: "grid".into(),
            power_kw: None,
            power_age_s: None,
            limit: None,
            next: None,
            block: None,
            hash_rate_ths: None,
            efficiency_j_per_th: None,
            money: Some(MoneyView {
                currency: "KZT".into(),
                cost_per_h: Some(1.0),
                revenue_per_h: None,
                margin_per_h: None,
                cost_today: 0.0,
                revenue_today: 0.0,
                margin_today: 0.0,
                energy_today_kwh: 0.0,
                unmetered_s: 0.0,
                unpriced_s: 0.0,
            }),
            counts: CountsView::default(),
            halls: vec![],
            fans: vec![],
            ahead: AheadView { more: Some(12.5), more_percent: Some(0.8), ..AheadView::default() },
            budgets: vec![],
            peak: None,
            held: 0,
            restart_due: false,
            read_every_s: 5.0,
            commands: CommandsView::default(),
            decisions: decisions(),
            alarms: vec!["hall-1: 5 kW remain: hall-1/rack-1/2".into()],
            alarms_unnamed: vec!["hall-1: 5 kW remain".into()],
            checker_vetoes: 0,
            trace: vec![],
        }
    }
    fn machines(&self, query: &MachineQuery) -> Result<MachinePage, HandleError> {
        let circuit = query.circuit.as_ref().or(query.hall.as_ref());
        if let Some(circuit) = circuit.filter(|circuit| !circuit.starts_with("hall-")) {
            return Err(HandleError::Circuit {
                asked: circuit.clone(),
                hint: "did you mean `hall-2`?".into(),
            });
        }
        let at_hall_2 = circuit.is_some_and(|circuit| circuit == "hall-2");
        let mine = |machine: &MachineView| {
            !at_hall_2 && query.owner.as_ref().is_none_or(|owner| *owner == machine.owner)
        };
        let machines: Vec<_> = (1..=2).map(machine).filter(mine).collect();
        Ok(MachinePage { at: at(), total: machines.len() as u64, next: None, machines })
    }
    fn machine(&self, name: &str) -> Result<Option<MachineView>, HandleError> {
        Ok((1..=2)
            .map(machine)
            .find(|machine| machine.id == name || machine.address.as_deref() == Some(name)))
    }
    fn history(
        &self,
        machine: &str,
        owner: Option<&str>,
        _most: u32,
    ) -> Result<Vec<CommandRecord>, HandleError> {
        let detail = Some(format!("of {machine}, as {} sees it", owner.unwrap_or("the house")));
        Ok(vec![CommandRecord {
            generation: 1,
            action: "wake".into(),
            at: at(),
            state: "issued".into(),
            detail,
        }])
    }
    fn circuits(&self) -> Vec<CircuitView> {
        vec![]
    }
    fn explain(&self, circuit: &str, _at: Option<Timestamp>) -> Result<Explanation, HandleError> {
        Err(HandleError::Circuit { asked: circuit.to_owned(), hint: "look again".to_owned() })
    }
    fn calendar(&self, circuit: Option<&str>, _: u16) -> Result<Vec<CalendarView>, HandleError> {
        self.calendars.fetch_add(1, Ordering::SeqCst);
        if circuit.is_some() {
            return Err(HandleError::Circuit { asked: "nowhere".to_owned(), hint: "look again".to_owned() });
        }
        Ok(vec![CalendarView {
            from: at(),
            until: at() + jiff::SignedDuration::from_hours(1),
            binding: None,
            at: None,
            next: None,
            block: Some(format!("picture {}", self.picture.load(Ordering::SeqCst))),
            power_price: Some(46.5),
        }])
    }
    fn why(&self, name: &str) -> Result<Option<WhyView>, HandleError> {
        Ok(self.machine(name)?.map(|machine| WhyView {
            machine: machine.id,
            state: machine.state,
            target: machine.target,
            reason: machine.reason,
            rank: 1,
            machines: 2,
            binds_at: None,
            binds: None,
            room_kw: None,
            needs_kw: 3.4,
            changes: vec![],
            earns_again: Some("earns again at 46.5".to_owned()),
        }))
    }
    /// The operator's wish and the grid's dispatch.
    fn orders(&self) -> Vec<OrderView> {
        [(1, "wish"), (2, "dispatch")].into_iter().map(|(id, kind)| order(id, kind)).collect()
    }
    fn floor(&self) -> FloorView {
        FloorView::default()
    }
    fn states(&self, _columns: Columns) -> StatesView {
        StatesView { at: at(), state: "rr".into(), ..StatesView::default() }
    }
    fn directives(&self) -> DirectivesView {
        DirectivesView::default()
    }
    fn preview(&self, words: &str, kind: &str) -> Result<PreviewView, HandleError> {
        if words.starts_with("early") {
            return Err(HandleError::TooEarly);
        }
        let order = order(0, kind);
        Ok(PreviewView {
            binds: None,
            order,
            begins: at(),
            before_kw: 6.8,
            after_kw: 3.4,
            stops: vec![(machine(1).id, "sleep".into())],
            starts: vec![machine(2).id],
            takes_s: 10.0,
            cost_per_h: Some(1.0),
            cost: None,
            currency: "KZT".into(),
            unmet: Some(format!("5 kW remain: {}", machine(2).id)),
        })
    }
    fn stop(&self, circuit: Option<&str>, by: By<'_>) -> Result<Stopped, HandleError> {
        self.note(&format!("stop {}", circuit.unwrap_or("all")), by);
        Ok(Stopped::InBook)
    }
    fn resume(&self, _circuit: Option<&str>, by: By<'_>) -> Result<usize, HandleError> {
        self.note("resume", by);
        Ok(1)
    }
    fn lockout(&self, circuit: &str, worker: &str, by: By<'_>) -> Result<(), HandleError> {
        self.note(&format!("lockout {circuit} for {worker}"), by);
        Ok(())
    }
    fn lift_lockout(
        &self,
        circuit: &str,
        worker: &str,
        manager: bool,
        by: By<'_>,
    ) -> Result<(), HandleError> {
        if worker != "anna" && !manager {
            return Err(HandleError::NotYours { circuit: circuit.to_owned(), by: "anna".to_owned() });
        }
        self.note(&format!("lift {circuit} of {worker}"), by);
        Ok(())
    }
    fn order(&self, words: &str, kind: &str, by: By<'_>) -> Result<OrderView, HandleError> {
        if words.starts_with("nowhere") {
            return Err(HandleError::Invalid(format!("`{words}` is no order\nhint: say it otherwise")));
        }
        self.note(&format!("{kind} order {words}"), by);
        let id = self.asked().len() as u64;
        Ok(OrderView { by: Some(by.who.into()), reason: Some(by.why.into()), ..order(id, kind) })
    }
    fn lift_order(&self, id: u64, by: By<'_>) -> Result<(), HandleError> {
        if !(1..=2).contains(&id) {
            return Err(HandleError::NoOrder(id));
        }
        self.note(&format!("lift order {id}"), by);
        Ok(())
    }
    fn set_authority(&self, hall: &str, control: bool, by: By<'_>) -> Result<(), HandleError> {
        if hall != "hall-1" {
            return Err(HandleError::NotAHall(hall.to_owned()));
        }
        self.note(&format!("authority {hall} {control}"), by);
        Ok(())
    }
}
