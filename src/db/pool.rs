//! Connections shared by the web application; each piece of work takes one on a blocking thread.

use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::r2d2;

use tokio::sync::Semaphore;

use super::{Address, Db, OpenError, Trouble, dialect};
use crate::kernel::Lang;

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

    fn has_broken(&self, db: &mut Db) -> bool {
        std::thread::panicking() || dialect::is_broken(db)
    }
}

/// So long a request waits for a connection that others have, and a connection for the server.
const PATIENCE: Duration = Duration::from_secs(10);
const FOR_THE_SERVER: Duration = Duration::from_secs(5);

/// A bounded set of connections. Who waits for one waits without a thread.
#[derive(Clone)]
pub struct Pool {
    connections: r2d2::Pool<Manager>,
    free: Arc<Semaphore>,
}

/// Why work on a pooled connection did not come to an end.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// All connections stayed busy.
    #[error("the server is busy; nothing was changed; try again in a moment")]
    Busy,
    /// The database does not let us in.
    #[error("{told}", told = .0.told(Lang::En))]
    Gone(Trouble),
    /// The work was dropped.
    #[error("the work ended before it was done")]
    Cancelled,
}

impl Pool {
    /// Opens a pool; the tables must be up to date.
    pub fn open(address: Address, size: u32) -> Result<Pool, OpenError> {
        let shown = address.shown();
        let connections = r2d2::Pool::builder()
            .max_size(size)
            .connection_timeout(FOR_THE_SERVER)
            .build(Manager(address))
            .map_err(|error| OpenError::Connect(shown, error.to_string()))?;
        let free = usize::try_from(size).unwrap_or(1);
        Ok(Pool { connections, free: Arc::new(Semaphore::new(free)) })
    }

    /// Takes a connection and runs `work` with it, off the threads that answer requests.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Db) -> T + Send + 'static,
    ) -> Result<T, PoolError> {
        let waited = tokio::time::timeout(PATIENCE, self.free.clone().acquire_owned()).await;
        let Ok(Ok(place)) = waited else { return Err(PoolError::Busy) };
        let pool = self.connections.clone();
        let span = tracing::Span::current();
        let done = actix_web::web::block(move || {
            let _inside = span.entered();
            let _place = place;
            let gone = |error: r2d2::PoolError| Trouble::of_opening(&error.to_string());
            let mut db = pool.get().map_err(|error| PoolError::Gone(gone(error)))?;
            Ok(work(&mut db))
        });
        done.await.map_err(|_| PoolError::Cancelled)?
    }
}
