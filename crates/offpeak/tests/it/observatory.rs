//! The observatory's commands, with nothing but what is built in and a table of three machines.

use super::{code, json, run, stderr, stdout};

const MACHINES: &str = "\
name,maker,release_date,hash_rate_ths,power_w
Antminer S9,Bitmain,2016-06-01,13.5,1323
Antminer S19 Pro,Bitmain,2020-05-01,110,3250
Antminer S21,Bitmain,2024-02-01,200,3500
";

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("machines.csv"), MACHINES).unwrap();
    dir
}

#[test]
fn the_claim_of_seven_percent_against_three_estimates() {
    let dir = folder();
    let output = run(dir.path(), &["grid", "KZ"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let text = stdout(&output);
    for (estimate, gigawatts) in [
        ("declared by fee", "0.30"),
        ("reported by the press", "0.92"),
        ("from the share of hash rate", "1.51"),
    ] {
        let row = text.lines().find(|line| line.starts_with(estimate)).unwrap();
        assert!(row.contains(&format!(" {gigawatts} ")), "{row}");
    }
    let what_if = run(dir.path(), &["grid", "KZ", "--year", "2022", "--what-if", "-500MW", "--json"]);
    assert_eq!(code(&what_if), 0, "{}", stderr(&what_if));
    assert!(json(&what_if).is_object());
}

#[test]
fn an_export_is_computed_again_from_its_own_header() {
    let dir = folder();
    let args = ["index", "--method", "cbeci", "--catalogue", "machines.csv", "--from", "2021-01-01"];
    let export = run(dir.path(), &[&args[..], &["--csv", "--assumptions"]].concat());
    assert_eq!(code(&export), 0, "{}", stderr(&export));
    let path = dir.path().join("ours.csv");
    std::fs::write(&path, &export.stdout).unwrap();
    let again =
        run(dir.path(), &["index", "--recompute", "ours.csv", "--catalogue", "machines.csv", "--json"]);
    assert_eq!((code(&again), &json(&again)["agrees"]), (0, &true.into()), "{}", stdout(&again));

    // A figure that somebody changed afterwards is found, with its day.
    let changed: String = stdout(&export)
        .lines()
        .map(|line| if line.starts_with("2021-07-01,") { line.replacen('.', ".9", 1) } else { line.to_owned() } + "\n")
        .collect();
    std::fs::write(&path, changed).unwrap();
    let again =
        run(dir.path(), &["index", "--recompute", "ours.csv", "--catalogue", "machines.csv", "--json"]);
    assert_eq!(code(&again), 7);
    assert_eq!(json(&again)["differing_days"], serde_json::json!(["2021-07-01"]));
}

/// Every file says what it rests on: each key once, with who says so.
#[test]
fn files_carry_what_they_rest_on() {
    let dir = folder();
    for (args, what, keys) in [
        (&["hashprice", "--mean-days", "7"][..], "hash price", &["network", "mean_days"][..]),
        (
            &["breakeven", "--price", "0.06", "--pool-fee", "2"],
            "break-even",
            &["power_price", "pool_fee", "catalogue"],
        ),
        (
            &["world", "--from-month", "2021-04", "--to-month", "2021-08"],
            "flows",
            &["share_cambridge_CHN_2021-04", "network_after_GW", "network_before_EH/s", "flow_rule"],
        ),
        (
            &["breakeven", "--efficiency", "34.5", "--pool-fee", "2"],
            "shut-down price",
            &["network", "mean_days", "hash_price", "overhead", "pool_fee", "other_cost"],
        ),
        (
            &["breakeven", "--classes", "10,20,40", "--catalogue", "machines.csv"],
            "shut-down prices by class",
            &["network", "mean_days", "hash_price", "overhead", "pool_fee", "other_cost", "catalogue"],
        ),
        (
            &["breakeven", "--efficiency", "17.5", "--ths", "200"],
            "residual value",
            &["network", "hash_rate", "start_price", "start_height", "difficulty_growth", "overhead"],
        ),
        (&["chain"], "hash rates", &["source", "epochs_to", "headers_to", "confidence", "hash_rate"]),
        (
            &[
                "chain",
                "audit",
                "--ths",
                "9",
                "--from",
                "2024-05-01",
                "--to",
                "2024-05-02",
                "--paid-sat",
                "9",
            ],
            "pool audit",
            &["network", "hash_rate", "pool_fee", "paid"],
        ),
        (
            &["world", "--country", "KZ", "--month", "2021-08", "--contract", "wind:900000:13"],
            "emissions by contracts",
            &["contract_1_energy", "contract_1_factor", "residual_mix", "share_percent", "factor_coal"],
        ),
    ] {
        let output = run(dir.path(), &[args, &["--csv", "--assumptions"]].concat());
        assert_eq!(code(&output), 0, "{args:?}: {}", stderr(&output));
        let text = stdout(&output);
        assert!(text.starts_with(&format!("# offpeak {what}\n")), "{args:?}: {text}");
        let listed = offpeak_index::world::read_header(&text);
        for key in keys {
            assert!(listed.get(*key).is_some_and(|value| !value.is_empty()), "{args:?}: {key}");
        }
        let bare = stdout(&run(dir.path(), &[args, &["--csv"]].concat()));
        assert!(text.ends_with(&bare) && !bare.contains('#'), "{args:?}: the table itself stays the same");
    }
    let listed = run(dir.path(), &["hashprice", "--assumptions"]);
    assert_eq!(code(&listed), 2, "they go with a file: {}", stderr(&listed));
}

#[test]
fn mistakes_are_told_with_what_would_be_right() {
    let dir = folder();
    for (args, exit, words) in [
        (&["index", "--from", "2021-02-01", "--to", "2021-01-01"][..], 2, "is after"),
        (&["index", "--price", "free"], 2, "no price from"),
        (&["index", "--method", "digiconomist", "--parity", "--catalogue", "machines.csv"], 2, "Cambridge's"),
        (&["index", "--catalogue", "nowhere.csv"], 1, "cannot be read"),
        (&["grid", "KZ", "--what-if", "+300 horses"], 2, "no change such as"),
        (&["grid", "Atlantis"], 2, "Atlantis"),
        (&["world", "--month", "2021-13"], 2, "2021-13"),
    ] {
        let output = run(dir.path(), args);
        assert_eq!(code(&output), exit, "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(words), "{args:?}: {}", stderr(&output));
    }
}

/// Declared contracts beside the grid, from the numbers that are listed.
#[test]
fn contracts_lower_what_is_declared_and_not_what_the_grid_emits() {
    let dir = folder();
    let args = ["world", "--country", "KZ", "--month", "2021-08", "--json"];
    let bare = json(&run(dir.path(), &args));
    assert!(bare["loads"][0]["emissions_by_contracts"].is_null(), "none was declared");
    let contracts = ["--contract", "wind farm:900000:13", "--contract", "hydro:100000:21"];
    let told = json(&run(dir.path(), &[&args[..], &contracts].concat()));
    let load = &told["loads"][0];
    let mwh = load["twh_per_year"]["guess"].as_f64().unwrap() * 1e6;
    let market = load["emissions_by_contracts"].as_array().unwrap();
    let by_grid = load["emissions_location_based"].as_array().unwrap();
    assert_eq!((market.len(), by_grid.len()), (3, 3));
    for (one, grid) in market.iter().zip(by_grid) {
        assert_eq!(
            (&one["by"], &one["location_based_tonnes"]),
            (&grid["by"], &grid["tonnes_per_year"]["guess"])
        );
        let mean = grid["g_per_kwh"].as_f64().unwrap();
        let tonnes = (900_000.0 * 13.0 + 100_000.0 * 21.0 + (mwh - 1e6) * mean) / 1e3;
        assert!((one["market_based_tonnes"].as_f64().unwrap() / tonnes - 1.0).abs() < 1e-9, "{one}");
        assert_eq!((&one["contracted_mwh"], &one["unused_mwh"]), (&1e6.into(), &0.0.into()));
        let keys: Vec<&str> =
            one["assumptions"].as_array().unwrap().iter().map(|one| one["key"].as_str().unwrap()).collect();
        assert!(keys.contains(&"contract_2_factor") && keys.contains(&"residual_mix"), "{keys:?}");
    }
    let text = stdout(&run(dir.path(), &[&args[..5], &contracts].concat()));
    assert!(text.contains("by declared contracts") && text.contains("location-based"), "{text}");
    let alone = run(dir.path(), &["world", "--contract", "wind:1:1"]);
    assert!(code(&alone) == 2 && stderr(&alone).contains("--country"), "{}", stderr(&alone));
    let broken = run(dir.path(), &["world", "--country", "KZ", "--contract", "wind:many:1"]);
    assert!(code(&broken) == 2 && stderr(&broken).contains("`many`"), "{}", stderr(&broken));
}

/// Every answer names its inputs and its terms, in whichever form.
#[test]
fn each_answer_says_its_vintage_and_terms() {
    let dir = folder();
    for args in [&["breakeven", "--efficiency", "30"][..], &["breakeven", "--classes", "10,20"]] {
        let args = [args, &["--overhead", "1.1"]].concat();
        let told = json(&run(dir.path(), &[&args[..], &["--json"]].concat()));
        assert_eq!(
            (&told["terms"]["overhead"], &told["inputs"]["network"]["fees_to"]),
            (&1.1.into(), &"2025-04-30".into())
        );
        let print = told["inputs"]["network"]["fingerprint"].as_str().unwrap();
        let text = stdout(&run(dir.path(), &args));
        assert!(text.contains(print) && text.contains("overhead 1.1"), "{text}");
    }
    let classes = json(&run(dir.path(), &["breakeven", "--classes", "10,20", "--json"]));
    assert!(classes["inputs"]["catalogue"]["fingerprint"].is_string(), "{classes}");
    let given =
        json(&run(dir.path(), &["breakeven", "--efficiency", "30", "--hash-price", "0.05", "--json"]));
    assert!(given["inputs"]["network"].is_null(), "no series was used: {given}");
    let chain = json(&run(dir.path(), &["chain", "--json"]));
    let text = stdout(&run(dir.path(), &["chain"]));
    for day in ["epochs_to", "headers_to", "price_to"] {
        assert!(text.contains(chain["inputs"][day].as_str().unwrap()), "{day}: {text}");
    }
    let index = json(&run(dir.path(), &["index", "--json"]));
    assert_eq!(index["inputs"]["network"]["fees_to"], "2025-04-30");
    let text = stdout(&run(dir.path(), &["index"]));
    assert!(text.contains("fees to 2025-04-30"), "{text}");
}

/// Digiconomist's minimum begins in June 2016: before there is none, not one of zero.
#[test]
fn a_bound_that_does_not_exist_is_no_zero() {
    let dir = folder();
    let args = ["index", "--method", "digiconomist", "--from", "2016-05-31", "--to", "2016-06-01"];
    let told = json(&run(dir.path(), &[&args[..], &["--json"]].concat()));
    let days = &told["estimates"][0]["days"];
    assert!(days[0]["gw"]["lower"].is_null() && days[1]["gw"]["lower"].is_number(), "{days}");
    let csv = stdout(&run(dir.path(), &[&args[..], &["--csv"]].concat()));
    assert!(csv.lines().nth(1).unwrap().starts_with("2016-05-31,,"), "{csv}");
}

#[test]
fn a_halving_halves_the_hash_price() {
    let dir = folder();
    let output = run(dir.path(), &["hashprice", "--from", "2024-04-18", "--to", "2024-04-22", "--json"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let told = json(&output);
    let sat = |day: usize| told["days"][day]["sat_per_th_day"].as_f64().unwrap();
    assert_eq!(told["days"].as_array().unwrap().len(), 5);
    assert!(sat(4) < sat(0) * 0.6 && sat(4) > sat(0) * 0.5, "fees were not halved: {told}");
    let network = &told["inputs"]["network"];
    assert!(network.is_null() && told["inputs"]["price_to"].is_string(), "{told}");

    let csv = run(dir.path(), &["hashprice", "--from", "2010-07-17", "--to", "2010-07-20", "--csv"]);
    let text = stdout(&csv);
    assert_eq!(text.lines().next(), Some("date,usd_per_th_day,sat_per_th_day,fee_share"));
    assert!(text.lines().nth(1).unwrap().starts_with("2010-07-17,,"), "no price yet is none: {text}");
    let late = run(dir.path(), &["hashprice", "--from", "2040-01-01"]);
    assert!(stderr(&late).contains("no day in that span"), "{}", stderr(&late));
}

#[test]
fn a_machine_is_shut_down_at_its_price() {
    let dir = folder();
    let one = ["breakeven", "--efficiency", "34.5", "--hash-price", "0.05", "--price", "0.06", "--json"];
    let told = json(&run(dir.path(), &one));
    // An S19 at 50 dollars a petahash and day.
    assert!((told["shutdown_usd_per_kwh"].as_f64().unwrap() - 0.060_386).abs() < 1e-6, "{told}");
    assert_eq!(told["pays"], true);
    let dearer = [&one[..], &["--overhead", "1.1", "--pool-fee", "2"]].concat();
    assert_eq!(json(&run(dir.path(), &dearer))["pays"], false);

    let output = run(dir.path(), &["breakeven", "--catalogue", "machines.csv", "--price", "0.05", "--json"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let told = json(&output);
    let model = |name: &str| {
        told["models"].as_array().unwrap().iter().find(|model| model["model"] == name).unwrap().clone()
    };
    assert_eq!(
        (&model("Antminer S9")["pays_now"], &model("Antminer S21")["pays_now"]),
        (&false.into(), &true.into())
    );
    let stopped: jiff::civil::Date = model("Antminer S9")["stopped"].as_str().unwrap().parse().unwrap();
    assert!((2_018..=2_024).contains(&stopped.year()), "{stopped}");

    // Without a table of one's own it is the one that is built in, and its rows say where they stand.
    let built_in = json(&run(dir.path(), &["breakeven", "--price", "0.05", "--json"]));
    assert!(built_in["models"].as_array().unwrap().len() >= 180, "{}", built_in["models"]);
    let nonsense = run(dir.path(), &["breakeven", "--efficiency", "0"]);
    assert_eq!(code(&nonsense), 2);
}

/// The main chain's headers 0 and 1.
const HEADERS: [&str; 2] = [
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c",
    "010000006fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000982051fd1e4ba744bbbe680e1fee14677ba1a3c3540bf7b1cdb606e857233e0e61bc6649ffff001d01e36299",
];

fn header_bytes() -> Vec<u8> {
    let text = HEADERS.concat();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn headers_from_a_file_are_verified_or_refused_with_their_height() {
    let dir = folder();
    let path = dir.path().join("headers.bin");
    std::fs::write(&path, header_bytes()).unwrap();
    let told = json(&run(dir.path(), &["chain", "--headers", "headers.bin", "--blocks", "1", "--json"]));
    assert_eq!(
        (&told["verified"]["height"], &told["verified"]["first_is_trusted"]),
        (&1.into(), &false.into())
    );
    assert_eq!(told["difficulty"], 1.0);
    assert_eq!(told["hash_rates"][0]["blocks"], 1);
    assert_eq!(told["subsidy"]["sat"], 5_000_000_000_u64);
    assert_eq!(told["next_retarget"]["height"], 2_016);
    let csv = stdout(&run(dir.path(), &["chain", "--headers", "headers.bin", "--blocks", "1", "--csv"]));
    assert!(csv.starts_with("window,first_height,blocks,seconds"), "{csv}");

    let refused = |bytes: &[u8], words: &str| {
        std::fs::write(&path, bytes).unwrap();
        let output = run(dir.path(), &["chain", "--headers", "headers.bin"]);
        assert_eq!(code(&output), 1);
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    };
    let mut idle = header_bytes();
    idle[156] ^= 1;
    refused(&idle, "height 1: hash ");
    refused(&header_bytes()[..159], "159 bytes are no whole number of headers");
    refused(&header_bytes()[80..], "is not the first block");
    refused(&[], "there is no header");
    let apart = run(dir.path(), &["chain", "--headers", "headers.bin", "--first-height", "5"]);
    assert!(stderr(&apart).contains("multiple of 2016"), "{}", stderr(&apart));
}

#[test]
fn prices_are_kept_and_used_with_their_vintage() {
    let dir = folder();
    let prices = "date,price_usd,fees_btc\n2026-05-04,200000,12\n2026-05-11,200000,\n";
    std::fs::write(dir.path().join("prices.csv"), prices).unwrap();
    let span = ["hashprice", "--from", "2026-05-05", "--to", "2026-05-05", "--json"];
    let before = json(&run(dir.path(), &span));
    let sync = run(dir.path(), &["chain", "sync", "--chain", "kept", "--csv", "prices.csv", "--json"]);
    assert_eq!((code(&sync), &json(&sync)["prices"]), (0, &2.into()), "{}", stderr(&sync));
    let after = json(&run(dir.path(), &[&span[..], &["--chain", "kept"]].concat()));
    let usd = |told: &serde_json::Value| told["days"][0]["usd_per_th_day"].as_f64().unwrap();
    assert!(usd(&after) > 2.0 * usd(&before), "{after}");
    assert!(after["days"][0]["fee_share"].as_f64().unwrap() > 0.02, "{after}");
    assert!(after["inputs"]["source"].as_str().unwrap().contains("kept"), "{after}");
    assert_ne!(after["inputs"]["fingerprint"], before["inputs"]["fingerprint"]);
    // What was damaged is named, with what to do; nothing is guessed.
    std::fs::write(dir.path().join("kept/prices.csv"), "date,price_usd\n2026-05-04,free\n").unwrap();
    let damaged = run(dir.path(), &[&span[..], &["--chain", "kept"]].concat());
    assert_eq!(code(&damaged), 1);
    assert!(
        stderr(&damaged).contains("line 2") && stderr(&damaged).contains("hint:"),
        "{}",
        stderr(&damaged)
    );
    std::fs::remove_file(dir.path().join("kept/prices.csv")).unwrap();
    std::fs::write(dir.path().join("kept/headers-main-2016.bin"), [7; 160]).unwrap();
    let damaged = run(dir.path(), &[&span[..], &["--chain", "kept"]].concat());
    assert!(stderr(&damaged).contains("height 2017"), "{}", stderr(&damaged));
    for (args, words) in [
        (&["chain", "sync", "--csv", "prices.csv"][..], "no folder"),
        (&["chain", "sync", "--chain", "kept", "--node", "127.0.0.1:1"], "needs a login"),
        (&["chain", "sync", "--chain", "kept", "--node", "https://node"], "plain HTTP"),
    ] {
        let output = run(dir.path(), args);
        assert!(code(&output) == 2 && stderr(&output).contains(words), "{}", stderr(&output));
    }
    let nobody = run(dir.path(), &["chain", "sync", "--chain", "new", "--node", "127.0.0.1:1", "--rest"]);
    assert!(stderr(&nobody).contains("unreachable"), "{}", stderr(&nobody));
}

#[test]
fn a_pool_is_held_to_the_work() {
    let dir = folder();
    let args = ["chain", "audit", "--ths", "1000", "--from", "2024-05-01", "--to", "2024-05-31"];
    let told = json(&run(
        dir.path(),
        &[&args[..], &["--paid-sat", "2400000", "--pool-fee", "2", "--json"]].concat(),
    ));
    let (worth, owed) = (told["worth_sat"].as_f64().unwrap(), told["owed_sat"].as_f64().unwrap());
    assert!((owed / worth - 0.98).abs() < 1e-12 && told["days"] == 31, "{told}");
    assert!((told["fee_in_fact"].as_f64().unwrap() - (1.0 - 2_400_000.0 / worth)).abs() < 1e-12);
    // The rows of the CSV come to the same sum.
    let csv = stdout(&run(dir.path(), &[&args[..], &["--paid-sat", "2400000", "--csv"]].concat()));
    let sum: f64 =
        csv.lines().skip(1).map(|line| line.split(',').nth(2).unwrap().parse::<f64>().unwrap()).sum();
    assert!((sum / worth - 1.0).abs() < 1e-9, "{sum} {worth}");
    let late =
        ["chain", "audit", "--ths", "1", "--from", "2039-01-01", "--to", "2039-01-02", "--paid-sat", "1"];
    assert!(stderr(&run(dir.path(), &late)).contains("only 0 of the 2 days"));
}

#[test]
fn classes_and_what_a_machine_will_still_earn() {
    let dir = folder();
    let told = json(&run(dir.path(), &["breakeven", "--classes", "40,20,10", "--json"]));
    let classes = told["classes"].as_array().unwrap();
    assert_eq!(classes.len(), 2, "{told}");
    assert!(classes[0]["worst_usd_per_kwh"].as_f64() > classes[1]["worst_usd_per_kwh"].as_f64());
    let one = ["breakeven", "--efficiency", "17.5", "--ths", "200", "--price", "0.04", "--json"];
    let worth = |more: &[&str]| {
        let told = json(&run(dir.path(), &[&one[..], more].concat()));
        assert!(told["scenario"]["price_usd"].as_f64().unwrap() > 0.0, "every number is listed: {told}");
        told["value_usd"].as_f64().unwrap()
    };
    let base = worth(&["--difficulty-growth", "30"]);
    assert!(worth(&["--difficulty-growth", "60"]) < base);
    assert!(worth(&["--difficulty-growth", "30", "--price-growth", "30"]) > base);
    assert!(worth(&["--difficulty-growth", "-10"]) > base);
    let nothing = run(dir.path(), &["breakeven", "--ths", "200"]);
    assert_eq!(code(&nothing), 2, "a hash rate needs an efficiency");
}
