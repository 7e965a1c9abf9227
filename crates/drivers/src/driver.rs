//! What can be done with one machine, by family: identify it, read it fast or fully, command it. Each
//! call says what the machine said and nothing more; whether a command was obeyed shows in later
//! readings.
//!
//! Not here: what each family is asked (`whatsminer::drive` and its siblings), which machine to ask
//! when (`poll`), and every decision.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use offpeak_site::{Action, Endpoint, Family, MacAddress, Outcome, Reading, Trouble};

use crate::call::{Call, Order};
use crate::clock::Clock;
use crate::connect::Connector;
use crate::devices::factory_login;
use crate::full::{Details, FullReading};
use crate::http::Credentials;
use crate::refusal::{ReplyError, outcome_of};
use crate::rest::{Ask, send};
use crate::{
    antminer, avalon, bitaxe, braiins, braiins_graphql, epic, luxos, proto, vnish, whatsminer, whatsminer_v3,
};

pub use crate::call::{Link, Question};

/// What opens the machines, by family. The defaults are the factory's.
#[derive(Clone)]
pub struct Access {
    logins: BTreeMap<Family, Credentials>,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Access(..)")
    }
}

impl Default for Access {
    fn default() -> Self {
        Self { logins: Family::ALL.into_iter().map(|family| (family, factory_login(family))).collect() }
    }
}

impl Access {
    /// What opens machines of this family.
    #[must_use]
    pub fn of(&self, family: Family) -> &Credentials {
        self.logins.get(&family).expect("every family has a login since the defaults were taken")
    }
    /// Takes another login for a family.
    pub fn set(&mut self, family: Family, login: Credentials) {
        self.logins.insert(family, login);
    }
}

/// How long to wait for a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For a fast reading.
    pub fast: Duration,
    /// For each request of a command, an identification or a full reading.
    pub slow: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { fast: Duration::from_secs(3), slow: Duration::from_secs(5) }
    }
}

/// What every machine of a site is driven with.
#[derive(Clone, Debug)]
pub struct Driver {
    /// How streams are opened.
    pub connector: Connector,
    /// What readings are stamped with.
    pub clock: Clock,
    /// What opens the machines.
    pub access: Arc<Access>,
    /// How long to wait.
    pub patience: Patience,
}

/// Who answers at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// What it speaks.
    pub family: Family,
    /// The model in the machine's words, such as `M30S++VH40` or `Antminer S19 Pro`.
    pub model: Option<String>,
    /// Its hardware address.
    pub mac: Option<MacAddress>,
    /// Its serial number.
    pub serial: Option<String>,
    /// Its firmware version.
    pub firmware: Option<String>,
}

/// The API's socket address.
#[must_use]
pub const fn api(at: Endpoint) -> SocketAddr {
    SocketAddr::new(at.ip, at.api_port)
}

impl Identity {
    /// A machine of this family of which nothing else is known.
    #[must_use]
    pub const fn of(family: Family) -> Self {
        Self { family, model: None, mac: None, serial: None, firmware: None }
    }
}

impl Driver {
    /// A driver with the factory's access and usual patience.
    #[must_use]
    pub fn new(connector: Connector, clock: Clock) -> Self {
        Self { connector, clock, access: Arc::default(), patience: Patience::default() }
    }

    /// One request, one reading. `None` when the reply holds no word on what the machine does: then
    /// the next request asks for that word.
    ///
    /// # Errors
    /// What stands between us and the machine.
    pub async fn read_fast(
        &self,
        family: Family,
        at: Endpoint,
        link: &mut Link,
        buffer: &mut Vec<u8>,
    ) -> Result<Option<Reading>, Trouble> {
        let mut call = Call { driver: self, family, at, link, buffer };
        let reading = match family {
            Family::WhatsminerV2 => whatsminer::drive::read(&mut call).await?,
            Family::WhatsminerV3 => whatsminer_v3::drive::read(&mut call).await?,
            Family::AntminerStock => antminer::drive::read(&mut call).await?,
            Family::Avalon => avalon::drive::read(&mut call).await?,
            Family::LuxOs => luxos::drive::read(&mut call).await?,
            Family::BraiinsOs => braiins::drive::read(&mut call).await?,
            Family::BraiinsOsGraphQl => braiins_graphql::drive::read(&mut call).await?,
            Family::Epic => epic::drive::read(&mut call).await?,
            Family::ProtoRig => proto::drive::read(&mut call).await?,
            Family::Bitaxe => bitaxe::drive::read(&mut call).await?,
            Family::Vnish => vnish::drive::read(&mut call).await?,
            Family::Other => return Err(Trouble::Denied),
        };
        if let Some(reading) = reading {
            link.activity = Some(reading.activity);
        }
        Ok(reading)
    }

