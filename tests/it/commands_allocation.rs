//! Allocation from the command line: what is refused and why, what is left and why, in both languages; and past runs
//! repeated after the book has moved on.

use crate::commands::{Program, on_each};
use crate::support::{Book, flat_contract};

/// A lender with assignees, each given as what stands after its code and kind.
fn parties(assignees: &[(&str, &str)]) -> String {
    let head = "[[lender]]\ncode = \"CFC\"\nname = \"Example Consumer Finance\"\ncurrency = \"CNY\"\ntimezone = \"Asia/Shanghai\"\n";
    let one = |(code, more): &(&str, &str)| {
        format!(
            "\n[[lender.assignee]]\ncode = \"{code}\"\nname = \"Assignee {code}\"\nkind = \"agency\"\n{more}\n"
        )
    };
    format!("{head}{}", assignees.iter().map(one).collect::<String>())
}

/// Parties with contracts, and accounts as `account_no,balance,days_past_due,debtor_ref,region,product,hold`.
fn set_up(program: &Program<'_>, assignees: &[(&str, &str)], accounts: &str) {
    program.file("parties.toml", &parties(assignees));
    program.done(&["setup", "parties.toml"]);
    for (code, _) in assignees {
        let name = program.file("contract.toml", &flat_contract(code, "20%", 60));
        program.done(&["contract", "publish", &name, "--lender", "CFC"]);
    }
    upload(program, "2025-12-31", accounts);
}

fn upload(program: &Program<'_>, as_of: &str, accounts: &str) {
    let name = program.file(
        "portfolio.csv",
        &format!("account_no,balance,days_past_due,debtor_ref,region,product,hold\n{accounts}"),
    );
    program.done(&["import", "portfolio", &name, "--lender", "CFC", "--as-of", as_of]);
}

/// Ten accounts of 100.00, 40 days past due, region R1 up to the fifth, then R2.
fn ten() -> String {
    (0..10).map(|i| format!("{i},100.00,40,,R{},card,\n", 1 + i / 5)).collect()
}

const SIMULATE: [&str; 6] = ["allocate", "s.toml", "--lender", "CFC", "--on", "2026-01-02"];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&SIMULATE[..], more].concat()
}

/// A strategy is refused, simulated or committed, with all of these words, and nothing is changed.
fn assert_refused(program: &Program<'_>, book: &mut Book, strategy: &str, words: &[&str]) {
    program.file("s.toml", strategy);
    let before = book.state();
    for arguments in [with(&[]), with(&["--commit"])] {
        program.ends(1, &arguments);
        let said = program.run(&arguments);
        for word in words {
            assert!(
                said.err.contains(word),
                "of {strategy}\n\"{}\" does not say \"{word}\"",
                said.err
            );
        }
    }
    assert_eq!(book.state(), before, "{strategy} changed something");
}

fn equal(more: &str) -> String {
    format!("name = \"e\"\nmethod = \"equal\"\nseed = 7\n{more}")
}

/// A method and what each assignee's table says beside its code.
fn of(method: &str, assignees: &[(&str, &str)]) -> String {
    let one = |(code, more): &(&str, &str)| format!("\n[[assignee]]\ncode = \"{code}\"\n{more}\n");
    format!(
        "name = \"m\"\nmethod = \"{method}\"\nseed = 7\n{}",
        assignees.iter().map(one).collect::<String>()
    )
}

