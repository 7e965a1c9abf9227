//! The API from outside: over real sockets, with a site that only remembers what it was asked.

#![expect(clippy::unwrap_used, reason = "a test stops where its ground gives way")]

mod alerts;
mod deliver;
mod document;
mod fake;
mod fake_beside;
mod judged;
mod local;
mod network;
mod observatory;
mod people;
mod routes;
mod served;
mod whys;
