//! Register maps: where a meter keeps its power and its energy, and how. Data, not code.

use offpeak_units::{Energy, Power};
use serde::Deserialize;
use thiserror::Error;

/// One read asks for at most this many registers (Modbus Application Protocol V1.1b3, 6.3 and 6.4).
const REGISTERS_MAX: u16 = 125;

/// The maps that come with offpeak.
const KNOWN: [(&str, &str); 2] = [
    ("eastron-sdm630", include_str!("../registers/eastron-sdm630.toml")),
    ("offpeak-twin", include_str!("../registers/offpeak-twin.toml")),
];

/// Why a register map cannot be used.
#[derive(Debug, Error)]
pub enum MapError {
    /// None of this name comes with offpeak.
    #[error("no register map is named `{0}`; there are {list}", list = names())]
    Unknown(String),
    /// The text is no register map.
    #[error("not a register map")]
    Syntax(#[from] toml::de::Error),
    /// Power and energy lie too far apart for one read.
    #[error("register map `{name}` spans {span} registers; one read carries {REGISTERS_MAX}")]
    TooWide {
        /// The map.
        name: String,
        /// How many registers.
        span: u32,
    },
    /// A factor that is zero, infinite or not a number.
    #[error("register map `{name}` scales its {what} by {scale}")]
    Scale {
        /// The map.
        name: String,
        /// Power or energy.
        what: &'static str,
        /// The factor.
        scale: f64,
    },
    /// A unit that does not measure this.
    #[error("register map `{name}` gives its {what} in {unit:?}")]
    Unit {
        /// The map.
        name: String,
        /// Power or energy.
        what: &'static str,
        /// The unit.
        unit: Unit,
    },
}

fn names() -> String {
    KNOWN.map(|(name, _)| format!("`{name}`")).join(", ")
}

/// Which of the protocol's tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Table {
    /// Function 4.
    #[default]
    Input,
    /// Function 3.
    Holding,
}

/// Which word of a wide value comes first. Bytes in a word are always big-endian.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WordOrder {
    /// The most significant.
    #[default]
    Big,
    /// The least significant.
    Little,
}

/// How a value is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Number {
    /// One register.
    U16,
    /// One register, signed.
    I16,
    /// Two registers.
    U32,
    /// Two registers, signed.
    I32,
    /// Two registers, IEEE 754.
    F32,
    /// Four registers.
    U64,
    /// Four registers, signed.
    I64,
}

impl Number {
    /// How many registers.
    #[must_use]
    pub const fn width(self) -> u16 {
        match self {
            Self::U16 | Self::I16 => 1,
            Self::U32 | Self::I32 | Self::F32 => 2,
            Self::U64 | Self::I64 => 4,
        }
    }
    /// Writes the value into these words, the reverse of `decode`.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast from a float stops at the type's ends"
    )]
    fn encode(self, value: f64, order: WordOrder, into: &mut [u16]) {
        let whole = value.round();
        let wide = match self {
            Self::U16 => u64::from(whole as u16),
            Self::I16 => u64::from(whole as i16 as u16),
            Self::U32 => u64::from(whole as u32),
            Self::I32 => u64::from(whole as i32 as u32),
            Self::F32 => u64::from((value as f32).to_bits()),
            Self::U64 => whole as u64,
            Self::I64 => whole as i64 as u64,
        };
        let mut left = wide;
        let mut put = |word: &mut u16| {
            *word = left as u16;
            left >>= 16;
        };
        match order {
            WordOrder::Big => into.iter_mut().rev().for_each(&mut put),
            WordOrder::Little => into.iter_mut().for_each(&mut put),
        }
    }
    /// The value in these words; `None` for a float that is no number.
    fn decode(self, words: &[u16], order: WordOrder) -> Option<f64> {
        let fold = |wide: u64, word: &u16| wide << 16 | u64::from(*word);
        let wide = match order {
            WordOrder::Big => words.iter().fold(0, fold),
            WordOrder::Little => words.iter().rev().fold(0, fold),
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_possible_wrap,
            clippy::cast_precision_loss,
            reason = "the width was chosen by the type; a count above 2^53 is rounded to within 1 in 2^53"
        )]
        let value = match self {
            Self::U16 | Self::U32 | Self::U64 => wide as f64,
            Self::I16 => f64::from(wide as u16 as i16),
            Self::I32 => f64::from(wide as u32 as i32),
            Self::I64 => wide as i64 as f64,
            Self::F32 => f64::from(f32::from_bits(wide as u32)),
        };
        value.is_finite().then_some(value)
    }
}

