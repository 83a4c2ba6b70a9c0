use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};
use tokio::time::timeout_at;
use tollgate_llm::{
    AnswerFault, AnswerView, Forward, Framing, StreamFault, StreamTap, TapOptions, Translator,
    demo, read_answer, read_fault, translate_answer,
};
use tollgate_types::FaultClass;

use super::answer::{Answer, AnswerHead, AttemptFault, ProviderAnswer};
use super::connect::Connector;
use super::connection::{Connection, Unanswered, WireFault};
use super::count;
use super::outgoing::Outgoing;
use super::request::{asks_usage, edited_body, upstream_path, upstream_request};
use super::source::Source;
use super::target::Target;
use crate::account::now;
use crate::admission::Leased;
use crate::gateway::Gateway;
use crate::interpreter::Interpreter;
use crate::snapshot::{Holdback, Times, Upstream};

/// Most bytes read of a provider's error answer.
const ERROR_LIMIT: usize = 64 << 10;
/// Most bytes of an answer that is read whole before it goes out.
const ANSWER_LIMIT: usize = 64 << 20;
/// Most bytes of a stream that are kept back.
const HOLD_LIMIT: usize = 1 << 20;
/// Longest time for a connection, TLS included.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Sends one attempt and waits until its answer may go to the caller: a
/// stream's first events, or the whole of any other answer.
pub(crate) async fn send(
    gateway: &Gateway,
    leased: &Leased,
    deadline: Instant,
) -> Result<Answer, AttemptFault> {
    let internal = || AttemptFault::new(FaultClass::BadRequest, "request can't be written as HTTP");
    let provider = leased.provider().ok_or_else(internal)?;
    if leased.counts_here() {
        let why = count::NO_ENDPOINT.to_owned();
        return count::estimated(leased, why).await.ok_or_else(internal);
    }
    let (head, source) = match &provider.upstream {
        Upstream::Demo => {
            let body = edited_body(leased, provider).ok_or_else(internal)?;
            demo_answer(leased, &joined(&body)).ok_or_else(internal)?
        }
        Upstream::Http(target) => {
            let request = upstream_request(leased, target).ok_or_else(internal)?;
            let first_byte = (Instant::now() + provider.times.first_byte).min(deadline);
            exchange(&gateway.connector, target, request, first_byte).await?
        }
    };
    let times = provider.times;
    let exchange = Exchange {
        gateway,
        leased,
        times,
        deadline,
        source,
    };
    if count::is_unknown_there(leased, head.status) {
        let why = format!("{} (answered {})", count::NO_ENDPOINT, head.status.as_u16());
        return count::estimated(leased, why).await.ok_or_else(internal);
    }
    if !head.status.is_success() {
        return Err(exchange.error_answer(head).await);
    }
    if head
        .headers
        .get(CONTENT_ENCODING)
        .is_some_and(|coding| coding != "identity")
    {
        return Err(bad_answer(
            "answer is compressed although identity was asked for",
        ));
    }
    let view = leased.view();
    let options = TapOptions {
        strip_usage: asks_usage(leased, provider),
        framing: view.framing,
    };
    let answer = match (is_event_stream(&head.headers), view.framing) {
        (true, Framing::Events) if view.stream => exchange.begin_stream(head, options).await,
        (false, Framing::Array) if view.stream => exchange.begin_stream(head, options).await,
        (true, _) => Err(bad_answer(
            "answer is an event stream although none was asked for",
        )),
        (false, _) => exchange.whole_answer(head).await,
    };
    // It had begun to answer with a good status; only its own error says that
    // there was nothing to bill.
    answer.map_err(|fault| match fault.class {
        FaultClass::BadAnswer | FaultClass::Connection | FaultClass::Timeout => fault.billed(),
        _ => fault,
    })
}

fn demo_answer(leased: &Leased, body: &[u8]) -> Option<(AnswerHead, Source)> {
    let path = upstream_path(leased)?;
    let query = match leased.translated() {
        Some(it) => it.query,
        None => leased.head().uri.query(),
    };
    let answer = demo::answer_at(leased.endpoint(), &path, query, body);
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Some((
        AnswerHead { status, headers },
        Source::Demo(VecDeque::from(answer.chunks)),
    ))
}

/// All pieces of a body as one.
fn joined(pieces: &[Bytes]) -> Bytes {
    match pieces {
        [one] => one.clone(),
        many => many.concat().into(),
    }
}

/// One request over a connection that was idle or is new.
///
/// A request that an idle connection did not take, because the other side
/// closed it in the meantime, was not seen by the provider and goes out again.
async fn exchange(
    connector: &Connector,
    target: &Arc<Target>,
    mut request: Outgoing,
    first_byte: Instant,
) -> Result<(AnswerHead, Source), AttemptFault> {
    loop {
        let (mut connection, reused) = match target.take_idle() {
            Some(connection) => (connection, true),
            None => (connect(connector, target, first_byte).await?, false),
        };
        match connection.send(request, Some(first_byte)).await {
            Ok(head) => return Ok((head, Source::Http(Some(connection), Arc::clone(target)))),
            Err(Unanswered { fault, unsent }) => match unsent {
                Some(unsent) if reused => request = unsent,
                _ => return Err(broken(&fault).billed()),
            },
        }
    }
}

