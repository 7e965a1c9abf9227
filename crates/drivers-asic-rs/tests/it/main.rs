//! asic-rs as an independent client of the twin's front ends.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod families;
mod fronts;
mod recorded;
mod served;

/// Whether pages are served at port 80, the only one where asic-rs looks for them. Not every user may listen there:
/// then what needs it fails, unless `OFFPEAK_WITHOUT_PORT_80` says that it is to be left out.
fn at_port_80() -> bool {
    use offpeak_drivers::fronts::Ports;
    let here = Ports::for_this_user() == Ports::STANDARD;
    assert!(
        here || std::env::var_os("OFFPEAK_WITHOUT_PORT_80").is_some(),
        "this user may not listen at port 80, where asic-rs asks for pages: OFFPEAK_WITHOUT_PORT_80=1 leaves that out"
    );
    here
}
