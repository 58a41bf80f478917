//! What commands answer: text or one JSON object, an exit code, and files written whole.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use crate::kernel::document::LARGEST_DOCUMENT;
use crate::outfile::{OutFile, OutFileError, standard_output_is_taken};

/// The largest text file of the user's that is read whole: contracts, strategies, parties.
const LARGEST_TEXT: u64 = LARGEST_DOCUMENT as u64;

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
        let printed = if standard_output_is_taken() {
            writeln!(std::io::stderr(), "{text}")
        } else {
            writeln!(std::io::stdout(), "{text}")
        };
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

    /// A failure after something was done: what.
    pub fn after(self, done: impl std::fmt::Display) -> Failure {
        Failure(format!("{done}: {}", self.0))
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
    crate::hold::change::HoldError,
    crate::conduct::ConductError,
    crate::allocation::AllocationError,
    crate::performance::PerformanceError,
    crate::settlement::SettlementError,
    crate::proof::ProofError,
    crate::ledger::export::ExportError,
    crate::sheet::SheetError,
    crate::demo::DemoError,
    OutFileError,
    csv::Error
);

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Failure {
        Failure(crate::db::told(&error))
    }
}

/// Reads a text file of the user's.
pub(super) fn read_text(path: &Path) -> Result<String, Failure> {
    let cannot = |error: std::io::Error| {
        Failure::new(format!("{}: cannot be read: {error}; nothing was changed", path.display()))
    };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(cannot)?;
    file.take(LARGEST_TEXT + 1).read_to_end(&mut bytes).map_err(cannot)?;
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

/// Writes an output file through `fill`; what it says is printed beside it when the file itself goes to standard output.
pub(super) fn write_with(
    path: &Path,
    fill: impl FnOnce(&mut dyn std::io::Write) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut out = OutFile::create(path)?;
    match fill(&mut out) {
        Ok(()) => Ok(out.finish()?),
        Err(failure) => Err(out.trouble().map_or(failure, Failure::from)),
    }
}

/// Refuses an output path that cannot be written, before anything is done.
pub(super) fn check_writable(path: &Path) -> Result<(), Failure> {
    Ok(OutFile::check(path)?)
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
