//! What the CGMiner-like APIs of both families share: the status that heads a reply, objects that
//! may be text instead, and a way to read objects with numbered keys in one pass.
//!
//! Not here: any family's replies. Shapes follow cgminer's API-README and the recorded replies in
//! `tests/fixtures`.

use core::fmt;
use core::marker::PhantomData;
use std::borrow::Cow;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::json::Number;
use crate::refusal::Refusal;

/// Text borrowed from the reply where it holds no escapes; absent when it is not text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text<'a>(Option<Cow<'a, str>>);

impl<'a> Text<'a> {
    /// The text, trimmed; absent when empty.
    #[must_use]
    pub fn get(&self) -> Option<&str> {
        self.0.as_deref().map(str::trim).filter(|text| !text.is_empty())
    }
    /// As an owned string.
    #[must_use]
    pub fn owned(&self) -> Option<String> {
        self.get().map(str::to_owned)
    }
    /// As it came, borrowed where it can be.
    #[must_use]
    pub fn into_inner(self) -> Option<Cow<'a, str>> {
        self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lenient;
        impl<'de> Visitor<'de> for Lenient {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }
            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Borrowed(text))))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Owned(text.to_owned()))))
            }
            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Owned(n.to_string()))))
            }
            fn visit_i64<E: de::Error>(self, n: i64) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Owned(n.to_string()))))
            }
            fn visit_f64<E: de::Error>(self, n: f64) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Owned(n.to_string()))))
            }
            fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Borrowed(if flag { "true" } else { "false" }))))
            }
            fn visit_unit<E: de::Error>(self) -> Result<Text<'de>, E> {
                Ok(Text(None))
            }
        }
        deserializer.deserialize_any(Lenient)
    }
}

/// The key of a member, borrowed where it can be.
pub(crate) struct Key<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Keys)
    }
}

/// An object whose members are taken one by one.
pub(crate) trait Members<'de>: Default {
    /// Takes the member of this key, or leaves it: then it is skipped.
    fn take<M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<bool, M::Error>;
}

/// Reads all members of an object into `into`.
pub(crate) fn read_members<'de, T: Members<'de>, M: MapAccess<'de>>(
    into: &mut T,
    map: &mut M,
) -> Result<(), M::Error> {
    while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
        if !into.take(&key, map)? {
            map.next_value::<IgnoredAny>()?;
        }
    }
    Ok(())
}

/// Declares an object of fixed keys, each read leniently, and implements its reading. Keys with
/// numbers go to `numbered`.
macro_rules! members {
    ($(#[$doc:meta])* $name:ident <$life:lifetime> { $($(#[$field_doc:meta])* $key:literal $field:ident: $type:ty,)* } $numbered:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name<$life> {
            $($(#[$field_doc])* #[doc = concat!("`", $key, "`")] pub $field: $type,)*
            /// What stands under numbered keys.
            pub numbered: $numbered<$life>,
        }
        impl<'de: $life, $life> $crate::cgminer::Members<'de> for $name<$life> {
            fn take<M: serde::de::MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<bool, M::Error> {
                match key {
                    $($key => self.$field = map.next_value()?,)*
                    other => return $crate::cgminer::Members::take(&mut self.numbered, other, map),
                }
                Ok(true)
            }
        }
        impl<'de: $life, $life> serde::Deserialize<'de> for $name<$life> {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::cgminer::object(deserializer)
            }
        }
    };
}
pub(crate) use members;

/// Reads an object member by member.
pub(crate) fn object<'de, T: Members<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Object<T>(PhantomData<T>);
    impl<'de, T: Members<'de>> Visitor<'de> for Object<T> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<T, M::Error> {
            let mut into = T::default();
            read_members(&mut into, &mut map)?;
            Ok(into)
        }
    }
    deserializer.deserialize_map(Object(PhantomData))
}

/// Takes no numbered keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Nothing<'a>(PhantomData<&'a ()>);

impl<'de> Members<'de> for Nothing<'_> {
    fn take<M: MapAccess<'de>>(&mut self, _: &str, _: &mut M) -> Result<bool, M::Error> {
        Ok(false)
    }
}

members! {
    /// One status object.
    StatusObject<'a> {
        /// `S` success, `I` information, `W` warning, `E` error, `F` fatal.
        "STATUS" letter: Text<'a>,
        "Code" code: Number,
        "Msg" words: Text<'a>,
        "When" when: Number,
        "Description" description: Text<'a>,
    } Nothing
}

/// The status that heads a reply: an object in a list, or a single letter beside `Code` and `Msg`.
#[derive(Clone, Debug, PartialEq)]
pub enum Status<'a> {
    /// `"STATUS": "S"`; code and words stand beside it.
    Letter(Cow<'a, str>),
    /// `"STATUS": [{...}]`.
    Listed(StatusObject<'a>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Status<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Status<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a status letter, or a list with a status object")
            }
            fn visit_borrowed_str<E: de::Error>(self, letter: &'de str) -> Result<Status<'de>, E> {
                Ok(Status::Letter(Cow::Borrowed(letter)))
            }
            fn visit_str<E: de::Error>(self, letter: &str) -> Result<Status<'de>, E> {
                Ok(Status::Letter(Cow::Owned(letter.to_owned())))
            }
            fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Status<'de>, S::Error> {
                let first = list.next_element()?.ok_or_else(|| de::Error::custom("an empty status list"))?;
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Status::Listed(first))
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Status<'de>, M::Error> {
                let mut object = StatusObject::default();
                read_members(&mut object, &mut map)?;
                Ok(Status::Listed(object))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl Status<'_> {
    /// Whether the machine did as asked, or refused.
    ///
    /// # Errors
    /// The refusal. `code` and `words` are those that stand beside a letter.
    pub fn verdict(&self, code: Number, words: Option<&str>) -> Result<(), Refusal> {
        let (letter, code, words) = match self {
            Self::Letter(letter) => (Some(letter.trim()), code, words),
            Self::Listed(object) => (object.letter.get(), object.code, object.words.get()),
        };
        match letter {
            Some("S" | "I" | "W") => Ok(()),
            _ => Err(Refusal { code: code.whole(), words: words.unwrap_or("no reason given").to_owned() }),
        }
    }
}

/// An object, or the text that some errors put in its place.
#[derive(Clone, Debug, PartialEq)]
pub enum Said<'a, T> {
    /// Words.
    Text(Cow<'a, str>),
    /// The object.
    Object(T),
}

impl<T> Said<'_, T> {
    /// The words, where it is words.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Object(_) => None,
        }
    }
    /// The object, where it is one.
    #[must_use]
    pub const fn object(&self) -> Option<&T> {
        match self {
            Self::Text(_) => None,
            Self::Object(object) => Some(object),
        }
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for Said<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = Said<'de, T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object, or text")
            }
            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Said::Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Said::Text(Cow::Owned(text.to_owned())))
            }
            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Self::Value, M::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(map)).map(Said::Object)
            }
        }
        deserializer.deserialize_any(Either(PhantomData))
    }
}

/// The first element of a list, where the list has any; the rest is skipped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct First<T>(pub Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for First<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
            type Value = First<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<First<T>, S::Error> {
                let first = list.next_element()?;
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(First(first))
            }
        }
        deserializer.deserialize_seq(List(PhantomData))
    }
}
