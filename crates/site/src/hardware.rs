//! What machines of a model can do: modes, sleep watts and transition times, each with its source.

use offpeak_units::{Efficiency, HashRate, Power};

/// A model's place in the site's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelIx(pub u16);

impl ModelIx {
    /// As an index.
    #[must_use]
    pub const fn ix(self) -> usize {
        self.0 as usize
    }
}

/// Which protocol a machine's firmware speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// MicroBT WhatsMiner, TCP API version 2 (2019 and later firmware).
    WhatsminerV2,
    /// MicroBT WhatsMiner, TCP API version 3 (2024 and later firmware), port 4433.
    WhatsminerV3,
    /// Bitmain Antminer, stock firmware with the CGMiner API on TCP 4028 and digest-authenticated
    /// HTTP pages, and a sleep mode.
    AntminerStock,
    /// Canaan Avalon A10 to A15, CGMiner API with text values.
    Avalon,
    /// Luxor LuxOS, CGMiner-like API with sessions.
    LuxOs,
    /// Braiins OS 25.07 and newer, REST.
    BraiinsOs,
    /// Braiins OS before 25.07, GraphQL.
    BraiinsOsGraphQl,
    /// VNish 1.2 and 1.3, REST.
    Vnish,
    /// ePIC, REST on TCP 4028.
    Epic,
    /// Proto Rig, MDK-API.
    ProtoRig,
    /// Bitaxe and its relatives, `AxeOS`.
    Bitaxe,
    /// Anything else: read through asic-rs, never commanded in this version.
    Other,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::WhatsminerV2,
        Self::WhatsminerV3,
        Self::AntminerStock,
        Self::Avalon,
        Self::LuxOs,
        Self::BraiinsOs,
        Self::BraiinsOsGraphQl,
        Self::Vnish,
        Self::Epic,
        Self::ProtoRig,
        Self::Bitaxe,
        Self::Other,
    ];
    /// Their names, in the same order.
    pub const NAMES: [&'static str; 12] = [
        "whatsminer-v2",
        "whatsminer-v3",
        "antminer-stock",
        "avalon",
        "luxos",
        "braiins-os",
        "braiins-os-graphql",
        "vnish",
        "epic",
        "proto-rig",
        "bitaxe",
        "other",
    ];
    /// The name in site files and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
    /// The standard port of its API.
    #[must_use]
    pub const fn api_port(self) -> u16 {
        match self {
            Self::WhatsminerV3 => 4433,
            _ => 4028,
        }
    }
    /// Whether it has no API beside its pages.
    #[must_use]
    pub const fn has_pages_only(self) -> bool {
        matches!(self, Self::ProtoRig | Self::Bitaxe)
    }
    /// Whether its API is HTTP, at the API's port.
    #[must_use]
    pub const fn api_is_http(self) -> bool {
        matches!(self, Self::Epic)
    }
    /// Whether its replies name the watts that the machine draws by its own word.
    #[must_use]
    pub const fn tells_watts(self) -> bool {
        !matches!(self, Self::AntminerStock | Self::Other)
    }
    /// What such a machine does when the controller is gone, for the site report.
    #[must_use]
    pub const fn without_controller(self) -> &'static str {
        match self {
            Self::WhatsminerV2 => {
                "stays as last commanded; after a power return it starts mining by itself unless it was powered off by command"
            }
            Self::AntminerStock => "stays as last commanded; its work mode is kept across a power return",
            // MicroBT's document tells `stop` from `disable`, Canaan's and Luxor's wake by a restart.
            Self::WhatsminerV3 | Self::Avalon | Self::LuxOs => {
                "stays as last commanded; after a power return it starts mining by itself, also when it slept by command"
            }
            Self::BraiinsOs | Self::BraiinsOsGraphQl => {
                "stays as last commanded while it has power; what a pause becomes after a power return is not documented"
            }
            Self::Vnish => {
                "stays as last commanded; after a power return it starts mining by itself unless its setting to remain stopped is on"
            }
            Self::Epic | Self::ProtoRig | Self::Bitaxe => {
                "stays as last commanded while it has power; what becomes of a stop after a power return is not documented"
            }
            Self::Other => "not known",
        }
    }
}

/// The name of a running mode, from least to most power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModeName {
    /// Below the datasheet's point.
    Low,
    /// The datasheet's point.
    Normal,
    /// Above it.
    High,
}

impl ModeName {
    /// As written in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }
}

/// A running mode's point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    /// Which one.
    pub name: ModeName,
    /// What the machine draws at the wall at 25 °C.
    pub power: Power,
    /// What it hashes.
    pub hash_rate: HashRate,
}

/// A time that varies: log-normal between its 5th and 95th percentile, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// One in twenty is faster.
    pub p5_ms: u32,
    /// One in twenty is slower.
    pub p95_ms: u32,
}

/// How long a model takes to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transitions {
    /// From power on to its API answering.
    pub boot: Distribution,
    /// From the wake command to the first hash.
    pub wake: Distribution,
    /// From the first hash to full power.
    pub ramp_up: Distribution,
    /// From the sleep command to sleep watts.
    pub sleep: Distribution,
}

/// A model of the hardware catalogue, as this site runs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Its name in site files, such as `M30S`.
    pub name: String,
    /// Who makes it.
    pub maker: String,
    /// What it speaks.
    pub family: Family,
    /// Its running modes, least power first; at least one.
    pub modes: Vec<Mode>,
    /// Whether its firmware has a sleep command; a model without one is switched at its outlet.
    pub sleeps_by_command: bool,
    /// What it draws asleep.
    pub sleep: Power,
    /// How long it takes to change.
    pub transitions: Transitions,
    /// The datasheet or measurement the figures come from.
    pub source: String,
}

impl Model {
    /// Whether a driver can put it to sleep by a command; otherwise only its outlet stops it.
    #[must_use]
    pub fn is_put_to_sleep(&self) -> bool {
        self.sleeps_by_command && self.family != Family::Other
    }
    /// The mode of this name.
    #[must_use]
    pub fn mode(&self, name: ModeName) -> Option<&Mode> {
        self.modes.iter().find(|mode| mode.name == name)
    }
    /// The datasheet's mode, or the least one where the model has no `normal`.
    ///
    /// # Panics
    /// If the model has no mode; the catalogue and the site file refuse such a model.
    #[must_use]
    pub fn normal(&self) -> &Mode {
        self.mode(ModeName::Normal).or(self.modes.first()).expect("a model has at least one mode")
    }
    /// The most it draws in any mode.
    #[must_use]
    pub fn power_max(&self) -> Power {
        self.modes.iter().map(|mode| mode.power).max().unwrap_or(self.sleep)
    }
    /// The datasheet's efficiency.
    #[must_use]
    pub fn efficiency(&self) -> Option<Efficiency> {
        Efficiency::of(self.normal().power, self.normal().hash_rate)
    }
}
