//! Records that nobody on this project wrote, read where `CONSIGN_REAL_DATA` says; the contracts are in `tests/real`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use consign::portfolio::import::Options;
use consign::sheet::ColumnMap;

use crate::support::{Book, assert_adds_up, minor, on_each_database, shout};

fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("CONSIGN_REAL_DATA").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    if folder.is_none() {
        shout("CONSIGN_REAL_DATA IS NOT SET: NOTHING IS TESTED ON REAL RECORDS.");
    }
    folder
}

fn real(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real").join(name)).unwrap()
}

/// Lender, agencies and contracts from `tests/real`.
fn set_up(book: &mut Book, lender: &str, currency: &str, parties: &str, contracts: &[&str]) {
    book.lender = lender.to_string();
    book.currency = consign::kernel::Currency::parse(currency).unwrap();
    consign::party::setup::set_up(&mut book.db, parties, &real(parties), &crate::support::by()).unwrap();
    contracts.iter().for_each(|contract| book.publish(&real(contract)));
}

/// What happened, said at the end in one table.
struct Told(Vec<String>, Instant);

impl Told {
    fn of(book: &Book, what: &str) -> Told {
        let database = if book.is_postgres() { "PostgreSQL" } else { "SQLite" };
        Told(vec![format!("{what} on {database}")], Instant::now())
    }

    fn row(&mut self, what: &str, figures: impl std::fmt::Display) {
        self.0.push(format!("  {:>7.2} s  {what:<34} {figures}", self.1.elapsed().as_secs_f64()));
        self.1 = Instant::now();
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        use std::io::Write as _;
        let said = writeln!(std::io::stderr(), "\n{}", self.0.join("\n"));
        drop(said);
    }
}

/// Closes a month; every statement adds up, and their commissions are told.
fn close(book: &mut Book, month: &str, told: &mut Told) {
    let closed = book.close(month);
    let mut figures = Vec::new();
    for one in &closed.statements {
        let statement = book.statement(&one.agency, month);
        assert_adds_up(&statement, book.currency);
        let settled = minor(&statement["commission"], book.currency) + minor(&statement["true_up"], book.currency);
        figures.push(format!("{} {}", one.agency, consign::kernel::Money(settled).grouped(book.currency)));
    }
    told.row(&format!("close {month}: commission + true-up"), figures.join(", "));
}

#[test]
fn a_year_of_charged_off_loans_settles_to_the_cent() {
    let Some(folder) = data() else { return };
    let recoveries = std::fs::read_to_string(folder.join("lendingclub/recoveries_2013.csv")).unwrap();
    let (header, rows) = recoveries.split_once('\n').unwrap();
    on_each_database(|book| {
        let mut told = Told::of(book, "LendingClub 2013");
        set_up(book, "LC", "USD", "us-parties.toml", &["us-1.toml", "us-2.toml", "us-3.toml", "us-4.toml", "us-5.toml"]);
        let path = folder.join("lendingclub/portfolio_2013-01-31.csv");
        let options =
            Options { expect_rows: Some(2480), expect_total: Some("16475657.03"), all_or_nothing: true, ..Options::default() };
        let done = book.try_portfolio(&path, "2013-01-31", &options).unwrap();
        assert_eq!((done.new, done.rejected, done.total.as_str()), (2480, 0, "16475657.03"));
        told.row("portfolio of 2013-01-31", format!("{} accounts, {}", done.new, done.total));
        let run = book.try_allocate(&real("equal.toml"), "2013-02-01", true).unwrap();
        let shares = run.decision.totals();
        assert_eq!(shares.values().map(|total| total.accounts).collect::<Vec<_>>(), [496; 5]);
        told.row(
            "allocate, equal shares",
            shares
                .iter()
                .map(|(code, total)| format!("{code} {} {}", total.accounts, total.balance.grouped(book.currency)))
                .collect::<Vec<_>>()
                .join(", "),
        );
        for month in 2..=12 {
            let month = format!("2013-{month:02}");
            let of_month: Vec<&str> = rows.lines().filter(|row| row.split(',').nth(2).unwrap().starts_with(&month)).collect();
            let done = book.recoveries(&format!("{header}\n{}\n", of_month.join("\n")));
            assert_eq!(done.accepted as usize, of_month.len());
            told.row(&format!("recoveries of {month}"), format!("{} rows, {}", done.accepted, done.payments));
            close(book, &month, &mut told);
        }
        assert_eq!(book.count("recovery"), 4900);
        assert_eq!(book.balance("Assets:Bank"), 148_783_561, "payments come to 1,487,835.61");
        let owed = book
            .trial_balance()
            .iter()
            .filter(|(name, ..)| name.starts_with("Assets:Loans:") || name == "Liabilities:Overpaid")
            .map(|(_, d, c)| d - c)
            .sum::<i64>();
        assert_eq!(owed, 1_647_565_703 - 148_783_561);
        book.assert_proven();
        told.row("verify", format!("proven; {} ledger transactions", book.count("ledger_transaction")));
    });
}

