//! What the process says by its exit code: one table, printed in the help and in docs/cli.md.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// As asked; an end that was asked for among it.
    Done,
    /// Something failed; the message says what.
    Failed,
    /// The command line is wrong; mostly clap says so itself.
    Usage,
    /// The site file, or the input of a command, has mistakes.
    Mistakes,
    /// No site is running there.
    NothingRuns,
    /// The running site refused.
    Refused,
    /// A limit was exceeded in a simulation or a demo.
    LimitExceeded,
    /// A file was checked and is not what it says.
    CheckFailed,
}

/// The table.
pub(crate) const TABLE: &str = "\
Exit codes:
  0  done, or ended as asked: by its time, a key, SIGINT or SIGTERM
  1  something failed; the message says what
  2  the command line is wrong
  3  the site file, or the input of a command, has mistakes
  4  no site is running there
  5  the running site refused
  6  a limit was exceeded in a simulation or a demo
  7  a file was checked and is not what it says";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Mistakes => 3,
            Exit::NothingRuns => 4,
            Exit::Refused => 5,
            Exit::LimitExceeded => 6,
            Exit::CheckFailed => 7,
        })
    }
}

/// A word of the command line that only the command itself could find wrong. Ends with [`Exit::Usage`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WrongUsage(pub(crate) String);
