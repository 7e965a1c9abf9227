//! Every mistake of a file in one run, each with its line.

use offpeak_site::file::{self, Severity};

/// The messages about a text, one a line.
fn messages(text: &str, attachment: Option<&str>) -> Vec<String> {
    let loaded = file::load_with_warnings("x.toml", text, &|_| attachment.map(str::to_owned));
    loaded.diagnostics.iter().map(ToString::to_string).collect()
}

#[test]
fn a_file_of_many_mistakes_gets_a_message_for_each() {
    insta::assert_snapshot!("mistakes", messages(include_str!("mistakes.toml"), None).join("\n"));
}

/// The small site with one thing changed, and the one message that must give.
fn small_with(from: &str, to: &str) -> String {
    let text = crate::text("small");
    assert!(text.contains(from), "{from}");
    let found = messages(&text.replacen(from, to, 1), None);
    assert_eq!(found.len(), 1, "{from} -> {to}:\n{}", found.join("\n"));
    found.into_iter().next().unwrap_or_default()
}

#[test]
fn one_mistake_gives_one_message() {
    let cases = [
        ("id = \"small\"", "", "site.id: found nothing"),
        (
            "time_zone = \"Asia/Almaty\"",
            "time_zone = \"Asia/Almati\"",
            "site.time_zone: found \"Asia/Almati\"",
        ),
        ("rating_kw = 250                #", "rating_kw = true #", "grid.rating_kw: found true"),
        ("rating_kw = 250                #", "rating_kv = 250 #", "did you mean `rating_kw`?"),
        ("parent = \"transformer-1\"", "parent = \"transformer-2\"", "did you mean `transformer-1`?"),
        ("parent = \"transformer-1\"", "parent = \"transformer-[1-3]\"", "ranges that go along with"),
        ("kind = \"transformer\"", "kind = \"rack\"", "a hall fed by the rack `transformer-1`"),
        ("kind = \"pdu\"", "kind = \"hall\"", "a hall fed by the rack"),
        ("circuit = \"hall-[1-2]\"", "circuit = \"hall-[2-3]\"", "circuit: found `hall-3`"),
        (
            "id = \"hall-[1-2]/rack-[1-2]/pdu-[1-2]\"
kind = \"pdu\"",
            "id = \"hall-[1-2]/rack-[1-2]/pdu-[1-2]\"
kind = \"rack\"",
            "a rack fed by the rack",
        ),
        ("accuracy_class = 0.5 ", "accuracy_class = 0 ", "accuracy_class: found 0"),
        ("modbus = \"127.0.0.1:15020\"", "modbus = \"127.0.0.1:70000\"", "127.0.0.1:70000"),
        ("modbus = \"127.0.0.1:15020\"", "modbus = \"127.0.0.1:15021\"", "`127.0.0.1:15021` unit 1"),
        ("model = \"M20S\"", "model = \"M20\"", "did you mean `M20S`?"),
        ("slots = 8", "slots = 8.5", "machines[0].slots: found 8.5"),
        ("first_channel = 16", "first_channel = 15", "channel 15 of the switch `outlets-hall-1`"),
        (
            "first_address = \"127.1.1.101\"",
            "first_address = \"127.1.1.16\"",
            "the address 127.1.1.16 port 4028",
        ),
        ("first_address = \"127.1.1.101\"", "first_address = \"127.1.1\"", "an IP address"),
        ("owner = \"customer-a\"", "owner = \"customer-z\"", "did you mean `customer-a`?"),
        ("2022-10-25, ", "2022-10-25, 2022-10-25, ", "2022-10-25 twice"),
        ("limit_kw = 190", "limit_kw = -1", "limit_kw: found -1"),
        ("limit_kw = 190", "limit_kw = 190_000", "on a connection rated 250.0 kW"),
        ("limit_kw = 190", "limit_kw = 0", "below the house load"),
        ("house_load_kw = 12", "house_load_kw = 5", "warning: contract.house_load_kw: found 5000 W, but"),
        ("days = \"workdays\"", "days = \"workday\"", "contract.windows[0].days: found \"workday\""),
        ("days = \"workdays\"", "days = \"monday\"\nholiday = true", "did you mean `holidays`?"),
        ("per_usd = 470", "per_usd = 0", "per_usd: found 0"),
        ("base_load_kw = 1 ", "derating = [{ outdoor_c = 99, rating_kw = 1 }] #", "outdoor_c: found 99"),
        (
            "base_load_kw = 1 ",
            "derating = [{ outdoor_c = 30, rating_kw = 200 }, { outdoor_c = 20, rating_kw = 250 }] #",
            "a temperature above the one before it",
        ),
        ("base_load_kw = 1 ", "demand_kw = 100\ndemand_min = 20 #", "15, 30 or 60"),
        ("base_load_kw = 1 ", "demand_min = 15 #", "`demand_kw` beside it"),
        ("[contract]", "[sharing]\nrule = \"fair\"\n[contract]", "sharing.rule: found \"fair\""),
        ("[contract]", "[timing]\nleast_rest_min = 2000\n[contract]", "timing.least_rest_min: found 2000"),
        ("name = \"Customer A\"", "name = \"Customer A\"\nshare = 0", "owners[1].share: found 0"),
        (
            "slots = 8\nowner = \"house\"",
            "slots = 8\npinned = \"yes\"\nowner = \"house\"",
            "machines[0].pinned: found \"yes\"",
        ),
        ("[prices]", "[prices]\nfees_percent = 120", "a share from 0 to 100 percent"),
        (
            "[prices]",
            "[prices]\nlevies = [{ from = 2022-01-01, per_kwh = -1 }]",
            "levies[0].per_kwh: found -1",
        ),
        ("kind = \"transformer\"", "kind = \"transformer\"\ndemand_kw = 100", "which has no meter"),
        (
            "[contract]",
            "[[signals]]\nid = \"tso\"\nhold_min = 15\n[contract]",
            "neither of `fallback_kw` and `no_fallback = true`",
        ),
        (
            "[contract]",
            "[[signals]]\nid = \"tso\"\nhold_min = 15\nfallback_kw = 9\ncircuit = \"hall-3\"\n[contract]",
            "signals[0].circuit: found `hall-3`",
        ),
        (
            "[prices]",
            "[[budgets]]\nid = \"a\"\nper = \"year\"\nenergy_mwh = 1\n[prices]",
            "budgets[0].per: found \"year\"",
        ),
        (
            "[prices]",
            "[[budgets]]\nid = \"a\"\nper = \"day\"\n[prices]",
            "budgets[0].energy_mwh: found nothing",
        ),
        (
            "[prices]",
            "[[budgets]]\nid = \"a\"\nper = \"day\"\nenergy_mwh = -1\n[prices]",
            "budgets[0].energy_mwh: found -1",
        ),
        (
            "[prices]",
            "[[budgets]]\nid = \"a\"\nper = \"day\"\nenergy_mwh = 1e9\n[prices]",
            "at most 80000000 MWh",
        ),
        (
            "[prices]",
            "[[budgets]]\nid = \"a\"\nper = \"day\"\nenergy_mwh = 1\nused_mwh = 1\n[prices]",
            "`used_at` beside it",
        ),
        (
            "[prices]",
            "[[budgets]]\nid = \"a\"\nper = \"day\"\nenergy_mwh = 1\ncircuit = \"hall-1/rack-1\"\n[prices]",
            "an energy budget on `hall-1/rack-1`, which has no meter",
        ),
        (
            "[prices]",
            "[[budgets]]\nid = \"a\"\nper = \"day\"\nenergy_mwh = 1\ncircuit = \"hall-9\"\n[prices]",
            "budgets[0].circuit: found `hall-9`",
        ),
        (
            "[prices]",
            "[[budgets]]\nid = \"a\"\nper = \"day\"\nenergy_mwh = 0.1\n[prices]",
            "budgets[0].energy_mwh: found 100.000 kWh, but with every machine asleep 162.240 kWh are drawn",
        ),
        (
            "[prices]",
            "[prices]\ndemand_charges = [{ from = 2022-10-02, price_per_kw = 900 }]",
            "the first of a month: a billing month has one demand charge",
        ),
        (
            "[prices]",
            "[prices]\ndemand_charges = [{ from = 2022-10-01, price_per_kw = 900, demand_min = 20 }]",
            "15, 30 or 60",
        ),
        ("[prices]", "[prices]\npeak_kw = 100", "`peak_at` beside it"),
        (
            "[prices]",
            "[[contract.nominations]]\ndate = 2022-10-03\nhours_kw = [1, 2]\n[prices]",
            "24 hours, as this day has",
        ),
        (
            "[prices]",
            "[[contract.imports]]\nid = \"ru\"\ndays = \"workdays\"\nfrom = \"08:00\"\nto = \"20:00\"\nprice_per_kwh = 46\n[prices]",
            "contract.imports[0].limit_kw: found nothing",
        ),
        ("{ from = 2022-01-01, per_usd", "{ from = 2022-06-01, per_usd", "before which no exchange rate"),
        ("[site]", "[sites]", "did you mean `site`?"),
        ("[prices]", "[prices", "TOML: "),
        ("name = \"Customer A\"", "name = ", "TOML: "),
        ("name = \"Customer A\"", "name = \"Customer A", "TOML: "),
    ];
    for (from, to, expected) in cases {
        let message = small_with(from, to);
        assert!(message.contains(expected), "{from} -> {to}:\n{message}");
    }
}

