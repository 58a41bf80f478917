//! The rules of the house that no compiler knows: what each floor may speak of.

use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every line of the sources with its place, comments and the tests at a file's end left out.
fn lines() -> Vec<(String, usize, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 80, "the sources are not where they were");
    let mut lines = Vec::new();
    for file in files {
        let name = file.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
        for (line, number) in code.lines().zip(1..) {
            if !line.trim_start().starts_with("//") {
                lines.push((name.clone(), number, line.to_string()));
            }
        }
    }
    lines
}

/// No line outside the allowed files has the word.
fn only_in(word: &str, allowed: impl Fn(&str) -> bool, rule: &str) {
    let breaking: Vec<String> = lines()
        .into_iter()
        .filter(|(file, _, line)| line.contains(word) && !allowed(file))
        .map(|(file, number, line)| format!("src/{file}:{number}: {}", line.trim()))
        .collect();
    assert!(breaking.is_empty(), "{rule}:\n{}", breaking.join("\n"));
}

#[test]
fn sql_is_spoken_in_stores_only() {
    let store = |file: &str| file.ends_with("store.rs") || file.starts_with("db/");
    only_in("sql_query", store, "SQL belongs into a store");
}

#[test]
fn only_the_dialect_matches_on_the_database() {
    let floor = |file: &str| file.starts_with("db/");
    only_in("Db::Sqlite", floor, "only db/ knows which database it is");
    only_in("Db::Postgres", floor, "only db/ knows which database it is");
}

#[test]
fn only_pages_speak_http_and_only_faces_know_the_faces() {
    let web = |file: &str| file.starts_with("web/") || file == "db/pool.rs";
    only_in("actix_web", web, "HTTP belongs into web/");
    let face = |file: &str| file.starts_with("web/") || file.starts_with("cli/");
    only_in("crate::web", face, "nothing but the faces knows the pages");
    only_in("crate::cli", face, "nothing but the faces knows the command line");
}

#[test]
fn tables_leave_through_one_door() {
    only_in(
        "csv::Writer",
        |file| file == "sheet/out.rs",
        "cells of files are neutralised in one place",
    );
}

#[test]
fn the_kernel_and_the_decisions_know_no_database() {
    let pure = [
        "kernel/",
        "commission/change.rs",
        "commission/earning.rs",
        "commission/entitlement.rs",
        "contract/condition.rs",
        "contract/reach.rs",
        "contract/parse.rs",
        "contract/version.rs",
        "hold/mod.rs",
        "ledger/chart.rs",
        "placement/life.rs",
        "placement/refusal.rs",
        "placement/transition.rs",
        "placement/window.rs",
        "conduct/policy.rs",
        "party/contact_policy.rs",
        "recovery/attribution.rs",
        "position/owed.rs",
        "allocation/balancing.rs",
        "allocation/deal.rs",
        "allocation/decide.rs",
        "allocation/files.rs",
        "allocation/findings.rs",
        "allocation/gates.rs",
        "allocation/network.rs",
        "allocation/expectation.rs",
        "allocation/plan.rs",
        "allocation/programme.rs",
        "allocation/reason.rs",
        "allocation/shares.rs",
        "allocation/strata.rs",
        "allocation/strata_table.rs",
        "allocation/strategy.rs",
        "contract/factor.rs",
        "performance/curve.rs",
        "performance/file.rs",
        "performance/grouping.rs",
        "performance/history.rs",
        "performance/number.rs",
        "performance/scorecard.rs",
        "performance/trial.rs",
        "settlement/build.rs",
        "settlement/earlier.rs",
        "settlement/month.rs",
        "settlement/note.rs",
        "settlement/priced.rs",
        "settlement/render.rs",
        "ledger/transaction.rs",
        "identity/permission.rs",
        "web/chart.rs",
    ];
    let outside = |file: &str| !pure.iter().any(|one| file.starts_with(one));
    for word in ["diesel", "crate::db", "crate::ambient", "crate::config", "std::fs"] {
        only_in(word, outside, "a decision is made in memory");
    }
}

