//! Recording complaints and what is decided on them. A complaint about an account holds all of the debtor's accounts
//! (rule 2.8) until it is decided.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::NaiveDate;
use diesel::QueryResult;
use serde_json::json;

use super::complaint_store::{self as store, Case, DecisionRow};
use super::{Complaint, ConductError, Decision, Severity, case_reference, not_after, words};
use crate::audit::{Act, By};
use crate::db::{Db, keys_json, write};
use crate::hold::{self, HoldKind, NewHold};
use crate::kernel::Money;
use crate::party;
use crate::placement::expire::record_expiries;
use crate::portfolio::store::stated_of;

/// The longest text of a complaint or a decision.
pub(super) const LONGEST: usize = 2_000;

/// A complaint to record.
#[derive(Clone, Debug)]
pub struct NewComplaint {
    /// Whom it is about.
    pub agency: String,
    /// The account, when it is about one.
    pub account_no: Option<String>,
    /// The day it was received.
    pub received_on: NaiveDate,
    /// How grave.
    pub severity: Severity,
    /// What is complained of.
    pub text: String,
    /// The case; given by the book when absent.
    pub reference: Option<String>,
    /// Whether the day may lie after today.
    pub allow_future: bool,
}

/// What recording a complaint did.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Added {
    /// The case.
    pub reference: String,
    /// Whether the same complaint was recorded before: nothing changed.
    pub already_known: bool,
    /// The account that was put on hold.
    pub held: Option<String>,
}

/// Records a complaint; about an account, it opens a hold from the day it was received. Expiries before that day are
/// recorded first.
pub fn add(db: &mut Db, lender: &str, new: &NewComplaint, by: &By) -> Result<Added, ConductError> {
    let description = words("text", &new.text, LONGEST)?;
    let reference = new.reference.as_deref().map(case_reference).transpose()?;
    write(db, lender, |db| {
        let known = party::store::lender(db, lender)?
            .ok_or_else(|| ConductError::NoLender(lender.to_string()))?;
        if !new.allow_future {
            not_after(new.received_on, known.today(by.today))?;
        }
        let mut book = Recording::load(db, lender, new.account_no.as_deref().into_iter())?;
        let mut complaint = Complaint {
            reference: reference.clone().unwrap_or_default(),
            seq: 0,
            agency: new.agency.clone(),
            account_no: new.account_no.clone(),
            received_on: new.received_on,
            severity: new.severity,
            description,
        };
        book.check(&complaint)?;
        if reference.is_some() {
            book.load_cases(db, lender, std::iter::once(complaint.reference.as_str()))?;
            if book.is_known(&complaint)? {
                return Ok(Added {
                    reference: complaint.reference,
                    already_known: true,
                    held: None,
                });
            }
        }
        record_expiries(db, lender, new.received_on, by)?;
        let mut act = Act::begin(db, lender, by)?;
        complaint.seq = act.seq();
        if reference.is_none() {
            complaint.reference = format!("CP-{:06}", act.seq());
            book.load_cases(db, lender, std::iter::once(complaint.reference.as_str()))?;
            if book.cases.contains_key(&complaint.reference) {
                return Err(ConductError::CaseKnown(complaint.reference));
            }
        }
        record(db, &mut act, std::slice::from_ref(&complaint))?;
        act.finish(db, "complaint recorded", &summary(&complaint))?;
        Ok(Added {
            reference: complaint.reference,
            already_known: false,
            held: complaint.account_no,
        })
    })
}

/// The figures of a complaint for the chain of events; its words stay in its row, of which the event has the digest.
fn summary(complaint: &Complaint) -> serde_json::Value {
    json!({
        "case": complaint.reference, "agency": complaint.agency, "account_no": complaint.account_no,
        "received_on": complaint.received_on.to_string(), "severity": complaint.severity.name(),
    })
}

