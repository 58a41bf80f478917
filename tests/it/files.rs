//! Files as they come: wrong ones are refused with the place and leave the book alone, right ones are read in every
//! usual spelling.

use std::io::Write as _;
use std::time::{Duration, Instant};

use consign::intake::{Options, Report};
use consign::recovery;
use consign::sheet::{ColumnMap, Fault};

use crate::support::{Book, flat_contract, on_each_database};

const GOOD: &str = "account_no,balance,days_past_due\n1,100.00,40\n2,200.00,50\n";

fn ready(book: &mut Book) {
    book.set_up("CNY", &["A01", "A02"]);
    book.publish(&flat_contract("A01", "20%", 90));
    book.portfolio("2026-01-01", GOOD);
    book.allocate("2026-01-02", "A01");
    book.recoveries("reference,account_no,received_on,amount\nknown,1,2026-01-05,10.00\n");
}

/// A portfolio that is refused as a whole: the message names the file and all of `parts`, and nothing has changed.
fn refused(book: &mut Book, name: &str, bytes: &[u8], options: &Options<'_>, parts: &[&str]) {
    let before = book.state();
    let path = book.file(name, bytes);
    let message = match book.try_portfolio(&path, "2026-01-10", options) {
        Ok(done) => panic!("{name} was taken in: {done:?}"),
        Err(why) => why.to_string(),
    };
    for part in parts.iter().copied().chain([path.to_str().unwrap()]) {
        assert!(message.contains(part), "\"{message}\" does not name {part}");
    }
    assert_eq!(book.state(), before, "{name} left something behind");
}

#[test]
fn a_file_that_is_no_table_is_refused_with_its_place_and_changes_nothing() {
    let plain = Options::default();
    on_each_database(|book| {
        ready(book);
        refused(
            book,
            "missing.csv",
            b"account_no,balance\n1,5\n",
            &plain,
            &["days_past_due", "account_no, balance"],
        );
        refused(book, "no-balance.csv", b"account_no,days_past_due\n1,5\n", &plain, &["balance"]);
        refused(
            book,
            "twice.csv",
            b"account_no,balance,balance,days_past_due\n1,5,5,5\n",
            &plain,
            &["balance", "twice"],
        );
        refused(book, "empty.csv", b"", &plain, &["empty"]);
        refused(
            book,
            "bytes.csv",
            b"account_no,balance,days_past_due\n1,5.00,40\n2,\xff\xfe\xff\x81\x20,1\n",
            &plain,
            &["line 3", "UTF-8", "GB18030"],
        );
        refused(
            book,
            "zero.csv",
            b"account_no,balance,days_past_due\n1,\x00\x01\x00\x00,40\n",
            &plain,
            &[],
        );
        refused(book, "not.xlsx", GOOD.as_bytes(), &plain, &["workbook", "CSV"]);
        refused(
            book,
            "broken.xlsx",
            b"PK\x03\x04 and then nothing of a workbook",
            &plain,
            &["workbook"],
        );
        refused(book, "old.xls", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 old", &plain, &[".xls"]);
        let unclosed = format!(
            "account_no,balance,days_past_due\n1,100.00,40\n2,\"200.00,50\n{}",
            "3,300.00,60\n".repeat(120_000)
        );
        refused(book, "quote.csv", unclosed.as_bytes(), &plain, &["line 3", "quote"]);
        let rows = Options { expect_rows: Some(3), ..Options::default() };
        refused(book, "rows.csv", GOOD.as_bytes(), &rows, &["rows", "declared 3", "2"]);
        let total = Options { expect_total: Some("300.01"), ..Options::default() };
        refused(
            book,
            "total.csv",
            GOOD.as_bytes(),
            &total,
            &["total", "declared 300.01", "300.00"],
        );
        book.assert_proven();
    });
}

#[test]
fn a_control_total_that_matches_lets_the_file_in() {
    on_each_database(|book| {
        ready(book);
        let path = book.file("declared.csv", GOOD);
        let options =
            Options { expect_rows: Some(2), expect_total: Some("300"), ..Options::default() };
        assert_eq!(book.try_portfolio(&path, "2026-01-10", &options).unwrap().totals.unchanged, 2);
    });
}

#[test]
fn one_line_of_a_hundred_megabytes_is_refused_without_being_held() {
    let mut book = Book::on_sqlite();
    ready(&mut book);
    let path = book.folder().join("long.csv");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    file.write_all(b"account_no,balance,days_past_due\n1,100.00,40\n2,").unwrap();
    for _ in 0..100 {
        file.write_all(&[b'7'; 1 << 20]).unwrap();
    }
    drop(file);
    let before = (book.state(), resident_kib());
    let began = Instant::now();
    let message =
        book.try_portfolio(&path, "2026-01-10", &Options::default()).unwrap_err().to_string();
    assert!(
        message.contains("long.csv")
            && message.contains("line 3")
            && message.contains("longer than"),
        "{message}"
    );
    assert!(began.elapsed() < Duration::from_secs(30), "it took {:?}", began.elapsed());
    assert_eq!(book.state(), before.0);
    if let (Some(before), Some(after)) = (before.1, resident_kib()) {
        assert!(after < before + 100 * 1024, "memory grew from {before} to {after} KiB");
    }
}

/// Memory of this process, where the system says it.
fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok())
}

