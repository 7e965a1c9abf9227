//! The folder that `chain sync` fills, and what is read from it.
//!
//! Headers lie there as they are (80 bytes each) in `headers-CHAIN-HEIGHT.bin`, the height being that of the
//! first; prices and fees as CSV. Nothing in it is believed: headers are verified whenever they are read.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use offpeak_index::chain::{
    BlockHash, Facts, HeaderDay, RawHeader, Rules, Tip, days_of, epochs_of, facts, fees_csv, hash_all, link,
    parse_day_values, prices_csv, split_headers,
};
use offpeak_index::chain::{MonthFees, PricePoint, RETARGET_BLOCKS};

use crate::cli::ChainName;

const HINT: &str = "`offpeak chain sync --node ADDRESS` fills it; delete what it names to begin anew";
const PRICES: &str = "prices.csv";
const FEES: &str = "fees.csv";
/// A chain of three hundred years has fewer headers; more bytes are no headers of ours.
const HEADERS_MAX: usize = 20_000_000;

/// A verified run of headers.
pub(super) struct Headers {
    pub(super) first_height: u32,
    pub(super) raw: Vec<RawHeader>,
    pub(super) tip: Tip,
    /// Whether it begins at the first block; else its first header is trusted.
    pub(super) from_genesis: bool,
}

/// The rules of a chain.
pub(super) fn rules(name: ChainName) -> Rules {
    match name {
        ChainName::Main => Rules::mainnet(),
        ChainName::Regtest => Rules::regtest(),
    }
}

/// Now, in seconds since 1970.
pub(super) fn now() -> Result<i64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970")?;
    i64::try_from(since.as_secs()).context("the clock stands far ahead")
}

/// The hash of each header, on as many cores as there are: nearly all of the time that verifying takes.
pub(crate) fn hash_on_all_cores(headers: &[RawHeader]) -> Vec<BlockHash> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(16);
    let part = headers.len().div_ceil(cores).max(1);
    std::thread::scope(|scope| {
        let parts: Vec<_> = headers.chunks(part).map(|part| scope.spawn(move || hash_all(part))).collect();
        parts.into_iter().flat_map(|part| part.join().expect("hashing does not panic")).collect()
    })
}

/// Verifies a run of headers. Above height 0 it must begin a period of 2,016; its first header is then trusted,
/// and held against the built-in epochs where those know it.
///
/// # Errors
/// The first header that breaks a rule, with its height.
pub(super) fn verified(
    name: ChainName,
    first_height: u32,
    raw: Vec<RawHeader>,
    now: Option<i64>,
) -> Result<Headers> {
    let rules = rules(name);
    let from_genesis = first_height == 0;
    let (before, rest) = if from_genesis {
        (None, &raw[..])
    } else {
        let trusted = Tip::trusted(first_height, raw.get(..1).unwrap_or_default());
        let trusted = trusted.with_context(|| {
            format!("headers must begin at a multiple of {RETARGET_BLOCKS}, not at {first_height}")
        })?;
        (Some(trusted), &raw[1..])
    };
    let tip = link(&rules, before, rest, &hash_on_all_cores(rest), now)?.context("there is no header")?;
    if name == ChainName::Main {
        facts().with_epochs(&epochs_of(first_height, &raw)).context("the headers are of another chain")?;
    }
    Ok(Headers { first_height, raw, tip, from_genesis })
}

/// Reads raw headers from a file and verifies them.
pub(super) fn read_headers(path: &Path, name: ChainName, first_height: u32) -> Result<Headers> {
    let bytes = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    if bytes.len() > HEADERS_MAX * 80 {
        bail!("{} is longer than any chain of headers", path.display());
    }
    let raw = split_headers(&bytes).with_context(|| path.display().to_string())?.to_vec();
    verified(name, first_height, raw, Some(now()?)).with_context(|| path.display().to_string())
}

/// What a folder holds.
pub(super) struct Store(PathBuf);

