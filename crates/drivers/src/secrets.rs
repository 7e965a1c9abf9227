//! What opens a site's machines: from the secrets file that the site file names, from the environment, or
//! the factory's. The nearest word counts: machine, group (a circuit and all below it), site, environment,
//! factory.
//!
//! Not here: reading the file and judging who may (the caller); nothing here is ever logged, and no message
//! quotes the file.

use std::collections::BTreeMap;
use std::sync::Arc;

use offpeak_site::{Family, MachineIx, Site};
use serde::Deserialize;
use thiserror::Error;

use crate::devices::{Device, devices};
use crate::driver::Access;
use crate::http::Credentials;
use crate::snmp::SnmpLogin;

/// A name of the environment begins so; the family follows in capitals: `OFFPEAK_LOGIN_ANTMINER_STOCK`.
pub const ENVIRONMENT: &str = "OFFPEAK_LOGIN_";

/// What opens a PDU over SNMP, in the environment.
pub const COMMUNITY: &str = "OFFPEAK_SNMP_COMMUNITY";
/// The community for writing that PDUs are made with.
pub const FACTORY_COMMUNITY: &str = "private";

/// Why a secrets file cannot be used. Lines are those of the file; what stands there is not repeated.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SecretsError {
    /// It is not what a secrets file is.
    #[error("line {line}: {what}")]
    Malformed {
        /// Counted from 1.
        line: usize,
        /// What is wrong, without the text.
        what: String,
    },
    /// No family of this name.
    #[error("[{section}]: no family is called `{family}`; one of {}", Family::NAMES.join(", "))]
    UnknownFamily {
        /// Where.
        section: String,
        /// What was found.
        family: String,
    },
    /// No circuit of this id.
    #[error("[group.\"{0}\"]: the site has no such circuit")]
    UnknownGroup(String),
    /// No machine of this id.
    #[error("[machine.\"{0}\"]: the site has no such machine")]
    UnknownMachine(String),
    /// A login of a PDU that cannot be used.
    #[error("[{section}]: {what}")]
    Snmp {
        /// Where.
        section: String,
        /// What is wrong, without the text.
        what: String,
    },
    /// No switch of this id.
    #[error("[snmp.switches.\"{0}\"]: the site has no such switch")]
    UnknownSwitch(String),
    /// An environment variable without a colon.
    #[error("the environment's {0} is not `user:password`")]
    Environment(String),
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    user: Option<String>,
    password: String,
}

/// A secrets file.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    #[serde(default)]
    site: BTreeMap<String, Login>,
    #[serde(default)]
    group: BTreeMap<String, BTreeMap<String, Login>>,
    #[serde(default)]
    machine: BTreeMap<String, Login>,
    #[serde(default)]
    snmp: Communities,
}

/// What opens the PDUs.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Communities {
    community: Option<String>,
    v3: Option<crate::snmp::SnmpUser>,
    #[serde(default)]
    switches: BTreeMap<String, SnmpLogin>,
}

impl core::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Secrets(..)")
    }
}

/// What opens each machine of a site.
#[derive(Clone)]
pub struct Logins {
    /// By family.
    pub access: Access,
    /// One element a machine: what opens it, where that is not what opens its family.
    pub own: Vec<Option<Arc<Credentials>>>,
    /// Machines that open with the factory's login, be its password an empty one: a finding.
    pub factory: Vec<MachineIx>,
    /// PDUs that open with the factory's community: a finding.
    pub factory_pdus: Vec<String>,
    /// What opens a PDU, and what opens those that have none of their own.
    pdus: (BTreeMap<String, SnmpLogin>, SnmpLogin),
}

impl core::fmt::Debug for Logins {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Logins(..)")
    }
}

impl Logins {
    /// What opens the PDU that is this switch.
    #[must_use]
    pub fn pdu(&self, switch: &str) -> &SnmpLogin {
        self.pdus.0.get(switch).unwrap_or(&self.pdus.1)
    }
}

fn family(section: &str, name: &str) -> Result<Family, SecretsError> {
    let unknown = || SecretsError::UnknownFamily { section: section.to_owned(), family: name.to_owned() };
    Family::ALL.into_iter().find(|family| family.name() == name).ok_or_else(unknown)
}

