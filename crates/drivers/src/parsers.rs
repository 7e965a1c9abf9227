//! Every parser of what machines say, in one place for fuzzing and for replaying what fuzzing found: whatever
//! the bytes, none may panic or keep more than a few times their size. That goes for files of ours too, where
//! other hands write them, and for what a bug report makes of a machine's words.
//!
//! Not here: any use of the values.

mod full;
mod wire;

use crate::{
    antminer, avalon, bitaxe, braiins, braiins_graphql, epic, luxos, modbus, proto, secrets, snmp,
    transcript, vnish, whatsminer, whatsminer_v3,
};

/// Runs every parser on these bytes and forgets what they say.
pub fn run_all(bytes: &[u8]) {
    whatsminer_2(bytes);
    whatsminer_3(bytes);
    stock(bytes);
    canaan(bytes);
    luxor(bytes);
    anthill(bytes);
    bos(bytes);
    bos_before(bytes);
    rig(bytes);
    power_play(bytes);
    axe(bytes);
    wire::run(bytes);
    full::run(bytes);
    transcribed(bytes);
    if let Ok(text) = core::str::from_utf8(bytes) {
        let _ = modbus::RegisterMap::parse(text);
        let _ = snmp::Pdu::parse(text);
        let _ = secrets::Secrets::parse(text);
    }
}

/// The report of a machine that said this, and of one that was told it.
fn transcribed(bytes: &[u8]) {
    let tape = transcript::Tape::default();
    let track = tape.begin(std::net::SocketAddr::from(([127, 0, 0, 1], 4028)), None);
    track.received(bytes);
    track.sent(bytes);
    let _ = tape.report(&["password"]);
}

fn whatsminer_2(bytes: &[u8]) {
    if let Ok(summary) = whatsminer::Summary::parse(bytes) {
        let _ = (summary.hash_rate(), summary.power(), summary.temperature(), summary.mode(), summary.mac());
    }
    if let Ok(state) = whatsminer::State::parse(bytes) {
        let _ = (state.is_off(), state.mode());
    }
    let _ = whatsminer::Version::parse(bytes);
    let _ = whatsminer::MinerInfo::parse(bytes).map(|info| info.mac());
    let _ = whatsminer::DeviceDetails::parse(bytes);
    if let Ok(token) = whatsminer::Token::from_reply(bytes, "admin") {
        let _ = token.accepted(bytes);
    }
}

fn whatsminer_3(bytes: &[u8]) {
    if let Ok(summary) = whatsminer_v3::Summary::parse(bytes) {
        let _ = (summary.hash_rate(), summary.power(), summary.temperature());
    }
    let _ = whatsminer_v3::DeviceInfo::parse(bytes).map(|info| (info.mac(), info.errors()));
    let _ = whatsminer_v3::Setting::parse(bytes).map(|setting| setting.mode());
    let _ = whatsminer_v3::accepted(bytes);
}

fn stock(bytes: &[u8]) {
    if let Ok(stats) = antminer::Stats::parse(bytes) {
        let _ = (stats.hash_rate(), stats.temperature());
    }
    let _ = antminer::Version::parse(bytes);
    let _ = antminer::SystemInfo::parse(bytes).map(|info| info.mac());
    let _ = antminer::Saved::accepted(bytes);
    if let Ok(conf) = antminer::Conf::parse(bytes) {
        let _ = (conf.work_mode(), conf.with_work_mode(antminer::WorkMode::Sleep));
    }
}

fn canaan(bytes: &[u8]) {
    if let Ok(stats) = avalon::Stats::parse(bytes) {
        let module = stats.module();
        let _ = (module.hash_rate(), module.power(), module.temperature(), module.mode(), module.activity());
    }
    let _ = avalon::Version::parse(bytes).map(|version| version.mac());
    let _ = avalon::Answer::parse(bytes);
}

fn luxor(bytes: &[u8]) {
    let _ = luxos::Fast::parse(bytes).map(|fast| fast.activity());
    let _ = luxos::Config::parse(bytes).map(|config| (config.mac(), config.sleeps(), config.mode()));
    let _ = luxos::Summary::parse(bytes).map(|summary| summary.hash_rate());
    let _ = luxos::Power::parse(bytes).map(|power| power.power());
    let _ = luxos::Temperatures::parse(bytes).map(|temperatures| temperatures.hottest());
    let _ = luxos::Profiles::parse(bytes);
    let _ = luxos::Pools::parse(bytes).map(|pools| pools.places());
    let _ = (luxos::Session::parse(bytes), luxos::Version::parse(bytes));
}

fn anthill(bytes: &[u8]) {
    if let Ok(summary) = vnish::Summary::parse(bytes) {
        let _ = (summary.state(), summary.hash_rate(), summary.power(), summary.temperature());
    }
    let _ = vnish::Status::parse(bytes).map(|status| status.state());
    let _ = vnish::Info::parse(bytes).map(|info| info.mac());
    let _ = vnish::Presets::parse(bytes)
        .map(|presets| presets.within(offpeak_units::Power::from_kilowatts(4)).is_some());
    let _ = (vnish::Saved::parse(bytes), vnish::Unlocked::parse(bytes));
    let _ = vnish::reply::with_preset(bytes, "3000");
}

fn bos(bytes: &[u8]) {
    let _ = braiins::Stats::parse(bytes).map(|stats| (stats.hash_rate(), stats.power()));
    if let Ok(details) = braiins::Details::parse(bytes) {
        let _ = (details.state(), details.mac(), details.model(), details.firmware());
    }
    let _ = braiins::Token::parse(bytes).map(|token| token.ends_after());
}

fn bos_before(bytes: &[u8]) {
    if let Ok(info) = braiins_graphql::Info::parse(bytes) {
        let _ = (info.hash_rate(), info.power(), info.temperature(), info.model().is_some());
    }
    if let Ok(system) = braiins_graphql::System::parse(bytes) {
        let _ = (system.uptime(), system.mac(), system.serial().is_some(), system.firmware().is_some());
    }
    let _ = braiins_graphql::reply::done(bytes, "/bosminer/stop");
}

fn rig(bytes: &[u8]) {
    if let Ok(mining) = proto::Mining::parse(bytes) {
        let _ = (mining.state(), mining.hash_rate(), mining.power(), mining.temperature(), mining.target());
    }
    let _ = proto::System::parse(bytes).map(|system| (system.model().is_some(), system.firmware().is_some()));
    let _ = proto::Network::parse(bytes).map(|network| network.mac());
    let _ = proto::Access::parse(bytes);
}

fn power_play(bytes: &[u8]) {
    if let Ok(summary) = epic::Summary::parse(bytes) {
        let _ = (summary.activity(), summary.hash_rate(), summary.power(), summary.temperature());
    }
    let _ = epic::Network::parse(bytes).map(|network| network.mac());
    if let Ok(capabilities) = epic::Capabilities::parse(bytes) {
        let _ = (capabilities.model().is_some(), capabilities.serial().is_some());
        let _ = capabilities.target_below(offpeak_units::Power::from_watts(3_000));
    }
    let _ = epic::reply::done(bytes);
}

fn axe(bytes: &[u8]) {
    if let Ok(info) = bitaxe::Info::parse(bytes) {
        let _ = (info.activity(), info.hash_rate(), info.power(), info.temperature(), info.mac());
    }
}
