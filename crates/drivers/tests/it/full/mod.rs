//! Full readings: recorded replies give the boards, fans, pools and faults that a person reads in them, and nothing
//! that they lack; the twin's machines of every family tell theirs.

mod absent;
mod twin;

use core::time::Duration;
use std::collections::BTreeMap;

use offpeak_drivers::full::{BoardReading, Details, FAULTS_MAX, FanReading, Fault, PoolReading, cgminer};
use offpeak_drivers::{
    antminer, avalon, bitaxe, braiins, braiins_graphql, epic, luxos, proto, vnish, whatsminer, whatsminer_v3,
};
use offpeak_units::{HashRate, Temperature};
use serde_json::Value;

use crate::recorded::recorded;

pub(crate) fn terahashes(rate: f64) -> Option<HashRate> {
    HashRate::from_terahashes_f64(rate)
}

pub(crate) fn degrees(celsius: f64) -> Option<Temperature> {
    Temperature::from_celsius_f64(celsius)
}

/// By board: number, chips, rate, temperature of the board and of its chips.
type Told = (u64, Option<u64>, Option<HashRate>, Option<Temperature>, Option<Temperature>);

fn told(boards: &[BoardReading]) -> Vec<Told> {
    let told = |of: &BoardReading| (of.place, of.chips, of.hash_rate, of.temperature, of.temperature_chip);
    boards.iter().map(told).collect()
}

fn rpms(fans: &[FanReading]) -> Vec<(&str, u64)> {
    fans.iter().map(|fan| (fan.name.as_str(), fan.rpm.unwrap())).collect()
}

fn serials(boards: &[BoardReading]) -> Vec<Option<&str>> {
    boards.iter().map(|board| board.serial.as_deref()).collect()
}

fn pool(url: &str, user: &str) -> PoolReading {
    PoolReading { url: Some(url.to_owned()), user: Some(user.to_owned()), ..PoolReading::default() }
}

fn counted(pool: PoolReading, active: bool, alive: bool, shares: [Option<u64>; 3]) -> PoolReading {
    let [accepted, rejected, stale] = shares;
    PoolReading { is_active: Some(active), is_alive: Some(alive), accepted, rejected, stale, ..pool }
}

#[test]
fn a_whatsminer_of_version_2() {
    let boards = whatsminer::full::boards(&recorded!("whatsminer/v2/devs.json")).unwrap();
    assert_eq!(
        told(&boards),
        [
            (0, Some(135), terahashes(41.5), degrees(65.0), degrees(80.0)),
            (1, Some(135), terahashes(41.8), degrees(66.0), degrees(81.0)),
            (2, Some(135), terahashes(41.7), degrees(67.0), degrees(81.0)),
        ]
    );
    assert_eq!(serials(&boards)[2], Some("BHM5CSD1302803K30003"));
    assert!(boards.iter().all(|board| board.works == Some(true)));
    let pools = cgminer::pools(&recorded!("whatsminer/v2/pools.json")).unwrap();
    assert_eq!(pools.len(), 3);
    let first = pool("stratum+tcp://btc.example.pool:3333", "asic-rs.test");
    assert_eq!(
        pools[0],
        counted(first, true, true, [Some(5_412), Some(0), None]),
        "it names no stale shares"
    );
    assert_eq!(pools[1].is_active, Some(false));
    let summary = whatsminer::full::Told::parse(&recorded!("whatsminer/v2/summary.json")).unwrap();
    assert_eq!(rpms(&summary.fans.unwrap()), [("in", 5_400), ("out", 5_280)]);
    assert_eq!(summary.faults, None, "it does not count its faults here");
    assert_eq!(summary.uptime, Some(Duration::from_secs(25_500)));
    assert_eq!(summary.mining_for, Some(Duration::from_secs(25_000)));
    let faults =
        whatsminer::full::faults(&recorded!("whatsminer/v2/get_error_code_with_errors.json")).unwrap();
    let fault =
        |code: &str, since: &str| Fault { code: Some(code.into()), words: None, since: Some(since.into()) };
    assert_eq!(faults, [fault("218", "2024-06-15 10:30:00"), fault("110", "2024-06-15 09:15:00")]);
    assert_eq!(whatsminer::full::faults(&recorded!("whatsminer/v2/get_error_code.json")).unwrap(), []);
}

