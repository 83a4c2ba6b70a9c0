//! Anthropic's messages.

mod content;
mod read_answer;
mod read_request;
mod shape;
mod thinking;
mod write_answer;
mod write_request;
mod write_stream;

pub(super) use read_answer::{StreamReader, read as read_answer};
pub(super) use read_request::read as read_request;
pub(super) use shape::SHAPE;
pub(super) use write_answer::write as write_answer;
pub(super) use write_request::{decoded, write as write_request};
pub(super) use write_stream::StreamWriter;

use super::event::{Finish, Usage};
use super::pen::Pen;

/// The word for why a model stopped.
const fn finish_word(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "end_turn",
        Finish::StopSequence => "stop_sequence",
        Finish::Length => "max_tokens",
        Finish::Calls => "tool_use",
        Finish::Refused | Finish::Filtered => "refusal",
        Finish::Paused => "pause_turn",
        Finish::Window => "model_context_window_exceeded",
    }
}

/// Figures as Anthropic has them: what was cached beside the input.
fn write_usage(usage: &Usage, pen: &mut Pen) {
    let tokens = &usage.tokens;
    pen.open('{');
    pen.key("input_tokens").number(tokens.input);
    pen.key("cache_creation_input_tokens")
        .number(tokens.cache_write);
    pen.key("cache_read_input_tokens").number(tokens.cache_read);
    pen.key("output_tokens").number(tokens.output);
    if usage.reasoning > 0 {
        pen.key("output_tokens_details").open('{');
        pen.key("thinking_tokens").number(usage.reasoning);
        pen.close('}');
    }
    pen.close('}');
}
