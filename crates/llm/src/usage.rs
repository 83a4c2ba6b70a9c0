use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tollgate_types::TokenUsage;

/// Reads OpenAI's `usage` object; none where it counts nothing.
///
/// `prompt_tokens` includes what was read from a cache, and what was written
/// to one where that is told. Where `total_tokens` exceeds the sum of both
/// sides, the rest is reasoning that `completion_tokens` leaves out (xAI, and
/// Gemini's imitation of OpenAI), and belongs to the output.
pub(crate) fn openai(raw: &str) -> Option<TokenUsage> {
    let usage: OpenAi = serde_json::from_str(raw).ok()?;
    let total = usage.total_tokens.0;
    let completion = usage.completion_tokens.0;
    let prompt = match (usage.prompt_tokens.0, total) {
        (Some(prompt), _) => prompt,
        (None, Some(total)) => total.saturating_sub(completion.unwrap_or(0)),
        (None, None) => completion.map(|_| 0)?,
    };
    let details = usage.prompt_tokens_details.unwrap_or_default();
    let cache_read = [
        details.cached_tokens,
        usage.prompt_cache_hit_tokens,
        usage.cached_tokens,
    ];
    let cache_read = first(&cache_read).map_or(0, |cached| cached.min(prompt));
    let cache_write = first(&[details.cache_write_tokens, details.cache_creation_tokens])
        .map_or(0, |written| written.min(prompt - cache_read));
    let unexplained = total.unwrap_or(0).saturating_sub(prompt);
    Some(TokenUsage {
        input: prompt - cache_read - cache_write,
        cache_read,
        cache_write,
        output: completion.unwrap_or(0).max(unexplained),
    })
}

/// Reads Anthropic's `usage` object on top of what earlier events said.
///
/// The figures of a stream are cumulative, so each field is the largest one
/// seen and never a sum; what an event does not mention stays. Where the
/// answer took several `iterations` (compaction), the provider bills them all.
pub(crate) fn anthropic(raw: &str, before: Option<TokenUsage>) -> Option<TokenUsage> {
    let Ok(usage) = serde_json::from_str::<Value>(raw) else {
        return before;
    };
    let now = anthropic_counts(&usage);
    let all = usage["iterations"].as_array().and_then(|rounds| {
        let rounds = rounds.iter().filter_map(anthropic_counts);
        rounds.reduce(TokenUsage::plus)
    });
    [before, now, all].into_iter().flatten().reduce(largest)
}

fn anthropic_counts(usage: &Value) -> Option<TokenUsage> {
    let written = number(usage, "cache_creation_input_tokens").or_else(|| {
        let by_age = &usage["cache_creation"];
        let short = number(by_age, "ephemeral_5m_input_tokens");
        let long = number(by_age, "ephemeral_1h_input_tokens");
        short.or(long)?;
        Some(short.unwrap_or(0).saturating_add(long.unwrap_or(0)))
    });
    let input = number(usage, "input_tokens");
    let cache_read = number(usage, "cache_read_input_tokens");
    let output = number(usage, "output_tokens");
    input.or(cache_read).or(written).or(output)?;
    Some(TokenUsage {
        input: input.unwrap_or(0),
        cache_read: cache_read.unwrap_or(0),
        cache_write: written.unwrap_or(0),
        output: output.unwrap_or(0),
    })
}

fn largest(one: TokenUsage, other: TokenUsage) -> TokenUsage {
    TokenUsage {
        input: one.input.max(other.input),
        cache_read: one.cache_read.max(other.cache_read),
        cache_write: one.cache_write.max(other.cache_write),
        output: one.output.max(other.output),
    }
}

/// OpenAI's object and its imitators', read without building a tree: it comes
/// with every answer.
#[derive(Default, Deserialize)]
#[serde(default)]
struct OpenAi {
    prompt_tokens: Count,
    completion_tokens: Count,
    total_tokens: Count,
    prompt_tokens_details: Option<PromptDetails>,
    prompt_cache_hit_tokens: Count,
    cached_tokens: Count,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Count,
    cache_write_tokens: Count,
    cache_creation_tokens: Count,
}

/// A count; none where something else stands there.
#[derive(Clone, Copy, Default)]
struct Count(Option<u64>);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(from)?.get();
        let float = || raw.parse().ok().filter(|value: &f64| *value >= 0.0);
        let whole = raw.parse().ok();
        Ok(Self(whole.or_else(|| float().map(|value| value as u64))))
    }
}

fn first(counts: &[Count]) -> Option<u64> {
    counts.iter().find_map(|count| count.0)
}

