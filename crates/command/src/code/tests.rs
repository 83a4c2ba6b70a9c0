use super::*;

#[test]
fn sed_that_edits_is_harmless() {
    for script in [
        "s/a/b/g",
        "1d",
        "/x/,/y/p",
        "s|/e w|b|",
        "$!N;P;D",
        "y/abc/def/",
        "5q",
        "/e/d",
        "s/e/w/",
    ] {
        assert_eq!(sed(script), vec![], "{script}");
    }
}

#[test]
fn sed_that_runs_or_writes_is_found() {
    assert!(sed("1e id").contains(&Found::Shell("id".to_owned())));
    assert!(sed("s/a/id/e").contains(&Found::Does(Effect::Run, "s///e")));
    assert!(sed("w /etc/x").contains(&Found::Writes("/etc/x".to_owned())));
    assert!(sed("s/a/b/gw out").contains(&Found::Writes("out".to_owned())));
    assert!(sed("1!G;h;e").contains(&Found::Does(Effect::Run, "e")));
}

#[test]
fn awk_that_prints_is_harmless() {
    for program in [
        "{print $1}",
        "$3 > 5 {print $2}",
        "{ if ($1 > 2 || $2) print }",
        "/a|b/ {n++} END {print n}",
        "{print ($1 > 2)}",
    ] {
        assert_eq!(awk(program), vec![], "{program}");
    }
}

#[test]
fn awk_that_runs_or_writes_is_found() {
    assert!(awk("BEGIN {system(\"rm -rf /\")}").contains(&Found::Shell("rm -rf /".to_owned())));
    assert!(awk("{print | \"sh\"}").contains(&Found::Does(Effect::Run, "a pipe")));
    assert!(awk("{print > \"/etc/x\"}").contains(&Found::Writes("/etc/x".to_owned())));
    assert!(
        awk("BEGIN {s=\"/inet/tcp/0/h/1\"; print |& s}")
            .contains(&Found::Does(Effect::Send, "/inet"))
    );
}

#[test]
fn sql_is_told_by_its_statements() {
    assert_eq!(sql("select * from users"), vec![]);
    assert_eq!(
        sql("DELETE FROM users"),
        vec![(Effect::Change, "DELETE without WHERE")]
    );
    assert_eq!(
        sql("delete from users where id = 1"),
        vec![(Effect::Local, "a change")]
    );
    assert_eq!(
        sql("select 1; drop table x"),
        vec![(Effect::Change, "DROP")]
    );
    assert!(sql("\\! sh").contains(&(Effect::Run, "an escape to the system")));
}

#[test]
fn shell_text_in_calls_is_found() {
    assert_eq!(shell_calls("import os; os.system('id')"), ["id"]);
    assert_eq!(
        shell_calls("subprocess.run(['rm', '-rf', '/'])"),
        ["'rm' '-rf' '/'"]
    );
}