/// Faulty rows: the row, the column, the value as it stands, a word of the reason.
const FAULTY: [(&str, &str, &str, &str); 12] = [
    ("3,10.123,40,CNY,no,", "balance", "10.123", "more decimals"),
    ("3,-5.00,40,CNY,no,", "balance", "-5.00", "negative"),
    ("3,ten,40,CNY,no,", "balance", "ten", "is not an amount"),
    ("3,99999999999999,40,CNY,no,", "balance", "99999999999999", "larger"),
    ("3,,40,CNY,no,", "balance", "", "empty"),
    (",5.00,40,CNY,no,", "account_no", "", "empty"),
    ("3,5.00,,CNY,no,", "days_past_due", "", "empty"),
    ("3,5.00,-1,CNY,no,", "days_past_due", "-1", ""),
    ("3,5.00,40,USD,no,", "currency", "USD", "CNY"),
    ("3,5.00,40,CNY,perhaps,", "charged_off", "perhaps", ""),
    ("3,5.00,40,CNY,no,2026-02-30", "opened_on", "2026-02-30", "no calendar date"),
    ("3,5.00,40,CNY,no,2026-01-01,extra", "column 7", "extra", "more cells"),
];

#[test]
fn every_faulty_row_of_a_portfolio_is_named_with_line_column_value_and_reason() {
    on_each_database(|book| {
        ready(book);
        let before = book.state();
        for (row, column, value, reason) in FAULTY {
            let text = format!(
                "account_no,balance,days_past_due,currency,charged_off,opened_on\n1,100.00,40,CNY,no,\n{row}\n"
            );
            let whole = Options { all_or_nothing: true, ..Options::default() };
            refused(book, "whole.csv", text.as_bytes(), &whole, &["line 3", column, value, reason]);
        }
        assert_eq!(book.state(), before);
        let rows: Vec<&str> = FAULTY.iter().map(|(row, ..)| *row).collect();
        let text = format!(
            "account_no,balance,days_past_due,currency,charged_off,opened_on\n1,90.00,41,CNY,no,\n{}\n",
            rows.join("\n")
        );
        let path = book.file("all.csv", text);
        let done = book.try_portfolio(&path, "2026-01-10", &Options::default()).unwrap();
        assert_eq!(
            (done.rows, done.totals.new, done.totals.updated, done.rejected, done.totals.missing),
            (13, 0, 1, 12, 1)
        );
        for ((line, fault), (_, column, value, reason)) in (3..).zip(&done.faults).zip(FAULTY) {
            assert_eq!(
                (fault.line, fault.column.as_str(), fault.value.as_str()),
                (line, column, value)
            );
            assert!(fault.reason.to_string().contains(reason), "{fault:?}");
        }
        assert_eq!(book.balance("Assets:Loans:A01"), 9_000 + 20_000);
        book.assert_proven();
    });
}

