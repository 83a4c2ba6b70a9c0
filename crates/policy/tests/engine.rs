#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../../../fuzz/checks/facts.rs"]
mod facts_check;
#[path = "engine/properties.rs"]
mod properties;

use tollgate_policy::{Engine, Facts, PolicyFault, Verdict};

fn load(text: &str) -> Result<Engine, Vec<PolicyFault>> {
    load_with(&[("test.star", text)], &[])
}

fn load_with(
    files: &[(&str, &str)],
    libraries: &[(&str, &str)],
) -> Result<Engine, Vec<PolicyFault>> {
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    Engine::load(&files, &mut |name| {
        let found = libraries.iter().find(|(known, _)| *known == name);
        found
            .map(|(_, text)| (*text).to_owned())
            .ok_or_else(|| "no such file".to_owned())
    })
}

fn faults(text: &str) -> String {
    let faults = load(text).expect_err("a fault");
    let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn facts(json: &str) -> Facts<'static> {
    Facts::from_json(json.as_bytes()).unwrap()
}

/// `verdict rule reason`
fn says(engine: &Engine, json: &str) -> String {
    let decision = engine.decide(&facts(json));
    format!(
        "{} {} {}",
        decision.verdict().as_str(),
        decision.rule(),
        decision.reason()
    )
    .trim_end()
    .to_owned()
}

const MODELS: &str = r#"
rule(
    verdict = "deny",
    reason = "reserved for release agents",
    tool = "model",
    where = {"args.model": ["opus-*", "*/opus-*"], "context.agent_id": "ci-*"},
    match = [{"args": {"model": "opus-large"}, "context": {"agent_id": "ci-bot"}}],
    no_match = [
        {"args": {"model": "opus-large"}, "context": {"agent_id": "release"}},
        {"args": {"model": "haiku"}, "context": {"agent_id": "ci-bot"}},
    ],
)

def evaluate(tool, args, context):
    return "allow"
"#;

#[test]
fn a_declared_rule_names_its_line_and_reason() {
    let engine = load(MODELS).unwrap();
    assert_eq!(
        says(
            &engine,
            r#"{"tool":"model","args":{"model":"opus-large"},"context":{"agent_id":"ci-bot"}}"#
        ),
        "deny test.star:2 reserved for release agents"
    );
    assert_eq!(
        says(
            &engine,
            r#"{"tool":"model","args":{"model":"opus-large"},"context":{"agent_id":"main"}}"#
        ),
        "allow test.star:15"
    );
    assert!(engine.is_straight());
}

