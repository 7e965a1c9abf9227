//! The doors of a site: sessions, tokens, set-up links and a demo's entry key, all in the book as hashes.
//!
//! Not here: what somebody who is let in may do (`permission`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderMap, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use offpeak_store::{Book, BookError, By, Deed, Person, Session, SetupLink};

use super::permission::{Permission, Role};
use super::secret::{self, Secret};
use super::throttle::{Failures, Lock, Rate, Try};
use super::{Caller, Means, password};
use crate::problem::Problem;

/// How long a session lasts: a shift.
const SESSION_LASTS: SignedDuration = SignedDuration::from_hours(12);
/// How long a set-up link opens something.
const LINK_LASTS: SignedDuration = SignedDuration::from_hours(48);
/// How long what the book says of a key is remembered. A change made here is seen at once.
const REMEMBERED: SignedDuration = SignedDuration::from_secs(2);
/// Keys remembered at most.
const REMEMBERED_MAX: usize = 5_000;
/// Requests of one caller a second, and at once.
const RATE: (f64, f64) = (100.0, 300.0);
/// And of an address that nobody is known by.
const RATE_UNKNOWN: (f64, f64) = (10.0, 60.0);
/// The cookie's name over TLS: the prefix binds it to this host, to TLS and to the whole site.
const COOKIE: &str = "__Host-offpeak";
/// And on loopback without TLS, where browsers do not agree on what is secure.
const COOKIE_PLAIN: &str = "offpeak";
/// A demo's person, and the person of a first set-up link.
const DEMO: &str = "demo";
const FIRST: &str = "owner";

/// Who is let in.
#[derive(Debug)]
pub struct Doors {
    book: Arc<Book>,
    /// The hash of a key that lets its holder in as owner; of a demo, whose plant is nobody's.
    entry: Option<[u8; 32]>,
    remembered: Mutex<BTreeMap<[u8; 32], Remembered>>,
    failures: Mutex<Failures>,
    known: Mutex<Rate>,
    unknown: Mutex<Rate>,
}

/// Whose a key is, if anybody's, and until when that is believed.
type Remembered = (Option<Caller>, Timestamp);

/// More requests than there is room for.
#[derive(Debug)]
pub(crate) struct TooMany;

/// A session that was just begun.
pub(crate) struct Begun {
    /// To be set as a header.
    pub(crate) cookie: String,
    /// To be told to the page.
    pub(crate) csrf: String,
    /// Whose.
    pub(crate) person: Person,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The book did not take it.
pub(crate) fn book(error: &BookError) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "book", format!("the book did not take it: {error}"))
}

impl Doors {
    /// The doors of the site that this book is of.
    #[must_use]
    pub fn new(book: Arc<Book>) -> Self {
        Self {
            book,
            entry: None,
            remembered: Mutex::default(),
            failures: Mutex::default(),
            known: Mutex::new(Rate::new(RATE.0, RATE.1)),
            unknown: Mutex::new(Rate::new(RATE_UNKNOWN.0, RATE_UNKNOWN.1)),
        }
    }

    /// Also with an entry key, for a demo.
    ///
    /// # Errors
    /// If the book does not take the demo's person.
    pub fn with_entry(book: Arc<Book>, entry: &Secret) -> Result<Self, BookError> {
        let person = Person {
            name: DEMO.to_owned(),
            role: Role::Owner.name().to_owned(),
            owner: None,
            password_hash: None,
            disabled: false,
            at: Timestamp::now(),
        };
        book.add_person(&person, DEMO)?;
        Ok(Self { entry: Some(entry.hash()), ..Self::new(book) })
    }

    /// The same doors without a bound on requests, for measuring.
    #[must_use]
    pub fn unbounded(mut self) -> Self {
        self.known = Mutex::new(Rate::new(1e9, 1e9));
        self.unknown = Mutex::new(Rate::new(1e9, 1e9));
        self
    }

