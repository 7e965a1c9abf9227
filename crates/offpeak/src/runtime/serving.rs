//! Serves a running site: always at its local socket, and at an address if one is given.
//!
//! Not here: what is served and to whom (`offpeak-server`).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use offpeak_alerts::Rules;
use offpeak_server::access::{Doors, Secret};
use offpeak_server::alerts::Alerts;
use offpeak_server::api::App;
use offpeak_server::tls::{Tls, names_of};
use offpeak_server::{Serving, SiteHandle, Socket, serve_local, serve_tcp};
use offpeak_site::Site;

use super::live::Shared;
use crate::cli;

/// Where a demo is served unless told otherwise; on any free port where this one is taken.
const DEMO_AT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8085);

/// Where a site's alerts are kept, in its data folder.
const ALERTS: &str = "alerts.json";

/// Where and how a site is served beside its local socket.
#[derive(Clone, Debug, Default)]
pub(crate) struct Network {
    listen: Option<SocketAddr>,
    /// The certificate and its key.
    own: Option<(PathBuf, PathBuf)>,
    /// The rule file of alerts.
    rules: Option<PathBuf>,
    /// A demo lets in whoever has its link.
    is_demo: bool,
}

impl Network {
    /// As the command line has it.
    pub(super) fn of(args: &cli::Listen) -> Self {
        Self {
            listen: args.listen,
            own: args.cert.clone().zip(args.key.clone()),
            rules: args.alerts.clone(),
            is_demo: false,
        }
    }
    /// Of a demo: on loopback unless told otherwise.
    pub(super) fn of_demo(args: &cli::Listen) -> Self {
        Self { is_demo: true, ..Self::of(args) }
    }

    /// The alerts of a site of this name.
    fn alerts(&self, site: &Site, dir: &Path) -> Result<Alerts> {
        let (rules, path) = match &self.rules {
            Some(path) => {
                let what = || format!("the rule file {}", path.display());
                let text = std::fs::read_to_string(path).with_context(what)?;
                (Rules::parse(&text).with_context(what)?, path.display().to_string())
            }
            None => (Rules::default(), String::new()),
        };
        let secret = |name: &str| std::env::var(name).ok();
        let alerts = Alerts::new(rules, &site.name, site.time_zone.clone(), &secret).map_err(|error| {
            anyhow!("{path}: {error}\nhint: secrets of channels stand in the environment")
        })?;
        // A demo's plant begins anew each time.
        Ok(if self.is_demo { alerts } else { alerts.kept_in(dir.join(ALERTS)) })
    }

    /// Over TLS, unless on loopback without a certificate of the site's own.
    fn tls(&self, address: SocketAddr, dir: &Path) -> Result<Option<Tls>> {
        if let Some((certificate, key)) = &self.own {
            let hint = "--cert and --key name PEM files of one certificate chain and its private key";
            return Ok(Some(Tls::of_files(certificate, key).context(format!("no TLS\nhint: {hint}"))?));
        }
        if address.ip().is_loopback() {
            return Ok(None);
        }
        let host = std::fs::read_to_string("/etc/hostname").ok().map(|name| name.trim().to_owned());
        let year = jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).year();
        Ok(Some(Tls::of_folder(dir, &names_of(address.ip(), host.filter(|name| !name.is_empty())), year)?))
    }
}

/// What serves a site; dropped, it ends.
pub(super) struct Served {
    _socket: Socket,
    _network: Option<Serving>,
    /// What whoever started it should know, without the link's key.
    told: Vec<String>,
    link: Option<String>,
}

impl Served {
    /// Starts serving.
    pub(super) fn start(
        handle: Arc<dyn SiteHandle>,
        shared: &Shared,
        dir: &Path,
        network: &Network,
    ) -> Result<Self> {
        let (book, alerts) = (Arc::clone(&shared.book), network.alerts(&shared.site(), dir)?);
        let entry = network.is_demo.then(Secret::fresh);
        let doors = match &entry {
            Some(key) => Doors::with_entry(book, key)?,
            None => Doors::new(book),
        };
        let first = if network.listen.is_some() && !network.is_demo { doors.first_link()? } else { None };
        let app = App::new(handle, doors, alerts, Some(super::pages::files()));
        let socket = serve_local(Arc::clone(&app), dir)?;
        let mut served = Self { _socket: socket, _network: None, told: Vec::new(), link: None };
        let Some(wanted) = network.listen.or(network.is_demo.then_some(DEMO_AT)) else { return Ok(served) };
        let tls = network.tls(wanted, dir)?;
        let serving = match serve_tcp(Arc::clone(&app), wanted, tls.as_ref()) {
            // A demo beside another takes any port.
            Err(_) if network.listen.is_none() => serve_tcp(app, SocketAddr::new(wanted.ip(), 0), None),
            served => served,
        };
        let serving = serving.with_context(|| {
            format!(
                "{wanted} cannot be listened at\nhint: --listen names another address, such as 127.0.0.1:8086"
            )
        })?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let base = format!("{scheme}://{}", serving.address().unwrap_or(wanted));
        served.told.push(format!("serving {base}"));
        if let Some(tls) = &tls {
            served.told.push(format!(
                "certificate {}, SHA-256 {}",
                tls.certificate.display(),
                tls.fingerprint
            ));
        }
        let setup = first.map(|key| format!("{base}/setup#key={}", key.reveal()));
        served.link = setup.or(entry.map(|key| format!("{base}/enter?key={}", key.reveal())));
        served._network = Some(serving);
        Ok(served)
    }

    /// Where it is served, and the certificate.
    pub(super) fn told(&self) -> &[String] {
        &self.told
    }

    /// The link that opens a demo, or by which the first person of a site sets a password. To be shown once.
    pub(super) fn link(&self) -> Option<&str> {
        self.link.as_deref()
    }
}
