//! The audit chain: who changed what, and why, in entries of which each hashes the one before.
//!
//! An entry is written in the transaction of the change it tells of. Checkpoints over the chain's head are
//! signed (Ed25519), so that whoever keeps a checkpoint or the public key elsewhere can tell a rewritten chain
//! from the true one. What it cannot tell: entries cut off after the last checkpoint that anybody kept.

use std::path::{Path, PathBuf};

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, ToSql, params};
use sha2::{Digest as _, Sha256};

use crate::book::{Book, instant};
use crate::error::BookError;
use crate::key;

/// What an entry's bytes begin with.
const ENTRY: &[u8] = b"offpeak audit 1";
/// What a checkpoint's bytes begin with.
const CHECKPOINT: &[u8] = b"offpeak audit checkpoint 1";
/// A checkpoint is made at the latest after so many entries.
const CHECKPOINT_EVERY: u64 = 100;

/// A hash of the chain.
pub type ChainHash = [u8; 32];

/// Who did what, to what, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deed<'a> {
    /// A person's name, or what acted: `local socket`, `grid operator`.
    pub who: &'a str,
    /// `stop`, `resume`, `lockout`, `authority` and so on.
    pub what: &'a str,
    /// The circuit, hall, order or person that it is about.
    pub subject: &'a str,
    /// The reason given, or the new value.
    pub why: &'a str,
}

/// An entry as it stands in the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its place, from 1 without gaps.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// What.
    pub what: String,
    /// About what.
    pub subject: String,
    /// Why.
    pub why: String,
    /// The chain's hash up to and including it.
    pub hash: ChainHash,
}

/// A signed head of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The entry it is about.
    pub seq: u64,
    /// When it was signed.
    pub at: Timestamp,
    /// The chain's hash there.
    pub hash: ChainHash,
    /// Whose signature it is.
    pub public_key: [u8; 32],
    /// The signature over the checkpoint's bytes.
    pub signature: [u8; 64],
}

/// What is wrong with a chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditFault {
    /// An entry is not the one that was hashed.
    #[error("entry {0} is not what was written: its hash does not follow from it and the entry before")]
    Entry(u64),
    /// An entry is not there.
    #[error("entry {0} is missing")]
    Missing(u64),
    /// A checkpoint says otherwise than the chain.
    #[error("the checkpoint of entry {0} has another hash than the chain")]
    Checkpoint(u64),
    /// A signature is wrong.
    #[error("the signature at entry {0} is not by the key {1}")]
    Signature(u64, String),
    /// Signed by another key than expected.
    #[error("the checkpoint of entry {0} is signed by {1}, not by the expected key")]
    Key(u64, String),
    /// Something stands in the table that no program of ours wrote.
    #[error("entry {0} cannot be read: {1}")]
    Row(u64, String),
}

/// A chain that holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditSound {
    /// How many entries.
    pub entries: u64,
    /// The hash of the last.
    pub head: ChainHash,
    /// How many signed checkpoints.
    pub checkpoints: u64,
    /// The last entry that a signature covers; later ones rest on their hashes alone.
    pub signed_up_to: u64,
    /// The keys that signed, in the order of their first use.
    pub keys: Vec<[u8; 32]>,
}

/// A hash or key in hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes: a marker, the entry's number, then each field behind its length, then the hash before.
fn entry_hash(seq: u64, at: &str, deed: &Deed<'_>, before: &ChainHash) -> ChainHash {
    let mut hasher = Sha256::new();
    hasher.update(ENTRY);
    hasher.update(seq.to_be_bytes());
    for field in [at, deed.who, deed.what, deed.subject, deed.why] {
        hasher.update((field.len() as u64).to_be_bytes());
        hasher.update(field.as_bytes());
    }
    hasher.update(before);
    hasher.finalize().into()
}

fn checkpoint_bytes(seq: u64, at: &str, hash: &ChainHash) -> Vec<u8> {
    let mut bytes = CHECKPOINT.to_vec();
    bytes.extend(seq.to_be_bytes());
    bytes.extend((at.len() as u64).to_be_bytes());
    bytes.extend(at.as_bytes());
    bytes.extend(hash);
    bytes
}

/// The last entry's number and hash; zero before the first.
fn head(connection: &Connection) -> Result<(u64, ChainHash), BookError> {
    let row = connection
        .query_row("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, ChainHash>(1)?))
        })
        .optional()?;
    Ok(row.map_or((0, [0; 32]), |(seq, hash)| (seq.cast_unsigned(), hash)))
}

