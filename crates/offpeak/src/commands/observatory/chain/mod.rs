//! `offpeak chain`: what the chain says by itself, and how much of it is certain.

mod audit;
mod show;
mod store;
mod sync;

use std::path::Path;

use anyhow::Result;
use offpeak_index::answers::Inputs;
use offpeak_index::chain::daily_network;
use offpeak_index::network::NetworkDay;

use crate::cli::{Chain, ChainWhat, Kept};
use crate::exit::Exit;

pub(crate) use store::hash_on_all_cores;

/// Does what was asked.
pub(super) fn chain(args: Chain) -> Result<Exit> {
    match args.what {
        Some(ChainWhat::Sync(sync)) => sync::sync(&sync),
        Some(ChainWhat::Audit(audit)) => audit::audit(&audit),
        None => show::show(&args.show),
    }
}

/// The network by day: what is built in, with what is kept in a folder laid over it.
pub(super) fn network(kept: &Kept) -> Result<(Vec<NetworkDay>, String)> {
    let Some(folder) = kept.chain.as_deref() else {
        return Ok((daily_network(None, None), Inputs::NETWORK_BUILT_IN.to_owned()));
    };
    let (facts, headers) = store::Store::new(folder).facts()?;
    let network = facts.daily_network(None, None);
    let days = headers.as_ref().map(store::header_days).transpose()?.unwrap_or_default();
    let tip = headers.map_or_else(String::new, |headers| format!(" up to height {}", headers.tip.height));
    Ok((facts.laid_over(network, &days), format!("built in and {}{tip}", shown(folder))))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
