//! What has come in during the open month and waits for somebody: recalls and requests, holds, contact records,
//! complaints and an evaluation.

use std::collections::BTreeMap;

use super::{DemoError, LENDER, Loading, day, failed};
use crate::conduct::complaint::{NewComplaint, NewDecision};
use crate::conduct::contacts::{Contacts, Sender};
use crate::conduct::evaluation::NewEvaluation;
use crate::conduct::{Severity, complaint, evaluation};
use crate::hold::HoldKind;
use crate::hold::change::{Change, Holding, change};
use crate::placement::recall::recall;
use crate::placement::step::{Selection, take};
use crate::placement::{self, Action, Instruction};
use crate::portfolio::named::Named;

/// The accounts that each agency has in hands, in order.
type Hands = BTreeMap<String, Vec<String>>;

impl Loading<'_> {
    /// The middle of the open month, day by day.
    pub(super) fn wait(&mut self) -> Result<(), DemoError> {
        let hands = self.hands()?;
        let of = |agency: &str, from: usize, count: usize| -> Vec<String> {
            hands.get(agency).map_or_else(Vec::new, |own| {
                own.iter().skip(from).step_by(7).take(count).cloned().collect()
            })
        };
        self.contacts("A01", &of("A01", 0, 220))?;
        self.contacts("A03", &of("A03", 0, 180))?;
        self.evaluate("A04", "2026-11-05", 78, "年度现场评估：录音留存不全，限期整改")?;
        self.complaints(&of)?;
        self.hold(&of("A02", 2, 6), HoldKind::Hardship, "提交困难证明，待核", "2026-11-10")?;
        self.recalls(&of("A03", 3, 40))?;
        self.returns(&of("A01", 4, 5))?;
        self.retentions(&of("A02", 5, 3))?;
        self.say(
            "waiting in November: recalls and objections, returns, retentions, complaints – see the requests page".to_string(),
        );
        Ok(())
    }

    fn complaints(
        &mut self,
        of: &impl Fn(&str, usize, usize) -> Vec<String>,
    ) -> Result<(), DemoError> {
        self.complain(
            "TS-2026-101",
            "A03",
            of("A03", 1, 1).pop(),
            "2026-11-06",
            Severity::High,
            "深夜致电，并联系同事",
        )?;
        self.complain(
            "TS-2026-102",
            "A06",
            of("A06", 1, 1).pop(),
            "2026-11-09",
            Severity::Medium,
            "称已还款仍被催收",
        )?;
        self.complain(
            "TS-2026-103",
            "A01",
            of("A01", 1, 1).pop(),
            "2026-11-13",
            Severity::Low,
            "要求提供债权证明",
        )?;
        self.decide_complaint("TS-2026-101", "2026-11-12", "通话录音属实，违反联系时段")
    }

    fn recalls(&mut self, recalled: &[String]) -> Result<(), DemoError> {
        self.ask_back("recall-2026-11.csv", recalled, "litigation", "2026-11-14")?;
        self.step(
            &recalled[..recalled.len().min(30)],
            Action::Acknowledge,
            Some("A03"),
            "2026-11-14",
        )?;
        let objecting = &recalled[recalled.len().min(30)..recalled.len().min(32)];
        self.step(
            objecting,
            Action::Object("已谈妥分期，首期约定本月25日"),
            Some("A03"),
            "2026-11-16",
        )
    }

    fn returns(&mut self, returned: &[String]) -> Result<(), DemoError> {
        self.step(
            returned,
            Action::AskReturn("号码全部失效，已函寄无人签收"),
            Some("A01"),
            "2026-11-12",
        )?;
        self.step(
            &returned[..returned.len().min(2)],
            Action::DecideReturn(true, Some("核实属实")),
            None,
            "2026-11-13",
        )
    }

    fn retentions(&mut self, kept: &[String]) -> Result<(), DemoError> {
        self.step(
            kept,
            Action::AskRetention(day("2027-03-31")?, "已签分期协议，末期三月"),
            Some("A02"),
            "2026-11-15",
        )?;
        self.step(
            &kept[..kept.len().min(1)],
            Action::DecideRetention(true, None),
            None,
            "2026-11-17",
        )
    }

    fn hands(&mut self) -> Result<Hands, DemoError> {
        let mut hands = Hands::new();
        placement::store::each(self.db, LENDER, |one| {
            if one.closed_on.is_none() {
                hands.entry(one.span.assignee).or_default().push(one.span.account_no);
            }
            Ok::<(), diesel::result::Error>(())
        })
        .map_err(failed)?;
        hands.values_mut().for_each(|own| own.sort());
        Ok(hands)
    }

    fn contacts(&mut self, agency: &str, accounts: &[String]) -> Result<(), DemoError> {
        let path = self.book.contacts(agency, accounts).map_err(failed)?;
        let done = self.take_in(&path, Contacts::of(agency, Sender::Agency, self.key))?;
        self.say(format!(
            "contact records of {agency}: {} taken in, {} rejected",
            done.accepted, done.rejected
        ));
        Ok(())
    }

    fn evaluate(
        &mut self,
        agency: &str,
        on: &str,
        result: i64,
        text: &str,
    ) -> Result<(), DemoError> {
        let (agency, on, text) = (agency.to_string(), day(on)?, text.to_string());
        let new = NewEvaluation { agency, on, result, text, allow_future: false };
        evaluation::evaluate(self.db, LENDER, &new, &self.by).map(|_| ()).map_err(failed)
    }

    fn complain(
        &mut self,
        reference: &str,
        agency: &str,
        account_no: Option<String>,
        on: &str,
        severity: Severity,
        text: &str,
    ) -> Result<(), DemoError> {
        let (agency, reference) = (agency.to_string(), Some(reference.to_string()));
        let new = NewComplaint {
            agency,
            account_no,
            received_on: day(on)?,
            severity,
            text: text.to_string(),
            reference,
            allow_future: false,
        };
        complaint::add(self.db, LENDER, &new, &self.by).map(|_| ()).map_err(failed)
    }

    fn decide_complaint(&mut self, reference: &str, on: &str, text: &str) -> Result<(), DemoError> {
        let new = NewDecision {
            reference: reference.to_string(),
            upheld: true,
            on: day(on)?,
            text: text.to_string(),
            deduction: Some("2000.00".to_string()),
            corrects: None,
        };
        complaint::decide(self.db, LENDER, &new, &self.by).map(|_| ()).map_err(failed)
    }

    fn hold(
        &mut self,
        accounts: &[String],
        kind: HoldKind,
        reason: &str,
        on: &str,
    ) -> Result<(), DemoError> {
        let holding = Holding { change: Change::Open(None), kind, reason, on: day(on)? };
        change(self.db, LENDER, &Named::Accounts(accounts), holding, &self.by)
            .map(|_| ())
            .map_err(failed)
    }

    fn ask_back(
        &mut self,
        file: &str,
        accounts: &[String],
        reason: &str,
        on: &str,
    ) -> Result<(), DemoError> {
        let path = self.book.named(file, accounts).map_err(failed)?;
        let selection = Selection::Named(Named::File(&path));
        let done = recall(self.db, LENDER, &selection, reason, day(on)?, false, &self.by)
            .map_err(failed)?;
        self.say(format!(
            "asked back on {on}: {} placements, their agency may object for five days",
            done.requested
        ));
        Ok(())
    }

    fn step(
        &mut self,
        accounts: &[String],
        action: Action<'_>,
        agency: Option<&str>,
        on: &str,
    ) -> Result<(), DemoError> {
        let selection = Selection::Named(Named::Accounts(accounts));
        let instruction = Instruction { action, agency, on: day(on)? };
        let done = take(self.db, LENDER, &selection, &instruction, &self.by).map_err(failed)?;
        match done.refused.first() {
            Some(one) => Err(failed(format!("{}: {}", one.account_no, one.reason))),
            None => Ok(()),
        }
    }
}