/// The factory's logins, and over them those of the environment.
///
/// # Errors
/// For a variable that is not `user:password`.
pub fn from_environment(environment: &dyn Fn(&str) -> Option<String>) -> Result<Access, SecretsError> {
    let mut access = Access::default();
    for family in Family::ALL {
        let name = format!("{ENVIRONMENT}{}", family.name().to_uppercase().replace('-', "_"));
        if let Some(value) = environment(&name) {
            let (user, password) =
                value.split_once(':').ok_or_else(|| SecretsError::Environment(name.clone()))?;
            let login = Credentials { user: user.to_owned(), password: password.to_owned() };
            access.set(family, login);
        }
    }
    Ok(access)
}

impl Login {
    /// Without a user the family's usual one.
    fn credentials(&self, family: Family) -> Credentials {
        let factory = Access::default();
        let user = self.user.clone().unwrap_or_else(|| factory.of(family).user.clone());
        Credentials { user, password: self.password.clone() }
    }
}

impl Secrets {
    /// Reads a secrets file.
    ///
    /// ```
    /// use offpeak_drivers::secrets::Secrets;
    /// let text = "[site]\nwhatsminer-v2 = { password = \"s3cret\" }\n";
    /// assert!(Secrets::parse(text).is_ok());
    /// let error = Secrets::parse("[site]\nwhatsminer-v2 = { pasword = \"s3cret\" }\n").unwrap_err();
    /// assert!(!error.to_string().contains("s3cret"));
    /// ```
    ///
    /// # Errors
    /// With the line, and without what stands there.
    pub fn parse(text: &str) -> Result<Self, SecretsError> {
        toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = text.as_bytes()[..start].iter().filter(|&&byte| byte == b'\n').count() + 1;
            // The parser's words name keys and types; of values it quotes some, so only known ones pass.
            let words = error.message();
            let safe = ["unknown field", "missing field", "duplicate key"];
            let what = if safe.iter().any(|start| words.starts_with(start)) {
                words.lines().next().unwrap_or_default().to_owned()
            } else {
                "not a secrets file: [site], [group.\"circuit\"] with `family = { user, password }`, \
                 [machine.\"id\"] with `user` and `password`, [snmp] with `community` or `v3`, and `switches`"
                    .to_owned()
            };
            SecretsError::Malformed { line, what }
        })
    }

    /// What opens each machine, by this file and the environment.
    ///
    /// # Errors
    /// For families, circuits and machines that there are not.
    pub fn logins(
        &self,
        site: &Site,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Logins, SecretsError> {
        let mut access = from_environment(environment)?;
        for (name, login) in &self.site {
            let family = family("site", name)?;
            access.set(family, login.credentials(family));
        }
        let mut own = vec![None; site.machines.len()];
        self.open_groups(site, &mut own)?;
        for (id, login) in &self.machine {
            let machine = site.machines().find(|(_, machine)| machine.id == *id);
            let (ix, _) = machine.ok_or_else(|| SecretsError::UnknownMachine(id.clone()))?;
            own[ix.ix()] = Some(Arc::new(login.credentials(site.model_of(ix).family)));
        }
        let defaults = Access::default();
        let opens_as_made = |ix: &MachineIx| {
            let family = site.model_of(*ix).family;
            let factory = defaults.of(family);
            let used = own[ix.ix()].as_deref().unwrap_or_else(|| access.of(family));
            devices().get(&family).is_some_and(Device::has_login) && used == factory
        };
        let factory = site.machines().map(|(ix, _)| ix).filter(opens_as_made).collect();
        let is_switch = |id: &&String| site.switches.iter().any(|switch| switch.id == **id);
        if let Some(unknown) = self.snmp.switches.keys().find(|id| !is_switch(id)) {
            return Err(SecretsError::UnknownSwitch(unknown.clone()));
        }
        let pdus = (self.snmp.switches.clone(), self.usual_pdu(environment));
        check_pdus(&pdus)?;
        let mut logins = Logins { access, own, factory, factory_pdus: Vec::new(), pdus };
        let as_made = |switch: &&offpeak_site::Switch| {
            switch.snmp.is_some() && *logins.pdu(&switch.id) == factory_pdu()
        };
        logins.factory_pdus = site.switches.iter().filter(as_made).map(|switch| switch.id.clone()).collect();
        Ok(logins)
    }

    /// What opens PDUs that have no login of their own: the user of version 3, where there is one.
    fn usual_pdu(&self, environment: &dyn Fn(&str) -> Option<String>) -> SnmpLogin {
        if let Some(user) = &self.snmp.v3 {
            return SnmpLogin::User(user.clone());
        }
        let community = self.snmp.community.clone().or_else(|| environment(COMMUNITY));
        community.map_or_else(factory_pdu, SnmpLogin::Community)
    }

    /// From the grid down, so that the nearer circuit's word is the last.
    fn open_groups(&self, site: &Site, own: &mut [Option<Arc<Credentials>>]) -> Result<(), SecretsError> {
        if let Some(unknown) =
            self.group.keys().find(|id| !site.circuits.iter().any(|(_, circuit)| circuit.id == **id))
        {
            return Err(SecretsError::UnknownGroup(unknown.clone()));
        }
        for (ix, circuit) in site.circuits.iter() {
            let Some(group) = self.group.get(&circuit.id) else { continue };
            for (name, login) in group {
                let family = family(&format!("group.\"{}\"", circuit.id), name)?;
                let login = Arc::new(login.credentials(family));
                for (machine, entry) in site.machines() {
                    if site.model(entry.model).family == family && site.circuits.is_within(entry.circuit, ix)
                    {
                        own[machine.ix()] = Some(Arc::clone(&login));
                    }
                }
            }
        }
        Ok(())
    }
}

