//! Every key of the site file. The reader, its messages and the JSON Schema all follow this table.

use super::shape::{Field, Kind, Shape};
use crate::hardware::Family;

const fn must(key: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { key, kind, required: true, about }
}
const fn may(key: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { key, kind, required: false, about }
}

/// The whole file.
pub(crate) static FILE: Shape = Shape {
    about: "A mine's site file",
    fields: &[
        must("site", Kind::Section(&SITE), "What the site is called and where it stands"),
        must("grid", Kind::Section(&GRID), "The connection to the grid"),
        may("circuits", Kind::Sections(&CIRCUIT), "Transformers, halls, racks and PDUs"),
        must(
            "meters",
            Kind::Sections(&METER),
            "Power meters; the one on the grid connection is the revenue meter",
        ),
        may("switches", Kind::Sections(&SWITCH), "Switches with channels: outlets and breakers"),
        may("fans", Kind::Sections(&FANS), "Fans that machines need, behind contactors"),
        must("owners", Kind::Sections(&OWNER), "Whose machines stand here"),
        may("models", Kind::Sections(&MODEL), "Models that differ from the catalogue, or are not in it"),
        may("machines", Kind::Sections(&MACHINES), "Machines by model and position"),
        may("inventory", Kind::Section(&INVENTORY), "Machines listed in a CSV file"),
        must("contract", Kind::Section(&CONTRACT), "When and how much may be drawn"),
        may("sharing", Kind::Section(&SHARING), "Whose machines run first where there is not room for all"),
        may("timing", Kind::Section(&TIMING), "How long machines run and rest at least"),
        may("tuning", Kind::Section(&TUNING), "What may be done to machines that run beside stopping them"),
        may("signals", Kind::Sections(&SIGNAL), "Channels on which the grid says what may be drawn"),
        may("budgets", Kind::Sections(&BUDGET), "Energy budgets: so much a day, week or month at a circuit"),
        may("prices", Kind::Section(&PRICES), "What power costs and what hashes earn"),
    ],
};

static SITE: Shape = Shape {
    about: "What the site is called and where it stands",
    fields: &[
        must("id", Kind::Text, "A short name, as in file names"),
        must("name", Kind::Text, "The full name"),
        must("time_zone", Kind::TimeZone, "The zone in which windows, tariffs and dates are read"),
        must("currency", Kind::Currency, "The currency of prices and reports"),
        may(
            "secrets",
            Kind::Text,
            "The file with the machines' passwords, beside this one; only its owner may read it",
        ),
        may("feed", Kind::Text, "The file in which other programs write temperature, prices and signals"),
    ],
};

static GRID: Shape = Shape {
    about: "The connection to the grid: the root of all circuits",
    fields: &[
        may("id", Kind::Text, "Its name; `grid` unless given"),
        must("rating_kw", Kind::Kilowatts, "The most it may carry for good"),
        may("base_load_kw", Kind::Kilowatts, "What hangs on it and is no machine: offices, pumps"),
        may("ramp_up_kw_per_min", Kind::Kilowatts, "The largest rise in a minute"),
        may("ramp_down_kw_per_min", Kind::Kilowatts, "The largest planned fall in a minute"),
        DERATING,
        may("demand_kw", Kind::Kilowatts, "The highest mean of each stretch of `demand_min`; needs a meter"),
        may("demand_min", Kind::Count(15, 60), "15, 30 or 60 minutes; 15 unless given"),
        PHASE_IMBALANCE,
        may("switch", Kind::Text, "The switch that cuts the whole site"),
    ],
};

const DERATING: Field =
    may("derating", Kind::Sections(&POINT), "What it may carry by outdoor temperature, coolest first");

const PHASE_IMBALANCE: Field =
    may("phase_imbalance_kw", Kind::Kilowatts, "The most by which one phase may draw more than another");

static POINT: Shape = Shape {
    about: "What a circuit may carry at an outdoor temperature; straight lines between these points",
    fields: &[
        must("outdoor_c", Kind::Celsius, "The outdoor temperature"),
        must("rating_kw", Kind::Kilowatts, "What it may carry then"),
    ],
};

