//! A file of contact records: each reference of an agency counts once, in whatever file it comes.

use std::collections::{HashMap, HashSet};

use serde_json::json;

use super::Contact;
use super::columns::{self, ACCOUNT_NO, REFERENCE, Recorded};
use super::contact_store::{self as store, ContactFile, ContactRow, Entry};
use crate::db::{Db, keys_json};
use crate::intake::{Before, Intake, IntakeError, Kind, Taken};
use crate::party;
use crate::placement::{self, Span};
use crate::portfolio::personal::{Key, plain_number};
use crate::portfolio::store::stated_of;
use crate::portfolio::{self, FileRow};
use crate::sheet::wrong::Wrong;
use crate::sheet::{Column, Fault, RawRow, Row, Sheet};

/// Who sends a file of contact records, and so what a refusal may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// The lender, for one of its agencies: it may know everything of its accounts.
    Lender,
    /// The agency: what it never held answers like what does not exist.
    Agency,
}

/// A file of an agency's contact records while it is taken in; the policy in force is kept with the file.
pub struct Contacts<'a> {
    agency: String,
    sender: Sender,
    key: Option<&'a Key>,
}

/// A report on contacts says nothing beside the counts.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Totals {}

impl<'a> Contacts<'a> {
    /// A file of an agency, and who sends it, with the key for personal data.
    pub fn of(agency: &str, sender: Sender, key: Option<&'a Key>) -> Contacts<'a> {
        Contacts { agency: agency.to_string(), sender, key }
    }
}

impl Kind for Contacts<'_> {
    const COLUMNS: &'static [Column] = columns::CONTACTS;
    const STAGE: &'static str = "importing contacts";
    const TIMES: bool = true;
    type Row = Recorded;
    type Totals = Totals;

    fn begin(
        &mut self,
        db: &mut Db,
        sheet: &Sheet,
        intake: &Intake,
    ) -> Result<Option<Before<Totals>>, IntakeError> {
        let (lender, agency) = (&intake.lender.code, &self.agency);
        if !party::store::assignees(db, lender)?.iter().any(|one| one.code == *agency) {
            return Err(IntakeError::NoAssignee(agency.clone()));
        }
        if let Some(key) = self.key {
            for column in [("contact", "number"), ("portfolio_row", "personal")] {
                let sealed = portfolio::store::sealed_before(db, lender, column)?;
                key.check(sealed.as_deref()).map_err(IntakeError::Key)?;
            }
        }
        // A file of which rows were rejected may find their accounts in the book now.
        let before = store::same_file(db, lender, agency, &sheet.sha256)?
            .filter(|before| before.rejected == 0);
        Ok(before.map(|before| Before {
            known: before.accepted + before.duplicate,
            rejected: 0,
            totals: Totals {},
        }))
    }

    fn read(&self, row: &Row<'_>, intake: &Intake) -> Result<Recorded, Fault> {
        columns::read_contact(row, intake.latest)
    }

    fn save(
        &mut self,
        db: &mut Db,
        chunk: Vec<(RawRow, Recorded)>,
        intake: &mut Intake,
    ) -> Result<(), IntakeError> {
        let lender = intake.lender.code.clone();
        let references = chunk.iter().map(|(_, one)| one.reference.as_str());
        let mut known = store::contents(db, &lender, &self.agency, references)?;
        let own = OwnAccounts::load(db, &lender, &self.agency, self.sender, &chunk)?;
        let mut accepted: Vec<Entry> = Vec::with_capacity(chunk.len());
        for (raw, recorded) in chunk {
            let Some(debtor_ref) = own.debtor(&recorded) else {
                let reason = own.refusal(&recorded, &self.agency);
                intake.reject(&raw, ACCOUNT_NO, &recorded.account_no, reason)?;
                continue;
            };
            let mut entry = self.entry(intake.act.seq(), raw.line, recorded, debtor_ref)?;
            let content = entry.content();
            match known.get(&entry.contact.reference) {
                Some(before) if *before == content => intake.duplicate += 1,
                Some(_) => {
                    intake.reject(
                        &raw,
                        REFERENCE,
                        &entry.contact.reference,
                        Wrong::OtherContent,
                    )?;
                }
                None => {
                    entry.number = self.sealed(entry.number)?;
                    known.insert(entry.contact.reference.clone(), content);
                    accepted.push(entry);
                }
            }
        }
        intake.accepted += accepted.len() as u64;
        let rows: Vec<ContactRow> = accepted.into_iter().map(ContactRow::from).collect();
        Ok(intake.act.record(db, &rows)?)
    }

