//! The sample book: a Chinese consumer-finance lender, one internal team, six agencies with different contracts,
//! 20,000 accounts and four months, made from a fixed seed and run through the same verbs as anybody's book.

mod book;
mod waiting;

use std::collections::HashMap;
use std::path::Path;

use crate::ambient;
use crate::audit::By;
use crate::db::Db;
use crate::intake::{Kind, Options, Report, take_in};
use crate::kernel::Month;
use crate::kernel::calendar::{Today, parse_date};
use crate::kernel::progress::{Progress, Silent};
use crate::placement::recall::recall;
use crate::placement::step::Selection;
use crate::portfolio::import::Portfolio;
use crate::portfolio::named::Named;
use crate::portfolio::personal::Key;
use crate::recovery::import::Recoveries;
use crate::settlement::close::NewClosing;
use crate::{allocation, contract, party, placement, settlement};

use book::Book;

/// The sample lender's code.
pub const LENDER: &str = "CFC";

/// Nothing of the sample happens after this day.
const LAST_DAY: &str = "2026-11-18";

const PARTIES: &str = include_str!("../../examples/demo/parties.toml");
const CONTRACTS: [(&str, &str); 7] = [
    ("contract-T01.toml", include_str!("../../examples/demo/contract-T01.toml")),
    ("contract-A01.toml", include_str!("../../examples/demo/contract-A01.toml")),
    ("contract-A02.toml", include_str!("../../examples/demo/contract-A02.toml")),
    ("contract-A03.toml", include_str!("../../examples/demo/contract-A03.toml")),
    ("contract-A04.toml", include_str!("../../examples/demo/contract-A04.toml")),
    ("contract-A05.toml", include_str!("../../examples/demo/contract-A05.toml")),
    ("contract-A06.toml", include_str!("../../examples/demo/contract-A06.toml")),
];
const TEAM: &str = include_str!("../../examples/demo/strategy-team.toml");
const AGENCIES: &str = include_str!("../../examples/demo/strategy-agencies.toml");
const OPTIMISE: &str = include_str!("../../examples/demo/strategy-optimise.toml");

/// Why the sample book could not be loaded.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DemoError(String);

fn failed(error: impl std::fmt::Display) -> DemoError {
    DemoError(error.to_string())
}

/// What happened while the book was loaded, a line each.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The story in words.
    pub lines: Vec<String>,
}

/// Whether the sample lender has a book already.
pub fn is_loaded(db: &mut Db) -> Result<bool, DemoError> {
    let lender = party::store::lender(db, LENDER).map_err(failed)?;
    Ok(lender.is_some() && crate::audit::book(db, LENDER).map_err(failed)?.closed_month.is_some())
}

/// Loads the sample book: three months closed and one open. Its files are written to `folder` first and taken in
/// from there, as a lender's would be.
pub fn load(
    db: &mut Db,
    folder: &Path,
    accounts: usize,
    key: Option<&Key>,
    progress: &mut dyn Progress,
) -> Result<Loaded, DemoError> {
    progress.stage("making the sample book", None).map_err(failed)?;
    let book = Book::new(accounts, folder).map_err(failed)?;
    // The sample's own calendar goes on to its last day, whatever the clock says.
    let by = By { today: Today::Everywhere(day(LAST_DAY)?), ..ambient::operator() };
    let mut loading = Loading { db, book, key, by, loaded: Loaded::default() };
    progress.stage("setting up lender, agencies and contracts", None).map_err(failed)?;
    loading.set_up()?;
    progress.stage("running four months", Some(4)).map_err(failed)?;
    loading.portfolio("2026-07-31")?;
    loading.allocate("strategy-team.toml", TEAM, "2026-08-01")?;
    loading.allocate("strategy-agencies.toml", AGENCIES, "2026-08-01")?;
    loading.recoveries("2026-08", 31)?;
    loading.close("2026-08")?;
    progress.advance(1).map_err(failed)?;
    loading.allocate("strategy-agencies.toml", AGENCIES, "2026-09-02")?;
    loading.recoveries("2026-09", 30)?;
    loading.book.age_two_months();
    loading.portfolio("2026-09-30")?;
    loading.close("2026-09")?;
    progress.advance(1).map_err(failed)?;
    loading.recall("2026-10-09")?;
    loading.allocate("strategy-agencies.toml", AGENCIES, "2026-10-12")?;
    loading.recoveries("2026-10", 31)?;
    loading.close("2026-10")?;
    progress.advance(1).map_err(failed)?;
    loading.allocate("strategy-optimise.toml", OPTIMISE, "2026-11-03")?;
    loading.wait()?;
    loading.recoveries("2026-11", 18)?;
    progress.advance(1).map_err(failed)?;
    Ok(loading.loaded)
}

