//! The files of the sample book, made from a fixed seed: believable, and nobody's data.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// The files of the sample book, by name.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Portfolio files with their days.
    pub portfolios: Vec<(String, String)>,
    /// Recoveries files, one a month.
    pub recoveries: Vec<String>,
    /// The accounts recalled in October.
    pub recall: String,
}

const SEED: u64 = 20_260_731;
const SURNAMES: [&str; 16] = ["王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林"];
const GIVEN: [&str; 16] = ["伟", "芳", "娜", "敏", "静", "磊", "洋", "勇", "艳", "杰", "娟", "涛", "超", "霞", "平", "桂英"];
const REGIONS: [&str; 10] = ["110000", "310000", "320000", "330000", "350000", "370000", "410000", "440000", "450000", "510000"];
const PRODUCTS: [&str; 3] = ["card", "cash_loan", "instalment"];
/// First and last day past due of each bucket, and how many of a hundred accounts are in it.
const AGES: [(i64, i64, u32); 7] =
    [(1, 30, 30), (31, 60, 16), (61, 90, 12), (91, 120, 10), (121, 150, 9), (151, 180, 8), (181, 900, 15)];
const AGENCIES: [&str; 6] = ["A01", "A02", "A03", "A04", "A05", "A06"];

struct Account {
    number: String,
    debtor: String,
    name: String,
    phone: String,
    region: &'static str,
    product: &'static str,
    /// In fen.
    principal: i64,
    interest: i64,
    fees: i64,
    days_past_due: i64,
    paid: i64,
}

impl Account {
    fn balance(&self) -> i64 {
        self.principal + self.interest + self.fees
    }
}

struct Payment {
    reference: String,
    account: usize,
    day: String,
    fen: i64,
    kind: &'static str,
    reverses: String,
    agency: Option<&'static str>,
}

