//! A method with what was changed of it: revision, parity, one price for all, any assumption by its name.

use crate::electricity::{AssumptionError, Method, Revision};

/// How a method is changed from what was published.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Cambridge's rules of a release.
    pub revision: Option<Revision>,
    /// Repeat what only Cambridge's published figures do.
    pub parity: bool,
    /// What all miners pay, US dollars a kilowatt-hour.
    pub price_usd_per_kwh: Option<f64>,
    /// Any assumption by its key.
    pub set: Vec<(String, String)>,
}

/// Why a method cannot be had as asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ChangeError {
    /// No method of that name.
    #[error("there is no method `{0}`: expected cbeci, digiconomist or offpeak")]
    Method(String),
    /// Revision or parity asked of another than Cambridge's.
    #[error("revision and parity are Cambridge's: they go with the method cbeci")]
    NotCambridge,
    /// A price that no power has.
    #[error("{0} is no price from 0.000001 to 10 USD/kWh")]
    Price(f64),
    /// No method has an assumption of that name.
    #[error("no method has an assumption `{0}`")]
    Unknown(String),
    /// A value that an assumption cannot take.
    #[error("{method}: {source}")]
    Assumption {
        /// The method's name.
        method: &'static str,
        /// Why.
        source: AssumptionError,
    },
}

/// One method with its changes.
///
/// # Errors
/// What it does not know, or cannot take.
pub fn method(name: &str, changes: &Changes) -> Result<Method, ChangeError> {
    let mut method = Method::from_name(name).ok_or_else(|| ChangeError::Method(name.to_owned()))?;
    if !matches!(method, Method::Cambridge(_)) && (changes.revision.is_some() || changes.parity) {
        return Err(ChangeError::NotCambridge);
    }
    change(&mut method, changes)?;
    for (key, value) in &changes.set {
        set(&mut method, key, value)?;
    }
    Ok(method)
}

/// All methods with their changes: both of Cambridge's revisions unless one is named. An assumption changes in each
/// method that has it.
///
/// # Errors
/// What no method knows, or one of them cannot take.
pub fn methods(changes: &Changes) -> Result<Vec<Method>, ChangeError> {
    let mut methods = Method::all();
    if let Some(revision) = changes.revision {
        let other = |method: &Method| matches!(method, Method::Cambridge(it) if it.revision != revision);
        methods.retain(|method| !other(method));
    }
    for method in &mut methods {
        change(method, &Changes { revision: None, set: Vec::new(), ..*changes })?;
    }
    for (key, value) in &changes.set {
        let known = |method: &Method| method.assumptions().iter().any(|one| one.key == *key);
        let mut found = methods.iter_mut().filter(|method| known(method)).peekable();
        if found.peek().is_none() {
            return Err(ChangeError::Unknown(key.clone()));
        }
        for method in found {
            set(method, key, value)?;
        }
    }
    Ok(methods)
}

fn set(method: &mut Method, key: &str, value: &str) -> Result<(), ChangeError> {
    let name = method.name();
    method.set(key, value).map_err(|source| ChangeError::Assumption { method: name, source })
}

/// Revision, parity and price, as far as the method knows them.
fn change(method: &mut Method, changes: &Changes) -> Result<(), ChangeError> {
    if let Method::Cambridge(method) = method {
        method.revision = changes.revision.unwrap_or(method.revision);
        method.parity |= changes.parity;
    }
    let Some(price) = changes.price_usd_per_kwh else { return Ok(()) };
    if !(1e-6..=10.0).contains(&price) {
        return Err(ChangeError::Price(price));
    }
    match method {
        Method::Cambridge(_) | Method::Digiconomist(_) => {
            set(method, "price_usd_per_kwh", &price.to_string())?;
        }
        // One price means one for every region.
        Method::Offpeak(method) => {
            for region in &mut method.regions {
                (region.low, region.typical, region.high) = (price, price, price);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(method: &Method, key: &str) -> String {
        method.assumptions().into_iter().find(|one| one.key == key).unwrap().value
    }

    #[test]
    fn changes_reach_the_methods_that_know_them() {
        let price = Some(0.07);
        let changed =
            method("cbeci", &Changes { price_usd_per_kwh: price, parity: true, ..Changes::default() })
                .unwrap();
        assert_eq!(
            (value(&changed, "price_usd_per_kwh").as_str(), value(&changed, "parity").as_str()),
            ("0.07", "true")
        );
        let set = vec![("mean_days".to_owned(), "30".to_owned())];
        let all = methods(&Changes { set, revision: Some(Revision::V1_4), ..Changes::default() }).unwrap();
        assert_eq!(all.len(), 3);
        let with: Vec<String> = all
            .iter()
            .filter(|one| one.name() != "digiconomist")
            .map(|one| value(one, "mean_days"))
            .collect();
        assert_eq!(with, ["30", "30"]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let set = |key: &str, value: &str| Changes {
            set: vec![(key.to_owned(), value.to_owned())],
            ..Changes::default()
        };
        assert_eq!(method("guess", &Changes::default()), Err(ChangeError::Method("guess".to_owned())));
        let parity = Changes { parity: true, ..Changes::default() };
        assert_eq!(method("digiconomist", &parity), Err(ChangeError::NotCambridge));
        let price = Changes { price_usd_per_kwh: Some(f64::NAN), ..Changes::default() };
        assert!(matches!(method("offpeak", &price), Err(ChangeError::Price(_))));
        assert!(matches!(method("cbeci", &set("pue_guess", "0.9")), Err(ChangeError::Assumption { .. })));
        assert_eq!(methods(&set("nothing", "1")), Err(ChangeError::Unknown("nothing".to_owned())));
    }
}
