//! A short name for a set of inputs, so that a file can say from which it was computed.
//!
//! For: telling two sets apart. Not for: signatures; a proof is signed elsewhere.

use sha2::{Digest, Sha256};

/// Collects fields; each is closed by a byte that no field contains, so that two fields never run together.
pub(crate) struct Fingerprint(Sha256);

impl Fingerprint {
    /// Starts one for this kind of input.
    pub(crate) fn new(kind: &str) -> Self {
        let mut print = Self(Sha256::new());
        print.text(kind);
        print
    }
    /// Adds a text.
    pub(crate) fn text(&mut self, text: &str) {
        self.0.update(text.as_bytes());
        self.0.update([0xff]);
    }
    /// Adds a number by its bits, or its absence.
    pub(crate) fn number(&mut self, number: Option<f64>) {
        match number {
            Some(number) => self.0.update(number.to_bits().to_le_bytes()),
            None => self.0.update([0xfe; 9]),
        }
        self.0.update([0xff]);
    }
    /// The first 64 bits of the SHA-256, in hexadecimal.
    pub(crate) fn finish(self) -> String {
        self.0.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}
