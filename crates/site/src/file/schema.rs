//! The JSON Schema of the site file, for editors, from the table of keys that the reader uses.

use serde_json::{Map, Value, json};

use super::fields;
use super::shape::{Kind, Shape};

/// The JSON Schema (draft 2020-12) of the site file.
#[must_use]
pub fn schema() -> Value {
    let mut schema = section(&fields::FILE);
    let head = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "offpeak site file",
    });
    if let (Value::Object(schema), Value::Object(head)) = (&mut schema, head) {
        schema.extend(head);
    }
    schema
}

fn section(shape: &Shape) -> Value {
    let mut properties = Map::new();
    for field in shape.fields {
        let mut value = kind(field.kind);
        if let Value::Object(value) = &mut value {
            value.insert("description".to_owned(), json!(field.about));
        }
        properties.insert(field.key.to_owned(), value);
    }
    let required: Vec<_> =
        shape.fields.iter().filter(|field| field.required).map(|field| field.key).collect();
    json!({
        "type": "object",
        "description": shape.about,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// What an editor can check; a date may be TOML's own, which editors show as text.
fn kind(kind: Kind) -> Value {
    let texts = |examples: &[&str]| json!({ "type": "string", "minLength": 1, "examples": examples });
    match kind {
        Kind::Text => json!({ "type": "string", "minLength": 1 }),
        Kind::Names => texts(&["hall-[1-8]/rack-[01-40]"]),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Kilowatts | Kind::Watts | Kind::AmountFromZero => json!({ "type": "number", "minimum": 0 }),
        Kind::KilowattsList => json!({
            "type": "array", "items": { "type": "number", "minimum": 0 }, "minItems": 1,
        }),
        Kind::Celsius => json!({ "type": "number", "minimum": -70, "maximum": 70 }),
        Kind::Terahashes | Kind::AmountAboveZero => json!({ "type": "number", "exclusiveMinimum": 0 }),
        Kind::Count(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Slots => json!({ "anyOf": [
            { "type": "integer", "minimum": 1, "maximum": 10_000 },
            { "type": "string", "examples": ["1-16"] },
        ] }),
        Kind::AccuracyClass => json!({ "type": "number", "exclusiveMinimum": 0, "maximum": 5 }),
        Kind::Amount => json!({ "type": "number" }),
        Kind::Seconds => json!({
            "type": "array", "items": { "type": "number", "exclusiveMinimum": 0, "maximum": 86_400 },
            "minItems": 2, "maxItems": 2,
        }),
        Kind::Instant => texts(&["2022-10-03T08:00:00+06:00"]),
        Kind::Date => texts(&["2022-10-25"]),
        Kind::Dates => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Time => {
            json!({ "type": "string", "pattern": "^([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$|^24:00$" })
        }
        Kind::Days => json!({ "anyOf": [
            { "type": "string", "examples": ["every day", "workdays", "weekend", "monday"] },
            { "type": "array", "items": { "type": "string" } },
        ] }),
        Kind::TimeZone => texts(&["Asia/Almaty", "Europe/Berlin"]),
        Kind::Currency => json!({ "type": "string", "pattern": "^[A-Z]{3}$" }),
        Kind::Addresses => texts(&["10.1.0.1", "10.[1-8].0.1"]),
        Kind::Sockets => texts(&["10.0.0.5:502"]),
        Kind::Section(shape) => section(shape),
        Kind::Sections(shape) => json!({ "type": "array", "items": section(shape) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every key of the schema is one that the reader knows, and the other way round.
    fn compare(schema: &Value, shape: &Shape) {
        let keys: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        let mut known: Vec<&str> = shape.fields.iter().map(|field| field.key).collect();
        known.sort_unstable();
        assert_eq!(keys, known);
        for field in shape.fields {
            match field.kind {
                Kind::Section(inner) => compare(&schema["properties"][field.key], inner),
                Kind::Sections(inner) => compare(&schema["properties"][field.key]["items"], inner),
                _ => {}
            }
        }
    }

    #[test]
    fn the_schema_has_the_keys_of_the_reader() {
        compare(&schema(), &fields::FILE);
    }
}
