//! The whole network's electricity by each method, and Cambridge's while somebody moves the price.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;
use offpeak_index::answers::{Every, thinned};
use offpeak_index::electricity::{Cambridge, Method, to_csv};
use offpeak_index::slider::Slider;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Answer, Format, INPUTS, MethodName, RevisionName, Told, asked, in_order, series_of, with_method, worked,
};
use crate::api::given::Asked;
use crate::problem::Problem;
use crate::view::observatory::{IndexView, PricedView};

/// How close the rows stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum EveryName {
    /// Each day.
    #[default]
    Day,
    /// One day in seven, counted back from the latest.
    Week,
    /// Means of calendar months.
    Month,
}

with_method! {
    /// Which estimate.
    IndexParams {
        /// The first day
        from: Option<Date>,
        /// The last day
        to: Option<Date>,
        /// How close the rows stand; a file always has every day
        #[param(inline, default = "day")]
        every: Option<EveryName>,
        /// As which kind of file
        #[param(inline, default = "json")]
        format: Option<Format>,
    }
}

/// What the whole network draws, by one method with everything that it takes for granted
#[utoipa::path(get, path = "/api/v1/observatory/index", tag = "observatory", params(IndexParams),
    responses((status = 200, content((IndexView = "application/json"), (String = "text/csv")))))]
pub(in crate::api) async fn index(Asked(params): Asked<IndexParams>) -> Answer<IndexView> {
    let method = params.method()?;
    in_order(params.from, params.to)?;
    worked(move || {
        let series = (*series_of(&method)).clone().between(params.from, params.to);
        if params.format.unwrap_or_default() == Format::Csv {
            return Ok(Told::Csv(format!("offpeak-index-{}", series.method.name()), to_csv(&series, true)));
        }
        let every = match params.every.unwrap_or_default() {
            EveryName::Day => Every::Day,
            EveryName::Week => Every::Week,
            EveryName::Month => Every::Month,
        };
        Ok(Told::Json(IndexView::of(&series, &thinned(&series, every), &INPUTS)))
    })
    .await
}

/// Which price, of which rules.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SliderParams {
    /// What all miners pay, USD/kWh
    #[param(minimum = 0.000001, maximum = 10, example = 0.05)]
    price: f64,
    /// Which of Cambridge's rules
    #[param(inline, default = "1.4")]
    revision: Option<RevisionName>,
    /// Repeat what only Cambridge's published figures do
    parity: Option<bool>,
    /// Other assumptions by their keys, as `key=value` with commas between them
    #[param(example = "pue_guess=1.2", max_length = 4000)]
    set: Option<String>,
    /// One day in so many
    #[param(minimum = 1, maximum = 366, default = 7)]
    step: Option<u16>,
}

/// Rules without their price, made ready.
type Ready = Option<(Cambridge, Arc<Slider>)>;
/// The rules that were asked for last: a slider asks for one price after the other.
static READY: Mutex<Ready> = Mutex::new(None);

fn ready(method: &Cambridge) -> Arc<Slider> {
    let last = || READY.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((of, slider)) = &*last()
        && of == method
    {
        return Arc::clone(slider);
    }
    let slider = Arc::new(Slider::new(method, &INPUTS.network, INPUTS.catalogue.clone()));
    *last() = Some((method.clone(), Arc::clone(&slider)));
    slider
}

/// Cambridge's estimate at one price of power: quick enough to be asked while it moves
#[utoipa::path(get, path = "/api/v1/observatory/slider", tag = "observatory", params(SliderParams),
    responses((status = 200, body = PricedView)))]
pub(in crate::api) async fn slider(Asked(params): Asked<SliderParams>) -> Answer<PricedView> {
    let name = Some(MethodName::Cbeci);
    let method = asked(name, params.revision, params.parity, Some(params.price), params.set.as_deref())?;
    let Method::Cambridge(mut method) = method else {
        return Err(Problem::invalid("the slider is Cambridge's"));
    };
    let step = params.step.unwrap_or(7);
    if !(1..=366).contains(&step) {
        return Err(Problem::invalid(format!("`step` is {step}; it is 1 to 366")));
    }
    // `set` may name the price too, and then has the last word; it is no part of what is made ready.
    let price = std::mem::replace(&mut method.price_usd_per_kwh, Cambridge::default().price_usd_per_kwh);
    worked(move || {
        let priced = ready(&method).at(price, usize::from(step));
        let wrong = || Problem::invalid(format!("{price} is no price from 0.000001 to 10 USD/kWh"));
        priced.map(|priced| Told::Json(priced.into())).ok_or_else(wrong)
    })
    .await
}
