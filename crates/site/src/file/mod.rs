//! The site file: TOML that a mine manager can write, and every mistake in it with its line, what
//! was found and what was expected, all in one run.
//!
//! Text in, [`Site`] out. Not here: reading files (the caller hands the text and a way to get at
//! attached inventories), and any decision about what to run.

mod budgets;
mod circuits;
mod civil;
mod contract;
mod csv;
mod devices;
mod diagnostic;
mod fans;
mod feed;
mod fields;
mod inventory;
mod machines;
mod models;
mod pattern;
mod rules;
mod sanity;
mod schema;
mod section;
mod shape;

use offpeak_units::Currency;
use toml::de::DeTable;

pub use diagnostic::{Diagnostic, Severity};
pub use feed::{Feed, FeedSignal, feed};
pub use models::catalogue;
pub use schema::schema;
pub use shape::nearest;

use crate::plant::Site;
use circuits::Circuits;
use devices::{Owners, Switches};
use diagnostic::Report;
use machines::{Known, Machines};
use models::Models;
use section::Section;

/// What a site file gives: a site unless something in it is an error, and every finding.
#[derive(Debug)]
pub struct Loaded {
    /// The site; `None` if there is at least one error.
    pub site: Option<Site>,
    /// Errors and warnings in the order of the file, those of inventories last.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a site file. `name` is what messages call it; `attachments` gives the text of an inventory
/// by the path in the file, relative to it.
///
/// ```
/// let mistakes = offpeak_site::file::load("x.toml", "[site]\nname = 5\n", &|_| None).unwrap_err();
/// assert!(mistakes.iter().any(|mistake| mistake.line == 2 && mistake.path == "site.name"));
/// ```
///
/// # Errors
/// Every error of the file, and its warnings with them.
pub fn load(
    name: &str,
    text: &str,
    attachments: &dyn Fn(&str) -> Option<String>,
) -> Result<Site, Vec<Diagnostic>> {
    let Loaded { site, diagnostics } = load_with_warnings(name, text, attachments);
    site.ok_or(diagnostics)
}

/// As [`load`], with the warnings of a good file too.
///
/// ```
/// let text = include_str!("../../../../sites/small.toml").replace("house_load_kw = 12", "house_load_kw = 5");
/// let loaded = offpeak_site::file::load_with_warnings("x.toml", &text, &|_| None);
/// assert!(loaded.site.is_some());
/// assert_eq!(loaded.diagnostics[0].path, "contract.house_load_kw");
/// ```
#[must_use]
pub fn load_with_warnings(name: &str, text: &str, attachments: &dyn Fn(&str) -> Option<String>) -> Loaded {
    let mut report = Report::new(name, text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        report.syntax(error);
    }
    let file = Section::root(&table, &fields::FILE);
    file.check(&mut report);
    let site = build(&file, attachments, &mut report);
    let site = if report.has_errors() { None } else { Some(site) };
    if let Some(site) = &site {
        sanity::check(site, &file, &mut report);
    }
    Loaded { site, diagnostics: report.finish() }
}

/// Builds what can be built; the result counts only if nothing was reported.
fn build(file: &Section<'_>, attachments: &dyn Fn(&str) -> Option<String>, report: &mut Report<'_>) -> Site {
    let head = file.section("site");
    let text = |key: &str| head.as_ref().and_then(|head| head.text(key)).unwrap_or_default().to_owned();
    let currency = text("currency").parse().unwrap_or(Currency::USD);
    let time_zone = shape::time_zone(&text("time_zone")).unwrap_or(jiff::tz::TimeZone::UTC);

    let switches = Switches::read(file, report);
    let owners = Owners::read(file, report);
    let mut circuits = Circuits::read(file, &switches, report);
    let meters = devices::read_meters(file, &mut circuits, report);
    let mut models = Models::with_catalogue();
    models.read(file, report);
    let mut machines = Machines::default();
    let mut known = Known { circuits: &circuits, switches: &switches, owners: &owners, models: &mut models };
    machines.read(file, &mut known, report);
    inventory::read(file, attachments, &mut machines, &mut known, report);
    machines.check_unique(&switches, report);
    let fans = fans::read(file, &circuits, &switches, &machines.list, report);
    let contract = contract::read_contract(file, &time_zone, currency, report);
    let mut rules = rules::read(file, &circuits, report);
    rules.pinned = std::mem::take(&mut machines.pinned);
    if machines.phases.iter().any(Option::is_some) {
        rules.phases = std::mem::take(&mut machines.phases);
    }
    let economics = contract::read_prices(file, currency, contract.holidays.clone(), report);
    Site {
        id: text("id"),
        name: text("name"),
        secrets: head.as_ref().and_then(|head| head.text("secrets")).map(str::to_owned),
        time_zone,
        circuits: circuits.finish(),
        machines: machines.list,
        models: models.used,
        owners: owners.list,
        meters,
        switches: switches.list,
        fans,
        contract,
        economics,
        rules,
    }
}
