//! What is counted by the month outlives the process.

use offpeak_site::Owner;

use super::super::ahead::live_tests::{mine, until};
use super::super::ahead::tests::{local, site};
use super::super::entries::Counted;
use super::*;

fn open(dir: &std::path::Path) -> Book {
    Book::open(&dir.join("book.sqlite")).unwrap()
}

/// The real loop in virtual time, dropped in the middle of a quarter hour as if it had been killed.
#[tokio::test(start_paused = true)]
async fn a_killed_loop_comes_back_with_what_owners_were_served() {
    let dir = tempfile::tempdir().unwrap();
    let (shared, answers) = mine(dir.path());
    let now = || shared.now();
    until("two quarters and some minutes are over", || now() >= local(9, 22)).await;
    let before = lock(&shared.latest).clone().unwrap().memory.served.clone();
    assert!(before.watt_hours.iter().all(|served| *served > 10_000), "both owners' machines ran: {before:?}");
    // What is written is a second's work of a thread of its own; the process is gone with what it remembers.
    let (book, at) = (Arc::clone(&shared.book), now());
    until("it is in the book", || book.served("2022-10").unwrap().len() == 2).await;
    let recalled = recall(&shared.site(), &book, at).unwrap().served;
    drop(answers);
    assert_eq!((recalled.month(), &recalled.watt_hours), (before.month(), &before.watt_hours));
}

#[test]
fn a_month_begins_at_zero_and_owners_come_and_go_by_name() {
    let (mut site, dir) = (site(), tempfile::tempdir().unwrap());
    let mut memory = Memory::new(&site, 1);
    memory.served = Served::recalled(&site, local(0, 0), |owner| Some(owner.len() as i64));
    let mut counted = Counted::default();
    let counts = counted.news(&site, &memory);
    counted.is_written(&memory);
    assert!(counted.news(&site, &memory).is_empty(), "what the book has is not written again");
    open(dir.path()).record_with(&[], &[], None, &counts).unwrap();

    let book = open(dir.path());
    let served = |site: &Site, at| recall(site, &book, at).unwrap().served;
    assert_eq!(served(&site, local(0, 0)), memory.served);
    let next = served(&site, "2022-10-31T18:00:00Z".parse().unwrap());
    assert_eq!(
        (next.month().unwrap().as_str(), &next.watt_hours[..]),
        ("2022-11", &[0, 0][..]),
        "midnight there"
    );
    let last = served(&site, "2022-10-31T17:59:59Z".parse().unwrap());
    assert_eq!(last, memory.served, "still October there");

    // One goes, one comes, and the other has moved in the file.
    let house = site.owners[0].clone();
    site.owners = vec![Owner { id: "new".into(), name: "New".into() }, house];
    assert_eq!(served(&site, local(0, 0)).watt_hours, [0, 5]);
}
