//! Names with ranges: `hall-[1-8]/rack-[01-86]` stands for 688 racks. Not here: what the names mean.

/// The most names one pattern may stand for.
pub(crate) const NAMES_MAX: usize = 200_000;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Range(Vec<String>),
}

/// A name with ranges in square brackets: numbers `[1-8]`, numbers padded to one width `[01-86]`,
/// lists `[1,3,5-7]` and words `[north,south]`. The last range varies fastest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    parts: Vec<Part>,
}

impl Pattern {
    /// Reads a pattern; the error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find('[') {
            let (before, bracket) = rest.split_at(open);
            let close = bracket.find(']').ok_or("a closing `]` for every `[`")?;
            push_text(&mut parts, before)?;
            parts.push(Part::Range(range(&bracket[1..close])?));
            rest = &bracket[close + 1..];
        }
        push_text(&mut parts, rest)?;
        let pattern = Self { parts };
        if pattern.count() > NAMES_MAX {
            return Err(format!("at most {NAMES_MAX} names"));
        }
        Ok(pattern)
    }

    /// How many values each range has.
    fn sizes(&self) -> Vec<usize> {
        let size = |part: &Part| match part {
            Part::Text(_) => None,
            Part::Range(values) => Some(values.len()),
        };
        self.parts.iter().filter_map(size).collect()
    }

    /// How many names it stands for.
    pub(crate) fn count(&self) -> usize {
        self.sizes().into_iter().fold(1, usize::saturating_mul)
    }

    /// Every name.
    pub(crate) fn names(&self) -> Vec<String> {
        let sizes = self.sizes();
        self.walk(&sizes)
    }

    /// One name for each of `lead`'s: the first range goes along with `lead`'s first, and so on. It
    /// may have fewer ranges than `lead`; the error says what does not fit.
    pub(crate) fn names_beside(&self, lead: &Self) -> Result<Vec<String>, String> {
        let (own, leading) = (self.sizes(), lead.sizes());
        if own.len() > leading.len() || own.iter().zip(&leading).any(|(a, b)| a != b) {
            let sizes = leading.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            return Err(format!(
                "ranges that go along with the ones it is for, first with first (there: {} of {sizes} values)",
                leading.len()
            ));
        }
        Ok(self.walk(&leading))
    }

    fn walk(&self, sizes: &[usize]) -> Vec<String> {
        let count = sizes.iter().product();
        let mut at = vec![0; sizes.len()];
        let mut names = Vec::with_capacity(count);
        for _ in 0..count {
            let mut name = String::new();
            let mut range = 0;
            for part in &self.parts {
                match part {
                    Part::Text(text) => name.push_str(text),
                    Part::Range(values) => {
                        name.push_str(&values[at[range]]);
                        range += 1;
                    }
                }
            }
            names.push(name);
            for place in (0..sizes.len()).rev() {
                at[place] += 1;
                if at[place] < sizes[place] {
                    break;
                }
                at[place] = 0;
            }
        }
        names
    }
}

fn push_text(parts: &mut Vec<Part>, text: &str) -> Result<(), String> {
    if text.contains(']') {
        return Err("an opening `[` for every `]`".to_owned());
    }
    if !text.is_empty() {
        parts.push(Part::Text(text.to_owned()));
    }
    Ok(())
}

/// The values of `1-8`, `01-86`, `1,3,5-7` or `north,south`.
pub(crate) fn range(text: &str) -> Result<Vec<String>, String> {
    let wrong = || "a range such as `[1-8]`, `[01-86]` or `[1,3,5-7]`".to_owned();
    let mut values = Vec::new();
    for item in text.split(',').map(str::trim) {
        if item.is_empty() {
            return Err(wrong());
        }
        let bounds = item.split_once('-').map(|(from, to)| (from.trim(), to.trim()));
        let Some((from, to)) = bounds else {
            values.push(item.to_owned());
            continue;
        };
        let (Ok(first), Ok(last)) = (from.parse::<u32>(), to.parse::<u32>()) else { return Err(wrong()) };
        if first > last {
            return Err(format!("a range that rises, such as `[{to}-{from}]`"));
        }
        if (last - first) as usize >= NAMES_MAX {
            return Err(format!("at most {NAMES_MAX} names"));
        }
        let width = if from.starts_with('0') { from.len() } else { 0 };
        values.extend((first..=last).map(|number| format!("{number:0width$}")));
        if values.len() > NAMES_MAX {
            return Err(format!("at most {NAMES_MAX} names"));
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_range_varies_fastest() {
        let pattern = Pattern::parse("hall-[1-2]/rack-[09-10]").unwrap();
        assert_eq!(pattern.count(), 4);
        assert_eq!(pattern.names(), ["hall-1/rack-09", "hall-1/rack-10", "hall-2/rack-09", "hall-2/rack-10"]);
        assert_eq!(Pattern::parse("[1,3,5-6]x").unwrap().names(), ["1x", "3x", "5x", "6x"]);
        assert_eq!(Pattern::parse("plain").unwrap().names(), ["plain"]);
    }

    #[test]
    fn a_pattern_beside_another_follows_its_ranges() {
        let lead = Pattern::parse("hall-[1-2]/rack-[1-2]").unwrap();
        let beside = Pattern::parse("switch-[a,b]").unwrap();
        assert_eq!(beside.names_beside(&lead).unwrap(), ["switch-a", "switch-a", "switch-b", "switch-b"]);
        assert!(Pattern::parse("switch-[1-3]").unwrap().names_beside(&lead).is_err());
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        for wrong in ["a[1-", "a]", "[8-1]", "[]", "[1-x]", "[1-]", "[1,,2]", "[0-4000000000]"] {
            assert!(Pattern::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Pattern::parse("[1-1000][1-1000]").unwrap_err().contains("at most"));
    }
}