#[test]
fn a_whatsminer_of_version_1() {
    let boards = whatsminer::full::boards(&recorded!("whatsminer/v1/devs.json")).unwrap();
    let rate = |mega: f64| terahashes(mega / 1e6);
    assert_eq!(told(&boards)[1], (1, Some(105), rate(25_567_317.81), degrees(69.5), degrees(90.11)));
    let summary = recorded!("whatsminer/v1/summary_with_errors.json");
    let summary = whatsminer::full::Told::parse(&summary).unwrap();
    assert_eq!(rpms(&summary.fans.unwrap()), [("in", 6_450), ("out", 6_480), ("supply", 9_060)]);
    let codes: Vec<_> = summary.faults.unwrap().into_iter().filter_map(|fault| fault.code).collect();
    assert_eq!(codes, ["110", "600"]);
    let sound = whatsminer::full::Told::parse(&recorded!("whatsminer/v1/summary.json")).unwrap();
    assert_eq!(sound.faults, Some(vec![]), "it counts none");
    let pools = cgminer::pools(&recorded!("whatsminer/v1/pools.json")).unwrap();
    assert_eq!((pools[0].accepted, pools[0].rejected, pools[0].stale), (Some(2_338), Some(0), Some(0)));
}

#[test]
fn a_whatsminer_of_version_3() {
    let answered = |reply: Vec<u8>| whatsminer_v3::full::answered(&reply).unwrap();
    let device = answered(recorded!("whatsminer/v3/get_device_info_with_errors.json"));
    let device = whatsminer_v3::full::Device::of(&device);
    let boards = answered(recorded!("whatsminer/v3/get_miner_status_edevs.json"));
    let boards = whatsminer_v3::full::boards(&boards, &device.boards).unwrap();
    assert_eq!(
        told(&boards),
        [
            (0, Some(75), terahashes(57.2), None, degrees(80.0)),
            (1, Some(75), terahashes(57.0), None, degrees(82.0)),
            (2, Some(75), terahashes(57.1), None, degrees(81.0)),
        ]
    );
    assert_eq!(serials(&boards)[0], Some("BKM3CSE1404807K42757"));
    let faults = device.faults.unwrap();
    assert_eq!(faults.len(), 5);
    assert_eq!(
        faults[4],
        Fault {
            code: Some("270".into()),
            words: Some("Power input over-voltage warning. code: 0xffffffffc0000000".into()),
            since: Some("2026-05-23 09:19:11".into()),
        }
    );
    let sound = answered(recorded!("whatsminer/v3/get_device_info.json"));
    assert_eq!(whatsminer_v3::full::Device::of(&sound).faults, Some(vec![]));
    let summary = answered(recorded!("whatsminer/v3/get_miner_status_summary.json"));
    let fans = whatsminer_v3::full::fans(&summary, device.supply_fan).unwrap();
    assert_eq!(rpms(&fans), [("in", 5_400), ("out", 5_280), ("supply", 6_344)]);
    let pools = answered(recorded!("whatsminer/v3/get_miner_status_pools.json"));
    let pools = whatsminer_v3::full::pools(&pools).unwrap();
    let first = pool("stratum+tcp://btc.example.pool:3333", "asic-rs.test");
    assert_eq!(pools[0], counted(first, true, true, [None; 3]), "it counts no shares");
    assert_eq!(pools.len(), 3);
}

#[test]
fn antminers_on_stock_firmware() {
    let stats = antminer::full::stats(&recorded!("antminer/v2020/stats.json")).unwrap();
    assert_eq!(
        told(&antminer::full::boards(&stats)),
        [
            (1, Some(114), terahashes(37.603_30), degrees(73.0), degrees(78.0)),
            (2, Some(114), terahashes(35.536_22), degrees(66.0), degrees(71.0)),
            (3, Some(114), terahashes(37.427_38), degrees(64.0), degrees(69.0)),
        ],
        "the fourth place is empty"
    );
    let fans = antminer::full::fans(&stats);
    assert_eq!(rpms(&fans), [("1", 6_000), ("2", 5_880), ("3", 5_040), ("4", 5_040)]);
    let pools = cgminer::pools(&recorded!("antminer/v2020/pools.json")).unwrap();
    let first = pool("stratum+tcp://btc.global.luxor.tech:700", "account.worker");
    assert_eq!(pools[0], counted(first, true, true, [Some(4_057), Some(11), Some(1)]));
    assert_eq!(pools.len(), 3);
}

