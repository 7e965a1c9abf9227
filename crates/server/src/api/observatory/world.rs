//! Where mining is said to be, by each source, and who gained what others lost.

use std::collections::BTreeSet;

use offpeak_index::answers::{flows_assumptions, flows_csv, waste_kt, wholes, world_csv};
use offpeak_index::world::{
    Flows, Generation, NetworkLoad, Overview, Period, ShareSeries, flows as compare, overview,
};

use super::{Answer, Format, INPUTS, SHARES, Told, once, series_of, with_method, worked};
use crate::api::given::Asked;
use crate::problem::Problem;
use crate::view::observatory::{
    AssumptionView, FlowsView, OverviewView, SeriesFlowsView, SourceView, WorldView,
};

/// A period as given.
pub(super) fn period(field: &str, text: &str) -> Result<Period, Problem> {
    text.parse().map_err(|error| {
        Problem::invalid(format!("`{field}`: {error}")).hint("such as 2021-08, 2025-Q2 or 2021")
    })
}

/// The series of these short names, with commas between them; without any, all.
fn chosen(names: Option<&str>) -> Result<Vec<&'static ShareSeries>, Problem> {
    let Some(names) = names else { return Ok(SHARES.iter().collect()) };
    let find = |name: &str| {
        SHARES.iter().find(|one| one.key == name.trim()).ok_or_else(|| {
            let keys: Vec<&str> = SHARES.iter().map(|one| one.key.as_str()).collect();
            Problem::invalid(format!("`series`: there is no `{name}`; there are {}", keys.join(", ")))
        })
    };
    names.split(',').map(find).collect()
}

fn nothing(wanted: &str) -> Problem {
    let known: BTreeSet<Period> = SHARES.iter().flat_map(|one| one.points.keys().copied()).collect();
    let known: Vec<String> = known.iter().map(ToString::to_string).collect();
    Problem::not_found("no-such-period", format!("no source reports {wanted}"))
        .hint(format!("there is {}", known.join(", ")))
}

with_method! {
    /// Which period, by whom.
    WorldParams {
        /// A month, quarter or year; without it the latest of each source
        #[param(example = "2021-08", max_length = 10)]
        period: Option<String>,
        /// Only these sources, by their short names with commas between them
        #[param(example = "cambridge", max_length = 200)]
        series: Option<String>,
        /// As which kind of file
        #[param(inline, default = "json")]
        format: Option<Format>,
    }
}

/// Where mining is said to be: ranks, loads and emissions by country, each source with its sample and error
#[utoipa::path(get, path = "/api/v1/observatory/world", tag = "observatory", params(WorldParams),
    responses((status = 200, content((WorldView = "application/json"), (String = "text/csv"))),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(in crate::api) async fn world(Asked(params): Asked<WorldParams>) -> Answer<WorldView> {
    let method = params.method()?;
    let wanted = params.period.as_deref().map(|text| period("period", text)).transpose()?;
    let sources = chosen(params.series.as_deref())?;
    worked(move || {
        let load = NetworkLoad::from_series(&series_of(&method));
        let tables: Vec<Overview> = sources
            .into_iter()
            .filter_map(|one| Some((one, wanted.or_else(|| one.points.keys().next_back().copied())?)))
            .filter_map(|(one, period)| overview(one, Some(&load), period, Generation::embedded()))
            .collect();
        if let (true, Some(wanted)) = (tables.is_empty(), wanted) {
            return Err(nothing(&wanted.to_string()));
        }
        if params.format.unwrap_or_default() == Format::Csv {
            let list = once(tables.iter().flat_map(|one| one.assumptions.iter().cloned()));
            let csv = world_csv(&tables, &[], &SHARES, &load);
            return Ok(Told::csv("offpeak-world", "world", &list, &csv));
        }
        let table = |one: Overview| {
            let waste = waste_kt(&INPUTS, one.period);
            OverviewView::of(one, &load, waste)
        };
        Ok(Told::Json(WorldView {
            method: load.method.clone(),
            sources: SHARES.iter().map(SourceView::from).collect(),
            tables: tables.into_iter().map(table).collect(),
        }))
    })
    .await
}

with_method! {
    /// Between which periods, by whom.
    FlowsParams {
        /// The first period
        #[param(example = "2021-04", max_length = 10)]
        from: String,
        /// The second
        #[param(example = "2021-08", max_length = 10)]
        to: String,
        /// Only these sources, by their short names with commas between them
        #[param(example = "cambridge", max_length = 200)]
        series: Option<String>,
        /// As which kind of file
        #[param(inline, default = "json")]
        format: Option<Format>,
    }
}

/// Who gained what others lost between two periods, by a stated rule, in points, hash rate and power
#[utoipa::path(get, path = "/api/v1/observatory/flows", tag = "observatory", params(FlowsParams),
    responses((status = 200, content((FlowsView = "application/json"), (String = "text/csv"))),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(in crate::api) async fn flows(Asked(params): Asked<FlowsParams>) -> Answer<FlowsView> {
    let method = params.method()?;
    let (before, after) = (period("from", &params.from)?, period("to", &params.to)?);
    let sources = chosen(params.series.as_deref())?;
    worked(move || {
        let load = NetworkLoad::from_series(&series_of(&method));
        let both = |one: &ShareSeries| compare(one, before, after).ok();
        let found: Vec<(&ShareSeries, Flows)> =
            sources.into_iter().filter_map(|one| Some((one, both(one)?))).collect();
        if found.is_empty() {
            return Err(nothing(&format!("both {before} and {after}")));
        }
        let wholes = wholes(&INPUTS, &load, before, after);
        let list = once(flows_assumptions(&found, &wholes, &load));
        if params.format.unwrap_or_default() == Format::Csv {
            return Ok(Told::csv("offpeak-flows", "flows", &list, &flows_csv(&found, &wholes)));
        }
        Ok(Told::Json(FlowsView {
            from_period: before.to_string(),
            to_period: after.to_string(),
            series: found.iter().map(|(one, flows)| SeriesFlowsView::of(one, flows, &wholes)).collect(),
            assumptions: AssumptionView::list_with(list, &load.assumptions),
        }))
    })
    .await
}
