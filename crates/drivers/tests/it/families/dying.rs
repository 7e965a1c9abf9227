//! A machine that dies in the middle of a command has done nothing that anybody knows of, however far it came: in no
//! family is that a success.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use offpeak_drivers::call::Order;
use offpeak_drivers::connect::{Connector, MemoryHost};
use offpeak_drivers::driver::Driver;
use offpeak_drivers::fronts::Fronts;
use offpeak_site::{Family, Outcome};
use offpeak_units::Power;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::{every_order, order, sample, stage};
use crate::fronts::{running, seat};

/// A machine that says so many things and is dead from then on: it says nothing, and closes nothing.
struct Dying {
    through: Fronts,
    /// How much it still says.
    left: Arc<AtomicUsize>,
    /// How much it has said.
    said: Arc<AtomicUsize>,
}

impl Dying {
    fn takes_one(left: &AtomicUsize) -> bool {
        left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1)).is_ok()
    }
}

impl MemoryHost for Dying {
    fn connect(&self, to: SocketAddr) -> io::Result<DuplexStream> {
        if self.left.load(Ordering::Acquire) == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let machine = self.through.connect(to)?;
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let ((mut from_machine, mut to_machine), (mut from_us, mut to_us)) =
            (tokio::io::split(machine), tokio::io::split(theirs));
        tokio::spawn(async move { tokio::io::copy(&mut from_us, &mut to_machine).await });
        let (left, said) = (Arc::clone(&self.left), Arc::clone(&self.said));
        tokio::spawn(async move {
            let mut bytes = vec![0; 64 * 1024];
            loop {
                let read = from_machine.read(&mut bytes).await.unwrap_or(0);
                // Closing is a word too.
                if !Self::takes_one(&left) {
                    return std::future::pending().await;
                }
                said.fetch_add(1, Ordering::AcqRel);
                if read == 0 {
                    let _ = to_us.shutdown().await;
                    return;
                }
                if to_us.write_all(&bytes[..read]).await.is_err() {
                    return;
                }
            }
        });
        Ok(ours)
    }
}

/// The outcome of an order to a machine that dies after so many words, and how many it said.
async fn outcome(family: Family, model: &str, each: &Order, words: usize) -> (Outcome, usize) {
    let (fronts, ix) = stage(family, model, &running());
    let said = Arc::new(AtomicUsize::new(0));
    let host = Dying { through: fronts.clone(), left: Arc::new(words.into()), said: Arc::clone(&said) };
    let mut seat = seat(&fronts, ix);
    seat.driver = Driver::new(Connector::Memory(Arc::new(host)), fronts.clock());
    let outcome = order(&mut seat, each.clone()).await;
    (outcome, said.load(Ordering::Acquire))
}

#[tokio::test(start_paused = true)]
async fn in_no_family_is_an_order_to_a_machine_that_dies_meanwhile_a_success() {
    for (family, model) in Family::ALL.into_iter().filter_map(|family| Some((family, sample(family)?))) {
        for each in every_order().into_iter().chain([Order::LimitPower(Power::from_watts(2_500))]) {
            let (whole, words) = outcome(family, model, &each, usize::MAX).await;
            let takes_it = whole == Outcome::Accepted;
            // Of the last words some are behind the answer that counts: a connection's close where the length was
            // told before, and with LuxOS the end of the session that the order was given in.
            let after = if family == Family::LuxOs { 4 } else { 1 };
            for dies_after in 0..words.saturating_sub(after) {
                let (outcome, _) = outcome(family, model, &each, dies_after).await;
                assert_ne!(
                    outcome,
                    Outcome::Accepted,
                    "{family:?} {each:?}: dead after {dies_after} of {words} words"
                );
            }
            assert!(!takes_it || words > 0, "{family:?} {each:?}");
        }
    }
}
