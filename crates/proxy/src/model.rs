//! The path of a model request, top to bottom: `docs/life-of-a-request.md`
//! tells the same story in the same order.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use http::header::HeaderValue;
use http::{HeaderMap, Request, Response};
use tollgate_llm::Endpoint;
use tollgate_routing::{Situation, Step, next_step};
use tollgate_types::{Attempt, FaultClass, RequestId, TokenUsage};

use crate::account::{Account, micros, now};
use crate::admission::{self, Leased, Permitted};
use crate::answer::{self, Served};
use crate::body::Body;
use crate::conversation::Incoming;
use crate::gateway::Gateway;
use crate::head;
use crate::intake::read_body;
use crate::names;
use crate::peer::Peer;
use crate::rate;
use crate::refusal::{self, Refusal, list_attempts};
use crate::through::Through;
use crate::trace;
use crate::upstream::{AttemptFault, ProviderAnswer, send};

/// Serves one model request, from its acceptance to the answer's first byte;
/// the answer's body carries the account on to the last one.
pub(crate) async fn model_request(
    gateway: &Gateway,
    peer: &Peer,
    endpoint: Endpoint,
    through: Option<Result<Through, Refusal>>,
    request: Request<Incoming>,
) -> Response<Body> {
    let Ok(slot) = gateway.ledger.slot() else {
        let public = Refusal::Ledger.public(endpoint.dialect());
        return refusal::answer(&public, endpoint.dialect(), RequestId::fresh());
    };
    let mut account = Account::open(slot, endpoint, &gateway.in_flight);
    if through.is_some() {
        account.passes_through();
    }
    let served = serve(gateway, peer, endpoint, through, request, &mut account).await;
    let rate = account.rate();
    let mut response = match served {
        Ok(served) => served.into_response(account, gateway),
        Err(failed) => failed.into_response(endpoint, account),
    };
    if let Some(rate) = rate {
        rate::tell(endpoint.dialect(), &rate, now(), response.headers_mut());
    }
    response
}

async fn serve(
    gateway: &Gateway,
    peer: &Peer,
    endpoint: Endpoint,
    through: Option<Result<Through, Refusal>>,
    request: Request<Incoming>,
    account: &mut Account,
) -> Result<Served, Failed> {
    let (mut head, body) = request.into_parts();
    let snapshot = gateway.snapshot();
    head::check(&head, &snapshot.limits)?;
    if gateway.traces {
        trace::continued(&mut head.headers, account);
    }
    let identified = admission::identify(snapshot, peer, &head).await?;
    account.identified(
        identified.agent().principal(),
        &identified.snapshot().versions,
    );
    // Who asks must be known before anything is said of providers.
    let through = through.transpose()?;
    let intake = read_body(body, &identified.snapshot().limits, &gateway.memory).await;
    let intake = intake.map_err(Refusal::Body)?;
    let planned = match through {
        None => {
            identified
                .plan(gateway, endpoint, head, intake, account)
                .await?
        }
        Some(through) => {
            identified.plan_through(gateway, endpoint, through, head, intake, account)?
        }
    };
    let scanned = planned.scan(gateway, account).await?;
    let permitted = scanned.permit(gateway, peer, account).await?;
    attempt(gateway, permitted, account).await
}

