//! Watts below zero are no watts: absent, in every family that tells any.

use offpeak_drivers::{
    bitaxe, braiins, braiins_graphql, epic, luxos, proto, vnish, whatsminer, whatsminer_v3,
};
use offpeak_units::Power;

/// A family's name, and what it makes of a reply that says so many watts.
type Told = (&'static str, fn(i64) -> Option<Power>);

const FAMILIES: [Told; 9] = [
    ("whatsminer-v2", |watts| {
        let reply =
            format!(r#"{{"STATUS":[{{"STATUS":"S"}}],"SUMMARY":[{{"MHS 5s":7e7,"Power":{watts}}}]}}"#);
        whatsminer::Summary::parse(reply.as_bytes()).unwrap().power()
    }),
    ("whatsminer-v3", |watts| {
        let reply = format!(r#"{{"code":0,"msg":{{"summary":{{"power-realtime":{watts}}}}}}}"#);
        whatsminer_v3::Summary::parse(reply.as_bytes()).unwrap().power()
    }),
    ("luxos", |watts| {
        let reply = format!(r#"{{"STATUS":[{{"STATUS":"S"}}],"POWER":[{{"Watts":{watts}}}]}}"#);
        luxos::Power::parse(reply.as_bytes()).unwrap().power()
    }),
    ("braiins-os", |watts| {
        let reply = format!(r#"{{"power_stats":{{"approximated_consumption":{{"watt":{watts}}}}}}}"#);
        braiins::Stats::parse(reply.as_bytes()).unwrap().power()
    }),
    ("braiins-os-graphql", |watts| {
        let reply = format!(
            r#"{{"data":{{"bosminer":{{"info":{{"summary":{{"power":{{"approxConsumptionW":{watts}}}}}}}}}}}}}"#
        );
        braiins_graphql::Info::parse(reply.as_bytes()).unwrap().power()
    }),
    ("vnish", |watts| {
        let reply = format!(r#"{{"miner":{{"power_consumption":{watts}}}}}"#);
        vnish::Summary::parse(reply.as_bytes()).unwrap().power()
    }),
    ("epic", |watts| {
        let reply = format!(r#"{{"Status":{{}},"Power Supply Stats":{{"Input Power":{watts}}}}}"#);
        epic::Summary::parse(reply.as_bytes()).unwrap().power()
    }),
    ("proto-rig", |watts| {
        let reply = format!(r#"{{"mining-status":{{"power_usage_watts":{watts}}}}}"#);
        proto::Mining::parse(reply.as_bytes()).unwrap().power()
    }),
    ("bitaxe", |watts| {
        let reply = format!(r#"{{"ASICModel":"BM1370","power":{watts}}}"#);
        bitaxe::Info::parse(reply.as_bytes()).unwrap().power()
    }),
];

#[test]
fn watts_below_zero_are_absent() {
    for (family, told) in FAMILIES {
        assert_eq!(told(3_000), Some(Power::from_watts(3_000)), "{family}");
        for below in [-1, -3_000] {
            assert_eq!(told(below), None, "{family} says {below} W");
        }
    }
}
