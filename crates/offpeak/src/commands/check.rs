//! `offpeak check`, and reading a site file for everybody else.

use std::path::Path;

use anyhow::{Context as _, Result};
use offpeak_drivers::modbus::RegisterMap;
use offpeak_drivers::snmp::Pdu;
use offpeak_site::file::{Loaded, load_with_warnings, schema};
use offpeak_site::{Site, summary};
use serde::Serialize;
use serde_json::json;

use super::{print, print_json};
use crate::cli::Check;
use crate::exit::Exit;

/// Reads a site file; inventories are found beside it.
pub(crate) fn read(path: &Path) -> Result<Loaded> {
    let text = std::fs::read_to_string(path).with_context(|| {
        let hint = "name a site file; `sites/small.toml` is one to copy, and `offpeak demo` alone needs none";
        format!("{} cannot be read\nhint: {hint}", path.display())
    })?;
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let attachment = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
    Ok(load_with_warnings(&path.display().to_string(), &text, &attachment))
}

/// A site without mistakes, or `None` after they were told.
pub(crate) fn load(path: &Path) -> Result<Option<Site>> {
    let loaded = read(path)?;
    for diagnostic in &loaded.diagnostics {
        eprintln!("{diagnostic}");
    }
    if loaded.site.is_none() {
        eprintln!("hint: mend the site file; `offpeak check {}` tells the same", path.display());
    }
    Ok(loaded.site)
}

pub(crate) fn check(args: Check) -> Result<Exit> {
    let Some(path) = args.site else {
        print_json(&schema())?;
        return Ok(Exit::Done);
    };
    let loaded = read(&path)?;
    let summary = loaded.site.as_ref().map(summary::summary);
    let logins = loaded.site.as_ref().map(|site| crate::runtime::logins(site, &path));
    let devices = loaded.site.as_ref().map(unknown_devices).unwrap_or_default();
    let unusable = matches!(logins, Some(Err(_))) || !devices.is_empty();
    let opened = logins.as_ref().and_then(|logins| logins.as_ref().ok());
    let factory = opened.map(|logins| logins.factory.len());
    let pdus = opened.map(|logins| logins.factory_pdus.len());
    if args.json {
        let secrets = match &logins {
            Some(Err(error)) => json!({ "error": format!("{error:#}") }),
            _ => json!({ "factory_passwords": factory, "factory_communities": pdus }),
        };
        let polls = loaded.site.as_ref().map(polls);
        print_json(&json!({
            "diagnostics": loaded.diagnostics, "summary": summary, "secrets": secrets, "devices": devices, "polls": polls,
        }))?;
    } else {
        for diagnostic in &loaded.diagnostics {
            print(&diagnostic.to_string())?;
        }
        match &summary {
            Some(summary) => print(&summary.to_string())?,
            None => print(&format!("{} finding(s); no site", loaded.diagnostics.len()))?,
        }
        if let Some(plan) = loaded.site.as_ref().map(polls) {
            let Polls { machines, every_s, per_second, survey_s } = plan;
            print(&format!(
                "reading: {machines} machines, each about every {every_s:.1} s ({per_second:.0} a second), and fully every {survey_s} s"
            ))?;
        }
        for device in &devices {
            eprintln!("error: {device}");
        }
        if let Some(pdus) = pdus.filter(|pdus| *pdus > 0) {
            print(&format!("finding: {pdus} PDU(s) open with the factory's community"))?;
        }
        if let Some(machines) = factory.filter(|machines| *machines > 0) {
            print(&format!("finding: {machines} machine(s) open with the factory's password"))?;
        }
        if let Some(Err(error)) = &logins {
            eprintln!("error: {error:#}");
        }
    }
    Ok(if loaded.site.is_some() && !unusable { Exit::Done } else { Exit::Mistakes })
}

/// How often machines are read when the site runs, at plant speed one.
#[derive(Serialize)]
struct Polls {
    machines: usize,
    /// From one fast reading of a machine to the next.
    every_s: f64,
    /// Fast readings a second.
    per_second: f64,
    /// From one full reading of a machine to the next.
    survey_s: u64,
}

fn polls(site: &Site) -> Polls {
    let machines = site.machines.iter().filter(|machine| machine.endpoint.is_some()).count();
    let pace = crate::runtime::pace_at_speed_one();
    let every_s = pace.every_of(machines).as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a count of machines")]
    let per_second = machines as f64 / every_s;
    Polls { machines, every_s, per_second, survey_s: pace.survey.as_secs() }
}

/// Meters and switches of a kind that nobody knows.
pub(crate) fn unknown_devices(site: &Site) -> Vec<String> {
    let meters = site.meters.iter().filter(|meter| meter.modbus.is_some()).filter_map(|meter| {
        let error = RegisterMap::named(&meter.register_map).err()?;
        Some(format!("meter `{}`: {error}", meter.id))
    });
    let switches = site.switches.iter().filter_map(|switch| {
        let error = Pdu::named(&switch.snmp.as_ref()?.pdu).err()?;
        Some(format!("switch `{}`: {error}", switch.id))
    });
    meters.chain(switches).collect()
}
