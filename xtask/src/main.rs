//! Chores of this repository: `cargo xtask models`, `cargo xtask tidy`.

mod json;
mod models;
mod tidy;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.first().map(String::as_str) {
        Some("models") => models::run(&arguments[1..]),
        Some("tidy") => tidy::run().map_err(Into::into),
        _ => {
            Err("usage: cargo xtask tidy | cargo xtask models [--botocore DIR] [SERVICE...]".into())
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