/// Writes complaints, and a hold for each account they are about.
pub(super) fn record(db: &mut Db, act: &mut Act, complaints: &[Complaint]) -> QueryResult<()> {
    act.record(db, complaints)?;
    // Several complaints of one file about an account share its hold, which ends with the last of them.
    let mut first: HashMap<&str, (NaiveDate, &str)> = HashMap::new();
    for one in complaints {
        let Some(account_no) = one.account_no.as_deref() else { continue };
        let entry = first.entry(account_no).or_insert((one.received_on, &one.reference));
        *entry = (*entry).min((one.received_on, &one.reference));
    }
    let accounts: BTreeSet<&str> = first.keys().copied().collect();
    for account_no in accounts {
        let (received_on, reference) = first[account_no];
        let from = open_day(act, received_on);
        let reason = format!("complaint {reference}");
        let (kind, until, by_file) = (HoldKind::Complaint, None, false);
        hold::store::open(
            db,
            act,
            &NewHold { account_no, kind, reason: &reason, from, until, by_file },
        )?;
    }
    Ok(())
}

/// The day a hold changes for what happened on another: a complaint may reach us after its month has closed, and a closed
/// month stays as it is.
fn open_day(act: &Act, on: NaiveDate) -> NaiveDate {
    act.book.first_open_day().map_or(on, |open| on.max(open))
}

/// What the book knows that matters for recording complaints.
pub(super) struct Recording {
    assignees: HashSet<String>,
    accounts: HashSet<String>,
    cases: HashMap<String, Case>,
}

impl Recording {
    pub(super) fn load<'a>(
        db: &mut Db,
        lender: &str,
        accounts: impl Iterator<Item = &'a str>,
    ) -> QueryResult<Recording> {
        let assignees = party::store::assignees(db, lender)?
            .into_iter()
            .map(|assignee| assignee.code)
            .collect();
        let stated = stated_of(db, lender, &keys_json(accounts))?;
        let accounts = stated.into_iter().map(|(account_no, _)| account_no).collect();
        Ok(Recording { assignees, accounts, cases: HashMap::new() })
    }

    pub(super) fn load_cases<'a>(
        &mut self,
        db: &mut Db,
        lender: &str,
        references: impl Iterator<Item = &'a str>,
    ) -> QueryResult<()> {
        let found = store::by_reference(db, lender, &keys_json(references))?;
        self.cases.extend(found.into_iter().map(|case| (case.complaint.reference.clone(), case)));
        Ok(())
    }

    /// From now on the complaint is known.
    pub(super) fn know(&mut self, complaint: &Complaint) {
        let case = Case { complaint: complaint.clone(), decision: None };
        self.cases.insert(complaint.reference.clone(), case);
    }

    pub(super) fn check(&self, complaint: &Complaint) -> Result<(), ConductError> {
        if !self.assignees.contains(&complaint.agency) {
            return Err(ConductError::NoAssignee(complaint.agency.clone()));
        }
        match &complaint.account_no {
            Some(account_no) if !self.accounts.contains(account_no) => {
                Err(ConductError::NoAccount(account_no.clone()))
            }
            _ => Ok(()),
        }
    }

    /// Whether the same complaint is known; another one under its reference is refused.
    pub(super) fn is_known(&self, complaint: &Complaint) -> Result<bool, ConductError> {
        match self.cases.get(&complaint.reference) {
            None => Ok(false),
            Some(case)
                if Complaint { seq: complaint.seq, ..case.complaint.clone() } == *complaint =>
            {
                Ok(true)
            }
            Some(_) => Err(ConductError::CaseKnown(complaint.reference.clone())),
        }
    }
}

/// What is to be decided on a case.
#[derive(Clone, Debug)]
pub struct NewDecision {
    /// The case.
    pub reference: String,
    /// Whether the complaint is justified.
    pub upheld: bool,
    /// The day of the decision.
    pub on: NaiveDate,
    /// Why.
    pub text: String,
    /// What the agency is to lose for it, as written.
    pub deduction: Option<String>,
    /// The decision it corrects.
    pub corrects: Option<i64>,
}

/// What deciding did.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Decided {
    /// The case.
    pub reference: String,
    /// The number of the decision in the case.
    pub decision_no: i64,
    /// Whether the same decision was recorded before: nothing changed.
    pub already_known: bool,
    /// The account whose hold ended.
    pub released: Option<String>,
}