static SHARING: Shape = Shape {
    about: "Whose machines run first where there is not room for all",
    fields: &[must(
        "rule",
        Kind::Choice(&["efficiency", "first-in", "priority", "proportional"]),
        "By what they make of a watt, by the owners' order, by their `priority`, or by their `share` of the month",
    )],
};

static TIMING: Shape = Shape {
    about: "How long machines run and rest at least; never delays a rating, an order or the contract",
    fields: &[
        may("least_run_min", Kind::Count(0, 1_440), "Minutes before a started machine is stopped for money"),
        may("least_rest_min", Kind::Count(0, 1_440), "Minutes asleep before a machine is started again"),
    ],
};

static TUNING: Shape = Shape {
    about: "What may be done to machines that run beside stopping them; nothing unless given",
    fields: &[
        may("change_modes", Kind::Flag, "Run machines in the mode that makes most of the power there is"),
        may("swap_machines", Kind::Flag, "Stop a worse machine so that a better one can run"),
    ],
};

static SIGNAL: Shape = Shape {
    about: "A channel on which the grid says what may be drawn",
    fields: &[
        must("id", Kind::Text, "Its name, as in the feed"),
        may("circuit", Kind::Text, "Where it limits; the connection unless given"),
        must("hold_min", Kind::Count(1, 10_080), "How many minutes its last word holds"),
        may("fallback_kw", Kind::Kilowatts, "What may be drawn after that, and before its first word"),
        may("no_fallback", Kind::Flag, "`true` in place of `fallback_kw`: silent, it limits nothing"),
        may("levels_kw", Kind::KilowattsList, "What its levels mean, from level 0 on"),
    ],
};

static BUDGET: Shape = Shape {
    about: "So much energy a day, week or month at a circuit; used up, nothing below it runs until the next",
    fields: &[
        must("id", Kind::Text, "Its name"),
        may("circuit", Kind::Text, "Whose energy; the connection unless given. It needs a meter"),
        must(
            "per",
            Kind::Choice(&["day", "week", "month"]),
            "From midnight, Monday or the first of the month",
        ),
        must("energy_mwh", Kind::AmountFromZero, "How much, all that hangs on the circuit included"),
        may("used_mwh", Kind::AmountFromZero, "What was used before offpeak counted, with `used_at`"),
        may("used_at", Kind::Instant, "Until when that was, from the beginning of its period"),
    ],
};

static CIRCUIT: Shape = Shape {
    about: "One circuit, or many by a pattern",
    fields: &[
        must("id", Kind::Names, "Its path, such as `hall-[1-8]/rack-[01-40]`"),
        must("kind", Kind::Choice(&["transformer", "hall", "rack", "pdu"]), "What it is"),
        may(
            "parent",
            Kind::Names,
            "What feeds it; unless given, the path without its last part, or the grid",
        ),
        may("rating_kw", Kind::Kilowatts, "The most it may carry for good"),
        may(
            "base_load_kw",
            Kind::Kilowatts,
            "What it draws with every machine off: fans, lights, controllers",
        ),
        may("ramp_up_kw_per_min", Kind::Kilowatts, "The largest rise in a minute"),
        may("ramp_down_kw_per_min", Kind::Kilowatts, "The largest planned fall in a minute"),
        DERATING,
        may("demand_kw", Kind::Kilowatts, "The highest mean of each stretch of `demand_min`; needs a meter"),
        may("demand_min", Kind::Count(15, 60), "15, 30 or 60 minutes; 15 unless given"),
        PHASE_IMBALANCE,
        may("switch", Kind::Names, "The switch that cuts the whole circuit"),
        may(
            "authority",
            Kind::Choice(&["observe", "control"]),
            "For a hall: whether offpeak may act; `observe` unless given",
        ),
    ],
};

static METER: Shape = Shape {
    about: "One meter, or many by a pattern",
    fields: &[
        must("id", Kind::Names, "Its name"),
        must("circuit", Kind::Names, "The circuit whose whole load it measures"),
        must("accuracy_class", Kind::AccuracyClass, "Its class in percent of the reading, such as 0.5"),
        may("modbus", Kind::Sockets, "Its Modbus TCP address and port"),
        may("unit", Kind::Count(0, 255), "Its Modbus unit; 1 unless given"),
        may("register_map", Kind::Text, "The name of its register map; needed with `modbus`"),
    ],
};

