//! What the fake site recorded, and who stands in its field.

use jiff::{SignedDuration, Timestamp};
use offpeak_server::view::{
    BackupView, FoundView, HoldPreviewView, HoldView, LookView, MeteredView, MinutesView, ReportView,
    RowsView, ScanView, SiteCheckView, SiteWrittenView, VerificationView,
};
use offpeak_server::{By, Field, HandOrder, HandleError, Holds, Records, ReportQuery, SiteFile};
use serde_json::{Map, Value, json};

use super::fake::{Fake, at, machine};

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

impl Records for Fake {
    fn report(&self, query: &ReportQuery) -> Result<ReportView, HandleError> {
        if query.from.as_deref().is_some_and(|from| from.parse::<Timestamp>().is_err()) {
            return Err(HandleError::Invalid("`from` is no time\nhint: 2022-10-03T00:00:00Z".into()));
        }
        let mine = |owner: &String| query.owner.as_ref().is_none_or(|only| only == owner);
        let owners = (1..=2).map(|place| machine(place).owner).filter(mine);
        let is_whole = query.owner.is_none();
        Ok(ReportView {
            about: "energy".into(),
            by: query.by.iter().map(|by| format!("{by:?}").to_lowercase()).collect(),
            from: at(),
            until: at() + SignedDuration::from_hours(1),
            time_zone: "UTC".into(),
            columns: vec!["owner".into(), "energy_wh".into()],
            lines: owners
                .enumerate()
                .map(|(n, owner)| object(json!({"owner": owner, "energy_wh": (n == 0).then_some(3_400)})))
                .collect(),
            metered: is_whole.then_some(MeteredView {
                metered_wh: Some(3_500),
                rest_wh: Some(100),
                missing_s: 0,
                measured_s: 3_600,
                register_s: 0,
                estimated_s: 0,
            }),
        })
    }
    fn minutes(
        &self,
        machine: &str,
        _owner: Option<&str>,
        from: Timestamp,
        _until: Timestamp,
    ) -> Result<MinutesView, HandleError> {
        Ok(MinutesView {
            machine: machine.to_owned(),
            step_s: 60,
            at: vec![from],
            power_w: vec![None],
            said_w: vec![Some(3_400.0)],
            hash_rate_ths: vec![Some(90.5)],
            hashing: vec![Some(1.0)],
        })
    }
    fn verify_audit(&self) -> Result<VerificationView, HandleError> {
        Ok(VerificationView {
            holds: false,
            entries: 2,
            head: None,
            checkpoints: 0,
            signed_up_to: 0,
            keys: vec![],
            expected_key: None,
            fault: Some("entry 2 is not what was written".into()),
        })
    }
    fn backups(&self) -> Vec<BackupView> {
        vec![]
    }
    fn back_up(&self, by: By<'_>) -> Result<BackupView, HandleError> {
        self.note("backup", by);
        Ok(BackupView { name: "book-20221003T181000Z.sqlite".into(), at: at(), bytes: 4_096 })
    }
    fn sql(&self, statement: &str, rows: usize) -> Result<RowsView, HandleError> {
        if !statement.to_lowercase().starts_with("select") {
            return Err(HandleError::Invalid(format!("`{statement}` is no question\nhint: SELECT …")));
        }
        Ok(RowsView { rows: vec![object(json!({"limit": rows}))], is_cut: false })
    }
}