/// A unit of power or energy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Unit {
    /// Watts.
    W,
    /// Kilowatts.
    #[serde(rename = "kW")]
    KW,
    /// Megawatts.
    MW,
    /// Watt-hours.
    Wh,
    /// Kilowatt-hours.
    #[serde(rename = "kWh")]
    KWh,
    /// Megawatt-hours.
    MWh,
}

impl Unit {
    const fn is_power(self) -> bool {
        matches!(self, Self::W | Self::KW | Self::MW)
    }
    /// Watts or watt-hours in one.
    const fn factor(self) -> f64 {
        match self {
            Self::W | Self::Wh => 1.0,
            Self::KW | Self::KWh => 1e3,
            Self::MW | Self::MWh => 1e6,
        }
    }
}

const fn one() -> f64 {
    1.0
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Register {
    address: u16,
    #[serde(rename = "type")]
    number: Number,
    /// The value is the register's content times this, in the unit.
    #[serde(default = "one")]
    scale: f64,
    unit: Unit,
}

/// Where a meter keeps its power and its energy.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterMap {
    name: String,
    #[serde(default)]
    table: Table,
    #[serde(default)]
    word_order: WordOrder,
    power: Register,
    energy: Option<Register>,
}

/// What a register holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// Not a number.
    NotANumber,
    /// Beyond any plant.
    Impossible,
}