#[test]
fn a_strategy_that_cannot_be_meant_is_refused_with_its_line() {
    on_each(|program, book| {
        set_up(program, &[("A01", ""), ("A02", "")], &ten());
        let share = |share: &str| format!("share = \"{share}\"");
        let (third, rest) = (share("33.3%"), share("66.6%"));
        for (strategy, words) in [
            (
                of("equal", &[("A01", ""), ("A77", "")]),
                &["s.toml, line 10", "A77", "no assignee of this lender"][..],
            ),
            (of("equal", &[("A01", ""), ("A01", "")]), &["line 10", "stands twice"]),
            (
                of("fixed", &[("A01", &third), ("A02", &rest)]),
                &["s.toml, line", "sum to 99.9%", "must sum to 100%"],
            ),
            (of("fixed", &[("A01", &share("100%")), ("A02", "")]), &["`share` is missing", "A02"]),
            (of("equal", &[("A01", &share("100%"))]), &["line 7", "method = \"fixed\" only"]),
            ("name = \"m\"\nmethod = \"fixed\"\n".to_string(), &["line 2", "[[assignee]]"]),
            (
                of("equal", &[("A01", "min_share = \"60%\""), ("A02", "min_share = \"50%\"")]),
                &["min_shares that sum to 110%"],
            ),
            (
                of("equal", &[("A01", "max_share = \"60%\""), ("A02", "max_share = \"30%\"")]),
                &["max_shares that sum to 90%", "10% of the accounts could go to nobody"],
            ),
            (
                of("optimise", &[("A01", "min_share = \"40%\"\nmax_share = \"30%\""), ("A02", "")]),
                &["line 8", "max_share", "below min_share 40"],
            ),
            (
                of("score", &[]) + "\n[score]\ncompliance = 0\n",
                &["compliance", "money alone is refused"],
            ),
            (equal("colour = \"red\"\n"), &["line 4", "colour"]),
            (equal("\n[performance]\nwindow = 3\n"), &["line 6", "performance.window"]),
            (equal("\n[score]\nbeauty = 3\n"), &["line 6", "score.beauty"]),
            (equal("\n[conduct]\nmax_upheld = \"3\"\n"), &["conduct"]),
            (equal("filter = { days = { from = 3 } }\n"), &["line 4", "filter.days"]),
            (of("equal", &[("A01", "limit = 5")]), &["line 7", "assignee[1].limit"]),
            (
                equal("strata = [\"colour\"]\n"),
                &["line 4", "colour", "bucket, balance_band, product, region, level"],
            ),
            (equal("strata = [\"balance_band\"]\n"), &["balance_bands"]),
            (
                equal("strata = [\"balance_band\"]\nbalance_bands = [\"10\", \"5\"]\n"),
                &["line 5", "must rise"],
            ),
            (equal("exploration = \"120%\"\n"), &["line 4", "exploration"]),
            ("method = \"equal\"\n".to_string(), &["name"]),
            ("name = \"x\"\nmethod = \"best\"\n".to_string(), &["line 2", "best", "optimise"]),
        ] {
            assert_refused(program, book, &strategy, words);
        }
        for wrong in [
            &["allocate"][..],
            &["allocate", "s.toml", "--lender", "CFC"],
            &["allocate", "s.toml", "--lender", "CFC", "--on", "2026-02-30"],
            &["allocate", "s.toml", "--lender", "CFC", "--commit-run", "1"],
            &["allocate", "--replay", "CFC#1", "--commit"],
            &["what-if", "s.toml", "--lender", "CFC", "--on", "2026-01-02"],
        ] {
            assert_eq!(program.run(wrong).code, 2, "{wrong:?}");
        }
    });
}

#[test]
fn limits_that_clash_are_refused_with_whose_and_by_how_much() {
    on_each(|program, book| {
        let assignees = [("A01", ""), ("A02", "capacity = 3\n"), ("A03", "regions = [\"R9\"]\n")];
        set_up(program, &assignees, &ten());
        for method in ["equal", "fixed", "score"] {
            let share = |percent: i64| {
                if method == "fixed" { format!("share = \"{percent}%\"\n") } else { String::new() }
            };
            let two = |a: &str, b: &str| {
                of(
                    method,
                    &[("A01", &format!("{}{a}", share(50))), ("A02", &format!("{}{b}", share(50)))],
                )
            };
            // A02 must get half of ten and has room for three.
            assert_refused(
                program,
                book,
                &two("", "min_share = \"50%\""),
                &["limits of A02 cross", "get 5 accounts", "may get 3"],
            );
            // A01 may get six, A02 three: of ten one is too many.
            assert_refused(
                program,
                book,
                &two("max_share = \"60%\"", ""),
                &["10 accounts", "A01, A02 only", "leave room for 9", "1 too many"],
            );
            // Nothing is open to A03.
            let three = [("A01", &share(50)), ("A02", &share(20)), ("A03", &share(30))].map(
                |(code, share)| {
                    (
                        code,
                        format!(
                            "{share}{}",
                            if code == "A03" { "min_share = \"20%\"" } else { "" }
                        ),
                    )
                },
            );
            let three = three.each_ref().map(|(code, more)| (*code, more.as_str()));
            assert_refused(
                program,
                book,
                &of(method, &three),
                &["min_share gives A03 2 accounts", "only 0 are open", "2 too few"],
            );
        }
    });
}

