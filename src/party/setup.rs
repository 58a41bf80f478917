//! Setting up lenders, assignees and people from a parties file; doing it twice changes nothing. What is changed is an
//! event: of lenders and assignees in the lender's book, of people in the chain of the installation.

use std::collections::BTreeSet;

use serde_json::json;

use super::parse::{At, SaidAssignee, SaidLender, SaidUser};
use super::record::{ASSIGNEE, LENDER, assignee_state, lender_state};
use super::{Assignee, AssigneeKind, Lender, Parties, PartyError, store};
use crate::audit::{self, Act, By, Change, History, INSTALLATION};
use crate::db::{Db, write_all};
use crate::identity::people::Changing;
use crate::identity::{self, Organisation, Person, Role, password};
use crate::kernel::document::DocumentFault;

/// What a setup did.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct SetUp {
    /// Lenders created and updated.
    pub lenders: usize,
    /// Assignees created or updated.
    pub assignees: usize,
    /// People created or updated.
    pub users: usize,
    /// Sessions ended, of people who were disabled or given another password.
    pub sessions_ended: usize,
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

/// A refusal of the file, or a failure.
enum Refused {
    Fault(DocumentFault),
    Other(PartyError),
}

impl From<DocumentFault> for Refused {
    fn from(fault: DocumentFault) -> Refused {
        Refused::Fault(fault)
    }
}

impl From<PartyError> for Refused {
    fn from(error: PartyError) -> Refused {
        Refused::Other(error)
    }
}

impl From<diesel::result::Error> for Refused {
    fn from(error: diesel::result::Error) -> Refused {
        Refused::Other(error.into())
    }
}

/// Applies a parties file whole or not at all.
pub fn set_up(db: &mut Db, file: &str, text: &str, by: &By) -> Result<SetUp, PartyError> {
    apply(db, text, by).map_err(|refused| match refused {
        Refused::Fault(fault) => PartyError::File { file: file.to_string(), fault },
        Refused::Other(error) => error,
    })
}

fn apply(db: &mut Db, text: &str, by: &By) -> Result<SetUp, Refused> {
    let parties = super::parse(text)?;
    // Before the books are taken: a hash takes its time on purpose.
    let secrets =
        parties.users.iter().map(|user| Secret::of(db, user)).collect::<Result<Vec<_>, _>>()?;
    let books: BTreeSet<&str> = parties.lenders.iter().map(|one| one.code.as_str()).collect();
    let books: Vec<&str> = books.into_iter().chain([INSTALLATION]).collect();
    write_all(db, &books, |db| {
        let mut done = SetUp {
            lenders: parties.lenders.len(),
            assignees: parties.lenders.iter().map(|one| one.assignees.len()).sum(),
            users: parties.users.len(),
            ..SetUp::default()
        };
        for lender in &parties.lenders {
            set_up_lender(db, lender, by)?;
        }
        let mut changing = Changing::begin(db)?;
        for (user, secret) in parties.users.iter().zip(secrets) {
            done.first_passwords.extend(set_up_user(db, &mut changing, user, secret)?);
        }
        done.sessions_ended = changing.sessions_ended;
        changing.finish(db, by, "people set up")?;
        keep_people_apart(db, &parties)?;
        Ok(done)
    })
}

fn set_up_lender(db: &mut Db, said: &SaidLender, by: &By) -> Result<(), Refused> {
    let before = store::lender(db, &said.code)?;
    let lender = said.over(before.as_ref())?;
    match &before {
        None => store::add_lender(db, &lender)?,
        Some(known) if known.currency != lender.currency => {
            let currency = known.currency.to_string();
            return Err(PartyError::CurrencyFixed(lender.code, currency).into());
        }
        Some(known) => {
            store::save_lender(db, &lender)?;
            if known.buckets != lender.buckets {
                store::add_buckets(db, &lender.code, &lender.buckets)?;
            }
        }
    }
    let known = store::assignees(db, &lender.code)?;
    let mut changes = unrecorded(db, before.as_ref(), &known)?;
    changes.extend(Change::of(
        LENDER,
        &lender.code,
        before.as_ref().map(lender_state),
        lender_state(&lender),
    ));
    for said in &said.assignees {
        let known = known.iter().find(|one| one.code == said.code);
        changes.extend(set_up_assignee(db, &lender, said, known)?);
    }
    let policy_before = before.map(|known| known.contact_policy).unwrap_or_default();
    let policy_changed = policy_before != lender.contact_policy;
    if changes.is_empty() && !policy_changed {
        return Ok(());
    }
    let mut act = Act::begin(db, &lender.code, by)?;
    if policy_changed {
        store::add_contact_policy(db, &mut act, &lender.contact_policy)?;
    }
    let codes: Vec<&str> = said.assignees.iter().map(|one| one.code.as_str()).collect();
    let summary = json!({"name": lender.name, "assignees": codes, "changes": changes});
    act.finish(db, "parties set up", &summary)?;
    Ok(())
}

/// What the book does not speak of yet, since it was set up by an earlier version: all of it, as it stands.
fn unrecorded(
    db: &mut Db,
    lender: Option<&Lender>,
    assignees: &[Assignee],
) -> Result<Vec<Change>, Refused> {
    let Some(lender) = lender else { return Ok(Vec::new()) };
    if !History::of(&audit::events(db, &lender.code)?).states.is_empty() {
        return Ok(Vec::new());
    }
    let lender = Change::of(LENDER, &lender.code, None, lender_state(lender));
    let assignees = assignees
        .iter()
        .filter_map(|one| Change::of(ASSIGNEE, &one.code, None, assignee_state(one)));
    Ok(lender.into_iter().chain(assignees).collect())
}

