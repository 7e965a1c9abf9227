//! What a serving twin says of itself, so that `run --twin` on the same machine finds it: one file a site, in
//! a folder that is the user's alone, since whoever writes there chooses what `run --twin` drives.
//!
//! Not here: the twin itself, and what a mine's controller says (`socket`).

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};
use jiff::{SignedDuration, Timestamp};
use offpeak_drivers::clock::Clock;
use offpeak_site::Site;
use rustix::process::{Pid, getuid, test_kill_process};
use serde::{Deserialize, Serialize};

use super::files;
use crate::commands::DATA;

/// A twin at work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Notice {
    pub(super) site: String,
    pub(super) machines: usize,
    /// Its time at the moment `origin_unix_ms` of the system's clock.
    pub(super) start: Timestamp,
    pub(super) origin_unix_ms: u64,
    pub(super) speed: u32,
    /// One port a machine.
    pub(super) ports: bool,
    pub(super) http_port: u16,
    pub(super) pid: u32,
}

/// Milliseconds since 1970.
pub(super) fn unix_ms() -> u64 {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)
}

/// The user's runtime folder, where the session has one of this user's, or else the data folder here.
fn folder() -> PathBuf {
    let ours = |path: &PathBuf| fs::metadata(path).is_ok_and(|found| found.uid() == getuid().as_raw());
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    runtime
        .filter(|path| path.is_absolute() && ours(path))
        .map_or_else(|| Path::new(DATA).join("twins"), |path| path.join("offpeak"))
}

fn file_name(site: &str) -> String {
    format!("twin-{}.json", files::name_of(site))
}

/// A folder of this user's own that nobody else may enter; made if it is missing, no link in its place.
fn own(folder: &Path) -> Result<()> {
    let told = || format!("the folder {} for the twin's notice", folder.display());
    if let Some(parent) = folder.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent).with_context(told)?;
    }
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error).with_context(told),
        _ => {}
    }
    let found = fs::symlink_metadata(folder).with_context(told)?;
    ensure!(found.is_dir(), "{} is no folder\nhint: remove what stands there", folder.display());
    ensure!(found.uid() == getuid().as_raw(), "{} is another user's", folder.display());
    ensure!(
        found.mode() & 0o077 == 0,
        "{} is open to others\nhint: `chmod 700 {}`",
        folder.display(),
        folder.display()
    );
    Ok(())
}

/// A notice in its place. It goes with its twin.
#[derive(Debug)]
pub(super) struct Posted(PathBuf);

impl Drop for Posted {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl Notice {
    /// Says early whether a notice can be posted.
    pub(super) fn prepare() -> Result<()> {
        own(&folder())
    }

    /// Posts it: written whole to a new file, which then takes the place of an older one. A link there is
    /// replaced, never followed.
    pub(super) fn post(&self) -> Result<Posted> {
        self.post_in(&folder())
    }

    fn post_in(&self, folder: &Path) -> Result<Posted> {
        own(folder)?;
        let path = folder.join(file_name(&self.site));
        let fresh = folder.join(format!(".{}-{}", std::process::id(), file_name(&self.site)));
        let write = || {
            let _ = fs::remove_file(&fresh);
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
            file.write_all(&serde_json::to_vec(self)?)?;
            fs::rename(&fresh, &path)
        };
        if let Err(error) = write() {
            let _ = fs::remove_file(&fresh);
            return Err(error).with_context(|| format!("{} cannot be written", path.display()));
        }
        Ok(Posted(path))
    }

    /// The notice of the twin that serves this site here.
    pub(super) fn of(site: &Site) -> Result<Self> {
        Self::read_in(&folder(), &site.id)
    }

    fn read_in(folder: &Path, site: &str) -> Result<Self> {
        let path = folder.join(file_name(site));
        let start = "start `offpeak twin SITE` first, in this folder and as this user";
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                bail!("no twin of `{site}` is running here: there is no {}\nhint: {start}", path.display())
            }
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
        };
        own(folder)?;
        let notice: Self = serde_json::from_str(&text)
            .with_context(|| format!("{} is no twin's notice\nhint: remove it", path.display()))?;
        let pid = i32::try_from(notice.pid).ok().and_then(Pid::from_raw);
        if pid.is_none_or(|pid| test_kill_process(pid).is_err()) {
            bail!("the twin of `{site}` that was process {} is gone\nhint: {start}", notice.pid);
        }
        Ok(notice)
    }

    /// Its clock, from this side.
    pub(super) fn clock(&self) -> Clock {
        let passed_ms = unix_ms().saturating_sub(self.origin_unix_ms).saturating_mul(self.speed.into());
        let passed = SignedDuration::from_millis(i64::try_from(passed_ms).unwrap_or(i64::MAX));
        Clock::starting_at_speed(self.start + passed, self.speed)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn notice() -> Notice {
        Notice {
            site: "small".to_owned(),
            machines: 64,
            start: Timestamp::UNIX_EPOCH,
            origin_unix_ms: 0,
            speed: 10,
            ports: true,
            http_port: 80,
            pid: std::process::id(),
        }
    }

    #[test]
    fn a_notice_is_found_and_goes_with_its_twin() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("run/offpeak");
        let posted = notice().post_in(&folder).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(&posted.0).unwrap().mode() & 0o777, 0o600);
        assert_eq!(Notice::read_in(&folder, "small").unwrap(), notice());
        drop(posted);
        let gone = Notice::read_in(&folder, "small").unwrap_err().to_string();
        assert!(gone.contains("no twin of `small`") && gone.contains("hint:"), "{gone}");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "nothing is left over");
    }

    #[test]
    fn a_link_is_replaced_and_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("offpeak");
        let victim = dir.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        own(&folder).unwrap();
        let path = folder.join(file_name("small"));
        symlink(&victim, &path).unwrap();
        symlink(&victim, folder.join(format!(".{}-{}", std::process::id(), file_name("small")))).unwrap();
        let _posted = notice().post_in(&folder).unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
    }

    #[test]
    fn a_folder_that_others_may_enter_or_choose_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (open, link) = (dir.path().join("open"), dir.path().join("link"));
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(notice().post_in(&open).unwrap_err().to_string().contains("open to others"));
        symlink(dir.path(), &link).unwrap();
        assert!(notice().post_in(&link).unwrap_err().to_string().contains("is no folder"));
    }

    #[test]
    fn a_twin_that_was_killed_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        let _posted = Notice { pid, ..notice() }.post_in(&dir.path().join("offpeak")).unwrap();
        let gone = Notice::read_in(&dir.path().join("offpeak"), "small").unwrap_err().to_string();
        assert!(gone.contains("is gone"), "{gone}");
    }

    #[test]
    fn a_site_s_name_stays_in_the_folder() {
        assert_eq!(file_name("../../etc/x y"), "twin-_._.._etc_x_y.json");
    }
}
