//! `offpeak dispatch`: one moment's best modes, for tests and for others to use.

use std::io::Read as _;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use offpeak_dispatch::solve::{Input, Solver};
use serde::{Serialize, Serializer};

use super::print;
use super::table::table;
use crate::cli::Dispatch;
use crate::exit::Exit;

/// A larger input is refused; a million machines with four modes each are half of it.
const INPUT_BYTES_MAX: u64 = 512 << 20;

pub(crate) fn dispatch(args: Dispatch) -> Result<Exit> {
    let text = read(&args.file)?;
    let mut input = match Input::parse(&text) {
        Ok(input) => input,
        Err(error) => {
            eprintln!("error: {}: {:#}", args.file.display(), anyhow::Error::new(error));
            eprintln!("hint: docs/dispatch.md has the shape of the input and its limits");
            return Ok(Exit::Mistakes);
        }
    };
    let problem = std::mem::take(&mut input.problem);
    let begun = Instant::now();
    let solution = Solver::new(problem).solve();
    let elapsed_ms = begun.elapsed().as_secs_f64() * 1e3;
    let answer = Answer {
        objective_per_h: solution.objective_per_h,
        bound_per_h: solution.bound_per_h,
        gap: solution.gap(),
        infeasible: solution.infeasible.iter().map(|circuit| input.circuits[circuit.ix()].as_str()).collect(),
        setpoints: Setpoints { modes: &solution.setpoints, input: &input },
        elapsed_ms,
    };
    print(&if args.json { serde_json::to_string(&answer)? } else { answer.for_people() })?;
    Ok(Exit::Done)
}

/// The whole input; `-` is stdin.
fn read(path: &Path) -> Result<String> {
    let unreadable = || format!("{} cannot be read\nhint: name a file, or `-` for stdin", path.display());
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(INPUT_BYTES_MAX + 1).read_to_string(&mut text)
    } else {
        let file = std::fs::File::open(path).with_context(unreadable)?;
        file.take(INPUT_BYTES_MAX + 1).read_to_string(&mut text)
    };
    let bytes = read.with_context(unreadable)?;
    ensure!(bytes as u64 <= INPUT_BYTES_MAX, "{} is larger than {INPUT_BYTES_MAX} bytes", path.display());
    Ok(text)
}

#[derive(Serialize)]
struct Answer<'a> {
    objective_per_h: f64,
    bound_per_h: f64,
    gap: f64,
    infeasible: Vec<&'a str>,
    setpoints: Setpoints<'a>,
    elapsed_ms: f64,
}

/// A map from each machine to its mode, in the input's order.
struct Setpoints<'a> {
    modes: &'a [u16],
    input: &'a Input,
}

impl Setpoints<'_> {
    fn named(&self) -> impl Iterator<Item = (&str, &str)> {
        let mode = |(machine, mode): (usize, &u16)| self.input.mode(machine, usize::from(*mode));
        let modes = self.modes.iter().enumerate().map(mode);
        self.input.machines.iter().map(String::as_str).zip(modes)
    }
}

impl Serialize for Setpoints<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.named())
    }
}

impl Answer<'_> {
    fn for_people(&self) -> String {
        let rows: Vec<Vec<String>> =
            self.setpoints.named().map(|(machine, mode)| vec![machine.to_owned(), mode.to_owned()]).collect();
        let mut lines = vec![table(&["machine", "mode"], &rows), String::new()];
        lines.push(format!("worth {:.4} an hour, at most {:.4}", self.objective_per_h, self.bound_per_h));
        lines.push(format!("gap   {:.6} %, in {:.3} ms", self.gap * 100.0, self.elapsed_ms));
        for circuit in &self.infeasible {
            lines.push(format!("{circuit}: its limit is below the least power of what hangs on it"));
        }
        lines.join("\n")
    }
}
