//! `[grid]` and `[[circuits]]`: the tree from the connection down.

use std::collections::{BTreeMap, BTreeSet};

use offpeak_units::Power;

use super::devices::Switches;
use super::diagnostic::{Place, Report};
use super::section::Section;
use super::shape;
use crate::circuit::{Circuit, CircuitIx, CircuitKind, CircuitTree, Ramp};
use crate::plant::Authority;

/// The most circuits a site may have.
const CIRCUITS_MAX: usize = 500_000;

/// The circuits read so far, found by name.
pub(crate) struct Circuits {
    list: Vec<Circuit>,
    /// Where each was written.
    places: Vec<Place>,
    by_id: BTreeMap<String, CircuitIx>,
    /// Written, but with a mistake that is already reported: who refers to them is not to blame.
    broken: BTreeSet<String>,
}

/// What a reference to a circuit leads to.
pub(crate) enum Found {
    Circuit(CircuitIx),
    /// Already reported.
    Broken,
    Unknown,
}

struct Draft {
    circuit: Circuit,
    parent: String,
    entry: usize,
}

impl Circuits {
    pub(crate) fn read(file: &Section<'_>, switches: &Switches, report: &mut Report<'_>) -> Self {
        let mut circuits =
            Self { list: Vec::new(), places: Vec::new(), by_id: BTreeMap::new(), broken: BTreeSet::new() };
        let root = circuits.read_grid(file, switches, report);
        let entries = file.sections("circuits");
        let mut drafts = Vec::new();
        let mut lines = BTreeMap::from([(root.clone(), file.place_of("grid"))]);
        for (number, entry) in entries.iter().enumerate() {
            circuits.read_entry(entry, number, (&root, switches), (&mut drafts, &mut lines), report);
        }
        // A circuit's kind is always deeper than its parent's, so this puts parents first.
        drafts.sort_by_key(|draft| draft.circuit.kind);
        let kinds: BTreeMap<String, CircuitKind> =
            drafts.iter().map(|draft| (draft.circuit.id.clone(), draft.circuit.kind)).collect();
        let mut blamed = BTreeSet::new();
        for draft in drafts {
            let entry = draft.entry;
            if let Err(mistake) = circuits.hang(draft, &entries[entry], &kinds)
                && blamed.insert((entry, mistake.expected.clone()))
            {
                report.error_with_hint(&mistake.place, &mistake.found, &mistake.expected, mistake.hint);
            }
        }
        circuits.warn_of_ratings(&entries, report);
        circuits
    }

    fn read_grid(&mut self, file: &Section<'_>, switches: &Switches, report: &mut Report<'_>) -> String {
        let grid = file.section("grid");
        let of = |key: &str| grid.as_ref().and_then(|grid| grid.kilowatts(key));
        let id = grid.as_ref().and_then(|grid| grid.text("id")).unwrap_or("grid").to_owned();
        let switch = grid.as_ref().and_then(|grid| {
            let name = grid.text("switch")?;
            switches.find(name, &grid.place_of("switch"), report)
        });
        self.places.push(file.place_of("grid"));
        self.by_id.insert(id.clone(), CircuitIx::ROOT);
        self.list.push(Circuit {
            id: id.clone(),
            kind: CircuitKind::Connection,
            parent: None,
            rating: of("rating_kw"),
            base_load: of("base_load_kw").unwrap_or(Power::ZERO),
            meter: None,
            ramp: grid.as_ref().and_then(ramp),
            switch,
            authority: Authority::Observe,
        });
        id
    }

    /// Expands one `[[circuits]]`.
    fn read_entry(
        &mut self,
        entry: &Section<'_>,
        number: usize,
        (root, switches): (&str, &Switches),
        (drafts, lines): (&mut Vec<Draft>, &mut BTreeMap<String, Place>),
        report: &mut Report<'_>,
    ) {
        let Some(pattern) = entry.names("id") else { return };
        let ids = pattern.names();
        if drafts.len() + ids.len() > CIRCUITS_MAX {
            return report.wrong(&entry.place_of("id"), &format!("at most {CIRCUITS_MAX} circuits in all"));
        }
        let mut beside = |key: &str| -> Option<Vec<String>> {
            match entry.names(key)?.names_beside(&pattern) {
                Ok(names) => Some(names),
                Err(expected) => {
                    report.wrong(&entry.place_of(key), &expected);
                    None
                }
            }
        };
        let (parents, switch_names) = (beside("parent"), beside("switch"));
        let kind = entry.text("kind").and_then(kind);
        let broken = kind.is_none() || (entry.has("parent") && parents.is_none());
        let authority = authority(entry, kind, report);
        let mut told = false;
        for (place, id) in ids.into_iter().enumerate() {
            if let Some(earlier) = lines.get(&id) {
                if !std::mem::replace(&mut told, true) {
                    let found = format!("`{id}`, which is already in line {}", report.line(earlier));
                    report.error(&entry.place_of("id"), &found, "a name that no other circuit has");
                }
                continue;
            }
            lines.insert(id.clone(), entry.place_of("id"));
            let Some(kind) = kind.filter(|_| !broken) else {
                self.broken.insert(id);
                continue;
            };
            let parent = parents.as_ref().map_or_else(
                || id.rsplit_once('/').map_or(root, |(path, _)| path).to_owned(),
                |parents| parents[place].clone(),
            );
            let switch = switch_names
                .as_ref()
                .and_then(|names| switches.find(&names[place], &entry.place_of("switch"), report));
            let circuit = Circuit {
                id,
                kind,
                parent: None,
                rating: entry.kilowatts("rating_kw"),
                base_load: entry.kilowatts("base_load_kw").unwrap_or(Power::ZERO),
                meter: None,
                ramp: ramp(entry),
                switch,
                authority,
            };
            drafts.push(Draft { circuit, parent, entry: number });
        }
    }

