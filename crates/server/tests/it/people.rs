//! Signing in: the first link, cookies, forgery, failures, tokens; and that no secret comes out.

use offpeak_server::access::Permission;
use reqwest::header::{COOKIE, SET_COOKIE};
use serde_json::{Value, json};

use super::served::{PASSWORD, Served, block_on};

/// The cookie of an answer as it is sent back, and all of it.
fn cookie(response: &reqwest::Response) -> (String, String) {
    let whole = response.headers()[SET_COOKIE].to_str().unwrap().to_owned();
    (whole.split(';').next().unwrap().to_owned(), whole)
}

/// Sets the first person up: the cookie, what it is set with, and the word against forgery.
async fn set_up(served: &Served) -> (String, String, String) {
    let body = json!({ "key": served.first.reveal(), "password": PASSWORD });
    let response = served.ask("POST", "/api/v1/setup").json(&body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let (own, whole) = cookie(&response);
    let signed_in: Value = response.json().await.unwrap();
    (own, whole, signed_in["csrf"].as_str().unwrap().to_owned())
}

async fn sign_in(served: &Served, name: &str, password: &str) -> reqwest::Response {
    let body = json!({ "name": name, "password": password });
    served.ask("POST", "/api/v1/session").json(&body).send().await.unwrap()
}

#[test]
fn the_first_link_works_once_and_its_cookie_is_closed_to_pages() {
    for (served, name, only) in
        [(Served::plain(), "offpeak=", ""), (Served::over_tls(), "__Host-offpeak=", "; Secure")]
    {
        block_on(async {
            let short = json!({ "key": served.first.reveal(), "password": "short" });
            let refused = served.ask("POST", "/api/v1/setup").json(&short).send().await.unwrap();
            assert_eq!(refused.status(), 422, "a short password does not use the link up");
            let (own, whole, csrf) = set_up(&served).await;
            assert!(own.starts_with(name), "{own}");
            assert!(
                whole.ends_with(&format!("HttpOnly; SameSite=Strict{only}")) && whole.contains("Path=/;"),
                "{whole}"
            );
            let me = served.ask("GET", "/api/v1/me").header(COOKIE, &own).send().await.unwrap();
            let secure = me.headers().contains_key("strict-transport-security");
            assert_eq!(secure, !only.is_empty());
            let me: Value = me.json().await.unwrap();
            assert_eq!(
                (&me["name"], &me["role"], &me["csrf"]),
                (&json!("owner"), &json!("owner"), &json!(csrf))
            );
            let again = json!({ "key": served.first.reveal(), "password": PASSWORD });
            let again = served.ask("POST", "/api/v1/setup").json(&again).send().await.unwrap();
            assert_eq!(again.status(), 401, "the link is used up");

            let out =
                served.ask("DELETE", "/api/v1/session").header(COOKIE, &own).header("x-csrf-token", &csrf);
            assert_eq!(out.send().await.unwrap().status(), 204);
            let me = served.ask("GET", "/api/v1/me").header(COOKIE, &own).send().await.unwrap();
            assert_eq!(me.status(), 401, "the session is over");
        });
    }
}

#[test]
fn a_change_by_a_cookie_needs_the_session_s_word() {
    let served = Served::plain();
    block_on(async {
        let (own, _, csrf) = set_up(&served).await;
        let stop =
            || served.ask("POST", "/api/v1/stops").header(COOKIE, &own).json(&json!({ "reason": "x" }));
        assert_eq!(stop().send().await.unwrap().status(), 403);
        assert_eq!(stop().header("x-csrf-token", "made-up").send().await.unwrap().status(), 403);
        let other = stop().header("x-csrf-token", &csrf).header("sec-fetch-site", "cross-site");
        assert_eq!(other.send().await.unwrap().status(), 403);
        assert!(served.fake.asked().is_empty());
        let own_page = stop().header("x-csrf-token", &csrf).header("sec-fetch-site", "same-origin");
        assert_eq!(own_page.send().await.unwrap().status(), 200);
    });
    assert_eq!(served.fake.asked(), ["stop all by owner: x"]);
}

#[test]
fn who_fails_too_often_waits_and_a_wrong_name_is_answered_alike() {
    let served = Served::plain();
    block_on(async {
        set_up(&served).await;
        let wrong = sign_in(&served, "owner", "not the password").await;
        let nobody = sign_in(&served, "nobody", "not the password").await;
        assert_eq!(
            (wrong.status(), nobody.status()),
            (reqwest::StatusCode::UNAUTHORIZED, reqwest::StatusCode::UNAUTHORIZED)
        );
        assert_eq!(wrong.text().await.unwrap(), nobody.text().await.unwrap());
        for _ in 0..4 {
            assert_eq!(sign_in(&served, "owner", "not the password").await.status(), 401);
        }
        let locked = sign_in(&served, "owner", PASSWORD).await;
        assert_eq!(locked.status(), 429, "the right one is not tried either");
        assert!(locked.text().await.unwrap().contains("try again in 15 min"));
        for _ in 0..5 {
            // As somebody types who is in the wrong field.
            assert_eq!(sign_in(&served, PASSWORD, "owner").await.status(), 401);
        }
        assert_eq!(sign_in(&served, PASSWORD, "owner").await.status(), 429);
    });
    let entries = served.book.audit_entries(100).unwrap();
    let locks: Vec<_> = entries.iter().filter(|entry| entry.what == "locked out").collect();
    assert_eq!(locks.len(), 1, "one entry for a lock, none for what is nobody's name: {locks:?}");
    assert_eq!((locks[0].who.as_str(), locks[0].subject.as_str()), ("127.0.0.1", "owner"));
    assert!(locks[0].why.contains("5 tries failed"), "{}", locks[0].why);
    let long = "x".repeat(65);
    assert_eq!(block_on(sign_in(&served, &long, "x")).status(), 422, "nobody has such a name");
}

#[test]
fn an_owner_adds_people_and_tokens_and_no_secret_is_kept_or_told_again() {
    let served = Served::plain();
    block_on(async {
        let (own, _, csrf) = set_up(&served).await;
        let ask = |method: &str, path: &str, body: Value| {
            served.ask(method, path).header(COOKIE, &own).header("x-csrf-token", &csrf).json(&body).send()
        };
        let added =
            ask("POST", "/api/v1/people", json!({ "name": "anna", "role": "operator", "reason": "a shift" }))
                .await
                .unwrap();
        let link: Value = added.json().await.unwrap();
        let key = link["link"].as_str().unwrap().strip_prefix("/setup#key=").unwrap().to_owned();
        let taken =
            ask("POST", "/api/v1/people", json!({ "name": "anna", "role": "operator", "reason": "a shift" }))
                .await
                .unwrap();
        assert_eq!(taken.status(), 409);
        for bad in [
            json!({ "name": "a b", "role": "operator", "reason": "x" }),
            json!({ "name": "c", "role": "customer", "reason": "x" }),
        ] {
            assert_eq!(ask("POST", "/api/v1/people", bad).await.unwrap().status(), 422);
        }
        let body = json!({ "key": key, "password": "another four words" });
        assert_eq!(served.ask("POST", "/api/v1/setup").json(&body).send().await.unwrap().status(), 200);
        assert_eq!(sign_in(&served, "anna", "another four words").await.status(), 200);

        let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
        let token = json!({ "name": "grafana", "scopes": ["site.read"], "expires_at": soon, "person": "anna", "reason": "charts" });
        let made: Value = ask("POST", "/api/v1/tokens", token).await.unwrap().json().await.unwrap();
        let secret = made["token"].as_str().unwrap();
        let site = served.ask("GET", "/api/v1/site").bearer_auth(secret).send().await.unwrap();
        assert_eq!(site.status(), 200);
        let wider = json!({ "name": "x", "scopes": ["stop"], "expires_at": soon, "reason": "x" });
        let wider =
            served.ask("POST", "/api/v1/tokens").bearer_auth(secret).json(&wider).send().await.unwrap();
        assert_eq!(wider.status(), 403, "a token makes no wider one");

        let off =
            ask("PATCH", "/api/v1/people/anna", json!({ "disabled": true, "reason": "left" })).await.unwrap();
        assert_eq!(off.status(), 204);
        let site = served.ask("GET", "/api/v1/site").bearer_auth(secret).send().await.unwrap();
        assert_eq!(site.status(), 401, "at once");
        assert_eq!(sign_in(&served, "anna", "another four words").await.status(), 401);

        let mut told = String::new();
        for path in ["/api/v1/people", "/api/v1/tokens", "/api/v1/audit"] {
            told += &ask("GET", path, json!(null)).await.unwrap().text().await.unwrap();
        }
        let file = String::from_utf8_lossy(&std::fs::read(served.book.path()).unwrap()).into_owned();
        let log = std::fs::read(served.book.path().with_extension("sqlite-wal")).unwrap_or_default();
        let kept = file + &String::from_utf8_lossy(&log);
        for secret in [secret, &key, PASSWORD, "another four words", served.first.reveal()] {
            assert!(!told.contains(secret) && !kept.contains(secret));
        }
        assert!(!told.contains("argon2"), "not even a hash is told: {told}");
        for deed in ["person added", "token added", "person changed", "set-up link used", "signed in"] {
            assert!(told.contains(deed), "{deed} is in the audit chain: {told}");
        }
    });
}

#[test]
fn a_token_does_not_renew_itself() {
    let served = Served::plain();
    let later = |hours| jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours);
    let scopes = [Permission::SiteRead, Permission::Stop];
    let narrow = served.token("anna", "owner", None, &scopes, 2);
    let managing = served.token("bert", "owner", None, &[Permission::SiteRead, Permission::PeopleManage], 2);
    block_on(async {
        let made = async |token: &str, scope: &str, hours: i64| {
            let body =
                json!({ "name": "next", "scopes": [scope], "expires_at": later(hours), "reason": "x" });
            let made =
                served.ask("POST", "/api/v1/tokens").bearer_auth(token).json(&body).send().await.unwrap();
            (made.status().as_u16(), made.json::<Value>().await.unwrap())
        };
        let (status, refused) = made(&narrow, "site.read", 1).await;
        assert_eq!(status, 403, "not even a narrower one: {refused}");
        assert!(refused["hint"].as_str().unwrap().contains("sign in"), "{refused}");
        let revoked = served.ask("DELETE", "/api/v1/tokens/1?reason=x").bearer_auth(&narrow).send().await;
        assert_eq!(revoked.unwrap().status(), 403, "nor does it revoke");

        assert_eq!(made(&managing, "site.read", 3).await.0, 403, "none outlives the one that it is made by");
        assert_eq!(made(&managing, "stop", 1).await.0, 403, "nor may more");
        let (status, made) = made(&managing, "site.read", 1).await;
        assert_eq!(status, 200, "{made}");
        let path = format!("/api/v1/tokens/{}?reason=x", made["id"]);
        assert_eq!(served.ask("DELETE", &path).bearer_auth(&managing).send().await.unwrap().status(), 204);
    });
}

