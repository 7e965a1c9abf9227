//! A connection to one Modbus TCP device, kept open between requests and opened anew after trouble.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use offpeak_site::observe::ModbusAddress;
use offpeak_site::{Outcome, Trouble};
use thiserror::Error;
use tokio::time::timeout;
use tokio_modbus::client::{Client, Context, tcp};
use tokio_modbus::{ExceptionCode, ProtocolError, Request, Response, Slave};

use crate::connect::Connector;

/// Why a Modbus device gave no value.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ModbusError {
    /// No connection.
    #[error("{0} is unreachable")]
    Unreachable(String),
    /// No answer in time.
    #[error("{0} answers nothing in time")]
    Silent(String),
    /// The connection ended before the answer.
    #[error("{0} closes before it has answered")]
    Closed(String),
    /// The device refused, with an exception of the protocol.
    #[error("{address} refuses: {words}")]
    Exception {
        /// Which device.
        address: String,
        /// The exception's code.
        code: u8,
        /// The exception's name.
        words: &'static str,
    },
    /// The answer is another unit's or to another request.
    #[error("{0} answers for another unit or another request")]
    WrongUnit(String),
    /// The answer is not Modbus.
    #[error("{0} answers garbage")]
    Garbled(String),
    /// Fewer or more values than were asked for.
    #[error("{address} answers {found} values where {expected} were asked for")]
    Short {
        /// Which device.
        address: String,
        /// How many were asked for.
        expected: usize,
        /// How many came.
        found: usize,
    },
    /// A register holds no number.
    #[error("{address} has no number in its {what} register")]
    NotANumber {
        /// Which device.
        address: String,
        /// Power or energy.
        what: &'static str,
    },
    /// A register holds a number beyond any plant.
    #[error("{address} has an impossible value in its {what} register")]
    Impossible {
        /// Which device.
        address: String,
        /// Power or energy.
        what: &'static str,
    },
}

impl ModbusError {
    /// The kind of trouble.
    #[must_use]
    pub const fn trouble(&self) -> Trouble {
        match self {
            Self::Unreachable(_) => Trouble::Unreachable,
            Self::Silent(_) => Trouble::Silent,
            Self::Closed(_) => Trouble::Truncated,
            Self::Exception { .. } => Trouble::Denied,
            Self::WrongUnit(_) => Trouble::Impostor,
            Self::Garbled(_) | Self::Short { .. } | Self::NotANumber { .. } | Self::Impossible { .. } => {
                Trouble::Garbled
            }
        }
    }
    /// How a command ended that failed this way.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Exception { words, .. } => Outcome::Refused((*words).to_owned()),
            other => Outcome::Unanswered(other.trouble()),
        }
    }
}

/// Modbus Application Protocol V1.1b3, section 7.
const fn words(code: ExceptionCode) -> &'static str {
    match code {
        ExceptionCode::IllegalFunction => "illegal function",
        ExceptionCode::IllegalDataAddress => "illegal data address",
        ExceptionCode::IllegalDataValue => "illegal data value",
        ExceptionCode::ServerDeviceFailure => "device failure",
        ExceptionCode::Acknowledge => "acknowledged, not done yet",
        ExceptionCode::ServerDeviceBusy => "device busy",
        ExceptionCode::MemoryParityError => "memory parity error",
        ExceptionCode::GatewayPathUnavailable => "no path from the gateway to the unit",
        ExceptionCode::GatewayTargetDevice => "the unit behind the gateway does not answer",
        ExceptionCode::Custom(_) => "an exception of its own",
    }
}

/// A kept connection.
pub(super) struct Line {
    connector: Connector,
    at: ModbusAddress,
    within: Duration,
    /// Never contended: only `ask` takes it, and that borrows the line alone. The lock makes a line one that
    /// tasks on several threads may refer to.
    context: Mutex<Option<Context>>,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Line({})", self.address())
    }
}

impl Line {
    pub(super) const fn new(connector: Connector, at: ModbusAddress, within: Duration) -> Self {
        Self { connector, at, within, context: Mutex::new(None) }
    }
    pub(super) fn address(&self) -> String {
        format!("{} unit {}", self.at.address, self.at.unit)
    }

    fn kept(&mut self) -> &mut Option<Context> {
        self.context.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// One request and its answer. After anything but an exception the connection is opened anew.
    pub(super) async fn ask(&mut self, request: Request<'_>) -> Result<Response, ModbusError> {
        let address = self.address();
        let mut context = match self.kept().take() {
            Some(context) => context,
            None => self.open(&address).await?,
        };
        match timeout(self.within, context.call(request)).await {
            Err(_) => Err(ModbusError::Silent(address)),
            Ok(Ok(Ok(response))) => {
                *self.kept() = Some(context);
                Ok(response)
            }
            Ok(Ok(Err(code))) => {
                *self.kept() = Some(context);
                Err(ModbusError::Exception { address, code: code.into(), words: words(code) })
            }
            Ok(Err(tokio_modbus::Error::Protocol(error))) => Err(match error {
                ProtocolError::HeaderMismatch { .. } => ModbusError::WrongUnit(address),
                ProtocolError::FunctionCodeMismatch { .. } => ModbusError::Garbled(address),
            }),
            Ok(Err(tokio_modbus::Error::Transport(error))) => Err(match error.kind() {
                std::io::ErrorKind::InvalidData | std::io::ErrorKind::InvalidInput => {
                    ModbusError::Garbled(address)
                }
                _ => ModbusError::Closed(address),
            }),
        }
    }

    async fn open(&self, address: &str) -> Result<Context, ModbusError> {
        match timeout(self.within, self.connector.connect_named(&self.at.address)).await {
            Ok(Ok(stream)) => Ok(tcp::attach_slave(stream, Slave(self.at.unit))),
            Ok(Err(_)) | Err(_) => Err(ModbusError::Unreachable(address.to_owned())),
        }
    }
}
