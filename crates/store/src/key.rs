//! The key that signs the audit chain: 32 bytes as hexadecimal digits in `audit.key` beside the book, readable
//! by its owner only, made at the first start. The public half stands in `audit.pub`, to be copied elsewhere.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;

use crate::audit::hex;
use crate::error::BookError;

fn secret_path(book: &Path) -> PathBuf {
    book.with_file_name("audit.key")
}

pub(crate) fn public_path(book: &Path) -> PathBuf {
    book.with_file_name("audit.pub")
}

/// Reads a key of 32 bytes from hexadecimal digits.
#[must_use]
pub fn key_from_hex(text: &str) -> Option<[u8; 32]> {
    let text = text.trim().as_bytes();
    let mut key = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(text.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(key)
}

/// The key beside a book; made where there is none. Says whether it was made.
pub(crate) fn open_or_make(book: &Path) -> Result<(SigningKey, bool), BookError> {
    let path = secret_path(book);
    let failed = |source| BookError::File { path: path.clone(), source };
    match fs::read_to_string(&path) {
        Ok(text) => {
            let mode = fs::metadata(&path).map_err(failed)?.permissions().mode();
            if mode & 0o077 != 0 {
                return Err(BookError::OpenKey(path));
            }
            let secret = key_from_hex(&text).ok_or_else(|| BookError::BadKey(path.clone()))?;
            Ok((SigningKey::from_bytes(&secret), false))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut secret = [0; 32];
            getrandom::fill(&mut secret).map_err(|error| failed(std::io::Error::other(error.to_string())))?;
            let key = SigningKey::from_bytes(&secret);
            write_new(&path, &hex(&secret), 0o600).map_err(failed)?;
            write_new(&public_path(book), &hex(&key.verifying_key().to_bytes()), 0o644).map_err(failed)?;
            Ok((key, true))
        }
        Err(error) => Err(failed(error)),
    }
}

/// Whole and on disk under its name, or not there.
fn write_new(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    let begun = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&begun)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    fs::rename(&begun, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}
