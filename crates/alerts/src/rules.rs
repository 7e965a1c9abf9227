//! The rule file: which conditions are watched, how long they hold before somebody is told, and by which ways.
//!
//! Every rule has a default, so an empty file is a good one; a rule is switched off by `off = true`.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::quiet::QuietHours;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Somebody should look today.
    Notice,
    /// Somebody should look this hour.
    Warning,
    /// Somebody should look now, also at night.
    Critical,
}

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleKind {
    /// A circuit draws more than it may.
    OverLimit,
    /// A circuit draws nearly as much as it may: `level` is the share.
    NearLimit,
    /// A meter says nothing.
    MeterSilent,
    /// The middle machine of a hall is hotter than `level` °C.
    HallHot,
    /// Machines of which nothing fresh is known.
    MachinesLost,
    /// A machine hashes less than `level` of what its model does.
    HashLow,
    /// A machine lets commands pass.
    Disobedient,
    /// A machine's firmware is another than before.
    FirmwareChanged,
    /// A machine mines for another pool, or as somebody else, than it should.
    PoolWrong,
    /// Less than `level` of the disk is free.
    DiskLow,
    /// The clock is off by more than `level` seconds.
    ClockOff,
    /// A signal is older than `level` seconds.
    SignalStale,
    /// The control loop has decided nothing for more than `level` seconds.
    LoopStalled,
    /// The book cannot be written.
    BookFails,
}

impl RuleKind {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::OverLimit,
        Self::NearLimit,
        Self::MeterSilent,
        Self::HallHot,
        Self::MachinesLost,
        Self::HashLow,
        Self::Disobedient,
        Self::FirmwareChanged,
        Self::PoolWrong,
        Self::DiskLow,
        Self::ClockOff,
        Self::SignalStale,
        Self::LoopStalled,
        Self::BookFails,
    ];

    /// As in the rule file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OverLimit => "over-limit",
            Self::NearLimit => "near-limit",
            Self::MeterSilent => "meter-silent",
            Self::HallHot => "hall-hot",
            Self::MachinesLost => "machines-lost",
            Self::HashLow => "hash-low",
            Self::Disobedient => "disobedient",
            Self::FirmwareChanged => "firmware-changed",
            Self::PoolWrong => "pool-wrong",
            Self::DiskLow => "disk-low",
            Self::ClockOff => "clock-off",
            Self::SignalStale => "signal-stale",
            Self::LoopStalled => "loop-stalled",
            Self::BookFails => "book-fails",
        }
    }

    /// The rule unless the file says otherwise.
    const fn default_rule(self) -> Rule {
        let (severity, level, hold_s) = match self {
            Self::OverLimit => (Severity::Critical, 1.0, 5),
            Self::NearLimit => (Severity::Notice, 0.995, 300),
            Self::MeterSilent => (Severity::Critical, 0.0, 15),
            Self::HallHot => (Severity::Warning, 80.0, 120),
            Self::MachinesLost => (Severity::Warning, 0.0, 120),
            Self::HashLow => (Severity::Notice, 0.8, 1_800),
            Self::Disobedient => (Severity::Warning, 0.0, 0),
            Self::FirmwareChanged | Self::PoolWrong => (Severity::Warning, 0.0, 0),
            Self::DiskLow => (Severity::Warning, 0.1, 60),
            Self::ClockOff => (Severity::Warning, 2.0, 60),
            Self::SignalStale => (Severity::Warning, 900.0, 0),
            Self::LoopStalled => (Severity::Critical, 30.0, 0),
            Self::BookFails => (Severity::Critical, 0.0, 0),
        };
        Rule { severity, level, hold_s, off: false }
    }
}

/// How one kind of condition is watched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// How much it matters.
    pub severity: Severity,
    /// The level; what it means stands with [`RuleKind`].
    pub level: f64,
    /// How long it holds before somebody is told, and how long it is over before that is told.
    pub hold_s: u32,
    /// Not watched.
    pub off: bool,
}

/// As in the file: what is absent stays at its default.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    severity: Option<Severity>,
    level: Option<f64>,
    hold_s: Option<u32>,
    off: Option<bool>,
}

