//! The site file of a running site: read, checked and written through the API. What is written takes effect when the
//! site is started again.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Timestamp};
use offpeak_dispatch::{Directives, every_limit};
use offpeak_server::api::text_tag;
use offpeak_server::view::{FindingView, LimitChangeView, SiteCheckView, SiteWrittenView};
use offpeak_server::{By, HandleError, SiteFile};
use offpeak_site::file::{Diagnostic, Loaded, Severity, load_with_warnings};
use offpeak_site::{CircuitIx, Site};
use offpeak_store::Deed;
use offpeak_units::Power;

use super::answer::{Answers, book_error};
use super::live::{self, lock};
use crate::commands::unknown_devices;

/// Hours ahead in which a limit's values are looked for: a week of windows.
const HOURS: i64 = 168;
/// Texts that are kept beside the file at most; then somebody is to put some away.
const KEPT_MAX: u32 = 10_000;

/// Where the site file is, and with which text the site was started.
pub(crate) struct SiteFilePlace {
    /// As it was named; what it names lies beside that.
    given: PathBuf,
    /// Where it really is, if the name is a link.
    path: PathBuf,
    running: String,
    restart_due: AtomicBool,
    /// Circuits of the running site that the text last written through this has no more.
    dropped: Mutex<BTreeSet<String>>,
    /// One writes at a time.
    writing: Mutex<()>,
}

