//! Who is asking: people of one organisation with roles, their passwords and sessions, and what each role may do.

pub mod form_store;
pub mod password;
pub mod permission;
pub mod sign_in;
pub mod store;

pub use permission::{Permission, Role, may};
pub use store::Person;
