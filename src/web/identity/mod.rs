//! Signing in, and who asks.

pub(super) mod password;
pub(super) mod sign_in;
pub(super) mod who;