    /// A first link, if nobody can sign in yet: its key, to be shown once.
    ///
    /// # Errors
    /// If the book cannot be read or written.
    pub fn first_link(&self) -> Result<Option<Secret>, BookError> {
        let anybody = self.book.people()?.into_iter().any(|person| person.password_hash.is_some());
        if anybody {
            return Ok(None);
        }
        self.link(FIRST, Role::Owner, None, "first start").map(Some)
    }

    /// Makes a link by which somebody sets a password.
    pub(crate) fn link<'a>(
        &self,
        person: &str,
        role: Role,
        owner: Option<String>,
        by: impl Into<By<'a>>,
    ) -> Result<Secret, BookError> {
        let (key, now) = (Secret::fresh(), Timestamp::now());
        let link = SetupLink {
            person: person.to_owned(),
            role: role.name().to_owned(),
            owner,
            expires_at: now + LINK_LASTS,
        };
        self.book.add_setup_link(&key.hash(), &link, now, by)?;
        Ok(key)
    }

    pub(crate) const fn book(&self) -> &Arc<Book> {
        &self.book
    }

    /// Believes no more what the book said: something changed. Which keys were somebody's is still known.
    pub(crate) fn forget(&self) {
        lock(&self.remembered).values_mut().for_each(|(_, until)| *until = Timestamp::MIN);
    }

    /// Who calls, where there is room for one more request of theirs. Of a key that was nobody's or was never seen the
    /// address is asked for room before the book is, so that made-up keys cost their maker more than the site.
    pub(crate) fn let_in(
        &self,
        headers: &HeaderMap,
        secure: bool,
        address: &str,
    ) -> Result<Option<Caller>, TooMany> {
        let now = Timestamp::now();
        let of_address = || lock(&self.unknown).take(address, now);
        let is_known = self.was_somebody_s(headers, secure);
        if !is_known && !of_address() {
            return Err(TooMany);
        }
        let caller = self.caller(headers, secure);
        let has_room = match &caller {
            Some(caller) => lock(&self.known).take(&caller.name, now),
            None => !is_known || of_address(),
        };
        if has_room { Ok(caller) } else { Err(TooMany) }
    }

    /// Whether the key was somebody's when the book was last asked.
    fn was_somebody_s(&self, headers: &HeaderMap, secure: bool) -> bool {
        let key = match headers.get(header::AUTHORIZATION) {
            Some(bearer) => bearer.to_str().ok().and_then(|value| value.strip_prefix("Bearer ")),
            None => cookie(headers, secure),
        };
        let whose =
            |key| lock(&self.remembered).get(&secret::hash(key)).is_some_and(|(who, _)| who.is_some());
        key.is_some_and(whose)
    }

    /// Who calls, by a token or a cookie.
    pub(crate) fn caller(&self, headers: &HeaderMap, secure: bool) -> Option<Caller> {
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        if let Some(token) = bearer {
            let token = token.strip_prefix("Bearer ")?;
            return self.remembered(secret::hash(token), |hash, now| self.token(hash, now));
        }
        let cookie = cookie(headers, secure)?;
        let csrf = secret::csrf(cookie);
        let caller = self.remembered(secret::hash(cookie), |hash, now| self.session(hash, now))?;
        Some(Caller { means: Means::Session { csrf }, ..caller })
    }

    fn remembered(
        &self,
        hash: [u8; 32],
        ask: impl FnOnce(&[u8], Timestamp) -> Result<Option<Caller>, BookError>,
    ) -> Option<Caller> {
        let now = Timestamp::now();
        if let Some((caller, until)) = lock(&self.remembered).get(&hash)
            && now < *until
        {
            return caller.clone();
        }
        let caller = ask(&hash, now).unwrap_or_else(|error| {
            tracing::warn!(%error, "the book does not say who calls");
            None
        });
        let mut remembered = lock(&self.remembered);
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        remembered.insert(hash, (caller.clone(), now + REMEMBERED));
        caller
    }

    fn session(&self, hash: &[u8], now: Timestamp) -> Result<Option<Caller>, BookError> {
        let found = self.book.session(hash, now)?;
        Ok(found.and_then(|(_, person)| caller_of(person, None, Means::Session { csrf: String::new() })))
    }

    fn token(&self, hash: &[u8], now: Timestamp) -> Result<Option<Caller>, BookError> {
        let Some((token, person)) = self.book.token(hash, now)? else { return Ok(None) };
        // A scope of another version opens nothing.
        let scopes: BTreeSet<Permission> =
            token.scopes.iter().filter_map(|scope| scope.parse().ok()).collect();
        Ok(caller_of(person, Some(scopes), Means::Token { id: token.id, expires_at: token.expires_at }))
    }

    /// Opens a session for who has the entry key.
    pub(crate) fn enter(&self, key: &str, secure: bool) -> Result<Option<Begun>, Problem> {
        let is_right = self.entry.is_some_and(|entry| secret::same_bytes(&secret::hash(key), &entry));
        let person = if is_right { self.book.person(DEMO).map_err(|error| book(&error))? } else { None };
        person.map(|person| self.begin(person, secure)).transpose()
    }

    /// Opens a session for a name and a password. Takes some tens of milliseconds.
    pub(crate) fn sign_in(
        &self,
        name: &str,
        given: &str,
        address: &str,
        secure: bool,
    ) -> Result<Begun, Problem> {
        let (tried, now) = (Try::SignIn(name, address), Timestamp::now());
        if let Some(wait) = lock(&self.failures).wait(tried, now) {
            return Err(locked(wait));
        }
        let known = self.book.person(name).map_err(|error| book(&error))?;
        let is_known = known.is_some();
        let person = known.filter(|person| !person.disabled);
        let kept = person.as_ref().and_then(|person| person.password_hash.as_deref());
        let right = password::is_right(given, kept);
        match person.filter(|_| right) {
            Some(person) => {
                lock(&self.failures).succeeded(name, address);
                self.begin(person, secure)
            }
            None => {
                let locks = lock(&self.failures).failed(tried, now);
                self.note_locks(&locks, is_known.then_some(name), address, now);
                tracing::warn!(%address, "a sign-in failed");
                Err(Problem::new(
                    StatusCode::UNAUTHORIZED,
                    "wrong-password",
                    "the name or the password is wrong",
                )
                .hint("who forgot theirs asks for a new link: `offpeak user link NAME`"))
            }
        }
    }

    /// Notes who was locked out. Of a name only when it is somebody's: what else stands there may be a password.
    fn note_locks(&self, locks: &[Lock], name: Option<&str>, address: &str, now: Timestamp) {
        for lock in locks {
            let subject = match lock {
                Lock::NameFromAddress | Lock::Name => name,
                Lock::Address | Lock::SetUp => Some(address),
            };
            let Some(subject) = subject else { continue };
            let deed = Deed { who: address, what: "locked out", subject, why: &lock.words() };
            if let Err(error) = self.book.note(now, &deed) {
                tracing::warn!(%error, %address, "the book does not take that somebody was locked out");
            }
        }
    }

    /// Sets a password by a link, and opens a session.
    pub(crate) fn set_up(
        &self,
        key: &str,
        given: &str,
        address: &str,
        secure: bool,
    ) -> Result<Begun, Problem> {
        let (tried, now) = (Try::SetUp(address), Timestamp::now());
        if let Some(wait) = lock(&self.failures).wait(tried, now) {
            return Err(locked(wait));
        }
        let nothing = || {
            Problem::new(StatusCode::UNAUTHORIZED, "unknown-key", "this link opens nothing")
                .hint("it is used once and for two days: `offpeak user link NAME` makes another")
        };
        let hash = secret::hash(key);
        let Some(link) = self.book.setup_link(&hash, now).map_err(|error| book(&error))? else {
            let locks = lock(&self.failures).failed(tried, now);
            self.note_locks(&locks, None, address, now);
            return Err(nothing());
        };
        password::check(given, &link.person)?;
        let kept = password::hash(given)?;
        let person = self.book.use_setup_link(&hash, &kept, now).map_err(|error| book(&error))?;
        self.forget();
        let person = person.filter(|person| !person.disabled).ok_or_else(nothing)?;
        lock(&self.failures).renewed(&person.name);
        self.begin(person, secure)
    }

    fn begin(&self, person: Person, secure: bool) -> Result<Begun, Problem> {
        let (cookie, now) = (Secret::fresh(), Timestamp::now());
        let session = Session { person: person.name.clone(), at: now, expires_at: now + SESSION_LASTS };
        self.book.begin_session(&cookie.hash(), &session).map_err(|error| book(&error))?;
        Ok(Begun {
            csrf: secret::csrf(cookie.reveal()),
            cookie: set_cookie(cookie.reveal(), SESSION_LASTS.as_secs(), secure),
            person,
        })
    }

    /// Ends the session of these headers; the cookie that takes its place.
    pub(crate) fn sign_out(&self, headers: &HeaderMap, secure: bool) -> Result<String, Problem> {
        if let Some(cookie) = cookie(headers, secure) {
            self.book.end_session(&secret::hash(cookie)).map_err(|error| book(&error))?;
            self.forget();
        }
        Ok(set_cookie("", 0, secure))
    }
}

