//! Proving a book from its rows (rule 7.7): nothing stored is believed that can be worked out again.
//!
//! [`verify`] checks the chain of events and the digest of the rows each wrote, the chain and balance of the
//! ledger, every recovery and statement against its transaction, the control accounts against the detail, the end of
//! every placement against its steps, parties and people against the events that made them what they are, and works out
//! every statement again from the facts its closing knew ([`crate::settlement::replay`] says how).

mod control;
mod documents;
mod events;
mod ledger;
mod life;
mod register;
mod statements;

use crate::audit::Book;
pub use events::FACTS;

use crate::db::Db;
use crate::party::{self, Lender};

/// What verification found.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Proof {
    /// The lender; empty for the installation, whose chain speaks of people.
    pub lender: String,
    /// Events checked.
    pub events: u64,
    /// Rows whose digests were checked.
    pub rows: u64,
    /// Ledger transactions checked.
    pub transactions: u64,
    /// Statements worked out again.
    pub statements: u64,
    /// Whether the chain speaks of parties, or of people: one of an earlier version does not until its next change.
    pub recorded: bool,
    /// What is wrong, in words; empty when the book is proven.
    pub findings: Vec<String>,
}

/// Why a book could not be verified at all.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The lender is unknown.
    #[error("there is no lender {0}")]
    NoLender(String),
    /// A statement cannot be worked out.
    #[error(transparent)]
    Settlement(#[from] crate::settlement::SettlementError),
    /// The database failed.
    #[error("{}", crate::db::told(.0))]
    Db(#[from] diesel::result::Error),
}

/// Findings kept: after so many a book is beyond repair by reading a list.
const MOST_FINDINGS: usize = 200;

impl Proof {
    fn finding(&mut self, what: String) {
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(what);
        }
    }

    /// Proves a part; a row that cannot be read any more ends its own part, not the others.
    fn part(&mut self, name: &str, prove: impl FnOnce(&mut Proof) -> Result<(), ProofError>) {
        if let Err(error) = prove(self) {
            self.finding(format!("{name} cannot be proven: {error}"));
        }
    }

    fn check(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.finding(what());
        }
    }
}

/// Verifies one lender's book, or all, each on one snapshot; and always the people of the installation, last.
pub fn verify(db: &mut Db, only: Option<&str>) -> Result<Vec<Proof>, ProofError> {
    let lenders = match only {
        Some(code) => vec![code.to_string()],
        None => party::store::lender_codes(db)?,
    };
    let mut proofs = lenders
        .iter()
        .map(|lender| crate::db::read(db, |db| book(db, lender)))
        .collect::<Result<Vec<_>, _>>()?;
    let begun = proofs.iter().any(|proof| proof.recorded);
    proofs.push(crate::db::read(db, |db| register::installation(db, begun))?);
    Ok(proofs)
}

/// Proves one book. Where the lender or the head of its book cannot be read, that is what is found.
fn book(db: &mut Db, code: &str) -> Result<Proof, ProofError> {
    let mut proof = Proof { lender: code.to_string(), ..Proof::default() };
    let head = party::store::lender(db, code).and_then(|lender| match lender {
        Some(lender) => Ok(Some((lender, crate::audit::book(db, code)?))),
        None => Ok(None),
    });
    match head {
        Ok(Some((lender, head))) => prove(db, &lender, head, &mut proof)?,
        Ok(None) => return Err(ProofError::NoLender(code.to_string())),
        Err(error @ diesel::result::Error::DeserializationError(_)) => {
            proof
                .finding(format!("the book of {code} cannot be read: {}", crate::db::told(&error)));
        }
        Err(error) => return Err(error.into()),
    }
    Ok(proof)
}

fn prove(db: &mut Db, lender: &Lender, book: Book, proof: &mut Proof) -> Result<(), ProofError> {
    proof.part("the chain of events", |proof| Ok(events::prove(db, &book, proof)?));
    proof.part("the parties", |proof| register::parties(db, lender, &book, proof));
    proof.part("contracts and strategies", |proof| documents::prove(db, lender, proof));
    let mut sums = None;
    proof.part("the ledger", |proof| {
        let found = sums.insert(ledger::prove(db, &book, proof)?);
        control::prove(db, lender, &found.balances, proof)
    });
    proof.part("the lives of placements", |proof| life::prove(db, &lender.code, proof));
    proof
        .part("the statements", |proof| statements::prove(db, lender, &book, sums.as_ref(), proof));
    Ok(())
}
