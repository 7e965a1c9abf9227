//! The OpenAPI document is the committed one, and every route in it says what it needs.

use std::collections::BTreeSet;
use std::path::Path;

use offpeak_server::access::NEEDS;
use offpeak_server::api::document;

/// Routes that the document does not tell of.
const OUTSIDE: [&str; 2] = ["/api/v1/openapi.json", "/enter"];
const COMMITTED: &str = "../../docs/openapi.json";

#[test]
fn the_committed_document_is_the_one_of_the_routes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(COMMITTED);
    let now = document().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("OPENAPI_UPDATE").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == now,
        "docs/openapi.json is not what the routes say\nhint: OPENAPI_UPDATE=1 cargo test -p offpeak-server document"
    );
    assert!(now.contains("\"openapi\": \"3.1.0\""));
}

/// A route that is not in the table of needs is served to nobody; one that is only in the table is a mistake there.
#[test]
fn the_table_of_needs_and_the_routes_are_the_same() {
    let json = serde_json::to_value(document()).unwrap();
    let mut routes = BTreeSet::from(OUTSIDE.map(|path| ("GET".to_owned(), path.to_owned())));
    for (path, item) in json["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            routes.insert((method.to_uppercase(), path.clone()));
            assert!(operation["x-needs"].is_array(), "{method} {path} says what it needs");
        }
    }
    let needs: BTreeSet<_> =
        NEEDS.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(routes, needs);
    assert_eq!(needs.len(), NEEDS.len(), "each route stands once");
}
