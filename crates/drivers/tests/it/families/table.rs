//! The table of what can be done with each family, held to what the drivers do: every function of every family is
//! ordered, and a mark stands exactly where it is taken.

use offpeak_drivers::call::{Order, Pool};
use offpeak_drivers::devices::{Mark, Support, devices};
use offpeak_site::{Activity, Family, ModeName, Outcome};
use offpeak_units::Power;

use super::{later, order, sample, stage};
use crate::fronts::{running, seat};

/// Whether any of these orders is taken by a fresh machine, and shows in no refusal.
async fn taken(family: Family, model: &str, orders: &[Order]) -> bool {
    let mut any = false;
    for each in orders {
        let (fronts, ix) = stage(family, model, &running());
        let mut seat = seat(&fronts, ix);
        match order(&mut seat, each.clone()).await {
            Outcome::Accepted => any = true,
            Outcome::Refused(words) => assert!(words.len() > 8, "{family:?} {each:?}: {words}"),
            Outcome::Unanswered(trouble) => panic!("{family:?} {each:?}: {trouble}"),
        }
    }
    any
}

#[tokio::test(start_paused = true)]
async fn a_mark_stands_where_an_order_is_taken_and_nowhere_else() {
    let pools = vec![Pool {
        url: "stratum+tcp://pool.example:3333".into(),
        user: "a.b".into(),
        password: "x".into(),
    }];
    for (family, device) in devices() {
        let model = sample(*family).expect("every family with a driver has a sample");
        let (fronts, ix) = stage(*family, model, &running());
        let mut machine = seat(&fronts, ix);
        let identity = machine.driver.identify(machine.at).await.unwrap();
        let reading = machine.read().await.unwrap();
        // Waking is done when it works again.
        let slept = order(&mut machine, Order::Sleep).await == Outcome::Accepted;
        later(10).await;
        let woken = order(&mut machine, Order::Wake).await == Outcome::Accepted;
        later(60).await;
        let works = machine.read().await.unwrap().activity == Activity::Hashing;
        let done = |name: &str| match name {
            "identify" => identity.as_ref().is_some_and(|seen| seen.family == *family),
            "read" => reading.activity == Activity::Hashing && reading.hash_rate.is_some(),
            "sleep" => slept,
            "wake" => woken && works,
            _ => unreachable!("ordered below"),
        };
        for (name, support) in device.functions.all() {
            let does = match name {
                // The normal mode is another word for waking where there are no others.
                "mode" => {
                    let others = [Order::SetMode(ModeName::Low), Order::SetMode(ModeName::High)];
                    taken(*family, model, &others).await
                }
                "power limit" => taken(*family, model, &[Order::LimitPower(Power::from_watts(2_500))]).await,
                "reboot" => taken(*family, model, &[Order::Reboot]).await,
                "locate" => taken(*family, model, &[Order::Locate(true)]).await,
                "pools" => taken(*family, model, &[Order::SetPools(pools.clone())]).await,
                name => done(name),
            };
            assert_eq!(does, support.is_there(), "{}: {name}", device.name);
            if let Support::Yes(marks) = support {
                assert!(marks.contains(&Mark::Twin), "{}: {name} is tried here, and says so", device.name);
                assert!(
                    !marks.contains(&Mark::Hardware),
                    "{}: {name}: no real machine was tried",
                    device.name
                );
            }
        }
    }
}
