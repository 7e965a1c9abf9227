//! A problem as JSON, for `offpeak dispatch`. Everything doubtful is refused: an unknown field may be a misspelt
//! limit, and a limit that is not read is one that is not kept.

use std::borrow::Cow;
use std::collections::BTreeMap;

use offpeak_units::Power;
use serde::Deserialize;

use super::problem::{CircuitNo, Mode, Problem, ProblemError};

/// What is wrong with an input.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// Not the JSON that is expected; NaN and infinity are no JSON.
    #[error("not the JSON that is expected")]
    Json(#[from] serde_json::Error),
    /// Two circuits of one name.
    #[error("circuit `{0}` is there twice")]
    CircuitTwice(String),
    /// Two machines of one name.
    #[error("machine `{0}` is there twice")]
    MachineTwice(String),
    /// Two modes of one name in one machine.
    #[error("machine `{machine}`: mode `{mode}` is there twice")]
    ModeTwice {
        /// Whose.
        machine: String,
        /// Which.
        mode: String,
    },
    /// A parent that is not among the circuits.
    #[error("circuit `{circuit}`: there is no circuit `{parent}` that it could hang on")]
    UnknownParent {
        /// The one below.
        circuit: String,
        /// The missing one.
        parent: String,
    },
    /// Circuits that hang on each other.
    #[error("circuit `{0}` hangs on itself, through those above it")]
    Cycle(String),
    /// A machine's circuit is not among the circuits.
    #[error("machine `{machine}`: there is no circuit `{circuit}`")]
    UnknownCircuit {
        /// Whose.
        machine: String,
        /// The missing one.
        circuit: String,
    },
    /// A power that is finer than a milliwatt, or beyond all reason.
    #[error("{whose}: `{field}` is {watts}, which is not a number of watts with at most three decimals")]
    Watts {
        /// The circuit or machine.
        whose: String,
        /// The field's name.
        field: &'static str,
        /// As it was read.
        watts: f64,
    },
    /// What no problem can hold.
    #[error("{whose}")]
    Problem {
        /// The circuit or machine.
        whose: String,
        /// What is wrong with it.
        source: ProblemError,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawInput<'a> {
    #[serde(borrow)]
    circuits: Vec<RawCircuit<'a>>,
    #[serde(borrow)]
    machines: Vec<RawMachine<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCircuit<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    parent: Option<Cow<'a, str>>,
    #[serde(default)]
    limit_w: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMachine<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    circuit: Cow<'a, str>,
    #[serde(borrow)]
    modes: Vec<RawMode<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMode<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    power_w: f64,
    value_per_h: f64,
}

/// A problem with its names.
///
/// ```
/// let text = r#"{"circuits": [{"id": "poi", "parent": null, "limit_w": 3400.5}],
///   "machines": [{"id": "m1", "circuit": "poi", "modes": [{"name": "off", "power_w": 0, "value_per_h": 0}]}]}"#;
/// let input = offpeak_dispatch::solve::Input::parse(text)?;
/// assert_eq!((input.machines[0].as_str(), input.mode(0, 0)), ("m1", "off"));
/// # Ok::<(), offpeak_dispatch::solve::InputError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Input {
    /// To be solved; may be taken out.
    pub problem: Problem,
    /// Names by [`CircuitNo`].
    pub circuits: Vec<String>,
    /// Names by [`super::MachineNo`], in the input's order.
    pub machines: Vec<String>,
    /// One after another as in the problem, and where each machine's begin.
    modes: Vec<String>,
    first_modes: Vec<u32>,
}

impl Input {
    /// Reads and checks.
    ///
    /// # Errors
    /// [`InputError`], at the first thing that is wrong.
    pub fn parse(text: &str) -> Result<Self, InputError> {
        let raw: RawInput = serde_json::from_str(text)?;
        let mut input = Self {
            problem: Problem::new(),
            circuits: Vec::new(),
            machines: Vec::new(),
            modes: Vec::new(),
            first_modes: Vec::new(),
        };
        let numbers = input.add_circuits(&raw.circuits)?;
        input.add_machines(&raw.machines, &numbers)?;
        input.first_modes.clone_from(&input.problem.first_modes);
        Ok(input)
    }

    /// The name of a machine's mode.
    ///
    /// # Panics
    /// If there is no such machine or mode.
    #[must_use]
    pub fn mode(&self, machine: usize, mode: usize) -> &str {
        &self.modes[self.first_modes[machine] as usize + mode]
    }

