//! The program itself: every command, its exit codes, `--json`, its output files, and several at once.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::support::{Book, TODAY, all_to, flat_contract, in_ci, on_each_database, shout};

/// The program on a book's database.
pub struct Program<'a> {
    pub url: &'a str,
    pub folder: &'a Path,
}

/// What a run of the program said.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Program<'_> {
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_consign"));
        command
            .args(arguments)
            .current_dir(self.folder)
            .env("DATABASE_URL", self.url)
            .env("CONSIGN_TODAY", TODAY)
            .env_remove("CONSIGN_KEY");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        said(self.command(arguments).output().unwrap())
    }

    /// Runs a command that must end with `code`; gives back its one JSON object (null when refused).
    pub fn ends(&self, code: i32, arguments: &[&str]) -> Value {
        let said = self.run(&[&["--json"], arguments].concat());
        assert_eq!(said.code, code, "{arguments:?}: {}{}", said.out, said.err);
        match code {
            0 | 3 => one_object(&said.out),
            _ => {
                assert_eq!(said.out, "", "{arguments:?} was refused and yet printed something");
                assert!(
                    said.err.starts_with("consign: ") && said.err.len() > 20,
                    "{arguments:?} gives no reason: {}",
                    said.err
                );
                Value::Null
            }
        }
    }

    pub fn done(&self, arguments: &[&str]) -> Value {
        self.ends(0, arguments)
    }

    pub fn refused(&self, arguments: &[&str], why: &str) {
        self.ends(1, arguments);
        let said = self.run(arguments);
        assert!(said.err.contains(why), "{arguments:?}: \"{}\" does not say \"{why}\"", said.err);
    }

    pub fn file(&self, name: &str, text: &str) -> String {
        std::fs::write(self.folder.join(name), text).unwrap();
        name.to_string()
    }

    pub fn read(&self, name: &str) -> String {
        String::from_utf8(std::fs::read(self.folder.join(name)).unwrap()).unwrap()
    }

    fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

