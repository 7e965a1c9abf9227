//! The inputs of estimates: a network series and a table of machines, given as files or built in; and
//! the method with its changes.

use std::path::Path;

use anyhow::{Context as _, Result};
use offpeak_index::electricity::Method;
use offpeak_index::hardware::{Model, machines, parse_catalogue_csv};
use offpeak_index::network::{NetworkDay, parse_network_csv};

use super::chain;
use super::output::misused;
use crate::cli::{Changes, MethodName, Sources};

/// What estimates are computed from, with where it comes from.
pub(super) struct Inputs {
    pub(super) network: Vec<NetworkDay>,
    pub(super) network_source: String,
    pub(super) catalogue: Vec<Model>,
    pub(super) catalogue_source: String,
}

/// Reads a text file; the hint says what it should hold.
pub(super) fn read(path: &Path, hint: &str) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{} cannot be read\nhint: {hint}", path.display()))
}

/// Reads a file and understands it, or says which line of which file is wrong.
pub(super) fn read_as<T, E>(path: &Path, hint: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<T>
where
    E: std::error::Error + Send + Sync + 'static,
{
    parse(&read(path, hint)?).with_context(|| format!("{}\nhint: {hint}", path.display()))
}

const NETWORK: &str =
    "a CSV with the columns date,blocks,hash_rate_ths,price_usd,issuance_btc,fees_btc, days rising";
const CATALOGUE: &str = "a CSV with at least the columns name,maker,release_date,hash_rate_ths,power_w";

impl Inputs {
    pub(super) fn read(sources: &Sources) -> Result<Self> {
        let (network, network_source) = network(sources)?;
        let (catalogue, catalogue_source) = catalogue(sources)?;
        Ok(Self { network, network_source, catalogue, catalogue_source })
    }
}

/// The network by day: the file that is named, or what is built in.
pub(super) fn network(sources: &Sources) -> Result<(Vec<NetworkDay>, String)> {
    let Some(path) = sources.network.as_deref() else {
        return chain::network(&sources.kept);
    };
    let days = read_as(path, NETWORK, parse_network_csv)?;
    anyhow::ensure!(!days.is_empty(), "{} has no day\nhint: {NETWORK}", path.display());
    Ok((days, path.display().to_string()))
}

/// The machines: the file that is named, or what is built in.
pub(super) fn catalogue(sources: &Sources) -> Result<(Vec<Model>, String)> {
    let Some(path) = sources.catalogue.as_deref() else {
        return Ok((machines(), "built in; see docs/machines.md".to_owned()));
    };
    let models = read_as(path, CATALOGUE, parse_catalogue_csv)?;
    anyhow::ensure!(!models.is_empty(), "{} has no machine\nhint: {CATALOGUE}", path.display());
    Ok((models, path.display().to_string()))
}

/// One method with its changes.
pub(super) fn method(name: MethodName, changes: &Changes) -> Result<Method> {
    let mut method =
        Method::from_name(name.name()).with_context(|| format!("no method `{}`", name.name()))?;
    if !matches!(method, Method::Cambridge(_)) && (changes.revision.is_some() || changes.parity) {
        misused("--revision and --parity are Cambridge's: they go with --method cbeci");
    }
    change(&mut method, changes)?;
    for (key, value) in &changes.set {
        set(&mut method, key, value)?;
    }
    Ok(method)
}

/// All methods with their changes: both of Cambridge's revisions unless one is named.
pub(super) fn methods(changes: &Changes) -> Result<Vec<Method>> {
    let mut methods = Method::all();
    if let Some(revision) = changes.revision {
        let other = |method: &Method| matches!(method, Method::Cambridge(it) if it.revision != revision);
        methods.retain(|method| !other(method));
    }
    for method in &mut methods {
        change(method, &Changes { revision: None, set: Vec::new(), ..*changes })?;
    }
    for (key, value) in &changes.set {
        let known = |method: &Method| method.assumptions().iter().any(|one| one.key == *key);
        let mut found = methods.iter_mut().filter(|method| known(method)).peekable();
        if found.peek().is_none() {
            misused(&format!(
                "no method has an assumption `{key}`; `offpeak index --assumptions` lists them"
            ));
        }
        for method in found {
            set(method, key, value)?;
        }
    }
    Ok(methods)
}

fn set(method: &mut Method, key: &str, value: &str) -> Result<()> {
    let name = method.name();
    method.set(key, value).with_context(|| {
        format!(
            "--set {key}={value}\nhint: `offpeak index --method {name} --assumptions` lists what can be set"
        )
    })
}

/// Revision, parity and price, as far as the method knows them.
fn change(method: &mut Method, changes: &Changes) -> Result<()> {
    if let Method::Cambridge(method) = method {
        method.revision = changes.revision.unwrap_or(method.revision);
        method.parity |= changes.parity;
    }
    if let Some(price) = changes.price {
        match method {
            Method::Cambridge(_) | Method::Digiconomist(_) => {
                method.set("price_usd_per_kwh", &price.to_string())?;
            }
            // One price means one for every region.
            Method::Offpeak(method) => {
                for region in &mut method.regions {
                    (region.low, region.typical, region.high) = (price, price, price);
                }
            }
        }
    }
    Ok(())
}
