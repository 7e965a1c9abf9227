//! What a controller says when it ends: who ended it, and in what state it leaves the machines.
//!
//! Not here: what machines do in its absence, hall by hall (`offpeak check` says that of a site).

use super::ending::Ended;
use offpeak_server::view::SiteView;

/// The state that is left behind, as last seen; ends without a line break.
pub(crate) fn farewell(view: &SiteView, ended: Ended) -> String {
    let by = match ended {
        Ended::Late => "its time is over",
        Ended::Signal(name) => name,
        Ended::Left => "the screen was left",
    };
    let mut lines = vec![format!("offpeak no longer controls `{}` ({by})", view.site)];
    let power = view.power_kw.map_or_else(|| "the meter is silent".to_owned(), |kw| format!("{kw:.1} kW"));
    lines.push(format!("machines   left as they are: {}; {power}", view.counts.words()));
    let commands = view.commands;
    let ended = commands.confirmed
        + commands.refused
        + commands.unanswered
        + commands.timed_out
        + commands.superseded;
    match commands.issued.saturating_sub(ended) {
        0 => {}
        left => lines.push(format!("commands   {left} under way, their effect was not seen any more")),
    }
    // What is drawn, or may be where no meter says, against what will be allowed.
    let drawn = view.power_kw.or(view.limit.as_ref().map(|limit| limit.limit_kw));
    if let Some(next) = view.next.as_ref().filter(|next| drawn.is_none_or(|kw| kw > next.limit_kw)) {
        let zone = jiff::tz::TimeZone::get(&view.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
        let at = zone.to_datetime(next.at).strftime("%a %H:%M");
        lines.push(format!(
            "next       {} at {at}: {:.1} kW, and nobody sees to it",
            next.text, next.limit_kw
        ));
    }
    lines.push("hint: the same command goes on from here; stops and lockouts stay in force".to_owned());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::sample;

    #[test]
    fn a_running_mine_is_left_with_a_closing_ahead() {
        let told = farewell(&sample(Some(2_800.0)), Ended::Signal("SIGTERM"));
        insta::assert_snapshot!(told, @r"
        offpeak no longer controls `demo` (SIGTERM)
        machines   left as they are: 940 running, 20 rising, 30 asleep, 10 unknown of 1000; 2800.0 kW
        commands   7 under way, their effect was not seen any more
        next       window closes at Mon 08:00: 76.0 kW, and nobody sees to it
        hint: the same command goes on from here; stops and lockouts stay in force
        ");
    }

    #[test]
    fn a_mine_at_rest_has_nothing_ahead() {
        let mut view = sample(Some(50.0));
        view.commands.superseded = view.commands.issued - view.commands.confirmed - view.commands.timed_out;
        let told = farewell(&view, Ended::Left);
        assert!(!told.contains("commands") && !told.contains("nobody sees"), "{told}");
        view.power_kw = None;
        assert!(farewell(&view, Ended::Late).contains("the meter is silent"));
    }
}
