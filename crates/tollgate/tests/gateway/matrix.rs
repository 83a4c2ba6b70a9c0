//! Every dialect at every provider: the table of `docs/dialects.md`, cell by
//! cell, through the real gateway.

mod asked;
pub(crate) mod heard;
mod sent;

use serde_json::json;
use tollgate_testkit::{Answer, Request, Script, THOUGHT, Wire};

use crate::house::{DIALECTS, House, model};
use asked::{Ask, request};
use heard::{calls, is_whole, objects, said, thought};

/// One column of the table.
struct Column {
    name: &'static str,
    ask: Ask,
    stream: bool,
    /// What the provider does; the usual answer where there is none.
    script: fn() -> Option<Script>,
    /// What the caller must see.
    holds: fn(&Cell<'_>) -> Result<(), String>,
}

/// A caller's request that was answered.
struct Cell<'a> {
    caller: Wire,
    stream: bool,
    answer: &'a Answer,
}

const COLUMNS: [Column; 10] = [
    Column {
        name: "text",
        ask: Ask::Plain,
        stream: false,
        script: || None,
        holds: says_words,
    },
    Column {
        name: "stream",
        ask: Ask::Plain,
        stream: true,
        script: || None,
        holds: says_words,
    },
    Column {
        name: "tools",
        ask: Ask::Tools,
        stream: false,
        script: || Some(Script::ToolCalls),
        holds: calls_tools,
    },
    Column {
        name: "streamed tools",
        ask: Ask::Tools,
        stream: true,
        script: || Some(Script::ToolCalls),
        holds: calls_tools,
    },
    Column {
        name: "tool result",
        ask: Ask::Result,
        stream: false,
        script: || None,
        holds: says_words,
    },
    Column {
        name: "image",
        ask: Ask::Image,
        stream: false,
        script: || None,
        holds: says_words,
    },
    Column {
        name: "structured output",
        ask: Ask::Schema,
        stream: false,
        script: || None,
        holds: says_words,
    },
    Column {
        name: "thinking",
        ask: Ask::Thinking,
        stream: true,
        script: || Some(Script::Thinking),
        holds: thinks,
    },
    Column {
        name: "error",
        ask: Ask::Plain,
        stream: true,
        script: || Some(Script::Status400),
        holds: is_refused,
    },
    Column {
        name: "cut",
        ask: Ask::Plain,
        stream: true,
        script: || Some(Script::Cut { events: 2 }),
        holds: is_broken,
    },
];

/// As the table has them.
const fn name(wire: Wire) -> &'static str {
    match wire {
        Wire::OpenAi => "chat",
        Wire::Anthropic => "Anthropic",
        Wire::Responses => "Responses",
        Wire::Gemini | Wire::GeminiArray => "Gemini",
    }
}

/// The model that is asked for; one that thinks where that is asked.
fn model_for(to: Wire, ask: Ask) -> &'static str {
    match (to, ask) {
        (Wire::OpenAi, Ask::Thinking) => "gpt-5",
        _ => model(to),
    }
}

