//! Jobs by the pages: how a form becomes one, and the pages that tell how far each is and what came of it.

pub(super) mod ask;
pub(super) mod jobs;
pub(super) mod send;