#[test]
fn a_token_lets_nobody_in_who_may_more() {
    let served = Served::plain();
    let scopes = [Permission::SiteRead, Permission::GridOrder, Permission::RecordsRead];
    let managing =
        served.token("bert", "owner", None, &[&scopes[..], &[Permission::PeopleManage]].concat(), 2);
    let _another_owner = served.token("carl", "owner", None, &scopes, 2);
    block_on(async {
        let ask = async |method: &str, path: &str, body: Value| {
            let asked = served.ask(method, path).bearer_auth(&managing).json(&body).send().await.unwrap();
            (asked.status().as_u16(), asked.text().await.unwrap())
        };
        for (method, path, body) in [
            ("POST", "/api/v1/people/bert/link", json!({ "reason": "x" })),
            ("POST", "/api/v1/people/carl/link", json!({ "reason": "x" })),
            ("POST", "/api/v1/people", json!({ "name": "eve", "role": "owner", "reason": "x" })),
            ("POST", "/api/v1/people", json!({ "name": "eve", "role": "read-only", "reason": "x" })),
        ] {
            let (status, told) = ask(method, path, body.clone()).await;
            assert_eq!(status, 403, "{method} {path} {body}: {told}");
            assert!(told.contains("may more than who asks"), "{told}");
        }
        let grid = json!({ "name": "grid", "role": "grid-operator", "reason": "x" });
        assert_eq!(ask("POST", "/api/v1/people", grid).await.0, 200);
        let (status, told) =
            ask("PATCH", "/api/v1/people/grid", json!({ "role": "owner", "reason": "x" })).await;
        assert_eq!(status, 403, "{told}");
        assert_eq!(ask("POST", "/api/v1/people/grid/link", json!({ "reason": "x" })).await.0, 200);
    });
}

