//! What is refused at the door, alike for every kind of file: declared totals that do not match, money of another
//! kind, days that cannot be, and cells that a spreadsheet would run.

use consign::audit::By;
use consign::conduct::ConductError;
use consign::conduct::complaints::Complaints;
use consign::conduct::contacts::{Contacts, Sender};
use consign::conduct::evaluation::{self, NewEvaluation};
use consign::conduct::{Severity, complaint};
use consign::intake::{IntakeError, Options, take_in};
use consign::kernel::calendar::Today;
use consign::kernel::progress::Silent;
use consign::portfolio::import::Portfolio;
use consign::portfolio::personal::Key;
use consign::recovery::import::Recoveries;
use consign::settlement::{SettlementError, close};
use consign::{party, settlement};

use crate::commands::on_each;
use crate::support::{Book, by, day, flat_contract, month_of, on_each_database};

const ACCOUNTS: &str = "account_no,balance,days_past_due\n1,100.00,40\n2,200.00,50\n";

/// Two accounts in the hands of A01.
fn ready(book: &mut Book) {
    book.set_up("CNY", &["A01", "A02"]);
    book.publish(&flat_contract("A01", "20%", 90));
    book.portfolio("2026-01-01", ACCOUNTS);
    book.allocate("2026-01-02", "A01");
}

/// A recoveries file that is refused as a whole: the message has all of `parts`, and nothing has changed.
fn refused(book: &mut Book, csv: &str, options: &Options<'_>, parts: &[&str]) {
    let before = book.state();
    let path = book.file("payments.csv", csv);
    let why = match book.try_recoveries(&path, options) {
        Ok(done) => panic!("{csv} was taken in: {done:?}"),
        Err(why) => why.to_string(),
    };
    for part in parts.iter().chain(&["nothing was imported"]) {
        assert!(why.contains(part), "\"{why}\" does not say {part}");
    }
    assert_eq!(book.state(), before, "{csv} left something behind");
}

/// `line column value` of the rejected rows, and how many went in.
fn taken(book: &mut Book, csv: &str) -> (u64, Vec<String>) {
    let path = book.file("payments.csv", csv);
    let done = book.try_recoveries(&path, &Options::default()).unwrap();
    let faults = done.faults.iter().map(|f| format!("{} {} {}", f.line, f.column, f.value));
    (done.accepted, faults.collect())
}

// What was declared ---------------------------------------------------------------------------------------------------

#[test]
fn what_is_declared_of_recoveries_must_match() {
    const HEAD: &str = "reference,account_no,received_on,amount,kind,reverses\n";
    let csv = format!(
        "{HEAD}p1,1,2026-01-05,10.00,,\np2,2,2026-01-06,30.00,,\nr1,1,2026-01-07,4.00,reversal,p1\nx,99,2026-01-07,1.00,,\n"
    );
    on_each_database(|book| {
        ready(book);
        let rows = |rows| Options { expect_rows: Some(rows), ..Options::default() };
        let total = |total| Options { expect_total: Some(total), ..Options::default() };
        refused(book, &csv, &rows(3), &["rows declared 3", "has 4"]);
        refused(book, &csv, &total("44.00"), &["total declared 44.00", "45.00"]);
        refused(book, &csv, &total("a lot"), &["a lot", "is not an amount"]);
        let whole = Options { all_or_nothing: true, ..Options::default() };
        refused(book, &csv, &whole, &["1 rows are rejected", "line 5", "account_no \"99\""]);
        // The total is of every row, of whatever kind, the rejected one too.
        let path = book.file("right.csv", &csv);
        let right =
            Options { expect_rows: Some(4), expect_total: Some("45"), ..Options::default() };
        let done = book.try_recoveries(&path, &right).unwrap();
        assert_eq!((done.rows, done.accepted, done.rejected), (4, 3, 1));
        // Known rows count as well, so that a file sent again is checked alike.
        let done = book.try_recoveries(&path, &right).unwrap();
        assert_eq!((done.accepted, done.duplicate, done.rejected), (0, 3, 1));
        refused(book, &csv, &rows(5), &["rows declared 5"]);
        book.assert_proven();
    });
}

