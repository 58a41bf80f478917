//! Identifiers: each kind of code or number is a type of its own, so that an account's number cannot stand where an
//! agency's code belongs. They are made by the same check whether a file, a person or the database gives them.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::ops::Deref;

use super::spelled::Spelled;
use super::text::{is_code, is_key};

macro_rules! identifier {
    ($(#[$meta:meta])* $name:ident, $what:literal, $is_one:path) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Reads an identifier; `None` when the text cannot be one.
            pub fn parse(text: &str) -> Option<$name> {
                $is_one(text).then(|| $name(text.to_string()))
            }

            /// Its text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Spelled for $name {
            const WHAT: &'static str = $what;

            fn spelling(&self) -> Cow<'_, str> {
                Cow::Borrowed(&self.0)
            }

            fn from_spelling(text: String) -> Result<$name, String> {
                if $is_one(&text) { Ok($name(text)) } else { Err(text) }
            }

            fn is_spelling(text: &str) -> bool {
                $is_one(text)
            }
        }

        impl Deref for $name {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(identifier: $name) -> String {
                identifier.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == *other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == **other
            }
        }

        impl PartialEq<String> for $name {
            fn eq(&self, other: &String) -> bool {
                self.0 == *other
            }
        }

        impl PartialEq<$name> for String {
            fn eq(&self, other: &$name) -> bool {
                *self == other.0
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}

identifier!(
    /// A lender's code.
    LenderCode, "code of a lender", is_code
);
identifier!(
    /// An assignee's code, an agency's or a team's.
    AssigneeCode, "code of an assignee", is_code
);
identifier!(
    /// A contract's code.
    ContractCode, "code of a contract", is_code
);
identifier!(
    /// A batch's code.
    BatchCode, "code of a batch", is_key
);
identifier!(
    /// A statement's number, unique in the installation.
    StatementNo, "number of a statement", is_key
);
identifier!(
    /// An account's number, unique per lender.
    AccountNo, "account number", is_key
);
identifier!(
    /// What names the person behind accounts.
    DebtorRef, "reference of a debtor", is_key
);
identifier!(
    /// What a payment, a contact or a complaint is known by.
    Reference, "reference", is_key
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_a_text_of_its_own_kind() {
        assert_eq!(AssigneeCode::parse("A01").unwrap(), "A01");
        assert_eq!(AssigneeCode::parse("A 01"), None);
        assert_eq!(AccountNo::parse("借据 1").unwrap().to_string(), "借据 1");
        for wrong in ["", "a\u{1f}b", "a\nb", &"x".repeat(101)] {
            assert_eq!(AccountNo::parse(wrong), None, "{wrong}");
        }
    }
}
