//! How long `verify` and `explain` take by how much there is: `cargo bench --bench months [accounts] [recoveries]`.
//!
//! The same recoveries lie in one month, then over many; the same line is explained in a small book and in a large one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

use std::path::Path;
use std::time::Instant;

use chrono::NaiveDate;
use consign::audit::By;
use consign::db::{Address, Db};
use consign::intake::{Options, take_in};
use consign::kernel::Month;
use consign::kernel::calendar::Today;
use consign::kernel::progress::Silent;
use consign::party::Lang;
use consign::portfolio::import::Portfolio;
use consign::recovery::import::Recoveries;
use consign::settlement::close::NewClosing;
use consign::{allocation, contract, party, proof, settlement};

const PARTIES: &str = "[[lender]]\ncode = \"CFC\"\nname = \"C\"\ncurrency = \"CNY\"\ntimezone = \"Asia/Shanghai\"\n\n\
    [[lender.assignee]]\ncode = \"A01\"\nname = \"A\"\nkind = \"agency\"\n";
const CONTRACT: &str = "code = \"K\"\nagency = \"A01\"\neffective_from = 2020-01-01\nterm_days = 3650\n\n[[fee]]\nname = \"all\"\n\
    tiers = { measure = \"recovered\", over = \"month\", apply = \"whole\", steps = [{ up_to = \"5000\", rate = \"10%\" }, { rate = \"20%\" }] }\n";
const STRATEGY: &str = "name = \"all\"\nmethod = \"equal\"\n";

fn by() -> By {
    By {
        actor: "bench".into(),
        source: "bench".into(),
        at: "2026-01-01T00:00:00Z".into(),
        today: Today::Everywhere(day("2026-01-01")),
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A book of so many accounts, all placed, with so many recoveries spread over the months from January 2021 on, each
/// month closed.
fn book(folder: &Path, accounts: usize, recoveries: usize, months: usize) -> Db {
    let address = format!("sqlite:{}", folder.join(format!("{accounts}-{months}.db")).display());
    let mut db = Address::parse(&address).unwrap().open().unwrap();
    party::setup::set_up(&mut db, "parties.toml", PARTIES, &by()).unwrap();
    contract::publish::publish(&mut db, "CFC", "contract.toml", CONTRACT, false, &by()).unwrap();
    let rows: String = (0..accounts).map(|no| format!("{no:06},1000000.00,40\n")).collect();
    let path = folder.join("portfolio.csv");
    std::fs::write(&path, format!("account_no,balance,days_past_due\n{rows}")).unwrap();
    let kind = Portfolio::as_of(day("2020-12-31"), None);
    let options = Options::default();
    take_in(&mut db, "CFC", &path, kind, &options, &by(), &mut Silent).unwrap();
    allocation::run::allocate(&mut db, "CFC", "s.toml", STRATEGY, day("2021-01-01"), true, &by())
        .unwrap();
    let first: Month = "2021-01".parse().unwrap();
    let all: Vec<Month> =
        std::iter::successors(Some(first), |month| Some(month.next())).take(months).collect();
    for (number, month) in all.into_iter().enumerate() {
        let rows: String = (0..recoveries)
            .filter(|no| no % months == number)
            .map(|no| format!("p{no},{:06},{},10.00\n", no % accounts, month.last_day()))
            .collect();
        let path = folder.join("recoveries.csv");
        std::fs::write(&path, format!("reference,account_no,received_on,amount\n{rows}")).unwrap();
        let kind = Recoveries::default();
        take_in(&mut db, "CFC", &path, kind, &options, &by(), &mut Silent).unwrap();
        let closing = NewClosing { month, preview: false, allow_future: false };
        settlement::close::close(&mut db, "CFC", &closing, &by(), &mut Silent).unwrap();
    }
    db
}

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|text| text.parse().ok()).collect();
    let accounts = numbers.first().copied().unwrap_or(8_000);
    let recoveries = numbers.get(1).copied().unwrap_or(8_000);
    let folder = tempfile::tempdir().unwrap();
    println!("verify: {accounts} placements, {recoveries} recoveries");
    for months in [1, 12, 59] {
        let mut db = book(folder.path(), accounts, recoveries, months);
        let start = Instant::now();
        let proofs = proof::verify(&mut db, Some("CFC")).unwrap();
        let took = start.elapsed().as_millis();
        assert!(proofs.iter().all(|one| one.findings.is_empty()), "{proofs:?}");
        println!("  over {months:>2} months: {took:>6} ms");
    }
    println!("explain: one line among 100 recoveries of a month");
    for accounts in [1_000, 10_000, 5 * accounts] {
        let mut db = book(folder.path(), accounts, 100, 3);
        let start = Instant::now();
        let told = settlement::explain::explain(
            &mut db,
            Lang::En,
            settlement::explain::Asker::Lender,
            "CFC-000002",
            1,
        )
        .unwrap();
        let took = start.elapsed().as_micros();
        assert!(told.words.len() > 3);
        println!("  {accounts:>6} placements: {took:>8} µs");
    }
}