static SWITCH: Shape = Shape {
    about: "One switch, or many by a pattern",
    fields: &[
        must("id", Kind::Names, "Its name"),
        may("modbus", Kind::Sockets, "Its Modbus TCP address and port: channels are coils"),
        may("unit", Kind::Count(0, 255), "Its Modbus unit; 1 unless given"),
        may(
            "snmp",
            Kind::Sockets,
            "A PDU's SNMP address and port: channels are its outlets as printed, from 1",
        ),
        may("pdu", Kind::Text, "What kind of PDU it is; needed with `snmp`"),
    ],
};

static FANS: Shape = Shape {
    about: "Fans that run together, or many such sets by a pattern",
    fields: &[
        must("id", Kind::Names, "Their name"),
        must("circuit", Kind::Names, "The circuit whose machines need them: a hall or what lies in one"),
        must("switch", Kind::Names, "The switch with their contactors; a closed channel lets them run"),
        may(
            "first_channel",
            Kind::Count(0, 65_535),
            "The first contactor; 0 unless given, the others count up",
        ),
        may("channels", Kind::Count(1, 64), "How many contactors each set has; 1 unless given"),
        must("power_kw", Kind::Kilowatts, "What a set draws, besides the circuit's base load"),
        must("lead_s", Kind::Count(0, 3_600), "How long they must run before a machine is started"),
        must("run_on_s", Kind::Count(0, 86_400), "How long they run on after the last machine is off"),
        may(
            "without_s",
            Kind::Count(0, 3_600),
            "How long machines may run while they stand still; 120 unless given",
        ),
    ],
};

static OWNER: Shape = Shape {
    about: "Whose machines stand here",
    fields: &[
        must("id", Kind::Text, "A short name"),
        must("name", Kind::Text, "The full name"),
        may(
            "share",
            Kind::Count(1, 1_000_000),
            "Its share beside the others', where they share in proportion",
        ),
        may("priority", Kind::Count(0, 1_000), "Its number, where the lowest goes first; 100 unless given"),
    ],
};

/// A model of the catalogue or of a site.
pub(crate) static MODEL: Shape = Shape {
    about: "A model: all of it, or what differs from the catalogue's of this name or from `like`",
    fields: &[
        must("name", Kind::Text, "Its name"),
        may("like", Kind::Text, "The model it is like, but for what is said here"),
        may("hardware", Kind::Text, "Its row in the table of machines, for maker, watts and hash rate"),
        may("maker", Kind::Text, "Who makes it"),
        may("family", Kind::Choice(&Family::NAMES), "What its firmware speaks"),
        may("modes", Kind::Sections(&MODE), "Its running modes"),
        may("sleeps_by_command", Kind::Flag, "Whether its firmware has a sleep command"),
        may("sleep_w", Kind::Watts, "What it draws asleep"),
        may("boot_s", Kind::Seconds, "From power on to its API answering"),
        may("wake_s", Kind::Seconds, "From the wake command to the first hash"),
        may("ramp_up_s", Kind::Seconds, "From the first hash to full power"),
        may("sleep_s", Kind::Seconds, "From the sleep command to sleep watts"),
        may("source", Kind::Text, "The datasheet or measurement the figures come from"),
    ],
};

static MODE: Shape = Shape {
    about: "A running mode",
    fields: &[
        must("name", Kind::Choice(&["low", "normal", "high"]), "Which one"),
        must("power_w", Kind::Watts, "What the machine draws at the wall"),
        must("hash_rate_ths", Kind::Terahashes, "What it hashes"),
    ],
};

