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

/// Only the first of two would count: `git config` once lost its flags so.
#[test]
fn no_subcommand_is_described_twice() {
    let mut twice = Vec::new();
    for entry in &BOOK.entries {
        let Ok(grammar) = entry::read(entry.block) else {
            continue;
        };
        let mut seen = std::collections::HashSet::new();
        let names = grammar.subs.iter().map(|(name, _)| *name);
        let head = entry.block.split(':').next().unwrap_or_default();
        let head = head.get(..40).unwrap_or(head);
        twice.extend(
            names
                .filter(|name| !seen.insert(*name))
                .map(|name| format!("{head}: {name}")),
        );
    }
    assert!(twice.is_empty(), "{twice:#?}");
}

/// Of an entry with many names that only reads, a short flag that is not listed
/// counts as harmless: that has to be said, by `free`, or turned round, by
/// `strict`.
#[test]
fn that_unlisted_flags_are_harmless_is_a_choice_for_every_long_list() {
    let silent = |entry: &&Entry| {
        entry::read(entry.block).is_ok_and(|grammar| {
            let reads = matches!(grammar.effect, None | Some(crate::effect::Effect::Read));
            let names = entry.block.lines().next().unwrap_or_default();
            let names = names.split_once(": ").map_or(names, |(names, _)| names);
            reads
                && names.split_whitespace().count() > 8
                && !grammar.runs_anything()
                && !grammar.marks.strict
                && !grammar.marks.free
        })
    };
    let silent: Vec<&str> = BOOK
        .entries
        .iter()
        .filter(silent)
        .map(|entry| entry.block.lines().next().unwrap_or_default())
        .map(|line| line.get(..60).unwrap_or(line))
        .collect();
    assert!(silent.is_empty(), "{silent:#?}");
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
