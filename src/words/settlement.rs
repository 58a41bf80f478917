//! Settlement in words: notes on statement lines, and why a month is not closed.

use crate::commission::Scope;
use crate::contract::Per;
use crate::db::Trouble;
use crate::party::Lang;
use crate::settlement::SettlementError;
use crate::settlement::note::{Grade, Note, Term};

impl Note {
    /// In words; in English the sentence that is stored.
    pub fn words(&self, t: Lang) -> String {
        match t {
            Lang::En => self.to_string(),
            Lang::Zh => self.in_chinese(),
        }
    }

    fn in_chinese(&self) -> String {
        match self {
            Note::Grace => "宽限期内还款，不计佣".to_string(),
            Note::Undivided => "未列明组成，全额计佣".to_string(),
            Note::Corrects { contract, version, scope, statements, by } => {
                let scope = match scope {
                    Scope::Batch(batch) => format!("批次 {batch}"),
                    Scope::Month(month) => format!("{month} 月"),
                };
                let by = by.map_or_else(String::new, |(version, corrected)| {
                    format!("（第 {version} 版更正第 {corrected} 版）")
                });
                let statements = statements.join("、");
                format!("{contract} 第 {version} 版，{scope}：调整 {statements}{by}")
            }
            Note::Charged { count, per: Per::AccountPlaced, amount } => {
                format!("委案 {count} 户 × {amount}")
            }
            Note::Charged { count, per: Per::Month, amount } => format!("{count} 个月 × {amount}"),
            Note::Terms { month, what, settled } => {
                let month = month.map_or_else(String::new, |month| format!("{month} 月，"));
                let settled = settled.as_ref().map_or_else(String::new, |before| {
                    let statements = before.statements.join("、");
                    format!("，现为 {}，减 {statements} 已结 {}", before.now, before.less)
                });
                format!("{month}{}{settled}", what.in_chinese())
            }
            Note::Words(words) => words.clone(),
        }
    }
}

in_chinese!(Term {
    Term::Minimum(Some(amount)) => "每单保底 {amount}";
    Term::Minimum(None) => "无保底";
    Term::Maximum(Some(amount)) => "每单封顶 {amount}";
    Term::Maximum(None) => "无封顶";
} and {
    Term::Factor { grade, commission, factor } => {
        format!("{}：佣金 {commission} × ({factor} − 1)", grade.in_chinese())
    };
});

in_chinese!(Grade {
    Grade::Rank(rank, of, true) => "第 {rank} 名（共 {of} 家）";
    Grade::Rank(rank, of, false) => "第 {rank} 名（共 {of} 家，自身尚无已考核的委案）";
    Grade::Index(index, true) => "收缩指数 {index}";
    Grade::Index(index, false) => "收缩指数 {index}（自身尚无已考核的委案）";
    Grade::NotKept => "未保存当月考核结果";
    Grade::NoFactor => "无奖惩系数";
});

impl SettlementError {
    /// The refusal, for whoever reads it on a page.
    pub fn words(&self, t: Lang) -> String {
        match self {
            SettlementError::NotNext(month, next) => tell!(
                t,
                "{month} 尚不能关账，应先关 {next}；各月须依次关账",
                "{month} cannot be closed before {next}; months close in order"
            ),
            SettlementError::NotOver(month, today) => tell!(
                t,
                "{month} 尚未结束（今天是 {today}）；未作任何更改，请在月末之后关账",
                "{month} is not over: today is {today}; nothing was changed. Close it later"
            ),
            SettlementError::NoLender(_) => t.no_lender().to_string(),
            SettlementError::NoStatement { agency, month } => tell!(
                t,
                "{agency} 没有 {month} 的结算单；请先关账，或核对受托方代码",
                "there is no statement of {agency} for {month}; close the month first, or check the agency's code"
            ),
            SettlementError::NoStatementNo(no) => {
                tell!(t, "没有结算单 {no}", "there is no statement {no}")
            }
            SettlementError::NoLine(no, line) => {
                tell!(t, "结算单 {no} 没有第 {line} 行", "statement {no} has no line {line}")
            }
            SettlementError::Range { agency, month, .. } => tell!(
                t,
                "{agency} {month} 的结算单有金额超出账簿可记的最大金额；未作任何更改",
                "the statement of {agency} for {month} has a figure beyond what a book keeps; nothing was changed"
            ),
            SettlementError::NoVersion { agency, contract, version } => tell!(
                t,
                "{agency} 的结算单按协议 {contract} 第 {version} 版结算，而账簿中没有该版；请运维运行 consign verify",
                "statements of {agency} settled version {version} of contract {contract}, which the book does not have; have consign verify run"
            ),
            SettlementError::Contract(error) => error.words(t),
            SettlementError::Placement(error) => error.words(t),
            SettlementError::Draw(_) => {
                tell!(
                    t,
                    "结算单无法生成；未作任何更改",
                    "a statement cannot be drawn; nothing was changed"
                )
            }
            SettlementError::Ledger(error) => error.words(t),
            SettlementError::Stopped(_) => t.work_stopped().to_string(),
            SettlementError::Db(error) => Trouble::of(error).told(t),
        }
    }
}