/// The whole table, as it stands in the documentation.
#[tokio::test(flavor = "multi_thread")]
async fn every_dialect_reaches_every_provider() {
    let house = House::apart().await;
    let names: Vec<&str> = COLUMNS.iter().map(|column| column.name).collect();
    let mut table = format!("| caller | provider | {} |\n", names.join(" | "));
    table += &format!("|---|---|{}\n", "---|".repeat(COLUMNS.len()));
    let mut faults = Vec::new();
    for caller in DIALECTS {
        for to in DIALECTS {
            table += &format!("| {} | {} |", name(caller), name(to));
            for column in &COLUMNS {
                let word = match cell(&house, caller, to, column).await {
                    Ok(word) => word,
                    Err(fault) => {
                        let (caller, to) = (name(caller), name(to));
                        faults.push(format!("{caller} at {to}, {}: {fault}", column.name));
                        "no".to_owned()
                    }
                };
                table += &format!(" {word} |");
            }
            table.push('\n');
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/dialects.md");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(
        page.contains(&table),
        "docs/dialects.md should have\n{table}"
    );
}

/// What stands in a cell: `yes`, or the field that the target has no place for.
async fn cell(house: &House, caller: Wire, to: Wire, column: &Column) -> Result<String, String> {
    let Column { ask, stream, .. } = *column;
    if let Some(script) = (column.script)() {
        house.provider(to).push(script);
    }
    let before = house.provider(to).requests().len();
    let answer = house
        .send(&request(caller, stream, model_for(to, ask), ask))
        .await;
    let requests = house.provider(to).requests();
    let Some(sent) = requests.get(before) else {
        let param = answer.json()["error"]["param"].clone();
        return match (answer.status(), param.as_str()) {
            (400, Some(field)) => Ok(format!("no place for `{field}`")),
            _ => Err(format!("nothing was sent: {}", answer.text())),
        };
    };
    let path = match to {
        Wire::OpenAi => "/v1/chat/completions",
        Wire::Anthropic => "/v1/messages",
        Wire::Responses => "/v1/responses",
        Wire::Gemini | Wire::GeminiArray => "/v1beta/models/",
    };
    if !sent.target.starts_with(path) {
        return Err(format!("{} was asked", sent.target));
    }
    sent::check(to, &sent.json(), ask)?;
    (column.holds)(&Cell {
        caller,
        stream,
        answer: &answer,
    })?;
    Ok("yes".to_owned())
}

fn says_words(cell: &Cell<'_>) -> Result<(), String> {
    let Cell {
        caller,
        stream,
        answer,
    } = *cell;
    let expected = "word0 word1 word2 word3 word4";
    let whole = !stream || is_whole(caller, answer);
    match answer.status() == 200 && whole && said(caller, stream, answer).trim_end() == expected {
        true => Ok(()),
        false => Err(answer.text()),
    }
}

fn calls_tools(cell: &Cell<'_>) -> Result<(), String> {
    let Cell {
        caller,
        stream,
        answer,
    } = *cell;
    let expected = [
        ("get_weather".to_owned(), json!({"city": "Zürich"})),
        ("get_time".to_owned(), json!({"zone": "CET"})),
    ];
    let whole = !stream || is_whole(caller, answer);
    match answer.status() == 200 && whole && calls(caller, stream, answer) == expected {
        true => Ok(()),
        false => Err(answer.text()),
    }
}

fn thinks(cell: &Cell<'_>) -> Result<(), String> {
    let Cell {
        caller,
        stream,
        answer,
    } = *cell;
    let holds = answer.status() == 200
        && is_whole(caller, answer)
        && thought(caller, stream, answer) == THOUGHT
        && said(caller, stream, answer).trim_end() == "word0 word1";
    match holds {
        true => Ok(()),
        false => Err(answer.text()),
    }
}

/// The provider's words, in the caller's own kind of error.
fn is_refused(cell: &Cell<'_>) -> Result<(), String> {
    let body = cell.answer.json();
    let error = &body["error"];
    let of_dialect = match cell.caller {
        Wire::Anthropic => body["type"] == "error" && error["type"] == "invalid_request_error",
        Wire::Gemini | Wire::GeminiArray => error["code"] == 400,
        Wire::OpenAi | Wire::Responses => error["type"] == "invalid_request_error",
    };
    let told = error["message"]
        .as_str()
        .is_some_and(|it| it.contains("field X is wrong"));
    match cell.answer.status() == 400 && of_dialect && told {
        true => Ok(()),
        false => Err(cell.answer.text()),
    }
}

/// An error of the caller's dialect behind what came, and no terminator.
fn is_broken(cell: &Cell<'_>) -> Result<(), String> {
    let Cell { caller, answer, .. } = *cell;
    let last = objects(caller, true, answer).pop().unwrap_or_default();
    let begun = said(caller, true, answer).starts_with("word0");
    match begun && last.get("error").is_some() && !is_whole(caller, answer) {
        true => Ok(()),
        false => Err(answer.text()),
    }
}

/// Sealed reasoning of Responses goes through a chat caller and back to its
/// maker, byte for byte.
#[tokio::test(flavor = "multi_thread")]
async fn sealed_reasoning_comes_back_to_its_maker() {
    let house = House::apart().await;
    house.responses.push(Script::Thinking);
    let first = house
        .send(&request(
            Wire::OpenAi,
            false,
            model(Wire::Responses),
            Ask::Thinking,
        ))
        .await;
    let turn = first.json()["choices"][0]["message"].clone();
    let next = json!({"model": model(Wire::Responses), "messages": [
        {"role": "user", "content": "Weather?"}, turn, {"role": "user", "content": "Sure?"}]});
    let answer = house
        .send(&Request::post("/v1/chat/completions", &next))
        .await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let sent = house.responses.requests()[1].json();
    assert_eq!(sent["store"], false);
    assert_eq!(
        sent["input"][1],
        json!({"type": "reasoning", "summary": [], "encrypted_content": tollgate_testkit::PROOF})
    );
}
