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

    let without = run(dir.path(), &["breakeven"]);
    assert_eq!(code(&without), 1);
    assert!(stderr(&without).contains("--catalogue"), "{}", stderr(&without));
    let nonsense = run(dir.path(), &["breakeven", "--efficiency", "0"]);
    assert_eq!(code(&nonsense), 2);
}
