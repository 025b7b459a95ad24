use std::{io::Write, process::ExitCode};

fn main() -> ExitCode {
    match parlor_server::cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "parlor: {error:#}");
            ExitCode::FAILURE
        }
    }
}
