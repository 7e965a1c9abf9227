//! `offpeak user` and `offpeak token`: who may use a running site.

use anyhow::Result;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::running::{client, told};
use super::table::table;
use super::{print, print_json};
use crate::cli::{Named, SiteDir, Token, TokenCreate, User, UserAdd};
use crate::exit::Exit;

/// Asks, and goes on with what came back.
fn ask(
    site: &SiteDir,
    method: Method,
    parts: &[&str],
    query: &[(&str, String)],
    body: Option<Value>,
    then: impl FnOnce(Value) -> Result<()>,
) -> Result<Exit> {
    let answer = match client(site)? {
        Ok(client) => told(site, client.change::<Value>(method, parts, query, body.as_ref()))?,
        Err(exit) => return Ok(exit),
    };
    match answer {
        Ok(answer) => then(answer).map(|()| Exit::Done),
        Err(exit) => Ok(exit),
    }
}

/// The address that a link is opened at: where the site is asked, or left to who knows it.
fn link(site: &SiteDir, answer: &Value) -> Result<()> {
    let base = site.site.as_deref().unwrap_or("https://SITE:PORT").trim_end_matches('/');
    print(&format!("{base}{}", answer["link"].as_str().unwrap_or_default()))?;
    eprintln!("it is shown this once; by it they set a password within two days");
    Ok(())
}

#[derive(Deserialize)]
struct Person {
    name: String,
    role: String,
    owner: Option<String>,
    has_password: bool,
    disabled: bool,
}

pub(crate) fn user(command: User) -> Result<Exit> {
    match command {
        User::Add(UserAdd { name, role, owner, why, site }) => {
            let body = json!({ "name": name, "role": role, "owner": owner, "reason": why.reason });
            ask(&site, Method::POST, &["people"], &[], Some(body), |answer| link(&site, &answer))
        }
        User::Link(args) => {
            let parts = ["people", &args.name, "link"];
            let body = json!({ "reason": args.why.reason });
            ask(&args.site, Method::POST, &parts, &[], Some(body), |answer| link(&args.site, &answer))
        }
        User::Disable(args) => set_disabled(&args, true),
        User::Enable(args) => set_disabled(&args, false),
        User::List(args) => ask(&args.site, Method::GET, &["people"], &[], None, |answer| {
            if args.json {
                return print_json(&answer);
            }
            let people: Vec<Person> = serde_json::from_value(answer)?;
            let state = |person: &Person| match (person.disabled, person.has_password) {
                (true, _) => "disabled",
                (false, true) => "signs in",
                (false, false) => "no password yet",
            };
            let row = |person: &Person| {
                let owner = person.owner.clone().unwrap_or_default();
                vec![person.name.clone(), person.role.clone(), owner, state(person).to_owned()]
            };
            print(&table(&["name", "role", "owner", "state"], &people.iter().map(row).collect::<Vec<_>>()))
        }),
    }
}

fn set_disabled(Named { name, why, site }: &Named, disabled: bool) -> Result<Exit> {
    let word = if disabled { "disabled" } else { "enabled" };
    let body = json!({ "disabled": disabled, "reason": why.reason });
    ask(site, Method::PATCH, &["people", name], &[], Some(body), |_| print(&format!("{word}: {name}")))
}

pub(crate) fn token(command: Token) -> Result<Exit> {
    match command {
        Token::Create(TokenCreate { name, scopes, days, person, why, site }) => {
            let expires_at = Timestamp::now() + SignedDuration::from_hours(i64::from(days) * 24);
            let body = json!({ "name": name, "scopes": scopes, "expires_at": expires_at,
                "person": person, "reason": why.reason });
            ask(&site, Method::POST, &["tokens"], &[], Some(body), |answer| {
                eprintln!("token {} is shown this once and ends in {days} days", answer["id"]);
                print(answer["token"].as_str().unwrap_or_default())
            })
        }
        Token::Revoke(args) => {
            let id = args.id.to_string();
            let why = [("reason", args.why.reason)];
            ask(&args.site, Method::DELETE, &["tokens", &id], &why, None, |_| {
                print(&format!("revoked: token {id}"))
            })
        }
        Token::List(args) => ask(&args.site, Method::GET, &["tokens"], &[], None, |answer| {
            if args.json {
                return print_json(&answer);
            }
            let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
            let row = |token: &Value| {
                let scopes: Vec<_> = token["scopes"].as_array().into_iter().flatten().map(text).collect();
                let end = if token["revoked_at"].is_null() {
                    text(&token["expires_at"])
                } else {
                    "revoked".to_owned()
                };
                vec![
                    token["id"].to_string(),
                    text(&token["person"]),
                    text(&token["name"]),
                    scopes.join(","),
                    end,
                ]
            };
            let rows: Vec<_> = answer.as_array().into_iter().flatten().map(row).collect();
            print(&table(&["id", "person", "name", "scopes", "until"], &rows))
        }),
    }
}
