//! Setting up lenders, assignees and people from a parties file; doing it twice changes nothing.

use serde_json::json;

use super::{ContactPolicy, NewUser, Parties, PartyError, store};
use crate::audit::{Act, By};
use crate::db::{Db, write};
use crate::identity;
use crate::kernel::document::{Document, DocumentFault};

/// What a setup did.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct SetUp {
    /// Lenders created and updated.
    pub lenders: usize,
    /// Assignees created or updated.
    pub assignees: usize,
    /// People created or updated.
    pub users: usize,
    /// First passwords of people created without one, shown once.
    pub first_passwords: Vec<FirstPassword>,
}

/// A password to hand to a new person.
#[derive(Clone, Debug, serde::Serialize)]
pub struct FirstPassword {
    /// The login.
    pub login: String,
    /// The password.
    pub password: String,
}

/// Applies a parties file whole or not at all.
pub fn set_up(db: &mut Db, file: &str, text: &str, by: &By) -> Result<SetUp, PartyError> {
    let refused = |fault: DocumentFault| PartyError::File { file: file.to_string(), fault };
    let parties = super::parse(text).map_err(refused)?;
    write(db, "", |db| {
        let mut done = SetUp {
            lenders: parties.lenders.len(),
            users: parties.users.len(),
            ..SetUp::default()
        };
        for (lender, assignees) in &parties.lenders {
            done.assignees += assignees.len();
            set_up_lender(db, lender, assignees, by)?;
        }
        for user in &parties.users {
            check_organisation(db, &parties, user, text).map_err(|fault| match fault {
                Ok(fault) => refused(fault),
                Err(error) => PartyError::Db(error),
            })?;
            done.first_passwords.extend(set_up_user(db, user)?);
        }
        Ok(done)
    })
}

fn set_up_lender(
    db: &mut Db,
    lender: &super::Lender,
    assignees: &[super::Assignee],
    by: &By,
) -> Result<(), PartyError> {
    let before = store::lender(db, &lender.code)?;
    match &before {
        None => store::add_lender(db, lender)?,
        Some(known) if known.currency != lender.currency => {
            return Err(PartyError::CurrencyFixed(lender.code.clone(), known.currency.to_string()));
        }
        Some(known) => {
            store::save_lender(db, lender)?;
            if known.buckets != lender.buckets {
                store::add_buckets(db, &lender.code, &lender.buckets)?;
            }
        }
    }
    let known = store::assignees(db, &lender.code)?;
    for assignee in assignees {
        store::save_assignee(
            db,
            &lender.code,
            assignee,
            known.iter().any(|one| one.code == assignee.code),
        )?;
    }
    if before.as_ref() == Some(lender) && assignees.iter().all(|assignee| known.contains(assignee))
    {
        return Ok(());
    }
    let mut act = Act::begin(db, &lender.code, by)?;
    let policy_before = before.map_or_else(ContactPolicy::default, |known| known.contact_policy);
    if policy_before != lender.contact_policy {
        store::add_contact_policy(db, &mut act, &lender.contact_policy)?;
    }
    let codes: Vec<&str> = assignees.iter().map(|assignee| assignee.code.as_str()).collect();
    act.finish(db, "parties set up", &json!({"name": lender.name, "assignees": codes}))?;
    Ok(())
}

/// An organisation is a lender or an assignee, in the file or known already.
fn check_organisation(
    db: &mut Db,
    parties: &Parties,
    user: &NewUser,
    text: &str,
) -> Result<(), Result<DocumentFault, diesel::result::Error>> {
    let in_file = parties.lenders.iter().any(|(lender, assignees)| {
        lender.code == user.organisation
            || assignees.iter().any(|one| one.code == user.organisation)
    });
    let known = in_file
        || store::lender(db, &user.organisation).map_err(Err)?.is_some()
        || !store::lenders_of(db, &user.organisation).map_err(Err)?.is_empty()
        || user.roles.contains(&identity::Role::Administrator);
    if known {
        return Ok(());
    }
    let fault = Document::parse(text).ok().and_then(|document| {
        let tables = document.table().tables("user").ok()?;
        let mut table = tables.into_iter().find_map(|mut table| {
            let login = table.take("login")?.text().ok()?.to_string();
            (login == user.login).then_some(table)
        })?;
        Some(table.take("organisation")?.fault("is neither a lender nor an assignee"))
    });
    Err(Ok(fault.unwrap_or(DocumentFault {
        line: 1,
        message: format!("{} has no organisation", user.login),
    })))
}

fn set_up_user(db: &mut Db, user: &NewUser) -> Result<Option<FirstPassword>, PartyError> {
    let known = identity::store::person(db, &user.login)?;
    let fresh = known.is_none() && user.password.is_none();
    let password = match (&user.password, fresh) {
        (Some(password), _) => Some(password.clone()),
        (None, true) => Some(identity::password::generate()),
        (None, false) => None,
    };
    let hash = password
        .as_deref()
        .map(identity::password::hash)
        .transpose()
        .map_err(PartyError::Password)?;
    identity::store::save_person(db, user, hash.as_deref(), known.is_some())?;
    let first = password.filter(|_| fresh);
    Ok(first.map(|password| FirstPassword { login: user.login.clone(), password }))
}
