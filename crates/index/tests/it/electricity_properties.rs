//! What holds for any network, any table of machines, any price, any text.

use jiff::ToSpan;
use jiff::civil::{Date, date};
use offpeak_index::electricity::{Cambridge, Method, Prepared, Revision, read_csv};
use offpeak_index::hardware::{Model, parse_catalogue_csv};
use offpeak_index::network::{NetworkDay, parse_network_csv};
use proptest::prelude::*;

fn day() -> impl Strategy<Value = (f64, Option<f64>, f64, Option<f64>)> {
    (
        1e-6..1e9_f64,
        proptest::option::weighted(0.9, 1e-2..1e5_f64),
        0.0..5e3_f64,
        proptest::option::of(0.0..500.0_f64),
    )
}

fn network() -> impl Strategy<Value = Vec<NetworkDay>> {
    let start = date(2014, 1, 1);
    (0_i64..3_000, proptest::collection::vec(day(), 1..120)).prop_map(move |(first, days)| {
        (first..)
            .zip(days)
            .map(|(at, (hash_rate_ths, price_usd, issuance_btc, fees_btc))| NetworkDay {
                date: start + (at * 2).days(),
                blocks: None,
                hash_rate_ths,
                price_usd,
                issuance_btc,
                fees_btc,
            })
            .collect()
    })
}

fn model() -> impl Strategy<Value = Model> {
    (0_i64..8_000, 1e-6..1e3_f64, 1.0..1e4_f64, any::<bool>()).prop_map(
        |(released, hash_rate_ths, power_w, counts_for_cambridge)| Model {
            name: "any".into(),
            maker: "any".into(),
            release: Date::constant(2009, 1, 1) + released.days(),
            hash_rate_ths,
            power_w,
            listed_j_per_th: None,
            weight_kg: None,
            cooling: None,
            counts_for_cambridge,
            source: None,
        },
    )
}

fn revision() -> impl Strategy<Value = Revision> {
    prop_oneof![Just(Revision::V1_2), Just(Revision::V1_4)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_higher_price_never_makes_more_machines_pay(
        network in network(),
        catalogue in proptest::collection::vec(model(), 0..40),
        revision in revision(),
        price in 1e-3..1.0_f64,
        dearer in 1.0..10.0_f64,
    ) {
        let prepared = Prepared::new(&Cambridge { revision, ..Cambridge::default() }, &network, &catalogue);
        let cheap = prepared.rows_at(price);
        for row in prepared.rows_at(price * dearer) {
            let at = cheap.binary_search_by_key(&row.date, |row| row.date);
            prop_assert!(at.is_ok(), "a row at the higher price alone");
            prop_assert!(row.profitable <= cheap[at.unwrap()].profitable);
        }
    }

    #[test]
    fn bounds_are_ordered_and_finite_by_every_method(
        network in network(),
        catalogue in proptest::collection::vec(model(), 0..40),
    ) {
        for mut method in Method::all() {
            if method.name() == "offpeak" {
                method.set("draws", "5").unwrap();
            }
            for row in method.series(&network, &catalogue).rows {
                let slack = 1.0 + 1e-12;
                prop_assert!(row.gw.lower.is_none_or(|lower| lower <= row.gw.guess * slack) && row.gw.guess <= row.gw.upper * slack, "{row:?}");
                prop_assert!(row.gw.lower.is_none_or(|lower| lower >= 0.0) && row.twh.upper.is_finite(), "{row:?}");
            }
        }
    }

    #[test]
    fn no_text_makes_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let text = String::from_utf8_lossy(&bytes);
        let _ = read_csv(&text);
        let _ = parse_catalogue_csv(&text);
        let _ = parse_network_csv(&text);
        let _ = parse_network_csv(&format!("date,blocks,hash_rate_ths,price_usd,issuance_btc,fees_btc\n{text}"));
        let headed = format!("# offpeak electricity index, format 1\n# method = offpeak\n# assume {text}\n{text}");
        let _ = read_csv(&headed);
        let rows = format!("date,lower_twh,guess_twh,upper_twh,lower_gw,guess_gw,upper_gw\n{text}");
        let _ = read_csv(&rows);
        let machines = format!("name,maker,release,hash_rate_ths,power_w,weight_kg,cooling\n{text}");
        let _ = parse_catalogue_csv(&machines);
    }

    #[test]
    fn no_odd_number_makes_a_method_panic(
        rate in any::<f64>(), price in any::<f64>(), issuance in any::<f64>(),
        catalogue in proptest::collection::vec(model(), 0..5),
    ) {
        let day = |date| NetworkDay {
            date, blocks: None, hash_rate_ths: rate, price_usd: Some(price), issuance_btc: issuance, fees_btc: None,
        };
        let days = [day(date(2020, 1, 1)), day(date(2019, 1, 1)), day(date(2021, 1, 1))];
        for method in Method::all() {
            let _ = method.series(&days, &catalogue);
        }
    }
}