pub fn said(output: Output) -> Said {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

pub fn one_object(out: &str) -> Value {
    let value: Value = serde_json::from_str(out)
        .unwrap_or_else(|why| panic!("not one JSON object ({why}): {out}"));
    assert!(value.is_object(), "{out}");
    value
}

/// Runs a test of the program on both databases, each empty; the book is there to look inside.
pub fn on_each(test: impl Fn(&Program<'_>, &mut Book)) {
    on_each_database(|book| {
        let (url, folder) = (book.url.clone(), book.folder().to_path_buf());
        test(&Program { url: &url, folder: &folder }, book);
    });
}

const PARTIES: &str = "[[lender]]\ncode = \"CFC\"\nname = \"Example Consumer Finance\"\ncurrency = \"CNY\"\ntimezone = \"Asia/Shanghai\"\n\n\
    [[lender.assignee]]\ncode = \"A01\"\nname = \"One\"\nkind = \"agency\"\n\n\
    [[lender.assignee]]\ncode = \"A02\"\nname = \"Two\"\nkind = \"agency\"\ncapacity = 3\n\n\
    [[user]]\nlogin = \"finance@cfc.example\"\nname = \"Finance\"\norganisation = \"CFC\"\nroles = [\"finance_preparer\"]\n";

/// Parties, contracts of A01 and A02, and ten accounts of 100.00 each.
fn ready(program: &Program<'_>) {
    program.file("parties.toml", PARTIES);
    program.file("a01.toml", &flat_contract("A01", "20%", 60));
    program.file("a02.toml", &flat_contract("A02", "25%", 60));
    let rows: String = (1..=10).map(|i| format!("{i},100.00,40\n")).collect();
    program.file("portfolio.csv", &format!("account_no,balance,days_past_due\n{rows}"));
    program.file("all-a01.toml", &all_to("A01"));
    program.file("all-a02.toml", &all_to("A02"));
    program.done(&["setup", "parties.toml"]);
    program.done(&["contract", "publish", "a01.toml", "--lender", "CFC"]);
    program.done(&["contract", "publish", "a02.toml", "--lender", "CFC"]);
    program.done(&[
        "import",
        "portfolio",
        "portfolio.csv",
        "--lender",
        "CFC",
        "--as-of",
        "2025-12-31",
    ]);
}

const RECOVERIES: &str = "reference,account_no,received_on,amount,kind,reverses,channel,agency\n\
    p1,1,2026-01-10,50.00,,,,\np2,2,2026-01-11,30.00,payment,,agency,A01\nr1,1,2026-01-12,5.00,reversal,p1,,\nw1,3,2026-01-12,1.00,waiver,,,\n";

/// From the empty database to two closed months.
fn settled(program: &Program<'_>) {
    ready(program);
    program.done(&[
        "allocate",
        "all-a01.toml",
        "--lender",
        "CFC",
        "--on",
        "2026-01-02",
        "--commit",
    ]);
    program.file("recoveries.csv", RECOVERIES);
    program.done(&["import", "recoveries", "recoveries.csv", "--lender", "CFC"]);
    program.done(&["close", "--lender", "CFC", "--month", "2026-01"]);
    program.file(
        "late.csv",
        "reference,account_no,received_on,amount\np3,4,2026-01-20,10.05\np4,5,2026-02-03,100.00\n",
    );
    program.done(&["import", "recoveries", "late.csv", "--lender", "CFC"]);
    program.done(&["close", "--lender", "CFC", "--month", "2026-02"]);
}

#[test]
fn wrong_usage_ends_with_2_and_an_unknown_lender_with_1() {
    let book = Book::on_sqlite();
    let program = Program { url: &book.url, folder: book.folder() };
    for wrong in [
        &["close", "--lender", "CFC"][..],
        &["close", "--lender", "CFC", "--month", "2026-13"],
        &["expire", "--lender", "CFC", "--on", "2026-02-30"],
        &["nonsense"],
        &["verify", "--colour", "red"],
        &["recall", "--lender", "CFC", "--reason", "x", "--on", "2026-01-01", "--final"],
        &[
            "recall",
            "--lender",
            "CFC",
            "--agency",
            "A01",
            "--due-by",
            "2026-01-01",
            "--reason",
            "x",
            "--on",
            "2026-01-01",
            "--final",
        ],
        &[
            "statement",
            "--lender",
            "CFC",
            "--agency",
            "A01",
            "--month",
            "2026-01",
            "--format",
            "odt",
            "-o",
            "x",
        ],
        &[],
    ] {
        let said = program.run(wrong);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{wrong:?}: {}", said.err);
    }
    program.file("empty.csv", "account_no,balance,days_past_due\n");
    program.file("s.toml", &all_to("A01"));
    for unknown in [
        &["close", "--lender", "NOBODY", "--month", "2026-01"][..],
        &["verify", "--lender", "NOBODY"],
        &["expire", "--lender", "NOBODY", "--on", "2026-01-01"],
        &["import", "portfolio", "empty.csv", "--lender", "NOBODY", "--as-of", "2026-01-01"],
        &["allocate", "s.toml", "--lender", "NOBODY", "--on", "2026-01-01"],
        &["placements", "--lender", "NOBODY", "-o", "out.csv"],
        &["ledger", "trial-balance", "--lender", "NOBODY", "-o", "out.csv"],
        &[
            "statement",
            "--lender",
            "NOBODY",
            "--agency",
            "A01",
            "--month",
            "2026-01",
            "--format",
            "csv",
            "-o",
            "out.csv",
        ],
    ] {
        program.refused(unknown, "NOBODY");
    }
    program.refused(&["setup", "no-such-file.toml"], "no-such-file.toml");
    program.refused(&["explain", "CFC-000001", "1"], "CFC-000001");
    let said = program.run(&["--database", "mysql://x", "verify"]);
    assert!(said.code == 1 && said.err.contains("mysql://x"), "{}", said.err);
    assert!(!book.folder().join("out.csv").exists());
}

#[test]
fn setup_and_publish_twice_change_nothing_and_check_only_checks() {
    on_each(|program, book| {
        program.file("parties.toml", PARTIES);
        program.file("a01.toml", &flat_contract("A01", "20%", 60));
        let first = program.done(&["setup", "parties.toml"]);
        assert_eq!(
            (&first["lenders"], &first["assignees"], &first["users"]),
            (&1.into(), &2.into(), &1.into())
        );
        let before = book.state();
        assert_eq!(
            program.done(&["setup", "parties.toml"])["first_passwords"].as_array().unwrap().len(),
            0
        );
        let check =
            program.done(&["contract", "publish", "a01.toml", "--lender", "CFC", "--check"]);
        assert_eq!(check["outcome"], "checked");
        assert_eq!(book.state(), before);
        assert_eq!(
            program.done(&["contract", "publish", "a01.toml", "--lender", "CFC"])["version"],
            1
        );
        let before = book.state();
        assert_eq!(
            program.done(&["contract", "publish", "a01.toml", "--lender", "CFC"])["outcome"],
            "unchanged"
        );
        assert_eq!(book.state(), before);
        program.file("wrong.toml", &flat_contract("A01", "120%", 60));
        program.refused(
            &["contract", "publish", "wrong.toml", "--lender", "CFC"],
            "wrong.toml, line 8",
        );
        program.file("unknown.toml", &flat_contract("A77", "20%", 60));
        program.refused(&["contract", "publish", "unknown.toml", "--lender", "CFC"], "A77");
        assert_eq!(book.state(), before);
    });
}

#[test]
fn json_is_one_object_whether_asked_before_or_after_the_command() {
    on_each(|program, _| {
        settled(program);
        program.file("one.csv", "account_no\n1\n");
        for arguments in [
            &["setup", "parties.toml"][..],
            &["contract", "publish", "a01.toml", "--lender", "CFC"],
            &["import", "portfolio", "portfolio.csv", "--lender", "CFC", "--as-of", "2025-12-31"],
            &["import", "recoveries", "recoveries.csv", "--lender", "CFC"],
            &["allocate", "all-a01.toml", "--lender", "CFC", "--on", "2026-03-02"],
            &["placements", "--lender", "CFC", "-o", "out.csv"],
            &["expire", "--lender", "CFC", "--on", "2026-03-01"],
            &["close", "--lender", "CFC", "--month", "2026-01"],
            &["close", "--lender", "CFC", "--month", "2026-03", "--preview"],
            &[
                "statement",
                "--lender",
                "CFC",
                "--agency",
                "A01",
                "--month",
                "2026-01",
                "--format",
                "json",
                "-o",
                "out.json",
            ],
            &["explain", "CFC-000001", "1"],
            &["ledger", "trial-balance", "--lender", "CFC", "-o", "out.csv"],
            &["ledger", "export", "--lender", "CFC", "-o", "out.csv"],
            &["verify"],
        ] {
            let before = program.run(&[&["--json"], arguments].concat());
            let after = program.run(&[arguments, &["--json"]].concat());
            assert_eq!(
                (before.code, after.code),
                (0, 0),
                "{arguments:?}: {}{}",
                before.err,
                after.err
            );
            let (before, after) = (one_object(&before.out), one_object(&after.out));
            assert_eq!(before.as_object().unwrap().len(), after.as_object().unwrap().len());
            let plain = program.run(arguments);
            assert!(
                plain.code == 0 && !plain.out.trim().is_empty() && !plain.out.starts_with('{'),
                "{arguments:?}: {}",
                plain.out
            );
        }
    });
}

#[test]
fn rejected_rows_end_with_3_and_a_file_that_is_refused_with_1() {
    on_each(|program, book| {
        ready(program);
        program.file("mixed.csv", "account_no,balance,days_past_due\n11,5.00,40\n12,-5.00,40\n");
        let mixed =
            ["import", "portfolio", "mixed.csv", "--lender", "CFC", "--as-of", "2026-01-01"];
        let before = book.state();
        program.refused(&[&mixed[..], &["--all-or-nothing"]].concat(), "line 3");
        program.refused(&[&mixed[..], &["--expect-rows", "3"]].concat(), "rows declared 3");
        program.refused(&[&mixed[..], &["--expect-total", "5.01"]].concat(), "total declared 5.01");
        assert_eq!(book.state(), before);
        let done = program.ends(3, &[&mixed[..], &["--rejects", "rejects.csv"]].concat());
        assert_eq!(
            (&done["new"], &done["rejected"], &done["missing"]),
            (&1.into(), &1.into(), &10.into())
        );
        assert_eq!(program.read("rejects.csv").lines().count(), 2);
        program
            .file("recoveries.csv", "reference,account_no,received_on,amount\nx,99,2026-01-05,1.00\nhouse,1,2026-01-05,1.00\n");
        let done = program.ends(
            3,
            &["import", "recoveries", "recoveries.csv", "--lender", "CFC", "--rejects", "r.csv"],
        );
        assert_eq!((&done["accepted"], &done["rejected"]), (&1.into(), &1.into()));
        assert!(
            program.read("r.csv").contains("x,99,2026-01-05,1.00,2,account_no,99,"),
            "{}",
            program.read("r.csv")
        );
        program.file(
            "house.csv",
            "reference,account_no,received_on,amount\nbeyond,1,2026-01-05,500.00\n",
        );
        program.done(&["import", "recoveries", "house.csv", "--lender", "CFC"]);
    });
}

#[test]
fn a_simulated_run_is_committed_as_it_was_simulated_or_refused_when_the_book_has_moved() {
    on_each(|program, book| {
        ready(program);
        let simulate = [
            "allocate",
            "all-a02.toml",
            "--lender",
            "CFC",
            "--on",
            "2026-01-02",
            "--export",
            "out.csv",
            "--strata",
            "strata.csv",
        ];
        let simulated = program.done(&simulate);
        assert_eq!(
            (&simulated["committed"], &simulated["placed"], &simulated["unplaced"]),
            (&false.into(), &3.into(), &7.into())
        );
        assert_eq!(book.count("placement"), 0);
        let assignment = program.read("out.csv");
        assert_eq!(assignment.lines().count(), 11);
        assert_eq!(
            assignment.lines().next(),
            Some("account_no,assignee,level,stratum,method,expected_recovery,reason")
        );
        assert!(program.read("strata.csv").starts_with(
            "stratum,assignee,accounts,balance,stratum_rate,index,fee_rate,value_per_account,min_accounts,max_accounts,assigned,explored\n"
        ));
        let run = simulated["run"].as_str().unwrap();
        let committed =
            program.done(&["allocate", "--commit-run", run, "--export", "committed.csv"]);
        assert_eq!(
            (&committed["hash"], &committed["placed"]),
            (&simulated["hash"], &simulated["placed"])
        );
        assert_eq!(program.read("committed.csv"), assignment);
        assert_eq!(book.count("placement"), 3);

        let moved =
            program.done(&["allocate", "all-a01.toml", "--lender", "CFC", "--on", "2026-01-03"]);
        program.file("more.csv", "account_no,balance,days_past_due\n11,5.00,40\n");
        program.done(&[
            "import",
            "portfolio",
            "more.csv",
            "--lender",
            "CFC",
            "--as-of",
            "2026-01-03",
        ]);
        let before = book.state();
        program.refused(&["allocate", "--commit-run", moved["run"].as_str().unwrap()], "simulate");
        assert_eq!(book.state(), before);
        program.refused(&["allocate", "--commit-run", "CFC#99"], "99");
        let again = program.done(&[
            "allocate",
            "all-a01.toml",
            "--lender",
            "CFC",
            "--on",
            "2026-01-03",
            "--commit",
        ]);
        assert_eq!(again["placed"], 8);
        book.assert_proven();
    });
}

#[test]
fn the_same_seed_gives_the_same_assignment_to_the_byte() {
    on_each(|program, _| {
        ready(program);
        program.file(
            "equal.toml",
            "name = \"e\"\nmethod = \"equal\"\nseed = 77\nexploration = \"10%\"\n",
        );
        let simulate =
            ["allocate", "equal.toml", "--lender", "CFC", "--on", "2026-01-02", "--export"];
        let first = program.done(&[&simulate[..], &["1.csv"]].concat());
        let second = program.done(&[&simulate[..], &["2.csv"]].concat());
        assert_eq!(first["hash"], second["hash"]);
        assert_eq!(program.read("1.csv"), program.read("2.csv"));
    });
}

#[test]
fn recall_reports_accounts_that_are_not_placed_and_ends_with_3() {
    on_each(|program, book| {
        ready(program);
        program.done(&[
            "allocate",
            "all-a02.toml",
            "--lender",
            "CFC",
            "--on",
            "2026-01-02",
            "--commit",
        ]);
        let held = book.texts("SELECT account_no AS text FROM placement ORDER BY account_no");
        program.file("recall.csv", &format!("account_no\n{}\nnobody\n", held[0]));
        let recall =
            ["recall", "--lender", "CFC", "--reason", "test", "--on", "2026-01-09", "--final"];
        let done = program.ends(3, &[&recall[..], &["--accounts", "recall.csv"]].concat());
        assert_eq!(done["recalled"], 1);
        assert_eq!(done["not_placed"][0]["account_no"], "nobody");
        assert_eq!(done["not_placed"].as_array().unwrap().len(), 1);
        let before = book.state();
        assert_eq!(
            program.ends(3, &[&recall[..], &["--accounts", "recall.csv"]].concat())["recalled"],
            0
        );
        assert_eq!(
            program.done(&[&recall[..], &["--due-by", "2026-01-31"]].concat())["recalled"],
            0
        );
        assert_eq!(book.state(), before, "a recall of nothing changed something");
        assert_eq!(program.done(&[&recall[..], &["--agency", "A02"]].concat())["recalled"], 2);
        program.refused(&[&recall[..], &["--agency", "A77"]].concat(), "A77");
        assert_eq!(book.texts("SELECT close_reason AS text FROM placement"), ["recalled"; 3]);
        book.assert_proven();
    });
}

#[test]
fn placements_are_written_in_order_and_for_a_day() {
    on_each(|program, _| {
        settled(program);
        assert_eq!(
            program.done(&["expire", "--lender", "CFC", "--on", "2026-04-01"])["expired"],
            9,
            "one was paid before"
        );
        assert_eq!(
            program.done(&["expire", "--lender", "CFC", "--on", "2026-04-01"])["expired"],
            0
        );
        assert_eq!(
            program.done(&["placements", "--lender", "CFC", "-o", "all.csv"])["placements"],
            10
        );
        let all = program.read("all.csv");
        let mut lines = all.lines();
        assert_eq!(
            lines.next(),
            Some(
                "account_no,assignee,batch,level,placed_on,expires_on,closed_on,close_reason,balance_at_placement,days_past_due_at_placement,contract,contract_version"
            )
        );
        let accounts: Vec<&str> = lines.map(|line| line.split(',').next().unwrap()).collect();
        assert_eq!(
            accounts,
            ["1", "10", "2", "3", "4", "5", "6", "7", "8", "9"],
            "in the order of bytes"
        );
        assert!(
            all.contains("\n5,A01,")
                && all.contains(",2026-01-02,2026-03-02,2026-02-03,paid,100.00,40,K-A01,1"),
            "{all}"
        );
        let on = |day: &str| {
            program.done(&["placements", "--lender", "CFC", "--on", day, "-o", "day.csv"])["placements"].clone()
        };
        assert_eq!(
            (on("2026-01-01"), on("2026-01-02"), on("2026-02-03"), on("2026-02-04")),
            (0.into(), 10.into(), 10.into(), 9.into())
        );
        assert_eq!((on("2026-03-02"), on("2026-03-03")), (9.into(), 0.into()));
        let of =
            program.done(&["placements", "--lender", "CFC", "--agency", "A02", "-o", "a02.csv"]);
        assert_eq!(of["placements"], 0);
    });
}

#[test]
fn a_month_is_previewed_closed_once_and_only_in_order() {
    on_each(|program, book| {
        ready(program);
        program.done(&[
            "allocate",
            "all-a01.toml",
            "--lender",
            "CFC",
            "--on",
            "2026-01-02",
            "--commit",
        ]);
        program.file("recoveries.csv", RECOVERIES);
        program.done(&["import", "recoveries", "recoveries.csv", "--lender", "CFC"]);
        let close = |month: &str| program.done(&["close", "--lender", "CFC", "--month", month]);
        let before = book.state();
        let preview =
            program.done(&["close", "--lender", "CFC", "--month", "2026-01", "--preview"]);
        assert_eq!(book.state(), before, "a preview changed something");
        let closed = close("2026-01");
        assert_eq!(
            (&closed["already_closed"], &closed["statements"][0]["commission"]),
            (&false.into(), &"15.00".into())
        );
        assert_eq!(preview["statements"][0]["commission"], closed["statements"][0]["commission"]);
        let before = book.state();
        assert_eq!(close("2026-01")["already_closed"], true);
        assert_eq!(
            close("2025-06")["already_closed"],
            true,
            "the first closing closes all before it"
        );
        program.refused(&["close", "--lender", "CFC", "--month", "2026-03"], "2026-02");
        program.refused(
            &["allocate", "all-a02.toml", "--lender", "CFC", "--on", "2026-01-31", "--commit"],
            "closed",
        );
        program.refused(
            &[
                "recall",
                "--lender",
                "CFC",
                "--agency",
                "A01",
                "--reason",
                "x",
                "--on",
                "2026-01-31",
                "--final",
            ],
            "closed",
        );
        assert_eq!(book.state(), before);
        close("2026-02");
        book.assert_proven();
    });
}

#[test]
fn statements_are_written_in_each_format_and_stay_the_same_to_the_byte() {
    on_each(|program, _| {
        settled(program);
        let write = |month: &str, format: &str, out: &str| {
            program.done(&[
                "statement",
                "--lender",
                "CFC",
                "--agency",
                "A01",
                "--month",
                month,
                "--format",
                format,
                "-o",
                out,
            ]);
            program.read(out)
        };
        let january = [
            write("2026-01", "json", "1.json"),
            write("2026-01", "csv", "1.csv"),
            write("2026-01", "html", "1.html"),
        ];
        let json = one_object(&january[0]);
        for key in "statement_no lender agency month currency status opening commission true_up charges performance minimum maximum \
            deductions adjustments net vat total collected_by_agency payable_to_agency due_from_agency carried_forward payments closing"
            .split_whitespace()
        {
            assert!(json[key].is_string(), "{key} is missing or no text: {json}");
        }
        assert_eq!(
            (&json["commission"], &json["collected_by_agency"], &json["due_from_agency"]),
            (&"15.00".into(), &"30.00".into(), &"30.00".into())
        );
        let lines = json["lines"].as_array().unwrap();
        assert_eq!(january[1].lines().count(), lines.len() + 1);
        assert!(
            january[1].starts_with("line_no,kind,fee_rule,batch,reference,account_no,received_on,amount,rate,fee,note\n"),
            "{}",
            january[1]
        );
        assert!(!january[1].starts_with('\u{feff}'));
        assert!(
            january[2].contains(json["statement_no"].as_str().unwrap())
                && january[2].contains("15.00")
        );
        let february = one_object(&write("2026-02", "json", "2.json"));
        assert_eq!(february["commission"], "22.01", "10.05 late and 100.00 at 20 %");
        program.done(&["close", "--lender", "CFC", "--month", "2026-03"]);
        let again = [
            write("2026-01", "json", "1.json"),
            write("2026-01", "csv", "1.csv"),
            write("2026-01", "html", "1.html"),
        ];
        assert!(again == january, "an issued statement changed");
        let bom = [
            "statement",
            "--lender",
            "CFC",
            "--agency",
            "A01",
            "--month",
            "2026-01",
            "--format",
            "csv",
            "--bom",
            "-o",
            "bom.csv",
        ];
        program.done(&bom);
        assert_eq!(program.read("bom.csv"), format!("\u{feff}{}", january[1]));
        program.refused(
            &[
                "statement",
                "--lender",
                "CFC",
                "--agency",
                "A77",
                "--month",
                "2026-01",
                "--format",
                "csv",
                "-o",
                "x.csv",
            ],
            "A77",
        );
        program.refused(
            &[
                "statement",
                "--lender",
                "CFC",
                "--agency",
                "A01",
                "--month",
                "2026-07",
                "--format",
                "csv",
                "-o",
                "x.csv",
            ],
            "2026-07",
        );
    });
}

#[test]
fn every_line_of_every_statement_can_be_explained() {
    on_each(|program, _| {
        settled(program);
        let mut explained = 0;
        for month in ["2026-01", "2026-02"] {
            for agency in ["A01", "A02"] {
                program.done(&[
                    "statement",
                    "--lender",
                    "CFC",
                    "--agency",
                    agency,
                    "--month",
                    month,
                    "--format",
                    "json",
                    "-o",
                    "s.json",
                ]);
                let statement = one_object(&program.read("s.json"));
                let number = statement["statement_no"].as_str().unwrap();
                for line in statement["lines"].as_array().unwrap() {
                    let told = program.done(&["explain", number, &line["line_no"].to_string()]);
                    assert_eq!(told["fee"], line["fee"]);
                    let words = told["words"].to_string();
                    for part in ["reference", "received_on"] {
                        let said = line[part].as_str().is_none_or(|value| words.contains(value));
                        assert!(said, "{part} of {line} is not in {words}");
                    }
                    explained += 1;
                }
                program.refused(&["explain", number, "999"], "999");
            }
        }
        assert_eq!(explained, 5);
    });
}

#[test]
fn verify_ends_with_1_and_names_what_is_wrong() {
    on_each(|program, book| {
        settled(program);
        assert_eq!(program.done(&["verify", "--lender", "CFC"])["proven"], true);
        let open = if book.is_postgres() {
            "SET session_replication_role = replica"
        } else {
            "DROP TRIGGER recovery_no_update"
        };
        book.sql(open).unwrap();
        book.sql("UPDATE recovery SET amount = amount + 1 WHERE reference = 'p1'").unwrap();
        let said = program.run(&["verify", "--json"]);
        assert_eq!(said.code, 1, "{}", said.out);
        let proof = one_object(&said.out);
        assert_eq!(proof["proven"], false);
        assert!(proof["books"][0]["findings"].to_string().contains("recovery:p1"), "{proof}");
        assert!(said.err.contains("not proven"), "{}", said.err);
    });
}

// Other people's checkers ---------------------------------------------------------------------------------------------

/// A program that `tests/run.sh` installs; `None`, loudly, when it is absent.
fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        assert!(!in_ci(), "{name} is not installed: in CI the exports must be checked");
        shout(&format!(
            "{name} IS NOT INSTALLED: THE LEDGER EXPORTS ARE NOT CHECKED BY IT. Run tests/run.sh instead."
        ));
    }
    found
}

