//! OpenAI's chat completions.

mod content;
mod parts;
mod read_answer;
mod read_request;
mod shape;
mod write_answer;
mod write_request;
mod write_stream;

pub(super) use parts::encoded;
pub(super) use read_answer::{StreamReader, read as read_answer};
pub(super) use read_request::read as read_request;
pub(super) use shape::SHAPE;
pub(super) use write_answer::write as write_answer;
pub(super) use write_request::write as write_request;
pub(super) use write_stream::StreamWriter;

use super::event::Finish;

/// The word for why a model stopped.
const fn finish_word(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::StopSequence | Finish::Paused => "stop",
        Finish::Length | Finish::Window => "length",
        Finish::Calls => "tool_calls",
        Finish::Refused | Finish::Filtered => "content_filter",
    }
}
