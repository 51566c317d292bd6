fn main() -> std::process::ExitCode {
    haneul::cli::run()
}
