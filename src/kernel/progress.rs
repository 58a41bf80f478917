//! How long work reports itself without knowing who watches.

/// Told how far a long work has come; a bar on a terminal, nothing in tests. Whoever watches may want the work stopped:
/// then it gives up, and its transaction undoes what it did.
pub trait Progress {
    /// A new stage begins; `total` steps when known.
    fn stage(&mut self, name: &str, total: Option<u64>) -> Result<(), Stop>;
    /// So many more steps are done.
    fn advance(&mut self, steps: u64) -> Result<(), Stop>;
}

/// The work is not wanted any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped before it was done; nothing was changed")]
pub struct Stop;

/// Nobody watches.
pub struct Silent;

impl Progress for Silent {
    fn stage(&mut self, _name: &str, _total: Option<u64>) -> Result<(), Stop> {
        Ok(())
    }

    fn advance(&mut self, _steps: u64) -> Result<(), Stop> {
        Ok(())
    }
}
