use crate::fault::Fault;
use crate::sources::{code_lines, crate_of, is_test};
use crate::table::VERDICTS;
use crate::workspace::SourceFile;

/// Every place where a verdict or the permission that follows from one is made
/// by somebody who may not. Types hold most of it: a `Decision` has no public
/// constructor that allows. This holds the rest: no second type of that name,
/// no second permission.
pub(crate) fn check(files: &[SourceFile]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let ours = |file: &&SourceFile| !is_test(&file.path) && crate_of(&file.path) != "xtask";
    for file in files.iter().filter(ours) {
        for (at, line) in file.text.lines().take(code_lines(file)).enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for (made, owners, why) in VERDICTS {
                if owners.contains(&crate_of(&file.path)) || owners.contains(&&*file.path) {
                    continue;
                }
                if code.contains(made) && !is_read(code, made) {
                    faults.push(Fault {
                        file: file.path.clone(),
                        line: at + 1,
                        what: format!("`{made}` outside {}", owners.join(", ")),
                        hint: (*why).to_owned(),
                    });
                }
            }
        }
    }
    faults
}

/// Comparing and matching a verdict makes none.
fn is_read(code: &str, made: &str) -> bool {
    let Some((before, after)) = code.split_once(made) else {
        return false;
    };
    let before = before.trim_end();
    let after = after.trim_start();
    let compared = before.ends_with("==") || before.ends_with("!=") || after.starts_with("==");
    let matched = after.starts_with("=>") || after.starts_with('|') || code.contains("matches!");
    let returned = before.ends_with("->");
    compared || matched || returned
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(path: &str, text: &str) -> usize {
        let file = SourceFile {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        check(&[file]).len()
    }

    #[test]
    fn only_policy_makes_verdicts() {
        for text in [
            "let x = Verdict::Allow;",
            "return Ok(Verdict::Allow)",
            "let said = Decision { verdict, rule };",
            "pub struct Decision {",
            "use tollgate_policy::Verdict::*;",
            "fn open() -> Verdict { Verdict::Allow }",
            "let said = read_decision(&mut forged)?;",
        ] {
            assert_eq!(faults("crates/proxy/src/rules.rs", text), 1, "{text}");
            assert_eq!(faults("crates/policy/src/decide.rs", text), 0, "{text}");
        }
        for text in [
            "if said.verdict() == Verdict::Allow {",
            "Verdict::Allow => word,",
            "matches!(verdict, Verdict::Allow)",
            "fn decide(&self) -> Decision {",
            "// Verdict::Allow",
            "#[cfg(test)]\nmod tests {\n    let x = Verdict::Allow;\n}\n",
        ] {
            assert_eq!(faults("crates/proxy/src/rules.rs", text), 0, "{text}");
        }
    }

    #[test]
    fn only_admission_permits() {
        let text = "        Ok(Permitted {\n";
        assert_eq!(faults("crates/proxy/src/model.rs", text), 1);
        assert_eq!(faults("crates/proxy/src/admission.rs", text), 0);
    }
}
