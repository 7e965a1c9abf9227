//! The halls: as a list with a bar each, or one of them in detail. Not here: what their keys do.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph};

use super::UiState;
use super::words::{self, grouped};
use offpeak_server::view::{HallView, SiteView};

/// Rows that one hall in detail takes.
const DETAIL_ROWS: u16 = 5;
/// From this width on there is room for words and a longer bar.
const WIDE: u16 = 120;

/// Rows wanted, its heading among them.
pub(super) fn rows(view: &SiteView, state: &UiState) -> u16 {
    let rows = if state.details { DETAIL_ROWS } else { u16::try_from(view.halls.len()).unwrap_or(u16::MAX) };
    rows.saturating_add(1)
}

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, view: &SiteView, state: &UiState) {
    let chosen = state.hall.min(view.halls.len().saturating_sub(1));
    let block = |title: String| Block::new().borders(Borders::TOP).title(title);
    let Some(hall) = view.halls.get(chosen) else {
        return frame.render_widget(block("no halls".to_owned()), area);
    };
    if state.details {
        let lines = details(hall, area.width);
        let title = format!("{} ({} of {}), esc: all halls", hall.id, chosen + 1, view.halls.len());
        return frame.render_widget(Paragraph::new(lines).block(block(title)), area);
    }
    let rows = usize::from(area.height.saturating_sub(1));
    if rows == 0 {
        return frame.render_widget(block("halls".to_owned()), area);
    }
    // The chosen hall stays in sight.
    let first = (chosen + 1).saturating_sub(rows);
    let last = (first + rows).min(view.halls.len());
    let part = if rows < view.halls.len() {
        format!(" {}-{last} of {}", first + 1, view.halls.len())
    } else {
        String::new()
    };
    let signs: Vec<_> = words::STATES.iter().map(|(sign, word, _)| format!("{sign} {word}")).collect();
    let names = view.halls.iter().map(|hall| hall.id.chars().count()).max().unwrap_or(0).min(12);
    let lines: Vec<_> =
        (first..last).map(|place| row(&view.halls[place], place == chosen, names, area.width)).collect();
    let title = format!("halls{part}: {}", signs.join(" "));
    frame.render_widget(Paragraph::new(lines).block(block(title)), area);
}

fn above(hall: &HallView) -> bool {
    hall.power_kw.zip(hall.limit_kw).is_some_and(|(power, limit)| power > limit)
}

fn row(hall: &HallView, chosen: bool, names: usize, width: u16) -> Line<'static> {
    let bar_width: u16 = if width >= WIDE { 20 } else { 10 };
    let share = hall.power_kw.zip(hall.limit_kw).map(|(power, limit)| match limit > 0.0 {
        true => power / limit,
        // A limit of zero means zero: any load fills it.
        false => f64::from(u8::from(power > 0.0)),
    });
    let filled =
        share.map_or(0, |share| ((share * f64::from(bar_width)).round() as usize).min(bar_width.into()));
    let bar = "█".repeat(filled) + &"░".repeat(usize::from(bar_width) - filled);
    let limit = hall.limit_kw.map_or_else(|| "-".to_owned(), grouped);
    let load = match hall.power_kw {
        Some(power) if hall.metered => grouped(power),
        Some(power) => format!("~{}", grouped(power)),
        None => "no meter".to_owned(),
    };
    let red = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
    let name: String = hall.id.chars().take(names).collect();
    let mut spans = vec![
        Span::raw(format!("{}{name:<names$} ", if chosen { "> " } else { "  " })),
        Span::styled(bar, if above(hall) { red } else { Style::new() }),
        Span::raw(format!(" {load:>8} / {limit:>6} kW ")),
    ];
    if above(hall) {
        spans.push(Span::styled("ABOVE ", red));
    }
    spans.push(Span::raw(format!("{:<7} ", hall.authority)));
    if let Some(block) = &hall.block {
        spans.push(Span::styled(format!("{block} "), red));
    } else if let Some(advice) = hall.advice {
        spans.push(Span::raw(format!("{} ", advice.words())));
    }
    let room = usize::from(width).saturating_sub(spans.iter().map(Span::width).sum());
    // Words would change the form from row to row: signs, unless there is plenty of room.
    spans.push(Span::raw(words::counts(&hall.counts, if width >= WIDE { room } else { 0 })));
    let style = if chosen { Style::new().add_modifier(Modifier::BOLD) } else { Style::new() };
    words::fit(Line::from(spans).style(style), width.into())
}

fn details(hall: &HallView, width: u16) -> Vec<Line<'static>> {
    let power = match (hall.power_kw, hall.metered) {
        (Some(power), true) => format!("{} kW by its meter", grouped(power)),
        (Some(power), false) => format!("~{} kW by the catalogue: it has no meter", grouped(power)),
        (None, true) => "its meter is silent".to_owned(),
        (None, false) => "no meter".to_owned(),
    };
    let limit = match (hall.limit_kw, &hall.source) {
        (Some(limit), Some(source)) => format!("{} kW · {source}", grouped(limit)),
        (Some(limit), None) => format!("{} kW", grouped(limit)),
        (None, _) => "none of its own".to_owned(),
    };
    let may = match hall.advice {
        Some(advice) => format!("offpeak only watches here; it {} now", advice.words()),
        None if hall.authority == "control" => "offpeak acts here".to_owned(),
        None => "offpeak only watches here".to_owned(),
    };
    let red = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
    let (block, block_style) = match &hall.block {
        Some(block) => (block.clone(), red),
        None => ("none".to_owned(), Style::new()),
    };
    let mut load = vec![Span::raw(format!("power      {power}"))];
    if above(hall) {
        load.push(Span::styled("  ABOVE its limit", red));
    }
    let lines = [
        Line::from(load),
        Line::raw(format!("limit      {limit}")),
        Line::raw(format!(
            "machines   {}",
            words::counts(&hall.counts, usize::from(width).saturating_sub(11))
        )),
        Line::raw(format!("authority  {}: {may}", hall.authority)),
        Line::from(vec![Span::raw("block      "), Span::styled(block, block_style)]),
    ];
    lines.map(|line| words::fit(line, width.into())).into()
}
