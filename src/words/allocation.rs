//! Allocation in words: why accounts went where they went, why a run is refused, and what it found.

use chrono::NaiveDate;

use super::count;
use crate::allocation::AllocationError;
use crate::allocation::candidates::LeftOut;
use crate::allocation::compare::Measured;
use crate::allocation::deal::Assigned;
use crate::allocation::decide::Decision;
use crate::allocation::expectation::Beyond;
use crate::allocation::findings::How;
use crate::allocation::gates::Gate;
use crate::allocation::plan::Infeasible;
use crate::allocation::programme::ClashKind;
use crate::allocation::reason::{Reason, Why};
use crate::db::Trouble;
use crate::party::Lang;

impl AllocationError {
    /// The refusal, for whoever reads it on a page.
    pub fn words(&self, t: Lang) -> String {
        match (t, self) {
            (_, AllocationError::NoLender(_)) => t.no_lender().to_string(),
            (_, AllocationError::Moved(..)) => t.run_moved().to_string(),
            (_, AllocationError::Differs(_)) => t.run_differs().to_string(),
            (_, AllocationError::Placement(error)) => error.words(t),
            (_, AllocationError::Contract(error)) => error.words(t),
            (_, AllocationError::Ledger(error)) => error.words(t),
            (_, AllocationError::Db(error)) => Trouble::of(error).told(t),
            (_, AllocationError::Stopped(_)) => t.work_stopped().to_string(),
            (Lang::En, other) => other.to_string(),
            (Lang::Zh, AllocationError::File { file, fault }) => {
                format!("{file}，{}", fault.words(t))
            }
            (Lang::Zh, AllocationError::NoRun(no)) => format!("没有第 {no} 次分案"),
            (Lang::Zh, AllocationError::Committed(no)) => {
                format!("第 {no} 次分案已执行；未作任何更改")
            }
            (Lang::Zh, AllocationError::NoInputs(no)) => {
                format!("第 {no} 次分案未保存当时读取的数据，无法重演")
            }
            (Lang::Zh, AllocationError::NotRepeated(no, was, is)) => format!(
                "第 {no} 次分案无法重演：原哈希 {was}，按当时事实得出 {is}；请运维运行 consign verify"
            ),
            (Lang::Zh, AllocationError::Infeasible(clash)) => {
                format!("分案被拒绝，未作任何更改：{}", clash.words(t))
            }
            (Lang::Zh, AllocationError::Beyond(Beyond(what))) => {
                format!("{what} 的预期金额超出账簿可记的最大金额；请核对余额与回款；未作任何更改")
            }
            (Lang::Zh, AllocationError::Range(_)) => {
                "预期金额合计超出账簿可记的最大金额；请核对余额与回款；未作任何更改".to_string()
            }
        }
    }
}

impl Infeasible {
    /// What clashes, by how much, and what to do.
    pub fn words(&self, t: Lang) -> String {
        let (who, needed, available) = (self.assignees.join(", "), self.needed, self.available);
        let short = needed - available;
        let more = if self.all_strata > self.strata.len() { ", …" } else { "" };
        let (count, strata) = (self.all_strata, self.strata.join("; "));
        match self.kind {
            ClashKind::Crossed => tell!(
                t,
                "{who} 的限额相互矛盾：至少须得 {needed} 户，至多可得 {available} 户；请调低 min_share，或调高 max_share 或容量",
                "the limits of {who} cross: it must get {needed} accounts and may get {available}; lower min_share, or raise max_share or capacity"
            ),
            ClashKind::Maximums => tell!(
                t,
                "{count} 个分层（{strata}{more}）的 {needed} 户只对 {who} 开放，其 max_share 与容量只容得下 {available} 户，多出 {short} 户；请调高 max_share 或容量、放开准入条件，或用筛选条件排除这些账户",
                "{needed} accounts of {count} strata ({strata}{more}) are open to {who} only, whose max_share and capacity leave room for {available}: {short} too many; raise a max_share or a capacity, open a gate, or filter the accounts out"
            ),
            ClashKind::Minimums => tell!(
                t,
                "限额相互矛盾：按 min_share 应给 {who} {needed} 户，对其开放的只有 {available} 户，尚缺 {short} 户；请调低 min_share 或放开准入条件",
                "the limits clash: min_share gives {who} {needed} accounts, but only {available} are open to them: {short} too few; lower a min_share or open a gate"
            ),
        }
    }
}

