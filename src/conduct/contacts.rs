//! Taking in a file of contact records: each reference of an agency counts once, in whatever file it comes.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde_json::json;

use super::columns::{self, ACCOUNT_NO, REFERENCE, Recorded};
use super::contact_store::{self as store, ContactFile, Entry};
use super::{ConductError, Contact};
use crate::audit::{Act, By};
use crate::db::{Cell, Db, keys_json, write};
use crate::kernel::progress::Progress;
use crate::party::{self, ContactPolicy};
use crate::placement::{self, Span};
use crate::portfolio::personal::{Key, plain_number};
use crate::portfolio::store::stated_of;
use crate::portfolio::{self, FileRow};
use crate::sheet::{ColumnMap, Fault, RawRow, Rejects, Sheet};

/// Who sends a file of contact records, and so what a refusal may say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sender {
    /// The lender, for one of its agencies: it may know everything of its accounts.
    #[default]
    Lender,
    /// The agency: what it never held answers like what does not exist.
    Agency,
}

/// How a file is taken in.
#[derive(Default)]
pub struct Options<'a> {
    /// Who sends it.
    pub sender: Sender,
    /// Names of columns, where the file's own differ.
    pub map: Option<&'a ColumnMap>,
    /// Where rejected rows go.
    pub rejects: Option<&'a Path>,
    /// The key for personal data.
    pub key: Option<&'a Key>,
}

/// What an import did.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Imported {
    /// Whether the same bytes were taken in whole before: nothing changed.
    pub already_imported: bool,
    /// Data rows in the file.
    pub rows: u64,
    /// Contacts taken in.
    pub accepted: u64,
    /// Rows whose reference is known with the same content.
    pub duplicate: u64,
    /// Rows rejected.
    pub rejected: u64,
    /// What is odd but harmless.
    pub warnings: Vec<String>,
    /// The first rejected rows.
    pub faults: Vec<Fault>,
}

/// Rows worked on at once.
const CHUNK: usize = 5_000;

/// Takes in a file of an agency's contact records. Rows already known with the same content are skipped; bad rows are
/// rejected; the policy in force is kept with the file.
pub fn import(
    db: &mut Db,
    lender_code: &str,
    agency: &str,
    path: &Path,
    options: &Options<'_>,
    by: &By,
    progress: &mut dyn Progress,
) -> Result<Imported, ConductError> {
    let mut sheet = Sheet::open_with_times(path, columns::CONTACTS, options.map)?;
    let rejects = Rejects::new(&sheet.header, options.rejects)?;
    progress.stage("importing contacts", None);
    write(db, lender_code, |db| {
        let lender = party::store::lender(db, lender_code)?
            .ok_or_else(|| ConductError::NoLender(lender_code.to_string()))?;
        if !party::store::assignees(db, lender_code)?.iter().any(|assignee| assignee.code == agency)
        {
            return Err(ConductError::NoAssignee(agency.to_string()));
        }
        if let Some(key) = options.key {
            for column in [("contact", "number"), ("portfolio_row", "personal")] {
                let sealed = portfolio::store::sealed_before(db, lender_code, column)?;
                key.check(sealed.as_deref()).map_err(ConductError::Key)?;
            }
        }
        // A file of which rows were rejected may find their accounts in the book now.
        let before = store::same_file(db, lender_code, agency, &sheet.sha256)?
            .filter(|before| before.rejected == 0);
        if let Some(before) = before {
            let known = u64::try_from(before.accepted + before.duplicate).unwrap_or(0);
            return Ok(Imported {
                already_imported: true,
                rows: known,
                duplicate: known,
                ..Imported::default()
            });
        }
        let mut taking = Taking {
            lender: lender.code,
            agency: agency.to_string(),
            policy: lender.contact_policy,
            sender: options.sender,
            key: options.key,
            act: Act::begin(db, lender_code, by)?,
            done: Imported { warnings: sheet.warnings.clone(), ..Imported::default() },
            rejects,
        };
        taking.read_all(db, &mut sheet, progress)?;
        taking.finish(db, &sheet)
    })
}

struct Taking<'a> {
    lender: String,
    agency: String,
    policy: ContactPolicy,
    sender: Sender,
    key: Option<&'a Key>,
    act: Act,
    done: Imported,
    rejects: Rejects,
}