#[test]
fn half_a_year_of_cards_settles_with_a_newer_portfolio_in_between() {
    let Some(folder) = data() else { return };
    on_each_database(|book| {
        let mut told = Told::of(book, "Taiwanese cards 2005");
        set_up(book, "TWC", "TWD", "tw-parties.toml", &["tw-1.toml", "tw-2.toml", "tw-team.toml"]);
        let portfolio = |book: &mut Book, day: &str| {
            let path = folder.join(format!("taiwan_cards/portfolio_{day}.csv"));
            book.try_portfolio(&path, day, &Options::default()).unwrap()
        };
        let done = portfolio(book, "2005-04-30");
        assert_eq!((done.new, done.rejected, done.total.as_str()), (2228, 0, "111324561.00"));
        told.row("portfolio of 2005-04-30", format!("{} accounts, {}", done.new, done.total));
        let run = book.try_allocate(&real("equal.toml"), "2005-05-01", true).unwrap();
        assert_eq!(run.decision.totals().values().map(|total| total.accounts).sum::<i64>(), 2228);
        told.row(
            "allocate, equal shares",
            run.decision.totals().iter().map(|(code, total)| format!("{code} {}", total.accounts)).collect::<Vec<_>>().join(", "),
        );
        let mut paid = 0;
        for (month, rows, total) in [
            (5, 1068, "3725054.00"),
            (6, 1662, "8036216.00"),
            (7, 1625, "6836259.00"),
            (8, 1621, "7258889.00"),
            (9, 1656, "7558061.00"),
        ] {
            let path = folder.join(format!("taiwan_cards/recoveries_2005-{month:02}.csv"));
            let done = book.try_recoveries(&path, &consign::recovery::import::Options::default()).unwrap();
            assert_eq!((done.accepted, done.rejected, done.payments.as_str()), (rows, 0, total));
            paid += rows as i64;
            told.row(
                &format!("recoveries of 2005-{month:02}"),
                format!("{} rows, {}, {} beyond what was owed", done.accepted, done.payments, done.beyond_owed),
            );
            if month == 6 {
                let done = portfolio(book, "2005-06-30");
                assert_eq!(
                    (done.new, done.updated + done.unchanged, done.missing, done.total.as_str()),
                    (0, 2228, 0, "110970529.00")
                );
                told.row("portfolio of 2005-06-30", format!("{} updated, {} closed as paid", done.updated, done.closed_as_paid));
            }
            close(book, &format!("2005-{month:02}"), &mut told);
        }
        assert_eq!(book.count("recovery"), paid);
        book.assert_proven();
        told.row("verify", format!("proven; {} ledger transactions", book.count("ledger_transaction")));
        let again = portfolio(book, "2005-04-30");
        assert!(again.already_imported);
    });
}

#[test]
fn a_source_with_names_and_noise_of_its_own_goes_through_a_map_and_rejects_honestly() {
    let Some(folder) = data() else { return };
    let path = folder.join("lendingclub/raw_charged_off.csv");
    let map = |name: &str| ColumnMap::parse(&real(name), consign::portfolio::columns::COLUMNS).unwrap();
    on_each_database(|book| {
        let mut told = Told::of(book, "LendingClub, raw columns");
        set_up(book, "LC", "USD", "us-parties.toml", &[]);
        let names = map("raw-map.toml");
        let done = book.try_portfolio(&path, "2013-01-31", &Options { map: Some(&names), ..Options::default() }).unwrap();
        assert_eq!((done.new, done.rejected, done.total.as_str()), (2480, 0, "26229225.00"));
        assert!(done.warnings[0].contains("emp_title"), "{:?}", done.warnings);
        assert_eq!(
            book.number("SELECT COUNT(*) AS number FROM portfolio_row WHERE days_past_due = 181 AND last_paid_on IS NULL"),
            42
        );
        told.row("by the map", format!("{} accounts, {}", done.new, done.total));
        let noisy = map("noisy-map.toml");
        let whole = Options { map: Some(&noisy), all_or_nothing: true, ..Options::default() };
        let before = book.state();
        let message = book.try_portfolio(&path, "2013-02-28", &whole).unwrap_err().to_string();
        assert!(message.contains("500 rows are rejected") && message.contains("more decimals"), "{message}");
        assert_eq!(book.state(), before);
        let rejects = book.folder().join("rejects.csv");
        let done = book
            .try_portfolio(&path, "2013-02-28", &Options { map: Some(&noisy), rejects: Some(&rejects), ..Options::default() })
            .unwrap();
        assert_eq!((done.rows, done.updated, done.rejected), (2480, 1980, 500));
        assert_eq!(csv::Reader::from_path(&rejects).unwrap().records().count(), 500);
        told.row(
            "a column with binary noise",
            format!(
                "{} rows rejected, not rounded: line {}, {} \"{}\"",
                done.rejected, done.faults[0].line, done.faults[0].column, done.faults[0].value
            ),
        );
        book.assert_proven();
    });
}
