//! Pages of placements, of what is asked about them, and of what is done to them.

pub(super) mod act;
mod act_form;
pub(super) mod act_page;
pub(super) mod expire;
pub(super) mod placements;
pub(super) mod requests;
