//! `offpeak device try`: what a driver understands of a machine, with everything that was said, its secrets
//! taken out, in a form fit for a bug report.

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use offpeak_drivers::clock::Clock;
use offpeak_drivers::connect::Connector;
use offpeak_drivers::devices::{Support, devices};
use offpeak_drivers::driver::{Driver, Identity};
use offpeak_drivers::secrets::from_environment;
use offpeak_drivers::transcript::Tape;
use offpeak_site::{Endpoint, Family, Reading, Trouble};
use serde_json::json;

use super::{print, print_json};
use crate::cli::Device;
use crate::exit::Exit;

/// What came of it.
struct Trial {
    endpoint: Endpoint,
    identity: Result<Option<Identity>, Trouble>,
    family: Option<Family>,
    reading: Option<Result<Option<Reading>, Trouble>>,
    transcript: String,
}

pub(crate) fn device(args: Device) -> Result<Exit> {
    let Device::Try(args) = args;
    let family = match &args.family {
        Some(name) => Some(named(name)?),
        None => None,
    };
    let endpoint = endpoint(&args.address, family, args.http_port)?;
    let access = from_environment(&|name| std::env::var(name).ok())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let trial = runtime.block_on(attempt(endpoint, family, access));
    if args.json {
        print_json(&trial.json())?;
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

async fn attempt(
    endpoint: Endpoint,
    family: Option<Family>,
    access: offpeak_drivers::driver::Access,
) -> Trial {
    let tape = Tape::default();
    let connector = Connector::Taped(Box::new(Connector::Tcp), tape.clone());
    let mut driver = Driver::new(connector, Clock::System);
    let secrets: Vec<String> =
        Family::ALL.into_iter().map(|family| access.of(family).password.clone()).collect();
    driver.access = Arc::new(access);
    let identity = driver.identify(endpoint).await;
    let family = family.or_else(|| identity.as_ref().ok()?.as_ref().map(|identity| identity.family));
    let reading = match family {
        Some(family) => Some(driver.read_state(family, endpoint).await),
        None => None,
    };
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    Trial { endpoint, identity, family, reading, transcript: tape.report(&secrets) }
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
        let lines = |pairs: Vec<(&str, String)>| {
            pairs.iter().map(|(name, value)| format!("  {name:<12} {value}\n")).collect::<String>()
        };
        format!(
            "offpeak {} device try\n\nUnderstood\n{}\nWhat the driver can do\n{}\nWhat was said; passwords, tokens and accounts are taken out\n{}",
            env!("CARGO_PKG_VERSION"),
            lines(self.understood()),
            lines(self.functions()),
            self.transcript
        )
    }

    fn json(&self) -> serde_json::Value {
        let object = |pairs: Vec<(&'static str, String)>| {
            pairs
                .into_iter()
                .map(|(name, value)| (name.replace(' ', "_"), json!(value)))
                .collect::<serde_json::Map<_, _>>()
        };
        json!({
            "understood": object(self.understood()),
            "functions": object(self.functions()),
            "transcript": self.transcript,
        })
    }
}