    /// Records the file with the policy that applied, and the event.
    fn finish(self, db: &mut Db, taken: Taken<'_>) -> Result<Totals, IntakeError> {
        if taken.accepted == 0 {
            return Ok(Totals {});
        }
        let (mut act, policy) = (taken.act, taken.lender.contact_policy);
        let file = ContactFile {
            seq: act.seq(),
            agency: self.agency.clone(),
            file_name: taken.file_name.clone(),
            sha256: taken.sha256.to_string(),
            accepted: taken.accepted,
            duplicate: taken.duplicate,
            rejected: taken.rejected,
            policy,
        };
        act.record(db, &[file])?;
        let summary = json!({
            "file": taken.file_name, "sha256": taken.sha256, "agency": self.agency, "accepted": taken.accepted,
            "duplicate": taken.duplicate, "rejected": taken.rejected,
        });
        act.finish(db, "contacts imported", &summary)?;
        Ok(Totals {})
    }
}

impl Contacts<'_> {
    /// A row as it would be stored, its number still in the clear.
    fn entry(
        &self,
        seq: i64,
        line: u64,
        recorded: Recorded,
        debtor_ref: &str,
    ) -> Result<Entry, IntakeError> {
        let number_digest = match &recorded.number {
            Some(number) => Some(self.key()?.digest(&plain_number(number))),
            None => None,
        };
        let contact = Contact {
            agency: self.agency.clone(),
            reference: recorded.reference,
            seq,
            account_no: recorded.account_no,
            debtor_ref: debtor_ref.to_string(),
            at: recorded.at,
            channel: recorded.channel,
            outcome: recorded.outcome,
            number_digest,
        };
        Ok(Entry {
            contact,
            line: crate::kernel::count(line as usize),
            number: recorded.number,
            note: recorded.note,
        })
    }

    fn key(&self) -> Result<&Key, IntakeError> {
        self.key.ok_or_else(|| {
            let why = "the file has telephone numbers, which are stored encrypted; set CONSIGN_KEY to a secret and import again";
            IntakeError::Key(why.to_string())
        })
    }

    fn sealed(&self, number: Option<String>) -> Result<Option<String>, IntakeError> {
        let Some(number) = number else { return Ok(None) };
        self.key()?.seal_number(&number).map(Some).map_err(IntakeError::Key)
    }
}

/// The accounts of some records that the agency holds or has held, with the persons behind them as files state them.
/// Everything that is asked is asked of accounts that do not exist alike, so that the time tells nothing.
struct OwnAccounts {
    spans: HashMap<String, Vec<Span>>,
    files: HashMap<String, Vec<FileRow>>,
    /// Which of the others are in the book; nothing where the sender is not to know.
    in_book: Option<HashSet<String>>,
}

impl OwnAccounts {
    fn load(
        db: &mut Db,
        lender: &str,
        agency: &str,
        sender: Sender,
        chunk: &[(RawRow, Recorded)],
    ) -> Result<OwnAccounts, IntakeError> {
        let accounts: HashSet<&str> =
            chunk.iter().map(|(_, one)| one.account_no.as_str()).collect();
        let keys = keys_json(accounts.into_iter());
        let mut spans: HashMap<String, Vec<Span>> = HashMap::new();
        for span in placement::store::spans_with(db, lender, agency, &keys)? {
            spans.entry(span.account_no.clone()).or_default().push(span);
        }
        let mut files: HashMap<String, Vec<FileRow>> = HashMap::with_capacity(spans.len());
        let keys = keys_json(spans.keys().map(String::as_str));
        for row in portfolio::store::rows_of(db, lender, &keys)? {
            files.entry(row.account_no.clone()).or_default().push(row);
        }
        let in_book = match sender {
            Sender::Agency => None,
            Sender::Lender => {
                let others = chunk.iter().map(|(_, one)| one.account_no.as_str());
                let others: HashSet<&str> = others.filter(|no| !spans.contains_key(*no)).collect();
                let stated = stated_of(db, lender, &keys_json(others.into_iter()))?;
                Some(stated.into_iter().map(|(account_no, _)| account_no).collect())
            }
        };
        Ok(OwnAccounts { spans, files, in_book })
    }

    /// The person behind an account on the day of a contact, or on the last day before it that the agency held the account;
    /// `None` when it never did. A debtor that came after the agency is nothing to it.
    fn debtor(&self, recorded: &Recorded) -> Option<&str> {
        let spans = self.spans.get(&recorded.account_no)?;
        let day = recorded.at.date();
        let begun = spans.iter().rev().find(|span| span.placed_on <= day);
        let known_on = begun.map_or(spans.first()?.placed_on, |span| span.last_day().min(day));
        let files = self.files.get(&recorded.account_no)?;
        let by_then = files.iter().filter(|row| row.as_of <= known_on);
        let row = by_then
            .max_by_key(|row| (row.as_of, row.seq))
            .or_else(|| files.iter().min_by_key(|row| (row.as_of, row.seq)))?;
        Some(&row.debtor_ref)
    }

    /// Why a record of an account that is not the agency's is rejected.
    fn refusal(&self, recorded: &Recorded, agency: &str) -> Wrong {
        let known = self.in_book.as_ref().map(|known| known.contains(&recorded.account_no));
        match known {
            Some(true) => Wrong::NeverPlacedWith(agency.to_string()),
            Some(false) => Wrong::NoAccount,
            None => Wrong::NotYours,
        }
    }
}