#[test]
fn every_import_takes_what_goes_with_every_file() {
    on_each(|program, book| {
        ready(book);
        program.file(
            "r.csv",
            "reference,account_no,received_on,amount\np,1,2026-01-05,10.00\nq,9,2026-01-05,1\n",
        );
        program
            .file("c.csv", "reference,account_no,at\nk,1,2026-01-05 10:00\nl,9,2026-01-05 10:00\n");
        program.file("m.csv", "reference,agency,received_on,severity,text\nC-1,A01,2026-01-05,low,x\nC-2,A09,2026-01-05,low,x\n");
        let before = book.state();
        for file in [
            &["import", "recoveries", "r.csv", "--lender", "CFC"][..],
            &["import", "contacts", "c.csv", "--lender", "CFC", "--agency", "A01"],
            &["import", "complaints", "m.csv", "--lender", "CFC"],
        ] {
            program.refused(&[file, &["--all-or-nothing"]].concat(), "line 3");
            program.refused(&[file, &["--expect-rows", "3"]].concat(), "rows declared 3");
        }
        let money = ["import", "recoveries", "r.csv", "--lender", "CFC", "--expect-total"];
        program.refused(&[&money[..], &["12.00"]].concat(), "total declared 12.00");
        assert_eq!(book.state(), before);
        let done = program.ends(3, &[&money[..], &["11", "--expect-rows", "2"]].concat());
        assert_eq!((&done["accepted"], &done["payments"]), (&1.into(), &"10.00".into()));
    });
}

#[test]
fn an_unknown_lender_is_told_before_anything_of_the_file() {
    on_each_database(|book| {
        ready(book);
        let path = book.file("nothing.csv", "no,columns,of,ours\n");
        book.lender = "NOBODY".to_string();
        let why = book.try_recoveries(&path, &Options::default()).unwrap_err();
        assert!(matches!(why, IntakeError::NoLender(_)), "{why}");
    });
}

// Money of another kind -----------------------------------------------------------------------------------------------

#[test]
fn money_in_another_currency_is_rejected_in_every_file_with_amounts() {
    on_each_database(|book| {
        ready(book);
        for head in ["currency", "币种", "货币"] {
            let csv = format!(
                "reference,account_no,received_on,amount,{head}\n{head}1,1,2026-01-05,10.00,USD\n{head}2,1,2026-01-05,1.00,cny\n{head}3,1,2026-01-05,1.00,人民币\n{head}4,1,2026-01-05,1.00,\n"
            );
            assert_eq!(taken(book, &csv), (3, vec!["2 currency USD".to_string()]), "{head}");
        }
        assert_eq!(book.balance("Assets:Bank"), 900, "nothing of another currency is booked");
        let path = book
            .file("p.csv", "account_no,balance,days_past_due,货币\n1,90.00,40,USD\n2,5,50,RMB\n");
        let done = book.try_portfolio(&path, "2026-01-09", &Options::default()).unwrap();
        assert_eq!((done.rejected, done.faults[0].column.as_str()), (1, "currency"));
    });
}

#[test]
fn a_file_that_tells_directions_is_refused_whole() {
    on_each_database(|book| {
        ready(book);
        let plain = Options::default();
        for (head, value) in [
            ("借贷标志", "借"),
            ("借/贷", "D"),
            ("收支", "支"),
            ("方向", "出"),
            ("Dr/Cr", "Dr"),
            ("D/C", "C"),
            ("Debit/Credit", "debit"),
            ("Credit Debit Indicator", "CRDT"),
            ("Sign", "-"),
            ("+/-", "+"),
            ("符号", "-"),
            // A column of any name that says so.
            ("交易类别", "贷"),
            ("Details", "DEBIT"),
        ] {
            let csv = format!(
                "reference,account_no,received_on,amount,{head}\np,1,2026-01-05,10.00,\nq,1,2026-01-05,10.00,{value}\n"
            );
            let (column, value) = (format!("\"{head}\""), format!("\"{value}\""));
            refused(book, &csv, &plain, &["payments.csv", "line 3", &column, &value, "reversal"]);
        }
        // An empty column tells nothing, nor do words among others.
        let csv =
            "reference,account_no,received_on,amount,方向,memo\np,1,2026-01-05,10.00,,借款人还款\n";
        assert_eq!(taken(book, csv), (1, vec![]));
        let path = book.file("p.csv", "account_no,balance,days_past_due,借贷方向\n1,90.00,40,贷\n");
        let why = book.try_portfolio(&path, "2026-01-09", &plain).unwrap_err().to_string();
        assert!(why.contains("借贷方向") && why.contains("line 2"), "{why}");
        book.assert_proven();
    });
}