/// The modules in their order: each knows only those before it, and the faces know them all.
const LINE: [&str; 26] = [
    "kernel",
    "outfile",
    "config",
    "db",
    "sheet",
    "ledger",
    "audit",
    "ambient",
    "identity",
    "table",
    "party",
    "intake",
    "contract",
    "hold",
    "portfolio",
    "placement",
    "recovery",
    "position",
    "conduct",
    "commission",
    "performance",
    "allocation",
    "settlement",
    "proof",
    "work",
    "words",
];

const FACES: [&str; 5] = ["cli", "demo", "web", "lib", "main"];

/// What spans nouns – verbs, and documents that are made of words –, each with what it needs to its right and why. Nothing
/// else looks there: no pure file, no store. Other values reach their words as methods (`src/words/`).
const SPANNING: [(&str, &[&str], &str); 10] = [
    ("table.rs", &["words"], "cells are written as pages read them"),
    (
        "hold/change.rs",
        &["portfolio", "placement"],
        "only accounts that a file knows are held, and what ran out before the day is recorded first",
    ),
    (
        "portfolio/import.rs",
        &["placement", "position"],
        "the ledger follows what is owed before and after, and what owes nothing any more closes as paid",
    ),
    ("placement/close.rs", &["position"], "what is owed goes back from the holder to the house"),
    ("placement/step.rs", &["position"], "a step keeps what is owed on its day"),
    (
        "recovery/import.rs",
        &["position"],
        "what is owed bounds a waiver, moves the ledger and closes placements as paid",
    ),
    (
        "allocation/files.rs",
        &["words"],
        "the assignment says why in a language, and its hash covers it",
    ),
    ("settlement/explain.rs", &["words"], "an explanation is words"),
    ("settlement/explain_month.rs", &["words"], "an explanation is words"),
    ("settlement/render.rs", &["words"], "a document is words"),
];