async fn connect(
    connector: &Connector,
    target: &Arc<Target>,
    first_byte: Instant,
) -> Result<Box<Connection>, AttemptFault> {
    let limit = first_byte.min(Instant::now() + CONNECT_LIMIT);
    match timeout_at(limit.into(), connector.connect(target)).await {
        Err(_) => {
            let note = format!("no connection to {} in time", target.authority());
            Err(AttemptFault::new(FaultClass::Timeout, note))
        }
        Ok(Err(fault)) => Err(AttemptFault::new(FaultClass::Connection, fault.to_string())),
        Ok(Ok(connection)) => Ok(connection),
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| {
        kind.get(..17)
            .is_some_and(|kind| kind.eq_ignore_ascii_case("text/event-stream"))
    })
}

fn bad_answer(note: impl Into<Cow<'static, str>>) -> AttemptFault {
    AttemptFault::new(FaultClass::BadAnswer, note)
}

/// What broke, in the ledger's words; they hold no content.
fn broken(fault: &WireFault) -> AttemptFault {
    match fault {
        WireFault::Head(head) => bad_answer(format!("answer is not HTTP: {head}")),
        WireFault::Late => AttemptFault::new(FaultClass::Timeout, fault.to_string()),
        _ => AttemptFault::new(FaultClass::Connection, fault.to_string()),
    }
}

type Understood = (AnswerView, Bytes, Cow<'static, str>);

/// An answer that has begun to come.
struct Exchange<'a> {
    gateway: &'a Gateway,
    leased: &'a Leased,
    times: Times,
    deadline: Instant,
    source: Source,
}

