use super::*;
use crate::{Setting, judge, needs};

const PACKAGE: [u8; 32] = [7; 32];

fn rule(pattern: &str, binary: &str, scripts: &[(&str, Option<[u8; 32]>)]) -> Rule {
    Rule {
        pattern: Pattern::parse(pattern).unwrap(),
        binary: binary.to_owned(),
        scripts: scripts
            .iter()
            .map(|(path, sha256)| ScriptBinding {
                path: (*path).to_owned(),
                sha256: *sha256,
            })
            .collect(),
    }
}

/// What a machine would find where every program is in `bin` and the only
/// project is `/w`.
fn found(verdict: &Verdict, bin: &str, package: [u8; 32]) -> Vec<Evidence> {
    needs(verdict)
        .into_iter()
        .map(|need| {
            let folder = need.folder.unwrap_or_else(|| "/unknown".to_owned());
            let is_package = need.file == "package.json" && folder == "/w";
            Evidence {
                step: need.step,
                role: need.role,
                path: match need.role {
                    Role::Binary => format!("{bin}/{}", base(&need.file)),
                    _ => format!("{folder}/{}", need.file),
                },
                sha256: is_package.then_some(package),
            }
        })
        .collect()
}

fn covers(list: &Allowlist, command: &str, bin: &str, package: [u8; 32]) -> Option<Vec<usize>> {
    let setting = Setting {
        folder: Some("/w".to_owned()),
        ..Setting::default()
    };
    let verdict = judge(command, &setting);
    list.covers(&verdict, &found(&verdict, bin, package), true)
}

fn list() -> Allowlist {
    Allowlist::new(vec![
        rule("git commit *", "/usr/bin/git", &[]),
        rule("git *", "/opt/bin/git", &[]),
        rule(
            "npm test",
            "/usr/bin/npm",
            &[("/w/package.json", Some(PACKAGE)), ("/w/.npmrc", None)],
        ),
        rule("npm run build", "/usr/bin/npm", &[]),
    ])
}

#[test]
fn a_rule_holds_for_its_binary_only() {
    let list = list();
    assert_eq!(
        covers(&list, "git commit -m x", "/usr/bin", PACKAGE),
        Some(vec![0])
    );
    assert_eq!(
        covers(&list, "git commit -m x", "/opt/bin", PACKAGE),
        Some(vec![1])
    );
    assert_eq!(covers(&list, "git commit -m x", "/tmp/bin", PACKAGE), None);
    assert_eq!(covers(&list, "git push", "/usr/bin", PACKAGE), None);
}

#[test]
fn a_rule_for_a_script_holds_until_its_text_changes() {
    let list = list();
    assert_eq!(
        covers(&list, "npm test", "/usr/bin", PACKAGE),
        Some(vec![2])
    );
    assert_eq!(covers(&list, "npm test", "/usr/bin", [8; 32]), None);
    // A rule that is bound to nothing allows no script.
    assert_eq!(covers(&list, "npm run build", "/usr/bin", PACKAGE), None);
}

#[test]
fn a_rule_for_a_script_holds_in_its_folder_only() {
    let list = list();
    for elsewhere in [
        "cd web && npm test",
        "cd web; npm test",
        "cd $x; npm test",
        "cd web || npm test | cat && cd /tmp; npm test",
        "npm -C web test",
        "npm --prefix web test",
        "f() { cd web; }; f; npm test",
    ] {
        assert_eq!(
            covers(&list, elsewhere, "/usr/bin", PACKAGE),
            None,
            "{elsewhere}"
        );
    }
    for here in [
        "cd . && npm test",
        "cd /w && npm test 2>&1 | tail -5",
        "ls; npm test",
    ] {
        assert_eq!(
            covers(&list, here, "/usr/bin", PACKAGE),
            Some(vec![2]),
            "{here}"
        );
    }
}

/// `cd` that may not happen, or may not have happened.
#[test]
fn a_folder_that_is_not_certain_binds_nothing() {
    let setting = Setting::default();
    for uncertain in [
        "false && cd /w; npm test",
        "true && cd /w || npm test",
        "(cd /w); npm test",
        "cd /w | cat; npm test",
        "if x; then cd /w; fi; npm test",
        "cd /w &\nnpm test",
        "cd -; npm test",
        "command cd /w; npm test",
        "eval 'cd /w'; npm test",
        "CDPATH=/x; cd /w; npm test",
    ] {
        let verdict = judge(uncertain, &setting);
        let list = list();
        let evidence = found(&verdict, "/usr/bin", PACKAGE);
        assert_eq!(list.covers(&verdict, &evidence, true), None, "{uncertain}");
    }
    let verdict = judge("cd /elsewhere || npm test", &setting);
    let folders: Vec<_> = needs(&verdict)
        .into_iter()
        .map(|need| need.folder)
        .collect();
    assert!(
        folders.iter().all(|folder| folder.as_deref() == Some("")),
        "{folders:?}"
    );
}

#[test]
fn every_step_of_a_plan_has_to_be_covered() {
    let list = list();
    assert_eq!(
        covers(
            &list,
            "git commit -m x && npm test && ls",
            "/usr/bin",
            PACKAGE
        ),
        Some(vec![0, 2])
    );
    assert_eq!(
        covers(&list, "git commit -m x && touch y", "/usr/bin", PACKAGE),
        None
    );
    assert_eq!(covers(&list, "ls", "/usr/bin", PACKAGE), None);
    let verdict = judge("npm test | cat", &Setting::default());
    let strict = list.covers(&verdict, &found(&verdict, "/usr/bin", PACKAGE), false);
    assert_eq!(strict, None);
}