/// The balances of our trial balance that are not zero, by account.
fn our_balances(program: &Program<'_>) -> Vec<(String, String)> {
    program.done(&["ledger", "trial-balance", "--lender", "CFC", "-o", "trial.csv"]);
    let text = program.read("trial.csv");
    assert!(text.starts_with("account,debit,credit,balance\n"), "{text}");
    let rows =
        text.lines().skip(1).map(|line| line.split(',').map(str::to_string).collect::<Vec<_>>());
    let mut balances: Vec<(String, String)> =
        rows.map(|row| (row[0].clone(), row[3].clone())).filter(|(_, b)| b != "0.00").collect();
    balances.sort();
    assert!(balances.len() >= 5, "{balances:?}");
    balances
}

#[test]
fn hledger_accepts_the_export_and_reports_the_same_balances() {
    let Some(hledger) = installed("hledger") else { return };
    on_each(|program, _| {
        settled(program);
        let ours = our_balances(program);
        program.done(&[
            "ledger",
            "export",
            "--lender",
            "CFC",
            "--format",
            "hledger",
            "-o",
            "book.journal",
        ]);
        let run = |arguments: &[&str]| {
            let output = Command::new(&hledger)
                .args(["-f", "book.journal"])
                .args(arguments)
                .current_dir(program.folder)
                .output()
                .unwrap();
            let said = said(output);
            assert_eq!(said.code, 0, "hledger {arguments:?}: {}{}", said.out, said.err);
            said.out
        };
        run(&["check", "--strict", "ordereddates", "balanced", "assertions"]);
        let mut theirs = Vec::new();
        for line in run(&["bal", "--flat", "-O", "csv", "--no-total"]).lines().skip(1) {
            let (account, amount) = line.trim_matches('"').split_once("\",\"").unwrap();
            theirs.push((account.to_string(), amount.replace(" CNY", "").replace(',', "")));
        }
        theirs.sort();
        assert_eq!(theirs, ours);
    });
}

