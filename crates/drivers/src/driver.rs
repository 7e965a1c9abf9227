//! What can be done with one machine, by family: identify it, read it fast or fully, command it. Each
//! call says what the machine said and nothing more; whether a command was obeyed shows in later
//! readings.
//!
//! Not here: which machine to ask when (`poll`), and every decision.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use offpeak_site::{Action, Activity, Endpoint, Family, MacAddress, ModeName, Outcome, Reading, Trouble};
use offpeak_units::Power;
use tokio::time::Instant;

use crate::antminer::{self, Conf, Saved, Stats, SystemInfo, WorkMode, page};
use crate::clock::Clock;
use crate::connect::Connector;
use crate::exchange::exchange;
use crate::http::{Challenge, Credentials, Pages};
use crate::whatsminer::reply::ReplyError;
use crate::whatsminer::write::TOKEN_LIFE;
use crate::whatsminer::{self, MinerInfo, State, Summary, Token, Write, code};

/// A token is renewed this long before the machine forgets it.
const TOKEN_MARGIN: Duration = Duration::from_secs(5 * 60);

/// What opens the machines. The defaults are the factory's.
#[derive(Clone)]
pub struct Access {
    /// The password of WhatsMiner's `admin`.
    pub whatsminer_password: String,
    /// Antminer's web login.
    pub antminer: Credentials,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Access(..)")
    }
}

impl Default for Access {
    fn default() -> Self {
        Self {
            whatsminer_password: "admin".to_owned(),
            antminer: Credentials { user: "root".to_owned(), password: "root".to_owned() },
        }
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

/// Which of two questions settles what a machine does. Neither family answers both in one reply: the
/// statistics do not say that it sleeps, and what says so holds no watts. So one is asked a poll:
/// the statistics of a machine that hashes, the mode of one that does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Question {
    /// `summary`, `stats`.
    #[default]
    Work,
    /// `status`, `get_miner_conf.cgi`.
    Mode,
}

/// What is kept between requests to one machine.
#[derive(Clone, Debug, Default)]
pub struct Link {
    /// What the next fast reading asks.
    pub question: Question,
    /// The hardware address that commands are bound to: the site's, or the first one seen.
    pub mac: Option<MacAddress>,
    /// When it last spoke of itself, what it was doing.
    activity: Option<Activity>,
    /// What the statistics said of a machine that does not hash, until its mode says why.
    idle: Option<Reading>,
    /// The running mode it was last set to.
    mode: Option<WorkMode>,
    challenge: Challenge,
    token: Option<(Token, Instant)>,
}

impl Link {
    /// A link to the machine with this hardware address, where it is known.
    #[must_use]
    pub fn to(mac: Option<MacAddress>) -> Self {
        Self { mac, ..Self::default() }
    }
    /// Whether this is the machine that the link is bound to; binds it to the first one seen.
    fn bind(&mut self, seen: Option<MacAddress>) -> Result<(), Trouble> {
        match (self.mac, seen) {
            (Some(bound), Some(seen)) if bound != seen => Err(Trouble::Impostor),
            (None, Some(seen)) => {
                self.mac = Some(seen);
                Ok(())
            }
            _ => Ok(()),
        }
    }
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

const fn web(at: Endpoint) -> SocketAddr {
    SocketAddr::new(at.ip, at.http_port)
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
        let reading = match (family, link.question) {
            (Family::WhatsminerV2, Question::Work) => self.summary(at, link, buffer).await?,
            (Family::WhatsminerV2, Question::Mode) => self.status(at, link, buffer).await?,
            (Family::AntminerStock, Question::Work) => self.stats(at, link, buffer).await?,
            // Boxed: pages need room that the common case would carry along.
            (Family::AntminerStock, Question::Mode) => Box::pin(self.conf(at, link)).await?,
            (Family::Other, _) => return Err(Trouble::Denied),
        };
        if let Some(reading) = reading {
            link.activity = Some(reading.activity);
        }
        Ok(reading)
    }

