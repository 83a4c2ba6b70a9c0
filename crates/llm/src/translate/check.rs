use std::collections::HashMap;

use super::conversation::{Conversation, Kind, Part, Role, Setting, Turn, Value};
use super::raw::Fault;

/// Refuses what no provider would take: better here with the caller's own path
/// than there with another.
pub(super) fn check<'a>(conversation: &Conversation<'a>) -> Result<(), Fault<'a>> {
    if conversation.turns.is_empty() {
        let body = conversation.body;
        let list = ["messages", "input", "contents"];
        let list = list.iter().find_map(|key| body.member(key));
        return Err(Fault::at(
            list.unwrap_or(body),
            "found no messages, expected at least one of the user",
        ));
    }
    check_probabilities(conversation)?;
    let mut calls = Calls::new();
    for turn in &conversation.turns {
        check_turn(turn, &mut calls)?;
    }
    Ok(())
}

/// Other tokens are told beside those of the answer, and never alone.
fn check_probabilities<'a>(conversation: &Conversation<'a>) -> Result<(), Fault<'a>> {
    let settings = &conversation.settings;
    let others = |it: &&Setting<'a>| matches!(it.value, Value::TopLogprobs(1..));
    let told = |it: &Setting<'a>| matches!(it.value, Value::Logprobs);
    match settings.iter().find(others) {
        Some(others) if !settings.iter().any(told) => Err(Fault::at(
            others.at,
            "found it alone, expected log probabilities to be asked for beside it",
        )),
        _ => Ok(()),
    }
}

/// The ids of the calls that wait for an answer, and how many times each.
type Calls<'c> = HashMap<&'c str, u32>;

fn check_turn<'c, 'a>(turn: &'c Turn<'a>, calls: &mut Calls<'c>) -> Result<(), Fault<'a>> {
    if turn.parts.is_empty() {
        let place = ["content", "parts"]
            .iter()
            .find_map(|key| turn.at.member(key));
        let place = place.unwrap_or(turn.at);
        return Err(Fault::at(place, "found no content, expected some"));
    }
    for part in &turn.parts {
        check_part(part, turn.role, calls)?;
    }
    Ok(())
}

fn check_part<'c, 'a>(
    part: &'c Part<'a>,
    role: Role,
    calls: &mut Calls<'c>,
) -> Result<(), Fault<'a>> {
    match &part.kind {
        Kind::Call(_) if role != Role::Assistant => Err(Fault::at(
            part.at,
            "found a tool call, expected it in an assistant's message",
        )),
        Kind::Call(call) => {
            if let Some(id) = &call.id {
                *calls.entry(id.get()).or_default() += 1;
            }
            Ok(())
        }
        Kind::Result(_) if role == Role::Assistant => Err(Fault::at(
            part.at,
            "found a tool's answer, expected it in a user's message",
        )),
        Kind::Result(outcome) => {
            let Some(id) = &outcome.id else { return Ok(()) };
            match calls.get_mut(id.get()) {
                Some(waits) if *waits > 0 => {
                    *waits -= 1;
                    Ok(())
                }
                _ => Err(Fault::at(
                    part.at,
                    "found a tool's answer without its call, expected the id of a call before it",
                )),
            }
        }
        _ => Ok(()),
    }
}
