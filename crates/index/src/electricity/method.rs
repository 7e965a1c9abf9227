//! One estimate's method, whichever it is: by name, with its assumptions, and computed.

use super::assumption::{Assumption, AssumptionError};
use super::cambridge::{Cambridge, Prepared, Revision};
use super::digiconomist::Digiconomist;
use super::offpeak::Offpeak;
use super::series::{Series, Vintage};
use crate::hardware::Model;
use crate::network::NetworkDay;

/// A method with its assumptions.
#[derive(Clone, Debug, PartialEq)]
pub enum Method {
    /// Cambridge's, bottom up.
    Cambridge(Cambridge),
    /// Digiconomist's, top down.
    Digiconomist(Digiconomist),
    /// Our own.
    Offpeak(Box<Offpeak>),
}

impl Method {
    /// A method with its defaults, by its name on the command line: `cbeci` (or `cambridge`),
    /// `digiconomist`, `offpeak`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            Cambridge::NAME | "cambridge" => Some(Self::Cambridge(Cambridge::default())),
            Digiconomist::NAME => Some(Self::Digiconomist(Digiconomist::default())),
            Offpeak::NAME => Some(Self::Offpeak(Box::default())),
            _ => None,
        }
    }

    /// All methods with their published rules, for a view of their spread: both of Cambridge's
    /// revisions, Digiconomist's, ours.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let earlier = Cambridge { revision: Revision::V1_2, ..Cambridge::default() };
        vec![
            Self::Cambridge(Cambridge::default()),
            Self::Cambridge(earlier),
            Self::Digiconomist(Digiconomist::default()),
            Self::Offpeak(Box::default()),
        ]
    }

    /// Its name in files.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Cambridge(_) => Cambridge::NAME,
            Self::Digiconomist(_) => Digiconomist::NAME,
            Self::Offpeak(_) => Offpeak::NAME,
        }
    }

    /// Its name with revision and parity, for a legend.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Cambridge(method) => {
                let parity = if method.parity { " (parity)" } else { "" };
                format!("{} {}{parity}", Cambridge::NAME, method.revision.name())
            }
            Self::Digiconomist(_) | Self::Offpeak(_) => self.name().to_owned(),
        }
    }

    /// Everything it takes for granted, in the order of its documentation.
    #[must_use]
    pub fn assumptions(&self) -> Vec<Assumption> {
        match self {
            Self::Cambridge(method) => {
                let revision = Assumption {
                    key: "revision".to_owned(),
                    value: method.revision.name().to_owned(),
                    default: Revision::default().name().to_owned(),
                    unit: "name",
                    source: "CBECI change log: 1.2 stands for 1.2 to 1.3, 1.4 for August 2023 and later"
                        .to_owned(),
                };
                let parity = Assumption {
                    key: "parity".to_owned(),
                    value: method.parity.to_string(),
                    default: "false".to_owned(),
                    unit: "true or false",
                    source: Cambridge::parity_rules().join("; "),
                };
                [revision, parity].into_iter().chain(method.assumptions()).collect()
            }
            Self::Digiconomist(method) => method.assumptions(),
            Self::Offpeak(method) => method.assumptions(),
        }
    }

    /// Changes one assumption by its key.
    ///
    /// # Errors
    /// When the method has none of that name, or the value is outside what makes sense.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), AssumptionError> {
        let wrong = |expected: &str| AssumptionError::Value {
            key: key.to_owned(),
            value: value.to_owned(),
            expected: expected.to_owned(),
        };
        match (self, key) {
            (Self::Cambridge(method), "revision") => {
                method.revision =
                    Revision::from_name(value).ok_or_else(|| wrong("1.2, 1.3 or 1.4 and later"))?;
                Ok(())
            }
            (Self::Cambridge(method), "parity") => {
                method.parity = value.trim().parse().map_err(|_| wrong("true or false"))?;
                Ok(())
            }
            (Self::Cambridge(method), _) => method.set(key, value),
            (Self::Digiconomist(method), _) => method.set(key, value),
            (Self::Offpeak(method), _) => method.set(key, value),
        }
    }

    /// Computes the daily estimate. Days without a price or a hash rate have no row.
    #[must_use]
    pub fn series(&self, network: &[NetworkDay], catalogue: &[Model]) -> Series {
        let rows = match self {
            Self::Cambridge(method) => Prepared::new(method, network, catalogue).rows(),
            Self::Digiconomist(method) => method.rows(network),
            Self::Offpeak(method) => method.rows(network, catalogue),
        };
        Series { method: self.clone(), vintage: Vintage::of(network, catalogue), rows }
    }
}
