//! Agencies' contacts in a month: what they violate first, then how many there were.

use std::collections::{BTreeMap, HashMap};

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDate;
use serde::Deserialize;

use crate::conduct::policy::Rule;
use crate::conduct::violation::{self, Found};
use crate::conduct::{ConductError, contact_store as store};
use crate::db::{Db, read};
use crate::identity::Permission;
use crate::kernel::Month;
use crate::kernel::calendar::NotAMonth;
use crate::party::{self, Lang};
use crate::portfolio::personal::{Key, mask_number};
use crate::web::Site;
use crate::web::conduct::complaints::tabs;
use crate::web::identity::who::{Book, Conduct, Sees};
use crate::web::link::{self, Link};
use crate::web::list::{self, Choice, Pager, ROWS, Tab, cut};
use crate::web::page::{Chip, Figure, Page, Tone};
use crate::web::problem::{Bad, Problem};
use crate::web::sheet::{Sheet, attachment, file_name};
use crate::web::table::{Cell, Table};

/// What the URL asks for.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Asked {
    lender: String,
    month: String,
    agency: String,
    rule: String,
    after: String,
}

impl Asked {
    fn link(&self, path: &str) -> Link {
        let link = Link::to(path).with("lender", &self.lender).with("month", &self.month);
        link.with("agency", &self.agency).with("rule", &self.rule)
    }

    /// The agency whose contacts are shown: an agency's own, whatever the URL asks for.
    fn agency(&self, book: &Book) -> Option<String> {
        book.agency
            .clone()
            .or_else(|| Some(self.agency.clone()).filter(|agency| !agency.is_empty()))
    }

    fn month(&self) -> Result<Option<Month>, Problem> {
        if self.month.is_empty() {
            return Ok(None);
        }
        self.month.parse().map(Some).map_err(|NotAMonth| Bad::Month(self.month.clone()).into())
    }
}

#[derive(Template)]
#[template(path = "web/contacts.html")]
struct Body {
    t: Lang,
    lender: String,
    own: bool,
    any: bool,
    policy: String,
    books: Vec<Tab>,
    figures: Vec<Figure>,
    months: Vec<Choice>,
    agencies: Vec<Choice>,
    rules: Vec<Choice>,
    heads: Vec<&'static str>,
    by_agency: Vec<AgencyShown>,
    table: Table,
    pager: Pager,
}

/// An agency's contacts of the month, and how many are against each rule.
struct AgencyShown {
    agency: list::Cell,
    contacts: String,
    violations: String,
    by_rule: Vec<String>,
}

/// A month as the stores give it.
#[derive(Default)]
struct Facts {
    month: String,
    months: Vec<String>,
    contacts: Vec<store::AgencyCount>,
    found: Vec<Found>,
    numbers: HashMap<(String, String), String>,
}

/// Where a violation stands in the list, newest first.
fn key(one: &Found) -> String {
    let contact = &one.contact;
    format!(
        "{} {} {} {}",
        contact.at.format("%Y-%m-%dT%H:%M:%S"),
        one.rule.name(),
        contact.agency,
        contact.reference
    )
}

/// All violations of the month that the page is about, newest first, and the days.
fn load(db: &mut Db, book: &Book, asked: &Asked) -> Result<Facts, Problem> {
    let lender = &book.lender.code;
    let own = book.agency.as_deref();
    let Some((first, last)) = store::first_and_last(db, lender, own)? else {
        return Ok(Facts::default());
    };
    let month = asked.month()?.unwrap_or_else(|| Month::of(last));
    let months = months(Month::of(first), Month::of(last));
    let (from, to) = (month.first_day(), month.last_day());
    let agency = asked.agency(book);
    let ours = |code: &str| agency.as_deref().is_none_or(|agency| agency == code);
    let mut contacts = store::by_agency(db, lender, from, to)?;
    contacts.retain(|one| ours(&one.agency));
    let mut found = violations(db, lender, from, to, agency.as_deref())?;
    if own.is_some() {
        found = found.into_iter().filter_map(Found::told_to_agency).collect();
    }
    found.sort_by_cached_key(|one| std::cmp::Reverse(key(one)));
    Ok(Facts { month: month.to_string(), months, contacts, found, numbers: HashMap::new() })
}

/// An agency that the lender does not know has none.
fn violations(
    db: &mut Db,
    lender: &str,
    from: NaiveDate,
    to: NaiveDate,
    agency: Option<&str>,
) -> Result<Vec<Found>, Problem> {
    match violation::found(db, lender, from, to, agency) {
        Err(ConductError::NoAssignee(_)) => Ok(Vec::new()),
        outcome => Ok(outcome?),
    }
}

