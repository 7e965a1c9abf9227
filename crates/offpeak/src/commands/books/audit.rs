//! `offpeak audit`: recomputes the chain, or shows its end.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use offpeak_server::view::{AuditView, VerificationView};
use offpeak_store::{audit_entries, hex, key_from_hex, public_key_path, verify_audit};

use super::{BOOK, book_in, folder_with};
use crate::cli::{Audit, AuditShow, AuditVerify};
use crate::commands::running::get;
use crate::commands::table::table;
use crate::commands::{print, print_json};
use crate::exit::{Exit, WrongUsage};

pub(crate) fn audit(command: Audit) -> Result<Exit> {
    match command {
        Audit::Verify(args) => verify(&args),
        Audit::Show(args) => show(&args),
    }
}

/// A book's chain recomputed: how it holds, or what is wrong.
pub(crate) fn verification(book: &Path, key: Option<[u8; 32]>) -> Result<VerificationView> {
    let expected_key = key.map(|key| hex(&key));
    Ok(match verify_audit(book, key)? {
        Ok(sound) => VerificationView {
            holds: true,
            entries: sound.entries,
            head: (sound.entries > 0).then(|| hex(&sound.head)),
            checkpoints: sound.checkpoints,
            signed_up_to: sound.signed_up_to,
            keys: sound.keys.iter().map(|key| hex(key)).collect(),
            expected_key,
            fault: None,
        },
        Err(fault) => VerificationView {
            holds: false,
            entries: 0,
            head: None,
            checkpoints: 0,
            signed_up_to: 0,
            keys: Vec::new(),
            expected_key,
            fault: Some(fault.to_string()),
        },
    })
}

fn verify(args: &AuditVerify) -> Result<Exit> {
    let (found, whose) = if let (Some(url), None) = (&args.site.site, &args.book) {
        if args.key.is_some() {
            let words =
                "--key holds a book here against a key\nhint: a site elsewhere tells the keys that signed";
            return Err(WrongUsage(words.to_owned()).into());
        }
        match get(&args.site, &["audit", "verification"], &[])? {
            Ok(found) => (found, url.clone()),
            Err(exit) => return Ok(exit),
        }
    } else {
        let book = match &args.book {
            Some(book) => book.clone(),
            None => book_in(&folder_with(&args.site, BOOK)?)?,
        };
        let key = expected_key(args.key.as_deref(), &book)?;
        (verification(&book, key)?, book.display().to_string())
    };
    if args.json {
        print_json(&found)?;
    } else if found.holds {
        print(&words(&found))?;
    }
    if let Some(fault) = &found.fault {
        eprintln!("error: the audit chain of {whose} does not hold: {fault}");
        return Ok(Exit::CheckFailed);
    }
    Ok(Exit::Done)
}

fn words(found: &VerificationView) -> String {
    let Some(head) = &found.head else { return "the audit chain has no entries".to_owned() };
    let (up_to, keys) = (found.signed_up_to, found.keys.join(", "));
    let signed = match (found.checkpoints, &found.expected_key) {
        (0, _) => "no checkpoint is signed yet".to_owned(),
        (_, Some(_)) => format!("signed up to entry {up_to} by the expected key {keys}"),
        (_, None) => format!("signed up to entry {up_to} by {keys}; no key was named to hold it against"),
    };
    format!("the audit chain holds: {} entries, head {head}\n{signed}", found.entries)
}

/// The key named, or the one beside the book.
pub(crate) fn expected_key(named: Option<&str>, book: &Path) -> Result<Option<[u8; 32]>> {
    if let Some(named) = named {
        if let Some(key) = key_from_hex(named) {
            return Ok(Some(key));
        }
        let text = std::fs::read_to_string(named)
            .with_context(|| format!("`{named}` is neither a key of 64 hexadecimal digits nor a file"))?;
        return key_from_hex(&text)
            .map(Some)
            .with_context(|| format!("{named} holds no key of 64 hexadecimal digits"));
    }
    let beside = public_key_path(book);
    match std::fs::read_to_string(&beside) {
        Ok(text) => {
            key_from_hex(&text).map(Some).with_context(|| format!("{} holds no key", beside.display()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => bail!("{} cannot be read: {error}", beside.display()),
    }
}

fn show(args: &AuditShow) -> Result<Exit> {
    let mut entries: Vec<AuditView> = if args.site.site.is_some() {
        match last_of(args.last, |limit, before| {
            let before = before.map(|before| ("before", before.to_string()));
            let asked: Vec<_> = [("limit", limit.to_string())].into_iter().chain(before).collect();
            get(&args.site, &["audit"], &asked)
        })? {
            Ok(entries) => entries,
            Err(exit) => return Ok(exit),
        }
    } else {
        let book = book_in(&folder_with(&args.site, BOOK)?)?;
        audit_entries(&book, args.last)?.into_iter().map(AuditView::from).collect()
    };
    entries.reverse();
    if args.json {
        print_json(&entries)?;
        return Ok(Exit::Done);
    }
    let rows: Vec<Vec<String>> = entries
        .into_iter()
        .map(|e| vec![e.seq.to_string(), e.at.to_string(), e.who, e.what, e.subject, e.why])
        .collect();
    print(&table(&["entry", "at", "who", "what", "about", "why"], &rows))?;
    Ok(Exit::Done)
}

/// Entries that a site elsewhere tells at once.
const PAGE: u32 = 1_000;

/// So many of the last entries, newest first, asked for page by page: each with its length and what it comes before.
fn last_of<E>(
    mut left: u32,
    mut page: impl FnMut(u32, Option<u64>) -> Result<Result<Vec<AuditView>, E>>,
) -> Result<Result<Vec<AuditView>, E>> {
    let mut entries: Vec<AuditView> = Vec::new();
    while left > 0 {
        let (limit, before) = (left.min(PAGE), entries.last().map(|last| last.seq));
        let found = match page(limit, before)? {
            Ok(found) => found,
            Err(exit) => return Ok(Err(exit)),
        };
        let is_last = found.len() < limit as usize;
        entries.extend(found);
        left -= limit;
        if is_last {
            break;
        }
    }
    Ok(Ok(entries))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_chain_is_asked_for_page_by_page() {
        let entry = |seq: u64| AuditView {
            seq,
            at: jiff::Timestamp::UNIX_EPOCH,
            who: "anna".into(),
            what: "stop".into(),
            subject: "grid".into(),
            why: "storm".into(),
            hash: String::new(),
        };
        let asked = |last: u32, there: u64| {
            let mut pages = Vec::new();
            let read = last_of(last, |limit, before| {
                pages.push((limit, before));
                let newest = before.map_or(there, |before| before - 1);
                Ok(Ok::<_, ()>((1..=newest).rev().take(limit as usize).map(entry).collect()))
            });
            let seqs: Vec<_> = read.unwrap().unwrap().into_iter().map(|entry| entry.seq).collect();
            (seqs, pages)
        };
        let (seqs, pages) = asked(2_500, 9_000);
        assert_eq!(seqs, (6_501..=9_000).rev().collect::<Vec<_>>());
        assert_eq!(pages, [(1_000, None), (1_000, Some(8_001)), (500, Some(7_001))]);
        let (seqs, pages) = asked(5_000, 1_200);
        assert_eq!((seqs.len(), pages.len()), (1_200, 2), "it ends with the chain");
        assert_eq!(asked(50, 3).1, [(50, None)]);
    }
}
