//! The books of earlier versions: opened, brought up to date, proven, and worked with.

use std::path::Path;

use consign::kernel::digest::sha256;
use consign::portfolio::personal::Key;

use crate::commands::Program;
use crate::support::{Book, postgres};

/// What a version's book must come to in this one.
fn goes_on(mut book: Book, version: &str) {
    book.assert_proven();
    statements_are_the_same(&mut book, version);
    personal_data_opens(&mut book, version);
    work_goes_on(&mut book);
    book.assert_proven();
    versions_are_kept(&mut book);
    statements_are_the_same(&mut book, version);
}

/// What was written is proven as it was written; what is new, as this version writes it.
fn versions_are_kept(book: &mut Book) {
    let versions =
        "SELECT DISTINCT CAST(version AS TEXT) AS text FROM event WHERE lender = 'CFC' ORDER BY 1";
    assert_eq!(book.texts(versions), ["1", "2"]);
}

fn books() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/books")
}

/// Every statement is written byte for byte as the version that issued it wrote it.
fn statements_are_the_same(book: &mut Book, version: &str) {
    let (url, folder) = (book.url.clone(), book.folder().to_path_buf());
    let program = Program { url: &url, folder: &folder };
    let kept = std::fs::read_to_string(books().join(format!("{version}.statements"))).unwrap();
    assert_eq!(kept.lines().count(), 63);
    for line in kept.lines() {
        let (digest, name) = line.split_once(' ').unwrap();
        let (number, format) = name.split_once('.').unwrap();
        let place = format!("FROM statement WHERE statement_no = '{number}'");
        let agency = book.texts(&format!("SELECT agency AS text {place}")).pop().unwrap();
        let month = book.texts(&format!("SELECT month AS text {place}")).pop().unwrap();
        program.done(&[
            "statement",
            "--lender",
            "CFC",
            "--agency",
            &agency,
            "--month",
            &month,
            "--format",
            format,
            "--output",
            name,
        ]);
        let written = std::fs::read(folder.join(name)).unwrap();
        assert_eq!(sha256(&written), digest, "{name} is written otherwise on {url}");
    }
}

fn personal_data_opens(book: &mut Book, version: &str) {
    let secret = std::fs::read_to_string(books().join(format!("{version}.key"))).unwrap();
    let key = Key::of(secret.trim());
    let sealed = book.texts(
        "SELECT personal AS text FROM portfolio_row WHERE personal IS NOT NULL ORDER BY account_no LIMIT 5",
    );
    assert_eq!(sealed.len(), 5);
    for one in sealed {
        assert!(key.open(&one).is_some_and(|[name, ..]| name.is_some()), "{one} does not open");
    }
}

/// Files come in, accounts are placed, the next month is closed.
fn work_goes_on(book: &mut Book) {
    let open = book.texts(
        "SELECT account_no AS text FROM placement WHERE closed_on IS NULL AND expires_on > '2026-12-20' \
         ORDER BY placement_no LIMIT 2",
    );
    let before = book.count("placement");
    book.portfolio(
        "2026-11-24",
        "account_no,balance,days_past_due,debtor_ref\nN-1,1000.00,40,N-1\nN-2,2000.00,70,N-2\nN-3,3000.00,100,N-3\n",
    );
    book.recoveries(&format!(
        "reference,account_no,received_on,amount\nn-1,{},2026-11-25,12.34\nn-2,{},2026-11-25,56.78\n",
        open[0], open[1]
    ));
    let done =
        book.try_allocate("name = \"all\"\nmethod = \"equal\"\n", "2026-11-26", true).unwrap();
    assert!(done.committed && done.decision.placed() >= 3);
    assert!(book.count("placement") >= before + 3);
    book.recoveries(
        "reference,account_no,received_on,amount,kind,reverses\nn-3,N-1,2026-11-27,100.00,payment,\nn-4,N-1,2026-11-28,40.00,reversal,n-3\n",
    );
    let closed = book.close("2026-11");
    assert!(closed.statements.len() >= 6, "{} statements", closed.statements.len());
}

/// Lines of factor, minimum and maximum with their notes.
fn month_lines(book: &mut Book, month: &str) -> Vec<String> {
    let statement = book.statement("A06", month);
    let lines = statement["lines"].as_array().unwrap().iter();
    let three = ["performance", "minimum", "maximum"];
    let own = lines.filter(|line| three.iter().any(|kind| line["kind"] == *kind));
    own.map(|line| line["note"].as_str().unwrap().to_string()).collect()
}

/// October, which cut A06 at its maximum by statement, stays as it was closed, whatever arrives of it; November, closed by
/// month of receipt, is opened by what arrives of it.
fn keeps_its_figures(mut book: Book) {
    assert_eq!(month_lines(&mut book, "2026-10"), ["maximum per statement 120000.00"]);
    let account = book
        .texts(
            "SELECT account_no AS text FROM placement WHERE assignee = 'A06' AND placed_on <= '2026-10-01' \
             AND closed_on IS NULL ORDER BY placement_no LIMIT 1",
        )
        .pop()
        .unwrap();
    let taken_back = book
        .texts(
            "SELECT l.reference || ',' || l.account_no AS text FROM statement_line l \
             JOIN statement s ON s.statement_no = l.statement_no WHERE s.agency = 'A06' AND s.month = '2026-10' \
             AND l.kind = 'commission' AND l.amount > 100 ORDER BY l.line_no LIMIT 1",
        )
        .pop()
        .unwrap();
    let (payment, of) = taken_back.split_once(',').unwrap();
    book.recoveries(&format!(
        "reference,account_no,received_on,amount,kind,reverses\nlate,{account},2026-10-15,1000.00,payment,\nback,{of},2026-11-02,1.00,reversal,{payment}\n"
    ));
    book.close("2026-11");
    let statement = book.statement("A06", "2026-11");
    let late =
        statement["lines"].as_array().unwrap().iter().find(|line| line["reference"] == "late");
    assert_ne!(late.unwrap()["fee"], "0.00", "{statement}");
    for note in month_lines(&mut book, "2026-11") {
        assert!(note.starts_with("month 2026-11, "), "{note}");
    }
    book.recoveries(&format!(
        "reference,account_no,received_on,amount\nlater,{account},2026-11-20,900000.00\n"
    ));
    book.close("2026-12");
    let notes = month_lines(&mut book, "2026-12");
    let (own, opened): (Vec<_>, Vec<_>) =
        notes.iter().partition(|note| note.starts_with("month 2026-12, "));
    assert!(own.len() <= 1 && opened.len() == 1, "{notes:?}");
    assert!(opened[0].starts_with("month 2026-11, maximum per statement 120000.00"), "{notes:?}");
    book.assert_proven();
    statements_are_the_same(&mut book, "v1");
}

#[test]
fn months_of_the_first_version_keep_factor_minimum_and_maximum() {
    keeps_its_figures(Book::of_version("v1", None));
    if let Some(server) = postgres() {
        keeps_its_figures(Book::of_version("v1", Some(&server)));
    }
}

#[test]
fn the_first_version_s_book_on_sqlite_opens_is_proven_and_worked_with() {
    goes_on(Book::of_version("v1", None), "v1");
}

#[test]
fn the_first_version_s_book_on_postgresql_opens_is_proven_and_worked_with() {
    let Some(server) = postgres() else { return };
    goes_on(Book::of_version("v1", Some(&server)), "v1");
}