    async fn summary(
        &self,
        at: Endpoint,
        link: &mut Link,
        buffer: &mut Vec<u8>,
    ) -> Result<Option<Reading>, Trouble> {
        exchange(&self.connector, api(at), b"{\"cmd\":\"summary\"}", buffer, self.patience.fast).await?;
        let summary = match Summary::parse(buffer) {
            Ok(summary) => summary,
            // The API daemon answers, the mining process behind it does not: ask why.
            Err(ReplyError::Refused(refusal)) if refusal.code != Some(code::DENIED) => {
                link.question = Question::Mode;
                link.idle = None;
                return Ok(None);
            }
            Err(error) => return Err(error.trouble()),
        };
        link.bind(summary.mac())?;
        let hash_rate = summary.hash_rate();
        let hashing = hash_rate.is_some_and(|rate| !rate.is_zero());
        let activity = if hashing {
            Activity::Hashing
        } else if summary.numbered.present.is_empty() {
            Activity::Starting
        } else {
            Activity::Failed
        };
        let reading = Reading {
            at: self.clock.now(),
            activity,
            power: summary.power(),
            hash_rate,
            temperature: summary.temperature(),
            mode: summary.mode(),
        };
        if hashing {
            link.question = Question::Work;
            return Ok(Some(reading));
        }
        // It may be off by command, which the statistics do not say.
        link.question = Question::Mode;
        link.idle = Some(reading);
        Ok(None)
    }

    async fn status(
        &self,
        at: Endpoint,
        link: &mut Link,
        buffer: &mut Vec<u8>,
    ) -> Result<Option<Reading>, Trouble> {
        exchange(&self.connector, api(at), b"{\"cmd\":\"status\"}", buffer, self.patience.fast).await?;
        let state = State::parse(buffer).map_err(|error| error.trouble())?;
        let off = state.is_off().ok_or(Trouble::Garbled)?;
        link.question = if off { Question::Mode } else { Question::Work };
        // Of a machine that is awake the statistics have told more.
        let idle = link.idle.take().filter(|_| !off);
        Ok(Some(idle.unwrap_or_else(|| Reading {
            at: self.clock.now(),
            activity: if off { Activity::Asleep } else { Activity::Starting },
            power: None,
            hash_rate: None,
            temperature: None,
            mode: state.mode(),
        })))
    }

    async fn stats(
        &self,
        at: Endpoint,
        link: &mut Link,
        buffer: &mut Vec<u8>,
    ) -> Result<Option<Reading>, Trouble> {
        exchange(&self.connector, api(at), b"{\"command\":\"stats\"}", buffer, self.patience.fast).await?;
        let stats = Stats::parse(buffer).map_err(|error| error.trouble())?;
        let hash_rate = stats.hash_rate();
        if hash_rate.is_none_or(offpeak_units::HashRate::is_zero) {
            link.question = Question::Mode;
            return Ok(None);
        }
        Ok(Some(Reading {
            at: self.clock.now(),
            activity: Activity::Hashing,
            power: None,
            hash_rate,
            temperature: stats.temperature(),
            mode: link.mode.and_then(WorkMode::mode),
        }))
    }

    async fn conf(&self, at: Endpoint, link: &mut Link) -> Result<Option<Reading>, Trouble> {
        let within = self.patience.fast;
        let mut pages =
            Pages::new(&self.connector, web(at), &self.access.antminer, &mut link.challenge, within);
        let body = pages.get(page::CONF).await?;
        drop(pages);
        let conf = Conf::parse(&body).map_err(|error| error.trouble())?;
        let work_mode = conf.work_mode().ok_or(Trouble::Garbled)?;
        let asleep = work_mode == WorkMode::Sleep;
        link.question = if asleep { Question::Mode } else { Question::Work };
        if !asleep {
            link.mode = Some(work_mode);
        }
        Ok(Some(Reading {
            at: self.clock.now(),
            activity: if asleep { Activity::Asleep } else { Activity::Starting },
            power: None,
            hash_rate: None,
            temperature: None,
            mode: work_mode.mode(),
        }))
    }

    /// Asks for a command to be carried out. The machine's identity is checked first where it is
    /// known. Accepting is not obeying.
    pub async fn command(&self, family: Family, at: Endpoint, link: &mut Link, action: Action) -> Outcome {
        let outcome = match (family, action) {
            (_, Action::Cut | Action::Restore) => {
                Err(ReplyError::refused("an outlet is commanded at its switch"))
            }
            (Family::WhatsminerV2, Action::Sleep) => self.write(at, link, Write::PowerOff).await,
            (Family::WhatsminerV2, Action::Wake) => self.write(at, link, Write::PowerOn).await,
            (Family::WhatsminerV2, Action::SetMode(mode)) => self.write_mode(at, link, mode).await,
            (Family::AntminerStock, Action::Sleep) => self.save_mode(at, link, WorkMode::Sleep).await,
            (Family::AntminerStock, Action::Wake) => {
                let mode = link.mode.unwrap_or(WorkMode::Normal);
                self.save_mode(at, link, mode).await
            }
            (Family::AntminerStock, Action::SetMode(mode)) => match WorkMode::of(mode) {
                Some(mode) => self.save_mode(at, link, mode).await,
                None => Err(ReplyError::refused("stock firmware has no high mode")),
            },
            (Family::Other, _) => Err(ReplyError::refused("machines of this family are only read")),
        };
        outcome_of(outcome)
    }