fn yuan(fen: i64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

/// Writes the files of a book of so many accounts.
pub fn generate(count: usize, folder: &Path) -> std::io::Result<Sample> {
    std::fs::create_dir_all(folder)?;
    let mut chance = ChaCha8Rng::seed_from_u64(SEED);
    let mut accounts = accounts(count, &mut chance);
    write_portfolio(&folder.join("portfolio-2026-07-31.csv"), &accounts)?;
    let mut numbers = 0;
    let mut late: Vec<Payment> = Vec::new();
    let mut recoveries = Vec::new();
    for (i, month) in ["2026-08", "2026-09", "2026-10", "2026-11"].into_iter().enumerate() {
        let mut payments = payments(month, i, &mut accounts, &mut numbers, &mut chance);
        // Some payments are reported only after their month is closed.
        let kept_back = payments.len() / 50;
        let held: Vec<Payment> = payments.split_off(payments.len() - kept_back);
        payments.append(&mut std::mem::replace(&mut late, held));
        let name = format!("recoveries-{month}.csv");
        write_recoveries(&folder.join(&name), &payments, &accounts)?;
        recoveries.push(name);
        if month == "2026-09" {
            accounts.iter_mut().for_each(age_two_months);
            write_portfolio(&folder.join("portfolio-2026-09-30.csv"), &accounts)?;
        }
    }
    write_recall(&folder.join("recall-2026-10.csv"), &accounts)?;
    Ok(Sample {
        portfolios: vec![
            ("portfolio-2026-07-31.csv".to_string(), "2026-07-31".to_string()),
            ("portfolio-2026-09-30.csv".to_string(), "2026-09-30".to_string()),
        ],
        recoveries,
        recall: "recall-2026-10.csv".to_string(),
    })
}

fn accounts(count: usize, chance: &mut ChaCha8Rng) -> Vec<Account> {
    let mut accounts: Vec<Account> = Vec::with_capacity(count);
    for i in 0..count {
        // One in twenty is a second account of the debtor before.
        let shared = i > 0 && chance.random_ratio(1, 20);
        let (debtor, name, phone, region) = match accounts.last().filter(|_| shared) {
            Some(before) => (before.debtor.clone(), before.name.clone(), before.phone.clone(), before.region),
            None => {
                let name = format!("{}{}", SURNAMES[chance.random_range(0..16)], GIVEN[chance.random_range(0..16)]);
                let phone = format!("100{:08}", chance.random_range(0..100_000_000));
                (format!("D{:07}", 1_000_000 + i), name, phone, REGIONS[chance.random_range(0..10)])
            }
        };
        // Balances spread over three powers of ten, most of them small.
        let size: i64 = (0..4).map(|_| chance.random_range(1..=12)).product();
        let principal = 30_000 + size * chance.random_range(300..900);
        let mut draw = chance.random_range(0..100);
        let age = AGES.iter().find(|(_, _, share)| {
            let inside = draw < *share;
            draw = draw.saturating_sub(*share);
            inside
        });
        let (least, most, _) = age.copied().unwrap_or(AGES[0]);
        let days_past_due = chance.random_range(least..=most);
        accounts.push(Account {
            number: format!("HX{:08}", 20_000_000 + i * 7),
            debtor,
            name,
            phone,
            region,
            product: PRODUCTS[chance.random_range(0..3)],
            principal,
            interest: principal * days_past_due / 2_500,
            fees: principal * days_past_due.min(90) / 9_000,
            days_past_due,
            paid: 0,
        });
    }
    accounts
}

/// Younger and smaller debts pay more often; a few pay in full; some money reaches the agency first.
fn payments(month: &str, index: usize, accounts: &mut [Account], numbers: &mut u64, chance: &mut ChaCha8Rng) -> Vec<Payment> {
    let mut payments = Vec::new();
    let last_day = if index == 3 { 18 } else { 30 };
    for (i, account) in accounts.iter_mut().enumerate() {
        let likely = match account.days_past_due {
            ..=30 => 26,
            31..=60 => 13,
            61..=90 => 9,
            91..=180 => 6,
            _ => 3,
        };
        let open = account.balance() - account.paid;
        if open <= 0 || !chance.random_ratio(likely, 100) {
            continue;
        }
        *numbers += 1;
        let whole = chance.random_ratio(1, 9);
        let fen = if whole { open } else { (open * chance.random_range(3..28) / 100).max(100) };
        account.paid += fen;
        let day = format!("{month}-{:02}", chance.random_range(1..=last_day));
        let agency = chance.random_ratio(1, 8).then(|| AGENCIES[chance.random_range(0..AGENCIES.len())]);
        let reference = format!("HK{}{:07}", month.replace('-', ""), numbers);
        payments.push(Payment {
            reference: reference.clone(),
            account: i,
            day: day.clone(),
            fen,
            kind: "payment",
            reverses: String::new(),
            agency,
        });
        // One in a hundred bounces a few days later.
        if chance.random_ratio(1, 100) {
            *numbers += 1;
            account.paid -= fen;
            let day = format!("{month}-{:02}", last_day);
            payments.push(Payment {
                reference: format!("CZ{}{:07}", month.replace('-', ""), numbers),
                account: i,
                day,
                fen,
                kind: "reversal",
                reverses: reference,
                agency: None,
            });
        }
    }
    payments
}

fn age_two_months(account: &mut Account) {
    account.days_past_due += 61;
    let mut paid = std::mem::take(&mut account.paid);
    for part in [&mut account.fees, &mut account.interest, &mut account.principal] {
        let taken = paid.min(*part);
        *part -= taken;
        paid -= taken;
    }
}

fn write_portfolio(path: &Path, accounts: &[Account]) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::fs::File::create(path)?);
    writeln!(out, "借据号,客户号,姓名,手机号,地区,产品,本金,利息,费用,余额,逾期天数,停催")?;
    for (i, one) in accounts.iter().enumerate() {
        let hold = match i % 997 {
            13 => "投诉",
            77 => "分期",
            _ => "",
        };
        writeln!(
            out,
            "{},{},{},{},{},{},{},{},{},{},{},{hold}",
            one.number,
            one.debtor,
            one.name,
            one.phone,
            one.region,
            one.product,
            yuan(one.principal),
            yuan(one.interest),
            yuan(one.fees),
            yuan(one.balance()),
            if one.balance() == 0 { 0 } else { one.days_past_due }
        )?;
    }
    out.flush()
}

/// A payment goes to fees first, then interest, then principal, as the lender's own system would book it.
fn components(payment: &Payment, account: &Account) -> [i64; 3] {
    let fees = payment.fen.min(account.fees / 4);
    let interest = (payment.fen - fees).min(account.interest / 3);
    [payment.fen - fees - interest, interest, fees]
}

fn write_recoveries(path: &Path, payments: &[Payment], accounts: &[Account]) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::fs::File::create(path)?);
    writeln!(out, "流水号,借据号,还款日期,金额,类型,原流水号,渠道,机构,本金,利息,费用")?;
    let mut by_day: BTreeMap<(&str, &str), &Payment> = BTreeMap::new();
    for one in payments {
        by_day.insert((&one.day, &one.reference), one);
    }
    for one in by_day.into_values() {
        let account = &accounts[one.account];
        let parts = match one.kind {
            "payment" => components(one, account).map(yuan),
            _ => [const { String::new() }; 3],
        };
        let channel = if one.agency.is_some() { "agency" } else { "lender" };
        writeln!(
            out,
            "{},{},{},{},{},{},{channel},{},{},{},{}",
            one.reference,
            account.number,
            one.day,
            yuan(one.fen),
            one.kind,
            one.reverses,
            one.agency.unwrap_or(""),
            parts[0],
            parts[1],
            parts[2]
        )?;
    }
    out.flush()
}

fn write_recall(path: &Path, accounts: &[Account]) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::fs::File::create(path)?);
    writeln!(out, "account_no")?;
    for one in accounts.iter().filter(|one| one.days_past_due > 150 && one.balance() > 0).step_by(9) {
        writeln!(out, "{}", one.number)?;
    }
    out.flush()
}
