//! How a machine says no, and how a reply fails to be one.
//!
//! Not here: what is made of it (`dispatch`).

use core::fmt;

use offpeak_site::{Outcome, Trouble};

/// A machine's refusal, in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The API's message code or HTTP status, where it gave one.
    pub code: Option<u64>,
    /// Its words.
    pub words: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "{} (code {code})", self.words),
            None => f.write_str(&self.words),
        }
    }
}

/// A reply without what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyError {
    /// The machine refused, in its own words.
    Refused(Refusal),
    /// It is no reply of this protocol, or none came.
    Broken(Trouble),
}

impl ReplyError {
    /// A refusal without a code: the machine's words, or ours for what a family cannot do.
    #[must_use]
    pub fn refused(words: impl Into<String>) -> Self {
        Self::Refused(Refusal { code: None, words: words.into() })
    }
    /// What stands between us and the machine: a refusal to be read is `Denied`.
    #[must_use]
    pub const fn trouble(&self) -> Trouble {
        match self {
            Self::Refused(_) => Trouble::Denied,
            Self::Broken(trouble) => *trouble,
        }
    }
}

impl From<Trouble> for ReplyError {
    fn from(trouble: Trouble) -> Self {
        Self::Broken(trouble)
    }
}

/// How the sending of a command ended.
pub(crate) fn outcome_of(outcome: Result<(), ReplyError>) -> Outcome {
    match outcome {
        Ok(()) => Outcome::Accepted,
        Err(ReplyError::Refused(refusal)) => Outcome::Refused(refusal.to_string()),
        Err(ReplyError::Broken(trouble)) => Outcome::Unanswered(trouble),
    }
}
