//! The observatory: what mining draws from the world and what it pays, from what is built in.
//!
//! For: `offpeak-index`'s answers as JSON and as files, for whoever may sign in: it is public knowledge, and nothing of it
//! is the site's own. Not here: the arithmetic, and files of the user's own, which the command line takes.
//!
//! Answers take milliseconds of one core, our own method's a tenth of a second: they are worked out off the threads that
//! serve, few at a time, so that nobody slows down a running mine by asking.

mod index;
mod nation;
mod world;
mod worth;

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use offpeak_index::answers::{ChangeError, Changes, Inputs, method};
use offpeak_index::electricity::{Method, Revision, Series};
use offpeak_index::world::{Assumption, ShareSeries, embedded_shares, with_header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Turns, in_turn};
use crate::problem::Problem;

pub(super) use index::{__path_index, __path_slider, index, slider};
pub(super) use nation::{__path_country, __path_what_if, country, what_if};
pub(super) use world::{__path_flows, __path_world, flows, world};
pub(super) use worth::{
    __path_breakeven, __path_chain, __path_hash_price, __path_residual, breakeven, chain, hash_price,
    residual,
};

/// Answers worked out at the same time.
const AT_ONCE: usize = 2;

/// Draws of our own method's band at most: ten thousand, which the command line takes, keep a core for seconds.
const DRAWS_MAX: f64 = 1_000.0;
/// Series of our own method that are kept.
const KEPT: usize = 6;
/// The longest list of assumptions that `set` takes, in bytes.
const SET_MAX: usize = 4_000;

/// What is built in never changes while the process lives.
static INPUTS: LazyLock<Inputs> = LazyLock::new(Inputs::built_in);
static SHARES: LazyLock<Vec<ShareSeries>> = LazyLock::new(embedded_shares);
static TURNS: Turns = Turns::new(AT_ONCE, "others' estimates are being worked out");
static SERIES: Mutex<VecDeque<Arc<Series>>> = Mutex::new(VecDeque::new());

/// As which kind of file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Format {
    /// The answer.
    #[default]
    Json,
    /// A table, with what it rests on in `#` lines above it, as the command line's `--csv --assumptions` writes it.
    Csv,
}

/// By which method the network's electricity is estimated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MethodName {
    /// Cambridge's, bottom up: which machines pay their power at one price.
    #[default]
    Cbeci,
    /// Digiconomist's, top down: a share of revenue buys power.
    Digiconomist,
    /// Ours: prices by region and time, machines that die of age, a band by drawing.
    Offpeak,
}

/// Which of Cambridge's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) enum RevisionName {
    /// 1.2 to 1.3.
    #[serde(rename = "1.2")]
    V1_2,
    /// August 2023 and later.
    #[serde(rename = "1.4")]
    V1_4,
}

impl From<RevisionName> for Revision {
    fn from(name: RevisionName) -> Self {
        match name {
            RevisionName::V1_2 => Self::V1_2,
            RevisionName::V1_4 => Self::V1_4,
        }
    }
}