#[test]
fn who_changes_their_password_stays_signed_in_and_nobody_else_does() {
    let served = Served::plain();
    block_on(async {
        let (own, _, csrf) = set_up(&served).await;
        let other = sign_in(&served, "owner", PASSWORD).await;
        let other = other.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let body = json!({ "old": PASSWORD, "new": "another four words" });
        let changed = served.ask("PUT", "/api/v1/me/password").header(COOKIE, &own);
        let changed = changed.header("x-csrf-token", &csrf).json(&body).send().await.unwrap();
        assert_eq!(changed.status(), 200);
        let fresh = changed.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let told: Value = changed.json().await.unwrap();
        let me = async |cookie: &str| {
            let asked = served.ask("GET", "/api/v1/me").header(COOKIE, cookie).send().await.unwrap();
            (asked.status().as_u16(), asked.json::<Value>().await.unwrap())
        };
        assert_eq!(me(&own).await.0, 401);
        assert_eq!(me(&other).await.0, 401);
        let (status, shown) = me(&fresh).await;
        assert_eq!((status, &shown["csrf"]), (200, &told["csrf"]));
    });
}

#[test]
fn the_stream_ends_with_what_opened_it() {
    let served = Served::plain();
    let token = served.token("anna", "operator", None, &Permission::ALL, 1);
    let bert = served.token("bert", "operator", None, &Permission::ALL, 1);
    block_on(async {
        let (own, _, csrf) = set_up(&served).await;
        let change = |method: &str, path: &str, body: Value| {
            served.ask(method, path).header(COOKIE, &own).header("x-csrf-token", &csrf).json(&body).send()
        };
        let watch = async |request: reqwest::RequestBuilder| {
            let mut stream = request.send().await.unwrap();
            assert_eq!(stream.status(), 200);
            assert!(stream.chunk().await.unwrap().is_some(), "a first picture");
            stream
        };
        let stream = || served.ask("GET", "/api/v1/stream");
        let mut signed_in = watch(stream().header(COOKIE, &own)).await;
        let mut disabled = watch(stream().bearer_auth(&token)).await;
        let mut lowered = watch(stream().bearer_auth(&bert)).await;
        let off = change("PATCH", "/api/v1/people/anna", json!({ "disabled": true, "reason": "left" }));
        assert_eq!(off.await.unwrap().status(), 204);
        let role = change("PATCH", "/api/v1/people/bert", json!({ "role": "read-only", "reason": "rests" }));
        assert_eq!(role.await.unwrap().status(), 204);
        let ends = async |stream: &mut reqwest::Response| {
            let drained = async { while stream.chunk().await.unwrap().is_some() {} };
            tokio::time::timeout(std::time::Duration::from_secs(20), drained).await.is_ok()
        };
        assert!(ends(&mut disabled).await, "who is disabled sees no more");
        assert!(ends(&mut lowered).await, "who has another role comes back with it");
        assert!(signed_in.chunk().await.unwrap().is_some(), "others' go on");
        assert_eq!(change("DELETE", "/api/v1/session", json!(null)).await.unwrap().status(), 204);
        assert!(ends(&mut signed_in).await, "who signs out sees no more");
    });
}

