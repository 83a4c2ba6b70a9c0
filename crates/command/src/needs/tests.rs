use super::*;
use crate::{Setting, judge};

fn named(text: &str) -> Vec<String> {
    needs(&judge(text, &Setting::default()))
        .into_iter()
        .map(|need| {
            let folder = need.folder.unwrap_or_else(|| "?".to_owned());
            format!("{} {} in {folder:?}", need.role.name(), need.file)
        })
        .collect()
}

#[test]
fn a_plan_says_what_it_depends_on() {
    assert_eq!(named("git status"), [r#"binary git in """#]);
    assert_eq!(named("cd src && ./x.sh"), [r#"binary ./x.sh in "src""#]);
    assert_eq!(
        named("bash x.sh a"),
        [r#"binary bash in """#, r#"script x.sh in """#]
    );
    assert_eq!(
        named("npm run build"),
        [
            r#"binary npm in """#,
            r#"package-script package.json in """#,
            r#"config .npmrc in """#
        ]
    );
    assert_eq!(
        named("make -C lib all"),
        [
            r#"binary make in """#,
            r#"makefile GNUmakefile in "lib""#,
            r#"makefile makefile in "lib""#,
            r#"makefile Makefile in "lib""#
        ]
    );
    assert_eq!(named("sudo python3 x.py").len(), 3);
    assert_eq!(named("export A=1; cd x"), [""; 0]);
}

#[test]
fn only_what_runs_counts_of_a_package() {
    let need = &needs(&judge("npm test", &Setting::default()))[1];
    let counted = |text: &str| need.counted(text.as_bytes()).into_owned();
    let old = counted(r#"{"scripts":{"test":"jest","a":"b"},"dependencies":{"x":"1"}}"#);
    assert_eq!(
        old,
        counted(r#"{"dependencies":{},"scripts":{"a":"b","test":"jest"}}"#)
    );
    assert_ne!(old, counted(r#"{"scripts":{"test":"jest --x","a":"b"}}"#));
    assert_ne!(old, counted(r#"{"scripts":{"test":"jest","a":"c"}}"#));
    assert_ne!(
        old,
        counted(r#"{"scripts":{"pretest":"x","test":"jest","a":"b"}}"#)
    );
    assert_eq!(counted("no json"), b"no json");
}