#[test]
fn parts_that_do_not_sum_to_the_balance_reject_the_row() {
    on_each_database(|book| {
        ready(book);
        let text = "account_no,balance,principal,interest,fees,days_past_due\n5,30.00,10.00,10.00,9.99,40\n6,,10.00,10.00,9.99,40\n7,29.99,10.00,10.00,9.99,40\n";
        let path = book.file("parts.csv", text);
        let done = book.try_portfolio(&path, "2026-01-10", &Options::default()).unwrap();
        assert_eq!((done.totals.new, done.rejected), (2, 1));
        assert_eq!(
            (done.faults[0].line, done.faults[0].column.as_str(), done.faults[0].value.as_str()),
            (2, "balance", "30.00")
        );
        assert!(done.faults[0].reason.to_string().contains("29.99"), "{:?}", done.faults[0]);
    });
}

#[test]
fn an_account_twice_in_one_file_rejects_the_later_row() {
    on_each_database(|book| {
        ready(book);
        let path =
            book.file("twice.csv", "account_no,balance,days_past_due\n1,100.00,40\n1,999.00,40\n");
        let done = book.try_portfolio(&path, "2026-01-10", &Options::default()).unwrap();
        assert_eq!((done.totals.unchanged, done.rejected), (1, 1));
        assert_eq!(
            (done.faults[0].line, done.faults[0].column.as_str(), done.faults[0].value.as_str()),
            (3, "account_no", "1")
        );
        assert_eq!(book.balance("Assets:Loans:A01"), 30_000, "the later row counts for nothing");
        book.assert_proven();
    });
}

#[test]
fn the_same_bytes_for_the_same_day_change_nothing_and_an_older_file_never_wins() {
    on_each_database(|book| {
        ready(book);
        let before = book.state();
        let done = book.portfolio("2026-01-01", GOOD);
        assert!(done.already_imported);
        assert_eq!(book.state(), before);
        let path = book.file("older.csv", "account_no,balance,days_past_due\n1,777.00,9\n");
        book.try_portfolio(&path, "2025-12-01", &Options::default()).unwrap();
        assert_eq!(book.trial_balance(), before.1, "an older file moved what is owed");
        book.portfolio("2026-01-01", "account_no,balance,days_past_due\n2,150.00,50\n");
        assert_eq!(
            book.balance("Assets:Loans:A01"),
            9_000 + 15_000,
            "of two files of a day the later upload wins"
        );
        book.assert_proven();
    });
}

// Good files in every spelling --------------------------------------------------------------------------------------

const CHINESE: &str = "案件编号,余额,逾期天数,产品,地区\n张三一号,\"1,234.50\",95,信用卡,上海\n李四二号,66,45,消费贷,北京\n";

/// Takes a file in and gives back `account_no|balance|days|product` of its two accounts.
fn taken(book: &mut Book, name: &str, bytes: &[u8]) -> Vec<String> {
    book.another_lender("CNY", &["A01"]);
    let path = book.file(name, bytes);
    let done = book
        .try_portfolio(&path, "2026-01-01", &Options::default())
        .unwrap_or_else(|why| panic!("{name}: {why}"));
    assert_eq!(
        (done.totals.new, done.rejected, done.totals.total.as_str()),
        (2, 0, "1300.50"),
        "{name}: {:?}",
        done.faults
    );
    let lender = book.lender.clone();
    book.texts(&format!(
        "SELECT account_no || '|' || CAST(balance AS TEXT) || '|' || CAST(days_past_due AS TEXT) || '|' || COALESCE(product, '') AS text \
         FROM portfolio_row WHERE lender = '{lender}' ORDER BY account_no"
    ))
}

