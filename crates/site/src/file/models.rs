//! The hardware catalogue and a site's changes to it.

use std::collections::BTreeMap;

use offpeak_units::{HashRate, Power};

use super::diagnostic::Report;
use super::fields;
use super::section::Section;
use super::shape::{self, Field, Kind, Shape};
use crate::family_times;
use crate::hardware::{Distribution, Family, Mode, ModeName, Model, ModelIx, Transitions};

static CATALOGUE_FILE: Shape = Shape {
    about: "The hardware catalogue",
    fields: &[Field {
        key: "models",
        kind: Kind::Sections(&fields::MODEL),
        required: true,
        about: "The models",
    }],
};

/// The hardware catalogue that comes with offpeak.
///
/// ```
/// let models = offpeak_site::file::catalogue();
/// let m30s = models.iter().find(|model| model.name == "M30S").unwrap();
/// assert_eq!(m30s.efficiency().unwrap().to_string(), "38.0 J/TH");
/// ```
///
/// # Panics
/// Never: a test reads the compiled-in catalogue.
#[must_use]
pub fn catalogue() -> Vec<Model> {
    let text = include_str!("../catalogue.toml");
    let mut report = Report::new("catalogue.toml", text);
    let table = toml::de::DeTable::parse(text).expect("the catalogue is TOML");
    let file = Section::root(&table, &CATALOGUE_FILE);
    file.check(&mut report);
    let mut models =
        Models { known: BTreeMap::new(), used: Vec::new(), by_name: BTreeMap::new(), table: None };
    models.read(&file, &mut report);
    let mistakes = report.finish();
    assert!(mistakes.is_empty(), "the catalogue is without mistakes, but: {}", mistakes[0]);
    models.known.into_values().collect()
}

/// The models a site may name, and those it does.
pub(crate) struct Models {
    known: BTreeMap<String, Model>,
    /// Those with machines, in the order of their first machine.
    pub(crate) used: Vec<Model>,
    by_name: BTreeMap<String, ModelIx>,
    /// The table of machines, once an entry has named a row of it.
    table: Option<Vec<offpeak_hardware::Model>>,
}

impl Models {
    pub(crate) fn with_catalogue() -> Self {
        let known = catalogue().into_iter().map(|model| (model.name.clone(), model)).collect();
        Self { known, used: Vec::new(), by_name: BTreeMap::new(), table: None }
    }

    /// Reads `[[models]]` over what is known.
    pub(crate) fn read(&mut self, file: &Section<'_>, report: &mut Report<'_>) {
        let mut lines = BTreeMap::new();
        for entry in file.sections("models") {
            let Some(name) = entry.text("name") else { continue };
            if let Some(earlier) = lines.insert(name, entry.place.clone()) {
                let found = format!("`{name}`, which is already in line {}", report.line(&earlier));
                report.error(&entry.place_of("name"), &found, "a model once");
            }
            let like = entry.text("like").unwrap_or(name);
            let base = self.known.get(like).cloned();
            if base.is_none() && entry.has("like") {
                let expected = "a model of the catalogue or of this file above";
                report.error_with_hint(
                    &entry.place_of("like"),
                    &format!("`{like}`"),
                    expected,
                    self.hint(like),
                );
            }
            let row = self.hardware(&entry, report);
            let model = read_model(name, &entry, base, row.as_ref(), report);
            self.known.insert(name.to_owned(), model);
        }
    }

    /// The row of the table of machines that an entry names.
    fn hardware(&mut self, entry: &Section<'_>, report: &mut Report<'_>) -> Option<offpeak_hardware::Model> {
        let name = entry.text("hardware")?;
        let table = self.table.get_or_insert_with(offpeak_hardware::machines);
        let row = table.iter().find(|row| row.name == name).cloned();
        if row.is_none() {
            let near = shape::nearest(name, table.iter().map(|row| row.name.as_str()));
            let hint = near.map(|near| format!("did you mean `{near}`?"));
            let expected = "a machine of the table, such as \"Antminer S19 (95 TH)\"";
            report.error_with_hint(&entry.place_of("hardware"), &format!("`{name}`"), expected, hint);
        }
        row
    }

    /// The index of a model, which from now on is used; `None` if nobody knows it.
    pub(crate) fn find(&mut self, name: &str) -> Option<ModelIx> {
        if let Some(ix) = self.by_name.get(name) {
            return Some(*ix);
        }
        let model = self.known.get(name)?;
        let ix = ModelIx(u16::try_from(self.used.len()).ok()?);
        self.used.push(model.clone());
        self.by_name.insert(name.to_owned(), ix);
        Some(ix)
    }

    /// Where the API of such machines answers as a standard.
    pub(crate) fn api_port(&self, model: Option<ModelIx>) -> u16 {
        model.map_or(Family::Other, |model| self.used[model.ix()].family).api_port()
    }

    pub(crate) fn hint(&self, wrong: &str) -> Option<String> {
        shape::nearest(wrong, self.known.keys().map(String::as_str))
            .map(|near| format!("did you mean `{near}`?"))
    }
}

