//! Which days a query can be about, by what it says of the time: other days' files are not opened.

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Operator};
use datafusion::scalar::ScalarValue;

/// Days since 1970 that can hold rows, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Days {
    pub(crate) first: i64,
    pub(crate) last: i64,
}

const ALL: Days = Days { first: i64::MIN, last: i64::MAX };
const DAY_MS: i64 = 86_400_000;

/// What filters that all hold leave of the days. `time` is the table's time column. What is not understood
/// leaves all: the engine judges every row by every filter again.
pub(crate) fn days(filters: &[Expr], time: &str) -> Days {
    filters
        .iter()
        .map(|filter| of(filter, time))
        .fold(ALL, |a, b| Days { first: a.first.max(b.first), last: a.last.min(b.last) })
}

fn of(filter: &Expr, time: &str) -> Days {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            let (a, b) = (of(left, time), of(right, time));
            Days { first: a.first.max(b.first), last: a.last.min(b.last) }
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            match (day_of(left, right, time), day_of(right, left, time)) {
                (Some(day), _) => compared(*op, day),
                (_, Some(day)) => op.swap().map_or(ALL, |op| compared(op, day)),
                _ => ALL,
            }
        }
        Expr::Between(Between { expr, negated: false, low, high }) => Days {
            first: day_of(expr, low, time).unwrap_or(i64::MIN),
            last: day_of(expr, high, time).unwrap_or(i64::MAX),
        },
        _ => ALL,
    }
}

fn compared(op: Operator, day: i64) -> Days {
    match op {
        Operator::Eq => Days { first: day, last: day },
        Operator::Gt | Operator::GtEq => Days { first: day, ..ALL },
        Operator::Lt | Operator::LtEq => Days { last: day, ..ALL },
        _ => ALL,
    }
}

/// The day of a value that a column is compared with, where that is the table's time or its date.
fn day_of(column: &Expr, value: &Expr, time: &str) -> Option<i64> {
    let (Expr::Column(column), Expr::Literal(value, _)) = (column, value) else { return None };
    if column.name == "date" {
        let ScalarValue::Date32(Some(day)) = value.cast_to(&DataType::Date32).ok()? else { return None };
        return Some(i64::from(day));
    }
    if column.name != time {
        return None;
    }
    let ms = DataType::Timestamp(TimeUnit::Millisecond, None);
    let ScalarValue::TimestampMillisecond(Some(ms), _) = value.cast_to(&ms).ok()? else { return None };
    Some(ms.div_euclid(DAY_MS))
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::{col, lit};

    use super::*;

    fn ms(day: i64, more: i64) -> Expr {
        lit(ScalarValue::TimestampMillisecond(Some(day * DAY_MS + more), Some("UTC".into())))
    }

    #[test]
    fn comparisons_of_the_time_leave_the_days_they_can_be_about() {
        let some = |first, last| Days { first, last };
        for (filter, left) in [
            (col("start").gt_eq(ms(5, 0)), some(5, i64::MAX)),
            (col("start").gt(ms(5, DAY_MS - 1)), some(5, i64::MAX)),
            (col("start").lt(ms(7, 0)), some(i64::MIN, 7)),
            (ms(7, 0).gt(col("start")), some(i64::MIN, 7)),
            (col("start").eq(ms(6, 9)), some(6, 6)),
            (col("start").between(ms(2, 0), ms(3, 0)), some(2, 3)),
            (col("start").not_between(ms(2, 0), ms(3, 0)), ALL),
            (col("date").eq(lit(ScalarValue::Date32(Some(4)))), some(4, 4)),
            (col("start").gt(ms(1, 0)).and(col("owner").eq(lit("a"))), some(1, i64::MAX)),
            (col("start").gt(ms(1, 0)).or(col("owner").eq(lit("a"))), ALL),
            (col("start").not_eq(ms(1, 0)), ALL),
            (col("energy_j").gt(lit(3_i64)), ALL),
        ] {
            assert_eq!(days(core::slice::from_ref(&filter), "start"), left, "{filter}");
        }
        assert_eq!(days(&[col("start").gt(ms(1, 0)), col("start").lt(ms(3, 0))], "start"), some(1, 3));
    }
}
