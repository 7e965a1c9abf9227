//! A site at work: the loop over a mine behind its wires, and the twin in its place.

mod ahead;
mod answer;
mod bench;
mod demo;
mod demo_site;
mod ending;
mod entries;
mod fan_views;
mod fans_io;
mod farewell;
mod feed;
mod files;
mod housekeeping;
mod live;
mod metrics;
mod notice;
mod orders;
mod plant_io;
mod record;
mod run;
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
pub(crate) use record::{LAKE, Recorded};
pub(crate) use run::run_command;
pub(crate) use simulate::simulate_command;
pub(crate) use twin::twin_command;
pub(crate) use views::{explain, explain_all};
