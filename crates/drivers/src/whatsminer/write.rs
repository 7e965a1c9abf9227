//! WhatsMiner's encrypted writes. Both directions are here, for the cipher is symmetric: a twin opens
//! what a driver seals.
//!
//! MicroBT, "WhatsMiner API V2.0.5", section 2.1: the key is the last part of
//! `openssl passwd -1 -salt SALT PASSWORD`; AES-256 in ECB mode under SHA-256 of the key, zero padded,
//! in Base64; the token is the last part of md5crypt over key and time with the new salt. A token lives 30 minutes, one address may hold 32.
//!
//! The scheme is MicroBT's, not ours: ECB without authentication protects little. Keep machines in a
//! network of their own.

use core::fmt;
use std::time::Duration;

use aes::Aes256;
use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use offpeak_site::ModeName;
use offpeak_units::Power;

use super::reply::{Salts, accepted};
use crate::call::Pool;
use crate::refusal::ReplyError;
use offpeak_site::Trouble;

/// How long a machine honours a token (API V2.0.5).
pub const TOKEN_LIFE: Duration = Duration::from_secs(30 * 60);

const BLOCK: usize = 16;
/// As many pools as a machine keeps.
pub const POOLS_MAX: usize = 3;

/// What password and salt make: the key that writes are sealed with.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// The last part of md5crypt, 22 characters.
    crypted: String,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The last part of `$1$salt$hash`.
fn md5crypt_hash(password: &[u8], salt: &str) -> String {
    let whole = md5crypt::md5crypt(password, salt.as_bytes());
    let start = whole.iter().rposition(|&byte| byte == b'$').map_or(0, |place| place + 1);
    String::from_utf8_lossy(&whole[start..]).into_owned()
}

impl Secret {
    /// From the admin's password and the salt in the reply to `get_token`.
    #[must_use]
    pub fn derive(password: &str, salt: &str) -> Self {
        Self { crypted: md5crypt_hash(password.as_bytes(), salt) }
    }
    /// The token for this time and new salt.
    #[must_use]
    pub fn sign(&self, time: &str, newsalt: &str) -> String {
        md5crypt_hash(format!("{}{time}", self.crypted).as_bytes(), newsalt)
    }
    fn cipher(&self) -> Aes256 {
        let key: [u8; 32] = Sha256::digest(self.crypted.as_bytes()).into();
        Aes256::new(&Array::from(key))
    }
    /// Encrypts, zero padded to whole blocks, and encodes in Base64.
    #[must_use]
    pub fn seal(&self, plain: &[u8]) -> String {
        let cipher = self.cipher();
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
        let compact: String = sealed.chars().filter(|c| !c.is_whitespace()).collect();
        let mut bytes = STANDARD.decode(compact).ok()?;
        if bytes.len() % BLOCK != 0 {
            return None;
        }
        let cipher = self.cipher();
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

/// A secret and the token that the machine gave for it. Another machine at the same address can
/// neither read what it seals nor know the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    secret: Secret,
    sign: String,
}

/// What can be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Stop mining and switch the boards' power off; the control board stays on.
    PowerOff,
    /// Switch the boards' power on and mine.
    PowerOn,
    /// `set_low_power` and its siblings.
    SetMode(ModeName),
    /// `adjust_power_limit`.
    SetPowerLimit(Power),
    /// Restart the control board.
    Reboot,
    /// The red light flashes; or the machine's own pattern again.
    Light(bool),
    /// `update_pools`: one to three.
    SetPools(Vec<Pool>),
}

impl Write {
    /// The command's name and its parameters, as JSON members that start with a comma.
    fn members(&self) -> (&'static str, String) {
        match self {
            // Answered before it is done: afterwards the reply may be lost with the mining process.
            Self::PowerOff => ("power_off", ",\"respbefore\":\"true\"".to_owned()),
            Self::PowerOn => ("power_on", String::new()),
            Self::SetMode(ModeName::Low) => ("set_low_power", String::new()),
            Self::SetMode(ModeName::Normal) => ("set_normal_power", String::new()),
            Self::SetMode(ModeName::High) => ("set_high_power", String::new()),
            Self::SetPowerLimit(limit) => {
                ("adjust_power_limit", format!(",\"power_limit\":\"{}\"", limit.to_watts()))
            }
            Self::Reboot => ("reboot", String::new()),
            // Milliseconds (API V2.0.5, `set_led`).
            Self::Light(true) => {
                ("set_led", ",\"color\":\"red\",\"period\":200,\"duration\":100,\"start\":0".to_owned())
            }
            Self::Light(false) => ("set_led", ",\"param\":\"auto\"".to_owned()),
            Self::SetPools(pools) => ("update_pools", pool_members(pools)),
        }
    }
}

