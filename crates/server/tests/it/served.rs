//! A fake site served at a loopback address, with people in a book of its own.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use offpeak_server::access::{Doors, Permission, Secret};
use offpeak_server::api::App;
use offpeak_server::tls::{Tls, names_of};
use offpeak_server::{Serving, SiteHandle, serve_tcp};
use offpeak_store::{ApiToken, Book, Person};
use reqwest::{Client, Method, RequestBuilder};

use super::fake::{Fake, no_alerts};

pub(crate) const PASSWORD: &str = "four words make one";

pub(crate) struct Served {
    _dir: tempfile::TempDir,
    pub(crate) book: Arc<Book>,
    pub(crate) fake: Arc<Fake>,
    pub(crate) first: Secret,
    pub(crate) base: String,
    pub(crate) http: Client,
    serving: Serving,
}

impl Served {
    pub(crate) fn plain() -> Self {
        Self::start(false, |doors| doors)
    }
    /// Without a bound on requests.
    pub(crate) fn unbounded() -> Self {
        Self::start(false, Doors::unbounded)
    }
    pub(crate) fn over_tls() -> Self {
        Self::start(true, |doors| doors)
    }

    fn start(secure: bool, change: fn(Doors) -> Doors) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let book = Arc::new(Book::open(&dir.path().join("book.sqlite")).unwrap());
        let fake = Arc::new(Fake::default());
        let doors = Doors::new(Arc::clone(&book));
        let first = doors.first_link().unwrap().unwrap();
        let app = App::new(Arc::clone(&fake) as Arc<dyn SiteHandle>, change(doors), no_alerts(), None);
        let address = "127.0.0.1:0".parse().unwrap();
        let mut client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let tls =
            secure.then(|| Tls::of_folder(dir.path(), &names_of([127, 0, 0, 1].into(), None), 2026).unwrap());
        if let Some(tls) = &tls {
            let pem = std::fs::read(&tls.certificate).unwrap();
            client = client.tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()]);
        }
        let serving = serve_tcp(app, address, tls.as_ref()).unwrap();
        let scheme = if secure { "https" } else { "http" };
        let base = format!("{scheme}://{}", serving.address().unwrap());
        Self { _dir: dir, book, fake, first, base, http: client.build().unwrap(), serving }
    }

    pub(crate) fn port(&self) -> u16 {
        self.serving.address().unwrap().port()
    }

    pub(crate) fn ask(&self, method: &str, path: &str) -> RequestBuilder {
        self.http.request(Method::from_bytes(method.as_bytes()).unwrap(), format!("{}{path}", self.base))
    }

    /// Somebody with a token of these scopes, which ends in so many hours.
    pub(crate) fn token(
        &self,
        name: &str,
        role: &str,
        owner: Option<&str>,
        scopes: &[Permission],
        hours: i64,
    ) -> String {
        token_in(&self.book, name, role, owner, scopes, hours)
    }
}

/// Somebody with a token of these scopes, which ends in so many hours, in a book.
pub(crate) fn token_in(
    book: &Book,
    name: &str,
    role: &str,
    owner: Option<&str>,
    scopes: &[Permission],
    hours: i64,
) -> String {
    let now = Timestamp::now();
    let person = Person {
        name: name.into(),
        role: role.into(),
        owner: owner.map(str::to_owned),
        password_hash: None,
        disabled: false,
        at: now,
    };
    book.add_person(&person, "test").unwrap();
    let key = Secret::fresh();
    let token = ApiToken {
        id: 0,
        person: name.into(),
        name: "test".into(),
        scopes: scopes.iter().map(ToString::to_string).collect(),
        at: now,
        expires_at: Some(now + SignedDuration::from_hours(hours)),
        revoked_at: None,
    };
    book.add_token(&key.hash(), &token, "test").unwrap();
    key.reveal().to_owned()
}

/// Runs a client.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
