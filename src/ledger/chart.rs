//! The chart of accounts.

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