#[test]
fn a_new_link_unlocks_its_person_and_wrong_keys_lock_nobody_s_name() {
    let served = Served::unbounded();
    block_on(async {
        let (own, _, csrf) = set_up(&served).await;
        let add = json!({ "name": "set-up", "role": "operator", "reason": "a name like any other" });
        let added = |path: &'static str, body: Value| {
            served.ask("POST", path).header(COOKIE, &own).header("x-csrf-token", &csrf).json(&body).send()
        };
        let key = async |answer: reqwest::Response| {
            let link: Value = answer.json().await.unwrap();
            link["link"].as_str().unwrap().strip_prefix("/setup#key=").unwrap().to_owned()
        };
        let first = key(added("/api/v1/people", add).await.unwrap()).await;
        let opens = async |key: &str| {
            let body = json!({ "key": key, "password": "another four words" });
            served.ask("POST", "/api/v1/setup").json(&body).send().await.unwrap().status().as_u16()
        };
        for _ in 0..5 {
            assert_eq!(sign_in(&served, "set-up", "not the password").await.status(), 401);
        }
        assert_eq!(sign_in(&served, "set-up", "not the password").await.status(), 429);
        for _ in 0..10 {
            assert_eq!(opens("made-up").await, 401, "set-up is not locked with the person of that name");
        }
        assert_eq!(opens(&first).await, 200, "nor by ten wrong keys");
        assert_eq!(sign_in(&served, "set-up", "another four words").await.status(), 200, "unlocked");
        for _ in 0..10 {
            assert_eq!(opens("made-up").await, 401);
        }
        assert_eq!(opens("made-up").await, 429, "after twenty the address waits");
        assert_eq!(sign_in(&served, "set-up", "another four words").await.status(), 200, "for links only");
    });
}