#[test]
fn antminers_that_mine_something_else() {
    let stats = antminer::full::stats(&recorded!("antminer/v2023_07/l9_stats.json")).unwrap();
    assert_eq!(
        told(&antminer::full::boards(&stats)),
        [
            (1, Some(110), terahashes(0.005_659_831), degrees(64.0), degrees(81.0)),
            (2, Some(110), terahashes(0.005_653_809), degrees(62.0), degrees(78.0)),
            (3, Some(25), terahashes(0.001_536_669), degrees(45.0), degrees(54.0)),
        ],
        "the third board has lost most of its chips"
    );
    let fans = antminer::full::fans(&stats);
    assert_eq!(rpms(&fans), [("1", 4_170), ("2", 4_140), ("3", 4_200), ("4", 4_200)]);
    let stats = antminer::full::stats(&recorded!("antminer/v2023_07/l11_stats.json")).unwrap();
    let boards = antminer::full::boards(&stats);
    assert_eq!(told(&boards)[0], (1, Some(88), terahashes(0.006_804_969), degrees(55.0), degrees(66.0)));
}

#[test]
fn old_antminers_list_places_without_a_fan() {
    let stats =
        serde_json::json!({"fan_num": 2, "fan1": 0, "fan2": 0, "fan3": 5880, "fan4": 0, "fan6": 5820});
    assert_eq!(rpms(&antminer::full::fans(&stats)), [("3", 5_880), ("6", 5_820)]);
    let stands = serde_json::json!({"fan_num": 4, "fan1": 6000, "fan2": 0, "fan3": 5880, "fan4": 5820});
    assert_eq!(antminer::full::fans(&stands)[1].rpm, Some(0), "it stands");
}

#[test]
fn avalons_of_three_generations() {
    let a12 = avalon::full::Statistics::parse(&recorded!("avalon/a1246/stats.json")).unwrap();
    assert_eq!(
        told(&a12.boards().unwrap()),
        [
            (0, Some(120), terahashes(26.907_01), None, degrees(77.0)),
            (1, Some(120), terahashes(26.025_06), None, degrees(77.0)),
            (2, Some(120), terahashes(26.724_56), None, degrees(76.0)),
        ]
    );
    let fans = a12.fans().unwrap();
    assert_eq!(rpms(&fans), [("1", 5_344), ("2", 5_392), ("3", 5_349), ("4", 5_309)]);
    assert_eq!(a12.faults(), Some(vec![]));

    let a15 = avalon::full::Statistics::parse(&recorded!("avalon/a15/stats.json")).unwrap();
    let boards = a15.boards().unwrap();
    assert_eq!(
        told(&boards)[2],
        (2, None, terahashes(63.139_66), None, degrees(77.0)),
        "its chips were left out"
    );
    assert_eq!(rpms(&a15.fans().unwrap()), [("1", 4_275), ("2", 4_282)]);

    // Recorded while it idles: the means of before go on, and are no rate of now.
    let home = avalon::full::Statistics::parse(&recorded!("avalon/q/stats.json")).unwrap();
    assert_eq!(told(&home.boards().unwrap()), [(0, Some(160), terahashes(0.0), None, None)]);
    assert_eq!(rpms(&home.fans().unwrap()), [("1", 0), ("2", 0), ("3", 0), ("4", 0)]);
    let pools = cgminer::pools(&recorded!("avalon/q/pools.json")).unwrap();
    let only = pool("stratum+tcp://pool.example.com:4444", "worker1");
    assert_eq!(pools, [counted(only, true, true, [Some(890), Some(2), Some(0)])]);
}

#[test]
fn an_avalon_s_codes_are_its_own() {
    let text = "GHSspd[1.0] MGHS[1 2 3] ECHU[0 513 0] ECMM[4] FanErr[2] PS[8 1214 1316]";
    let reply = serde_json::json!({"STATUS": [{"STATUS": "S"}], "STATS": [{"MM ID0": text}]}).to_string();
    let told = avalon::full::Statistics::parse(reply.as_bytes()).unwrap();
    let codes: Vec<_> = told.faults().unwrap().into_iter().filter_map(|fault| fault.code).collect();
    assert_eq!(codes, ["ECHU 513", "ECMM 4", "FanErr 2", "PS 8"]);
    let works: Vec<_> = told.boards().unwrap().into_iter().map(|board| board.works).collect();
    assert_eq!(works, [Some(true), Some(false), Some(true)]);
}

/// The answer to one question of several commands, put together from recorded ones.
fn joined(parts: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let part = |(name, reply): &(&str, Vec<u8>)| {
        ((*name).to_owned(), serde_json::json!([serde_json::from_slice::<Value>(reply).unwrap()]))
    };
    Value::Object(parts.iter().map(part).collect()).to_string().into_bytes()
}

