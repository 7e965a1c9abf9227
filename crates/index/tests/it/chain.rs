//! Headers verified and refused, on a chain of our own making.

use offpeak_index::chain::{
    BlockHash, CompactTarget, Header, RawHeader, Rules, Target, Tip, VerifyError, hash_all, link,
    synthetic_chain, verify,
};
use proptest::prelude::*;

fn bytes(headers: &[RawHeader]) -> Vec<u8> {
    headers.concat()
}

/// Changes a header and counts on until its hash will do again, then mends the links after it.
fn remine(headers: &mut [RawHeader], at: usize, change: impl Fn(&mut Header)) {
    for place in at..headers.len() {
        let mut header = Header::read(&headers[place]);
        if place == at {
            change(&mut header);
        }
        if place > at {
            header.previous = BlockHash::of(&headers[place - 1]);
        }
        let target = CompactTarget::from_bits(0x207f_ffff).target().expect("the easiest target");
        while !target.allows(BlockHash::of(&header.write()).as_bytes()) {
            header.nonce = header.nonce.wrapping_add(1);
        }
        headers[place] = header.write();
    }
}

fn refused(rules: &Rules, headers: &[RawHeader]) -> VerifyError {
    verify(rules, None, &bytes(headers), None).expect_err("a broken chain is refused")
}

#[test]
fn a_run_is_verified_in_parts_as_in_one() {
    let (rules, headers) = synthetic_chain(5_000);
    let whole = verify(&rules, None, &bytes(&headers), None).unwrap().unwrap();
    assert_eq!((whole.height, whole.work.to_f64()), (4_999, 10_000.0));
    let hashes = hash_all(&headers);
    let mut tip = None;
    for (headers, hashes) in headers.chunks(777).zip(hashes.chunks(777)) {
        tip = link(&rules, tip, headers, hashes, None).unwrap();
    }
    assert_eq!(tip, Some(whole));
    assert_eq!(verify(&rules, None, &[], None), Ok(None));
}

#[test]
fn a_trusted_tip_stands_for_everything_before() {
    let (rules, headers) = synthetic_chain(3_000);
    let tip = Tip::trusted(2_016, &headers[2_016..2_500]).unwrap();
    let end = verify(&rules, Some(tip), &bytes(&headers[2_500..]), None).unwrap().unwrap();
    let whole = verify(&rules, None, &bytes(&headers), None).unwrap().unwrap();
    assert_eq!((end.height, end.hash, end.period_start), (whole.height, whole.hash, whole.period_start));
    assert_eq!(end.work.to_f64(), 1_000.0, "only what was judged counts");
    assert_eq!(Tip::trusted(2_015, &headers[2_015..2_016]), None);
    assert_eq!(Tip::trusted(0, &headers[..2_017]), None);
    assert_eq!(Tip::trusted(0, &[]), None);
}

#[test]
fn what_is_malformed_reordered_or_missing_is_refused() {
    let (rules, headers) = synthetic_chain(30);
    let error = verify(&rules, None, &bytes(&headers)[..2_399], None).unwrap_err();
    assert_eq!(error.to_string(), "2399 bytes are no whole number of headers: 79 bytes after the last of 29");
    assert!(matches!(refused(&rules, &headers[1..]), VerifyError::Genesis { .. }));
    let mut reordered = headers.clone();
    reordered.swap(11, 12);
    assert!(matches!(refused(&rules, &reordered), VerifyError::Link { height: 11, .. }));
    let mut missing = headers.clone();
    missing.remove(20);
    let expected = BlockHash::of(&headers[19]);
    let found = BlockHash::of(&headers[20]);
    assert_eq!(refused(&rules, &missing), VerifyError::Link { height: 20, expected, found });
    let error = link(&rules, None, &headers, &hash_all(&headers[1..]), None).unwrap_err();
    assert_eq!(error, VerifyError::Hashes { headers: 30, hashes: 29 });
}

