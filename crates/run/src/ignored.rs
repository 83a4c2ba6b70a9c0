/// True where whoever started this process told it to ignore a signal, as
/// `nohup` does with SIGHUP. A handler would undo that for everything that is
/// started from here, since `execve(2)` keeps what is ignored and resets what
/// is handled.
pub fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status_ignores(&status, signal)
}

fn status_ignores(status: &str, signal: i32) -> bool {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let bit = u32::try_from(signal).ok().and_then(|n| n.checked_sub(1));
    let bit = bit.and_then(|bit| 1u64.checked_shl(bit));
    mask.zip(bit).is_some_and(|(mask, bit)| mask & bit != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_counts_from_one() {
        let status = "Name:\tx\nSigBlk:\tffffffffffffffff\nSigIgn:\t0000000000001001\n";
        assert!(status_ignores(status, 1));
        assert!(status_ignores(status, 13));
        assert!(!status_ignores(status, 2));
        assert!(!status_ignores(status, 0) && !status_ignores(status, 99));
        assert!(!status_ignores("", 1));
    }
}
