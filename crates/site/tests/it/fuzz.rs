//! Whatever stands in a file: a report or a site, never a panic.

use offpeak_site::file;
use proptest::prelude::*;

/// A small site without most of its machines, for speed.
fn seed() -> String {
    crate::text("small")
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,200}") {
        let _ = file::load("x.toml", &text, &|_| None);
    }

    #[test]
    fn arbitrary_lines_of_keys_never_panic(
        lines in proptest::collection::vec("(\\[{1,2}(site|grid|circuits|machines|meters|contract|prices|models|inventory|contract\\.windows|signals|contract\\.nominations|contract\\.imports)\\]{1,2}|(id|at|csv|slots|kind|rating_kw|days|from|to|first_address|hash_prices|modes|circuit|modbus|derating|demand_kw|demand_min|hold_min|hours_kw|date) = (\"[\\[\\]a-z0-9:./-]{0,12}\"|-?[0-9]{1,22}|[0-9.e]{1,8}|\\[.{0,5}\\]|\\{\\}|true|2022-10-01|08:00:00))", 0..30)
    ) {
        let _ = file::load("x.toml", &lines.join("\n"), &|_| Some("position,model,owner\n".to_owned()));
    }

    #[test]
    fn a_mutated_site_never_panics(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..12, "\\PC{0,6}"), 1..6)
    ) {
        let mut letters: Vec<char> = seed().chars().collect();
        for (at, removed, inserted) in edits {
            let at = at.index(letters.len());
            let end = (at + removed).min(letters.len());
            letters.splice(at..end, inserted.chars());
        }
        let text: String = letters.into_iter().collect();
        let loaded = file::load_with_warnings("x.toml", &text, &|_| None);
        prop_assert!(loaded.site.is_some() || !loaded.diagnostics.is_empty());
        let lines = u32::try_from(text.lines().count()).unwrap();
        prop_assert!(loaded.diagnostics.iter().all(|mistake| (1..=lines + 1).contains(&mistake.line)));
    }

    #[test]
    fn an_arbitrary_feed_never_panics(
        lines in proptest::collection::vec("(\\[{1,2}(outdoor|hash_price|signals)\\]{1,2}|(id|at|celsius|usd_per_th_day|per_usd|limit_kw|level|no_limit|setpoint) = (\"[a-zT0-9:.-]{0,20}\"|-?[0-9]{1,22}|[0-9.e-]{1,8}|\\{\\}|true|2022-10-01|2022-10-01T08:00:00(Z|[+-]0[0-9]:00)))", 0..12),
        rest in "\\PC{0,40}",
    ) {
        let site = file::load("x.toml", &seed(), &|_| None).unwrap();
        let _ = file::feed("feed.toml", &format!("{}\n{rest}", lines.join("\n")), &site);
        let _ = file::feed("feed.toml", &lines.join("\n"), &site);
    }

    #[test]
    fn an_arbitrary_inventory_never_panics(csv in "[position,modelwr;\"\\n/0-9a-z\\-]{0,200}") {
        let text = seed() + "\n[inventory]\ncsv = \"fleet.csv\"\n";
        let _ = file::load("x.toml", &text, &|_| Some(format!("position,model,owner,mac,address\n{csv}")));
    }
}
