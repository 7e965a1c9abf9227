//! The same readings by asic-rs, for comparison.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use offpeak_drivers_asic_rs::bench;

use super::Figures;
use super::fleet::served;

/// Of so many machines, for so long: enough for a rate of some hundreds a second.
const MACHINES: usize = 400;
const READ_FOR: Duration = Duration::from_secs(4);

/// Full and filtered readings a second. asic-rs asks at the standard ports only: no figures where the twin may not
/// have them (pages at port 80 need a privileged user).
pub(super) fn peer_here(path: &Path) -> Result<Figures> {
    let site = served(path)?;
    let standard = |machine: &&offpeak_site::Machine| machine.endpoint.is_some_and(|at| at.http_port == 80);
    let machines: Vec<_> =
        site.machines.iter().filter(standard).filter_map(|machine| machine.endpoint).collect();
    if machines.is_empty() {
        return Ok(Figures::new());
    }
    let ips = machines.into_iter().map(|at| at.ip).take(MACHINES).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let Some(found) = runtime.block_on(bench(ips, READ_FOR)) else { return Ok(Figures::new()) };
    Ok(Figures::from([
        ("asic_rs_full_per_s".to_owned(), found.full_per_second),
        ("asic_rs_filtered_per_s".to_owned(), found.filtered_per_second),
    ]))
}
