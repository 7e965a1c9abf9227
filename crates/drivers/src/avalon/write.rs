//! What can be written to an Avalon, and what its answers mean. Pure.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::Deserialize;

use offpeak_site::Trouble;

use crate::call::Pool;
use crate::cgminer::Status;
use crate::exchange::shape;
use crate::refusal::{Refusal, ReplyError};

/// What can be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Stop hashing, industrial machines.
    SoftOff,
    /// Stop hashing at this second of the machine's own clock.
    SoftOffAt(u64),
    /// Hash again at this second of the machine's own clock, home machines.
    SoftOnAt(u64),
    /// Switch the boards' supply off (A10 manual, 2.6).
    PowerOff,
    /// Restart, which also wakes industrial machines (A10 manual, 2.2).
    Reboot,
    /// The white light on the panel (A10 manual, 2.3).
    Light(bool),
    /// 0 normal, 1 high; after the next restart (A10 manual, 2.4).
    WorkMode(u8),
    /// 0 eco, 1 standard, 2 super, home machines.
    WorkModeHome(u8),
    /// The A10's one pool; after the next restart (A10 manual, 2.5).
    OnlyPool {
        /// User and password of its pages.
        login: (String, String),
        /// The pool.
        pool: Pool,
    },
    /// A pool by its place; after the next restart.
    PoolAt {
        /// User and password of its pages.
        login: (String, String),
        /// From 0.
        place: usize,
        /// The pool.
        pool: Pool,
    },
}

impl Write {
    /// The request, as plain text.
    #[must_use]
    pub fn request(&self) -> Vec<u8> {
        let mut text = "ascset|0,".to_owned();
        let written = match self {
            Self::SoftOff => write!(text, "softoff"),
            Self::SoftOffAt(when) => write!(text, "softoff,1:{when}"),
            Self::SoftOnAt(when) => write!(text, "softon,1:{when}"),
            Self::PowerOff => write!(text, "hashpower,0"),
            Self::Reboot => write!(text, "reboot,0"),
            Self::Light(on) => write!(text, "led,1-{}", u8::from(*on)),
            Self::WorkMode(mode) => write!(text, "workmode,{mode}"),
            Self::WorkModeHome(mode) => write!(text, "workmode,set,{mode}"),
            Self::OnlyPool { login: (user, password), pool } => {
                write!(text, "setpool,{user},{password},{},{},{}", pool.url, pool.user, pool.password)
            }
            Self::PoolAt { login: (user, password), place, pool } => {
                write!(text, "setpool,{user},{password},{place},{},{},{}", pool.url, pool.user, pool.password)
            }
        };
        written.expect("a string takes what is written to it");
        text.into_bytes()
    }
    /// Words of an `I` answer that say it was done. An `S` answer needs none.
    const fn done(&self) -> &'static str {
        match self {
            Self::SoftOff | Self::SoftOffAt(_) => "success softoff",
            Self::SoftOnAt(_) => "success softon",
            Self::PowerOff => "Power off hash",
            Self::Reboot => "reboot",
            Self::Light(true) => "LED[1]",
            Self::Light(false) => "LED[0]",
            Self::WorkMode(0) => "WORKMODE[0]",
            Self::WorkMode(_) => "WORKMODE[1]",
            Self::WorkModeHome(_) => "workmode",
            Self::OnlyPool { .. } | Self::PoolAt { .. } => "success",
        }
    }
    /// Whether nothing in it would be read as another parameter.
    #[must_use]
    pub fn is_sayable(&self) -> bool {
        let (Self::OnlyPool { login, pool } | Self::PoolAt { login, pool, .. }) = self else { return true };
        let texts = [&login.0, &login.1, &pool.url, &pool.user, &pool.password];
        texts.into_iter().all(|text| !text.contains([',', '|', '\n', '\0']))
    }
}

/// The answer to a write, in text or JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    letter: Cow<'a, str>,
    code: Option<u64>,
    words: Cow<'a, str>,
}

#[derive(Deserialize)]
struct JsonAnswer<'a> {
    #[serde(borrow, rename = "STATUS")]
    status: Status<'a>,
}