fn set_up_assignee(
    db: &mut Db,
    lender: &Lender,
    said: &SaidAssignee,
    known: Option<&Assignee>,
) -> Result<Option<Change>, Refused> {
    let assignee = said.over(known)?;
    if known.is_some_and(|one| one.kind != assignee.kind)
        && store::has_placements(db, &lender.code, &assignee.code)?
    {
        return Err(said
            .at
            .fault(format!(
                "`kind` of {} cannot change: it has been given accounts; set up another assignee",
                assignee.code
            ))
            .into());
    }
    let (before, after) = (known.map(assignee_state), assignee_state(&assignee));
    let change = Change::of(ASSIGNEE, &assignee.code, before, after);
    if change.is_some() {
        store::save_assignee(db, &lender.code, &assignee, known.is_some())?;
    }
    Ok(change)
}

/// A password to be stored, hashed.
struct Secret {
    hash: String,
    /// The password itself, when the person is to be told.
    first: Option<String>,
}

impl Secret {
    /// The password that a file gives somebody anew; the one a person has already is left as it is.
    fn of(db: &mut Db, user: &SaidUser) -> Result<Option<Secret>, Refused> {
        let known = identity::store::person(db, &user.login)?;
        let hash = known.as_ref().and_then(|known| known.password_hash.as_deref());
        let (password, first) = match &user.password {
            Some(same) if hash.is_some_and(|hash| password::verify(same, hash)) => return Ok(None),
            Some(given) => (given.clone(), None),
            None if known.is_some() => return Ok(None),
            None => {
                let password = password::generate();
                (password.clone(), Some(password))
            }
        };
        let hash = password::hash(&password).map_err(PartyError::Password)?;
        Ok(Some(Secret { hash, first }))
    }
}

fn set_up_user(
    db: &mut Db,
    changing: &mut Changing,
    said: &SaidUser,
    secret: Option<Secret>,
) -> Result<Option<FirstPassword>, Refused> {
    let known = identity::store::person(db, &said.login)?;
    let mut person = said.over(known.as_ref())?;
    fits(db, &person, &said.at)?;
    // Somebody who was set up a moment ago has a first password already.
    let secret = secret.filter(|secret| secret.first.is_none() || known.is_none());
    if let Some(secret) = &secret {
        person.password_hash = Some(secret.hash.clone());
    }
    changing.save(db, known.as_ref(), &person, None)?;
    let first = secret.and_then(|secret| secret.first);
    Ok(first.map(|password| FirstPassword { login: person.login, password }))
}

/// What an organisation is, as the lenders' and assignees' rows have it.
fn kinds(db: &mut Db, code: &str) -> Result<BTreeSet<Organisation>, Refused> {
    let mut kinds = BTreeSet::new();
    if store::lender(db, code)?.is_some() {
        kinds.insert(Organisation::Lender);
    }
    for (_, kind) in store::served_by(db, code)? {
        kinds.insert(match kind {
            AssigneeKind::Agency => Organisation::Agency,
            AssigneeKind::Team => Organisation::Team,
        });
    }
    if kinds.is_empty() {
        kinds.insert(Organisation::Installation);
    }
    Ok(kinds)
}

/// Refuses a role that the person's organisation cannot have, and an organisation that is two.
fn fits(db: &mut Db, person: &Person, at: &At) -> Result<(), Refused> {
    let code = &person.organisation;
    let kinds = kinds(db, code)?;
    let unfit = person.roles.iter().find(|role| !kinds.iter().any(|kind| role.fits(*kind)));
    if let Some(role) = unfit {
        return Err(at.fault(refusal(&person.login, *role, code, &kinds)).into());
    }
    let served = store::served_by(db, code)?;
    if kinds.contains(&Organisation::Team) && served.len() > 1 {
        let lenders: Vec<&str> = served.iter().map(|(lender, _)| lender.as_str()).collect();
        return Err(at.fault(format!(
            "{} would be of several organisations: {code} is an assignee of {} and a team of one of them; \
             give the team a code of its own",
            person.login,
            lenders.join(" and ")
        )).into());
    }
    Ok(())
}

fn refusal(login: &str, role: Role, code: &str, kinds: &BTreeSet<Organisation>) -> String {
    let names = |roles: &[Role]| {
        let names: Vec<&str> = roles.iter().copied().map(Role::name).collect();
        names.join(", ")
    };
    if role == Role::Administrator {
        return format!(
            "gives {login} the role administrator, but {code} is a lender or an assignee; an administrator \
             belongs to none: leave `organisation` out"
        );
    }
    let said: Vec<String> = kinds
        .iter()
        .map(|kind| format!("{} (its people can be: {})", kind.name(), names(kind.roles())))
        .collect();
    let code = if code.is_empty() { "the organisation left out" } else { code };
    format!("gives {login} the role {}, but {code} is {}", role.name(), said.join(" and "))
}

/// Refuses a lender or an assignee whose code is the organisation of people it would take in unasked.
fn keep_people_apart(db: &mut Db, parties: &Parties) -> Result<(), Refused> {
    for lender in &parties.lenders {
        let assignees = lender.assignees.iter().map(|one| (&one.at, &one.code));
        for (at, code) in assignees.chain([(&lender.at, &lender.code)]) {
            for person in identity::store::people_of(db, code)? {
                fits(db, &person, at)?;
            }
        }
    }
    Ok(())
}
