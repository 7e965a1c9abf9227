//! Writes of API version 3 and what proves them. Both directions are here: a twin opens what a driver
//! seals.
//!
//! MicroBT, "WhatsMiner API 3.0.3", "Token Generation": SHA-256 of command, password, salt and time; the
//! first eight characters of its Base64 are the token, all of it is the AES-256 key (ECB, zero padded) of
//! parameters that are encrypted.

use core::fmt;

use aes::Aes256;
use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use offpeak_site::ModeName;
use offpeak_units::Power;

use crate::call::Pool;

const BLOCK: usize = 16;
/// The characters of a token.
const TOKEN: usize = 8;
/// Who writes; other accounts have to be made first.
pub const ACCOUNT: &str = "super";

/// What one write is proved and sealed with.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Key {
    /// For a command at a Unix second.
    #[must_use]
    pub fn new(command: &str, password: &str, salt: &str, at: i64) -> Self {
        Self(Sha256::digest(format!("{command}{password}{salt}{at}").as_bytes()).into())
    }
    /// The token.
    #[must_use]
    pub fn token(&self) -> String {
        let mut text = STANDARD.encode(self.0);
        text.truncate(TOKEN);
        text
    }
    /// Encrypts, zero padded to whole blocks, and encodes in Base64.
    #[must_use]
    pub fn seal(&self, plain: &[u8]) -> String {
        let cipher = Aes256::new(&Array::from(self.0));
        let mut bytes = plain.to_vec();
        bytes.resize(plain.len().next_multiple_of(BLOCK), 0);
        for block in bytes.chunks_exact_mut(BLOCK) {
            let mut whole = [0; BLOCK];
            whole.copy_from_slice(block);
            let mut whole = Array::from(whole);
            cipher.encrypt_block(&mut whole);
            block.copy_from_slice(&whole);
        }
        STANDARD.encode(bytes)
    }
    /// Decodes and decrypts; padding is taken off. `None` when it is no Base64 of whole blocks.
    #[must_use]
    pub fn open(&self, sealed: &str) -> Option<Vec<u8>> {
        let mut bytes = STANDARD.decode(sealed).ok().filter(|bytes| bytes.len() % BLOCK == 0)?;
        let cipher = Aes256::new(&Array::from(self.0));
        for block in bytes.chunks_exact_mut(BLOCK) {
            let mut whole = [0; BLOCK];
            whole.copy_from_slice(block);
            let mut whole = Array::from(whole);
            cipher.decrypt_block(&mut whole);
            block.copy_from_slice(&whole);
        }
        let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |place| place + 1);
        bytes.truncate(end);
        Some(bytes)
    }
}

/// What can be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Stop mining; the boards' power goes off, the control board stays on.
    Stop,
    /// Mine.
    Start,
    /// The mode; takes effect with a restart of the service, which the machine does itself.
    SetMode(ModeName),
    /// The most it may draw.
    SetPowerLimit(Power),
    /// Restart the control board.
    Reboot,
    /// Both lights flash; or the machine's own pattern again.
    Light(bool),
    /// One to three pools.
    SetPools(Vec<Pool>),
}

impl Write {
    /// The command's name.
    #[must_use]
    pub const fn command(&self) -> &'static str {
        match self {
            Self::Stop | Self::Start => "set.miner.service",
            Self::SetMode(_) => "set.miner.power_mode",
            Self::SetPowerLimit(_) => "set.miner.power_limit",
            Self::Reboot => "set.system.reboot",
            Self::Light(_) => "set.system.led",
            Self::SetPools(_) => "set.miner.pools",
        }
    }
    /// Its parameter; `None` where it has none.
    fn parameter(&self, key: &Key) -> Option<Value> {
        Some(match self {
            Self::Stop => json!("stop"),
            Self::Start => json!("start"),
            Self::SetMode(mode) => json!(mode.name()),
            Self::SetPowerLimit(limit) => json!(limit.to_watts()),
            Self::Reboot => return None,
            Self::Light(true) => json!([
                {"color": "red", "period": 200, "duration": 100, "start": 0},
                {"color": "green", "period": 200, "duration": 100, "start": 100},
            ]),
            Self::Light(false) => json!("auto"),
            Self::SetPools(pools) => {
                let entry =
                    |pool: &Pool| json!({"pool": pool.url, "worker": pool.user, "passwd": pool.password});
                let list: Value = pools.iter().map(entry).collect();
                json!(key.seal(list.to_string().as_bytes()))
            }
        })
    }
    /// The request, without its length.
    #[must_use]
    pub fn request(&self, password: &str, salt: &str, at: i64) -> Vec<u8> {
        let command = self.command();
        let key = Key::new(command, password, salt, at);
        let mut request = json!({"cmd": command, "ts": at, "token": key.token(), "account": ACCOUNT});
        if let Some(parameter) = self.parameter(&key) {
            request["param"] = parameter;
        }
        request.to_string().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of "Token Generation" in MicroBT's document.
    #[test]
    fn the_vendor_s_example() {
        let key = Key::new("set.miner.pools", "abcdefg", "QbVy1Ou3", 2_118_015);
        assert_eq!(key.token(), "mvmqClRR");
        let plain = r#"[{"pool":"stratum+tcp://192.168.2.3:3834","worker":"work1","passwd":"123"}]"#;
        let sealed = key.seal(plain.as_bytes());
        // The document's last characters are cut off.
        let document = "ieq1bCRfvw7f/Xbiy5lRsa38H5IKuOlgkkhRk5ZoZXyDxG2u//kYjZ+Nt8WxH/oOkwt0ZvVNiUFIxWFYuYXXTNg2ZZ8h7SCq8BggIMkM8z";
        assert_eq!(&sealed[..104], &document[..104]);
        assert_eq!(key.open(&sealed).as_deref(), Some(plain.as_bytes()));
        assert_eq!(key.open("no base64!"), None);
    }
}