    /// Parents first, whatever their order in the input.
    fn add_circuits<'a>(
        &mut self,
        raw: &'a [RawCircuit],
    ) -> Result<BTreeMap<&'a str, CircuitNo>, InputError> {
        let mut places = BTreeMap::new();
        for (place, circuit) in raw.iter().enumerate() {
            if places.insert(&*circuit.id, place).is_some() {
                return Err(InputError::CircuitTwice(circuit.id.to_string()));
            }
        }
        let mut parents = Vec::with_capacity(raw.len());
        for circuit in raw {
            let parent = circuit.parent.as_deref();
            let unknown = |parent: &str| InputError::UnknownParent {
                circuit: circuit.id.to_string(),
                parent: parent.to_owned(),
            };
            parents.push(parent.map(|id| places.get(id).copied().ok_or_else(|| unknown(id))).transpose()?);
        }
        let mut numbers: Vec<Option<CircuitNo>> = vec![None; raw.len()];
        let mut waiting = Vec::new();
        for start in 0..raw.len() {
            waiting.clear();
            let mut next = Some(start);
            while let Some(place) = next.filter(|place| numbers[*place].is_none()) {
                if waiting.len() >= raw.len() {
                    return Err(InputError::Cycle(raw[start].id.to_string()));
                }
                waiting.push(place);
                next = parents[place];
            }
            for &place in waiting.iter().rev() {
                let circuit = &raw[place];
                let whose = || format!("circuit `{}`", circuit.id);
                let limit = circuit.limit_w.map(|limit| exact(limit, "limit_w", whose)).transpose()?;
                let above = parents[place].and_then(|above| numbers[above]);
                let added = self.problem.add_circuit(above, limit);
                numbers[place] =
                    Some(added.map_err(|source| InputError::Problem { whose: whose(), source })?);
                self.circuits.push(circuit.id.to_string());
            }
        }
        Ok(places.into_iter().filter_map(|(id, place)| Some((id, numbers[place]?))).collect())
    }

    fn add_machines(
        &mut self,
        raw: &[RawMachine],
        circuits: &BTreeMap<&str, CircuitNo>,
    ) -> Result<(), InputError> {
        let mut modes = Vec::new();
        for machine in raw {
            let whose = || format!("machine `{}`", machine.id);
            let circuit = *circuits.get(&*machine.circuit).ok_or_else(|| InputError::UnknownCircuit {
                machine: machine.id.to_string(),
                circuit: machine.circuit.to_string(),
            })?;
            modes.clear();
            for (at, mode) in machine.modes.iter().enumerate() {
                if machine.modes[..at].iter().any(|earlier| earlier.name == mode.name) {
                    let (machine, mode) = (machine.id.to_string(), mode.name.to_string());
                    return Err(InputError::ModeTwice { machine, mode });
                }
                let power = exact(mode.power_w, "power_w", whose)?;
                modes.push(Mode { power, value_per_h: mode.value_per_h });
            }
            let added = self.problem.add_machine(circuit, &modes);
            added.map_err(|source| InputError::Problem { whose: whose(), source })?;
            self.machines.push(machine.id.to_string());
            self.modes.extend(machine.modes.iter().map(|mode| mode.name.to_string()));
        }
        let mut names: Vec<&str> = self.machines.iter().map(String::as_str).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(InputError::MachineTwice(pair[0].to_owned())),
            None => Ok(()),
        }
    }
}

