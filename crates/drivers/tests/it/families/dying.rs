//! A machine that dies in the middle of a command has done nothing that anybody knows of, however far it came: in no
//! family is that a success.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use offpeak_drivers::call::Order;
use offpeak_drivers::connect::{Connector, MemoryHost};
use offpeak_drivers::driver::Driver;
use offpeak_drivers::fronts::Fronts;
use offpeak_site::{Family, Outcome};
use offpeak_units::Power;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::{every_order, order, sample, stage};
use crate::fronts::{running, seat};

/// What goes over the wires to a machine, in its order.
#[derive(Clone, Debug)]
enum Event {
    /// Something that we ask.
    Asked(String),
    /// Something that it says.
    Said,
    /// It closes a connection.
    Closed,
}

/// A machine that says so many things and is dead from then on: it says nothing, and closes nothing.
struct Dying {
    through: Fronts,
    /// How much it still says.
    left: Arc<AtomicUsize>,
    /// What was asked and said until then.
    events: Arc<Mutex<Vec<Event>>>,
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
        let asked = Arc::clone(&self.events);
        tokio::spawn(async move {
            let mut bytes = vec![0; 64 * 1024];
            while let Ok(read @ 1..) = from_us.read(&mut bytes).await {
                let words = String::from_utf8_lossy(&bytes[..read]).into_owned();
                asked.lock().unwrap().push(Event::Asked(words));
                if to_machine.write_all(&bytes[..read]).await.is_err() {
                    return;
                }
            }
        });
        let (left, events) = (Arc::clone(&self.left), Arc::clone(&self.events));
        tokio::spawn(async move {
            let mut bytes = vec![0; 64 * 1024];
            loop {
                let read = from_machine.read(&mut bytes).await.unwrap_or(0);
                // Closing is a word too.
                if !Self::takes_one(&left) {
                    return std::future::pending().await;
                }
                events.lock().unwrap().push(if read == 0 { Event::Closed } else { Event::Said });
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

/// The outcome of an order to a machine that dies after so many words, and what was asked and said.
async fn outcome(family: Family, model: &str, each: &Order, words: usize) -> (Outcome, Vec<Event>) {
    let (fronts, ix) = stage(family, model, &running());
    let events = Arc::default();
    let host = Dying { through: fronts.clone(), left: Arc::new(words.into()), events: Arc::clone(&events) };
    let mut seat = seat(&fronts, ix);
    seat.driver = Driver::new(Connector::Memory(Arc::new(host)), fronts.clock());
    let outcome = order(&mut seat, each.clone()).await;
    // What is still under way when the order has ended, such as the close of its connection, is counted as well.
    let mut before = usize::MAX;
    while std::mem::replace(&mut before, events.lock().unwrap().len()) != before {
        for _ in 0..64 {
            tokio::task::yield_now().await;
        }
    }
    let events = events.lock().unwrap().clone();
    (outcome, events)
}

/// How many words a machine has said once it has answered what decides: the last that is asked, but for the end of
/// the session that it was asked in. A machine that restarts may answer by closing alone.
fn answered(family: Family, events: &[Event]) -> usize {
    let decides = |event: &Event| matches!(event, Event::Asked(words) if !words.contains("\"logoff\""));
    let asked = events.iter().rposition(decides).expect("something was asked");
    let before = said(&events[..asked]);
    assert!(said(&events[asked..]) > 0, "{family:?}: it was answered");
    // The end of a reply is its NUL, or its length stands before it; here it is the end of the connection.
    let ends_with_close = family == Family::WhatsminerV2;
    before + 1 + usize::from(ends_with_close)
}

fn said(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event, Event::Said | Event::Closed)).count()
}

#[tokio::test(start_paused = true)]
async fn in_no_family_is_an_order_to_a_machine_that_dies_meanwhile_a_success() {
    let (mut taken, mut wrong) = (0, Vec::new());
    for (family, model) in Family::ALL.into_iter().filter_map(|family| Some((family, sample(family)?))) {
        for each in every_order().into_iter().chain([Order::LimitPower(Power::from_watts(2_500))]) {
            let (whole, events) = outcome(family, model, &each, usize::MAX).await;
            let takes_it = whole == Outcome::Accepted;
            let answer = takes_it.then(|| answered(family, &events));
            taken += usize::from(takes_it);
            let words = said(&events);
            let mut first = None;
            for dies_after in 0..=words {
                let (outcome, _) = outcome(family, model, &each, dies_after).await;
                let is_success = outcome == Outcome::Accepted;
                if is_success && first.is_none() {
                    first = Some(dies_after);
                }
                // From its answer on it is one, whatever the machine would have said behind that.
                if is_success != answer.is_some_and(|answer| dies_after >= answer) {
                    wrong.push(format!(
                        "{family:?} {each:?}: {outcome:?}, dead after {dies_after} of {words}"
                    ));
                }
            }
            if first != answer {
                wrong.push(format!(
                    "{family:?} {each:?}: a success after {first:?} words, answered after {answer:?}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(taken > 60, "most orders are taken: {taken}");
}
