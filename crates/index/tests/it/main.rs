//! The room from outside.

mod chain;
mod electricity;
mod electricity_properties;
mod electricity_reference;
mod grid;
mod known_blocks;
mod world;
mod world_reference;
