//! What several nouns refuse: amounts, documents, contracts, the ledger.

use crate::contract::ContractError;
use crate::db::Trouble;
use crate::kernel::document::DocumentFault;
use crate::kernel::money::AmountFault;
use crate::ledger::LedgerError;
use crate::party::Lang;

impl Lang {
    /// That an assignee is not known.
    pub fn no_assignee(self, code: &str) -> String {
        tell!(self, "{code} 不是本委托方的受托方", "{code} is no assignee of this lender")
    }
}

impl AmountFault {
    /// In words, to stand behind the text.
    pub fn words(&self, t: Lang) -> String {
        match (t, self) {
            (Lang::En, fault) => fault.to_string(),
            (Lang::Zh, AmountFault::NotANumber) => "不是金额，请写成 1234.56".to_string(),
            (Lang::Zh, AmountFault::TooManyDecimals(places)) => {
                format!("的小数位多于本币种的 {places} 位；金额不作舍入")
            }
            (Lang::Zh, AmountFault::TooLarge) => {
                "超出可登记的最大金额（10,000,000,000,000）".to_string()
            }
        }
    }
}

impl DocumentFault {
    /// In words. What is wrong with a key is told in English, the language of the keys.
    pub fn words(&self, t: Lang) -> String {
        let (line, message) = (self.line, &self.message);
        tell!(t, "第 {line} 行：{message}", "line {line}: {message}")
    }
}

impl ContractError {
    /// The refusal, for whoever reads it on a page.
    pub fn words(&self, t: Lang) -> String {
        match self {
            ContractError::File { file, fault } => {
                let fault = fault.words(t);
                tell!(t, "{file}，{fault}", "{file}, {fault}")
            }
            ContractError::NoLender(_) => t.no_lender().to_string(),
            ContractError::NoVersion { placement_no, agency, version } => tell!(
                t,
                "委案 {placement_no} 所依据的与 {agency} 的协议第 {version} 版不在账簿中；未作任何更改，请运维运行 consign verify",
                "the book has no version {version} of a contract with {agency}, which placement {placement_no} was made under; nothing was changed, have consign verify run"
            ),
            ContractError::Db(error) => Trouble::of(error).told(t),
        }
    }
}

impl LedgerError {
    /// The refusal, for whoever reads it on a page.
    pub fn words(&self, t: Lang) -> String {
        match (t, self) {
            (_, LedgerError::Db(error)) => Trouble::of(error).told(t),
            (Lang::En, other) => other.to_string(),
            (Lang::Zh, LedgerError::Unbalanced(unbalanced)) => {
                format!("{} 的分录借贷不平；未作任何更改", unbalanced.event)
            }
            (Lang::Zh, LedgerError::Full { event, .. }) => {
                format!(
                    "加上 {event}，总账发生额合计超出账簿可记的最大金额；请核对文件金额；未作任何更改"
                )
            }
            (Lang::Zh, LedgerError::Range { event, account, .. }) => format!(
                "{event} 在 {account} 上的发生额超出账簿可记的最大金额；请核对文件金额；未作任何更改"
            ),
        }
    }
}
