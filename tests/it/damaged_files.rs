//! A thousand good files, each damaged in one place: no row of them is lost, joined with another or shifted without a
//! word. Either the file is refused, or every row whose cells are whole comes out as it was or is among the rejected, and
//! every line is accounted for. A cell that still reads well is no fault a reader can see.

use consign::kernel::Currency;
use consign::portfolio::columns::{COLUMNS, read};
use consign::sheet::{RawRow, Sheet};
use encoding_rs::{Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE};

use crate::commands::{Program, one_object};
use crate::support::on_each_database;
use crate::workbook::{escaped, letters, parts, sheet, texts, zipped};

/// Numbers that look like chance and are the same in every run (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((x ^ (x >> 31)) % u64::try_from(most).unwrap()).unwrap()
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// A good table: its first row names the columns.
type Table = Vec<Vec<String>>;

const HEADER: [&str; 9] = [
    "account_no",
    "balance",
    "days_past_due",
    "debtor_name",
    "address",
    "region",
    "opened_on",
    "product",
    "score",
];

fn accounts(chance: &mut Chance) -> Table {
    let mut table = vec![HEADER.map(str::to_string).to_vec()];
    for i in 0..12 + chance.below(12) {
        let name = *chance.of(&["张三", "李四", "Li, Wei", "O\"Brien", "王 五", "欧阳明月"]);
        let address = *chance.of(&[
            "上海市浦东新区世纪大道1号",
            "Street 5, Building 7, Shanghai",
            "北京市海淀区\n中关村大街1号",
            "1 \"The Bund\"",
            "",
            "广州市; 天河路; 385号",
        ]);
        let product = *chance.of(&["信用卡", "消费贷", "card", ""]);
        let score = *chance.of(&["", "", "A", "B7"]);
        table.push(
            [
                &format!("A{:04}", i + 1),
                // A workbook does not keep the last nought of an amount.
                &format!(
                    "{}.{}{}",
                    100 + chance.below(90_000),
                    chance.below(10),
                    1 + chance.below(9)
                ),
                &chance.below(300).to_string(),
                name,
                address,
                *chance.of(&["上海", "北京", "SH"]),
                &format!("2025-0{}-1{}", 1 + chance.below(9), chance.below(10)),
                product,
                score,
            ]
            .map(str::to_string)
            .to_vec(),
        );
    }
    table
}

/// Payments with references that begin with `mark`.
fn payments(mark: &str, chance: &mut Chance) -> Table {
    let header = ["reference", "account_no", "received_on", "amount", "channel", "note"];
    let mut table = vec![header.map(str::to_string).to_vec()];
    for i in 0..12 + chance.below(12) {
        let note =
            *chance.of(&["", "转账", "cash, by hand", "first line\nsecond line", "说 \"好\""]);
        table.push(
            [
                &format!("{mark}{:04}", i + 1),
                "1",
                &format!("2026-01-1{}", chance.below(10)),
                &format!("{}.{:02}", 1 + chance.below(50), chance.below(100)),
                *chance.of(&["", "lender"]),
                note,
            ]
            .map(str::to_string)
            .to_vec(),
        );
    }
    table
}

/// How a table is written.
#[derive(Clone, Copy, Debug)]
struct Spelling {
    separator: char,
    end: &'static str,
    all_quoted: bool,
    encoding: &'static Encoding,
    marked: bool,
}

const fn spelling(
    separator: char,
    end: &'static str,
    all_quoted: bool,
    encoding: &'static Encoding,
    marked: bool,
) -> Spelling {
    Spelling { separator, end, all_quoted, encoding, marked }
}

const SPELLINGS: [Spelling; 9] = [
    spelling(',', "\n", false, UTF_8, false),
    spelling(',', "\r\n", false, UTF_8, true),
    spelling(',', "\n", true, UTF_8, false),
    spelling(';', "\r\n", false, UTF_8, false),
    spelling('\t', "\n", false, UTF_8, false),
    spelling(',', "\r\n", false, GB18030, false),
    spelling(';', "\n", true, GB18030, false),
    spelling('\t', "\r\n", false, UTF_16LE, true),
    spelling(',', "\n", false, UTF_16BE, true),
];

