//! What a site answers beside its loop: what it recorded, and what stands in the field.

use jiff::Timestamp;
use offpeak_store::By;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::handle::HandleError;
use crate::view::{
    BackupView, HoldPreviewView, HoldView, LookView, MinutesView, ReportView, RowsView, ScanView,
    SiteCheckView, SiteWrittenView, VerificationView,
};

/// What a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReportAbout {
    /// What was drawn, by the meters.
    Energy,
    /// How the machines' time went by.
    Availability,
    /// What was hashed, by the machines' own words.
    Hash,
}

/// What a report's lines are by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReportBy {
    /// The civil day at the site.
    Day,
    /// The civil hour at the site.
    Hour,
    /// The hall.
    Hall,
    /// The circuit that a machine hangs on.
    Circuit,
    /// The owner.
    Owner,
    /// The model.
    Model,
    /// The machine.
    Machine,
}

/// Which report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportQuery {
    /// What it is about.
    pub about: ReportAbout,
    /// What its lines are by.
    pub by: Vec<ReportBy>,
    /// From this instant, or civil time at the site; from the first record unless given.
    pub from: Option<String>,
    /// Until before this one; until the last record unless given.
    pub until: Option<String>,
    /// Only this owner's machines, and nothing that the site's meters say of others.
    pub owner: Option<String>,
}

/// What a site recorded. Every call reads from the disk: run it where waiting is allowed.
pub trait Records: Send + Sync {
    /// A report out of the lake.
    ///
    /// # Errors
    /// For times that make no sense, too many lines, or a site that records nothing.
    fn report(&self, query: &ReportQuery) -> Result<ReportView, HandleError>;
    /// A machine's recorded time, in steps that suit its length; only while it was this owner's, where one is named.
    ///
    /// # Errors
    /// For a site that records nothing.
    fn minutes(
        &self,
        machine: &str,
        owner: Option<&str>,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<MinutesView, HandleError>;
    /// Recomputes the audit chain.
    ///
    /// # Errors
    /// When the book cannot be read.
    fn verify_audit(&self) -> Result<VerificationView, HandleError>;
    /// The copies of the book, newest first.
    fn backups(&self) -> Vec<BackupView>;
    /// Makes a copy of the book, whole and checked.
    ///
    /// # Errors
    /// When it cannot be written.
    fn back_up(&self, by: By<'_>) -> Result<BackupView, HandleError>;
    /// Asks lake and book in SQL; `rows` bounds the answer.
    ///
    /// # Errors
    /// For a question that the engine refuses, or where there is no engine.
    fn sql(&self, statement: &str, rows: usize) -> Result<RowsView, HandleError>;
}

/// What is done with machines by hand, beside the loop. Every call waits for them: run it where waiting is allowed.
pub trait Field: Send + Sync {
    /// Begins a search of networks; one runs at a time.
    ///
    /// # Errors
    /// For ranges that make no sense, or while another runs.
    fn scan(&self, ranges: &[String], by: By<'_>) -> Result<ScanView, HandleError>;
    /// The last search; `None` before the first.
    fn last_scan(&self) -> Option<ScanView>;
    /// Ends the search that runs; gives back how far it came.
    ///
    /// # Errors
    /// When none runs.
    fn end_scan(&self, by: By<'_>) -> Result<ScanView, HandleError>;
    /// Lets a machine that the last search found blink, or stop that: `address` is its address and port. Only
    /// the one that was found there is asked.
    ///
    /// # Errors
    /// When nothing known was found there, it refuses, does not answer, or another stands there by now.
    fn blink_found(&self, address: &str, on: bool, by: By<'_>) -> Result<(), HandleError>;
    /// Looks closely at a machine of the site, named by its id.
    ///
    /// # Errors
    /// For a machine without an address.
    fn look(&self, machine: &str) -> Result<LookView, HandleError>;
    /// Gives a machine of the site an order by hand. Only the machine that is bound to the place gets it.
    ///
    /// # Errors
    /// When it refuses, does not answer, another stands there, or the order is one for machines that run.
    fn by_hand(&self, machine: &str, order: &HandOrder, by: By<'_>) -> Result<(), HandleError>;
}

/// What is asked of a machine by hand. Its modes and limits are the loop's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandOrder {
    /// Let its light blink, or stop that.
    Locate(bool),
    /// Restart its control board; of a machine that runs only, since it may hash afterwards.
    Reboot,
    /// Mine for these pools, first to last.
    Pools(Vec<PoolOrder>),
}

/// A pool that a machine is to mine for.
#[derive(Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PoolOrder {
    /// Such as `stratum+tcp://pool.example:3333`.
    #[schema(min_length = 1, max_length = 500)]
    pub url: String,
    /// The account and worker.
    #[schema(min_length = 1, max_length = 500)]
    pub user: String,
    /// The password, where the pool looks at it.
    #[schema(max_length = 500)]
    #[serde(default)]
    pub password: String,
}

impl core::fmt::Debug for PoolOrder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("PoolOrder").field("url", &self.url).field("user", &self.user).finish_non_exhaustive()
    }
}

/// Single machines that somebody holds off. Changes are on disk when the call returns, and in force with the next cycle.
pub trait Holds: Send + Sync {
    /// What is held.
    fn holds(&self) -> Vec<HoldView>;
    /// Holds machines off, all of them or none; says how many.
    ///
    /// # Errors
    /// For a machine that is not there or a time that has passed, or when the book does not take it.
    fn hold(&self, machines: &[String], until: Option<Timestamp>, by: By<'_>) -> Result<usize, HandleError>;
    /// Lets go of those of the machines that are held; says how many.
    ///
    /// # Errors
    /// For a machine that is not there, where none is held, or when the book does not take it.
    fn release(&self, machines: &[String], by: By<'_>) -> Result<usize, HandleError>;
    /// What holding these would do now.
    ///
    /// # Errors
    /// For a machine that is not there or a time that has passed, or before the first cycle.
    fn preview_hold(
        &self,
        machines: &[String],
        until: Option<Timestamp>,
    ) -> Result<HoldPreviewView, HandleError>;
}

/// The site file. Every call reads from the disk: run it where waiting is allowed.
pub trait SiteFile: Send + Sync {
    /// As it stands on the disk.
    ///
    /// # Errors
    /// Where there is none, or it cannot be read.
    fn site_text(&self) -> Result<String, HandleError>;
    /// What a text would be in its place.
    ///
    /// # Errors
    /// Where there is none, or it cannot be read.
    fn check_site(&self, text: &str) -> Result<SiteCheckView, HandleError>;
    /// Writes it, from the text of a tag; what stood there is kept.
    ///
    /// # Errors
    /// When no site can be run with it, the file is another by now, or it could not be written.
    fn write_site(&self, text: &str, known: &str, by: By<'_>) -> Result<SiteWrittenView, HandleError>;
}
