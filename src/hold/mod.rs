//! A hold (停催): a layer on an account that stops contact and new placements, never the attribution of a payment
//! (rule 2.8).
//!
//! [`store`] writes and reads holds; [`change`] opens and ends them by hand. Files of the lender and complaints open and
//! end their own.

pub mod change;
pub mod store;

use chrono::NaiveDate;

use crate::kernel::enumeration;

pub use store::{Hold, NewHold, Opening};

enumeration! {
    /// Why an account is held.
    pub enum HoldKind ("type of hold") {
        /// 争议
        Dispute = "dispute" | "争议",
        /// 投诉
        Complaint = "complaint" | "投诉",
        /// 困难
        Hardship = "hardship" | "困难",
        /// 分期
        InstalmentPlan = "instalment plan" | "分期",
        /// 死亡
        Deceased = "deceased" | "死亡",
        /// 破产
        Bankrupt = "bankrupt" | "破产",
        /// 诉讼
        Litigation = "litigation" | "诉讼",
        /// 转让
        Transferred = "transferred" | "转让",
        /// 信息查询
        DataRequest = "data request" | "信息查询",
    }
}

impl HoldKind {
    /// Whether it holds all of the debtor's accounts.
    pub fn holds_debtor(self) -> bool {
        matches!(
            self,
            HoldKind::Deceased | HoldKind::Bankrupt | HoldKind::Complaint | HoldKind::DataRequest
        )
    }
}

impl Hold {
    /// Whether it holds on a day.
    pub fn holds_on(&self, day: NaiveDate) -> bool {
        self.from_on <= day && self.goes_on(day)
    }

    /// Whether it holds on a day or begins after it.
    pub fn goes_on(&self, day: NaiveDate) -> bool {
        self.until_on.is_none_or(|until| day <= until)
            && self.ended_on.is_none_or(|ended| day < ended)
    }
}