/// Adds an entry; the caller's transaction decides whether it stays.
pub(crate) fn append(connection: &Connection, at: Timestamp, deed: &Deed<'_>) -> Result<u64, BookError> {
    let (last, before) = head(connection)?;
    let (seq, at) = (last + 1, at.to_string());
    let hash = entry_hash(seq, &at, deed, &before);
    connection
        .prepare_cached(
            "INSERT INTO audit (seq, at, who, what, subject, why, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![seq.cast_signed(), at, deed.who, deed.what, deed.subject, deed.why, hash])?;
    Ok(seq)
}

/// Signs the chain's head, unless that is done or nothing is there.
fn sign(connection: &Connection, key: &SigningKey, at: Timestamp) -> Result<(), BookError> {
    let (seq, hash) = head(connection)?;
    if seq == 0 {
        return Ok(());
    }
    let at = at.to_string();
    let signature = key.sign(&checkpoint_bytes(seq, &at, &hash)).to_bytes();
    connection.execute(
        "INSERT INTO audit_checkpoint (seq, at, hash, public_key, signature) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (seq) DO NOTHING",
        params![seq.cast_signed(), at, hash, key.verifying_key().to_bytes(), signature],
    )?;
    Ok(())
}

impl Book {
    /// Notes a deed in the audit chain.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn note(&self, at: Timestamp, deed: &Deed<'_>) -> Result<u64, BookError> {
        self.change(at, deed, |_| Ok(())).map(|((), seq)| seq)
    }

    /// Does something and notes it, both or neither. Every [`CHECKPOINT_EVERY`] entries the chain is signed.
    pub(crate) fn change<R>(
        &self,
        at: Timestamp,
        deed: &Deed<'_>,
        act: impl FnOnce(&Connection) -> Result<R, BookError>,
    ) -> Result<(R, u64), BookError> {
        self.change_if(at, deed, |connection| act(connection).map(Some))
            .map(|done| done.expect("an act that always does something"))
    }

    /// As [`Self::change`]; nothing is noted where the act finds nothing to do.
    pub(crate) fn change_if<R>(
        &self,
        at: Timestamp,
        deed: &Deed<'_>,
        act: impl FnOnce(&Connection) -> Result<Option<R>, BookError>,
    ) -> Result<Option<(R, u64)>, BookError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let Some(result) = act(&transaction)? else { return Ok(None) };
        let seq = append(&transaction, at, deed)?;
        if seq.is_multiple_of(CHECKPOINT_EVERY) {
            sign(&transaction, self.key(), at)?;
        }
        transaction.commit()?;
        Ok(Some((result, seq)))
    }

    /// Signs the chain as it stands.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn sign_checkpoint(&self, at: Timestamp) -> Result<(), BookError> {
        sign(&self.connection(), self.key(), at)
    }

    /// The last entries, newest first.
    ///
    /// # Errors
    /// If they could not be read.
    pub fn audit_entries(&self, at_most: u32) -> Result<Vec<AuditEntry>, BookError> {
        last_entries(&self.connection(), None, at_most)
    }

    /// Entries before one of a number, or the last ones, newest first: page by page back to the beginning.
    ///
    /// # Errors
    /// If they could not be read.
    pub fn audit_page(&self, before: Option<u64>, at_most: u32) -> Result<Vec<AuditEntry>, BookError> {
        last_entries(&self.connection(), before, at_most)
    }

    /// Entries about these deeds, newest first; before one of a number, if one is given.
    ///
    /// # Errors
    /// If they could not be read.
    pub fn deeds(
        &self,
        whats: &[&str],
        before: Option<u64>,
        at_most: u32,
    ) -> Result<Vec<AuditEntry>, BookError> {
        let marks = vec!["?"; whats.len()].join(", ");
        let connection = self.connection();
        let mut query = connection.prepare(&format!(
            "SELECT seq, at, who, what, subject, why, hash FROM audit
             WHERE what IN ({marks}) AND seq < ? ORDER BY seq DESC LIMIT ?"
        ))?;
        let numbers = [seq_before(before), i64::from(at_most)];
        let given = whats.iter().map(|what| what as &dyn ToSql);
        read(query.query(&*given.chain(numbers.iter().map(|n| n as &dyn ToSql)).collect::<Vec<_>>())?)
    }

    /// Recomputes the whole chain.
    ///
    /// # Errors
    /// If it could not be read. What it finds wrong comes as the inner error.
    pub fn verify_audit(
        &self,
        expected: Option<[u8; 32]>,
    ) -> Result<Result<AuditSound, AuditFault>, BookError> {
        verify(&self.connection(), expected)
    }
}

/// Recomputes the chain of a book that may be open elsewhere; it is only read. With a key, every checkpoint must
/// be by it; without, by any.
///
/// # Errors
/// If the book could not be read. What is wrong with the chain comes as the inner error.
pub fn verify_audit(
    path: &Path,
    expected: Option<[u8; 32]>,
) -> Result<Result<AuditSound, AuditFault>, BookError> {
    verify(&crate::backup::open_read_only(path)?, expected)
}