impl Store {
    pub(super) fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }
    pub(super) fn folder(&self) -> &Path {
        &self.0
    }
    /// The headers of a chain; none where none are kept yet.
    pub(super) fn headers(&self, name: ChainName) -> Result<Option<Headers>> {
        let Some((path, first_height)) = self.headers_file(name)? else { return Ok(None) };
        read_headers(&path, name, first_height)
            .with_context(|| format!("what is kept\nhint: {HINT}"))
            .map(Some)
    }
    fn headers_file(&self, name: ChainName) -> Result<Option<(PathBuf, u32)>> {
        let entries = match std::fs::read_dir(&self.0) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            entries => entries.with_context(|| format!("{} cannot be read", self.0.display()))?,
        };
        let prefix = format!("headers-{}-", name.name());
        let mut found = Vec::new();
        for entry in entries {
            let path = entry.with_context(|| format!("{} cannot be read", self.0.display()))?.path();
            let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let height = file.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(".bin"));
            if let Some(height) = height.and_then(|height| height.parse::<u32>().ok()) {
                found.push((path, height));
            }
        }
        if found.len() > 1 {
            bail!("{} holds more than one file {prefix}HEIGHT.bin\nhint: {HINT}", self.0.display());
        }
        Ok(found.pop())
    }
    /// Keeps headers in place of those that were kept.
    pub(super) fn keep_headers(&self, name: ChainName, headers: &Headers) -> Result<()> {
        let before = self.headers_file(name)?;
        let file = format!("headers-{}-{}.bin", name.name(), headers.first_height);
        let path = self.0.join(file);
        self.write(&path, headers.raw.as_flattened())?;
        if let Some((old, _)) = before.filter(|(old, _)| *old != path) {
            std::fs::remove_file(&old).with_context(|| format!("{} cannot be removed", old.display()))?;
        }
        Ok(())
    }
    /// The built-in facts with all that is kept.
    pub(super) fn facts(&self) -> Result<(Facts, Option<Headers>)> {
        let (prices, fees) = (self.values(PRICES)?.0, self.values(FEES)?.1);
        let headers = self.headers(ChainName::Main)?;
        let mut known = facts().with_prices(&prices).with_fees(&fees);
        if let Some(headers) = &headers {
            known = known
                .with_epochs(&epochs_of(headers.first_height, &headers.raw))
                .with_context(|| format!("the headers in {}\nhint: {HINT}", self.0.display()))?;
        }
        Ok((known, headers))
    }
    fn values(&self, file: &str) -> Result<(Vec<PricePoint>, Vec<MonthFees>)> {
        let path = self.0.join(file);
        match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok((Vec::new(), Vec::new())),
            text => {
                let text = text.with_context(|| format!("{} cannot be read", path.display()))?;
                parse_day_values(&text).with_context(|| format!("{}\nhint: {HINT}", path.display()))
            }
        }
    }
    /// Adds prices and fees to those that are kept; of the same day or month the new ones hold.
    pub(super) fn keep_values(&self, prices: &[PricePoint], fees: &[MonthFees]) -> Result<()> {
        let none = || Facts { epochs: Vec::new(), prices: Vec::new(), fees: Vec::new() };
        if !prices.is_empty() {
            let all = none().with_prices(&self.values(PRICES)?.0).with_prices(prices);
            self.write(&self.0.join(PRICES), prices_csv(&all.prices).as_bytes())?;
        }
        if !fees.is_empty() {
            let all = none().with_fees(&self.values(FEES)?.1).with_fees(fees);
            self.write(&self.0.join(FEES), fees_csv(&all.fees).as_bytes())?;
        }
        Ok(())
    }
    /// Writes a file whole or not at all.
    fn write(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let told = || format!("{} cannot be written", path.display());
        std::fs::create_dir_all(&self.0).with_context(told)?;
        let new = path.with_extension("new");
        let mut file = std::fs::File::create(&new).with_context(told)?;
        std::io::Write::write_all(&mut file, bytes).with_context(told)?;
        file.sync_all().with_context(told)?;
        std::fs::rename(&new, path).with_context(told)
    }
}

/// The days that kept headers cover.
pub(super) fn header_days(headers: &Headers) -> Result<Vec<HeaderDay>> {
    days_of(headers.first_height, &headers.raw).context("the kept headers")
}