#[test]
fn a_limit_of_zero_is_a_limit() {
    let text = crate::text("small").replace("rating_kw = 32", "rating_kw = 0");
    let site = file::load("x.toml", &text, &|_| None).unwrap();
    let pdu = site.circuits.find("hall-1/rack-1/pdu-1").unwrap();
    assert_eq!(site.circuits.get(pdu).rating, Some(offpeak_units::Power::ZERO));
}

#[test]
fn an_empty_file_lacks_its_sections() {
    let found = messages("", None);
    assert_eq!(found.len(), 5, "{}", found.join("\n"));
    assert!(found.iter().all(|message| message.starts_with("x.toml:1:1: ")));
}

/// The small site with an inventory in place of its last machines.
fn with_inventory(csv: &str) -> (Option<offpeak_site::Site>, Vec<String>) {
    let text = crate::text("small");
    let start = text.rfind("[[machines]]").unwrap();
    let end = text.find("# The machines could draw").unwrap();
    let text = format!("{}[inventory]\ncsv = \"fleet.csv\"\n\n{}", &text[..start], &text[end..]);
    let attachment = |name: &str| (name == "fleet.csv").then(|| csv.to_owned());
    let loaded = file::load_with_warnings("x.toml", &text, &attachment);
    (loaded.site, loaded.diagnostics.iter().map(ToString::to_string).collect())
}

