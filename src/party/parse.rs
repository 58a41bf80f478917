//! What a parties file says of lenders, assignees and people, or the key and line for which it is refused. A key that is
//! left out leaves what is known as it is, `"default"` takes it back; only what is new gets defaults ([`Said`]).

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::contact_policy::{self, SaidPolicy};
use super::said::{Said, said};
use super::{Assignee, AssigneeKind, Buckets, Lang, Lender, Names, Status};
use crate::identity::password::SHORTEST;
use crate::identity::{Access, Person, Role};
use crate::kernel::Currency;
use crate::kernel::document::{Document, DocumentFault, Table, Value};

/// A parties file.
#[derive(Clone, Debug)]
pub struct Parties {
    /// Lenders with their assignees.
    pub lenders: Vec<SaidLender>,
    /// People.
    pub users: Vec<SaidUser>,
}

/// What a key that has no default says.
fn maybe<'a, T>(
    table: &mut Table<'a>,
    key: &str,
    read: impl FnOnce(&Value<'a>) -> Read<T>,
) -> Read<Option<T>> {
    table.take(key).map(|value| read(&value)).transpose()
}

type Read<T> = Result<T, DocumentFault>;

/// Where a table stands, for refusals that only what is known can give.
#[derive(Clone, Debug)]
pub struct At {
    line: usize,
    name: &'static str,
}

impl At {
    /// A refusal of this table.
    pub fn fault(&self, message: impl std::fmt::Display) -> DocumentFault {
        DocumentFault { line: self.line, message: format!("`[[{}]]` {message}", self.name) }
    }

    fn missing(&self, key: &str, code: &str) -> DocumentFault {
        self.fault(format!("lacks `{key}`, which {code} needs when it is first set up"))
    }
}

/// What the file says of a lender.
#[derive(Clone, Debug)]
pub struct SaidLender {
    /// Where.
    pub at: At,
    /// Its code.
    pub code: String,
    /// Its assignees.
    pub assignees: Vec<SaidAssignee>,
    name: Option<String>,
    currency: Option<Currency>,
    timezone: Option<Tz>,
    language: Said<Lang>,
    buckets: Said<Buckets>,
    contact_policy: Said<SaidPolicy>,
}

impl SaidLender {
    /// The lender from now on.
    pub fn over(&self, known: Option<&Lender>) -> Read<Lender> {
        let said = self.clone();
        let missing = |key| self.at.missing(key, &self.code);
        let name = said.name.or_else(|| known.map(|one| one.name.clone()));
        let currency = said.currency.or_else(|| known.map(|one| one.currency));
        let timezone = said.timezone.or_else(|| known.map(|one| one.timezone));
        let currency = currency.ok_or_else(|| missing("currency"))?;
        let language = if currency.code() == "CNY" { Lang::Zh } else { Lang::En };
        let policy = known.map(|one| one.contact_policy);
        Ok(Lender {
            code: said.code,
            name: name.ok_or_else(|| missing("name"))?,
            currency,
            timezone: timezone.ok_or_else(|| missing("timezone"))?,
            language: said.language.over(known.map(|one| one.language), language),
            buckets: said.buckets.over(known.map(|one| one.buckets.clone()), Buckets::default()),
            contact_policy: match said.contact_policy {
                Said::Is(said) => said.over(policy),
                Said::Default => Default::default(),
                Said::Nothing => policy.unwrap_or_default(),
            },
        })
    }
}

/// What the file says of an assignee.
#[derive(Clone, Debug)]
pub struct SaidAssignee {
    /// Where.
    pub at: At,
    /// Its code.
    pub code: String,
    name: Option<String>,
    kind: Option<AssigneeKind>,
    capacity: Said<Option<i64>>,
    regions: Said<Option<Names>>,
    products: Said<Option<Names>>,
    status: Said<Status>,
    licence_expires_on: Said<Option<NaiveDate>>,
    evaluated_on: Said<Option<NaiveDate>>,
}