impl Field for Fake {
    fn scan(&self, ranges: &[String], by: By<'_>) -> Result<ScanView, HandleError> {
        if !ranges.iter().all(|range| range.starts_with("10.")) {
            return Err(HandleError::Invalid("that is no range\nhint: 10.1.0.0/22".into()));
        }
        self.note(&format!("scan {}", ranges.join(" ")), by);
        self.last_scan().ok_or_else(|| HandleError::Conflict("no scan".into()))
    }
    fn last_scan(&self) -> Option<ScanView> {
        let found = FoundView {
            address: "10.0.0.1".into(),
            port: 4028,
            family: Some("whatsminer-v2".into()),
            model: None,
            mac: None,
            serial: None,
            firmware: None,
            note: None,
            machine: Some(machine(1).id),
        };
        Some(ScanView {
            id: 1,
            ranges: vec!["10.0.0.0/24".into()],
            began: at(),
            state: "running".into(),
            trouble: None,
            asked: 7,
            of: 256,
            machines: 1,
            found: vec![found],
        })
    }
    fn end_scan(&self, by: By<'_>) -> Result<ScanView, HandleError> {
        self.note("end of the scan", by);
        self.last_scan().ok_or_else(|| HandleError::Conflict("no search runs".into()))
    }
    fn blink_found(&self, address: &str, on: bool, by: By<'_>) -> Result<(), HandleError> {
        if address != "10.0.0.1:4028" {
            return Err(HandleError::Conflict("nothing was found there".into()));
        }
        self.note(&format!("blink {on} {address}"), by);
        Ok(())
    }
    fn look(&self, machine: &str) -> Result<LookView, HandleError> {
        let understood = object(json!({"address": machine}));
        Ok(LookView { understood, details: None, functions: Map::new(), transcript: String::new() })
    }
    fn by_hand(&self, machine: &str, order: &HandOrder, by: By<'_>) -> Result<(), HandleError> {
        self.note(&format!("{order:?} {machine}"), by);
        Ok(())
    }
}

impl Holds for Fake {
    fn holds(&self) -> Vec<HoldView> {
        machine(1).held.into_iter().collect()
    }
    fn hold(&self, machines: &[String], until: Option<Timestamp>, by: By<'_>) -> Result<usize, HandleError> {
        let end = until.map_or_else(|| "released".to_owned(), |until| until.to_string());
        if let Some(other) = machines.iter().find(|name| (1..=2).all(|place| machine(place).id != **name)) {
            return Err(HandleError::NoMachine(other.clone()));
        }
        self.note(&format!("hold {} until {end}", machines.join(" ")), by);
        Ok(machines.len())
    }
    fn release(&self, machines: &[String], by: By<'_>) -> Result<usize, HandleError> {
        self.note(&format!("release {}", machines.join(" ")), by);
        Ok(machines.len())
    }
    fn preview_hold(
        &self,
        machines: &[String],
        _until: Option<Timestamp>,
    ) -> Result<HoldPreviewView, HandleError> {
        Ok(HoldPreviewView {
            machines: machines.len(),
            before_kw: 6.8,
            after_kw: 3.4,
            stops: vec![(machine(1).id, "sleep".into())],
            off_already: vec![],
            left: vec![],
            waiting: 0,
            takes_s: 10.0,
            cost_per_h: Some(1.0),
            cost: Some(12.0),
            currency: "KZT".into(),
        })
    }
}

/// What the fake's site file says.
pub(crate) const SITE_TEXT: &str = "[site]\nid = \"fake\"\n";

impl SiteFile for Fake {
    fn site_text(&self) -> Result<String, HandleError> {
        Ok(SITE_TEXT.into())
    }
    fn check_site(&self, text: &str) -> Result<SiteCheckView, HandleError> {
        let sound = text.starts_with("[site]");
        Ok(SiteCheckView {
            sound,
            findings: vec![],
            limits: vec![],
            machines_before: 2,
            machines_after: None,
        })
    }
    fn write_site(&self, text: &str, known: &str, by: By<'_>) -> Result<SiteWrittenView, HandleError> {
        if known != offpeak_server::api::text_tag(SITE_TEXT) {
            return Err(HandleError::Changed("it is another by now\nhint: read it again".into()));
        }
        self.note("site file", by);
        let tag = offpeak_server::api::text_tag(text);
        Ok(SiteWrittenView { tag, kept_as: "fake.toml.1".into(), restart_due: true })
    }
}
