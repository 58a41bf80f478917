//! What the main pages say, word for word: whoever changes a page changes it here too, and sees what its reader will see.

use consign::conduct::Severity;
use consign::conduct::complaint::{self, NewComplaint};
use consign::placement::Action;

use crate::app::{TestApp, set_up_people};
use crate::support::{Book, by, day, flat_contract};

/// One lender with two agencies and a team: four accounts placed, one paid, one held, one whose recall is asked for; a month
/// closed, and a complaint.
fn story() -> Book {
    let mut book = Book::on_sqlite();
    book.lender = "NBK".to_string();
    book.set_up("GBP", &["A01"]);
    book.lender = "CFC".to_string();
    book.set_up("CNY", &["A01", "A02", "T01"]);
    set_up_people(&mut book);
    book.publish(&flat_contract("A01", "20%", 300).replace("term", "objection_days = 90\nterm"));
    book.portfolio(
        "2026-02-28",
        "account_no,balance,days_past_due,product,hold\nL-1,1000.00,45,card,\nL-2,2000.00,75,card,\n\
         L-3,300.00,45,loan,\nL-4,400.00,130,loan,\n",
    );
    assert_eq!(book.allocate("2026-03-01", "A01"), 4);
    book.recoveries(
        "reference,account_no,received_on,amount\nR-1,L-1,2026-03-10,250.00\nR-2,L-3,2026-03-12,300.00\n",
    );
    book.close("2026-03");
    book.portfolio(
        "2026-04-01",
        "account_no,balance,days_past_due,product,hold\nL-4,400.00,160,loan,hardship\nL-5,500.00,20,card,\n",
    );
    let new = NewComplaint {
        agency: "A01".to_string(),
        account_no: Some("L-1".to_string()),
        received_on: day("2026-04-02"),
        severity: Severity::High,
        text: "rang at night".to_string(),
        reference: Some("C-1".to_string()),
        allow_future: false,
    };
    complaint::add(&mut book.db, "CFC", &new, &by()).unwrap();
    book.step("L-2", None, Action::RequestRecall("review"), "2026-04-03").unwrap();
    book
}