const BEANCOUNT_BALANCES: &str = "import sys\nfrom beancount import loader\nfrom beancount.core import data\nentries, errors, _ = loader.load_file(sys.argv[1])\nassert not errors, errors\nsums = {}\nfor entry in data.filter_txns(entries):\n    for posting in entry.postings:\n        assert posting.units.currency == 'CNY'\n        sums[posting.account] = sums.get(posting.account, 0) + posting.units.number\nfor account in sorted(sums):\n    if sums[account]:\n        print(account, sums[account])\n";

#[test]
fn beancount_accepts_the_export_and_reports_the_same_balances() {
    let Some(check) = installed("bean-check") else { return };
    on_each(|program, _| {
        settled(program);
        let ours = our_balances(program);
        program.done(&[
            "ledger",
            "export",
            "--lender",
            "CFC",
            "--format",
            "beancount",
            "-o",
            "book.beancount",
        ]);
        let said_by = |command: &mut Command| {
            let said = said(command.current_dir(program.folder).output().unwrap());
            assert_eq!(said.code, 0, "{}{}", said.out, said.err);
            said.out
        };
        said_by(Command::new(&check).arg("book.beancount"));
        // Beancount's own loader, by the Python that bean-check was installed with.
        let python = check.with_file_name("python3");
        let python = if python.is_file() { python } else { PathBuf::from("python3") };
        let out = said_by(Command::new(python).args(["-c", BEANCOUNT_BALANCES, "book.beancount"]));
        let theirs: Vec<(String, String)> = out
            .lines()
            .map(|line| line.split_once(' ').unwrap())
            .map(|(a, b)| (a.into(), b.into()))
            .collect();
        assert_eq!(theirs, ours);
    });
}

