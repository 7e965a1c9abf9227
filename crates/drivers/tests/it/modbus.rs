//! Meters and switches against pymodbus, and against devices that break the protocol.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use offpeak_drivers::clock::Clock;
use offpeak_drivers::connect::Connector;
use offpeak_drivers::modbus::{ModbusError, ModbusMeter, ModbusSwitch, RegisterMap};
use offpeak_drivers::switch::Switch;
use offpeak_site::observe::ModbusAddress;
use offpeak_site::{Outcome, Trouble};
use offpeak_units::{Energy, Power};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::Instant;

use crate::hosts::{Hosts, api};
use crate::python::{Server, script};

fn pymodbus() -> Server {
    Server::start(script("modbus_server.py"))
}

fn meter(server: &Server, unit: u8, map: &str) -> ModbusMeter {
    let at = ModbusAddress { address: server.address.clone(), unit };
    let map = RegisterMap::named(map).unwrap();
    ModbusMeter::new(Connector::Tcp, Clock::System, at, map, Duration::from_secs(5))
}

#[tokio::test]
async fn pymodbus_serves_meters_and_a_switch() {
    let server = pymodbus();
    let mut twin = meter(&server, 1, "offpeak-twin");
    for _ in 0..2 {
        let reading = twin.read().await.unwrap();
        assert_eq!(reading.power, Power::from_kilowatts(150_000));
        assert_eq!(reading.energy, Some(Energy::from_watt_hours(480_000_000)));
    }
    let reading = meter(&server, 2, "eastron-sdm630").read().await.unwrap();
    assert_eq!(reading.power, Power::from_milliwatts(-1_234_500));
    assert_eq!(reading.energy, Some(Energy::from_watt_hours(2_500)));
    let error = meter(&server, 3, "eastron-sdm630").read().await.unwrap_err();
    assert!(matches!(error, ModbusError::NotANumber { what: "power", .. }), "{error}");
    let mut short = meter(&server, 4, "offpeak-twin");
    for _ in 0..2 {
        let error = short.read().await.unwrap_err();
        assert!(matches!(error, ModbusError::Exception { words: "illegal data address", .. }), "{error}");
        assert_eq!(error.trouble(), Trouble::Denied);
    }
    let error = meter(&server, 99, "offpeak-twin").read().await.unwrap_err();
    assert!(matches!(error, ModbusError::Exception { words: "device failure", .. }), "{error}");

    let at = ModbusAddress { address: server.address.clone(), unit: 1 };
    let mut switch = ModbusSwitch::new(Connector::Tcp, at, Duration::from_secs(5));
    assert_eq!(switch.read(0, 10).await.unwrap(), [true; 10]);
    assert_eq!(switch.cut(3).await, Outcome::Accepted);
    assert_eq!(switch.read(2, 3).await.unwrap(), [true, false, true]);
    assert_eq!(switch.restore(3).await, Outcome::Accepted);
    assert_eq!(switch.read(3, 1).await.unwrap(), [true]);
    assert_eq!(switch.cut(900).await, Outcome::Refused("illegal data address".into()));
    assert!(switch.read(900, 1).await.is_err());

    // A set of fans: four contactors, each switched and read back.
    let mut fans = Switch::Modbus(switch);
    for run in [false, true, false] {
        for contactor in 8..12 {
            assert_eq!(fans.set(contactor, run).await, Outcome::Accepted);
        }
        assert_eq!(fans.read(7, 6).await.unwrap(), [true, run, run, run, run, true].map(Some));
    }
    assert_eq!(fans.set(900, true).await, Outcome::Refused("illegal data address".into()));
}

/// A device that answers each request with what `answer` makes of the transaction's two bytes.
fn device(answer: fn([u8; 2]) -> Option<Vec<u8>>) -> ModbusMeter {
    let hosts = Hosts::default();
    hosts.at(api(0), move |mut stream: DuplexStream| {
        tokio::spawn(async move {
            let mut request = [0; 12];
            while stream.read_exact(&mut request).await.is_ok() {
                match answer([request[0], request[1]]) {
                    Some(reply) if !reply.is_empty() => stream.write_all(&reply).await.unwrap(),
                    Some(_) => std::future::pending().await,
                    None => return,
                }
            }
        });
    });
    let at = ModbusAddress { address: api(0).to_string(), unit: 1 };
    let map = RegisterMap::named("offpeak-twin").unwrap();
    ModbusMeter::new(hosts.connector(), Clock::System, at, map, Duration::from_secs(3))
}

/// Whether an error is the one expected.
type Expected = fn(&ModbusError) -> bool;

