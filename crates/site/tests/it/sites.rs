//! The sites that come with offpeak.

use offpeak_site::Site;
use offpeak_site::file;

fn load(name: &str) -> Site {
    let path = format!("{}/../../sites/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    let loaded = file::load_with_warnings(&format!("sites/{name}.toml"), &text, &|_| None);
    let told: Vec<String> = loaded.diagnostics.iter().map(ToString::to_string).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
    loaded.site.unwrap()
}

#[test]
fn the_small_site_has_64_machines() {
    let site = load("small");
    assert_eq!((site.id.as_str(), site.machines.len(), site.circuits.len()), ("small", 64, 16));
}

#[test]
fn ekibastuz_is_the_site_of_the_story() {
    let site = load("ekibastuz");
    assert_eq!(site.machines.len(), 55_040);
    let sum: offpeak_units::Power = site.machines.iter().map(|machine| site.model(machine.model).power_max()).sum();
    assert_eq!(sum.to_string(), "170.633 MW");
}