/// The parameters of a route that estimates the network, and the method that they ask for.
macro_rules! with_method {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        pub(crate) struct $name {
            $($(#[$of])* $field: $kind,)*
            /// By which method the network's electricity is estimated
            #[param(inline, default = "cbeci")]
            method: Option<$crate::api::observatory::MethodName>,
            /// Which of Cambridge's rules
            #[param(inline, default = "1.4")]
            revision: Option<$crate::api::observatory::RevisionName>,
            /// Repeat what only Cambridge's published figures do
            parity: Option<bool>,
            /// What all miners pay, USD/kWh
            #[param(minimum = 0.000001, maximum = 10, example = 0.05)]
            price: Option<f64>,
            /// Other assumptions by their keys, as `key=value` with commas between them
            #[param(example = "pue_guess=1.2,mean_days=30", max_length = 4000)]
            set: Option<String>,
        }
        impl $name {
            fn method(&self) -> Result<offpeak_index::electricity::Method, $crate::problem::Problem> {
                let set = self.set.as_deref();
                $crate::api::observatory::asked(self.method, self.revision, self.parity, self.price, set)
            }
        }
    };
}
use with_method;

fn asked(
    name: Option<MethodName>,
    revision: Option<RevisionName>,
    parity: Option<bool>,
    price: Option<f64>,
    set: Option<&str>,
) -> Result<Method, Problem> {
    let changes = Changes {
        revision: revision.map(Into::into),
        parity: parity.unwrap_or_default(),
        price_usd_per_kwh: price,
        set: pairs(set.unwrap_or_default())?,
    };
    let name = match name.unwrap_or_default() {
        MethodName::Cbeci => "cbeci",
        MethodName::Digiconomist => "digiconomist",
        MethodName::Offpeak => "offpeak",
    };
    let method = method(name, &changes).map_err(|error| wrong(&error))?;
    if let Method::Offpeak(ours) = &method
        && ours.draws > DRAWS_MAX
    {
        let detail = format!("`draws` is {}; a site draws {DRAWS_MAX} times at most", ours.draws);
        return Err(
            Problem::invalid(detail).hint("`offpeak index --method offpeak --set draws=N` takes more")
        );
    }
    Ok(method)
}

fn pairs(set: &str) -> Result<Vec<(String, String)>, Problem> {
    if set.len() > SET_MAX {
        return Err(Problem::invalid(format!("`set` has more than {SET_MAX} bytes")));
    }
    let pair = |text: &str| {
        let (key, value) = text
            .split_once('=')
            .ok_or_else(|| Problem::invalid(format!("`set`: `{text}` is not key=value")))?;
        Ok((key.trim().to_owned(), value.trim().to_owned()))
    };
    set.split(',').filter(|text| !text.trim().is_empty()).map(pair).collect()
}

fn wrong(error: &ChangeError) -> Problem {
    let problem = Problem::invalid(error.to_string());
    match error {
        ChangeError::Assumption { .. } | ChangeError::Unknown(_) => {
            problem.hint("the answer's `assumptions` list what can be set")
        }
        _ => problem,
    }
}

/// A series, from those kept where working it out takes long.
fn series_of(method: &Method) -> Arc<Series> {
    let fresh = || Arc::new(method.series(&INPUTS.network, &INPUTS.catalogue));
    if !matches!(method, Method::Offpeak(_)) {
        return fresh();
    }
    let kept = || SERIES.lock().unwrap_or_else(PoisonError::into_inner);
    let found = kept().iter().find(|series| series.method == *method).cloned();
    if let Some(found) = found {
        return found;
    }
    let series = fresh();
    let mut all = kept();
    if all.len() == KEPT {
        all.pop_front();
    }
    all.push_back(Arc::clone(&series));
    series
}

/// Works an answer out in its turn, off the threads that serve.
async fn worked<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    in_turn(&TURNS, work).await
}

/// An answer as JSON, or a file that carries what it rests on.
pub(super) enum Told<T> {
    /// As JSON.
    Json(T),
    /// As a file of this name.
    Csv(String, String),
}

impl<T: Serialize> IntoResponse for Told<T> {
    fn into_response(self) -> Response {
        match self {
            Self::Json(answer) => Json(answer).into_response(),
            Self::Csv(name, text) => {
                let mut response =
                    ([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response();
                if let Ok(name) = HeaderValue::from_str(&format!("attachment; filename=\"{name}.csv\"")) {
                    response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
                }
                response
            }
        }
    }
}

impl<T> Told<T> {
    fn csv(name: impl Into<String>, what: &str, assumptions: &[Assumption], csv: &str) -> Self {
        Self::Csv(name.into(), with_header(what, assumptions, csv))
    }
}

/// What a handler of the observatory answers with.
type Answer<T> = Result<Told<T>, Problem>;

/// Each assumption once, in order: a file's header says nothing twice.
fn once(list: impl IntoIterator<Item = Assumption>) -> Vec<Assumption> {
    let mut all: Vec<Assumption> = Vec::new();
    for one in list {
        if !all.contains(&one) {
            all.push(one);
        }
    }
    all
}

/// A number within what makes sense.
fn within(field: &str, value: f64, least: f64, most: f64) -> Result<f64, Problem> {
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    Err(Problem::invalid(format!("`{field}` is {value}; it is {least} to {most}")))
}

/// Two days in their order.
fn in_order(from: Option<jiff::civil::Date>, to: Option<jiff::civil::Date>) -> Result<(), Problem> {
    match (from, to) {
        (Some(from), Some(to)) if from > to => {
            Err(Problem::invalid(format!("`from` {from} is after `to` {to}")))
        }
        _ => Ok(()),
    }
}
