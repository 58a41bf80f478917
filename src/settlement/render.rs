//! A statement for programs (JSON, CSV) and for people (HTML, printable on A4).

use std::collections::BTreeMap;

use askama::Template;
use serde_json::{Map, Value, json};

use super::lines;
use super::note::Note;
use super::{Figures, Line, LineKind, Statement};
use crate::kernel::{Currency, Money};
use crate::party::{Assignee, Lang, Lender};
use crate::sheet::Csv;
use crate::table;
use crate::words::capitals::capital_numerals;

/// The statement as one JSON object: amounts as texts, every key always there.
pub fn json(one: &Statement, currency: Currency, status: &str) -> Value {
    let mut object = Map::new();
    object.insert("statement_no".into(), json!(one.statement_no));
    object.insert("lender".into(), json!(one.lender));
    object.insert("agency".into(), json!(one.agency));
    object.insert("month".into(), json!(one.month.to_string()));
    object.insert("currency".into(), json!(currency.code()));
    object.insert("status".into(), json!(status));
    object.insert("contract".into(), json!(one.contract));
    object.insert("contract_version".into(), json!(one.contract_version));
    // What is set off lies between the two sides' payments, which are there.
    for (name, amount) in one.figures.named().into_iter().filter(|(name, _)| *name != "set_off") {
        object.insert(name.into(), json!(amount.plain(currency)));
    }
    let lines = one.lines.iter().map(|line| table::object(lines::FILE, line, currency));
    object.insert("lines".into(), lines.collect());
    Value::Object(object)
}

/// The lines of a statement as CSV.
pub fn csv(one: &Statement, currency: Currency) -> Result<Vec<u8>, csv::Error> {
    let mut csv = Csv::new(Vec::new());
    csv.row(table::names(lines::FILE))?;
    for line in &one.lines {
        csv.row(table::record(lines::FILE, line, Lang::En, currency))?;
    }
    csv.finish()
}

/// The printable page.
#[derive(Template)]
#[template(path = "statement/document.html")]
struct Document<'a> {
    t: Lang,
    currency: Currency,
    lender: &'a Lender,
    agency_name: &'a str,
    one: &'a Statement,
    due: Vec<Due>,
    summary: Vec<SummaryRow>,
    summary_total: (Money, Money),
    others: Vec<&'a Line>,
    figure_rows: Vec<(&'static str, Money, bool)>,
    lines: Vec<&'a Line>,
}

struct Due {
    label: &'static str,
    amount: Money,
    capitals: Option<String>,
}

struct SummaryRow {
    batch: String,
    rule: String,
    rate: String,
    count: usize,
    recovered: Money,
    fee: Money,
}

impl Document<'_> {
    fn money(&self, amount: &Money) -> String {
        amount.grouped(self.currency)
    }

    fn optional(&self, amount: &Option<Money>) -> String {
        amount.map(|amount| amount.grouped(self.currency)).unwrap_or_default()
    }

    fn note(&self, note: &Note) -> String {
        note.words(self.t)
    }

    fn kind(&self, kind: &LineKind) -> &'static str {
        lines::kind_word(self.t, *kind)
    }
}

/// The statement as a page of its own, in the lender's language.
pub fn html(lender: &Lender, agency: Option<&Assignee>, one: &Statement) -> Result<String, String> {
    let t = lender.language;
    let f = &one.figures;
    let (lines, others): (Vec<&Line>, Vec<&Line>) =
        one.lines.iter().partition(|line| line.kind == LineKind::Commission);
    let summary = summarise(&lines);
    let document = Document {
        t,
        currency: lender.currency,
        lender,
        agency_name: agency.map_or(one.agency.as_str(), |agency| agency.name.as_str()),
        one,
        due: due(lender, f),
        summary_total: (
            summary.iter().map(|row| row.recovered).sum(),
            summary.iter().map(|row| row.fee).sum(),
        ),
        summary,
        others,
        figure_rows: figure_rows(t, f),
        lines,
    };
    document.render().map_err(|error| error.to_string())
}

/// What is due to whom; both sides may owe when the agency hands over all it collected.
fn due(lender: &Lender, f: &Figures) -> Vec<Due> {
    let t = lender.language;
    let chinese = t == Lang::Zh && lender.currency.code() == "CNY";
    let row =
        |label, amount| Due { label, amount, capitals: chinese.then(|| capital_numerals(amount)) };
    let sides = [(t.payable(), f.payable_to_agency), (t.due_from(), f.due_from_agency)];
    let owed: Vec<Due> = sides
        .into_iter()
        .filter(|(_, amount)| !amount.is_zero())
        .map(|(label, amount)| row(label, amount))
        .collect();
    if owed.is_empty() { vec![row(t.nothing_due(), Money::ZERO)] } else { owed }
}

/// The figures that make the total: those that are zero on most statements only when they are not.
fn figure_rows(t: Lang, f: &Figures) -> Vec<(&'static str, Money, bool)> {
    let always = [(t.commission(), f.commission), (t.true_up(), f.true_up)];
    let sometimes = [
        (t.charges(), f.charges),
        (t.performance(), f.performance),
        (t.minimum(), f.minimum),
        (t.maximum(), f.maximum),
        (t.deductions(), f.deductions),
        (t.adjustments(), f.adjustments),
    ];
    let mut rows: Vec<(&'static str, Money, bool)> =
        always.into_iter().map(|(name, amount)| (name, amount, false)).collect();
    rows.extend(
        sometimes
            .into_iter()
            .filter(|(_, amount)| !amount.is_zero())
            .map(|(name, amount)| (name, amount, false)),
    );
    rows.extend([(t.net(), f.net, false), (t.vat(), f.vat, false), (t.total(), f.total, true)]);
    rows
}

fn summarise(lines: &[&Line]) -> Vec<SummaryRow> {
    let mut rows: BTreeMap<(String, String, String), (usize, Money, Money)> = BTreeMap::new();
    for line in lines {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let rate = line.rate.map(|rate| rate.percent()).unwrap_or_default();
        let entry = rows.entry((text(&line.batch), text(&line.fee_rule), rate)).or_default();
        entry.0 += 1;
        entry.1 += line.amount.unwrap_or_default();
        entry.2 += line.fee;
    }
    let row = |((batch, rule, rate), (count, recovered, fee))| SummaryRow {
        batch,
        rule,
        rate,
        count,
        recovered,
        fee,
    };
    rows.into_iter().map(row).collect()
}
