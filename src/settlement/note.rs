//! What a line of a statement has to say beside its figures. It is stored, digested and exported as an English sentence
//! that is read back here; `words/settlement.rs` has it for people.

use std::borrow::Cow;
use std::fmt;

use crate::commission::Scope;
use crate::contract::Per;
use crate::kernel::{Month, Spelled};

/// A note. Amounts and factors stand in it as they are written: `1234.56`, `1.10`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A payment within the days of grace.
    Grace,
    /// A payment without the components that the rule prices.
    Undivided,
    /// A true-up of lines on these statements; `by` is the version that corrects another and moved them.
    Corrects {
        /// The contract of the group.
        contract: String,
        /// Its version.
        version: i64,
        /// What the group is measured over.
        scope: Scope,
        /// Where earlier lines of the group stand.
        statements: Vec<String>,
        /// Which version corrects which.
        by: Option<(i64, i64)>,
    },
    /// A charge: so many of them at so much.
    Charged {
        /// How many.
        count: i64,
        /// Of what.
        per: Per,
        /// The amount of one.
        amount: String,
    },
    /// Factor, minimum or maximum.
    Terms {
        /// Of this month; absent where only the statement's own lines were looked at.
        month: Option<Month>,
        /// What the contract says.
        what: Term,
        /// What was settled before, where something was.
        settled: Option<Before>,
    },
    /// Whatever else stands there.
    Words(String),
}

/// What a contract says beside its fees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// A factor on the commission.
    Factor {
        /// By what it was read.
        grade: Grade,
        /// The commission.
        commission: String,
        /// The factor.
        factor: String,
    },
    /// A minimum, or that there is none.
    Minimum(Option<String>),
    /// A maximum, or that there is none.
    Maximum(Option<String>),
}

/// By what a factor is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grade {
    /// The rank, of so many; whether anything of its own was judged.
    Rank(i64, i64, bool),
    /// The shrunk index; whether anything of its own was judged.
    Index(String, bool),
    /// No grade of the month is kept.
    NotKept,
    /// The contract has no factor.
    NoFactor,
}

/// What earlier statements settled of a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    /// What it comes to now.
    pub now: String,
    /// What is settled already.
    pub less: String,
    /// Where.
    pub statements: Vec<String>,
}

const GRACE: &str = "grace: paid within the contract's days of grace, earns nothing";
const UNDIVIDED: &str = "no components stated: counted whole";
const UNPROVEN: &str = ", none of its own placements judged yet";

impl fmt::Display for Note {
    /// The sentence that is stored.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::Grace => f.write_str(GRACE),
            Note::Undivided => f.write_str(UNDIVIDED),
            Note::Corrects { contract, version, scope, statements, by } => {
                let statements = statements.join(", ");
                write!(f, "{contract} version {version}, {scope}: corrects {statements}")?;
                by.map_or(Ok(()), |(version, corrected)| {
                    write!(f, " (version {version} corrects version {corrected})")
                })
            }
            Note::Charged { count, per: Per::AccountPlaced, amount } => {
                write!(f, "{count} accounts placed × {amount}")
            }
            Note::Charged { count, per: Per::Month, amount } => {
                write!(f, "{count} month × {amount}")
            }
            Note::Terms { month, what, settled } => {
                month.map_or(Ok(()), |month| write!(f, "month {month}, "))?;
                write!(f, "{what}")?;
                settled.as_ref().map_or(Ok(()), |Before { now, less, statements }| {
                    write!(f, ", now {now}, less {less} on {}", statements.join(", "))
                })
            }
            Note::Words(words) => f.write_str(words),
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Term::Factor { grade, commission, factor } => {
                write!(f, "{grade}: commission {commission} × ({factor} − 1)")
            }
            Term::Minimum(Some(amount)) => write!(f, "minimum per statement {amount}"),
            Term::Minimum(None) => f.write_str("no minimum per statement"),
            Term::Maximum(Some(amount)) => write!(f, "maximum per statement {amount}"),
            Term::Maximum(None) => f.write_str("no maximum per statement"),
        }
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unproven = |judged: &bool| if *judged { "" } else { UNPROVEN };
        match self {
            Grade::Rank(rank, of, judged) => write!(f, "rank {rank} of {of}{}", unproven(judged)),
            Grade::Index(index, judged) => write!(f, "shrunk index {index}{}", unproven(judged)),
            Grade::NotKept => f.write_str("no grade was kept"),
            Grade::NoFactor => f.write_str("no factor"),
        }
    }
}

impl Spelled for Note {
    const WHAT: &'static str = "note";

    fn spelling(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }

    fn from_spelling(text: String) -> Result<Note, String> {
        Ok(Note::read(&text))
    }
}

impl Note {
    /// Reads a stored sentence back; one that no note writes stays as it is.
    pub fn read(text: &str) -> Note {
        let note = match text {
            GRACE => Some(Note::Grace),
            UNDIVIDED => Some(Note::Undivided),
            _ => corrects(text).or_else(|| charged(text)).or_else(|| terms(text)),
        };
        note.filter(|note| note.to_string() == text)
            .unwrap_or_else(|| Note::Words(text.to_string()))
    }
}

