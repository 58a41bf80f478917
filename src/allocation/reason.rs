//! Why an account went where it went: kept as a short code, told in words of either language.

use std::borrow::Cow;
use std::fmt;

use super::gates::Gate;
use crate::kernel::Spelled;
use crate::kernel::text::is_code;

/// A reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Its share of the stratum, by a method of shares: assignee, its accounts, all accounts.
    Share(String, i64, i64),
    /// The optimum: assignee, its accounts, all accounts.
    Optimum(String, i64, i64),
    /// Held back to explore: assignee, its accounts, all explored.
    Explore(String, i64, i64),
    /// The debtor is with this assignee already.
    Follow(String),
    /// The debtor is with an assignee that cannot take it: which, and why not.
    Wait(String, String),
    /// No gate is open.
    NoGate,
    /// The limits of every eligible assignee are used up.
    Full,
    /// No eligible assignee has a share.
    NoShare,
    /// Nobody has room for all accounts of the debtor.
    NoRoomTogether,
    /// In words, as the runs of long ago were kept before there were codes.
    Words(String),
}

/// A reason with what goes along with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// The reason.
    pub reason: Reason,
    /// How many accounts of the debtor were dealt as one.
    pub together: i64,
    /// The number, in the run, of the list of gates that were closed.
    pub refusals: Option<i64>,
}

impl fmt::Display for Why {
    /// The short code: what is stored.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::Share(code, own, all) => write!(f, "share {code} {own} {all}")?,
            Reason::Optimum(code, own, all) => write!(f, "optimum {code} {own} {all}")?,
            Reason::Explore(code, own, all) => write!(f, "explore {code} {own} {all}")?,
            Reason::Follow(code) => write!(f, "follow {code}")?,
            Reason::Wait(code, why) => write!(f, "wait {code} {why}")?,
            Reason::NoGate => f.write_str("no-gate")?,
            Reason::Full => f.write_str("full")?,
            Reason::NoShare => f.write_str("no-share")?,
            Reason::NoRoomTogether => f.write_str("no-room-together")?,
            Reason::Words(words) => f.write_str(words)?,
        }
        if self.together > 1 {
            write!(f, " +{}", self.together)?;
        }
        self.refusals.map_or(Ok(()), |list| write!(f, " #{list}"))
    }
}

impl Spelled for Why {
    const WHAT: &'static str = "reason of a run";

    fn spelling(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }

    fn from_spelling(text: String) -> Result<Why, String> {
        let code = Why::parse(&text).filter(|why| why.to_string() == text);
        Ok(code.unwrap_or(Why { reason: Reason::Words(text), together: 1, refusals: None }))
    }
}

/// A list of closed gates: `A03=rotation,A04=region`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusals(pub String);

impl Spelled for Refusals {
    const WHAT: &'static str = "list of closed gates";

    fn spelling(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.0)
    }

    fn from_spelling(text: String) -> Result<Refusals, String> {
        let closed = |pair: &str| {
            pair.split_once('=')
                .is_some_and(|(code, gate)| is_code(code) && Gate::parse(gate).is_some())
        };
        if text.split(',').all(closed) { Ok(Refusals(text)) } else { Err(text) }
    }
}

impl Why {
    /// Reads a stored code; `None` when it is none.
    pub fn parse(text: &str) -> Option<Why> {
        let mut words: Vec<&str> = text.split(' ').collect();
        let mut tail = |mark: char| {
            let number = words
                .last()
                .and_then(|last| last.strip_prefix(mark))
                .and_then(|number| number.parse().ok());
            if number.is_some() {
                words.pop();
            }
            number
        };
        let refusals = tail('#');
        let together = tail('+').unwrap_or(1);
        let number = |text: &str| text.parse::<i64>().ok();
        let reason = match words.as_slice() {
            ["share", code, own, all] => {
                Reason::Share((*code).to_string(), number(own)?, number(all)?)
            }
            ["optimum", code, own, all] => {
                Reason::Optimum((*code).to_string(), number(own)?, number(all)?)
            }
            ["explore", code, own, all] => {
                Reason::Explore((*code).to_string(), number(own)?, number(all)?)
            }
            ["follow", code] => Reason::Follow((*code).to_string()),
            ["wait", code, why] => Reason::Wait((*code).to_string(), (*why).to_string()),
            ["no-gate"] => Reason::NoGate,
            ["full"] => Reason::Full,
            ["no-share"] => Reason::NoShare,
            ["no-room-together"] => Reason::NoRoomTogether,
            _ => return None,
        };
        Some(Why { reason, together, refusals })
    }

    /// How the account was decided, as the assignment file names it.
    pub fn method<'a>(&self, of_run: &'a str) -> &'a str {
        match self.reason {
            Reason::Explore(..) => "exploration",
            _ => of_run,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::party::Lang;

    #[test]
    fn codes_are_read_back_as_they_were_written() {
        let reasons = [
            Reason::Share("A01".into(), 4, 10),
            Reason::Optimum("A01".into(), 4, 10),
            Reason::Explore("A01".into(), 1, 3),
            Reason::Follow("A02".into()),
            Reason::Wait("A02".into(), "rotation".into()),
            Reason::NoGate,
            Reason::Full,
            Reason::NoShare,
            Reason::NoRoomTogether,
        ];
        for reason in reasons {
            for (together, refusals) in [(1, None), (3, None), (1, Some(0)), (2, Some(17))] {
                let why = Why { reason: reason.clone(), together, refusals };
                assert_eq!(Why::parse(&why.to_string()), Some(why.clone()), "{why}");
                assert!(!why.words(Lang::Zh, "equal", "").is_empty());
            }
        }
        assert_eq!(Why::parse("something else"), None);
    }
}
