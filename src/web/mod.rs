//! The web application.

/// Serves the application until it is stopped.
pub fn serve(_address: crate::db::Address, _listen: &str) -> Result<(), String> {
    Err("not built yet".to_string())
}
