//! The demo's site: `sites/small.toml` as it stands, or a larger one of the same kind written for a
//! number of machines. It goes through the same loader as any site file.

use std::fmt::Write as _;

/// The site that newcomers copy.
pub(crate) const SMALL: &str = include_str!("../../../../sites/small.toml");
/// How many machines that one has.
pub(crate) const SMALL_MACHINES: u32 = 64;
/// What the demo serves at most: more than the largest mine of its story.
pub(crate) const MACHINES_MAX: u32 = 60_000;

const SLOTS: u32 = 8;
const PDUS: u32 = 4;
const HALLS: u32 = 4;
/// By rack: the models, in turn.
const MODELS: [&str; 3] = ["M30S", "S19", "M20S"];

/// A site file for so many machines.
pub(crate) fn site_text(machines: u32) -> String {
    if machines == SMALL_MACHINES { SMALL.to_owned() } else { site_text_of(machines, &MODELS) }
}

/// A site file for so many machines of these models: four halls of racks of 32, the last rack partly
/// filled.
pub(crate) fn site_text_of(machines: u32, models: &[&str]) -> String {
    let machines = machines.clamp(1, MACHINES_MAX);
    let rack_size = SLOTS * PDUS;
    let racks = machines.div_ceil(rack_size).div_ceil(HALLS).max(1);
    let hall_kw = racks * rack_size * 4 + 10;
    let drawn_kw = machines * 33 / 10;
    let limit_kw = drawn_kw * 88 / 100 + 12;
    let house_kw = HALLS * 2 + 1 + machines.div_ceil(16) + 4;
    let ramp_kw = (limit_kw / 4).max(20);
    let mut text = format!(
        r#"[site]
id = "demo"
name = "A mine of {machines} machines"
time_zone = "Asia/Almaty"
currency = "KZT"

[grid]
rating_kw = {grid_kw}
base_load_kw = 1
ramp_up_kw_per_min = {ramp_kw}
ramp_down_kw_per_min = {ramp_kw}

[[circuits]]
id = "hall-[1-{HALLS}]"
kind = "hall"
parent = "grid"
rating_kw = {hall_kw}
base_load_kw = 2
authority = "control"

[[circuits]]
id = "hall-[1-{HALLS}]/rack-[1-{racks}]"
kind = "rack"
rating_kw = {rack_kw}

[[circuits]]
id = "hall-[1-{HALLS}]/rack-[1-{racks}]/pdu-[1-{PDUS}]"
kind = "pdu"
rating_kw = 32

[[meters]]
id = "revenue"
circuit = "grid"
accuracy_class = 0.5
modbus = "127.0.0.1:15020"
register_map = "offpeak-twin"

[[meters]]
id = "meter-hall-[1-{HALLS}]"
circuit = "hall-[1-{HALLS}]"
accuracy_class = 1
modbus = "127.0.0.1:[15021-{last_meter}]"
register_map = "offpeak-twin"

[[switches]]
id = "outlets"
modbus = "127.0.0.1:15031"

[[owners]]
id = "house"
name = "The mine itself"

[[owners]]
id = "customer-a"
name = "Customer A"
"#,
        grid_kw = HALLS * hall_kw,
        rack_kw = rack_size * 4,
        last_meter = 15_020 + HALLS,
    );
    let mut left = machines;
    for rack in 0..HALLS * racks {
        let (hall, rack_in_hall) = (rack / racks + 1, rack % racks + 1);
        for pdu in 1..=PDUS {
            let slots = left.min(SLOTS);
            if slots == 0 {
                break;
            }
            let first = machines - left;
            left -= slots;
            let model = models[rack as usize % models.len()];
            machine_group(&mut text, (hall, rack_in_hall, pdu), slots, first, model);
        }
    }
    let _ = write!(
        text,
        r#"
[contract]
house_load_kw = {house_kw}

[[contract.windows]]
days = "workdays"
from = "00:00"
to = "08:00"
limit_kw = {limit_kw}

[[contract.windows]]
days = "weekend"
from = "00:00"
to = "24:00"
limit_kw = {limit_kw}

[[prices.tariffs]]
from = 2021-01-01
hours = [
  {{ days = "weekend", from = "00:00", to = "24:00", price_per_kwh = 26 }},
  {{ days = "workdays", from = "00:00", to = "08:00", price_per_kwh = 26 }},
  {{ days = "workdays", from = "08:00", to = "24:00", price_per_kwh = 46 }},
]

[prices]
hash_prices = [{{ from = 2022-10-01, usd_per_th_day = 0.079 }}]
exchange_rates = [{{ from = 2022-01-01, per_usd = 470 }}]
"#
    );
    text
}

/// One PDU's machines. Addresses count up in 127.16.0.0/12, without .0 and .255.
fn machine_group(text: &mut String, (hall, rack, pdu): (u32, u32, u32), slots: u32, first: u32, model: &str) {
    let owner = if hall == HALLS { "customer-a" } else { "house" };
    let (high, low) = (first / 250, first % 250 + 1);
    let address = format!("127.{}.{}.{low}", 16 + high / 256, high % 256);
    let _ = write!(
        text,
        r#"
[[machines]]
model = "{model}"
at = "hall-{hall}/rack-{rack}/pdu-{pdu}"
slots = {slots}
owner = "{owner}"
first_address = "{address}"
"#
    );
    if hall <= 2 {
        let _ = write!(text, "switch = \"outlets\"\nfirst_channel = {first}\n");
    }
}
