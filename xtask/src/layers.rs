use crate::fault::Fault;
use crate::table::{FLOOR_EXCEPTIONS, FLOORS, OWNERS, TEST_ONLY};
use crate::workspace::{Crate, Dependency, short};

/// Every import of a crate of ours that the floor plan does not allow.
pub(crate) fn floors(crates: &[Crate]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for from in crates {
        let Some(floor) = floor_of(&from.name) else {
            faults.push(Fault {
                file: from.manifest.clone(),
                line: 1,
                what: format!("crate `{}` stands on no floor", from.name),
                hint: "give it one in FLOORS of xtask/src/table.rs".to_owned(),
            });
            continue;
        };
        let ours = from
            .dependencies
            .iter()
            .filter(|import| is_ours(import, crates));
        faults.extend(ours.filter_map(|import| import_fault(from, floor, import)));
    }
    faults
}

fn is_ours(import: &Dependency, crates: &[Crate]) -> bool {
    import.package.starts_with("tollgate-")
        || crates.iter().any(|member| member.name == import.package)
}

fn import_fault(from: &Crate, floor: u8, import: &Dependency) -> Option<Fault> {
    let to = short(&import.package);
    let fault = |what: String, hint: &str| {
        Some(Fault {
            file: from.manifest.clone(),
            line: line_of(from, import),
            what,
            hint: hint.to_owned(),
        })
    };
    if to == TEST_ONLY {
        return match import.is_dev {
            true => None,
            false => fault(
                format!("`{}` imports `{to}`, which is for tests", from.name),
                "move it to [dev-dependencies]",
            ),
        };
    }
    let Some(below) = floor_of(to) else {
        return fault(
            format!("`{}` imports `{to}`, which stands on no floor", from.name),
            "give it one in FLOORS of xtask/src/table.rs",
        );
    };
    let excepted = FLOOR_EXCEPTIONS
        .iter()
        .any(|(a, b, _)| (*a, *b) == (&*from.name, to));
    if below < floor || excepted {
        return None;
    }
    fault(
        format!(
            "`{}` (floor {floor}) imports `{to}` (floor {below}), expected a lower floor",
            from.name
        ),
        "move what both need to a lower floor, or have a higher one hand it in; an exception needs its reason in FLOOR_EXCEPTIONS of xtask/src/table.rs",
    )
}

/// Every dependency outside the crate that owns it, tests included.
pub(crate) fn owners(crates: &[Crate]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for from in crates {
        for import in &from.dependencies {
            let owned = OWNERS
                .iter()
                .find(|(package, ..)| *package == import.package);
            let Some((package, owners, why)) =
                owned.filter(|(_, owners, _)| !owners.contains(&&*from.name))
            else {
                continue;
            };
            faults.push(Fault {
                file: from.manifest.clone(),
                line: line_of(from, import),
                what: format!(
                    "`{}` depends on `{package}`, expected {}",
                    from.name,
                    whose(owners)
                ),
                hint: format!("{why}; use what the owner offers"),
            });
        }
    }
    faults
}

fn whose(owners: &[&str]) -> String {
    match owners {
        [] => "no crate to".to_owned(),
        owners => format!("only `{}` to", owners.join("`, `")),
    }
}

fn floor_of(name: &str) -> Option<u8> {
    FLOORS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, floor)| *floor)
}

