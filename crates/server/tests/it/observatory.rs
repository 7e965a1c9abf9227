//! The observatory's routes: what they answer is what `offpeak-index` computes, what makes no sense is refused, and every
//! file can be computed again from what stands in its own header.

use std::collections::BTreeMap;

use offpeak_index::answers::Inputs;
use offpeak_index::breakeven::{Terms, lives};
use offpeak_index::electricity::{Method, read_csv, recompute, to_csv};
use offpeak_index::grid::GridBook;
use offpeak_index::hashprice::hash_price_series;
use offpeak_index::world::{CountryCode, NetworkLoad, Place, embedded_shares, read_header};
use reqwest::StatusCode;
use serde_json::Value;

use super::served::{Served, block_on};

const BASE: &str = "/api/v1/observatory";

/// The narrowest caller there is.
fn caller(served: &Served) -> String {
    served.token("carl", "customer", Some("owner-1"), &[], 1)
}

fn get(served: &Served, token: &str, path: &str) -> (StatusCode, String) {
    block_on(async {
        let answer = served.ask("GET", &format!("{BASE}{path}")).bearer_auth(token).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    })
}

fn json(served: &Served, token: &str, path: &str) -> Value {
    let (status, body) = get(served, token, path);
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

fn csv(served: &Served, token: &str, path: &str) -> String {
    let (status, body) = get(served, token, path);
    assert_eq!(status, 200, "{path}: {body}");
    assert!(body.starts_with("# offpeak "), "{path} says what it is: {}", &body[..80.min(body.len())]);
    body
}

/// The rows below a file's header, by column.
fn rows(csv: &str) -> Vec<BTreeMap<String, String>> {
    let mut lines = csv.lines().filter(|line| !line.starts_with('#'));
    let columns: Vec<&str> = lines.next().unwrap().split(',').collect();
    lines
        .map(|line| columns.iter().map(ToString::to_string).zip(line.split(',').map(str::to_owned)).collect())
        .collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// The same but for what reading JSON loses in the last digit.
fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-8 * a.abs().max(b.abs())
}

#[test]
fn every_methods_series_is_the_one_of_the_index() {
    let served = Served::unbounded();
    let token = caller(&served);
    let inputs = Inputs::built_in();
    for (asked, name, set) in [
        ("method=cbeci", "cbeci", &[][..]),
        (
            "method=cbeci&revision=1.2&price=0.07&set=pue_guess=1.2,pue_lower=1.05",
            "cbeci",
            &[
                ("revision", "1.2"),
                ("price_usd_per_kwh", "0.07"),
                ("pue_guess", "1.2"),
                ("pue_lower", "1.05"),
            ],
        ),
        ("parity=true", "cbeci", &[("parity", "true")]),
        ("method=digiconomist", "digiconomist", &[]),
        ("method=offpeak&set=draws=20", "offpeak", &[("draws", "20")]),
    ] {
        let mut method = Method::from_name(name).unwrap();
        set.iter().for_each(|(key, value)| method.set(key, value).unwrap());
        let series = method.series(&inputs.network, &inputs.catalogue);
        let told = json(&served, &token, &format!("/index?{asked}"));
        assert_eq!(told["label"], method.label());
        for (column, of) in [("lower_twh", 0), ("guess_twh", 1), ("upper_gw", 2)] {
            let column: Vec<Option<f64>> =
                told[column].as_array().unwrap().iter().map(Value::as_f64).collect();
            let expected: Vec<Option<f64>> = series
                .rows
                .iter()
                .map(|row| [row.twh.lower, Some(row.twh.guess), Some(row.gw.upper)][of])
                .collect();
            // What a method does not have is null, never zero.
            let same = |a: &Option<f64>, b: &Option<f64>| match (a, b) {
                (Some(a), Some(b)) => close(*a, *b),
                (a, b) => a == b,
            };
            assert_eq!(expected.contains(&None), name == "digiconomist" && of == 0, "{asked}");
            assert_eq!(column.len(), expected.len(), "{asked}");
            assert!(column.iter().zip(&expected).all(|(a, b)| same(a, b)), "{asked}");
        }
        let list = told["assumptions"].as_array().unwrap();
        assert_eq!(list.len(), method.assumptions().len());
        assert!(
            list.iter().all(|one| one["source"].as_str().is_some_and(|source| !source.is_empty())),
            "{asked}"
        );
        assert_eq!(told["inputs"]["network_fingerprint"], series.vintage.network_fingerprint.as_str());
        assert_eq!(told["inputs"]["network_fees_to"], "2025-04-30");

        // The file is the command line's, and comes out again from its own header.
        let (status, text) = get(&served, &token, &format!("/index?{asked}&format=csv&from=2021-01-01"));
        assert_eq!(status, 200);
        let exported = read_csv(&text).unwrap();
        let again = recompute(&exported, &inputs.network, &inputs.catalogue).unwrap();
        assert_eq!(to_csv(&again, true), text, "{asked}");
    }
    let weeks = json(&served, &token, "/index?every=week&from=2021-01-01&to=2021-12-31");
    assert_eq!((weeks["date"].as_array().unwrap().len(), &weeks["date"][52]), (53, &"2021-12-31".into()));
    let months = json(&served, &token, "/index?every=month&from=2021-01-01&to=2021-02-10");
    assert_eq!(months["days"], serde_json::json!([31, 10]));
}

#[test]
fn the_slider_says_what_the_series_says() {
    let served = Served::unbounded();
    let token = caller(&served);
    for asked in ["price=0.05", "price=0.09&set=pue_guess=1.25", "price=0.06&revision=1.2"] {
        let slid = json(&served, &token, &format!("/slider?{asked}&step=1"));
        let whole = json(&served, &token, &format!("/index?{asked}"));
        for column in ["date", "lower_twh", "guess_twh", "upper_twh"] {
            assert_eq!(slid[column], whole[column], "{asked} {column}");
        }
    }
    let weeks = json(&served, &token, "/slider?price=0.05");
    assert!(weeks["date"].as_array().unwrap().len() < 900 && number(&weeks["models"]) > 180.0);
}

#[test]
fn hash_price_break_even_and_epochs_are_those_of_the_index() {
    let served = Served::unbounded();
    let token = caller(&served);
    let inputs = Inputs::built_in();
    let series = hash_price_series(&inputs.network, 7);
    let told = json(&served, &token, "/hashprice?mean_days=7&from=2024-04-01&to=2024-04-30");
    let of = |date: &str| series.rows.iter().find(|row| row.date.to_string() == date).unwrap();
    assert_eq!(told["date"].as_array().unwrap().len(), 30);
    assert!(close(number(&told["usd_per_th_day"][29]), of("2024-04-30").usd_per_th_day.unwrap()));
    let before = json(&served, &token, "/hashprice?from=2010-07-01&to=2010-07-05");
    assert!(before["usd_per_th_day"][0].is_null(), "no price yet is none: {before}");

    let text = csv(&served, &token, "/hashprice?mean_days=7&from=2024-04-01&to=2024-04-30&format=csv");
    let listed = read_header(&text);
    let mean_days: usize = listed["mean_days"].parse().unwrap();
    assert_eq!(listed["network"], series.vintage.fingerprint);
    let again = hash_price_series(&inputs.network, mean_days);
    for row in rows(&text) {
        let day = again.rows.iter().find(|day| day.date.to_string() == row["date"]).unwrap();
        assert_eq!(row["usd_per_th_day"], day.usd_per_th_day.unwrap().to_string());
    }

    let asked = "/breakeven?price=0.06&overhead=1.1&pool_fee=2&other=0.002&mean_days=14&hold_days=30";
    let terms = Terms { overhead: 1.1, pool_fee: 0.02, other_usd_per_kwh: 0.002 };
    let found = lives(&inputs.network, &inputs.catalogue, 0.06, &terms, 14, 30);
    let told = json(&served, &token, asked);
    let models = told["models"].as_array().unwrap();
    assert_eq!(models.len(), found.lives.len());
    for (model, life) in models.iter().zip(&found.lives) {
        assert_eq!(model["stopped"].as_str().map(str::to_owned), life.stopped.map(|day| day.to_string()));
        let shutdown = life.shutdown_now_usd_per_kwh.unwrap();
        assert!(close(number(&model["shutdown_now_usd_per_kwh"]), shutdown), "{model}");
    }
    let paying = found.lives.iter().filter(|life| life.pays_now).count();
    let worst = number(&told["worst_paying_j_per_th"]);
    assert_eq!(found.lives.iter().filter(|life| life.efficiency_j_per_th < worst).count(), paying);
    // The file says on which terms, and its days come out again from them.
    let text = csv(&served, &token, &format!("{asked}&format=csv"));
    let listed = read_header(&text);
    let term = |key: &str| listed[key].parse::<f64>().unwrap();
    let terms = Terms {
        overhead: term("overhead"),
        pool_fee: term("pool_fee"),
        other_usd_per_kwh: term("other_cost"),
    };
    let days = |key: &str| listed[key].parse().unwrap();
    let again = lives(
        &inputs.network,
        &inputs.catalogue,
        term("power_price"),
        &terms,
        days("mean_days"),
        days("hold_days"),
    );
    assert!(text.ends_with(&offpeak_index::answers::lives_csv(&again)));

    let chain = json(&served, &token, "/chain");
    let heights = chain["height"].as_array().unwrap();
    let drop = heights.iter().position(|height| *height == 689_472).unwrap();
    let change = number(&chain["difficulty"][drop]) / number(&chain["difficulty"][drop - 1]) - 1.0;
    assert!((change + 0.2794).abs() < 5e-4, "July 2021: {change}");
    assert!(chain["hash_rate_ths"].as_array().unwrap().last().unwrap().is_null());
    assert_eq!(rows(&csv(&served, &token, "/chain?format=csv")).len(), heights.len());
}

/// The days one by one, with an arithmetic of its own, from nothing but what the file lists.
#[test]
fn a_residual_value_adds_up_from_its_own_file() {
    let served = Served::unbounded();
    let token = caller(&served);
    let asked = "/residual?efficiency=17.5&ths=200&price=0.04&difficulty_growth=30&price_growth=10&discount=8&days=900&scrap=50&overhead=1.05&pool_fee=2&other=0.001";
    let told = json(&served, &token, asked);
    let text = csv(&served, &token, &format!("{asked}&format=csv"));
    let listed = read_header(&text);
    let term = |key: &str| listed[key].parse::<f64>().unwrap();
    let kwh = term("hash_rate") * term("efficiency") * 86_400.0 / 3.6e6;
    let cost = kwh * (term("power_price") * term("overhead") + term("other_cost"));
    let (mut value, mut days_on) = (0.0, 0);
    for day in 0..900 {
        let middle = f64::from(day) + 0.5;
        let years = middle / 365.25;
        let subsidy = 50.0 / 2_f64.powf(((term("start_height") + middle * 144.0) / 210_000.0).floor());
        let usd = term("start_price") * (1.0 + term("price_growth")).powf(years);
        let rate = term("start_hash_rate") * (1.0 + term("difficulty_growth")).powf(years);
        let earned = (subsidy + term("fees_per_block")) * 144.0 * usd / rate * term("hash_rate");
        let left = earned * (1.0 - term("pool_fee")) - cost;
        if left > 0.0 {
            days_on += 1;
            value += left * (1.0 + term("discount")).powf(-years);
        }
    }
    value += term("scrap") * (1.0 + term("discount")).powf(-900.0 / 365.25);
    assert!(close(number(&told["value_usd"]), value), "{value}: {told}");
    assert_eq!(told["days_on"], days_on);
    assert!(rows(&text).iter().any(|row| row["what"] == "days_on" && row["value"] == days_on.to_string()));
}

#[test]
fn the_world_is_told_by_each_source_and_adds_up() {
    let served = Served::unbounded();
    let token = caller(&served);
    let inputs = Inputs::built_in();
    let method = Method::from_name("cbeci").unwrap();
    let load = NetworkLoad::from_series(&method.series(&inputs.network, &inputs.catalogue));
    let august = load.over("2021-08".parse().unwrap()).unwrap();
    let told = json(&served, &token, "/world?period=2021-08");
    let kazakhstan = &told["tables"][0]["places"][1];
    assert_eq!((&kazakhstan["place"], &kazakhstan["rank"]), (&"KAZ".into(), &2.into()));
    assert!(close(number(&kazakhstan["gw"]["guess"]), august.guess * 0.181));
    assert_eq!(told["sources"].as_array().unwrap().len(), embedded_shares().len());
    assert!(told["sources"].as_array().unwrap().iter().all(|one| !one["error"].as_str().unwrap().is_empty()));
    // What the method takes can be set here, too, and moves the loads.
    let can_be_set = |told: &Value, key: &str| {
        let list = told["tables"][0]["assumptions"].as_array().unwrap();
        list.iter().find(|one| one["key"] == key).unwrap()["can_be_set"].clone()
    };
    assert_eq!((can_be_set(&told, "pue_guess"), can_be_set(&told, "share_KAZ")), (true.into(), false.into()));
    let dearer = json(&served, &token, "/world?period=2021-08&set=pue_guess=1.21");
    let ratio = number(&dearer["tables"][0]["places"][1]["gw"]["guess"]) / number(&kazakhstan["gw"]["guess"]);
    assert!(close(ratio, 1.21 / 1.1), "{ratio}");
    let latest = json(&served, &token, "/world");
    assert!(latest["tables"].as_array().unwrap().len() > 1, "each source has its latest");

    // Recomputed by hand from the file's own header.
    let text = csv(&served, &token, "/world?period=2021-08&series=cambridge&format=csv");
    let listed = read_header(&text);
    let term = |key: &str| listed[key].parse::<f64>().unwrap();
    for row in rows(&text) {
        let place = &row["place"];
        let gw = term("network_gw_guess") * term(&format!("share_{place}")) / 100.0;
        assert!(close(row["gw_guess"].parse().unwrap(), gw), "{row:?}");
        let percent = gw * 8.766 / term(&format!("generation_{place}")) * 100.0;
        assert!(close(row["percent_of_generation"].parse().unwrap(), percent), "{row:?}");
    }
}

#[test]
fn flows_come_out_of_the_shares_in_their_own_file() {
    let served = Served::unbounded();
    let token = caller(&served);
    let told = json(&served, &token, "/flows?from=2021-04&to=2021-08");
    let cambridge = &told["series"][0];
    let china = cambridge["changes"].as_array().unwrap().iter().find(|one| one["place"] == "CHN").unwrap();
    assert_eq!((number(&china["before_percent"]), number(&china["after_percent"])), (46.0, 0.0));
    let units: Vec<&str> =
        cambridge["units"].as_array().unwrap().iter().map(|unit| unit["unit"].as_str().unwrap()).collect();
    assert_eq!(units, ["points", "EH/s", "GW"]);

    let text = csv(&served, &token, "/flows?from=2021-04&to=2021-08&format=csv");
    let listed = read_header(&text);
    let term = |key: &str| listed[key].parse::<f64>().unwrap();
    let share = |place: &str, period: &str| term(&format!("share_cambridge_{place}_{period}"));
    let all = rows(&text);
    for unit in ["points", "EH/s", "GW"] {
        let (before, after) = match unit {
            "points" => (100.0, 100.0),
            _ => (term(&format!("network_before_{unit}")), term(&format!("network_after_{unit}"))),
        };
        // What a place gained or lost is the difference of its shares of the whole.
        for place in ["CHN", "KAZ", "USA", "RUS"] {
            let change = (share(place, "2021-08") * after - share(place, "2021-04") * before) / 100.0;
            let sum = |column: &str| -> f64 {
                let own = all.iter().filter(|row| row["unit"] == unit && row[column] == place);
                own.map(|row| row["amount"].parse::<f64>().unwrap()).sum()
            };
            assert!(close(sum("to") - sum("from"), change), "{unit} {place}: {change}");
        }
    }
}

#[test]
fn seven_percent_against_three_estimates() {
    let served = Served::unbounded();
    let token = caller(&served);
    let told = json(&served, &token, "/countries/KZ");
    let claim = &told["claim"];
    let gw: Vec<String> =
        claim["against"].as_array().unwrap().iter().map(|row| format!("{:.2}", number(&row["gw"]))).collect();
    assert_eq!(gw, ["0.30", "0.92", "1.51"]);
    assert_eq!(claim["claim_percent"], 7.0);
    let years = told["years"].as_array().unwrap();
    let book = GridBook::embedded();
    assert_eq!(years.len(), book.years(CountryCode::KAZAKHSTAN).len());
    let of_2022 = years.iter().find(|year| year["year"] == 2022).unwrap();
    assert_eq!(
        (&of_2022["peak"]["load_mw"], &of_2022["peak"]["published"]),
        (&16_459.0.into(), &true.into())
    );
    assert!(number(&of_2022["balances"][0]["surplus_twh"]) < 0.0, "a deficit");
    assert_eq!(
        told["shares"].as_array().unwrap().len(),
        embedded_shares()
            .iter()
            .map(|one| one.history(&Place::Country(CountryCode::KAZAKHSTAN)).len())
            .sum::<usize>()
    );
    let methods: std::collections::BTreeSet<&str> =
        told["loads"].as_array().unwrap().iter().map(|load| load["method"].as_str().unwrap()).collect();
    assert_eq!(methods.len(), 4, "each method stands by itself: {methods:?}");
    // By contracts: what they cover at their own factor, the rest at the grid's mean.
    assert!(told["loads"].as_array().unwrap().iter().all(|load| load["market"] == serde_json::json!([])));
    let contracted = json(&served, &token, "/countries/KZ?contracts=wind:900000:13,hydro:100000:0");
    let load = &contracted["loads"][0];
    let (location, market) = (&load["emissions"][0], &load["market"][0]);
    assert_eq!(location["by"], market["by"]);
    assert_eq!(number(&market["contracted_mwh"]), 1e6);
    let left = number(&market["residual_mwh"]);
    let tonnes = 900_000.0 * 0.013 + left * number(&location["g_per_kwh"]) / 1e3;
    assert!((number(&market["tonnes"]) / tonnes - 1.0).abs() < 1e-9, "{market} {location}");
    let listed = contracted["assumptions"].to_string();
    assert!(listed.contains("declared by who asks, without proof"), "{listed}");
    // Another country has its shares and no book.
    let other = json(&served, &token, "/countries/usa?period=2021-08");
    assert!(other["years"].as_array().unwrap().is_empty() && other["claim"].is_null());
    assert_eq!(other["name"], "United States");

    let text = csv(&served, &token, "/countries/KZ?format=csv");
    let listed = read_header(&text);
    let gw = listed["declared_receipts"].parse::<f64>().unwrap()
        / listed["declared_fee"].parse::<f64>().unwrap()
        / listed["declared_hours"].parse::<f64>().unwrap()
        / 1e6;
    let row = rows(&text)
        .into_iter()
        .find(|row| row["what"] == "mining_declared" && row["year"] == "2022")
        .unwrap();
    assert!(close(row["value"].parse().unwrap(), gw), "{row:?}");
    assert!(csv(&served, &token, "/countries/KZ?format=csv&table=loads").contains("load_gw"));
}

#[test]
fn what_if_mining_were_less() {
    let served = Served::unbounded();
    let token = caller(&served);
    let told = json(&served, &token, "/countries/KZ/what-if?mw=300&hours=00-08,%20weekend&year=2022");
    assert_eq!((&told["hours_of_week"], &told["year"]), (&88.into(), &2022.into()));
    let capacities: Vec<&str> =
        told["brackets"].as_array().unwrap().iter().map(|one| one["capacity"].as_str().unwrap()).collect();
    assert_eq!(capacities, ["as-at-peak", "no-spare"]);
    for bracket in told["brackets"].as_array().unwrap() {
        let (a, b) = (&bracket["base"], &bracket["changed"]);
        let more = number(&b["demand_kwh"]) - number(&a["demand_kwh"]);
        assert_eq!(more, number(&told["change_kwh"]));
        assert_eq!(more, 300e3 * number(&told["active_hours"]));
        // Every kilowatt-hour comes from somewhere.
        for sum in [a, b] {
            let supplied =
                number(&sum["generation_kwh"]) + number(&sum["import_kwh"]) - number(&sum["export_kwh"]);
            assert_eq!(supplied + number(&sum["unserved_kwh"]), number(&sum["demand_kwh"]));
        }
        assert!(number(&bracket["tonnes_more"]) > 0.0);
        assert_eq!(bracket["by_hour"].as_array().unwrap().len(), 24);
    }
    let less = json(&served, &token, "/countries/KZ/what-if?mw=-500");
    assert!(
        number(&less["brackets"][1]["changed"]["import_kwh"])
            < number(&less["brackets"][1]["base"]["import_kwh"])
    );
    let given = "/countries/KZ/what-if?mw=0&year=2022&capacity=16000,16000,16000,16000,16000,16000,16000,16000,16000,16000,16000,16000";
    assert_eq!(json(&served, &token, given)["brackets"].as_array().unwrap().len(), 1);
    // Emissions come out again from the file's own figures.
    let text = csv(&served, &token, "/countries/KZ/what-if?mw=-500&year=2022&format=csv");
    let listed = read_header(&text);
    let of = |what: &str| -> f64 {
        let row =
            rows(&text).into_iter().find(|row| row["capacity"] == "no-spare" && row["what"] == what).unwrap();
        row["changed"].parse().unwrap()
    };
    let grams = |key: &str| listed[key].parse::<f64>().unwrap();
    let tonnes = ((of("generation") - of("exports")) * grams("home_emissions")
        + of("imports") * grams("import_emissions"))
        / 1e6;
    assert!(close(of("emissions"), tonnes), "{tonnes}");
}

#[test]
fn what_makes_no_sense_is_refused_with_what_would() {
    let served = Served::unbounded();
    let token = caller(&served);
    for (path, status, words) in [
        ("/index?method=guess", 422, "method"),
        ("/index?price=0", 422, "no price"),
        ("/index?price=NaN", 422, "no price"),
        ("/index?method=digiconomist&parity=true", 422, "Cambridge's"),
        ("/index?set=pue_guess=0.5", 422, "from 1 to 3"),
        ("/index?set=nothing=1", 422, "no assumption"),
        ("/index?set=pue_guess", 422, "key=value"),
        ("/index?method=offpeak&set=draws=5000", 422, "1000 times at most"),
        ("/index?from=2021-02-01&to=2021-01-01", 422, "is after"),
        ("/index?from=yesterday", 422, "from"),
        ("/index?unknown=1", 422, "unknown"),
        ("/slider", 422, "price"),
        ("/slider?price=11", 422, "no price"),
        ("/slider?price=0.05&step=0", 422, "step"),
        ("/hashprice?mean_days=0", 422, "mean_days"),
        ("/breakeven?overhead=0.5", 422, "overhead"),
        ("/breakeven?pool_fee=NaN", 422, "pool_fee"),
        ("/breakeven?classes=10,x", 422, "classes"),
        ("/residual?efficiency=17.5", 422, "ths"),
        ("/residual?efficiency=0&ths=1", 422, "efficiency"),
        ("/residual?efficiency=17.5&ths=200&days=0", 422, "days"),
        ("/residual?efficiency=17.5&ths=200&discount=-1", 422, "discount"),
        ("/world?period=2021-13", 422, "period"),
        ("/world?period=1999-01", 404, "no source reports"),
        ("/world?series=atlas", 422, "cambridge"),
        ("/flows?from=2021-04", 422, "to"),
        ("/flows?from=2021-04&to=2021-05", 404, "no source reports"),
        ("/countries/Atlantis", 404, "Atlantis"),
        ("/countries/KZ?claim=101", 422, "claim"),
        ("/countries/KZ?contracts=wind:900000", 422, "a part is missing"),
        ("/countries/KZ?contracts=wind:1:2,", 422, "a part is missing"),
        ("/countries/KZ/what-if", 422, "mw"),
        ("/countries/KZ/what-if?mw=inf", 422, "mw"),
        ("/countries/KZ/what-if?mw=-90000", 422, "less than nothing"),
        ("/countries/KZ/what-if?mw=1&hours=noon", 422, "hours"),
        ("/countries/KZ/what-if?mw=1&year=1999", 404, "1999"),
        ("/countries/KZ/what-if?mw=1&capacity=1,2", 422, "capacity"),
        ("/countries/US/what-if?mw=1", 404, "no balance"),
    ] {
        let (code, body) = get(&served, &token, path);
        assert_eq!(code.as_u16(), status, "{path}: {body}");
        assert!(body.contains("urn:offpeak:") && body.contains(words), "{path}: {body}");
    }
}

#[test]
fn answers_and_files_are_tagged() {
    let served = Served::unbounded();
    let token = caller(&served);
    for path in ["/chain", "/hashprice?format=csv&from=2024-01-01"] {
        block_on(async {
            let ask = || served.ask("GET", &format!("{BASE}{path}")).bearer_auth(&token);
            let first = ask().send().await.unwrap();
            let tag = first.headers()["etag"].to_str().unwrap().to_owned();
            let named = first.headers().contains_key("content-disposition");
            assert_eq!(named, path.contains("csv"), "{path}");
            let again = ask().header("if-none-match", tag).send().await.unwrap();
            assert_eq!(again.status(), 304, "{path}");
        });
    }
}
