//! What reaches a settled book behind the program's back: the database refuses it, or `verify` finds it.

use consign::placement::Action;

use crate::support::{Book, assert_adds_up, day, on_each_database};

/// Tables whose rows are written once.
const APPEND_ONLY: [&str; 25] = [
    "allocation_outcome",
    "allocation_refusal",
    "allocation_stratum",
    "event",
    "contract",
    "portfolio",
    "portfolio_row",
    "batch",
    "placement_step",
    "recovery",
    "recovery_file",
    "ledger_transaction",
    "ledger_posting",
    "period",
    "grade",
    "statement",
    "statement_line",
    "statement_document",
    "allocation_row",
    "contact_policy",
    "contact_file",
    "contact",
    "complaint",
    "complaint_decision",
    "evaluation",
];

/// A small book with something in nearly every column: two agencies, two months closed, a late reversal, a waiver.
fn settle(book: &mut Book) {
    book.lender = "OTHER".to_string();
    book.set_up("CNY", &["A01", "A02"]);
    book.lender = "CFC".to_string();
    book.set_up("CNY", &["A01", "A02", "A03"]);
    book.publish(CONTRACT);
    book.publish(&CONTRACT.replace("A01", "A02"));
    book.portfolio("2025-12-31", PORTFOLIO);
    // A03 has no contract: a run that asks it is refused by its gate, and the refusal is stored.
    let asked = "name = \"all\"\nmethod = \"equal\"\n";
    assert_eq!(book.try_allocate(asked, "2026-01-02", false).unwrap().decision.placed(), 3);
    assert_eq!(book.allocate("2026-01-02", "A01"), 3);
    book.recall(&["2"], "2026-01-20");
    assert_eq!(book.allocate("2026-01-21", "A02"), 1);
    book.step("1", Some("A01"), Action::AskRetention(day("2026-04-15"), "it pays"), "2026-01-22")
        .unwrap();
    book.step("1", None, Action::DecideRetention(true, Some("it does")), "2026-01-23").unwrap();
    book.step("2", None, Action::RequestRecall("review"), "2026-01-31").unwrap();
    book.recoveries(RECOVERIES);
    book.close("2026-01");
    book.portfolio("2026-02-10", "account_no,balance,days_past_due\n3,0,0\n");
    book.recoveries("reference,account_no,received_on,amount,kind,reverses\nr-late,1,2026-01-25,100.00,reversal,p-1\n");
    book.publish(&CONTRACT.replace("12.5%", "13%").replace("term_days", "corrects = 1\nterm_days"));
    book.close("2026-02");
    crate::conduct::fill(book);
    for agency in ["A01", "A02"] {
        let statement = book.statement(agency, "2026-02");
        assert_adds_up(&statement, book.currency);
    }
    assert_ne!(book.statement("A01", "2026-02")["true_up"], "0.00");
    book.assert_proven();
}

const CONTRACT: &str = "code = \"K-A01\"\nagency = \"A01\"\neffective_from = 2026-01-01\neffective_to = 2026-12-31\nterm_days = 60\n\
    tail_days = 3\nobjection_days = 60\nminimum_per_statement = \"50\"\nvat = { rate = \"6%\" }\n\n[[fee]]\nname = \"all\"\nrate = \"12.5%\"\n\n\
    [[charge]]\nname = \"letter\"\nper = \"account_placed\"\namount = \"2.00\"\n\n\
    [performance_factor]\nby = \"rank\"\nsteps = [{ factor = \"1.02\" }]\n";

const PORTFOLIO: &str = "account_no,balance,principal,interest,fees,days_past_due,debtor_ref,region,product,charged_off,legal,opened_on,last_paid_on,score\n\
    1,1000.00,900.00,80.00,20.00,45,d1,310000,card,yes,no,2024-01-05,2025-10-01,612\n\
    2,2000.00,1900.00,80.00,20.00,95,d2,320000,loan,no,yes,2024-02-05,2025-09-01,580\n\
    3,300.00,280.00,15.00,5.00,10,d3,310000,card,no,no,2024-03-05,2025-11-01,700\n";

const RECOVERIES: &str = "reference,account_no,received_on,amount,kind,reverses,channel,agency,principal,interest,fees,costs,note\n\
    p-1,1,2026-01-10,400.00,payment,,lender,,300.00,90.00,9.00,1.00,first\n\
    p-2,2,2026-01-25,500.00,payment,,agency,A02,400.00,90.00,9.00,1.00,second\n\
    r-1,2,2026-01-26,100.00,reversal,p-2,,,80.00,18.00,1.80,0.20,taken back\n\
    w-1,3,2026-01-12,10.00,waiver,,,,10.00,0,0,0,forgiven\n";

