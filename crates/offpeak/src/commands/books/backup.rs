//! `offpeak backup` and `offpeak restore`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use offpeak_server::view::BackupView;
use offpeak_store::{BackupError, BookError, back_up, restore as put_back};
use reqwest::Method;

use super::{BOOK, book_in, folder_with};
use crate::cli::{Backup, Restore};
use crate::commands::print;
use crate::commands::running::{client, told};
use crate::exit::{Exit, WrongUsage};

/// A backup's name in a folder, by the time it is made.
pub(crate) fn copy_name(at: Timestamp) -> String {
    format!("book-{}.sqlite", at.strftime("%Y%m%dT%H%M%SZ"))
}

/// When a backup with such a name was made; `None` for a file that is called otherwise.
pub(crate) fn copy_time(name: &str) -> Option<Timestamp> {
    let text = name.strip_prefix("book-")?.strip_suffix("Z.sqlite")?;
    let at = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%S", text).ok()?;
    jiff::tz::TimeZone::UTC.to_timestamp(at).ok()
}

/// Where a backup goes: the file named, or a name by the time in the folder named.
fn target_of(named: &Path, at: Timestamp) -> PathBuf {
    let is_folder = named.is_dir() || named.as_os_str().as_encoded_bytes().ends_with(b"/");
    if is_folder { named.join(copy_name(at)) } else { named.to_owned() }
}

pub(crate) fn backup(args: &Backup) -> Result<Exit> {
    if args.site.site.is_some() {
        return remote(args);
    }
    let Some(target) = &args.target else {
        return Err(
            WrongUsage("where the copy goes is not said\nhint: a new file, or a folder".to_owned()).into()
        );
    };
    let book = book_in(&folder_with(&args.site, BOOK)?)?;
    let target = target_of(target, Timestamp::now());
    if let Some(folder) = target.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    let copied = back_up(&book, &target)?;
    print(&format!(
        "{}: {} bytes, {} entries of the audit chain, checked",
        copied.path.display(),
        copied.bytes,
        copied.audit.entries
    ))?;
    Ok(Exit::Done)
}

/// A site elsewhere keeps its copies itself.
fn remote(args: &Backup) -> Result<Exit> {
    if args.target.is_some() {
        let words = "a site elsewhere copies into its own folder\nhint: leave the target out, or run this on its machine";
        return Err(WrongUsage(words.to_owned()).into());
    }
    let reason: Vec<_> = args.reason.iter().map(|reason| ("reason", reason.clone())).collect();
    let made: BackupView = match client(&args.site)? {
        Ok(client) => {
            match told(&args.site, client.change(Method::POST, &["backups"], &reason, None::<&()>))? {
                Ok(made) => made,
                Err(exit) => return Ok(exit),
            }
        }
        Err(exit) => return Ok(exit),
    };
    print(&format!("{}: {} bytes, checked, in the site's folder of copies", made.name, made.bytes))?;
    Ok(Exit::Done)
}

pub(crate) fn restore(args: &Restore) -> Result<Exit> {
    if !args.dir.is_dir() {
        bail!("there is no folder {}\nhint: `mkdir -m 700 {0}` makes it", args.dir.display());
    }
    let book = args.dir.join(BOOK);
    let restored = match put_back(&args.backup, &book, Timestamp::now(), &args.by) {
        Err(BackupError::Book(error @ BookError::InUse { .. })) => {
            eprintln!("error: {error}\nhint: end the site first; nothing was changed");
            return Ok(Exit::Refused);
        }
        Err(error @ (BackupError::Broken { .. } | BackupError::Audit { .. })) => {
            eprintln!("error: {:#}\nhint: nothing was changed", anyhow::Error::from(error));
            return Ok(Exit::CheckFailed);
        }
        other => other?,
    };
    let aside = restored
        .aside
        .map_or_else(String::new, |path| format!("\nwhat stood there before is {}", path.display()));
    print(&format!(
        "{} is put back, with {} entries of the audit chain{aside}",
        book.display(),
        restored.audit.entries
    ))?;
    Ok(Exit::Done)
}
