//! PDUs over SNMP against an independent agent (pysnmp): outlets follow and are read back, those that do not follow or
//! do not exist are told, and a wrong community is silence.

use std::time::Duration;

use offpeak_drivers::snmp::{Pdu, PduError, SnmpLogin, SnmpSwitch};
use offpeak_drivers::switch::Switch;
use offpeak_site::{Outcome, Trouble};
use offpeak_units::Power;

use crate::python::{Server, script};

/// Outlets 1 and 2 of each kind, on and off; a masterswitch's third that takes no write; watts.
const VALUES: &str = "\
1.3.6.1.4.1.318.1.1.4.4.2.1.3.1 i 1
1.3.6.1.4.1.318.1.1.4.4.2.1.3.2 i 2
1.3.6.1.4.1.318.1.1.4.4.2.1.3.3 r 1
1.3.6.1.4.1.318.1.1.4.4.2.1.3.4 i 9
1.3.6.1.4.1.318.1.1.12.3.5.1.1.4.1 i 1
1.3.6.1.4.1.318.1.1.12.3.3.1.1.4.1 i 1
1.3.6.1.4.1.318.1.1.26.9.4.3.1.7.1 g 3247
1.3.6.1.4.1.13742.6.4.1.2.1.3.1.1 i 7
1.3.6.1.4.1.13742.6.4.1.2.1.3.1.2 i 8
1.3.6.1.4.1.13742.6.4.1.2.1.2.1.1 i 1
1.3.6.1.4.1.13742.6.5.4.3.1.4.1.1.5 g 3310
1.3.6.1.4.1.13742.6.5.4.3.1.4.1.2.5 g 0
1.3.6.1.4.1.534.6.6.7.6.6.1.2.0.1 i 1
1.3.6.1.4.1.534.6.6.7.6.6.1.3.0.1 i -1
1.3.6.1.4.1.534.6.6.7.6.6.1.2.0.2 i 2
1.3.6.1.4.1.534.6.6.7.6.6.1.3.0.2 i -1
1.3.6.1.4.1.3808.1.1.3.3.5.1.1.4.1 i 2
1.3.6.1.4.1.3808.1.1.3.3.3.1.1.4.1 i 2
";

fn agent() -> Server {
    agent_of(VALUES)
}

fn agent_of(values: &str) -> Server {
    let mut command = script("snmp_agent.py");
    command.arg(values);
    Server::start(command)
}

/// Each kind with an outlet 1 that is on, as its MIB has it: where its state stands, and what its commands do to it.
/// Written down from the MIBs, apart from the kinds' own files.
const FOLLOWING: [(&str, &str); 5] = [
    ("apc-masterswitch", "1.3.6.1.4.1.318.1.1.4.4.2.1.3.1 i 1"),
    (
        "apc-rpdu",
        "1.3.6.1.4.1.318.1.1.12.3.5.1.1.4.1 i 1
         1.3.6.1.4.1.318.1.1.12.3.3.1.1.4.1 c 1.3.6.1.4.1.318.1.1.12.3.5.1.1.4.1:1=1,2=2",
    ),
    (
        "cyberpower-epdu",
        "1.3.6.1.4.1.3808.1.1.3.3.5.1.1.4.1 i 1
         1.3.6.1.4.1.3808.1.1.3.3.3.1.1.4.1 c 1.3.6.1.4.1.3808.1.1.3.3.5.1.1.4.1:1=1,2=2",
    ),
    (
        "eaton-epdu",
        "1.3.6.1.4.1.534.6.6.7.6.6.1.2.0.1 i 1
         1.3.6.1.4.1.534.6.6.7.6.6.1.3.0.1 c 1.3.6.1.4.1.534.6.6.7.6.6.1.2.0.1:0=0
         1.3.6.1.4.1.534.6.6.7.6.6.1.4.0.1 c 1.3.6.1.4.1.534.6.6.7.6.6.1.2.0.1:0=1",
    ),
    (
        "raritan-px2",
        "1.3.6.1.4.1.13742.6.4.1.2.1.3.1.1 i 7
         1.3.6.1.4.1.13742.6.4.1.2.1.2.1.1 c 1.3.6.1.4.1.13742.6.4.1.2.1.3.1.1:0=8,1=7",
    ),
];

