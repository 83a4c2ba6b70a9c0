//! No fault ever says a secret, whatever is wrong beside it or with it.

use super::*;

const SECRET: &str = "sk-proj-Zx9QwErTy7831abcDEF";

/// Every way to get a key wrong that comes to mind.
fn slips() -> Vec<String> {
    let provider =
        "[providers.openai]\nwire = \"openai\"\nbase_url = \"https://api.openai.com/v1\"\n";
    [
        "api_key = SECRET",
        "api_key = \"SECRET",
        "api_key = 'SECRET",
        "api_key = \"\"\"SECRET",
        "api_key =\nSECRET",
        "api_key = \"SECRET\" trailing",
        "api_key = \"SECRET\nSECRET\"",
        "api_key = [\"SECRET\"]",
        "api_key = { key = \"SECRET\" }",
        "api_key = { SECRET = 1 }",
        "api_key = \"SECRET ${\"",
        "api_key = \"SECRET ${UNSET}\"",
        "api_key = \"SECRET with a space\"",
        "api_key = \"SECRET\"\napi_key = \"SECRET\"",
        "api_key = \"SECRET\"\napi_key_file = \"SECRET\"",
        "api_kye = \"SECRET\"",
        "SECRET = 1",
        "\"SECRET\" = 1",
        "\"SECRET\" = 1\n\"SECRET\" = 2",
        "[SECRET]",
        "[providers.\"SECRET/\"]",
        "[agents.\"SECRET\"]",
        "tokens = \"SECRET\"",
        "tokens = [\"SECRET\"]",
        "tokens = [{ key = \"SECRET\" }, { key = \"SECRET\" }]",
        "tokens = [{ kye = \"SECRET\" }]",
        "tokens = [{ key = \"SECRET }]",
        "tokens = [{ key = 7, SECRET = 8 }]",
        "wire = \"\"\"openai\napi_key = \"SECRET\"",
        "models = [\"x\napi_key = \"SECRET\"",
        "headers = { Authorization = \"SECRET\" }",
        "headers = { \"x y\" = \"SECRET\" }",
        "headers = { a = \"SECRET\\n\" }",
        "headers = \"SECRET\"",
        "[ledger]\nurl = \"mysql://u:SECRET@h/d\"",
        "[ledger]\nurl = \"postgres://u:SECRET@h/d\"",
        "[ledger]\nurl = [\"SECRET\"]",
        "[agents.ci]\nkeys = \"SECRET\"",
        "[agents.ci]\nkeys = [\"SECRET\", \"SECRET\"]",
        "[agents.ci]\nkeys = [[\"SECRET\"]]",
        "[agents.ci]\nkeys = [\"SECRET]",
        "[agents.ci]\nkeys = [\"SECRETSECRET\", \"SECRETSECRET\"]",
        "[providers.b]\nwire = \"openai\"\nbase_url = \"https://u:SECRET@host/v1\"",
        "[providers.b]\nwire = \"openai\"\nbase_url = \"ftp://host/v1?key=SECRET\"",
        "[providers.b]\nwire = \"openai\"\nbase_url = \"http://10.0.0.1/v1#SECRET\"\napi_key = \"x\"",
        "[telemetry]\notlp_endpoint = [\"SECRET\"]",
        "[telemetry]\notlp_endpoint = \"http://u:SECRET@127.0.0.1:4318\"",
        "[telemetry]\notlp_endpoint = \"SECRET\"",
        "[telemetry]\notlp_headers = { Authorization = \"SECRET\\n\" }",
        "[telemetry]\notlp_headers = { \"SECRET x\" = \"a\" }",
        "[telemetry]\notlp_headers = { host = \"SECRET\" }",
        "[telemetry]\notlp_endpoint = \"http://collector.example:4318\"\notlp_headers = { a = \"SECRET\" }",
    ]
    .iter()
    .map(|slip| format!("{provider}{}", slip.replace("SECRET", SECRET)))
    .collect()
}

#[test]
fn a_slip_at_a_secret_is_a_fault_without_the_secret() {
    for slip in slips() {
        let found = faults(Fake::default().loose("tollgate.toml"), &slip);
        assert!(!found.is_empty(), "no fault in:\n{slip}");
        assert!(
            !found.contains(SECRET),
            "the secret is in:\n{found}\nof:\n{slip}"
        );
        assert!(
            !found.contains("Zx9QwErTy"),
            "a part of it is in:\n{found}\nof:\n{slip}"
        );
    }
}

