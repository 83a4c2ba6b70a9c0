/// An upper estimate of the tokens in `bytes` bytes of text, for where a
/// provider reported nothing.
///
/// The tokenizers in use average four bytes of English and three to four of
/// code; scripts that get fewer bytes a token (CJK in older vocabularies) are
/// written with three bytes a character. Three bytes a token, rounded up,
/// therefore errs on the side that books too much: an estimate that is too low
/// would be a way around a budget.
pub const fn estimate_tokens(bytes: u64) -> u64 {
    bytes.div_ceil(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_a_token_and_nothing_is_none() {
        assert_eq!([0, 1, 3, 4].map(estimate_tokens), [0, 1, 1, 2]);
        assert!(estimate_tokens(u64::MAX) > u64::MAX / 4);
    }
}
