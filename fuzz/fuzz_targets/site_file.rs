#![no_main]
//! The site file, with an inventory and a secrets file made of the same bytes.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let inventory = text.to_owned();
    let _ = offpeak_site::file::load_with_warnings("fuzz.toml", text, &|_| Some(inventory.clone()));
    let _ = offpeak_drivers::secrets::Secrets::parse(text);
});
