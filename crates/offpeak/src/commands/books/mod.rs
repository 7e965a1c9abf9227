//! Commands on what was recorded: the audit chain, backup and restore, reports.

mod audit;
mod backup;
mod report;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::running::DATA;
use crate::cli::SiteDir;

pub(crate) use audit::{audit, expected_key, verification};
pub(crate) use backup::{backup, copy_name, copy_time, restore};
pub(crate) use report::report;

/// The book's name in a data folder.
pub(crate) const BOOK: &str = "book.sqlite";

/// The data folder that is meant: the one named, or the only one that has what is asked for. Whether a site
/// runs there does not matter.
fn folder_with(site: &SiteDir, what: &str) -> Result<PathBuf> {
    if let Some(dir) = &site.dir {
        return Ok(dir.clone());
    }
    let entries = std::fs::read_dir(DATA).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = entries.filter(|path| path.join(what).exists()).collect();
    found.sort();
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => bail!("no folder under ./{DATA} has a {what}\nhint: name a site's data folder with --dir"),
        _ => {
            let names: Vec<_> = found.iter().map(|path| path.display().to_string()).collect();
            bail!("several sites have a {what}: {}\nhint: say which with --dir", names.join(", "))
        }
    }
}

/// The book in a folder, which must be there.
fn book_in(dir: &Path) -> Result<PathBuf> {
    let book = dir.join(BOOK);
    if !book.is_file() {
        bail!("there is no book in {}\nhint: name a site's data folder with --dir", dir.display());
    }
    Ok(book)
}