impl Taking<'_> {
    fn read_all(
        &mut self,
        db: &mut Db,
        sheet: &mut Sheet,
        progress: &mut dyn Progress,
    ) -> Result<(), ConductError> {
        let mut raw = RawRow::default();
        let mut chunk: Vec<(RawRow, Recorded)> = Vec::with_capacity(CHUNK);
        while sheet.next(&mut raw)? {
            self.done.rows += 1;
            match sheet.row(&raw).and_then(|row| columns::read_contact(&row)) {
                Ok(recorded) => chunk.push((raw.clone(), recorded)),
                Err(fault) => self.rejects.add(&raw, fault)?,
            }
            if chunk.len() == CHUNK {
                self.take(db, std::mem::take(&mut chunk))?;
                progress.advance(CHUNK as u64);
            }
        }
        progress.advance(chunk.len() as u64);
        self.take(db, chunk)
    }

    /// Takes in some rows: decides in memory, row by row, then writes.
    fn take(&mut self, db: &mut Db, chunk: Vec<(RawRow, Recorded)>) -> Result<(), ConductError> {
        let references = chunk.iter().map(|(_, one)| one.reference.as_str());
        let mut known = store::contents(db, &self.lender, &self.agency, references)?;
        let own = OwnAccounts::load(db, &self.lender, &self.agency, self.sender, &chunk)?;
        let mut accepted: Vec<Entry> = Vec::with_capacity(chunk.len());
        for (raw, recorded) in chunk {
            let Some(debtor_ref) = own.debtor(&recorded) else {
                let reason = own.refusal(&recorded, &self.agency);
                self.reject(&raw, ACCOUNT_NO, &recorded.account_no, &reason)?;
                continue;
            };
            let mut entry = self.entry(raw.line, recorded, debtor_ref)?;
            let content = entry.content();
            match known.get(&entry.contact.reference) {
                Some(before) if *before == content => self.done.duplicate += 1,
                Some(_) => {
                    let reason =
                        "is known with other content; a correction needs a reference of its own";
                    self.reject(&raw, REFERENCE, &entry.contact.reference, reason)?;
                }
                None => {
                    entry.number = self.sealed(entry.number)?;
                    known.insert(entry.contact.reference.clone(), content);
                    accepted.push(entry);
                }
            }
        }
        self.done.accepted += accepted.len() as u64;
        let lender = self.lender.clone();
        let rows: Vec<Vec<Cell<'_>>> =
            accepted.iter().map(|entry| store::cells(&lender, entry)).collect();
        Ok(self.act.write(db, &store::CONTACTS, &rows)?)
    }

    /// A row as it would be stored, its number still in the clear.
    fn entry(
        &self,
        line: u64,
        recorded: Recorded,
        debtor_ref: &str,
    ) -> Result<Entry, ConductError> {
        let number_digest = match &recorded.number {
            Some(number) => Some(self.key()?.digest(&plain_number(number))),
            None => None,
        };
        let contact = Contact {
            agency: self.agency.clone(),
            reference: recorded.reference,
            seq: self.act.seq(),
            account_no: recorded.account_no,
            debtor_ref: debtor_ref.to_string(),
            at: recorded.at,
            channel: recorded.channel,
            outcome: recorded.outcome,
            number_digest,
        };
        Ok(Entry {
            contact,
            line: i64::try_from(line).unwrap_or(i64::MAX),
            number: recorded.number,
            note: recorded.note,
        })
    }

    fn key(&self) -> Result<&Key, ConductError> {
        self.key.ok_or_else(|| {
            let why = "the file has telephone numbers, which are stored encrypted; set CONSIGN_KEY to a secret and import again";
            ConductError::Key(why.to_string())
        })
    }

    fn sealed(&self, number: Option<String>) -> Result<Option<String>, ConductError> {
        let Some(number) = number else { return Ok(None) };
        self.key()?.seal_number(&number).map(Some).map_err(ConductError::Key)
    }

    fn reject(
        &mut self,
        raw: &RawRow,
        column: usize,
        value: &str,
        reason: &str,
    ) -> Result<(), ConductError> {
        let column = columns::CONTACTS.get(column).map_or("", |column| column.name).to_string();
        let fault =
            Fault { line: raw.line, column, value: value.to_string(), reason: reason.to_string() };
        Ok(self.rejects.add(raw, fault)?)
    }

    /// Records the file with the policy that applied, and the event.
    fn finish(mut self, db: &mut Db, sheet: &Sheet) -> Result<Imported, ConductError> {
        self.rejects.finish()?;
        self.done.rejected = self.rejects.count;
        self.done.faults = std::mem::take(&mut self.rejects.first);
        if self.done.accepted == 0 {
            return Ok(self.done);
        }
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let (file_name, policy) = (sheet.file_name(), self.policy);
        let file = ContactFile {
            seq: self.act.seq(),
            agency: self.agency.clone(),
            file_name: file_name.clone(),
            sha256: sheet.sha256.clone(),
            accepted: count(self.done.accepted),
            duplicate: count(self.done.duplicate),
            rejected: count(self.done.rejected),
            policy,
        };
        self.act.record(db, &[file])?;
        let summary = json!({
            "file": file_name, "sha256": sheet.sha256, "agency": self.agency, "accepted": self.done.accepted,
            "duplicate": self.done.duplicate, "rejected": self.done.rejected,
        });
        self.act.finish(db, "contacts imported", &summary)?;
        Ok(self.done)
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
    ) -> Result<OwnAccounts, ConductError> {
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
    fn refusal(&self, recorded: &Recorded, agency: &str) -> String {
        let known = self.in_book.as_ref().map(|known| known.contains(&recorded.account_no));
        match known {
            Some(true) => format!("was never placed with {agency}; leave the row out"),
            Some(false) => "is not known; import the portfolio that has it first".to_string(),
            None => {
                "is no account placed with you; correct the number or leave the row out".to_string()
            }
        }
    }
}