#[test]
fn append_only_tables_refuse_every_change() {
    on_each_database(|book| {
        settle(book);
        let before = book.state();
        let mut stranger = Stranger::of(book);
        for table in APPEND_ONLY {
            assert!(book.count(table) > 0, "{table} is empty, so nothing is proven");
            stranger.refused(&format!("UPDATE {table} SET lender = lender"), "append-only");
            stranger.refused(&format!("DELETE FROM {table}"), "append-only");
            if book.is_postgres() {
                stranger.refused(&format!("TRUNCATE {table}"), "append-only");
                stranger.refused(&format!("TRUNCATE {table} CASCADE"), "append-only");
                let upsert = format!(
                    "INSERT INTO {table} SELECT * FROM {table} LIMIT 1 ON CONFLICT ({}) DO UPDATE SET lender = 'X'",
                    keys(book, table).join(", ")
                );
                stranger.refused(&upsert, "append-only");
            } else {
                stranger.refused(
                    &format!("INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1"),
                    "append-only",
                );
            }
        }
        assert_eq!(book.state(), before);
        book.assert_proven();
    });
}

#[test]
fn tables_refuse_words_signs_and_flags_that_no_reader_takes() {
    on_each_database(|book| {
        settle(book);
        let before = book.state();
        let mut stranger = Stranger::of(book);
        let mut by_check = |sql: &str| {
            let message = stranger.refused(sql, "").to_lowercase();
            assert!(message.contains("check constraint"), "{sql}: {message}");
        };
        for (table, column, value) in [
            ("contact_policy", "effective_calls", "-1"),
            ("hold", "kind", "'grudge'"),
            ("recovery", "channel", "'Lender'"),
            ("statement_line", "kind", "''"),
            ("evaluation", "result", "-1"),
            ("event", "version", "0"),
        ] {
            let columns = columns_of(book, table);
            let cell = |one: &ColumnOf| match one.name.as_str() {
                "lender" => "'OTHER'".to_string(),
                "seq" => "seq + 1000".to_string(),
                name if name == column => value.to_string(),
                name => name.to_string(),
            };
            let cells: Vec<String> = columns.iter().map(cell).collect();
            let copied =
                format!("INSERT INTO {table} SELECT {} FROM {table} LIMIT 1", cells.join(", "));
            by_check(&copied);
        }
        by_check("UPDATE assignee SET status = 'gone'");
        by_check("UPDATE lender SET language = 'fr'");
        by_check("UPDATE book SET turnover = -1");
        if !book.is_postgres() {
            stranger.refused("UPDATE hold SET by_file = 2", "");
        }
        assert_eq!(book.state(), before);
    });
}

#[test]
fn a_placement_keeps_its_facts_and_is_never_deleted() {
    on_each_database(|book| {
        settle(book);
        let before = book.state();
        let mut stranger = Stranger::of(book);
        for column in [
            "account_no",
            "assignee",
            "placed_on",
            "expires_on",
            "balance",
            "contract_version",
            "level",
            "seq",
        ] {
            let message =
                stranger.refused(&format!("UPDATE placement SET {column} = {column}"), "");
            assert!(message.contains("frozen") || message.contains("append-only"), "{message}");
        }
        stranger.refused("UPDATE placement SET closed_on = NULL WHERE closed_on IS NOT NULL", "");
        stranger.refused("DELETE FROM placement", "");
        if book.is_postgres() {
            stranger.refused("TRUNCATE placement", "");
        } else {
            stranger
                .refused("INSERT OR REPLACE INTO placement SELECT * FROM placement LIMIT 1", "");
        }
        assert_eq!(book.state(), before);
    });
}