// Days that cannot be -------------------------------------------------------------------------------------------------

/// The same person on another day.
fn on(today: &str) -> By {
    By { today: Today::Everywhere(day(today)), ..by() }
}

#[test]
fn what_claims_to_have_happened_after_today_is_refused() {
    let (plain, meant) = (Options::default(), Options { allow_future: true, ..Options::default() });
    on_each_database(|book| {
        ready(book);
        let (lender, today) = (book.lender.clone(), on("2026-02-10"));
        let path = book.file("p.csv", "account_no,balance,days_past_due\n1,90.00,40\n");
        let before = book.state();
        let mut portfolio = |as_of: &str, options: &Options<'_>| {
            let kind = Portfolio::as_of(day(as_of), None);
            take_in(&mut book.db, &lender, &path, kind, options, &today, &mut Silent)
        };
        let why = portfolio("2036-02-10", &plain).unwrap_err().to_string();
        for part in ["p.csv", "2036-02-10", "2026-02-10", "nothing was imported", "--allow-future"]
        {
            assert!(why.contains(part), "{why}");
        }
        assert!(portfolio("2026-02-11", &plain).is_err());
        assert_eq!(book.state(), before);

        let rows = "reference,account_no,received_on,amount\na,1,2026-02-10,1.00\nb,1,2026-02-11,1.00\nc,1,2062-02-01,1.00\n";
        let path = book.file("r.csv", rows);
        let mut recoveries = |options: &Options<'_>| {
            let kind = Recoveries::default();
            take_in(&mut book.db, &lender, &path, kind, options, &today, &mut Silent).unwrap()
        };
        let done = recoveries(&plain);
        assert_eq!((done.accepted, done.rejected), (1, 2));
        let fault = &done.faults[0];
        assert_eq!((fault.line, fault.column.as_str()), (3, "received_on"));
        assert!(fault.reason.to_string().contains("after today, 2026-02-10"), "{fault:?}");
        assert_eq!(recoveries(&meant).accepted, 2);

        let rows = "reference,account_no,at\na,1,2026-02-10 23:59\nb,1,2026-02-11 00:00\n";
        let path = book.file("c.csv", rows);
        let contacts = || Contacts::of("A01", Sender::Agency, None);
        let db = &mut book.db;
        let done = take_in(db, &lender, &path, contacts(), &plain, &today, &mut Silent).unwrap();
        assert_eq!((done.accepted, done.rejected, done.faults[0].line), (1, 1, 3));
        assert_eq!(done.faults[0].column, "at");
        let done = take_in(db, &lender, &path, contacts(), &meant, &today, &mut Silent).unwrap();
        assert_eq!((done.accepted, done.duplicate), (1, 1));

        let rows = "reference,agency,received_on,severity,text\nC-1,A01,2026-02-10,low,x\nC-2,A01,2026-02-11,low,x\n";
        let path = book.file("m.csv", rows);
        let kind = Complaints::default();
        let done =
            take_in(&mut book.db, &lender, &path, kind, &plain, &today, &mut Silent).unwrap();
        assert_eq!((done.accepted, done.rejected, done.faults[0].line), (1, 1, 3));

        let mut new = complaint::NewComplaint {
            agency: "A01".to_string(),
            account_no: None,
            received_on: day("2026-02-11"),
            severity: Severity::Low,
            text: "x".to_string(),
            reference: Some("C-3".to_string()),
            allow_future: false,
        };
        let why = complaint::add(&mut book.db, &lender, &new, &today).unwrap_err();
        assert!(matches!(why, ConductError::Future(..)), "{why}");
        new.allow_future = true;
        assert_eq!(complaint::add(&mut book.db, &lender, &new, &today).unwrap().reference, "C-3");

        let (agency, text) = ("A01".to_string(), "visited".to_string());
        let held = day("2026-02-11");
        let mut new = NewEvaluation { agency, on: held, result: 80, text, allow_future: false };
        let why = evaluation::evaluate(&mut book.db, &lender, &new, &today).unwrap_err();
        assert!(matches!(why, ConductError::Future(..)), "{why}");
        new.allow_future = true;
        assert_eq!(evaluation::evaluate(&mut book.db, &lender, &new, &today).unwrap().result, 80);
        book.assert_proven();
    });
}

