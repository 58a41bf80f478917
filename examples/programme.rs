//! Solves the programme of a strata table as `consign allocate --strata` writes it and prints one line of JSON:
//!
//!   cargo run --release --example programme -- STRATA.csv [--place-all] [--write OUT.csv]
//!
//! `seconds` is the time of solving alone. Without `--place-all` every account must be placed when that is possible at
//! all, as in an allocation. `--write` writes the table again with `assigned` filled in.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Instant;

use consign::allocation::programme::{Cell, Programme, most_placed, solve};
use csv::StringRecord;
use serde_json::{Value, json};

/// A strata table, and the programme it says.
struct Table {
    header: StringRecord,
    rows: Vec<StringRecord>,
    strata: Vec<String>,
    recipients: Vec<String>,
    programme: Programme,
}

/// The number of a name, in order of appearance.
fn number(names: &mut Vec<String>, known: &mut BTreeMap<String, usize>, name: &str) -> usize {
    *known.entry(name.to_string()).or_insert_with(|| {
        names.push(name.to_string());
        names.len() - 1
    })
}

/// A decimal of up to six places, in millionths.
fn millionths(text: &str) -> Result<i64, Box<dyn Error>> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 6 || !part.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(format!("{text:?} is no decimal of six places").into());
    }
    Ok(format!("{whole}{part:0<6}").parse()?)
}

/// Millionths as a decimal of six places.
fn decimal(millionths: i128) -> String {
    let (sign, size) = (if millionths < 0 { "-" } else { "" }, millionths.unsigned_abs());
    format!("{sign}{}.{:06}", size / 1_000_000, size % 1_000_000)
}

/// Keeps a figure that is repeated on several rows, if it is the same on all.
fn repeated<T: Copy + PartialEq>(
    figures: &mut Vec<T>,
    index: usize,
    figure: T,
    what: &str,
) -> Result<(), Box<dyn Error>> {
    if figures.len() == index {
        figures.push(figure);
    }
    if figures[index] == figure {
        Ok(())
    } else {
        Err(format!("{what} differs from an earlier row").into())
    }
}

fn read(path: &str) -> Result<Table, Box<dyn Error>> {
    let mut file = csv::Reader::from_path(path)?;
    let header = file.headers()?.clone();
    let column = |name: &str| {
        header.iter().position(|one| one == name).ok_or(format!("{path} has no column {name}"))
    };
    let (stratum, assignee, accounts) =
        (column("stratum")?, column("assignee")?, column("accounts")?);
    let (value, least, most) =
        (column("value_per_account")?, column("min_accounts")?, column("max_accounts")?);
    let rows = file.records().collect::<Result<Vec<_>, _>>()?;
    let (mut strata, mut recipients, mut programme) =
        (Vec::new(), Vec::new(), Programme::default());
    let (mut known_strata, mut known_recipients) = (BTreeMap::new(), BTreeMap::new());
    for (row, line) in rows.iter().zip(2..) {
        let place = |fault: Box<dyn Error>| format!("{path}, line {line}: {fault}");
        let mut take = || -> Result<(), Box<dyn Error>> {
            let stratum = number(&mut strata, &mut known_strata, &row[stratum]);
            let recipient = number(&mut recipients, &mut known_recipients, &row[assignee]);
            let limit =
                |text: &str| if text.is_empty() { Ok(None) } else { text.parse::<i64>().map(Some) };
            repeated(&mut programme.accounts, stratum, row[accounts].parse()?, "accounts")?;
            repeated(
                &mut programme.lower,
                recipient,
                limit(&row[least])?.unwrap_or(0),
                "min_accounts",
            )?;
            repeated(&mut programme.upper, recipient, limit(&row[most])?, "max_accounts")?;
            let (stratum, recipient) = (u32::try_from(stratum)?, u16::try_from(recipient)?);
            programme.cells.push(Cell { stratum, recipient, value: millionths(&row[value])? });
            Ok(())
        };
        take().map_err(place)?;
    }
    programme.recipients = recipients.len();
    Ok(Table { header, rows, strata, recipients, programme })
}

fn write(table: &Table, assigned: &[i64], path: &str) -> Result<(), Box<dyn Error>> {
    let mut file = csv::Writer::from_path(path)?;
    let column =
        table.header.iter().position(|name| name == "assigned").unwrap_or(table.header.len());
    let with = |row: &StringRecord, text: &str| {
        let mut fields: Vec<String> = row.iter().map(str::to_string).collect();
        fields.resize(fields.len().max(column + 1), String::new());
        fields[column] = text.to_string();
        fields
    };
    file.write_record(with(&table.header, "assigned"))?;
    for (row, count) in table.rows.iter().zip(assigned) {
        file.write_record(with(row, &count.to_string()))?;
    }
    Ok(file.flush()?)
}

fn answer(table: &mut Table, place_all: bool, out: Option<&str>) -> Result<Value, Box<dyn Error>> {
    let programme = &mut table.programme;
    let accounts: i64 = programme.accounts.iter().sum();
    programme.place_all = place_all || most_placed(programme) == accounts;
    let began = Instant::now();
    let solved = solve(programme);
    let micros = began.elapsed().as_micros();
    let seconds = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    let place_all = programme.place_all;
    let plan = match solved {
        Ok(plan) => plan,
        Err(clash) => {
            let names = |all: &[String], some: &[usize]| {
                some.iter().map(|index| all[*index].clone()).collect::<Vec<_>>()
            };
            let (recipients, strata) =
                (names(&table.recipients, &clash.recipients), names(&table.strata, &clash.strata));
            let kind = format!("{:?}", clash.kind).to_lowercase();
            let clash = json!({ "kind": kind, "assignees": recipients, "strata": strata,
                "needed": clash.needed.to_string(), "available": clash.available.to_string() });
            return Ok(
                json!({ "feasible": false, "place_all": place_all, "seconds": seconds, "clash": clash }),
            );
        }
    };
    if let Some(out) = out {
        write(table, &plan.assigned, out)?;
    }
    let prices = table
        .recipients
        .iter()
        .cloned()
        .zip(plan.recipient_prices.iter().map(|price| Value::from(decimal(*price))));
    Ok(json!({
        "feasible": true,
        "place_all": place_all,
        "objective": decimal(plan.objective),
        "bound": decimal(plan.bound),
        "placed": plan.assigned.iter().sum::<i64>(),
        "prices": prices.collect::<serde_json::Map<_, _>>(),
        "seconds": seconds,
    }))
}

fn main() -> Result<(), Box<dyn Error>> {
    let (mut path, mut out, mut place_all) = (None, None, false);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--place-all" => place_all = true,
            "--write" => out = words.next(),
            _ => path = Some(word),
        }
    }
    let path = path.ok_or("usage: programme STRATA.csv [--place-all] [--write OUT.csv]")?;
    println!("{}", answer(&mut read(&path)?, place_all, out.as_deref())?);
    Ok(())
}
