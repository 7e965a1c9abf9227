//! One machine for the length of one request or command: where it is, what is kept of it, and what it
//! is driven with. Every family's code is written against this.
//!
//! Not here: what any family says.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use offpeak_site::{Action, Activity, Endpoint, Family, MacAddress, ModeName, Reading, Trouble};
use offpeak_units::Power;
use tokio::time::Instant;

use crate::driver::Driver;
use crate::exchange::exchange;
use crate::http::{Challenge, Credentials};
use crate::whatsminer::Token;

/// What is asked of a machine. Being accepted is not being done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Stop hashing and power the boards down.
    Sleep,
    /// Hash again, in the mode it last had.
    Wake,
    /// Hash in this mode.
    SetMode(ModeName),
    /// Keep below this power, at the wall as the machine measures it.
    LimitPower(Power),
    /// Restart the control board.
    Reboot,
    /// Let its light blink, to be found; or stop that.
    Locate(bool),
    /// Mine for these pools, first to last.
    SetPools(Vec<Pool>),
}

impl Order {
    /// The order of an action; `None` for what is done at the outlet.
    #[must_use]
    pub const fn of(action: Action) -> Option<Self> {
        match action {
            Action::Sleep => Some(Self::Sleep),
            Action::Wake => Some(Self::Wake),
            Action::SetMode(mode) => Some(Self::SetMode(mode)),
            Action::Cut | Action::Restore => None,
        }
    }
}

/// A pool that a machine mines for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Such as `stratum+tcp://pool.example:3333`.
    pub url: String,
    /// The account and worker.
    pub user: String,
    /// The password; most pools ignore it.
    pub password: String,
}

/// Which of two questions settles what a machine does, for families that do not answer both in one
/// reply: statistics that do not say that it sleeps, and a state without watts. One is asked a poll: the
/// statistics of a machine that hashes, the mode of one that does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Question {
    /// The statistics.
    #[default]
    Work,
    /// Whether it sleeps.
    Mode,
    /// Which mode it is set to, of a machine that hashes and was ordered into one.
    Setting,
}

/// How long after an order the mode is read with the rest: the slowest machine has then changed it and hashes
/// again. After that readings of families whose statistics do not name it have none.
pub(crate) const MODE_READ_FOR: Duration = Duration::from_secs(15 * 60);

/// A session token in an HTTP header, and since when it is held.
#[derive(Clone, PartialEq, Eq)]
pub struct Bearer {
    /// Never logged.
    pub token: String,
    /// When it was given.
    pub since: Instant,
}

impl core::fmt::Debug for Bearer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Bearer(..)")
    }
}

/// What is kept between requests to one machine.
#[derive(Clone, Debug, Default)]
pub struct Link {
    /// What the next fast reading asks.
    pub question: Question,
    /// The hardware address that commands are bound to: the site's, or the first one seen.
    pub mac: Option<MacAddress>,
    /// The serial number that commands are bound to besides, where the site knows it and no hardware address.
    pub(crate) serial: Option<Arc<str>>,
    /// What opens this machine, where it is not what opens its family.
    pub login: Option<Arc<Credentials>>,
    /// When it last spoke of itself, what it was doing.
    pub(crate) activity: Option<Activity>,
    /// What the statistics said of a machine that does not hash, until its mode says why.
    pub(crate) idle: Option<Reading>,
    /// The running mode it was last seen in or set to: what an Antminer is woken to, and no reading.
    pub(crate) mode: Option<ModeName>,
    /// Whether its mode is always to be known: the site has it changed.
    pub(crate) tells_mode: bool,
    /// Since when it is to be in a mode that its statistics do not name, so that it is asked.
    pub(crate) mode_ordered: Option<Instant>,
    /// The last HTTP digest challenge.
    pub(crate) challenge: Challenge,
    /// WhatsMiner's token, API version 2.
    pub(crate) token: Option<(Token, Instant)>,
    /// Another machine was found at its address.
    pub(crate) moved: bool,
    /// The token of an HTTP session.
    pub bearer: Option<Bearer>,
}

