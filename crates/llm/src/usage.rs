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
    openai_counts(&serde_json::from_str(raw).ok()?)
}

/// Reads the `usage` object of OpenAI's Responses, which counts as that of
/// chat does under other names: input with what was cached, output with the
/// reasoning.
pub(crate) fn responses(raw: &str) -> Option<TokenUsage> {
    let usage: Responses = serde_json::from_str(raw).ok()?;
    openai_counts(&OpenAi {
        prompt_tokens: usage.input_tokens,
        completion_tokens: usage.output_tokens,
        total_tokens: usage.total_tokens,
        prompt_tokens_details: usage.input_tokens_details,
        ..OpenAi::default()
    })
}

/// Reads Gemini's `usageMetadata` object on top of what earlier parts of a
/// stream said: the figures are cumulative, so each is the largest one seen.
///
/// `promptTokenCount` includes what was cached; thoughts, and what tools put
/// before the model, are counted beside prompt and candidates. Where the total
/// exceeds all that is told, the rest is output.
pub(crate) fn gemini(raw: &str, before: Option<TokenUsage>) -> Option<TokenUsage> {
    let usage: Option<Gemini> = serde_json::from_str(raw).ok();
    let now = usage.as_ref().and_then(gemini_counts);
    [before, now].into_iter().flatten().reduce(largest)
}

fn gemini_counts(usage: &Gemini) -> Option<TokenUsage> {
    let total = usage.total_token_count.0;
    let told = usage
        .candidates_token_count
        .0
        .or(usage.thoughts_token_count.0);
    usage.prompt_token_count.0.or(told).or(total)?;
    let prompt = usage.prompt_token_count.0.unwrap_or(0);
    let cached = usage.cached_content_token_count.0.unwrap_or(0).min(prompt);
    let tools = usage.tool_use_prompt_token_count.0.unwrap_or(0);
    let candidates = usage.candidates_token_count.0.unwrap_or(0);
    let output = candidates.saturating_add(usage.thoughts_token_count.0.unwrap_or(0));
    let input = prompt.saturating_add(tools);
    Some(TokenUsage {
        input: input - cached,
        cache_read: cached,
        cache_write: 0,
        output: output.max(total.unwrap_or(0).saturating_sub(input)),
    })
}

fn openai_counts(usage: &OpenAi) -> Option<TokenUsage> {
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

#[derive(Default, Deserialize)]
#[serde(default)]
struct Responses {
    input_tokens: Count,
    output_tokens: Count,
    total_tokens: Count,
    input_tokens_details: Option<PromptDetails>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Gemini {
    prompt_token_count: Count,
    cached_content_token_count: Count,
    candidates_token_count: Count,
    thoughts_token_count: Count,
    tool_use_prompt_token_count: Count,
    total_token_count: Count,
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
    fn fact_13_responses_include_what_was_cached_and_reasoned() {
        let raw = r#"{"input_tokens":100,"output_tokens":57,"total_tokens":157,
            "input_tokens_details":{"cached_tokens":64},"output_tokens_details":{"reasoning_tokens":50}}"#;
        assert_eq!(responses(raw), tokens(36, 64, 0, 57));
        let raw = r#"{"input_tokens":0,"output_tokens":0,"total_tokens":0}"#;
        assert_eq!(responses(raw), tokens(0, 0, 0, 0));
        for raw in ["null", "{}", "[]", r#"{"input_tokens":null}"#] {
            assert_eq!(responses(raw), None, "{raw}");
        }
    }

    #[test]
    fn fact_20_gemini_counts_thoughts_and_tools_beside_the_rest() {
        let raw = r#"{"promptTokenCount":100,"cachedContentTokenCount":60,"candidatesTokenCount":7,
            "thoughtsTokenCount":30,"toolUsePromptTokenCount":5,"totalTokenCount":142}"#;
        assert_eq!(gemini(raw, None), tokens(45, 60, 0, 37));
        // Models that don't tell their thoughts still total them.
        let raw = r#"{"promptTokenCount":10,"candidatesTokenCount":2,"totalTokenCount":112}"#;
        assert_eq!(gemini(raw, None), tokens(10, 0, 0, 102));
        for raw in ["null", "{}", "[]", r#"{"promptTokenCount":"x"}"#] {
            assert_eq!(gemini(raw, None), None, "{raw}");
        }
    }

    #[test]
    fn fact_20_gemini_repeats_cumulative_figures() {
        let first = gemini(
            r#"{"promptTokenCount":11,"candidatesTokenCount":2,"totalTokenCount":13}"#,
            None,
        );
        let later = gemini(r#"{"promptTokenCount":11,"totalTokenCount":11}"#, first);
        assert_eq!(later, tokens(11, 0, 0, 2));
        let last = gemini(
            r#"{"promptTokenCount":11,"candidatesTokenCount":9,"totalTokenCount":20}"#,
            later,
        );
        assert_eq!(last, tokens(11, 0, 0, 9));
        assert_eq!(gemini("null", last), last);
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
