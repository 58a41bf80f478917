//! What a running server writes down: a line per request, and nothing of whom or what it was about.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use crate::support::Book;

/// A server of the real program, stopped when it goes out of scope.
struct Server {
    child: Child,
    address: String,
    lines: BufReader<std::process::ChildStderr>,
}

impl Server {
    fn start(book: &Book, level: Option<&str>) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_consign"));
        command.args(["--database", &book.url, "serve", "--listen", "127.0.0.1:0"]);
        command.env_remove("CONSIGN_LOG").stderr(Stdio::piped()).stdout(Stdio::null());
        if let Some(level) = level {
            command.env("CONSIGN_LOG", level);
        }
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let address = line.trim().rsplit_once("http://").unwrap().1.to_string();
        Server { child, address, lines }
    }

    /// Sends a request without a body, or with a form, and gives back the whole answer.
    fn ask(&self, method: &str, path: &str, form: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}",
            self.address,
            form.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Stops the server and gives back what it wrote down.
    fn written(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.lines.lines().map(Result::unwrap).collect()
    }
}

#[test]
fn a_request_leaves_a_line_with_its_id_and_route_and_nothing_personal() {
    let mut book = Book::on_sqlite();
    book.set_up("CNY", &["A01"]);
    let server = Server::start(&book, None);
    let answer = server.ask("GET", "/accounts/622202100001?q=zhangsan", "");
    server.ask("POST", "/sign-in", "login=wang%40cfc.example&password=hunter22&csrf=x");
    server.ask("GET", "/no/such/622202100001", "");
    let lines = server.written();
    let id = answer
        .lines()
        .find_map(|line| line.strip_prefix("x-request-id: "))
        .unwrap_or_else(|| panic!("no id in {answer}"));
    assert_eq!(id.len(), 16);
    assert_eq!(lines.len(), 3, "{lines:#?}");
    let told = |line: &String, what: &str| {
        let (_, said) = line.split_once("answered ").unwrap();
        let (said, ms) = said.rsplit_once(" ms=").unwrap();
        assert_eq!(said, what);
        assert!(ms.parse::<u32>().is_ok(), "{line}");
    };
    assert!(lines[0].contains(&format!("request{{id=\"{id}\"}}")), "{}", lines[0]);
    told(&lines[0], "method=GET route=\"/accounts/{account_no}\" status=303");
    told(&lines[1], "method=POST route=\"/sign-in\" status=403");
    told(&lines[2], "method=GET route=\"none\" status=404");
    for word in ["622202100001", "zhangsan", "wang", "cfc.example", "hunter22", "127.0.0.1"] {
        assert!(!lines.concat().contains(word), "{word} is in {lines:#?}");
    }
}

#[test]
fn the_lines_can_be_turned_off_and_a_level_nobody_knows_is_refused() {
    let book = Book::on_sqlite();
    let server = Server::start(&book, Some("off"));
    server.ask("GET", "/sign-in", "");
    assert_eq!(server.written(), [""; 0]);
    let refused = Command::new(env!("CARGO_BIN_EXE_consign"))
        .args(["--database", &book.url, "serve", "--listen", "127.0.0.1:0"])
        .env("CONSIGN_LOG", "loud")
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("CONSIGN_LOG must be off, error"), "{said}");
}
