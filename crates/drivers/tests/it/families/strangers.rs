//! A machine that does not say who it is gets no order that is meant for another: replies that name neither
//! hardware address nor serial number, in every family.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use offpeak_drivers::call::Order;
use offpeak_drivers::connect::{Connector, MemoryHost};
use offpeak_drivers::driver::{Driver, Link};
use offpeak_drivers::fronts::Fronts;
use offpeak_drivers::poll::{Fleet, Target};
use offpeak_site::{Activity, Family, MacAddress, MachineIx, Outcome, Trouble};
use offpeak_units::Power;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};

use super::{every_order, later, order, sample, stage};
use crate::fronts::{Seat, running, seat};

/// The twin's machines, with these names blanked out of whatever they say.
struct Nameless {
    through: Fronts,
    names: Arc<Vec<Vec<u8>>>,
}

async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, names: &[Vec<u8>]) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        let said = &mut bytes[..read];
        for name in names {
            let mut start = 0;
            while let Some(place) =
                said[start..].windows(name.len()).position(|window| window.eq_ignore_ascii_case(name))
            {
                // As long as before, for replies behind their length.
                said[start + place..start + place + name.len()].fill(b' ');
                start += place + name.len();
            }
        }
        if to.write_all(said).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}

impl MemoryHost for Nameless {
    fn connect(&self, to: SocketAddr) -> io::Result<DuplexStream> {
        let machine = self.through.connect(to)?;
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let (from_machine, to_machine) = tokio::io::split(machine);
        let (from_us, to_us) = tokio::io::split(theirs);
        let names = Arc::clone(&self.names);
        tokio::spawn(async move { pass(from_us, to_machine, &[]).await });
        tokio::spawn(async move { pass(from_machine, to_us, &names).await });
        Ok(ours)
    }
}

fn own_mac(ix: MachineIx) -> MacAddress {
    let [a, b, c, d] = ix.0.to_be_bytes();
    MacAddress([0x02, 0x0F, a, b, c, d])
}

fn own_serial(ix: MachineIx) -> String {
    format!("TWIN{:08}", ix.0)
}

/// Before a machine that does not say who it is.
fn before_a_stranger(fronts: &Fronts, ix: MachineIx) -> Seat {
    let mac = own_mac(ix).to_string();
    let serial = own_serial(ix);
    // ePIC names its processor's number as well.
    let names = [mac.replace(':', ""), mac, format!("{serial}-CPU"), serial].map(String::into_bytes).to_vec();
    let host = Nameless { through: fronts.clone(), names: Arc::new(names) };
    let driver = Driver::new(Connector::Memory(Arc::new(host)), fronts.clock());
    Seat { driver, ..seat(fronts, ix) }
}

fn families() -> impl Iterator<Item = (Family, &'static str)> {
    Family::ALL.into_iter().filter_map(|family| Some((family, sample(family)?)))
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_say_who_it_is_gets_no_order_of_a_machine_with_a_name() {
    for (family, model) in families() {
        let (fronts, ix) = stage(family, model, &running());
        let mut stranger = before_a_stranger(&fronts, ix);
        let told = stranger.driver.identify(stranger.at).await.unwrap().unwrap();
        assert_eq!((told.family, told.mac, told.serial), (family, None, None));
        stranger.link = Link::to(Some(own_mac(ix)));
        let _ = stranger.driver.keep_armed(family, stranger.at, &mut stranger.link).await;
        for each in every_order() {
            let outcome = order(&mut stranger, each.clone()).await;
            assert_eq!(outcome, Outcome::Unanswered(Trouble::Impostor), "{family:?} {each:?}");
        }
        let limit = order(&mut stranger, Order::LimitPower(Power::from_watts(2_500))).await;
        assert!(!matches!(limit, Outcome::Accepted), "{family:?}");
        later(10).await;
        let seen = fronts.with(|plant| plant.truth(ix)).activity;
        assert_eq!(seen, Some(Activity::Hashing), "{family:?}");
        // The machine itself, which says so, obeys.
        let mut own = seat(&fronts, ix);
        own.link = Link::to(Some(own_mac(ix)));
        assert_eq!(order(&mut own, Order::Sleep).await, Outcome::Accepted, "{family:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nor_an_order_of_a_machine_that_is_known_by_its_serial_number() {
    for (family, model) in families() {
        let (fronts, ix) = stage(family, model, &running());
        let stranger = before_a_stranger(&fronts, ix);
        let target = Target { machine: ix, family, endpoint: stranger.at, mac: None };
        let bound = |driver: &Driver| {
            let mut fleet = Fleet::new(driver.clone(), vec![target]);
            fleet.set_serial(ix, &own_serial(ix));
            fleet
        };
        let fleet = bound(&stranger.driver);
        // A second order finds nothing that the first has left behind.
        for _ in 0..2 {
            for each in every_order() {
                let outcome = fleet.order(ix, &each).await;
                assert_eq!(outcome, Outcome::Unanswered(Trouble::Impostor), "{family:?} {each:?}");
            }
        }
        later(10).await;
        let seen = fronts.with(|plant| plant.truth(ix)).activity;
        assert_eq!(seen, Some(Activity::Hashing), "{family:?}");
        let own = bound(&seat(&fronts, ix).driver).order(ix, &Order::Sleep).await;
        if family == Family::Bitaxe {
            assert_eq!(own, Outcome::Unanswered(Trouble::Impostor), "it has no serial number to be known by");
        } else {
            assert_eq!(own, Outcome::Accepted, "{family:?}");
        }
    }
}