#[test]
fn an_inventory_gives_serial_mac_and_place() {
    let (site, told) = with_inventory(
        "serial;mac;position;owner;model;address\r\nAB1;c8-11-05-00-00-01;hall-2/rack-2/pdu-1/1;house;M30S;127.1.9.1\r\n",
    );
    assert_eq!(told, [""; 0]);
    let machine = site.unwrap().machines.pop().unwrap();
    assert_eq!(machine.id, "hall-2/rack-2/pdu-1/1");
    assert_eq!(machine.serial.as_deref(), Some("AB1"));
    assert_eq!(machine.mac.unwrap().to_string(), "C8:11:05:00:00:01");
    assert_eq!(machine.endpoint.unwrap().ip.to_string(), "127.1.9.1");
}

#[test]
fn an_api_s_port_is_its_family_s_unless_given() {
    let later = "\n[[models]]\nname = \"M60S\"\nlike = \"M30S\"\nfamily = \"whatsminer-v3\"\n";
    let text = crate::text("small").replace("model = \"M20S\"", "model = \"M60S\"") + later;
    let site = file::load("x.toml", &text, &|_| None).unwrap();
    let port = |name: &str| {
        let of = |(ix, _): &(offpeak_site::MachineIx, _)| site.model_of(*ix).name == name;
        site.machines().find(of).unwrap().1.endpoint.unwrap().api_port
    };
    assert_eq!((port("M60S"), port("M30S")), (4433, 4028));
    let given =
        text.replace("first_address = \"127.1.1.1\"", "first_address = \"127.1.1.1\"\napi_port = 4028");
    let site = file::load("x.toml", &given, &|_| None).unwrap();
    assert!(site.machines.iter().all(|machine| machine.endpoint.unwrap().api_port == 4028));
}

