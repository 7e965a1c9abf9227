//! Machines seen from beside the loop: a search of networks, and a close look at one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A search for machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScanView {
    /// Its number.
    pub id: u64,
    /// What is searched.
    pub ranges: Vec<String>,
    /// When it began, by the clock on the wall.
    pub began: Timestamp,
    /// `running`, `done`, `ended` by somebody, or `failed`.
    pub state: String,
    /// Why it failed.
    pub trouble: Option<String>,
    /// Addresses asked so far,
    pub asked: u64,
    /// of so many.
    pub of: u64,
    /// Machines of known families among them so far.
    pub machines: u64,
    /// Who answers: all of them once it is done, those up to then where it was ended, none while it runs.
    pub found: Vec<FoundView>,
}

/// Who answers at an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FoundView {
    /// Where.
    pub address: String,
    /// At which port.
    pub port: u16,
    /// Its firmware's family; `null` where it is not known.
    pub family: Option<String>,
    /// Its model by its own word.
    pub model: Option<String>,
    /// Its hardware address.
    pub mac: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// Its firmware.
    pub firmware: Option<String>,
    /// What else is to be said.
    pub note: Option<String>,
    /// The machine of the site that it is, by hardware address or address; `null` where it is in no place yet.
    pub machine: Option<String>,
}

/// What a driver understands of one machine, and what was said; secrets are taken out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LookView {
    /// By name, in words.
    pub understood: Map<String, Value>,
    /// Its boards, fans, pools and faults; `null` where it was not read in full.
    #[schema(value_type = Option<Object>)]
    pub details: Option<Value>,
    /// What the driver can do with its family, in words.
    pub functions: Map<String, Value>,
    /// Everything that was said.
    pub transcript: String,
}