#[test]
fn the_same_table_reads_alike_in_every_encoding_separator_and_line_end() {
    let utf16 = |big: bool, text: &str| -> Vec<u8> {
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    };
    let gbk = encoding_rs::GB18030.encode(CHINESE).0.into_owned();
    let other = |separator: char| {
        CHINESE.replace("\"1,234.50\"", "1234.50").replace(',', &separator.to_string())
    };
    let spellings: Vec<(&str, Vec<u8>)> = vec![
        ("utf8.csv", CHINESE.into()),
        ("utf8-bom.csv", format!("\u{feff}{CHINESE}").into()),
        ("gbk.csv", gbk),
        ("utf16le.csv", utf16(false, CHINESE)),
        ("utf16be.csv", utf16(true, CHINESE)),
        ("semicolon.csv", other(';').into()),
        ("tab.txt", other('\t').into()),
        ("crlf.csv", CHINESE.replace('\n', "\r\n").into()),
        (
            "spaces.csv",
            CHINESE.replace("余额", " 余额\u{3000}").replace("张三一号", " 张三一号 ").into(),
        ),
        ("no-end.csv", CHINESE.trim_end().into()),
        ("blank-lines.csv", CHINESE.replace('\n', "\n\n").into()),
        ("utf16-tab.txt", utf16(false, &other('\t'))),
        ("workbook.xlsx", workbook()),
    ];
    on_each_database(|book| {
        for (name, bytes) in &spellings {
            let rows = taken(book, name, bytes);
            assert_eq!(rows, ["张三一号|123450|95|信用卡", "李四二号|6600|45|消费贷"], "{name}");
        }
    });
}

#[test]
fn dates_are_read_in_every_spelling_and_from_workbooks() {
    on_each_database(|book| {
        book.set_up("CNY", &["A01"]);
        book.portfolio("2026-01-01", GOOD);
        let rows = "a,1,2026-01-05,1.00\nb,1,2026/1/5,1.00\nc,1,20260105,1.00\nd,1,2026-01-05 00:00:00,1.00\n";
        book.recoveries(&format!("reference,account_no,received_on,amount\n{rows}"));
        let cells = [
            text_cell("A2", "e"),
            number_cell("B2", "1"),
            date_cell("C2", "46027"),
            number_cell("D2", "1"),
        ];
        let header =
            [("A1", "reference"), ("B1", "account_no"), ("C1", "received_on"), ("D1", "amount")]
                .map(|(at, text)| text_cell(at, text));
        let path = book.file("dates.xlsx", zipped(&sheet(&[&header, &cells])));
        assert_eq!(book.try_recoveries(&path, &Options::default()).unwrap().accepted, 1);
        let days =
            book.texts("SELECT CAST(received_on AS TEXT) AS text FROM recovery ORDER BY reference");
        assert_eq!(days, ["2026-01-05"; 5]);
    });
}

#[test]
fn a_map_names_columns_otherwise_and_gives_constants() {
    let text = "account_no = \"借据号\"\nbalance = \"Outstanding Amount\"\ndays_past_due = { value = \"181\" }\n";
    let map = ColumnMap::parse(text, consign::portfolio::columns::COLUMNS).unwrap();
    on_each_database(|book| {
        book.set_up("CNY", &["A01"]);
        let options = Options { map: Some(&map), ..Options::default() };
        let path = book.file("mapped.csv", "借据号,outstanding amount,Other\nX-1,55.10,zzz\n");
        let done = book.try_portfolio(&path, "2026-01-01", &options).unwrap();
        assert_eq!((done.totals.new, done.totals.total.as_str()), (1, "55.10"));
        assert!(
            done.warnings.iter().any(|warning| warning.contains("other")),
            "{:?}",
            done.warnings
        );
        assert_eq!(book.number("SELECT days_past_due AS number FROM portfolio_row"), 181);
        let path = book.file("unmapped.csv", "loan,outstanding amount\nX-1,55.10\n");
        let message = book.try_portfolio(&path, "2026-01-02", &options).unwrap_err().to_string();
        assert!(message.contains("借据号") && message.contains("account_no"), "{message}");
    });
    let wrong = ColumnMap::parse(
        "account_no = \"a\"\ncolour = \"b\"\n",
        consign::portfolio::columns::COLUMNS,
    )
    .unwrap_err()
    .to_string();
    assert!(wrong.contains("line 2") && wrong.contains("colour"), "{wrong}");
}