impl Spelling {
    /// A row with its line end.
    fn row(self, cells: &[String]) -> String {
        let quoted = |cell: &String| {
            let needs = cell.contains([self.separator, '"', '\n', '\r']);
            if self.all_quoted || needs {
                format!("\"{}\"", cell.replace('"', "\"\""))
            } else {
                cell.clone()
            }
        };
        let cells: Vec<String> = cells.iter().map(quoted).collect();
        cells.join(&self.separator.to_string()) + self.end
    }

    fn bytes(self, text: &str) -> Vec<u8> {
        if self.encoding == UTF_16LE {
            text.encode_utf16().flat_map(u16::to_le_bytes).collect()
        } else if self.encoding == UTF_16BE {
            text.encode_utf16().flat_map(u16::to_be_bytes).collect()
        } else {
            self.encoding.encode(text).0.into_owned()
        }
    }

    /// The whole file of rows, each given as its bytes.
    fn file(self, rows: &[Vec<u8>]) -> Vec<u8> {
        let mark = if self.marked { self.bytes("\u{feff}") } else { Vec::new() };
        [mark, rows.concat()].concat()
    }

    /// Lines as an editor counts them.
    fn lines(self, file: &[u8]) -> u64 {
        let text = self.encoding.decode(file).0.replace("\r\n", "\n").replace('\r', "\n");
        text.strip_suffix('\n').unwrap_or(&text).split('\n').count() as u64
    }
}

/// Damages one row of a file in one place; says which and how.
fn damage(
    spelling: Spelling,
    rows: &mut [Vec<u8>],
    table: &Table,
    chance: &mut Chance,
) -> (usize, String) {
    let hit = chance.below(rows.len());
    let text = spelling.row(&table[hit]);
    let separator = spelling.separator.to_string();
    let how = match chance.below(8) {
        0 => {
            let at = chance.below(rows[hit].len());
            let byte = u8::try_from(chance.below(256)).unwrap();
            rows[hit][at] = byte;
            format!("byte {at} is {byte:#x}")
        }
        1 => {
            let at = chance.below(rows[hit].len());
            let byte = rows[hit].remove(at);
            format!("byte {at} ({byte:#x}) is lost")
        }
        2 => inserted(spelling, rows, hit, &text, "\"", chance),
        3 => lost(spelling, rows, hit, &text, "\"", chance),
        4 => inserted(spelling, rows, hit, &text, &separator, chance),
        5 => lost(spelling, rows, hit, &text, &separator, chance),
        6 => {
            let end = *chance.of(&["\n", "\r", "\r\n"]);
            inserted(spelling, rows, hit, &text, end, chance)
        }
        _ if chance.below(2) == 0 => {
            rows[hit] = spelling.bytes(text.strip_suffix(spelling.end).unwrap());
            "its line end is lost".to_string()
        }
        _ => {
            let mut cells = table[hit].clone();
            let cell = cells.remove(chance.below(cells.len()));
            rows[hit] = spelling.bytes(&spelling.row(&cells));
            format!("the cell \"{cell}\" is lost")
        }
    };
    (hit, how)
}

fn inserted(
    spelling: Spelling,
    rows: &mut [Vec<u8>],
    hit: usize,
    text: &str,
    what: &str,
    chance: &mut Chance,
) -> String {
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let at = *chance.of(&places);
    rows[hit] = spelling.bytes(&format!("{}{what}{}", &text[..at], &text[at..]));
    format!("{what:?} is inserted at {at}")
}

fn lost(
    spelling: Spelling,
    rows: &mut [Vec<u8>],
    hit: usize,
    text: &str,
    what: &str,
    chance: &mut Chance,
) -> String {
    let places: Vec<usize> = text.match_indices(what).map(|(at, _)| at).collect();
    if places.is_empty() {
        return "nothing is lost".to_string();
    }
    let at = *chance.of(&places);
    rows[hit] = spelling.bytes(&format!("{}{}", &text[..at], &text[at + what.len()..]));
    format!("{what:?} at {at} is lost")
}

/// What became of a file that was read: rows in, and the text of rows rejected.
struct Outcome {
    taken: Vec<Vec<String>>,
    rejected: String,
    sheet: Sheet,
}

