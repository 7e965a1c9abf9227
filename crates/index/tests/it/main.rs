//! The room from outside.

mod grid;
mod world;
mod world_reference;
