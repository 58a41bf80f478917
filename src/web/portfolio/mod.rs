//! Pages of portfolios and accounts.

pub(super) mod account;
pub(super) mod accounts;
pub(super) mod portfolios;
