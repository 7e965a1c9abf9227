//! Every change says why: the table is complete, the document agrees with it, and what somebody gives as the reason is kept.

use offpeak_server::access::{NEEDS, Permission, WHYS, Why};
use offpeak_server::api::document;
use serde_json::{Value, json};

use super::served::{Served, block_on};

const REASON: &str = "because the test says so";

#[test]
fn no_change_is_forgotten() {
    let changes: Vec<_> =
        NEEDS.iter().filter(|(method, ..)| *method != "GET").map(|(m, p, _)| (*m, *p)).collect();
    let known: Vec<_> = WHYS.iter().map(|(method, path, _)| (*method, *path)).collect();
    for change in &changes {
        assert!(known.contains(change), "{change:?} is not in WHYS: does it ask why?");
    }
    for known in &known {
        assert!(changes.contains(known), "{known:?} is no route");
    }
}

/// What the document says of `reason`: `None` where it is not taken, else whether it must be there.
fn documented(document: &Value, method: &str, path: &str) -> Option<bool> {
    let operation = &document["paths"][path][method.to_lowercase()];
    assert!(operation.is_object(), "{method} {path} is not in the document");
    let mut parameters = operation["parameters"].as_array().into_iter().flatten();
    if let Some(reason) = parameters.find(|of| of["name"] == "reason" && of["in"] == "query") {
        return Some(reason["required"].as_bool().unwrap_or(false));
    }
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let name = schema["$ref"].as_str()?.rsplit('/').next()?;
    let body = &document["components"]["schemas"][name];
    body["properties"].get("reason")?;
    Some(body["required"].as_array().is_some_and(|all| all.iter().any(|field| field == "reason")))
}

#[test]
fn the_document_says_where_a_reason_is_asked() {
    let document = serde_json::to_value(document()).unwrap();
    for (method, path, why) in WHYS {
        let said = documented(&document, method, path);
        match why {
            Why::Required => assert_eq!(said, Some(true), "{method} {path}"),
            Why::Taken => assert_eq!(said, Some(false), "{method} {path}"),
            Why::Exempt(because) => {
                assert!(!because.is_empty());
                // What only shows what an order would do reads one as strictly as the order itself.
                assert!(said.is_none() || *path == "/api/v1/orders/preview", "{method} {path}");
            }
        }
    }
}

/// Something that each change takes, without its reason; `None` for one without a body.
fn given(method: &str, path: &str) -> (String, Option<Value>) {
    let expires = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(30);
    let machine = "hall-1%2Frack-1%2F1";
    let body = match (method, path) {
        ("POST", "/api/v1/people") => json!({ "name": "nora", "role": "operator" }),
        ("PATCH", "/api/v1/people/{name}") => json!({ "role": "technician" }),
        ("POST", "/api/v1/people/{name}/link") => json!({}),
        ("POST", "/api/v1/tokens") => json!({ "name": "t", "scopes": ["site.read"], "expires_at": expires }),
        ("POST", "/api/v1/machines/{machine}/restart") => json!({}),
        ("PUT", "/api/v1/machines/{machine}/pools") => {
            json!({ "pools": [{ "url": "stratum+tcp://pool.example:3333", "user": "acme" }] })
        }
        ("PUT", "/api/v1/machines/{machine}/light" | "/api/v1/scans/last/found/{address}/light") => {
            json!({ "on": true })
        }
        ("PUT", "/api/v1/site/file") => json!({ "text": "[site]\nid = \"other\"\n" }),
        ("POST", "/api/v1/stops") => json!({}),
        ("POST", "/api/v1/lockouts") => json!({ "circuit": "hall-1" }),
        ("POST", "/api/v1/orders") => json!({ "words": "grid to 5 kW" }),
        ("POST", "/api/v1/holds" | "/api/v1/holds/release") => json!({ "machines": ["hall-1/rack-1/1"] }),
        ("PUT", "/api/v1/halls/{hall}/authority") => json!({ "authority": "control" }),
        ("POST", "/api/v1/scans") => json!({ "ranges": ["10.0.0.1"] }),
        ("POST", "/api/v1/alerts/{alert}/snooze") => json!({ "minutes": 5 }),
        _ => Value::Null,
    };
    let query = if path == "/api/v1/lockouts" && method == "DELETE" { "?circuit=hall-1" } else { "" };
    let path = path.replace("{machine}", machine).replace("{name}", "olga").replace("{token}", "2");
    let path = path
        .replace("{alert}", "1")
        .replace("{order}", "1")
        .replace("{hall}", "hall-1")
        .replace("{address}", "10.0.0.1:4028");
    (format!("{path}{query}"), Some(body).filter(|body| !body.is_null()))
}

/// Whether the reason can be seen in what the fake was asked or in the audit chain.
fn is_kept(served: &Served) -> bool {
    let asked = served.fake.asked().iter().any(|words| words.contains(REASON));
    asked || served.book.audit_entries(3).unwrap().iter().any(|entry| entry.why.contains(REASON))
}

#[test]
fn a_change_without_its_reason_is_refused_and_with_it_the_reason_is_kept() {
    for (method, path, why) in WHYS.iter().filter(|(.., why)| !matches!(why, Why::Exempt(_))) {
        // Of the alerts, which the fake does not have, nothing can be noted.
        let has_none = path.contains("{alert}");
        let served = Served::unbounded();
        let token = served.token("anna", "owner", None, &Permission::ALL, 1);
        served.token("olga", "operator", None, &Permission::ALL, 1);
        let (path, body) = given(method, path);
        let send = async |reason: Option<&str>| {
            // Of one without a body the reason stands in the address.
            let mark = if path.contains('?') { '&' } else { '?' };
            let query = reason.filter(|_| body.is_none()).map(|reason| format!("{mark}reason={reason}"));
            let path = format!("{path}{}", query.unwrap_or_default().replace(' ', "%20"));
            let tag = offpeak_server::api::text_tag(super::fake_beside::SITE_TEXT);
            let mut request =
                served.ask(method, &path).bearer_auth(&token).header("if-match", format!("\"{tag}\""));
            if let Some(mut body) = body.clone() {
                if let Some(reason) = reason {
                    body["reason"] = reason.into();
                }
                request = request.json(&body);
            }
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        };
        block_on(async {
            if *why == Why::Required {
                for reason in [None, Some(""), Some("  ")] {
                    let (status, said) = send(reason).await;
                    assert!(status == 422 && said.contains("reason"), "{method} {path}: {status} {said}");
                }
            }
            let (status, said) = send(Some(&"x".repeat(501))).await;
            assert!(status == 422 && said.contains("reason"), "{method} {path}: {status} {said}");
            assert!(!is_kept(&served), "{method} {path}");
            let (status, said) = send(Some(REASON)).await;
            if has_none {
                assert_eq!(status, 404, "{method} {path}: {said}");
            } else {
                assert!((200..300).contains(&status), "{method} {path}: {status} {said}");
                assert!(is_kept(&served), "{method} {path}: {:?}", served.fake.asked());
            }
        });
    }
}
