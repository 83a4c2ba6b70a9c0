//! Whole outputs of files with much that is wrong.

use super::*;

#[test]
fn every_fault_of_a_file_at_once() {
    let text = r#"
[servr]
bind = "127.0.0.1:4100"

[server]
bind = "0.0.0.0:4100"
anonymous = "main"
drain_seconds = -5
answer_model = "severd"
max_body_mb = "32"
bodies_in_flight_mb = 16
drian_seconds = 3

[ledger]
url = "postgres://tollgate:hunter2@db/tollgate"

[providers.openai]
wire = "opnai"
base_url = "https://api.openai.com/v1"
api_key = "${OPENAI_API_KEY}"
models = ["gpt-*", 7]

[providers.Anthropic]
wire = "anthropic"
base_url = "https://api.anthropic.com/v1"
tokens = []

[providers.lan]
wire = "openai"
base_url = "http://10.0.0.5:8000/v1"
tokens = [
  { key = "${SET}", weight = 0 },
  { key = "${SET}" },
  { key = "${SET}" },
  { wieght = 3 },
]
auth = "client"
headers = { Authorization = "x", "bad name" = "y", n = 3 }

[providers.nowhere]
wire = "anthropic"
api_key_file = "missing.key"

[[model_routes]]
pattern = "gpt-4o*"
provider = "opneai"

[[model_routes]]
pattern = "claude-*"

[[model_shortcuts]]
alias = "a"
model = "b"

[[model_shortcuts]]
alias = "b"
model = "a"

[agents.defaults]
temperature = 1

[agents.defaults.model]
temperature = 3.5

[agents.ci-bot]
keys = ["short"]
rate_limit_rpm = 600

[agents."Big Bot"]
allowed_models = "*"

[policy]
files = ["policies/default.star"]

[egress]
bind = "127.0.0.1:4101"
"#;
    insta::assert_snapshot!(faults(
        Fake::default().with("SET", "sk-from-the-environment"),
        text
    ));
}

#[test]
fn broken_syntax_is_found_line_by_line() {
    let text = "\
[server
bind = \"127.0.0.1:4100\"
[ledger]
url = sqlite
[monitoring]
ring_buffer_size = 1
ring_buffer_size = 2
[monitoring]
[providers.openai]
api_key = \"sk-unclosed
wire = = 3
";
    insta::assert_snapshot!(faults(Fake::default(), text));
}

