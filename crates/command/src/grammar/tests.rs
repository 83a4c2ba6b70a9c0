use super::*;

#[test]
fn every_line_of_the_data_is_understood() {
    let faults: Vec<String> = BOOK
        .entries
        .iter()
        .filter_map(|entry| entry::read(entry.block).err())
        .map(|fault| fault.to_string())
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn at_least_400_programs_are_known() {
    assert!(known_programs() >= 400, "{}", known_programs());
}

#[test]
fn no_program_is_described_twice() {
    let mut seen: HashMap<&str, &str> = HashMap::new();
    let mut twice = Vec::new();
    for entry in &BOOK.entries {
        let head = entry.block.lines().next().unwrap_or_default();
        let (names, _) = head
            .split_once(": ")
            .unwrap_or((head.trim_end_matches(':'), ""));
        for name in names.split_whitespace() {
            if seen.insert(name, head).is_some() {
                twice.push(name);
            }
        }
    }
    assert!(twice.is_empty(), "{twice:?}");
}

#[test]
fn the_examples_of_the_data_hold() {
    let setting = crate::Setting::default();
    let mut wrong = Vec::new();
    for entry in &BOOK.entries {
        let Ok(grammar) = entry::read(entry.block) else {
            continue;
        };
        for (tier, line) in grammar.examples {
            let verdict = crate::judge(line, &setting);
            if verdict.tier.name() != tier {
                wrong.push(format!(
                    "{line}: {} for {tier} ({})",
                    verdict.tier, verdict.reason
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
