//! The fleets that are measured: which machines, in which site file, behind which twin.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use offpeak_drivers::fronts::{Addressing, Layout, Ports};
use offpeak_drivers::poll::Target;
use offpeak_site::{Family, MachineIx, Site};

use crate::commands::load;
use crate::runtime::demo_site;

/// Machines of a family, for the figures' names, with a model that asic-rs knows too.
pub(super) struct Kind {
    /// In the figures' names.
    pub(super) label: &'static str,
    pub(super) family: Family,
    pub(super) model: &'static str,
    /// Of the catalogue.
    like: &'static str,
}

const fn kind(label: &'static str, family: Family, model: &'static str, like: &'static str) -> Kind {
    Kind { label, family, model, like }
}

pub(super) const KINDS: [Kind; 11] = [
    kind("whatsminer", Family::WhatsminerV2, "M30S", "M30S"),
    kind("antminer", Family::AntminerStock, "S19", "S19"),
    kind("whatsminer_v3", Family::WhatsminerV3, "M60S", "M30S"),
    kind("avalon", Family::Avalon, "A1246", "S19"),
    kind("luxos", Family::LuxOs, "S19 Pro", "S19"),
    kind("braiins_os", Family::BraiinsOs, "S19j Pro", "S19"),
    kind("vnish", Family::Vnish, "S19 XP", "S19"),
    kind("epic", Family::Epic, "S19k Pro", "S19"),
    kind("proto_rig", Family::ProtoRig, "Proto Rig", "S19"),
    kind("bitaxe", Family::Bitaxe, "BM1370", "S19"),
    kind("braiins_os_graphql", Family::BraiinsOsGraphQl, "S17", "S19"),
];

/// A site file of so many machines of these kinds, in a folder that goes with it.
pub(super) struct Written {
    folder: PathBuf,
    pub(super) path: PathBuf,
}

impl Written {
    pub(super) fn new(machines: u32, kinds: &[&Kind]) -> Result<Self> {
        let name = kinds.first().map_or("none", |kind| kind.label);
        let folder = std::env::temp_dir().join(format!("offpeak-bench-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let models: Vec<&str> = kinds.iter().map(|kind| kind.model).collect();
        let mut text = demo_site::site_text_of(machines, &models);
        for kind in kinds {
            let (model, like, family) = (kind.model, kind.like, kind.family.name());
            let _ = write!(
                text,
                "\n[[models]]\nname = \"{model}\"\nlike = \"{like}\"\nfamily = \"{family}\"\nsleeps_by_command = true\n"
            );
        }
        let path = folder.join("site.toml");
        std::fs::write(&path, text)?;
        Ok(Self { folder, path })
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A twin in a process of its own, which ends with this.
pub(super) struct Served(Child);

impl Served {
    pub(super) fn new(site: &Path) -> Result<Self> {
        let mut twin = Self(
            Command::new(std::env::current_exe()?)
                .args(["twin", "--running", "--healthy", "--for", "10m"])
                .arg(site)
                .stdout(Stdio::piped())
                .spawn()?,
        );
        let stdout = twin.0.stdout.take().context("the twin's output is piped")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        ensure!(line.starts_with('{'), "the twin did not come up");
        Ok(twin)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How a twin of this user tells its machines apart.
pub(super) fn addressing() -> Addressing {
    Addressing::AddressPerMachine(Ports::for_this_user())
}

/// A site as a twin serves it.
pub(super) fn served(path: &Path) -> Result<Site> {
    let mut site = load(path)?.context("the site file has mistakes")?;
    Layout::plan(&site, addressing())?.apply(&mut site);
    Ok(site)
}

/// Every machine of a site.
pub(super) fn targets(site: &Site) -> Vec<Target> {
    let target = |(machine, entry): (MachineIx, &offpeak_site::Machine)| {
        let family = site.model(entry.model).family;
        entry.endpoint.map(|endpoint| Target { machine, family, endpoint, mac: None })
    };
    site.machines().filter_map(target).collect()
}
