//! The mine on the other side of the wire: polls its machines, reads its meters, sends commands.
//! Reads and sends; decides nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Timestamp};
use offpeak_dispatch::{Command, FanCommand, Returned, Seen};
use offpeak_drivers::clock::Clock;
use offpeak_drivers::connect::Connector;
use offpeak_drivers::driver::Driver;
use offpeak_drivers::modbus::{ModbusMeter, ModbusSwitch, RegisterMap};
use offpeak_drivers::poll::{Fleet, Pace, Poller, Target};
use offpeak_drivers::secrets::{Logins, factory_pdu};
use offpeak_drivers::snmp::{Pdu, SnmpSwitch};
use offpeak_drivers::switch::Switch;
use offpeak_site::{Action, MachineIx, MeterReading, Outcome, Outlet, Site, Trouble};
use offpeak_units::Power;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::{debug, info, warn};

use super::fans_io::FansIo;

/// Commands under way at once; each holds a socket.
pub(super) const COMMANDS_MAX: usize = 512;
/// How long a Modbus device may take to answer.
const MODBUS_PATIENCE: Duration = Duration::from_secs(2);
/// From one fast reading of a machine to the next, at plant speed one, where the fleet is not too large for it;
const READ_EVERY: Duration = Duration::from_secs(5);
/// and of one with an order that shows in no reading yet.
const READ_EAGERLY: Duration = Duration::from_secs(1);
/// How often machines are asked who they are.
const SURVEY_EVERY: Duration = Duration::from_secs(3_600);
/// How often outlets are read back, at plant speed one,
const OUTLETS_EVERY: Duration = Duration::from_secs(10);
/// and how long what their meters say counts.
const OUTLET_WATTS_LAST: SignedDuration = SignedDuration::from_secs(30);
/// How often tokens are looked after, at plant speed one.
const ARM_EVERY: Duration = Duration::from_secs(60);

/// How time passes and bytes travel.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    pub(crate) connector: Connector,
    pub(crate) clock: Clock,
    /// Plant seconds in a second of tokio's clock.
    pub(crate) speed: u32,
    /// What opens the machines; the factory's logins unless given.
    pub(crate) logins: Option<Arc<Logins>>,
}

impl Wire {
    /// A stretch of plant time on tokio's clock.
    pub(crate) fn real(&self, plant: Duration) -> Duration {
        plant / self.speed
    }
}

/// What a machine's outlet says, and when its switch was asked.
#[derive(Clone, Copy, Debug, Default)]
struct OutletState {
    /// Whether it carries power.
    closed: Option<(bool, Timestamp)>,
    /// What it delivers, by the switch's own meter.
    power: Option<(Power, Timestamp)>,
}

/// By machine.
type Outlets = Vec<OutletState>;

