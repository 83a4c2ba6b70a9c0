//! `POST /classify`: how risky a command is, for agents and their hooks.
//!
//! One record in, one out, as in a line of `tollgate classify --json`, with
//! `kind` beside (`command` or `message`). It only answers: nothing is allowed
//! by it, so nothing is in the ledger.

use http::header::{HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tollgate_command::{Answer, Question, Reading};

use crate::body::Body;
use crate::conversation::Incoming;
use crate::evaluate::{Unasked, admitted, answer};
use crate::gateway::Gateway;
use crate::intake::{Intake, read_body};
use crate::snapshot::Limits;

/// Largest body, in bytes: far more than is read of a command, so that what is
/// too long for the judge gets an answer (opaque) and not an error.
const LARGEST: usize = 256 * 1024;

/// Answers one question. An error has the shape of an answer too, and never a
/// harmless one: whoever reads `tier` only is not misled.
pub(crate) async fn classify(gateway: &Gateway, request: Request<Incoming>) -> Response<Body> {
    match ask(gateway, request).await {
        Ok(said) => answer(StatusCode::OK, &json!(said)),
        Err(unasked) => refused(&unasked),
    }
}

async fn ask(gateway: &Gateway, request: Request<Incoming>) -> Result<Answer, Unasked> {
    let (head, body) = request.into_parts();
    let snapshot = gateway.snapshot();
    admitted(gateway, &snapshot, &head, &Method::POST)?;
    let limits = Limits {
        body_bytes: LARGEST.min(snapshot.limits.body_bytes),
        ..snapshot.limits
    };
    let intake = read_body(body, &limits, &gateway.memory).await;
    let Intake { bytes, hold: _hold } = intake.map_err(|error| Unasked::Body(error.to_string()))?;
    let (question, reading) = read(&bytes)?;
    Ok(gateway.commands.answer(&question, reading).await)
}

fn read(body: &[u8]) -> Result<(Question, Reading), Unasked> {
    let bad = |why: String| Unasked::Body(format!("body: {why}"));
    let value: Value = serde_json::from_slice(body).map_err(|error| bad(error.to_string()))?;
    let reading = match value.get("kind").map(|kind| kind.as_str()) {
        None | Some(Some("command")) => Reading::Command,
        Some(Some("message")) => Reading::Message,
        Some(_) => {
            let why = "found another `kind`, expected `command` or `message`";
            return Err(bad(why.to_owned()));
        }
    };
    let question = serde_json::from_value(value).map_err(|error| {
        bad(format!(
            "{error}, expected {{\"command\": text, \"cwd\"?, \"action\"?, \"id\"?, \"kind\"?}}"
        ))
    })?;
    Ok((question, reading))
}

fn refused(unasked: &Unasked) -> Response<Body> {
    let mut said = json!(Answer::unreadable(None));
    said["reason"] = unasked.to_string().into();
    said["error"] = json!({"message": unasked.to_string()});
    let mut response = answer(unasked.status(), &said);
    if let Unasked::Pace { seconds, .. } = unasked {
        let seconds = HeaderValue::from(*seconds);
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}