/// What PDUs are made with.
#[must_use]
pub fn factory_pdu() -> SnmpLogin {
    SnmpLogin::Community(FACTORY_COMMUNITY.to_owned())
}

fn check_pdus((own, usual): &(BTreeMap<String, SnmpLogin>, SnmpLogin)) -> Result<(), SecretsError> {
    let sections = own.iter().map(|(id, login)| (format!("snmp.switches.\"{id}\""), login));
    for (section, login) in sections.chain([("snmp.v3".to_owned(), usual)]) {
        login.check().map_err(|what| SecretsError::Snmp { section, what })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site {
        let text = include_str!("../../../sites/small.toml");
        offpeak_site::file::load("small.toml", text, &|_| None).unwrap()
    }

    fn opens(text: &str, environment: &[(&str, &str)]) -> Logins {
        let environment = |name: &str| {
            environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        Secrets::parse(text).unwrap().logins(&site(), &environment).unwrap()
    }

    fn password(logins: &Logins, site: &Site, ix: MachineIx) -> String {
        let family = site.model_of(ix).family;
        logins.own[ix.ix()].as_deref().unwrap_or_else(|| logins.access.of(family)).password.clone()
    }

    #[test]
    fn the_nearest_word_opens_a_machine() {
        let site = site();
        let in_hall = |hall: &str| {
            let of = |(ix, machine): &(MachineIx, &offpeak_site::Machine)| {
                machine.id.starts_with(hall) && site.model_of(*ix).family == Family::WhatsminerV2
            };
            site.machines().filter(of).map(|(ix, machine)| (ix, machine.id.clone())).collect::<Vec<_>>()
        };
        let (first, second) = (in_hall("hall-1"), in_hall("hall-2"));
        let (one, other) = (first[0].clone(), first[1].clone());
        let text = format!(
            "[site]\nwhatsminer-v2 = {{ password = \"site\" }}\n\
             [group.hall-1]\nwhatsminer-v2 = {{ password = \"hall\" }}\n\
             [machine.\"{}\"]\npassword = \"own\"\n",
            one.1
        );
        let logins = opens(&text, &[("OFFPEAK_LOGIN_WHATSMINER_V2", "admin:environment")]);
        assert_eq!(password(&logins, &site, one.0), "own");
        assert_eq!(password(&logins, &site, other.0), "hall");
        if let Some(far) = second.first() {
            assert_eq!(password(&logins, &site, far.0), "site");
        }
        let logins = opens("", &[("OFFPEAK_LOGIN_WHATSMINER_V2", "admin:environment")]);
        assert_eq!(password(&logins, &site, one.0), "environment");
    }

    #[test]
    fn machines_that_open_as_made_are_found() {
        let site = site();
        let all = opens("", &[]).factory.len();
        assert_eq!(all, site.machines().len(), "all of its families have a login");
        let logins = opens("[site]\nwhatsminer-v2 = { password = \"x\" }\n", &[]);
        assert!(logins.factory.iter().all(|ix| site.model_of(*ix).family != Family::WhatsminerV2));
    }

    #[test]
    fn whatever_the_factory_s_login_opens_is_a_finding_also_without_a_password() {
        let mut site = site();
        let mut found = 0;
        for (family, device) in crate::devices::devices() {
            site.models.iter_mut().for_each(|model| model.family = *family);
            let findings =
                |text: &str| Secrets::parse(text).unwrap().logins(&site, &|_| None).unwrap().factory;
            let expected = if device.has_login() { site.machines.len() } else { 0 };
            assert_eq!(findings("").len(), expected, "{}", device.name);
            found += usize::from(device.has_login());
            let changed = format!("[site]\n{} = {{ password = \"another\" }}\n", device.name);
            assert!(findings(&changed).is_empty(), "{}", device.name);
        }
        let root = crate::devices::factory_login(Family::BraiinsOs);
        assert_eq!((root.user.as_str(), root.password.as_str()), ("root", ""));
        assert!(crate::devices::devices()[&Family::BraiinsOs].has_login() && found >= 8, "{found}");
    }

    #[test]
    fn a_pdu_s_community_is_its_own_or_the_site_s() {
        let mut site = site();
        site.switches[0].snmp = Some(offpeak_site::observe::SnmpAddress {
            address: "10.0.0.5:161".into(),
            pdu: "apc-rpdu".into(),
        });
        let id = site.switches[0].id.clone();
        let opens = |text: &str, environment: &[(&str, &str)]| {
            let of = |name: &str| {
                environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            };
            let logins = Secrets::parse(text).unwrap().logins(&site, &of).unwrap();
            let SnmpLogin::Community(community) = logins.pdu(&id).clone() else { panic!("a community") };
            (community, logins.factory_pdus)
        };
        assert_eq!(opens("", &[]), ("private".to_owned(), vec![id.clone()]), "a finding");
        assert_eq!(opens("", &[(COMMUNITY, "area")]), ("area".to_owned(), vec![]));
        let text = "[snmp]\ncommunity = \"all\"\n";
        assert_eq!(opens(text, &[(COMMUNITY, "area")]).0, "all");
        assert_eq!(opens(&format!("{text}[snmp.switches]\n\"{id}\" = \"own\"\n"), &[]).0, "own");
        let user = "user = \"op\", auth_password = \"hunter21\", privacy_password = \"hunter22\"";
        let of = |text: &str| Secrets::parse(text).unwrap().logins(&site, &|_| None);
        for text in [
            format!("[snmp]\ncommunity = \"all\"\nv3 = {{ {user} }}\n"),
            format!("[snmp.switches]\n\"{id}\" = {{ {user}, auth = \"sha-256\" }}\n"),
        ] {
            let logins = of(&text).unwrap();
            assert!(matches!(logins.pdu(&id), SnmpLogin::User(_)), "{text}");
            assert!(logins.factory_pdus.is_empty());
        }
        let weak = of(&format!("[snmp]\nv3 = {{ {} }}\n", user.replace("hunter22", "hunter"))).unwrap_err();
        assert_eq!(weak.to_string(), "[snmp.v3]: `privacy_password` needs at least 8 characters");
        let text = format!("[snmp.switches]\n\"{id}\" = {{ {user}, auth = \"rot13\" }}\n");
        assert!(of(&text).unwrap_err().to_string().contains("`auth` is one of"));
        assert!(Secrets::parse("[snmp]\nv3 = { user = \"op\" }\n").is_err(), "both passwords are needed");
        let unknown = Secrets::parse("[snmp.switches]\nx = \"s3cret\"\n").unwrap().logins(&site, &|_| None);
        assert_eq!(unknown.unwrap_err(), SecretsError::UnknownSwitch("x".into()));
    }

    #[test]
    fn mistakes_are_told_without_the_secret() {
        for (text, line) in [
            ("[site]\nwhatsminer-v2 = { password = 5 }\n", 2),
            ("[site]\nwhatsminer-v2 = \"hunter2\"\n", 2),
            ("[site\npassword = \"hunter2\"\n", 1),
            ("\n\n[machine.a]\npassword = \"hunter2\"\nhunter2 = 1\n", 5),
        ] {
            let error = Secrets::parse(text).unwrap_err();
            let SecretsError::Malformed { line: found, what } = &error else { panic!("{error:?}") };
            assert_eq!(*found, line, "{text}: {what}");
            assert!(!what.contains("password = \"hunter2\""), "{what}");
        }
        let of = |text: &str| Secrets::parse(text).unwrap().logins(&site(), &|_| None).unwrap_err();
        assert!(matches!(
            of("[site]\nwhatsminer = { password = \"x\" }\n"),
            SecretsError::UnknownFamily { .. }
        ));
        assert_eq!(
            of("[group.hall-9]\navalon = { password = \"x\" }\n"),
            SecretsError::UnknownGroup("hall-9".into())
        );
        assert_eq!(of("[machine.m1]\npassword = \"x\"\n"), SecretsError::UnknownMachine("m1".into()));
    }
}
