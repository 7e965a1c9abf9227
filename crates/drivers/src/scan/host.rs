//! One address at the ports that machines have: which of them are open, and who is behind the first that is.
//!
//! Not here: which address when (the scan).

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use offpeak_site::{Endpoint, Family};
use tokio::time::timeout;

use super::{First, Found, Reached, ask as ask_at};
use crate::driver::{Driver, Identity, api};

/// The TCP API of nearly all families, and ePIC's pages.
pub(super) const API: u16 = 4028;
/// How many ports an address is asked at: that, WhatsMiner's since May 2024, and the pages.
pub(super) const PORTS: u32 = 3;

/// What a port said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Open,
    Refused,
    Nothing,
    /// It was not asked, for another was open.
    NotAsked,
}

/// What the ports of an address said: API, framed API, pages.
#[derive(Clone, Copy)]
pub(super) struct Open([Said; 3]);

impl Open {
    pub(super) fn any(self) -> bool {
        self.0.contains(&Said::Open)
    }
    /// Whether each port was refused: then somebody is there, and no machine.
    pub(super) fn is_certain(self) -> bool {
        self.0.iter().all(|said| *said == Said::Refused)
    }
}

/// The newer API of a WhatsMiner at this address.
const fn framed(endpoint: Endpoint) -> Endpoint {
    Endpoint { api_port: Family::WhatsminerV3.api_port(), ..endpoint }
}

const fn web(endpoint: Endpoint) -> SocketAddr {
    SocketAddr::new(endpoint.ip, endpoint.http_port)
}

async fn knock(driver: &Driver, at: SocketAddr, within: Duration) -> Said {
    match timeout(within, driver.connector.connect(at)).await {
        Ok(Ok(_)) => Said::Open,
        Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => Said::Refused,
        Ok(Err(_)) | Err(_) => Said::Nothing,
    }
}

/// One port after the other, until one is open, or the first says nothing.
pub(super) async fn in_turn(driver: &Driver, endpoint: Endpoint, within: Duration) -> Open {
    let mut said = [Said::NotAsked; 3];
    for (place, at) in [api(endpoint), api(framed(endpoint)), web(endpoint)].into_iter().enumerate() {
        said[place] = knock(driver, at, within).await;
        if said[place] == Said::Open || (place == 0 && said[0] == Said::Nothing) {
            break;
        }
    }
    Open(said)
}

/// All ports at once. Somebody who drops what comes to one may be open at another.
pub(super) async fn together(driver: &Driver, endpoint: Endpoint, within: Duration) -> Open {
    let (api, framed, web) = tokio::join!(
        knock(driver, api(endpoint), within),
        knock(driver, api(framed(endpoint)), within),
        knock(driver, web(endpoint), within),
    );
    Open([api, framed, web])
}

/// Who is behind what is open.
pub(super) async fn ask(driver: &Driver, endpoint: Endpoint, open: Open, within: Duration) -> First {
    let [api_said, framed_said, web_said] = open.0;
    if api_said == Said::Open {
        let first = ask_at(driver, endpoint, Reached::Api).await;
        // A WhatsMiner of the newer API answers some of the older one too, and is driven by the newer.
        let is_older = |who: &Identity| who.family == Family::WhatsminerV2;
        let is_settled = match &first {
            First::Answer(_, Found::Machine(who)) => !is_older(who),
            // What took the connection has nobody behind it.
            First::NoWord => false,
            _ => true,
        };
        if is_settled {
            return first;
        }
        return newer(driver, endpoint, framed_said, within).await.unwrap_or(first);
    }
    if let Some(found) = newer(driver, endpoint, framed_said, within).await {
        return found;
    }
    let has_pages = match web_said {
        Said::NotAsked => knock(driver, web(endpoint), within).await == Said::Open,
        said => said == Said::Open,
    };
    if has_pages {
        return ask_at(driver, endpoint, Reached::Web).await;
    }
    // Something else is where WhatsMiners have their newer API.
    First::Answer(framed(endpoint), Found::Other)
}

/// The WhatsMiner at the newer API's port, where one is.
async fn newer(driver: &Driver, endpoint: Endpoint, said: Said, within: Duration) -> Option<First> {
    let at = framed(endpoint);
    let is_open = match said {
        Said::NotAsked => knock(driver, api(at), within).await == Said::Open,
        said => said == Said::Open,
    };
    if !is_open {
        return None;
    }
    let first = ask_at(driver, at, Reached::Api).await;
    matches!(first, First::Answer(_, Found::Machine(_))).then_some(first)
}