#[test]
fn clashd_policies_run_unchanged() {
    let engine = load(
        r#"
BLOCKED = ["rm -rf", "mkfs"]

def is_blocked(command):
    for word in BLOCKED:
        if word in command:
            return True
    return False

def evaluate(tool, args, context):
    if tool == "exec":
        command = args.get("command", "")
        if is_blocked(command):
            return {"verdict": "deny", "reason": "blocked: %s" % command}
        return "review"
    if context["agent_id"] == "untrusted":
        return "deny"
    if context["domain"] and context["domain"] in context["agent_denied_domains"]:
        return {"verdict": "deny"}
    if "malware" in context["domain_lists"]:
        return {"verdict": "deny", "reason": None}
    return "allow"
"#,
    )
    .unwrap();
    let cases = [
        (
            r#"{"tool":"exec","args":{"command":"rm -rf /"}}"#,
            "deny test.star:14 blocked: rm -rf /",
        ),
        (
            r#"{"tool":"exec","args":{"command":"ls"}}"#,
            "review test.star:15",
        ),
        (
            r#"{"tool":"read","context":{"agent_id":"untrusted"}}"#,
            "deny test.star:17",
        ),
        (
            r#"{"tool":"web","context":{"domain":"bad.org","agent_denied_domains":["bad.org"]}}"#,
            "deny test.star:19",
        ),
        (
            r#"{"tool":"web","context":{"domain_lists":["malware"]}}"#,
            "deny test.star:21",
        ),
        (r#"{"tool":"read"}"#, "allow test.star:22"),
    ];
    for (call, expected) in cases {
        assert_eq!(says(&engine, call), expected, "{call}");
    }
    assert!(!engine.is_straight());
}

#[test]
fn the_strictest_file_wins_and_the_first_of_equals() {
    let file =
        |verdict: &str| format!("def evaluate(tool, args, context):\n    return \"{verdict}\"\n");
    let [allow, review, deny] = ["allow", "review", "deny"].map(file);
    for (texts, expected) in [
        ([&allow, &review, &allow], "review b.star:2"),
        ([&review, &deny, &allow], "deny b.star:2"),
        ([&allow, &allow, &allow], "allow a.star:2"),
        ([&allow, &review, &review], "review b.star:2"),
    ] {
        let files = [
            ("a.star", &**texts[0]),
            ("b.star", texts[1]),
            ("c.star", texts[2]),
        ];
        let engine = load_with(&files, &[]).unwrap();
        assert_eq!(says(&engine, r#"{"tool":"x"}"#), expected);
    }
}

#[test]
fn rules_speak_first_and_the_strictest_of_them_decides() {
    let engine = load(
        r#"
rule(verdict = "allow", tool = "exec", where = {"args.argv": "ls"})
rule(verdict = "review", tool = ["exec", "host"], when = lambda tool, args, context: hour(context["time"]) < 6)
def evaluate(tool, args, context):
    return "deny"
"#,
    )
    .unwrap();
    let night = r#""context":{"time":3600}"#;
    let day = r#""context":{"time":43200}"#;
    let call = |args: &str, when: &str| format!(r#"{{"tool":"exec","args":{args},{when}}}"#);
    assert_eq!(
        says(&engine, &call(r#"{"argv":["ls","-l"]}"#, day)),
        "allow test.star:2"
    );
    assert_eq!(
        says(&engine, &call(r#"{"argv":["ls","-l"]}"#, night)),
        "review test.star:3"
    );
    assert_eq!(
        says(&engine, &call(r#"{"argv":["rm"]}"#, day)),
        "deny test.star:5"
    );
    assert_eq!(
        says(&engine, &call(r#"{"argv":["rm"]}"#, night)),
        "review test.star:3"
    );
}

#[test]
fn a_helper_that_decides_is_named() {
    let engine = load(
        r#"
def strict(args):
    if args.get("x"):
        return {"verdict": "deny", "reason": "x"}
    return "allow"

def evaluate(tool, args, context):
    verdict = strict(args)
    return verdict
"#,
    )
    .unwrap();
    assert_eq!(
        says(&engine, r#"{"tool":"t","args":{"x":true}}"#),
        "deny test.star:4 x"
    );
    assert_eq!(says(&engine, r#"{"tool":"t"}"#), "allow test.star:5");
}

#[test]
fn what_proves_nothing_is_not_taken() {
    insta::assert_snapshot!(faults(
        &MODELS.replace("\"args.model\": [\"opus-*\"", "\"args.model\": [\"gpt-*\"")
    ));
    insta::assert_snapshot!(faults(&MODELS.replace(
        "\"context.agent_id\": \"ci-*\"",
        "\"context.agent_id\": \"*\""
    )));
    insta::assert_snapshot!(faults(
        "def evaluate(tool, args, context):\n    return \"allow\"\nexpect(\"deny\", tool = \"model\")\n"
    ));
}

#[test]
fn every_fault_has_its_place_and_a_hint() {
    let evaluate = "def evaluate(tool, args, context):\n    return \"allow\"\n";
    let cases = [
        "x = 1\n",
        "def evaluate(tool, args):\n    return \"allow\"\n",
        "evaluate = 7\n",
        "def evaluate(tool, args, context:\n    return 1\n",
        "def evaluate(tool, args, context):\n    return missing\n",
        "load(\"gone.star\", \"x\")\n",
        "x = [][1]\n",
        &format!("{evaluate}rule(verdict = \"maybe\")\n"),
        &format!("{evaluate}rule(verdict = \"deny\", toll = \"x\")\n"),
        &format!("{evaluate}rule(verdict = \"deny\", where = {{\"model\": \"x\"}})\n"),
        &format!("{evaluate}rule(verdict = \"deny\", where = {{\"args.x\": {{}}}})\n"),
        &format!("{evaluate}rule(verdict = \"deny\", when = \"x\")\n"),
        &format!("{evaluate}rule(verdict = \"deny\", match = [{{\"model\": \"x\"}}])\n"),
        &format!("{evaluate}rule(\"deny\")\n"),
        &format!("{evaluate}x = 1\nx *= 3\n"),
        &format!("{evaluate}x = {}1{}\n", "(".repeat(300), ")".repeat(300)),
    ];
    let said: Vec<_> = cases.iter().map(|text| faults(text)).collect();
    insta::assert_snapshot!(said.join("\n--\n"));
}

#[test]
fn files_load_others_but_not_in_a_circle() {
    let policy = "load(\"lists.star\", \"BAD\")\ndef evaluate(tool, args, context):\n    return \"deny\" if tool in BAD else \"allow\"\n";
    let engine = load_with(&[("p.star", policy)], &[("lists.star", "BAD = [\"x\"]\n")]).unwrap();
    assert_eq!(says(&engine, r#"{"tool":"x"}"#), "deny p.star:3");
    assert_eq!(engine.libraries(), ["lists.star"]);

    let circle = [
        ("lists.star", "load(\"more.star\", \"BAD\")\n"),
        ("more.star", "load(\"lists.star\", \"BAD\")\n"),
    ];
    let faults = load_with(&[("p.star", policy)], &circle).unwrap_err();
    assert_eq!(
        faults[0].to_string(),
        "more.star:1: load goes round in a circle: p.star → lists.star → more.star → lists.star"
    );

    let hidden = [("lists.star", "BAD = []\nrule(verdict = \"deny\")\n")];
    let faults = load_with(&[("p.star", policy)], &hidden).unwrap_err();
    assert!(
        faults[0]
            .to_string()
            .starts_with("lists.star:2: rule(…) stands in a file that is only loaded"),
        "{faults:?}"
    );
}

#[test]
fn the_version_is_of_every_text() {
    let policy =
        "load(\"l.star\", \"X\")\ndef evaluate(tool, args, context):\n    return \"allow\"\n";
    let version = |library: &str| {
        load_with(&[("p.star", policy)], &[("l.star", library)])
            .unwrap()
            .version()
            .clone()
    };
    assert_eq!(version("X = 1\n"), version("X = 1\n"));
    assert_ne!(version("X = 1\n"), version("X = 2\n"));
    assert_eq!(version("X = 1\n").len(), 12);
}

#[test]
fn whatever_goes_wrong_denies_and_names_the_line() {
    let evaluate = |body: &str| format!("def evaluate(tool, args, context):\n{body}");
    let cases = [
        ("    return 1\n", "evaluate returned int"),
        ("    pass\n", "evaluate returned NoneType"),
        ("    return \"maybe\"\n", "the verdict \"maybe\""),
        (
            "    return {\"reason\": \"x\"}\n",
            "a dict without a verdict",
        ),
        ("    return {\"verdict\": 3}\n", "a dict without a verdict"),
        ("    return args[\"gone\"]\n", "gone"),
        ("    fail(\"no\\nway\")\n", "no"),
        ("    return evaluate(tool, args, context)\n", "stack"),
        (
            "    for i in range(1 << 30):\n        pass\n    return \"allow\"\n",
            "ticks",
        ),
        (
            "    x = [0]\n    for i in range(1 << 28):\n        x = x + x\n    return \"allow\"\n",
            "`+` would build",
        ),
        (
            "    x = \"a\" * 2000000000\n    return \"allow\"\n",
            "`*` would build",
        ),
        (
            "    x = 2000000000 * \"a\"\n    return \"allow\"\n",
            "`*` would build",
        ),
        (
            "    x = [0] * 2000000000\n    return \"allow\"\n",
            "`*` would build",
        ),
        (
            "    x = 1 << 2000000000\n    return \"allow\"\n",
            "`<<` would build",
        ),
        (
            "    rule(verdict = \"deny\")\n    return \"allow\"\n",
            "top level",
        ),
    ];
    for (body, expected) in cases {
        let engine = load(&evaluate(body)).unwrap_or_else(|faults| panic!("{body}: {faults:?}"));
        let decision = engine.decide(&facts(r#"{"tool":"model","args":{"a":"b"}}"#));
        assert_eq!(decision.verdict(), Verdict::Deny, "{body}: {decision:?}");
        assert!(decision.reason().contains(expected), "{body}: {decision:?}");
        assert!(
            decision.rule().starts_with("test.star:"),
            "{body}: {decision:?}"
        );
        assert!(!decision.reason().contains('\n'), "{decision:?}");
    }
}

#[test]
fn a_condition_that_fails_denies_even_for_an_allowance() {
    let text = |when: &str| {
        format!(
            "rule(verdict = \"allow\", when = lambda tool, args, context: {when})\ndef evaluate(tool, args, context):\n    return \"allow\"\n"
        )
    };
    for when in ["args[\"gone\"]", "1", "None"] {
        let engine = load(&text(when)).unwrap();
        let said = says(&engine, r#"{"tool":"x"}"#);
        assert!(
            said.starts_with("deny test.star:1 the rule failed"),
            "{said}"
        );
    }
}

#[test]
fn a_file_that_does_not_end_is_not_loaded() {
    let endless = "for i in range(1 << 30):\n    pass\ndef evaluate(tool, args, context):\n    return \"allow\"\n";
    assert!(faults(endless).contains("ticks"), "{}", faults(endless));
    let giant =
        "x = \"a\" * 2000000000\ndef evaluate(tool, args, context):\n    return \"allow\"\n";
    assert!(
        faults(giant).starts_with("test.star:1: `*` would build"),
        "{}",
        faults(giant)
    );
}

#[test]
fn facts_of_one_file_are_not_changed_by_another() {
    let first = "def evaluate(tool, args, context):\n    args[\"x\"] = 1\n    context[\"agent_id\"] = \"root\"\n    return \"allow\"\n";
    let second = "def evaluate(tool, args, context):\n    return \"deny\" if args or context[\"agent_id\"] == \"root\" else \"allow\"\n";
    let engine = load_with(&[("a.star", first), ("b.star", second)], &[]).unwrap();
    assert_eq!(
        says(&engine, r#"{"tool":"x","context":{"agent_id":"main"}}"#),
        "allow a.star:4"
    );
}

#[test]
fn what_a_caller_claims_is_no_fact() {
    let engine = load(
        "def evaluate(tool, args, context):\n    return \"deny\" if \"role\" in context else {\"verdict\": \"allow\", \"reason\": context[\"claims\"][\"role\"]}\n",
    )
    .unwrap();
    assert_eq!(
        says(
            &engine,
            r#"{"tool":"x","context":{"claims":{"role":"admin"}}}"#
        ),
        "allow test.star:2 admin"
    );
}

#[test]
fn every_shipped_policy_proves_itself() {
    for name in ["default", "strict", "ci", "observe"] {
        let engine = Engine::shipped(name).unwrap_or_else(|faults| panic!("{name}: {faults:#?}"));
        assert!(engine.is_straight(), "{name}");
        let file = engine.files().next().unwrap();
        assert!(file.examples() >= 3, "{name}");
    }
    assert!(Engine::shipped("none").is_err());
}

#[test]
fn explain_tells_every_rule_that_matches() {
    let engine = load(&format!(
        "{MODELS}\nrule(verdict = \"review\", tool = \"m*\", reason = \"second\")\n"
    ))
    .unwrap();
    let said = engine.explain(&facts(
        r#"{"tool":"model","args":{"model":"opus-1"},"context":{"agent_id":"ci-bot"}}"#,
    ));
    let rules: Vec<_> = said[0]
        .rules
        .iter()
        .map(|rule| rule.rule().to_string())
        .collect();
    assert_eq!(rules, ["test.star:2", "test.star:17"]);
    assert_eq!(said[0].decision.reason(), "reserved for release agents");
}
