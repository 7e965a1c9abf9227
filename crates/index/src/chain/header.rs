//! Block headers: 80 bytes each, and their hashes.
//!
//! For: reading headers from bytes and hashing many of them. Not for: whether they follow the rules;
//! see the verifier.

use core::fmt;
use core::str::FromStr;

use sha2::{Digest, Sha256};

use super::target::CompactTarget;

/// Bytes of a header.
pub const HEADER_BYTES: usize = 80;
/// A header as it is stored and sent.
pub type RawHeader = [u8; HEADER_BYTES];

/// Bytes that are no whole number of headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{bytes} bytes are no whole number of headers: {spare} bytes after the last of {headers}")]
pub struct LengthError {
    /// How many bytes there are.
    pub bytes: usize,
    /// How many whole headers they begin with.
    pub headers: usize,
    /// How many bytes are left over.
    pub spare: usize,
}

/// Splits a run of bytes into headers, nothing copied.
///
/// # Errors
/// A length that is no multiple of 80.
pub fn split_headers(bytes: &[u8]) -> Result<&[RawHeader], LengthError> {
    match bytes.as_chunks::<HEADER_BYTES>() {
        (headers, []) => Ok(headers),
        (headers, spare) => {
            Err(LengthError { bytes: bytes.len(), headers: headers.len(), spare: spare.len() })
        }
    }
}

/// The double SHA-256 of a header, lowest byte first; written with the highest first, as everyone does.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockHash([u8; 32]);

impl BlockHash {
    /// From 32 bytes in the order of a header (lowest first).
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
    /// The 32 bytes in the order of a header (lowest first).
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
    /// Of a header.
    #[must_use]
    #[inline]
    pub fn of(header: &RawHeader) -> Self {
        Self(Sha256::digest(Sha256::digest(header)).into())
    }
}

/// Text that is no hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no block hash: expected 64 hexadecimal digits")]
pub struct HashError(String);

impl FromStr for BlockHash {
    type Err = HashError;
    fn from_str(text: &str) -> Result<Self, HashError> {
        let wrong = || HashError(text.chars().take(80).collect());
        if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (byte, at) in bytes.iter_mut().rev().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for BlockHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().rev().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BlockHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The hash of each header. This is nearly all of the time that verifying takes and needs nothing but the
/// bytes: a caller with several cores hashes parts of a run side by side and links them afterwards.
#[must_use]
pub fn hash_all(headers: &[RawHeader]) -> Vec<BlockHash> {
    headers.iter().map(BlockHash::of).collect()
}

/// The six fields of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The version, or what miners put there (BIP 9, BIP 320).
    pub version: i32,
    /// The hash of the block before.
    pub previous: BlockHash,
    /// The root of the tree of transactions, in the header's order.
    pub merkle_root: [u8; 32],
    /// Seconds since 1970 by the miner's clock.
    pub time: u32,
    /// The target.
    pub bits: CompactTarget,
    /// What the miner counts.
    pub nonce: u32,
}

impl Header {
    /// Reads the fields. Every 80 bytes are a header; whether a valid one, the verifier says.
    #[must_use]
    #[inline]
    pub fn read(raw: &RawHeader) -> Self {
        Self {
            version: i32::from_le_bytes(field(raw, 0)),
            previous: BlockHash(field(raw, 4)),
            merkle_root: field(raw, 36),
            time: u32::from_le_bytes(field(raw, 68)),
            bits: CompactTarget::from_bits(u32::from_le_bytes(field(raw, 72))),
            nonce: u32::from_le_bytes(field(raw, 76)),
        }
    }
    /// The 80 bytes.
    #[must_use]
    pub fn write(&self) -> RawHeader {
        let mut raw = [0; HEADER_BYTES];
        raw[..4].copy_from_slice(&self.version.to_le_bytes());
        raw[4..36].copy_from_slice(&self.previous.0);
        raw[36..68].copy_from_slice(&self.merkle_root);
        raw[68..72].copy_from_slice(&self.time.to_le_bytes());
        raw[72..76].copy_from_slice(&self.bits.to_bits().to_le_bytes());
        raw[76..].copy_from_slice(&self.nonce.to_le_bytes());
        raw
    }
}

#[inline]
fn field<const N: usize>(raw: &RawHeader, at: usize) -> [u8; N] {
    raw[at..at + N].try_into().expect("every field lies within the 80 bytes")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_eighty_bytes_are_read_and_written_back(bytes in proptest::collection::vec(any::<u8>(), 80)) {
            let raw: RawHeader = bytes.try_into().unwrap();
            prop_assert_eq!(Header::read(&raw).write(), raw);
        }

        #[test]
        fn any_bytes_are_split_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            match split_headers(&bytes) {
                Ok(headers) => prop_assert_eq!(headers.len() * 80, bytes.len()),
                Err(error) => prop_assert_eq!(error.headers * 80 + error.spare, bytes.len()),
            }
        }

        #[test]
        fn a_hash_is_written_as_it_is_read(bytes: [u8; 32]) {
            let hash = BlockHash::from_bytes(bytes);
            prop_assert_eq!(hash.to_string().parse::<BlockHash>().unwrap(), hash);
        }
    }

    #[test]
    fn what_is_no_hash_is_named() {
        assert!("00".parse::<BlockHash>().unwrap_err().to_string().contains("`00`"));
        assert!("é".repeat(32).parse::<BlockHash>().is_err());
        assert!("+f".repeat(32).parse::<BlockHash>().is_err());
    }
}
