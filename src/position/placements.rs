//! A list of placements: each with what is known of its account now.

use crate::hold::HoldKind;
use crate::kernel::Money;
use crate::party::Lang;
use crate::placement::{CloseReason, Placement};
use crate::position::accounts::hold_words;
use crate::table::{Column, Value};

/// A placement of a list.
pub struct Listed {
    /// The placement.
    pub placement: Placement,
    /// The debtor's name, masked, while somebody has the account.
    pub debtor_name: String,
    /// What is owed on everything known.
    pub owed: Money,
    /// What stops contact now.
    pub stopped: Stopped,
}

/// What stops contact, as far as whoever looks may know.
pub enum Stopped {
    /// These holds; none where contact goes on.
    By(Vec<HoldKind>),
    /// Something: all that an agency is told.
    BySomething,
}

impl Stopped {
    /// Whether contact is stopped.
    pub fn is_stopped(&self) -> bool {
        !matches!(self, Stopped::By(kinds) if kinds.is_empty())
    }

    /// In words, one each.
    pub fn words(&self, t: Lang) -> Vec<&'static str> {
        match self {
            Stopped::By(kinds) => hold_words(kinds, t),
            Stopped::BySomething => vec![t.stop_contact()],
        }
    }
}

/// A row that is about a placement: the columns of a placement itself, in whatever list it stands.
trait OfPlacement: Sized + 'static {
    /// The placement.
    fn placement(&self) -> &Placement;

    const ACCOUNT_NO: Column<Self> = Column::<Self>::text("account_no", Lang::account, |one, _| {
        (&one.placement().account_no).into()
    });
    const ASSIGNEE: Column<Self> = Column::<Self>::text("assignee", Lang::assignee, |one, _| {
        (&one.placement().assignee).into()
    })
    .folded();
    const BATCH: Column<Self> =
        Column::<Self>::text("batch", Lang::batch, |one, _| (&one.placement().batch).into())
            .folded();
    const LEVEL: Column<Self> = Column::<Self>::number("level", Lang::level, |one, _| {
        Value::Number(one.placement().facts.level)
    })
    .folded();
    const BUCKET: Column<Self> = Column::<Self>::text("bucket", Lang::bucket, |one, _| {
        (&one.placement().facts.bucket).into()
    })
    .folded();
    const DAYS_PAST_DUE: Column<Self> =
        Column::<Self>::number("days_past_due_at_placement", Lang::days_past_due, |one, _| {
            one.placement().facts.days_past_due.into()
        })
        .folded();
    const PLACED_ON: Column<Self> = Column::<Self>::text("placed_on", Lang::placed_on, |one, _| {
        one.placement().placed_on.into()
    })
    .folded();
    const EXPIRES_ON: Column<Self> =
        Column::<Self>::text("expires_on", Lang::expires_on, |one, _| {
            one.placement().expires_on.into()
        })
        .folded();
    const CLOSED_ON: Column<Self> =
        Column::<Self>::text("closed_on", Lang::closed, |one, _| one.placement().closed_on.into());
    const CLOSE_REASON: Column<Self> =
        Column::<Self>::text("close_reason", Lang::reason, |one, t| {
            let named = |reason: CloseReason| Value::Named(reason.name(), reason.word(t));
            one.placement().close_reason.map(named).into()
        });
    const BALANCE: Column<Self> =
        Column::<Self>::money("balance_at_placement", Lang::balance_at_placement, |one, _| {
            one.placement().balance().into()
        })
        .folded();
    const CONTRACT: Column<Self> = Column::<Self>::text("contract", Lang::contract, |one, _| {
        (&one.placement().contract).into()
    });
    const CONTRACT_VERSION: Column<Self> =
        Column::<Self>::number("contract_version", Lang::version, |one, _| {
            Value::Number(one.placement().contract_version)
        });
    /// The contract with its version in one cell.
    const TERMS: Column<Self> = Column::<Self>::text("contract", Lang::contract, |one, _| {
        let placement = one.placement();
        format!("{} v{}", placement.contract, placement.contract_version).into()
    })
    .folded();
}

impl OfPlacement for Placement {
    fn placement(&self) -> &Placement {
        self
    }
}

impl OfPlacement for Listed {
    fn placement(&self) -> &Placement {
        &self.placement
    }
}

const DEBTOR_NAME: Column<Listed> =
    Column::<Listed>::text("debtor_name", Lang::debtor, |one, _| (&one.debtor_name).into());
const OWED: Column<Listed> =
    Column::<Listed>::money("owed", Lang::owed_now, |one, _| one.owed.into());
const HOLD: Column<Listed> = Column::<Listed>::text("hold", Lang::hold_word, |one, t| {
    one.stopped.words(t).join("; ").into()
});
/// Where it stands today, which only a page says.
const STATE: Column<Listed> =
    Column::<Listed>::text("state", Lang::state, |_, _| Value::Nothing).folded();

/// What the command writes of a placement.
pub const FILE: &[Column<Placement>] = &[
    Placement::ACCOUNT_NO,
    Placement::ASSIGNEE,
    Placement::BATCH,
    Placement::LEVEL,
    Placement::PLACED_ON,
    Placement::EXPIRES_ON,
    Placement::CLOSED_ON,
    Placement::CLOSE_REASON,
    Placement::BALANCE,
    Placement::DAYS_PAST_DUE,
    Placement::CONTRACT,
    Placement::CONTRACT_VERSION,
];

/// What a download has.
pub const DOWNLOAD: &[Column<Listed>] = &[
    Listed::ACCOUNT_NO,
    DEBTOR_NAME,
    Listed::ASSIGNEE,
    Listed::BATCH,
    Listed::LEVEL,
    Listed::BUCKET,
    Listed::DAYS_PAST_DUE,
    Listed::PLACED_ON,
    Listed::EXPIRES_ON,
    Listed::CLOSED_ON,
    Listed::CLOSE_REASON,
    Listed::BALANCE,
    OWED,
    HOLD,
    Listed::TERMS,
];

/// What a lender's page has.
pub const PAGE: &[Column<Listed>] = &[
    Listed::ACCOUNT_NO,
    DEBTOR_NAME,
    Listed::ASSIGNEE,
    Listed::BATCH,
    Listed::LEVEL,
    Listed::BUCKET,
    Listed::PLACED_ON,
    Listed::EXPIRES_ON,
    STATE,
    Listed::BALANCE,
    OWED,
    Listed::TERMS,
];

/// What an agency's page has.
pub const OWN_PAGE: &[Column<Listed>] = &[
    Listed::ACCOUNT_NO,
    DEBTOR_NAME,
    Listed::BATCH,
    Listed::LEVEL,
    Listed::BUCKET,
    Listed::PLACED_ON,
    Listed::EXPIRES_ON,
    STATE,
    Listed::BALANCE,
    OWED,
    Listed::TERMS,
];
