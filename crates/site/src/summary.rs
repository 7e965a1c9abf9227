//! What a site adds up to, for `offpeak check`: machines by model, hall and owner, their megawatts
//! against ratings and contract, and what happens in each hall when the controller is gone.
//!
//! Not here: mistakes of the file (`file`), and anything measured.

use core::fmt;
use std::collections::BTreeMap;

use offpeak_units::{HashRate, Power};
use serde::Serialize;

use crate::circuit::{CircuitIx, CircuitKind};
use crate::hardware::Family;
use crate::machine::Machine;
use crate::plant::{Authority, Site};

/// A number of machines and what they draw at most and hash then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Group {
    /// How many.
    pub machines: usize,
    /// What they draw in their strongest mode, in watts.
    pub power_max_w: i64,
    /// What they hash in their normal mode, in GH/s.
    pub hash_rate_ghs: i64,
}

/// What stays of a hall when the controller is gone for long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Absence {
    /// What the machines do.
    pub what: String,
    /// How many and how much.
    #[serde(flatten)]
    pub group: Group,
}

/// One hall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hall {
    /// Its id.
    pub id: String,
    /// Whether offpeak may act.
    pub control: bool,
    /// Its machines.
    #[serde(flatten)]
    pub group: Group,
    /// What it draws with every machine off, its fans included, in watts.
    pub base_load_w: i64,
    /// The least rating from the hall up, in watts.
    pub rating_w: Option<i64>,
    /// Machines behind a switched outlet.
    pub with_outlet: usize,
    /// What its machines do without a controller.
    pub without_controller: Vec<Absence>,
}

/// What a site adds up to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The site's id.
    pub id: String,
    /// All machines.
    pub total: Group,
    /// By model.
    pub models: BTreeMap<String, Group>,
    /// By owner.
    pub owners: BTreeMap<String, Group>,
    /// By hall.
    pub halls: Vec<Hall>,
    /// What is no machine, fans included, in watts.
    pub base_load_w: i64,
    /// The connection's rating, in watts.
    pub rating_w: Option<i64>,
    /// The highest limit of a window, in watts.
    pub limit_w: Option<i64>,
    /// What the contract allows outside every window, in watts.
    pub house_load_w: i64,
    /// What remains with every machine asleep or cut, in watts.
    pub floor_w: i64,
    /// How many meters and switches, and how many of the meters are on halls.
    pub meters: usize,
    /// How many switches.
    pub switches: usize,
}

impl Group {
    fn add(&mut self, site: &Site, machine: &Machine) {
        let model = site.model(machine.model);
        self.machines += 1;
        self.power_max_w += model.power_max().to_watts();
        self.hash_rate_ghs += model.normal().hash_rate.to_megahashes() / 1_000;
    }
}

/// What one machine draws once everything was done to stop it.
pub(crate) fn stopped(site: &Site, machine: &Machine) -> Power {
    let model = site.model(machine.model);
    if model.is_put_to_sleep() {
        model.sleep
    } else if machine.outlet.is_some() {
        Power::ZERO
    } else {
        model.power_max()
    }
}

/// What the site draws with every machine asleep or cut, and those that cannot be at full power. Fans run
/// on for a while after the last machine, so they count.
#[must_use]
pub fn floor(site: &Site) -> Power {
    no_machines(site, |_| true) + site.machines.iter().map(|machine| stopped(site, machine)).sum()
}

/// What a machine does once the controller is gone: it stays as it was last told, which is asleep or
/// cut outside the windows and at work within them.
fn without_controller(site: &Site, machine: &Machine) -> String {
    let model = site.model(machine.model);
    let outlet = machine.outlet.is_some();
    match (model.family, model.sleeps_by_command) {
        (Family::Other, _) if outlet => "as last switched at the outlet; on its own it runs".to_owned(),
        (Family::Other, _) => "runs whenever it has power".to_owned(),
        (_, false) if outlet => "as last switched at the outlet; with power it starts by itself".to_owned(),
        (_, false) => "runs whenever it has power".to_owned(),
        (family, true) => family.without_controller().to_owned(),
    }
}

