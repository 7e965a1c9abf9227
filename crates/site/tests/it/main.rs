//! The site file, from the outside.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]
#![expect(clippy::disallowed_methods, reason = "tests read the sites and the schema from disk")]

mod civil;
mod fuzz;
mod mistakes;
mod schema;
mod sites;

/// The text of a site that comes with offpeak.
fn text(name: &str) -> String {
    let path = format!("{}/../../sites/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

/// A site that comes with offpeak, which must be without even a warning.
fn site(name: &str) -> offpeak_site::Site {
    let loaded =
        offpeak_site::file::load_with_warnings(&format!("sites/{name}.toml"), &text(name), &|_| None);
    let told: Vec<String> = loaded.diagnostics.iter().map(ToString::to_string).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
    loaded.site.unwrap()
}
