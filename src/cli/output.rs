//! What commands answer: text or one JSON object, an exit code, and files written whole.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A command's answer.
pub(super) struct Answer {
    /// For people.
    pub text: String,
    /// For programs.
    pub json: serde_json::Value,
    /// 0 done, 1 a check that failed, 3 done in part.
    pub code: u8,
}

impl Answer {
    /// Done.
    pub fn new(text: impl Into<String>, json: serde_json::Value) -> Answer {
        Answer { text: text.into(), json, code: 0 }
    }

    /// Done in part when `partial`.
    pub fn partly(self, partial: bool) -> Answer {
        Answer { code: if partial { 3 } else { self.code }, ..self }
    }

    pub fn print(self, json: bool) -> ExitCode {
        let text = if json { self.json.to_string() } else { self.text };
        let printed = writeln!(std::io::stdout(), "{text}");
        // Nobody is left to tell when standard output is closed; the work is done either way.
        drop(printed);
        ExitCode::from(self.code)
    }
}

/// Why a command was refused: nothing changed.
#[derive(Debug)]
pub(super) struct Failure(String);

impl Failure {
    pub fn new(message: impl Into<String>) -> Failure {
        Failure(message.into())
    }

    pub fn print(self) -> ExitCode {
        let printed = writeln!(std::io::stderr(), "consign: {}", self.0);
        drop(printed);
        ExitCode::from(1)
    }
}

macro_rules! failures {
    ($($error:ty),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Failure {
                Failure(error.to_string())
            }
        })*
    };
}

failures!(
    crate::db::OpenError,
    crate::party::PartyError,
    crate::contract::ContractError,
    crate::intake::IntakeError,
    crate::placement::PlacementError,
    crate::conduct::ConductError,
    crate::allocation::AllocationError,
    crate::performance::PerformanceError,
    crate::settlement::SettlementError,
    crate::proof::ProofError,
    crate::ledger::export::ExportError,
    crate::sheet::SheetError,
    crate::demo::DemoError,
    csv::Error
);

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Failure {
        Failure(crate::db::told(&error))
    }
}

/// Reads a text file of the user's.
pub(super) fn read_text(path: &Path) -> Result<String, Failure> {
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::new(format!("{}: cannot be read: {error}", path.display())))?;
    String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1;
        Failure::new(format!(
            "{}, line {line}: is not UTF-8; save the file as UTF-8",
            path.display()
        ))
    })
}

/// Writes an output file whole: a reader never sees half of it.
pub(super) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    write_with(path, |out| out.write_all(bytes).map_err(|error| Failure::new(error.to_string())))
}

/// Writes an output file through `fill`, under another name until it is whole; `-` is standard output.
pub(super) fn write_with(
    path: &Path,
    fill: impl FnOnce(&mut dyn std::io::Write) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(format!("{}: cannot be written: {error}", path.display()))
    };
    if path == Path::new("-") {
        return fill(&mut std::io::stdout().lock());
    }
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let mut out = std::io::BufWriter::new(std::fs::File::create(&part).map_err(failed)?);
    let filled = fill(&mut out).and_then(|()| out.flush().map_err(failed));
    drop(out);
    match filled {
        Ok(()) => std::fs::rename(&part, path).map_err(failed),
        Err(failure) => {
            let removed = std::fs::remove_file(&part);
            drop(removed);
            Err(failure)
        }
    }
}

/// Refuses an output path that cannot be written, before anything is done.
pub(super) fn check_writable(path: &Path) -> Result<(), Failure> {
    write_probe(path)
        .map_err(|error| Failure::new(format!("{}: cannot be written: {error}", path.display())))
}

fn write_probe(path: &Path) -> std::io::Result<()> {
    if path == Path::new("-") {
        return Ok(());
    }
    if path.is_dir() {
        return Err(std::io::Error::other("is a folder"));
    }
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    std::fs::File::create(&part)?;
    std::fs::remove_file(&part)
}

/// Text lines joined.
pub(super) fn lines(lines: Vec<String>) -> String {
    lines.join("\n")
}

/// What is odd but harmless, a line each.
pub(super) fn warning_lines(warnings: &[String]) -> Vec<String> {
    warnings.iter().map(|warning| format!("warning: {warning}")).collect()
}

/// The first rejected rows, a line each.
pub(super) fn fault_lines(rejected: u64, faults: &[crate::sheet::Fault]) -> Vec<String> {
    let shown = 20;
    let mut lines: Vec<String> = faults
        .iter()
        .take(shown)
        .map(|fault| {
            format!("  line {}, {}: \"{}\" {}", fault.line, fault.column, fault.value, fault.reason)
        })
        .collect();
    if rejected > shown as u64 {
        lines.push(format!(
            "  … and {} more; --rejects OUT.csv writes all of them",
            rejected - shown as u64
        ));
    }
    lines
}
