//! A site at work: the loop over a mine behind its wires, and the twin in its place.

mod answer;
mod demo;
mod demo_site;
mod files;
mod live;
mod plant_io;
mod simulate;
mod stage;
mod story;
