//! The same recorded replies, read by us and by asic-rs: rate, watts, whether it mines, temperature, MAC, serial number,
//! firmware, model, boards, fans and pools agree, and where one does not, the reason stands here. Served over real
//! sockets at the standard ports, for asic-rs knows no others.

use std::net::{IpAddr, Ipv4Addr};

use asic_rs::MinerFactory;
use asic_rs::core::data::hashrate::HashRateUnit;
use asic_rs::core::data::miner::MinerData;
use offpeak_drivers::clock::Clock;
use offpeak_drivers::connect::Connector;
use offpeak_drivers::driver::{Driver, Identity};
use offpeak_drivers::full::{BoardReading, Details, PoolReading};
use offpeak_site::{Activity, Endpoint, Family, Reading};
use offpeak_units::{HashRate, Power};
use serde_json::{Value, json};

use crate::served::{Machine, recorded, serve};

/// What both tell of one machine.
struct Both {
    family: Family,
    who: Identity,
    ours: Reading,
    details: Details,
    theirs: MinerData,
}

/// Ours and asic-rs's reading of a machine of a family.
async fn both(place: u8, family: Family, machine: Machine) -> Both {
    let ip = IpAddr::V4(Ipv4Addr::new(127, 99, 9, place));
    let _served = serve(ip, machine, family.api_is_http()).await;
    let driver = Driver::new(Connector::Tcp, Clock::System);
    let full = driver.read_full(family, Endpoint::of(family, ip)).await.unwrap();
    let (who, ours) = (full.identity.expect("we identify it"), full.reading.expect("a reading"));
    let factory = MinerFactory::new().with_nofile_adjustment(false);
    let miner = factory
        .get_miner(ip)
        .await
        .unwrap()
        .unwrap_or_else(|| panic!("asic-rs does not identify {family:?}"));
    let theirs = miner.get_data().await;
    assert_eq!(who.family, family);
    Both { family, who, ours, details: full.details, theirs }
}

/// A model's name without its maker's, and in one case.
fn plain(model: &str) -> String {
    let name = model.to_uppercase().replace([' ', '_'], "");
    ["ANTMINER", "AVALONMINER", "PROTO"]
        .into_iter()
        .find_map(|maker| name.strip_prefix(maker).map(str::to_owned))
        .unwrap_or(name)
}

/// The same numbers in whatever order, within a thousandth.
fn same(mut ours: Vec<f64>, mut theirs: Vec<f64>) -> bool {
    ours.sort_by(f64::total_cmp);
    theirs.sort_by(f64::total_cmp);
    ours.len() == theirs.len()
        && ours.iter().zip(&theirs).all(|(ours, theirs)| (ours - theirs).abs() <= ours.abs() * 1e-3 + 1e-9)
}

impl Both {
    /// The hottest of the chips that asic-rs names, or of the boards where it names no chips.
    fn hottest(&self) -> Option<f64> {
        let boards = &self.theirs.hashboards;
        let chips =
            boards.iter().flat_map(|board| [board.inlet_chip_temperature, board.outlet_chip_temperature]);
        let chips = chips.flatten().map(|of| of.as_celsius()).reduce(f64::max);
        let of_boards = || boards.iter().filter_map(|board| Some(board.board_temperature?.as_celsius()));
        chips.or_else(|| of_boards().reduce(f64::max))
    }