#[test]
fn accounts_nobody_can_take_are_left_with_the_gates_that_were_closed() {
    on_each(|program, book| {
        let closed = [
            ("A01", "status = \"suspended\"\n"),
            ("A02", "capacity = 0\n"),
            ("A03", "licence_expires_on = 2026-01-01\n"),
            ("A04", "evaluated_on = 2025-01-01\n"),
            ("A05", "regions = [\"R9\"]\n"),
            ("A06", "products = [\"loan\"]\n"),
        ];
        set_up(program, &closed, &ten());
        program.file("s.toml", &equal("exploration = \"10%\"\n"));
        let done = program.done(&with(&["--export", "out.csv"]));
        assert_eq!((&done["placed"], &done["unplaced"]), (&0.into(), &10.into()));
        let gates =
            "A01 status, A02 capacity, A03 licence, A04 evaluation, A05 region, A06 product";
        let reason = format!("no eligible assignee; closed gates: {gates}");
        assert_eq!(done["unplaced_reasons"][&reason], 10, "{done}");
        for line in program.read("out.csv").lines().skip(1) {
            assert!(
                line.ends_with(&format!(",\"{reason}\"")) && line.split(',').nth(1) == Some(""),
                "{line}"
            );
        }
        program.done(&with(&["--commit", "--language", "zh", "--export", "zh.csv"]));
        let text = program.read("zh.csv");
        let reason = "无符合准入条件的受托方；未开放：A01 状态、A02 容量、A03 资质到期、A04 评估过期、A05 地区、A06 产品";
        assert_eq!(text.lines().filter(|line| line.contains(reason)).count(), 10, "{text}");
        assert_eq!(book.count("placement"), 0);
        book.assert_proven();
    });
}

#[test]
fn one_account_is_placed_held_ones_are_not_taken_and_nothing_is_no_refusal() {
    on_each(|program, book| {
        set_up(program, &[("A01", ""), ("A02", "")], &ten().replace("card,\n", "card,dispute\n"));
        for method in ["equal", "score", "optimise"] {
            program.file("s.toml", &of(method, &[]));
            let done =
                program.done(&with(&["--commit", "--export", "out.csv", "--strata", "strata.csv"]));
            assert_eq!(
                (&done["placed"], &done["unplaced"], &done["not_taken"]["held"]),
                (&0.into(), &0.into(), &10.into())
            );
            assert_eq!(
                (
                    program.read("out.csv").lines().count(),
                    program.read("strata.csv").lines().count()
                ),
                (1, 1)
            );
        }
        upload(program, "2026-01-01", "new,55.00,40,,R1,card,\n");
        program.file("s.toml", &of("optimise", &[("A01", "min_share = \"10%\""), ("A02", "")]));
        let done = program.done(&with(&["--commit"]));
        assert_eq!(
            (&done["placed"], &done["assignees"]["A01"]["accounts"]),
            (&1.into(), &1.into()),
            "{done}"
        );
        assert_eq!(done["outcome"]["method"], "equal", "there is no history to go by");
        book.assert_proven();
    });
}

