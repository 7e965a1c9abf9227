//! The inputs of estimates: a network series and a table of machines, given as files or built in; and
//! the method with its changes.

use std::path::Path;

use anyhow::{Context as _, Result};
use offpeak_index::answers::{self, ChangeError, Inputs};
use offpeak_index::electricity::Method;
use offpeak_index::hardware::{Model, machines, parse_catalogue_csv};
use offpeak_index::network::{NetworkDay, parse_network_csv};

use super::chain;
use super::output::misused;
use crate::cli::{Changes, MethodName, Sources};

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

/// What estimates are computed from: files that are named, or what is built in.
pub(super) fn of(sources: &Sources) -> Result<Inputs> {
    let (network, network_source) = network(sources)?;
    let (catalogue, catalogue_source) = catalogue(sources)?;
    Ok(Inputs { network, network_source, catalogue, catalogue_source })
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
        return Ok((machines(), Inputs::CATALOGUE_BUILT_IN.to_owned()));
    };
    let models = read_as(path, CATALOGUE, parse_catalogue_csv)?;
    anyhow::ensure!(!models.is_empty(), "{} has no machine\nhint: {CATALOGUE}", path.display());
    Ok((models, path.display().to_string()))
}

/// One method with its changes.
pub(super) fn method(name: MethodName, changes: &Changes) -> Result<Method> {
    answers::method(name.name(), &changes.changes()).map_err(told)
}

/// All methods with their changes: both of Cambridge's revisions unless one is named.
pub(super) fn methods(changes: &Changes) -> Result<Vec<Method>> {
    answers::methods(&changes.changes()).map_err(told)
}

impl Changes {
    fn changes(&self) -> answers::Changes {
        let Self { revision, parity, price, set } = self;
        answers::Changes { revision: *revision, parity: *parity, price_usd_per_kwh: *price, set: set.clone() }
    }
}

/// What is wrong with a change, in the words of the command line.
fn told(error: ChangeError) -> anyhow::Error {
    match error {
        ChangeError::NotCambridge => {
            misused("--revision and --parity are Cambridge's: they go with --method cbeci")
        }
        ChangeError::Unknown(key) => {
            misused(&format!("no method has an assumption `{key}`; `offpeak index --assumptions` lists them"))
        }
        ChangeError::Assumption { method, source } => anyhow::Error::new(source).context(format!(
            "--set\nhint: `offpeak index --method {method} --assumptions` lists what can be set"
        )),
        other => other.into(),
    }
}