#[test]
fn luxos() {
    let parts = [
        ("devs", recorded!("luxos/v1/devs.json")),
        ("stats", recorded!("luxos/v1/stats.json")),
        ("fans", recorded!("luxos/v1/fans.json")),
        ("pools", recorded!("luxos/v1/pools.json")),
        ("events", recorded!("luxos/v1/events.json")),
    ];
    let details = luxos::full::parse(&joined(&parts)).unwrap();
    let boards = details.boards.unwrap();
    let rate = |mega: f64| terahashes(mega / 1e6);
    assert_eq!(
        told(&boards),
        [
            (0, Some(77), rate(19_773_825.716_920_16), degrees(47.0), None),
            (1, Some(77), rate(19_230_588.746_675_1), degrees(47.0), None),
            (2, Some(77), rate(20_751_652.263_361_264), degrees(47.0), None),
        ]
    );
    assert_eq!(serials(&boards)[0], Some("JYZZYRSBDJEBI06Z5"));
    assert_eq!(rpms(&details.fans.unwrap()), [("0", 1_920), ("1", 1_920), ("2", 2_340), ("3", 2_340)]);
    let pools = details.pools.unwrap();
    assert_eq!(pools.len(), 4);
    let dead = pool("stratum+tcp://stratum.braiins.com:3333", "asic-rs.user2");
    assert_eq!(pools[3], counted(dead, false, false, [Some(0), Some(0), Some(0)]));
    let faults = details.faults.unwrap();
    assert_eq!(faults[0].code.as_deref(), Some("NOPIC_PROTECTION"));
    assert_eq!(faults[1].words.as_deref(), Some("Board reboot due to it not hashing."));
    assert_eq!(details.mining_for, Some(Duration::from_secs(3_453)));
    assert_eq!(details.unanswered, []);

    // An older firmware knows no events: the rest holds, and there is no word on faults.
    let unknown = br#"{"STATUS":[{"STATUS":"E","Code":14,"Msg":"Invalid command"}]}"#.to_vec();
    let parts = [("devs", recorded!("luxos/v1/devs.json")), ("events", unknown)];
    let details = luxos::full::parse(&joined(&parts)).unwrap();
    assert_eq!((details.boards.unwrap().len(), details.faults), (3, None));
    let missing: Vec<_> = details.unanswered.iter().map(|(question, _)| *question).collect();
    assert_eq!(missing, ["fans", "pools", "faults"]);
}

#[test]
fn braiins_os() {
    let boards = braiins::full::boards(&recorded!("braiins/v26_04/miner_hw_hashboards.json")).unwrap();
    assert_eq!(
        told(&boards)[0],
        (1, Some(65), terahashes(83.168_431_305_221_84), degrees(50.375), degrees(65.375))
    );
    assert_eq!(
        serials(&boards),
        [Some("THQGYSCBDJIAH11S3"), Some("THQGYSCBDJIAH120Z"), Some("THQGYSCBDJIAH12AD")]
    );
    let fans = braiins::full::fans(&recorded!("braiins/v26_04/cooling_state.json")).unwrap();
    assert_eq!(rpms(&fans), [("0", 5_943), ("1", 5_943), ("2", 5_943), ("3", 5_973)]);
    let pools = braiins::full::pools(&recorded!("braiins/v25_07/pools.json")).unwrap();
    let second = pool("stratum+tcp://example.pool2.com:3333", "asic_rs.test");
    assert_eq!(pools[0].accepted, Some(10_460));
    assert_eq!(pools[1], counted(second, false, true, [Some(4), Some(0), Some(0)]));
    // It remembers 129, the last of them not the least.
    let faults = braiins::full::faults(&recorded!("braiins/v26_04/miner_errors.json")).unwrap();
    assert_eq!(faults.len(), FAULTS_MAX);
    assert_eq!(faults[63].since.as_deref(), Some("2026-04-08T08:16:48.007413Z"));
    assert_eq!(faults[63].code, None, "one without a code has none");
    let coded: Vec<_> = faults.iter().filter_map(|fault| fault.code.as_deref()).collect();
    assert_eq!(coded, ["V2", "H1"], "the earlier two of each are left out");
}

