//! The chain's arithmetic against blocks that everybody knows.
//!
//! Sources: headers 0 and 1 of the main chain; Bitcoin Core, `src/test/pow_tests.cpp` (retargets of heights
//! 2,016, 32,256 and 68,544); hashes of the halving blocks; the built-in difficulty epochs.

use offpeak_index::chain::{
    BlockHash, CompactTarget, Header, RETARGET_BLOCKS, RawHeader, Rules, Target, VerifyError, facts,
    retarget, subsidy_sat, verify,
};

const GENESIS: &str = "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c";
const BLOCK_1: &str = "010000006fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000982051fd1e4ba744bbbe680e1fee14677ba1a3c3540bf7b1cdb606e857233e0e61bc6649ffff001d01e36299";

fn raw(text: &str) -> RawHeader {
    let mut raw = [0; 80];
    for (byte, at) in raw.iter_mut().zip((0..160).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).expect("two digits");
    }
    raw
}

fn bits(bits: u32) -> CompactTarget {
    CompactTarget::from_bits(bits)
}

#[test]
fn the_first_two_blocks_are_verified_and_nothing_else_passes_for_them() {
    let headers = [raw(GENESIS), raw(BLOCK_1)];
    let hash = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f";
    assert_eq!(BlockHash::of(&headers[0]).to_string(), hash);
    let first = Header::read(&headers[0]);
    assert_eq!((first.version, first.time, first.nonce), (1, 1_231_006_505, 2_083_236_893));
    assert_eq!((first.bits, first.bits.target().unwrap().difficulty()), (bits(0x1d00_ffff), 1.0));
    assert_eq!(first.write(), headers[0]);
    let tip = verify(&Rules::mainnet(), None, &headers.concat(), None).unwrap().unwrap();
    assert_eq!(tip.height, 1);
    assert_eq!(tip.hash.to_string(), "00000000839a8e6886ab5951d76f411475428afc90947ee320161bbf18eb6048");
    assert_eq!(tip.work.to_f64(), 2.0 * 4_295_032_833.0, "twice 2^256 / (target + 1)");
    // One nonce on: another hash, and no work.
    let mut idle = headers;
    idle[1][76] ^= 1;
    let refused = verify(&Rules::mainnet(), None, &idle.concat(), None).unwrap_err();
    assert!(matches!(refused, VerifyError::Work { height: 1, .. }), "{refused}");
    let swapped = [headers[1], headers[0]];
    let refused = verify(&Rules::mainnet(), None, &swapped.concat(), None).unwrap_err();
    assert!(matches!(refused, VerifyError::Genesis { .. }), "{refused}");
}

#[test]
fn retargets_come_out_as_the_network_had_them() {
    let limit = Target::mainnet_limit();
    let next = |old: u32, first: i64, last: i64| retarget(bits(old), last - first, limit).unwrap();
    // Epoch 1: two thirds longer than two weeks, but the highest target stays.
    assert_eq!(next(0x1d00_ffff, 1_231_006_505, 1_233_061_996), bits(0x1d00_ffff));
    // Epoch 16: the first change ever.
    assert_eq!(next(0x1d00_ffff, 1_261_130_161, 1_262_152_739), bits(0x1d00_d86a));
    // Epoch 34: so fast that the bound of four holds.
    assert_eq!(next(0x1c05_a3f4, 1_279_008_237, 1_279_297_671), bits(0x1c01_68fd));
    // So slow that it holds the other way (not a real block).
    assert_eq!(next(0x1c38_7f6f, 1_263_163_443, 1_269_211_443), bits(0x1d00_e1fd));
}

/// Within the hours before each new period there is a second at which its last block gives exactly its target.
#[test]
fn every_epoch_from_headers_follows_from_the_one_before() {
    let known = facts();
    let limit = Target::mainnet_limit();
    let mut checked = 0;
    for pair in known.epochs.windows(2).filter(|pair| pair[0].from_header && pair[1].from_header) {
        let (old, new) = (&pair[0], &pair[1]);
        // The last block comes some minutes before the next one's first; clocks may differ by up to two hours.
        let fits = |last: i64| retarget(old.bits, last - old.start, limit).unwrap() == new.bits;
        let found = (new.start - 4 * 3_600..new.start + 2 * 3_600).any(fits);
        assert!(found, "epoch {}: {} does not lead to {}", new.index, old.bits, new.bits);
        checked += 1;
    }
    assert!(checked >= 430, "{checked}");
    let epoch = |index: usize| &known.epochs[index];
    assert_eq!(epoch(1).bits, bits(0x1d00_ffff));
    assert_eq!(epoch(16).bits, bits(0x1d00_d86a));
    let change = |index: usize| epoch(index).difficulty() / epoch(index - 1).difficulty() - 1.0;
    assert_eq!((epoch(99).bits, epoch(100).bits), (bits(0x1a05_db8b), bits(0x1a05_7e08)));
    assert!((change(100) - 0.0665).abs() < 1e-4, "{}", change(100));
    let largest = (1..known.epochs.len()).min_by(|a, b| change(*a).total_cmp(&change(*b))).unwrap();
    assert_eq!(epoch(largest).first_height(), 689_472, "July 2021");
    assert_eq!(epoch(largest).start_date(), jiff::civil::date(2021, 7, 3));
    assert!((change(largest) + 0.2794).abs() < 5e-5, "{}", change(largest));
}

#[test]
fn each_halving_block_meets_its_target_and_creates_half() {
    let known = facts();
    for (height, hash) in [
        (210_000, "000000000000048b95347e83192f69cf0366076336c639f9b7228e9ba171342e"),
        (420_000, "000000000000000002cce816c0ab2c5c269cb081896b7dcb34b8422d6b74ffa1"),
        (630_000, "000000000000000000024bead8df69990852c202db0e0097c1a12ea637d7e96d"),
        (840_000, "0000000000000000000320283a032748cef8227873ff4872689bf23f1cda83a5"),
    ] {
        let hash: BlockHash = hash.parse().unwrap();
        let epoch = &known.epochs[(height / RETARGET_BLOCKS) as usize];
        assert!(epoch.bits.target().unwrap().allows(hash.as_bytes()), "{height}");
        assert_eq!(subsidy_sat(height) * 2, subsidy_sat(height - 1), "{height}");
    }
    assert_eq!(subsidy_sat(840_000), 312_500_000);
}

/// Coin Metrics' PriceUSD, which the published methods take, is "as of the end of the day in UTC time".
#[test]
fn a_days_price_is_that_at_its_end() {
    let known = facts();
    let last = known.prices.last().unwrap().date;
    for pair in known.prices.windows(2) {
        let day = pair[1].date.yesterday().unwrap();
        let price = known.price_usd(day).unwrap();
        assert!((price / pair[1].usd - 1.0).abs() < 1e-12, "{day}: {price}");
    }
    assert_eq!(known.price_usd(last), None, "what comes after the last is not known");
    assert_eq!(known.price_usd(known.prices[0].date.yesterday().unwrap()), None);
}
