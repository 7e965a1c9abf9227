//! Discovery over loopback sockets: a range of which a third has machines of all kinds, asked at the ports that machines
//! have. Empty loopback addresses refuse at once; what waiting for silent ones costs is in `Effort`, and a test holds it
//! in virtual time.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use offpeak_drivers::clock::Clock;
use offpeak_drivers::connect::Connector;
use offpeak_drivers::driver::Driver;
use offpeak_drivers::scan::{Effort, Found, ScanRange, WebPort, scan};

use super::fleet::{KINDS, Served, Written, served};
use super::{Figures, in_own_process};

const MACHINES: u32 = 5_000;
/// 16,384 addresses.
const RANGE: &str = "127.16.0.0/18";

pub(super) fn of_a_range() -> Result<Figures> {
    let site = Written::new(MACHINES, &KINDS.each_ref())?;
    let _twin = Served::new(&site.path)?;
    in_own_process("scan", &site.path)
}

/// Asks each address of the range, in this process.
pub(super) fn scan_here(path: &Path) -> Result<Figures> {
    let site = served(path)?;
    let first = site.machines.first().and_then(|machine| machine.endpoint).context("it has machines")?;
    if !first.ip.to_string().starts_with("127.16.") {
        // Where machines share an address there is no range to search.
        return Ok(Figures::new());
    }
    let range: ScanRange = RANGE.parse()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (begun, found) = runtime.block_on(async {
        let driver = Driver::new(Connector::Tcp, Clock::System);
        let begun = Instant::now();
        let web = WebPort::Fixed(first.http_port);
        (begun, scan(&driver, &[range], web, Effort::default(), |_, _| {}).await)
    });
    let seconds = begun.elapsed().as_secs_f64();
    let machines = found.found.iter().filter(|(_, found)| matches!(found, Found::Machine(_))).count();
    ensure!(machines == site.machines.len(), "{machines} of {} machines were found", site.machines.len());
    #[expect(clippy::cast_precision_loss, reason = "some thousand addresses")]
    let asked = found.asked as f64;
    Ok(Figures::from([("scan_addresses_per_s".to_owned(), asked / seconds)]))
}
