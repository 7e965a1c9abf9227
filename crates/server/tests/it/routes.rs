//! Every route, taken from the table that the server asks: without a token, with a customer's, with one that is over.

use std::sync::atomic::Ordering;

use offpeak_server::access::{NEEDS, Need, Permission};
use serde_json::json;

use super::served::{Served, block_on};

/// A path with something in its places.
fn filled(path: &str) -> String {
    let path = path
        .replace("{machine}", "hall-1%2Frack-1%2F2")
        .replace("{circuit}", "grid")
        .replace("{hall}", "hall-1");
    let path = path.replace("{order}", "1").replace("{token}", "1").replace("{name}", "nobody");
    path.replace("{about}", "energy")
        .replace("{country}", "KZ")
        .replace("{address}", "10.0.0.1:4028")
        .replace("{alert}", "1")
        .replace("{channel}", "nobody")
}

async fn status(served: &Served, method: &str, path: &str, token: Option<&str>) -> (u16, String) {
    let mut request = served.ask(method, &filled(path));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if matches!(method, "POST" | "PUT" | "PATCH") {
        request = request.json(&serde_json::json!({}));
    }
    let mut response = request.send().await.unwrap();
    let status = response.status().as_u16();
    // The stream has no end; its first piece will do.
    let body = response.chunk().await.unwrap().unwrap_or_default();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[test]
fn no_route_answers_who_is_not_known() {
    let served = Served::unbounded();
    let ended = served.token("ended", "owner", None, &Permission::ALL, -1);
    block_on(async {
        for (method, path, need) in NEEDS {
            for token in [None, Some(ended.as_str()), Some("made-up"), Some("")] {
                let (status, body) = status(&served, method, path, token).await;
                if *need == Need::Nothing {
                    assert!(status != 403 && status < 500, "{method} {path}: {status} {body}");
                } else {
                    assert_eq!(status, 401, "{method} {path} with {token:?}: {body}");
                    assert!(body.contains("urn:offpeak:unknown-caller") && body.contains("hint"), "{body}");
                }
            }
        }
    });
    assert!(served.fake.asked().is_empty(), "nothing was carried out");
}

#[test]
fn a_customer_gets_their_machines_and_nothing_else() {
    let served = Served::unbounded();
    // The first token is another's, so that nobody revokes the one they ask with.
    served.token("anna", "owner", None, &Permission::ALL, 1);
    let token = served.token("carl", "customer", Some("owner-1"), &Permission::ALL, 1);
    block_on(async {
        for (method, path, need) in NEEDS {
            let (status, body) = status(&served, method, path, Some(&token)).await;
            match need {
                Need::AnyOf(permissions) if !permissions.contains(&Permission::OwnMachinesRead) => {
                    assert_eq!(status, 403, "{method} {path}: {body}");
                }
                _ => assert!(
                    status != 403 && status != 401 && status < 500
                        || *path == "/api/v1/me/password"
                        || *path == "/api/v1/session"
                        || *path == "/api/v1/setup"
                        || *path == "/enter",
                    "{method} {path}: {status} {body}"
                ),
            }
        }
        // By every route to a machine, another's is not there.
        for name in ["hall-1%2Frack-1%2F2", "10.0.0.2"] {
            for end in ["", "/history", "/minutes"] {
                let path = format!("/api/v1/machines/{name}{end}");
                let (status, body) = status(&served, "GET", &path, Some(&token)).await;
                assert_eq!(status, 404, "{path}: {body}");
                assert!(!body.contains("owner-2"), "{body}");
            }
        }
        let (status_own, _) = status(&served, "GET", "/api/v1/machines/10.0.0.1", Some(&token)).await;
        assert_eq!(status_own, 200);
        let (_, own) = status(&served, "GET", "/api/v1/machines/10.0.0.1/history", Some(&token)).await;
        assert!(
            own.contains("as owner-1 sees it"),
            "what was asked of it before it was theirs is not: {own}"
        );
        let of_none = |filter: &str| format!("/api/v1/machines?{filter}");
        let (_, others) = status(&served, "GET", &of_none("circuit=hall-2"), Some(&token)).await;
        for filter in ["circuit=nowhere", "hall=nowhere", "hall=hall-2"] {
            let (code, none) = status(&served, "GET", &of_none(filter), Some(&token)).await;
            assert_eq!((code, &none), (200, &others), "whether a circuit is there is not told: {filter}");
        }
        for path in ["/api/v1/machines/10.0.0.1", "/api/v1/machines"] {
            let (_, own) = status(&served, "GET", path, Some(&token)).await;
            assert!(own.contains("off: held by the site"), "{own}");
            assert!(
                !own.contains("anna") && !own.contains("unpaid"),
                "who holds it and why is the site's: {own}"
            );
        }
        let (_, all) = status(&served, "GET", "/api/v1/machines", Some(&token)).await;
        assert!(all.contains("owner-1") && !all.contains("owner-2"), "{all}");
        let (_, report) = status(&served, "GET", "/api/v1/reports/energy?by=owner", Some(&token)).await;
        assert!(report.contains("owner-1") && !report.contains("owner-2"), "{report}");
        assert!(report.contains("\"metered\":null"), "the site's meter is not theirs: {report}");
        let (status_other, _) = status(&served, "GET", "/api/v1/machines?owner=owner-2", Some(&token)).await;
        assert_eq!(status_other, 422);
    });
    assert!(served.fake.asked().is_empty(), "nothing was carried out");
}

#[test]
fn machines_are_held_by_who_may_and_with_a_reason() {
    let served = Served::plain();
    let anna = served.token("anna", "operator", None, &Permission::ALL, 1);
    let grid = served.token("grid", "grid-operator", None, &Permission::ALL, 1);
    let tina = served.token("tina", "technician", None, &Permission::ALL, 1);
    let send = async |token: &str, path: &str, body: serde_json::Value| {
        let request = served.ask("POST", path).bearer_auth(token).json(&body);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let (holds, releases) = ("/api/v1/holds", "/api/v1/holds/release");
    let (one, other) = ("hall-1/rack-1/1", "hall-1/rack-1/2");
    block_on(async {
        let order = serde_json::json!({ "machines": [one, other], "reason": "boards are swapped" });
        for token in [&grid, &tina] {
            assert_eq!(send(token, holds, order.clone()).await.0, 403);
            assert_eq!(send(token, releases, order.clone()).await.0, 403);
        }
        assert_eq!(
            send(&anna, holds, order.clone()).await,
            (200, r#"{"done":"held off: 2 machine(s)"}"#.into())
        );
        assert_eq!(send(&anna, releases, order).await.0, 200);
        let many: Vec<_> = (0..501).map(|_| one).collect();
        for wrong in [
            serde_json::json!({ "machines": [one] }),
            serde_json::json!({ "machines": [one], "reason": " " }),
            serde_json::json!({ "machines": [], "reason": "why" }),
            serde_json::json!({ "machines": many, "reason": "why" }),
            serde_json::json!({ "machines": [one], "reason": "why", "until": "soon" }),
        ] {
            assert_eq!(send(&anna, holds, wrong.clone()).await.0, 422, "{wrong}");
        }
        let nowhere = serde_json::json!({ "machines": ["nowhere"], "reason": "why" });
        assert_eq!(send(&anna, holds, nowhere).await.0, 404);
        let proposal = serde_json::json!({ "machines": [one] });
        let (_, seen) = send(&tina, "/api/v1/holds/preview", proposal.clone()).await;
        assert!(
            seen.contains("\"cost\":null") && seen.contains("\"cost_per_h\":null"),
            "without money.read: {seen}"
        );
        assert!(send(&anna, "/api/v1/holds/preview", proposal).await.1.contains("\"cost\":12.0"));
    });
    let asked = served.fake.asked();
    let both = format!("{one} {other}");
    assert_eq!(
        asked,
        [
            format!("hold {both} until released by anna: boards are swapped"),
            format!("release {both} by anna: boards are swapped"),
        ]
    );
}

#[test]
fn a_grid_operator_gives_and_lifts_the_grid_s_orders_only() {
    let served = Served::plain();
    let grid = served.token("grid", "grid-operator", None, &Permission::ALL, 1);
    let narrow = served.token("anna", "owner", None, &[Permission::GridOrder], 1);
    let olga = served.token("olga", "operator", None, &Permission::ALL, 1);
    let send = async |token: &str, method: &str, path: &str, body: Option<serde_json::Value>| {
        let mut request = served.ask(method, path).bearer_auth(token);
        if let Some(body) = &body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    block_on(async {
        for (kind, of_grid) in [("emergency", 200), ("dispatch", 200), ("wish", 403), ("maintenance", 403)] {
            let order = json!({ "words": "grid to 5 kW", "kind": kind, "reason": "test" });
            for (token, expected) in [(&grid, of_grid), (&narrow, of_grid), (&olga, 200)] {
                let (code, said) = send(token, "POST", "/api/v1/orders", Some(order.clone())).await;
                assert_eq!(code, expected, "{kind}: {said}");
            }
        }
        let unsaid = json!({ "words": "grid to 5 kW", "reason": "test" });
        assert_eq!(send(&grid, "POST", "/api/v1/orders", Some(unsaid)).await.0, 403, "that is a wish");
        let lift = async |token: &str, id: u64| {
            send(token, "DELETE", &format!("/api/v1/orders/{id}?reason=over"), None).await
        };
        let (code, said) = lift(&grid, 1).await;
        assert!(code == 403 && said.contains("not wish"), "{code} {said}");
        assert_eq!(lift(&narrow, 1).await.0, 403);
        assert_eq!(lift(&grid, 2).await.0, 200);
        assert_eq!(lift(&grid, 9).await.0, 404);
        assert_eq!((lift(&olga, 1).await.0, lift(&olga, 2).await.0), (200, 200));
    });
    let lifted =
        served.fake.asked().into_iter().filter(|asked| asked.starts_with("lift")).collect::<Vec<_>>();
    let expected = ["lift order 2 by grid: over", "lift order 1 by olga: over", "lift order 2 by olga: over"];
    assert_eq!(lifted, expected);
}

#[test]
fn who_sees_the_power_page_sees_all_that_was_ordered() {
    let served = Served::plain();
    let operator = served.token("olga", "operator", None, &Permission::ALL, 1);
    let grid = served.token("grid", "grid-operator", None, &Permission::ALL, 1);
    let by = offpeak_store::By { who: "anna", why: "test" };
    let now = jiff::Timestamp::now();
    for _ in 0..3 {
        served.book.stop("grid", now, "storm", "anna").unwrap();
        served.book.resume(None, now, "anna").unwrap();
    }
    served.book.hold(&["hall-1/rack-1/1".into()], None, now, by).unwrap();
    let read = async |token: &str, query: &str| {
        let path = format!("/api/v1/orders/history{query}");
        let (status, body) = status(&served, "GET", &path, Some(token)).await;
        assert_eq!(status, 200, "{body}");
        let page: serde_json::Value = serde_json::from_str(&body).unwrap();
        let deeds = page["deeds"].as_array().unwrap().clone();
        let whats: Vec<_> = deeds.iter().map(|deed| deed["what"].as_str().unwrap().to_owned()).collect();
        (whats, page["next"].as_u64())
    };
    block_on(async {
        let (mut all, mut next) = read(&operator, "?limit=3").await;
        while let Some(before) = next {
            let (page, more) = read(&operator, &format!("?limit=3&before={before}")).await;
            all.extend(page);
            next = more;
        }
        let stops = ["resume", "stop", "resume", "stop", "resume", "stop"];
        assert_eq!(all, [&["machines held"][..], &stops].concat(), "newest first, none twice, none left out");
        assert_eq!(read(&grid, "").await, (stops.map(str::to_owned).to_vec(), None), "no machine is named");
        assert_eq!(status(&served, "GET", "/api/v1/orders/history?limit=0", Some(&grid)).await.0, 422);
    });
}

#[test]
fn who_sees_the_site_as_a_whole_is_not_told_of_each_customer() {
    let served = Served::plain();
    let token = served.token("grid", "grid-operator", None, &Permission::ALL, 1);
    block_on(async {
        for (by, expected) in [("hall,day", 200), ("owner", 403), ("hall,machine", 403), ("model", 403)] {
            let path = format!("/api/v1/reports/energy?by={by}");
            assert_eq!(status(&served, "GET", &path, Some(&token)).await.0, expected, "{by}");
        }
    });
}

/// What is kept for everybody is kept apart for those who may see less of it.
#[test]
fn what_is_made_once_for_many_is_made_anew_for_a_new_picture_and_shows_nobody_more_than_they_may_see() {
    let served = Served::unbounded();
    let owner = served.token("anna", "owner", None, &Permission::ALL, 1);
    let narrow = [Permission::SiteRead, Permission::MachinesRead];
    let reader = served.token("bert", "owner", None, &narrow, 1);
    let made = || served.fake.calendars.load(Ordering::SeqCst);
    block_on(async {
        for picture in 0..3_u64 {
            served.fake.picture.store(picture, Ordering::SeqCst);
            let before = made();
            for (token, money) in [(&owner, true), (&reader, false), (&owner, true), (&reader, false)] {
                for path in ["/api/v1/calendar", "/api/v1/site"] {
                    let (code, body) = status(&served, "GET", path, Some(token)).await;
                    assert_eq!(code, 200, "{body}");
                    let price = body.contains("46.5") || body.contains("\"currency\":\"KZT\"");
                    assert_eq!(price, money, "{path} in picture {picture}: {body}");
                    let shown = format!("picture {picture}");
                    assert!(
                        path.ends_with("site") || body.contains(&shown),
                        "none is shown for another: {body}"
                    );
                }
            }
            assert_eq!(made() - before, 2, "once with money and once without");
        }
        // What cannot be answered takes no place, and is told anew.
        let before = made();
        for _ in 0..3 {
            let path = "/api/v1/calendar?circuit=nowhere";
            assert_eq!(status(&served, "GET", path, Some(&owner)).await.0, 404);
        }
        assert_eq!(made() - before, 3);
        let why = "/api/v1/machines/10.0.0.1/why";
        assert!(status(&served, "GET", why, Some(&owner)).await.1.contains("46.5"));
        let (code, body) = status(&served, "GET", why, Some(&reader)).await;
        assert!(code == 200 && !body.contains("46.5"), "{body}");
    });
}

#[test]
fn the_audit_chain_is_read_page_by_page_to_its_beginning() {
    let served = Served::plain();
    let anna = served.token("anna", "owner", None, &Permission::ALL, 1);
    for _ in 0..3 {
        served.book.stop("grid", jiff::Timestamp::now(), "storm", "anna").unwrap();
        served.book.resume(None, jiff::Timestamp::now(), "anna").unwrap();
    }
    let read = async |query: &str| {
        let (code, body) = status(&served, "GET", &format!("/api/v1/audit{query}"), Some(&anna)).await;
        assert_eq!(code, 200, "{body}");
        let page: Vec<serde_json::Value> = serde_json::from_str(&body).unwrap();
        page.into_iter().map(|entry| entry["seq"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    block_on(async {
        let (whole, mut all) = (read("?limit=1000").await, read("?limit=4").await);
        assert!(whole.len() > 8, "{whole:?}");
        while let Some(last) = all.last().copied().filter(|last| *last > 1) {
            all.extend(read(&format!("?limit=4&before={last}")).await);
        }
        assert_eq!(all, whole, "none twice, none left out");
        assert_eq!(read("?before=1").await, [0; 0]);
        let wrong = status(&served, "GET", "/api/v1/audit?before=9007199254740992", Some(&anna)).await;
        assert_eq!(wrong.0, 422);
    });
}

#[test]
fn who_sees_no_machines_is_told_of_none_by_name() {
    let served = Served::plain();
    let grid = served.token("grid", "grid-operator", None, &Permission::ALL, 1);
    let tina = served.token("tina", "technician", None, &Permission::ALL, 1);
    let money = served.token("mona", "owner", None, &[Permission::SiteRead, Permission::MoneyRead], 1);
    let olga = served.token("olga", "operator", None, &Permission::ALL, 1);
    let (named, held, earned) = ("hall-1/rack-1/", "unpaid", "77.0 KZT");
    let told = |body: &str| [named, held, earned].map(|word| body.contains(word));
    block_on(async {
        for path in ["/api/v1/site", "/api/v1/stream"] {
            for (token, expected) in [
                (&olga, [true, true, true]),
                (&grid, [false, false, false]),
                (&tina, [true, true, false]),
                (&money, [false, false, true]),
            ] {
                let (code, body) = status(&served, "GET", path, Some(token)).await;
                assert_eq!((code, told(&body)), (200, expected), "{path}: {body}");
                let always = ["sleep 38 machines", "5 kW remain"];
                assert!(always.iter().all(|words| body.contains(words)), "{path}: {body}");
                assert_eq!(body.contains("sleep 1 machine:"), !expected[0], "{path}: {body}");
            }
        }
        for (token, is_told) in [(&olga, true), (&grid, false), (&tina, true), (&money, false)] {
            let order = json!({ "words": "grid to 5 kW", "kind": "emergency" });
            let asked = served.ask("POST", "/api/v1/orders/preview").bearer_auth(token).json(&order);
            let seen: serde_json::Value = asked.send().await.unwrap().json().await.unwrap();
            assert_eq!(seen.to_string().contains(named), is_told, "{seen}");
            assert_eq!(seen["stops"].as_array().unwrap().len(), 1, "how many is told: {seen}");
            assert_eq!(seen["stops"][0][1], "sleep", "and what would be sent");
            assert!(seen["unmet"].is_string(), "and that it cannot be met");
        }
    });
}

#[test]
fn reports_of_the_whole_site_take_records_read() {
    let served = Served::plain();
    let tina = served.token("tina", "technician", None, &Permission::ALL, 1);
    let narrow =
        served.token("anna", "owner", None, &[Permission::MachinesRead, Permission::OwnMachinesRead], 1);
    let rosa = served.token("rosa", "read-only", None, &Permission::ALL, 1);
    let carl = served.token("carl", "customer", Some("owner-1"), &Permission::ALL, 1);
    block_on(async {
        for about in ["energy", "availability", "hash"] {
            for by in ["", "hall,day", "machine"] {
                let path = format!("/api/v1/reports/{about}?by={by}");
                for (token, expected) in [(&tina, 403), (&narrow, 403), (&rosa, 200), (&carl, 200)] {
                    let (code, body) = status(&served, "GET", &path, Some(token)).await;
                    assert_eq!(code, expected, "{path}: {body}");
                    assert!(code == 200 || body.contains("records.read"), "it says what it takes: {body}");
                }
            }
        }
    });
}

#[test]
fn a_token_is_narrowed_to_its_scopes_and_ends_with_its_person() {
    let served = Served::plain();
    let token = served.token("anna", "owner", None, &[Permission::SiteRead], 1);
    block_on(async {
        let (site, body) = status(&served, "GET", "/api/v1/site", Some(&token)).await;
        assert_eq!(site, 200);
        assert!(body.contains("\"money\":null"), "without money.read: {body}");
        assert!(body.contains("\"more\":null") && !body.contains("12.5"), "nor what a plan is worth: {body}");
        assert_eq!(status(&served, "GET", "/api/v1/machines", Some(&token)).await.0, 403);
        assert_eq!(status(&served, "POST", "/api/v1/stops", Some(&token)).await.0, 403);
    });
    let id = served.book.tokens().unwrap()[0].id;
    served.book.revoke_token(id, jiff::Timestamp::now(), "test").unwrap();
    let other = served.token("bert", "owner", None, &[Permission::SiteRead], 1);
    let change = offpeak_store::PersonChange { disabled: Some(true), ..Default::default() };
    served.book.change_person("bert", &change, jiff::Timestamp::now(), "test").unwrap();
    let never_seen = block_on(status(&served, "GET", "/api/v1/site", Some(&other))).0;
    assert_eq!(never_seen, 401, "a disabled person's token opens nothing");
}
