//! Control accounts tie out to the detail.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;

use super::ledger::Balances;
use super::{Proof, ProofError};
use crate::db::Db;
use crate::kernel::{Money, Total};
use crate::ledger::chart;
use crate::party::Lender;
use crate::{placement, portfolio, recovery, settlement};

pub(super) fn prove(
    db: &mut Db,
    lender: &Lender,
    ledger: &Balances,
    proof: &mut Proof,
) -> Result<(), ProofError> {
    let mut detail = Balances::new();
    owed_by_holder(db, &lender.code, &mut detail)?;
    money_received(db, &lender.code, &mut detail)?;
    for one in settlement::store::statements(db, &lender.code, None)? {
        let f = &one.figures;
        *detail.entry(chart::commission(&one.agency)).or_default() += f.net;
        *detail.entry(chart::VAT_INPUT.to_string()).or_default() += f.vat;
        let payable = detail.entry(chart::payable(&one.agency)).or_default();
        *payable += f.set_off;
        *payable -= f.total;
        *detail.entry(chart::receivable(&one.agency)).or_default() -= f.set_off;
    }
    // What the lender's files say beyond what the ledger moved has no other source than the rest of the book.
    let Total(rest) = detail.values().copied().sum();
    detail.entry(chart::PORTFOLIO.to_string()).or_default().0 -= rest;
    let accounts: BTreeSet<&String> = detail.keys().chain(ledger.keys()).collect();
    for account in accounts {
        let of = |balances: &Balances| balances.get(account).copied().unwrap_or_default();
        let (in_ledger, in_detail) = (of(ledger), of(&detail));
        proof.check(in_ledger == in_detail, || {
            let shown = |amount: Total| amount.plain(lender.currency);
            format!(
                "{account} stands at {} in the ledger, the detail says {}",
                shown(in_ledger),
                shown(in_detail)
            )
        });
    }
    Ok(())
}

/// Assets:Loans:{x} is what is owed in x's hands; Liabilities:Overpaid what was received beyond.
fn owed_by_holder(db: &mut Db, lender: &str, detail: &mut Balances) -> Result<(), ProofError> {
    let mut owed: HashMap<String, (NaiveDate, Money)> = HashMap::new();
    portfolio::store::each(db, lender, |row| {
        owed.insert(row.account_no, (row.as_of, row.balance));
        Ok::<(), ProofError>(())
    })?;
    recovery::store::each_receipt(db, lender, |account_no, receipt| {
        if let Some((as_of, owed)) = owed.get_mut(&account_no)
            && receipt.received_on > *as_of
        {
            *owed -= receipt.reduces;
        }
        Ok::<(), ProofError>(())
    })?;
    let mut holders: HashMap<String, String> = HashMap::new();
    placement::store::each(db, lender, |one| {
        if one.closed_on.is_none() {
            holders.insert(one.span.account_no, one.span.assignee);
        }
        Ok::<(), ProofError>(())
    })?;
    for (account_no, (_, owed)) in owed {
        let holder = holders.get(&account_no).map(String::as_str);
        for (account, amount) in chart::owed_moves(holder, Money::ZERO, owed) {
            *detail.entry(account).or_default() += amount;
        }
    }
    Ok(())
}

fn money_received(db: &mut Db, lender: &str, detail: &mut Balances) -> Result<(), ProofError> {
    let mut waivers = BTreeSet::new();
    let mut reversals = Vec::new();
    recovery::store::each(db, lender, |one| {
        if one.kind == recovery::Kind::Waiver {
            waivers.insert(one.reference.clone());
        }
        if one.kind == recovery::Kind::Reversal {
            reversals.push(one);
            return Ok::<(), ProofError>(());
        }
        *detail.entry(one.money_account(one.kind == recovery::Kind::Waiver)).or_default() +=
            one.amount;
        Ok(())
    })?;
    for one in reversals {
        let of_waiver = one.reverses.as_ref().is_some_and(|original| waivers.contains(original));
        *detail.entry(one.money_account(of_waiver)).or_default() -= one.amount;
    }
    Ok(())
}
