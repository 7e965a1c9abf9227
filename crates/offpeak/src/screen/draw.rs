//! One picture of a site, from a view and what the screen remembers. Every state is told in words or signs as
//! well as in colour, and the text keeps the terminal's own colours: they are readable on dark and on light.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph};

use super::words::{self, Scale};
use super::{Question, UiState, chart, civil, halls};
use offpeak_server::view::SiteView;

/// Alarms shown at most; the last line says how many more there are.
const ALARMS_SHOWN: usize = 4;
/// A meter older than this has its age said.
const AGE_SAID_S: f64 = 3.0;
/// Decisions shown at most.
const DECISIONS_SHOWN: u16 = 12;
/// Rows kept from the halls for the chart and the decisions.
const KEPT_ROWS: u16 = 8;
/// Rows that are worth drawing a chart in.
const CHART_ROWS: u16 = 5;

pub(super) fn draw(frame: &mut Frame<'_>, view: &SiteView, state: &UiState) {
    let area = frame.area();
    let alarms_shown = match area.height {
        ..20 => 1,
        20..32 => 2,
        _ => ALARMS_SHOWN,
    };
    let mut head = vec![title(view, area.width.into())];
    head.extend(alarms(view, alarms_shown));
    head.push(power_line(view));
    head.push(Line::raw(words::counts(&view.counts, area.width.into())));
    head.push(Line::raw(words::earning(view)));
    head.extend(view.money.as_ref().map(|money| Line::raw(words::today(money))));
    head.push(Line::raw(words::commands(&view.commands, view.checker_vetoes)));
    let head: Vec<_> = head.into_iter().map(|line| words::fit(line, area.width.into())).collect();
    let [head_area, chart_area, halls_area, decisions_area, foot_area] =
        areas(area, u16::try_from(head.len()).unwrap_or(u16::MAX), halls::rows(view, state));
    frame.render_widget(Paragraph::new(head), head_area);
    if chart_area.height >= CHART_ROWS {
        chart::draw(frame, chart_area, view, state.span);
    }
    halls::draw(frame, halls_area, view, state);
    draw_decisions(frame, decisions_area, view);
    frame.render_widget(words::fit(foot(state), area.width.into()), foot_area);
}

/// Head, chart, halls, decisions, foot. The head and the foot come first, then the halls, as long as the chart
/// and the decisions keep something to show; of what the halls leave, the decisions have a third.
fn areas(area: Rect, head: u16, halls: u16) -> [Rect; 5] {
    let foot = area.height.min(1);
    let head = head.min(area.height - foot);
    let rest = area.height - foot - head;
    let kept = if rest >= KEPT_ROWS + 4 { KEPT_ROWS } else { rest / 3 };
    let halls = halls.min(rest - kept);
    let left = rest - halls;
    let decisions = (left / 3).clamp(2, DECISIONS_SHOWN + 1).min(left);
    let chart = left - decisions;
    // Too low for a chart: the decisions have its rows.
    let (chart, decisions) = if chart < CHART_ROWS { (0, left) } else { (chart, decisions) };
    Layout::vertical([head, chart, halls, decisions, foot].map(Constraint::Length)).areas(area)
}

fn red() -> Style {
    Style::new().fg(Color::Red).add_modifier(Modifier::BOLD)
}

fn title(view: &SiteView, width: usize) -> Line<'static> {
    let clock = civil(view, view.at, "%a %Y-%m-%d %H:%M:%S");
    let rest = format!("  {clock}  {}x · {}", view.speed, view.transport);
    // A long name gives way to the time and to how bytes travel.
    let room = width.saturating_sub(rest.chars().count()).max(8);
    let name: String = if view.name.chars().count() > room {
        view.name.chars().take(room - 1).chain(['…']).collect()
    } else {
        view.name.clone()
    };
    Line::from(vec![Span::styled(name, Style::new().add_modifier(Modifier::BOLD)), Span::raw(rest)])
}

