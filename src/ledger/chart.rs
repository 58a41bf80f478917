//! The chart of accounts, and what moves on it when what is owed changes.

use crate::kernel::Money;

/// Cash at the lender.
pub const BANK: &str = "Assets:Bank";
/// What the lender's files say beyond what the ledger moved.
pub const PORTFOLIO: &str = "Equity:Portfolio";
/// Received beyond what is owed, per account, while it lasts.
pub const OVERPAID: &str = "Liabilities:Overpaid";
/// Debt forgiven (减免).
pub const WAIVERS: &str = "Expenses:Waivers";
/// Input tax on commissions (增值税进项).
pub const VAT_INPUT: &str = "Assets:VAT-Input";
/// The holder of an account that nobody has: the lender itself (自催).
pub const HOUSE: &str = "House";

/// What is owed in a holder's hands.
pub fn loans(holder: Option<&str>) -> String {
    format!("Assets:Loans:{}", holder.unwrap_or(HOUSE))
}

/// Money an agency has collected and not handed over.
pub fn receivable(agency: &str) -> String {
    format!("Assets:Receivable:{agency}")
}

/// Statements issued to an agency and not paid.
pub fn payable(agency: &str) -> String {
    format!("Liabilities:Payable:{agency}")
}

/// Whether an account is one that a statement's running account is made of.
pub fn is_run_with_agency(account: &str) -> bool {
    account.starts_with("Assets:Receivable:") || account.starts_with("Liabilities:Payable:")
}

/// Commission an agency earned, without tax.
pub fn commission(agency: &str) -> String {
    format!("Expenses:Commission:{agency}")
}

/// The ledger moves when what is owed in a holder's hands goes from `before` to `after`: Assets:Loans holds it
/// while positive, Liabilities:Overpaid while negative. The moves sum to `after − before`.
pub fn owed_moves(holder: Option<&str>, before: Money, after: Money) -> [(String, Money); 2] {
    let negative_part = |owed: Money| Money(owed.0.min(0));
    [
        (loans(holder), after.positive_part() - before.positive_part()),
        (OVERPAID.to_string(), negative_part(after) - negative_part(before)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_sum_to_the_change() {
        let moves = owed_moves(None, Money(30), Money(-20));
        assert_eq!(moves.iter().map(|(_, amount)| amount.0).collect::<Vec<_>>(), vec![-30, -20]);
    }
}
