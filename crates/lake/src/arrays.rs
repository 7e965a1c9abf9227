//! Blocks as Arrow batches and back, and how each column is written.

use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, DictionaryArray, Int32Array, PrimitiveArray, RecordBatch, StringArray,
};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Field, Int16Type, Int32Type, Int64Type, Schema, TimeUnit,
    TimestampMillisecondType,
};
use arrow::error::ArrowError;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::block::{Block, NO_TENTHS, NO_WORD, NONE, Values};
use crate::names::{NO_NAME, Names};
use crate::table::{Column, Kind, Table};

/// Rows of a row group at most.
const GROUP_ROWS: usize = 1 << 20;
/// Rows of a page at most: what is read of a column for one machine's day.
const PAGE_ROWS: usize = 8_192;

fn is_word(kind: Kind) -> bool {
    matches!(kind, Kind::Name | Kind::Word(_))
}

fn text_by_number() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

fn type_of(column: &Column) -> DataType {
    match column.kind {
        Kind::Name | Kind::Word(_) => text_by_number(),
        Kind::Time => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        Kind::Whole => DataType::Int64,
        Kind::Seconds => DataType::Int32,
        Kind::Tenths => DataType::Int16,
    }
}

fn schema_with(table: Table, text: &DataType) -> Arc<Schema> {
    let field = |column: &Column| {
        let of = if is_word(column.kind) { text.clone() } else { type_of(column) };
        Field::new(column.name, of, column.nullable)
    };
    Arc::new(Schema::new(table.columns().iter().map(field).collect::<Vec<_>>()))
}

/// The schema that blocks are handed to Parquet with: texts by number.
pub(crate) fn inner_schema(table: Table) -> Arc<Schema> {
    schema_with(table, &text_by_number())
}

/// A table's schema as every reader sees it.
#[must_use]
pub fn schema(table: Table) -> Arc<Schema> {
    schema_with(table, &DataType::Utf8)
}

/// What a file is written with.
///
/// Times and what changes from row to row without repeating are delta encoded, everything else goes by
/// dictionary; pages carry their least and greatest values, and machines a bloom filter a row group.
pub(crate) fn properties(table: Table, merged: bool) -> WriterProperties {
    let level = if merged { 3 } else { 1 };
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(level).unwrap_or_default()))
        .set_created_by(concat!("offpeak ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS)
        .set_dictionary_page_size_limit(4 << 20)
        .set_statistics_enabled(EnabledStatistics::Page);
    for column in table.columns() {
        let path = ColumnPath::from(column.name);
        properties = match column.kind {
            Kind::Time => properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED),
            Kind::Whole => properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED),
            Kind::Name | Kind::Word(_) | Kind::Seconds | Kind::Tenths => properties,
        };
    }
    if merged && table == Table::Machine {
        let path = ColumnPath::from("machine");
        properties = properties
            .set_column_bloom_filter_enabled(path.clone(), true)
            .set_column_bloom_filter_fpp(path.clone(), 0.01)
            .set_column_bloom_filter_max_ndv(path, 65_536);
    }
    properties.build()
}

/// Makes batches of blocks that share their names.
pub(crate) struct Batches {
    names: ArrayRef,
    words: Vec<(Kind, ArrayRef)>,
    schema: Arc<Schema>,
}

impl Batches {
    pub(crate) fn new(table: Table, names: &Names) -> Self {
        let all: StringArray = names.all().iter().map(|name| Some(&**name)).collect();
        let word = |column: &Column| match column.kind {
            Kind::Word(words) => {
                let all: ArrayRef = Arc::new(words.iter().copied().map(Some).collect::<StringArray>());
                Some((column.kind, all))
            }
            _ => None,
        };
        let words = table.columns().iter().filter_map(word).collect();
        Self { names: Arc::new(all), words, schema: inner_schema(table) }
    }

    /// The rows of a block in a given order.
    pub(crate) fn batch(&self, block: &Block, order: &[u32]) -> Result<RecordBatch, ArrowError> {
        let columns = block.table.columns().iter().zip(&block.columns);
        let arrays =
            columns.map(|(column, values)| self.array(column, values, order)).collect::<Result<_, _>>()?;
        RecordBatch::try_new(Arc::clone(&self.schema), arrays)
    }

