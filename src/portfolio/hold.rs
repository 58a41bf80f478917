//! Holds (停催): a layer on accounts that stops contact and new placements, never the attribution of a payment.

use crate::kernel::enumeration;
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Date, Nullable, Text};

use crate::audit::Act;
use crate::db::{Cell, Db, FactTable, Kind};

/// What opening a hold writes.
pub const HOLDS: FactTable = FactTable {
    name: "hold",
    columns: &[
        ("lender", Kind::Text),
        ("account_no", Kind::Text),
        ("seq", Kind::Int),
        ("kind", Kind::Text),
        ("reason", Kind::Text),
        ("from_on", Kind::Date),
        ("until_on", Kind::Date),
        ("by_file", Kind::Bool),
    ],
};

/// What ending a hold writes.
pub const ENDINGS: FactTable = FactTable {
    name: "hold/ending",
    columns: &[
        ("lender", Kind::Text),
        ("account_no", Kind::Text),
        ("seq", Kind::Int),
        ("kind", Kind::Text),
        ("ended_on", Kind::Date),
        ("ended_seq", Kind::Int),
    ],
};

enumeration! {
    /// Why an account is held.
    pub enum HoldKind ("type of hold") {
        /// 争议
        Dispute = "dispute" | "争议",
        /// 投诉
        Complaint = "complaint" | "投诉",
        /// 困难
        Hardship = "hardship" | "困难",
        /// 分期
        InstalmentPlan = "instalment plan" | "分期",
        /// 死亡
        Deceased = "deceased" | "死亡",
        /// 破产
        Bankrupt = "bankrupt" | "破产",
        /// 诉讼
        Litigation = "litigation" | "诉讼",
        /// 转让
        Transferred = "transferred" | "转让",
        /// 信息查询
        DataRequest = "data request" | "信息查询",
    }
}

impl HoldKind {
    /// Whether it holds all of the debtor's accounts.
    pub fn holds_debtor(self) -> bool {
        matches!(
            self,
            HoldKind::Deceased | HoldKind::Bankrupt | HoldKind::Complaint | HoldKind::DataRequest
        )
    }
}

#[derive(QueryableByName, Clone, Debug)]
struct Row {
    #[diesel(sql_type = Text)]
    account_no: String,
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    reason: String,
    #[diesel(sql_type = Date)]
    from_on: NaiveDate,
    #[diesel(sql_type = Nullable<Date>)]
    until_on: Option<NaiveDate>,
    #[diesel(sql_type = Bool)]
    by_file: bool,
    #[diesel(sql_type = Nullable<Date>)]
    ended_on: Option<NaiveDate>,
}

/// A hold on an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The account it was put on.
    pub account_no: String,
    /// The act that opened it.
    pub seq: i64,
    /// Why.
    pub kind: HoldKind,
    /// And in words.
    pub reason: String,
    /// First day.
    pub from_on: NaiveDate,
    /// Whether a file opened it.
    pub by_file: bool,
    /// Last day, when known.
    pub until_on: Option<NaiveDate>,
    /// The day it was ended on.
    pub ended_on: Option<NaiveDate>,
}

impl Hold {
    /// Whether it holds on a day.
    pub fn holds_on(&self, day: NaiveDate) -> bool {
        self.from_on <= day && self.goes_on(day)
    }

    /// Whether it holds on a day or begins after it.
    pub fn goes_on(&self, day: NaiveDate) -> bool {
        self.until_on.is_none_or(|until| day <= until)
            && self.ended_on.is_none_or(|ended| day < ended)
    }
}

fn hold(row: Row) -> QueryResult<Hold> {
    let unknown =
        || format!("account {} has a hold of the unknown type {}", row.account_no, row.kind);
    let kind = HoldKind::parse(&row.kind)
        .ok_or_else(|| diesel::result::Error::DeserializationError(unknown().into()))?;
    Ok(Hold {
        account_no: row.account_no,
        seq: row.seq,
        kind,
        reason: row.reason,
        from_on: row.from_on,
        by_file: row.by_file,
        until_on: row.until_on,
        ended_on: row.ended_on,
    })
}

/// All holds of a lender, as known when the book stood at a number.
pub fn holds_known(db: &mut Db, lender: &str, known_seq: i64) -> QueryResult<Vec<Hold>> {
    let rows: Vec<Row> = diesel::sql_query(
        "SELECT account_no, seq, kind, reason, from_on, until_on, by_file, CASE WHEN ended_seq <= $1 THEN ended_on END AS ended_on \
         FROM hold WHERE lender = $2 AND seq <= $1 ORDER BY account_no, seq",
    )
    .bind::<BigInt, _>(known_seq)
    .bind::<Text, _>(lender)
    .load(db)?;
    rows.into_iter().map(hold).collect()
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
    let lender = act.book.lender.clone();
    let row = vec![
        Cell::from(lender.as_str()),
        Cell::from(new.account_no),
        Cell::from(act.seq()),
        Cell::from(new.kind.name()),
        Cell::from(new.reason),
        Cell::from(new.from),
        Cell::from(new.until),
        Cell::from(new.by_file),
    ];
    act.write(db, &HOLDS, &[row])
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
    let row = vec![
        Cell::from(lender.as_str()),
        Cell::from(account_no),
        Cell::from(opened),
        Cell::from(kind.name()),
        Cell::from(on),
        Cell::from(seq),
    ];
    act.witness(&ENDINGS, &row);
    Ok(())
}

/// The holds of some accounts (a JSON array of account numbers), in order of account and opening.
pub fn holds_of(db: &mut Db, lender: &str, keys: &str) -> QueryResult<Vec<Hold>> {
    let listed = crate::db::keys_in(db, "account_no", 2);
    let sql = format!(
        "SELECT account_no, seq, kind, reason, from_on, until_on, by_file, ended_on FROM hold WHERE lender = $1 AND {listed} ORDER BY account_no, seq"
    );
    let rows: Vec<Row> =
        diesel::sql_query(sql).bind::<Text, _>(lender).bind::<Text, _>(keys).load(db)?;
    rows.into_iter().map(hold).collect()
}

#[derive(QueryableByName)]
struct DebtorHold {
    #[diesel(sql_type = Text)]
    debtor_ref: String,
    #[diesel(embed)]
    hold: Row,
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
        found.entry(hold.account_no).or_default().push(hold.kind);
    }
    let keys = crate::db::keys_json(accounts.iter().map(|(_, debtor_ref)| debtor_ref.as_str()));
    let listed = crate::db::keys_in(db, "r.debtor_ref", 2);
    let sql = format!(
        "SELECT DISTINCT r.debtor_ref, h.account_no, h.seq, h.kind, h.reason, h.from_on, h.until_on, h.by_file, h.ended_on \
         FROM hold h JOIN portfolio_row r ON r.lender = h.lender AND r.account_no = h.account_no WHERE h.lender = $1 AND {listed}"
    );
    let rows: Vec<DebtorHold> =
        diesel::sql_query(sql).bind::<Text, _>(lender).bind::<Text, _>(&keys).load(db)?;
    for row in rows {
        let one = hold(row.hold)?;
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