/// Reads a file as an import of accounts does; the reason when it is refused.
fn outcome(bytes: &[u8], name: &str) -> Result<Outcome, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let refused = |error: consign::sheet::SheetError| error.to_string();
    let mut sheet = Sheet::open(&path, COLUMNS, None).map_err(refused)?;
    let cny = Currency::parse("CNY").unwrap();
    let (mut raw, mut taken, mut rejected) = (RawRow::default(), Vec::new(), String::new());
    while sheet.next(&mut raw).map_err(refused)? {
        let row = sheet.row(&raw);
        match row.and_then(|row| read(&row, cny).map(|_| row)) {
            Ok(row) => {
                let cell = |name: &&str| {
                    let column = COLUMNS.iter().position(|column| column.name == *name).unwrap();
                    row.get(column).unwrap_or_default().replace("\r\n", "\n")
                };
                taken.push(HEADER.iter().map(cell).collect());
            }
            Err(_) => rejected.push_str(&raw.cells.join("\u{1}")),
        }
    }
    Ok(Outcome { taken, rejected, sheet })
}

/// Whether what came out of a damaged file hides nothing of the table. `hit` is the row that was damaged.
fn nothing_hidden(table: &Table, hit: usize, found: &Outcome) -> Result<(), String> {
    let absent: Vec<bool> = HEADER
        .iter()
        .map(|name| !found.sheet.has(COLUMNS.iter().position(|one| one.name == *name).unwrap()))
        .collect();
    // A warning tells of a column that is gone, or the rest of its heading stands among the rejected rows.
    let told = |name: &&str| found.rejected.contains(*name) || !found.sheet.warnings.is_empty();
    if !HEADER.iter().zip(&absent).all(|(name, absent)| !absent || told(name)) {
        return Err("a column is missing without a word".to_string());
    }
    let seen = |row: &[String]| -> Vec<String> {
        let cells = row.iter().zip(&absent);
        cells.map(|(cell, absent)| if *absent { String::new() } else { cell.clone() }).collect()
    };
    let mut left: Vec<Vec<String>> = found.taken.clone();
    for (i, row) in table.iter().enumerate().skip(1).filter(|(i, _)| *i != hit) {
        match left.iter().position(|taken| *taken == seen(row)) {
            Some(at) => drop(left.remove(at)),
            None if found.rejected.contains(&row[0]) => {}
            None => return Err(format!("row {i} is neither taken in nor rejected: {row:?}")),
        }
    }
    match left.as_slice() {
        [] => Ok(()),
        [one] if hit > 0 => {
            let differ = one.iter().zip(&seen(&table[hit])).filter(|(a, b)| a != b).count();
            // In place of a lost or doubled cell the row may have one cell more or less only at its end.
            if differ <= 1 { Ok(()) } else { Err(format!("the damaged row came in as {one:?}")) }
        }
        more => Err(format!("rows nobody wrote came in: {more:?}")),
    }
}

#[test]
fn a_thousand_damaged_files_hide_nothing() {
    let (mut refused, mut whole, mut partly) = (0, 0, 0);
    let mut wrong = Vec::new();
    for seed in 0..1_000_u64 {
        let mut chance = Chance(seed);
        let table = accounts(&mut chance);
        let (bytes, name, hit, how, lines) = if seed % 5 == 4 {
            let (bytes, hit, how) = damaged_workbook(&table, &mut chance);
            (bytes, "damaged.xlsx", hit, how, None)
        } else {
            let spelling = *chance.of(&SPELLINGS);
            let mut rows: Vec<Vec<u8>> =
                table.iter().map(|row| spelling.bytes(&spelling.row(row))).collect();
            let (hit, how) = damage(spelling, &mut rows, &table, &mut chance);
            let bytes = spelling.file(&rows);
            let lines = spelling.lines(&bytes);
            (bytes, "damaged.csv", hit, format!("{spelling:?}: {how}"), Some(lines))
        };
        let found = match outcome(&bytes, name) {
            Ok(found) => found,
            Err(why) => {
                assert!(why.ends_with("nothing was taken in") && why.contains(name), "{why}");
                refused += 1;
                continue;
            }
        };
        let accounted = found.sheet.lines();
        let mut result = nothing_hidden(&table, hit, &found);
        if accounted.read
            != accounted.header + accounted.blank + accounted.rows + accounted.continued
            || lines.is_some_and(|lines| lines != accounted.read)
        {
            result = Err(format!("{accounted:?} of {lines:?} lines"));
        }
        if found.rejected.is_empty() {
            whole += 1
        } else {
            partly += 1
        }
        if let Err(why) = result {
            wrong.push(format!("seed {seed}, row {hit}, {how}: {why}"));
        }
    }
    assert!(wrong.is_empty(), "{} files hide something:\n{}", wrong.len(), wrong.join("\n"));
    // Damage of every consequence is among them.
    assert!(refused > 200 && whole > 100 && partly > 200, "{refused} {whole} {partly}");
}