    fn array(&self, column: &Column, values: &Values, order: &[u32]) -> Result<ArrayRef, ArrowError> {
        let rows = order.iter().map(|row| *row as usize);
        Ok(match values {
            Values::Names(vec) => {
                let keys = numbers::<Int32Type, _>(rows.map(|row| vec[row]), NO_NAME, |v| v as i32);
                Arc::new(DictionaryArray::try_new(keys, Arc::clone(&self.names))?)
            }
            Values::Words(vec) => {
                let keys = numbers::<Int32Type, _>(rows.map(|row| vec[row]), NO_WORD, i32::from);
                let words = self.words.iter().find(|(kind, _)| *kind == column.kind);
                let words =
                    words.map(|(_, words)| Arc::clone(words)).unwrap_or_else(|| Arc::clone(&self.names));
                Arc::new(DictionaryArray::try_new(keys, words)?)
            }
            Values::Longs(vec) if column.kind == Kind::Time => {
                let times = numbers::<TimestampMillisecondType, _>(rows.map(|row| vec[row]), NONE, |v| v);
                Arc::new(times.with_timezone("UTC"))
            }
            Values::Longs(vec) => Arc::new(numbers::<Int64Type, _>(rows.map(|row| vec[row]), NONE, |v| v)),
            Values::Ints(vec) => Arc::new(Int32Array::from_iter_values(rows.map(|row| vec[row] as i32))),
            Values::Shorts(vec) => {
                Arc::new(numbers::<Int16Type, _>(rows.map(|row| vec[row]), NO_TENTHS, |v| v))
            }
        })
    }
}

/// Numbers of which one stands for `NULL`.
fn numbers<T: ArrowPrimitiveType, V: Copy + PartialEq>(
    values: impl Iterator<Item = V> + Clone,
    null: V,
    to: impl Fn(V) -> T::Native,
) -> PrimitiveArray<T> {
    if values.clone().any(|value| value == null) {
        values.map(|value| (value != null).then(|| to(value))).collect()
    } else {
        PrimitiveArray::from_iter_values(values.map(to))
    }
}

/// Adds a batch that was read from a file to a block. The columns go by name; one that the file does not have
/// yet is `NULL`. Of `only` these columns, where they are given.
pub(crate) fn extend_block(
    block: &mut Block,
    names: &mut Names,
    batch: &RecordBatch,
    only: Option<&[&str]>,
) -> Result<(), String> {
    for (column, values) in block.table.columns().iter().zip(&mut block.columns) {
        if only.is_some_and(|only| !only.contains(&column.name)) {
            continue;
        }
        let Some(array) = batch.column_by_name(column.name) else {
            if !(0..batch.num_rows()).all(|_| column.nullable && values.push_long(None)) {
                return Err(format!("it has no column `{}`", column.name));
            }
            continue;
        };
        extend_values(column, values, names, array).ok_or_else(|| {
            format!("column `{}` holds {} or what this program does not know", column.name, array.data_type())
        })?;
    }
    Ok(())
}

fn extend_values(column: &Column, values: &mut Values, names: &mut Names, array: &ArrayRef) -> Option<()> {
    if !column.nullable && array.null_count() > 0 {
        return None;
    }
    match (column.kind, values) {
        (Kind::Name, Values::Names(to)) => {
            let number = |text: Option<&str>| text.map(|text| names.number_of(text));
            let (numbers, keys) = by_number(array, number)?;
            extend(to, keys, NO_NAME, |key| *numbers.get(usize::try_from(key).ok()?)?)
        }
        (Kind::Word(words), Values::Words(to)) => {
            let place = |text: Option<&str>| {
                let place = words.iter().position(|word| Some(*word) == text);
                place.and_then(|place| u8::try_from(place).ok())
            };
            let (numbers, keys) = by_number(array, place)?;
            extend(to, keys, NO_WORD, |key| *numbers.get(usize::try_from(key).ok()?)?)
        }
        (Kind::Time, Values::Longs(to)) => {
            extend(to, array.as_primitive_opt::<TimestampMillisecondType>()?, NONE, Some)
        }
        (Kind::Whole, Values::Longs(to)) => extend(to, array.as_primitive_opt::<Int64Type>()?, NONE, Some),
        (Kind::Seconds, Values::Ints(to)) => {
            extend(to, array.as_primitive_opt::<Int32Type>()?, 0, |value| u32::try_from(value).ok())
        }
        (Kind::Tenths, Values::Shorts(to)) => {
            extend(to, array.as_primitive_opt::<Int16Type>()?, NO_TENTHS, Some)
        }
        _ => None,
    }
}

/// The texts of a column as numbers, and each row's place among them.
fn by_number<N>(
    array: &ArrayRef,
    number: impl FnMut(Option<&str>) -> Option<N>,
) -> Option<(Vec<Option<N>>, &PrimitiveArray<Int32Type>)> {
    let texts = array.as_any_dictionary_opt()?;
    let dictionary = texts.values().as_string_opt::<i32>()?;
    Some((dictionary.iter().map(number).collect(), texts.keys().as_primitive_opt::<Int32Type>()?))
}

/// Adds values of a file, with one that stands for `NULL`; `None` if the column cannot hold one of them.
fn extend<T: ArrowPrimitiveType, V: Copy>(
    to: &mut Vec<V>,
    from: &PrimitiveArray<T>,
    null: V,
    value: impl Fn(T::Native) -> Option<V>,
) -> Option<()> {
    to.reserve(from.len());
    if from.null_count() == 0 {
        for read in from.values() {
            to.push(value(*read)?);
        }
    } else {
        for read in from {
            to.push(read.map_or(Some(null), &value)?);
        }
    }
    Some(())
}
