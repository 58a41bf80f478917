//! The files of the sample book, made from a fixed seed: believable, and nobody's data.

use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::kernel::chance::Chance;

/// The sample book while it is made, month by month.
pub struct Book {
    folder: PathBuf,
    accounts: Vec<Account>,
    chance: Chance,
    /// References given out.
    numbers: u64,
    /// Payments that are reported only after their month is closed.
    late: Vec<Payment>,
}

const SEED: u64 = 20_260_731;
const SURNAMES: [&str; 16] = [
    "王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林",
];
const GIVEN: [&str; 16] = [
    "伟", "芳", "娜", "敏", "静", "磊", "洋", "勇", "艳", "杰", "娟", "涛", "超", "霞", "平",
    "桂英",
];
const REGIONS: [&str; 10] = [
    "110000", "310000", "320000", "330000", "350000", "370000", "410000", "440000", "450000",
    "510000",
];
const PRODUCTS: [&str; 3] = ["card", "cash_loan", "instalment"];
/// First and last day past due of each bucket, and how many of a hundred accounts are in it.
const AGES: [(i64, i64, u32); 7] = [
    (1, 30, 30),
    (31, 60, 16),
    (61, 90, 12),
    (91, 120, 10),
    (121, 150, 9),
    (151, 180, 8),
    (181, 900, 15),
];

/// How likely accounts pay in an agency's hands, in hundredths of what they would in the lender's own.
const EFFECTS: [(&str, u32); 6] =
    [("A01", 100), ("A02", 120), ("A03", 140), ("A04", 80), ("A05", 90), ("A06", 110)];

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
    agency: Option<String>,
}