#[test]
fn a_month_closes_when_it_is_over() {
    on_each_database(|book| {
        ready(book);
        let lender = book.lender.clone();
        let mut close = |month: &str, preview: bool, allow_future: bool, today: &str| {
            let new = close::NewClosing { month: month_of(month), preview, allow_future };
            close::close(&mut book.db, &lender, &new, &on(today), &mut Silent)
        };
        for today in ["2026-01-15", "2026-01-31"] {
            let why = close("2026-01", false, false, today).unwrap_err();
            assert!(matches!(why, SettlementError::NotOver(..)), "{why}");
            assert!(why.to_string().contains("nothing was changed"), "{why}");
        }
        assert!(close("2062-08", false, false, "2026-01-15").is_err());
        let preview = close("2026-01", true, false, "2026-01-15").unwrap();
        assert!(preview.warnings[0].contains("not over"), "{:?}", preview.warnings);
        let done = close("2026-01", false, false, "2026-02-01").unwrap();
        assert_eq!((done.already_closed, done.warnings), (false, vec![]));
        assert!(close("2026-02", false, false, "2026-02-10").is_err());
        assert!(!close("2026-02", false, true, "2026-02-10").unwrap().already_closed);
        assert!(close("2026-02", false, false, "2026-02-10").unwrap().already_closed);
        book.assert_proven();
    });
}

#[test]
fn today_is_the_day_where_the_lender_is() {
    let late = Today::At("2026-02-10T20:00:00Z".parse().unwrap());
    on_each_database(|book| {
        for (code, zone, most) in
            [("CN", "Asia/Shanghai", "2026-02-11"), ("US", "America/New_York", "2026-02-10")]
        {
            let text = format!(
                "[[lender]]\ncode = \"{code}\"\nname = \"x\"\ncurrency = \"USD\"\ntimezone = \"{zone}\"\n"
            );
            party::setup::set_up(&mut book.db, "parties.toml", &text, &by()).unwrap();
            let by = By { today: late, ..by() };
            for (as_of, right) in [(day(most), true), (day("2026-02-12"), false)] {
                let csv = format!("account_no,balance,days_past_due\n{as_of},1.00,40\n");
                let path = book.file("p.csv", csv);
                let (kind, options) = (Portfolio::as_of(as_of, None), Options::default());
                let done = take_in(&mut book.db, code, &path, kind, &options, &by, &mut Silent);
                assert_eq!(done.is_ok(), right, "{code} {as_of}");
            }
        }
    });
}

