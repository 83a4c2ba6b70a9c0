//! What a person sees of a request to a model.

use tollgate_approvals::{Card, CardCall, CardRule, Digest, visible};
use tollgate_llm::{
    Bound, Gist, bound_input, cache_life, estimate_tokens, most_output, output_shape,
};
use tollgate_scan::Outbound;
use tollgate_types::Money;

use super::{Held, Planned};
use crate::lanes::{Found, Scanning};
use crate::peer::Peer;

/// Longest words of the user that are shown, in characters.
const WORDS: usize = 600;
/// Longest name that is shown, in characters.
const NAME: usize = 120;
/// Most names of one sort that are shown.
const NAMES: usize = 24;

/// The card. Whatever the caller wrote is bounded in it, and what is left out is
/// counted.
pub(super) fn card(
    planned: &Planned,
    peer: &Peer,
    held: &Held,
    digest: Digest,
    gist: Option<Gist>,
) -> Card {
    let tier = held.tier().to_string();
    let who = &planned.identified.agent;
    let run = who.principal().run.as_ref();
    let run = run.map(|run| format!(" in run {}", run.as_str()));
    let unseen = match gist {
        Some(_) => Vec::new(),
        None => vec!["what it says: it is no conversation that can be read".to_owned()],
    };
    let gist = gist.unwrap_or_default();
    Card {
        reason: reason(held),
        agent: format!("{}{}", who.name(), run.unwrap_or_default()),
        requester: peer.remote().to_string(),
        unseen,
        rules: rules(held, &tier),
        call: Some(CardCall {
            asked: name(&planned.asked()),
            endpoint: name(planned.path()),
            models: some(planned.models().iter().map(|model| name(model))),
            size: size(planned, &gist, digest),
            cost: cost(planned),
            tools: some(gist.tools.iter().map(|tool| name(tool))),
            found: some(held.found.iter().map(described)),
            words: gist.words.map(|words| bounded(&words, WORDS)),
        }),
        tier,
        ..Card::default()
    }
}

/// In one line, for lists.
pub(super) fn summary(planned: &Planned, held: &Held) -> String {
    let asked = name(&planned.asked());
    match held.found.first() {
        Some(first) => format!("request to model {asked} with {} in it", first.kind),
        None => format!("request to model {asked}"),
    }
}

/// The gist without what a person need not see either: secrets that stand in it
/// are masked.
pub(super) fn shown(scanning: &Scanning, gist: Option<Gist>) -> Option<Gist> {
    let mut gist = gist?;
    let masked = |text: &mut String| {
        let book = Some(&*scanning.book);
        let report = scanning
            .scanner()
            .outbound(text.as_bytes(), book, Outbound::ALL);
        if !report.findings.is_empty() {
            let masked = tollgate_scan::mask(text.as_bytes(), &report.findings);
            *text = String::from_utf8_lossy(&masked).into_owned();
        }
    };
    gist.tools
        .iter_mut()
        .chain(&mut gist.words)
        .for_each(masked);
    Some(gist)
}

fn reason(held: &Held) -> String {
    let said = held.rule.as_ref().map(|(said, _)| said);
    match (
        said.map(|said| (said.reason(), said.rule())),
        held.found.first(),
    ) {
        (Some(("", rule)), _) => format!("rule {} wants a person to look at it", visible(rule)),
        (Some((reason, _)), _) => visible(reason),
        (None, Some(first)) => format!("`{}` would leave as it is", first.kind),
        (None, None) => String::new(),
    }
}

fn rules(held: &Held, tier: &str) -> Vec<CardRule> {
    let rule = held.rule.as_ref().map(|(said, _)| CardRule {
        rule: visible(said.rule()),
        tier: "MEDIUM".to_owned(),
        reason: visible(said.reason()),
    });
    let found = held.found.first().map(|_| CardRule {
        rule: "outbound_on_match".to_owned(),
        tier: tier.to_owned(),
        reason: "a yes sends it as it is".to_owned(),
    });
    rule.into_iter().chain(found).collect()
}