#[tokio::test(start_paused = true)]
async fn devices_that_break_the_protocol_are_named() {
    // Four registers where six were asked for.
    let short = device(|[a, b]| Some(vec![a, b, 0, 0, 0, 11, 1, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0]));
    let other_unit = device(|[a, b]| Some([[a, b, 0, 0, 0, 15, 7, 4, 12].as_slice(), &[0; 12]].concat()));
    let other_request =
        device(|[a, b]| Some([[a ^ 1, b, 0, 0, 0, 15, 1, 4, 12].as_slice(), &[0; 12]].concat()));
    let other_function = device(|[a, b]| Some([[a, b, 0, 0, 0, 15, 1, 3, 12].as_slice(), &[0; 12]].concat()));
    let garbage = device(|[a, b]| Some(vec![a, b, 0x12, 0x34, 0, 3, 1, 4, 0]));
    // Its first bytes announce 12,081 more, which never come.
    let web_page = device(|_| Some(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()));
    let closes = device(|_| None);
    let silent = device(|_| Some(Vec::new()));
    let cases: [(ModbusMeter, Expected); 8] = [
        (short, |error| matches!(error, ModbusError::Short { expected: 6, found: 4, .. })),
        (other_unit, |error| matches!(error, ModbusError::WrongUnit(_))),
        (other_request, |error| matches!(error, ModbusError::WrongUnit(_))),
        (other_function, |error| matches!(error, ModbusError::Garbled(_))),
        (garbage, |error| matches!(error, ModbusError::Garbled(_))),
        (web_page, |error| matches!(error, ModbusError::Silent(_))),
        (closes, |error| matches!(error, ModbusError::Closed(_))),
        (silent, |error| matches!(error, ModbusError::Silent(_))),
    ];
    for (place, (mut meter, expected)) in cases.into_iter().enumerate() {
        for _ in 0..2 {
            let error = meter.read().await.unwrap_err();
            assert!(expected(&error), "case {place}: {error:?}");
        }
    }
    let at = ModbusAddress { address: "10.9.9.9:502".into(), unit: 1 };
    let mut switch = ModbusSwitch::new(Hosts::default().connector(), at, Duration::from_secs(3));
    assert_eq!(switch.cut(0).await, Outcome::Unanswered(Trouble::Unreachable));
}

/// A switch in memory whose relay follows so long after it was written to, or not at all; what it echoes is what was
/// written.
fn relay(follows_after: Option<Duration>) -> Switch {
    let hosts = Hosts::default();
    let state = Arc::new(Mutex::new((false, Instant::now())));
    hosts.at(api(0), move |mut stream: DuplexStream| {
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let mut request = [0; 12];
            while stream.read_exact(&mut request).await.is_ok() {
                let head = [request[0], request[1], 0, 0, 0];
                let reply = if request[7] == 5 {
                    *state.lock().unwrap() = (request[10] != 0, Instant::now());
                    request.to_vec()
                } else {
                    let (asked, since) = *state.lock().unwrap();
                    let followed = follows_after.is_some_and(|after| since.elapsed() >= after);
                    let coil = u8::from(if followed { asked } else { !asked });
                    [head.as_slice(), &[4, 1, 1, 1, coil]].concat()
                };
                stream.write_all(&reply).await.unwrap();
            }
        });
    });
    let at = ModbusAddress { address: api(0).to_string(), unit: 1 };
    Switch::Modbus(ModbusSwitch::new(hosts.connector(), at, Duration::from_secs(3)))
}

#[tokio::test(start_paused = true)]
async fn a_relay_has_its_time_to_follow() {
    for after_ms in [0, 400, 1_900] {
        let after = Duration::from_millis(after_ms);
        let mut slow = relay(Some(after));
        for closed in [true, false] {
            let begun = Instant::now();
            assert_eq!(slow.set(3, closed).await, Outcome::Accepted, "after {after:?}");
            assert!(begun.elapsed() <= after + Duration::from_millis(250), "{:?}", begun.elapsed());
        }
    }
    let begun = Instant::now();
    let refused = Outcome::Refused("the outlet did not follow".into());
    assert_eq!(relay(None).set(3, true).await, refused);
    assert!((2..=3).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());

    // While one is waited for, the switch is free for others.
    let shared = tokio::sync::Mutex::new(relay(None));
    let begun = Instant::now();
    let (one, other) =
        tokio::join!(Switch::set_shared(&shared, 3, true), Switch::set_shared(&shared, 4, true));
    assert_eq!((one, other), (refused.clone(), refused));
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}