/// The sources of a file without its comments and its tests.
fn code(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or("");
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The first names that stand behind a prefix such as `crate::`: `b` and `c` of `crate::{b::d, c}`.
fn named_after(code: &str, prefix: &str) -> Vec<String> {
    let name = |text: &str| {
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        text[..end].to_string()
    };
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.push(name(rest));
            continue;
        };
        let (mut depth, mut begins) = (1, true);
        for (place, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => begins = true,
                _ if begins && depth == 1 && !c.is_whitespace() => {
                    names.push(name(&group[place..]));
                    begins = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    names
}

/// Every file of the sources, by its name, with its code.
fn files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    sources(&root, &mut found);
    let name = |file: &Path| file.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
    found.iter().map(|file| (name(file), code(file))).collect()
}

fn noun(file: &str) -> &str {
    file.split('/').next().unwrap_or(file).trim_end_matches(".rs")
}

#[test]
fn every_noun_looks_to_its_left_only() {
    let place = |noun: &str| LINE.iter().position(|one| *one == noun);
    let mut breaking = Vec::new();
    for (file, code) in files() {
        if FACES.contains(&noun(&file)) {
            continue;
        }
        let Some(own) = place(noun(&file)) else {
            panic!("src/{file}: {} has no place in LINE; give it one", noun(&file));
        };
        let mut right: Vec<String> = named_after(&code, "crate::")
            .into_iter()
            .filter(|name| match place(name) {
                Some(other) => other > own,
                None => FACES.contains(&name.as_str()),
            })
            .collect();
        right.sort();
        right.dedup();
        let spans = SPANNING.iter().find(|(verb, ..)| *verb == file);
        let mut allowed: Vec<&str> = spans.map_or(Vec::new(), |(_, nouns, _)| nouns.to_vec());
        allowed.sort_unstable();
        if right != allowed {
            breaking.push(format!("src/{file} looks right at {right:?}; may at {allowed:?}"));
        }
    }
    assert!(breaking.is_empty(), "{}", breaking.join("\n"));
}

/// The files of a noun know one another in one direction. What stands in its `mod.rs` all of them may use.
#[test]
fn the_files_of_a_noun_stand_in_no_circle() {
    let files = files();
    let stem = |file: &str| {
        let (folder, name) = file.split_once('/')?;
        let name = name.strip_suffix(".rs")?;
        (name != "mod" && !FACES.contains(&folder)).then(|| (folder.to_string(), name.to_string()))
    };
    let knows = |(folder, own): &(String, String), code: &str| -> Vec<(String, String)> {
        let of_noun = format!("crate::{folder}::");
        let names = named_after(code, "super::").into_iter().chain(named_after(code, &of_noun));
        names
            .filter(|name| {
                name != own && files.iter().any(|(file, _)| *file == format!("{folder}/{name}.rs"))
            })
            .map(|name| (folder.clone(), name))
            .collect()
    };
    let mut left: std::collections::BTreeMap<_, _> = files
        .iter()
        .filter_map(|(file, code)| stem(file).map(|key| (knows(&key, code), key)))
        .map(|(known, key)| (key, known))
        .collect();
    // Files that know none of those left are taken away until none is: a circle stays.
    loop {
        let free: Vec<_> = left
            .iter()
            .filter(|(_, known)| known.iter().all(|one| !left.contains_key(one)))
            .map(|(key, _)| key.clone())
            .collect();
        if free.is_empty() {
            break;
        }
        free.iter().for_each(|key| drop(left.remove(key)));
    }
    let circle: Vec<String> =
        left.keys().map(|(folder, name)| format!("src/{folder}/{name}.rs")).collect();
    assert!(circle.is_empty(), "a circle, or behind one: {circle:?}");
}

/// Every rule that the code cites stands in docs/rules.md under its number.
#[test]
fn rules_that_are_cited_are_written_down() {
    let text = include_str!("../../docs/rules.md");
    let mut rules = std::collections::BTreeSet::new();
    let mut section = String::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            section = title.split(' ').next().unwrap_or("").to_string();
            rules.insert(section.clone());
        } else if let Some((number, _)) = line.split_once(". ")
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
        {
            rules.insert(format!("{section}.{number}"));
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    sources(&root.join("tests/it"), &mut files);
    let mut cited = 0;
    for file in files {
        for line in std::fs::read_to_string(&file).unwrap().lines() {
            for rule in cited_rules(line) {
                assert!(
                    rules.contains(&rule),
                    "{}: no rule {rule} in docs/rules.md",
                    file.display()
                );
                cited += 1;
            }
        }
    }
    assert!(cited > 20, "the code cites {cited} rules");
}

/// The numbers of the rules that a comment cites in brackets.
fn cited_rules(line: &str) -> Vec<String> {
    let comment = line.trim_start().starts_with("//");
    let after = line.split_once("(rule").filter(|_| comment).map(|(_, rest)| rest);
    let inside = after.and_then(|rest| rest.split([')', ':']).next()).unwrap_or("");
    let numbers = inside.split(|c: char| !c.is_ascii_digit() && c != '.');
    numbers.filter(|number| !number.is_empty()).map(str::to_string).collect()
}

/// Chinese is said in the words' own rooms. Elsewhere stand comments, tests, the sample book, and what files may write.
#[test]
fn every_chinese_word_stands_among_the_words() {
    let of_files = [
        "sheet/columns.rs",
        "sheet/outline.rs",
        "sheet/wrong.rs",
        "intake/cell.rs",
        "intake/direction.rs",
        "kernel/money.rs",
    ];
    let allowed = |file: &str| {
        file.starts_with("words/")
            || file.starts_with("demo/")
            || file.ends_with("/columns.rs")
            || of_files.contains(&file)
    };
    // `Call = "call" | "phone"`: a value of an enumeration with what files may write for it.
    let spelling = |line: &str| {
        line.trim().split_once(" = \"").is_some_and(|(value, rest)| {
            value.chars().all(char::is_alphanumeric) && rest.contains("\" | \"")
        })
    };
    let chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    let mut breaking = Vec::new();
    for (file, number, line) in lines() {
        let code = line.split(" // ").next().unwrap_or_default();
        if code.contains(chinese) && !allowed(&file) && !spelling(code) {
            breaking.push(format!("src/{file}:{number}: {}", line.trim()));
        }
    }
    assert!(breaking.is_empty(), "put these into src/words/:\n{}", breaking.join("\n"));
}
