//! asic-rs behind the driver seam: who answers at standard ports that is not of our own families, and a
//! slow full snapshot of it.
//!
//! What asic-rs says is taken only where it is evidence. Its `get_data` of a dead machine says that it
//! mines, its whole-network scan loses machines without a word, and its `pause` of a dead machine
//! returns success; so a reading needs a hash rate that the machine itself named, addresses are
//! asked one by one, and nothing is commanded through it.
//!
//! Not here: our own families (`offpeak-drivers`), other ports than the standard ones (asic-rs knows none).

mod bench;

pub use bench::{PeerFigures, bench};

use std::net::IpAddr;
use std::time::Duration;

use asic_rs::MinerFactory;
use asic_rs::core::data::hashrate::HashRateUnit;
use asic_rs::core::data::miner::MinerData;
use offpeak_drivers::clock::Clock;
use offpeak_site::{Activity, MacAddress, Reading};
use offpeak_units::{HashRate, Power, Temperature};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// More identifications at once make asic-rs miss machines.
pub const AT_ONCE_MAX: usize = 64;
/// It tries every firmware that it knows; a machine that answers does so well within this.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who answers, as asic-rs names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherMachine {
    /// The maker.
    pub make: String,
    /// The model.
    pub model: String,
    /// The firmware.
    pub firmware: String,
}

/// A slow, full snapshot.
#[derive(Clone, Debug, PartialEq)]
pub struct OtherSnapshot {
    /// Who it is.
    pub machine: OtherMachine,
    /// Its hardware address, where it told it.
    pub mac: Option<MacAddress>,
    /// Its serial number, where it told it.
    pub serial: Option<String>,
    /// What it does; `None` when it named no hash rate, for then asic-rs guesses.
    pub reading: Option<Reading>,
}

/// asic-rs, at most [`AT_ONCE_MAX`] requests at a time.
pub struct Others {
    factory: MinerFactory,
    places: Semaphore,
    clock: Clock,
}

impl std::fmt::Debug for Others {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Others(..)")
    }
}

impl Others {
    /// Stamps readings with this clock.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        // It would otherwise raise this process's limit of open files.
        let factory = MinerFactory::new().with_nofile_adjustment(false);
        Self { factory, places: Semaphore::new(AT_ONCE_MAX), clock }
    }

    /// Who answers at the standard ports of this address; `None` when asic-rs does not know, which
    /// does not say that nobody does.
    pub async fn identify(&self, ip: IpAddr) -> Option<OtherMachine> {
        let _place = self.places.acquire().await.ok()?;
        let miner = self.find(ip).await?;
        Some(machine_of(&miner.get_device_info()))
    }

    /// Everything asic-rs can read of the machine at this address, in many requests.
    pub async fn snapshot(&self, ip: IpAddr) -> Option<OtherSnapshot> {
        let _place = self.places.acquire().await.ok()?;
        let miner = self.find(ip).await?;
        let data = timeout(PATIENCE, miner.get_data()).await.ok()?;
        Some(snapshot_of(&data, &self.clock))
    }

    async fn find(&self, ip: IpAddr) -> Option<Box<dyn asic_rs::core::traits::miner::Miner>> {
        match timeout(PATIENCE, self.factory.get_miner(ip)).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                tracing::debug!(%ip, %error, "asic-rs cannot identify");
                None
            }
            Err(_) => None,
        }
    }
}

fn machine_of(info: &asic_rs::core::data::device::DeviceInfo) -> OtherMachine {
    OtherMachine { make: info.make.clone(), model: info.model.clone(), firmware: info.firmware.clone() }
}

fn snapshot_of(data: &MinerData, clock: &Clock) -> OtherSnapshot {
    let hash_rate = data
        .hashrate
        .clone()
        .and_then(|rate| HashRate::from_terahashes_f64(rate.as_unit(HashRateUnit::TeraHash).value));
    let power = data.wattage.and_then(|power| Power::from_watts_f64(power.as_watts()));
    let hottest = data
        .hashboards
        .iter()
        .flat_map(|board| [board.board_temperature, board.outlet_chip_temperature])
        .flatten()
        .filter_map(|temperature| Temperature::from_celsius_f64(temperature.as_celsius()))
        .max();
    // `is_mining` is true where nothing is known; only a hash rate is evidence.
    let reading = hash_rate.map(|hash_rate| Reading {
        at: clock.now(),
        activity: if hash_rate.is_zero() { Activity::Starting } else { Activity::Hashing },
        power: power.filter(|power| !power.is_negative()),
        hash_rate: Some(hash_rate),
        temperature: hottest,
        mode: None,
    });
    OtherSnapshot {
        machine: machine_of(&data.device_info),
        mac: data.mac.and_then(|mac| mac.to_string().parse().ok()),
        serial: data.serial_number.clone(),
        reading,
    }
}