/// Adds a site up.
///
/// ```
/// let text = include_str!("../../../sites/small.toml");
/// let site = offpeak_site::file::load("small.toml", text, &|_| None).unwrap();
/// let summary = offpeak_site::summary::summary(&site);
/// assert_eq!(summary.models["M30S"].machines, 32);
/// assert!(summary.to_string().contains("contract           190.0 kW  binds"));
/// ```
#[must_use]
pub fn summary(site: &Site) -> Summary {
    let mut halls: BTreeMap<CircuitIx, (Hall, BTreeMap<String, Group>)> = site
        .circuits
        .iter()
        .filter(|(_, circuit)| circuit.kind == CircuitKind::Hall)
        .map(|(ix, _)| (ix, (empty_hall(site, ix), BTreeMap::new())))
        .collect();
    let mut total = Group::default();
    let (mut models, mut owners) = (BTreeMap::<String, Group>::new(), BTreeMap::<String, Group>::new());
    for machine in &site.machines {
        total.add(site, machine);
        models.entry(site.model(machine.model).name.clone()).or_default().add(site, machine);
        owners.entry(site.owners[usize::from(machine.owner.0)].id.clone()).or_default().add(site, machine);
        let Some(hall) = site.circuits.hall_of(machine.circuit) else { continue };
        let (hall, absences) = halls.get_mut(&hall).expect("every hall was listed");
        hall.group.add(site, machine);
        hall.with_outlet += usize::from(machine.outlet.is_some());
        absences.entry(without_controller(site, machine)).or_default().add(site, machine);
    }
    let halls = halls.into_values().map(|(mut hall, absences)| {
        hall.without_controller = absences.into_iter().map(|(what, group)| Absence { what, group }).collect();
        hall
    });
    Summary {
        id: site.id.clone(),
        total,
        models,
        owners,
        halls: halls.collect(),
        base_load_w: no_machines(site, |_| true).to_watts(),
        rating_w: site.circuits.get(CircuitIx::ROOT).rating.map(Power::to_watts),
        limit_w: site.contract.windows.iter().map(|window| window.limit.to_watts()).max(),
        house_load_w: site.contract.house_load.to_watts(),
        floor_w: floor(site).to_watts(),
        meters: site.meters.len(),
        switches: site.switches.len(),
    }
}

/// Base loads and fans on these circuits.
fn no_machines(site: &Site, within: impl Fn(CircuitIx) -> bool) -> Power {
    let bases = site.circuits.iter().filter(|(ix, _)| within(*ix)).map(|(_, circuit)| circuit.base_load);
    let fans = site.fans.iter().filter(|fans| within(fans.circuit)).map(|fans| fans.power);
    bases.chain(fans).sum()
}

fn empty_hall(site: &Site, ix: CircuitIx) -> Hall {
    let within = |circuit: CircuitIx| site.circuits.is_within(circuit, ix);
    Hall {
        id: site.circuits.get(ix).id.clone(),
        control: site.authority(ix) == Authority::Control,
        group: Group::default(),
        base_load_w: no_machines(site, within).to_watts(),
        rating_w: site
            .circuits
            .path(ix)
            .filter_map(|above| site.circuits.get(above).rating)
            .min()
            .map(Power::to_watts),
        with_outlet: 0,
        without_controller: Vec::new(),
    }
}

/// Watts as megawatts or kilowatts.
fn watts(watts: i64) -> String {
    Power::from_watts(watts).to_string()
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = HashRate::from_gigahashes(self.hash_rate_ghs).to_string();
        write!(f, "{:>7} machines  {:>12}  {:>13}", self.machines, watts(self.power_max_w), rate)
    }
}

impl fmt::Display for Summary {
    /// For reading at a terminal; ends with a line break.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = |f: &mut fmt::Formatter<'_>, title: &str, groups: &BTreeMap<String, Group>| {
            writeln!(f, "{title}")?;
            groups.iter().try_for_each(|(name, group)| writeln!(f, "  {name:<14} {group}"))
        };
        writeln!(f, "{:<16} {}", self.id, self.total)?;
        table(f, "models", &self.models)?;
        table(f, "owners", &self.owners)?;
        writeln!(f, "halls")?;
        for hall in &self.halls {
            let rating =
                hall.rating_w.map_or("no rating".to_owned(), |rating| format!("rated {}", watts(rating)));
            let authority = if hall.control { "control" } else { "observe only" };
            writeln!(
                f,
                "  {:<14} {}  {rating}, base load {}, {} outlets, {authority}",
                hall.id,
                hall.group,
                watts(hall.base_load_w),
                hall.with_outlet
            )?;
        }
        let all = self.total.power_max_w + self.base_load_w;
        writeln!(f, "power")?;
        writeln!(f, "  all at work    {:>12}", watts(all))?;
        self.write_against(f, "connection", self.rating_w, all)?;
        self.write_against(f, "contract", self.limit_w, all)?;
        let spare = self.house_load_w - self.floor_w;
        let verdict = if spare >= 0 {
            format!("{} to spare", watts(spare))
        } else {
            format!("{} too much", watts(-spare))
        };
        writeln!(
            f,
            "  all asleep     {:>12}  house load {}: {verdict}",
            watts(self.floor_w),
            watts(self.house_load_w)
        )?;
        writeln!(f, "without a controller")?;
        for hall in &self.halls {
            for absence in &hall.without_controller {
                let Absence { what, group } = absence;
                writeln!(
                    f,
                    "  {:<14} {:>7} machines  {:>12}  {what}",
                    hall.id,
                    group.machines,
                    watts(group.power_max_w)
                )?;
            }
        }
        Ok(())
    }
}

impl Summary {
    fn write_against(
        &self,
        f: &mut fmt::Formatter<'_>,
        what: &str,
        limit: Option<i64>,
        all: i64,
    ) -> fmt::Result {
        let Some(limit) = limit else { return writeln!(f, "  {what:<14} {:>12}", "none") };
        let verdict = if all > limit {
            format!("binds: {} more could be drawn", watts(all - limit))
        } else {
            format!("{} to spare", watts(limit - all))
        };
        writeln!(f, "  {what:<14} {:>12}  {verdict}", watts(limit))
    }
}
