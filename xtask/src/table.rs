//! The floor plan and who owns what. A change here is a change of the design:
//! give the reason beside it.

/// What a crate stands on, by its folder's name. A crate imports only from
/// lower floors; two on the same floor know nothing of each other.
pub(crate) const FLOORS: &[(&str, u8)] = &[
    ("types", 0),
    ("scan", 1),
    ("command", 1),
    ("policy", 1),
    ("llm", 1),
    ("routing", 1),
    ("budget", 1),
    ("approvals", 1),
    ("http1", 1),
    ("ledger", 2),
    ("secrets", 2),
    ("identity", 2),
    ("desk", 2),
    ("judge", 2),
    ("run", 2),
    ("telemetry", 2),
    ("api", 2),
    ("proxy", 3),
    ("clearance", 3),
    ("control", 3),
    ("chat", 3),
    ("bottle", 3),
    ("local", 3),
    ("host", 3),
    ("tui", 3),
    ("tollgate", 4),
    // Beside the house: they may look at everything, nobody imports them.
    ("testkit", 5),
    ("xtask", 5),
];

/// The crate that stands in dev-dependencies only.
pub(crate) const TEST_ONLY: &str = "testkit";

/// Imports that the floors forbid and that are right all the same: from, to,
/// why.
pub(crate) const FLOOR_EXCEPTIONS: &[(&str, &str, &str)] = &[];

/// Dependencies with an owner: package, the crates that may have it, why.
pub(crate) const OWNERS: &[(&str, &[&str], &str)] = &[
    ("sqlx", &["ledger"], "only the ledger speaks SQL"),
    (
        "brush-parser",
        &["command"],
        "shell text is read in one place, behind its guard",
    ),
    ("starlark", &["policy"], "only policy evaluates rules"),
    (
        "rcgen",
        &["secrets", "testkit"],
        "only secrets makes certificates",
    ),
    (
        "httparse",
        &["http1"],
        "what the bytes of a head mean stands in one place",
    ),
    ("ratatui", &["tui"], "only tui draws on a terminal"),
    (
        "axum",
        &["control"],
        "the hot path is hyper without a router",
    ),
    (
        "opentelemetry",
        &["telemetry"],
        "only telemetry speaks to collectors",
    ),
    (
        "flate2",
        &["scan"],
        "decompression has limits, and they stand in one place",
    ),
    (
        "ruzstd",
        &["scan"],
        "decompression has limits, and they stand in one place",
    ),
    (
        "brotli-decompressor",
        &["scan"],
        "decompression has limits, and they stand in one place",
    ),
    ("rusqlite", &[], "it can't be linked beside sqlx"),
    (
        "reqwest",
        &[],
        "the clients of the house are built on hyper",
    ),
];

/// Crates that may call what `clippy.toml` bans, and why.
pub(crate) const METHOD_OWNERS: &[(&str, &str)] = &[
    ("ledger", "its files, and the clock of its writer"),
    ("secrets", "private files"),
    ("identity", "the kernel's tables of sockets"),
    ("run", "processes and their environment"),
    (
        "judge",
        "deadlines of rules, and the processes that evaluate them",
    ),
    ("api", "the clock of a client's deadlines"),
    ("proxy", "the clock of deadlines and latencies"),
    (
        "telemetry",
        "the clock of its deadlines and between two warnings",
    ),
    ("control", "the clock of answers"),
    (
        "clearance",
        "the files that commands are made of, and the clock of questions",
    ),
    ("tollgate", "clock, environment and configuration files"),
    ("testkit", "clocks and files of tests"),
    ("xtask", "the sources that it checks"),
];

/// Longest source file, tests aside, in lines.
pub(crate) const LONGEST_FILE: usize = 600;

/// From here on a file is noted, so that its split is thought of in time.
pub(crate) const LONG_FILE: usize = 500;

/// Files that may be longer: path, why. For tables only.
pub(crate) const LONG_FILES: &[(&str, &str)] = &[];

/// What decides over a call: the words that make it, who may (a crate, or one
/// file), and what to do instead.
pub(crate) const VERDICTS: &[(&str, &[&str], &str)] = &[
    (
        "Verdict::Allow",
        &["policy"],
        "ask `Judge::decide`: a verdict comes from a rule and from nowhere else",
    ),
    (
        "Verdict::*",
        &["policy"],
        "write `Verdict::Deny =>` where you match; a verdict comes from `Judge::decide`",
    ),
    (
        "read_decision",
        &["policy", "judge"],
        "only `judge` hears the processes that evaluate rules; ask `Judge::decide`",
    ),
    (
        "Decision {",
        &["policy"],
        "ask `Judge::decide`; a denial without a rule is `Decision::failed`",
    ),
    (
        "Ok(Permitted {",
        &["crates/proxy/src/admission.rs"],
        "only admission permits, after the rules have spoken",
    ),
];