#[tokio::test]
async fn every_kind_is_switched_off_and_on_again() {
    assert_eq!(FOLLOWING.map(|(name, _)| name).to_vec(), Pdu::known().collect::<Vec<_>>());
    for (name, values) in FOLLOWING {
        let agent = agent_of(values);
        let mut pdu = switch(&agent, name, "s3cret");
        assert_eq!(pdu.read(1, 1).await.unwrap(), [Some(true)], "{name}");
        for carries in [false, true, false] {
            assert_eq!(pdu.set(1, carries).await, Outcome::Accepted, "{name} to {carries}");
            assert_eq!(pdu.read(1, 1).await.unwrap(), [Some(carries)], "{name}");
        }
    }
}

fn switch(agent: &Server, pdu: &str, community: &str) -> Switch {
    let pdu = Pdu::named(pdu).unwrap();
    let within = Duration::from_millis(700);
    Switch::Snmp(Box::new(SnmpSwitch::new(
        agent.address.clone(),
        pdu,
        SnmpLogin::Community(community.to_owned()),
        within,
    )))
}

#[test]
fn every_kind_that_comes_along_is_whole() {
    for name in Pdu::known() {
        let pdu = Pdu::named(name).unwrap();
        assert_eq!(pdu.name(), name);
        assert!(!pdu.title().is_empty() && pdu.source().len() > 20, "{name} says where it is from");
    }
    assert!(matches!(Pdu::named("apc"), Err(PduError::Unknown { .. })));
    let text = "name = \"x\"\ntitle = \"x\"\nsource = \"x\"\n[state]\noid = \"1.3.{outlet}\"\non = [1]\noff = [2]\n[on]\noid = \"1.3.6\"\nvalue = 1\n[off]\noid = \"1.3.{outlet}\"\nvalue = 2\n";
    assert!(matches!(Pdu::parse(text), Err(PduError::Oid { .. })), "an identifier without an outlet");
    assert!(Pdu::parse(&text.replace("1.3.6", "1.3.{outlet}")).is_ok());
    assert!(matches!(Pdu::parse(&text.replace("1.3.6", "1.x.{outlet}")), Err(PduError::Oid { .. })));
    assert!(matches!(Pdu::parse("name = 1"), Err(PduError::Malformed(_))));
}

#[tokio::test]
async fn outlets_follow_and_are_read_back() {
    let agent = agent();
    let mut apc = switch(&agent, "apc-masterswitch", "s3cret");
    // The fourth is in a state that is neither, the fifth is not there.
    let states = [Some(true), Some(false), Some(true), None, None];
    assert_eq!(apc.read(1, 5).await.unwrap(), states);
    assert_eq!(apc.set(1, false).await, Outcome::Accepted);
    assert_eq!(apc.set(2, true).await, Outcome::Accepted);
    assert_eq!(apc.read(1, 2).await.unwrap(), [Some(false), Some(true)]);
    let Outcome::Refused(words) = apc.set(3, false).await else { panic!("it takes no write") };
    assert!(words.contains("notWritable"), "{words}");
    let Outcome::Refused(_) = apc.set(9, false).await else { panic!("there is no such outlet") };
    assert_eq!(apc.watts(1, 2).await.unwrap(), [None, None], "it has no meter");

    // Here writing goes elsewhere than reading, and this agent's outlets do not follow. All at once, for each is given
    // its time.
    let agent = &agent;
    let deaf = async |pdu| {
        let mut deaf = switch(agent, pdu, "s3cret");
        assert_eq!(deaf.read(1, 1).await.unwrap(), [Some(true)], "{pdu}");
        let refused = Outcome::Refused("the outlet did not follow".into());
        assert_eq!(deaf.set(1, false).await, refused, "{pdu}: an echo is not the deed");
    };
    // One that is pending has neither followed nor refused to.
    let pending = async || {
        let mut eaton = switch(agent, "eaton-epdu", "s3cret");
        assert_eq!(eaton.read(2, 1).await.unwrap(), [None]);
        assert_eq!(eaton.set(2, false).await, Outcome::Unanswered(Trouble::Silent));
    };
    tokio::join!(deaf("apc-rpdu"), deaf("raritan-px2"), deaf("eaton-epdu"), pending());
    let mut cyberpower = switch(agent, "cyberpower-epdu", "s3cret");
    assert_eq!(cyberpower.set(1, false).await, Outcome::Accepted, "it was off");
}

