//! Braiins OS before 25.07: GraphQL over HTTP at `/graphql`.
//!
//! Sources: the firmwares' schemas of 21.09, 24.09, 25.03 and 25.05 (github.com/256foundation/asic-rs, `meta/braiins`); the
//! recorded replies in `tests/fixtures/braiins`.
//!
//! What is known of it:
//! - Anybody may ask; a mutation needs the cookie of a session, which lives an hour.
//! - A mutation that fails has the status 200 and an `errors` list, or an object with a `message` where a result belongs.
//! - One query tells rate, watts and temperatures, as long as the miner runs. No query names the state: a machine that was
//!   stopped has no `info`, and neither has one that boots. So the second question is for how long its system is up.
//!   That a stopped machine answers so follows from the schema, where `info` cannot be null; there is no recording of one.
//! - It tells its MAC address from 24.09 on. Older ones are read and not commanded.
//!
//! Not here: connections (`http`), Braiins OS from 25.07 on (`braiins`).

pub(crate) mod drive;
pub mod full;
pub mod reply;

pub use reply::{Board, Info, System};

/// The only page.
pub const PAGE: &str = "/graphql";

/// The questions.
pub mod query {
    /// Rate, watts, temperatures.
    pub const WORK: &str = "{bosminer{info{summary{power{approxConsumptionW}}workSolver{realHashrate{mhs5S}childSolvers{temperatures{name degreesC}}}}}}";
    /// For how long the system is up.
    pub const UPTIME: &str = "{bos{uptime{durationS}}}";
    /// Its version; in every firmware.
    pub const VERSION: &str = "{bos{info{version{full}}}}";
    /// Its hardware address; from 24.09 on.
    pub const MAC: &str = "{bos{macAddress}}";
    /// Its serial number; from 25.03 on.
    pub const SERIAL: &str = "{bos{serialNumber}}";
    /// Its boards, from 24.09 on; only while the miner runs, as the next three.
    pub const BOARDS: &str = "{bosminer{info{workSolver{childSolvers{name realHashrate{mhs5S}hwDetails{chips hbSerialNumber}temperatures{name degreesC}}}}}}";
    /// Its boards, without their serial numbers.
    pub const BOARDS_OLD: &str = "{bosminer{info{workSolver{childSolvers{name realHashrate{mhs5S}hwDetails{chips}temperatures{name degreesC}}}}}}";
    /// Its fans.
    pub const FANS: &str = "{bosminer{info{fans{name rpm}}}}";
    /// Its pools.
    pub const POOLS: &str = "{bosminer{info{poolGroups{pools{url user status active shares{acceptedSolutions rejectedSolutions}}}}}}";
    /// What it wants to be seen to.
    pub const FAULTS: &str = "{events{appeals{kind message timestamp}}}";
    /// Its model; only while the miner runs.
    pub const MODEL: &str = "{bosminer{info{modelName}}}";
}

/// The orders, each with the place of its result.
pub mod mutation {
    /// Gives a session.
    pub const LOGIN: (&str, &str) = (
        "mutation($username:String!,$password:String!){auth{login(username:$username,password:$password){...on VoidResult{void}...on AuthError{message}}}}",
        "/auth/login",
    );
    /// Stops mining.
    pub const STOP: (&str, &str) =
        ("mutation{bosminer{stop{...on VoidResult{void}...on BosminerError{message}}}}", "/bosminer/stop");
    /// Mines.
    pub const START: (&str, &str) =
        ("mutation{bosminer{start{...on VoidResult{void}...on BosminerError{message}}}}", "/bosminer/start");
    /// The watts to keep to.
    pub const POWER: (&str, &str) = (
        "mutation($limit:Int!){bosminer{config{updateAutotuning(input:{mode:POWER_TARGET,powerTarget:$limit},apply:true){...on AutotuningOut{autotuning{powerTarget}}...on AutotuningError{message}...on AttributeError{message}}}}}",
        "/bosminer/config/updateAutotuning",
    );
    /// Restarts the control board.
    pub const REBOOT: (&str, &str) =
        ("mutation{bos{reboot{...on VoidResult{void}...on BosError{message}}}}", "/bos/reboot");
    /// The light.
    pub const LIGHT: (&str, &str) =
        ("mutation($enable:Boolean!){bos{setFaultLight(enable:$enable){enabled}}}", "/bos/setFaultLight");
    /// The pools.
    pub const POOLS: (&str, &str) = (
        "mutation($groups:[Group!]!){bosminer{config{updateGroups(groups:$groups){...on GroupList{groups{id}}...on GroupListError{message}...on AttributeError{message}}}}}",
        "/bosminer/config/updateGroups",
    );
}
