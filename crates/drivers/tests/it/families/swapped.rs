//! Two machines that are alike to the secrets they write with swap addresses after they were armed: an order then
//! reaches neither, in any family.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use offpeak_drivers::call::Order;
use offpeak_drivers::connect::{Connector, MemoryHost};
use offpeak_drivers::driver::{Driver, Link};
use offpeak_drivers::fronts::Fronts;
use offpeak_site::{Activity, Endpoint, Family, MacAddress, MachineIx, Outcome, Trouble};
use offpeak_units::Power;
use tokio::io::DuplexStream;

use super::{every_order, later, order, sample, stage};
use crate::fronts::{Seat, running, seat};

/// The twin's machines, of which two stand at each other's address from some time on.
struct Swapped {
    through: Fronts,
    two: [Endpoint; 2],
    now: Arc<AtomicBool>,
}

impl MemoryHost for Swapped {
    fn connect(&self, mut to: SocketAddr) -> io::Result<DuplexStream> {
        if self.now.load(Ordering::Acquire) {
            let [one, other] = self.two;
            let meant = if to.ip() == one.ip { (one, other) } else { (other, one) };
            assert_eq!(to.ip(), meant.0.ip, "nobody else is spoken to");
            to = SocketAddr::new(
                meant.1.ip,
                if to.port() == meant.0.api_port { meant.1.api_port } else { meant.1.http_port },
            );
        }
        self.through.connect(to)
    }
}

/// Two machines of the model that the stage dresses.
fn two(fronts: &Fronts) -> [MachineIx; 2] {
    fronts.with(|plant| {
        let site = plant.site();
        let first = site.machines().find(|(ix, _)| site.model_of(*ix).modes.len() == 3).unwrap().0;
        let model = site.machines[first.ix()].model;
        let mut alike = site.machines().filter(|(_, machine)| machine.model == model).map(|(ix, _)| ix);
        [alike.next().unwrap(), alike.next().unwrap()]
    })
}

#[tokio::test(start_paused = true)]
async fn an_order_reaches_neither_of_two_machines_that_have_swapped_addresses() {
    for (family, model) in Family::ALL.into_iter().filter_map(|family| Some((family, sample(family)?))) {
        for each in every_order().into_iter().chain([Order::LimitPower(Power::from_watts(2_500))]) {
            let (fronts, _) = stage(family, model, &running());
            let pair = two(&fronts);
            let now = Arc::new(AtomicBool::new(false));
            let host = Swapped {
                through: fronts.clone(),
                two: pair.map(|ix| fronts.layout().endpoints()[ix.ix()]),
                now: Arc::clone(&now),
            };
            let driver = Driver::new(Connector::Memory(Arc::new(host)), fronts.clock());
            let mut seats = pair.map(|ix| {
                let [a, b, c, d] = ix.0.to_be_bytes();
                let link = Link::to(Some(MacAddress([0x02, 0x0F, a, b, c, d])));
                Seat { driver: driver.clone(), link, ..seat(&fronts, ix) }
            });
            for seat in &mut seats {
                seat.driver.keep_armed(family, seat.at, &mut seat.link).await.unwrap();
                // Whatever an order leaves behind is held as well.
                assert_eq!(order(seat, Order::Wake).await, Outcome::Accepted, "{family:?}");
                seat.read().await.unwrap();
            }
            later(3).await;
            now.store(true, Ordering::Release);
            for seat in &mut seats {
                let outcome = order(seat, each.clone()).await;
                // What a family does not take at all it may say before it asks who is there.
                let untold = matches!(&each, Order::LimitPower(_)) && matches!(outcome, Outcome::Refused(_));
                assert!(
                    untold || outcome == Outcome::Unanswered(Trouble::Impostor),
                    "{family:?} {each:?}: {outcome:?}"
                );
            }
            later(2).await;
            for ix in pair {
                let seen = fronts.with(|plant| plant.truth(ix)).activity;
                assert_eq!(seen, Some(Activity::Hashing), "{family:?} {each:?}");
            }
        }
    }
}
