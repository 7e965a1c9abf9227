//! The room from outside.

mod electricity;
mod electricity_properties;
mod electricity_reference;
mod grid;
mod world;
mod world_reference;