#[test]
fn the_program_knows_today_and_what_is_meant() {
    on_each(|program, book| {
        ready(book);
        program.file("p.csv", ACCOUNTS);
        let import = ["import", "portfolio", "p.csv", "--lender", "CFC", "--as-of", "2026-11-22"];
        let run = |today: &str, arguments: &[&str]| {
            program.command(arguments).env("CONSIGN_TODAY", today).output().unwrap()
        };
        let said = |output: &std::process::Output| {
            (output.status.code().unwrap(), String::from_utf8(output.stderr.clone()).unwrap())
        };
        let (code, why) = said(&run("2026-11-21", &import));
        assert!(code == 1 && why.contains("2026-11-21"), "{why}");
        let (code, why) = said(&run("tomorrow", &import));
        assert!(code == 1 && why.contains("CONSIGN_TODAY") && why.contains("tomorrow"), "{why}");
        let meant = [&import[..], &["--allow-future"]].concat();
        assert_eq!(run("2026-11-21", &meant).status.code(), Some(0));
        let close = ["close", "--lender", "CFC", "--month", "2026-11"];
        let (code, why) = said(&run("2026-11-30", &close));
        assert!(code == 1 && why.contains("2026-11 is not over"), "{why}");
        let meant = [&close[..], &["--allow-future"]].concat();
        assert_eq!(run("2026-11-30", &meant).status.code(), Some(0));
        let add = "complaint add --lender CFC --agency A01 --received-on 2026-12-01 --severity low --text x";
        let add: Vec<&str> = add.split(' ').collect();
        assert_eq!(run("2026-11-30", &add).status.code(), Some(1));
        assert_eq!(run("2026-12-01", &add).status.code(), Some(0));
        let held = "evaluate --lender CFC --agency A01 --on 2026-12-01 --result 80 --text x";
        let held: Vec<&str> = held.split(' ').collect();
        assert_eq!(run("2026-11-30", &held).status.code(), Some(1));
        let meant = [&held[..], &["--allow-future"]].concat();
        assert_eq!(run("2026-11-30", &meant).status.code(), Some(0));
    });
}

#[test]
fn a_lender_without_contracts_is_told_that_its_month_closes_into_nothing() {
    on_each(|program, book| {
        book.set_up("CNY", &["A01"]);
        book.portfolio("2026-01-01", ACCOUNTS);
        for preview in [&["--preview"][..], &[]] {
            let close = [&["close", "--lender", "CFC", "--month", "2026-01"], preview].concat();
            let said = program.run(&close);
            assert!(
                said.out.starts_with("warning: no contract is in force in 2026-01"),
                "{}",
                said.out
            );
            if !preview.is_empty() {
                let warning = &program.done(&close)["warnings"][0];
                assert!(warning.as_str().unwrap().contains("no contract"), "{warning}");
            }
        }
        let periods = settlement::store::periods(&mut book.db, "CFC").unwrap();
        assert_eq!(periods.len(), 1);
    });
}

// Cells that a spreadsheet would run ----------------------------------------------------------------------------------

const FORMULAS: [&str; 9] =
    ["=HYPERLINK(\"http://x\")", "+1", "-1", "@SUM(A1)", "\t1", "＝1", "'=1", " =1", "\u{200b}=1"];

/// A cell as CSV writes it.
fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

