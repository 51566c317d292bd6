//! The same program as `haneul`: cargo hands a package's tests that package's binaries only.

fn main() -> std::process::ExitCode {
    haneul::cli::run()
}
