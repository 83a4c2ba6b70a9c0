//! `tollgate`: one gate between AI agents and everything they touch.

fn main() -> std::process::ExitCode {
    tollgate::cli::main()
}