/// What a variable brought in is nobody's business either, in any key.
#[test]
fn an_expanded_variable_is_never_shown() {
    let text = r#"
[server]
bind = "${V}"
anonymous = "${V}"
answer_model = "${V}"
[ledger]
url = "${V}"
[providers.a]
wire = "${V}"
base_url = "${V}"
api_key = "${V} x"
api_key_file = "${V}"
auth = "${V}"
models = ["${V}"]
headers = { host = "${V}" }
[providers.b]
wire = "openai"
base_url = "${V}"
[providers.c]
wire = "anthropic"
base_url = "http://${V}/v1"
tokens = [{ key_file = "${V}" }, { key = "${V}" }]
[[model_routes]]
pattern = "${V}"
provider = "${V}"
[[model_shortcuts]]
alias = "${V}"
model = "${V}"
[[model_shortcuts]]
alias = "${V}"
model = "x${V}"
[agents.defaults.model]
provider = "${V}"
fallback = ["${V}"]
[agents.x]
keys = ["${V}", "${V}${V}", "${V}${V}"]
"#;
    let found = faults(Fake::default().with("V", SECRET), text);
    assert!(!found.contains("Zx9QwErTy"), "{found}");
    insta::assert_snapshot!(found);
}

/// Names that lead nowhere are quoted by the routing engine; not these.
#[test]
fn routing_faults_of_variables_are_not_quoted() {
    let provider = "[providers.a]\nwire = \"openai\"\nbase_url = \"http://127.0.0.1/v1\"\n";
    let wrong = [
        "[[model_shortcuts]]\nalias = \"fast\"\nmodel = \"${V}\"\n",
        "[[model_shortcuts]]\nalias = \"${V}\"\nmodel = \"fast\"\n",
        "[agents.defaults.model]\nprovider = \"${V}\"\n",
        "[agents.defaults.model]\nprovider = \"a/b\"\nfallback = [\"${V}\"]\n",
    ];
    let found = wrong.map(|rest| {
        faults(
            Fake::default().with("V", SECRET),
            &format!("{provider}{rest}"),
        )
    });
    insta::assert_snapshot!(found.concat());
}

#[test]
fn a_key_that_is_written_out_wants_a_private_file() {
    let text = format!(
        "[providers.a]\nwire = \"openai\"\nbase_url = \"https://host/v1\"\napi_key = \"{SECRET}\"\n"
    );
    insta::assert_snapshot!(faults(Fake::default().loose("tollgate.toml"), &text));
    assert_eq!(faults(Fake::default(), &text), "");
    let variable = text.replace(SECRET, "${V}");
    let machine = Fake::default().loose("tollgate.toml").with("V", SECRET);
    assert_eq!(faults(machine, &variable), "");
}

#[test]
fn settings_show_no_secret_when_they_are_printed() {
    let text = format!(
        "[providers.a]\nwire = \"openai\"\nbase_url = \"https://host/v1\"\napi_key = \"{SECRET}\"\n\
         headers = {{ x-y = \"{SECRET}\" }}\n[agents.a]\nkeys = [\"{SECRET}Kp0LmNvBsQ2\"]\n"
    );
    let settings = judged(&Fake::default().file(&text)).unwrap();
    assert!(!format!("{settings:?}").contains("Zx9QwErTy"));
}

/// A slip of the pen: one character more, or one less.
#[derive(Clone, Debug)]
enum Slip {
    More(prop::sample::Index, char),
    Less(prop::sample::Index),
    Break(prop::sample::Index),
}

fn a_slip() -> impl Strategy<Value = Slip> {
    let at = any::<prop::sample::Index>();
    let marks: Vec<char> = "\"'[]{}=#\\,. $x".chars().collect();
    prop_oneof![
        (at, prop::sample::select(marks)).prop_map(|(at, mark)| Slip::More(at, mark)),
        any::<prop::sample::Index>().prop_map(Slip::Less),
        any::<prop::sample::Index>().prop_map(Slip::Break),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Whatever slips of the pen turn a good file into, its secrets stay in it.
    #[test]
    fn slips_of_the_pen_show_no_secret(slips in prop::collection::vec(a_slip(), 1..4)) {
        let text = format!(
            "[providers.openai]\nwire = \"openai\"\nbase_url = \"https://host/v1\"\n\
             api_key = \"{SECRET}\"\nmodels = [\"gpt-*\"]\n\
             tokens = [{{ key = \"{SECRET}\", weight = 3 }}]\nheaders = {{ x-a = \"{SECRET}\" }}\n\
             [agents.a]\nallowed_models = [\"*\"]\nkeys = [\"{SECRET}{SECRET}\"]\nblocked_models = []\n"
        );
        let mut text: Vec<char> = text.chars().collect();
        for slip in slips {
            match slip {
                Slip::More(at, mark) => text.insert(at.index(text.len()), mark),
                Slip::Less(at) => drop(text.remove(at.index(text.len()))),
                Slip::Break(at) => text.insert(at.index(text.len()), '\n'),
            }
        }
        let text: String = text.into_iter().collect();
        let found = faults(Fake::default(), &text);
        // A slip may cut the secret; no long part of it may be shown either.
        let parts = SECRET.as_bytes().windows(8).map(|part| std::str::from_utf8(part).unwrap());
        for part in parts {
            prop_assert!(!found.contains(part), "{part} is in:\n{found}\nof:\n{text}");
        }
    }
}
