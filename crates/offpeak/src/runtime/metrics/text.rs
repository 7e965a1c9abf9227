//! The exposition: families of samples in OpenMetrics form.
//!
//! Source: OpenMetrics 1.0 (Prometheus, 2022), section "Text format".

use std::fmt::Write as _;

/// What a family's samples are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A value that goes up and down.
    Gauge,
    /// A sum since the start; its samples end in `_total`.
    Counter,
    /// Labels that tell something, with the value 1.
    Info,
}

/// The text in the making.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    text: String,
}

impl Exposition {
    /// A family with all its samples; nothing is written where there are none, since what is not known is absent.
    pub(super) fn family<'a>(
        &mut self,
        name: &str,
        kind: Kind,
        help: &str,
        samples: impl IntoIterator<Item = (Vec<(&'a str, &'a str)>, f64)>,
    ) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return;
        }
        let (word, suffix) = match kind {
            Kind::Gauge => ("gauge", ""),
            Kind::Counter => ("counter", "_total"),
            Kind::Info => ("info", "_info"),
        };
        let _ = writeln!(self.text, "# TYPE {name} {word}");
        for unit in ["watts", "joules", "seconds", "bytes"] {
            if name.ends_with(&format!("_{unit}")) {
                let _ = writeln!(self.text, "# UNIT {name} {unit}");
            }
        }
        let _ = writeln!(self.text, "# HELP {name} {}", escaped(help));
        for (labels, value) in samples {
            let labels: Vec<_> =
                labels.iter().map(|(key, value)| format!("{key}=\"{}\"", escaped(value))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(self.text, "{name}{suffix}{labels} {value}");
        }
    }

    /// One sample without labels, unless it is not known.
    pub(super) fn one(&mut self, name: &str, kind: Kind, help: &str, value: Option<f64>) {
        self.family(name, kind, help, value.map(|value| (Vec::new(), value)));
    }

    /// The whole.
    pub(super) fn finish(mut self) -> String {
        self.text.push_str("# EOF\n");
        self.text
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_written_as_the_format_says_and_what_is_not_known_is_absent() {
        let mut text = Exposition::default();
        text.family("a_watts", Kind::Gauge, "of \"a\"", [(vec![("hall", "x\"\\y")], 1.5)]);
        text.one("b", Kind::Counter, "of b", Some(7.0));
        text.one("c", Kind::Gauge, "of c", None);
        assert_eq!(
            text.finish(),
            "# TYPE a_watts gauge\n# UNIT a_watts watts\n# HELP a_watts of \\\"a\\\"\na_watts{hall=\"x\\\"\\\\y\"} 1.5\n\
             # TYPE b counter\n# HELP b of b\nb_total 7\n# EOF\n"
        );
    }
}
