//! Fans on the other side of the wire: their contactors are read and switched. Decides nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use offpeak_dispatch::{FanCommand, FansSeen};
use offpeak_drivers::clock::Clock;
use offpeak_drivers::switch::Switch;
use offpeak_site::{FanIx, Outcome, Site};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{debug, info, warn};

use super::plant_io::{Wire, lock};

/// How often contactors are read back, at plant speed one: several times within what counts as fresh.
const READ_EVERY: Duration = Duration::from_secs(2);

/// Switches by place; `None` for one without an address.
pub(super) type Switches = Arc<Vec<Option<tokio::sync::Mutex<Switch>>>>;

/// The fans of a site.
#[derive(Clone)]
pub(super) struct FansIo {
    site: Arc<Site>,
    switches: Switches,
    clock: Clock,
    seen: Arc<Mutex<Vec<Option<FansSeen>>>>,
    /// What the switches said of the last command that failed, by set of fans.
    refusals: Arc<Mutex<BTreeMap<FanIx, String>>>,
}

impl FansIo {
    /// Reads every set of fans from now on, each in a task of its own.
    pub(super) fn start(site: &Arc<Site>, wire: &Wire, switches: &Switches, tasks: &mut JoinSet<()>) -> Self {
        let io = Self {
            site: Arc::clone(site),
            switches: Arc::clone(switches),
            clock: wire.clock,
            seen: Arc::new(Mutex::new(vec![None; site.fans.len()])),
            refusals: Arc::default(),
        };
        for (ix, fans) in site.fans() {
            if switches[fans.switch.ix()].is_none() {
                warn!(fans = fans.id, "their switch has no address: no machine that needs them is started");
                continue;
            }
            let (io, every) = (io.clone(), wire.real(READ_EVERY));
            tasks.spawn(async move {
                let mut ticks = interval(every);
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                loop {
                    ticks.tick().await;
                    io.read(ix).await;
                }
            });
        }
        io
    }

    /// What the switches last said, and what they said of commands that failed.
    pub(super) fn seen(&self) -> Vec<Option<FansSeen>> {
        lock(&self.seen).clone()
    }
    pub(super) fn refusals(&self) -> BTreeMap<FanIx, String> {
        lock(&self.refusals).clone()
    }

    /// Reads a set's contactors; what is not known leaves the last word standing, which ages.
    async fn read(&self, ix: FanIx) {
        let fans = &self.site.fans[ix.ix()];
        let Some(switch) = &self.switches[fans.switch.ix()] else { return };
        let at = self.clock.now();
        let states = switch.lock().await.read(fans.first_channel, fans.channels).await;
        match states {
            Ok(states) if states.len() == usize::from(fans.channels) && !states.contains(&None) => {
                let closed = states.iter().filter(|state| **state == Some(true)).count();
                let closed = u16::try_from(closed).unwrap_or(u16::MAX);
                lock(&self.seen)[ix.ix()] = Some(FansSeen { closed, at });
            }
            Ok(_) => debug!(fans = fans.id, "a contactor is neither open nor closed"),
            Err(error) => debug!(fans = fans.id, %error, "contactors not read"),
        }
    }

    /// Switches a set's contactors, one after another, and reads them back.
    pub(super) async fn carry_out(self, command: FanCommand) {
        let fans = &self.site.fans[command.fans.ix()];
        let mut failed = None;
        for contactor in fans.contactors() {
            if self.clock.now() > command.expires_at {
                failed.get_or_insert_with(|| "not sent in time".to_owned());
                break;
            }
            let outcome = match &self.switches[fans.switch.ix()] {
                Some(switch) => Switch::set_shared(switch, contactor.channel, command.run).await,
                None => Outcome::Refused("its switch has no address".into()),
            };
            let words = match outcome {
                Outcome::Accepted => continue,
                Outcome::Refused(words) => words,
                Outcome::Unanswered(trouble) => trouble.to_string(),
            };
            failed.get_or_insert(format!("channel {}: {words}", contactor.channel));
        }
        self.read(command.fans).await;
        match failed {
            Some(words) => {
                warn!(fans = fans.id, run = command.run, words, "fans did not follow");
                lock(&self.refusals).insert(command.fans, words);
            }
            None => {
                info!(fans = fans.id, run = command.run, "fans switched");
                lock(&self.refusals).remove(&command.fans);
            }
        }
    }
}
