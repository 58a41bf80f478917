//! Files in words: why one is refused, or a row of it. What a command says by naming its flags, a page says without them.

use crate::db::Trouble;
use crate::intake::{Control, IntakeError};
use crate::party::Lang;
use crate::sheet::wrong::{Broken, Needed, Unusable, Wrong};
use crate::sheet::{Fault, SheetError};

impl IntakeError {
    /// The refusal, for whoever sends the file on a page.
    pub fn words(&self, t: Lang) -> String {
        match self {
            IntakeError::Sheet(error) => error.words(t),
            IntakeError::NoLender(_) => t.no_lender().to_string(),
            IntakeError::NoAssignee(code) => t.no_assignee(code),
            IntakeError::DeclaredTotal(text, fault) => {
                let fault = fault.words(t);
                tell!(
                    t,
                    "所报合计 {text} {fault}；未接收任何内容",
                    "the declared total {text} {fault}; nothing was taken in"
                )
            }
            IntakeError::ControlTotal { file, what, declared, found } => {
                let what = match what {
                    Control::Rows => tell!(t, "行数", "rows"),
                    Control::Total => tell!(t, "合计", "total"),
                };
                tell!(
                    t,
                    "{file}：所报{what}为 {declared}，文件为 {found}；未接收任何内容",
                    "{file}: {what} declared {declared}, the file has {found}; nothing was taken in"
                )
            }
            IntakeError::NotWhole { file, rejected, faults } => {
                let first = faults.first().map(|fault| fault.words(t)).unwrap_or_default();
                tell!(
                    t,
                    "{file}：有 {rejected} 行被退回，按要求整份不接收。第一处：{first}",
                    "{file}: {rejected} rows are rejected, so nothing was taken in, as was asked. The first: {first}"
                )
            }
            IntakeError::Future { file, as_of, today } => tell!(
                t,
                "{file}：所填数据日 {as_of} 晚于今天（{today}）；未接收任何内容。请更正数据日",
                "{file}: is said to be as of {as_of}, which lies after today, {today}; nothing was taken in. Give the right day"
            ),
            IntakeError::Direction { file, line, column, value } => tell!(
                t,
                "{file}，第 {line} 行：“{column}”列写有“{value}”。尚不支持用一列区分收支方向的文件；未接收任何内容。请只保留收到的款项，退回的款项写成类型为冲正的行，并删去该列",
                "{file}, line {line}: the column \"{column}\" says \"{value}\". A file that tells in a column which way its amounts go is not read yet; nothing was taken in. Keep the rows of money received, make rows of kind reversal of those that take a payment back, and remove the column"
            ),
            IntakeError::Key(_) => tell!(
                t,
                "个人信息的加密密钥不可用；未接收任何内容。请联系运维",
                "the key that encrypts personal data cannot be used; nothing was taken in. Tell whoever runs this installation"
            ),
            IntakeError::Total { file, .. } => tell!(
                t,
                "{file}：余额合计超出账簿可记的最大金额；请核对金额；未接收任何内容",
                "{file}: the sum of its balances is more than a book keeps; check the amounts; nothing was taken in"
            ),
            IntakeError::TooMuch(what) => tell!(
                t,
                "文件中须待全部读完才能处理的行（冲正、减免或投诉）过多；请分成几份提交；未接收任何内容",
                "the file has more {what} than are kept until all its rows are read; send it in several files; nothing was taken in"
            ),
            IntakeError::Ledger(error) => error.words(t),
            IntakeError::Stopped(_) => t.work_stopped().to_string(),
            IntakeError::Db(error) => Trouble::of(error).told(t),
        }
    }
}

impl SheetError {
    /// The refusal, for whoever sends the file on a page.
    pub fn words(&self, t: Lang) -> String {
        match self {
            SheetError::Io { file, why } => tell!(
                t,
                "{file}：无法读取或写入：{why}；未接收任何内容",
                "{file}: cannot be read or written: {why}; nothing was taken in"
            ),
            SheetError::Rejects(error) => error.to_string(),
            SheetError::Content { file, why } => {
                let why = why.words(t);
                tell!(t, "{file}：{why}；未接收任何内容", "{file}: {why}; nothing was taken in")
            }
            SheetError::Line { file, line, why } => {
                let why = why.words(t);
                tell!(
                    t,
                    "{file}，第 {line} 行：{why}；未接收任何内容",
                    "{file}, line {line}: {why}; nothing was taken in"
                )
            }
        }
    }
}

impl Fault {
    /// Where, what stands there, and what is wrong with it.
    pub fn words(&self, t: Lang) -> String {
        let Fault { line, column, value, reason } = self;
        let reason = reason.words(t);
        tell!(
            t,
            "第 {line} 行，{column} “{value}” {reason}",
            "line {line}, {column} \"{value}\" {reason}"
        )
    }
}