#[test]
fn a_replacing_insert_that_collides_on_another_unique_key_is_refused_too() {
    let mut book = Book::on_sqlite();
    settle(&mut book);
    let before = book.state();
    let mut stranger = Stranger::of(&book);
    let columns = |book: &mut Book, table: &str| -> String {
        let names: Vec<String> =
            columns_of(book, table).into_iter().map(|column| column.name).collect();
        names.join(", ")
    };
    let statement = columns(&mut book, "statement");
    let moved = statement.replacen("month", "'2031-01'", 1);
    stranger.refused(
        &format!(
            "INSERT OR REPLACE INTO statement ({statement}) SELECT {moved} FROM statement LIMIT 1"
        ),
        "",
    );
    let transaction = columns(&mut book, "ledger_transaction");
    let moved = transaction.replacen("number", "number + 1000", 1);
    stranger.refused(
        &format!("INSERT OR REPLACE INTO ledger_transaction ({transaction}) SELECT {moved} FROM ledger_transaction LIMIT 1"),
        "",
    );
    let placement = columns(&mut book, "placement");
    let moved = placement.replacen("placement_no", "placement_no + 1000", 1);
    let active = "FROM placement WHERE closed_on IS NULL LIMIT 1";
    stranger.refused(
        &format!("INSERT OR REPLACE INTO placement ({placement}) SELECT {moved} {active}"),
        "",
    );
    assert_eq!(book.state(), before);
}

/// Another program on the same database, with none of this program's settings.
struct Stranger(Book2);

enum Book2 {
    Sqlite(diesel::sqlite::SqliteConnection),
    Postgres(Box<diesel::pg::PgConnection>),
}

impl Stranger {
    fn of(book: &Book) -> Stranger {
        use diesel::Connection as _;
        match &book.address {
            consign::db::Address::Sqlite(path) => {
                Stranger(Book2::Sqlite(diesel::sqlite::SqliteConnection::establish(path).unwrap()))
            }
            consign::db::Address::Postgres(url) => Stranger(Book2::Postgres(Box::new(
                diesel::pg::PgConnection::establish(url).unwrap(),
            ))),
        }
    }

    fn refused(&mut self, sql: &str, why: &str) -> String {
        use diesel::connection::SimpleConnection as _;
        let done = match &mut self.0 {
            Book2::Sqlite(c) => c.batch_execute(sql),
            Book2::Postgres(c) => c.batch_execute(sql),
        };
        let message = done
            .err()
            .unwrap_or_else(|| panic!("the database let this through: {sql}"))
            .to_string();
        assert!(message.contains(why), "{sql} is refused for another reason: {message}");
        message
    }
}

/// A column and how a single cell of it is changed.
struct ColumnOf {
    name: String,
    kind: String,
    key: bool,
}

fn columns_of(book: &mut Book, table: &str) -> Vec<ColumnOf> {
    let keys = keys(book, table);
    let sql = if book.is_postgres() {
        format!(
            "SELECT column_name || ' ' || data_type AS text FROM information_schema.columns \
             WHERE table_schema = current_schema() AND table_name = '{table}' ORDER BY ordinal_position"
        )
    } else {
        format!("SELECT name || ' ' || type AS text FROM pragma_table_info('{table}') ORDER BY cid")
    };
    let found = book.texts(&sql);
    let split = found.iter().map(|text| text.split_once(' ').unwrap());
    split
        .map(|(name, kind)| ColumnOf {
            name: name.into(),
            kind: kind.to_lowercase(),
            key: keys.iter().any(|k| k == name),
        })
        .collect()
}

fn keys(book: &mut Book, table: &str) -> Vec<String> {
    let sql = if book.is_postgres() {
        format!(
            "SELECT CAST(a.attname AS TEXT) AS text FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) \
             WHERE i.indrelid = CAST('{table}' AS regclass) AND i.indisprimary ORDER BY array_position(i.indkey, a.attnum)"
        )
    } else {
        format!("SELECT name AS text FROM pragma_table_info('{table}') WHERE pk > 0 ORDER BY pk")
    };
    book.texts(&sql)
}

/// Another value of the same type: what someone with a plan would write.
fn changed(book: &Book, table: &str, column: &ColumnOf) -> String {
    let name = &column.name;
    let flag = ["charged_off", "legal", "upheld"].contains(&name.as_str());
    let date = name.ends_with("_on")
        || name == "on_day"
        || name == "retained_to"
        || name == "day"
        || name == "as_of"
        || name.starts_with("effective_");
    match column.kind.as_str() {
        _ if name == "lender" => "'OTHER'".to_string(),
        "boolean" => format!("NOT {name}"),
        "integer" if flag => format!("1 - {name}"),
        "date" => format!("COALESCE({name}, DATE '2026-01-01') + 1"),
        "text" if date => format!("date(COALESCE({name}, '2026-01-01'), '+1 day')"),
        "text" if table == "period" && name == "month" => "'2031-01'".to_string(),
        // The database knows the words it may hold.
        "text" if table == "period" && name == "settles" => "NULL".to_string(),
        "text" => format!("COALESCE({name}, '') || 'x'"),
        "blob" => "CAST('other' AS BLOB)".to_string(),
        "bytea" => "CAST('other' AS bytea)".to_string(),
        _ if column.key || name == "seq" => format!("COALESCE({name}, 0) + 1000"),
        _ if book.is_postgres() => format!("COALESCE({name}, 0) + 1"),
        _ => format!("COALESCE({name}, 0) + 1"),
    }
}

