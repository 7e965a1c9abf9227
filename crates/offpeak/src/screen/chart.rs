//! Power against its limit over time. Absent values leave gaps.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::symbols::Marker;
use ratatui::text::Line;
use ratatui::widgets::{Axis, Block, Chart, Dataset, GraphType};

use super::civil;
use crate::view::{PointView, SiteView};

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, view: &SiteView) {
    let block = Block::bordered().title("power (line) against limit (dots), MW");
    let (Some(first), Some(last)) = (view.trace.first(), view.trace.last()) else {
        return frame.render_widget(block.title_bottom("no reading yet"), area);
    };
    let seconds = |point: &PointView| point.at.as_second() as f64;
    let points = |value: fn(&PointView) -> Option<f64>| -> Vec<(f64, f64)> {
        view.trace.iter().filter_map(|point| Some((seconds(point), value(point)? / 1e3))).collect()
    };
    let (power, limit) = (points(|point| point.power_kw), points(|point| point.limit_kw));
    let top = power.iter().chain(&limit).map(|(_, megawatts)| *megawatts).fold(0.001, f64::max) * 1.1;
    let datasets = vec![
        // Dots, not a line: a limit jumps, and a silence has no value to draw a line through.
        Dataset::default()
            .marker(Marker::Dot)
            .graph_type(GraphType::Scatter)
            .style(Style::new().fg(Color::Yellow))
            .data(&limit),
        Dataset::default()
            .marker(Marker::Braille)
            .graph_type(GraphType::Scatter)
            .style(Style::new().fg(Color::Cyan))
            .data(&power),
    ];
    let clock = |point: &PointView| Line::from(civil(view, point.at, "%H:%M"));
    let bounds = [seconds(first), seconds(last).max(seconds(first) + 1.0)];
    let x = Axis::default().bounds(bounds).labels([clock(first), clock(last)]);
    let decimals = if top < 10.0 { 2 } else { 0 };
    let y =
        Axis::default().bounds([0.0, top]).labels([Line::from("0"), Line::from(format!("{top:.decimals$}"))]);
    frame.render_widget(Chart::new(datasets).block(block).x_axis(x).y_axis(y), area);
}