#[tokio::test]
async fn outlets_are_metered_where_they_have_meters() {
    let agent = agent();
    let mut raritan = switch(&agent, "raritan-px2", "s3cret");
    let watts = [Some(Power::from_watts(3_310)), Some(Power::ZERO), None];
    assert_eq!(raritan.watts(1, 3).await.unwrap(), watts, "what is not there is not zero");
    let mut apc = switch(&agent, "apc-rpdu", "s3cret");
    assert_eq!(apc.watts(1, 1).await.unwrap(), [Some(Power::from_watts(3_247))]);
}

#[tokio::test]
async fn a_wrong_community_and_nobody_are_never_success() {
    let agent = agent();
    let mut stranger = switch(&agent, "apc-masterswitch", "private");
    assert_eq!(stranger.set(1, false).await, Outcome::Unanswered(Trouble::Silent));
    assert_eq!(stranger.read(1, 1).await.unwrap_err().trouble(), Trouble::Silent);
    assert_eq!(switch(&agent, "apc-masterswitch", "s3cret").read(1, 1).await.unwrap(), [Some(true)]);
    let pdu = || Pdu::named("apc-masterswitch").unwrap();
    for address in ["127.0.0.1:9", "nowhere"] {
        let gone = SnmpSwitch::new(
            address.into(),
            pdu(),
            SnmpLogin::Community("x".into()),
            Duration::from_millis(300),
        );
        let outcome = Switch::Snmp(Box::new(gone)).set(1, false).await;
        let Outcome::Unanswered(trouble) = outcome else { panic!("{address}: {outcome:?}") };
        assert!(matches!(trouble, Trouble::Unreachable | Trouble::Silent), "{trouble:?}");
    }
}

/// A login of version 3.
fn user(name: &str, auth_password: &str, privacy_password: &str, protocols: [&str; 2]) -> SnmpLogin {
    let [auth, privacy] = protocols;
    let text = format!(
        "x = {{ user = \"{name}\", auth_password = \"{auth_password}\", privacy_password = \"{privacy_password}\", \
         auth = \"{auth}\", privacy = \"{privacy}\" }}"
    );
    toml::from_str::<std::collections::BTreeMap<String, SnmpLogin>>(&text).unwrap().remove("x").unwrap()
}

#[tokio::test]
async fn version_3_is_authenticated_and_encrypted() {
    let agent = agent();
    let opened = |login| {
        let pdu = Pdu::named("apc-masterswitch").unwrap();
        let within = Duration::from_millis(1_500);
        Switch::Snmp(Box::new(SnmpSwitch::new(agent.address.clone(), pdu, login, within)))
    };
    // By the agent: op has SHA and AES-128, safe has SHA-256 and AES-256.
    for login in [
        user("op", "authsecret", "privsecret", ["sha", "aes"]),
        user("safe", "authsecret", "privsecret", ["sha-256", "aes-256-reeder"]),
    ] {
        let mut switch = opened(login);
        assert_eq!(switch.read(1, 2).await.unwrap(), [Some(true), Some(false)]);
        assert_eq!(switch.set(1, false).await, Outcome::Accepted);
        assert_eq!(switch.read(1, 1).await.unwrap(), [Some(false)]);
        assert_eq!(switch.set(1, true).await, Outcome::Accepted);
        assert!(matches!(switch.set(3, false).await, Outcome::Refused(_)), "an outlet that takes no write");
    }
    // What the agent reports of these is not authenticated, so it is not believed either: silence, never success.
    for login in [
        user("nobody", "authsecret", "privsecret", ["sha", "aes"]),
        user("op", "authsecre!", "privsecret", ["sha", "aes"]),
        user("op", "authsecret", "privsecret", ["sha-256", "aes"]),
        user("op", "authsecret", "privsecre!", ["sha", "aes"]),
    ] {
        let mut switch = opened(login);
        let error = switch.read(1, 1).await.unwrap_err();
        assert!(matches!(error.trouble(), Trouble::Silent | Trouble::Denied), "{error}");
        assert_ne!(switch.set(1, false).await, Outcome::Accepted);
    }
    let mut switch = opened(user("op", "authsecret", "privsecret", ["sha", "aes"]));
    assert_eq!(switch.read(1, 1).await.unwrap(), [Some(true)], "nobody else switched it");
}