fn yuan(fen: i64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

impl Book {
    /// A book of so many accounts whose files go to a folder.
    pub fn new(count: usize, folder: &Path) -> std::io::Result<Book> {
        std::fs::create_dir_all(folder)?;
        let mut chance = Chance::seeded(SEED);
        let accounts = accounts(count, &mut chance);
        Ok(Book { folder: folder.to_path_buf(), accounts, chance, numbers: 0, late: Vec::new() })
    }

    /// Writes the portfolio as it stands.
    pub fn portfolio(&self, name: &str) -> std::io::Result<PathBuf> {
        let path = self.folder.join(name);
        write_portfolio(&path, &self.accounts).map(|()| path)
    }

    /// Two months pass: balances fall by what was paid, the rest grows older.
    pub fn age_two_months(&mut self) {
        self.accounts.iter_mut().for_each(age_two_months);
    }

    /// Writes the recoveries of a month up to a day; `holders` says which agency has an account, and may be paid first.
    pub fn recoveries(
        &mut self,
        month: &str,
        last_day: u32,
        holders: &HashMap<String, String>,
    ) -> std::io::Result<PathBuf> {
        let mut payments = self.payments(month, last_day, holders);
        let kept_back = payments.len() / 50;
        let held = payments.split_off(payments.len() - kept_back);
        payments.append(&mut std::mem::replace(&mut self.late, held));
        let path = self.folder.join(format!("recoveries-{month}.csv"));
        write_recoveries(&path, &payments, &self.accounts).map(|()| path)
    }

    /// Every ninth of the accounts longest past due.
    pub fn oldest(&self) -> Vec<String> {
        let old = self.accounts.iter().filter(|one| one.days_past_due > 150 && one.balance() > 0);
        old.step_by(9).map(|one| one.number.clone()).collect()
    }

    /// Writes a file that names accounts.
    pub fn named(&self, name: &str, accounts: &[String]) -> std::io::Result<PathBuf> {
        let path = self.folder.join(name);
        let lines: String = accounts.iter().map(|account| format!("{account}\n")).collect();
        std::fs::write(&path, format!("account_no\n{lines}")).map(|()| path)
    }

    /// Writes what an agency says of its contacts in November: calls by day, most unanswered; a few by night, a few too
    /// many on one number.
    pub fn contacts(&mut self, agency: &str, accounts: &[String]) -> std::io::Result<PathBuf> {
        let path = self.folder.join(format!("contacts-{agency}.csv"));
        let mut out = std::io::BufWriter::new(std::fs::File::create(&path)?);
        writeln!(out, "记录编号,借据号,联系时间,联系方式,联系号码,联系结果")?;
        let mut line = 0;
        for (i, account) in accounts.iter().enumerate() {
            let number = format!("100{:08}", self.chance.below(100_000_000));
            let (calls, hour) = match i % 61 {
                20 => (8, 10),
                40 => (1, 22),
                _ => (1 + self.chance.below(3), 9 + self.chance.below(11)),
            };
            let first = 4 + self.chance.below(13);
            for call in 0..calls {
                line += 1;
                let day = if calls == 8 { first } else { first + call % 2 };
                let minute = 5 * call + self.chance.below(5);
                let outcome = if calls < 8 && self.chance.odds(1, 3) { "有效" } else { "未接" };
                writeln!(
                    out,
                    "{agency}-{line:06},{account},2026-11-{day:02} {hour:02}:{minute:02},电话,{number},{outcome}"
                )?;
            }
        }
        out.flush()?;
        Ok(path)
    }

    /// Younger and smaller debts pay more often; a few pay in full; some money reaches the agency first.
    fn payments(
        &mut self,
        month: &str,
        last_day: u32,
        holders: &HashMap<String, String>,
    ) -> Vec<Payment> {
        let (chance, numbers) = (&mut self.chance, &mut self.numbers);
        let mut payments = Vec::new();
        let compact = month.replace('-', "");
        for (i, account) in self.accounts.iter_mut().enumerate() {
            let likely = match account.days_past_due {
                ..=30 => 26,
                31..=60 => 13,
                61..=90 => 9,
                91..=180 => 6,
                _ => 3,
            };
            let open = account.balance() - account.paid;
            let holder = holders.get(&account.number).map_or("", String::as_str);
            let effect = EFFECTS
                .iter()
                .find(|(agency, _)| *agency == holder)
                .map_or(100, |(_, effect)| *effect);
            if open <= 0 || !chance.odds(likely * effect, 10_000) {
                continue;
            }
            *numbers += 1;
            let whole = chance.odds(1, 9);
            let fen = if whole { open } else { (open * from(chance, 3, 27) / 100).max(100) };
            account.paid += fen;
            let day = format!("{month}-{:02}", 1 + chance.below(last_day));
            let agency = holders.get(&account.number).filter(|_| chance.odds(1, 5)).cloned();
            let reference = format!("HK{compact}{numbers:07}");
            let payment = Payment {
                reference: reference.clone(),
                account: i,
                day,
                fen,
                kind: "payment",
                reverses: String::new(),
                agency,
            };
            payments.push(payment);
            // One in a hundred bounces a few days later.
            if chance.odds(1, 100) {
                *numbers += 1;
                account.paid -= fen;
                let (reference, reverses) = (format!("CZ{compact}{numbers:07}"), reference);
                let day = format!("{month}-{last_day:02}");
                payments.push(Payment {
                    reference,
                    account: i,
                    day,
                    fen,
                    kind: "reversal",
                    reverses,
                    agency: None,
                });
            }
        }
        payments
    }
}

/// A number of a range, both ends included.
fn from(chance: &mut Chance, least: i64, most: i64) -> i64 {
    least + chance.below_wide((most - least + 1).unsigned_abs()).cast_signed()
}

fn one_of(words: &[&'static str], chance: &mut Chance) -> &'static str {
    words.get(chance.below(words.len() as u32) as usize).copied().unwrap_or_default()
}

fn accounts(count: usize, chance: &mut Chance) -> Vec<Account> {
    let mut accounts: Vec<Account> = Vec::with_capacity(count);
    for i in 0..count {
        // One in twenty is a second account of the debtor before.
        let shared = i > 0 && chance.odds(1, 20);
        let (debtor, name, phone, region) = match accounts.last().filter(|_| shared) {
            Some(before) => {
                (before.debtor.clone(), before.name.clone(), before.phone.clone(), before.region)
            }
            None => {
                let name = format!("{}{}", one_of(&SURNAMES, chance), one_of(&GIVEN, chance));
                let phone = format!("100{:08}", chance.below(100_000_000));
                (format!("D{:07}", 1_000_000 + i), name, phone, one_of(&REGIONS, chance))
            }
        };
        // Balances spread over three powers of ten, most of them small.
        let size: i64 = (0..4).map(|_| from(chance, 1, 12)).product();
        let principal = 30_000 + size * from(chance, 300, 899);
        let mut draw = chance.below(100);
        let age = AGES.iter().find(|(_, _, share)| {
            let inside = draw < *share;
            draw = draw.saturating_sub(*share);
            inside
        });
        let (least, most, _) = age.copied().unwrap_or(AGES[0]);
        let days_past_due = from(chance, least, most);
        accounts.push(Account {
            number: format!("HX{:08}", 20_000_000 + i * 7),
            debtor,
            name,
            phone,
            region,
            product: one_of(&PRODUCTS, chance),
            principal,
            interest: principal * days_past_due / 2_500,
            fees: principal * days_past_due.min(90) / 9_000,
            days_past_due,
            paid: 0,
        });
    }
    accounts
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

fn write_recoveries(
    path: &Path,
    payments: &[Payment],
    accounts: &[Account],
) -> std::io::Result<()> {
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
            one.agency.as_deref().unwrap_or(""),
            parts[0],
            parts[1],
            parts[2]
        )?;
    }
    out.flush()
}
