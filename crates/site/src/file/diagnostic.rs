//! What is wrong in a file, where, and what was expected. Not here: what counts as wrong.

use core::fmt;
use core::ops::Range;

use serde::Serialize;

/// Whether a site can be run with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The site is refused.
    Error,
    /// The site runs, but somebody should look.
    Warning,
}

/// One mistake of a site file or of an inventory that it names.
///
/// ```
/// use offpeak_site::file::{Diagnostic, Severity};
/// let mistake = Diagnostic {
///     severity: Severity::Error,
///     file: "sites/x.toml".into(),
///     line: 14,
///     column: 9,
///     path: "limit_kw".into(),
///     found: "\"lots\"".into(),
///     expected: "a number of kilowatts, 0 or more".into(),
///     hint: None,
/// };
/// assert_eq!(
///     mistake.to_string(),
///     "sites/x.toml:14:9: limit_kw: found \"lots\", expected a number of kilowatts, 0 or more",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Whether it refuses the site.
    pub severity: Severity,
    /// The file, as it was named to the reader.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// The TOML key path such as `contract.windows[0].limit_kw`, or the column of an inventory.
    pub path: String,
    /// What stands there.
    pub found: String,
    /// What should.
    pub expected: String,
    /// What would help.
    pub hint: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { severity, file, line, column, path, found, expected, hint } = self;
        write!(f, "{file}:{line}:{column}: ")?;
        if *severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        if !path.is_empty() {
            write!(f, "{path}: ")?;
        }
        write!(f, "found {found}, expected {expected}")?;
        if let Some(hint) = hint {
            write!(f, " (hint: {hint})")?;
        }
        Ok(())
    }
}

/// A place in the site file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its key path.
    pub(crate) path: String,
    /// Its bytes.
    pub(crate) span: Range<usize>,
}

/// Gathers the mistakes of one file; never stops at the first.
pub(crate) struct Report<'t> {
    file: &'t str,
    text: &'t str,
    line_starts: Vec<usize>,
    /// Lines that are not TOML at all: whatever else is found there follows from that.
    broken_lines: Vec<u32>,
    diagnostics: Vec<Diagnostic>,
}

/// More mistakes than this are cut off: nobody reads them, and a hostile file must not fill the memory.
const DIAGNOSTICS_MAX: usize = 1_000;

impl<'t> Report<'t> {
    pub(crate) fn new(file: &'t str, text: &'t str) -> Self {
        let line_starts =
            std::iter::once(0).chain(text.match_indices('\n').map(|(place, _)| place + 1)).collect();
        Self { file, text, line_starts, broken_lines: Vec::new(), diagnostics: Vec::new() }
    }

    /// The line and column, from 1, of a byte.
    fn position(&self, byte: usize) -> (u32, u32) {
        let line = self.line_starts.partition_point(|start| *start <= byte).max(1);
        let start = self.line_starts[line - 1];
        let before = self.text.get(start..byte.min(self.text.len())).unwrap_or("");
        (
            u32::try_from(line).unwrap_or(u32::MAX),
            u32::try_from(before.chars().count() + 1).unwrap_or(u32::MAX),
        )
    }

    /// What stands at a place, on one line and not too long.
    pub(crate) fn quote(&self, place: &Place) -> String {
        let text = self.text.get(place.span.clone()).unwrap_or("").trim();
        let line = text.lines().next().unwrap_or("");
        if line.is_empty() {
            return "nothing".to_owned();
        }
        let mut shown: String = line.chars().take(40).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        shown
    }

    /// The line of the file on which a place begins.
    pub(crate) fn line(&self, place: &Place) -> u32 {
        self.position(place.span.start).0
    }

    /// Something that is not TOML.
    pub(crate) fn syntax(&mut self, error: &toml::de::Error) {
        let span = error.span().unwrap_or(0..0);
        let (line, _) = self.position(span.start);
        if self.broken_lines.contains(&line) {
            return;
        }
        let place = Place { path: String::new(), span };
        let found = self.quote(&place);
        let message = error.message().trim().replace('\n', ", ");
        self.push(Severity::Error, &place, &found, &format!("TOML: {message}"), None);
        self.broken_lines.push(line);
    }

    /// A mistake whose finding is what stands there.
    pub(crate) fn wrong(&mut self, place: &Place, expected: &str) {
        let found = self.quote(place);
        self.push(Severity::Error, place, &found, expected, None);
    }

    /// A mistake with a finding of its own.
    pub(crate) fn error(&mut self, place: &Place, found: &str, expected: &str) {
        self.push(Severity::Error, place, found, expected, None);
    }

    /// A mistake with a finding of its own and what would help.
    pub(crate) fn error_with_hint(
        &mut self,
        place: &Place,
        found: &str,
        expected: &str,
        hint: Option<String>,
    ) {
        self.push(Severity::Error, place, found, expected, hint);
    }

    /// Something that a site runs with, but that somebody should look at.
    pub(crate) fn warning(&mut self, place: &Place, found: &str, expected: &str, hint: Option<String>) {
        self.push(Severity::Warning, place, found, expected, hint);
    }

    /// A key that is not there.
    pub(crate) fn missing(&mut self, place: &Place, key: &str, expected: &str) {
        // A line that could not be read may hold it.
        let broken = self.broken_lines.iter().any(|line| {
            let start = self.line_starts[*line as usize - 1];
            let rest = self.text[start..].lines().next().unwrap_or("");
            rest.trim_start_matches(['[', ' ', '\t', '"']).starts_with(key)
        });
        if !broken {
            self.push(Severity::Error, place, "nothing", expected, None);
        }
    }

    /// A mistake of another file.
    pub(crate) fn elsewhere(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < DIAGNOSTICS_MAX {
            self.diagnostics.push(diagnostic);
        }
    }

    fn push(&mut self, severity: Severity, place: &Place, found: &str, expected: &str, hint: Option<String>) {
        let (line, column) = self.position(place.span.start);
        if self.broken_lines.contains(&line) {
            return;
        }
        self.elsewhere(Diagnostic {
            severity,
            file: self.file.to_owned(),
            line,
            column,
            path: place.path.clone(),
            found: found.to_owned(),
            expected: expected.to_owned(),
            hint,
        });
    }

    /// Whether the site must be refused.
    pub(crate) fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Everything found, in the order of the file.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        let main = self.file;
        self.diagnostics.sort_by(|a, b| {
            let key = |d: &Diagnostic| (d.file != main, d.file.clone(), d.line, d.column, d.severity);
            key(a).cmp(&key(b))
        });
        self.diagnostics.dedup();
        self.diagnostics
    }
}
