//! Orders as the book keeps them: given, and lifted. What is in force is read with stops and lockouts (`book`).

use jiff::Timestamp;
use offpeak_units::Power;
use rusqlite::params;

use crate::audit::Deed;
use crate::book::{Book, By};
use crate::error::BookError;

/// An order that is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderEntry {
    /// Its number.
    pub id: u64,
    /// Where.
    pub circuit: String,
    /// The most.
    pub limit: Power,
    /// From this instant,
    pub from: Timestamp,
    /// until this one.
    pub until: Option<Timestamp>,
    /// `emergency`, `dispatch`, `wish` or `maintenance`.
    pub kind: String,
    /// The minutes over which its mean counts; `None`: each instant.
    pub mean_min: Option<u8>,
    /// Whether it is a setpoint.
    pub holds: bool,
    /// Who gave it and why; `None` where the book did not keep that yet.
    pub given: Option<Given>,
}

/// Who gave an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Who,
    pub by: String,
    /// and why; empty where they did not say.
    pub why: String,
}

impl Book {
    /// Notes an order and gives it its number; that of the entry is not looked at, nor who gave it there.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn order<'a>(
        &self,
        order: &OrderEntry,
        at: Timestamp,
        by: impl Into<By<'a>>,
    ) -> Result<u64, BookError> {
        let by = by.into();
        let end = order.until.map_or_else(|| "it is lifted".to_owned(), |until| format!("{until:.0}"));
        let most = if order.holds { "setpoint" } else { "at most" };
        let mean = order.mean_min.map_or_else(String::new, |minutes| format!(", mean of {minutes} min"));
        let (kind, limit) = (&order.kind, kilowatts(order.limit));
        let why = by.told(&format!("{kind}, {most} {limit} kW{mean} from {:.0} until {end}", order.from));
        let deed = Deed { who: by.who, what: "order", subject: &order.circuit, why: &why };
        let (id, _) = self.change(at, &deed, |connection| {
            connection.execute(
                "INSERT INTO command_order (circuit, limit_mw, from_at, until_at, source, at, mean_min, holds, by, reason)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                params![
                    order.circuit,
                    order.limit.to_milliwatts(),
                    order.from.to_string(),
                    order.until.map(|until| until.to_string()),
                    order.kind,
                    at.to_string(),
                    order.mean_min,
                    order.holds,
                    by.who,
                    by.why,
                ],
            )?;
            Ok(connection.last_insert_rowid().cast_unsigned())
        })?;
        Ok(id)
    }

    /// Lifts an order. Says whether there was one.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn lift_order<'a>(&self, id: u64, at: Timestamp, by: impl Into<By<'a>>) -> Result<bool, BookError> {
        let (subject, By { who, why }) = (id.to_string(), by.into());
        let deed = Deed { who, what: "order lifted", subject: &subject, why };
        let lifted = self.change_if(at, &deed, |connection| {
            let lifted = connection.execute(
                "UPDATE command_order SET lifted_at = ?2, lifted_by = ?3 WHERE lifted_at IS NULL AND id = ?1",
                params![id.cast_signed(), at.to_string(), who],
            )?;
            Ok((lifted > 0).then_some(()))
        })?;
        Ok(lifted.is_some())
    }
}

/// As it stands in a row.
pub(crate) fn given(by: Option<String>, why: Option<String>) -> Option<Given> {
    Some(Given { by: by?, why: why.unwrap_or_default() })
}

/// A power in kilowatts, exact and without zeros at its end.
fn kilowatts(power: Power) -> String {
    let milliwatts = power.to_milliwatts();
    let (whole, rest) = (milliwatts / 1_000_000, (milliwatts % 1_000_000).abs());
    if rest == 0 { whole.to_string() } else { format!("{whole}.{rest:06}").trim_end_matches('0').to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kilowatts_are_exact() {
        for (milliwatts, told) in
            [(0, "0"), (42_300_000, "42.3"), (1_000_000, "1"), (1, "0.000001"), (2_916_000_000, "2916")]
        {
            assert_eq!(kilowatts(Power::from_milliwatts(milliwatts)), told);
        }
    }
}