/// Decides a case once; later only by naming the decision that is corrected. The hold of the case ends on that day.
/// Expiries before the day are recorded first.
pub fn decide(
    db: &mut Db,
    lender_code: &str,
    new: &NewDecision,
    by: &By,
) -> Result<Decided, ConductError> {
    let reason = words("text", &new.text, LONGEST)?;
    write(db, lender_code, |db| {
        let lender = party::store::lender(db, lender_code)?
            .ok_or_else(|| ConductError::NoLender(lender_code.to_string()))?;
        let deduction = match &new.deduction {
            None => None,
            Some(text) => {
                let amount = Money::parse(text, lender.currency)
                    .map_err(|fault| ConductError::DeductionAmount(text.clone(), fault))?;
                let fits = amount > Money::ZERO && new.upheld;
                Some(fits.then_some(amount).ok_or_else(|| ConductError::Deduction(text.clone()))?)
            }
        };
        let keys = keys_json(std::iter::once(new.reference.as_str()));
        let case = store::by_reference(db, lender_code, &keys)?
            .pop()
            .ok_or_else(|| ConductError::NoCase(new.reference.clone()))?;
        let mut decision = Decision {
            decision_no: case.decision.as_ref().map_or(0, |before| before.decision_no) + 1,
            seq: 0,
            upheld: new.upheld,
            decided_on: new.on,
            reason,
            deduction,
            corrects: new.corrects,
        };
        if let Some(before) =
            case.decision.as_ref().filter(|before| same_decision(before, &decision))
        {
            let decision_no = before.decision_no;
            return Ok(Decided {
                reference: new.reference.clone(),
                decision_no,
                already_known: true,
                released: None,
            });
        }
        may_decide(&case, &decision)?;
        record_expiries(db, lender_code, new.on, by)?;
        let mut act = Act::begin(db, lender_code, by)?;
        decision.seq = act.seq();
        let (reference, decision) = (new.reference.clone(), decision.clone());
        act.record(db, &[DecisionRow { reference, decision: decision.clone() }])?;
        let released = release(db, &mut act, &case.complaint, new.on)?;
        let summary = json!({
            "case": new.reference, "decision": decision.decision_no, "upheld": new.upheld, "on": new.on.to_string(),
            "deduction": deduction.map(|amount| amount.plain(lender.currency)), "corrects": new.corrects, "released": released,
        });
        act.finish(db, "complaint decided", &summary)?;
        Ok(Decided {
            reference: new.reference.clone(),
            decision_no: decision.decision_no,
            already_known: false,
            released,
        })
    })
}

fn same_decision(before: &Decision, new: &Decision) -> bool {
    Decision { decision_no: new.decision_no, seq: new.seq, ..before.clone() } == *new
}

/// A case is decided once; a correction names the newest decision.
fn may_decide(case: &Case, new: &Decision) -> Result<(), ConductError> {
    let complaint = &case.complaint;
    if new.decided_on < complaint.received_on {
        return Err(ConductError::TooEarly(new.decided_on, complaint.received_on));
    }
    match (&case.decision, new.corrects) {
        (None, None) => Ok(()),
        (Some(before), Some(named)) if before.decision_no == named => Ok(()),
        (Some(before), None) => Err(ConductError::Decided {
            case: complaint.reference.clone(),
            on: before.decided_on,
            decision_no: before.decision_no,
            outcome: if before.upheld { "upheld" } else { "not upheld" },
        }),
        (before, Some(named)) => Err(ConductError::Corrects {
            case: complaint.reference.clone(),
            named,
            newest: before.as_ref().map_or(0, |before| before.decision_no),
        }),
    }
}

/// Ends the hold that a complaint opened, unless another case that shares it is still open.
fn release(
    db: &mut Db,
    act: &mut Act,
    complaint: &Complaint,
    on: NaiveDate,
) -> Result<Option<String>, ConductError> {
    let Some(account_no) = &complaint.account_no else { return Ok(None) };
    let lender = act.book.lender.clone();
    let sharing = store::of_account(db, &lender, account_no)?;
    let open = |case: &Case| case.complaint.seq == complaint.seq && case.decision.is_none();
    let holds =
        hold::store::holds_of(db, &lender, &keys_json(std::iter::once(account_no.as_str())))?;
    let of_case = |one: &hold::Hold| {
        one.seq == complaint.seq && one.kind == HoldKind::Complaint && one.ended_on.is_none()
    };
    if sharing.iter().any(open) || !holds.iter().any(of_case) {
        return Ok(None);
    }
    let on = open_day(act, on);
    hold::store::end(db, act, account_no, (HoldKind::Complaint, complaint.seq), on)?;
    Ok(Some(account_no.clone()))
}
