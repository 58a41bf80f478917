//! Who is asking: people of one organisation with roles, their passwords and sessions, and what each role may do.
//!
//! People are changed through [`people::Changing`] alone, which ends the sessions that a change ends and records who
//! changed what. [`sign_in`] lets them in, [`throttle`] says how often somebody may try.

pub mod form_store;
pub mod password;
pub mod people;
pub mod permission;
pub mod sign_in;
pub mod store;
pub mod throttle;
pub mod throttle_store;

pub use permission::{Organisation, Permission, Role, may};
pub use store::{Access, Person};
