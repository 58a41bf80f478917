//! Pages of placements, of what is asked about them, and of what is done to them.

pub(super) mod act;
pub(super) mod expire;
pub(super) mod placements;
pub(super) mod requests;