/// A person as a caller; nobody where the book has a role of another version.
fn caller_of(person: Person, scopes: Option<BTreeSet<Permission>>, means: Means) -> Option<Caller> {
    let role = person.role.parse().ok()?;
    Some(Caller { name: person.name, role, owner: person.owner, scopes, means })
}

fn locked(wait: SignedDuration) -> Problem {
    let minutes = wait.as_secs() / 60 + 1;
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "locked", "too many tries failed")
        .hint(format!("try again in {minutes} min; the local socket is never locked"))
}

const fn cookie_name(secure: bool) -> &'static str {
    if secure { COOKIE } else { COOKIE_PLAIN }
}

fn set_cookie(value: &str, lasts_s: i64, secure: bool) -> String {
    let name = cookie_name(secure);
    let only = if secure { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; Max-Age={lasts_s}; HttpOnly; SameSite=Strict{only}")
}

fn cookie(headers: &HeaderMap, secure: bool) -> Option<&str> {
    let name = cookie_name(secure);
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(';')).find_map(|pair| {
        let (of, value) = pair.trim().split_once('=')?;
        (of == name).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn made_up_keys_are_refused_before_the_book_is_asked() {
        let dir = tempfile::tempdir().unwrap();
        let entry = Secret::fresh();
        let doors = Doors::with_entry(Arc::new(Book::open(&dir.path().join("book.sqlite")).unwrap()), &entry)
            .unwrap();
        let begun = doors.enter(entry.reveal(), false).unwrap().unwrap();
        let own = begun.cookie.split(';').next().unwrap().to_owned();
        let with =
            |name, value: String| HeaderMap::from_iter([(name, HeaderValue::try_from(value).unwrap())]);
        let own = with(header::COOKIE, own);
        assert!(doors.let_in(&own, false, "1.1.1.1").unwrap().is_some());
        let made_up = |n: usize| with(header::AUTHORIZATION, format!("Bearer made-up-{n}"));
        let tries = (0..500).map(|n| doors.let_in(&made_up(n), false, "1.1.1.1"));
        let served = tries.filter(|tried| matches!(tried, Ok(None))).count();
        // One of the burst was the cookie's, and the bucket fills while this runs.
        assert!((59..400).contains(&served), "{served}");
        let asked = lock(&doors.remembered).values().filter(|(who, _)| who.is_none()).count();
        assert_eq!(asked, served, "the book is asked of no key that is refused");
        assert!(doors.let_in(&own, false, "1.1.1.1").unwrap().is_some(), "who is known goes on");
        doors.forget();
        assert!(doors.let_in(&own, false, "1.1.1.1").unwrap().is_some(), "also when the book is asked anew");
        assert!(matches!(doors.let_in(&made_up(0), false, "2.2.2.2"), Ok(None)), "and others' addresses do");
    }
}