/// Where the manifest names a dependency; its first line if it can't be seen.
fn line_of(from: &Crate, import: &Dependency) -> usize {
    let mut section = "";
    for (at, line) in from.text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            section = line;
        }
        let names = line
            .strip_prefix(&import.key)
            .is_some_and(|rest| rest.starts_with(['.', ' ', '=']));
        let heads = section == line && line.ends_with(&format!("dependencies.{}]", import.key));
        let right = section.contains("dependencies") && section.contains("dev-") == import.is_dev;
        if right && (names || heads) {
            return at + 1;
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A crate whose manifest lists `[dependencies]` and `[dev-dependencies]`.
    fn member(name: &str, normal: &[&str], dev: &[&str]) -> Crate {
        let mut text = format!("[package]\nname = \"{name}\"\n\n[dependencies]\n");
        normal
            .iter()
            .for_each(|package| text += &format!("{package}.workspace = true\n"));
        text += "\n[dev-dependencies]\n";
        dev.iter()
            .for_each(|package| text += &format!("{package} = {{ workspace = true }}\n"));
        let dependency = |is_dev: bool| {
            move |package: &&str| Dependency {
                package: package.to_string(),
                key: package.to_string(),
                is_dev,
            }
        };
        Crate {
            name: name.to_owned(),
            manifest: format!("crates/{name}/Cargo.toml"),
            text,
            dependencies: normal
                .iter()
                .map(dependency(false))
                .chain(dev.iter().map(dependency(true)))
                .collect(),
            ..Crate::default()
        }
    }

    fn told(faults: &[Fault]) -> Vec<String> {
        faults
            .iter()
            .map(|fault| format!("{}:{}: {}", fault.file, fault.line, fault.what))
            .collect()
    }

    #[test]
    fn the_plan_as_drawn_has_no_fault() {
        let crates = [
            member("types", &["serde"], &[]),
            member("llm", &["tollgate-types"], &["tollgate-testkit"]),
            member("ledger", &["tollgate-types", "sqlx"], &[]),
            member(
                "proxy",
                &["tollgate-llm", "tollgate-ledger"],
                &["tollgate-testkit"],
            ),
            member("tollgate", &["tollgate-proxy", "tollgate-types"], &[]),
            member("testkit", &["rcgen"], &[]),
        ];
        assert_eq!(told(&floors(&crates)), [""; 0]);
        assert_eq!(told(&owners(&crates)), [""; 0]);
    }

    #[test]
    fn upward_and_sideways_imports_are_faults() {
        let crates = [
            member("types", &["tollgate-llm"], &[]),
            member("llm", &["tollgate-types", "tollgate-routing"], &[]),
            member("ledger", &[], &["tollgate-proxy"]),
            member("api", &["tollgate"], &[]),
            member("tollgate", &[], &[]),
        ];
        assert_eq!(
            told(&floors(&crates)),
            [
                "crates/types/Cargo.toml:5: `types` (floor 0) imports `llm` (floor 1), expected a lower floor",
                "crates/llm/Cargo.toml:6: `llm` (floor 1) imports `routing` (floor 1), expected a lower floor",
                "crates/ledger/Cargo.toml:7: `ledger` (floor 2) imports `proxy` (floor 3), expected a lower floor",
                "crates/api/Cargo.toml:5: `api` (floor 2) imports `tollgate` (floor 4), expected a lower floor",
            ]
        );
    }

    #[test]
    fn the_testkit_is_for_tests_and_every_crate_has_a_floor() {
        let crates = [
            member("proxy", &["tollgate-testkit"], &[]),
            member("helpers", &[], &[]),
            member("llm", &["tollgate-helpers"], &[]),
        ];
        assert_eq!(
            told(&floors(&crates)),
            [
                "crates/proxy/Cargo.toml:5: `proxy` imports `testkit`, which is for tests",
                "crates/helpers/Cargo.toml:1: crate `helpers` stands on no floor",
                "crates/llm/Cargo.toml:5: `llm` imports `helpers`, which stands on no floor",
            ]
        );
    }

    #[test]
    fn a_dependency_outside_its_owner_is_a_fault_in_tests_too() {
        let crates = [
            member("control", &["axum", "reqwest"], &["sqlx"]),
            member("secrets", &["rcgen"], &[]),
            member("proxy", &["rcgen"], &[]),
        ];
        assert_eq!(
            told(&owners(&crates)),
            [
                "crates/control/Cargo.toml:6: `control` depends on `reqwest`, expected no crate to",
                "crates/control/Cargo.toml:9: `control` depends on `sqlx`, expected only `ledger` to",
                "crates/proxy/Cargo.toml:5: `proxy` depends on `rcgen`, expected only `secrets`, `testkit` to",
            ]
        );
    }

    #[test]
    fn a_renamed_dependency_is_found_at_its_own_line() {
        let mut from = member("proxy", &[], &[]);
        from.text = "[package]\n[dependencies.client]\npackage = \"reqwest\"\n".to_owned();
        from.dependencies = vec![Dependency {
            package: "reqwest".to_owned(),
            key: "client".to_owned(),
            is_dev: false,
        }];
        assert_eq!(owners(&[from])[0].line, 2);
    }

    #[test]
    fn the_table_names_each_crate_once_and_exceptions_have_reasons() {
        let names: std::collections::HashSet<_> = FLOORS.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), FLOORS.len());
        assert!(FLOOR_EXCEPTIONS.iter().all(|(.., why)| why.len() > 10));
    }
}
