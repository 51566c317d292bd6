fn main() -> std::process::ExitCode {
    // Before there is a second thread, and before anything else of this program: the same binary
    // is also what a host starts guests with and what runs inside them.
    host::linux::entry();
    if let Some(code) = guest::entry() {
        return code;
    }
    haneul::cli::run()
}
