//! OpenAI's Responses.

mod items;
mod read_answer;
mod read_request;
mod shape;
mod write_answer;
mod write_request;
mod write_stream;

pub(super) use read_answer::{StreamReader, read as read_answer};
pub(super) use read_request::read as read_request;
pub(super) use shape::SHAPE;
pub(super) use write_answer::write as write_answer;
pub(super) use write_request::write as write_request;
pub(super) use write_stream::StreamWriter;