fn size(planned: &Planned, gist: &Gist, digest: Digest) -> String {
    let messages = match gist.messages {
        0 => String::new(),
        1 => "1 message, ".to_owned(),
        many => format!("{many} messages, "),
    };
    let stream = if planned.view.stream {
        ", streamed"
    } else {
        ""
    };
    let (bytes, digest) = (planned.body.len(), digest.short());
    format!("{messages}{bytes} bytes, sha256 {digest}{stream}")
}

/// Tokens and money, at the dearest candidate.
fn cost(planned: &Planned) -> String {
    if let Some(stated) = planned.through.as_ref().and_then(|it| it.stated) {
        return format!("{} tokens, ${}, as configured", stated.tokens, stated.usd);
    }
    let input = estimate_tokens(planned.body.len() as u64);
    let most: Vec<_> = (0..planned.candidates.len())
        .map(|turn| most(planned, turn))
        .collect();
    let output: Option<u64> = most.iter().map(|(output, _)| *output).try_fold(0, largest);
    let money = most
        .iter()
        .map(|(_, money)| *money)
        .try_fold(Money::ZERO, largest);
    let output = match output {
        Some(output) => format!("up to {output} out"),
        None => "any number out".to_owned(),
    };
    let money = match money {
        Some(money) => format!("at most ${money}"),
        None => "for a price that is not known".to_owned(),
    };
    format!("about {input} tokens in, {output}; {money}")
}

fn largest<T: Ord>(one: T, other: Option<T>) -> Option<T> {
    other.map(|other| one.max(other))
}

/// The most output of one candidate, and the most that it can cost.
fn most(planned: &Planned, turn: usize) -> (Option<u64>, Option<Money>) {
    let snapshot = &planned.identified.snapshot;
    let Some(candidate) = planned.candidates.get(turn) else {
        return (None, None);
    };
    let provider = snapshot.routes.provider(candidate.provider);
    let facts = snapshot.catalog.facts(provider, &candidate.model);
    let defaults = planned.identified.agent.spec().defaults.max_tokens;
    let cap = defaults.or(snapshot.output_cap);
    let cap = cap.filter(|_| planned.through.is_none());
    let (endpoint, view, body) = (planned.endpoint, &planned.view, &planned.body);
    let each = most_output(endpoint, view, &facts, cap);
    let output = each.map(|each| output_shape(endpoint, view, body).tokens(each));
    let money = match bound_input(endpoint, body, &facts) {
        Bound::Tokens(input) => output.and_then(|it| facts.bound(input, it, cache_life(body))),
        Bound::None(_) => None,
    };
    (output, money)
}

fn described(found: &Found) -> String {
    let times = match found.count {
        1 => String::new(),
        count => format!(", {count} times"),
    };
    format!("{} in {}{times}", found.kind, found.place)
}

fn name(text: &str) -> String {
    bounded(text, NAME)
}

/// Made visible, and cut where it is too long, with a word about how much.
fn bounded(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => visible(text),
        Some((end, _)) => {
            let more = text[end..].chars().count();
            format!("{}… ({more} more characters)", visible(&text[..end]))
        }
    }
}

/// So many of them, with a word about the others.
fn some(names: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let more = names.len().saturating_sub(NAMES);
    let more = (more > 0).then(|| format!("and {more} more"));
    names.take(NAMES).chain(more).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_cut_without_a_word_and_nothing_is_invisible() {
        assert_eq!(bounded("plain", 5), "plain");
        assert_eq!(bounded("a\u{1b}[2K", 9), "a⟨ESC⟩[2K");
        assert_eq!(bounded(&"ü".repeat(7), 5), "üüüüü… (2 more characters)");
        let names = (0..NAMES + 3).map(|it| it.to_string());
        let shown = some(names);
        assert_eq!(shown.len(), NAMES + 1);
        assert_eq!(shown.last().unwrap(), "and 3 more");
    }
}
