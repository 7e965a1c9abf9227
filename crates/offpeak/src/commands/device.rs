//! `offpeak device`: what a driver understands of one machine, with everything that was said, its secrets taken
//! out, in a form fit for a bug report; and orders to one machine by hand.
//!
//! Not here: orders to machines of a running site, which are the loop's.

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use offpeak_drivers::call::{Order, Pool};
use offpeak_drivers::clock::Clock;
use offpeak_drivers::connect::Connector;
use offpeak_drivers::devices::{Support, devices};
use offpeak_drivers::driver::{Access, Driver, Identity, Link};
use offpeak_drivers::full::Details;
use offpeak_drivers::http::Credentials;
use offpeak_drivers::secrets::from_environment;
use offpeak_drivers::transcript::Tape;
use offpeak_server::view::LookView;
use offpeak_site::{Endpoint, Family, MacAddress, Machine, MachineIx, Outcome, Reading, Site, Trouble};
use offpeak_units::Power;

use super::{print, print_json};
use crate::cli::{Device, DeviceOrder, DeviceTry};
use crate::exit::Exit;

/// What came of it.
pub(crate) struct Trial {
    endpoint: Endpoint,
    identity: Result<Option<Identity>, Trouble>,
    family: Option<Family>,
    reading: Option<Result<Option<Reading>, Trouble>>,
    /// What it is made of and mines for, where it could be read.
    details: Option<Details>,
    /// Whether pools' accounts are shown.
    accounts: bool,
    transcript: String,
}

pub(crate) fn device(args: Device) -> Result<Exit> {
    match args {
        Device::Try(args) => try_out(args),
        Device::Reboot(args) => order(&args, Order::Reboot),
        Device::Locate(args) => order(&args.order, Order::Locate(!args.off)),
        Device::Pools(args) => {
            let pools = args.pools.iter().map(|text| pool(text)).collect::<Result<_>>()?;
            order(&args.order, Order::SetPools(pools))
        }
        Device::Limit(args) => {
            order(&args.order, Order::LimitPower(Power::from_watts(i64::from(args.watts))))
        }
    }
}

/// `URL,USER[,PASSWORD]`.
fn pool(text: &str) -> Result<Pool> {
    let mut parts = text.splitn(3, ',').map(str::trim);
    let (url, user) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if url.is_empty() || user.is_empty() {
        bail!("`{url}` names no pool and account\nhint: stratum+tcp://pool.example:3333,account.worker");
    }
    let password = parts.next().unwrap_or_default().to_owned();
    Ok(Pool { url: url.to_owned(), user: user.to_owned(), password })
}

/// What opens a machine: by family, and its own where the site's secrets file has one for who stands there.
#[derive(Default)]
pub(crate) struct Keys {
    pub(crate) access: Access,
    pub(crate) own: Option<Arc<Credentials>>,
}

impl Keys {
    /// By the site's secrets file, where one is named, and the environment. `None` after a site file's mistakes
    /// were told.
    fn of(site_file: Option<&Path>, at: Endpoint, mac: Option<MacAddress>) -> Result<Option<Self>> {
        let Some(path) = site_file else {
            return Ok(Some(Self { access: from_environment(&|name| std::env::var(name).ok())?, own: None }));
        };
        let Some(site) = super::load(path)? else { return Ok(None) };
        let logins = crate::runtime::logins(&site, path)?;
        let own = machine_of(&site, at, mac).and_then(|ix| logins.own[ix.ix()].clone());
        Ok(Some(Self { access: logins.access, own }))
    }
    /// What is to be taken out of a report.
    fn secrets(&self) -> Vec<String> {
        let of_families = Family::ALL.into_iter().map(|family| self.access.of(family).password.clone());
        of_families.chain(self.own.iter().map(|login| login.password.clone())).collect()
    }
}

