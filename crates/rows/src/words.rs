//! Words that stand in rows instead of numbers.

use core::fmt;

use serde::{Deserialize, Serialize};

/// An enum whose variants are words, in rows and in SQL alike.
macro_rules! words {
    ($(#[$outer:meta])* $name:ident { $($(#[$inner:meta])* $variant:ident => $word:literal,)* }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$inner])* #[serde(rename = $word)] $variant,)* }

        impl $name {
            /// Every word, in the order of the variants.
            pub const WORDS: &'static [&'static str] = &[$($word),*];
            /// Every variant.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word.
            #[must_use]
            pub const fn word(self) -> &'static str {
                Self::WORDS[self as usize]
            }
            /// Its place in [`Self::WORDS`].
            #[must_use]
            pub const fn place(self) -> u8 {
                self as u8
            }
            /// The variant at a place; `None` beyond the last.
            #[must_use]
            pub fn at(place: u8) -> Option<Self> {
                Self::ALL.get(usize::from(place)).copied()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

words! {
    /// How an interval's energy is known, best first.
    ///
    /// ```
    /// use offpeak_rows::Known;
    /// assert!(Known::Measured < Known::Missing);
    /// assert_eq!(Known::Register.word(), "register");
    /// ```
    Known {
        /// Integrated from readings that cover the interval.
        Measured => "measured",
        /// The difference of a meter's register.
        Register => "register",
        /// By a stated rule, which the row names.
        Estimated => "estimated",
        /// Not known: the energy is `None`, never zero.
        Missing => "missing",
    }
}

words! {
    /// What a machine was doing for most of an interval.
    MachineState {
        /// It hashed.
        Hashing => "hashing",
        /// Awake without hashing: booting, tuning.
        Starting => "starting",
        /// Asleep by command.
        Asleep => "asleep",
        /// Without power at its outlet.
        Off => "off",
        /// Awake, not hashing and not about to.
        Failed => "failed",
        /// Nobody knows.
        Unknown => "unknown",
    }
}

words! {
    /// A running point.
    MachineMode {
        /// The least.
        Low => "low",
        /// As bought.
        Normal => "normal",
        /// The most.
        High => "high",
    }
}
