//! `offpeak run`: a site at work, until it is asked to end.

use std::io::Write as _;
use std::sync::Arc;

use anyhow::Result;
use offpeak_dispatch::Controller;
use offpeak_drivers::clock::Clock;
use offpeak_drivers::connect::Connector;
use offpeak_lake::{Keep, Options};

use super::answer::Answers;
use super::ending::{Screen, end};
use super::entries::{SITE_FILE, places};
use super::farewell::farewell;
use super::housekeeping::{Copies, Housekeeping};
use super::live::{self, Shared};
use super::plant_io::{Wire, without_address};
use super::record::Recording;
use super::serving::{Network, Served};
use super::site_file::SiteFilePlace;
use super::twin::join_twin;
use super::{ahead, feed, files, metrics};
use crate::cli;
use crate::commands::load;
use crate::exit::Exit;
use crate::screen::Leaving;
use offpeak_server::SiteHandle;

pub(crate) fn run_command(args: cli::Run) -> Result<Exit> {
    if args.screen {
        Screen::possible("without --screen it runs anywhere, and `offpeak status` shows the site")?;
    }
    let place = SiteFilePlace::at(&args.site).ok();
    let Some(mut site) = load(&args.site)? else { return Ok(Exit::Mistakes) };
    let logins = files::logins(&site, &args.site)?;
    if !logins.factory.is_empty() {
        tracing::warn!(machines = logins.factory.len(), "open with the factory's password");
    }
    if !logins.factory_pdus.is_empty() {
        tracing::warn!(pdus = logins.factory_pdus.len(), "open with the factory's community");
    }
    files::raise_limit();
    let dir = args.dir.clone().unwrap_or_else(|| files::default_dir(&site.id));
    let book = files::open_book(&dir)?;
    live::give_authority(&mut site, &book)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let (clock, speed) = if args.twin { join_twin(&mut site)? } else { (Clock::System, 1) };
        let missing = without_address(&site).len();
        if missing > 0 {
            tracing::warn!(machines = missing, "no address in the site file: they count as unreachable");
        }
        let site = Arc::new(site);
        book.note_positions(&places(&site), clock.now(), SITE_FILE)?;
        let controller = Controller::new(Arc::clone(&site), live::recall(&site, &book, clock.now())?);
        let wire = Wire { connector: Connector::Tcp, clock, speed, logins: Some(Arc::new(logins)) };
        let book = Arc::new(book);
        let _housekeeping = Housekeeping::start(Arc::clone(&book), Copies::of(&args), args.book_days)?;
        let recording = match args.no_lake {
            true => None,
            false => {
                let budget_bytes = args.lake_gb.map(|gb| u64::from(gb) << 30);
                let keep =
                    Keep { budget_bytes, machine_days: args.machine_days.map(u32::from), ..Keep::default() };
                let options = Options { keep, ..Options::default() };
                Some(Recording::start(&site, &dir, wire.clock.now(), options)?)
            }
        };
        let shared = Shared::new(site, wire, book, None, recording)?;
        if let Some(path) = feed::path(&shared.site(), &args.site) {
            tokio::spawn(feed::follow(Arc::clone(&shared), path));
        }
        tokio::spawn(ahead::follow(Arc::clone(&shared), ahead::Planner::of_run(args.horizon.clone())));
        if let Some(address) = args.metrics {
            metrics::serve(Arc::clone(&shared), address).await?;
        }
        let answers = Answers::new(Arc::clone(&shared), speed, "sockets");
        let answers = answers.with_copies(args.backup_to.clone());
        let handle = Arc::new(match place {
            Some(place) => answers.with_site_file(place),
            None => answers,
        });
        let network = Network::of(&args.listen);
        let served = Served::start(Arc::clone(&handle) as Arc<dyn SiteHandle>, &shared, &dir, &network)?;
        for line in served.told() {
            let _ = writeln!(std::io::stderr(), "{line}");
        }
        if let Some(link) = served.link() {
            let _ = writeln!(
                std::io::stderr(),
                "nobody can sign in yet: whoever opens this link first, within 48 hours, sets the password of `owner`\n{link}"
            );
        }
        let mut screen = args
            .screen
            .then(|| Screen::open(handle.clone(), Leaving::Controller, args.lasts, None))
            .transpose()?;
        let ended = tokio::select! {
            result = live::run(shared, controller) => return result.map(|()| Exit::Done),
            ended = end(args.lasts, screen.as_mut()) => ended,
        };
        screen.map_or(Ok(()), Screen::close)?;
        // Its terminal may be gone.
        let _ = writeln!(std::io::stderr(), "{}", farewell(&handle.view(0), ended));
        Ok(Exit::Done)
    })
}