static MACHINES: Shape = Shape {
    about: "Machines of one model and one owner",
    fields: &[
        must("model", Kind::Text, "The model's name"),
        must("at", Kind::Names, "The circuits they hang on"),
        must("slots", Kind::Slots, "How many on each circuit, or which places"),
        must("owner", Kind::Text, "The owner's id"),
        may(
            "first_address",
            Kind::Addresses,
            "The first one's address; the others count up, leaving out those ending in .0 and .255; with ranges that go along with `at`, each begins its own row",
        ),
        may(
            "api_port",
            Kind::Count(1, 65_535),
            "Where their API answers; 4028 unless given, 4433 for WhatsMiners of version 3",
        ),
        may(
            "pinned",
            Kind::Choice(&["on", "off"]),
            "Kept on as far as limits allow, or off, whatever they earn",
        ),
        may(
            "phase",
            Kind::Choice(&["L1", "L2", "L3", "in turn"]),
            "The phase they hang on, or slot by slot L1, L2, L3 in turn; all three unless given",
        ),
        may("http_port", Kind::Count(1, 65_535), "Where their web pages answer; 80 unless given"),
        may("switch", Kind::Names, "The switch with their outlets, a channel for each"),
        may(
            "first_channel",
            Kind::Count(0, 65_535),
            "The first one's channel on its switch; 0 unless given, the others count up",
        ),
    ],
};

static INVENTORY: Shape = Shape {
    about: "Machines listed in a CSV file with a heading line",
    fields: &[must(
        "csv",
        Kind::Text,
        "The file, beside this one; columns position, model, owner and, where known, serial, mac, address, api_port, http_port, switch, channel, phase",
    )],
};

static CONTRACT: Shape = Shape {
    about: "When and how much may be drawn at the grid connection",
    fields: &[
        must(
            "house_load_kw",
            Kind::Kilowatts,
            "What may be drawn outside every window: sleepers, fans, lights",
        ),
        may("holidays", Kind::Dates, "Public holidays"),
        must("windows", Kind::Sections(&WINDOW), "When the full limit is allowed"),
        may("nominations", Kind::Sections(&NOMINATION), "Power nominated or auctioned by the hour of a day"),
        may("imports", Kind::Sections(&IMPORT), "Power bought elsewhere, on top, at its own price"),
    ],
};

static NOMINATION: Shape = Shape {
    about: "A day that follows its nominated hours and not the windows",
    fields: &[
        must("date", Kind::Date, "The day"),
        must("hours_kw", Kind::KilowattsList, "What may be drawn in each of its hours, from midnight"),
    ],
};

static IMPORT: Shape = Shape {
    about: "Power bought elsewhere: in its hours so much more may be drawn",
    fields: &[
        must("id", Kind::Text, "Its name"),
        may("days", Kind::Days, "The days it begins on"),
        may("holidays", Kind::Flag, "Whether it also comes on every holiday; false unless given"),
        must("from", Kind::Time, "When it begins"),
        must("to", Kind::Time, "When it ends; before `from` means the next day"),
        must("limit_kw", Kind::Kilowatts, "How much of it may be drawn"),
        must("price_per_kwh", Kind::Amount, "What a kilowatt-hour of it costs in the site's currency"),
    ],
};

static WINDOW: Shape = Shape {
    about: "Hours of some days in which the full limit is allowed",
    fields: &[
        may("days", Kind::Days, "The days it begins on"),
        may("holidays", Kind::Flag, "Whether it also holds on every holiday; false unless given"),
        must("from", Kind::Time, "When it begins"),
        must("to", Kind::Time, "When it ends; before `from` means the next day"),
        must("limit_kw", Kind::Kilowatts, "What may be drawn within it"),
    ],
};

static PRICES: Shape = Shape {
    about: "What power costs and what hashes earn, by date",
    fields: &[
        may("tariffs", Kind::Sections(&TARIFF), "Tariffs by date"),
        may("hash_prices", Kind::Sections(&HASH_PRICE), "Hash prices by date"),
        may("exchange_rates", Kind::Sections(&RATE), "What a dollar costs in the site's currency, by date"),
        may("levies", Kind::Sections(&LEVY), "Levies on each kilowatt-hour, by date"),
        may("overhead_percent", Kind::AmountFromZero, "Losses and cooling that follow the machines' load"),
        may("fees_percent", Kind::AmountFromZero, "Fees on what hashes earn, the pool's included"),
        may(
            "start_cost",
            Kind::AmountFromZero,
            "What a machine's start costs in wear and lost minutes, in the site's currency",
        ),
        may(
            "cold_start_cost",
            Kind::AmountFromZero,
            "The same at -30 °C outdoors and below; between there and 0 °C on a straight line",
        ),
        may(
            "demand_charges",
            Kind::Sections(&DEMAND_CHARGE),
            "What the highest mean of a billing month at the connection costs, by date",
        ),
        may("peak_kw", Kind::Kilowatts, "The highest mean of a month before offpeak counted, with `peak_at`"),
        may("peak_at", Kind::Instant, "Until when that was, from the first of its month"),
    ],
};