#[test]
fn verify_finds_a_change_of_any_single_cell() {
    on_each_database(|book| {
        settle(book);
        let tables: Vec<&str> = APPEND_ONLY.iter().copied().chain(["placement"]).collect();
        open_the_tables(book, &tables);
        let (mut cells, mut unseen) = (0, Vec::new());
        for table in &tables {
            for column in columns_of(book, table) {
                cells += 1;
                change_one_cell(book, table, &column);
                if !found_by_verify(book) {
                    unseen.push(format!("{table}.{}", column.name));
                }
                restore(book, table);
            }
            book.assert_proven();
        }
        assert_eq!(
            unseen,
            Vec::<String>::new(),
            "verify does not see a changed cell of these columns"
        );
        assert!(cells > 150, "only {cells} columns were tried");
    });
}

#[test]
fn verify_finds_a_row_that_was_removed() {
    on_each_database(|book| {
        settle(book);
        let tables: Vec<&str> = APPEND_ONLY.iter().copied().chain(["placement"]).collect();
        open_the_tables(book, &tables);
        for table in &tables {
            let key = keys(book, table).join(", ");
            for order in ["ASC", "DESC"] {
                let last = keys(book, table)
                    .iter()
                    .map(|k| format!("{k} {order}"))
                    .collect::<Vec<_>>()
                    .join(", ");
                book.sql(&format!("DELETE FROM {table} WHERE ({key}) = (SELECT {key} FROM {table} ORDER BY {last} LIMIT 1)"))
                    .unwrap();
                assert!(
                    found_by_verify(book),
                    "verify does not miss a removed row of {table} ({order})"
                );
                restore(book, table);
            }
        }
        book.assert_proven();
    });
}

#[test]
fn verify_finds_text_that_was_moved_from_one_cell_into_the_next() {
    on_each_database(|book| {
        book.set_up("CNY", &["A01"]);
        book.portfolio("2025-12-31", "account_no,balance,days_past_due,region,product\n1,10.00,40,a|=b,c\n2,10.00,40,x\\,|=y\n");
        book.assert_proven();
        open_the_tables(book, &["portfolio_row"]);
        for change in [
            "region = 'a', product = 'b|=c' WHERE account_no = '1'",
            "region = 'x', product = '\\||=y' WHERE account_no = '2'",
        ] {
            book.sql(&format!("UPDATE portfolio_row SET {change}")).unwrap();
            assert!(found_by_verify(book), "verify does not see {change}");
            restore(book, "portfolio_row");
        }
        book.assert_proven();
    });
}

#[test]
fn verify_finds_a_book_whose_end_was_cut_off() {
    on_each_database(|book| {
        settle(book);
        open_the_tables(book, &APPEND_ONLY);
        for (table, column) in [("event", "seq"), ("ledger_transaction", "number")] {
            book.sql(&format!(
                "DELETE FROM {table} WHERE lender = 'CFC' AND {column} = (SELECT MAX({column}) FROM {table} WHERE lender = 'CFC')"
            ))
            .unwrap();
            assert!(found_by_verify(book), "the last row of {table} is gone");
            restore(book, table);
        }
        for change in [
            "seq = seq + 1",
            "transaction_no = transaction_no - 1",
            "event_hash = 'x'",
            "transaction_hash = 'x'",
            "statement_no = statement_no + 1",
        ] {
            book.sql("CREATE TABLE keep_book AS SELECT * FROM book").unwrap();
            book.sql(&format!("UPDATE book SET {change} WHERE lender = 'CFC'")).unwrap();
            assert!(found_by_verify(book), "the book's head: {change}");
            book.sql(
                "DELETE FROM book; INSERT INTO book SELECT * FROM keep_book; DROP TABLE keep_book",
            )
            .unwrap();
        }
        book.assert_proven();
    });
}

