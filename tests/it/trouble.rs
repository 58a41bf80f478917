//! When the database or the disk fails: what failed is said, that nothing was changed, and what to do – by commands and pages.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use actix_web::test::{self, TestRequest};
use consign::db::{self, Address, TroubleKind};
use consign::web::{Site, application};
use diesel::connection::SimpleConnection as _;

use crate::commands::{Program, said};
use crate::support::{Book, flat_contract, on_each_database, postgres};

const ACCOUNTS: &str = "account_no,balance,days_past_due\nL001,100.00,40\n";

#[test]
fn a_database_that_another_holds_is_said_to_be_held() {
    let mut book = Book::on_sqlite();
    book.set_up("CNY", &["A01"]);
    let mut other = book.address.connect().unwrap();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    book.sql("PRAGMA busy_timeout = 50").unwrap();
    let refused = book.try_publish(&flat_contract("A01", "20%", 90)).unwrap_err().to_string();
    assert!(refused.contains("Another program holds the database"), "{refused}");
    assert!(refused.contains("Nothing was changed. Try again"), "{refused}");
    other.batch_execute("ROLLBACK").unwrap();
    book.portfolio("2026-02-28", ACCOUNTS);
    book.assert_proven();
}

#[test]
fn a_server_that_goes_while_it_works_is_said_to_be_gone() {
    let Some(url) = postgres() else { return };
    let mut book = Book::on_postgres(&url);
    book.set_up("CNY", &["A01"]);
    let pid = book.number("SELECT CAST(pg_backend_pid() AS BIGINT) AS number");
    let mut other = book.address.connect().unwrap();
    let failed: diesel::QueryResult<()> = db::write(&mut book.db, "CFC", |db| {
        other.batch_execute(&format!("SELECT pg_terminate_backend({pid})"))?;
        db.batch_execute("SELECT 1")
    });
    let failed = failed.unwrap_err();
    assert_eq!(db::Trouble::of(&failed).kind, TroubleKind::Gone, "{failed}");
    let again: diesel::QueryResult<()> = db::read(&mut book.db, |db| db.batch_execute("SELECT 1"));
    let told = db::told(&again.unwrap_err());
    assert!(
        told.contains("does not answer, or has closed the connection. Nothing was changed"),
        "{told}"
    );
    book.db = book.address.connect().unwrap();
}

/// A way to the server that can be cut.
struct Way {
    port: u16,
    open: Arc<Mutex<Option<Vec<TcpStream>>>>,
}

