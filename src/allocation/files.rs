//! The files of a run: the assignment and the strata table.

use std::collections::HashMap;
use std::io::Write;

use super::deal::Fate;
use super::decide::Decision;
use super::expectation::VALUE_PLACES;
use super::strata_table::{STRATA_COLUMNS, StratumRow};
use crate::kernel::digest;
use crate::party::Lang;
use crate::sheet::Csv;
use crate::words::allocation::refusal_words;

/// What accounts have in common that are told the same: who gets them, their stratum, by what, how many together, and the
/// list of gates that were closed.
type SameFate = (Option<usize>, Option<u32>, Fate, u32, u32);

/// Writes the assignment as CSV, in order of account number, its reasons in one language.
pub fn write_assignment(decision: &Decision, t: Lang, into: impl Write) -> Result<(), csv::Error> {
    let mut table = Csv::new(into);
    write_rows(decision, t, &mut table)?;
    table.finish()?.flush()?;
    Ok(())
}

fn write_rows<W: Write>(
    decision: &Decision,
    t: Lang,
    table: &mut Csv<W>,
) -> Result<(), csv::Error> {
    table.row([
        "account_no",
        "assignee",
        "level",
        "stratum",
        "method",
        "expected_recovery",
        "reason",
    ])?;
    // Accounts with the same fate have the same words.
    let mut told: HashMap<SameFate, (String, String)> = HashMap::new();
    let (method, currency) = (decision.method().name(), decision.inputs.currency);
    for (index, one) in decision.assigned.iter().enumerate() {
        // Who waits for somebody out of the run waits for somebody of its own.
        let refused = if one.fate == Fate::WaitsAbsent {
            u32::MAX - u32::try_from(index).unwrap_or(0)
        } else {
            decision.sorted.refused[index]
        };
        let (how, words) = told
            .entry((one.recipient, one.stratum, one.fate, one.together, refused))
            .or_insert_with(|| {
                let why = decision.why(index, one);
                let refusals = why
                    .refusals
                    .and_then(|list| usize::try_from(list).ok())
                    .map(|list| decision.refusals(list));
                let words = why.words(t, method, &refusal_words(&refusals.unwrap_or_default(), t));
                (why.method(method).to_string(), words)
            });
        let level = decision.level(index, one).to_string();
        let expected = decision.expected(index, one).transpose().map_err(std::io::Error::other)?;
        let expected = expected.map(|amount| amount.plain(currency)).unwrap_or_default();
        let group;
        let stratum = match one.stratum {
            Some(number) => decision.sorted.strata[number as usize].name.as_str(),
            None => {
                group = decision.stratum(index, one);
                group.as_str()
            }
        };
        let account_no = decision.candidate(index).account_no.as_str();
        table.row([
            account_no,
            decision.code(one).unwrap_or(""),
            &level,
            stratum,
            how,
            &expected,
            words,
        ])?;
    }
    Ok(())
}

/// The assignment as bytes.
pub fn assignment_csv(decision: &Decision, t: Lang) -> Result<Vec<u8>, csv::Error> {
    let mut bytes = Vec::new();
    write_assignment(decision, t, &mut bytes)?;
    Ok(bytes)
}

/// SHA-256 of the assignment in English, its cells as the book has them.
pub fn hash(decision: &Decision) -> Result<String, csv::Error> {
    let mut hashing = digest::Running::default();
    let mut table = Csv::verbatim(&mut hashing);
    write_rows(decision, Lang::En, &mut table)?;
    table.finish()?;
    Ok(hashing.finish())
}

/// The rows of the strata table, in order of stratum and assignee.
pub fn strata_rows(decision: &Decision) -> Vec<StratumRow> {
    let mut rows = Vec::new();
    let open = decision.sorted.strata.iter().filter(|stratum| !stratum.eligible.is_empty());
    let all: i64 = open.map(|stratum| stratum.accounts).sum();
    for (number, stratum) in decision.sorted.strata.iter().enumerate() {
        let Some((given, explored)) =
            decision.dealt.1.get(number).zip(decision.dealt.0.get(number))
        else {
            continue;
        };
        for (place, recipient) in stratum.eligible.iter().enumerate() {
            let worth = decision.expectations[number].worth[place];
            rows.push(StratumRow {
                stratum: stratum.name.clone(),
                assignee: decision.inputs.recipients[*recipient].assignee.code.clone(),
                accounts: stratum.accounts,
                balance: stratum.balance,
                stratum_rate: decision.expectations[number].rate,
                index: worth.index,
                fee_rate: worth.fee_rate,
                value: worth.value,
                min_accounts: decision.plan.limits.lower[*recipient],
                max_accounts: decision.plan.limits.upper[*recipient].unwrap_or(all),
                assigned: given[place] + explored[place],
                explored: explored[place],
            });
        }
    }
    rows
}

/// The strata table as CSV.
pub fn strata_csv(decision: &Decision) -> Result<Vec<u8>, csv::Error> {
    debug_assert_eq!(VALUE_PLACES, 6);
    let mut table = Csv::new(Vec::new());
    table.row(STRATA_COLUMNS)?;
    for row in strata_rows(decision) {
        table.row(row.cells(decision.inputs.currency))?;
    }
    table.finish()
}
