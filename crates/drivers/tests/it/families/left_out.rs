//! Whatever a reply leaves out is absent in what is read from it: no other field, and no zero, stands in for it.
//! Recorded replies of every family, with fields taken out at random; which fields carry a value is written down
//! here by hand, apart from the code that reads them. Avalon's text, which is no JSON inside, has a property of
//! its own.

use offpeak_drivers::{
    antminer, bitaxe, braiins, braiins_graphql, epic, luxos, proto, vnish, whatsminer, whatsminer_v3,
};
use offpeak_units::{HashRate, Power, Temperature};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::recorded::recorded;

/// What stands in a reply, by this file's own reckoning, or what was read from it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Told {
    rate: bool,
    power: bool,
    hot: bool,
    word: bool,
}

impl Told {
    /// What was read; a zero where the recording has none would stand in for something.
    fn read<T>(
        rate: Option<HashRate>,
        power: Option<Power>,
        hot: Option<Temperature>,
        word: Option<T>,
    ) -> Self {
        assert!(rate.is_none_or(|rate| !rate.is_zero()), "a rate of zero was made up");
        assert!(power.is_none_or(|power| power > Power::ZERO), "watts of zero were made up");
        Self { rate: rate.is_some(), power: power.is_some(), hot: hot.is_some(), word: word.is_some() }
    }
}

struct Case {
    name: &'static str,
    reply: Value,
    /// Fields that make a reply one, and stay.
    stays: &'static [&'static str],
    stands: fn(&Value) -> Told,
    read: fn(&[u8]) -> Told,
}

fn parsed(bytes: Vec<u8>) -> Value {
    serde_json::from_slice(&bytes).unwrap()
}

/// Whether any of these fields stands in this object, with something in it.
fn has(object: &Value, keys: &[&str]) -> bool {
    keys.iter().any(|key| object.get(key).is_some_and(|value| !value.is_null()))
}

fn at(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer).is_some_and(|value| !value.is_null())
}

fn any(list: &Value, holds: impl Fn(&Value) -> bool) -> bool {
    list.as_array().is_some_and(|list| list.iter().any(holds))
}

fn antminer_case(name: &'static str, reply: Vec<u8>) -> Case {
    Case {
        name,
        reply: parsed(reply),
        stays: &["STATUS", "STATS", "rate_unit"],
        stands: |reply| {
            let rates = ["GHS 5s", "total rate", "total_rate", "rate_30m", "GHS av"];
            let fitted = |value: &Value| match value.as_str() {
                Some(text) => {
                    text.split('-').any(|part| part.parse::<f64>().is_ok_and(|celsius| celsius != 0.0))
                }
                None => value.as_f64().is_some_and(|celsius| celsius != 0.0),
            };
            let sensors = [
                "temp",
                "temp2_",
                "temp_chip",
                "temp_pcb",
                "temp_pic",
                "temp_in_pcb_",
                "temp_out_pcb_",
                "temp_in_chip_",
                "temp_out_chip_",
            ];
            let is_sensor = |key: &str| {
                sensors.contains(&key.trim_end_matches(|c: char| c.is_ascii_digit()))
                    && key.ends_with(char::is_numeric)
            };
            let hot = |object: &Value| {
                object
                    .as_object()
                    .is_some_and(|object| object.iter().any(|(key, value)| is_sensor(key) && fitted(value)))
            };
            Told {
                rate: any(&reply["STATS"], |object| has(object, &rates)),
                hot: any(&reply["STATS"], hot),
                word: any(&reply["STATS"], |object| has(object, &["Type"])),
                power: false,
            }
        },
        read: |bytes| {
            let stats = antminer::Stats::parse(bytes).unwrap();
            Told::read(stats.hash_rate(), None, stats.temperature(), stats.model.get())
        },
    }
}

fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "whatsminer 2",
            reply: parsed(recorded!("whatsminer/v2/summary.json")),
            stays: &["STATUS", "SUMMARY"],
            stands: |reply| {
                let summary = &reply["SUMMARY"][0];
                Told {
                    rate: has(summary, &["MHS 5s", "HS RT", "MHS 1m", "MHS 5m", "MHS 15m", "MHS av"]),
                    power: has(summary, &["Power", "Power_RT"]),
                    hot: has(summary, &["Temperature", "Chip Temp Max"]),
                    word: has(summary, &["Power Mode"]),
                }
            },
            read: |bytes| {
                let of = whatsminer::Summary::parse(bytes).unwrap();
                Told::read(of.hash_rate(), of.power(), of.temperature(), of.mode())
            },
        },
        Case {
            name: "whatsminer 3",
            reply: parsed(recorded!("whatsminer/v3/get_miner_status_summary.json")),
            stays: &["code", "msg", "summary"],
            stands: |reply| {
                let summary = &reply["msg"]["summary"];
                Told {
                    rate: has(summary, &["hash-realtime", "hash-1min", "hash-15min", "hash-average"]),
                    power: has(summary, &["power-realtime", "power-5min"]),
                    hot: has(summary, &["board-temperature", "chip-temp-max"]),
                    word: false,
                }
            },
            read: |bytes| {
                let of = whatsminer_v3::Summary::parse(bytes).unwrap();
                Told::read(of.hash_rate(), of.power(), of.temperature(), None::<()>)
            },
        },
        antminer_case("antminer of 2020", recorded!("antminer/v2020/stats.json")),
        antminer_case("antminer of 2023", recorded!("antminer/v2023_07/l9_stats.json")),
        Case {
            name: "luxos",
            reply: json!({
                "summary": parsed(recorded!("luxos/v1/summary.json")), "power": parsed(recorded!("luxos/v1/power.json")),
                "temps": parsed(recorded!("luxos/v1/temps.json")), "config": parsed(recorded!("luxos/v1/config.json")),
            }),
            stays: &["STATUS", "SUMMARY", "POWER", "TEMPS", "CONFIG", "summary", "power", "temps", "config"],
            stands: |reply| Told {
                rate: has(
                    &reply["summary"]["SUMMARY"][0],
                    &["GHS 5s", "GHS 1m", "GHS 5m", "GHS 15m", "GHS 30m", "GHS av"],
                ),
                power: has(&reply["power"]["POWER"][0], &["Watts"]),
                hot: any(&reply["temps"]["TEMPS"], |board| {
                    has(board, &["TopLeft", "TopRight", "BottomLeft", "BottomRight"])
                }),
                word: has(&reply["config"]["CONFIG"][0], &["CurtailMode"]),
            },
            read: |bytes| {
                let reply = parsed(bytes.to_vec());
                let [summary, power, temps, config] =
                    ["summary", "power", "temps", "config"].map(|part| reply[part].to_string().into_bytes());
                Told::read(
                    luxos::Summary::parse(&summary).unwrap().hash_rate(),
                    luxos::Power::parse(&power).unwrap().power(),
                    luxos::Temperatures::parse(&temps).unwrap().hottest(),
                    luxos::Config::parse(&config).unwrap().sleeps(),
                )
            },
        },
        Case {
            name: "braiins",
            reply: json!({
                "stats": parsed(recorded!("braiins/v25_07/miner_stats.json")),
                "details": parsed(recorded!("braiins/v25_07/miner_details.json")),
            }),
            stays: &["stats", "details"],
            stands: |reply| Told {
                rate: at(reply, "/stats/miner_stats/real_hashrate/last_5s/gigahash_per_second"),
                power: at(reply, "/stats/power_stats/approximated_consumption/watt"),
                hot: false,
                word: at(reply, "/details/status"),
            },
            read: |bytes| {
                let reply = parsed(bytes.to_vec());
                let [stats, details] = ["stats", "details"].map(|part| reply[part].to_string().into_bytes());
                let stats = braiins::Stats::parse(&stats).unwrap();
                let details = braiins::Details::parse(&details).unwrap();
                Told::read(stats.hash_rate(), stats.power(), None, details.state())
            },
        },
        Case {
            name: "braiins over graphql",
            reply: {
                // The recording holds the boards; the rest of the question is in the schema's form.
                let mut reply = parsed(recorded!("braiins/v25_05/gql_boards.json"));
                let info = &mut reply["data"]["bosminer"]["info"];
                info["workSolver"]["realHashrate"] = json!({"mhs5S": 205_000_000.5});
                info["summary"] = json!({"power": {"approxConsumptionW": 3_250, "limitW": 3_300}});
                info["modelName"] = json!("Antminer S19j Pro");
                reply
            },
            stays: &["data", "bosminer", "info"],
            stands: |reply| {
                let info = &reply["data"]["bosminer"]["info"];
                let is_chip = |sensor: &Value| {
                    has(sensor, &["degreesC"]) && matches!(sensor["name"].as_str(), Some("Chip" | "MAX_CHIP"))
                };
                Told {
                    rate: at(info, "/workSolver/realHashrate/mhs5S"),
                    power: at(info, "/summary/power/approxConsumptionW"),
                    hot: any(&info["workSolver"]["childSolvers"], |board| {
                        any(&board["temperatures"], is_chip)
                    }),
                    word: has(info, &["modelName"]),
                }
            },
            read: |bytes| {
                let of = braiins_graphql::Info::parse(bytes).unwrap();
                Told::read(of.hash_rate(), of.power(), of.temperature(), of.model())
            },
        },
        Case {
            name: "epic",
            reply: parsed(recorded!("epic/v1/summary.json")),
            stays: &["Status"],
            stands: |reply| {
                let rate = |board: &Value| board["Hashrate"][0].is_number();
                Told {
                    rate: any(&reply["HBs"], rate),
                    power: at(reply, "/Power Supply Stats/Input Power"),
                    hot: any(&reply["HBs"], |board| has(board, &["Temperature"])),
                    word: at(reply, "/Status/Operating State"),
                }
            },
            read: |bytes| {
                let of = epic::Summary::parse(bytes).unwrap();
                Told::read(of.hash_rate(), of.power(), of.temperature(), of.activity())
            },
        },
        Case {
            name: "proto",
            reply: parsed(recorded!("proto/v1/mining.json")),
            stays: &["mining-status"],
            stands: |reply| Told {
                rate: at(reply, "/mining-status/hashrate_ghs"),
                power: at(reply, "/mining-status/power_usage_watts"),
                hot: at(reply, "/mining-status/average_asic_temp_c"),
                word: at(reply, "/mining-status/status"),
            },
            read: |bytes| {
                let of = proto::Mining::parse(bytes).unwrap();
                Told::read(of.hash_rate(), of.power(), of.temperature(), of.state())
            },
        },
        Case {
            name: "bitaxe",
            reply: parsed(recorded!("bitaxe/v2_0/system_info.json")),
            stays: &["ASICModel"],
            stands: |reply| Told {
                rate: has(reply, &["hashRate"]),
                power: has(reply, &["power"]),
                hot: has(reply, &["temp"]),
                word: has(reply, &["macAddr"]),
            },
            read: |bytes| {
                let of = bitaxe::Info::parse(bytes).unwrap();
                Told::read(of.hash_rate(), of.power(), of.temperature(), of.mac())
            },
        },
        Case {
            name: "vnish, as its description has it",
            reply: json!({"miner": {
                "miner_status": {"miner_state": "mining", "miner_state_time": 3_600},
                "hr_realtime": 104_512.5, "hr_average": 104_000.0, "hr_nominal": 104_700.0,
                "instant_hashrate": 104.5125, "power_consumption": 3_068, "power_usage": 29, "power_efficiency": 29.4,
                "chip_temp": {"min": 58, "max": 76}, "pcb_temp": {"min": 41, "max": 63},
            }}),
            stays: &[],
            stands: |reply| Told {
                rate: at(reply, "/miner/hr_realtime"),
                power: at(reply, "/miner/power_consumption"),
                hot: at(reply, "/miner/chip_temp/max"),
                word: at(reply, "/miner/miner_status/miner_state"),
            },
            read: |bytes| {
                let of = vnish::Summary::parse(bytes).unwrap();
                Told::read(of.hash_rate(), of.power(), of.temperature(), of.state())
            },
        },
    ]
}

