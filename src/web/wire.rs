//! One connection, with a time for everything that depends on the client. The server's own limits know the head of the
//! first request only; later heads, bodies that nobody reads, and answers that nobody takes are watched here.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::rt::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::web::pace::{Alarm, Pace};
use crate::web::visitors::Visit;

/// For the head of a request, all of it.
pub const FOR_A_HEAD: Duration = Duration::from_secs(10);

/// Whose turn it is on a connection; the requests that come over it share it.
#[derive(Clone)]
pub struct Turn(Rc<Cell<Phase>>);

#[derive(Clone, Copy)]
enum Phase {
    /// The client sends a head, all of it by then.
    Head(Instant),
    /// A request is being answered: the client waits for us. Its body has a pace of its own.
    Ours,
    /// The client takes the answer, and may send another request.
    Answer(Pace),
}

impl Turn {
    fn new() -> Turn {
        Turn(Rc::new(Cell::new(Phase::head())))
    }

    /// A request has come.
    pub fn ours(&self) {
        self.0.set(Phase::Ours);
    }

    /// It is answered.
    pub fn theirs(&self) {
        self.0.set(Phase::Answer(Pace::of_answers()));
    }

    /// The client sent something.
    fn heard(&self) {
        if let Phase::Answer(_) = self.0.get() {
            self.0.set(Phase::head());
        }
    }

    /// The client took something.
    fn took(&self, bytes: usize) {
        if let Phase::Answer(mut pace) = self.0.get() {
            pace.moved(bytes);
            self.0.set(Phase::Answer(pace));
        }
    }

    fn is_over(&self, alarm: &mut Alarm, cx: &mut Context<'_>) -> bool {
        loop {
            match self.0.get() {
                Phase::Ours => return false,
                Phase::Head(until) => return alarm.rings(until, cx),
                Phase::Answer(mut pace) => {
                    if !alarm.rings(pace.until(), cx) {
                        return false;
                    }
                    if pace.is_too_slow(Instant::now()) {
                        return true;
                    }
                    self.0.set(Phase::Answer(pace));
                }
            }
        }
    }
}

impl Phase {
    /// A little longer than the server's own limit, which has an answer for the first request.
    fn head() -> Phase {
        Phase::Head(Instant::now() + FOR_A_HEAD + Duration::from_secs(1))
    }
}

/// A connection.
pub struct Wire {
    io: TcpStream,
    turn: Turn,
    alarm: Alarm,
    _visit: Visit,
}

impl Wire {
    /// A connection that was let in.
    pub fn new(io: TcpStream, visit: Visit) -> Wire {
        Wire { io, turn: Turn::new(), alarm: Alarm::new(), _visit: visit }
    }

    /// Whose turn it is.
    pub fn turn(&self) -> Turn {
        self.turn.clone()
    }

    fn in_time(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.turn.is_over(&mut self.alarm, cx) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.in_time(cx)?;
        let before = into.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, into))?;
        if into.filled().len() > before {
            self.turn.heard();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.io).poll_write(cx, bytes)? {
            Poll::Ready(written) => {
                self.turn.took(written);
                Poll::Ready(Ok(written))
            }
            Poll::Pending => {
                self.in_time(cx).map_or_else(|late| Poll::Ready(Err(late)), |()| Poll::Pending)
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The last call after an answer: it sets the alarm for what the client does next.
        self.in_time(cx)?;
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