/// Watts as they were written, to the milliwatt. Up to a terawatt a float tells all decimals with three places
/// apart, so the one that was written comes back whole, and anything finer is seen.
fn exact(watts: f64, field: &'static str, whose: impl Fn() -> String) -> Result<Power, InputError> {
    let power = Power::from_watts_f64(watts).filter(|power| power.to_watts_f64() == watts);
    power.ok_or_else(|| InputError::Watts { whose: whose(), field, watts })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(circuits: &str, machines: &str) -> String {
        let text = format!(r#"{{"circuits": [{circuits}], "machines": [{machines}]}}"#);
        let error = Input::parse(&text).unwrap_err();
        let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
        format!("{error}{}", source.unwrap_or_default())
    }

    fn circuit(limit: &str) -> String {
        format!(r#"{{"id": "a", "parent": null, "limit_w": {limit}}}"#)
    }

    fn machine(id: &str, circuit: &str, modes: &str) -> String {
        format!(r#"{{"id": "{id}", "circuit": "{circuit}", "modes": [{modes}]}}"#)
    }

    fn mode(name: &str, power: &str, value: &str) -> String {
        format!(r#"{{"name": "{name}", "power_w": {power}, "value_per_h": {value}}}"#)
    }

    #[test]
    fn what_is_wrong_is_said() {
        let (a, off) = (circuit("null"), mode("off", "0", "0"));
        let b_on_c = r#"{"id": "b", "parent": "c"}"#;
        let c_on_b = r#"{"id": "c", "parent": "b"}"#;
        let cases = [
            (wrong(&format!("{a}, {a}"), ""), "circuit `a` is there twice"),
            (wrong(b_on_c, ""), "circuit `b`: there is no circuit `c` that it could hang on"),
            (
                wrong(&format!("{a}, {b_on_c}, {c_on_b}"), ""),
                "circuit `b` hangs on itself, through those above it",
            ),
            (
                wrong(r#"{"id": "b", "parent": "b"}"#, ""),
                "circuit `b` hangs on itself, through those above it",
            ),
            (wrong(&a, &machine("m", "z", &off)), "machine `m`: there is no circuit `z`"),
            (wrong(&a, &machine("m", "a", "")), "machine `m`: a machine without modes"),
            (wrong(&a, &format!("{0}, {0}", machine("m", "a", &off))), "machine `m` is there twice"),
            (
                wrong(&a, &machine("m", "a", &format!("{off}, {off}"))),
                "machine `m`: mode `off` is there twice",
            ),
            (
                wrong(&a, &machine("m", "a", &mode("on", "-0.001", "0"))),
                "machine `m`: a power of -0.001 W is not between 0 and 1000000000 W",
            ),
            (
                wrong(&a, &machine("m", "a", &mode("on", "0.0001", "0"))),
                "machine `m`: `power_w` is 0.0001, which is not a number of watts with at most three decimals",
            ),
            (wrong(&circuit("-1"), ""), "circuit `a`: a limit of -1 W is not between 0 and 1000000000000 W"),
        ];
        for (said, expected) in cases {
            assert_eq!(said, expected);
        }
        for no_json in [
            circuit("\"5\""),
            circuit("NaN"),
            circuit("Infinity"),
            r#"{"id": "a", "limit_kw": 5}"#.to_owned(),
        ] {
            assert!(wrong(&no_json, "").starts_with("not the JSON that is expected: "), "{no_json}");
        }
        for value in ["NaN", "-Infinity", "1e999", "null", "\"1\""] {
            let said = wrong(&a, &machine("m", "a", &mode("on", "1", value)));
            assert!(said.starts_with("not the JSON that is expected: "), "{said}");
        }
    }

    #[test]
    fn watts_are_exact() {
        let read = |text: &str| {
            let watts = serde_json::from_str(text).ok()?;
            exact(watts, "power_w", String::new).ok().map(Power::to_milliwatts)
        };
        assert_eq!(read("3400"), Some(3_400_000));
        assert_eq!(read("0.001"), Some(1));
        assert_eq!(read("3400.1230"), Some(3_400_123));
        assert_eq!(read("3.4e3"), Some(3_400_000));
        assert_eq!(read("34000E-1"), Some(3_400_000));
        assert_eq!(read("999999999999.999"), Some(999_999_999_999_999));
        for refused in
            ["0.0005", "3400.1234", "1e400", "1e-9", "true", "null", "99999999999999999999999999999999"]
        {
            assert_eq!(read(refused), None, "{refused}");
        }
        for milliwatts in (0..2_000_000_000_000).step_by(7_654_321_987) {
            let text = format!("{}.{:03}", milliwatts / 1_000, milliwatts % 1_000);
            assert_eq!(read(&text), Some(milliwatts), "{text}");
        }
    }

    #[test]
    fn circuits_come_in_any_order() {
        let text = r#"{"circuits": [{"id": "rack", "parent": "hall"}, {"id": "hall", "limit_w": 0}], "machines": []}"#;
        let input = Input::parse(text).unwrap();
        assert_eq!(input.circuits, ["hall", "rack"]);
        assert_eq!(input.problem.limits, [0, i64::MAX]);
    }
}
