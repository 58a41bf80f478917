//! Files made to exhaust the program: it answers within ten seconds and three hundred megabytes, whatever they claim.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::commands::Program;
use crate::support::Book;
use crate::workbook::{letters, parts, sheet, texts, zipped, zipped_as};

/// What the program may take for any file.
const MOST_KIB: u64 = 300 << 10;
const LONGEST: Duration = Duration::from_secs(10);

/// The program's highest memory so far, in KiB, while it runs.
fn high_water(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Runs an import that must end with `code` within the bounds, and say `why`.
fn bounded(program: &Program<'_>, kind: &str, name: &str, bytes: &[u8], code: i32, why: &str) {
    std::fs::write(program.folder.join(name), bytes).unwrap();
    let begun = Instant::now();
    let mut command = match kind {
        "portfolio" => {
            program.command(&["import", kind, name, "--lender", "CFC", "--as-of", "2026-01-01"])
        }
        _ => program.command(&["import", kind, name, "--lender", "CFC"]),
    };
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut highest = 0;
    let ended = loop {
        highest = high_water(child.id()).unwrap_or(0).max(highest);
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        assert!(begun.elapsed() < 6 * LONGEST, "{name} takes for ever");
        std::thread::sleep(Duration::from_millis(2));
    };
    let said = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
    assert_eq!(ended.code(), Some(code), "{name}: {said}");
    assert!(said.contains(why), "{name}: \"{said}\" does not say \"{why}\"");
    assert!(highest < MOST_KIB, "{name} takes {} MiB", highest >> 10);
    // Without optimisation and beside other tests everything takes longer.
    let allowed = if cfg!(debug_assertions) { 5 * LONGEST } else { LONGEST };
    assert!(begun.elapsed() < allowed, "{name} takes {:?}", begun.elapsed());
    std::fs::remove_file(program.folder.join(name)).unwrap();
}

fn on_a_book(test: impl Fn(&Program<'_>)) {
    let mut book = Book::on_sqlite();
    book.set_up("CNY", &["A01"]);
    let folder = book.folder().to_path_buf();
    test(&Program { url: &book.url.clone(), folder: &folder });
    book.assert_proven();
}

const HEADER: [&str; 5] = ["account_no", "balance", "days_past_due", "product", "score"];

fn text_cell(place: &str, text: &str) -> String {
    format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

fn header_row() -> String {
    let cells =
        HEADER.iter().enumerate().map(|(i, name)| text_cell(&format!("{}1", letters(i)), name));
    format!("<row r=\"1\">{}</row>", cells.collect::<String>())
}

/// A good row of a workbook with more cells behind it.
fn row(number: usize, more: &str) -> String {
    format!(
        "<row r=\"{number}\"><c r=\"A{number}\"><v>{number}</v></c><c r=\"B{number}\"><v>100</v></c><c r=\"C{number}\"><v>40</v></c>{more}</row>"
    )
}

fn book_of(rows: &str) -> Vec<u8> {
    zipped(&parts(sheet(&(header_row() + rows)), texts([])))
}

#[test]
fn a_workbook_is_as_wide_as_its_header() {
    on_a_book(|program| {
        let rows: String = (2..20_000)
            .map(|number| {
                row(number, &format!("<c r=\"XFD{number}\" t=\"inlineStr\"><is><t> </t></is></c>"))
            })
            .collect();
        bounded(program, "portfolio", "far.xlsx", &book_of(&rows), 0, "");
        let wide = format!(
            "<row r=\"1\">{}{}</row>",
            text_cell("A1", "account_no"),
            text_cell("XFD1", "x")
        );
        let bytes = zipped(&parts(sheet(&wide), texts([])));
        bounded(program, "portfolio", "wide.xlsx", &bytes, 1, "more than 1000 columns");
        let names = "x,".repeat(400_000);
        bounded(program, "portfolio", "wide.csv", names.as_bytes(), 1, "more than 1000 columns");
    });
}

#[test]
fn a_workbook_that_unpacks_to_a_thousand_times_its_size_is_refused() {
    on_a_book(|program| {
        let blank = " ".repeat(300 << 20);
        let long = row(2, &format!("<c r=\"D2\" t=\"inlineStr\"><is><t>{blank}</t></is></c>"));
        bounded(program, "portfolio", "blank.xlsx", &book_of(&long), 1, "longer than 1 MiB");
        let long = format!("<row r=\"2\">{blank}");
        bounded(program, "portfolio", "between.xlsx", &book_of(&long), 1, "longer than 1 MiB");
        let long = row(2, &text_cell("D2", &blank[..40_000 * 4]));
        bounded(program, "portfolio", "cell.xlsx", &book_of(&long), 1, "32,767 characters");
        // Small pieces of nothing, until the end.
        let pieces = format!("{}<x/>", &blank[..500_000]).repeat(400);
        bounded(program, "portfolio", "pieces.xlsx", &book_of(&pieces), 0, "");
    });
}

#[test]
fn texts_that_cells_share_are_held_within_a_bound() {
    on_a_book(|program| {
        let long = "x".repeat(32_000);
        let many = texts(std::iter::repeat_n(long.as_str(), 10_000));
        let bytes = zipped(&parts(sheet(&header_row()), many));
        bounded(program, "portfolio", "shared.xlsx", &bytes, 1, "share more than");
    });
}

#[test]
fn one_long_text_in_many_rows_is_not_held_for_each() {
    on_a_book(|program| {
        let long = "x".repeat(32_000);
        // Too long for a product: each row is rejected, and its account looked up.
        let rows: String = (2..12_000)
            .map(|number| row(number, &format!("<c r=\"D{number}\" t=\"s\"><v>0</v></c>")))
            .collect();
        let bytes = zipped(&parts(sheet(&(header_row() + &rows)), texts([long.as_str()])));
        bounded(program, "portfolio", "rejected.xlsx", &bytes, 3, "");
        let names =
            ["reference", "account_no", "received_on", "amount", "kind", "reverses", "note"];
        let header: String = names
            .iter()
            .enumerate()
            .map(|(i, name)| text_cell(&format!("{}1", letters(i)), name))
            .collect();
        // Reversals wait until all payments are in.
        let rows: String = (2..12_000).fold(String::new(), |mut rows, n| {
            let texts: String = [
                ("A", format!("r{n}")),
                ("B", "2".into()),
                ("C", "2026-01-01".into()),
                ("D", "1".into()),
                ("E", "reversal".into()),
                ("F", "p".into()),
            ]
            .iter()
            .map(|(letter, text)| text_cell(&format!("{letter}{n}"), text))
            .collect();
            write!(rows, "<row r=\"{n}\">{texts}<c r=\"G{n}\" t=\"s\"><v>0</v></c></row>").unwrap();
            rows
        });
        let sheet = sheet(&format!("<row r=\"1\">{header}</row>{rows}"));
        let bytes = zipped(&parts(sheet, texts([long.as_str()])));
        bounded(program, "recoveries", "waiting.xlsx", &bytes, 1, "more reversals and waivers");
    });
}

#[test]
fn places_outside_every_sheet_are_refused_and_nothing_panics() {
    on_a_book(|program| {
        let places = [
            "XFE2",
            "ZZZ2",
            "AAAA2",
            "A0",
            "A1048577",
            "A99999999999999999999",
            "2",
            "",
            "B2B",
            "A3",
            "é2",
        ];
        for place in places {
            let cell = format!("<row r=\"2\"><c r=\"{place}\"><v>1</v></c></row>");
            bounded(program, "portfolio", "place.xlsx", &book_of(&cell), 1, "row cannot be read");
        }
        for number in ["0", "1048577", "-1", "99999999999999999999", "x", "1"] {
            let cell = format!("<row r=\"{number}\"><c><v>1</v></c></row>");
            bounded(program, "portfolio", "row.xlsx", &book_of(&cell), 1, "row");
        }
        let many = format!("<row r=\"2\">{}</row>", "<c/>".repeat(16_385));
        bounded(program, "portfolio", "many.xlsx", &book_of(&many), 1, "say where they stand");
        let last = row(1_048_576, "");
        bounded(program, "portfolio", "last.xlsx", &book_of(&last), 0, "");
        let missing = row(2, "<c r=\"D2\" t=\"s\"><v>99999999999999999999</v></c>");
        bounded(program, "portfolio", "missing.xlsx", &book_of(&missing), 3, "");
    });
}

#[test]
fn a_workbook_that_lies_about_itself_is_refused() {
    on_a_book(|program| {
        let good = parts(sheet(&(header_row() + &row(2, ""))), texts([]));
        for claim in [0, 1, u32::MAX - 1, u32::MAX] {
            let bytes = zipped_as(&good, |_| claim);
            bounded(program, "portfolio", "size.xlsx", &bytes, 1, "no workbook that can be read");
        }
        let bytes = zipped(&good);
        for (from_end, value) in [(14, 0xFF), (12, 0xFF), (10, 0xFF), (6, 0x7F), (22, 0x00)] {
            let mut bytes = bytes.clone();
            let at = bytes.len() - from_end;
            bytes[at..at + 2].fill(value);
            bounded(program, "portfolio", "end.xlsx", &bytes, 1, "no workbook that can be read");
        }
        for cut in [4, 100, bytes.len() / 2, bytes.len() - 1] {
            bounded(
                program,
                "portfolio",
                "cut.xlsx",
                &bytes[..cut],
                1,
                "no workbook that can be read",
            );
        }
        let twice: Vec<_> = good.iter().chain(&good).cloned().collect();
        bounded(program, "portfolio", "twice.xlsx", &zipped(&twice), 1, "twice");
    });
}

#[test]
fn xml_that_multiplies_itself_is_refused() {
    on_a_book(|program| {
        let mut laughs = "<!DOCTYPE x [<!ENTITY a0 \"ha\">".to_string();
        for i in 1..30 {
            write!(laughs, "<!ENTITY a{i} \"{}\">", format!("&a{};", i - 1).repeat(10)).unwrap();
        }
        laughs.push_str("]>");
        let with = |before: &str, rows: &str| {
            let sheet = [before.as_bytes(), &sheet(&(header_row() + rows))].concat();
            zipped(&parts(sheet, texts([])))
        };
        let laugh = row(2, &text_cell("D2", "&a29;"));
        bounded(program, "portfolio", "laughs.xlsx", &with(&laughs, &laugh), 1, "document type");
        bounded(program, "portfolio", "entity.xlsx", &with("", &laugh), 1, "entity &a29;");
        let deep = "<a>".repeat(5_000_000);
        bounded(program, "portfolio", "deep.xlsx", &with("", &deep), 1, "more elements");
        let attributes = format!("<row r=\"2\"{}/>", " a=\"\"".repeat(150_000));
        bounded(program, "portfolio", "attributes.xlsx", &with("", &attributes), 0, "");
    });
}

#[test]
fn text_that_is_no_table_is_refused_without_being_held() {
    on_a_book(|program| {
        let header = "account_no,balance,days_past_due,product\n";
        let rows: String = (0..3_000_000).fold(String::new(), |mut rows, i| {
            writeln!(rows, "{i},100.00,40,").unwrap();
            rows
        });
        let open = format!("{header}1,\"100.00,40,\n{rows}");
        bounded(
            program,
            "portfolio",
            "open.csv",
            open.as_bytes(),
            1,
            "line 2: the quote that opens",
        );
        for (name, bytes) in [
            ("quotes.csv", b"\"".repeat(50 << 20)),
            ("zeros.csv", vec![0; 50 << 20]),
            ("ones.csv", vec![0xFF; 50 << 20]),
            ("line.csv", b"x".repeat(50 << 20)),
            ("separators.csv", b",".repeat(50 << 20)),
        ] {
            bounded(program, "portfolio", name, &bytes, 1, "nothing was taken in");
        }
        let long = "x".repeat(900_000);
        let rows: String = (0..340).map(|i| format!("{i}{long},100.00,40,\n")).collect();
        bounded(program, "portfolio", "long.csv", format!("{header}{rows}").as_bytes(), 3, "");
        let rows: String = (0..340).map(|i| format!("{i},100.00,40,{long}\n")).collect();
        bounded(program, "portfolio", "product.csv", format!("{header}{rows}").as_bytes(), 3, "");
        let blank = [header.as_bytes(), &b"\r\n".repeat(20 << 20)].concat();
        bounded(program, "portfolio", "ends.csv", &blank, 0, "");
    });
    assert!(Path::new("/proc/self/status").exists(), "memory is measured through /proc");
}
