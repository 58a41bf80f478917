//! Recoveries with the placement they belong to and the statement line that settled them, as lists have them.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::QueryResult;

use super::store::{self, SettledAt};
use crate::db::{Db, keys_json};
use crate::kernel::Money;
use crate::party::Lang;
use crate::placement::{self, Placement};
use crate::recovery::attribution::{HouseReason, attribute};
use crate::recovery::{self, Channel, Kind, Recovery};
use crate::table::{Column, Value};

/// A recovery and where it belongs.
pub struct Listed {
    /// The recovery.
    pub recovery: Recovery,
    /// The placement it belongs to, or why it is the house's.
    pub placed: Result<Placement, HouseReason>,
    /// The line that settled it.
    pub settled: Option<SettledAt>,
}

/// Gives each recovery its placement and its statement line. A reversal follows its payment.
pub fn attributed(db: &mut Db, lender: &str, found: Vec<Recovery>) -> QueryResult<Vec<Listed>> {
    let reversed = keys_json(found.iter().filter_map(|one| one.reverses.as_deref()));
    let payments: HashMap<String, NaiveDate> =
        recovery::store::by_reference(db, lender, &reversed)?
            .into_iter()
            .map(|one| (one.reference, one.received_on))
            .collect();
    let accounts = keys_json(found.iter().map(|one| one.account_no.as_str()));
    let mut placements: HashMap<String, Vec<Placement>> = HashMap::new();
    for placement in placement::store::of_accounts(db, lender, &accounts)? {
        placements.entry(placement.account_no.clone()).or_default().push(placement);
    }
    let references = keys_json(found.iter().map(|one| one.reference.as_str()));
    let lines = store::lines_of_references(db, lender, &references)?;
    let mut lines: HashMap<String, SettledAt> =
        lines.into_iter().map(|at| (at.reference.clone(), at)).collect();
    let listed = |recovery: Recovery| {
        let payment = recovery.reverses.as_ref().and_then(|payment| payments.get(payment));
        let day = payment.copied().unwrap_or(recovery.received_on);
        let of_account = placements.get(&recovery.account_no).map_or(&[][..], Vec::as_slice);
        let placed = attribute(of_account, day).map(|index| of_account[index].clone());
        Listed { settled: lines.remove(&recovery.reference), placed, recovery }
    };
    Ok(found.into_iter().map(listed).collect())
}

const REFERENCE: Column<Listed> =
    Column::<Listed>::text("reference", Lang::reference, |one, _| (&one.recovery.reference).into());
const ACCOUNT_NO: Column<Listed> =
    Column::<Listed>::text("account_no", Lang::account, |one, _| (&one.recovery.account_no).into())
        .folded();
const RECEIVED_ON: Column<Listed> =
    Column::<Listed>::text("received_on", Lang::received_on, |one, _| {
        one.recovery.received_on.into()
    });
const KIND: Column<Listed> = Column::<Listed>::text("kind", Lang::kind, |one, t| {
    Value::Named(one.recovery.kind.name(), t.recovery_kind(one.recovery.kind))
})
.folded();
const AMOUNT: Column<Listed> =
    Column::<Listed>::money("amount", Lang::amount, |one, _| one.recovery.amount.into());
/// Negative where money is taken back.
const SIGNED: Column<Listed> = Column::<Listed>::money("amount", Lang::amount, |one, _| {
    let amount = one.recovery.amount;
    if one.recovery.kind == Kind::Reversal { (-amount).into() } else { amount.into() }
});
const REVERSES: Column<Listed> = Column::<Listed>::text("reverses", Lang::reversal, |one, _| {
    one.recovery.reverses.as_ref().into()
});
const CHANNEL: Column<Listed> = Column::<Listed>::text("channel", Lang::channel, |one, t| {
    let channel = one.recovery.channel;
    let holder = one.recovery.agency.as_deref().filter(|_| channel == Channel::Agency);
    let holder = holder.unwrap_or(if channel == Channel::Agency { "" } else { t.to_the_lender() });
    Value::Told(channel.name().to_string(), holder.to_string())
})
.folded();
const AGENCY: Column<Listed> =
    Column::<Listed>::text("agency", Lang::agency, |one, _| one.recovery.agency.as_ref().into());
const ASSIGNEE: Column<Listed> = Column::<Listed>::text("assignee", Lang::assignee, |one, _| {
    one.placed.as_ref().ok().map(|placement| &placement.assignee).into()
});
const BATCH: Column<Listed> = Column::<Listed>::text("batch", Lang::batch, |one, _| {
    one.placed.as_ref().ok().map(|placement| &placement.batch).into()
});
const HOUSE_REASON: Column<Listed> =
    Column::<Listed>::text("house_reason", Lang::belongs_to, |one, t| {
        one.placed
            .as_ref()
            .err()
            .map_or(Value::Nothing, |reason| Value::Named(reason.code(), t.house_reason(*reason)))
    });
/// The placement, or the house, in one cell.
const HOLDER: Column<Listed> =
    Column::<Listed>::text("holder", Lang::belongs_to, |one, t| match &one.placed {
        Ok(placement) => format!("{} · {}", placement.assignee, placement.batch).into(),
        Err(_) => t.house().into(),
    })
    .folded();
const BEYOND_OWED: Column<Listed> =
    Column::<Listed>::money("beyond_owed", Lang::beyond_owed, |one, _| {
        one.recovery.beyond_owed.into()
    });
/// The same, nothing where it is nought.
const ANY_BEYOND: Column<Listed> =
    Column::<Listed>::money("beyond_owed", Lang::beyond_owed, |one, _| {
        Some(one.recovery.beyond_owed).filter(|beyond| *beyond != Money::ZERO).into()
    })
    .folded();
const STATEMENT_LINE: Column<Listed> =
    Column::<Listed>::text("statement_line", Lang::settled_on, |one, _| {
        one.settled.as_ref().map_or(
            Value::Nothing,
            |SettledAt { statement_no, line_no, .. }| {
                Value::Told(
                    format!("{statement_no}/{line_no}"),
                    format!("{statement_no} / {line_no}"),
                )
            },
        )
    })
    .folded();
const FEE: Column<Listed> = Column::<Listed>::money("fee", Lang::fee, |one, _| {
    one.settled.as_ref().map(|at| at.fee).into()
})
.folded();
const NOTE: Column<Listed> =
    Column::<Listed>::text("note", Lang::note, |one, _| one.recovery.note.as_ref().into()).folded();

/// What a download has.
pub const DOWNLOAD: &[Column<Listed>] = &[
    REFERENCE,
    ACCOUNT_NO,
    RECEIVED_ON,
    KIND,
    AMOUNT,
    REVERSES,
    CHANNEL,
    AGENCY,
    ASSIGNEE,
    BATCH,
    HOUSE_REASON,
    BEYOND_OWED,
    STATEMENT_LINE,
];

/// What the page of all recoveries has.
pub const PAGE: &[Column<Listed>] = &[
    REFERENCE,
    RECEIVED_ON,
    ACCOUNT_NO,
    KIND,
    SIGNED,
    CHANNEL,
    HOLDER,
    ANY_BEYOND,
    STATEMENT_LINE,
    FEE,
];

/// What the page of their account has.
pub const ACCOUNT_PAGE: &[Column<Listed>] =
    &[REFERENCE, RECEIVED_ON, KIND, SIGNED, CHANNEL, HOLDER, STATEMENT_LINE, FEE, NOTE];
