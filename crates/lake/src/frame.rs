//! One hand-over of rows in the journal: a frame that says how long it is and proves that it is whole.
//!
//! ```text
//! magic "OFPJ" | length u32 | CRC-32 of the payload u32 | payload
//! payload: table u8 | columns u8 | rows u32 | names u32 | (length u16, bytes) for each name | columns
//! column:  nulls u8 (0 none, 1 a bitmap follows) | bitmap | base i64 | width u8 (0, 1, 2, 4, 8) | rows × width
//! ```
//! All numbers are little-endian; a value is `base` plus an unsigned offset of `width` bytes. A frame holds the
//! names it uses, so that it can be read without those before it.

use crate::block::{Block, NONE, Values};
use crate::names::Names;
use crate::table::{Kind, Table};

/// The first bytes of a frame.
const MAGIC: [u8; 4] = *b"OFPJ";
/// Bytes before the payload.
const HEADER: usize = 12;
/// The longest payload: a frame of [`ROWS_MAX`] rows with names of the greatest length is refused before.
pub(crate) const PAYLOAD_MAX: usize = 64 << 20;
/// The most rows of a frame.
pub(crate) const ROWS_MAX: usize = 65_536;

/// Why a payload is no frame of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// It ends within a value.
    #[error("the frame ends after {0} bytes, within a value")]
    Short(usize),
    /// It goes on behind its last column.
    #[error("{0} bytes are left behind the last column")]
    Long(usize),
    /// A number that the format does not know.
    #[error("{what} is {found}")]
    Number {
        /// What it counts.
        what: &'static str,
        /// What stands there.
        found: u64,
    },
    /// A name that is no text.
    #[error("name {0} is not UTF-8")]
    Text(usize),
    /// A value that its column cannot hold.
    #[error("row {row} of column {column} holds {found}")]
    Value {
        /// The column.
        column: &'static str,
        /// The row.
        row: usize,
        /// What stands there.
        found: i64,
    },
}

/// Writes rows of a block as frames, each with at most [`ROWS_MAX`] rows and [`PAYLOAD_MAX`] bytes.
pub(crate) fn encode_all(block: &Block, rows: std::ops::Range<usize>, names: &Names, out: &mut Vec<u8>) {
    let mut start = rows.start;
    let mut step = ROWS_MAX;
    while start < rows.end {
        let end = rows.end.min(start + step);
        let before = out.len();
        encode(block, start..end, names, out);
        if out.len() - before - HEADER > PAYLOAD_MAX && step > 1 {
            // Long texts: fewer rows at a time. One row alone always fits.
            out.truncate(before);
            step /= 2;
        } else {
            start = end;
        }
    }
}

/// Writes rows of a block as one frame.
fn encode(block: &Block, rows: std::ops::Range<usize>, names: &Names, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[0; 8]);
    out.push(block.table.number());
    out.push(block.columns.len() as u8);
    out.extend_from_slice(&(rows.len() as u32).to_le_bytes());
    let local = encode_names(block, rows.clone(), names, out);
    for column in &block.columns {
        match column {
            Values::Names(vec) => {
                encode_column(
                    vec[rows.clone()].iter().map(|name| match local.get(*name as usize) {
                        Some(local) => i64::from(*local),
                        None => NONE,
                    }),
                    rows.len(),
                    out,
                );
            }
            Values::Longs(vec) => encode_column(vec[rows.clone()].iter().copied(), rows.len(), out),
            Values::Ints(vec) => {
                encode_column(vec[rows.clone()].iter().map(|v| i64::from(*v)), rows.len(), out)
            }
            Values::Words(_) | Values::Shorts(_) => {
                encode_column(rows.clone().map(|row| column.long(row).unwrap_or(NONE)), rows.len(), out);
            }
        }
    }
    let payload = out.len() - start - HEADER;
    let crc = crc32fast::hash(&out[start + HEADER..]);
    out[start + 4..start + 8].copy_from_slice(&(payload as u32).to_le_bytes());
    out[start + 8..start + 12].copy_from_slice(&crc.to_le_bytes());
}

