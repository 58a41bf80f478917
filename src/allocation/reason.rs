//! Why an account went where it went: kept as a short code, told in words of either language.

use std::borrow::Cow;
use std::fmt;

use super::gates::Gate;
use crate::kernel::Spelled;
use crate::kernel::text::is_code;
use crate::party::Lang;

/// A reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Its share of the stratum, by a method of shares: assignee, its accounts, all accounts.
    Share(String, i64, i64),
    /// The optimum: assignee, its accounts, all accounts.
    Optimum(String, i64, i64),
    /// Held back to explore: assignee, its accounts, all explored.
    Explore(String, i64, i64),
    /// The debtor is with this assignee already.
    Follow(String),
    /// The debtor is with an assignee that cannot take it: which, and why not.
    Wait(String, String),
    /// No gate is open.
    NoGate,
    /// The limits of every eligible assignee are used up.
    Full,
    /// No eligible assignee has a share.
    NoShare,
    /// Nobody has room for all accounts of the debtor.
    NoRoomTogether,
    /// In words, as the runs of long ago were kept before there were codes.
    Words(String),
}

/// A reason with what goes along with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// The reason.
    pub reason: Reason,
    /// How many accounts of the debtor were dealt as one.
    pub together: i64,
    /// The number, in the run, of the list of gates that were closed.
    pub refusals: Option<i64>,
}

impl fmt::Display for Why {
    /// The short code: what is stored.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::Share(code, own, all) => write!(f, "share {code} {own} {all}")?,
            Reason::Optimum(code, own, all) => write!(f, "optimum {code} {own} {all}")?,
            Reason::Explore(code, own, all) => write!(f, "explore {code} {own} {all}")?,
            Reason::Follow(code) => write!(f, "follow {code}")?,
            Reason::Wait(code, why) => write!(f, "wait {code} {why}")?,
            Reason::NoGate => f.write_str("no-gate")?,
            Reason::Full => f.write_str("full")?,
            Reason::NoShare => f.write_str("no-share")?,
            Reason::NoRoomTogether => f.write_str("no-room-together")?,
            Reason::Words(words) => f.write_str(words)?,
        }
        if self.together > 1 {
            write!(f, " +{}", self.together)?;
        }
        self.refusals.map_or(Ok(()), |list| write!(f, " #{list}"))
    }
}

impl Spelled for Why {
    const WHAT: &'static str = "reason of a run";

    fn spelling(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }

    fn from_spelling(text: String) -> Result<Why, String> {
        let code = Why::parse(&text).filter(|why| why.to_string() == text);
        Ok(code.unwrap_or(Why { reason: Reason::Words(text), together: 1, refusals: None }))
    }
}

/// A list of closed gates: `A03=rotation,A04=region`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusals(pub String);

impl Spelled for Refusals {
    const WHAT: &'static str = "list of closed gates";

    fn spelling(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.0)
    }

    fn from_spelling(text: String) -> Result<Refusals, String> {
        let closed = |pair: &str| {
            pair.split_once('=')
                .is_some_and(|(code, gate)| is_code(code) && Gate::parse(gate).is_some())
        };
        if text.split(',').all(closed) { Ok(Refusals(text)) } else { Err(text) }
    }
}

impl Why {
    /// Reads a stored code; `None` when it is none.
    pub fn parse(text: &str) -> Option<Why> {
        let mut words: Vec<&str> = text.split(' ').collect();
        let mut tail = |mark: char| {
            let number = words
                .last()
                .and_then(|last| last.strip_prefix(mark))
                .and_then(|number| number.parse().ok());
            if number.is_some() {
                words.pop();
            }
            number
        };
        let refusals = tail('#');
        let together = tail('+').unwrap_or(1);
        let number = |text: &str| text.parse::<i64>().ok();
        let reason = match words.as_slice() {
            ["share", code, own, all] => {
                Reason::Share((*code).to_string(), number(own)?, number(all)?)
            }
            ["optimum", code, own, all] => {
                Reason::Optimum((*code).to_string(), number(own)?, number(all)?)
            }
            ["explore", code, own, all] => {
                Reason::Explore((*code).to_string(), number(own)?, number(all)?)
            }
            ["follow", code] => Reason::Follow((*code).to_string()),
            ["wait", code, why] => Reason::Wait((*code).to_string(), (*why).to_string()),
            ["no-gate"] => Reason::NoGate,
            ["full"] => Reason::Full,
            ["no-share"] => Reason::NoShare,
            ["no-room-together"] => Reason::NoRoomTogether,
            _ => return None,
        };
        Some(Why { reason, together, refusals })
    }

