use super::patterns;
use super::rule::read;
use super::*;

#[test]
fn there_are_enough_kinds_and_each_proves_itself() {
    let catalog = Catalog::shipped().unwrap();
    assert!(catalog.formats() >= 150, "{} formats", catalog.formats());
    let mut faults = Vec::new();
    for rule in &catalog.rules {
        assert!(
            !rule.matches.is_empty() && !rule.no_match.is_empty(),
            "`{}` proves nothing",
            rule.kind
        );
        for text in &rule.matches {
            let found = patterns::scan(text.as_bytes(), &catalog).findings;
            if !found.iter().any(|finding| finding.kind == rule.kind) {
                faults.push(format!("`{}` does not find {text:?}: {found:?}", rule.kind));
            }
        }
        for text in &rule.no_match {
            let found = patterns::scan(text.as_bytes(), &catalog).findings;
            if found.iter().any(|finding| finding.kind == rule.kind) {
                faults.push(format!("`{}` finds {text:?}", rule.kind));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

#[test]
fn a_bad_rule_is_refused_by_name() {
    let rule = |pattern: &str| {
        format!(
            "[[rule]]\nkind = \"mine\"\nseverity = \"high\"\nliterals = [\"mine_\"]\npattern = '{pattern}'\n"
        )
    };
    assert!(Catalog::with(&[&rule("mine_[a-z]{8}")]).is_ok());
    for bad in [
        "mine_(",
        "mine_((a{1000}){1000}){1000}",
        "(?:mine_)?",
        "mine_(?=x)",
    ] {
        let fault = Catalog::with(&[&rule(bad)]).unwrap_err().to_string();
        assert!(fault.starts_with("rule `mine`"), "{fault}");
    }
    assert!(read("[[rule]]\nkind = 1").is_err());
}
