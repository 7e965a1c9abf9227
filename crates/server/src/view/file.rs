//! The site file: what is wrong in a text, and what it would change.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something to mend or to look at in a site file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FindingView {
    /// `error`: the site is refused with it; `warning`: it runs, but somebody should look.
    pub severity: String,
    /// The file it stands in: the site file, or an inventory that it names.
    pub file: String,
    /// The line, from 1; `null` where it stands on no line.
    pub line: Option<u32>,
    /// The column, from 1; `null` as above.
    pub column: Option<u32>,
    /// What was found and what was expected.
    pub text: String,
}

/// A limit that a text would change: every value that it takes within the coming week.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LimitChangeView {
    /// Where.
    pub circuit: String,
    /// Who says so.
    pub source: String,
    /// As the site runs now; empty where this source says nothing there.
    pub before_kw: Vec<f64>,
    /// As it would be; empty as above.
    pub after_kw: Vec<f64>,
}

/// What a text would be as the site file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SiteCheckView {
    /// Whether a site could be run with it.
    pub sound: bool,
    /// In the order of the file.
    pub findings: Vec<FindingView>,
    /// Limits that would change; of orders, nothing.
    pub limits: Vec<LimitChangeView>,
    /// Machines of the site as it runs.
    pub machines_before: u64,
    /// Machines as it would be; `null` where no site could be run.
    pub machines_after: Option<u64>,
}

/// That the site file was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SiteWrittenView {
    /// What the next change is to carry as `If-Match`.
    pub tag: String,
    /// As what the text before is kept beside it.
    pub kept_as: String,
    /// Whether the site is to be started again for it; it is not where the text is again what the site runs with.
    pub restart_due: bool,
}