#[test]
fn circles_of_names_have_a_line() {
    let text = "\
[providers.openai]
wire = \"openai\"
base_url = \"https://api.openai.com/v1\"
models = [\"gpt-*\"]
[[model_shortcuts]]
alias = \"fast\"
model = \"gpt-4o-mini\"
[[model_shortcuts]]
alias = \"a\"
model = \"b\"
[[model_shortcuts]]
alias = \"b\"
model = \"a\"
[agents.defaults.model]
provider = \"openai/gpt-4o\"
fallback = [
  \"gpt-4o-mini\",
  \"nobody-serves-this\",
]
";
    insta::assert_snapshot!(faults(Fake::default(), text));
}

#[test]
fn what_is_not_text_is_said_so() {
    let machine = Fake {
        text: Some(b"[server]\nbind = \"\xff\"\n".to_vec()),
        ..Fake::default()
    };
    let faults = judged(&machine).unwrap_err();
    insta::assert_snapshot!(faults, @"tollgate.toml:2: found a byte that is not UTF-8, expected UTF-8 text");
    let machine = Fake {
        text: Some(vec![b'#'; syntax::LARGEST + 1]),
        ..Fake::default()
    };
    let faults = judged(&machine).unwrap_err();
    insta::assert_snapshot!(faults, @"tollgate.toml: file has 1048577 bytes, expected at most 1048576");
}

/// Thousands of mistakes are not thousands of lines to read.
#[test]
fn a_file_of_garbage_is_bounded() {
    for line in ["=\n", "x = \n", "[a]\n", "[[alloys]]\n", "[agents.x\n"] {
        let text = line.repeat(100_000 / line.len());
        let found = judged(&Fake::default().file(&text)).unwrap_err();
        assert!(found.faults.len() <= 201, "{line}: {}", found.faults.len());
        assert!(
            found
                .to_string()
                .ends_with("more faults and warnings are not listed"),
            "{line}"
        );
    }
}

#[test]
fn a_named_file_must_be_there() {
    let faults = judged(&Fake::default()).unwrap_err();
    insta::assert_snapshot!(faults);
}

#[test]
fn planes_that_are_not_built_are_said_so_and_the_file_still_loads() {
    let text = r#"
[providers.openai]
wire = "openai"
base_url = "https://api.openai.com"
[[alloys]]
id = "blend"
constituents = [{ model = "openai/gpt-4o", weight = 2 }]
[[cascades]]
id = "long"
models = [{ model = "openai/gpt-4o", context_window = 128000 }]
[[dispatchers]]
id = "fit"
models = [{ model = "openai/gpt-4o", context_window = 32000 }]
[policy]
files = []
[approvals]
file = "exec-approvals.json"
judge = "openai/gpt-4o"
[exec]
sandbox = { backend = "bubblewrap" }
[agents.a]
may_act_for = ["b"]
routes = "routes.yaml"
"#;
    insta::assert_snapshot!(faults(Fake::default(), text));
}

#[test]
fn faults_of_names_and_pools_have_a_line() {
    let text = "\
[providers.one]
wire = \"openai\"
base_url = \"https://one.example/v1\"
auth = \"client\"
models = [\"gpt-*\", \"plain\"]
[providers.two]
wire = \"openai\"
base_url = \"http://two.example/v1\"
auth = \"client\"
[providers.three]
wire = \"openai\"
base_url = \"https://three.example/v1\"
tokens = []
[[model_routes]]
pattern = \"gpt-*\"
provider = \"one\"
[[model_routes]]
pattern = \"gpt-4o\"
provider = \"two\"
[[alloys]]
id = \"blend\"
constituents = [{ model = \"one/a\", weight = 0 }, { model = \"gtp-4o\" }]
[[alloys]]
id = \"blend\"
constituents = []
[[alloys]]
id = \"shared\"
constituents = [{ model = \"one/a\" }, { model = \"two/b\" }]
[[cascades]]
id = \"loop\"
models = [{ model = \"one/a\" }, { model = \"round\" }]
[[dispatchers]]
id = \"round\"
models = [{ model = \"loop\", context_window = 1000 }]
[[dispatchers]]
id = \"plain\"
models = [{ model = \"one/unheard-of\" }]
[agents.ci.model]
provider = \"one/a\"
fallback = [\"four/b\"]
[agents.other.model]
fallback = [\"one/a\"]
";
    insta::assert_snapshot!(faults(Fake::default(), text));
}

#[test]
fn a_collector_that_can_not_be_used_is_a_fault_without_its_secrets() {
    for (lines, words) in [
        (
            "otlp_endpoint = 'http://u:p@127.0.0.1:4318'",
            "user, query or fragment",
        ),
        (
            "otlp_endpoint = '127.0.0.1:4318'",
            "expected http:// or https:// and a host",
        ),
        (
            "otlp_endpoint = 'grpc://127.0.0.1:4317'",
            "expected http:// or https:// and a host",
        ),
        (
            "otlp_endpoint = 'http://127.0.0.1:4318/v1/traces'",
            "the path of one signal",
        ),
        (
            "otlp_endpoint = 'http://collector:4318'\notlp_headers = { a = '${T}' }",
            "expected https:// as otlp_headers are sent there",
        ),
        (
            "otlp_headers = { Content-Type = 'text/plain' }",
            "set by the export itself",
        ),
        ("otlp_headers = { 'a b' = 'x' }", "no name of a header"),
        (
            "otlp_interval_seconds = 0",
            "expected whole seconds from 1 to 3600",
        ),
    ] {
        let text = format!("[telemetry]\n{lines}\n");
        let found = faults(Fake::default().with("T", "s3cr3t"), &text);
        assert!(found.contains(words), "`{words}` is not in:\n{found}");
        assert!(
            !found.contains("s3cr3t") && !found.contains("u:p"),
            "{found}"
        );
    }
}

#[test]
fn a_container_needs_an_image_that_is_a_name() {
    for (sandbox, fault) in [
        ("backend = \"podman\"", "no image, expected one for podman"),
        (
            "backend = \"podman\", image = \"\"",
            "no image, expected one for podman",
        ),
        (
            "backend = \"podman\", image = \"--privileged\"",
            "image is `--privileged`, expected a name",
        ),
        ("backend = \"docker\"", "docker"),
    ] {
        let text = format!("[exec]\nsandbox = {{ {sandbox} }}\n");
        let said = faults(Fake::default(), &text);
        assert!(said.contains(fault), "{said}");
        assert!(said.contains(":2"), "{said}");
    }
}
