//! The program: parse the command, run it, answer with its exit code.

fn main() -> std::process::ExitCode {
    consign::cli::main()
}