    /// How the account was decided, as the assignment file names it.
    pub fn method<'a>(&self, of_run: &'a str) -> &'a str {
        match self.reason {
            Reason::Explore(..) => "exploration",
            _ => of_run,
        }
    }

    /// In words.
    pub fn words(&self, t: Lang, method: &str, refusals: &str) -> String {
        let mut words = match (&self.reason, t) {
            (Reason::Share(code, own, all), Lang::En) => {
                format!("{method} share: {code} gets {own} of {all} in this stratum")
            }
            (Reason::Share(code, own, all), Lang::Zh) => {
                format!("按{}分配：本层 {all} 户中 {code} 得 {own} 户", method_word(method))
            }
            (Reason::Optimum(code, own, all), Lang::En) => {
                format!(
                    "optimum: the expected net recovery of the run is greatest when {code} gets {own} of {all} in this stratum"
                )
            }
            (Reason::Optimum(code, own, all), Lang::Zh) => {
                format!("最优分配：本层 {all} 户中 {code} 得 {own} 户时，全批预期净回款最大")
            }
            (Reason::Explore(code, own, all), Lang::En) => {
                format!(
                    "held back to explore: dealt by chance, {code} gets {own} of {all} in this stratum"
                )
            }
            (Reason::Explore(code, own, all), Lang::Zh) => {
                format!("探索样本：随机均分，本层 {all} 户中 {code} 得 {own} 户")
            }
            (Reason::Follow(code), Lang::En) => {
                format!("follows the debtor's other account to {code}")
            }
            (Reason::Follow(code), Lang::Zh) => format!("共债合并：随债务人其他案件委予 {code}"),
            (Reason::Wait(code, why), t) => waits(code, why, t),
            (Reason::NoGate, Lang::En) => "no eligible assignee".to_string(),
            (Reason::NoGate, Lang::Zh) => "无符合准入条件的受托方".to_string(),
            (Reason::Full, Lang::En) => {
                "the limits of every eligible assignee are used up".to_string()
            }
            (Reason::Full, Lang::Zh) => "符合条件的受托方均已达上限".to_string(),
            (Reason::NoShare, Lang::En) => {
                "no eligible assignee has a share in this strategy".to_string()
            }
            (Reason::NoShare, Lang::Zh) => "符合条件的受托方在本策略中均无份额".to_string(),
            (Reason::NoRoomTogether, Lang::En) => {
                "no eligible assignee has room for all of the debtor's accounts".to_string()
            }
            (Reason::NoRoomTogether, Lang::Zh) => "没有受托方能容纳该债务人的全部案件".to_string(),
            (Reason::Words(words), _) => words.clone(),
        };
        if self.together > 1 {
            words += &match t {
                Lang::En => format!("; {} accounts of the debtor stay together", self.together),
                Lang::Zh => format!("；同一债务人 {} 户合并委出", self.together),
            };
        }
        if !refusals.is_empty() {
            words += &match t {
                Lang::En => format!("; closed gates: {refusals}"),
                Lang::Zh => format!("；未开放：{refusals}"),
            };
        }
        words
    }
}

fn waits(code: &str, why: &str, t: Lang) -> String {
    match (why, t) {
        ("absent", Lang::En) => format!(
            "waits: the debtor's other account is with {code}, which takes no part in this run"
        ),
        ("absent", Lang::Zh) => format!("等待：债务人其他案件在 {code}，其不参与本次分案"),
        ("full", Lang::En) => {
            format!("waits: the debtor's other account is with {code}, whose limit is used up")
        }
        ("full", Lang::Zh) => format!("等待：债务人其他案件在 {code}，其已达上限"),
        (gate, Lang::En) => {
            format!("waits: the debtor's other account is with {code}, whose gate {gate} is closed")
        }
        (gate, Lang::Zh) => {
            format!("等待：债务人其他案件在 {code}，其未通过准入（{}）", gate_word(gate, t))
        }
    }
}

/// A method as the Chinese interface names it.
pub fn method_word(method: &str) -> &str {
    match method {
        "equal" => "均分",
        "fixed" => "固定比例",
        "score" => "评分比例",
        "optimise" => "最优",
        other => other,
    }
}

/// A gate in words.
pub fn gate_word(gate: &str, t: Lang) -> &str {
    match (t, gate) {
        (Lang::En, other) => other,
        (Lang::Zh, "status") => "状态",
        (Lang::Zh, "licence") => "资质到期",
        (Lang::Zh, "contract") => "无生效协议",
        (Lang::Zh, "evaluation") => "评估过期",
        (Lang::Zh, "conduct") => "合规",
        (Lang::Zh, "region") => "地区",
        (Lang::Zh, "product") => "产品",
        (Lang::Zh, "rotation") => "轮换",
        (Lang::Zh, "capacity") => "容量",
        (Lang::Zh, other) => other,
    }
}

/// A stored list of refusals (`A02=region,A03=capacity`) in words.
pub fn refusal_words(list: &str, t: Lang) -> String {
    let one = |pair: &str| match pair.split_once('=') {
        Some((code, gate)) => format!("{code} {}", gate_word(gate, t)),
        None => pair.to_string(),
    };
    let joint = if t == Lang::Zh { "、" } else { ", " };
    list.split(',').filter(|pair| !pair.is_empty()).map(one).collect::<Vec<_>>().join(joint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_back_as_they_were_written() {
        let reasons = [
            Reason::Share("A01".into(), 4, 10),
            Reason::Optimum("A01".into(), 4, 10),
            Reason::Explore("A01".into(), 1, 3),
            Reason::Follow("A02".into()),
            Reason::Wait("A02".into(), "rotation".into()),
            Reason::NoGate,
            Reason::Full,
            Reason::NoShare,
            Reason::NoRoomTogether,
        ];
        for reason in reasons {
            for (together, refusals) in [(1, None), (3, None), (1, Some(0)), (2, Some(17))] {
                let why = Why { reason: reason.clone(), together, refusals };
                assert_eq!(Why::parse(&why.to_string()), Some(why.clone()), "{why}");
                assert!(!why.words(Lang::Zh, "equal", "").is_empty());
            }
        }
        assert_eq!(Why::parse("something else"), None);
    }
}