#[test]
fn verify_names_contracts_and_strategies_that_say_something_else_and_goes_on() {
    on_each_database(|book| {
        settle(book);
        open_the_tables(book, &["contract", "allocation_run", "lender"]);
        for (change, says) in [
            (
                "UPDATE contract SET source = '= no toml' WHERE lender = 'CFC' AND agency = 'A01' AND version = 1",
                "the text of contract K-A01 version 1 no longer reads",
            ),
            (
                "UPDATE contract SET source = REPLACE(source, '12.5%', '12.4%') WHERE lender = 'CFC' AND agency = 'A02'",
                "the text of contract K-A02 version 1 does not match the digest",
            ),
            (
                "UPDATE contract SET corrects = 7 WHERE lender = 'CFC' AND agency = 'A02'",
                "says other terms than are stored beside it",
            ),
            (
                "UPDATE contract SET sha256 = 'x' WHERE lender = 'CFC' AND agency = 'A02'",
                "did not publish contract K-A02 version 1 as it is stored",
            ),
            (
                "UPDATE allocation_run SET strategy = 'name = 1' WHERE lender = 'CFC' AND run_no = 1",
                "the strategy of run 1, stored in allocation_run, no longer reads",
            ),
        ] {
            book.sql(change).unwrap();
            let findings = book.findings().join("\n");
            assert!(findings.contains(says), "{change}: {findings}");
            restore(book, "contract");
            restore(book, "allocation_run");
        }
        // A lender whose row no longer reads is what is found, and the others are proven.
        book.sql("UPDATE lender SET currency = 'yuan' WHERE code = 'CFC'").unwrap();
        let proofs = consign::proof::verify(&mut book.db, None).unwrap();
        let of = |code: &str| proofs.iter().find(|one| one.lender == code).unwrap();
        assert!(
            of("CFC").findings[0].contains("the book of CFC cannot be read"),
            "{:?}",
            of("CFC")
        );
        assert_eq!(of("OTHER").findings, Vec::<String>::new());
        restore(book, "lender");
        book.assert_proven();
    });
}

/// Takes away what protects the tables, and keeps a copy of each.
fn open_the_tables(book: &mut Book, tables: &[&str]) {
    if book.is_postgres() {
        book.sql("SET session_replication_role = replica").unwrap();
        let checks = "SELECT 'ALTER TABLE ' || CAST(conrelid::regclass AS TEXT) || ' DROP CONSTRAINT ' || conname AS text \
             FROM pg_constraint WHERE contype = 'c' AND connamespace = CAST(current_schema() AS regnamespace)";
        for drop in book.texts(checks) {
            book.sql(&drop).unwrap();
        }
    } else {
        for trigger in book.texts("SELECT name AS text FROM sqlite_master WHERE type = 'trigger'") {
            book.sql(&format!("DROP TRIGGER {trigger}")).unwrap();
        }
        book.sql("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON").unwrap();
    }
    for table in tables {
        book.sql(&format!("CREATE TABLE keep_{table} AS SELECT * FROM {table}")).unwrap();
    }
}

fn restore(book: &mut Book, table: &str) {
    book.sql(&format!(
        "BEGIN; DELETE FROM {table}; INSERT INTO {table} SELECT * FROM keep_{table}; COMMIT"
    ))
    .unwrap();
}

/// Changes the column in one row, one where it holds something when there is such a row.
fn change_one_cell(book: &mut Book, table: &str, column: &ColumnOf) {
    let (key, name) = (keys(book, table).join(", "), &column.name);
    let value = changed(book, table, column);
    let last = keys(book, table).iter().map(|k| format!("{k} DESC")).collect::<Vec<_>>().join(", ");
    let one = format!(
        "SELECT {key} FROM {table} WHERE lender = 'CFC' ORDER BY CASE WHEN {name} IS NULL THEN 1 ELSE 0 END, {last} LIMIT 1"
    );
    book.sql(&format!("UPDATE {table} SET {name} = {value} WHERE ({key}) = ({one})"))
        .unwrap_or_else(|error| panic!("{table}.{name}: {error}"));
}

fn found_by_verify(book: &mut Book) -> bool {
    match consign::proof::verify(&mut book.db, None) {
        Ok(proofs) => proofs.iter().any(|one| !one.findings.is_empty()),
        // A row that no longer reads at all ends the proof with the row named.
        Err(error) => ["CFC", "w-1", "K-A0"].iter().any(|name| error.to_string().contains(name)),
    }
}