/// Takes out fields wherever they stand, as the coins say; one coin a field, in turns.
fn take_out(value: &mut Value, stays: &[&str], coins: &mut impl Iterator<Item = bool>) {
    match value {
        Value::Object(fields) => {
            fields.retain(|key, _| stays.contains(&key.as_str()) || coins.next().expect("they never end"));
            fields.values_mut().for_each(|field| take_out(field, stays, coins));
        }
        Value::Array(list) => list.iter_mut().for_each(|one| take_out(one, stays, coins)),
        _ => {}
    }
}

#[test]
fn every_recording_is_whole_as_it_stands() {
    for case in cases() {
        let bytes = case.reply.to_string().into_bytes();
        let stands = (case.stands)(&case.reply);
        assert_eq!((case.read)(&bytes), stands, "{}", case.name);
        assert!(stands.rate, "{}: nothing is carried, so nothing could be left out", case.name);
    }
}

proptest! {
    #[test]
    fn whatever_is_left_out_is_absent(coins in proptest::collection::vec(proptest::bool::weighted(0.6), 97)) {
        for case in cases() {
            let mut reply = case.reply.clone();
            take_out(&mut reply, case.stays, &mut coins.iter().copied().cycle());
            let bytes = reply.to_string().into_bytes();
            prop_assert_eq!((case.read)(&bytes), (case.stands)(&reply), "{}: {}", case.name, reply);
        }
    }
}