impl SaidAssignee {
    /// The assignee from now on.
    pub fn over(&self, known: Option<&Assignee>) -> Read<Assignee> {
        let said = self.clone();
        let missing = |key| self.at.missing(key, &self.code);
        let name = said.name.or_else(|| known.map(|one| one.name.clone()));
        let kind = said.kind.or_else(|| known.map(|one| one.kind));
        Ok(Assignee {
            code: said.code,
            name: name.ok_or_else(|| missing("name"))?,
            kind: kind.ok_or_else(|| missing("kind"))?,
            capacity: said.capacity.over(known.map(|one| one.capacity), None),
            regions: said.regions.over(known.map(|one| one.regions.clone()), None),
            products: said.products.over(known.map(|one| one.products.clone()), None),
            status: said.status.over(known.map(|one| one.status), Status::Active),
            licence_expires_on: said
                .licence_expires_on
                .over(known.map(|one| one.licence_expires_on), None),
            evaluated_on: said.evaluated_on.over(known.map(|one| one.evaluated_on), None),
        })
    }
}

/// What the file says of a person.
#[derive(Clone, Debug)]
pub struct SaidUser {
    /// Where.
    pub at: At,
    /// What the person signs in with.
    pub login: String,
    /// A new password; without one a known person keeps theirs, a new one is given one that is shown once.
    pub password: Option<String>,
    name: Option<String>,
    organisation: Option<String>,
    roles: Option<Vec<Role>>,
    active: Said<bool>,
}

impl SaidUser {
    /// The person from now on, with the password as it is.
    pub fn over(&self, known: Option<&Person>) -> Read<Person> {
        let said = self.clone();
        let missing = |key| self.at.missing(key, &self.login);
        let roles = said.roles.or_else(|| known.map(|one| one.roles.clone()));
        let roles = roles.ok_or_else(|| missing("roles"))?;
        let organisation = said.organisation.or_else(|| known.map(|one| one.organisation.clone()));
        let organisation = match organisation {
            None if roles == [Role::Administrator] => String::new(),
            organisation => organisation.ok_or_else(|| missing("organisation"))?,
        };
        let name = said.name.or_else(|| known.map(|one| one.name.clone()));
        Ok(Person {
            login: said.login,
            name: name.ok_or_else(|| missing("name"))?,
            organisation,
            roles,
            active: said.active.over(known.map(|one| one.active), true),
            password_hash: known.and_then(|one| one.password_hash.clone()),
            language: known.and_then(|one| one.language),
        })
    }
}

/// Reads a parties file.
pub fn parse(text: &str) -> Read<Parties> {
    let document = Document::parse(text)?;
    let mut root = document.table();
    let lenders = root.tables("lender")?.into_iter().map(lender).collect::<Read<Vec<_>>>()?;
    once(lenders.iter().map(|one| (&one.at, one.code.as_str())))?;
    let users = root.tables("user")?.into_iter().map(user).collect::<Read<Vec<_>>>()?;
    once(users.iter().map(|one| (&one.at, one.login.as_str())))?;
    root.finish()?;
    Ok(Parties { lenders, users })
}

/// Refuses what stands twice.
fn once<'a>(named: impl Iterator<Item = (&'a At, &'a str)>) -> Read<()> {
    let mut seen = std::collections::BTreeSet::new();
    for (at, code) in named {
        if !seen.insert(code) {
            return Err(at.fault(format!("{code} stands twice; keep one of the two")));
        }
    }
    Ok(())
}

fn lender(mut table: Table<'_>) -> Read<SaidLender> {
    let at = At { line: table.line(), name: "lender" };
    let assignees =
        table.tables("assignee")?.into_iter().map(assignee).collect::<Read<Vec<_>>>()?;
    once(assignees.iter().map(|one| (&one.at, one.code.as_str())))?;
    let lender = SaidLender {
        at,
        code: table.need("code")?.code()?,
        name: maybe(&mut table, "name", Value::name)?,
        currency: maybe(&mut table, "currency", |value| {
            Currency::parse(value.text()?)
                .ok_or_else(|| value.fault("must be a currency code of three capitals, like CNY"))
        })?,
        timezone: maybe(&mut table, "timezone", timezone)?,
        language: said(&mut table, "language", |value| value.one_of())?,
        buckets: said(&mut table, "bucket", |value| buckets(value.tables()?))?,
        contact_policy: said(&mut table, "contact_policy", |value| {
            contact_policy::read(value.table()?)
        })?,
        assignees,
    };
    table.finish()?;
    Ok(lender)
}

