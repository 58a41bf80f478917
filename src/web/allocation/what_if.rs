//! What if: two strategies on the same accounts side by side. Nothing is stored, and the form keeps what was typed.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::allocation::AllocationError;
use crate::allocation::compare::{Comparison, Side, compare_within};
use crate::kernel::Currency;
use crate::kernel::calendar::parse_date;
use crate::party::Lang;
use crate::performance::number::percent;
use crate::web::Site;
use crate::web::allocation::allocate;
use crate::web::form::Posted;
use crate::web::identity::who::{Allocates, Sees};
use crate::web::list;
use crate::web::page::{Figure, Page};
use crate::web::problem::Problem;

/// What is typed into the form.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Typed {
    on: String,
    first: String,
    second: String,
    include_placed: String,
}

#[derive(Template)]
#[template(path = "web/what_if.html")]
struct Body {
    t: Lang,
    csrf: String,
    typed: Typed,
    fault: Option<String>,
    found: Option<Found>,
    currency: String,
}

/// The comparison as the page shows it.
struct Found {
    figures: Vec<Figure>,
    notes: Vec<String>,
    nothing: bool,
    sides: [Line; 2],
    assignees: Vec<Line>,
}

/// A row: who, what is now, and what each strategy gives.
struct Line {
    name: String,
    present: String,
    cells: Vec<[String; 4]>,
    note: String,
}

pub(in crate::web) async fn form(
    site: web::Data<Site>,
    sees: Sees<Allocates>,
) -> Result<HttpResponse, Problem> {
    let (book, t) = (sees.book.clone(), sees.who.t);
    let (on, second) = site.read(move |db| allocate::proposed(db, &book, t)).await?;
    let first =
        "name = \"equal\"\nmethod = \"equal\"\nstrata = [\"bucket\"]\nseed = 1\n".to_string();
    draw(
        &sees,
        StatusCode::OK,
        Typed { on, first, second, include_placed: String::new() },
        None,
        None,
    )
}

pub(in crate::web) async fn show(
    site: web::Data<Site>,
    sees: Sees<Allocates>,
    posted: Posted<Typed>,
) -> Result<HttpResponse, Problem> {
    let (t, mut typed) = (sees.who.t, posted.form);
    typed.first = typed.first.replace("\r\n", "\n");
    typed.second = typed.second.replace("\r\n", "\n");
    let Some(on) = parse_date(typed.on.trim()) else {
        let fault = Some(t.refused_run_day().to_string());
        return draw(&sees, StatusCode::UNPROCESSABLE_ENTITY, typed, fault, None);
    };
    let (lender, asked) = (sees.book.lender.code.clone(), typed.clone());
    let found = site
        .read(move |db| {
            let files = [
                (t.first_strategy(), asked.first.as_str()),
                (t.second_strategy(), asked.second.as_str()),
            ];
            Ok::<_, Problem>(compare_within(
                db,
                &lender,
                files,
                on,
                !asked.include_placed.is_empty(),
            ))
        })
        .await?;
    match found {
        Ok(found) => draw(
            &sees,
            StatusCode::OK,
            typed,
            None,
            Some(shown(t, sees.book.lender.currency, &found)),
        ),
        Err(AllocationError::Db(error)) => Err(error.into()),
        Err(refused) => {
            draw(&sees, StatusCode::UNPROCESSABLE_ENTITY, typed, Some(refused.words(t)), None)
        }
    }
}

fn draw(
    sees: &Sees<Allocates>,
    status: StatusCode,
    typed: Typed,
    fault: Option<String>,
    found: Option<Found>,
) -> Result<HttpResponse, Problem> {
    let t = sees.who.t;
    let currency = sees.book.lender.currency.to_string();
    let body = Body { t, csrf: sees.who.session.csrf.clone(), typed, fault, found, currency };
    Page::new(&sees.who, t.what_if())
        .under(t.nav_allocation(), "/allocation")
        .show_as(status, &body)
}

fn shown(t: Lang, currency: Currency, found: &Comparison) -> Found {
    let [first, second] = &found.sides;
    let names = found.names();
    let more = second.total.net() - first.total.net();
    let figures = vec![
        Figure::new(t.nav_accounts(), list::count(found.accounts), ""),
        Figure::new(
            format!("{}: {}", t.expected_net(), names[0]),
            first.total.net().grouped(currency),
            "",
        ),
        Figure::new(
            format!("{}: {}", t.expected_net(), names[1]),
            second.total.net().grouped(currency),
            "",
        ),
        Figure::new(t.second_brings_more(), more.grouped(currency), ""),
        Figure::new(t.go_elsewhere(), list::count(found.differ), ""),
    ];
    let codes: std::collections::BTreeSet<&String> =
        found.sides.iter().flat_map(|side| side.given.keys()).chain(found.present.keys()).collect();
    let assignees = codes.into_iter().map(|code| {
        let present = found.present.get(code).map(|(accounts, _)| *accounts).unwrap_or_default();
        let cells = found
            .sides
            .iter()
            .map(|side| cells(currency, side.given.get(code).copied().unwrap_or_default()))
            .collect();
        Line { name: code.clone(), present: list::count(present), cells, note: String::new() }
    });
    let sides = [side(t, currency, &names[0], first), side(t, currency, &names[1], second)];
    Found {
        figures,
        notes: notes(t, found),
        nothing: found.accounts == 0,
        assignees: assignees.collect(),
        sides,
    }
}

/// By what both are valued, who has nothing to go by, and why accounts would stay.
fn notes(t: Lang, found: &Comparison) -> Vec<String> {
    let mut notes = vec![t.measured_by(found.measured_by.as_ref())];
    for (side, name) in found.sides.iter().zip(found.names()) {
        if side.fell_back {
            notes.push(t.fell_back(&name, t.method(&side.method)));
        }
        for ((zh, en), count) in &side.unplaced_why {
            let why = if t == Lang::Zh { zh } else { en };
            notes.push(format!("{name} · {} {} – {why}", t.run_unplaced(), list::count(*count)));
        }
    }
    if found.sides[0].total.accounts != found.sides[1].total.accounts {
        notes.push(t.not_as_many().to_string());
    }
    notes
}

fn cells(currency: Currency, given: crate::allocation::estimate::Given) -> [String; 4] {
    [
        list::count(given.accounts),
        given.expected.grouped(currency),
        given.fees.grouped(currency),
        given.net().grouped(currency),
    ]
}

fn side(t: Lang, currency: Currency, name: &str, side: &Side) -> Line {
    let unlike = format!(
        "{} / {} · {}",
        list::count(side.moved),
        list::count(side.had),
        percent(side.unlike)
    );
    Line {
        name: format!("{name} · {}", t.method(&side.method)),
        present: list::count(side.unplaced),
        cells: vec![cells(currency, side.total)],
        note: unlike,
    }
}
