//! Keys that open something: made from the system's randomness, shown once, kept as hashes.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Random bytes in a key: 256 bits cannot be guessed, so a plain hash keeps them.
const BYTES: usize = 32;

/// A key in plain. It prints as dots, so that no log or error has it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A fresh one.
    ///
    /// # Panics
    /// If the system has no randomness, without which nothing may be opened.
    #[must_use]
    pub fn fresh() -> Self {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).expect("the system has randomness");
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }
    /// To be shown to its holder, once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
    /// What is kept of it.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        hash(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What is kept of a key.
pub(crate) fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// What a session's changes carry: it follows from the cookie, which no page can read.
pub(crate) fn csrf(cookie: &str) -> String {
    URL_SAFE_NO_PAD
        .encode(Sha256::new().chain_update(b"offpeak csrf ").chain_update(cookie.as_bytes()).finalize())
}

/// As [`same`], of hashes.
pub(crate) fn same_bytes(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// Whether two words are the same, in a time that does not tell how much of them.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_its_own_and_does_not_print() {
        let (one, other) = (Secret::fresh(), Secret::fresh());
        assert_ne!(one, other);
        assert_eq!(one.reveal().len(), 43);
        assert!(!format!("{one:?}").contains(one.reveal()));
        assert_eq!(one.hash(), hash(one.reveal()));
        assert_ne!(csrf(one.reveal()), csrf(other.reveal()));
        assert!(same(one.reveal(), one.reveal()) && !same(one.reveal(), other.reveal()) && !same("a", ""));
    }
}
