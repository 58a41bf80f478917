//! How long a client may take: every wait for it has a time by which enough must have come or gone.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_core::Stream;
use tokio::time::{Instant, Sleep};

/// So long a client may take for so many bytes.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    window: Duration,
    least: usize,
    until: Instant,
    moved: usize,
}

impl Pace {
    /// A body: 500 bytes a second, looked at every ten seconds. The slowest modem sends more.
    pub fn of_bodies() -> Pace {
        Pace::new(Duration::from_secs(10), 5_000)
    }

    /// An answer: a client that takes less than 8 KiB in a minute has gone or wants to hold the connection.
    pub fn of_answers() -> Pace {
        Pace::new(Duration::from_secs(60), 8 * 1024)
    }

    fn new(window: Duration, least: usize) -> Pace {
        Pace { window, least, until: Instant::now() + window, moved: 0 }
    }

    /// So many bytes have moved.
    pub fn moved(&mut self, bytes: usize) {
        self.moved = self.moved.saturating_add(bytes);
    }

    /// When it will be looked at.
    pub fn until(&self) -> Instant {
        self.until
    }

    /// Whether it was too slow by now; otherwise the next window begins when this one has passed.
    pub fn is_too_slow(&mut self, now: Instant) -> bool {
        if now < self.until {
            return false;
        }
        let slow = self.moved < self.least;
        (self.until, self.moved) = (now + self.window, 0);
        slow
    }
}

/// Something that rings when a time has come; it may be set to another at any time.
pub struct Alarm(Pin<Box<Sleep>>);

impl Alarm {
    /// An alarm that rings by and by.
    pub fn new() -> Alarm {
        Alarm(Box::pin(tokio::time::sleep(Duration::from_secs(60))))
    }

    /// Whether the time has come; otherwise the task is woken when it does.
    pub fn rings(&mut self, at: Instant, cx: &mut Context<'_>) -> bool {
        if self.0.deadline() != at {
            self.0.as_mut().reset(at);
        }
        self.0.as_mut().poll(cx).is_ready()
    }
}

/// A body that ends with an error when it comes too slowly.
struct PacedBody {
    body: Payload,
    pace: Pace,
    alarm: Alarm,
}

/// Puts a body under its pace; a request without one stays as it is.
pub fn paced(body: Payload) -> Payload {
    if matches!(body, Payload::None) {
        return body;
    }
    let paced = PacedBody { body, pace: Pace::of_bodies(), alarm: Alarm::new() };
    Payload::Stream { payload: Box::pin(paced) }
}

impl Stream for PacedBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_next(cx);
        match &polled {
            Poll::Ready(Some(Ok(bytes))) => this.pace.moved(bytes.len()),
            Poll::Ready(_) => return polled,
            Poll::Pending => {}
        }
        while this.alarm.rings(this.pace.until(), cx) {
            if this.pace.is_too_slow(Instant::now()) {
                let slow = std::io::Error::from(std::io::ErrorKind::TimedOut);
                return Poll::Ready(Some(Err(PayloadError::Io(slow))));
            }
        }
        polled
    }
}
