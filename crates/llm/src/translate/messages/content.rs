use crate::translate::conversation::{Arguments, Call, Kind, Maker, Outcome, Part, Source};
use crate::translate::member::{filled, flag, member, needed, text};
use crate::translate::raw::{Fault, Raw, Text};

type Read<'a, T> = Result<T, Fault<'a>>;

/// Content: text, or a list of blocks.
pub(super) fn read<'a>(content: Raw<'a>) -> Read<'a, Vec<Part<'a>>> {
    if content.is_string() {
        let text = content.text()?;
        return Ok(match text.is_empty() {
            true => Vec::new(),
            false => vec![Part::of(content, Kind::Text(text))],
        });
    }
    let blocks = content
        .elements()
        .map_err(|_| content.found("text or a list of blocks"))?;
    blocks.map(read_block).collect()
}

fn read_block<'a>(at: Raw<'a>) -> Read<'a, Part<'a>> {
    at.members()?;
    let kind = at.member("type");
    let kind = kind.ok_or_else(|| Fault::absent(at, "type", "the type of the block"))?;
    let read = match kind.string()?.as_ref() {
        "text" => Kind::Text(needed(at, "text", "text")?),
        "image" => Kind::Image {
            source: read_source(at)?,
            detail: None,
        },
        "document" => Kind::Document {
            source: read_source(at)?,
            name: text(at, "title")?,
        },
        "thinking" => Kind::Thinking {
            text: needed(at, "thinking", "text")?,
            signature: text(at, "signature")?,
            maker: Maker::Anthropic,
        },
        "redacted_thinking" => Kind::Sealed {
            data: needed(at, "data", "base64")?,
            maker: Maker::Anthropic,
        },
        "tool_use" => Kind::Call(read_call(at)?),
        "tool_result" => Kind::Result(read_outcome(at)?),
        "" => return Err(kind.unknown_word("the type of a block")),
        _ => Kind::Foreign,
    };
    let place = match read {
        Kind::Foreign => kind,
        _ => at,
    };
    Ok(Part {
        at: place,
        cache: member(at, "cache_control"),
        kind: read,
    })
}

fn read_source<'a>(block: Raw<'a>) -> Read<'a, Source<'a>> {
    let source = block.member("source");
    let source = source.ok_or_else(|| Fault::absent(block, "source", "an object"))?;
    source.members()?;
    let kind = source.member("type");
    let kind = kind.ok_or_else(|| Fault::absent(source, "type", "`base64` or `url`"))?;
    Ok(match kind.string()?.as_ref() {
        "base64" => Source::Base64 {
            media: needed(source, "media_type", "a media type")?,
            data: needed(source, "data", "base64")?,
        },
        "url" => Source::Url(needed(source, "url", "an address")?),
        "text" => Source::Plain(needed(source, "data", "text")?),
        "file" | "content" => Source::File,
        _ => return Err(kind.unknown_word("`base64`, `url`, `text`, `content` or `file`")),
    })
}

fn read_call<'a>(at: Raw<'a>) -> Read<'a, Call<'a>> {
    let name = at.member("name");
    let name = name.ok_or_else(|| Fault::absent(at, "name", "the name of a tool"))?;
    let input = at.member("input");
    let input = input.ok_or_else(|| Fault::absent(at, "input", "an object"))?;
    input.members()?;
    Ok(Call {
        id: Some(needed(at, "id", "the id of the call")?),
        name: filled(name)?,
        arguments: Arguments::Object(input),
        signature: None,
    })
}

fn read_outcome<'a>(at: Raw<'a>) -> Read<'a, Outcome<'a>> {
    Ok(Outcome {
        id: Some(needed(at, "tool_use_id", "the id of a call")?),
        name: None,
        parts: match member(at, "content") {
            Some(content) => read(content)?,
            None => vec![Part::of(at, Kind::Text(Text::lent("")))],
        },
        is_error: flag(at, "is_error")?.unwrap_or(false),
    })
}
