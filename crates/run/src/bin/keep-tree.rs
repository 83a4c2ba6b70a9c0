//! A keeper by itself, and the last step behind walls, for the tests of this
//! crate.

fn main() -> std::process::ExitCode {
    let mut words = std::env::args_os().skip(1);
    match words.next().is_some_and(|word| word == "enter") {
        true => tollgate_run::enter(words),
        false => tollgate_run::keep(),
    }
}