impl Why {
    /// In words; the method is the run's, the refusals are told by [`refusal_words`].
    pub fn words(&self, t: Lang, method: &str, refusals: &str) -> String {
        let mut words = self.reason.words(t, method);
        let together = self.together;
        if together > 1 {
            words += &tell!(
                t,
                "；同一债务人 {together} 户合并委出",
                "; {together} accounts of the debtor stay together"
            );
        }
        if !refusals.is_empty() {
            words += &tell!(t, "；未开放：{refusals}", "; closed gates: {refusals}");
        }
        words
    }
}

impl Reason {
    fn words(&self, t: Lang, method: &str) -> String {
        match self {
            Reason::Share(code, own, all) => {
                let chinese = method_in_chinese(method);
                tell!(
                    t,
                    "按{chinese}分配：本层 {all} 户中 {code} 得 {own} 户",
                    "{method} share: {code} gets {own} of {all} in this stratum"
                )
            }
            Reason::Optimum(code, own, all) => tell!(
                t,
                "最优分配：本层 {all} 户中 {code} 得 {own} 户时，全批预期净回款最大",
                "optimum: the expected net recovery of the run is greatest when {code} gets {own} of {all} in this stratum"
            ),
            Reason::Explore(code, own, all) => tell!(
                t,
                "探索样本：随机均分，本层 {all} 户中 {code} 得 {own} 户",
                "held back to explore: dealt by chance, {code} gets {own} of {all} in this stratum"
            ),
            Reason::Follow(code) => tell!(
                t,
                "共债合并：随债务人其他案件委予 {code}",
                "follows the debtor's other account to {code}"
            ),
            Reason::Wait(code, why) => waits(t, code, why),
            Reason::NoGate => tell!(t, "无符合准入条件的受托方", "no eligible assignee"),
            Reason::Full => tell!(
                t,
                "符合条件的受托方均已达上限",
                "the limits of every eligible assignee are used up"
            ),
            Reason::NoShare => tell!(
                t,
                "符合条件的受托方在本策略中均无份额",
                "no eligible assignee has a share in this strategy"
            ),
            Reason::NoRoomTogether => tell!(
                t,
                "没有受托方能容纳该债务人的全部案件",
                "no eligible assignee has room for all of the debtor's accounts"
            ),
            Reason::Words(words) => words.clone(),
        }
    }
}

fn waits(t: Lang, code: &str, why: &str) -> String {
    match why {
        "absent" => tell!(
            t,
            "等待：债务人其他案件在 {code}，其不参与本次分案",
            "waits: the debtor's other account is with {code}, which takes no part in this run"
        ),
        "full" => tell!(
            t,
            "等待：债务人其他案件在 {code}，其已达上限",
            "waits: the debtor's other account is with {code}, whose limit is used up"
        ),
        gate => {
            let gate = gate_word(gate, t);
            tell!(
                t,
                "等待：债务人其他案件在 {code}，其未通过准入（{gate}）",
                "waits: the debtor's other account is with {code}, whose gate {gate} is closed"
            )
        }
    }
}

fn method_in_chinese(method: &str) -> &str {
    match method {
        "equal" => "均分",
        "fixed" => "固定比例",
        "score" => "评分比例",
        "optimise" => "最优",
        other => other,
    }
}