#[test]
fn the_csv_export_has_a_row_per_leg_and_balances() {
    on_each(|program, book| {
        settled(program);
        program.done(&[
            "ledger",
            "export",
            "--lender",
            "CFC",
            "--format",
            "csv",
            "-o",
            "ledger.csv",
        ]);
        let mut reader = csv::Reader::from_path(program.folder.join("ledger.csv")).unwrap();
        let cents = |text: &str| text.replace('.', "").parse::<i64>().unwrap();
        let legs: Vec<i64> = reader
            .records()
            .map(|row| row.unwrap())
            .map(|row| cents(&row[5]) - cents(&row[6]))
            .collect();
        assert_eq!(legs.len() as i64, book.count("ledger_posting"));
        assert_eq!(legs.iter().sum::<i64>(), 0);
    });
}

// Several at once -----------------------------------------------------------------------------------------------------

fn all_end(children: Vec<Child>) -> Vec<Said> {
    children.into_iter().map(|child| said(child.wait_with_output().unwrap())).collect()
}

#[test]
fn several_programs_may_open_a_new_database_at_once() {
    on_each_database(|book| {
        let folder = book.folder().to_path_buf();
        let url = match &book.address {
            consign::db::Address::Sqlite(_) => {
                format!("sqlite:{}", folder.join("new.db").display())
            }
            consign::db::Address::Postgres(_) => {
                let schema = book.url.rsplit("%3D").next().unwrap().to_string();
                book.sql(&format!("DROP SCHEMA {schema} CASCADE; CREATE SCHEMA {schema}")).unwrap();
                book.url.clone()
            }
        };
        let program = Program { url: &url, folder: &folder };
        let started = (0..4).map(|_| program.start(&["verify", "--json"])).collect();
        for said in all_end(started) {
            assert_eq!(said.code, 0, "{}", said.err);
        }
    });
}

