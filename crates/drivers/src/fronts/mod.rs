//! The twin's front ends: one plant behind the protocols that real machines, meters and switches
//! speak, over sockets or over streams inside this process.
//!
//! ```text
//! sockets (listen) ─┐
//!                   ├─▶ talk ─▶ whatsminer | antminer | avalon | web (pages, digest) | modbus ─▶ Plant
//! streams (memory) ─┘
//! ```
//! Values and misbehaviour are the plant's. Time is a [`Clock`]'s: each request first moves the
//! plant to now, so it all works in tokio's paused time too. Replies are shaped after recorded ones
//! (`tests/fixtures`); asic-rs and pyasic judge them.
//!
//! Not here: physics and faults (`offpeak-twin`), and any client.

mod antminer;
mod avalon;
mod bitaxe;
mod braiins;
mod braiins_graphql;
mod card;
mod digest;
mod epic;
mod layout;
mod listen;
mod luxos;
mod memory;
mod modbus;
mod pages;
mod proto;
mod rest;
mod splice;
mod talk;
mod view;
mod vnish;
mod web;
mod whatsminer;
mod whatsminer_v3;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use offpeak_site::MachineIx;
use offpeak_twin::{Answering, Plant};
use thiserror::Error;

use crate::clock::Clock;
use crate::connect::Connector;
use card::Card;
use digest::Gate;
use modbus::Registers;
use view::Unit;

pub use layout::{Addressing, Layout, Ports};
pub use listen::Listening;

/// Why the twin cannot be served.
#[derive(Debug, Error)]
pub enum FrontsError {
    /// Two devices have one address.
    #[error("two devices of the site are to answer at {0}")]
    Twice(SocketAddr),
    /// Each machine needs two ports, and each meter one.
    #[error("{machines} machines need more ports than there are: give each machine its own address")]
    NoPortsLeft {
        /// How many machines.
        machines: usize,
    },
    /// A meter's register map cannot be used.
    #[error("meter `{meter}` cannot be served")]
    Map {
        /// Its id.
        meter: String,
        /// Why.
        source: crate::modbus::MapError,
    },
    /// Nothing can listen there.
    #[error("cannot listen at {at}; is another twin running?")]
    Listen {
        /// The address.
        at: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The process may not open as many files as the twin needs.
    #[error(
        "this process may open {limit} files, the twin needs {needed}: raise it with `ulimit -n {needed}`"
    )]
    TooFewFiles {
        /// The limit.
        limit: u64,
        /// The need.
        needed: u64,
    },
    /// No runtime can be had.
    #[error("cannot start the twin's runtime")]
    Runtime(#[source] io::Error),
}

/// Who is shown the plant after each step of its time.
type Watcher = Box<dyn FnMut(&Plant) + Send>;

/// What changes: the plant, and what each machine's firmware remembers.
struct State {
    plant: Plant,
    units: Vec<Unit>,
    watcher: Option<Watcher>,
}

struct Shared {
    /// Locked for a few microseconds a request, never across a wait.
    state: Mutex<State>,
    cards: Vec<Card>,
    registers: Registers,
    layout: Layout,
    gate: Gate,
    clock: Clock,
}

impl Shared {
    /// The state, moved to now.
    fn at_now<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        // A plant whose user panicked is as good as that user left it; the others go on.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        let now = self.clock.now();
        // Only into another second: an advance forgets what the one before it kept for a judge.
        if now.as_second() > state.plant.now().as_second() {
            state.plant.advance(now);
            if let Some(watcher) = &mut state.watcher {
                watcher(&state.plant);
            }
        }
        act(state)
    }
    /// How a machine answers now, and how late on tokio's clock.
    fn answering(&self, machine: MachineIx) -> (Answering, Duration) {
        self.at_now(|state| {
            let delay = state.plant.reply_delay(machine).unsigned_abs() / self.clock.speed().max(1);
            (state.plant.answering(machine), delay)
        })
    }
}

/// A plant behind its front ends. Clones share it.
#[derive(Clone)]
pub struct Fronts(Arc<Shared>);

impl std::fmt::Debug for Fronts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fronts({} machines)", self.0.cards.len())
    }
}

impl Fronts {
    /// A plant, told apart by this layout, whose time is this clock's.
    ///
    /// # Errors
    /// When a meter's register map cannot be used.
    pub fn new(plant: Plant, layout: Layout, clock: Clock) -> Result<Self, FrontsError> {
        let site = Arc::clone(plant.site());
        let cards: Vec<Card> = site
            .machines()
            .map(|(machine, _)| Card::of(&site, machine, layout.endpoints()[machine.ix()].ip))
            .collect();
        let units = site.machines().map(|_| Unit::default()).collect();
        let registers = Registers::of(&site)?;
        let gate = Gate::new(clock.now());
        Ok(Self(Arc::new(Shared {
            state: Mutex::new(State { plant, units, watcher: None }),
            cards,
            registers,
            layout,
            gate,
            clock,
        })))
    }
    /// Does something with the plant, moved to now.
    pub fn with<R>(&self, act: impl FnOnce(&mut Plant) -> R) -> R {
        self.0.at_now(|state| act(&mut state.plant))
    }
    /// Shows the plant to a judge after each step of its time, whoever caused it, so that none is
    /// missed. The plant is locked meanwhile. There is one watcher; a new one takes its place.
    pub fn watch(&self, watcher: impl FnMut(&Plant) + Send + 'static) {
        self.0.at_now(|state| state.watcher = Some(Box::new(watcher)));
    }
    /// Switches a WhatsMiner's API for writing off or on again, as WhatsMinerTool does. It is on at
    /// first.
    pub fn open_writes(&self, machine: MachineIx, open: bool) {
        self.0.at_now(|state| state.units[machine.ix()].writes_closed = !open);
    }
    /// The clock that the plant follows.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.0.clock
    }
    /// Where everything answers.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.0.layout
    }
    /// Streams to the front ends inside this process.
    #[must_use]
    pub fn connector(&self) -> Connector {
        Connector::Memory(Arc::new(self.clone()))
    }
    /// Opens the sockets and serves them until the result is dropped. Needs a tokio runtime.
    ///
    /// # Errors
    /// When an address is taken, or this process may not open enough files.
    pub fn listen(&self) -> Result<Listening, FrontsError> {
        listen::open(&self.0)
    }
    /// Moves the plant on, a second of its time at once, for as long as it is polled. Requests do so
    /// too; this is for times without any.
    pub async fn run(&self) {
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / self.0.clock.speed().max(1));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            self.0.at_now(|_| ());
        }
    }
}

/// Serves a plant on one thread of its own: for a process that does nothing else. `ready` is called
/// once the sockets are open; it ends with `until`.
///
/// # Errors
/// As [`Fronts::listen`], or when no runtime can be had.
pub fn serve(
    plant: Plant,
    layout: Layout,
    speed: u32,
    ready: impl FnOnce(&Fronts),
    until: impl Future<Output = ()>,
) -> Result<(), FrontsError> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(FrontsError::Runtime)?;
    runtime.block_on(async {
        let clock = Clock::starting_at_speed(plant.now(), speed);
        let fronts = Fronts::new(plant, layout, clock)?;
        let _listening = fronts.listen()?;
        ready(&fronts);
        tokio::select! {
            () = fronts.run() => {}
            () = until => {}
        }
        Ok(())
    })
}