    /// Asks for an action to be carried out. The machine's identity is checked first where it is
    /// known. Accepting is not obeying.
    pub async fn command(&self, family: Family, at: Endpoint, link: &mut Link, action: Action) -> Outcome {
        match Order::of(action) {
            Some(order) => self.order(family, at, link, &order).await,
            None => Outcome::Refused("an outlet is commanded at its switch".to_owned()),
        }
    }

    /// Asks for an order to be carried out, as [`Driver::command`].
    pub async fn order(&self, family: Family, at: Endpoint, link: &mut Link, order: &Order) -> Outcome {
        let mut call = Call { driver: self, family, at, link, buffer: &mut Vec::new() };
        outcome_of(match family {
            Family::WhatsminerV2 => whatsminer::drive::command(&mut call, order).await,
            Family::WhatsminerV3 => whatsminer_v3::drive::command(&mut call, order).await,
            Family::AntminerStock => antminer::drive::command(&mut call, order).await,
            Family::Avalon => avalon::drive::command(&mut call, order).await,
            Family::LuxOs => luxos::drive::command(&mut call, order).await,
            Family::BraiinsOs => braiins::drive::command(&mut call, order).await,
            Family::BraiinsOsGraphQl => braiins_graphql::drive::command(&mut call, order).await,
            Family::Epic => epic::drive::command(&mut call, order).await,
            Family::ProtoRig => proto::drive::command(&mut call, order).await,
            Family::Bitaxe => bitaxe::drive::command(&mut call, order).await,
            Family::Vnish => vnish::drive::command(&mut call, order).await,
            Family::Other => Err(ReplyError::refused("machines of this family are not driven")),
        })
    }

    /// Renews tokens before the machine forgets them, so that a command needs one request. Does
    /// nothing for families without tokens.
    ///
    /// # Errors
    /// What stands between us and the machine.
    pub async fn keep_armed(&self, family: Family, at: Endpoint, link: &mut Link) -> Result<(), Trouble> {
        let mut call = Call { driver: self, family, at, link, buffer: &mut Vec::new() };
        match family {
            Family::WhatsminerV2 => whatsminer::drive::arm(&mut call).await,
            Family::WhatsminerV3 => whatsminer_v3::drive::arm(&mut call).await,
            Family::BraiinsOs => braiins::drive::arm(&mut call).await,
            Family::BraiinsOsGraphQl => braiins_graphql::drive::arm(&mut call).await,
            Family::ProtoRig => proto::drive::arm(&mut call).await,
            Family::Vnish => vnish::drive::arm(&mut call).await,
            _ => Ok(()),
        }
    }

    /// Who answers at this address; `None` when what answers is of no family here.
    ///
    /// # Errors
    /// What stands between us and whatever is there.
    pub async fn identify(&self, at: Endpoint) -> Result<Option<Identity>, Trouble> {
        self.identify_with(at, None).await
    }

    /// As [`Driver::identify`], with a machine's own login where it has one.
    ///
    /// # Errors
    /// What stands between us and whatever is there.
    pub async fn identify_with(
        &self,
        at: Endpoint,
        login: Option<Arc<Credentials>>,
    ) -> Result<Option<Identity>, Trouble> {
        let (mut link, mut buffer) = (Link { login, ..Link::default() }, Vec::new());
        let mut call = Call { driver: self, family: Family::Other, at, link: &mut link, buffer: &mut buffer };
        if at.api_port == Family::WhatsminerV3.api_port() {
            call.family = Family::WhatsminerV3;
            return whatsminer_v3::drive::identify(&mut call).await;
        }
        match call.ask(&antminer::request("version"), self.patience.slow).await {
            // No TCP API here: whoever it is has pages, or is not there.
            Err(Trouble::Unreachable) => return Box::pin(self.identify_by_pages(&mut call)).await,
            asked => asked?,
        }
        if epic::drive::recognise(call.buffer) {
            call.family = Family::Epic;
            return epic::drive::identify(&mut call).await;
        }
        if let Some(identity) = avalon::drive::recognise(call.buffer) {
            return Ok(Some(identity));
        }
        if let Some(known) = luxos::drive::recognise(call.buffer) {
            call.family = Family::LuxOs;
            return Ok(Some(luxos::drive::identify(&mut call, known).await));
        }
        if braiins::drive::recognise(call.buffer) {
            call.family = Family::BraiinsOs;
            if let Some(known) = braiins::drive::identify(&mut call).await {
                return Ok(Some(known));
            }
            call.family = Family::BraiinsOsGraphQl;
            return Ok(braiins_graphql::drive::identify(&mut call).await);
        }
        if vnish::drive::recognise(call.buffer) {
            call.family = Family::Vnish;
            return Ok(Some(vnish::drive::identify(&mut call).await));
        }
        match antminer::Version::parse(call.buffer) {
            Ok(version) => {
                if !antminer::drive::recognise(&version) {
                    return Ok(None);
                }
                let (model, firmware) = (version.model.owned(), version.compiled.owned());
                call.family = Family::AntminerStock;
                Ok(Some(antminer::drive::identify(&mut call, model, firmware).await))
            }
            Err(ReplyError::Refused(_)) => {
                call.family = Family::WhatsminerV2;
                whatsminer::drive::identify(&mut call).await
            }
            Err(ReplyError::Broken(trouble)) => Err(trouble),
        }
    }

