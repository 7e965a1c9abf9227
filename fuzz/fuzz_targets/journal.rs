#![no_main]
//! A frame of the lake's journal behind a checksum that holds.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|payload: &[u8]| {
    let _ = offpeak_lake::fuzz_frame(payload);
});