#[test]
fn a_switch_is_a_modbus_device_or_a_pdu_of_a_kind() {
    let with = |lines: &str| {
        let text = crate::text("small").replace("modbus = \"127.0.0.1:15031\"", lines);
        let loaded = file::load_with_warnings("x.toml", &text, &|_| None);
        (loaded.site, loaded.diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let (site, told) = with("snmp = \"10.0.0.31:161\"\npdu = \"apc-rpdu\"");
    assert_eq!(told, [""; 0]);
    let pdu = site.unwrap().switches[0].snmp.clone().unwrap();
    assert_eq!((pdu.address.as_str(), pdu.pdu.as_str()), ("10.0.0.31:161", "apc-rpdu"));
    let (site, told) = with("snmp = \"10.0.0.31:161\"");
    assert!(site.is_none() && told[0].contains("`pdu` beside it"), "{told:?}");
    let (site, told) = with("modbus = \"10.0.0.31:502\"\nsnmp = \"10.0.0.31:161\"\npdu = \"apc-rpdu\"");
    assert!(site.is_none() && told[0].contains("not both"), "{told:?}");
    let (site, _) = with("snmp = \"10.0.0.31\"\npdu = \"apc-rpdu\"");
    assert!(site.is_none(), "an address without a port");
}

#[test]
fn fans_hang_on_halls_and_have_contactors_of_their_own() {
    let fans = "[[switches]]\nid = \"contactors\"\nmodbus = \"127.0.0.1:15041\"\n\n\
        [[fans]]\nid = \"fans-[1-2]\"\ncircuit = \"hall-[1-2]\"\nswitch = \"contactors\"\nchannels = 2\n\
        power_kw = 1.5\nlead_s = 30\nrun_on_s = 240\n\n[[owners]]";
    let with = |from: &str, to: &str| {
        assert!(fans.contains(from), "{from}");
        let text = crate::text("small").replacen("[[owners]]", &fans.replacen(from, to, 1), 1);
        let loaded = file::load_with_warnings("x.toml", &text, &|_| None);
        (loaded.site, loaded.diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let (site, told) = with("lead_s", "lead_s");
    assert_eq!(told, [""; 0]);
    let site = site.unwrap();
    let [_, second] = &site.fans[..] else { panic!("{:?}", site.fans) };
    assert_eq!((second.first_channel, second.channels), (2, 2));
    assert_eq!(site.circuits.get(second.circuit).id, "hall-2");
    assert_eq!((second.lead.as_secs(), second.run_on.as_secs(), second.without.as_secs()), (30, 240, 120));
    for (from, to, expected) in [
        ("circuit = \"hall-[1-2]\"", "circuit = \"transformer-1\"", "fans[0].circuit: found `transformer-1`"),
        ("circuit = \"hall-[1-2]\"", "circuit = \"hall-[2-3]\"", "circuit: found `hall-3`"),
        ("circuit = \"hall-[1-2]\"", "circuit = \"hall-[1-3]\"", "ranges that go along with"),
        ("switch = \"contactors\"", "switch = \"contactor\"", "did you mean `contactors`?"),
        (
            "switch = \"contactors\"",
            "switch = \"outlets-hall-1\"",
            "channel 0 of the switch `outlets-hall-1`",
        ),
        ("id = \"fans-[1-2]\"", "id = \"fans-[1,1]\"", "`fans-1` twice"),
        ("channels = 2", "channels = 0", "fans[0].channels: found 0"),
        ("channels = 2", "first_channel = 65_535", "at most 65536 channels"),
        ("power_kw = 1.5", "power_kw = -1", "fans[0].power_kw: found -1"),
        ("power_kw = 1.5\n", "", "fans[0].power_kw: found nothing"),
        ("lead_s = 30", "lead_s = 0.5", "fans[0].lead_s: found 0.5"),
        ("run_on_s = 240", "run_on_s = \"long\"", "fans[0].run_on_s: found \"long\""),
        ("run_on_s = 240", "run_on = 240", "did you mean `run_on_s`?"),
        ("power_kw = 1.5", "power_kw = 9", "warning: contract.house_load_kw"),
    ] {
        let (_, told) = with(from, to);
        assert!(told.len() == 1 && told[0].contains(expected), "{from} -> {to}: {told:?}");
    }
}

#[test]
fn mistakes_of_an_inventory_carry_its_own_lines() {
    let (site, told) = with_inventory(
        "position,model,owner,mac,adress\n\
         hall-2/rack-2/pdu-1/1,M30S,house,C8:11:05:00:00:01,\n\
         hall-2/rack-2/pdu-1/1,M30S,house,C8:11:05:00:00:02,\n\
         hall-9/rack-2/pdu-1/1,M30S,nobody,,\n\
         hall-2/rack-2/pdu-1,M31,,zz,\n\
         hall-2/rack-2/pdu-1/3,M30S,house,C8:11:05:00:00:01,\n\
         hall-1/rack-1/pdu-1/1,M30S,house,,\n",
    );
    assert!(site.is_none());
    let expected = [
        "fleet.csv:1:26: found the unknown column `adress`",
        "fleet.csv:3:1: found the position `hall-2/rack-2/pdu-1/1`, already in fleet.csv line 2",
        "fleet.csv:4:1: position: found \"hall-9/rack-2/pdu-1/1\"",
        "fleet.csv:4:28: owner: found \"nobody\"",
        "fleet.csv:5:1: position: found \"hall-2/rack-2/pdu-1\"",
        "fleet.csv:5:21: model: found \"M31\"",
        "fleet.csv:5:25: owner: found nothing",
        "fleet.csv:5:26: mac: found \"zz\"",
        "fleet.csv:6:1: found the MAC C8:11:05:00:00:01, already in fleet.csv line 2",
        "fleet.csv:7:1: found the position `hall-1/rack-1/pdu-1/1`, already in line",
    ];
    for (message, expected) in told.iter().zip(expected) {
        assert!(message.starts_with(expected), "{message}\nexpected {expected}");
    }
    assert_eq!(told.len(), expected.len(), "{}", told.join("\n"));
}

#[test]
fn an_inventory_that_cannot_be_read_is_told_at_its_name() {
    let text = crate::text("small") + "\n[inventory]\ncsv = \"fleet.csv\"\n";
    let found = messages(&text, None);
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("inventory.csv: found \"fleet.csv\", which cannot be read"), "{}", found[0]);
}

#[test]
fn a_model_may_differ_from_the_catalogue() {
    let models = "[[models]]\nname = \"M20S\"\nsleep_w = 18\n\n[[models]]\nname = \"Ours\"\nlike = \"M30S\"\n\n[contract]";
    let text = crate::text("small").replacen("[contract]", models, 1).replacen(
        "model = \"S19\"",
        "model = \"Ours\"",
        1,
    );
    let site = file::load("x.toml", &text, &|_| None).unwrap();
    let model = |name: &str| site.models.iter().find(|model| model.name == name).unwrap();
    assert_eq!(model("M20S").sleep.to_watts(), 18);
    assert_eq!(model("M20S").power_max().to_watts(), 3_360);
    assert_eq!(model("Ours").power_max(), model("M30S").power_max());
}

#[test]
fn a_machine_that_nothing_stops_is_a_warning() {
    let text = crate::text("small").replacen("model = \"S19\"", "model = \"S17\"", 1).replacen(
        "house_load_kw = 12",
        "house_load_kw = 60",
        1,
    );
    let loaded = file::load_with_warnings("x.toml", &text, &|_| None);
    assert!(loaded.site.is_some());
    assert_eq!(loaded.diagnostics.len(), 1, "{:?}", loaded.diagnostics);
    assert_eq!(loaded.diagnostics[0].severity, Severity::Warning);
    assert!(loaded.diagnostics[0].found.contains("16 machines of model S17"));
}

/// The small site with a signal, a demand limit, derating, nominations and an import.
fn ruled() -> offpeak_site::Site {
    let rules = "[[signals]]
id = \"tso\"
hold_min = 15
fallback_kw = 12
levels_kw = [190, 100, 0]

[[contract.nominations]]
date = 2024-02-29 # the clock goes back: 25 hours
hours_kw = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25]

[[contract.imports]]
id = \"ru\"
days = \"workdays\"
from = \"22:00\"
to = \"02:00\"
limit_kw = 20
price_per_kwh = 46

[prices]";
    let text = crate::text("small").replacen("[prices]", rules, 1).replacen(
        "base_load_kw = 1 ",
        "demand_kw = 180\nderating = [{ outdoor_c = 30, rating_kw = 250 }, { outdoor_c = 40, rating_kw = 200 }]\nbase_load_kw = 1 ",
        1,
    );
    file::load("x.toml", &text, &|_| None).unwrap()
}

#[test]
fn signals_demand_derating_nominations_and_imports_are_read() {
    let site = ruled();
    assert_eq!(site.rules.signals[0].hold, jiff::SignedDuration::from_mins(15));
    assert_eq!(site.rules.signals[0].levels.len(), 3);
    assert_eq!(site.rules.demand[0].measure, offpeak_site::Measure::Mean(15));
    assert_eq!(site.rules.derating[0].rating_at(None).to_watts(), 200_000);
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    let span = |text: &str| site.contract.limit_at(&site.time_zone, at(text));
    // Kazakhstan went from UTC+6 to UTC+5 at midnight of 1 March 2024, so 23:00 came twice on 29 February.
    let imports = |text: &str| site.contract.imports_at(&site.time_zone, at(text)).count();
    assert_eq!(imports("2022-10-03T17:00:00Z"), 1, "Monday 23:00");
    assert_eq!(imports("2022-10-03T19:30:00Z"), 1, "Tuesday 1:30");
    assert_eq!(imports("2022-10-03T21:00:00Z"), 0);
    let night = span("2022-10-03T17:00:00Z");
    assert_eq!((night.limit.to_watts(), night.firm.to_watts()), (32_000, 12_000), "on top of the house load");
}

#[test]
fn sharing_timing_pins_and_costs_are_read() {
    let text = crate::text("small")
        .replacen("[contract]", "[sharing]\nrule = \"proportional\"\n\n[timing]\nleast_rest_min = 10\n\n[contract]", 1)
        .replacen("name = \"Customer A\"", "name = \"Customer A\"\nshare = 3", 1)
        .replacen("slots = 8\nowner = \"house\"", "slots = 8\npinned = \"off\"\nowner = \"house\"", 1)
        .replacen(
            "[prices]",
            "[prices]\noverhead_percent = 2.5\nlevies = [{ from = 2022-01-01, per_kwh = 1 }, { from = 2022-01-01, per_kwh = 10, price_below = 20 }]",
            1,
        );
    let site = file::load("x.toml", &text, &|_| None).unwrap();
    assert_eq!(site.rules.sharing, offpeak_site::SharingRule::Proportional);
    assert_eq!(site.rules.timing.least_rest, jiff::SignedDuration::from_mins(10));
    assert_eq!(site.rules.terms.iter().map(|terms| terms.share).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(site.rules.pinned.len(), 16, "the first entry's machines");
    assert!(site.rules.pinned.iter().all(|(ix, on)| ix.0 < 16 && !on));
    assert_eq!(site.economics.costs.overhead_ppm, 25_000);
    assert_eq!(site.economics.costs.levies[0].value.len(), 2);
}

#[test]
fn a_start_in_the_frost_costs_more() {
    use offpeak_units::Temperature;
    let priced = |text: &str| {
        let text = crate::text("small").replacen("[prices]", &format!("[prices]\n{text}"), 1);
        file::load("x.toml", &text, &|_| None)
    };
    let costs = priced("start_cost = 10\ncold_start_cost = 40").unwrap().economics.costs;
    let at = |celsius: Option<i32>| {
        let cost = costs.start_at(celsius.map(Temperature::from_celsius));
        cost.unwrap().amount().to_string().parse::<f64>().unwrap()
    };
    let asked = [Some(20), Some(0), Some(-15), Some(-30), Some(-45), None];
    assert_eq!(asked.map(at), [10.0, 10.0, 25.0, 40.0, 40.0, 10.0]);
    let plain = priced("start_cost = 10").unwrap().economics.costs;
    assert_eq!(plain.start_at(Some(Temperature::from_celsius(-30))), plain.start);
    for wrong in ["cold_start_cost = 40", "start_cost = 10\ncold_start_cost = 9"] {
        let told = priced(wrong).unwrap_err().iter().map(ToString::to_string).collect::<String>();
        assert!(told.contains("a `start_cost` beside it that is not more"), "{told}");
    }
}

#[test]
fn phases_and_tuning_are_read() {
    use offpeak_site::Phase::{L1, L2, L3};
    let text = crate::text("small")
        .replacen("[contract]", "[tuning]\nchange_modes = true\n\n[contract]", 1)
        .replacen("slots = 8\nowner = \"house\"", "slots = 8\nphase = \"in turn\"\nowner = \"house\"", 1)
        .replacen("kind = \"hall\"", "kind = \"hall\"\nphase_imbalance_kw = 10", 1);
    let site = file::load("x.toml", &text, &|_| None).unwrap();
    assert_eq!((site.rules.tuning.change_modes, site.rules.tuning.swap_machines), (true, false));
    let first: Vec<_> = site.rules.phases[..9].iter().flatten().copied().collect();
    assert_eq!(first, [L1, L2, L3, L1, L2, L3, L1, L2, L1], "each circuit begins anew");
    assert_eq!(site.rules.phase(offpeak_site::MachineIx(63)), None);
    assert!(site.rules.balance.iter().all(|rule| rule.most.to_watts() == 10_000));
    assert_eq!(site.rules.balance.len(), 2, "both halls");
    let plain = file::load("x.toml", &crate::text("small"), &|_| None).unwrap();
    assert!(plain.rules.phases.is_empty() && plain.rules.balance.is_empty());
    let row = |phase: &str| {
        with_inventory(&format!("position;owner;model;phase\nhall-2/rack-2/pdu-1/1;house;M30S;{phase}\n"))
    };
    let site = row("L2").0.unwrap();
    assert_eq!(site.rules.phases.last(), Some(&Some(L2)));
    assert!(row("L4").1[0].contains("L1, L2 or L3"), "{:?}", row("L4").1);
}

#[test]
fn budgets_and_demand_charges_are_read() {
    use offpeak_site::{Before, CircuitIx, Period};
    use offpeak_units::{Energy, Power};
    let rules = "[[budgets]]
id = \"site\"
per = \"month\"
energy_mwh = 90.5
used_mwh = 12.25
used_at = 2022-10-03T08:00:00+06:00

[[budgets]]
id = \"hall\"
circuit = \"hall-1\"
per = \"day\"
energy_mwh = 2

[prices]
peak_kw = 170
peak_at = 2022-10-03T08:00:00+06:00
demand_charges = [
  { from = 2022-10-01, price_per_kw = 900, demand_min = 30, hold_peak = true },
  { from = 2022-12-01, price_per_kw = 0 },
]";
    let text = crate::text("small").replacen("[prices]", rules, 1);
    let site = file::load("x.toml", &text, &|_| None).unwrap();
    let until: jiff::Timestamp = "2022-10-03T02:00:00Z".parse().unwrap();
    let [whole, hall] = &site.rules.budgets[..] else { panic!("two budgets") };
    assert_eq!((whole.circuit, whole.period), (CircuitIx::ROOT, Period::Month));
    assert_eq!(whole.energy, Energy::from_watt_hours(90_500_000));
    assert_eq!(whole.before, Some(Before { until, value: Energy::from_watt_hours(12_250_000) }));
    assert_eq!((site.circuits.get(hall.circuit).id.as_str(), hall.before), ("hall-1", None));
    assert_eq!(site.economics.costs.peak_before, Some(Before { until, value: Power::from_kilowatts(170) }));
    let charge = |at: &str| site.economics.demand_charge_at(&site.time_zone, at.parse().unwrap());
    let october = charge("2022-11-30T17:59:59Z").unwrap();
    assert_eq!((october.minutes, october.holds), (30, true));
    assert_eq!(october.price_per_kilowatt.amount().to_string(), "900");
    assert_eq!(charge("2022-11-30T18:00:00Z"), None, "a price of zero ends it, at midnight there");
    assert_eq!(charge("2022-09-30T17:59:59Z"), None);
    // 32 machines, base 2 kW, no fans: between all asleep and all on, and no more than the hall may carry.
    let (least, most) = (site.least_draw(hall.circuit), site.most_draw(hall.circuit));
    assert!(least > Power::from_kilowatts(2) && least < Power::from_kilowatts(3), "{least}");
    assert!(most > Power::from_kilowatts(90) && most <= Power::from_kilowatts(125), "{most}");
}

#[test]
fn a_feed_s_mistakes_carry_their_lines() {
    let site = ruled();
    let feed = |text: &str| file::feed("feed.toml", text, &site);
    let word = "[[signals]]\nid = \"tso\"\nat = 2022-10-03T08:00:00+06:00\n";
    let level = feed(&format!("{word}level = 1\nsetpoint = true\n")).unwrap().signals[&0];
    assert_eq!((level.limit.unwrap().to_watts(), level.holds), (100_000, true));
    assert_eq!(feed(&format!("{word}no_limit = true\n")).unwrap().signals[&0].limit, None);
    assert_eq!(
        feed(&format!("{word}limit_kw = 0\n")).unwrap().signals[&0].limit,
        Some(offpeak_units::Power::ZERO)
    );
    let price = "[hash_price]\nat = 2022-10-03T02:00:00Z\nusd_per_th_day = 0.08\n";
    for (text, expected) in [
        (word.to_owned(), "1:1: signals[0]: found none or several words"),
        (format!("{word}level = 3\n"), "4:9: signals[0].level: found 3, expected one of the 3 levels"),
        (format!("{word}level = 1\nlimit_kw = 5\n"), "none or several words"),
        (word.replace("tso", "iso") + "level = 1\n", "2:6: signals[0].id: found `iso`"),
        (word.replace("+06:00", "") + "level = 1\n", "3:6: signals[0].at"),
        (price.to_owned(), "`per_usd` beside it"),
        ("[outdoor]\ncelsius = 1e9\nat = \"now\"\n".to_owned(), "outdoor.celsius"),
        ("[outdoors]\n".to_owned(), "did you mean `outdoor`?"),
    ] {
        let told = feed(&text).unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        assert!(told.contains(expected), "{text}\n{told}\nexpected {expected}");
    }
}
