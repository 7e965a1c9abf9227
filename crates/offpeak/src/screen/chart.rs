//! Power against its limit over time. Absent values leave gaps: no line is drawn over a silence.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::symbols::Marker;
use ratatui::text::Line;
use ratatui::widgets::{Axis, Block, Borders, Chart, Dataset, GraphType};

use super::{Span, civil, words::Scale};
use offpeak_server::view::{PointView, SiteView};

/// Dots of a dash, and of the gap after it.
const DASH: usize = 4;
/// Spans longer than this have the day at their ends.
const DAY_S: f64 = 20.0 * 3_600.0;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, view: &SiteView, span: Span) {
    let trace = latest(&view.trace, span);
    let values = trace.iter().flat_map(|point| [point.power_kw, point.limit_kw]);
    let top = values.flatten().fold(0.1, f64::max) * 1.05;
    let scale = Scale::of(top);
    let title = format!("power (line) and limit (dashes), {}", scale.unit());
    let block = Block::new().borders(Borders::TOP).title(title);
    let (Some(first), Some(last)) = (trace.first(), trace.last()) else {
        return frame.render_widget(block.title("no reading yet"), area);
    };
    let (from, to) = (seconds(first), seconds(last).max(seconds(first) + 1.0));
    let limit = dashes(trace, from, to, usize::from(area.width) * 2, scale);
    let runs = runs(trace, scale);
    // Both on the braille grid: on two grids, a load just below its limit could look above it.
    let mut datasets = vec![
        Dataset::default()
            .marker(Marker::Braille)
            .graph_type(GraphType::Scatter)
            .style(Style::new().fg(Color::Magenta))
            .data(&limit),
    ];
    datasets.extend(
        runs.iter()
            .map(|run| Dataset::default().marker(Marker::Braille).graph_type(GraphType::Line).data(run)),
    );
    let format = if to - from > DAY_S { "%a %H:%M" } else { "%H:%M" };
    let clock = |point: &PointView| Line::from(civil(view, point.at, format));
    let x = Axis::default().bounds([from, to]).labels([clock(first), clock(last)]);
    let top_label = Line::from(scale.text(top));
    let y_labels = if area.height > 9 {
        vec![Line::from("0"), Line::from(scale.text(top / 2.0)), top_label]
    } else {
        vec![Line::from("0"), top_label]
    };
    let y = Axis::default().bounds([0.0, scale.value(top)]).labels(y_labels);
    // Without a legend: the title says which is which.
    let chart = Chart::new(datasets).block(block).x_axis(x).y_axis(y).legend_position(None);
    frame.render_widget(chart, area);
}

/// The part of a trace that is at most so long.
pub(super) fn latest(trace: &[PointView], span: Span) -> &[PointView] {
    let Some((last, long)) = trace.last().zip(span.seconds()) else { return trace };
    let from = seconds(last) - long;
    &trace[trace.partition_point(|point| seconds(point) < from)..]
}

fn seconds(point: &PointView) -> f64 {
    point.at.as_millisecond() as f64 / 1e3
}

/// Measured power in unbroken runs, one for each stretch without a silence.
pub(super) fn runs(trace: &[PointView], scale: Scale) -> Vec<Vec<(f64, f64)>> {
    trace
        .split(|point| point.power_kw.is_none())
        .filter(|run| !run.is_empty())
        .map(|run| {
            run.iter().filter_map(|point| Some((seconds(point), scale.value(point.power_kw?)))).collect()
        })
        .collect()
}

/// The limit in dashes, `dots` across. A limit holds until the next point: it jumps and never slopes.
fn dashes(trace: &[PointView], from: f64, to: f64, dots: usize, scale: Scale) -> Vec<(f64, f64)> {
    (0..dots)
        .filter(|dot| (dot / DASH).is_multiple_of(2))
        .filter_map(|dot| {
            let at = from + (to - from) * dot as f64 / (dots.max(2) - 1) as f64;
            let after = trace.partition_point(|point| seconds(point) <= at);
            let point = trace.get(after.checked_sub(1)?)?;
            Some((at, scale.value(point.limit_kw?)))
        })
        .collect()
}