    /// Who answers where there are pages and no TCP API. No login is sent before a page says whose it is.
    async fn identify_by_pages(&self, call: &mut Call<'_>) -> Result<Option<Identity>, Trouble> {
        call.family = Family::ProtoRig;
        if let Some(rig) = proto::drive::identify(call).await? {
            return Ok(Some(rig));
        }
        call.family = Family::Bitaxe;
        if let Some(axe) = bitaxe::drive::identify(call).await? {
            return Ok(Some(axe));
        }
        let Ok(title) = send(call, &Ask::get("/"), self.patience.slow).await?.told() else { return Ok(None) };
        let names = |word: &[u8]| title.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
        if names(b"braiins os") {
            call.family = Family::BraiinsOs;
            if let Some(known) = braiins::drive::identify(call).await {
                return Ok(Some(known));
            }
            call.family = Family::BraiinsOsGraphQl;
            return Ok(braiins_graphql::drive::identify(call).await);
        }
        if names(b"anthillos") {
            call.family = Family::Vnish;
            return Ok(Some(vnish::drive::identify(call).await));
        }
        Ok(None)
    }

    /// Everything the family tells: who it is, what it does, what it is made of and mines for, in several requests.
    ///
    /// # Errors
    /// What stands between us and the machine.
    pub async fn read_full(&self, family: Family, at: Endpoint) -> Result<FullReading, Trouble> {
        self.read_full_with(family, at, None).await
    }

    /// As [`Driver::read_full`], with a machine's own login where it has one.
    ///
    /// # Errors
    /// What stands between us and the machine.
    pub async fn read_full_with(
        &self,
        family: Family,
        at: Endpoint,
        login: Option<Arc<Credentials>>,
    ) -> Result<FullReading, Trouble> {
        let identity = self.identify_with(at, login.clone()).await?;
        let (mut link, mut buffer) = (Link { login, ..Link::default() }, Vec::new());
        let reading = self.state(family, at, &mut link, &mut buffer).await?;
        let details = self.details_over(family, at, &mut link, &mut buffer).await;
        Ok(FullReading { identity, reading, details })
    }

    /// What it is made of and mines for, with a machine's own login where it has one. A question without an answer is
    /// named, and what it would have told is absent.
    pub async fn details(&self, family: Family, at: Endpoint, login: Option<Arc<Credentials>>) -> Details {
        self.details_over(family, at, &mut Link { login, ..Link::default() }, &mut Vec::new()).await
    }

    pub(crate) async fn details_over(
        &self,
        family: Family,
        at: Endpoint,
        link: &mut Link,
        buffer: &mut Vec<u8>,
    ) -> Details {
        let call = &mut Call { driver: self, family, at, link, buffer };
        match family {
            Family::WhatsminerV2 => whatsminer::full::read(call).await,
            Family::WhatsminerV3 => whatsminer_v3::full::read(call).await,
            Family::AntminerStock => antminer::full::read(call).await,
            Family::Avalon => avalon::full::read(call).await,
            Family::LuxOs => luxos::full::read(call).await,
            Family::BraiinsOs => braiins::full::read(call).await,
            Family::BraiinsOsGraphQl => braiins_graphql::full::read(call).await,
            Family::Epic => epic::full::read(call).await,
            Family::ProtoRig => proto::full::read(call).await,
            Family::Bitaxe => bitaxe::full::read(call).await,
            Family::Vnish => vnish::full::read(call).await,
            Family::Other => Details::default(),
        }
    }

    /// What it does, by every question of the fast reading.
    ///
    /// # Errors
    /// What stands between us and the machine.
    pub async fn read_state(&self, family: Family, at: Endpoint) -> Result<Option<Reading>, Trouble> {
        self.read_state_with(family, at, None).await
    }

    /// As [`Driver::read_state`], with a machine's own login where it has one.
    ///
    /// # Errors
    /// What stands between us and the machine.
    pub async fn read_state_with(
        &self,
        family: Family,
        at: Endpoint,
        login: Option<Arc<Credentials>>,
    ) -> Result<Option<Reading>, Trouble> {
        self.state(family, at, &mut Link { login, ..Link::default() }, &mut Vec::new()).await
    }

    async fn state(
        &self,
        family: Family,
        at: Endpoint,
        link: &mut Link,
        buffer: &mut Vec<u8>,
    ) -> Result<Option<Reading>, Trouble> {
        let reading = self.read_fast(family, at, link, buffer).await?;
        if link.question == Question::Work {
            return Ok(reading);
        }
        let mode = self.read_fast(family, at, link, buffer).await?;
        Ok(mode.or(reading))
    }
}