/// Writes the names that the rows use, and gives each its number within the frame.
fn encode_names(block: &Block, rows: std::ops::Range<usize>, names: &Names, out: &mut Vec<u8>) -> Vec<u32> {
    let mut local = vec![u32::MAX; names.len()];
    let mut used = 0_u32;
    let count_at = out.len();
    out.extend_from_slice(&[0; 4]);
    for column in &block.columns {
        let Values::Names(vec) = column else { continue };
        for name in &vec[rows.clone()] {
            let Some(slot) = local.get_mut(*name as usize).filter(|slot| **slot == u32::MAX) else {
                continue;
            };
            *slot = used;
            used += 1;
            let text = names.get(*name).map_or("", |name| name);
            out.extend_from_slice(&(text.len() as u16).to_le_bytes());
            out.extend_from_slice(text.as_bytes());
        }
    }
    out[count_at..count_at + 4].copy_from_slice(&used.to_le_bytes());
    local
}

fn encode_column(values: impl Iterator<Item = i64> + Clone, rows: usize, out: &mut Vec<u8>) {
    let (mut least, mut most, mut nulls) = (i64::MAX, i64::MIN, false);
    for value in values.clone() {
        if value == NONE {
            nulls = true;
        } else {
            least = least.min(value);
            most = most.max(value);
        }
    }
    out.push(u8::from(nulls));
    if nulls {
        let at = out.len();
        out.resize(at + rows.div_ceil(8), 0);
        for (row, value) in values.clone().enumerate() {
            out[at + row / 8] |= u8::from(value == NONE) << (row % 8);
        }
    }
    let base = if least > most { 0 } else { least };
    let span = if least > most { 0 } else { most.wrapping_sub(least).cast_unsigned() };
    out.extend_from_slice(&base.to_le_bytes());
    let offset = |value: i64| if value == NONE { 0 } else { value.wrapping_sub(base).cast_unsigned() };
    match span {
        0 => out.push(0),
        1..=0xFF => {
            out.push(1);
            out.extend(values.map(|value| offset(value) as u8));
        }
        0x100..=0xFFFF => {
            out.push(2);
            values.for_each(|value| out.extend_from_slice(&(offset(value) as u16).to_le_bytes()));
        }
        0x1_0000..=0xFFFF_FFFF => {
            out.push(4);
            values.for_each(|value| out.extend_from_slice(&(offset(value) as u32).to_le_bytes()));
        }
        _ => {
            out.push(8);
            values.for_each(|value| out.extend_from_slice(&offset(value).to_le_bytes()));
        }
    }
}

/// What stands at a place of a journal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// A whole frame: its payload, and how many bytes it takes.
    Frame(&'a [u8], usize),
    /// Nothing whole.
    Torn,
}

/// Looks for a whole frame at the beginning of some bytes.
pub(crate) fn whole(bytes: &[u8]) -> Found<'_> {
    let Some((header, rest)) = bytes.split_at_checked(HEADER) else { return Found::Torn };
    let number = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let (length, crc) = (number(4) as usize, number(8));
    match rest.get(..length) {
        Some(payload) if header[..4] == MAGIC && length <= PAYLOAD_MAX && crc32fast::hash(payload) == crc => {
            Found::Frame(payload, HEADER + length)
        }
        _ => Found::Torn,
    }
}

/// The next place behind the first byte where a frame may begin.
pub(crate) fn next_magic(bytes: &[u8]) -> Option<usize> {
    (1..bytes.len()).find(|at| bytes[*at..].starts_with(&MAGIC))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], FrameError> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len());
        let found = end.map(|end| &self.bytes[self.at..end]).ok_or(FrameError::Short(self.bytes.len()))?;
        self.at += count;
        Ok(found)
    }
    fn number(&mut self, width: usize) -> Result<u64, FrameError> {
        let mut wide = [0; 8];
        wide[..width].copy_from_slice(self.take(width)?);
        Ok(u64::from_le_bytes(wide))
    }
}