#[test]
fn rejected_rows_come_back_as_a_file_that_can_be_corrected_and_sent_again() {
    on_each_database(|book| {
        book.set_up("CNY", &["A01"]);
        let rejects = book.folder().join("rejects.csv");
        let options = Options { rejects: Some(&rejects), ..Options::default() };
        let path =
            book.file("mixed.csv", "account_no;balance;days_past_due;product\n1;100.00;40;卡\n2;2,000;50;\"a;b\"\n3;-3;60;x\n");
        let done = book.try_portfolio(&path, "2026-01-01", &options).unwrap();
        assert_eq!((done.totals.new, done.rejected), (2, 1), "{:?}", done.faults);
        let text = std::fs::read_to_string(&rejects).unwrap();
        assert!(
            text.starts_with("account_no,balance,days_past_due,product,line,column,value,reason\n3,-3,60,x,4,balance,-3,"),
            "{text}"
        );
        let path = book.file("corrected.csv", text.replace("3,-3,", "3,3.00,"));
        let done = book.try_portfolio(&path, "2026-01-01", &options).unwrap();
        assert_eq!(
            (done.totals.new, done.rejected, done.totals.missing, done.warnings.len()),
            (1, 0, 2, 0),
            "{:?}",
            done.warnings
        );
        assert_eq!(
            std::fs::read_to_string(&rejects).unwrap().lines().count(),
            1,
            "nothing but the header is left"
        );
        assert_eq!(book.balance("Assets:Loans:House"), 10_000 + 200_000 + 300);
        book.assert_proven();
    });
}

// Recoveries ---------------------------------------------------------------------------------------------------------

const HEAD: &str = "reference,account_no,received_on,amount,kind,reverses,channel,agency,principal,interest,fees,costs\n";

fn sent(book: &mut Book, rows: &str) -> Report<recovery::import::Totals> {
    let path = book.file("recoveries.csv", format!("{HEAD}{rows}"));
    book.try_recoveries(&path, &Options::default()).unwrap()
}

#[test]
fn a_fault_names_the_line_that_an_editor_shows() {
    on_each_database(|book| {
        ready(book);
        // Blank lines and a quoted cell over two lines; line ends of any system. B, C, F and D are at fault.
        let text = "\naccount_no,balance,days_past_due\nA,1,45\n\n\nB,x,45\n\"E\",2,45\n\nC,-1,45\n\"F\n\",y,45\nD,z,45\n";
        for (end, lines) in
            [("\n", [6, 9, 10, 12]), ("\r\n", [6, 9, 10, 12]), ("\r", [6, 9, 10, 12])]
        {
            let path = book.file("lines.csv", text.replace('\n', end));
            let done = book.try_portfolio(&path, "2026-01-10", &Options::default()).unwrap();
            let found: Vec<u64> = done.faults.iter().map(|fault| fault.line).collect();
            assert_eq!(found, lines, "{end:?}: {:?}", done.faults);
        }
    });
}

fn assert_fault(faults: &[Fault], line: u64, column: &str, value: &str, reason: &str) {
    let found = faults.iter().any(|fault| {
        fault.line == line
            && fault.column == column
            && fault.value == value
            && fault.reason.to_string().contains(reason)
    });
    assert!(found, "no fault at line {line}, {column} \"{value}\" with \"{reason}\" in {faults:?}");
}