impl Way {
    fn to(server: String) -> Way {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let open = Arc::new(Mutex::new(Some(Vec::new())));
        let kept = open.clone();
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let mut kept = kept.lock().unwrap();
                let Some(all) = kept.as_mut() else { continue };
                let far = TcpStream::connect(&server).unwrap();
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    std::thread::spawn(move || std::io::copy(&mut from, &mut to));
                }
                all.extend([near, far]);
            }
        });
        Way { port, open }
    }

    fn cut(&self) {
        for stream in self.open.lock().unwrap().take().unwrap() {
            let _gone = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

#[test]
fn a_page_says_that_the_server_is_gone() {
    let Some(url) = postgres() else { return };
    let book = Book::on_postgres(&url);
    let (before, rest) = book.url.split_once('@').unwrap();
    let (server, path) = rest.split_once('/').unwrap();
    let way = Way::to(server.to_string());
    let address = Address::parse(&format!("{before}@127.0.0.1:{}/{path}", way.port)).unwrap();
    let site = Site::open(&address).unwrap();
    way.cut();
    actix_web::rt::System::new().block_on(async {
        let app = test::init_service(application(site)).await;
        for (language, words) in
            [("zh", "数据库服务器没有应答"), ("en", "The database server does not answer")]
        {
            let request = TestRequest::get()
                .uri("/accounts")
                .insert_header(("Accept-Language", language))
                .insert_header(("Cookie", "consign_session=0123"));
            let answer = test::call_service(&app, request.to_request()).await;
            assert_eq!(answer.status(), 503);
            let body = test::read_body(answer).await;
            let page = String::from_utf8_lossy(&body);
            assert!(page.contains(words), "{page}");
        }
    });
    let asked = Command::new(env!("CARGO_BIN_EXE_consign"))
        .args(["verify"])
        .env("DATABASE_URL", format!("{before}@127.0.0.1:{}/{path}", way.port))
        .output();
    let said = said(asked.unwrap());
    assert_eq!(said.code, 1);
    assert!(said.err.contains("nothing was changed; check the address"), "{}", said.err);
}

#[test]
fn a_disk_that_is_full_is_said_to_be_full() {
    let mut book = Book::on_sqlite();
    book.set_up("CNY", &["A01"]);
    let rows: String = (0..20_000).map(|i| format!("L{i:05},100.00,40\n")).collect();
    let file = book.file("many.csv", format!("account_no,balance,days_past_due\n{rows}"));
    let before = book.state();
    // Files may not grow beyond 1 MiB (2,048 blocks of 512 bytes); what would is refused as by a full disk.
    let limited = "trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\"";
    let outcome = Command::new("sh")
        .args(["-c", limited, env!("CARGO_BIN_EXE_consign"), "import", "portfolio"])
        .arg(&file)
        .args(["--lender", &book.lender, "--as-of", "2026-02-28"])
        .env("DATABASE_URL", &book.url)
        .output();
    let outcome = said(outcome.unwrap());
    assert_eq!(outcome.code, 1, "{}{}", outcome.out, outcome.err);
    assert!(
        outcome.err.contains("The disk is full") && outcome.err.contains("Free space"),
        "{}",
        outcome.err
    );
    assert_eq!(book.state(), before);
    book.assert_proven();
    let out = book.folder().join("out.csv");
    std::fs::write(&out, "what stood there").unwrap();
    book.portfolio("2026-02-28", &format!("account_no,balance,days_past_due\n{rows}"));
    book.publish(&flat_contract("A01", "20%", 90));
    book.allocate("2026-03-01", "A01");
    let outcome = Command::new("sh")
        .args(["-c", &limited.replace("2048", "100"), env!("CARGO_BIN_EXE_consign"), "placements"])
        .args(["--lender", &book.lender, "-o"])
        .arg(&out)
        .env("DATABASE_URL", &book.url)
        .output();
    let outcome = said(outcome.unwrap());
    assert_eq!(outcome.code, 1);
    assert!(
        outcome.err.contains("out.csv: cannot be written") && outcome.err.contains("as it was"),
        "{}",
        outcome.err
    );
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "what stood there");
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A book with a closed month.
fn settled(book: &mut Book) {
    book.set_up("CNY", &["A01"]);
    book.publish(&flat_contract("A01", "20%", 90));
    book.portfolio("2026-02-28", ACCOUNTS);
    book.allocate("2026-03-01", "A01");
    book.recoveries("reference,account_no,received_on,amount\nP1,L001,2026-03-10,10.00\n");
    book.close("2026-03");
}

/// Every command that only reads, into a folder of its own.
fn reading(lender: &str) -> Vec<Vec<String>> {
    [
        "verify",
        "statement --lender L --agency A01 --month 2026-03 --format json -o -",
        "placements --lender L -o -",
        "steps --lender L -o -",
        "complaints --lender L -o -",
        "violations --lender L --from 2026-03-01 --to 2026-03-31 -o -",
        "scorecard --lender L --on 2026-03-31",
        "trial --lender L --on 2026-03-31",
        "ledger trial-balance --lender L -o -",
        "ledger export --lender L --format beancount -o -",
        "allocate --replay L#1 --export -",
    ]
    .iter()
    .map(|line| {
        line.split(' ')
            .map(|word| word.replace("L#", &format!("{lender}#")))
            .map(|word| if word == "L" { lender.to_string() } else { word })
            .collect()
    })
    .collect()
}

#[test]
fn an_auditor_proves_a_copy_that_cannot_be_written() {
    let mut book = Book::on_sqlite();
    settled(&mut book);
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    book.sql(&format!("VACUUM INTO '{}'", copy.display())).unwrap();
    // The copy is in the journal mode of the book, as a file that was copied would be.
    let mut once =
        Address::parse(&format!("sqlite:{}", copy.display())).unwrap().connect().unwrap();
    once.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(once);
    set_mode(&copy, 0o444);
    set_mode(folder.path(), 0o555);
    for arguments in reading(&book.lender) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_consign"));
        command
            .args(&arguments)
            .current_dir("/")
            .env("DATABASE_URL", format!("sqlite:{}", copy.display()));
        if rustix::process::geteuid().is_root() {
            command.uid(65_534).gid(65_534);
        }
        let said = said(command.output().unwrap());
        assert_eq!(said.code, 0, "{arguments:?}: {}", said.err);
        if arguments[0] == "verify" {
            assert!(said.out.contains("proven"), "{}", said.out);
        }
    }
    let beside: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(beside.len(), 1, "{beside:?}");
    // Writing is refused, in words.
    let program = Program { folder: Path::new("/"), url: &format!("sqlite:{}", copy.display()) };
    let mut command = program.command(&["expire", "--lender", &book.lender, "--on", "2026-09-01"]);
    if rustix::process::geteuid().is_root() {
        command.uid(65_534).gid(65_534);
    }
    let refused = said(command.output().unwrap());
    assert_eq!(refused.code, 1);
    assert!(refused.err.to_lowercase().contains("nothing was changed"), "{}", refused.err);
    set_mode(folder.path(), 0o755);
}

#[test]
fn a_copy_without_its_changes_is_not_read_as_if_it_had_them() {
    let mut book = Book::on_sqlite();
    settled(&mut book);
    let folder = tempfile::tempdir().unwrap();
    let from = book.url.trim_start_matches("sqlite:").to_string();
    let copy = folder.path().join("copy.db");
    std::fs::copy(&from, &copy).unwrap();
    std::fs::copy(format!("{from}-wal"), folder.path().join("copy.db-wal")).unwrap();
    set_mode(&copy, 0o444);
    set_mode(folder.path(), 0o555);
    let url = format!("sqlite:{}", copy.display());
    let refused = Program { folder: Path::new("/"), url: &url }.run(&["verify"]);
    assert_eq!(refused.code, 1, "{}", refused.out);
    assert!(refused.err.contains("-wal file holds changes"), "{}", refused.err);
    set_mode(folder.path(), 0o755);
}

#[test]
fn a_reader_of_the_server_proves_the_book() {
    let Some(url) = postgres() else { return };
    let mut book = Book::on_postgres(&url);
    settled(&mut book);
    let schema = book.texts("SELECT CAST(current_schema() AS TEXT) AS text").remove(0);
    let reader = format!("reader_{}", crate::support::unique());
    book.sql(&format!(
        "CREATE ROLE {reader} LOGIN; GRANT USAGE ON SCHEMA {schema} TO {reader}; \
         GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {reader}"
    ))
    .unwrap();
    let (_, rest) = book.url.split_once('@').unwrap();
    let address = format!("postgres://{reader}@{rest}");
    let program = Program { folder: Path::new("/"), url: &address };
    for arguments in reading(&book.lender) {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let said = program.run(&arguments);
        assert_eq!(said.code, 0, "{arguments:?}: {}", said.err);
    }
    let refused = program.run(&["expire", "--lender", &book.lender, "--on", "2026-09-01"]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.err.contains("The right to do this is missing. Nothing was changed"),
        "{}",
        refused.err
    );
    book.sql(&format!("DROP OWNED BY {reader}; DROP ROLE {reader}")).unwrap();
}

#[test]
fn a_device_a_link_and_standard_output_get_what_is_written() {
    on_each_database(|book| {
        settled(book);
        let program = Program { folder: book.folder(), url: &book.url };
        let placements =
            |to: &str| program.run(&["placements", "--lender", &book.lender, "-o", to]);
        assert_eq!(placements("/dev/null").code, 0);
        let null = std::fs::symlink_metadata("/dev/null").unwrap();
        assert!(!null.is_file(), "the device is a file now");
        let written = placements("-");
        assert!(written.out.starts_with("account_no,"), "{}", written.out);
        assert!(!written.out.contains("placements written"), "the table is followed by words");
        std::os::unix::fs::symlink("real.csv", book.folder().join("link.csv")).unwrap();
        assert_eq!(placements("link.csv").code, 0);
        assert!(std::fs::symlink_metadata(book.folder().join("link.csv")).unwrap().is_symlink());
        assert_eq!(std::fs::read_to_string(book.folder().join("real.csv")).unwrap(), written.out);
        let help = program.run(&["placements", "--help"]).out;
        assert!(help.contains("`-` is standard output"), "{help}");
        let formats = program.run(&["statement", "--help"]).out;
        assert!(!formats.contains("xlsx") && !formats.contains("pdf"), "{formats}");
        if !book.is_postgres() {
            let database = book.url.trim_start_matches("sqlite:").to_string();
            let refused = placements(&database);
            assert!(refused.code == 1 && refused.err.contains("is a database"), "{}", refused.err);
        }
    });
}

#[test]
fn contracts_are_bounded_and_quick_to_refuse() {
    let mut book = Book::on_sqlite();
    book.set_up("CNY", &["A01"]);
    let head = "code = \"K\"\nagency = \"A01\"\neffective_from = 2026-01-01\nterm_days = 90\n";
    let rule = |i: usize, when: &str| format!("[[fee]]\nname = \"r{i}\"\n{when}\nrate = \"10%\"\n");
    let last = "[[fee]]\nname = \"rest\"\nrate = \"1%\"\n";
    let began = std::time::Instant::now();
    let many: String = (0..20_000)
        .map(|i| rule(i, &format!("when = {{ days_past_due = {{ from = {i}, to = {i} }} }}")))
        .collect();
    let refused = book.try_publish(&format!("{head}{many}{last}")).unwrap_err().to_string();
    assert!(refused.contains("has 20001 rules; it may have 500"), "{refused}");
    // Boxes in general position: each cuts what is left of the last rule into more pieces.
    let tangled: String = (1..500)
        .map(|i| {
            let j = 1 + (i * 7919) % 499;
            let k = 1 + (i * 104_729) % 499;
            rule(i, &format!(
                "when = {{ days_past_due = {{ from = {i}, to = {} }}, level = {{ from = {j}, to = {} }}, balance = {{ from = \"{k}\", to = \"{}\" }} }}",
                i + 250, j + 250, k + 250
            ))
        })
        .collect();
    let outcome = book.try_publish(&format!("{head}{tangled}{last}"));
    if let Err(refused) = outcome {
        assert!(refused.to_string().contains("overlap in too many ways"), "{refused}");
    }
    let steps: String =
        (1..200).map(|i| format!("{{ up_to = \"{i}%\", rate = \"1%\" }}, ")).collect();
    let scale = format!(
        "tiers = {{ measure = \"recovery_rate\", over = \"batch\", apply = \"whole\", steps = [{steps}{{ rate = \"2%\" }}] }}"
    );
    let refused = book
        .try_publish(&format!("{head}[[fee]]\nname = \"s\"\n{scale}\n"))
        .unwrap_err()
        .to_string();
    assert!(refused.contains("it may have 100") || refused.contains("100%"), "{refused}");
    let apart: String = (0..499)
        .map(|i| rule(i, &format!("when = {{ days_past_due = {{ from = {i}, to = {i} }} }}")))
        .collect();
    book.publish(&format!("{head}{apart}{last}"));
    let deep = format!("{head}x = {}1{}\n", "[".repeat(50_000), "]".repeat(50_000));
    assert!(book.try_publish(&deep).is_err());
    let nul =
        format!("{head}[[fee]]\nname = \"a\\u0000b\"\nrate = \"1%\"\n").replace("\"K\"", "\"K2\"");
    let refused = book.try_publish(&nul).unwrap_err().to_string();
    assert!(refused.contains("line 6") && refused.contains("NUL"), "{refused}");
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    let huge = book.folder().join("huge.toml");
    let mut file = std::fs::File::create(&huge).unwrap();
    file.write_all(head.as_bytes()).unwrap();
    (0..5).for_each(|_| file.write_all("#".repeat(1024 * 1024).as_bytes()).unwrap());
    let program = Program { folder: book.folder(), url: &book.url };
    let refused = program.run(&["contract", "publish", "huge.toml", "--lender", &book.lender]);
    assert!(refused.code == 1 && refused.err.contains("larger than 4 MiB"), "{}", refused.err);
}
