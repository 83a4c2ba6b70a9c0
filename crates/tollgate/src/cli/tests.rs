use super::*;

fn help(path: &[&str]) -> String {
    let mut command = Arguments::command();
    command.build();
    let mut found = &mut command;
    for name in path {
        found = found.find_subcommand_mut(name).unwrap();
    }
    found.render_long_help().to_string()
}

#[test]
fn the_command_line_is_sound() {
    Arguments::command().debug_assert();
}

#[test]
fn help_of_the_program() {
    insta::assert_snapshot!(help(&[]));
}

#[test]
fn help_of_every_command() {
    let paths: [&[&str]; 14] = [
        &["serve"],
        &["run"],
        &["status"],
        &["models", "list"],
        &["agents", "add"],
        &["agents", "list"],
        &["agents", "remove"],
        &["budget", "show"],
        &["budget", "set"],
        &["cutoff"],
        &["usage"],
        &["why"],
        &["config", "check"],
        &["config", "schema"],
    ];
    let pages: Vec<String> = paths
        .iter()
        .map(|path| format!("$ tollgate {} --help\n{}", path.join(" "), help(path)))
        .collect();
    insta::assert_snapshot!(pages.join("\n"));
}

#[test]
fn a_failure_tells_its_causes_and_then_the_hint() {
    use anyhow::Context;
    let inner: Result<(), std::io::Error> = Err(std::io::Error::other("disk on fire"));
    let error = inner.context("can't read the ledger").unwrap_err();
    let failure = Failure::failed(error).hint("put it out");
    let lines: Vec<String> = failure
        .lines()
        .into_iter()
        .map(|(label, line)| format!("{label}: {line}"))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    error: can't read the ledger
    cause: disk on fire
    hint: put it out
    ");
}