#[test]
fn braiins_os_before_25_07() {
    let data = |reply: Vec<u8>| braiins_graphql::reply::data::<Value>(&reply).unwrap();
    let boards = braiins_graphql::full::boards(&data(recorded!("braiins/v25_05/gql_boards.json"))).unwrap();
    assert_eq!(
        told(&boards)[0],
        (1, Some(55), terahashes(64.802_268_950_288_64), degrees(51.5), degrees(66.5))
    );
    assert_eq!(serials(&boards)[0], Some("NGSBYT0BEJCJD074A"));
    let old = braiins_graphql::full::boards(&data(recorded!("braiins/v21_09/gql_boards.json"))).unwrap();
    assert_eq!(
        told(&old)[1],
        (7, Some(63), terahashes(3.022_858_545_443_969), degrees(75.375), degrees(89.25))
    );
    assert_eq!(serials(&old)[0], None);
    let fans = braiins_graphql::full::fans(&data(recorded!("braiins/v21_09/gql_system.json"))).unwrap();
    assert_eq!(rpms(&fans), [("0", 4_080), ("1", 5_580), ("2", 0), ("3", 0)]);
    let pools = braiins_graphql::full::pools(&data(recorded!("braiins/v25_05/gql_pools.json"))).unwrap();
    let third = pool("stratum+tcp://stratum.braiins.com:3333", "ICM");
    assert_eq!(pools[2], counted(third, false, true, [Some(6), Some(0), None]));
    let two = braiins_graphql::full::pools(&data(recorded!("braiins/v21_09/gql_pools.json"))).unwrap();
    assert_eq!(two.len(), 2, "one of each group");
    assert_eq!(two.iter().filter(|pool| pool.is_active == Some(true)).count(), 2);
}

#[test]
fn epic_s_firmware() {
    let details = epic::full::parse(&recorded!("epic/v1/summary.json")).unwrap();
    let boards = details.boards.unwrap();
    assert_eq!(
        told(&boards),
        [
            (0, None, None, None, None),
            (1, None, terahashes(49.440_724), degrees(67.0), None),
            (2, None, terahashes(49.925_124), degrees(64.312), None),
        ]
    );
    let works: Vec<_> = boards.iter().map(|board| board.works).collect();
    assert_eq!(works, [Some(false), Some(true), Some(true)], "the first was switched off");
    assert_eq!(rpms(&details.fans.unwrap()), [("1", 5_971), ("2", 0), ("3", 5_942), ("4", 5_745)]);
    let only = pool("stratum+tcp://mine.ocean.xyz:3334", "randomuser.randomworker");
    assert_eq!(details.pools.unwrap(), [counted(only, true, true, [None; 3])]);
    assert_eq!((details.shares_accepted, details.shares_rejected), (Some(1_862), Some(2)));
    assert_eq!((details.faults, details.mining_for), (Some(vec![]), Some(Duration::from_secs(23_170))));
    assert_eq!(details.uptime, None, "it tells that of its process only");
}

#[test]
fn a_proto_rig() {
    let chips = proto::full::chips(&recorded!("proto/v1/hardware.json")).unwrap();
    let boards = proto::full::boards(&recorded!("proto/v1/telemetry.json"), &chips).unwrap();
    assert_eq!(boards.len(), 4);
    assert_eq!(
        told(&boards)[1],
        (1, Some(120), terahashes(33.618_811_133_184_686), degrees(54.978_843_834_992_62), None)
    );
    assert_eq!(serials(&boards)[3], Some("HB-PROTO-SIM-b6bdaf86-3"));
    let without = proto::full::boards(&recorded!("proto/v1/telemetry.json"), &BTreeMap::new()).unwrap();
    assert_eq!(without[0].chips, None);
    let fans = proto::full::fans(&recorded!("proto/v1/cooling.json")).unwrap();
    assert_eq!(rpms(&fans), [("1", 4_346), ("2", 4_691), ("3", 4_658), ("4", 4_443)]);
    let pools = proto::full::pools(&recorded!("proto/v1/pools.json")).unwrap();
    let first = pool("stratum+tcp://pool-a.example.com:3333", "worker-a");
    assert_eq!(pools[0], counted(first, true, true, [Some(12_345), Some(10), None]));
    assert_eq!(proto::full::faults(&recorded!("proto/v1/errors.json")).unwrap(), []);
}