/// Which of a site's machines is meant: the one of this hardware address, and only where none is that, the one that
/// stands at this address. A machine that was moved takes its login along.
fn machine_of(site: &Site, at: Endpoint, mac: Option<MacAddress>) -> Option<MachineIx> {
    let stands_there = |machine: &Machine| {
        machine.endpoint.is_some_and(|endpoint| endpoint.ip == at.ip && endpoint.api_port == at.api_port)
    };
    let by_mac = mac.and_then(|mac| site.machines().find(|(_, machine)| machine.mac == Some(mac)));
    let found = by_mac.or_else(|| site.machines().find(|(_, machine)| stands_there(machine)));
    found.map(|(ix, _)| ix)
}

/// Gives an order to the machine that was named, and to no other.
fn order(args: &DeviceOrder, order: Order) -> Result<Exit> {
    let family = args.family.as_deref().map(named).transpose()?;
    let endpoint = endpoint(&args.address, family, args.http_port)?;
    let Ok(mac) = args.mac.parse::<MacAddress>() else {
        bail!("`{}` is no hardware address\nhint: such as C4:08:28:00:A4:19", args.mac);
    };
    if !args.yes {
        bail!("nothing was done\nhint: --yes says that it is meant");
    }
    let Some(keys) = Keys::of(args.site.as_deref(), endpoint, Some(mac))? else { return Ok(Exit::Mistakes) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut driver = Driver::new(Connector::Tcp, Clock::System);
    driver.access = Arc::new(keys.access);
    let outcome = runtime.block_on(give(&driver, endpoint, mac, keys.own, &order))?;
    match outcome {
        Outcome::Accepted => {
            print("accepted; whether it is done shows in what the machine does from now on\n")?;
            Ok(Exit::Done)
        }
        Outcome::Refused(words) => bail!("the machine refuses: {words}"),
        Outcome::Unanswered(trouble) => {
            bail!("no answer that counts: {trouble}\nhint: it may have been done; `offpeak device try` looks")
        }
    }
}

/// Gives an order to the machine of this hardware address, if it is the one that answers there.
///
/// # Errors
/// When somebody else answers, or nobody that is known.
pub(crate) async fn give(
    driver: &Driver,
    at: Endpoint,
    mac: MacAddress,
    login: Option<Arc<Credentials>>,
    order: &Order,
) -> Result<Outcome> {
    let identity = driver.identify_with(at, login.clone()).await;
    let identity = identity.map_err(|trouble| anyhow::anyhow!("{}: {trouble}; nothing was sent", at.ip))?;
    let Some(identity) = identity else {
        bail!("something answers at {}, of no known family; nothing was sent", at.ip);
    };
    match identity.mac {
        Some(seen) if seen == mac => {}
        Some(seen) => bail!("at {} answers {seen} and not {mac}; nothing was sent", at.ip),
        None => bail!("what answers at {} does not say who it is; nothing was sent", at.ip),
    }
    let mut link = Link::to(Some(mac));
    link.login = login;
    // The driver asks once more who it is: between the two another may have taken its place.
    Ok(driver.order(identity.family, at, &mut link, order).await)
}

fn try_out(args: DeviceTry) -> Result<Exit> {
    let family = match &args.family {
        Some(name) => Some(named(name)?),
        None => None,
    };
    let endpoint = endpoint(&args.address, family, args.http_port)?;
    let Some(keys) = Keys::of(args.site.as_deref(), endpoint, None)? else { return Ok(Exit::Mistakes) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let trial =
        runtime.block_on(attempt(Connector::Tcp, Clock::System, endpoint, family, keys, args.accounts));
    if args.json {
        print_json(&trial.view())?;
    } else {
        let report = trial.report();
        match &args.out {
            Some(path) => std::fs::File::create_new(path)
                .and_then(|mut file| file.write_all(report.as_bytes()))
                .with_context(|| format!("{} cannot be written\nhint: name a new file", path.display()))?,
            None => print(&report)?,
        }
    }
    Ok(if matches!(trial.reading, Some(Ok(Some(_)))) { Exit::Done } else { Exit::Failed })
}

fn named(name: &str) -> Result<Family> {
    let found = Family::ALL.into_iter().find(|family| family.name() == name);
    found.with_context(|| format!("no family is called `{name}`\nhint: one of {}", Family::NAMES.join(", ")))
}

fn endpoint(address: &str, family: Option<Family>, http_port: u16) -> Result<Endpoint> {
    if let Ok(ip) = address.parse::<IpAddr>() {
        let api_port = family.unwrap_or(Family::Other).api_port();
        return Ok(Endpoint { ip, api_port, http_port });
    }
    let Ok(at) = address.parse::<SocketAddr>() else {
        bail!("`{address}` is no address\nhint: 10.1.4.17, or 10.1.4.17:4433 for another API port");
    };
    Ok(Endpoint { ip: at.ip(), api_port: at.port(), http_port })
}

/// Looks closely at who answers there.
pub(crate) async fn attempt(
    connector: Connector,
    clock: Clock,
    endpoint: Endpoint,
    family: Option<Family>,
    keys: Keys,
    accounts: bool,
) -> Trial {
    let tape = Tape::default();
    let mut driver = Driver::new(Connector::Taped(Box::new(connector), tape.clone()), clock);
    let secrets = keys.secrets();
    driver.access = Arc::new(keys.access);
    let identity = driver.identify_with(endpoint, keys.own.clone()).await;
    let family = family.or_else(|| identity.as_ref().ok()?.as_ref().map(|identity| identity.family));
    let (mut reading, mut details) = (None, None);
    if let Some(family) = family {
        reading = Some(driver.read_state_with(family, endpoint, keys.own.clone()).await);
        // Who is not there is not asked further.
        if matches!(reading, Some(Ok(_))) {
            details = Some(driver.details(family, endpoint, keys.own).await);
        }
    }
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    Trial { endpoint, identity, family, reading, details, accounts, transcript: tape.report(&secrets) }
}

impl Trial {
    fn understood(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![
            ("address", self.endpoint.ip.to_string()),
            ("ports", format!("{} and {}", self.endpoint.api_port, self.endpoint.http_port)),
        ];
        let absent = || "not told".to_owned();
        match &self.identity {
            Ok(Some(identity)) => lines.extend([
                ("family", identity.family.name().to_owned()),
                ("model", identity.model.clone().unwrap_or_else(absent)),
                ("mac", identity.mac.map_or_else(absent, |mac| mac.to_string())),
                ("serial", identity.serial.clone().unwrap_or_else(absent)),
                ("firmware", identity.firmware.clone().unwrap_or_else(absent)),
            ]),
            Ok(None) => lines.push(("family", "something answers, of no known family".to_owned())),
            Err(trouble) => lines.push(("family", format!("not known: {trouble}"))),
        }
        match &self.reading {
            Some(Ok(Some(reading))) => lines.extend([
                ("activity", format!("{:?}", reading.activity).to_lowercase()),
                (
                    "power",
                    reading
                        .power
                        .map_or_else(absent, |power| format!("{} W by its own word", power.to_watts())),
                ),
                (
                    "hash rate",
                    reading
                        .hash_rate
                        .map_or_else(absent, |rate| format!("{:.2} TH/s", rate.to_terahashes_f64())),
                ),
                (
                    "temperature",
                    reading.temperature.map_or_else(absent, |of| format!("{:.1} °C", of.to_celsius_f64())),
                ),
                ("mode", reading.mode.map_or_else(absent, |mode| mode.name().to_owned())),
            ]),
            Some(Ok(None)) => lines.push(("reading", "its replies do not say what it does".to_owned())),
            Some(Err(trouble)) => lines.push(("reading", trouble.to_string())),
            None => {}
        }
        lines
    }

    fn functions(&self) -> Vec<(&'static str, String)> {
        let Some(device) = self.family.and_then(|family| devices().get(&family)) else { return Vec::new() };
        let word = |support: &Support| match support {
            Support::Yes(marks) => {
                let marks: Vec<&str> = marks.iter().map(|mark| mark.names().1).collect();
                format!("yes ({})", marks.join(", "))
            }
            Support::No(reason) => format!("no: {reason}"),
        };
        device.functions.all().into_iter().map(|(name, support)| (name, word(support))).collect()
    }

    fn report(&self) -> String {
        fn lines(pairs: &[(impl AsRef<str>, String)]) -> String {
            pairs.iter().map(|(name, value)| format!("  {:<12} {value}\n", name.as_ref())).collect()
        }
        let details =
            self.details.as_ref().map(|details| lines(&super::details::lines(details, self.accounts)));
        format!(
            "offpeak {} device try\n\nUnderstood\n{}{}\nWhat the driver can do\n{}\nWhat was said; passwords, tokens and accounts are taken out\n{}",
            env!("CARGO_PKG_VERSION"),
            lines(&self.understood()),
            details.unwrap_or_default(),
            lines(&self.functions()),
            self.transcript
        )
    }

    /// As programs read it.
    pub(crate) fn view(&self) -> LookView {
        let object = |pairs: Vec<(&'static str, String)>| {
            let named = |(name, value): (&str, String)| (name.replace(' ', "_"), value.into());
            pairs.into_iter().map(named).collect::<serde_json::Map<_, _>>()
        };
        LookView {
            understood: object(self.understood()),
            details: self.details.as_ref().map(|details| super::details::value(details, self.accounts)),
            functions: object(self.functions()),
            transcript: self.transcript.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use offpeak_drivers::fronts::{Addressing, Fronts, Layout};
    use offpeak_site::Activity;
    use offpeak_twin::{Initial, Plant, Scenario};

    use super::*;

    /// A running mine in memory, and its first machine's address.
    fn stage() -> (Fronts, Endpoint) {
        let text = include_str!("../../../../sites/small.toml");
        let mut site = offpeak_site::file::load("small.toml", text, &|_| None).unwrap();
        let layout = Layout::plan(&site, Addressing::InMemory).unwrap();
        layout.apply(&mut site);
        let scenario = Scenario { initial: Initial::Running, ..Scenario::healthy() };
        let start = "2022-10-03T00:00:00Z".parse().unwrap();
        let plant = Plant::new(Arc::new(site), &scenario, 7, start);
        let at = layout.endpoints()[0];
        (Fronts::new(plant, layout, Clock::starting_at(start)).unwrap(), at)
    }

    #[test]
    fn an_order_goes_to_the_machine_that_was_named_and_to_no_other() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (fronts, at) = stage();
            let driver = Driver::new(fronts.connector(), fronts.clock());
            let own = driver.identify(at).await.unwrap().unwrap().mac.unwrap();
            let other: MacAddress = "02:00:00:00:00:99".parse().unwrap();
            let error = give(&driver, at, other, None, &Order::Reboot).await.unwrap_err().to_string();
            assert!(
                error.contains("and not 02:00:00:00:00:99") && error.contains("nothing was sent"),
                "{error}"
            );
            let nowhere = Endpoint { ip: "10.255.255.254".parse().unwrap(), ..at };
            let error = give(&driver, nowhere, own, None, &Order::Reboot).await.unwrap_err().to_string();
            assert!(error.contains("nothing was sent"), "{error}");
            let seen = || fronts.with(|plant| plant.truth(MachineIx(0)).activity);
            assert_eq!(seen(), Some(Activity::Hashing), "nobody was restarted");
            let pools = vec![pool("stratum+tcp://pool.example:3333,a.b").unwrap()];
            for order in [
                Order::LimitPower(Power::from_watts(3_600)),
                Order::Locate(true),
                Order::SetPools(pools),
                Order::Reboot,
            ] {
                let outcome = give(&driver, at, own, None, &order).await.unwrap();
                assert_eq!(outcome, Outcome::Accepted, "{order:?}");
            }
            fronts.with(|plant| plant.advance(plant.now() + jiff::SignedDuration::from_secs(60)));
            assert_ne!(seen(), Some(Activity::Hashing), "the last was a restart");
        });
    }

    #[test]
    fn nothing_is_done_that_was_not_meant() {
        let args = |mac: &str, yes| DeviceOrder {
            address: "127.0.0.1:9".into(),
            mac: mac.into(),
            yes,
            http_port: 80,
            family: None,
            site: None,
        };
        let error = order(&args("C4:08:28:00:A4:19", false), Order::Reboot).unwrap_err().to_string();
        assert!(error.starts_with("nothing was done\nhint: --yes"), "{error}");
        let error = order(&args("rig-7", true), Order::Reboot).unwrap_err().to_string();
        assert!(error.starts_with("`rig-7` is no hardware address"), "{error}");
    }

    #[test]
    fn a_pool_is_an_address_an_account_and_perhaps_a_password() {
        let whole = pool("stratum+tcp://pool.example:3333, acme.rig7, x,y").unwrap();
        assert_eq!((whole.user.as_str(), whole.password.as_str()), ("acme.rig7", "x,y"));
        assert_eq!(pool("stratum+tcp://pool.example:3333,acme").unwrap().password, "");
        for wrong in ["", "stratum+tcp://pool.example:3333", "stratum+tcp://pool.example:3333,", ",acme"] {
            assert!(pool(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn who_it_is_goes_before_where_it_stands() {
        let text = include_str!("../../../../sites/small.toml");
        let mut site = offpeak_site::file::load("small.toml", text, &|_| None).unwrap();
        let at = |ix: usize| site.machines[ix].endpoint.unwrap();
        let (first, second) = (at(0), at(1));
        let macs: Vec<MacAddress> =
            ["02:00:00:00:00:01", "02:00:00:00:00:02"].map(|mac| mac.parse().unwrap()).to_vec();
        for (machine, mac) in site.machines.iter_mut().zip(&macs) {
            machine.mac = Some(*mac);
        }
        // The second has moved to where the first stood.
        assert_eq!(machine_of(&site, first, Some(macs[1])), Some(MachineIx(1)));
        assert_eq!(machine_of(&site, first, Some(macs[0])), Some(MachineIx(0)));
        assert_eq!(machine_of(&site, second, None), Some(MachineIx(1)));
        let stranger = "02:00:00:00:00:99".parse().unwrap();
        assert_eq!(machine_of(&site, second, Some(stranger)), Some(MachineIx(1)), "nobody is known by that");
        let nowhere = Endpoint { ip: "10.255.255.254".parse().unwrap(), ..first };
        assert_eq!(machine_of(&site, nowhere, None), None);
    }

    #[test]
    fn a_site_s_secrets_file_opens_the_machine_that_stands_there() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let text = include_str!("../../../../sites/small.toml").replacen(
            "[site]",
            "[site]\nsecrets = \"secrets.toml\"",
            1,
        );
        let (site_file, secrets) = (folder.path().join("mine.toml"), folder.path().join("secrets.toml"));
        std::fs::write(&site_file, &text).unwrap();
        std::fs::write(&secrets, "[site]\nwhatsminer-v2 = { password = \"hunter22\" }\n").unwrap();
        std::fs::set_permissions(&secrets, std::fs::Permissions::from_mode(0o600)).unwrap();
        let at = Endpoint::standard("10.0.0.1".parse().unwrap());
        let keys = Keys::of(Some(&site_file), at, None).unwrap().unwrap();
        assert_eq!(keys.access.of(Family::WhatsminerV2).password, "hunter22");
        assert!(keys.secrets().contains(&"hunter22".to_owned()), "and is taken out of the report");
        std::fs::set_permissions(&secrets, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Keys::of(Some(&site_file), at, None).is_err(), "it is open to others");
    }
}