/// A workbook damaged in one place: of the file as it is stored, or of its sheet before it is packed.
fn damaged_workbook(table: &Table, chance: &mut Chance) -> (Vec<u8>, usize, String) {
    let shared: Vec<&str> = table.iter().flatten().map(String::as_str).collect();
    let mut rows: Vec<Vec<String>> =
        table.iter().enumerate().map(|(i, row)| workbook_row(i, row)).collect();
    let hit = chance.below(rows.len());
    let packed = |rows: &[Vec<String>]| {
        let rows: Vec<String> = rows.iter().map(|row| row.concat()).collect();
        zipped(&parts(sheet(&rows.concat()), texts(shared.iter().copied())))
    };
    let how = match chance.below(4) {
        0 => {
            let mut bytes = packed(&rows);
            let at = chance.below(bytes.len());
            bytes[at] ^= 1 << chance.below(8);
            return (bytes, usize::MAX, format!("byte {at} of the file"));
        }
        1 => {
            let cell = 1 + chance.below(rows[hit].len() - 2);
            let lost = rows[hit].remove(cell);
            format!("{lost} is lost")
        }
        2 => {
            let cell = 1 + chance.below(rows[hit].len() - 2);
            let twice = rows[hit][cell].clone();
            rows[hit].insert(cell, twice.clone());
            format!("{twice} stands twice")
        }
        _ => {
            let cell = chance.below(rows[hit].len());
            let mut text: Vec<char> = rows[hit][cell].chars().collect();
            let at = chance.below(text.len());
            text[at] = char::from(*chance.of(b"<>/\"= 0123456789ABCXYZacnorsttv&"));
            let text: String = text.into_iter().collect();
            let how = format!("{} is {text}", rows[hit][cell]);
            rows[hit][cell] = text;
            how
        }
    };
    (packed(&rows), hit, how)
}

/// A row of a workbook in pieces: its begin, its cells, its end.
fn workbook_row(i: usize, row: &[String]) -> Vec<String> {
    let number = i + 1;
    let cell = |(column, text): (usize, &String)| {
        let place = format!("{}{number}", letters(column));
        let shared = i * row.len() + column;
        match column {
            _ if text.is_empty() => String::new(),
            1 | 2 if i > 0 => format!("<c r=\"{place}\"><v>{text}</v></c>"),
            7 => format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{}</t></is></c>", escaped(text)),
            _ => format!("<c r=\"{place}\" t=\"s\"><v>{shared}</v></c>"),
        }
    };
    let cells = row.iter().enumerate().map(cell).filter(|cell| !cell.is_empty());
    let begin = format!("<row r=\"{number}\">");
    [begin].into_iter().chain(cells).chain(["</row>".to_string()]).collect()
}