#[test]
fn a_run_is_committed_once_and_only_while_nothing_has_moved() {
    on_each(|program, book| {
        set_up(program, &[("A01", ""), ("A02", "")], &ten());
        program.file("s.toml", &equal(""));
        let run = program.done(&with(&[]))["run"].as_str().unwrap().to_string();
        let other = program.done(&with(&[]))["run"].as_str().unwrap().to_string();
        // Another simulation and a download change nothing.
        program.done(&["placements", "--lender", "CFC", "-o", "placements.csv"]);
        assert_eq!(program.done(&["allocate", "--commit-run", &run])["placed"], 10);
        let before = book.state();
        program.refused(&["allocate", "--commit-run", &run], "is committed already");
        program.refused(&["allocate", "--commit-run", &other], "the book has changed since run 2");
        program.refused(&["allocate", "--commit-run", "CFC#77"], "no run 77");
        program.refused(
            &["allocate", "--commit-run", "CFC#1", "--lender", "OTHER"],
            "one of CFC, not of OTHER",
        );
        program.refused(&["allocate", "--commit-run", "seven", "--lender", "CFC"], "is no run");
        program.refused(&["allocate", "--replay", "CFC#77"], "no run 77");
        assert_eq!(book.state(), before);

        // Whatever moves the book.
        upload(program, "2026-01-02", "new,55.00,40,,R1,card,\n");
        program.file(
            "payments.csv",
            "reference,account_no,received_on,amount\nx,new,2026-01-03,5.00\n",
        );
        program.file(
            "contract.toml",
            &flat_contract("A01", "25%", 60).replace("2026-01-01", "2026-01-05"),
        );
        program.file("parties.toml", &parties(&[("A01", "capacity = 50\n"), ("A02", "")]));
        let moves: [&[&str]; 4] = [
            &["import", "recoveries", "payments.csv", "--lender", "CFC"],
            &[
                "recall",
                "--lender",
                "CFC",
                "--agency",
                "A01",
                "--reason",
                "test",
                "--on",
                "2026-01-03",
                "--final",
            ],
            &["contract", "publish", "contract.toml", "--lender", "CFC"],
            &["setup", "parties.toml"],
        ];
        for moving in moves {
            let run = program.done(&with(&[]))["run"].as_str().unwrap().to_string();
            program.done(moving);
            let before = book.state();
            program.refused(&["allocate", "--commit-run", &run], "simulate again");
            assert_eq!(book.state(), before, "after {moving:?}");
        }
        book.assert_proven();
    });
}

// Every reason ----------------------------------------------------------------------------------------------------------

const VARIED: &str = "a1,900.00,40,d1,R1,card,\na2,800.00,40,d1,R1,card,\nb,700.00,40,,R2,card,\nc,650.00,40,,R2,card,\n\
    e,600.00,40,,R1,card,\nf,550.00,40,,R1,card,\ng,500.00,40,,R1,card,\nh,450.00,40,,R1,card,\ni,400.00,100,,R3,card,\n";

/// A01 takes everything but R3, A02 R1 only and three accounts, A03 takes no part; debtors of two accounts are with
/// A01, A02 and A03 already, each with one account more now.
fn varied(program: &Program<'_>) {
    let assignees = [
        ("A01", "regions = [\"R1\", \"R2\"]\n"),
        ("A02", "regions = [\"R1\"]\ncapacity = 3\n"),
        ("A03", ""),
    ];
    set_up(
        program,
        &assignees,
        "x1,100.00,40,x,R1,card,\ny1,100.00,40,y,R1,card,\nz1,100.00,40,z,R1,card,\n",
    );
    for (account, to) in [("x", "A01"), ("y", "A02"), ("z", "A03")] {
        let hold: String = ["x", "y", "z"]
            .iter()
            .filter(|one| **one != account)
            .map(|one| format!("{one}1,100.00,40,{one},R1,card,dispute\n"))
            .collect();
        upload(program, "2026-01-01", &format!("{account}1,100.00,40,{account},R1,card,\n{hold}"));
        program.file("s.toml", &crate::support::all_to(to));
        assert_eq!(program.done(&with(&["--commit"]))["placed"], 1);
    }
    let released = ["x", "y", "z"].map(|one| format!("{one}1,100.00,40,{one},R1,card,\n")).concat();
    upload(program, "2026-01-02", &released);
    upload(
        program,
        "2026-01-02",
        &format!(
            "{VARIED}x2,50.00,40,x,R1,card,\ny2,50.00,40,y,R2,card,\nz2,50.00,40,z,R1,card,\n"
        ),
    );
    program.file(
        "s.toml",
        &of("equal", &[("A01", ""), ("A02", "")])
            .replace("seed = 7\n", "seed = 7\nexploration = \"25%\"\nstrata = [\"region\"]\n"),
    );
}