    /// Asks a machine to keep below a power, at the wall as it measures it.
    pub async fn set_power_limit(
        &self,
        family: Family,
        at: Endpoint,
        link: &mut Link,
        limit: Power,
    ) -> Outcome {
        outcome_of(match family {
            Family::WhatsminerV2 => self.write(at, link, Write::SetPowerLimit(limit)).await,
            _ => Err(ReplyError::refused("this family takes no power limit")),
        })
    }

    /// `power_on` first where it sleeps: setting a mode does not by itself start it.
    async fn write_mode(&self, at: Endpoint, link: &mut Link, mode: ModeName) -> Result<(), ReplyError> {
        if link.activity == Some(Activity::Asleep) {
            self.write(at, link, Write::PowerOn).await?;
        }
        self.write(at, link, Write::SetMode(mode)).await
    }

    /// One encrypted request while the token holds; a machine that forgot it is asked for another.
    async fn write(&self, at: Endpoint, link: &mut Link, write: Write) -> Result<(), ReplyError> {
        let mut buffer = Vec::new();
        let mut fresh = false;
        loop {
            let token = match &link.token {
                Some((token, since)) if since.elapsed() < TOKEN_LIFE => token.clone(),
                _ => {
                    fresh = true;
                    self.arm(at, link).await?
                }
            };
            let request = token.request(write);
            exchange(&self.connector, api(at), &request, &mut buffer, self.patience.slow)
                .await
                .map_err(ReplyError::Broken)?;
            match token.accepted(&buffer) {
                Err(ReplyError::Refused(refusal)) if refusal.code == Some(code::TOKEN_WRONG) && !fresh => {
                    link.token = None;
                }
                outcome => return outcome,
            }
        }
    }

    /// Checks who answers and takes a token from it: from then on a command is one request, and
    /// nobody else can answer it.
    async fn arm(&self, at: Endpoint, link: &mut Link) -> Result<Token, ReplyError> {
        let mut buffer = Vec::new();
        let within = self.patience.slow;
        let ask = whatsminer::request("get_miner_info");
        exchange(&self.connector, api(at), &ask, &mut buffer, within).await.map_err(ReplyError::Broken)?;
        let seen = match MinerInfo::parse(&buffer) {
            Ok(info) => info.mac(),
            // Version 1 firmware does not know the command; its summary names the address.
            Err(ReplyError::Refused(_)) => None,
            Err(error) => return Err(error),
        };
        link.bind(seen).map_err(ReplyError::Broken)?;
        let ask = whatsminer::request("get_token");
        exchange(&self.connector, api(at), &ask, &mut buffer, within).await.map_err(ReplyError::Broken)?;
        let token = Token::from_reply(&buffer, &self.access.whatsminer_password)?;
        link.token = Some((token.clone(), Instant::now()));
        Ok(token)
    }

    /// Renews the token before the machine forgets it, so that a command needs one request. Does
    /// nothing for families without tokens.
    ///
    /// # Errors
    /// What stands between us and the machine.
    pub async fn keep_armed(&self, family: Family, at: Endpoint, link: &mut Link) -> Result<(), Trouble> {
        let due = link.token.as_ref().is_none_or(|(_, since)| since.elapsed() + TOKEN_MARGIN >= TOKEN_LIFE);
        if family != Family::WhatsminerV2 || !due {
            return Ok(());
        }
        self.arm(at, link).await.map(drop).map_err(|error| error.trouble())
    }

    /// Reads who it is and its configuration and saves it with another work mode, on one connection.
    async fn save_mode(&self, at: Endpoint, link: &mut Link, mode: WorkMode) -> Result<(), ReplyError> {
        let bound = link.mac;
        let (connector, access) = (&self.connector, &self.access.antminer);
        let mut pages = Pages::new(connector, web(at), access, &mut link.challenge, self.patience.slow);
        let info = pages.get(page::SYSTEM_INFO).await.map_err(ReplyError::Broken)?;
        let seen = SystemInfo::parse(&info)?.mac();
        if bound.is_some() && seen.is_some() && bound != seen {
            return Err(ReplyError::Broken(Trouble::Impostor));
        }
        let conf = Conf::parse(&pages.get(page::CONF).await.map_err(ReplyError::Broken)?)?;
        let body = conf.with_work_mode(mode)?;
        let answer = pages.post(page::SET_CONF, body).await.map_err(ReplyError::Broken)?;
        drop(pages);
        link.mac = bound.or(seen);
        if let Some(running) = conf.work_mode().filter(|running| *running != WorkMode::Sleep) {
            link.mode = Some(running);
        }
        Saved::accepted(&answer)?;
        if mode != WorkMode::Sleep {
            link.mode = Some(mode);
        }
        Ok(())
    }