impl Exchange<'_> {
    /// The first events, so that a stream that begins with a fault can still
    /// be repeated elsewhere.
    async fn begin_stream(
        mut self,
        head: AnswerHead,
        options: TapOptions,
    ) -> Result<Answer, AttemptFault> {
        let mut tap = Box::new(self.interpreter(options));
        loop {
            let (first, ended) = match self.next(self.times.first_byte).await? {
                Some(chunk) => (tap.push(chunk), false),
                None => (tap.end(), true),
            };
            if let Some(fault) = first.fault {
                return Err(self.early(fault));
            }
            if ended || !first.bytes.is_empty() {
                let first = match ended {
                    true => first,
                    false => self.hold_back(&mut tap, first).await?,
                };
                return Ok(Answer::Stream {
                    head,
                    tap,
                    first,
                    rest: self.source,
                });
            }
        }
    }

    /// Keeps the beginning of a stream back for as long as the operator wishes:
    /// until then a fault is one that can be mended.
    async fn hold_back(
        &mut self,
        tap: &mut Interpreter,
        mut held: Forward,
    ) -> Result<Forward, AttemptFault> {
        let Holdback { tokens, time } = self.leased.holdback();
        if tokens.is_none() && time.is_none() {
            return Ok(held);
        }
        let until = time.map(|time| Instant::now() + time);
        let mut bytes = 0;
        let came = |tap: &Interpreter| tokens.is_some_and(|most| tap.produced() >= most);
        while !tap.is_finished() && !came(tap) && bytes < HOLD_LIMIT {
            let next = match until {
                None => self.next(self.times.idle).await,
                Some(until) => match timeout_at(until.into(), self.next(self.times.idle)).await {
                    Err(_) => break,
                    Ok(next) => next,
                },
            };
            let kept = |mut fault: AttemptFault, tap: &Interpreter| {
                fault.output = tap.produced();
                fault
            };
            let (more, ended) = match next {
                Ok(Some(chunk)) => (tap.push(chunk), false),
                Ok(None) => (tap.end(), true),
                Err(fault) => return Err(kept(fault, tap)),
            };
            if let Some(fault) = more.fault {
                return Err(kept(self.early(fault), tap).billed());
            }
            bytes += more.bytes.iter().map(Bytes::len).sum::<usize>();
            held.bytes.extend(more.bytes);
            if ended {
                break;
            }
        }
        Ok(held)
    }

    fn interpreter(&self, options: TapOptions) -> Interpreter {
        match self.leased.translated() {
            None => Interpreter::Same(StreamTap::new(self.leased.endpoint(), options)),
            Some(it) => Interpreter::Other(Box::new(Translator::new(
                it.endpoint,
                self.leased.asked_endpoint(),
                it.framing,
                it.frame.clone(),
            ))),
        }
    }

    /// What an answer says of itself, the answer in the caller's dialect, and
    /// what of it was left out.
    fn understood(&self, body: Bytes) -> Result<Understood, AnswerFault> {
        match self.leased.translated() {
            None => {
                let view = read_answer(self.leased.endpoint(), &body)?;
                Ok((view, body, Cow::Borrowed("")))
            }
            Some(it) => {
                let to = self.leased.asked_endpoint();
                let done = translate_answer(it.endpoint, to, &body, &it.frame)?;
                Ok((done.view, done.body, done.lost.join("; ").into()))
            }
        }
    }

    fn early(&self, fault: StreamFault) -> AttemptFault {
        match fault {
            StreamFault::Cut => bad_answer("stream ended without its terminator"),
            StreamFault::BadEvent(note) => bad_answer(note),
            StreamFault::EventTooLarge => bad_answer("event is larger than the limit"),
            StreamFault::ErrorEvent { class, message } => {
                AttemptFault::new(class, self.scrubbed(&message))
            }
        }
    }

    async fn whole_answer(mut self, head: AnswerHead) -> Result<Answer, AttemptFault> {
        let body = self.collect(ANSWER_LIMIT).await?;
        if self.leased.through().is_some_and(|it| it.stated.is_some()) {
            return Ok(Answer::Whole {
                head,
                body,
                usage: Some(self.leased.hold().input_estimate()),
                output_bytes: 0,
                model: None,
                is_estimate: false,
                note: Cow::Borrowed(""),
            });
        }
        match self.understood(body) {
            Ok((view, body, note)) => Ok(Answer::Whole {
                note: self.in_one_piece(note),
                head,
                usage: view.usage,
                output_bytes: view.output_bytes,
                model: view.model,
                is_estimate: false,
                body,
            }),
            Err(AnswerFault::NotJson(note)) => Err(bad_answer(note)),
            Err(AnswerFault::ErrorInside { class, message }) => {
                Err(AttemptFault::new(class, self.scrubbed(&message)))
            }
        }
    }

    /// Tells of a provider that does not stream.
    fn in_one_piece(&self, note: Cow<'static, str>) -> Cow<'static, str> {
        const WHOLE: &str = "answered in one piece although a stream was asked for";
        match (self.leased.view().stream, note.is_empty()) {
            (false, _) => note,
            (true, true) => Cow::Borrowed(WHOLE),
            (true, false) => format!("{WHOLE}; {note}").into(),
        }
    }

    /// A status that is not a success, with the provider's own words.
    async fn error_answer(mut self, head: AnswerHead) -> AttemptFault {
        let body = self.collect(ERROR_LIMIT).await.unwrap_or_default();
        let status = head.status;
        if status.is_redirection() || status.is_informational() {
            let note = format!("answered {} and was not followed", status.as_u16());
            return bad_answer(note);
        }
        let dialect = self.leased.endpoint().dialect();
        let fault = read_fault(dialect, status.as_u16(), &head.headers, &body, now());
        let body = match std::str::from_utf8(&body) {
            Ok(text) => Bytes::from(self.scrubbed(text)),
            Err(_) => Bytes::new(),
        };
        AttemptFault {
            class: fault.class,
            retry_after: fault.retry_after,
            billable: false,
            output: 0,
            own_key: false,
            note: self.scrubbed(&fault.message).into(),
            answer: Some(ProviderAnswer {
                status,
                headers: head.headers,
                body,
                is_foreign: self.leased.translated().is_some(),
            }),
        }
    }

    /// Providers like to repeat the key that they reject.
    fn scrubbed(&self, text: &str) -> String {
        tollgate_secrets::scrub(text, self.leased.secrets().iter()).into_owned()
    }

    async fn collect(&mut self, limit: usize) -> Result<Bytes, AttemptFault> {
        let most = self.leased.snapshot().limits.bodies_in_flight_bytes;
        let mut hold = self.gateway.memory.take(0, most);
        let mut first = Bytes::new();
        let mut rest = BytesMut::new();
        while let Some(chunk) = self.next(self.times.idle).await? {
            if !hold
                .as_mut()
                .is_some_and(|hold| hold.grow(chunk.len(), most))
            {
                return Err(bad_answer("no memory is left for another answer"));
            }
            if first.is_empty() {
                first = chunk;
                continue;
            }
            if rest.is_empty() {
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&chunk);
            if rest.len() > limit {
                return Err(bad_answer(format!("answer has more than {limit} bytes")));
            }
        }
        Ok(if rest.is_empty() {
            first
        } else {
            rest.freeze()
        })
    }

    async fn next(&mut self, idle: Duration) -> Result<Option<Bytes>, AttemptFault> {
        let limit = (Instant::now() + idle).min(self.deadline);
        match timeout_at(limit.into(), self.source.next()).await {
            Err(_) => Err(AttemptFault::new(FaultClass::Timeout, "answer fell silent")),
            Ok(None) => Ok(None),
            Ok(Some(Ok(chunk))) => Ok(Some(chunk)),
            Ok(Some(Err(error))) => Err(broken(&error)),
        }
    }
}
