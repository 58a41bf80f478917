//! Connections shared by the web application; each piece of work takes one on a blocking thread.

use diesel::connection::SimpleConnection;
use diesel::r2d2;

use super::{Address, Db, OpenError};

struct Manager(Address);

impl r2d2::ManageConnection for Manager {
    type Connection = Db;
    type Error = OpenError;

    fn connect(&self) -> Result<Db, OpenError> {
        self.0.connect()
    }

    fn is_valid(&self, db: &mut Db) -> Result<(), OpenError> {
        db.batch_execute("SELECT 1")
            .map_err(|error| OpenError::Connect("pool".to_string(), error.to_string()))
    }

    fn has_broken(&self, _db: &mut Db) -> bool {
        std::thread::panicking()
    }
}

/// A bounded set of connections.
#[derive(Clone)]
pub struct Pool(r2d2::Pool<Manager>);

/// Why work on a pooled connection did not come to an end.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// All connections stayed busy.
    #[error("the database is busy; try again in a moment")]
    Busy,
    /// The work was dropped.
    #[error("the work was cancelled")]
    Cancelled,
}

impl Pool {
    /// Opens a pool; the tables must be up to date.
    pub fn open(address: Address, size: u32) -> Result<Pool, OpenError> {
        let shown = format!("{address:?}");
        r2d2::Pool::builder()
            .max_size(size)
            .connection_timeout(std::time::Duration::from_secs(10))
            .build(Manager(address))
            .map(Pool)
            .map_err(|error| OpenError::Connect(shown, error.to_string()))
    }

    /// Takes a connection and runs `work` with it, off the threads that answer requests.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Db) -> T + Send + 'static,
    ) -> Result<T, PoolError> {
        let pool = self.0.clone();
        let done = actix_web::web::block(move || {
            let mut db = pool.get().map_err(|_| PoolError::Busy)?;
            Ok(work(&mut db))
        });
        done.await.map_err(|_| PoolError::Cancelled)?
    }
}
