//! Values with one spelling: how words, identifiers, months and rates stand in columns, files and messages.
//!
//! What is kept as text is read back by the constructor that made it, and by nothing more lenient: a text that is
//! nobody's spelling is a fault of whoever changed it, never a default.

use std::borrow::Cow;

use rust_decimal::Decimal;

/// A value that is written in one way only.
pub trait Spelled: Sized {
    /// What a value is, for messages: "month", "type of hold".
    const WHAT: &'static str;

    /// Every spelling, where there are few; empty where they cannot be listed.
    const WORDS: &'static [&'static str] = &[];

    /// The value as it is written.
    fn spelling(&self) -> Cow<'_, str>;

    /// Reads what [`Spelled::spelling`] writes and nothing else; gives the text back when it is no value.
    fn from_spelling(text: String) -> Result<Self, String>;

    /// Whether a text is the spelling of a value.
    fn is_spelling(text: &str) -> bool {
        Self::from_spelling(text.to_string()).is_ok()
    }
}

/// Defines an enumeration from one list of its values and their words.
///
/// ```ignore
/// enumeration! {
///     /// Where the money went.
///     pub enum Channel ("channel") {
///         /// To the lender.
///         Lender = "lender" | "委托方",
///         /// To an agency.
///         Agency = "agency" | "机构" | "受托方",
///     }
/// }
/// ```
///
/// The first word is the one that is stored and written; `parse` reads only it. Words behind a bar are what files and
/// people may write instead; `recognise` reads them too. A table of facts whose column has the type refuses every
/// other word, in this program and in the database (`db/fact.rs`).
macro_rules! enumeration {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident ($what:literal) {
            $( $(#[$of_value:meta])* $value:ident = $word:literal $(| $other:literal)* ),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name { $( $(#[$of_value])* $value ),+ }

        #[allow(dead_code)]
        impl $name {
            /// All values, in order.
            pub const ALL: &'static [$name] = &[$($name::$value),+];

            /// The word of each, in the same order.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// As it is stored and written.
            pub const fn name(self) -> &'static str {
                match self { $($name::$value => $word),+ }
            }

            /// Reads what [`Self::name`] gives, and nothing else.
            pub fn parse(text: &str) -> Option<$name> {
                match text {
                    $($word => Some($name::$value),)+
                    _ => None,
                }
            }

            /// Reads a word as files and people write it: in small or capital letters, with spaces, hyphens or
            /// underscores, or one of its other names.
            pub fn recognise(text: &str) -> Option<$name> {
                let known: &[(&[&str], $name)] = &[$((&[$word $(, $other)*], $name::$value)),+];
                let plain = |text: &str| text.to_lowercase().replace(['_', '-'], " ");
                let said = plain(text.trim());
                known.iter().find(|(words, _)| words.iter().any(|word| plain(word) == said)).map(|(_, value)| *value)
            }

            /// All words, for messages.
            pub fn names() -> String {
                Self::WORDS.join(", ")
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                let none = || serde::de::Error::custom(format!("\"{text}\" is no {}", $what));
                $name::parse(&text).ok_or_else(none)
            }
        }

        impl $crate::kernel::Spelled for $name {
            const WHAT: &'static str = $what;
            const WORDS: &'static [&'static str] = $name::WORDS;

            fn spelling(&self) -> std::borrow::Cow<'_, str> {
                std::borrow::Cow::Borrowed(self.name())
            }

            fn from_spelling(text: String) -> Result<Self, String> {
                $name::parse(&text).ok_or(text)
            }

            fn is_spelling(text: &str) -> bool {
                $name::parse(text).is_some()
            }
        }
    };
}
pub(crate) use enumeration;

impl Spelled for Decimal {
    const WHAT: &'static str = "decimal number";

    fn spelling(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }

    fn from_spelling(text: String) -> Result<Decimal, String> {
        match Decimal::from_str_exact(&text) {
            // Nothing may have been written with a sign.
            Ok(number) if number.is_zero() || number.to_string() == text => Ok(number),
            _ => Err(text),
        }
    }
}

/// What is kept as JSON, its keys in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json(pub serde_json::Value);

impl Spelled for Json {
    const WHAT: &'static str = "JSON value";

    fn spelling(&self) -> Cow<'_, str> {
        Cow::Owned(self.0.to_string())
    }

    fn from_spelling(text: String) -> Result<Json, String> {
        serde_json::from_str(&text).map(Json).map_err(|_| text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    enumeration! {
        /// An example.
        enum Colour ("colour") {
            /// 红
            Red = "red" | "红",
            /// 蓝
            DarkBlue = "dark blue",
        }
    }

    #[test]
    fn an_enumeration_is_read_strictly_when_stored_and_as_people_write_it_otherwise() {
        for colour in Colour::ALL {
            assert_eq!(Colour::parse(colour.name()), Some(*colour));
            assert_eq!(Colour::from_spelling(colour.spelling().into_owned()), Ok(*colour));
        }
        assert_eq!(Colour::parse("Red"), None);
        assert_eq!(Colour::parse("红"), None);
        assert_eq!(Colour::recognise("红"), Some(Colour::Red));
        assert_eq!(Colour::recognise(" Dark-Blue "), Some(Colour::DarkBlue));
        assert_eq!(Colour::recognise("green"), None);
        assert_eq!(Colour::names(), "red, dark blue");
        assert_eq!(Colour::from_spelling("green".to_string()), Err("green".to_string()));
    }

    #[test]
    fn a_number_is_read_only_as_it_is_written() {
        assert!(Decimal::is_spelling("0.10"));
        for wrong in ["", "1e3", ".5", "+1", "00.1", "1_000", "NaN"] {
            assert!(!Decimal::is_spelling(wrong), "{wrong}");
        }
    }
}
