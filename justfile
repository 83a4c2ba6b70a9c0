# Lists the recipes.
default:
    @just --list

# The program, optimised, at target/release/tollgate.
build:
    cargo build --release --locked

# Every test of the workspace.
test:
    cargo test --workspace --locked

# Everything that has to hold before a change is taken.
check:
    .ci/run

# The real SDKs against a running gateway; takes pytest's arguments.
conformance *arguments:
    cargo build --locked
    conformance/run {{ arguments }}

# Real agents with the hooks of docs/exec.md; fetches about 1 GB.
conformance-agents *arguments:
    cargo build --locked
    conformance/agents/run {{ arguments }}

# What a relay costs: direct, nginx, Tollgate. Prints the table of docs/performance.md.
bench *arguments:
    cargo build --release --locked -p tollgate -p tollgate-testkit --bin tollgate --bin bench-relay
    target/release/bench-relay {{ arguments }}

# What scanning costs, beside ripgrep, Kingfisher and detect-secrets where they are installed.
bench-scan *arguments:
    crates/scan/benches/compare.py {{ arguments }}

# Every interleaving of the atomics that budgets hang on.
loom:
    cargo test --manifest-path loom/Cargo.toml --locked

# Every test over and over; property tests draw new cases each time.
properties rounds="20":
    for round in $(seq {{ rounds }}); do PROPTEST_CASES=2000 cargo test --workspace --locked || exit 1; done

# One fuzz target for a time, or the list of targets.
fuzz target="" seconds="60":
    {{ if target == "" { "cargo +nightly fuzz list" } else { "cargo +nightly fuzz run " + target + " -- -max_total_time=" + seconds } }}

# The API documentation of every crate.
docs:
    cargo doc --workspace --no-deps --locked

# Formats everything.
fmt:
    cargo fmt --all
