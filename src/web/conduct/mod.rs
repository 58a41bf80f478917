//! Pages of contact records and complaints.

pub(super) mod complaint;
pub(super) mod complaints;
pub(super) mod contacts;