    /// What both tell of boards, fans, pools and times, and whether it is the same. A list that is absent is as good as
    /// an empty one here, for asic-rs has no word for what it does not know.
    fn parts(&self) -> [(&'static str, bool); 9] {
        let (ours, theirs) = (&self.details, &self.theirs);
        let terahashes = |rate: &Option<asic_rs::core::data::hashrate::HashRate>| {
            rate.clone().map(|rate| rate.as_unit(HashRateUnit::TeraHash).value)
        };
        let own =
            |of: fn(&BoardReading) -> Option<f64>| ours.boards.iter().flatten().filter_map(of).collect();
        let chips = |board: &BoardReading| board.chips.map(|chips| f64::from(u16::try_from(chips).unwrap()));
        let own_rates = own(|board| board.hash_rate.map(HashRate::to_terahashes_f64));
        let boards = || theirs.hashboards.iter();
        let serials = ours.boards.iter().flatten().filter_map(|board| board.serial.clone());
        let fans = ours.fans.iter().flatten().filter(|fan| fan.name != "supply");
        let rpms: Vec<f64> = fans.filter_map(|fan| Some(u32::try_from(fan.rpm?).unwrap().into())).collect();
        let pools: Vec<&PoolReading> = ours.pools.iter().flatten().collect();
        let their_pools: Vec<_> = theirs.pools.iter().flat_map(|group| &group.pools).collect();
        let where_to = |url: &str| url.rsplit("://").next().map(str::to_owned);
        let named: Vec<_> =
            pools.iter().map(|pool| (pool.url.as_deref().and_then(where_to), pool.user.clone())).collect();
        let their_named: Vec<_> = their_pools
            .iter()
            .map(|pool| (pool.url.as_ref().and_then(|url| where_to(&url.to_string())), pool.user.clone()))
            .collect();
        let states: Vec<_> = pools.iter().map(|pool| (pool.is_active, pool.is_alive)).collect();
        let shares: Vec<_> = pools.iter().map(|pool| (pool.accepted, pool.rejected)).collect();
        let times = [ours.uptime, ours.mining_for];
        [
            ("boards", ours.boards.as_ref().map_or(0, Vec::len) == theirs.hashboards.len()),
            (
                "board rates",
                same(own_rates, boards().filter_map(|board| terahashes(&board.hashrate)).collect()),
            ),
            (
                "chips",
                same(own(chips), boards().filter_map(|board| board.working_chips.map(f64::from)).collect()),
            ),
            ("board serials", serials.eq(boards().filter_map(|board| board.serial_number.clone()))),
            ("fans", same(rpms, theirs.fans.iter().filter_map(|fan| Some(fan.rpm?.as_rpm())).collect())),
            ("pools", named == their_named),
            ("pool states", states.into_iter().eq(their_pools.iter().map(|pool| (pool.active, pool.alive)))),
            (
                "shares",
                shares
                    .into_iter()
                    .eq(their_pools.iter().map(|pool| (pool.accepted_shares, pool.rejected_shares))),
            ),
            ("uptime", theirs.uptime.is_none_or(|theirs| times.contains(&Some(theirs)))),
        ]
    }

    /// The fields in which the two differ: everything that both tell a word about.
    fn differences(&self) -> Vec<&'static str> {
        let (who, ours, theirs) = (&self.who, &self.ours, &self.theirs);
        let near = |ours: f64, theirs: f64| (ours - theirs).abs() <= ours.abs() * 1e-3 + 1e-9;
        let rate = theirs.hashrate.clone().map(|rate| rate.as_unit(HashRateUnit::TeraHash).value);
        let pairs = |ours: Option<f64>, theirs: Option<f64>| match (ours, theirs) {
            (Some(ours), Some(theirs)) => near(ours, theirs),
            (ours, theirs) => ours.is_none() && theirs.is_none(),
        };
        let mac = theirs.mac.map(|mac| mac.to_string().to_uppercase());
        let same = [
            ("hash rate", pairs(ours.hash_rate.map(HashRate::to_terahashes_f64), rate)),
            (
                "watts",
                pairs(ours.power.map(Power::to_watts_f64), theirs.wattage.map(|watts| watts.as_watts())),
            ),
            ("mining", (ours.activity == Activity::Hashing) == theirs.is_mining),
            ("temperature", pairs(ours.temperature.map(|of| of.to_celsius_f64()), self.hottest())),
            ("mac", who.mac.map(|mac| mac.to_string()) == mac),
            ("serial", who.serial == theirs.serial_number),
            ("firmware", who.firmware == theirs.firmware_version),
            ("model", who.model.as_deref().map(plain) == Some(plain(&theirs.device_info.model))),
        ];
        same.into_iter().chain(self.parts()).filter(|(_, same)| !same).map(|(name, _)| name).collect()
    }