static DEMAND_CHARGE: Shape = Shape {
    about: "What the highest mean of a billing month at the connection costs, from a month on",
    fields: &[
        must("from", Kind::Date, "The first of a month"),
        must(
            "price_per_kw",
            Kind::AmountFromZero,
            "What a kilowatt of the month's highest mean costs; 0 ends it",
        ),
        may("demand_min", Kind::Count(15, 60), "Of which mean: 15, 30 or 60 minutes; 15 unless given"),
        may("hold_peak", Kind::Flag, "Whether the mean is held to the peak that the plan has chosen"),
    ],
};

static LEVY: Shape = Shape {
    about: "A levy from a date on; of several of one date the highest that is due counts",
    fields: &[
        must("from", Kind::Date, "The first day"),
        must("per_kwh", Kind::AmountFromZero, "What is due for a kilowatt-hour, in the site's currency"),
        may("price_below", Kind::Amount, "Only where the power's own price is below this"),
    ],
};

static TARIFF: Shape = Shape {
    about: "The tariff from a date on",
    fields: &[
        must("from", Kind::Date, "The first day"),
        must("hours", Kind::Sections(&HOURS), "Its prices; the first line that fits an hour holds"),
    ],
};

static HOURS: Shape = Shape {
    about: "A price on some hours of some days",
    fields: &[
        may("days", Kind::Days, "The days"),
        may("holidays", Kind::Flag, "Whether it also holds on every holiday; false unless given"),
        must("from", Kind::Time, "When it begins"),
        must("to", Kind::Time, "When it ends, on the same day"),
        must("price_per_kwh", Kind::Amount, "The price of a kilowatt-hour in the site's currency"),
    ],
};

static HASH_PRICE: Shape = Shape {
    about: "The hash price from a date on",
    fields: &[
        must("from", Kind::Date, "The first day"),
        must("usd_per_th_day", Kind::AmountFromZero, "What a terahash a second earns in a day, in dollars"),
    ],
};

static RATE: Shape = Shape {
    about: "The exchange rate from a date on",
    fields: &[
        must("from", Kind::Date, "The first day"),
        must("per_usd", Kind::AmountAboveZero, "What a dollar costs in the site's currency"),
    ],
};

/// The feed.
pub(crate) static FEED: Shape = Shape {
    about: "What other programs know, each with its time",
    fields: &[
        may("outdoor", Kind::Section(&OUTDOOR), "The outdoor temperature"),
        may("hash_price", Kind::Section(&FED_PRICE), "What hashes earn"),
        may("signals", Kind::Sections(&FED_SIGNAL), "The last words on the site's signals"),
    ],
};

static OUTDOOR: Shape = Shape {
    about: "The outdoor temperature",
    fields: &[
        must("at", Kind::Instant, "When it was measured"),
        must("celsius", Kind::Celsius, "The temperature"),
    ],
};

static FED_PRICE: Shape = Shape {
    about: "What hashes earn",
    fields: &[
        must("at", Kind::Instant, "When it was so"),
        must("usd_per_th_day", Kind::AmountFromZero, "What a terahash a second earns in a day, in dollars"),
        may(
            "per_usd",
            Kind::AmountAboveZero,
            "What a dollar costs in the site's currency, unless that is USD",
        ),
    ],
};

static FED_SIGNAL: Shape = Shape {
    about: "The last word on one signal",
    fields: &[
        must("id", Kind::Text, "The signal's name in the site file"),
        must("at", Kind::Instant, "When it was said"),
        may("limit_kw", Kind::Kilowatts, "The most that may be drawn"),
        may("level", Kind::Count(0, 255), "Its level, in place of `limit_kw`"),
        may("no_limit", Kind::Flag, "`true`: no limit for now, in place of `limit_kw`"),
        may("setpoint", Kind::Flag, "Whether no less is to be drawn either"),
    ],
};