/// Tries candidate after candidate and credential after credential until one
/// answers. Nothing has reached the caller while this runs.
async fn attempt(
    gateway: &Gateway,
    mut permitted: Permitted,
    account: &mut Account,
) -> Result<Served, Failed> {
    let mut last = None;
    let mut waits = Waits::default();
    loop {
        if let Err(kept) = permitted.clear(account) {
            let note = kept.to_string();
            let refusal = Refusal::Secret(kept);
            if last.is_none() && !permitted.has_next() && account.attempts().is_empty() {
                return Err(refusal.into());
            }
            permitted =
                pass_over(permitted, &note, refusal, &mut last, account).map_err(|it| *it)?;
            continue;
        }
        if let Err(bad) = permitted.translate(account.id(), now()) {
            let note = bad.to_string();
            let refusal = Refusal::Request(bad);
            permitted =
                pass_over(permitted, &note, refusal, &mut last, account).map_err(|it| *it)?;
            continue;
        }
        let reserved = match permitted.reserve(&gateway.bank, now()).await {
            Ok(reserved) => reserved,
            Err((back, _)) if back.has_next() => {
                permitted = back;
                permitted.next_candidate();
                continue;
            }
            Err((_, refusal)) if last.is_none() => return Err(refusal.into()),
            Err(_) => return Err(Failed::exhausted(last, account)),
        };
        let mut leased = match reserved.lease(now()) {
            Ok(leased) => leased,
            Err((back, _)) if back.has_next() => {
                permitted = back;
                permitted.next_candidate();
                continue;
            }
            Err((back, none)) => {
                return Err(Failed::without_credential(&back, &none, last, account));
            }
        };
        if let Err(bad) = leased.unbind() {
            let note = bad.to_string();
            let refusal = Refusal::Request(bad);
            permitted = pass_over(leased.give_back(), &note, refusal, &mut last, account)
                .map_err(|it| *it)?;
            continue;
        }
        let deadline = leased.deadline(account.under_way_since());
        let (fault, step) = loop {
            let fault = match try_once(gateway, &mut leased, deadline, account).await {
                Ok(answer) => {
                    leased.lease().answered();
                    leased.remember(&gateway.affinity, &answer);
                    return Ok(Served {
                        answer,
                        leased,
                        deadline,
                    });
                }
                Err(fault) => fault,
            };
            let step = waits.next(&leased, &fault, deadline, account);
            let Step::SameCredential { after_ms } = step else {
                break (fault, step);
            };
            let billed = billed(&leased, &fault);
            leased.hold_mut().also(billed);
            tokio::time::sleep(Duration::from_millis(after_ms)).await;
        };
        let billed = billed(&leased, &fault);
        let class = fault.class;
        permitted = leased.fail(now(), class, fault.retry_after, &billed);
        last = Some(fault);
        match step {
            Step::SameCredential { .. } | Step::NextCredential => {}
            Step::NextCandidate if class == FaultClass::ContextOverflow => {
                permitted.larger_candidate();
            }
            Step::NextCandidate => permitted.next_candidate(),
            Step::BackOff { after_ms } => {
                permitted.forget_tried();
                tokio::time::sleep(Duration::from_millis(after_ms)).await;
            }
            Step::GiveUp => return Err(Failed::exhausted(last, account)),
        }
    }
}

/// A candidate whose dialect has no place for what is asked, or that must not
/// have it, gets nothing; its turn stands in the story all the same, and the next
/// one's comes.
fn pass_over(
    mut permitted: Permitted,
    note: &str,
    refusal: Refusal,
    last: &mut Option<AttemptFault>,
    account: &mut Account,
) -> Result<Permitted, Box<Failed>> {
    if let (Some(provider), Some(candidate)) = (permitted.provider(), permitted.candidate()) {
        account.attempted(Attempt {
            provider: provider.id.clone(),
            model: candidate.model.clone(),
            credential: "".into(),
            status: None,
            fault: Some(FaultClass::BadRequest),
            note: format!("not sent: {note}").into(),
            micros: 0,
        });
    }
    if permitted.has_next() {
        permitted.next_candidate();
        return Ok(permitted);
    }
    Err(Box::new(match last.take() {
        None => refusal.into(),
        last => Failed::exhausted(last, account),
    }))
}

/// What a failed attempt may cost all the same: its input, where the provider
/// had it, and what had come of its answer.
fn billed(leased: &Leased, fault: &AttemptFault) -> TokenUsage {
    match fault.billable && !leased.endpoint().only_counts() {
        true => TokenUsage {
            output: fault.output,
            ..leased.hold().input_estimate()
        },
        false => TokenUsage::default(),
    }
}

async fn try_once(
    gateway: &Gateway,
    leased: &mut Leased,
    deadline: Instant,
    account: &mut Account,
) -> Result<crate::upstream::Answer, AttemptFault> {
    account.reserved(leased.hold().tokens(), leased.hold().budget());
    leased.hold_mut().sent();
    let leased = &*leased;
    let (Some(provider), Some(candidate)) = (leased.provider(), leased.candidate()) else {
        return Err(AttemptFault::new(
            FaultClass::BadRequest,
            "candidate vanished",
        ));
    };
    let profile = leased.lease().profile();
    account.sending(
        leased.body().len() as u64,
        &provider.id,
        &candidate.model,
        profile,
    );
    let began = Instant::now();
    let mut result = send(gateway, leased, deadline).await;
    let (status, fault, note) = match &result {
        Ok(answer) => {
            let status = answer.status().as_u16();
            (Some(status), None, Cow::Owned(leased.note(answer.note())))
        }
        Err(fault) => (fault.status(), Some(fault.class), fault.note.clone()),
    };
    if let Err(fault) = &mut result {
        account.booked(billed(leased, fault));
        fault.own_key = leased.takes_own_key();
        if fault.is_starting() {
            leased.lease().starting(now());
        }
    }
    account.attempted(Attempt {
        provider: provider.id.clone(),
        model: candidate.model.clone(),
        credential: profile.clone(),
        status,
        fault,
        note,
        micros: micros(began.elapsed()),
    });
    result
}

