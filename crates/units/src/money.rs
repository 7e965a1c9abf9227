//! Money and prices: decimal, always with their currency.

use core::fmt;
use core::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};

use crate::electric::Energy;
use crate::mining::Hashes;

/// Why two amounts, or a name, cannot be used together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CurrencyError {
    /// Not three capital letters.
    #[error("`{0}` is not a currency code of three capital letters such as `USD`")]
    Code(String),
    /// Amounts of two currencies.
    #[error("{0} and {1} cannot be added")]
    Mixed(Currency, Currency),
}

/// An ISO 4217 currency code.
///
/// ```
/// use offpeak_units::Currency;
/// assert_eq!("KZT".parse::<Currency>().unwrap().to_string(), "KZT");
/// assert!("tenge".parse::<Currency>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The United States dollar.
    pub const USD: Self = Self(*b"USD");

    /// The three letters.
    #[must_use]
    pub fn code(&self) -> &str {
        core::str::from_utf8(&self.0).expect("only ASCII capitals are accepted")
    }
}

impl FromStr for Currency {
    type Err = CurrencyError;
    fn from_str(code: &str) -> Result<Self, CurrencyError> {
        <[u8; 3]>::try_from(code.as_bytes())
            .ok()
            .filter(|letters| letters.iter().all(u8::is_ascii_uppercase))
            .map(Self)
            .ok_or_else(|| CurrencyError::Code(code.to_owned()))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount of money.
///
/// ```
/// use offpeak_units::{Currency, Money};
/// let usd = Money::new("12.345".parse().unwrap(), Currency::USD);
/// assert_eq!(usd.to_string(), "12.35 USD");
/// assert!(usd.checked_add(Money::zero("KZT".parse().unwrap())).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    amount: Decimal,
    currency: Currency,
}

impl Money {
    /// An amount of a currency.
    #[must_use]
    pub const fn new(amount: Decimal, currency: Currency) -> Self {
        Self { amount, currency }
    }
    /// Nothing, of a currency.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self::new(Decimal::ZERO, currency)
    }
    /// The amount, unrounded.
    #[must_use]
    pub const fn amount(self) -> Decimal {
        self.amount
    }
    /// The currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }
    /// The sum of two amounts of one currency.
    ///
    /// # Errors
    /// If the currencies differ.
    pub fn checked_add(self, other: Self) -> Result<Self, CurrencyError> {
        self.same_currency(other)?;
        Ok(Self::new(self.amount + other.amount, self.currency))
    }
    /// The difference of two amounts of one currency.
    ///
    /// # Errors
    /// If the currencies differ.
    pub fn checked_sub(self, other: Self) -> Result<Self, CurrencyError> {
        self.same_currency(other)?;
        Ok(Self::new(self.amount - other.amount, self.currency))
    }
    /// Rounded to hundredths, half to even (the rounding of invoices).
    #[must_use]
    pub fn round_to_cents(self) -> Self {
        Self::new(self.amount.round_dp_with_strategy(2, RoundingStrategy::MidpointNearestEven), self.currency)
    }
    fn same_currency(self, other: Self) -> Result<(), CurrencyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(CurrencyError::Mixed(self.currency, other.currency))
        }
    }
}

impl fmt::Display for Money {
    /// To hundredths, half away from zero, for reading.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
        write!(f, "{shown:.2} {}", self.currency)
    }
}

/// Money per kilowatt-hour.
///
/// ```
/// use offpeak_units::{Energy, Money, Price};
/// let night = Price::per_kilowatt_hour("26".parse().unwrap(), "KZT".parse().unwrap());
/// assert_eq!(night.of(Energy::from_watt_hours(1_500)).to_string(), "39.00 KZT");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    per_kilowatt_hour: Decimal,
    currency: Currency,
}

impl Price {
    /// An amount per kilowatt-hour.
    #[must_use]
    pub const fn per_kilowatt_hour(amount: Decimal, currency: Currency) -> Self {
        Self { per_kilowatt_hour: amount, currency }
    }
    /// The amount per kilowatt-hour.
    #[must_use]
    pub const fn to_per_kilowatt_hour(self) -> Decimal {
        self.per_kilowatt_hour
    }
    /// The currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }
    /// What an energy costs, to the 28 digits of a decimal; nothing is rounded to cents here.
    ///
    /// # Panics
    /// If the energy is beyond any plant's lifetime (7.9e28 microjoules).
    #[must_use]
    pub fn of(self, energy: Energy) -> Money {
        let microjoules = Decimal::from_i128_with_scale(energy.to_microjoules(), 0);
        let kilowatt_hours = microjoules / Decimal::from(3_600_000_000_000_i64);
        Money::new(kilowatt_hours * self.per_kilowatt_hour, self.currency)
    }
}

/// What a terahash a second earns in a day.
///
/// ```
/// use offpeak_units::{Currency, HashPrice, HashRate};
/// let price = HashPrice::per_terahash_day("0.08".parse().unwrap(), Currency::USD);
/// let day = HashRate::from_gigahashes(100_000).over_millis(86_400_000);
/// assert_eq!(price.of(day).to_string(), "8.00 USD");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashPrice {
    per_terahash_day: Decimal,
    currency: Currency,
}

impl HashPrice {
    /// An amount per terahash a second and day.
    #[must_use]
    pub const fn per_terahash_day(amount: Decimal, currency: Currency) -> Self {
        Self { per_terahash_day: amount, currency }
    }
    /// The amount per terahash a second and day.
    #[must_use]
    pub const fn to_per_terahash_day(self) -> Decimal {
        self.per_terahash_day
    }
    /// The currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }
    /// What some hashes earn, unrounded.
    #[must_use]
    pub fn of(self, hashes: Hashes) -> Money {
        // Whole gigahashes keep 55,000 machines' year inside a decimal's 28 digits.
        let gigahashes = Decimal::from_i128_with_scale(hashes.to_count() / 1_000_000_000, 0);
        let terahash_days = gigahashes / Decimal::from(86_400_000);
        Money::new(terahash_days * self.per_terahash_day, self.currency)
    }
}
