#![no_main]
//! The input of `offpeak dispatch`: an error or a solution within every limit, whatever arrives.

use libfuzzer_sys::fuzz_target;
use offpeak_dispatch::solve::{Input, Solver};

fuzz_target!(|text: &str| {
    if let Ok(input) = Input::parse(text) {
        let _ = Solver::new(input.problem).solve();
    }
});
