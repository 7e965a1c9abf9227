//! A site at work: the loop over a mine behind its wires, and the twin in its place.

mod alert_facts;
mod answer;
mod bench;
mod demo;
mod demo_site;
mod ending;
mod farewell;
mod feed;
mod files;
mod listing;
mod live;
mod notice;
mod orders;
mod pages;
mod plant_io;
mod plant_views;
mod run;
mod serving;
mod simulate;
mod stage;
mod story;
mod trace;
mod twin;
mod views;

pub(crate) use bench::bench_command;
pub(crate) use demo::demo_command;
pub(crate) use files::{logins, open_files, raise_limit};
pub(crate) use orders::calendar_view;
pub(crate) use plant_io::pace_at_speed_one;
pub(crate) use run::run_command;
pub(crate) use simulate::simulate_command;
pub(crate) use twin::twin_command;
pub(crate) use views::{explain, explain_all};