#[test]
fn every_faulty_recovery_is_named_and_moves_nothing() {
    on_each_database(|book| {
        ready(book);
        let before = book.trial_balance();
        let faulty = [
            ("known,1,2026-01-05,11.00,,,,,,,,", "reference", "known", "other content"),
            (",1,2026-01-05,1.00,,,,,,,,", "reference", "", "empty"),
            ("x,9,2026-01-05,1.00,,,,,,,,", "account_no", "9", "not known"),
            ("x,1,2026-02-30,1.00,,,,,,,,", "received_on", "2026-02-30", "no calendar date"),
            ("x,1,2026-01-05,0,,,,,,,,", "amount", "0", "positive"),
            ("x,1,2026-01-05,-1,,,,,,,,", "amount", "-1", "positive"),
            ("x,1,2026-01-05,1.001,,,,,,,,", "amount", "1.001", "more decimals"),
            ("x,1,2026-01-05,1.00,gift,,,,,,,", "kind", "gift", "payment, waiver, reversal"),
            ("x,1,2026-01-05,1.00,reversal,,,,,,,", "reverses", "", "empty"),
            ("x,1,2026-01-05,1.00,reversal,nobody,,,,,,", "reverses", "nobody", "not known"),
            (
                "x,1,2026-01-04,1.00,reversal,known,,,,,,",
                "received_on",
                "2026-01-04",
                "before the payment",
            ),
            ("x,1,2026-01-06,10.01,reversal,known,,,,,,", "amount", "10.01", "what is left"),
            (
                "x,2,2026-01-06,1.00,reversal,known,,,,,,",
                "account_no",
                "2",
                "account of the payment",
            ),
            ("x,1,2026-01-05,1.00,payment,,agency,,,,,", "agency", "", "empty"),
            ("x,1,2026-01-05,1.00,payment,,agency,A77,,,,", "agency", "A77", "no assignee"),
            ("x,1,2026-01-05,1.00,payment,,post,,,,,", "channel", "post", "neither"),
            ("x,1,2026-01-05,1.00,payment,,,,0.50,0.20,0,0", "amount", "1.00", "0.70"),
            ("x,1,2026-01-05,90.01,waiver,,,,,,,", "amount", "90.01", "more than what is owed"),
        ];
        for (row, column, value, reason) in faulty {
            let done = sent(book, &format!("{row}\n"));
            assert_eq!((done.accepted, done.rejected), (0, 1), "{row}");
            assert_fault(&done.faults, 2, column, value, reason);
            assert_eq!(book.trial_balance(), before, "{row} moved something");
        }
        book.assert_proven();
    });
}

#[test]
fn a_known_reference_with_the_same_content_is_counted_and_skipped() {
    on_each_database(|book| {
        ready(book);
        let before = (book.trial_balance(), book.count("recovery"));
        let done = sent(book, "known,1,2026/01/05,10,payment,,lender,,,,,\n");
        assert_eq!((done.accepted, done.duplicate, done.rejected), (0, 1, 0));
        let done = sent(
            book,
            "new,1,2026-01-05,10,,,,,,,,\nnew,1,2026-01-05,10.00,payment,,,,,,,\nnew,1,2026-01-06,10.00,,,,,,,,\n",
        );
        assert_eq!((done.accepted, done.duplicate, done.rejected), (1, 1, 1));
        assert_fault(&done.faults, 4, "reference", "new", "other content");
        assert_eq!(
            (book.trial_balance() == before.0, book.count("recovery")),
            (false, before.1 + 1)
        );
        book.assert_proven();
    });
}

#[test]
fn a_reversal_may_stand_before_its_payment_in_one_file() {
    on_each_database(|book| {
        ready(book);
        let done = sent(
            book,
            "r,2,2026-01-07,5.00,reversal,p,,,,,,\np,2,2026-01-06,20.00,payment,,agency,A02,,,,\n",
        );
        assert_eq!(
            (
                done.accepted,
                done.rejected,
                done.totals.payments.as_str(),
                done.totals.reversals.as_str()
            ),
            (2, 0, "20.00", "5.00")
        );
        assert_eq!(
            book.balance("Assets:Receivable:A02"),
            1_500,
            "the reversal takes over who holds the money"
        );
        assert_eq!(book.balance("Assets:Loans:A01"), 30_000 - 1_000 - 1_500);
        book.assert_proven();
    });
}

#[test]
fn a_reversal_of_an_unknown_payment_is_rejected_and_accepted_when_sent_again() {
    on_each_database(|book| {
        ready(book);
        let reversal = "r,2,2026-01-07,5.00,reversal,p,,,,,,\n";
        let done = sent(book, reversal);
        assert_fault(&done.faults, 2, "reverses", "p", "send the row again");
        sent(book, "p,2,2026-01-06,20.00,,,,,,,,\n");
        assert_eq!(sent(book, reversal).accepted, 1);
        assert_eq!(sent(book, reversal).duplicate, 1);
        book.assert_proven();
    });
}

#[test]
fn no_component_is_taken_back_beyond_what_is_left_of_it() {
    on_each_database(|book| {
        ready(book);
        sent(book, "p,2,2026-01-06,100.00,,,,,60.00,40.00,0,0\n");
        assert_eq!(sent(book, "r1,2,2026-01-07,50.00,reversal,p,,,50.00,0,0,0\n").accepted, 1);
        let done = sent(book, "r2,2,2026-01-08,20.00,reversal,p,,,20.00,0,0,0\n");
        assert_fault(&done.faults, 2, "principal", "20.00", "component");
        assert_eq!(sent(book, "r3,2,2026-01-08,20.00,reversal,p,,,,,,\n").accepted, 1);
        book.assert_proven();
    });
}

