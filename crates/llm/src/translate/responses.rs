//! OpenAI's Responses, as a caller speaks it.

mod items;
mod read_request;
mod write_answer;
mod write_stream;

pub(super) use read_request::read as read_request;
pub(super) use write_answer::write as write_answer;
pub(super) use write_stream::StreamWriter;
