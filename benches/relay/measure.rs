//! What a process and its children have used, from `/proc`.

use std::fs;

/// Processor time in nanoseconds, over all threads of the process and its
/// children (nginx works in a child). Threads that have ended are not counted,
/// which only a target with short-lived threads would gain from.
pub(crate) fn cpu_nanos(pid: u32) -> u64 {
    family(pid)
        .into_iter()
        .flat_map(threads)
        .filter_map(|path| first_number(&format!("{path}/schedstat")))
        .sum()
}

/// Anonymous resident memory in bytes, children included.
pub(crate) fn anonymous_bytes(pid: u32) -> u64 {
    family(pid).into_iter().filter_map(rss_anon).sum()
}

fn family(pid: u32) -> Vec<u32> {
    let children =
        fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    std::iter::once(pid)
        .chain(
            children
                .split_whitespace()
                .filter_map(|child| child.parse().ok()),
        )
        .collect()
}

fn threads(pid: u32) -> Vec<String> {
    let folder = fs::read_dir(format!("/proc/{pid}/task"));
    folder
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().display().to_string())
        .collect()
}

fn first_number(path: &str) -> Option<u64> {
    fs::read_to_string(path)
        .ok()?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

fn rss_anon(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.trim()
        .trim_end_matches(" kB")
        .parse::<u64>()
        .ok()
        .map(|kib| kib * 1024)
}