fn months(first: Month, last: Month) -> Vec<String> {
    let mut months = vec![first.to_string()];
    let mut month = first;
    while month < last {
        month = month.next();
        months.push(month.to_string());
    }
    months.reverse();
    months
}

/// The numbers of the rows of a page, masked; an agency's page shows none.
fn numbers(
    db: &mut Db,
    book: &Book,
    rows: &[Found],
    key: Option<&Key>,
) -> Result<HashMap<(String, String), String>, Problem> {
    let mut numbers = HashMap::new();
    let Some(key) = key.filter(|_| book.agency.is_none()) else { return Ok(numbers) };
    let mut by_agency: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for one in rows {
        by_agency.entry(&one.contact.agency).or_default().push(&one.contact.reference);
    }
    for (agency, references) in by_agency {
        for (reference, sealed) in
            store::numbers(db, &book.lender.code, agency, references.into_iter())?
        {
            let number = key.open_number(&sealed).map(|number| mask_number(&number));
            numbers.insert((agency.to_string(), reference), number.unwrap_or_default());
        }
    }
    Ok(numbers)
}

pub(in crate::web) async fn show(
    site: web::Data<Site>,
    sees: Sees<Conduct>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let asked = asked.into_inner();
    let (book, wanted, sealed_with) = (sees.book.clone(), asked.clone(), site.key.clone());
    let (facts, rows, more, assignees) = site
        .read(move |db| {
            let mut facts = load(db, &book, &wanted)?;
            let rule = Rule::parse(&wanted.rule);
            let shown = |one: &&Found| {
                rule.is_none_or(|rule| rule == one.rule)
                    && (wanted.after.is_empty() || key(one) < wanted.after)
            };
            let mut rows: Vec<Found> =
                facts.found.iter().filter(shown).take(ROWS + 1).cloned().collect();
            let more = cut(&mut rows);
            facts.numbers = numbers(db, &book, &rows, sealed_with.as_ref())?;
            Ok((facts, rows, more, party::store::assignees(db, &book.lender.code)?))
        })
        .await?;
    let (t, own) = (sees.who.t, sees.book.agency.is_some());
    let next = if more {
        rows.last().map(|last| asked.link("/contacts").with("after", &key(last)).url())
    } else {
        None
    };
    let accounts = !own && sees.who.may(Permission::Accounts);
    let body = Body {
        t,
        lender: sees.book.lender.code.clone(),
        own,
        any: !facts.months.is_empty()
            && (!own || !facts.contacts.is_empty() || !asked.month.is_empty()),
        policy: policy(t, &sees.book),
        books: tabs(&sees, "/contacts"),
        figures: figures(t, &asked, &facts),
        months: facts.months.iter().map(|month| Choice::new(month, month, &facts.month)).collect(),
        agencies: assignees
            .iter()
            .map(|one| Choice::new(&one.code, format!("{} {}", one.code, one.name), &asked.agency))
            .collect(),
        rules: Rule::ALL
            .iter()
            .map(|rule| Choice::new(rule.name(), t.rule_of_policy(*rule), &asked.rule))
            .collect(),
        heads: Rule::ALL.iter().map(|rule| t.rule_of_policy(*rule)).collect(),
        by_agency: by_agency(&asked, &facts),
        table: Table::of(
            if own { violation::OWN_PAGE } else { violation::PAGE },
            &rows,
            (t, sees.book.lender.currency),
            dress(&facts, accounts),
        ),
        pager: Pager {
            first: (!asked.after.is_empty()).then(|| asked.link("/contacts").url()),
            next,
        },
    };
    let page = Page::new(&sees.who, t.nav_contacts())
        .tool(t.download_csv(), asked.link("/contacts.csv").url());
    let sends = if own { Permission::SendOwnContacts } else { Permission::ActOnConduct };
    let send = Link::to("/contacts/send").with("lender", &sees.book.lender.code).url();
    let page = if sees.who.may(sends) { page.step(t.send_contacts(), send) } else { page };
    page.show(&body)
}

/// The policy that files coming now are measured by.
fn policy(t: Lang, book: &Book) -> String {
    let policy = &book.lender.contact_policy;
    let hours = format!("{}–{}", policy.quiet_from, policy.quiet_until);
    let (calls, attempts) = (policy.effective_calls, policy.unanswered);
    format!(
        "{} {hours} · {calls} {} · {attempts} {}",
        t.policy_in_force(),
        t.calls_per_debtor(),
        t.attempts_per_number()
    )
}

