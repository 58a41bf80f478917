//! A parties file becomes lenders, assignees and users, or is refused with the key and its line.

use super::{Assignee, AssigneeKind, Buckets, ContactPolicy, Lang, Lender, Status, contact_policy};
use crate::identity::Role;
use crate::kernel::Currency;
use crate::kernel::document::{Document, DocumentFault, Table};

/// A parties file.
#[derive(Clone, Debug)]
pub struct Parties {
    /// Lenders with their assignees.
    pub lenders: Vec<(Lender, Vec<Assignee>)>,
    /// People.
    pub users: Vec<NewUser>,
}

/// A person named in a parties file.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// What the person signs in with.
    pub login: String,
    /// The person's name.
    pub name: String,
    /// A lender's or an agency's code.
    pub organisation: String,
    /// What the person may do.
    pub roles: Vec<Role>,
    /// A first password; without one, a new person is given one that is shown once.
    pub password: Option<String>,
}

type Read<T> = Result<T, DocumentFault>;

/// Reads a parties file.
pub fn parse(text: &str) -> Read<Parties> {
    let document = Document::parse(text)?;
    let mut root = document.table();
    let mut lenders: Vec<(Lender, Vec<Assignee>)> = Vec::new();
    for table in root.tables("lender")? {
        let line = table.line();
        let (lender, assignees) = lender(table)?;
        if lenders.iter().any(|(known, _)| known.code == lender.code) {
            return Err(DocumentFault {
                line,
                message: format!("lender {} stands twice in this file", lender.code),
            });
        }
        lenders.push((lender, assignees));
    }
    let users = root.tables("user")?.into_iter().map(user).collect::<Read<Vec<_>>>()?;
    root.finish()?;
    Ok(Parties { lenders, users })
}

fn lender(mut table: Table<'_>) -> Read<(Lender, Vec<Assignee>)> {
    let code = table.need("code")?.code()?;
    let name = table.need("name")?.name()?;
    let value = table.need("currency")?;
    let currency = Currency::parse(value.text()?)
        .ok_or_else(|| value.fault("must be a currency code of three capitals, like CNY"))?;
    let value = table.need("timezone")?;
    let timezone = value.text()?.to_string();
    if timezone.parse::<chrono_tz::Tz>().is_err() {
        return Err(value.fault("is no time zone; write an IANA name like Asia/Shanghai"));
    }
    let language = match table.take("language") {
        Some(value) => value.one_of(&[("zh", Lang::Zh), ("en", Lang::En)])?,
        None if currency.code() == "CNY" => Lang::Zh,
        None => Lang::En,
    };
    let buckets = buckets(table.tables("bucket")?)?;
    let contact_policy = match table.take("contact_policy") {
        Some(value) => contact_policy::read(value.table()?)?,
        None => ContactPolicy::default(),
    };
    let mut assignees: Vec<Assignee> = Vec::new();
    for inner in table.tables("assignee")? {
        let line = inner.line();
        let assignee = assignee(inner)?;
        if assignees.iter().any(|known| known.code == assignee.code) {
            return Err(DocumentFault {
                line,
                message: format!("assignee {} stands twice in lender {code}", assignee.code),
            });
        }
        assignees.push(assignee);
    }
    table.finish()?;
    Ok((Lender { code, name, currency, timezone, language, buckets, contact_policy }, assignees))
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

fn assignee(mut table: Table<'_>) -> Read<Assignee> {
    let value = table.need("code")?;
    let code = value.code()?;
    if code == crate::ledger::chart::HOUSE {
        return Err(
            value.fault("is the name the ledger gives the lender's own hands; choose another code")
        );
    }
    let name = table.need("name")?.name()?;
    let kind = table
        .need("kind")?
        .one_of(&[("agency", AssigneeKind::Agency), ("team", AssigneeKind::Team)])?;
    let statuses =
        [("active", Status::Active), ("suspended", Status::Suspended), ("exited", Status::Exited)];
    let assignee = Assignee {
        code,
        name,
        kind,
        capacity: table.take("capacity").map(|value| value.whole(0, i64::MAX)).transpose()?,
        regions: table.take("regions").map(|value| value.names()).transpose()?,
        products: table.take("products").map(|value| value.names()).transpose()?,
        status: table.take("status").map_or(Ok(Status::Active), |value| value.one_of(&statuses))?,
        licence_expires_on: table
            .take("licence_expires_on")
            .map(|value| value.date())
            .transpose()?,
        evaluated_on: table.take("evaluated_on").map(|value| value.date()).transpose()?,
    };
    table.finish()?;
    Ok(assignee)
}

fn user(mut table: Table<'_>) -> Read<NewUser> {
    let login = table.need("login")?.name()?;
    let name = table.need("name")?.name()?;
    let organisation = table.need("organisation")?.code()?;
    let value = table.need("roles")?;
    let mut roles = Vec::new();
    for role in value.names()? {
        let known = Role::parse(&role).ok_or_else(|| {
            value.fault(format!("names \"{role}\"; the roles are {}", Role::names()))
        })?;
        roles.push(known);
    }
    let password = match table.take("password") {
        Some(value) if value.text()?.chars().count() < 8 => {
            return Err(value.fault("must have at least 8 characters"));
        }
        Some(value) => Some(value.text()?.to_string()),
        None => None,
    };
    table.finish()?;
    Ok(NewUser { login, name, organisation, roles, password })
}