/// Login, path, what its page says.
const SAID: &[(&str, &str, &str)] = &[
    (
        "manager@cfc",
        "/?lang=en",
        r#"Hello, Person manager@cfc
New run </allocation/new>
Example Consumer Finance
Open accounts
4 </accounts>
Placed
3 </placements?state=open>
Owed in all (CNY)
3,650.00 </accounts>
Received in 2026-04
0.00 </recoveries?month=2026-04>
Last closed month
2026-03 </months>
What waits for you
1 complaints to decide </complaints?state=open>
1 Recalls pending </requests?lender=CFC&state=recalls>
1 open accounts in nobody's hands: allocate them </allocation/new>
Owed, by holder
Holder | Name | Accounts | Owed now (CNY) | Share |
A01 </accounts?holder=A01> | Assignee A01 | 3 | 3,150.00 | 86.30% |
House </accounts?holder=-> | | 1 | 500.00 | 13.69% |
Total | | | 3,650.00 | |
Latest statements
Statement no. | Month | Agency | Total (CNY) | Due, net
CFC-000001 </statements/CFC-000001> | 2026-03 | A01 | 110.00 | 110.00
"#,
    ),
    (
        "preparer@cfc",
        "/?lang=zh",
        r#"您好， Person preparer@cfc
查看月度结算 </months>
Example Consumer Finance
未结清案件
4
在委案件
3
应收余额 (CNY)
3,650.00 </ledger>
回款 2026-04
0.00 </recoveries?month=2026-04>
最近关账月
2026-03 </months>
下一步，试算关账： consign close --lender CFC --month 2026-04 --preview
按持有人的应收余额
持有人 | 名称 | 案件数 | 当前欠款 (CNY) | 占比 |
A01 | Assignee A01 | 3 | 3,150.00 | 86.30% |
自催 | | 1 | 500.00 | 13.69% |
合计 | | | 3,650.00 | |
最近结算单
结算单号 | 月份 | 受托方 | 价税合计 (CNY) | 应付净额
CFC-000001 </statements/CFC-000001> | 2026-03 | A01 | 110.00 | 110.00
"#,
    ),
    (
        "manager@a01",
        "/?lang=en",
        r#"Hello, Person manager@a01
Example Consumer Finance
Open placements
3 </placements?lender=CFC>
Balance at placing (CNY)
3,400.00 </placements?lender=CFC>
Statement 2026-03
110.00 </statements/CFC-000001>
What waits for you
1 recalls: confirm that contact stopped </requests?lender=CFC&state=recalls>
Latest statements
Statement no. | Month | Total (CNY) | Due, net
CFC-000001 </statements/CFC-000001> | 2026-03 | 110.00 | 110.00
Example Consumer Finance
Open placements
0 </placements?lender=NBK>
Balance at placing (GBP)
0.00 </placements?lender=NBK>
What waits for you
Nothing waits for you.
"#,
    ),
    (
        "manager@cfc",
        "/accounts?lang=en",
        r#"Accounts
Download CSV </accounts.csv>
Account no. begins with [search: ]
Bucket [bucket: ]
Holder [holder: ]
Show (button)
Account | Debtor | Bucket | Days past due | Balance stated (CNY) | Owed now (CNY) | Holder | Placed on | Hold
L-1 </accounts/L-1> | Hold | M2 | 45 | 1,000.00 | 750.00 | A01 | 2026-03-01 | Complaint
L-2 </accounts/L-2> | | M3 | 75 | 2,000.00 | 2,000.00 | A01 | 2026-03-01 |
L-3 </accounts/L-3> | | M2 | 45 | 300.00 | 0.00 | House | |
L-4 </accounts/L-4> | Hold | M6 | 160 | 400.00 | 400.00 | A01 | 2026-03-01 | Hardship
L-5 </accounts/L-5> | | M1 | 20 | 500.00 | 500.00 | House | |
This page | | | | 4,200.00 | 3,650.00 | | |
"#,
    ),
    (
        "manager@cfc",
        "/accounts/L-1?lang=en",
        r#"Accounts </accounts> ›
L-1
Stop contact
Owed now (CNY)
750.00
Balance stated
1,000.00
Received in all
250.00
Days past due
45 (M2)
Holder
A01
Recall (button) Recall at once (button) Ask to retain (button) Transfer (button) Put on hold (button) End a hold (button)
Debtor ref.
L-1
Product
card
Charged off
no
Legal
no
Placements
Assignee | Placed on | Expires on | Window | State | Batch | Level | Bucket | Balance at placing (CNY) | Contract
A01 | 2026-03-01 | 2026-12-25 | 2026-03-01 – 2026-12-25 | Active | B00001-A01 </placements?batch=B00001-A01> | 1 | M2 | 1,000.00 | K-A01 v1
In allocation runs
Run | Assignee | Balance (CNY) | Stratum | Reason
1 </allocation/1> | A01 | 1,000.00 | A01 | fixed share: A01 gets 4 of 4 in this stratum
What was asked and decided
Nothing was asked.
Recoveries
Reference | Received | Kind | Amount (CNY) | Channel | Belongs to | Statement / line | Fee (CNY) | Note
R-1 | 2026-03-10 | Payment | 250.00 | lender | A01 · B00001-A01 | CFC-000001 / 1 </statements/CFC-000001/lines/1> | 50.00 |
Holds
Kind | From | Until | Ended | Account
Complaint complaint C-1 | 2026-04-02 | | | L-1
What the files say
As of | File | Line | Days past due | Bucket | Balance (CNY)
2026-02-28 | 1-portfolio.csv | 2 | 45 | M2 | 1,000.00
"#,
    ),
    (
        "manager@a01",
        "/placements?lang=zh",
        r#"委案
下载 CSV </placements.csv?lang=zh>
Example Consumer Finance </placements?lender=CFC>Example Consumer Finance </placements?lender=NBK>
在委
3
委案金额 (CNY)
3,400.00
申请留案 (button) 确认停催 (button) 提出异议 (button) 申请退案 (button)
选择 | 案件编号 | 债务人 | 委案批次 | 手别 | 账龄 | 委案日 | 到期日 | 状态 | 委案金额 (CNY) | 当前欠款 (CNY) | 委托协议
[account: L-4] | L-4 | 停催 | B00001-A01 </placements?batch=B00001-A01> | 1 | M5 | 2026-03-01 | 2026-12-25 | 停催 | 400.00 | 400.00 | K-A01 v1
[account: L-2] | L-2 | 停催 · 撤案中 · 异议截止日 2026-07-02 | B00001-A01 </placements?batch=B00001-A01> | 1 | M3 | 2026-03-01 | 2026-12-25 | 在委 停催 · 撤案中 · 异议截止日 2026-07-02 | 2,000.00 | 2,000.00 | K-A01 v1
[account: L-1] | L-1 | 停催 | B00001-A01 </placements?batch=B00001-A01> | 1 | M2 | 2026-03-01 | 2026-12-25 | 停催 | 1,000.00 | 750.00 | K-A01 v1
"#,
    ),
    (
        "manager@a01",
        "/statements/CFC-000001?lang=en",
        r#"Statements </months> › 2026-03 </months#CFC-2026-03> ›
Statement CFC-000001
Issued
CSV </statements/CFC-000001.csv>JSON </statements/CFC-000001.json>
Printable statement </statements/CFC-000001/document>
Example Consumer Finance – Assignee A01 · K-A01, version 1
Payable to the agency (CNY)
110.00
Commission
110.00 </statements/CFC-000001?kind=commission#lines>
True-ups
0.00 </statements/CFC-000001?kind=true_up#lines>
Total
110.00
Closing
110.00
Settlement (CNY)
Commission | 110.00
Net of tax | 110.00
VAT | 0.00
Total | 110.00
Running account balance = payable − receivable
Opening | 0.00
+ Total | 110.00
− Collected by the agency | 0.00
+ Payments | 0.00
Closing | 110.00
Lines
All 2 </statements/CFC-000001#lines>commission 2 </statements/CFC-000001?kind=commission#lines>
Line | Kind | Reference | Account | Received | Batch | Fee rule | Recovered (CNY) | Rate | Fee (CNY) |
1 | commission | R-1 | L-1 | 2026-03-10 | B00001-A01 | all | 250.00 | 20.00% | 50.00 | Why? </statements/CFC-000001/lines/1>
2 | commission | R-2 | L-3 | 2026-03-12 | B00001-A01 | all | 300.00 | 20.00% | 60.00 | Why? </statements/CFC-000001/lines/2>
"#,
    ),
    (
        "preparer@cfc",
        "/statements/CFC-000001/lines/1?lang=en",
        r#"Months </months> › Statement CFC-000001 </statements/CFC-000001> ›
Line 1: why this amount
Fee (CNY)
50.00
Recovered
250.00
Rate
20.00%
Kind
commission
Fee rule
all
Batch
B00001-A01
Reference
R-1
Account
L-1
Received
2026-03-10
From the facts its closing knew:
Payment R-1 of 250.00 on account L-1, received 2026-03-10 (lender channel).
Received on 2026-03-10: inside the window 2026-03-01 to 2026-12-25 of the placement with A01 (batch B00001-A01, level 1).
The placement began on 2026-03-01 and runs to 2026-12-25, still open; 0 days of tail follow.
Frozen facts: 45 days past due (M2), level 1, balance 1,000.00, product card, region none, charged off no, legal no.
Priced by contract K-A01 version 1.
Rule 1 "all" applies.
The whole amount 250.00 earns.
Fee group: contract K-A01 version 1, rule 1, payments received in 2026-03.
Before this line the group stood at 0.00, after it at 250.00.
The rate is 20%.
Rounded half-up at the subtotal: the rounded entitlement after this line less the rounded entitlement before it is 50.00.
"#,
    ),
    (
        "preparer@cfc",
        "/ledger?lang=en",
        r#"Trial balance
In balance
Account | Debit (CNY) | Credit (CNY) | Balance (CNY)
Assets:Bank </ledger/accounts/Assets%3ABank> | 550.00 | 0.00 | 550.00
Assets:Loans:A01 </ledger/accounts/Assets%3ALoans%3AA01> | 3,700.00 | 550.00 | 3,150.00
Assets:Loans:House </ledger/accounts/Assets%3ALoans%3AHouse> | 4,200.00 | 3,700.00 | 500.00
Equity:Portfolio </ledger/accounts/Equity%3APortfolio> | 0.00 | 4,200.00 | −4,200.00
Expenses:Commission:A01 </ledger/accounts/Expenses%3ACommission%3AA01> | 110.00 | 0.00 | 110.00
Liabilities:Payable:A01 </ledger/accounts/Liabilities%3APayable%3AA01> | 0.00 | 110.00 | −110.00
Total | 8,560.00 | 8,560.00 | 0.00
"#,
    ),
    (
        "viewer@a01",
        "/complaints/case/C-1?lang=en",
        r#"Complaints </complaints?lender=CFC> ›
Case C-1
Open
Agency
A01
Received on
2026-04-02
Account
L-1
Severity
High
Stop contact
What is complained of
rang at night
Decisions
Not decided yet.
"#,
    ),
    (
        "manager@cfc",
        "/accounts/L-9?lang=en",
        r#"There is no such page
The address is wrong, or what it names is not your organisation's. Start again from the menu above.
Back to the first page </>
"#,
    ),
    (
        "manager@cfc",
        "/months?month=never&lang=en",
        r#"Months
2026-04 open
Received so far: CNY 0.00 </recoveries?month=2026-04> · Rows 0
Close it with consign close --lender CFC --month 2026-04
2026-03 closed
Statement no. | Agency | Commission (CNY) | True-ups | Other | VAT | Total | Payable | Due from | Closing
CFC-000001 </statements/CFC-000001> | A01 | 110.00 | 0.00 | 0.00 | 0.00 | 110.00 | 110.00 | 0.00 | 110.00
Total | | 110.00 | 0.00 | 0.00 | 0.00 | 110.00 | 110.00 | 0.00 | 110.00
"#,
    ),
    (
        "manager@cfc",
        "/accounts?bucket=M99&lang=zh",
        r#"请求有误
没有这个账龄: M99
返回首页 </>
"#,
    ),
];

#[test]
fn the_main_pages_say_this() {
    let app = TestApp::on(&story(), "2026-04-10");
    let mut differs = String::new();
    for (login, path, said) in SAID {
        let read = app.browser(login).get(path).read();
        if read != *said {
            differs += &format!("=== {login} {path}\n{read}");
        }
    }
    assert!(differs.is_empty(), "these pages say something else now:\n{differs}");
}
