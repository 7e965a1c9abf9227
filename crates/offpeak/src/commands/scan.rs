//! `offpeak scan`: who answers on these networks. Our families by our own identification, everything
//! else through asic-rs, which knows the standard ports only.

use std::io::IsTerminal as _;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use offpeak_drivers::clock::Clock;
use offpeak_drivers::connect::Connector;
use offpeak_drivers::driver::Driver;
use offpeak_drivers::scan::{Effort, Found, ScanRange, WebPort, scan as scan_ranges};
use offpeak_drivers_asic_rs::Others;
use offpeak_site::Endpoint;
use serde::Serialize;
use tokio::task::JoinSet;

use super::table::table;
use super::{print, print_json};
use crate::cli::Scan;
use crate::exit::Exit;

/// More than this is asked for by mistake.
const ENDPOINTS_MAX: u64 = 1 << 20;

#[derive(Serialize)]
struct Row {
    address: String,
    port: u16,
    family: Option<String>,
    model: Option<String>,
    mac: Option<String>,
    serial: Option<String>,
    firmware: Option<String>,
    note: Option<String>,
}

/// A bar on stderr where a person sees it.
pub(crate) fn progress(length: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} {eta}").expect("a valid template");
    ProgressBar::new(length).with_style(style)
}

pub(crate) fn scan(args: Scan) -> Result<Exit> {
    let ranges = args
        .ranges
        .iter()
        .map(|text| {
            text.parse::<ScanRange>().with_context(|| {
                format!("`{text}` is no range\nhint: 10.1.0.0/22 or 10.1.0.1-10.1.3.254:4028")
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let endpoints: u64 = ranges.iter().map(ScanRange::endpoints).sum();
    if endpoints > ENDPOINTS_MAX {
        bail!(
            "{endpoints} endpoints are more than {ENDPOINTS_MAX}\nhint: scan a smaller range, or fewer ports"
        );
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let rows = runtime.block_on(look(&ranges, args.http_port, endpoints));
    if args.json {
        print_json(&rows)?;
    } else {
        let cells = |row: &Row| {
            let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
            vec![
                format!("{}:{}", row.address, row.port),
                text(&row.family),
                text(&row.model),
                text(&row.mac),
                text(&row.firmware),
                text(&row.note),
            ]
        };
        let rows: Vec<_> = rows.iter().map(cells).collect();
        print(&table(&["address", "family", "model", "mac", "firmware", "note"], &rows))?;
        eprintln!("{} answer of {endpoints} asked", rows.len());
    }
    Ok(Exit::Done)
}

async fn look(ranges: &[ScanRange], http_port: u16, endpoints: u64) -> Vec<Row> {
    let driver = Driver::new(Connector::Tcp, Clock::System);
    let bar = progress(endpoints);
    let found = scan_ranges(&driver, ranges, WebPort::Fixed(http_port), Effort::default(), |now| {
        bar.set_position(now.done)
    })
    .await;
    bar.finish_and_clear();
    // Others looks at 64 at a time at the most; the rest waits there.
    let others = Arc::new(Others::new(Clock::System));
    let mut looking = JoinSet::new();
    for (place, (endpoint, what)) in found.found.into_iter().enumerate() {
        let others = Arc::clone(&others);
        looking.spawn(async move { (place, row(endpoint, what, &others).await) });
    }
    let mut rows = looking.join_all().await;
    rows.sort_by_key(|(place, _)| *place);
    rows.into_iter().map(|(_, row)| row).collect()
}

async fn row(endpoint: Endpoint, what: Found, others: &Others) -> Row {
    let mut row = Row {
        address: endpoint.ip.to_string(),
        port: endpoint.api_port,
        family: None,
        model: None,
        mac: None,
        serial: None,
        firmware: None,
        note: None,
    };
    match what {
        Found::Machine(identity) => {
            row.family = Some(identity.family.name().to_owned());
            row.model = identity.model;
            row.mac = identity.mac.map(|mac| mac.to_string());
            row.serial = identity.serial;
            row.firmware = identity.firmware;
        }
        Found::Other => match others.identify(endpoint.ip).await {
            Some(machine) => {
                row.family = Some("other".to_owned());
                row.model = Some(format!("{} {}", machine.make, machine.model));
                row.firmware = Some(machine.firmware);
                row.note = Some("identified by asic-rs".to_owned());
            }
            None => row.note = Some("something answers, of no known family".to_owned()),
        },
        Found::Trouble(trouble) => row.note = Some(trouble.to_string()),
    }
    row
}