fn corrects(text: &str) -> Option<Note> {
    let (head, statements) = text.split_once(": corrects ")?;
    let (contract, rest) = head.split_once(" version ")?;
    let (version, scope) = rest.split_once(", ")?;
    let (statements, by) = match statements.split_once(" (version ") {
        Some((statements, by)) => {
            let (version, corrected) = by.strip_suffix(')')?.split_once(" corrects version ")?;
            (statements, Some((version.parse().ok()?, corrected.parse().ok()?)))
        }
        None => (statements, None),
    };
    Some(Note::Corrects {
        contract: contract.to_string(),
        version: version.parse().ok()?,
        scope: Scope::read(scope)?,
        statements: listed(statements),
        by,
    })
}

fn listed(statements: &str) -> Vec<String> {
    statements.split(", ").filter(|one| !one.is_empty()).map(str::to_string).collect()
}

fn charged(text: &str) -> Option<Note> {
    let (counted, amount) = text.split_once(" × ")?;
    let (count, what) = counted.split_once(' ')?;
    let per = match what {
        "accounts placed" => Per::AccountPlaced,
        "month" => Per::Month,
        _ => return None,
    };
    Some(Note::Charged { count: count.parse().ok()?, per, amount: amount.to_string() })
}

fn terms(text: &str) -> Option<Note> {
    let (month, text) = match text.strip_prefix("month ").and_then(|rest| rest.split_once(", ")) {
        Some((month, rest)) => (Some(Month::from_spelling(month.to_string()).ok()?), rest),
        None => (None, text),
    };
    let (what, settled) = match text.split_once(", now ") {
        Some((what, settled)) => (what, Some(before(settled)?)),
        None => (text, None),
    };
    Some(Note::Terms { month, what: term(what)?, settled })
}

fn before(text: &str) -> Option<Before> {
    let (now, rest) = text.split_once(", less ")?;
    let (less, statements) = rest.split_once(" on ")?;
    let statements = listed(statements);
    Some(Before { now: now.to_string(), less: less.to_string(), statements })
}

fn term(text: &str) -> Option<Term> {
    let bound = |what: &str| text.strip_prefix(what).map(str::to_string);
    match text {
        "no minimum per statement" => return Some(Term::Minimum(None)),
        "no maximum per statement" => return Some(Term::Maximum(None)),
        _ => {}
    }
    if let Some(amount) = bound("minimum per statement ") {
        return Some(Term::Minimum(Some(amount)));
    }
    if let Some(amount) = bound("maximum per statement ") {
        return Some(Term::Maximum(Some(amount)));
    }
    let (grade, rest) = text.split_once(": commission ")?;
    let (commission, factor) = rest.strip_suffix(" − 1)")?.split_once(" × (")?;
    let (commission, factor) = (commission.to_string(), factor.to_string());
    Some(Term::Factor { grade: graded(grade)?, commission, factor })
}

fn graded(text: &str) -> Option<Grade> {
    match text {
        "no grade was kept" => return Some(Grade::NotKept),
        "no factor" => return Some(Grade::NoFactor),
        _ => {}
    }
    let (text, judged) = match text.strip_suffix(UNPROVEN) {
        Some(text) => (text, false),
        None => (text, true),
    };
    if let Some(index) = text.strip_prefix("shrunk index ") {
        return Some(Grade::Index(index.to_string(), judged));
    }
    let (rank, of) = text.strip_prefix("rank ")?.split_once(" of ")?;
    Some(Grade::Rank(rank.parse().ok()?, of.parse().ok()?, judged))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::party::Lang;

    #[test]
    fn every_sentence_is_read_back_and_told_in_both_languages() {
        let sentences = [
            GRACE,
            UNDIVIDED,
            "CFC-A01-2026 version 2, month 2026-03: corrects CFC-000001, CFC-000004",
            "CFC-A01-2026 version 1, batch R3-A01: corrects CFC-000001 (version 2 corrects version 1)",
            "412 accounts placed × 2.00",
            "1 month × 300.00",
            "minimum per statement 1000.00",
            "maximum per statement 5000",
            "rank 1 of 3: commission 1000.00 × (1.10 − 1)",
            "shrunk index 1.0321, none of its own placements judged yet: commission -3.10 × (0.90 − 1)",
            "month 2026-02, no minimum per statement, now 0.00, less 12.00 on CFC-000001",
            "month 2026-02, no grade was kept: commission 1.00 × (1 − 1)",
            "month 2026-02, no factor: commission 1.00 × (1 − 1), now 0.00, less 1.00 on CFC-000001, CFC-000002",
        ];
        for sentence in sentences {
            let note = Note::read(sentence);
            assert!(!matches!(note, Note::Words(_)), "{sentence}");
            assert_eq!(note.to_string(), sentence);
            let chinese = note.words(Lang::Zh);
            let latin = chinese.split(|c: char| !c.is_ascii_alphabetic() && c != '-');
            let english =
                |word: &&str| word.len() > 1 && word.chars().all(|c| c.is_ascii_lowercase());
            assert_eq!(latin.filter(english).count(), 0, "{sentence}: {chinese}");
        }
        for other in [
            "",
            "x",
            "as agreed: corrects nothing",
            "1 dog × 2",
            "rank one of 3: commission 1 × (1 − 1)",
        ] {
            assert_eq!(Note::read(other), Note::Words(other.to_string()));
        }
    }
}