#[test]
fn commands_at_once_lose_nothing_and_leave_a_book_that_is_proven() {
    on_each(|program, book| {
        ready(program);
        program.done(&[
            "allocate",
            "all-a02.toml",
            "--lender",
            "CFC",
            "--on",
            "2026-01-02",
            "--commit",
        ]);
        let mut started = Vec::new();
        for file in 0..4 {
            let rows: String = (0..200)
                .map(|row| {
                    format!(
                        "f{file}-{row},{},2026-01-{:02},0.{:02}\n",
                        row % 10 + 1,
                        row % 27 + 3,
                        row % 90 + 1
                    )
                })
                .collect();
            let name = program.file(
                &format!("{file}.csv"),
                &format!(
                    "reference,account_no,received_on,amount\n{rows}shared,1,2026-01-09,1.00\n"
                ),
            );
            started.push(program.start(&[
                "import",
                "recoveries",
                &name,
                "--lender",
                "CFC",
                "--json",
            ]));
        }
        for day in ["2026-01-03", "2026-01-04"] {
            started.push(program.start(&[
                "allocate",
                "all-a01.toml",
                "--lender",
                "CFC",
                "--on",
                day,
                "--commit",
                "--json",
            ]));
        }
        program.file("newer.csv", "account_no,balance,days_past_due\n11,70.00,40\n12,70.00,40\n");
        started.push(program.start(&[
            "import",
            "portfolio",
            "newer.csv",
            "--lender",
            "CFC",
            "--as-of",
            "2026-01-01",
            "--json",
        ]));
        started.push(program.start(&["verify", "--json"]));
        let said = all_end(started);
        for one in &said {
            assert_eq!(one.code, 0, "{}{}", one.out, one.err);
        }
        let count = |key: &str| {
            said.iter().filter_map(|one| one_object(&one.out)[key].as_u64()).sum::<u64>()
        };
        assert_eq!(count("accepted"), 4 * 200 + 1 + 2, "recoveries, and two accounts");
        assert_eq!(count("duplicate"), 3, "a reference in four files counts once");
        assert_eq!(book.count("recovery"), 801);
        assert_eq!(
            book.number("SELECT CAST(SUM(amount) AS BIGINT) AS number FROM recovery"),
            4 * (0..200).map(|row| row % 90 + 1).sum::<i64>() + 100
        );
        let twice = "SELECT COUNT(*) AS number FROM (SELECT account_no FROM placement WHERE closed_on IS NULL GROUP BY account_no HAVING COUNT(*) > 1) AS twice";
        assert_eq!(book.number(twice), 0);
        assert_eq!(
            book.number("SELECT COUNT(*) AS number FROM placement WHERE assignee = 'A02'"),
            3
        );
        assert!(
            book.number("SELECT COUNT(*) AS number FROM placement WHERE assignee = 'A01'") >= 7
        );
        book.assert_proven();
    });
}

