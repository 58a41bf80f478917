//! How long work reports itself without knowing who watches.

/// Told how far a long work has come; a bar on a terminal, nothing in tests.
pub trait Progress {
    /// A new stage begins; `total` steps when known.
    fn stage(&mut self, name: &str, total: Option<u64>);
    /// So many more steps are done.
    fn advance(&mut self, steps: u64);
}

/// Nobody watches.
pub struct Silent;

impl Progress for Silent {
    fn stage(&mut self, _name: &str, _total: Option<u64>) {}
    fn advance(&mut self, _steps: u64) {}
}