impl RegisterMap {
    /// A map that comes with offpeak.
    ///
    /// # Errors
    /// If none has this name.
    pub fn named(name: &str) -> Result<Self, MapError> {
        let (_, text) = KNOWN
            .iter()
            .find(|(known, _)| *known == name)
            .ok_or_else(|| MapError::Unknown(name.to_owned()))?;
        Self::parse(text)
    }
    /// Reads a map from TOML.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, MapError> {
        let map: Self = toml::from_str(text)?;
        let (first, count) = map.span_wide();
        let span = count;
        if span > u32::from(REGISTERS_MAX) || u32::from(first) + span > 0x1_0000 {
            return Err(MapError::TooWide { name: map.name, span });
        }
        let energy = map.energy.iter().map(|register| ("energy", register, false));
        for (what, register, power) in [("power", &map.power, true)].into_iter().chain(energy) {
            if register.unit.is_power() != power {
                return Err(MapError::Unit { name: map.name.clone(), what, unit: register.unit });
            }
            if !register.scale.is_normal() {
                return Err(MapError::Scale { name: map.name.clone(), what, scale: register.scale });
            }
        }
        Ok(map)
    }
    /// The maps that come with offpeak.
    pub fn known() -> impl Iterator<Item = &'static str> {
        KNOWN.iter().map(|(name, _)| *name)
    }
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
    /// Which table it reads.
    #[must_use]
    pub const fn table(&self) -> Table {
        self.table
    }
    fn span_wide(&self) -> (u16, u32) {
        let registers = [Some(self.power), self.energy];
        let ends = registers.iter().flatten().map(|register| {
            (register.address, u32::from(register.address) + u32::from(register.number.width()))
        });
        let (first, end) = ends.fold((u16::MAX, 0), |(first, end), (a, b)| (first.min(a), end.max(b)));
        (first, end.saturating_sub(u32::from(first)))
    }
    /// The first register and how many hold both values: one read.
    ///
    /// # Panics
    /// Never: the width was checked when the map was read.
    #[must_use]
    pub fn span(&self) -> (u16, u16) {
        let (first, count) = self.span_wide();
        (first, u16::try_from(count).expect("checked against the protocol's limit"))
    }
    /// The words of [`RegisterMap::span`] in a meter that shows this; registers between the two values
    /// hold zero. What a register cannot hold is held at its end.
    pub(crate) fn encode(&self, power: Power, energy: Energy) -> Vec<u16> {
        let (first, count) = self.span();
        let mut words = vec![0; usize::from(count)];
        let mut put = |register: Register, value: f64| {
            let start = usize::from(register.address - first);
            let raw = value / register.unit.factor() / register.scale;
            let into = &mut words[start..start + usize::from(register.number.width())];
            register.number.encode(raw, self.word_order, into);
        };
        put(self.power, power.to_watts_f64());
        if let Some(register) = self.energy {
            put(register, energy.to_kilowatt_hours_f64() * 1e3);
        }
        words
    }
    fn value(&self, register: Register, words: &[u16]) -> Result<f64, Unusable> {
        let (first, _) = self.span();
        let start = usize::from(register.address - first);
        let words = words.get(start..start + usize::from(register.number.width()));
        let raw = words.and_then(|words| register.number.decode(words, self.word_order));
        Ok(raw.ok_or(Unusable::NotANumber)? * register.scale * register.unit.factor())
    }
    /// The power in the words of [`RegisterMap::span`].
    pub(super) fn power(&self, words: &[u16]) -> Result<Power, Unusable> {
        Power::from_watts_f64(self.value(self.power, words)?).ok_or(Unusable::Impossible)
    }
    /// The energy in the words of [`RegisterMap::span`], where the meter has such a register.
    #[expect(clippy::cast_possible_truncation, reason = "range checked")]
    pub(super) fn energy(&self, words: &[u16]) -> Result<Option<Energy>, Unusable> {
        let Some(register) = self.energy else { return Ok(None) };
        let watt_hours = self.value(register, words)?;
        // A petawatt-hour is more than any connection ever carried.
        if !(0.0..1e15).contains(&watt_hours) {
            return Err(Unusable::Impossible);
        }
        Ok(Some(Energy::from_microjoules((watt_hours * 3_600.0).round() as i128 * 1_000_000)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_map_reads_and_bears_its_name() {
        for name in RegisterMap::known() {
            assert_eq!(RegisterMap::named(name).unwrap().name(), name);
        }
        assert!(matches!(RegisterMap::named("no-such"), Err(MapError::Unknown(_))));
    }

    #[test]
    fn both_values_come_in_one_read() {
        let map = RegisterMap::named("eastron-sdm630").unwrap();
        assert_eq!(map.span(), (0x34, 22));
        let mut words = [0_u16; 22];
        let bits = 1_234.5_f32.to_bits();
        (words[0], words[1]) = ((bits >> 16) as u16, bits as u16);
        let bits = 2.5_f32.to_bits();
        (words[20], words[21]) = ((bits >> 16) as u16, bits as u16);
        assert_eq!(map.power(&words), Ok(Power::from_milliwatts(1_234_500)));
        assert_eq!(map.energy(&words), Ok(Some(Energy::from_watt_hours(2_500))));
        (words[0], words[1]) = (0x7FC0, 0);
        assert_eq!(map.power(&words), Err(Unusable::NotANumber));
        (words[0], words[1]) = (0x7F7F, 0xFFFF);
        assert_eq!(map.power(&words), Err(Unusable::Impossible));
        assert_eq!(map.power(&words[..1]), Err(Unusable::NotANumber));
    }

    #[test]
    fn signs_widths_and_word_orders() {
        let words = [0xFFFF, 0xFF38];
        assert_eq!(Number::I32.decode(&words, WordOrder::Big), Some(-200.0));
        assert_eq!(Number::U32.decode(&words, WordOrder::Big), Some(4_294_967_096.0));
        assert_eq!(Number::I32.decode(&[0xFF38, 0xFFFF], WordOrder::Little), Some(-200.0));
        assert_eq!(Number::I16.decode(&[0xFF38], WordOrder::Big), Some(-200.0));
        assert_eq!(Number::U64.decode(&[0, 0, 1, 0], WordOrder::Big), Some(65_536.0));
        assert_eq!(Number::I64.decode(&[0xFFFF; 4], WordOrder::Big), Some(-1.0));
    }

    #[test]
    fn what_is_encoded_reads_back() {
        for name in RegisterMap::known() {
            let map = RegisterMap::named(name).unwrap();
            let words = map.encode(Power::from_watts(-65_432), Energy::from_watt_hours(123_000));
            assert_eq!(map.power(&words), Ok(Power::from_watts(-65_432)), "{name}");
            assert_eq!(map.energy(&words), Ok(Some(Energy::from_watt_hours(123_000))), "{name}");
        }
        let mut words = [0; 4];
        Number::U64.encode(65_536.0, WordOrder::Little, &mut words);
        assert_eq!(words, [0, 1, 0, 0]);
        Number::I32.encode(-1e12, WordOrder::Big, &mut words[..2]);
        assert_eq!(words[..2], [0x8000, 0]);
    }

    #[test]
    fn a_map_that_cannot_work_is_refused() {
        let map = |power: &str, energy: &str| {
            RegisterMap::parse(&format!("name = \"m\"\n[power]\n{power}\n[energy]\n{energy}\n"))
        };
        let power = "address = 0\ntype = \"i32\"\nunit = \"W\"";
        let energy = "address = 2\ntype = \"u64\"\nunit = \"Wh\"";
        assert!(map(power, energy).is_ok());
        assert!(matches!(map(power, &energy.replace("= 2", "= 200")), Err(MapError::TooWide { .. })));
        assert!(matches!(map(power, &energy.replace("Wh", "kW")), Err(MapError::Unit { .. })));
        assert!(matches!(map(&format!("{power}\nscale = 0.0"), energy), Err(MapError::Scale { .. })));
        assert!(matches!(map(&power.replace("i32", "i33"), energy), Err(MapError::Syntax(_))));
    }
}
