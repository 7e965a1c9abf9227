//! The observatory: the whole daily series at one price and at twenty, and 950,000 headers verified.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use offpeak_index::chain::{daily_network, link, split_headers, synthetic_chain};
use offpeak_index::electricity::{Cambridge, Prepared};
use offpeak_index::hardware::machines;

use super::{Figures, median};
use crate::commands::hash_on_all_cores;

/// As often as each is measured; the median counts.
const ROUNDS: usize = 15;
/// As many headers as the chain had in May 2026.
const HEADERS: usize = 950_000;

pub(super) fn observatory_here() -> Result<Figures> {
    let (network, machines) = (daily_network(None, None), machines());
    let method = Cambridge::default();
    let one = median_ms(ROUNDS, || {
        let rows = Prepared::new(&method, &network, &machines).rows();
        ensure!(rows.len() > 5_000, "the whole series");
        black_box(rows);
        Ok(())
    })?;
    let twenty = median_ms(ROUNDS, || {
        let prepared = Prepared::new(&method, &network, &machines);
        for step in 0..20 {
            black_box(prepared.rows_at(0.02 + 0.005 * f64::from(step)));
        }
        Ok(())
    })?;
    // As hard as a test chain: what a header costs to verify does not depend on how long it took to find.
    let (rules, headers) = synthetic_chain(HEADERS);
    let bytes = headers.concat();
    drop(headers);
    let verified = median_ms(5, || {
        let headers = split_headers(&bytes)?;
        let tip = link(&rules, None, headers, &hash_on_all_cores(headers), None)?;
        let height = tip.context("there are headers")?.height;
        ensure!(height as usize == HEADERS - 1, "every header is judged");
        Ok(())
    })?;
    Ok(Figures::from([
        ("index_price_ms".to_owned(), one),
        ("index_20_prices_ms".to_owned(), twenty),
        ("headers_950k_ms".to_owned(), verified),
    ]))
}

fn median_ms(rounds: usize, mut measured: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut times = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let start = Instant::now();
        measured()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(median(times))
}