// A workbook made by hand ---------------------------------------------------------------------------------------------

pub fn text_cell(at: &str, text: &str) -> String {
    format!("<c r=\"{at}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

fn number_cell(at: &str, number: &str) -> String {
    format!("<c r=\"{at}\"><v>{number}</v></c>")
}

pub fn date_cell(at: &str, serial: &str) -> String {
    format!("<c r=\"{at}\" s=\"1\"><v>{serial}</v></c>")
}

fn workbook() -> Vec<u8> {
    let header =
        [("A1", "案件编号"), ("B1", "余额"), ("C1", "逾期天数"), ("D1", "产品"), ("E1", "地区")]
            .map(|(at, text)| text_cell(at, text));
    let first = [
        text_cell("A2", "张三一号"),
        number_cell("B2", "1234.5"),
        number_cell("C2", "95"),
        text_cell("D2", "信用卡"),
        text_cell("E2", "上海"),
    ];
    let second = [
        text_cell("A3", "李四二号"),
        number_cell("B3", "66"),
        number_cell("C3", "45"),
        text_cell("D3", "消费贷"),
        text_cell("E3", "北京"),
    ];
    zipped(&sheet(&[&header, &first, &second]))
}

pub fn sheet(rows: &[&[String]]) -> String {
    let rows: String = rows
        .iter()
        .zip(1..)
        .map(|(cells, i)| format!("<row r=\"{i}\">{}</row>", cells.concat()))
        .collect();
    format!(
        "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>{rows}</sheetData></worksheet>"
    )
}

/// The parts of a workbook in a ZIP file without compression.
pub fn zipped(sheet: &str) -> Vec<u8> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const RELATIONS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let parts = [
        ("[Content_Types].xml", "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Default Extension=\"xml\" ContentType=\"application/xml\"/></Types>".to_string()),
        ("_rels/.rels", format!("<Relationships xmlns=\"{RELATIONS}\"><Relationship Id=\"rId1\" Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>")),
        ("xl/workbook.xml", format!("<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets><sheet name=\"One\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>")),
        ("xl/_rels/workbook.xml.rels", format!("<Relationships xmlns=\"{RELATIONS}\"><Relationship Id=\"rId1\" Type=\"{OFFICE}/worksheet\" Target=\"worksheets/sheet1.xml\"/><Relationship Id=\"rId2\" Type=\"{OFFICE}/styles\" Target=\"styles.xml\"/></Relationships>")),
        ("xl/styles.xml", format!("<styleSheet xmlns=\"{MAIN}\"><cellXfs count=\"2\"><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>")),
        ("xl/worksheets/sheet1.xml", sheet.to_string()),
    ];
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in &parts {
        let mut crc = flate2::Crc::new();
        crc.update(content.as_bytes());
        let size = u32::try_from(content.len()).unwrap().to_le_bytes();
        let offset = u32::try_from(file.len()).unwrap().to_le_bytes();
        let name_length = u16::try_from(name.len()).unwrap().to_le_bytes();
        let common = [
            &[20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0][..],
            &crc.sum().to_le_bytes(),
            &size,
            &size,
            &name_length,
            &[0, 0],
        ]
        .concat();
        file.extend([b"PK\x03\x04", &common[..], name.as_bytes(), content.as_bytes()].concat());
        directory.extend(
            [b"PK\x01\x02\x14\x00", &common[..], &[0; 10], &offset, name.as_bytes()].concat(),
        );
    }
    let (offset, size) = (
        u32::try_from(file.len()).unwrap().to_le_bytes(),
        u32::try_from(directory.len()).unwrap().to_le_bytes(),
    );
    let count = u16::try_from(parts.len()).unwrap().to_le_bytes();
    file.extend(directory);
    file.extend(
        [b"PK\x05\x06", &[0, 0, 0, 0][..], &count, &count, &size, &offset, &[0, 0]].concat(),
    );
    file
}
