#![no_main]
//! The site file, with an inventory, a secrets file and a feed made of the same bytes.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let inventory = text.to_owned();
    let _ = offpeak_site::file::load_with_warnings("fuzz.toml", text, &|_| Some(inventory.clone()));
    let site = offpeak_site::file::load("small.toml", include_str!("../../sites/small.toml"), &|_| None);
    let _ = offpeak_site::file::feed("feed.toml", text, &site.expect("the example site is sound"));
    let _ = offpeak_drivers::secrets::Secrets::parse(text);
});
