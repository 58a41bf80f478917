//! A file of complaints: each case once; the accounts they are about are held.

use std::collections::HashSet;

use serde_json::json;

use super::columns::{self, AGENCY, CASE, CASE_ACCOUNT, Complained, TEXT};
use super::complaint::{LONGEST, Recording, record};
use super::{Complaint, ConductError, words};
use crate::db::Db;
use crate::intake::{Before, Intake, IntakeError, Kind, Taken};
use crate::sheet::wrong::Wrong;
use crate::sheet::{Column, Fault, RawRow, Row, Sheet};

/// A file of complaints while it is taken in.
#[derive(Default)]
pub struct Complaints {
    /// Written when all are read: several about one account share its hold.
    accepted: Vec<Complaint>,
}

/// What a report on complaints says beside the counts.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Totals {
    /// Accounts put on hold.
    pub held: usize,
}

impl Kind for Complaints {
    const COLUMNS: &'static [Column] = columns::COMPLAINTS;
    const STAGE: &'static str = "importing complaints";
    type Row = Complained;
    type Totals = Totals;

    /// The same bytes are rows whose cases are known: they need no look at the file.
    fn begin(
        &mut self,
        _db: &mut Db,
        _sheet: &Sheet,
        _intake: &Intake,
    ) -> Result<Option<Before<Totals>>, IntakeError> {
        Ok(None)
    }

    fn read(&self, row: &Row<'_>, intake: &Intake) -> Result<Complained, Fault> {
        columns::read_complaint(row, intake.latest)
    }

    fn save(
        &mut self,
        db: &mut Db,
        rows: Vec<(RawRow, Complained)>,
        intake: &mut Intake,
    ) -> Result<(), IntakeError> {
        let lender = intake.lender.code.clone();
        let accounts = rows.iter().filter_map(|(_, one)| one.account_no.as_deref());
        let mut book = Recording::load(db, &lender, accounts)?;
        let references: Vec<&str> = rows.iter().map(|(_, one)| one.reference.as_str()).collect();
        book.load_cases(db, &lender, references.into_iter())?;
        for complaint in &self.accepted {
            book.know(complaint);
        }
        for (raw, one) in rows {
            match take(&mut book, one, intake.act.seq()) {
                Ok(Some(complaint)) => {
                    let bytes = size_of_val(&complaint) + complaint.description.len();
                    intake.keep(bytes, "complaints")?;
                    intake.accepted += 1;
                    self.accepted.push(complaint);
                }
                Ok(None) => intake.duplicate += 1,
                Err((column, value, reason)) => intake.reject(&raw, column, &value, reason)?,
            }
        }
        Ok(())
    }

    fn finish(self, db: &mut Db, taken: Taken<'_>) -> Result<Totals, IntakeError> {
        if self.accepted.is_empty() {
            return Ok(Totals::default());
        }
        let mut act = taken.act;
        record(db, &mut act, &self.accepted)?;
        let accounts = self.accepted.iter().filter_map(|one| one.account_no.as_deref());
        let held = accounts.collect::<HashSet<_>>().len();
        let summary = json!({
            "file": taken.file_name, "sha256": taken.sha256, "accepted": taken.accepted,
            "duplicate": taken.duplicate, "rejected": taken.rejected,
        });
        act.finish(db, "complaints imported", &summary)?;
        Ok(Totals { held })
    }
}

/// The column at fault, what stands there, and why the row cannot go in.
type Refusal = (usize, String, Wrong);

/// A row as a new complaint, `None` when it is known, or the fault that rejects it.
fn take(book: &mut Recording, one: Complained, seq: i64) -> Result<Option<Complaint>, Refusal> {
    let fault = |column: usize, value: &str, reason: Wrong| (column, value.to_string(), reason);
    let description = words("text", &one.text, LONGEST)
        .map_err(|_| fault(TEXT, &one.text, Wrong::NoText(LONGEST)))?;
    let complaint = Complaint {
        reference: one.reference,
        seq,
        agency: one.agency,
        account_no: one.account_no,
        received_on: one.received_on,
        severity: one.severity,
        description,
    };
    let refused = |why: ConductError| match why {
        ConductError::NoAccount(account_no) => fault(CASE_ACCOUNT, &account_no, Wrong::NoAccount),
        ConductError::NoAssignee(agency) => fault(AGENCY, &agency, Wrong::NoAssignee),
        _ => fault(CASE, &complaint.reference, Wrong::OtherComplaint),
    };
    book.check(&complaint).map_err(refused)?;
    if book.is_known(&complaint).map_err(refused)? {
        return Ok(None);
    }
    book.know(&complaint);
    Ok(Some(complaint))
}