impl<'a> Answer<'a> {
    /// Reads an answer.
    ///
    /// # Errors
    /// That it is none, or not a whole one.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        if bytes.trim_ascii_start().starts_with(b"{") {
            return Self::parse_json(bytes);
        }
        let text = str::from_utf8(bytes).map_err(|_| Trouble::Garbled)?;
        let Some(rest) = text.trim_start().strip_prefix("STATUS=") else {
            return Err(Trouble::Garbled.into());
        };
        // The words may hold commas and line ends; what follows them is always the description.
        let (Some((head, after)), Some((letter, _))) = (rest.split_once("Msg="), rest.split_once(',')) else {
            return Err(Trouble::Truncated.into());
        };
        let Some((words, _)) = after.rsplit_once(",Description=") else {
            return Err(Trouble::Truncated.into());
        };
        let code =
            head.split(',').find_map(|part| part.strip_prefix("Code=")).and_then(|code| code.parse().ok());
        Ok(Self { letter: letter.into(), code, words: words.trim().into() })
    }
    fn parse_json(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        let answer: JsonAnswer<'a> =
            serde_json::from_slice(bytes).map_err(|error| ReplyError::Broken(shape(&error, bytes)))?;
        let Status::Listed(status) = answer.status else { return Err(Trouble::Garbled.into()) };
        let letter = status.letter.into_inner().ok_or(Trouble::Garbled)?;
        let words = status.words.into_inner().unwrap_or_default();
        Ok(Self { letter, code: status.code.whole(), words })
    }
    /// Whether this was done.
    ///
    /// # Errors
    /// The refusal, in the machine's words.
    pub fn accepted(&self, write: &Write) -> Result<(), ReplyError> {
        match self.letter.as_ref() {
            "S" => Ok(()),
            "I" if self.words.contains(write.done()) => Ok(()),
            _ => {
                Err(ReplyError::Refused(Refusal { code: self.code, words: self.words.clone().into_owned() }))
            }
        }
    }
}

/// Whether a refusal says that this firmware knows no such option, or not in this form.
pub(crate) fn is_unknown(refusal: &Refusal) -> bool {
    let words = refusal.words.to_ascii_lowercase();
    ["unknown option", "invalid option", "param", "no value"].into_iter().any(|part| words.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(reply: &str, write: &Write) -> Result<(), String> {
        let answer = Answer::parse(reply.as_bytes()).map_err(|error| format!("{error:?}"))?;
        answer.accepted(write).map_err(|error| match error {
            ReplyError::Refused(refusal) => refusal.to_string(),
            ReplyError::Broken(trouble) => trouble.to_string(),
        })
    }

    #[test]
    fn success_has_two_letters() {
        let ok = "STATUS=S,When=18984,Code=119,Msg=ASC 0 set OK,Description=cgminer 4.11.1|";
        assert_eq!(accepted(ok, &Write::SoftOff), Ok(()));
        let told = "STATUS=I,When=20159,Code=118,Msg=ASC 0 set info: Power off hash now ...,Description=cgminer 4.11.1";
        assert_eq!(accepted(told, &Write::PowerOff), Ok(()));
        assert_eq!(
            accepted(told, &Write::SoftOff),
            Err("ASC 0 set info: Power off hash now ... (code 118)".into())
        );
        let pool = "STATUS=I,When=8337,Code=118,Msg=ASC 0 set info:\npool success set to stratum+tcp://pool.example:443\n\
                    worker is a.b\nworkerpassword is 123\nPlease reboot miner to make config work.\n,Description=cgminer 4.11.1|";
        let pools = Pool { url: "u".into(), user: "a".into(), password: "x".into() };
        let login = ("root".to_owned(), "root".to_owned());
        assert_eq!(accepted(pool, &Write::OnlyPool { login, pool: pools }), Ok(()));
        let mode = "STATUS=I,When=1,Code=118,Msg=ASC 0 set info: WORKMODE[0],Description=cgminer 4.11.1|";
        assert_eq!(accepted(mode, &Write::WorkMode(0)), Ok(()));
        assert!(accepted(mode, &Write::WorkMode(1)).is_err(), "it says that it has another mode");
    }

    #[test]
    fn a_refusal_keeps_its_words_and_half_an_answer_is_none() {
        let unknown = "STATUS=E,When=1,Code=120,Msg=ASC 0 set failed: Unknown option: softoff,Description=cgminer 4.11.1|";
        let Err(ReplyError::Refused(refusal)) =
            Answer::parse(unknown.as_bytes()).unwrap().accepted(&Write::SoftOff)
        else {
            panic!()
        };
        assert!(is_unknown(&refusal));
        assert_eq!(refusal.to_string(), "ASC 0 set failed: Unknown option: softoff (code 120)");
        for end in 0..unknown.len() {
            let cut = &unknown.as_bytes()[..end];
            match Answer::parse(cut) {
                Err(ReplyError::Broken(Trouble::Garbled | Trouble::Truncated)) => {}
                // Cut within the description: every word that matters is there.
                Ok(answer) => assert!(end > unknown.len() - 20 && answer.accepted(&Write::SoftOff).is_err()),
                Err(error) => panic!("{error:?}"),
            }
        }
    }

    #[test]
    fn what_would_be_another_parameter_is_not_said() {
        let pool =
            Pool { url: "stratum+tcp://pool.example:3333".into(), user: "a,b".into(), password: "x".into() };
        let login = ("root".to_owned(), "root".to_owned());
        let write = Write::PoolAt { login, place: 1, pool };
        assert!(!write.is_sayable());
        assert_eq!(write.request(), b"ascset|0,setpool,root,root,1,stratum+tcp://pool.example:3333,a,b,x");
        assert_eq!(Write::SoftOffAt(17).request(), b"ascset|0,softoff,1:17");
    }
}