    /// Hangs a circuit on its parent, which is already there if it is of a kind above.
    fn hang(
        &mut self,
        draft: Draft,
        entry: &Section<'_>,
        kinds: &BTreeMap<String, CircuitKind>,
    ) -> Result<(), Box<Mistake>> {
        let Draft { mut circuit, parent, .. } = draft;
        let place = entry.place_of(if entry.has("parent") { "parent" } else { "id" });
        let above = match self.find(&parent) {
            Found::Circuit(above) if self.get(above).kind < circuit.kind => above,
            Found::Broken => {
                self.broken.insert(circuit.id);
                return Ok(());
            }
            Found::Circuit(_) | Found::Unknown => {
                let fed = circuit.kind.name();
                let mistake = match kinds.get(&parent) {
                    Some(feeding) => Mistake {
                        place,
                        found: format!("a {fed} fed by the {} `{parent}`", feeding.name()),
                        expected: "from the grid down: transformer, hall, rack, pdu".to_owned(),
                        hint: None,
                    },
                    None => Mistake {
                        place,
                        found: format!("`{parent}` as what feeds the {fed} `{}`", circuit.id),
                        expected: format!("a circuit of this file above a {fed}"),
                        hint: self.hint(&parent),
                    },
                };
                self.broken.insert(circuit.id);
                return Err(Box::new(mistake));
            }
        };
        if circuit.kind > CircuitKind::Hall {
            circuit.authority = self.list[above.ix()].authority;
        }
        circuit.parent = Some(above);
        let ix = CircuitIx(u32::try_from(self.list.len()).expect("fewer circuits than CIRCUITS_MAX"));
        self.by_id.insert(circuit.id.clone(), ix);
        self.places.push(entry.place_of("rating_kw"));
        self.list.push(circuit);
        Ok(())
    }

    /// One circuit rated above what feeds it is a slip more often than not.
    fn warn_of_ratings(&self, entries: &[Section<'_>], report: &mut Report<'_>) {
        let mut told = BTreeSet::new();
        for (place, circuit) in self.list.iter().enumerate() {
            let Some(parent) = circuit.parent.map(|parent| &self.list[parent.ix()]) else { continue };
            let (Some(own), Some(above)) = (circuit.rating, parent.rating) else { continue };
            let at = &self.places[place];
            if own > above && !entries.is_empty() && told.insert(at.span.start) {
                let found = format!("{own} for `{}`, fed by `{}` with {above}", circuit.id, parent.id);
                report.warning(at, &found, "a rating that what feeds it can carry", None);
            }
        }
    }

    pub(crate) fn find(&self, id: &str) -> Found {
        match self.by_id.get(id) {
            Some(circuit) => Found::Circuit(*circuit),
            None if self.broken.contains(id) => Found::Broken,
            None => Found::Unknown,
        }
    }

    pub(crate) fn get(&self, circuit: CircuitIx) -> &Circuit {
        &self.list[circuit.ix()]
    }

    pub(crate) fn get_mut(&mut self, circuit: CircuitIx) -> &mut Circuit {
        &mut self.list[circuit.ix()]
    }

    /// The circuits' own switches.
    pub(crate) fn switches(&self) -> impl Iterator<Item = crate::observe::SwitchIx> + '_ {
        self.list.iter().filter_map(|circuit| circuit.switch)
    }

    /// Whether a circuit is a hall or lies in one.
    pub(crate) fn is_in_hall(&self, circuit: CircuitIx) -> bool {
        std::iter::successors(Some(circuit), |ix| self.get(*ix).parent)
            .any(|ix| self.get(ix).kind == CircuitKind::Hall)
    }

    /// What a wrong name was probably meant to be.
    pub(crate) fn hint(&self, wrong: &str) -> Option<String> {
        let depth = wrong.matches('/').count();
        let alike = self.by_id.keys().map(String::as_str).filter(|id| id.matches('/').count() == depth);
        shape::nearest(wrong, alike).map(|near| format!("did you mean `{near}`?"))
    }

    pub(crate) fn finish(self) -> CircuitTree {
        CircuitTree::new(self.list).expect("the root is first and circuits are hung after their parents")
    }
}

struct Mistake {
    place: Place,
    found: String,
    expected: String,
    hint: Option<String>,
}

fn kind(word: &str) -> Option<CircuitKind> {
    match word {
        "transformer" => Some(CircuitKind::Transformer),
        "hall" => Some(CircuitKind::Hall),
        "rack" => Some(CircuitKind::Rack),
        "pdu" => Some(CircuitKind::Pdu),
        _ => None,
    }
}

fn authority(entry: &Section<'_>, kind: Option<CircuitKind>, report: &mut Report<'_>) -> Authority {
    if entry.has("authority") && kind.is_some_and(|kind| kind != CircuitKind::Hall) {
        report.wrong(
            &entry.place_of("authority"),
            "`authority` on halls only; what lies in a hall inherits it",
        );
    }
    if entry.text("authority") == Some("control") { Authority::Control } else { Authority::Observe }
}

fn ramp(section: &Section<'_>) -> Option<Ramp> {
    let ramp = Ramp {
        up_per_minute: section.kilowatts("ramp_up_kw_per_min"),
        down_per_minute: section.kilowatts("ramp_down_kw_per_min"),
    };
    (ramp.up_per_minute.is_some() || ramp.down_per_minute.is_some()).then_some(ramp)
}