#[test]
fn a_bitaxe() {
    let details = bitaxe::full::parse(&recorded!("bitaxe/v2_0/system_info.json")).unwrap();
    assert_eq!(
        told(&details.boards.unwrap()),
        [(0, Some(1), terahashes(1.0), degrees(78.0), degrees(59.875))]
    );
    assert_eq!(rpms(&details.fans.unwrap()), [("1", 3_517)]);
    let pools = details.pools.unwrap();
    let named = |url: &str, active| PoolReading { is_active: Some(active), ..pool(url, "asic-rs.test") };
    assert_eq!(pools, [named("btc.example.pool:3333", true), named("btc2.example.pool:3333", false)]);
    assert_eq!((details.shares_accepted, details.shares_rejected), (Some(0), Some(0)));
    assert_eq!((details.uptime, details.faults), (Some(Duration::from_secs(4)), Some(vec![])));
}

/// No recorded reply of VNish is published: this one is shaped after its OpenAPI description.
#[test]
fn vnish() {
    let stopped = vnish::full::parse(b"{}").unwrap();
    assert_eq!(stopped, Details::default(), "it tells nothing while no mining process runs");
    let reply = serde_json::json!({"miner": {
        "miner_status": {"miner_state": "mining"},
        "cooling": {"fans": [{"id": 0, "rpm": 5880, "status": "ok"}, {"id": 1, "status": "lost"}]},
        "chains": [
            {"id": 1, "hashrate_rt": 31000.5, "pcb_temp": {"min": 50, "max": 60}, "chip_temp": {"min": 60, "max": 72},
             "status": {"state": "mining"}},
            {"id": 2, "status": {"state": "failure", "description": "no chips"}},
        ],
        "pools": [
            {"url": "stratum+tcp://a.example:1", "user": "x.y", "pool_type": "UserPool", "status": "active", "accepted": 7, "rejected": 1, "stale": 0},
            {"url": "DevFee", "user": "DevFee", "pool_type": "DevFee", "status": "working", "accepted": 1},
        ],
    }});
    let details = vnish::full::parse(reply.to_string().as_bytes()).unwrap();
    assert_eq!(
        told(&details.boards.unwrap()),
        [(1, None, terahashes(31.000_5), degrees(60.0), degrees(72.0)), (2, None, None, None, None)]
    );
    let fans = details.fans.unwrap();
    assert_eq!((fans[0].rpm, fans[1].rpm), (Some(5_880), None), "one that is not told is absent");
    let own = pool("stratum+tcp://a.example:1", "x.y");
    assert_eq!(details.pools.unwrap(), [counted(own, true, true, [Some(7), Some(1), Some(0)])]);
    assert_eq!(details.faults.unwrap()[0].words.as_deref(), Some("board 2: no chips"));
}

/// Fields that a reply leaves out are absent, one by one; what is left is read as before.
#[test]
fn what_is_left_out_is_absent() {
    let whole: Value = serde_json::from_slice(&recorded!("whatsminer/v2/devs.json")).unwrap();
    let full = whatsminer::full::boards(whole.to_string().as_bytes()).unwrap();
    for key in ["Effective Chips", "MHS av", "Temperature", "Chip Temp Max", "PCB SN", "Status"] {
        let mut cut = whole.clone();
        cut["DEVS"][1].as_object_mut().unwrap().remove(key);
        let boards = whatsminer::full::boards(cut.to_string().as_bytes()).unwrap();
        let expected = match key {
            "Effective Chips" => BoardReading { chips: None, ..full[1].clone() },
            "MHS av" => BoardReading { hash_rate: None, ..full[1].clone() },
            "Temperature" => BoardReading { temperature: None, ..full[1].clone() },
            "Chip Temp Max" => BoardReading { temperature_chip: None, ..full[1].clone() },
            "PCB SN" => BoardReading { serial: None, ..full[1].clone() },
            _ => BoardReading { works: None, ..full[1].clone() },
        };
        assert_eq!(boards[1], expected, "without {key}");
        assert_eq!((&boards[0], &boards[2]), (&full[0], &full[2]));
    }
    let whole: Value = serde_json::from_slice(&recorded!("antminer/v2020/pools.json")).unwrap();
    for key in ["URL", "User", "Stratum Active", "Status", "Accepted", "Rejected", "Stale"] {
        let mut cut = whole.clone();
        cut["POOLS"][0].as_object_mut().unwrap().remove(key);
        let pools = cgminer::pools(cut.to_string().as_bytes()).unwrap();
        let told = [
            pools[0].url.is_some(),
            pools[0].user.is_some(),
            pools[0].is_active.is_some(),
            pools[0].is_alive.is_some(),
            pools[0].accepted.is_some(),
            pools[0].rejected.is_some(),
            pools[0].stale.is_some(),
        ];
        assert_eq!(told.iter().filter(|told| !**told).count(), 1, "without {key}");
    }
}