#[test]
fn damaged_payments_are_all_accounted_for_by_the_import() {
    on_each_database(|book| {
        book.set_up("CNY", &["A01"]);
        book.portfolio("2026-01-01", "account_no,balance,days_past_due\n1,1000000.00,40\n");
        let folder = book.folder().to_path_buf();
        let program = Program { url: &book.url.clone(), folder: &folder };
        for seed in 0..60_u64 {
            let mut chance = Chance(seed);
            let mark = format!("R{seed}-");
            let table = payments(&mark, &mut chance);
            let spelling = *chance.of(&SPELLINGS);
            let mut rows: Vec<Vec<u8>> =
                table.iter().map(|row| spelling.bytes(&spelling.row(row))).collect();
            let (hit, how) = damage(spelling, &mut rows, &table, &mut chance);
            let bytes = spelling.file(&rows);
            std::fs::write(program.folder.join("payments.csv"), &bytes).unwrap();
            let rejects = ["--rejects", "rejects.csv"];
            let arguments = ["--json", "import", "recoveries", "payments.csv", "--lender", "CFC"];
            let before = book.count("recovery");
            let said = program.run(&[&arguments[..], &rejects].concat());
            let came = book.count("recovery") - before;
            if said.code == 1 {
                assert!(said.err.contains("nothing was taken in"), "{}", said.err);
                assert_eq!(came, 0, "seed {seed}: {how}");
                continue;
            }
            let report = one_object(&said.out);
            let of = |key: &str| report[key].as_u64().unwrap();
            assert_eq!(of("accepted") + of("duplicate") + of("rejected"), of("rows"), "{report}");
            let lines = |key: &str| report["lines"][key].as_u64().unwrap();
            let accounted = lines("header") + lines("blank") + lines("rows") + lines("continued");
            assert_eq!((lines("rows"), lines("read")), (of("rows"), accounted), "{report}");
            assert_eq!(lines("read"), spelling.lines(&bytes), "seed {seed}: {how}");
            assert_eq!(u64::try_from(came).unwrap(), of("accepted"), "seed {seed}: {how}");
            let taken =
                book.texts("SELECT reference || ' ' || CAST(amount AS TEXT) AS text FROM recovery");
            let rejects = program.read("rejects.csv");
            for (_, row) in table.iter().enumerate().skip(1).filter(|(i, _)| *i != hit) {
                let whole = format!("{} {}", row[0], row[3].replace('.', ""));
                assert!(
                    taken.contains(&whole) || rejects.contains(&row[0]),
                    "seed {seed}, {how}: {whole} is neither taken in nor rejected"
                );
            }
        }
        book.assert_proven();
    });
}

/// What a file of accounts is refused with.
fn refusal(name: &str, bytes: impl AsRef<[u8]>) -> String {
    match outcome(bytes.as_ref(), name) {
        Ok(found) => panic!("{name} is read: {:?}, rejected {:?}", found.taken, found.rejected),
        Err(why) => why,
    }
}

const HEAD: &str = "account_no,balance,days_past_due,address,product\n";

#[test]
fn a_quote_that_swallows_rows_is_refused_with_the_line_where_it_opens() {
    let many = |rows: std::ops::Range<u32>| -> String {
        rows.map(|i| format!("{i},100.00,40,,card\n")).collect()
    };
    let (first, last) = (many(1..30), many(30..1_000));
    let cases = [
        // Never closed.
        (format!("{HEAD}{first}\"77,100.00,40,,card\n"), 31, "never closed"),
        (format!("{HEAD}{first}77,100.00,40,,\"card"), 31, "never closed"),
        (format!("{HEAD}{first}77,\"100.00,40,,card\n{last}"), 31, "swallows line 32"),
        (format!("account_no,\"balance,days_past_due\n{last}"), 1, "never closed"),
        // Closed far below.
        (
            format!("{HEAD}{first}77,100.00,40,\"x,card\n{last}78,100.00,40,x\",card\n"),
            31,
            "swallows line 32",
        ),
        (format!("{HEAD}77,100.00,40,\"x,card\n78,100.00,40,x\",card\n"), 2, "swallows line 3"),
        (format!("{HEAD}77,100.00,40,,\"card\n78,100.00,40,,card\"\n"), 2, "swallows line 3"),
        (
            format!("account_no,balance,days_past_due,\"address\n1,100.00,40,x\"\n{last}"),
            1,
            "header",
        ),
        // Closed with text behind it.
        (format!("{HEAD}77,100.00,40,\"x,card\n78,100.00,40,\"y\",card\n"), 2, "with text behind"),
        (format!("{HEAD}77,100.00,40,\"x\"y\",\"card\n{last}"), 2, "another stray quote"),
        // A line break where none can be.
        (format!("{HEAD}\"77\n78\",100.00,40,,card\n"), 2, "account_no \"77"),
        (format!("{HEAD}77,\"100.00\r\n\r\n200.00\",40,,card\n"), 2, "balance \"100.00"),
    ];
    for (text, line, why) in cases {
        let said = refusal("quotes.csv", &text);
        assert!(
            said.contains(&format!("quotes.csv, line {line}: ")) && said.contains(why),
            "{said}"
        );
        assert!(said.ends_with("; nothing was taken in"), "{said}");
    }
}