/// What blocks the whole site, then what needs attention.
fn alarms(view: &SiteView, most: usize) -> Vec<Line<'static>> {
    let block = view.block.iter().map(|block| format!("■ {block}"));
    let texts: Vec<_> = block.chain(view.alarms.iter().map(|text| format!("! {text}"))).collect();
    let more = texts.len().saturating_sub(most);
    let mut lines: Vec<_> = texts.into_iter().take(most).collect();
    if let Some(last) = lines.last_mut().filter(|_| more > 0) {
        *last = format!("(+{more} more) {last}");
    }
    lines.into_iter().map(|text| Line::styled(text, red())).collect()
}

fn power_line(view: &SiteView) -> Line<'static> {
    let limit_kw = view.limit.as_ref().map(|limit| limit.limit_kw);
    let figures = [view.power_kw, limit_kw, view.next.as_ref().map(|next| next.limit_kw)];
    let scale = Scale::of(figures.into_iter().flatten().fold(0.0, f64::max));
    let over = view.power_kw.zip(limit_kw).is_some_and(|(power, limit)| power > limit);
    let power_style = if over || view.power_kw.is_none() { red() } else { red().fg(Color::Reset) };
    let power = view.power_kw.map_or_else(|| "no meter".to_owned(), |power| scale.text(power));
    let mut spans = vec![Span::styled(power, power_style)];
    match &view.limit {
        Some(limit) => {
            let among = if view.power_kw.is_some() { " of" } else { ": limit" };
            spans.push(Span::raw(format!("{among} {} {}", scale.text(limit.limit_kw), scale.unit())));
        }
        None if view.power_kw.is_some() => spans.push(Span::raw(format!(" {} · no limit", scale.unit()))),
        None => spans.push(Span::raw(" · no limit")),
    }
    if over {
        spans.push(Span::styled(" ABOVE", red()));
    }
    if let Some(limit) = &view.limit {
        spans.push(Span::raw(format!(" · {}", limit.source)));
    }
    spans.push(Span::raw(then(view, scale)));
    if let Some(age) = view.power_age_s.filter(|age| *age >= AGE_SAID_S) {
        spans.push(Span::styled(format!(" · meter {age:.0} s ago"), red()));
    }
    Line::from(spans)
}

/// Until when this holds, and what comes then.
fn then(view: &SiteView, scale: Scale) -> String {
    let until = view.limit.as_ref().and_then(|limit| limit.until);
    let clock = |at: jiff::Timestamp| {
        let far = at.duration_since(view.at).as_hours() >= 20;
        civil(view, at, if far { "%a %H:%M" } else { "%H:%M" })
    };
    match (&view.next, until) {
        (Some(next), Some(until)) if next.at == until => {
            format!(" until {}, then {} {}", clock(until), scale.text(next.limit_kw), scale.unit())
        }
        (Some(next), _) => {
            let (at, limit) = (clock(next.at), scale.text(next.limit_kw));
            format!(" · {} at {at}: {limit} {}", next.text, scale.unit())
        }
        (None, Some(until)) => format!(" until {}", clock(until)),
        (None, None) => String::new(),
    }
}

fn draw_decisions(frame: &mut Frame<'_>, area: Rect, view: &SiteView) {
    let rows = usize::from(area.height.saturating_sub(1));
    let lines: Vec<_> = view
        .decisions
        .iter()
        .rev()
        .take(rows)
        .map(|decision| Line::raw(format!("{}  {}", civil(view, decision.at, "%H:%M:%S"), decision.text)))
        .map(|line| words::fit(line, area.width.into()))
        .collect();
    let block = Block::new().borders(Borders::TOP).title("last decisions, newest first");
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

/// The keys, or what a key asked or did.
fn foot(state: &UiState) -> Line<'static> {
    let reversed = Style::new().add_modifier(Modifier::REVERSED);
    match state.asked {
        Some((Question::Stop, _)) => {
            let question = "EMERGENCY STOP of the whole site? Press s again within 3 s";
            return Line::styled(question, reversed.patch(red()));
        }
        Some((Question::Leave, _)) => {
            return Line::styled(
                "q again to stop the controller, any other key to go on",
                reversed.patch(red()),
            );
        }
        None => {}
    }
    let keys = "q quit  s s emergency stop  r resume  t time  arrows hall  enter/esc details";
    let text = state.message.as_ref().map_or(keys, |(text, _)| text.as_str());
    Line::styled(text.to_owned(), reversed)
}
