//! What opens a PDU: a community (version 2c), or a user whose messages are authenticated and encrypted
//! (version 3, authPriv; RFC 3414). The weaker levels of version 3 are not offered.

use std::fmt;

use async_snmp::Auth;
use async_snmp::v3::{AuthProtocol, PrivProtocol, UsmConfig};
use serde::Deserialize;

/// What opens a PDU.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum SnmpLogin {
    /// Version 2c: a word that travels in the clear.
    Community(String),
    /// Version 3.
    User(SnmpUser),
}

/// A user of version 3.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnmpUser {
    user: String,
    auth_password: String,
    privacy_password: String,
    /// `sha` unless given.
    auth: Option<String>,
    /// `aes` (128 bits) unless given.
    privacy: Option<String>,
}

/// The shortest password of version 3 (RFC 3414, 11.2).
const PASSWORD_MIN: usize = 8;
/// What every PDU of the last fifteen years has (RFC 3414, RFC 3826).
const AUTH: &str = "sha";
const PRIVACY: &str = "aes";

impl fmt::Debug for SnmpLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Community(_) => "SnmpLogin::Community(..)",
            Self::User(_) => "SnmpLogin::User(..)",
        })
    }
}

impl SnmpLogin {
    /// Whether it can be used.
    ///
    /// # Errors
    /// What is wrong with it, without a secret in it.
    pub fn check(&self) -> Result<(), String> {
        self.auth().map(|_| ())
    }

    /// What the client needs.
    pub(super) fn auth(&self) -> Result<Auth, String> {
        let user = match self {
            Self::Community(community) => return Ok(Auth::v2c(community.clone().into_bytes())),
            Self::User(user) => user,
        };
        for (key, password) in
            [("auth_password", &user.auth_password), ("privacy_password", &user.privacy_password)]
        {
            if password.len() < PASSWORD_MIN {
                return Err(format!("`{key}` needs at least {PASSWORD_MIN} characters"));
            }
        }
        let auth: AuthProtocol = user
            .auth
            .as_deref()
            .unwrap_or(AUTH)
            .parse()
            .map_err(|_| "`auth` is one of md5, sha, sha-224, sha-256, sha-384, sha-512".to_owned())?;
        let privacy: PrivProtocol = user.privacy.as_deref().unwrap_or(PRIVACY).parse().map_err(|_| {
            "`privacy` is one of aes, aes-192-reeder, aes-256-reeder, aes-192-blumenthal, aes-256-blumenthal, des, 3des"
                .to_owned()
        })?;
        let config = UsmConfig::new(user.user.clone().into_bytes())
            .auth_priv(auth, &user.auth_password, privacy, &user.privacy_password)
            .map_err(|_| "these passwords cannot be used with these protocols".to_owned())?;
        Ok(Auth::from(config))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_login_is_told_without_it() {
        let user = |auth_password: &str, auth: Option<&str>, privacy: Option<&str>| {
            SnmpLogin::User(SnmpUser {
                user: "op".into(),
                auth_password: auth_password.into(),
                privacy_password: "hunter22".into(),
                auth: auth.map(str::to_owned),
                privacy: privacy.map(str::to_owned),
            })
        };
        assert_eq!(user("hunter21", None, None).check(), Ok(()));
        assert_eq!(user("hunter21", Some("sha-256"), Some("aes-256-reeder")).check(), Ok(()));
        for (login, key) in [
            (user("short", None, None), "`auth_password`"),
            (user("hunter21", Some("sha3"), None), "`auth`"),
            (user("hunter21", None, Some("rot13")), "`privacy`"),
        ] {
            let told = login.check().unwrap_err();
            assert!(told.contains(key) && !told.contains("hunter") && !told.contains("short"), "{told}");
        }
        assert_eq!(format!("{:?}", user("hunter21", None, None)), "SnmpLogin::User(..)");
    }
}
