//! A PDU's outlets as channels of a switch.

use std::net::SocketAddr;
use std::time::Duration;

use async_snmp::client::Retry;
use async_snmp::transport::UdpHandle;
use async_snmp::v3::ReportStatus;
use async_snmp::{Client, Error, Oid, Value};
use offpeak_site::{Outcome, Trouble};
use offpeak_units::Power;
use thiserror::Error as ThisError;

use super::login::SnmpLogin;
use super::pdu::Pdu;

/// A datagram may be lost: it is sent so often again.
const RETRIES: u32 = 1;
/// PDUs with small buffers answer this many values at once.
const VALUES_MAX: usize = 16;

/// Why an outlet is not known.
#[derive(Clone, Debug, ThisError, PartialEq, Eq)]
pub enum SnmpError {
    /// The address is none, or nothing is there.
    #[error("{0} cannot be reached")]
    Unreachable(String),
    /// No answer: nobody there, or another login.
    #[error("{0} does not answer: nobody is there, or it has another community, user or password")]
    Silent(String),
    /// It refused.
    #[error("{address} refuses: {words}")]
    Refused {
        /// Where.
        address: String,
        /// The protocol's word.
        words: String,
    },
    /// It answered something else.
    #[error("{0} answered something else")]
    Garbled(String),
}

impl SnmpError {
    /// The kind of trouble.
    #[must_use]
    pub const fn trouble(&self) -> Trouble {
        match self {
            Self::Unreachable(_) => Trouble::Unreachable,
            Self::Silent(_) => Trouble::Silent,
            Self::Refused { .. } => Trouble::Denied,
            Self::Garbled(_) => Trouble::Garbled,
        }
    }
    /// How a command ended that failed this way.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Refused { words, .. } => Outcome::Refused(words.clone()),
            other => Outcome::Unanswered(other.trouble()),
        }
    }
}

/// A PDU behind SNMP.
pub struct SnmpSwitch {
    address: String,
    pdu: Pdu,
    login: SnmpLogin,
    within: Duration,
    client: Option<Client<UdpHandle>>,
}

impl std::fmt::Debug for SnmpSwitch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SnmpSwitch({})", self.address)
    }
}

impl SnmpSwitch {
    /// A PDU at `address:port`; each datagram gets `within`. Nothing is sent yet.
    #[must_use]
    pub const fn new(address: String, pdu: Pdu, login: SnmpLogin, within: Duration) -> Self {
        Self { address, pdu, login, within, client: None }
    }
    /// Asks for an outlet to be opened.
    pub async fn cut(&mut self, outlet: u16) -> Outcome {
        self.write(outlet, false).await
    }
    /// Asks for an outlet to be closed.
    pub async fn restore(&mut self, outlet: u16) -> Outcome {
        self.write(outlet, true).await
    }
    async fn write(&mut self, outlet: u16, closed: bool) -> Outcome {
        let Some((oid, value)) = self.pdu.command(outlet, closed) else {
            return Outcome::Refused("it has no such outlet".to_owned());
        };
        let address = self.address.clone();
        let written = match self.client().await {
            Ok(client) => {
                client.set(&oid, Value::Integer(value)).await.map_err(|error| judge(&error, address))
            }
            Err(error) => Err(error),
        };
        match written {
            Ok(_) => Outcome::Accepted,
            Err(error) => self.begin_anew(error).outcome(),
        }
    }
    /// Whether each of `count` outlets from `first` on carries power: the readback that a command is judged by.
    /// `None` for one that is neither on nor off, or not there.
    ///
    /// # Errors
    /// Why nothing is known.
    pub async fn read(&mut self, first: u16, count: u16) -> Result<Vec<Option<bool>>, SnmpError> {
        let oids = range(first, count).map(|outlet| self.pdu.state_of(outlet)).collect();
        let values = self.ask(oids).await?;
        Ok(values.into_iter().map(|value| self.pdu.carries_power(value?)).collect())
    }
    /// What each of `count` outlets from `first` on delivers, by the PDU's meter. `None` where it has none.
    ///
    /// # Errors
    /// Why nothing is known.
    pub async fn watts(&mut self, first: u16, count: u16) -> Result<Vec<Option<Power>>, SnmpError> {
        if !self.pdu.is_metered() {
            return Ok(vec![None; usize::from(count)]);
        }
        let oids = range(first, count).map(|outlet| self.pdu.power_of(outlet)).collect();
        let values = self.ask(oids).await?;
        let power =
            |value: i64| Power::from_watts_f64(self.pdu.watts(value)?).filter(|power| !power.is_negative());
        Ok(values.into_iter().map(|value| power(value?)).collect())
    }