fn timezone(value: &Value<'_>) -> Read<Tz> {
    let none = |_| value.fault("is no time zone; write an IANA name like Asia/Shanghai");
    value.text()?.parse().map_err(none)
}

fn buckets(tables: Vec<Table<'_>>) -> Read<Buckets> {
    let mut buckets: Vec<(String, i64)> = Vec::new();
    for mut table in tables {
        let name = table.need("name")?.name()?;
        let value = table.need("from")?;
        let from = value.whole(0, 100_000)?;
        let rises = buckets.last().map_or(from == 0, |(_, before)| from > *before);
        if !rises || buckets.iter().any(|(known, _)| *known == name) {
            return Err(
                value.fault("must rise from 0, bucket by bucket, each with a name of its own")
            );
        }
        table.finish()?;
        buckets.push((name, from));
    }
    Ok(if buckets.is_empty() { Buckets::default() } else { Buckets(buckets) })
}

/// No capacity is larger; without one it is unlimited.
const MOST_CAPACITY: i64 = 1_000_000_000;

fn assignee(mut table: Table<'_>) -> Read<SaidAssignee> {
    let at = At { line: table.line(), name: "lender.assignee" };
    let value = table.need("code")?;
    let code = value.code()?;
    if code == crate::ledger::chart::HOUSE {
        return Err(
            value.fault("is the name the ledger gives the lender's own hands; choose another code")
        );
    }
    let date = |value: &Value<'_>| value.date().map(Some);
    let names = |value: &Value<'_>| value.names().map(|names| Some(Names(names)));
    let assignee = SaidAssignee {
        at,
        code,
        name: maybe(&mut table, "name", Value::name)?,
        kind: maybe(&mut table, "kind", Value::one_of)?,
        capacity: said(&mut table, "capacity", |value| value.whole(0, MOST_CAPACITY).map(Some))?,
        regions: said(&mut table, "regions", names)?,
        products: said(&mut table, "products", names)?,
        status: said(&mut table, "status", Value::one_of)?,
        licence_expires_on: said(&mut table, "licence_expires_on", date)?,
        evaluated_on: said(&mut table, "evaluated_on", date)?,
    };
    table.finish()?;
    Ok(assignee)
}

fn user(mut table: Table<'_>) -> Read<SaidUser> {
    let at = At { line: table.line(), name: "user" };
    let user =
        SaidUser {
            at,
            login: table.need("login")?.name()?,
            name: maybe(&mut table, "name", Value::name)?,
            organisation: maybe(&mut table, "organisation", Value::code)?,
            roles: maybe(&mut table, "roles", roles)?,
            active: said(&mut table, "status", |value| {
                Ok(value.one_of::<Access>()? == Access::Active)
            })?,
            password: maybe(&mut table, "password", |value| match value.text()? {
                text if text.chars().count() < SHORTEST => {
                    Err(value.hidden(format!("must have at least {SHORTEST} characters")))
                }
                text => Ok(text.to_string()),
            })?,
        };
    table.finish()?;
    Ok(user)
}

fn roles(value: &Value<'_>) -> Read<Vec<Role>> {
    let mut roles = Vec::new();
    for name in value.names()? {
        let role = Role::parse(&name).ok_or_else(|| {
            value.fault(format!("names \"{name}\"; the roles are {}", Role::names()))
        })?;
        if !roles.contains(&role) {
            roles.push(role);
        }
    }
    roles.sort_unstable();
    Ok(roles)
}