impl Unusable {
    fn words(&self, t: Lang) -> String {
        match (t, self) {
            (Lang::En, Unusable::Lacks(missing, there)) => {
                format!("lacks the column {missing}; its columns are: {there}. Rename the column")
            }
            (Lang::En, Unusable::NoBalance) => {
                "lacks the column balance (or principal, interest, fees); rename the column"
                    .to_string()
            }
            (Lang::En, other) => other.to_string(),
            (Lang::Zh, other) => other.in_chinese(),
        }
    }
}

in_chinese!(Unusable {
    Unusable::NotPlain => "不是普通文件；请先将表格另存为文件";
    Unusable::NoWorkbook => "扩展名为 .xlsx，但不是工作簿（或设有密码）；请在电子表格中另存一次，或存为 CSV";
    Unusable::OldWorkbook => "是旧版 Excel 工作簿（.xls）或设有密码；请存为不带密码的 .xlsx，或存为 CSV";
    Unusable::Workbook(why) => "工作簿无法读取（{why}）；请在电子表格中另存一次，或存为 CSV";
    Unusable::NoText => "不是文本文件；请导出为 CSV 或 .xlsx";
    Unusable::Empty => "是空文件；须有一行列名作为表头";
    Unusable::Changed => "在读取时被改动；请待其完整后重新提交";
    Unusable::NotAsMapped(name, column, there) => "没有列“{name}”（列名对照指定其为 {column}）；现有的列：{there}";
    Unusable::Lacks(missing, there) => "缺少列 {missing}；现有的列：{there}。请更改列名";
    Unusable::ColumnTwice(name) => "列“{name}”出现两次；请删去一列";
    Unusable::NoBalance => "缺少列 balance（余额），或 principal、interest、fees（本金、利息、费用）；请更改列名";
});

impl Broken {
    fn words(&self, t: Lang) -> String {
        match (t, self) {
            (Lang::En, Broken::HeaderCell(value, wrong)) => {
                format!("the header's cell \"{value}\" {}", wrong.words(t))
            }
            (Lang::En, Broken::Cell(column, value, wrong)) => {
                format!("{column} \"{value}\" {}", wrong.words(t))
            }
            (Lang::En, other) => other.to_string(),
            (Lang::Zh, other) => other.in_chinese(),
        }
    }
}

in_chinese!(Broken {
    Broken::NoEncoding(byte) => "文件第 {byte} 个字节既不是 UTF-8 也不是 GB18030（GBK）；请存为 UTF-8、UTF-16 或 GB18030";
    Broken::Damaged(byte, encoding) => "文件第 {byte} 个字节不是 {encoding}，而其余部分是；请更正该行，或重新存为 UTF-8";
    Broken::Nul => "含有空字符（NUL）；请删除，或重新保存文件";
    Broken::TooLong => "自此开始的一行超过 1 MiB；请补上引号，或确认这是一张表格";
    Broken::Row(why) => "该行无法读取：{why}";
    Broken::StrayQuote(cell) => "第 {cell} 个单元格的引号之前另有多余的引号；请更正该行";
    Broken::OpenQuote(cell) => "第 {cell} 个单元格的引号没有结束；请补上，或删去";
    Broken::ClosedLate(cell, line) => "第 {cell} 个单元格的引号在第 {line} 行结束，其后另有文字；请在本行结束引号，或删去";
    Broken::Swallows(cell, line) => "第 {cell} 个单元格的引号吞并了第 {line} 行，而该行自成一行；请在其之前结束引号，或删去";
    Broken::HeaderSwallows => "表头中的引号吞并了自成一行的内容；请在其之前结束引号，或删去";
    Broken::TooManyColumns(most) => "表头超过 {most} 列；请去掉用不到的列";
    Broken::HeaderValues => "表头中有数据，其下没有行；请在列名之后换行";
    Broken::HeaderWidth(names, width) => "表头有 {names} 个单元格，其下各行有 {width} 个；请更正分隔符和换行";
    Broken::LineBreak(column, text) => "{column} “{text}” 中有换行；请在其之前结束引号，或删去换行";
} and {
    Broken::HeaderCell(value, wrong) => format!("表头单元格“{value}”{}", wrong.in_chinese());
    Broken::Cell(column, value, wrong) => format!("{column} “{value}” {}", wrong.in_chinese());
});

impl Wrong {
    /// In words, to stand behind what the cell says.
    pub fn words(&self, t: Lang) -> String {
        match (t, self) {
            (Lang::En, Wrong::Future(today)) => format!("lies after today, {today}; correct it"),
            (Lang::En, other) => other.to_string(),
            (Lang::Zh, other) => other.in_chinese(),
        }
    }
}

