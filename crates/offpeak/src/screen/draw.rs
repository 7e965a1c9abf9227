//! One picture of a site, from a view and what the screen remembers. Every state is told in words as well as in
//! colour.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph};

use super::{UiState, chart, civil};
use crate::view::{HallView, SiteView};

const BAR: usize = 16;

pub(super) fn draw(frame: &mut Frame<'_>, view: &SiteView, state: &UiState) {
    let alarms = view.alarms.len().min(3) as u16;
    let halls = (view.halls.len() as u16 + 2).min(frame.area().height / 3);
    let [head, alarm, middle, hall, decisions, foot] = Layout::vertical([
        Constraint::Length(5),
        Constraint::Length(alarms),
        Constraint::Min(4),
        Constraint::Length(halls),
        Constraint::Length(6),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(Paragraph::new(head_lines(view)), head);
    let red = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
    let lines: Vec<_> =
        view.alarms.iter().take(3).map(|text| Line::styled(format!("! {text}"), red)).collect();
    frame.render_widget(Paragraph::new(lines), alarm);
    chart::draw(frame, middle, view);
    draw_halls(frame, hall, view, state);
    draw_decisions(frame, decisions, view);
    let keys = "q leave   s s emergency stop   r resume   arrows choose a hall";
    let foot_line = if state.message.is_empty() { keys } else { state.message.as_str() };
    frame.render_widget(
        Paragraph::new(Line::styled(foot_line, Style::new().add_modifier(Modifier::REVERSED))),
        foot,
    );
}

fn head_lines(view: &SiteView) -> Vec<Line<'static>> {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let title = Line::from(vec![
        Span::styled(view.name.clone(), bold),
        Span::raw(format!(
            "  {}  {}x · {}",
            civil(view, view.at, "%a %Y-%m-%d %H:%M:%S"),
            view.speed,
            view.transport
        )),
    ]);
    let counts = view.counts;
    let states = format!(
        "{} running  {} rising  {} falling  {} asleep  {} cut  {} failed  {} unknown  of {}",
        counts.running,
        counts.rising,
        counts.falling,
        counts.asleep,
        counts.cut,
        counts.failed,
        counts.unknown,
        counts.total
    );
    let money = &view.money;
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.0}"));
    let efficiency = view.efficiency_j_per_th.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"));
    let earns = format!(
        "{:.2} PH/s  {efficiency} J/TH   margin {} {}/h, today {:.0}",
        view.hash_rate_ths / 1e3,
        number(money.margin_per_h),
        money.currency,
        money.margin_today
    );
    let commands = view.commands;
    let sent = format!(
        "commands {} sent, {} confirmed, {} refused, {} unanswered, {} timed out   checker {}",
        commands.issued,
        commands.confirmed,
        commands.refused,
        commands.unanswered,
        commands.timed_out,
        view.checker_vetoes
    );
    vec![title, power_line(view), Line::from(states), Line::from(earns), Line::from(sent)]
}

fn power_line(view: &SiteView) -> Line<'static> {
    let megawatts = |kilowatts: f64| format!("{:.3}", kilowatts / 1e3);
    let over = view.power_kw.zip(view.limit.as_ref()).is_some_and(|(power, limit)| power > limit.limit_kw);
    let style = Style::new().fg(if over { Color::Red } else { Color::Green }).add_modifier(Modifier::BOLD);
    let power = view.power_kw.map_or_else(|| "no meter".to_owned(), megawatts);
    let limit = view.limit.as_ref().map_or_else(
        || "no limit".to_owned(),
        |limit| format!("of {} MW · {}", megawatts(limit.limit_kw), limit.source),
    );
    let next = view.next.as_ref().map_or_else(String::new, |next| {
        format!("  → {} at {}: {} MW", next.text, civil(view, next.at, "%H:%M"), megawatts(next.limit_kw))
    });
    let mut spans = vec![Span::styled(power, style), Span::raw(format!(" {limit}{next}"))];
    if over {
        spans.push(Span::styled("  ABOVE", style));
    }
    Line::from(spans)
}

fn draw_halls(frame: &mut Frame<'_>, area: Rect, view: &SiteView, state: &UiState) {
    let block = Block::bordered().title("halls");
    let rows = usize::from(area.height.saturating_sub(2));
    let first = state.hall.saturating_sub(rows.saturating_sub(1));
    let lines: Vec<_> = view
        .halls
        .iter()
        .enumerate()
        .skip(first)
        .take(rows)
        .map(|(place, hall)| hall_line(hall, place == state.hall))
        .collect();
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn hall_line(hall: &HallView, chosen: bool) -> Line<'static> {
    let share = hall
        .power_kw
        .zip(hall.limit_kw)
        .filter(|(_, limit)| *limit > 0.0)
        .map(|(power, limit)| power / limit);
    let filled = share.map_or(0, |share| ((share * BAR as f64).round() as usize).min(BAR));
    let bar = format!("{}{}", "█".repeat(filled), "░".repeat(BAR - filled));
    let number =
        |value: Option<f64>| value.map_or_else(|| "no meter".to_owned(), |value| format!("{value:.0}"));
    let style = if chosen { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new() };
    let block = hall.block.as_ref().map(|block| format!("  {block}")).unwrap_or_default();
    Line::styled(
        format!(
            "{:<10} {bar} {:>8} of {:>6} kW  {:>5} of {:<5} run  {}{block}",
            hall.id,
            number(hall.power_kw),
            hall.limit_kw.map_or_else(|| "-".to_owned(), |limit| format!("{limit:.0}")),
            hall.counts.running,
            hall.counts.total,
            hall.authority
        ),
        style,
    )
}

fn draw_decisions(frame: &mut Frame<'_>, area: Rect, view: &SiteView) {
    let rows = usize::from(area.height.saturating_sub(2));
    let skip = view.decisions.len().saturating_sub(rows);
    let lines: Vec<_> = view
        .decisions
        .iter()
        .skip(skip)
        .map(|decision| Line::from(format!("{}  {}", civil(view, decision.at, "%H:%M:%S"), decision.text)))
        .collect();
    frame.render_widget(Paragraph::new(lines).block(Block::bordered().title("last decisions")), area);
}