/// Reads a payload; its names are added to `names`.
pub(crate) fn decode(payload: &[u8], names: &mut Names) -> Result<Block, FrameError> {
    let mut reader = Reader { bytes: payload, at: 0 };
    let number = reader.number(1)?;
    let table =
        Table::of_number(number as u8).ok_or(FrameError::Number { what: "the table", found: number })?;
    let columns = reader.number(1)? as usize;
    let known = table.columns();
    if columns == 0 || columns > known.len() {
        return Err(FrameError::Number { what: "the count of columns", found: columns as u64 });
    }
    let rows = reader.number(4)? as usize;
    if rows == 0 || rows > ROWS_MAX {
        return Err(FrameError::Number { what: "the count of rows", found: rows as u64 });
    }
    let local = decode_names(&mut reader, names)?;
    let mut block = Block::new(table);
    for (place, column) in known.iter().enumerate() {
        let values = &mut block.columns[place];
        if place < columns {
            decode_column(&mut reader, rows, column, &local, values)?;
        } else {
            // Written before the table had this column.
            for row in 0..rows {
                if !values.push_long(None) {
                    return Err(FrameError::Value { column: column.name, row, found: NONE });
                }
            }
        }
    }
    match payload.len() - reader.at {
        0 => Ok(block),
        left => Err(FrameError::Long(left)),
    }
}

fn decode_names(reader: &mut Reader<'_>, names: &mut Names) -> Result<Vec<u32>, FrameError> {
    let count = reader.number(4)? as usize;
    // Each takes two bytes at least.
    if count > reader.bytes.len() / 2 {
        return Err(FrameError::Number { what: "the count of names", found: count as u64 });
    }
    let mut local = Vec::with_capacity(count);
    for place in 0..count {
        let length = reader.number(2)? as usize;
        let text = std::str::from_utf8(reader.take(length)?).map_err(|_| FrameError::Text(place))?;
        local.push(names.number_of(text));
    }
    Ok(local)
}

fn decode_column(
    reader: &mut Reader<'_>,
    rows: usize,
    column: &crate::table::Column,
    local: &[u32],
    values: &mut Values,
) -> Result<(), FrameError> {
    let nulls = match reader.number(1)? {
        0 => None,
        1 => Some(reader.take(rows.div_ceil(8))?),
        found => return Err(FrameError::Number { what: "the mark of nulls", found }),
    };
    let base = reader.number(8)?.cast_signed();
    let width = match reader.number(1)? {
        width @ (0 | 1 | 2 | 4 | 8) => width as usize,
        found => return Err(FrameError::Number { what: "the width", found }),
    };
    let bytes = reader.take(rows * width)?;
    for row in 0..rows {
        let mut wide = [0; 8];
        wide[..width].copy_from_slice(&bytes[row * width..(row + 1) * width]);
        let found = base.wrapping_add(u64::from_le_bytes(wide).cast_signed());
        let is_null = nulls.is_some_and(|bits| bits[row / 8] >> (row % 8) & 1 == 1);
        let bad = FrameError::Value { column: column.name, row, found };
        let value = match column.kind {
            _ if is_null => column.nullable.then_some(None),
            Kind::Name => {
                usize::try_from(found).ok().and_then(|at| local.get(at)).map(|n| Some(i64::from(*n)))
            }
            Kind::Word(words) => (0..words.len() as i64).contains(&found).then_some(Some(found)),
            Kind::Time => (0..=TIME_MS_MAX).contains(&found).then_some(Some(found)),
            Kind::Whole => (found != NONE).then_some(Some(found)),
            Kind::Seconds => (0..=i64::from(i32::MAX)).contains(&found).then_some(Some(found)),
            Kind::Tenths => Some(Some(found)),
        };
        match value {
            Some(value) if values.push_long(value) => {}
            _ => return Err(bad),
        }
    }
    Ok(())
}

/// The end of 2199 in milliseconds, as rows are judged by.
const TIME_MS_MAX: i64 = 7_258_118_399_999;

/// Reads one frame's payload and forgets it: for the fuzzer, which looks for what panics.
#[doc(hidden)]
pub fn fuzz_frame(payload: &[u8]) -> Result<usize, FrameError> {
    decode(payload, &mut Names::default()).map(|block| block.len())
}
