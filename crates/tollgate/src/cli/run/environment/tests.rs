use super::*;
use crate::config::tests::Fake;

const GIVEN: Given<'_> = Given {
    base: "http://127.0.0.1:4100",
    run: "run_1",
    key: "tg-1a2b3c4d-the-key-of-this-run",
};

fn paths() -> Paths {
    Paths {
        config: "/t/tollgate.toml".into(),
        named: false,
        state: "/t".into(),
    }
}

fn made(variables: &[(&str, &str)], secrets: &Secrets) -> Vec<(String, String)> {
    let callers = variables.iter().map(|(a, b)| (a.into(), b.into()));
    let made = of(callers, &GIVEN, secrets).into_iter();
    let text = |word: OsString| word.into_string().unwrap();
    let mut made: Vec<_> = made.map(|(a, b)| (text(a), text(b))).collect();
    made.sort();
    made
}

fn names(variables: &[(&str, &str)], secrets: &Secrets) -> Vec<String> {
    let given = made(&[], &Secrets::default());
    let made = made(variables, secrets).into_iter();
    made.filter(|pair| !given.contains(pair))
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn a_run_is_led_to_the_gateway() {
    let variables = [
        ("ANTHROPIC_API_KEY", "sk-ant-real"),
        ("ANTHROPIC_AUTH_TOKEN", "real"),
        ("ANTHROPIC_BASE_URL", "https://elsewhere"),
        ("OPENAI_API_KEY", "real"),
        ("TOLLGATE_RUN", "run_0"),
        ("TERM", "xterm"),
    ];
    let expected = [
        ("ANTHROPIC_AUTH_TOKEN", GIVEN.key),
        ("ANTHROPIC_BASE_URL", "http://127.0.0.1:4100"),
        ("OPENAI_API_KEY", GIVEN.key),
        ("OPENAI_BASE_URL", "http://127.0.0.1:4100/v1"),
        ("TERM", "xterm"),
        ("TOLLGATE_RUN", "run_1"),
    ];
    let expected = expected.map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(made(&variables, &Secrets::default()), expected);
}

#[test]
fn keys_are_known_by_their_names_and_by_how_they_look() {
    let kept = [
        ("CLAUDE_CODE_MAX_OUTPUT_TOKENS", "32000"),
        ("EDITOR", "vi"),
        ("GITHUB_TOKEN", "ghp_0123456789012345678901234567890123456"),
        ("GOOGLE_CLOUD_PROJECT", "p"),
        ("KEYBOARD", "de"),
        ("NOTE", "sk-ip this"),
        ("OPENAI_LOG", "debug"),
        ("TOLLGATE_HOME", "/t"),
    ];
    let dropped = [
        ("", "nameless"),
        ("AWS_BEARER_TOKEN_BEDROCK", "x"),
        ("AZURE_OPENAI_API_KEY", "x"),
        ("CLAUDE_CODE_OAUTH_TOKEN", "x"),
        ("CLAUDE_CODE_USE_BEDROCK", "1"),
        ("GEMINI_API_KEY", "x"),
        ("OPENAI_API_BASE", "https://elsewhere"),
        ("OPENAI_KEY_2", "x"),
        ("OTHER", "tgo-00000000-EXAMPLE-EXAMPLE-EXAMPLE"),
        ("SOMETHING", "sk-proj-0123456789abcdefghij"),
        ("XAI_API_KEY", "x"),
        ("openai_api_key", "x"),
    ];
    let all: Vec<_> = kept.iter().chain(&dropped).copied().collect();
    assert_eq!(names(&all, &Secrets::default()), kept.map(|(name, _)| name));
}

const CONFIGURED: &str = "\
[providers.house]
wire = \"openai\"
base_url = \"${HOUSE_URL}\"
api_key = \"${HOUSE_WORD}\"
[agents.ci-bot]
keys = [\"${CI_WORD}\"]
";

#[test]
fn what_the_configuration_reads_is_dropped_by_its_value() {
    let agents = "Zb3Kq8TnV1xR6yWm4LcJ9sPd2HgF5uQeA7tB";
    let variables = [
        ("HOUSE_URL", "https://house/v1"),
        ("HOUSE_WORD", "key-of-the-house-0123456789"),
        ("CI_WORD", agents),
        ("COPY", "Bearer key-of-the-house-0123456789"),
    ];
    let fake = variables
        .iter()
        .fold(Fake::default(), |fake, (a, b)| fake.with(a, b));
    let secrets = Secrets::of(&paths(), &fake.file(CONFIGURED));
    assert_eq!(names(&variables, &secrets), ["HOUSE_URL"]);
    // One that can't be read whole: everything that it names is dropped.
    let fake = Fake::default().with("HOUSE_WORD", "key").file(CONFIGURED);
    let secrets = Secrets::of(&paths(), &fake);
    let fewer = [("HOUSE_URL", "u"), ("HOUSE_WORD", "key"), ("PATH", "/bin")];
    assert_eq!(names(&fewer, &secrets), ["PATH"]);
}

#[test]
fn the_key_goes_through_no_proxy() {
    let variables = [("https_proxy", "http://proxy:3128"), ("NO_PROXY", "intern")];
    let made = made(&variables, &Secrets::default());
    let value = |name: &str| &made.iter().find(|(known, _)| known == name).unwrap().1;
    assert_eq!(value("NO_PROXY"), "intern,127.0.0.1,localhost");
    assert_eq!(value("no_proxy"), "127.0.0.1,localhost");
}