/// What has been waited for so far; decides what comes next.
#[derive(Default)]
struct Waits {
    repeats_on_credential: u8,
    back_offs: u8,
}

impl Waits {
    fn next(
        &mut self,
        leased: &Leased,
        fault: &AttemptFault,
        deadline: Instant,
        account: &Account,
    ) -> Step {
        let situation = Situation {
            fault: fault.class,
            repeats_on_credential: self.repeats_on_credential,
            credentials_left: leased.has_next_credential(now()),
            candidates_left: leased.has_next_candidate(fault.class),
            back_offs: self.back_offs,
            retry_after: fault.retry_after,
            time_left: deadline.saturating_duration_since(Instant::now()),
        };
        let step = next_step(&situation, jitter(account));
        match step {
            Step::SameCredential { .. } => self.repeats_on_credential += 1,
            Step::BackOff { .. } => self.back_offs += 1,
            _ => self.repeats_on_credential = 0,
        }
        step
    }
}

/// A number from 0 to 1 that differs between requests and attempts.
fn jitter(account: &Account) -> f64 {
    let [.., byte] = *account.id().as_bytes();
    let turned = byte.wrapping_mul(account.attempts().len() as u8 | 1);
    f64::from(turned) / 255.0
}

/// No attempt served: the refusal, and the provider's own answer where that
/// is what the caller should see.
pub(crate) struct Failed {
    refusal: Refusal,
    answer: Option<ProviderAnswer>,
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal,
            answer: None,
        }
    }
}

impl Failed {
    fn exhausted(last: Option<AttemptFault>, account: &Account) -> Self {
        let Some(fault) = last else {
            return Refusal::Internal("no attempt was made").into();
        };
        let refusal = Refusal::Exhausted {
            last: fault.class,
            status: fault.status(),
            retry_after: fault.retry_after,
            message: list_attempts(account.attempts()),
        };
        // What is wrong with the request itself, or with the caller's own
        // credential, the provider says best.
        let own = matches!(
            fault.class,
            FaultClass::BadRequest | FaultClass::ContextOverflow
        );
        Self {
            refusal,
            answer: fault
                .answer
                .filter(|answer| (own || fault.own_key) && !answer.is_foreign),
        }
    }

    fn without_credential(
        permitted: &Permitted,
        none: &tollgate_routing::NoCredential,
        last: Option<AttemptFault>,
        account: &Account,
    ) -> Self {
        if last.is_some() {
            return Self::exhausted(last, account);
        }
        let now = now();
        let provider = permitted.provider().map_or("", |provider| &provider.id);
        let free = none
            .next_free
            .map(|free| Duration::from_millis(free.since(now)));
        Refusal::NoCredential(format!("\"{provider}\": {}", none.describe(now)), free).into()
    }

    fn into_response(self, endpoint: Endpoint, account: Account) -> Response<Body> {
        let Self { refusal, answer } = self;
        let public = refusal.public(endpoint.dialect());
        let mut response = match answer {
            Some(answer) => answer::provider_error(answer),
            None => refusal::answer(&public, endpoint.dialect(), account.id()),
        };
        let headers = response.headers_mut();
        headers.insert(
            names::REASON,
            HeaderValue::from_static(public.reason.as_str()),
        );
        mark(headers, &account);
        account.close_refused(&public, refusal.to_string().into());
        response
    }
}

/// The fields that tell a caller what happened to its request.
fn mark(headers: &mut HeaderMap, account: &Account) {
    headers.insert(names::REQUEST_ID, answer::id_value(account.id()));
    headers.insert(names::ATTEMPTS, HeaderValue::from(account.attempts().len()));
    let Some(last) = account.attempts().last() else {
        return;
    };
    let fields = [
        (names::PROVIDER, &last.provider),
        (names::MODEL, &last.model),
        (names::CREDENTIAL, &last.credential),
    ];
    for (name, text) in fields {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    }
}