#[test]
fn a_line_break_in_an_address_is_read_and_a_stray_quote_in_a_line_costs_that_line() {
    let text = "1,100.00,40,\"Street 5, a, b\nShanghai\r\n\r\n\"\"2\"\"\",card\n2,100.00,40,\"x\"y,card\n3,5\" 1,40,,card\n4,100.00,40,5\" pipe,card\n";
    let found = outcome(format!("{HEAD}{text}").as_bytes(), "address.csv").unwrap();
    let taken: Vec<&str> = found.taken.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(taken, ["1", "4"]);
    assert_eq!(found.taken[0][4], "Street 5, a, b\nShanghai\n\n\"2\"");
    let lines = found.sheet.lines();
    assert_eq!((lines.read, lines.header, lines.rows, lines.continued), (8, 1, 4, 3));
}

#[test]
fn a_damaged_byte_is_refused_with_its_line_in_every_encoding() {
    let rows: String =
        (1..200).map(|i| format!("{i},100.00,40,上海市浦东新区{i}号,信用卡\n")).collect();
    let text = format!("{HEAD}{rows}");
    let at = text.find("99,100.00").unwrap() + "99,100.00,40,上".len();
    let mut utf8 = text.clone().into_bytes();
    utf8[at] = b'x';
    let said = refusal("utf8.csv", &utf8);
    assert!(said.contains("line 100: byte ") && said.contains("is not UTF-8"), "{said}");
    // A byte lost in one character, and one that is no text at all.
    utf8.remove(at);
    assert!(refusal("utf8.csv", &utf8).contains("line 100: byte "));
    let mut utf8 = text.clone().into_bytes();
    utf8[at] = 0xFF;
    assert!(refusal("utf8.csv", &utf8).contains("line 100: byte "));
    let mut gbk = GB18030.encode(&text).0.into_owned();
    let gbk_at = GB18030.encode(&text[..at]).0.len();
    gbk[gbk_at] = 0xFF;
    let said = refusal("gbk.csv", &gbk);
    assert!(
        said.contains("line 100: byte ") && said.contains("neither UTF-8 nor GB18030"),
        "{said}"
    );
    let utf16 = |text: &str| -> Vec<u8> {
        format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect()
    };
    let mut odd = utf16(&text);
    odd.pop();
    let said = refusal("odd.csv", &odd);
    assert!(said.contains("line 200: byte ") && said.contains("is not UTF-16LE"), "{said}");
    let mut unpaired = utf16(&text);
    let place = utf16(&text[..at]).len();
    unpaired[place..place + 2].copy_from_slice(&[0x00, 0xD8]);
    let said = refusal("unpaired.csv", &unpaired);
    assert!(said.contains("line 100: byte ") && said.contains("is not UTF-16LE"), "{said}");
    let nul = text.replacen("99,100.00", "99,1\u{0}0.00", 1);
    let said = refusal("nul.csv", nul);
    assert!(said.contains("line 100: ") && said.contains("NUL"), "{said}");
}

#[test]
fn a_header_that_does_not_fit_its_rows_is_refused() {
    let rows = "1,100.00,40,x,card\n2,100.00,40,x,card\n3,100.00,40,x,card\n";
    for header in [
        "account_no,balance,days_past_due,product\n",
        "account_no,balance,days_past_due,add,ress,product\n",
        "account_no,balance,days_past_due,address,product0,100.00,40,x,card\n",
    ] {
        let said = refusal("header.csv", format!("{header}{rows}"));
        assert!(said.contains("line 1: the header has"), "{said}");
    }
    let said = refusal("header.csv", "account_no,balance,days_past_due,product1,100.00,40,x\n");
    assert!(said.contains("no row follows"), "{said}");
    // A name that is missing is said.
    let found = outcome(
        "account_no,balance,days_past_due,,product\n1,100.00,40,x,card\n".as_bytes(),
        "name.csv",
    )
    .unwrap();
    assert!(
        found.sheet.warnings.iter().any(|one| one.contains("column 4") && one.contains("line 2")),
        "{:?}",
        found.sheet.warnings
    );
}