#[test]
fn what_was_not_worked_for_is_refused() {
    let (rules, headers) = synthetic_chain(30);
    let mut idle = headers.clone();
    let mut header = Header::read(&idle[9]);
    let target = header.bits.target().unwrap();
    while target.allows(BlockHash::of(&header.write()).as_bytes()) {
        header.nonce += 1;
    }
    idle[9] = header.write();
    assert!(matches!(refused(&rules, &idle), VerifyError::Work { height: 9, .. }));

    let mut easier = headers.clone();
    let bits = CompactTarget::from_bits(0x2100_8000);
    remine(&mut easier, 9, |header| header.bits = bits);
    let expected = CompactTarget::from_bits(0x207f_ffff);
    assert_eq!(refused(&rules, &easier), VerifyError::Bits { height: 9, expected, found: bits });

    let mut negative = headers.clone();
    remine(&mut negative, 9, |header| header.bits = CompactTarget::from_bits(0x2080_ffff));
    assert!(matches!(refused(&rules, &negative), VerifyError::Malformed { height: 9, .. }));

    // The first header sets the target where none is adjusted; it must not be above the network's limit.
    let limit = Target::new(rules.limit.to_u256().shifted_down(1)).unwrap();
    let low = Rules { limit, ..rules };
    assert!(matches!(refused(&low, &headers), VerifyError::Bits { height: 0, .. }));
}

#[test]
fn what_bends_time_is_refused() {
    let (rules, headers) = synthetic_chain(30);
    let time = |at: usize| Header::read(&headers[at]).time;
    // The median of headers 9 to 19 is the time of 14: a second later is early but allowed.
    let mut early = headers.clone();
    remine(&mut early, 20, |header| header.time = time(14) + 1);
    assert!(verify(&rules, None, &bytes(&early), None).is_ok());
    remine(&mut early, 20, |header| header.time = time(14));
    let expected = VerifyError::MedianTime { height: 20, time: time(14), median: time(14) };
    assert_eq!(refused(&rules, &early), expected);
    // With fewer than eleven before it the median is of those: of two the later one.
    let mut second = headers.clone();
    remine(&mut second, 2, |header| header.time = time(1));
    let expected = VerifyError::MedianTime { height: 2, time: time(1), median: time(1) };
    assert_eq!(refused(&rules, &second), expected);

    let now = i64::from(time(29)) - 7_200;
    assert!(verify(&rules, None, &bytes(&headers), Some(now)).is_ok());
    let error = verify(&rules, None, &bytes(&headers), Some(now - 1)).unwrap_err();
    assert_eq!(error, VerifyError::Future { height: 29, time: time(29), now: now - 1 });
}

#[test]
fn old_versions_and_other_known_hashes_are_refused() {
    let (rules, headers) = synthetic_chain(30);
    let strict = Rules { versions: vec![(5, 2), (25, 5)], ..rules.clone() };
    let error = refused(&strict, &headers);
    assert_eq!(error, VerifyError::Version { height: 25, version: 4, least: 5 });
    let known = BlockHash::of(&headers[7]);
    let good = rules.clone().with_checkpoints([(7, known)]);
    assert!(verify(&good, None, &bytes(&headers), None).is_ok());
    let bad = rules.with_checkpoints([(8, known)]);
    let found = BlockHash::of(&headers[8]);
    assert_eq!(refused(&bad, &headers), VerifyError::Checkpoint { height: 8, expected: known, found });
    assert!(refused(&bad, &headers).to_string().starts_with("height 8: hash "));
}

proptest! {
    #[test]
    fn no_bytes_make_the_verifier_panic(bytes in proptest::collection::vec(any::<u8>(), 0..800)) {
        let _ = verify(&Rules::mainnet(), None, &bytes, Some(0));
        let (rules, headers) = synthetic_chain(12);
        let tip = verify(&rules, None, &headers.concat(), None).unwrap();
        let _ = verify(&rules, tip, &bytes, Some(i64::MIN));
    }

    #[test]
    fn any_bit_turned_is_found(height in 1_usize..20, bit in 0_usize..640) {
        let (rules, mut headers) = synthetic_chain(24);
        headers[height][bit / 8] ^= 1 << (bit % 8);
        prop_assert!(verify(&rules, None, &headers.concat(), None).is_err());
    }
}