fn figures(t: Lang, asked: &Asked, facts: &Facts) -> Vec<Figure> {
    let count = |number: usize| list::count(crate::kernel::count(number));
    let of = |rule: &str| Asked { rule: rule.to_string(), ..asked.clone() }.link("/contacts").url();
    let mut figures = vec![
        Figure::new(
            t.contacts_word(),
            list::count(facts.contacts.iter().map(|one| one.contacts).sum()),
            "",
        ),
        Figure::new(t.violations_word(), count(facts.found.len()), of("")),
    ];
    for rule in Rule::ALL.iter().copied() {
        let against = facts.found.iter().filter(|one| one.rule == rule).count();
        if against > 0 {
            figures.push(Figure::new(t.rule_of_policy(rule), count(against), of(rule.name())));
        }
    }
    figures
}

fn by_agency(asked: &Asked, facts: &Facts) -> Vec<AgencyShown> {
    let count = |number: usize| list::count(crate::kernel::count(number));
    let row = |one: &store::AgencyCount| {
        let of_agency: Vec<&Found> =
            facts.found.iter().filter(|found| found.contact.agency == one.agency).collect();
        let of_rule =
            |rule: Rule| count(of_agency.iter().filter(|found| found.rule == rule).count());
        let href = Asked { agency: one.agency.clone(), ..asked.clone() }.link("/contacts").url();
        AgencyShown {
            agency: list::Cell::link(&one.agency, href),
            contacts: list::count(one.contacts),
            violations: count(of_agency.len()),
            by_rule: Rule::ALL.iter().copied().map(of_rule).collect(),
        }
    };
    facts.contacts.iter().map(row).collect()
}

/// A violation's account leads to its page, its rule is a chip, and the number is what the page knows of it.
fn dress(facts: &Facts, accounts: bool) -> impl Fn(&Found, &str, Cell) -> Cell {
    move |one, column, cell| match column {
        "account_no" if accounts => cell.to(link::account(&one.contact.account_no)),
        "rule" => {
            let chip = Chip::new(Tone::Blocked, cell.text.clone());
            cell.chips(vec![chip])
        }
        "number" => {
            let key = (one.contact.agency.clone(), one.contact.reference.clone());
            Cell { text: facts.numbers.get(&key).cloned().unwrap_or_default(), ..cell }
        }
        _ => cell,
    }
}

pub(in crate::web) async fn download(
    site: web::Data<Site>,
    sees: Sees<Conduct>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let (asked, book, by) = (asked.into_inner(), sees.book.clone(), sees.who.by());
    let name = file_name(&sees.who, &book.lender.code, "violations");
    let bytes = site
        .change(move |db| {
            let facts = read(db, |db| load(db, &book, &asked))?;
            let (rule, currency) = (Rule::parse(&asked.rule), book.lender.currency);
            let mut sheet = Sheet::of(violation::FILE)?;
            let mut rows =
                facts.found.iter().filter(|one| rule.is_none_or(|rule| rule == one.rule));
            rows.try_for_each(|one| sheet.add(violation::FILE, one, Lang::En, currency))?;
            sheet.finish(db, &book.lender.code, &by, "violations")
        })
        .await?;
    Ok(attachment(&name, "text/csv; charset=utf-8", bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conduct::policy::{Hands, HeldBy, Judged, Policy, violations};
    use crate::conduct::{Channel, Contact, Outcome};
    use crate::hold::HoldKind;

    #[test]
    fn what_was_found_and_what_is_allowed_speak_the_language_of_the_page() {
        let on = NaiveDate::from_ymd_opt(2026, 5, 20).unwrap_or_default();
        let contact = Contact {
            agency: "A01".to_string(),
            reference: "1".to_string(),
            seq: 1,
            account_no: "1".to_string(),
            debtor_ref: "1".to_string(),
            at: on.and_hms_opt(12, 0, 0).unwrap_or_default(),
            channel: Channel::Call,
            outcome: Outcome::Effective,
            number_digest: None,
        };
        let held = Some(HeldBy { kind: HoldKind::Complaint.name(), from_on: on });
        let words = |hands: Hands, t: Lang| {
            let judged = Judged { contact: &contact, policy: Policy::default(), hands, held };
            let found = violations(std::slice::from_ref(&judged)).into_iter();
            let found = found.map(|one| Found {
                contact: contact.clone(),
                rule: one.rule,
                figure: one.figure,
                limit: one.limit,
                own: one.own,
                of_own_account: true,
            });
            found
                .map(|one| format!("{} / {}", one.figure.words(t), one.limit.words(t)))
                .collect::<Vec<_>>()
        };
        assert_eq!(words(Hands::Held, Lang::Zh), ["投诉 2026-05-20 起 / 停催期间不得联系"]);
        assert_eq!(words(Hands::Held, Lang::En), ["Complaint from 2026-05-20 / none while held"]);
        // Why an account is held that is in other hands is nothing to whoever called.
        assert_eq!(words(Hands::Never, Lang::Zh), ["2026-05-20 / 当时从未委出"]);
        assert_eq!(words(Hands::Never, Lang::En), ["2026-05-20 / never placed by then"]);
    }
}