struct Loading<'a> {
    db: &'a mut Db,
    book: Book,
    key: Option<&'a Key>,
    by: By,
    loaded: Loaded,
}

impl Loading<'_> {
    fn say(&mut self, line: String) {
        self.loaded.lines.push(line);
    }

    fn take_in<K: Kind>(&mut self, path: &Path, kind: K) -> Result<Report<K::Totals>, DemoError> {
        let options = Options::default();
        take_in(self.db, LENDER, path, kind, &options, &self.by, &mut Silent).map_err(failed)
    }

    fn set_up(&mut self) -> Result<(), DemoError> {
        party::setup::set_up(self.db, "parties.toml", PARTIES, &self.by).map_err(failed)?;
        for (file, text) in CONTRACTS {
            contract::publish::publish(self.db, LENDER, file, text, false, &self.by)
                .map_err(failed)?;
        }
        self.say("set up 1 lender, 1 team, 6 agencies and their contracts".to_string());
        Ok(())
    }

    fn portfolio(&mut self, as_of: &str) -> Result<(), DemoError> {
        let day = day(as_of)?;
        let file = format!("portfolio-{as_of}.csv");
        let path = self.book.portfolio(&file).map_err(failed)?;
        let done = self.take_in(&path, Portfolio::as_of(day, self.key))?;
        self.say(format!(
            "{file}: {} new, {} updated accounts, {} owed, {} rows rejected",
            done.totals.new, done.totals.updated, done.totals.total, done.rejected
        ));
        Ok(())
    }

    fn allocate(&mut self, file: &str, strategy: &str, on: &str) -> Result<(), DemoError> {
        let day = day(on)?;
        let done = allocation::run::allocate(self.db, LENDER, file, strategy, day, true, &self.by)
            .map_err(failed)?;
        let totals: Vec<String> = done
            .decision
            .totals()
            .map_err(failed)?
            .iter()
            .map(|(code, total)| format!("{code} {}", total.accounts))
            .collect();
        self.say(format!(
            "placed on {on} by {}: {}",
            done.decision.inputs.strategy.name,
            totals.join(", ")
        ));
        Ok(())
    }

    fn recoveries(&mut self, month: &str, last_day: u32) -> Result<(), DemoError> {
        let mut holders = HashMap::new();
        placement::store::each(self.db, LENDER, |one| {
            if one.closed_on.is_none() && one.assignee.starts_with('A') {
                holders.insert(one.span.account_no, one.span.assignee);
            }
            Ok::<(), diesel::result::Error>(())
        })
        .map_err(failed)?;
        let path = self.book.recoveries(month, last_day, &holders).map_err(failed)?;
        let done = self.take_in(&path, Recoveries::default())?;
        let totals = done.totals;
        let house: u64 = totals.house.values().sum();
        self.say(format!(
            "recoveries of {month}: payments {}, reversals {}; {} belong to a placement, {house} to the house, {} rejected",
            totals.payments, totals.reversals, totals.attributed, done.rejected
        ));
        Ok(())
    }

    fn recall(&mut self, on: &str) -> Result<(), DemoError> {
        let accounts = self.book.oldest();
        let path = self.book.named("recall-2026-10.csv", &accounts).map_err(failed)?;
        let selection = Selection::Named(Named::File(&path));
        let done = recall(self.db, LENDER, &selection, "strategy-change", day(on)?, true, &self.by)
            .map_err(failed)?;
        self.say(format!("recalled on {on}: {} placements", done.recalled));
        Ok(())
    }

    fn close(&mut self, month: &str) -> Result<(), DemoError> {
        let month: Month = month.parse().map_err(failed)?;
        let new = NewClosing { month, preview: false, allow_future: false };
        let done = settlement::close::close(self.db, LENDER, &new, &self.by, &mut Silent)
            .map_err(failed)?;
        let lender = party::store::lender(self.db, LENDER)
            .map_err(failed)?
            .ok_or_else(|| failed("the sample lender is gone"))?;
        self.say(format!("closed {month}:"));
        for one in &done.statements {
            let f = &one.figures;
            self.say(format!(
                "  {} {}  commission {:>12}  true-up {:>10}  total {:>12}  payable {:>12}  due {:>12}",
                one.statement_no,
                one.agency,
                f.commission.grouped(lender.currency),
                f.true_up.grouped(lender.currency),
                f.total.grouped(lender.currency),
                f.payable_to_agency.grouped(lender.currency),
                f.due_from_agency.grouped(lender.currency)
            ));
        }
        Ok(())
    }
}

fn day(text: &str) -> Result<chrono::NaiveDate, DemoError> {
    parse_date(text).ok_or_else(|| failed("the sample has a bad date"))
}
