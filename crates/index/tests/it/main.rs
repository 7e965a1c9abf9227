//! The room from outside.

mod chain;
mod electricity;
mod electricity_properties;
mod electricity_reference;
mod grid;
mod world;
mod world_reference;
