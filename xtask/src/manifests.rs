use crate::fault::Fault;
use crate::workspace::Crate;

/// Shortest description that says anything, in characters.
const SHORTEST: usize = 20;

/// Every crate that leaves the workspace's lints or does not say what it is.
pub(crate) fn check(crates: &[Crate]) -> Vec<Fault> {
    crates
        .iter()
        .flat_map(|member| [lints(member), description(member)])
        .flatten()
        .collect()
}

fn lints(member: &Crate) -> Option<Fault> {
    let mut lines = member.text.lines().map(str::trim).enumerate();
    let section = lines.find(|(_, line)| *line == "[lints]");
    let mut body = lines
        .map(|(_, line)| line)
        .take_while(|line| !line.starts_with('['));
    if body.any(|line| line.replace(' ', "").starts_with("workspace=true")) {
        return None;
    }
    Some(Fault {
        file: member.manifest.clone(),
        line: section.map_or(1, |(at, _)| at + 1),
        what: format!(
            "crate `{}` has lints of its own, expected the workspace's",
            member.name
        ),
        hint:
            "write `[lints]` and `workspace = true`; exceptions go beside the code, with a reason"
                .to_owned(),
    })
}

fn description(member: &Crate) -> Option<Fault> {
    let said = member.description.trim();
    if said.chars().count() >= SHORTEST {
        return None;
    }
    let line = member
        .text
        .lines()
        .position(|line| line.trim().starts_with("description"));
    Some(Fault {
        file: member.manifest.clone(),
        line: line.map_or(1, |at| at + 1),
        what: format!(
            "crate `{}` describes itself as `{said}`, expected what it is for",
            member.name
        ),
        hint: "one line in `description` that says the crate's one job".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(description: &str, text: &str) -> Crate {
        Crate {
            name: "llm".to_owned(),
            description: description.to_owned(),
            manifest: "crates/llm/Cargo.toml".to_owned(),
            text: text.to_owned(),
            ..Crate::default()
        }
    }

    const GOOD: &str = "Dialects of models as pure functions";

    #[test]
    fn a_crate_that_keeps_the_habits_has_no_fault() {
        for text in [
            "[package]\n\n[lints]\nworkspace = true\n",
            "[lints]\n# all\nworkspace=true\n[dependencies]\n",
        ] {
            assert_eq!(check(&[member(GOOD, text)]), []);
        }
    }

    #[test]
    fn lints_of_its_own_are_a_fault() {
        for (text, line) in [
            ("[package]\n", 1),
            ("[package]\n[lints]\n[dependencies]\nworkspace = true\n", 2),
            ("[package]\n\n[lints.rust]\nunsafe_code = \"allow\"\n", 1),
        ] {
            let faults = check(&[member(GOOD, text)]);
            assert_eq!((faults.len(), faults[0].line), (1, line), "{text}");
        }
    }

    #[test]
    fn a_description_must_say_something() {
        for description in ["", "TBD", "the llm crate"] {
            let text = "[package]\ndescription = \"…\"\n[lints]\nworkspace = true\n";
            let faults = check(&[member(description, text)]);
            assert_eq!((faults.len(), faults[0].line), (1, 2), "{description}");
        }
    }
}
