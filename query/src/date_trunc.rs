//! `date_trunc` of an instant in UTC is a division, for which the engine looks up a time zone a row. Here the instant goes to the
//! engine's own function without its zone, and gets it back.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array as _, AsArray as _};
use datafusion::arrow::datatypes::{DataType, FieldRef, TimeUnit, TimestampMillisecondType};
use datafusion::common::Result;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

/// The engine's function, spared the zone.
#[derive(Debug)]
pub(crate) struct DateTrunc(Arc<ScalarUDF>);

impl DateTrunc {
    pub(crate) fn new() -> Self {
        Self(datafusion::functions::datetime::date_trunc())
    }
}

impl PartialEq for DateTrunc {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for DateTrunc {}

impl Hash for DateTrunc {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl ScalarUDFImpl for DateTrunc {
    fn name(&self) -> &str {
        self.0.name()
    }
    fn aliases(&self) -> &[String] {
        self.0.aliases()
    }
    fn signature(&self) -> &Signature {
        self.0.signature()
    }
    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.0.return_type(types)
    }
    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.0.return_field_from_args(args)
    }
    fn output_ordering(&self, input: &[ExprProperties]) -> Result<SortProperties> {
        self.0.inner().output_ordering(input)
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let zone = match args.args.get(1) {
            Some(ColumnarValue::Array(array)) => match array.data_type() {
                DataType::Timestamp(TimeUnit::Millisecond, Some(zone)) if &**zone == "UTC" => {
                    Arc::clone(zone)
                }
                _ => return self.0.invoke_with_args(args),
            },
            _ => return self.0.invoke_with_args(args),
        };
        if let Some(ColumnarValue::Array(array)) = args.args.get_mut(1) {
            let instants = array.as_primitive::<TimestampMillisecondType>().clone();
            *array = Arc::new(instants.with_timezone_opt(None::<Arc<str>>));
        }
        match self.0.inner().invoke_with_args(args)? {
            ColumnarValue::Array(array) => {
                let instants = array.as_primitive::<TimestampMillisecondType>().clone();
                Ok(ColumnarValue::Array(Arc::new(instants.with_timezone(zone))))
            }
            scalar @ ColumnarValue::Scalar(_) => Ok(scalar),
        }
    }
}
