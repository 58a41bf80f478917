//! The server as a process: clients that send slowly, or never finish, or come in masses, keep nobody else waiting.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::support::Book;

/// A running `consign serve`.
pub struct Served {
    child: Child,
    pub at: SocketAddr,
}

impl Served {
    pub fn of(book: &Book, arguments: &[&str]) -> Served {
        Served::with(book, arguments, &[])
    }

    /// With something in its environment.
    pub fn with(book: &Book, arguments: &[&str], environment: &[(&str, &str)]) -> Served {
        let mut child = Command::new(env!("CARGO_BIN_EXE_consign"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .env("DATABASE_URL", &book.url)
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let at =
            line.trim().rsplit('/').next().unwrap().parse().unwrap_or_else(|_| panic!("{line}"));
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Served { child, at }
    }

    /// A connection from an address of this machine's own.
    fn connect_from(&self, from: &str) -> TcpStream {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let from: SocketAddr = format!("{from}:0").parse().unwrap();
        socket.bind(&from.into()).unwrap();
        socket.connect(&self.at.into()).unwrap();
        let stream: TcpStream = socket.into();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }

    /// What one request gets, all of it; nothing when the connection is reset.
    fn ask(&self, from: &str, request: &str) -> String {
        let mut stream = self.connect_from(from);
        let mut answer = Vec::new();
        let _reset = stream.write_all(request.as_bytes());
        let _reset = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

const SIGN_IN: &str = "GET /sign-in HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
const UNFINISHED_HEAD: &str = "GET /sign-in HTTP/1.1\r\nHost: x\r\nX-More: ";
const UNFINISHED_BODY: &str = "POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nlogin=";

fn as_many_files_as_may_be() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
}

#[test]
fn unfinished_requests_shut_nobody_out() {
    as_many_files_as_may_be();
    let served = Served::of(&Book::on_sqlite(), &[]);
    let began = Instant::now();
    let held: Vec<TcpStream> = (0..1_100)
        .map(|number| {
            let mut stream = served.connect_from("127.0.0.1");
            let request = if number % 2 == 0 { UNFINISHED_HEAD } else { UNFINISHED_BODY };
            // Those beyond the bound are refused, most of them without a word.
            let _reset = stream.write_all(request.as_bytes());
            stream
        })
        .collect();
    let asked = Instant::now();
    let answer = served.ask("127.0.0.2", SIGN_IN);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    // The address that holds so many is refused, and told so, until its time is over.
    let refused = served.ask("127.0.0.1", SIGN_IN);
    assert!(refused.is_empty() || refused.starts_with("HTTP/1.1 503"), "{refused}");
    while !served.ask("127.0.0.1", SIGN_IN).starts_with("HTTP/1.1 200") {
        assert!(began.elapsed() < Duration::from_secs(40), "the held connections stay open");
        std::thread::sleep(Duration::from_millis(200));
    }
    drop(held);
}

#[test]
fn one_address_is_told_when_it_has_too_many_connections() {
    let served = Served::of(&Book::on_sqlite(), &["--connections-per-address", "3"]);
    let held: Vec<TcpStream> = (0..3).map(|_| served.connect_from("127.0.0.1")).collect();
    std::thread::sleep(Duration::from_millis(300));
    let refused = served.ask("127.0.0.1", SIGN_IN);
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("连接过多"), "{refused}");
    assert!(served.ask("127.0.0.3", SIGN_IN).starts_with("HTTP/1.1 200"));
    drop(held);
    std::thread::sleep(Duration::from_millis(300));
    assert!(served.ask("127.0.0.1", SIGN_IN).starts_with("HTTP/1.1 200"));
}

/// Sends something every half second for as long as the other side takes it; gives how long that was and what it said.
fn trickle(served: &Served, request: &str, drop_by_drop: &str) -> (Duration, String) {
    let mut stream = served.connect_from("127.0.0.1");
    let mut reading = stream.try_clone().unwrap();
    let began = Instant::now();
    let said = std::thread::spawn(move || {
        let mut answer = Vec::new();
        let _reset = reading.read_to_end(&mut answer);
        (Instant::now(), String::from_utf8_lossy(&answer).into_owned())
    });
    stream.write_all(request.as_bytes()).unwrap();
    while !said.is_finished() && began.elapsed() < Duration::from_secs(40) {
        std::thread::sleep(Duration::from_millis(500));
        if stream.write_all(drop_by_drop.as_bytes()).is_err() {
            break;
        }
    }
    let (ended, answer) = said.join().unwrap();
    (ended - began, answer)
}

#[test]
fn what_comes_drop_by_drop_is_cut_off() {
    let served = Served::of(&Book::on_sqlite(), &[]);
    let chinese = UNFINISHED_BODY.replace("Host: x", "Host: x\r\nAccept-Language: zh-CN");
    let file = "POST /contacts/send HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n\
                Content-Length: 90000\r\n\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n";
    let again = format!("{}{UNFINISHED_HEAD}", SIGN_IN.replace("Connection: close\r\n", ""));
    let nowhere = "POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    std::thread::scope(|scope| {
        let slow: Vec<_> = [
            ("a head", UNFINISHED_HEAD, "x", "408"),
            ("the head of a second request", &again, "x", "200"),
            ("a form", &chinese, "x", "408"),
            ("a file of nobody's", file, "x", "303"),
            ("a body that nobody reads", nowhere, "1\r\nx\r\n", "404"),
        ]
        .into_iter()
        .map(|(what, request, drops, status)| {
            let served = &served;
            (what, status, scope.spawn(move || trickle(served, request, drops)))
        })
        .collect();
        for (what, status, thread) in slow {
            let (took, answer) = thread.join().unwrap();
            assert!(took < Duration::from_secs(25), "{what} is waited for {took:?}");
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{what}: {answer}");
            if what == "a form" {
                assert!(answer.contains("提交超时"), "{answer}");
            }
        }
    });
}

#[test]
fn head_is_answered_like_get_without_a_body() {
    let served = Served::of(&Book::on_sqlite(), &[]);
    for path in ["/sign-in", "/favicon.ico", "/static/consign.css", "/nowhere", "/sign-out", "/"] {
        let ask = |method: &str| {
            let request =
                format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            let answer = served.ask("127.0.0.1", &request);
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            // What every answer has of its own.
            let own = ["date:", "set-cookie:", "x-request-id:"];
            let kept = |line: &&str| !own.iter().any(|name| line.starts_with(name));
            let mut head: Vec<String> = head.lines().filter(kept).map(str::to_string).collect();
            head.sort();
            (head, body.to_string())
        };
        let ((head_of_get, body), (head, nothing)) = (ask("GET"), ask("HEAD"));
        assert_eq!((head, nothing.as_str()), (head_of_get.clone(), ""), "{path}");
        assert!(path == "/" || !body.is_empty(), "{path}");
        let allowed = head_of_get.iter().any(|line| line == "allow: POST");
        assert_eq!(allowed, path == "/sign-out", "{head_of_get:?}");
    }
}
