//! Figures and states in words, as short as the width asks. Not here: where they stand on the screen.

use ratatui::text::{Line, Span};

use offpeak_server::view::{CommandsView, CountsView, MoneyView, SiteView};

/// What each standing is called: its sign, its word, its short word.
pub(super) const STATES: [(char, &str, &str); 7] = [
    ('●', "running", "run"),
    ('▲', "rising", "rise"),
    ('▼', "falling", "fall"),
    ('○', "asleep", "asleep"),
    ('×', "cut", "cut"),
    ('!', "failed", "fail"),
    ('?', "unknown", "unknown"),
];

/// Machines by standing, in the longest form that fits. States with no machine are left out, running never.
pub(super) fn counts(counts: &CountsView, width: usize) -> String {
    let list = |form: fn(u32, (char, &str, &str)) -> String, between: &str| {
        let states = counts.by_state().map(|(number, _)| number).into_iter().zip(STATES);
        states
            .enumerate()
            .filter(|(place, (number, _))| *number > 0 || *place == 0)
            .map(|(_, (number, state))| form(number, state))
            .collect::<Vec<_>>()
            .join(between)
    };
    let total = counts.total;
    let signs = list(|number, state| format!("{}{number}", state.0), " ");
    let forms = [
        format!("{} · of {total}", list(|number, state| format!("{} {number} {}", state.0, state.1), " · ")),
        format!("{} of {total}", list(|number, state| format!("{number} {}", state.2), ", ")),
        format!("{signs} of {total}"),
    ];
    forms.into_iter().find(|text| text.chars().count() <= width).unwrap_or(signs)
}

/// A line no wider than this. What is cut off is marked, so that half a figure is not read as a whole one.
pub(super) fn fit(line: Line<'static>, width: usize) -> Line<'static> {
    if line.width() <= width {
        return line;
    }
    let mut room = width.saturating_sub(1);
    let mut spans = Vec::new();
    for span in line.spans {
        let text: String = span.content.chars().take(room).collect();
        room -= text.chars().count();
        spans.push(Span::styled(text, span.style));
    }
    spans.push(Span::raw("…"));
    Line::from(spans).style(line.style)
}

/// Hash rate, efficiency, and money at present prices.
pub(super) fn earning(view: &SiteView) -> String {
    let efficiency = view
        .efficiency_j_per_th
        .map_or_else(|| "no J/TH".to_owned(), |efficiency| format!("{efficiency:.1} J/TH"));
    let hashing = format!("{} · {efficiency}", hash_rate(view.hash_rate_ths));
    let Some(money) = &view.money else { return hashing };
    let sums = account([money.revenue_per_h, money.cost_per_h, money.margin_per_h], &money.currency);
    format!("{hashing} · now {sums}/h")
}

/// The day's sums, and what is in none of them.
pub(super) fn today(money: &MoneyView) -> String {
    let sums = [money.revenue_today, money.cost_today, money.margin_today].map(Some);
    let sums = account(sums, &money.currency);
    let mut text = format!("today {sums} · {:.1} MWh", money.energy_today_kwh / 1e3);
    for (seconds, what) in [(money.unmetered_s, "unmetered"), (money.unpriced_s, "without a price")] {
        // A minute's part is told as it is: rounded up it would look like much.
        match seconds {
            ..1.0 => {}
            ..60.0 => text += &format!(" · {seconds:.0} s {what}"),
            _ => text += &format!(" · {:.0} min {what}", seconds / 60.0),
        }
    }
    text
}

/// Revenue less cost is margin; `?` is not known. Small sums have their hundredths.
fn account(sums: [Option<f64>; 3], currency: &str) -> String {
    let sums = sums.map(|sum| sum.filter(|sum| sum.is_finite()));
    let small = sums.iter().flatten().all(|sum| sum.abs() < 1e3);
    let [revenue, cost, margin] = sums.map(|sum| match sum {
        None => "?".to_owned(),
        Some(sum) if small => format!("{:.2}", if sum.abs() < 0.005 { 0.0 } else { sum }),
        Some(sum) => grouped(sum),
    });
    format!("{revenue} earned - {cost} paid = {margin} {currency}")
}

/// How commands ended. What did not happen is left out, but for the four that are always looked for.
pub(super) fn commands(commands: &CommandsView, vetoes: u64) -> String {
    let mut text = format!(
        "commands {} sent, {} confirmed, {} refused, {} timed out",
        commands.issued, commands.confirmed, commands.refused, commands.timed_out
    );
    let rest = [
        (vetoes, "vetoed by the checker"),
        (commands.unanswered, "unanswered"),
        (commands.superseded, "superseded"),
        (commands.meter_disagrees, "batches at odds with a meter"),
    ];
    for (number, what) in rest {
        if number > 0 {
            text += &format!(", {number} {what}");
        }
    }
    text
}

/// Whole, with a comma between thousands: `-1,711`.
pub(super) fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0.0 && digits != "0" { format!("-{text}") } else { text }
}

fn hash_rate(terahashes: Option<f64>) -> String {
    let Some(terahashes) = terahashes else { return "no TH/s known".to_owned() };
    match terahashes {
        value if value >= 1e6 => format!("{:.2} EH/s", value / 1e6),
        value if value >= 1e3 => format!("{:.2} PH/s", value / 1e3),
        value => format!("{value:.1} TH/s"),
    }
}

/// One unit for a whole line, by its largest figure, so that its figures compare at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scale {
    megawatts: bool,
    decimals: usize,
}

impl Scale {
    /// The scale for figures up to this many kilowatts.
    pub(super) fn of(kilowatts_max: f64) -> Self {
        let megawatts = kilowatts_max >= 1e3;
        let largest = if megawatts { kilowatts_max / 1e3 } else { kilowatts_max };
        let decimals = match largest {
            _ if !megawatts => 1,
            largest if largest >= 100.0 => 1,
            largest if largest >= 10.0 => 2,
            _ => 3,
        };
        Self { megawatts, decimals }
    }

    /// Kilowatts as a figure of this scale.
    pub(super) fn value(self, kilowatts: f64) -> f64 {
        if self.megawatts { kilowatts / 1e3 } else { kilowatts }
    }

    /// The figure, without its unit.
    pub(super) fn text(self, kilowatts: f64) -> String {
        format!("{:.*}", self.decimals, self.value(kilowatts))
    }

    /// The unit.
    pub(super) const fn unit(self) -> &'static str {
        if self.megawatts { "MW" } else { "kW" }
    }
}