#[test]
fn a_key_that_begins_like_a_formula_is_rejected_in_every_file() {
    on_each_database(|book| {
        ready(book);
        let before = book.state();
        let options = Options::default();
        for formula in FORMULAS.map(quoted) {
            for csv in [
                format!("reference,account_no,received_on,amount\n{formula},1,2026-01-05,1\n"),
                format!("reference,account_no,received_on,amount\np,{formula},2026-01-05,1\n"),
                format!(
                    "reference,account_no,received_on,amount,kind,reverses\np,1,2026-01-05,1,reversal,{formula}\n"
                ),
            ] {
                let path = book.file("r.csv", &csv);
                let done = book.try_recoveries(&path, &options).unwrap();
                assert!(
                    done.rejected == 1 && done.faults[0].reason.to_string().contains("formula"),
                    "{csv}"
                );
            }
            for csv in [
                format!("reference,account_no,at\n{formula},1,2026-01-05 10:00\n"),
                format!("reference,account_no,at\nk,{formula},2026-01-05 10:00\n"),
            ] {
                let path = book.file("c.csv", &csv);
                let kind = Contacts::of("A01", Sender::Agency, None);
                let done = book.take_in(&path, kind, &options).unwrap();
                assert!(
                    done.rejected == 1 && done.faults[0].reason.to_string().contains("formula"),
                    "{csv}"
                );
            }
            let csv = format!(
                "reference,agency,received_on,severity,text\n{formula},A01,2026-01-05,low,x\n"
            );
            let path = book.file("m.csv", &csv);
            let done = book.take_in(&path, Complaints::default(), &options).unwrap();
            assert!(
                done.rejected == 1 && done.faults[0].reason.to_string().contains("formula"),
                "{csv}"
            );
        }
        assert_eq!(book.state(), before);
        let rows: String = FORMULAS.map(quoted).map(|one| format!("{one},1,40,d\n")).concat();
        let csv =
            format!("account_no,balance,days_past_due,debtor_ref\n{rows}8,1,40,=d\n9,1,40,d9\n");
        let path = book.file("p.csv", csv);
        let done = book.try_portfolio(&path, "2026-01-09", &options).unwrap();
        assert_eq!((done.totals.new, done.rejected), (1, 10));
        // What is no key may begin so: a score below nothing, a number called.
        let path = book.file("p.csv", "account_no,balance,days_past_due,score\n10,1,40,-12\n");
        assert_eq!(book.try_portfolio(&path, "2026-01-09", &options).unwrap().rejected, 0);
        let path = book
            .file("c.csv", "reference,account_no,at,number\nk,1,2026-01-05 10:00,+8613812345678\n");
        let key = Key::of("a secret of these tests");
        let kind = Contacts::of("A01", Sender::Agency, Some(&key));
        assert_eq!(book.take_in(&path, kind, &options).unwrap().accepted, 1);
    });
}

#[test]
fn a_case_that_somebody_types_begins_like_no_formula() {
    on_each_database(|book| {
        ready(book);
        let new = complaint::NewComplaint {
            agency: "A01".to_string(),
            account_no: None,
            received_on: day("2026-01-05"),
            severity: Severity::Low,
            text: "x".to_string(),
            reference: Some("=1+1".to_string()),
            allow_future: false,
        };
        let why = complaint::add(&mut book.db, &book.lender, &new, &by()).unwrap_err();
        assert!(matches!(why, ConductError::Formula), "{why}");
    });
}

#[test]
fn rejected_rows_are_harmless_and_come_back_as_they_were() {
    on_each_database(|book| {
        ready(book);
        let rejects = book.folder().join("rejects.csv");
        let options = Options { rejects: Some(&rejects), ..Options::default() };
        let csv = "=cmd,reference,account_no,received_on,amount,note\n@x,p,1,2026-01-05,-10.00,\"=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"\n-5,q,1,2026-01-05,-2.00,'=1\n";
        let path = book.file("r.csv", csv);
        assert_eq!(book.try_recoveries(&path, &options).unwrap().rejected, 2);
        let text = std::fs::read_to_string(&rejects).unwrap();
        let mut lines = text.lines();
        assert!(lines.next().unwrap().starts_with("'=cmd,reference,account_no,"), "{text}");
        assert!(
            lines.next().unwrap().starts_with(
                "'@x,p,1,2026-01-05,-10.00,\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\",2,amount,-10.00,"
            ),
            "numbers stay as they are: {text}"
        );
        assert!(lines.next().unwrap().starts_with("-5,q,1,2026-01-05,-2.00,'=1,"), "{text}");
        let corrected = book.file(
            "corrected.csv",
            text.replace(",-10.00,", ",10.00,").replace(",-2.00,", ",2.00,"),
        );
        let done = book.try_recoveries(&corrected, &Options::default()).unwrap();
        assert_eq!((done.accepted, done.rejected), (2, 0), "{:?}", done.faults);
        let notes = book.texts("SELECT note AS text FROM recovery ORDER BY reference");
        assert_eq!(notes, ["=HYPERLINK(\"http://x\",\"y\")", "=1"]);
        let named = consign::sheet::ColumnMap::parse(
            "note = \"=cmd\"\n",
            consign::recovery::columns::COLUMNS,
        );
        let (named, corrected) = (named.unwrap(), corrected);
        let options = Options { map: Some(&named), ..Options::default() };
        assert!(book.try_recoveries(&corrected, &options).is_ok(), "a heading comes back, too");
    });
}