/// The mine, as seen through the wire.
pub(crate) struct PlantIo {
    site: Arc<Site>,
    wire: Wire,
    fleet: Arc<Fleet>,
    poller: Poller,
    meters: Arc<Mutex<Vec<Option<MeterReading>>>>,
    outlets: Arc<Mutex<Outlets>>,
    switches: Arc<Vec<Option<tokio::sync::Mutex<Switch>>>>,
    places: Arc<Semaphore>,
    returned: mpsc::UnboundedSender<Returned>,
    fans: FansIo,
    tasks: JoinSet<()>,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each entry is written at once, so a table whose writer panicked is still whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl PlantIo {
    /// Starts polling machines and meters. What comes back of commands goes into `returned`: one
    /// message a command in flight, and those are bounded by one a machine.
    pub(crate) fn start(
        site: Arc<Site>,
        wire: Wire,
        returned: mpsc::UnboundedSender<Returned>,
    ) -> Result<Self> {
        let mut driver = Driver::new(wire.connector.clone(), wire.clock);
        if let Some(logins) = &wire.logins {
            driver.access = Arc::new(logins.access.clone());
        }
        let mut fleet = Fleet::new(driver, targets(&site));
        for (machine, login) in site.machines().zip(wire.logins.iter().flat_map(|logins| &logins.own)) {
            if let Some(login) = login {
                fleet.set_login(machine.0, Arc::clone(login));
            }
        }
        for (ix, machine) in site.machines() {
            if let Some(serial) = &machine.serial {
                fleet.set_serial(ix, serial);
            }
            if site.rules.tuning.change_modes && site.model(machine.model).modes.len() > 1 {
                fleet.ask_mode_always(ix);
            }
        }
        let fleet = Arc::new(fleet);
        let open_files = super::files::open_files();
        check_files(open_files, &site)?;
        let pace = pace(&wire, open_files);
        let poller = Poller::new(Arc::clone(&fleet), pace);
        let switches = site.switches.iter().map(|switch| {
            let opened = open_switch(switch, &wire).with_context(|| format!("switch `{}`", switch.id))?;
            Ok(opened.map(tokio::sync::Mutex::new))
        });
        let switches = Arc::new(switches.collect::<Result<Vec<_>>>()?);
        let mut tasks = JoinSet::new();
        let mut io = Self {
            meters: Arc::new(Mutex::new(vec![None; site.meters.len()])),
            outlets: Arc::new(Mutex::new(vec![OutletState::default(); site.machines.len()])),
            fans: FansIo::start(&site, &wire, &switches, &mut tasks),
            switches,
            places: Arc::new(Semaphore::new(COMMANDS_MAX)),
            tasks,
            site,
            wire,
            fleet,
            poller,
            returned,
        };
        io.read_meters()?;
        io.read_outlets();
        let (readings, surveys) = (io.poller.clone(), io.poller.clone());
        io.tasks.spawn(async move { readings.run().await });
        io.tasks.spawn(async move { surveys.survey().await });
        let (fleet, every) = (Arc::clone(&io.fleet), io.wire.real(ARM_EVERY));
        let machines: Vec<MachineIx> = io.site.machines().map(|(ix, _)| ix).collect();
        io.tasks.spawn(async move {
            let mut ticks = interval(every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                fleet.keep_armed(&machines).await;
            }
        });
        Ok(io)
    }

    /// One task a meter, once a plant second.
    fn read_meters(&mut self) -> Result<()> {
        for (place, meter) in self.site.meters.iter().enumerate() {
            let Some(at) = meter.modbus.clone() else {
                warn!(meter = meter.id, "the site file gives no address: it stays silent");
                continue;
            };
            let map = RegisterMap::named(&meter.register_map)
                .with_context(|| format!("meter `{}`: its register map", meter.id))?;
            let wire = self.wire.clone();
            let mut reader = ModbusMeter::new(wire.connector.clone(), wire.clock, at, map, MODBUS_PATIENCE);
            let (table, id) = (Arc::clone(&self.meters), meter.id.clone());
            self.tasks.spawn(async move {
                let mut ticks = interval(wire.real(Duration::from_secs(1)));
                ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
                let mut silent = false;
                loop {
                    ticks.tick().await;
                    match reader.read().await {
                        Ok(reading) => {
                            lock(&table)[place] = Some(reading);
                            if std::mem::take(&mut silent) {
                                info!(meter = id, "speaks again");
                            }
                        }
                        Err(error) if !silent => {
                            silent = true;
                            warn!(meter = id, %error, "silent");
                        }
                        Err(error) => debug!(meter = id, %error, "still silent"),
                    }
                }
            });
        }
        Ok(())
    }

    /// One task a switch: reads the channels of its machines back.
    fn read_outlets(&mut self) {
        let mut channels: Vec<BTreeMap<u16, MachineIx>> = vec![BTreeMap::new(); self.site.switches.len()];
        for (ix, machine) in self.site.machines() {
            if let Some(outlet) = machine.outlet {
                channels[outlet.switch.ix()].insert(outlet.channel, ix);
            }
        }
        for (place, channels) in channels.into_iter().enumerate() {
            if channels.is_empty() || self.switches[place].is_none() {
                continue;
            }
            let (switches, table, wire) =
                (Arc::clone(&self.switches), Arc::clone(&self.outlets), self.wire.clone());
            self.tasks.spawn(async move {
                let mut ticks = interval(wire.real(OUTLETS_EVERY));
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                loop {
                    ticks.tick().await;
                    let Some(switch) = &switches[place] else { return };
                    read_back(switch, &channels, &table, wire.clock).await;
                }
            });
        }
    }

    /// What is known of the machines now. One without an address is unreachable.
    pub(crate) fn machines(&self) -> Vec<Seen> {
        let unknown =
            Seen { trouble: Some((Trouble::Unreachable, self.wire.clock.now())), ..Seen::default() };
        let mut seen = vec![unknown; self.site.machines.len()];
        self.fleet.each(|machine, latest| {
            let entry = &mut seen[machine.ix()];
            (entry.reading, entry.trouble) = (latest.reading, latest.trouble);
        });
        let now = self.wire.clock.now();
        for (entry, outlet) in seen.iter_mut().zip(lock(&self.outlets).iter()) {
            entry.outlet_closed = outlet.closed;
            // The outlet's meter speaks for a machine that names no watts.
            let fresh = outlet.power.filter(|(_, at)| now.duration_since(*at) <= OUTLET_WATTS_LAST);
            if let (Some(reading), Some((power, _))) = (&mut entry.reading, fresh) {
                reading.power.get_or_insert(power);
            }
        }
        seen
    }

    /// The machines as they are driven.
    pub(crate) fn fleet(&self) -> Arc<Fleet> {
        Arc::clone(&self.fleet)
    }

    /// The meters' last readings.
    pub(crate) fn meters(&self) -> Vec<Option<MeterReading>> {
        lock(&self.meters).clone()
    }

    /// The fans.
    pub(super) fn fans(&self) -> FansIo {
        self.fans.clone()
    }

    /// Sends commands to fans, each set on its own.
    pub(crate) fn send_to_fans(&mut self, commands: &[FanCommand]) {
        for command in commands {
            self.tasks.spawn(self.fans().carry_out(*command));
        }
    }

    /// Readings tried so far.
    pub(crate) fn polls(&self) -> u64 {
        self.poller.polls()
    }

    /// From one reading of a machine to the next, as the load lets it be, in plant time.
    pub(crate) fn read_every(&self) -> Duration {
        self.poller.every() * self.wire.speed
    }

    /// Sends commands: reductions first, each on its own, none waiting for a slow machine.
    pub(crate) fn send(&mut self, mut commands: Vec<Command>) {
        while self.tasks.try_join_next().is_some() {}
        commands.sort_by_key(|command| !matches!(command.action, Action::Sleep | Action::Cut));
        for command in commands {
            let (fleet, switches) = (Arc::clone(&self.fleet), Arc::clone(&self.switches));
            let (places, returned) = (Arc::clone(&self.places), self.returned.clone());
            let (clock, outlet) = (self.wire.clock, self.site.machine(command.machine).outlet);
            self.tasks.spawn(async move {
                let Ok(_place) = places.acquire().await else { return };
                let outcome = if clock.now() > command.expires_at {
                    Outcome::Unanswered(Trouble::Silent)
                } else {
                    carry_out(&fleet, &switches, outlet, &command).await
                };
                // The loop is gone when the site stops; then nobody waits for the outcome.
                let _ = returned.send(Returned {
                    machine: command.machine,
                    generation: command.generation,
                    outcome,
                });
            });
        }
    }
}

/// Reads a switch's channels, in runs without large holes, and notes what each machine's outlet does.
async fn read_back(
    switch: &tokio::sync::Mutex<Switch>,
    channels: &BTreeMap<u16, MachineIx>,
    table: &Mutex<Outlets>,
    clock: Clock,
) {
    let at_once = switch.lock().await.channels_at_once();
    let mut next = channels.keys().next().copied();
    while let Some(first) = next {
        let last = first.saturating_add(at_once - 1);
        let run = || channels.range(first..=last);
        let count = run().next_back().map_or(1, |(channel, _)| channel - first + 1);
        let asked_at = clock.now();
        // The switch is held for one request at a time, so that a cut never waits for a survey.
        match switch.lock().await.read(first, count).await {
            Ok(states) => {
                let mut table = lock(table);
                for (channel, machine) in run() {
                    let state = states.get(usize::from(channel - first)).copied().flatten();
                    table[machine.ix()].closed = state.map(|closed| (closed, asked_at));
                }
            }
            Err(error) => debug!(%error, "outlets not read"),
        }
        match switch.lock().await.watts(first, count).await {
            Ok(watts) => {
                let mut table = lock(table);
                for (channel, machine) in run() {
                    let power = watts.get(usize::from(channel - first)).copied().flatten();
                    table[machine.ix()].power = power.map(|power| (power, asked_at));
                }
            }
            Err(error) => debug!(%error, "outlets not metered"),
        }
        next =
            last.checked_add(1).and_then(|from| channels.range(from..).next()).map(|(channel, _)| *channel);
    }
}

async fn carry_out(
    fleet: &Fleet,
    switches: &[Option<tokio::sync::Mutex<Switch>>],
    outlet: Option<Outlet>,
    command: &Command,
) -> Outcome {
    let closed = match command.action {
        Action::Cut => false,
        Action::Restore => true,
        _ => {
            // A command of a few requests, each with its own patience; this bounds their sum.
            return timeout(Duration::from_secs(15), fleet.command(command.machine, command.action))
                .await
                .unwrap_or(Outcome::Unanswered(Trouble::Silent));
        }
    };
    let Some(outlet) = outlet else { return Outcome::Refused("it has no switched outlet".into()) };
    let Some(switch) = switches.get(outlet.switch.ix()).and_then(Option::as_ref) else {
        return Outcome::Refused("its switch has no address".into());
    };
    Switch::set_shared(switch, outlet.channel, closed).await
}

/// What drives a switch; `None` for one without an address.
fn open_switch(switch: &offpeak_site::Switch, wire: &Wire) -> Result<Option<Switch>> {
    if let Some(at) = switch.modbus.clone() {
        return Ok(Some(Switch::Modbus(ModbusSwitch::new(wire.connector.clone(), at, MODBUS_PATIENCE))));
    }
    let Some(at) = &switch.snmp else { return Ok(None) };
    let pdu = Pdu::named(&at.pdu)?;
    let login = wire.logins.as_ref().map_or_else(factory_pdu, |logins| logins.pdu(&switch.id).clone());
    let switch = SnmpSwitch::new(at.address.clone(), pdu, login, MODBUS_PATIENCE);
    Ok(Some(Switch::Snmp(Box::new(switch))))
}

/// How fast to read: each machine about every five plant seconds, and no more readings than two cores carry
/// beside everything else.
fn pace(wire: &Wire, open_files: usize) -> Pace {
    let (every, eager) = (wire.real(READ_EVERY), wire.real(READ_EAGERLY));
    Pace { every, eager, survey: wire.real(SURVEY_EVERY), ..Pace::within(open_files) }
}

/// Files that a site needs whatever its pace: meters, switches, the book, the socket.
const FILES_SPARE: usize = 64;
/// Readings and commands at once, without which a mine is not worth starting.
const TALKS_MIN: usize = 64;

/// Whether the process may open enough files: each talk with a machine is one.
fn check_files(open_files: usize, site: &Site) -> Result<()> {
    let kept = FILES_SPARE + site.meters.len() + site.switches.len();
    let least = kept + TALKS_MIN;
    let wanted = kept + COMMANDS_MAX + Pace::default().sockets().min(site.machines.len().max(TALKS_MIN));
    const HINT: &str = "`ulimit -n` in the shell that starts offpeak, or LimitNOFILE= of its service";
    anyhow::ensure!(
        open_files >= least,
        "this process may open {open_files} files, and the site needs at least {least}\nhint: raise the limit: {HINT}"
    );
    if open_files < wanted {
        warn!(
            open_files,
            wanted, "few open files: fewer machines are asked at a time; {HINT} raises the limit"
        );
    }
    Ok(())
}

/// The pace of a real mine.
pub(crate) fn pace_at_speed_one() -> Pace {
    let wire = Wire { connector: Connector::Tcp, clock: Clock::System, speed: 1, logins: None };
    pace(&wire, super::files::open_files())
}

/// The machines that can be asked: those with an address and a family of ours.
fn targets(site: &Site) -> Vec<Target> {
    site.machines()
        .filter_map(|(machine, entry)| {
            Some(Target {
                machine,
                family: site.model(entry.model).family,
                endpoint: entry.endpoint?,
                mac: entry.mac,
            })
        })
        .collect()
}

/// Machines that the site file gives no address, for the start's report.
pub(crate) fn without_address(site: &Site) -> Vec<MachineIx> {
    site.machines().filter(|(_, machine)| machine.endpoint.is_none()).map(|(ix, _)| ix).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_files_are_told_with_what_helps() {
        let text = super::super::demo_site::SMALL;
        let site = offpeak_site::file::load("small", text, &|_| None).unwrap();
        let told = check_files(100, &site).unwrap_err().to_string();
        assert!(told.contains("may open 100 files, and the site needs at least 132"), "{told}");
        assert!(told.contains("ulimit -n") && told.contains("LimitNOFILE="), "{told}");
        check_files(132, &site).unwrap();
        // The places for readings leave room for everything else, whatever the limit is.
        for open_files in [400, 1_024, 4_096, 65_536] {
            assert!(Pace::within(open_files).sockets() + 256 <= open_files.max(400), "{open_files}");
        }
    }
}
