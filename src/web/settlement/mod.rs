//! Pages of months, statements and their lines.

pub(super) mod close;
pub(super) mod explain;
pub(super) mod months;
pub(super) mod statement;
