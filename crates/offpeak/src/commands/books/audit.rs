//! `offpeak audit`: recomputes the chain, or shows its end.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use offpeak_store::{AuditSound, audit_entries, hex, key_from_hex, public_key_path, verify_audit};
use serde::Serialize;

use super::{BOOK, book_in, folder_with};
use crate::cli::{Audit, AuditShow, AuditVerify};
use crate::commands::table::table;
use crate::commands::{print, print_json};
use crate::exit::Exit;

pub(crate) fn audit(command: Audit) -> Result<Exit> {
    match command {
        Audit::Verify(args) => verify(&args),
        Audit::Show(args) => show(&args),
    }
}

/// A chain that holds, or what is wrong with it.
#[derive(Debug, Serialize)]
struct Verdict {
    holds: bool,
    entries: u64,
    head: Option<String>,
    checkpoints: u64,
    signed_up_to: u64,
    keys: Vec<String>,
    expected_key: Option<String>,
    fault: Option<String>,
}

fn verify(args: &AuditVerify) -> Result<Exit> {
    let book = match &args.book {
        Some(book) => book.clone(),
        None => book_in(&folder_with(&args.site, BOOK)?)?,
    };
    let key = expected_key(args.key.as_deref(), &book)?;
    let found = verify_audit(&book, key)?;
    let verdict = match &found {
        Ok(sound) => Verdict {
            holds: true,
            entries: sound.entries,
            head: (sound.entries > 0).then(|| hex(&sound.head)),
            checkpoints: sound.checkpoints,
            signed_up_to: sound.signed_up_to,
            keys: sound.keys.iter().map(|key| hex(key)).collect(),
            expected_key: key.map(|key| hex(&key)),
            fault: None,
        },
        Err(fault) => Verdict {
            holds: false,
            entries: 0,
            head: None,
            checkpoints: 0,
            signed_up_to: 0,
            keys: Vec::new(),
            expected_key: key.map(|key| hex(&key)),
            fault: Some(fault.to_string()),
        },
    };
    if args.json {
        print_json(&verdict)?;
    }
    match found {
        Ok(sound) => {
            if !args.json {
                print(&words(&sound, key.is_some()))?;
            }
            Ok(Exit::Done)
        }
        Err(fault) => {
            eprintln!("error: the audit chain of {} does not hold: {fault}", book.display());
            Ok(Exit::CheckFailed)
        }
    }
}

fn words(sound: &AuditSound, against_key: bool) -> String {
    if sound.entries == 0 {
        return "the audit chain has no entries".to_owned();
    }
    let keys: Vec<_> = sound.keys.iter().map(|key| hex(key)).collect();
    let signed = match (sound.checkpoints, against_key) {
        (0, _) => "no checkpoint is signed yet".to_owned(),
        (_, true) => {
            format!("signed up to entry {} by the expected key {}", sound.signed_up_to, keys.join(", "))
        }
        (_, false) => format!(
            "signed up to entry {} by {}; no key was named to hold it against",
            sound.signed_up_to,
            keys.join(", ")
        ),
    };
    format!("the audit chain holds: {} entries, head {}\n{signed}", sound.entries, hex(&sound.head))
}

/// The key named, or the one beside the book.
fn expected_key(named: Option<&str>, book: &Path) -> Result<Option<[u8; 32]>> {
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

/// An entry as it is shown.
#[derive(Debug, Serialize)]
struct Shown {
    seq: u64,
    at: jiff::Timestamp,
    who: String,
    what: String,
    subject: String,
    why: String,
    hash: String,
}

fn show(args: &AuditShow) -> Result<Exit> {
    let book = book_in(&folder_with(&args.site, BOOK)?)?;
    let mut entries: Vec<Shown> = audit_entries(&book, args.last)?
        .into_iter()
        .map(|entry| Shown {
            seq: entry.seq,
            at: entry.at,
            who: entry.who,
            what: entry.what,
            subject: entry.subject,
            why: entry.why,
            hash: hex(&entry.hash),
        })
        .collect();
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