/// A way to somebody.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Channel {
    /// By e-mail.
    Email {
        /// `host:port` of the mail server.
        server: String,
        /// `starttls`, `tls`, or `plain`, which is for loopback only.
        security: String,
        /// Who sends.
        from: String,
        /// To whom.
        to: Vec<String>,
        /// The login's name, where the server asks for one.
        #[serde(default)]
        user: Option<String>,
        /// The environment's variable that holds its password.
        #[serde(default)]
        password_env: Option<String>,
    },
    /// By a Telegram bot.
    Telegram {
        /// The chat's number.
        chat: String,
        /// The environment's variable that holds the bot's token.
        token_env: String,
        /// The API's address.
        #[serde(default = "telegram")]
        api: String,
    },
    /// By a POST of JSON.
    Webhook {
        /// Where to.
        url: String,
        /// The environment's variable that holds a bearer token.
        #[serde(default)]
        token_env: Option<String>,
    },
    /// By ntfy.
    Ntfy {
        /// The topic's address.
        url: String,
        /// The environment's variable that holds an access token.
        #[serde(default)]
        token_env: Option<String>,
    },
}

fn telegram() -> String {
    "https://api.telegram.org".to_owned()
}

/// The whole rule file.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    rules: BTreeMap<RuleKind, Rule>,
    /// Ways by name.
    pub channels: BTreeMap<String, Channel>,
    /// The ways that are told at once,
    pub first: Vec<String>,
    /// and those told when nobody acknowledges in time.
    pub then: Vec<String>,
    /// How long nobody may acknowledge.
    pub escalate_after: SignedDuration,
    /// How often an alert that holds is told again; never where absent.
    pub repeat_every: Option<SignedDuration>,
    /// When only what is critical is told.
    pub quiet: Option<QuietHours>,
    /// Where a heartbeat goes, for a watchdog outside that tells when it stops.
    pub heartbeat: Option<Heartbeat>,
    /// The pools and accounts that owners' machines are to mine for; for the others the first that was seen stands.
    pub pools: BTreeMap<String, Expected>,
    /// Which clock is believed.
    pub clock: Option<Clock>,
}

/// What an owner's machines are to mine for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expected {
    /// Addresses of pools; any where there are none.
    pub urls: Vec<String>,
    /// Accounts, each with whatever worker behind a dot; any where there are none.
    pub accounts: Vec<String>,
}

impl Expected {
    /// Whether this is one of them.
    #[must_use]
    pub fn has(&self, url: &str, user: &str) -> bool {
        let is_account = |account: &String| {
            user == account || user.strip_prefix(account.as_str()).is_some_and(|rest| rest.starts_with('.'))
        };
        (self.urls.is_empty() || self.urls.iter().any(|one| one == url))
            && (self.accounts.is_empty() || self.accounts.iter().any(is_account))
    }
}

/// A server of the time (SNTP) that the system's clock is held against.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Its name or address, with a port where it is not 123.
    pub ntp: String,
    /// How often it is asked, in seconds.
    #[serde(default = "every_five_minutes")]
    pub every_s: u32,
}

const fn every_five_minutes() -> u32 {
    300
}

/// A sign of life for an outside watchdog.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// What is asked for (GET).
    pub url: String,
    /// How often, in seconds.
    #[serde(default = "every_minute")]
    pub every_s: u32,
}

const fn every_minute() -> u32 {
    60
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    rules: BTreeMap<RuleKind, Given>,
    #[serde(default)]
    channels: BTreeMap<String, Channel>,
    #[serde(default)]
    notify: Notify,
    quiet_hours: Option<QuietHours>,
    heartbeat: Option<Heartbeat>,
    #[serde(default)]
    pools: BTreeMap<String, Expected>,
    clock: Option<Clock>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Notify {
    first: Vec<String>,
    then: Vec<String>,
    escalate_after_min: u32,
    repeat_every_min: Option<u32>,
}

impl Default for Notify {
    fn default() -> Self {
        Self { first: Vec::new(), then: Vec::new(), escalate_after_min: 15, repeat_every_min: None }
    }
}

/// What is wrong with a rule file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// It is no TOML, or has something in it that no rule file has; says where.
    #[error("the rule file is not understood:\n{0}")]
    Syntax(String),
    /// A way is named that is not there.
    #[error("`notify` names the channel `{0}`, which is not in the file")]
    Channel(String),
    /// A value that makes no sense.
    #[error("{0}")]
    Value(String),
}

/// Ways at most.
const CHANNELS_MAX: usize = 20;

