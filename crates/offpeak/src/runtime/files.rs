//! The data folder of a site, and what the process may open.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use offpeak_drivers::secrets::{Logins, Secrets};
use offpeak_site::Site;
use offpeak_store::{Book, BookError};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

use super::record::LAKE;
use crate::commands::{BOOK, DATA};

/// A site's id as one part of a path: what is no letter, digit, dot, dash or underline becomes one, and so does
/// a dot at the start.
pub(crate) fn name_of(id: &str) -> String {
    let plain = |(place, letter): (usize, char)| match letter {
        '.' if place == 0 => '_',
        '.' | '-' | '_' => letter,
        _ if letter.is_alphanumeric() => letter,
        _ => '_',
    };
    id.chars().enumerate().map(plain).collect()
}

/// The data folder of a site, where none is named.
pub(crate) fn default_dir(id: &str) -> PathBuf {
    Path::new(DATA).join(name_of(id))
}

/// Makes the folder, closed to others, and says where the book is.
pub(crate) fn book(dir: &Path) -> Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).with_context(|| {
        let hint = "--dir or OFFPEAK_DIR names another folder, one that this user may write to";
        format!("the data folder {} cannot be made\nhint: {hint}", dir.display())
    })?;
    // One that was there before may be open to others.
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700))
        .with_context(|| format!("the data folder {} cannot be closed to others", dir.display()))?;
    Ok(dir.join(BOOK))
}

/// Opens the book of a site's folder, and says what to do where another process has it.
pub(crate) fn open_book(dir: &Path) -> Result<Book> {
    let path = book(dir)?;
    Book::open(&path).map_err(|error| match error {
        BookError::InUse { .. } => {
            let dir = dir.display();
            let hint = format!("a site runs in {dir} already: `offpeak status --dir {dir}` shows it");
            anyhow::Error::from(error).context(format!("one controller at a time\nhint: {hint}"))
        }
        error => error.into(),
    })
}

/// As [`book`], without what an earlier demo left. Only for a folder that holds a demo's book.
pub(crate) fn fresh_book(dir: &Path) -> Result<PathBuf> {
    let path = book(dir)?;
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match fs::remove_file(&name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("{} cannot be removed", name.display()));
            }
            _ => {}
        }
    }
    Ok(path)
}

/// Takes away what an earlier demo recorded. Only for a folder that holds a demo's book.
pub(crate) fn clear_lake(dir: &Path) -> Result<()> {
    let lake = dir.join(LAKE);
    match fs::remove_dir_all(&lake) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", lake.display()))
        }
        _ => Ok(()),
    }
}

/// Lets the process open as many files as the system allows it; the usual 1,024 are few for a mine.
pub(crate) fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
    {
        warn!(%error, "the limit of open files stays as it is");
    }
}

/// How many files the process may open.
pub(crate) fn open_files() -> usize {
    getrlimit(Resource::Nofile).current.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
}

/// What opens a site's machines: its secrets file, the environment, the factory's logins.
pub(crate) fn logins(site: &Site, site_file: &Path) -> Result<Logins> {
    let secrets = match &site.secrets {
        Some(name) => {
            let path = site_file.parent().unwrap_or_else(|| Path::new(".")).join(name);
            let what = || format!("the secrets file {}", path.display());
            Secrets::parse(&private_text(&path)?).with_context(what)?
        }
        None => Secrets::default(),
    };
    let what =
        || site.secrets.clone().map_or_else(|| "the environment".to_owned(), |name| format!("`{name}`"));
    secrets.logins(site, &|name| std::env::var(name).ok()).with_context(what)
}

/// The text of a file that nobody but its owner may read.
fn private_text(path: &Path) -> Result<String> {
    let mut file = fs::File::open(path).with_context(|| {
        format!(
            "the secrets file {} cannot be read\nhint: `secrets` in [site] is relative to the site file",
            path.display()
        )
    })?;
    // Of the open file, so that it cannot be another by then.
    let mode = file.metadata()?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        bail!(
            "the secrets file {} is open to others (mode {mode:03o})\nhint: chmod 600 {}",
            path.display(),
            path.display()
        );
    }
    let mut text = String::new();
    std::io::Read::read_to_string(&mut file, &mut text)
        .with_context(|| format!("the secrets file {}", path.display()))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_s_data_stays_under_the_data_folder() {
        assert_eq!(default_dir("small"), Path::new("offpeak-data/small"));
        assert_eq!(default_dir("/etc/cron.d"), Path::new("offpeak-data/_etc_cron.d"));
        assert_eq!(default_dir(".."), Path::new("offpeak-data/_."));
        assert_eq!(default_dir("Экибастуз-2"), Path::new("offpeak-data/Экибастуз-2"));
    }
}