#[test]
fn runs_at_once_never_exceed_a_capacity() {
    on_each(|program, book| {
        ready(program);
        let allocate = |day: &str| {
            program.start(&["allocate", "all-a02.toml", "--lender", "CFC", "--on", day, "--commit"])
        };
        for said in all_end((2..8).map(|day| allocate(&format!("2026-01-0{day}"))).collect()) {
            assert_eq!(said.code, 0, "{}", said.err);
        }
        assert_eq!(book.count("placement"), 3, "A02 takes three");
        book.assert_proven();
    });
}

#[test]
fn closings_at_once_close_a_month_once() {
    on_each(|program, book| {
        ready(program);
        program.done(&[
            "allocate",
            "all-a01.toml",
            "--lender",
            "CFC",
            "--on",
            "2026-01-02",
            "--commit",
        ]);
        program.file("recoveries.csv", RECOVERIES);
        program.done(&["import", "recoveries", "recoveries.csv", "--lender", "CFC"]);
        let started = (0..4)
            .map(|_| program.start(&["close", "--lender", "CFC", "--month", "2026-01", "--json"]))
            .collect();
        let said = all_end(started);
        let closed = said
            .iter()
            .filter(|one| one.code == 0 && one_object(&one.out)["already_closed"] == false)
            .count();
        assert_eq!((closed, said.iter().filter(|one| one.code == 0).count()), (1, 4));
        assert_eq!((book.count("period"), book.count("statement")), (1, 2));
        book.assert_proven();
    });
}