impl Rules {
    /// Reads a rule file.
    ///
    /// # Errors
    /// With the line, where it is not understood.
    pub fn parse(text: &str) -> Result<Self, RulesError> {
        let file: File = toml::from_str(text).map_err(|error| RulesError::Syntax(error.to_string()))?;
        if file.channels.len() > CHANNELS_MAX {
            return Err(RulesError::Value(format!("there are more than {CHANNELS_MAX} channels")));
        }
        let named = file.notify.first.iter().chain(&file.notify.then);
        if let Some(unknown) = named.clone().find(|name| !file.channels.contains_key(*name)) {
            return Err(RulesError::Channel(unknown.clone()));
        }
        let mut rules = BTreeMap::new();
        for kind in RuleKind::ALL {
            let (default, given) = (kind.default_rule(), file.rules.get(&kind).copied().unwrap_or_default());
            let level = given.level.unwrap_or(default.level);
            if !level.is_finite() || level < 0.0 {
                return Err(RulesError::Value(format!(
                    "`level` of {} is {level}; it is 0 or more",
                    kind.name()
                )));
            }
            let rule = Rule {
                severity: given.severity.unwrap_or(default.severity),
                level,
                hold_s: given.hold_s.unwrap_or(default.hold_s),
                off: given.off.unwrap_or(default.off),
            };
            rules.insert(kind, rule);
        }
        for channel in file.channels.values() {
            check_channel(channel)?;
        }
        let minutes = |minutes: u32| SignedDuration::from_mins(minutes.into());
        Ok(Self {
            rules,
            channels: file.channels,
            first: file.notify.first,
            then: file.notify.then,
            escalate_after: minutes(file.notify.escalate_after_min),
            repeat_every: file.notify.repeat_every_min.filter(|every| *every > 0).map(minutes),
            quiet: file.quiet_hours,
            heartbeat: file.heartbeat,
            pools: file.pools,
            clock: file.clock,
        })
    }

    /// One rule, unless it is switched off.
    #[must_use]
    pub fn rule(&self, kind: RuleKind) -> Option<Rule> {
        self.rules.get(&kind).copied().filter(|rule| !rule.off)
    }
}

fn check_channel(channel: &Channel) -> Result<(), RulesError> {
    let Channel::Email { security, server, to, .. } = channel else { return Ok(()) };
    let host = server.rsplit_once(':').map_or("", |(host, _)| host);
    if host.is_empty() {
        return Err(RulesError::Value(format!("`server = \"{server}\"` is no host:port")));
    }
    if to.is_empty() {
        return Err(RulesError::Value("an e-mail channel has nobody in `to`".to_owned()));
    }
    match security.as_str() {
        "starttls" | "tls" => Ok(()),
        "plain" if matches!(host, "localhost" | "127.0.0.1" | "[::1]") => Ok(()),
        "plain" => {
            Err(RulesError::Value(format!("`security = \"plain\"` is for loopback only, not for {host}")))
        }
        other => {
            Err(RulesError::Value(format!("`security = \"{other}\"`: there are starttls, tls and plain")))
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::parse("").expect("an empty file is a good one")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_watches_everything() {
        let rules = Rules::default();
        assert!(RuleKind::ALL.iter().all(|kind| rules.rule(*kind).is_some()));
        assert_eq!(rules.rule(RuleKind::OverLimit).unwrap().severity, Severity::Critical);
    }

    #[test]
    fn what_is_given_goes_before_the_default() {
        let rules = Rules::parse(
            "[rules.hall-hot]\nlevel = 75\n[rules.near-limit]\noff = true\n\
             [channels.shift]\nkind = \"ntfy\"\nurl = \"http://127.0.0.1/mine\"\n[notify]\nfirst = [\"shift\"]\n",
        )
        .unwrap();
        assert_eq!(rules.rule(RuleKind::HallHot).unwrap().level, 75.0);
        assert_eq!(rules.rule(RuleKind::HallHot).unwrap().hold_s, 120);
        assert_eq!(rules.rule(RuleKind::NearLimit), None);
        assert_eq!(rules.first, ["shift"]);
    }

    #[test]
    fn an_account_is_named_whole() {
        let rules =
            Rules::parse("[pools.acme]\nurls = [\"stratum+tcp://a:1\"]\naccounts = [\"acme\"]\n").unwrap();
        let expected = &rules.pools["acme"];
        assert!(expected.has("stratum+tcp://a:1", "acme") && expected.has("stratum+tcp://a:1", "acme.rig7"));
        assert!(
            !expected.has("stratum+tcp://a:1", "acmeister.rig7")
                && !expected.has("stratum+tcp://b:1", "acme")
        );
        assert!(Expected::default().has("anything", "anybody"));
    }

    #[test]
    fn mistakes_are_told() {
        let error = |text: &str| Rules::parse(text).unwrap_err().to_string();
        assert!(error("[rules.hall-hut]\nlevel = 1\n").contains("hall-hut"));
        assert!(error("[notify]\nfirst = [\"nobody\"]\n").contains("nobody"));
        assert!(error("[rules.hall-hot]\nlevel = nan\n").contains("hall-hot"));
        let mail = "[channels.m]\nkind = \"email\"\nserver = \"mail.example:25\"\nsecurity = \"plain\"\nfrom = \"a@b.c\"\nto = [\"d@e.f\"]\n";
        assert!(error(mail).contains("loopback only"));
    }
}