in_chinese!(Wrong {
    Wrong::Formula => "以公式字符（=、+、-、@、制表符或换行）开头；请去掉后重新提交";
    Wrong::NoWord => "须为至多 100 个可打印字符";
    Wrong::NoText(most) => "文字须为 1 至 {most} 个可打印字符";
    Wrong::NoDate => "不是日期；请写成 2026-11-21";
    Wrong::Future(today) => "晚于今天（{today}）；请更正日期";
    Wrong::NoTime => "没有时间；请写成 2026-03-01 10:15";
    Wrong::NoMoment => "不是委托方当地的时间；请写成 2026-03-01 10:15";
    Wrong::Currency(book) => "不是本账簿的币种 {book}";
    Wrong::NoHoldType(names) => "不是停催类型；可用：{names}，或其中文名称";
    Wrong::NoChannel(names) => "不是联系方式；可用：{names}，或其中文名称";
    Wrong::NoOutcome(names) => "不是联系结果；可用：{names}，或其中文名称";
    Wrong::NoneOf(names) => "不在可用值之中：{names}，或其中文名称";
    Wrong::NoReceiver => "既不是委托方（lender）也不是机构（agency）";
    Wrong::NoFlag => "须为是或否（true/false、yes/no、1/0）";
    Wrong::NoDays => "须为 0 至 36500 的整数天数";
    Wrong::NoAssignee => "不是本委托方的受托方";
    Wrong::NoAccount => "不在账簿中；请先导入含该案件的资产包";
    Wrong::NeverPlacedWith(agency) => "从未委予 {agency}；请删去该行";
    Wrong::NotYours => "不是委予贵方的案件；请更正编号，或删去该行";
    Wrong::Twice => "在本文件中已出现过；每个案件只能有一行";
    Wrong::OtherContent => "已登记且内容不同；更正须使用新的编号";
    Wrong::OtherComplaint => "已登记且内容不同；请为该投诉另用编号";
    Wrong::NoDigits => "没有数字；请写所拨号码，或留空";
    Wrong::NegativePart => "为负数；余额是所欠金额";
    Wrong::NegativeBalance => "为负数；余额是所欠金额，结清时为零";
    Wrong::BalanceSum(sum) => "不等于本金、利息与费用之和 {sum}";
    Wrong::NotPositive => "须为正数；退回的款项写成类型为冲正的行";
    Wrong::NoReversal(kind) => "已填写，但该行的类型为 {kind}；只有冲正才指明所冲的回款";
    Wrong::NegativeComponent => "为负数；各组成部分是金额的一部分";
    Wrong::AmountSum(sum) => "不等于本金、利息、费用与成本之和 {sum}";
    Wrong::NoPayment => "所冲的回款不在账簿中；请待该回款导入后重新提交该行";
    Wrong::ReversalOfReversal => "所指的是冲正；只能冲回款或减免";
    Wrong::OtherAccount(account_no) => "与所冲回款的案件 {account_no} 不符";
    Wrong::BeforePayment(day) => "早于所冲回款的日期 {day}";
    Wrong::BeyondOwed => "超过所欠金额；减免不得超过所欠";
    Wrong::BeyondPayment => "超过该回款的剩余金额";
    Wrong::BeyondComponent => "超过该组成部分的剩余金额";
    Wrong::MoreCells(cells, header) => "该行有 {cells} 个单元格，多于表头的 {header} 个；值中含有分隔符的须加引号";
    Wrong::BeyondHeader => "该行的单元格多于表头；值中含有分隔符的须加引号";
    Wrong::FewerCells(cells, header) => "该行有 {cells} 个单元格，少于表头的 {header} 个；空单元格也须写分隔符，或改交 .xlsx";
    Wrong::UnlikeAround(cells, around) => "该行有 {cells} 个单元格，前后各行有 {around} 个；请更正分隔符，或改交 .xlsx";
    Wrong::Nul => "含有空字符（显示为 \u{2400}）；请删除";
    Wrong::BehindQuote => "结束引号之后另有文字；单元格内的引号须写两次";
    Wrong::NeverWorkedOut => "是尚未计算的公式；请在电子表格中打开并保存";
    Wrong::LostText => "所指的文字不在工作簿中";
    Wrong::ShowsError(error) => "显示错误 {error}；请在电子表格中更正";
    Wrong::UnknownKind(kind) => "是未知类型 {kind} 的单元格";
    Wrong::NoSerialDate => "不是日期；请写成 2026-11-21";
    Wrong::NoNumber => "不是可读取的数字";
    Wrong::LostDigits => "的末几位已被电子表格丢失；请将该列设为文本格式";
} and {
    Wrong::Amount(fault) => fault.words(Lang::Zh);
    Wrong::Empty(needed) => format!("为空；{}", needed.in_chinese());
});

in_chinese!(Needed {
    Needed::Reference => "每行须有自己的编号";
    Needed::AccountNo => "每行须有案件编号";
    Needed::Moment => "每行须有联系时间";
    Needed::Severity => "每行须有严重程度";
    Needed::Case => "每行须有自己的投诉编号";
    Needed::Agency => "每行须写明被投诉的机构";
    Needed::ReceivedOn => "每行须有收到的日期";
    Needed::Complaint => "每行须有投诉内容";
    Needed::Amount => "每行须有金额";
    Needed::Balance => "请填写余额，或本金、利息与费用";
    Needed::DaysPastDue => "请填写逾期天数，未逾期为 0";
    Needed::Reverses => "冲正须指明所冲的回款";
    Needed::Holder => "由机构收到的款项须写明在哪家机构";
});
