//! Words every noun shares: money, rates and their rounding, the calendar, digests, text.
//! Nothing here reads a file, a clock or a database; a word belongs here once three nouns use it.

pub mod calendar;
pub mod chance;
pub mod digest;
pub mod document;
pub mod ids;
mod lang;
pub mod money;
pub mod progress;
pub mod rate;
pub mod spelled;
pub mod text;

/// How many there are of something: no memory holds more of anything than 63 bits count.
pub fn count(things: usize) -> i64 {
    things as i64
}

pub use calendar::Month;
pub use lang::Lang;
pub use money::{Currency, Money, MoneyRange, Total};
pub use rate::{Rate, Rounding};
pub use spelled::Spelled;
pub(crate) use spelled::enumeration;
