#![no_main]
//! Every parser of what machines say: no panic, whatever arrives.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| offpeak_drivers::parsers::run_all(bytes));
