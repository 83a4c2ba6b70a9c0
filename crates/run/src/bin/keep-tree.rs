//! A keeper by itself, for the tests of this crate.

fn main() -> std::process::ExitCode {
    tollgate_run::keep()
}