#[test]
fn every_reason_is_told_in_both_languages() {
    on_each(|program, book| {
        varied(program);
        program.done(&with(&["--export", "en.csv"]));
        program.done(&with(&["--export", "zh.csv", "--language", "zh"]));
        let read = |name: &str| -> Vec<Vec<String>> {
            let text = program.read(name);
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            reader.records().map(|row| row.unwrap().iter().map(str::to_string).collect()).collect()
        };
        let (en, zh) = (read("en.csv"), read("zh.csv"));
        let row = |rows: &[Vec<String>], account: &str| {
            rows.iter().find(|row| row[0] == account).unwrap().clone()
        };
        for (account, assignee, english, chinese) in [
            (
                "x2",
                "A01",
                "follows the debtor's other account to A01",
                "共债合并：随债务人其他案件委予 A01",
            ),
            (
                "y2",
                "",
                "waits: the debtor's other account is with A02, whose gate region is closed",
                "等待：债务人其他案件在 A02，其未通过准入（地区）",
            ),
            (
                "z2",
                "",
                "waits: the debtor's other account is with A03, which takes no part in this run",
                "等待：债务人其他案件在 A03，其不参与本次分案",
            ),
            (
                "i",
                "",
                "no eligible assignee; closed gates: A01 region, A02 region",
                "无符合准入条件的受托方；未开放：A01 地区、A02 地区",
            ),
        ] {
            let (en, zh) = (row(&en, account), row(&zh, account));
            assert_eq!((en[1].as_str(), zh[1].as_str()), (assignee, assignee));
            assert!(en[6].starts_with(english), "{en:?}");
            assert!(zh[6].starts_with(chinese), "{zh:?}");
        }
        for (english, chinese) in [
            ("; 2 accounts of the debtor stay together", "；同一债务人 2 户合并委出"),
            ("equal share: A01 gets ", "按均分分配：本层"),
            ("held back to explore: dealt by chance, A", "探索样本：随机均分，本层"),
        ] {
            let told = |rows: &[Vec<String>], words: &str| {
                rows.iter().filter(|row| row[6].contains(words)).count()
            };
            assert!(told(&en, english) > 0, "nobody is told \"{english}\": {en:#?}");
            assert!(told(&zh, chinese) > 0, "nobody is told \"{chinese}\": {zh:#?}");
        }
        // The languages differ in reasons only.
        let rest =
            |rows: &[Vec<String>]| rows.iter().map(|row| row[..6].to_vec()).collect::<Vec<_>>();
        assert_eq!(rest(&en), rest(&zh));
        book.assert_proven();
    });
}

