//! Holds as they are opened, ended and read back.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Text};

use super::HoldKind;
use crate::audit::Act;
use crate::db::{Db, fact, names_of, row, select};

fact! {
    /// What opening a hold writes.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Opening in "hold" key (account_no, seq, kind) by seq {
        /// The account it was put on.
        account_no: String,
        /// The act that opened it.
        seq: i64,
        /// Why.
        kind: HoldKind,
        /// And in words.
        reason: String,
        /// First day.
        from_on: NaiveDate,
        /// Last day, when known.
        until_on: Option<NaiveDate>,
        /// Whether a file opened it.
        by_file: bool,
    }
}

fact! {
    /// What ending a hold writes.
    pub struct Ending in "hold/ending" key (account_no, seq, kind) by ended_seq {
        /// The account.
        account_no: String,
        /// The act that opened it.
        seq: i64,
        /// Its type.
        kind: HoldKind,
        /// The day it was ended on.
        ended_on: NaiveDate,
        /// The act that ended it.
        ended_seq: i64,
    }
}

row! {
    /// A hold on an account.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Hold in "hold" key (account_no, seq, kind) {
        /// What was opened.
        opening: Opening,
        /// The day it was ended on.
        ended_on: Option<NaiveDate>,
    }
}

impl std::ops::Deref for Hold {
    type Target = Opening;
    fn deref(&self) -> &Opening {
        &self.opening
    }
}

/// All holds of a lender, as known when the book stood at a number.
pub fn holds_known(db: &mut Db, lender: &str, known_seq: i64) -> QueryResult<Vec<Hold>> {
    let columns = names_of::<Opening>("");
    let sql = format!(
        "SELECT {columns}, CASE WHEN ended_seq <= $1 THEN ended_on END AS ended_on \
         FROM hold WHERE lender = $2 AND seq <= $1 ORDER BY account_no, seq"
    );
    diesel::sql_query(sql).bind::<BigInt, _>(known_seq).bind::<Text, _>(lender).load(db)
}

/// A hold to open.
pub struct NewHold<'a> {
    /// The account to put it on.
    pub account_no: &'a str,
    /// Why.
    pub kind: HoldKind,
    /// And in words.
    pub reason: &'a str,
    /// First day.
    pub from: NaiveDate,
    /// Last day, when known.
    pub until: Option<NaiveDate>,
    /// Whether a file opens it.
    pub by_file: bool,
}

/// Opens a hold.
pub fn open(db: &mut Db, act: &mut Act, new: &NewHold<'_>) -> QueryResult<()> {
    let opening = Opening {
        account_no: new.account_no.to_string(),
        seq: act.seq(),
        kind: new.kind,
        reason: new.reason.to_string(),
        from_on: new.from,
        until_on: new.until,
        by_file: new.by_file,
    };
    act.record(db, &[opening])
}

/// Ends a hold, given with the act that opened it.
pub fn end(
    db: &mut Db,
    act: &mut Act,
    account_no: &str,
    (kind, opened): (HoldKind, i64),
    on: NaiveDate,
) -> QueryResult<()> {
    let (lender, seq) = (act.book.lender.clone(), act.seq());
    diesel::sql_query(
        "UPDATE hold SET ended_on = $1, ended_seq = $2 WHERE lender = $3 AND account_no = $4 AND seq = $5 AND kind = $6",
    )
    .bind::<Date, _>(on)
    .bind::<BigInt, _>(seq)
    .bind::<Text, _>(&lender)
    .bind::<Text, _>(account_no)
    .bind::<BigInt, _>(opened)
    .bind::<Text, _>(kind.name())
    .execute(db)?;
    let account_no = account_no.to_string();
    act.witness(&Ending { account_no, seq: opened, kind, ended_on: on, ended_seq: seq });
    Ok(())
}

/// The holds of some accounts (a JSON array of account numbers), in order of account and opening.
pub fn holds_of(db: &mut Db, lender: &str, keys: &str) -> QueryResult<Vec<Hold>> {
    let listed = crate::db::keys_in(db, "account_no", 2);
    let rest = format!("WHERE lender = $1 AND {listed} ORDER BY account_no, seq");
    select::<Hold>(&rest).bind::<Text, _>(lender).bind::<Text, _>(keys).load(db)
}

row! {
    struct DebtorHold in "hold" key (account_no, seq, kind) {
        debtor_ref: String,
        hold: Hold,
    }
}

/// The holds in force on a day for some accounts, given with their debtors: their own, and those on another account
/// of the debtor that hold all of them.
pub fn in_force(
    db: &mut Db,
    lender: &str,
    accounts: &[(String, String)],
    day: NaiveDate,
) -> QueryResult<std::collections::HashMap<String, Vec<HoldKind>>> {
    let mut found: std::collections::HashMap<String, Vec<HoldKind>> =
        std::collections::HashMap::new();
    let keys = crate::db::keys_json(accounts.iter().map(|(account_no, _)| account_no.as_str()));
    for hold in holds_of(db, lender, &keys)?.into_iter().filter(|hold| hold.holds_on(day)) {
        found.entry(hold.account_no.clone()).or_default().push(hold.kind);
    }
    let keys = crate::db::keys_json(accounts.iter().map(|(_, debtor_ref)| debtor_ref.as_str()));
    let listed = crate::db::keys_in(db, "r.debtor_ref", 2);
    let columns = names_of::<Hold>("h");
    let sql = format!(
        "SELECT DISTINCT r.debtor_ref, {columns} \
         FROM hold h JOIN portfolio_row r ON r.lender = h.lender AND r.account_no = h.account_no WHERE h.lender = $1 AND {listed}"
    );
    let rows: Vec<DebtorHold> =
        diesel::sql_query(sql).bind::<Text, _>(lender).bind::<Text, _>(&keys).load(db)?;
    for row in rows {
        let one = row.hold;
        if !one.holds_on(day) || !one.kind.holds_debtor() {
            continue;
        }
        for (account_no, _) in
            accounts.iter().filter(|(_, debtor_ref)| *debtor_ref == row.debtor_ref)
        {
            let kinds = found.entry(account_no.clone()).or_default();
            if !kinds.contains(&one.kind) {
                kinds.push(one.kind);
            }
        }
    }
    Ok(found)
}
