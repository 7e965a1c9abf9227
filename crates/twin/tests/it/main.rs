//! The twin's tests through its public face.

mod common;
mod faults;
mod judge;
mod physics;
mod replay;
mod weather;
