//! The words of pages and documents in both languages, checked at compile time: a word that lacks a language, or
//! a name that does not exist, does not build.

use crate::party::Lang;

macro_rules! words {
    ($($name:ident: $zh:literal / $en:literal;)*) => {
        /// Every word is a method; the language is the value it is asked of.
        #[allow(missing_docs)]
        impl Lang {
            $(pub fn $name(self) -> &'static str {
                match self { Lang::Zh => $zh, Lang::En => $en }
            })*
        }
    };
}

words! {
    statement: "结算单" / "Statement";
    statement_full: "委外催收佣金结算单" / "Commission statement";
    lender: "委托方" / "Lender";
    agency: "受托方" / "Agency";
    statement_number: "结算单号" / "Statement no.";
    month: "结算周期" / "Month";
    contract: "委托协议" / "Contract";
    version: "版本" / "version";
    currency: "币种" / "Currency";
    no_contract: "无生效协议" / "no contract in force";
    payable: "应付受托方" / "Payable to the agency";
    due_from: "受托方应划付" / "Due from the agency";
    nothing_due: "本期无应付" / "Nothing is due";
    in_capitals: "人民币大写" / "In capitals";
    carried: "结转下期(贷方)" / "Credit carried forward";
    summary: "按批次与费率汇总" / "Summary by batch and fee rule";
    batch: "委案批次" / "Batch";
    fee_rule: "费率规则" / "Fee rule";
    recovered: "回款" / "Recovered";
    rate: "费率" / "Rate";
    fee: "佣金" / "Fee";
    count: "笔数" / "Lines";
    total_word: "合计" / "Total";
    adjustments_title: "调整与收费" / "Adjustments and charges";
    kind: "类型" / "Kind";
    note: "说明" / "Note";
    amount: "金额" / "Amount";
    figures: "结算金额" / "Settlement";
    commission: "佣金" / "Commission";
    true_up: "前期调整" / "True-ups";
    charges: "定额收费" / "Charges";
    performance: "奖惩" / "Performance";
    minimum: "保底补足" / "Minimum";
    maximum: "封顶扣减" / "Maximum";
    deductions: "扣款" / "Deductions";
    adjustments: "手工调整" / "Adjustments";
    net: "不含税金额" / "Net of tax";
    vat: "增值税" / "VAT";
    total: "价税合计" / "Total";
    collected: "受托方代收回款" / "Collected by the agency";
    chain: "往来余额" / "Running account";
    opening: "期初余额" / "Opening";
    payments: "本期收付" / "Payments";
    closing: "期末余额" / "Closing";
    chain_note: "余额 = 应付受托方 − 应收受托方" / "balance = payable − receivable";
    lines: "明细" / "Lines";
    line_no: "行号" / "Line";
    reference: "流水号" / "Reference";
    account: "案件编号" / "Account";
    received_on: "回款日期" / "Received";
    signature_lender: "委托方签章" / "For the lender: signature and seal";
    signature_agency: "受托方签章" / "For the agency: signature and seal";
    date_word: "日期" / "Date";
    no_lines: "本期无明细" / "No lines in this month";
    page_word: "页" / "Page";
    kind_commission: "佣金" / "commission";
    kind_true_up: "调整" / "true-up";
    kind_charge: "收费" / "charge";
    kind_performance: "奖惩" / "performance";
    kind_minimum: "保底" / "minimum";
    kind_maximum: "封顶" / "maximum";
    kind_deduction: "扣款" / "deduction";
    kind_adjustment: "手工" / "adjustment";
}
