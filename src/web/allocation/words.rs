//! Sentences about runs and scorecards.

use chrono::NaiveDate;

use crate::allocation::compare::Measured;
use crate::party::Lang;
use crate::web::list::count;

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

    /// Why a run did not take accounts.
    pub fn left_out(self, why: &str) -> String {
        match (self, why) {
            (Lang::En, other) => other,
            (Lang::Zh, "in no file") => "不在任何文件中",
            (Lang::Zh, "already placed") => "已在委",
            (Lang::Zh, "placed later than this day") => "在该日之后已委出",
            (Lang::Zh, "owes nothing") => "已结清",
            (Lang::Zh, "in no file of this day or before") => "该日及之前的文件中没有",
            (Lang::Zh, "current (M0)") => "未逾期（M0）",
            (Lang::Zh, "held") => "停催中",
            (Lang::Zh, "owes nothing on this day") => "该日无欠款",
            (Lang::Zh, "outside the filter") => "不符合策略筛选条件",
            (Lang::Zh, other) => other,
        }
        .to_string()
    }

    /// A stage of long work.
    pub fn work_stage(self, stage: &str) -> String {
        match (self, stage) {
            (Lang::En, other) => other,
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