/// The last entries of a book that may be open elsewhere, newest first.
///
/// # Errors
/// If it could not be read.
pub fn audit_entries(path: &Path, at_most: u32) -> Result<Vec<AuditEntry>, BookError> {
    last_entries(&crate::backup::open_read_only(path)?, None, at_most)
}

fn last_entries(
    connection: &Connection,
    before: Option<u64>,
    at_most: u32,
) -> Result<Vec<AuditEntry>, BookError> {
    let mut query = connection.prepare(
        "SELECT seq, at, who, what, subject, why, hash FROM audit WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2",
    )?;
    read(query.query([seq_before(before), i64::from(at_most)])?)
}

/// The bound of a page, as the book counts.
fn seq_before(before: Option<u64>) -> i64 {
    before.map_or(i64::MAX, |before| i64::try_from(before).unwrap_or(i64::MAX))
}

fn read(mut rows: rusqlite::Rows<'_>) -> Result<Vec<AuditEntry>, BookError> {
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(AuditEntry {
            seq: row.get::<_, i64>(0)?.cast_unsigned(),
            at: instant(row.get(1)?)?,
            who: row.get(2)?,
            what: row.get(3)?,
            subject: row.get(4)?,
            why: row.get(5)?,
            hash: row.get(6)?,
        });
    }
    Ok(entries)
}

/// Where the public key of a book is.
#[must_use]
pub fn public_key_path(book: &Path) -> PathBuf {
    key::public_path(book)
}

fn verify(
    connection: &Connection,
    expected: Option<[u8; 32]>,
) -> Result<Result<AuditSound, AuditFault>, BookError> {
    // One picture for both tables, even while another process writes.
    let transaction = connection.unchecked_transaction()?;
    let mut checkpoints = read_checkpoints(&transaction)?.into_iter().peekable();
    let mut sound = AuditSound::default();
    let mut query =
        transaction.prepare("SELECT seq, at, who, what, subject, why, hash FROM audit ORDER BY seq")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let seq = row.get::<_, i64>(0)?.cast_unsigned();
        if seq != sound.entries + 1 {
            return Ok(Err(AuditFault::Missing(sound.entries + 1)));
        }
        let text = |column| row.get::<_, String>(column);
        let (Ok(at), Ok(who), Ok(what), Ok(subject), Ok(why), Ok(hash)) =
            (text(1), text(2), text(3), text(4), text(5), row.get::<_, ChainHash>(6))
        else {
            return Ok(Err(AuditFault::Row(seq, "a field has another type than was written".into())));
        };
        let deed = Deed { who: &who, what: &what, subject: &subject, why: &why };
        if entry_hash(seq, &at, &deed, &sound.head) != hash {
            return Ok(Err(AuditFault::Entry(seq)));
        }
        (sound.entries, sound.head) = (seq, hash);
        while let Some((checkpoint, at)) = checkpoints.next_if(|(checkpoint, _)| checkpoint.seq == seq) {
            if let Err(fault) = judge(&checkpoint, &at, &hash, expected) {
                return Ok(Err(fault));
            }
            (sound.checkpoints, sound.signed_up_to) = (sound.checkpoints + 1, seq);
            if !sound.keys.contains(&checkpoint.public_key) {
                sound.keys.push(checkpoint.public_key);
            }
        }
    }
    Ok(match checkpoints.next() {
        Some(_) => Err(AuditFault::Missing(sound.entries + 1)),
        None => Ok(sound),
    })
}

/// Each with its instant as the text that was signed.
fn read_checkpoints(connection: &Connection) -> Result<Vec<(Checkpoint, String)>, BookError> {
    let mut query = connection
        .prepare("SELECT seq, at, hash, public_key, signature FROM audit_checkpoint ORDER BY seq")?;
    let mut rows = query.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let at: String = row.get(1)?;
        let checkpoint = Checkpoint {
            seq: row.get::<_, i64>(0)?.cast_unsigned(),
            at: instant(at.clone())?,
            hash: row.get(2)?,
            public_key: row.get(3)?,
            signature: row.get(4)?,
        };
        found.push((checkpoint, at));
    }
    Ok(found)
}

fn judge(
    checkpoint: &Checkpoint,
    at: &str,
    hash: &ChainHash,
    expected: Option<[u8; 32]>,
) -> Result<(), AuditFault> {
    let (seq, named) = (checkpoint.seq, hex(&checkpoint.public_key));
    if checkpoint.hash != *hash {
        return Err(AuditFault::Checkpoint(seq));
    }
    if expected.is_some_and(|expected| expected != checkpoint.public_key) {
        return Err(AuditFault::Key(seq, named));
    }
    let wrong = || AuditFault::Signature(seq, named.clone());
    let key = VerifyingKey::from_bytes(&checkpoint.public_key).map_err(|_| wrong())?;
    let signature = Signature::from_bytes(&checkpoint.signature);
    key.verify_strict(&checkpoint_bytes(seq, at, hash), &signature).map_err(|_| wrong())
}