/// A model from an entry over its base; what neither has is reported and stood in for, so that
/// reading goes on.
fn read_model(
    name: &str,
    entry: &Section<'_>,
    base: Option<Model>,
    row: Option<&offpeak_hardware::Model>,
    report: &mut Report<'_>,
) -> Model {
    let mut modes: Vec<Mode> = entry.sections("modes").iter().filter_map(mode).collect();
    modes.sort_by_key(|mode| mode.power);
    let of_base = base.as_ref();
    if base.is_none() && !entry.has("like") {
        report_gaps(name, entry, report);
    }
    check_modes(entry, &modes, report);
    if modes.is_empty() {
        modes = row.and_then(normal_mode).into_iter().collect();
    }
    if modes.is_empty() {
        modes = of_base.map(|base| base.modes.clone()).unwrap_or_default();
    }
    let unknown = Distribution { p5_ms: 1_000, p95_ms: 1_000 };
    let family =
        entry.text("family").and_then(family).or(of_base.map(|base| base.family)).unwrap_or(Family::Other);
    // Another firmware takes its own time to start and to stop, whatever it runs on.
    let of_family = family_times(family).map(|times| &times.transitions);
    let of_base_times = of_base.filter(|base| base.family == family || of_family.is_none());
    let times = of_base_times.map(|base| &base.transitions).or(of_family);
    let time = |key: &str, inherited: fn(&Transitions) -> Distribution| {
        entry.distribution(key).or(times.map(inherited)).unwrap_or(unknown)
    };
    let text = |key: &str, inherited: fn(&Model) -> &String| {
        entry.text(key).map(str::to_owned).or(of_base.map(|base| inherited(base).clone())).unwrap_or_default()
    };
    let model = Model {
        name: name.to_owned(),
        maker: match (entry.has("maker"), row) {
            (false, Some(row)) => row.maker.clone(),
            _ => text("maker", |base| &base.maker),
        },
        family,
        sleeps_by_command: entry
            .flag("sleeps_by_command")
            .or(of_base.map(|base| base.sleeps_by_command))
            .unwrap_or(false),
        sleep: entry.watts("sleep_w").or(of_base.map(|base| base.sleep)).unwrap_or(Power::ZERO),
        transitions: Transitions {
            boot: time("boot_s", |times| times.boot),
            wake: time("wake_s", |times| times.wake),
            ramp_up: time("ramp_up_s", |times| times.ramp_up),
            sleep: time("sleep_s", |times| times.sleep),
        },
        source: source(entry, of_base, row),
        modes,
    };
    if let Some(least) = model.modes.first()
        && model.sleep >= least.power
    {
        let place = if entry.has("sleep_w") { entry.place_of("sleep_w") } else { entry.place.clone() };
        let found = format!("{} asleep and {} at work", model.sleep, least.power);
        report.error(&place, &found, "less asleep than in every mode");
    }
    model
}

/// What a row of the table says of a machine at its datasheet's point.
fn normal_mode(row: &offpeak_hardware::Model) -> Option<Mode> {
    let power = Power::from_watts_f64(row.power_w)?;
    let hash_rate = HashRate::from_terahashes_f64(row.hash_rate_ths)?;
    Some(Mode { name: ModeName::Normal, power, hash_rate })
}

/// Where a model's figures stand: the row's source first, then what the entry says, or else its base.
fn source(entry: &Section<'_>, base: Option<&Model>, row: Option<&offpeak_hardware::Model>) -> String {
    let of_row = row.and_then(|row| row.source.as_deref());
    let own = entry.text("source").or(base.filter(|_| row.is_none()).map(|base| base.source.as_str()));
    [of_row, own].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// What a model without a base must say.
fn report_gaps(name: &str, entry: &Section<'_>, report: &mut Report<'_>) {
    const NEEDED: [&str; 10] = [
        "maker",
        "family",
        "modes",
        "sleeps_by_command",
        "sleep_w",
        "boot_s",
        "wake_s",
        "ramp_up_s",
        "sleep_s",
        "source",
    ];
    let by_row = |key: &str| entry.has("hardware") && ["maker", "modes", "source"].contains(&key);
    let timed = entry.text("family").and_then(family).and_then(family_times).is_some();
    let by_family = |key: &str| timed && ["boot_s", "wake_s", "ramp_up_s", "sleep_s"].contains(&key);
    let is_missing = |key: &&&str| !entry.has(key) && !by_row(key) && !by_family(key);
    let missing: Vec<_> = NEEDED.iter().filter(is_missing).map(|key| format!("`{key}`")).collect();
    if !missing.is_empty() {
        let expected = format!("{}, or `like` with a model of the catalogue", missing.join(", "));
        let found = format!("`{name}`, which is not in the catalogue");
        report.error(&entry.place_of("name"), &found, &expected);
    }
}

fn check_modes(entry: &Section<'_>, modes: &[Mode], report: &mut Report<'_>) {
    let mut names: Vec<_> = modes.iter().map(|mode| mode.name).collect();
    if !names.is_sorted() {
        report.wrong(&entry.place_of("modes"), "modes that draw more from low to high");
    }
    names.sort_unstable();
    names.dedup();
    if names.len() < modes.len() {
        report.wrong(&entry.place_of("modes"), "each mode once");
    }
}

fn mode(section: &Section<'_>) -> Option<Mode> {
    let name = match section.text("name")? {
        "low" => ModeName::Low,
        "normal" => ModeName::Normal,
        "high" => ModeName::High,
        _ => return None,
    };
    Some(Mode { name, power: section.watts("power_w")?, hash_rate: section.hash_rate("hash_rate_ths")? })
}

fn family(word: &str) -> Option<Family> {
    Family::ALL.into_iter().find(|family| family.name() == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_whole() {
        let models = catalogue();
        assert!(models.len() >= 40, "{}", models.len());
        for model in &models {
            assert!(
                !model.modes.is_empty() && !model.maker.is_empty() && !model.source.is_empty(),
                "{}",
                model.name
            );
            let efficiency = model.efficiency().expect("every mode hashes").to_joules_per_terahash_f64();
            // From the A16XP of 2026 to the A1047 and S9 of before 2020.
            assert!((12.5..=110.0).contains(&efficiency), "{}: {efficiency} J/TH", model.name);
            assert!(model.sleep < model.normal().power, "{}", model.name);
        }
    }
}