/// A gate in words, as a run keeps it; a gate that is none stays as it is.
pub fn gate_word(gate: &str, t: Lang) -> &str {
    match (t, Gate::parse(gate)) {
        (Lang::Zh, Some(gate)) => match gate {
            Gate::Status => "状态",
            Gate::Licence => "资质到期",
            Gate::Contract => "无生效协议",
            Gate::Evaluation => "评估过期",
            Gate::Conduct => "合规",
            Gate::Region => "地区",
            Gate::Product => "产品",
            Gate::Rotation => "轮换",
            Gate::Capacity => "容量",
        },
        _ => gate,
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

impl LeftOut {
    /// In words.
    pub fn word(self, t: Lang) -> &'static str {
        match (t, self) {
            (Lang::En, why) => why.name(),
            (Lang::Zh, LeftOut::NoFile) => "不在任何文件中",
            (Lang::Zh, LeftOut::Placed) => "已在委",
            (Lang::Zh, LeftOut::PlacedLater) => "在该日之后已委出",
            (Lang::Zh, LeftOut::OwesNothing) => "已结清",
            (Lang::Zh, LeftOut::NoFileYet) => "该日及之前的文件中没有",
            (Lang::Zh, LeftOut::Current) => "未逾期（M0）",
            (Lang::Zh, LeftOut::Held) => "停催中",
            (Lang::Zh, LeftOut::OwesNothingYet) => "该日无欠款",
            (Lang::Zh, LeftOut::Filtered) => "不符合策略筛选条件",
        }
    }
}

impl Lang {
    /// A method.
    pub fn method(self, name: &str) -> &'static str {
        match name {
            "equal" => self.method_equal(),
            "fixed" => self.method_fixed(),
            "score" => self.method_score(),
            "optimise" => self.method_optimise(),
            "exploration" => self.how_explored(),
            "follow" => self.how_followed(),
            _ => "",
        }
    }

    /// How an account of a run went, in a word.
    pub fn how(self, how: How, method: &str) -> &'static str {
        match how {
            How::Placed => self.run_placed(),
            How::Method => self.method(method),
            How::Explored => self.how_explored(),
            How::Followed => self.how_followed(),
            How::Unplaced => self.run_unplaced(),
        }
    }

    /// Why a run did not take accounts, as the run keeps it.
    pub fn left_out(self, why: &str) -> String {
        LeftOut::parse(why).map_or(why, |why| why.word(self)).to_string()
    }

    /// A stage of long work.
    pub fn work_stage(self, stage: &str) -> String {
        match (self, stage) {
            (Lang::En, other) => other,
            (Lang::Zh, "importing accounts") => "导入案件",
            (Lang::Zh, "importing recoveries") => "导入回款",
            (Lang::Zh, "importing contacts") => "导入催收记录",
            (Lang::Zh, "importing complaints") => "导入投诉",
            (Lang::Zh, "pricing recoveries") => "计算佣金",
            (Lang::Zh, "issuing statements") => "出具结算单",
            (Lang::Zh, "recording expiries") => "登记到期",
            (Lang::Zh, "reading history") => "读取历史业绩",
            (Lang::Zh, "reading accounts") => "读取案件",
            (Lang::Zh, "deciding") => "计算分案",
            (Lang::Zh, "hashing") => "核对结果",
            (Lang::Zh, "adding up") => "汇总结果",
            (Lang::Zh, "writing the assignment") => "写入分案明细",
            (Lang::Zh, "placing") => "委出案件",
            (Lang::Zh, "saving") => "保存",
            (Lang::Zh, other) => other,
        }
        .to_string()
    }

    /// That a method fell back for want of history.
    pub fn without_history(self, asked: &str, done: &str) -> String {
        match self {
            Lang::Zh => format!("尚无可依据的历史业绩：“{asked}”按“{done}”执行。"),
            Lang::En => format!("There is no history to go by: “{asked}” was done as “{done}”."),
        }
    }

    /// That a strategy of a comparison fell back for want of history.
    pub fn fell_back(self, name: &str, done: &str) -> String {
        match self {
            Lang::Zh => format!("“{name}”按其自身口径尚无已考核的委案，按“{done}”执行。"),
            Lang::En => format!(
                "Nothing is judged by the measure of “{name}” itself, so it is done as “{done}”."
            ),
        }
    }

    /// The sentence of proof.
    pub fn proof_of(self, bound: &str, worth: &str) -> String {
        match self {
            Lang::Zh => format!(
                "最优规划按分层均值计价（随债务人其他案件委出者除外）：在这些限制之内，没有任何方案的价值超过 {bound}；本方案的价值为 {worth}。"
            ),
            Lang::En => format!(
                "The programme values each account at its stratum's mean and leaves out what follows its debtor: no plan within these limits is worth more than {bound}; this one is worth {worth}."
            ),
        }
    }

    /// By whose measure two strategies are compared.
    pub fn measured_by(self, by: Option<&Measured>) -> String {
        match (self, by) {
            (Lang::Zh, None) => "尚无已考核的委案，无法预期任何回款；只比较户数与金额。".to_string(),
            (Lang::En, None) => {
                "Nothing has been judged yet, so no recovery can be expected of anybody; compare accounts and balances only."
                    .to_string()
            }
            (Lang::Zh, Some(by)) => format!(
                "两种策略均按“{}”的口径估值：已考核 {} 户，窗口 {} 个月，考核期 {} 天，K = {}。",
                by.name,
                count(by.judged),
                by.parameters.window_months,
                by.parameters.horizon_days,
                count(by.parameters.credibility)
            ),
            (Lang::En, Some(by)) => format!(
                "Both are valued by what “{}” measures: {} placements judged, a window of {} months, a horizon of {} days, K = {}.",
                by.name,
                count(by.judged),
                by.parameters.window_months,
                by.parameters.horizon_days,
                count(by.parameters.credibility)
            ),
        }
    }

    /// A limit with its shadow price.
    pub fn limit_binds(self, code: &str, most: bool, bound: &str, price: &str) -> String {
        match (self, most) {
            (Lang::Zh, true) => format!("{code} 的上限 {bound} 户起约束：每多一户可增加 {price}。"),
            (Lang::Zh, false) => {
                format!("{code} 的下限 {bound} 户起约束：每少一户可增加 {price}。")
            }
            (Lang::En, true) => {
                format!(
                    "{code}: its most, {bound} accounts, binds; one account more would bring {price} more."
                )
            }
            (Lang::En, false) => {
                format!(
                    "{code}: its fewest, {bound} accounts, binds; one account fewer would bring {price} more."
                )
            }
        }
    }

    /// What keeping debtors together did.
    pub fn together_cost(self, debtors: &str, amount: &str, cost: std::cmp::Ordering) -> String {
        use std::cmp::Ordering::{Equal, Greater, Less};
        match (self, cost) {
            (Lang::Zh, Equal) => format!("{debtors} 位共债债务人的案件合并委出，预期净回款不变。"),
            (Lang::En, Equal) => {
                format!(
                    "{debtors} debtors with several accounts were kept together; it costs no expected net recovery."
                )
            }
            (Lang::Zh, Greater) => {
                format!("{debtors} 位共债债务人的案件合并委出，预期净回款因此减少 {amount}。")
            }
            (Lang::Zh, Less) => {
                format!("{debtors} 位共债债务人的案件合并委出，预期净回款反而增加 {amount}。")
            }
            (Lang::En, Greater) => {
                format!(
                    "{debtors} debtors with several accounts were kept together; it costs {amount} of expected net recovery."
                )
            }
            (Lang::En, Less) => {
                format!(
                    "{debtors} debtors with several accounts were kept together; it happens to bring {amount} more."
                )
            }
        }
    }

    /// What a commit will do.
    pub fn will_commit(
        self,
        accounts: &str,
        balance: &str,
        batches: usize,
        on: NaiveDate,
    ) -> String {
        match self {
            Lang::Zh => format!(
                "将以 {on} 为委案日，委出 {accounts} 户、合计 {balance}，分为 {batches} 个批次；委案事实随即冻结，已到期而未登记的委案先行登记。账簿如在模拟之后有变动，则拒绝执行，不作任何更改。"
            ),
            Lang::En => format!(
                "This places {accounts} accounts of {balance} on {on}, in {batches} batches. The facts of each placement are frozen; placements that have run out are recorded first. If the book has changed since the simulation it is refused and nothing happens."
            ),
        }
    }

    /// Which placements a scorecard judges.
    pub fn measured(self, first: NaiveDate, on: NaiveDate, horizon: i64, k: i64) -> String {
        match self {
            Lang::Zh => {
                format!(
                    "{first} 至 {on} 委出、已满 {horizon} 天的委案；只计委案后 {horizon} 天内的回款；K = {}",
                    count(k)
                )
            }
            Lang::En => format!(
                "Placements begun {first} to {on} and {horizon} days old; recoveries within {horizon} days of placing; K = {}",
                count(k)
            ),
        }
    }

    /// A rank among several.
    pub fn rank_of(self, rank: i64, all: usize) -> String {
        match self {
            Lang::Zh => format!("第 {rank} / 共 {all}"),
            Lang::En => format!("{rank} of {all}"),
        }
    }

    /// What compliance comes from.
    pub fn compliance_inputs(self, upheld: i64, violations: i64, evaluation: &str) -> String {
        match self {
            Lang::Zh => format!("成立投诉 {upheld} · 违规 {violations} · 评估 {evaluation}"),
            Lang::En => {
                format!("{upheld} upheld · {violations} violations · evaluation {evaluation}")
            }
        }
    }

    /// How many placements recovered something.
    pub fn served_words(self, served: i64, placements: i64, index: &str) -> String {
        let (served, placements) = (count(served), count(placements));
        match self {
            Lang::Zh => {
                format!("{placements} 户中 {served} 户有回款；与同类预期之比经同样收缩 = {index}")
            }
            Lang::En => {
                format!(
                    "{served} of {placements} recovered something; against what like accounts do, shrunk alike = {index}"
                )
            }
        }
    }
}

impl Decision {
    /// Why, in Chinese and in English.
    pub fn why_in_words(&self, index: usize, one: &Assigned) -> (String, String) {
        let why = self.why(index, one);
        let list = why
            .refusals
            .and_then(|list| usize::try_from(list).ok())
            .map(|list| self.refusals(list))
            .unwrap_or_default();
        let words = |t: Lang| why.words(t, self.method().name(), &refusal_words(&list, t));
        (words(Lang::Zh), words(Lang::En))
    }
}