/// `pool1`, `worker1`, `passwd1` and so on; places that are not given are emptied.
fn pool_members(pools: &[Pool]) -> String {
    let mut text = String::new();
    for place in 0..POOLS_MAX {
        let pool = pools.get(place);
        let values = pool.map(|pool| [pool.url.as_str(), &pool.user, &pool.password]).unwrap_or_default();
        for (name, value) in ["pool", "worker", "passwd"].into_iter().zip(values) {
            let value = serde_json::Value::from(value);
            text.push_str(&format!(",\"{name}{}\":{value}", place + 1));
        }
    }
    text
}

impl Token {
    /// From the reply to `get_token`.
    ///
    /// # Errors
    /// The refusal, or `Garbled` when a salt is missing.
    pub fn from_reply(reply: &[u8], password: &str) -> Result<Self, ReplyError> {
        let salts = Salts::parse(reply)?;
        let (Some(time), Some(salt), Some(newsalt)) =
            (salts.time.get(), salts.salt.get(), salts.newsalt.get())
        else {
            return Err(ReplyError::Broken(Trouble::Garbled));
        };
        let secret = Secret::derive(password, salt);
        let sign = secret.sign(time, newsalt);
        Ok(Self { secret, sign })
    }
    /// The request that asks for this.
    #[must_use]
    pub fn request(&self, write: &Write) -> Vec<u8> {
        let (command, parameters) = write.members();
        let plain = format!("{{\"token\":\"{}\",\"cmd\":\"{command}\"{parameters}}}", self.sign);
        format!("{{\"enc\":1,\"data\":\"{}\"}}", self.secret.seal(plain.as_bytes())).into_bytes()
    }
    /// Whether the machine accepted it. The reply is sealed, except for refusals of the seal itself: a success that is not
    /// is nobody's, for anybody could say it.
    ///
    /// # Errors
    /// The refusal, or that it is no reply.
    pub fn accepted(&self, reply: &[u8]) -> Result<(), ReplyError> {
        #[derive(serde::Deserialize)]
        struct Sealed {
            enc: String,
        }
        match serde_json::from_slice::<Sealed>(reply) {
            Ok(sealed) => {
                let plain = self.secret.open(&sealed.enc).ok_or(ReplyError::Broken(Trouble::Garbled))?;
                accepted(&plain)
            }
            Err(_) => accepted(reply).and(Err(ReplyError::Broken(Trouble::Garbled))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known values from `openssl passwd -1 -salt BQ5hoXV9 admin` and from pyasic 0.79.0's
    /// `create_privileged_cmd`.
    #[test]
    fn an_independent_client_makes_the_same_key_token_and_seal() {
        let secret = Secret::derive("admin", "BQ5hoXV9");
        assert_eq!(secret.crypted, "RxmaDUO33TS7O26yeMHZ81");
        assert_eq!(secret.sign("4812", "Xx2Yy3Zz"), "djGud.tL32CRyBExHeubB0");
        let sealed = "YJracrWpLn2XvqWuNiNqyg70K64pfivIJhwE32DXNCeyv4iYIDyJ6mJuwbGpytIywCchpY4vg2wVe7ztnXg0\
                      gxa3VgmHWTWiW7HkQphhZMc=";
        let plain = r#"{"cmd": "power_off", "respbefore": "true", "token": "djGud.tL32CRyBExHeubB0"}"#;
        assert_eq!(secret.open(sealed).as_deref(), Some(plain.as_bytes()));
        assert_eq!(secret.seal(plain.as_bytes()), sealed);
    }

    #[test]
    fn what_is_sealed_opens_again() {
        let secret = Secret::derive("admin", "BQ5hoXV9");
        for plain in ["", "{}", "0123456789abcdef", "{\"cmd\":\"power_off\"}"] {
            let sealed = secret.seal(plain.as_bytes());
            assert_eq!(secret.open(&sealed).as_deref(), Some(plain.as_bytes()));
        }
        assert_eq!(secret.open("no base64!"), None);
        assert_eq!(secret.open("AAAA"), None);
    }
}
