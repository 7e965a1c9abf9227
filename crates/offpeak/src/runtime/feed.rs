//! Reads the site's feed file as it changes. Not here: what its values mean, and when they are too old.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use offpeak_dispatch::{Feeds, SignalWord};
use offpeak_site::Site;
use offpeak_site::file::Feed;
use offpeak_store::SignalEntry;
use tracing::{info, warn};

use super::live::{Shared, lock};

/// A feed is small: longer files are refused.
const BYTES_MAX: u64 = 64 * 1024;
/// How often the file is looked at.
const EVERY: Duration = Duration::from_secs(2);

/// The feed's path: beside the site file.
pub(crate) fn path(site: &Site, site_file: &Path) -> Option<PathBuf> {
    let folder = site_file.parent().unwrap_or_else(|| Path::new("."));
    site.rules.feed.as_ref().map(|name| folder.join(name))
}

/// Follows the file until the future is dropped. What cannot be read leaves the last words standing, which age.
pub(crate) async fn follow(shared: Arc<Shared>, path: PathBuf) {
    let mut seen = None;
    loop {
        let (from, shared_too) = (path.clone(), Arc::clone(&shared));
        let read = tokio::task::spawn_blocking(move || {
            changed(&from, seen)
                .map(|(at, text)| (at, text.and_then(|text| taken(&shared_too, &from, &text))))
        });
        if let Ok(Some((at, result))) = read.await {
            seen = Some(at);
            match result {
                Ok(feeds) => {
                    info!(feed = %path.display(), "feed read");
                    lock(&shared.directives).feeds = feeds;
                    *lock(&shared.feed_trouble) = None;
                    shared.nudge.notify_one();
                }
                Err(why) => {
                    warn!(feed = %path.display(), why, "the feed cannot be read");
                    *lock(&shared.feed_trouble) = Some(why);
                }
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// The file's text, if it has changed since; the time stands in for a file that is not there.
fn changed(path: &Path, seen: Option<SystemTime>) -> Option<(SystemTime, Result<String, String>)> {
    let told = |error: std::io::Error| format!("{}: {error}", path.display());
    let at = match std::fs::metadata(path).and_then(|of| of.modified()) {
        Ok(at) => at,
        Err(error) => {
            return (seen != Some(SystemTime::UNIX_EPOCH))
                .then(|| (SystemTime::UNIX_EPOCH, Err(told(error))));
        }
    };
    (seen != Some(at)).then(|| {
        let mut text = String::new();
        let read =
            std::fs::File::open(path).and_then(|file| file.take(BYTES_MAX + 1).read_to_string(&mut text));
        match read {
            Ok(bytes) if bytes as u64 > BYTES_MAX => {
                (at, Err(format!("{}: more than {BYTES_MAX} bytes", path.display())))
            }
            Ok(_) => (at, Ok(text)),
            Err(error) => (at, Err(told(error))),
        }
    })
}

/// What a feed says; the book has it as it came, with what was made of it.
fn taken(shared: &Shared, path: &Path, text: &str) -> Result<Feeds, String> {
    let read = understood(path, text, &shared.site());
    let entry = SignalEntry {
        at: shared.now(),
        source: path.display().to_string(),
        kind: "feed".to_owned(),
        circuit: None,
        body: text.to_owned(),
        outcome: read.as_ref().err().cloned().unwrap_or_else(|| "taken".to_owned()),
    };
    if let Err(error) = shared.book.note_signal(&entry) {
        warn!(feed = %path.display(), %error, "the book could not note the feed");
    }
    read
}

fn understood(path: &Path, text: &str, site: &Site) -> Result<Feeds, String> {
    match offpeak_site::file::feed(&path.display().to_string(), text, site) {
        Ok(feed) => Ok(feeds(feed)),
        Err(mistakes) => Err(mistakes.first().map_or_else(String::new, ToString::to_string)),
    }
}

fn feeds(feed: Feed) -> Feeds {
    let word = |(place, of): (usize, offpeak_site::file::FeedSignal)| {
        (place, SignalWord { at: of.at, limit: of.limit, holds: of.holds })
    };
    let Feed { outdoor, hash_price, signals } = feed;
    Feeds { outdoor, hash_price, signals: signals.into_iter().map(word).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_is_read_when_it_changes_and_a_bad_one_says_where() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("feed.toml");
        let text = include_str!("../../../../sites/small.toml");
        let site = offpeak_site::file::load("x.toml", text, &|_| None).unwrap();
        let (none, missing) = changed(&path, None).unwrap();
        assert!(missing.is_err() && changed(&path, Some(none)).is_none(), "told once");
        std::fs::write(&path, "[outdoor]\nat = 2022-10-03T02:00:00Z\ncelsius = 31\n").unwrap();
        let (at, text) = changed(&path, Some(none)).unwrap();
        let feeds = understood(&path, &text.unwrap(), &site).unwrap();
        assert_eq!(feeds.outdoor.unwrap().0, offpeak_units::Temperature::from_celsius(31));
        assert!(changed(&path, Some(at)).is_none());
        let wrong = understood(&path, "[outdoor]\nat = 2022-10-03\ncelsius = 31\n", &site).unwrap_err();
        assert!(wrong.contains("feed.toml:2:6: outdoor.at"), "{wrong}");
    }
}