    /// All the same but these, each for its reason; one that no longer differs is told too.
    fn agree_but_for(&self, explained: &[(&str, &str)]) {
        let explained: Vec<&str> = explained.iter().map(|(name, _)| *name).collect();
        let found = self.differences();
        let (who, ours, details, theirs) = (&self.who, &self.ours, &self.details, &self.theirs);
        assert_eq!(found, explained, "{:?}\n{who:?}\n{ours:?}\n{details:?}\n{theirs:?}", self.family);
    }
}

/// What a Braiins OS with GraphQL tells to any question, put together from recorded replies and a model's name.
fn recorded_graphql(version: &str, model: &str) -> Value {
    let part = |name: &str| recorded(&format!("braiins/{version}/gql_{name}.json"))["data"].clone();
    let mut told = part("system");
    let info = &mut told["bosminer"]["info"];
    info["workSolver"]["childSolvers"] =
        part("boards")["bosminer"]["info"]["workSolver"]["childSolvers"].take();
    info["poolGroups"] = part("pools")["bosminer"]["info"]["poolGroups"].take();
    info["modelName"] = json!(model);
    told["bosminer"]["config"] = part("pools")["bosminer"]["config"].take();
    told["events"] = json!({"appeals": []});
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tcp() {
    let whatsminer = Machine::default()
        .commands("whatsminer/v2", &["summary", "status", "get_version", "get_miner_info", "devs", "pools", "get_psu", "get_error_code"])
        .command("devdetails", json!({"STATUS": [{"STATUS": "S"}], "DEVDETAILS": [{"DEVDETAILS": 0, "Name": "SM", "Driver": "bitmicro", "Model": "M50SVH50"}], "id": 1}));
    let seen = both(1, Family::WhatsminerV2, whatsminer).await;
    seen.agree_but_for(&[]);

    let first = Machine::default()
        .commands("whatsminer/v1", &["summary", "status", "get_version", "devs", "pools", "get_psu"])
        .command("devdetails", json!({"STATUS": [{"STATUS": "S"}], "DEVDETAILS": [{"DEVDETAILS": 0, "Name": "SM", "Driver": "bitmicro", "Model": "M20SV10"}], "id": 1}));
    let seen = both(6, Family::WhatsminerV2, first).await;
    seen.agree_but_for(&[
        ("hash rate", "it takes `HS RT`, here the mean of five minutes, we that of five seconds"),
        ("watts", "it takes `Power`, we `Power_RT`, which is of now"),
        ("board rates", "it takes the mean since the start, we that of five seconds"),
    ]);

    let details = json!({"STATUS": [{"STATUS": "S"}], "DEVDETAILS": [{"DEVDETAILS": 0, "Driver": "bitmicro", "Model": "M60SVK30"}], "id": 1});
    let later = Machine::default()
        .command("devdetails", details)
        .command(
            "get_version",
            json!({"STATUS": "S", "Code": 131, "Msg": {"api_ver": "3.0.0", "fw_ver": "20250214.16.Rel"}}),
        )
        .framed("get.miner.status", "summary", "whatsminer/v3/get_miner_status_summary.json")
        .framed("get.miner.status", "edevs", "whatsminer/v3/get_miner_status_edevs.json")
        .framed("get.miner.status", "pools", "whatsminer/v3/get_miner_status_pools.json")
        .framed("get.device.info", "", "whatsminer/v3/get_device_info.json")
        .framed("get.device.info", "miner", "whatsminer/v3/get_device_info.json");
    let seen = both(5, Family::WhatsminerV3, later).await;
    seen.agree_but_for(&[
        ("serial", "it looks for it elsewhere than where this firmware tells it"),
        ("board rates", "it takes the mean since the start, we the rate of now"),
    ]);

    let luxos = Machine::default().commands(
        "luxos/v1",
        &[
            "summary", "power", "temps", "config", "version", "stats", "devs", "fans", "pools", "profiles",
            "events",
        ],
    );
    let seen = both(2, Family::LuxOs, luxos).await;
    seen.agree_but_for(&[
        ("firmware", "it leaves out the commit behind the version"),
        ("board rates", "it takes the mean since the start, we that of five seconds"),
        ("board serials", "told below"),
    ]);
    // LuxOS lists its boards out of order, each with its number; it takes the first for the first.
    let serials = |boards: &[_]| {
        boards
            .iter()
            .map(|board: &asic_rs::core::data::board::BoardData| board.serial_number.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        serials(&seen.theirs.hashboards)[0].as_deref(),
        Some("JYZZYRSBDJEBI06ZR"),
        "which is the third's"
    );
    assert_eq!(seen.details.boards.as_ref().unwrap()[0].serial.as_deref(), Some("JYZZYRSBDJEBI06Z5"));

    let avalon = Machine::default()
        .commands("avalon/a15", &["version", "stats"])
        .command("estats", recorded("avalon/a15/stats.json"));
    let seen = both(3, Family::Avalon, avalon).await;
    let (ours, theirs) = (&seen.ours, &seen.theirs);
    seen.agree_but_for(&[
        ("hash rate", "told below"),
        ("watts", "told below"),
        ("model", "it makes one of what a series has in common"),
        ("chips", "the arrays of chips were left out; it takes a third of their number, we tell none"),
    ]);
    // Its boards' rates, `MGHS`, are means like `GHSavg`, which goes on while the machine is off; we take the rate of now,
    // `GHSspd`. It takes the watts that the boards get, 3,526, for what the machine draws, which `WALLPOWER` names.
    let boards = theirs.hashboards.iter().filter_map(|board| board.hashrate.clone());
    let rate: f64 = boards.map(|rate| rate.as_unit(HashRateUnit::TeraHash).value).sum();
    assert!((rate - 184.007).abs() < 1e-3, "{rate} by asic-rs");
    assert_eq!(ours.hash_rate, HashRate::from_terahashes_f64(199.241_07));
    assert!((theirs.wattage.unwrap().as_watts() - 3_526.0).abs() < 1e-6);
    assert_eq!(ours.power, Some(Power::from_watts(3_731)));
}

/// Of the A1246 only the statistics were recorded: its name here is this test's. The Q was recorded while it idled.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn avalons_before_and_beside_the_a15() {
    let version = json!({
        "STATUS": [{"STATUS": "S", "When": 1, "Code": 22, "Msg": "CGMiner versions", "Description": "cgminer 4.11.1"}],
        "VERSION": [{"CGMiner": "4.11.1", "API": "3.7", "PROD": "AvalonMiner 1246", "MODEL": "1246", "VERSION": "21072802_4ec6bb0_211fc46", "MAC": "b4a2eb300001"}],
        "id": 1,
    });
    let a12 = Machine::default()
        .command("version", version)
        .command("stats", recorded("avalon/a1246/stats.json"))
        .command("estats", recorded("avalon/a1246/stats.json"));
    let seen = both(7, Family::Avalon, a12).await;
    seen.agree_but_for(&[
        ("hash rate", "it takes the mean since the start, we the rate of now"),
        ("watts", "it takes what the boards get, 3,189, we what the supply says of the wall, 3,504"),
        ("model", "it makes one of what a series has in common"),
    ]);

    let home = Machine::default()
        .commands("avalon/q", &["version", "stats", "litestats", "pools", "summary", "devs"])
        .command("estats", recorded("avalon/q/stats.json"));
    let seen = both(8, Family::Avalon, home).await;
    // Asleep for an hour and a half, it hashes nothing and draws 146 W.
    seen.agree_but_for(&[
        ("watts", "it takes the watts that are set, 2,245, for those that are drawn"),
        ("mining", "it takes the pool's connection for mining"),
        ("temperature", "it tells the air of inlet and outlet, we the chips, which are off"),
        ("serial", "it looks for it elsewhere"),
        ("firmware", "it takes that of cgminer"),
        ("model", "it has a name of its own for it"),
        ("board rates", "it takes the mean since the start, 44 TH/s, for a board that is off"),
    ]);
    assert_eq!(seen.ours.activity, Activity::Asleep);
    assert_eq!(seen.ours.power, Some(Power::from_watts(146)));
    assert!((seen.theirs.wattage.unwrap().as_watts() - 2_245.0).abs() < 1e-6);
}

/// They mine Litecoin: rates are a millionth of what others have, and just as rates.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn antminers_that_mine_no_bitcoin() {
    if !crate::at_port_80() {
        return;
    }
    for (place, model) in [(9, "l9"), (10, "l11")] {
        let part = |name: &str| recorded(&format!("antminer/v2023_07/{model}_{name}.json"));
        let machine = Machine { is_locked: true, ..Machine::default() }
            .command("version", part("version"))
            .command("stats", part("stats"))
            .command("summary", part("summary"))
            // Not recorded; it asks this page for the model.
            .page(
                "/cgi-bin/get_system_info.cgi",
                json!({"minertype": format!("Antminer {}", model.to_uppercase())}),
            );
        let seen = both(place, Family::AntminerStock, machine).await;
        seen.agree_but_for(&[
            ("temperature", "it tells boards, we the hottest chip"),
            ("firmware", "it asks a page that was not recorded, we take when it was made from `version`"),
        ]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_http() {
    if !crate::at_port_80() {
        return;
    }
    let title = |title: &str| format!("<html><head><title>{title}</title></head></html>");

    let antminer = Machine { is_locked: true, ..Machine::default() }
        .commands("antminer/v2020", &["version", "stats", "summary", "devs", "pools"])
        .page("/cgi-bin/get_system_info.cgi", recorded("antminer/v2020/system_info.json"));
    let seen = both(4, Family::AntminerStock, antminer).await;
    seen.agree_but_for(&[("temperature", "it tells the means of boards, we the hottest chip")]);

    let boser = |version: &str| json!({"STATUS": [{"STATUS": "S", "Code": 22, "Msg": "BOSer versions"}], "VERSION": [{"API": "3.7", "BOSer": version}], "id": 1});
    let graphql = recorded_graphql("v25_05", "Antminer S21");
    let braiins = Machine { graphql: Some(graphql), ..Machine::default() }
        .command("version", boser("boser-buildroot 0.1.0-45f356ea"))
        .page("/", title("Braiins OS"));
    let seen = both(11, Family::BraiinsOsGraphQl, braiins).await;
    seen.agree_but_for(&[
        ("temperature", "it tells boards, inlets and outlets, we the hottest chip"),
        ("pool states", "it knows another spelling of `ALIVE` and takes all pools for dead"),
    ]);

    let version = json!({"bos": {"info": {"version": {"full": "2026-04-22-0-a6f74d3e-26.04-plus"}}}, "bosminer": {"info": {"modelName": "Antminer S21"}}});
    let braiins = Machine { graphql: Some(version), ..Machine::default() }
        .command("version", boser("boser-buildroot 0.1.0-45f356ea"))
        .page("/", title("Braiins OS"))
        .page("POST /api/v1/auth/login", json!({"token": "x", "timeout_s": 3600}))
        .page("/api/v1/miner/stats", recorded("braiins/v26_04/miner_stats.json"))
        .page("/api/v1/miner/details", recorded("braiins/v26_04/miner_details.json"))
        .page("/api/v1/cooling/state", recorded("braiins/v26_04/cooling_state.json"))
        .page("/api/v1/miner/hw/hashboards", recorded("braiins/v26_04/miner_hw_hashboards.json"))
        .page("/api/v1/miner/errors", recorded("braiins/v26_04/miner_errors.json"))
        .page("/api/v1/pools", recorded("braiins/v26_04/pools.json"));
    let seen = both(15, Family::BraiinsOs, braiins).await;
    seen.agree_but_for(&[
        ("temperature", "our fast reading asks no page that tells one; the full one does"),
        ("mac", "it asks the network's page for it, which was not recorded"),
        ("model", "it takes GraphQL's word, which is this test's"),
    ]);

    let epic = Machine::default()
        .page("/", title("Miner Web Dashboard"))
        .page("/summary", recorded("epic/v1/summary.json"))
        .page("/capabilities", recorded("epic/v1/capabilities.json"))
        .page("/network", recorded("epic/v1/network.json"));
    let seen = both(12, Family::Epic, epic).await;
    seen.agree_but_for(&[
        ("chips", "it tells how many a working board should have, and none of one that is off; how many answer nobody says"),
        ("board serials", "they are listed without the boards' numbers; it takes them in the order of those that work"),
        ("pools", "it tells the account as the pool sees it, with the address behind it, we as it is set"),
        ("shares", "the machine has one counter for all pools, which it takes for that of the first"),
    ]);

    let rig = Machine::default()
        .page("/", title("Proto OS"))
        .page("POST /api/v1/auth/login", json!({"access_token": "x", "refresh_token": "y"}))
        .page("/api/v1/mining", recorded("proto/v1/mining.json"))
        .page("/api/v1/system", recorded("proto/v1/system.json"))
        .page("/api/v1/network", recorded("proto/v1/network.json"))
        .page("/api/v1/hardware", recorded("proto/v1/hardware.json"))
        .page("/api/v1/telemetry", recorded("proto/v1/telemetry.json"))
        .page("/api/v1/cooling", recorded("proto/v1/cooling.json"))
        .page("/api/v1/errors", recorded("proto/v1/errors.json"))
        .page("/api/v1/pools", recorded("proto/v1/pools.json"));
    let seen = both(13, Family::ProtoRig, rig).await;
    let (ours, theirs) = (&seen.ours, &seen.theirs);
    seen.agree_but_for(&[
        ("hash rate", "told below"),
        ("watts", "told below"),
        ("temperature", "it tells boards, inlets and outlets, we the mean of the chips, as the machine does"),
    ]);
    // It takes rate and watts from the telemetry, which was recorded at another moment than the page that we ask.
    let rate = theirs.hashrate.clone().unwrap().as_unit(HashRateUnit::TeraHash).value;
    assert!((rate - 135.475_676).abs() < 1e-3, "{rate} by asic-rs");
    assert_eq!(ours.hash_rate, HashRate::from_terahashes_f64(141.147_435));
    assert!((theirs.wattage.unwrap().as_watts() - 3_466.397_3).abs() < 1e-3);
    assert_eq!(ours.power, Power::from_watts_f64(3_447.008_523_267_969));

    let bitaxe = Machine::default()
        .page("/", title("AxeOS"))
        .page("/api/system/info", recorded("bitaxe/v2_0/system_info.json"));
    let seen = both(14, Family::Bitaxe, bitaxe).await;
    seen.agree_but_for(&[
        ("model", "it names the board, `Supra`, we the chip that the machine names"),
        ("shares", "the machine has one counter for both pools, which it takes for that of the first"),
    ]);

    for (place, version) in [(16, "v21_09"), (17, "v24_09")] {
        let graphql = recorded_graphql(version, "Antminer S19");
        let braiins = Machine { graphql: Some(graphql), ..Machine::default() }
            .command("version", boser("boser-buildroot 0.1.0-45f356ea"))
            .page("/", title("Braiins OS"));
        let seen = both(place, Family::BraiinsOsGraphQl, braiins).await;
        seen.agree_but_for(&[("pool states", "as above")]);
    }

    let version = json!({"bos": {"info": {"version": {"full": "2025-08-06-0-3881c51d-25.07-plus"}}}, "bosminer": {"info": {"modelName": "Antminer S19"}}});
    let braiins = Machine { graphql: Some(version), ..Machine::default() }
        .command("version", boser("boser-buildroot 0.1.0-45f356ea"))
        .page("/", title("Braiins OS"))
        .page("POST /api/v1/auth/login", json!({"token": "x", "timeout_s": 3600}))
        .page("/api/v1/miner/stats", recorded("braiins/v25_07/miner_stats.json"))
        .page("/api/v1/miner/details", recorded("braiins/v25_07/miner_details.json"))
        .page("/api/v1/cooling/state", recorded("braiins/v25_07/cooling_state.json"))
        .page("/api/v1/miner/hw/hashboards", recorded("braiins/v25_07/miner_hw_hashboards.json"))
        .page("/api/v1/miner/errors", recorded("braiins/v25_07/miner_errors.json"))
        .page("/api/v1/pools", recorded("braiins/v25_07/pools.json"));
    let seen = both(18, Family::BraiinsOs, braiins).await;
    seen.agree_but_for(&[("temperature", "as above"), ("mac", "as above"), ("model", "as above")]);
}
