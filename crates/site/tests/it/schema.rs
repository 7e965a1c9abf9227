//! The JSON Schema in `docs/` is the one the reader's table gives.

#[test]
fn the_written_schema_is_up_to_date() {
    let path = format!("{}/../../docs/site.schema.json", env!("CARGO_MANIFEST_DIR"));
    let schema = serde_json::to_string_pretty(&offpeak_site::file::schema()).unwrap() + "\n";
    if std::env::var_os("OFFPEAK_REGENERATE").is_some() {
        std::fs::write(&path, &schema).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == schema,
        "docs/site.schema.json is stale: OFFPEAK_REGENERATE=1 cargo test -p offpeak-site --test it schema"
    );
}