/// A count; some servers write it as `12.0`.
fn number(of: &Value, key: &str) -> Option<u64> {
    let value = of.get(key)?;
    let float = || value.as_f64().filter(|value| *value >= 0.0);
    value.as_u64().or_else(|| float().map(|value| value as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(input: u64, cache_read: u64, cache_write: u64, output: u64) -> Option<TokenUsage> {
        Some(TokenUsage {
            input,
            cache_read,
            cache_write,
            output,
        })
    }

    #[test]
    fn fact_13_openai_prompts_include_what_was_cached() {
        let raw = r#"{"prompt_tokens":100,"completion_tokens":7,"total_tokens":107,
            "prompt_tokens_details":{"cached_tokens":64,"audio_tokens":0}}"#;
        assert_eq!(openai(raw), tokens(36, 64, 0, 7));
    }

    #[test]
    fn fact_13_anthropic_counts_caches_apart() {
        let raw = r#"{"input_tokens":3,"cache_read_input_tokens":2000,
            "cache_creation_input_tokens":500,"output_tokens":1,
            "cache_creation":{"ephemeral_5m_input_tokens":400,"ephemeral_1h_input_tokens":100}}"#;
        assert_eq!(anthropic(raw, None), tokens(3, 2000, 500, 1));
        let raw = r#"{"input_tokens":3,"cache_creation":{"ephemeral_5m_input_tokens":400,
            "ephemeral_1h_input_tokens":100}}"#;
        assert_eq!(anthropic(raw, None), tokens(3, 0, 500, 0));
    }

    #[test]
    fn imitators_of_openai_are_understood() {
        for (raw, expected) in [
            (
                r#"{"prompt_tokens":10,"completion_tokens":2,"prompt_cache_hit_tokens":8,"prompt_cache_miss_tokens":2}"#,
                tokens(2, 8, 0, 2),
            ),
            (
                r#"{"prompt_tokens":10,"completion_tokens":2,"cached_tokens":4}"#,
                tokens(6, 4, 0, 2),
            ),
            (
                r#"{"prompt_tokens":10,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4,"cache_write_tokens":3}}"#,
                tokens(3, 4, 3, 2),
            ),
            // Reasoning beside the completion: only the total tells.
            (
                r#"{"prompt_tokens":10,"completion_tokens":2,"total_tokens":112,"completion_tokens_details":{"reasoning_tokens":100}}"#,
                tokens(10, 0, 0, 102),
            ),
            (
                r#"{"prompt_tokens":10.0,"completion_tokens":2.0}"#,
                tokens(10, 0, 0, 2),
            ),
            (
                r#"{"prompt_tokens":5,"total_tokens":5}"#,
                tokens(5, 0, 0, 0),
            ),
            (r#"{"total_tokens":5}"#, tokens(5, 0, 0, 0)),
            (
                r#"{"prompt_tokens":5,"prompt_tokens_details":{"cached_tokens":9}}"#,
                tokens(0, 5, 0, 0),
            ),
            (
                r#"{"prompt_tokens":5,"prompt_tokens_details":[]}"#,
                tokens(5, 0, 0, 0),
            ),
        ] {
            assert_eq!(openai(raw), expected, "{raw}");
        }
    }

    #[test]
    fn fact_29_zero_is_zero_and_absent_is_none() {
        let raw = r#"{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}"#;
        assert_eq!(openai(raw), tokens(0, 0, 0, 0));
        let raw = r#"{"input_tokens":0,"output_tokens":0}"#;
        assert_eq!(anthropic(raw, None), tokens(0, 0, 0, 0));
        for raw in [
            "null",
            "{}",
            "[]",
            r#"{"prompt_tokens":null}"#,
            r#"{"prompt_tokens":-1}"#,
        ] {
            assert_eq!(openai(raw), None, "{raw}");
            assert_eq!(anthropic(raw, None), None, "{raw}");
        }
    }

    #[test]
    fn fact_12_cumulative_figures_are_never_added_up() {
        let start = anthropic(r#"{"input_tokens":25,"output_tokens":1}"#, None);
        let later = anthropic(r#"{"output_tokens":15}"#, start);
        assert_eq!(later, tokens(25, 0, 0, 15));
        let last = anthropic(r#"{"input_tokens":25,"output_tokens":40}"#, later);
        assert_eq!(last, tokens(25, 0, 0, 40));
        assert_eq!(anthropic("null", last), last);
    }

    #[test]
    fn every_iteration_is_billed() {
        let raw = r#"{"input_tokens":23,"output_tokens":10,"iterations":[
            {"type":"compaction","input_tokens":180,"output_tokens":35},
            {"type":"message","input_tokens":23,"output_tokens":10}]}"#;
        assert_eq!(anthropic(raw, None), tokens(203, 0, 0, 45));
    }
}