    /// Who answers at this address; `None` when what answers is of neither family.
    ///
    /// # Errors
    /// What stands between us and whatever is there.
    pub async fn identify(&self, at: Endpoint) -> Result<Option<Identity>, Trouble> {
        let mut buffer = Vec::new();
        let ask = antminer::request("version");
        exchange(&self.connector, api(at), &ask, &mut buffer, self.patience.slow).await?;
        match antminer::Version::parse(&buffer) {
            Ok(version) => {
                let model = version.model.owned();
                let stock = model.as_deref().is_some_and(|model| model.starts_with("Antminer"))
                    && version.bmminer.get().is_some();
                if !stock {
                    return Ok(None);
                }
                let firmware = version.compiled.owned();
                Ok(Some(self.identify_antminer(at, model, firmware).await))
            }
            Err(ReplyError::Refused(_)) => self.identify_whatsminer(at, &mut buffer).await,
            Err(ReplyError::Broken(trouble)) => Err(trouble),
        }
    }

    async fn identify_antminer(
        &self,
        at: Endpoint,
        model: Option<String>,
        firmware: Option<String>,
    ) -> Identity {
        let mut challenge = Challenge::default();
        let (connector, access) = (&self.connector, &self.access.antminer);
        let mut pages = Pages::new(connector, web(at), access, &mut challenge, self.patience.slow);
        let page = pages.get(page::SYSTEM_INFO).await.unwrap_or_default();
        let info = SystemInfo::parse(&page).unwrap_or_default();
        Identity {
            family: Family::AntminerStock,
            model: info.model.owned().or(model),
            mac: info.mac(),
            serial: info.serial.owned(),
            firmware: info.firmware.owned().or(firmware),
        }
    }

    async fn identify_whatsminer(
        &self,
        at: Endpoint,
        buffer: &mut Vec<u8>,
    ) -> Result<Option<Identity>, Trouble> {
        let within = self.patience.slow;
        exchange(&self.connector, api(at), &whatsminer::request("get_version"), buffer, within).await?;
        let firmware = match whatsminer::Version::parse(buffer) {
            Ok(version) if version.api.get().is_some() => version.firmware.owned(),
            Ok(_) | Err(ReplyError::Refused(_)) => return Ok(None),
            Err(ReplyError::Broken(trouble)) => return Err(trouble),
        };
        let mut identity =
            Identity { family: Family::WhatsminerV2, model: None, mac: None, serial: None, firmware };
        // What is said beyond the version is welcome, and absent where the machine refuses it.
        let ask = whatsminer::request("get_miner_info");
        if exchange(&self.connector, api(at), &ask, buffer, within).await.is_ok()
            && let Ok(info) = MinerInfo::parse(buffer)
        {
            identity.mac = info.mac();
            identity.serial = info.serial.owned();
        }
        let ask = whatsminer::request("devdetails");
        if exchange(&self.connector, api(at), &ask, buffer, within).await.is_ok()
            && let Ok(details) = whatsminer::DeviceDetails::parse(buffer)
        {
            identity.model = details.model.owned();
        }
        if identity.mac.is_none()
            && exchange(&self.connector, api(at), &whatsminer::request("summary"), buffer, within)
                .await
                .is_ok()
            && let Ok(summary) = Summary::parse(buffer)
        {
            identity.mac = summary.mac();
        }
        Ok(Some(identity))
    }

    /// Everything the family tells: who it is and both questions of the fast reading, in several requests.
    ///
    /// # Errors
    /// What stands between us and the machine.
    pub async fn read_full(
        &self,
        family: Family,
        at: Endpoint,
    ) -> Result<(Option<Identity>, Option<Reading>), Trouble> {
        let identity = self.identify(at).await?;
        let mut link = Link::default();
        let mut buffer = Vec::new();
        let mut reading = self.read_fast(family, at, &mut link, &mut buffer).await?;
        if link.question == Question::Mode {
            let mode = self.read_fast(family, at, &mut link, &mut buffer).await?;
            reading = mode.or(reading);
        }
        Ok((identity, reading))
    }
}

impl ReplyError {
    fn refused(words: &str) -> Self {
        Self::Refused(crate::cgminer::Refusal { code: None, words: words.to_owned() })
    }
}

fn outcome_of(outcome: Result<(), ReplyError>) -> Outcome {
    match outcome {
        Ok(()) => Outcome::Accepted,
        Err(ReplyError::Refused(refusal)) => Outcome::Refused(refusal.to_string()),
        Err(ReplyError::Broken(trouble)) => Outcome::Unanswered(trouble),
    }
}