#[test]
fn a_past_run_repeats_to_the_byte_whatever_has_become_of_the_book() {
    on_each(|program, book| {
        varied(program);
        // Something to go by: judged placements with money.
        program.file("first.csv", "reference,account_no,received_on,amount\nq1,x1,2026-01-05,30.00\nq2,y1,2026-01-06,10.00\n");
        program.done(&["import", "recoveries", "first.csv", "--lender", "CFC"]);
        let mut runs = Vec::new();
        for method in ["equal", "score", "optimise"] {
            let text = program
                .read("s.toml")
                .replace("method = \"equal\"", &format!("method = \"{method}\""));
            program.file(
                "m.toml",
                &format!("{text}\n[performance]\nhorizon_days = 5\ncredibility = 3\n"),
            );
            let (out, zh, strata) = (
                format!("{method}.csv"),
                format!("{method}-zh.csv"),
                format!("{method}-strata.csv"),
            );
            let arguments = [
                "allocate",
                "m.toml",
                "--lender",
                "CFC",
                "--on",
                "2026-01-20",
                "--export",
                &out,
                "--strata",
                &strata,
            ];
            let done = program.done(&arguments);
            assert_eq!(done["outcome"]["method"], method);
            let run = done["run"].as_str().unwrap().to_string();
            program.done(&["allocate", "--replay", &run, "--language", "zh", "--export", &zh]);
            runs.push((run, done["hash"].clone(), [out, zh, strata]));
        }
        let last = runs[2].0.clone();
        program.done(&["allocate", "--commit-run", &last]);
        let repeat = |program: &Program<'_>, book: &mut Book, after: &str| {
            let before = book.state();
            for (run, hash, [out, zh, strata]) in &runs {
                let said = program.done(&[
                    "allocate",
                    "--replay",
                    run,
                    "--export",
                    "again.csv",
                    "--strata",
                    "again-strata.csv",
                ]);
                assert_eq!(
                    (&said["hash"], &said["committed"]),
                    (hash, &(*run == last).into()),
                    "after {after}"
                );
                program.done(&[
                    "allocate",
                    "--replay",
                    run,
                    "--language",
                    "zh",
                    "--export",
                    "again-zh.csv",
                ]);
                for (again, first) in
                    [("again.csv", out), ("again-zh.csv", zh), ("again-strata.csv", strata)]
                {
                    assert_eq!(program.read(again), program.read(first), "{first} after {after}");
                }
            }
            assert_eq!(book.state(), before, "repeating changed something");
        };
        repeat(program, book, "committing");
        program.file(
            "late.csv",
            "reference,account_no,received_on,amount,kind,reverses\nq3,x1,2026-01-07,20.00,,\nq4,q-nobody,2026-01-07,1.00,,\nr1,y1,2026-01-08,10.00,reversal,q2\nq5,a1,2026-01-21,900.00,,\n",
        );
        program.ends(3, &["import", "recoveries", "late.csv", "--lender", "CFC"]);
        repeat(program, book, "payments and reversals");
        upload(
            program,
            "2026-01-19",
            "b,10.00,400,,R1,loan,\nc,650.00,40,,R2,card,dispute\nnew,77.00,90,d1,R1,card,\n",
        );
        repeat(program, book, "a portfolio file of an earlier day, with a hold");
        upload(program, "2026-01-21", "c,650.00,40,,R2,card,\n");
        let more = parties(&[
            ("A01", "status = \"suspended\"\n"),
            ("A02", "capacity = 90\nproducts = [\"loan\"]\n"),
            ("A03", ""),
            ("A04", ""),
        ]);
        program.file("parties.toml", &more);
        program.done(&["setup", "parties.toml"]);
        repeat(program, book, "other capacities, scopes and assignees");
        program.file(
            "correction.toml",
            &flat_contract("A01", "35%", 60)
                .replace("effective_from", "corrects = 1\neffective_from"),
        );
        program.done(&["contract", "publish", "correction.toml", "--lender", "CFC"]);
        repeat(program, book, "a correction");
        program.done(&[
            "recall",
            "--lender",
            "CFC",
            "--agency",
            "A01",
            "--reason",
            "test",
            "--on",
            "2026-01-25",
            "--final",
        ]);
        program.done(&["expire", "--lender", "CFC", "--on", "2026-04-30"]);
        repeat(program, book, "recalls and expiries");
        program.done(&["close", "--lender", "CFC", "--month", "2026-01"]);
        program.done(&["close", "--lender", "CFC", "--month", "2026-02"]);
        repeat(program, book, "closed months");
        book.assert_proven();
    });
}

#[test]
fn a_run_whose_inputs_were_changed_is_refused_and_found() {
    on_each(|program, book| {
        varied(program);
        let run = program.done(&with(&[]))["run"].as_str().unwrap().to_string();
        program.done(&["allocate", "--replay", &run]);
        let open = if book.is_postgres() {
            "SET session_replication_role = replica"
        } else {
            "DROP TRIGGER allocation_outcome_no_update"
        };
        book.sql(open).unwrap();
        let number = run.trim_start_matches("CFC#").to_string();
        // One more account for A02: as if its capacity had been another.
        book.sql(&format!(
            "UPDATE allocation_outcome SET body = REPLACE(body, '\"room\":2', '\"room\":1') WHERE run_no = {number}"
        ))
        .unwrap();
        let before = book.state();
        program.refused(&["allocate", "--replay", &run, "--export", "out.csv"], "does not repeat");
        assert!(!program.folder.join("out.csv").exists());
        assert_eq!(book.state(), before);
        let findings = book.findings().join("\n");
        assert!(findings.contains("allocation"), "{findings}");
    });
}