impl SiteFilePlace {
    /// Of a site that is about to be started.
    pub(crate) fn at(path: &Path) -> Result<Self> {
        let running = text_tag(&fs::read_to_string(path).unwrap_or_default());
        let given = std::path::absolute(path)?;
        let path = path.canonicalize().with_context(|| format!("{} cannot be found", path.display()))?;
        Ok(Self {
            given,
            path,
            running,
            restart_due: AtomicBool::new(false),
            dropped: Mutex::default(),
            writing: Mutex::default(),
        })
    }
    /// Whether the file is another than the site runs with, as far as it was looked at.
    pub(super) fn restart_due(&self) -> bool {
        self.restart_due.load(Ordering::Relaxed)
    }
    /// Whether the next start has no such circuit, as far as the file was written through the API.
    pub(super) fn drops(&self, circuit: &str) -> bool {
        lock(&self.dropped).contains(circuit)
    }
    fn name(&self) -> String {
        self.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }
    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or_else(|| Path::new("."))
    }
    /// Where the files are that it names.
    fn beside(&self) -> &Path {
        self.given.parent().unwrap_or_else(|| Path::new("."))
    }
    fn text(&self) -> Result<String, HandleError> {
        let text = fs::read_to_string(&self.path)
            .map_err(|error| HandleError::Unreadable(format!("{} cannot be read: {error}", self.name())))?;
        self.restart_due.store(text_tag(&text) != self.running, Ordering::Relaxed);
        Ok(text)
    }

    /// Reads a text as the site file. Of files beside it, only those are opened that the file on the disk names
    /// already, and tables in its own folder: a text from afar opens nothing else, secrets least of all.
    fn load(&self, text: &str) -> Result<(Loaded, Loaded), HandleError> {
        let named = RefCell::new(BTreeSet::new());
        let name = self.name();
        let open = |name: &str| fs::read_to_string(self.beside().join(name)).ok();
        let present = load_with_warnings(&name, &self.text()?, &|name| {
            named.borrow_mut().insert(name.to_owned());
            open(name)
        });
        let named = named.into_inner();
        let secrets = present.site.as_ref().and_then(|site| site.secrets.clone());
        let may_open = |name: &str| {
            secrets.as_deref() != Some(name) && (named.contains(name) || self.is_table_beside(name))
        };
        let loaded = load_with_warnings(&name, text, &|name| may_open(name).then(|| open(name))?);
        Ok((loaded, present))
    }

    fn is_table_beside(&self, name: &str) -> bool {
        let path = Path::new(name);
        let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
        let is_table = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv"));
        // A link that leads elsewhere is none.
        let leads = self.beside().join(path).canonicalize().ok();
        let within = self.beside().canonicalize().ok();
        is_plain && is_table && leads.zip(within).is_some_and(|(leads, within)| leads.starts_with(within))
    }

    /// A copy of the present text beside the file, with the first number that is free.
    fn keep(&self, text: &str) -> std::io::Result<String> {
        for number in 1..=KEPT_MAX {
            let name = format!("{}.{number}", self.name());
            match File::create_new(self.folder().join(&name)) {
                Ok(mut file) => {
                    file.set_permissions(fs::metadata(&self.path)?.permissions())?;
                    file.write_all(text.as_bytes())?;
                    file.sync_all()?;
                    return Ok(name);
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(std::io::Error::other(format!("{KEPT_MAX} texts are kept already")))
    }

    /// Writes a text beside the file, ready to take its place.
    fn prepare(&self, text: &str) -> std::io::Result<PathBuf> {
        let beside = self.folder().join(format!(".{}.new", self.name()));
        let mut file = File::create(&beside)?;
        file.set_permissions(fs::metadata(&self.path)?.permissions())?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        Ok(beside)
    }

    fn put(&self, prepared: &Path) -> std::io::Result<()> {
        fs::rename(prepared, &self.path)?;
        File::open(self.folder())?.sync_all()
    }
}

fn finding(of: &Diagnostic) -> FindingView {
    let Diagnostic { severity, file, line, column, path, found, expected, hint } = of;
    let hint = hint.as_ref().map_or_else(String::new, |hint| format!("; {hint}"));
    FindingView {
        severity: if *severity == Severity::Error { "error" } else { "warning" }.to_owned(),
        file: file.clone(),
        line: Some(*line),
        column: Some(*column),
        text: format!("{path}: found {found}, expected {expected}{hint}"),
    }
}

/// Every value that each source's limit takes on a circuit within a week: of the connection hour by hour, elsewhere now.
fn limits(site: &Site, now: Timestamp) -> BTreeMap<(String, String), BTreeSet<i64>> {
    let (none, mut found) = (Directives::default(), BTreeMap::<_, BTreeSet<i64>>::new());
    for hour in 0..HOURS {
        let at = now + SignedDuration::from_hours(hour);
        for (ix, limit) in every_limit(site, &none, None, at) {
            if hour == 0 || ix == CircuitIx::ROOT {
                let key = (site.circuits.get(ix).id.clone(), limit.source.describe(site));
                found.entry(key).or_default().insert(limit.power.to_milliwatts());
            }
        }
    }
    found
}

fn limit_changes(before: &Site, after: &Site, now: Timestamp) -> Vec<LimitChangeView> {
    let (before, after) = (limits(before, now), limits(after, now));
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let kw = |of: Option<&BTreeSet<i64>>| {
        let each = of.into_iter().flatten();
        each.map(|limit| Power::from_milliwatts(*limit).to_kilowatts_f64()).collect::<Vec<_>>()
    };
    let changed = keys.into_iter().filter(|key| before.get(*key) != after.get(*key));
    let view = |key: &(String, String)| LimitChangeView {
        circuit: key.0.clone(),
        source: key.1.clone(),
        before_kw: kw(before.get(key)),
        after_kw: kw(after.get(key)),
    };
    changed.map(view).collect()
}

impl Answers {
    fn place(&self) -> Result<&SiteFilePlace, HandleError> {
        self.site_file.as_ref().ok_or_else(|| {
            HandleError::NotRecorded(
                "this site has no site file\nhint: `offpeak run SITE` runs one; a demo makes its own"
                    .to_owned(),
            )
        })
    }

    /// What keeps a sound text from being this site's file.
    fn misfits(&self, place: &SiteFilePlace, site: &Site) -> Result<Vec<String>, HandleError> {
        let running = self.site();
        let mut found = unknown_devices(site);
        if site.id != running.id {
            found.push(format!(
                "site.id is `{}`, and this site's data are those of `{}`: another id is another site",
                site.id, running.id
            ));
        }
        if site.secrets != running.secrets {
            found.push("site.secrets names another file: that is changed on the site's machine".to_owned());
        } else if super::files::logins(site, &place.given).is_err() {
            // What stands in secrets is told to nobody from afar.
            found.push(
                "the site's secrets do not fit this: `offpeak check` on the site's machine says where"
                    .to_owned(),
            );
        }
        let in_force = self.shared.book.in_force(self.now()).map_err(book_error)?;
        if let Err(error) = live::directives(site, in_force) {
            found.push(format!("{error:#}; lift it first"));
        }
        Ok(found)
    }

    /// What is to be said of a text, and the site that it is, if any.
    fn judge(&self, place: &SiteFilePlace, text: &str) -> Result<(SiteCheckView, Option<Site>), HandleError> {
        let (loaded, present) = place.load(text)?;
        let mut findings: Vec<_> = loaded.diagnostics.iter().map(finding).collect();
        let misfits = loaded.site.as_ref().map(|site| self.misfits(place, site)).transpose()?;
        let is_fit = misfits.as_ref().is_some_and(Vec::is_empty);
        findings.extend(misfits.into_iter().flatten().map(|text| FindingView {
            severity: "error".to_owned(),
            file: place.name(),
            line: None,
            column: None,
            text,
        }));
        // What runs is compared; where the file on the disk is another already, a restart would bring that.
        let running = self.site();
        let before = present.site.as_ref().unwrap_or(&running);
        let limits =
            loaded.site.as_ref().map(|site| limit_changes(before, site, self.now())).unwrap_or_default();
        let view = SiteCheckView {
            sound: loaded.site.is_some() && is_fit,
            findings,
            limits,
            machines_before: before.machines.len() as u64,
            machines_after: loaded.site.as_ref().map(|site| site.machines.len() as u64),
        };
        Ok((view, loaded.site))
    }

    /// Circuits of the running site that another has no more.
    fn dropped_by(&self, next: &Site) -> BTreeSet<String> {
        let kept: BTreeSet<&str> = next.circuits.iter().map(|(_, circuit)| circuit.id.as_str()).collect();
        let running = self.site();
        let all = running.circuits.iter().map(|(_, circuit)| &circuit.id);
        all.filter(|id| !kept.contains(id.as_str())).cloned().collect()
    }

    /// From now on nothing is ordered that the next start could not read; what was, just before, is an error.
    fn drop_circuits(&self, place: &SiteFilePlace, next: &Site) -> Result<BTreeSet<String>, HandleError> {
        let dropped = self.dropped_by(next);
        let before = std::mem::replace(&mut *lock(&place.dropped), dropped.clone());
        let in_force = self.shared.book.in_force(self.now()).map_err(book_error);
        let fits = in_force.and_then(|in_force| {
            if let Some(circuit) = self.shared.books_later(&dropped) {
                let why = format!("a stop at `{circuit}` is still to be written to the book; lift it first");
                return Err(HandleError::Invalid(why));
            }
            live::directives(next, in_force).map_err(|error| HandleError::Invalid(format!("{error:#}")))
        });
        match fits {
            Ok(_) => Ok(before),
            Err(error) => {
                *lock(&place.dropped) = before;
                Err(error)
            }
        }
    }

    /// Puts a text in the file's place, noted first; gives its tag and as what the text before is kept.
    fn replace_text(
        &self,
        place: &SiteFilePlace,
        text: &str,
        before: &str,
        by: By<'_>,
    ) -> Result<(String, String), HandleError> {
        let failed = |error: std::io::Error| {
            HandleError::Unreadable(format!("{} was not written: {error}", place.name()))
        };
        let prepared = place.prepare(text).map_err(failed)?;
        let kept_as = place.keep(before).map_err(failed)?;
        let tag = text_tag(text);
        let why = format!("from {} to {tag}, the text before is {kept_as}: {}", text_tag(before), by.why);
        let subject = place.name();
        let deed = Deed { who: by.who, what: "site file", subject: &subject, why: &why };
        self.shared.book.note(self.now(), &deed).map_err(book_error)?;
        if let Err(error) = place.put(&prepared) {
            let deed = Deed { what: "site file not written", ..deed };
            self.shared.book.note(self.now(), &deed).map_err(book_error)?;
            return Err(failed(error));
        }
        Ok((tag, kept_as))
    }
}

impl SiteFile for Answers {
    fn site_text(&self) -> Result<String, HandleError> {
        self.place()?.text()
    }

    fn check_site(&self, text: &str) -> Result<SiteCheckView, HandleError> {
        self.judge(self.place()?, text).map(|(view, _)| view)
    }

    fn write_site(&self, text: &str, known: &str, by: By<'_>) -> Result<SiteWrittenView, HandleError> {
        let place = self.place()?;
        let _alone = lock(&place.writing);
        let before = place.text()?;
        if text_tag(&before) != known {
            return Err(HandleError::Changed(
                "the site file was changed since it was read\nhint: read it again, and change that"
                    .to_owned(),
            ));
        }
        let (judged, next) = self.judge(place, text)?;
        let Some(next) = next.filter(|_| judged.sound) else {
            let first = judged.findings.iter().find(|finding| finding.severity == "error");
            let words = first.map_or_else(String::new, |first| {
                let line = first.line.map_or_else(String::new, |line| format!("line {line}: "));
                format!(": {line}{}", first.text)
            });
            let hint = "POST /api/v1/site/check tells all of it";
            return Err(HandleError::Invalid(format!(
                "no site can be run with this, so nothing was written{words}\nhint: {hint}"
            )));
        };
        let dropped = self.drop_circuits(place, &next)?;
        let (tag, kept_as) = self.replace_text(place, text, &before, by).inspect_err(|_| {
            *lock(&place.dropped) = dropped;
        })?;
        self.tell(format!("{} written", place.name()), by);
        let restart_due = tag != place.running;
        place.restart_due.store(restart_due, Ordering::Relaxed);
        Ok(SiteWrittenView { tag, kept_as, restart_due })
    }
}

#[cfg(test)]
#[path = "site_file_tests.rs"]
mod tests;
