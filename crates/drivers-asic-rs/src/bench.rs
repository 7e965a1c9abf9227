//! asic-rs's own speed, to compare ours with.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use asic_rs::MinerFactory;
use asic_rs::core::data::collector::DataField;
use asic_rs::core::traits::miner::Miner;
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use crate::AT_ONCE_MAX;

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PeerFigures {
    /// Readings of everything a second.
    pub full_per_second: f64,
    /// Readings of rate, watts, temperature and state a second.
    pub filtered_per_second: f64,
}

/// What our fast reading does not hold, and what costs it requests.
const UNWANTED: [DataField; 14] = [
    DataField::Mac,
    DataField::SerialNumber,
    DataField::Hostname,
    DataField::ApiVersion,
    DataField::FirmwareVersion,
    DataField::ControlBoardVersion,
    DataField::Hashboards,
    DataField::Chips,
    DataField::ExpectedHashrate,
    DataField::Fans,
    DataField::PsuFans,
    DataField::Pools,
    DataField::Messages,
    DataField::TuningTarget,
];

/// Reads the machines at the standard ports of these addresses as fast as they answer; `None` where asic-rs knows none
/// of them.
pub async fn bench(ips: Vec<IpAddr>, time: Duration) -> Option<PeerFigures> {
    let factory = Arc::new(MinerFactory::new().with_nofile_adjustment(false));
    let mut asked = JoinSet::new();
    let mut miners: Vec<Arc<dyn Miner>> = Vec::new();
    for ip in ips {
        if asked.len() >= AT_ONCE_MAX {
            miners.extend(asked.join_next().await.and_then(found));
        }
        let factory = Arc::clone(&factory);
        asked.spawn(async move { factory.get_miner(ip).await.ok().flatten() });
    }
    while let Some(done) = asked.join_next().await {
        miners.extend(found(done));
    }
    if miners.is_empty() {
        return None;
    }
    Some(PeerFigures {
        full_per_second: rate(&miners, time, &[]).await,
        filtered_per_second: rate(&miners, time, &UNWANTED).await,
    })
}

fn found(done: Result<Option<Box<dyn Miner>>, tokio::task::JoinError>) -> Option<Arc<dyn Miner>> {
    done.ok().flatten().map(Arc::from)
}

/// Readings a second that named a hash rate, with as many under way as it bears.
async fn rate(miners: &[Arc<dyn Miner>], time: Duration, exclude: &'static [DataField]) -> f64 {
    let (start, count) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let mut readers = JoinSet::new();
    for reader in 0..AT_ONCE_MAX {
        let miners: Vec<_> = miners.iter().skip(reader).step_by(AT_ONCE_MAX).cloned().collect();
        let count = Arc::clone(&count);
        readers.spawn(async move {
            let until = (start + time).into();
            for miner in miners.iter().cycle() {
                let Ok(data) = timeout_at(until, miner.get_data_filtered(exclude.to_vec())).await else {
                    break;
                };
                if data.hashrate.is_some() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    readers.join_all().await;
    #[expect(clippy::cast_precision_loss, reason = "a count of some seconds")]
    let count = count.load(Ordering::Relaxed) as f64;
    count / start.elapsed().as_secs_f64()
}