    /// The values under these identifiers, in their order; `None` where the PDU has none.
    async fn ask(&mut self, oids: Vec<Option<Oid>>) -> Result<Vec<Option<i64>>, SnmpError> {
        let Some(oids) = oids.into_iter().collect::<Option<Vec<Oid>>>() else {
            return Err(SnmpError::Garbled(self.address.clone()));
        };
        let mut values = Vec::with_capacity(oids.len());
        for some in oids.chunks(VALUES_MAX) {
            let address = self.address.clone();
            let answer = self.client().await?.get_many(some).await;
            let answer = match answer {
                Ok(answer) => answer,
                Err(error) => return Err(self.begin_anew(judge(&error, address))),
            };
            if answer.varbinds.len() != some.len() {
                return Err(SnmpError::Garbled(address));
            }
            for (asked, told) in some.iter().zip(answer.varbinds) {
                if told.oid != *asked {
                    return Err(SnmpError::Garbled(address));
                }
                values.push(whole(&told.value));
            }
        }
        Ok(values)
    }

    /// After trouble the next request begins with a new session: a PDU that was replaced is another one to version 3,
    /// and would never answer in the old.
    fn begin_anew(&mut self, error: SnmpError) -> SnmpError {
        if !matches!(error, SnmpError::Refused { .. }) {
            self.client = None;
        }
        error
    }

    async fn client(&mut self) -> Result<&Client<UdpHandle>, SnmpError> {
        if self.client.is_none() {
            let unreachable = || SnmpError::Unreachable(self.address.clone());
            let at: SocketAddr = self.address.parse().map_err(|_| unreachable())?;
            let retry = Retry::fixed(RETRIES, Duration::ZERO).unwrap_or_else(|_| Retry::none());
            let address = || self.address.clone();
            let auth = self.login.auth().map_err(|words| SnmpError::Refused { address: address(), words })?;
            let client = Client::builder((at.ip().to_string(), at.port()), auth)
                .request_timeout(self.within)
                .retry(retry)
                .connect()
                .await
                .map_err(|_| unreachable())?;
            self.client = Some(client);
        }
        self.client.as_ref().ok_or_else(|| SnmpError::Unreachable(self.address.clone()))
    }
}

fn range(first: u16, count: u16) -> impl Iterator<Item = u16> {
    (0..count).map_while(move |place| first.checked_add(place))
}

const fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(value) => Some(*value as i64),
        Value::Gauge32(value) | Value::Counter32(value) | Value::UInteger32(value) => Some(*value as i64),
        _ => None,
    }
}

fn judge(error: &Error, address: String) -> SnmpError {
    match error {
        Error::Snmp { status, .. } => SnmpError::Refused { address, words: status.to_string() },
        Error::Auth { .. } => SnmpError::Refused { address, words: "the login is wrong".to_owned() },
        Error::Report { status, .. } => SnmpError::Refused { address, words: report(status).to_owned() },
        Error::Timeout { .. } => SnmpError::Silent(address),
        Error::Network { .. } => SnmpError::Unreachable(address),
        Error::Exchange { source, .. } => judge(source, address),
        Error::SharedOperation { source } => judge(source, address),
        _ => SnmpError::Garbled(address),
    }
}

/// What a PDU reports of a login of version 3 (RFC 3414, 3.2).
const fn report(status: &ReportStatus) -> &'static str {
    match status {
        ReportStatus::UnknownUserName { .. } => "it knows no such user",
        ReportStatus::WrongDigest { .. } => "the authentication password or protocol is wrong",
        ReportStatus::DecryptionError { .. } => "the privacy password or protocol is wrong",
        ReportStatus::UnsupportedSecurityLevel { .. } => "this user may not encrypt",
        ReportStatus::NotInTimeWindow { .. } => "its clock has jumped",
        ReportStatus::UnknownEngineId { .. } => "it is another device than before",
        _ => "it reports another error",
    }
}
