//! What must hold of any text that is read as facts. Runs under the fuzzer
//! and, so that it is exercised on a stable compiler, in the tests of
//! `tollgate-policy`.

use std::sync::OnceLock;

use tollgate_policy::{Engine, Fact, Facts, shipped_text};

/// Reads the input; what is accepted means the same when it is written, read
/// again and judged again, as it is where rules are evaluated in a process of
/// their own.
pub(crate) fn check(input: &[u8]) {
    let Ok(facts) = Facts::from_json(input) else {
        return;
    };
    assert_eq!(facts.clone().into_owned(), facts);
    let written = serde_json::to_vec(&facts).expect("facts are JSON");
    let again = Facts::from_json(&written).expect("what was written is facts");
    let rewritten = serde_json::to_vec(&again).expect("facts are JSON");
    let (one, two) = (fact(&written), fact(&rewritten));
    assert!(same(&one, &two), "{one:?}\n{two:?}");
    let said = engine().decide(&facts);
    assert_eq!(said.verdict(), engine().decide(&again).verdict());
    assert_eq!(said.rule(), engine().decide(&again).rule());
}

fn fact(json: &[u8]) -> Fact<'static> {
    Fact::from_json(json).expect("facts are a fact")
}

/// Equal, but for the last digit of a number that is not whole: the reader of
/// JSON rounds it.
fn same(one: &Fact<'_>, two: &Fact<'_>) -> bool {
    match (one, two) {
        (Fact::Number(one), Fact::Number(two)) => {
            one == two || (one - two).abs() <= one.abs() * 1e-14
        }
        (Fact::List(one), Fact::List(two)) => {
            one.len() == two.len() && one.iter().zip(two).all(|(one, two)| same(one, two))
        }
        (Fact::Map(one), Fact::Map(two)) => {
            let pairs = one.iter().zip(two);
            one.len() == two.len()
                && pairs
                    .into_iter()
                    .all(|((key, one), (other, two))| key == other && same(one, two))
        }
        _ => one == two,
    }
}

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let text = shipped_text("default.star").expect("it is shipped");
        let files = [("default.star".to_owned(), text.to_owned())];
        let none = &mut |_: &str| Err("it loads nothing".to_owned());
        Engine::load(&files, none).expect("it proves itself")
    })
}