impl Link {
    /// Whether its mode is asked with each reading: it is always to be known, or it was ordered into one a short while
    /// ago.
    pub(crate) fn asks_mode(&self) -> bool {
        self.tells_mode || self.mode_ordered.is_some_and(|since| since.elapsed() < MODE_READ_FOR)
    }
    /// A link to the machine with this hardware address, where it is known.
    #[must_use]
    pub fn to(mac: Option<MacAddress>) -> Self {
        Self { mac, ..Self::default() }
    }
    /// Whether a reading may be of the machine that the link is bound to; binds it to the first one seen. A
    /// reading that does not say whose it is may be. The site's word on a serial number goes before what
    /// readings say: until that was asked for, nothing is learned from them.
    ///
    /// # Errors
    /// `Impostor` when another machine answers.
    pub(crate) fn bind(&mut self, seen: Option<MacAddress>) -> Result<(), Trouble> {
        match (self.mac, seen) {
            (Some(bound), Some(seen)) if bound != seen => Err(Trouble::Impostor),
            (None, Some(seen)) if self.serial.is_none() => {
                self.mac = Some(seen);
                Ok(())
            }
            _ => Ok(()),
        }
    }
    /// Whether an order may go to whoever says this of itself; binds it to the first one seen. Who does not say
    /// who it is gets none. There is no exception: every family names its hardware address where its driver
    /// looks, but for Braiins OS before 24.09, which is not commanded at all. A machine that has just told the
    /// serial number it is bound to need not name an address besides.
    ///
    /// # Errors
    /// `Impostor` when another machine answers, or one that does not say who it is; `Garbled` when nobody is
    /// known at this address and whoever answers does not say who it is.
    pub(crate) fn confirm(&mut self, seen: Option<MacAddress>) -> Result<(), Trouble> {
        match (self.mac, seen) {
            (Some(_), None) => Err(Trouble::Impostor),
            (None, None) if self.serial.is_none() => Err(Trouble::Garbled),
            _ => self.bind(seen),
        }
    }
}

/// One machine for the length of one request or command.
pub(crate) struct Call<'a> {
    pub(crate) driver: &'a Driver,
    pub(crate) family: Family,
    pub(crate) at: Endpoint,
    pub(crate) link: &'a mut Link,
    /// Holds the last TCP reply.
    pub(crate) buffer: &'a mut Vec<u8>,
}

impl Call<'_> {
    /// What opens this machine.
    pub(crate) fn login(&self) -> &Credentials {
        self.link.login.as_deref().unwrap_or_else(|| self.driver.access.of(self.family))
    }
    /// Where its TCP API answers.
    pub(crate) const fn api(&self) -> SocketAddr {
        SocketAddr::new(self.at.ip, self.at.api_port)
    }
    /// Where its pages answer, or its API over HTTP.
    pub(crate) const fn web(&self) -> SocketAddr {
        if self.family.api_is_http() {
            return self.api();
        }
        SocketAddr::new(self.at.ip, self.at.http_port)
    }
    pub(crate) const fn fast(&self) -> Duration {
        self.driver.patience.fast
    }
    pub(crate) const fn slow(&self) -> Duration {
        self.driver.patience.slow
    }
    /// One TCP request; the reply stands in the buffer.
    pub(crate) async fn ask(&mut self, request: &[u8], within: Duration) -> Result<(), Trouble> {
        let api = self.api();
        exchange(&self.driver.connector, api, request, self.buffer, within).await
    }
    /// A reading as of now that says nothing beyond what the machine does.
    pub(crate) fn reading(&self, activity: Activity) -> Reading {
        Reading {
            at: self.driver.clock.now(),
            activity,
            power: None,
            hash_rate: None,
            temperature: None,
            mode: None,
        }
    }
}
