//! What a person sees of a judged command.

use tollgate_approvals::{Card, CardRule, Proposal, Rule, Words, visible};
use tollgate_command::{Direction, Sight, Step};

use crate::claim::Asker;
use crate::subject::Judged;
use tollgate_api::ExecRequest;

/// Past commands that a card shows beside a proposed rule.
const MOST_COMPARED: usize = 3;

/// The card, without advice.
pub(crate) fn card(
    asker: &Asker,
    request: &ExecRequest,
    judged: &Judged,
    proposal: Option<Proposal>,
) -> Card {
    let (verdict, command) = (&judged.verdict, &judged.command);
    let mut unseen = judged.survey.unseen.clone();
    let hidden = verdict.findings.iter();
    let hidden = hidden.filter(|finding| finding.sight == Sight::Opaque);
    unseen.extend(hidden.map(|finding| visible(&finding.reason)));
    unseen.dedup();
    Card {
        tier: verdict.tier.to_string(),
        known: verdict.sight.name().to_owned(),
        reason: visible(&verdict.reason),
        agent: command.agent.to_string(),
        requester: asker.process(),
        raw: judged.raw.as_deref().map(visible),
        commands: commands(judged),
        folder: visible(&command.folder.path),
        place: visible(&command.place),
        lacks: command.lacks.iter().map(|it| visible(it)).collect(),
        environment: environment(judged),
        files: judged.survey.shown.clone(),
        absent: judged.survey.absent.clone(),
        touches: touches(&verdict.steps),
        hosts: hosts(&verdict.steps),
        unseen,
        rules: rules(judged),
        claims: claims(asker, request),
        advice: None,
        proposal,
        call: None,
    }
}

/// The command in one line, nothing invisible in it, nothing cut.
pub(crate) fn summary(judged: &Judged) -> String {
    match &judged.command.words {
        Words::Text(text) => visible(text.trim()),
        Words::Plan(plan) => {
            let commands = plan.iter().map(|argv| {
                let words: Vec<String> = argv.iter().map(|word| quoted(word)).collect();
                words.join(" ")
            });
            commands.collect::<Vec<_>>().join(" | ")
        }
    }
}

/// What would run, wrappers unwrapped; where nothing could be read, nothing.
fn commands(judged: &Judged) -> Vec<Vec<String>> {
    let steps = judged.verdict.steps.iter();
    let steps = steps.filter(|step| !step.argv.is_empty() || !step.assignments.is_empty());
    let shown = steps.map(|step| {
        let set = step.assignments.iter();
        let set = set.map(|(name, value)| visible(&format!("{name}={}", value.text)));
        set.chain(step.argv.iter().map(|word| visible(&word.text)))
            .collect()
    });
    let shown: Vec<Vec<String>> = shown.collect();
    match &judged.command.words {
        // It could not be read, but it is known to the letter.
        Words::Plan(plan) if shown.is_empty() => {
            let words = |argv: &Vec<String>| argv.iter().map(|it| visible(it)).collect();
            plan.iter().map(words).collect()
        }
        _ => shown,
    }
}

fn environment(judged: &Judged) -> Vec<String> {
    let changes = judged.command.environment.iter();
    let shown = changes.map(|(name, value)| match value {
        Some(value) => visible(&format!("{name}={value}")),
        None => format!("{} removed", visible(name)),
    });
    shown.collect()
}

fn rules(judged: &Judged) -> Vec<CardRule> {
    let mut rules: Vec<CardRule> = Vec::new();
    for finding in &judged.verdict.findings {
        let rule = CardRule {
            rule: finding.rule.clone(),
            tier: finding.tier.to_string(),
            reason: visible(&finding.reason),
        };
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    rules
}

/// What the requester says of itself.
fn claims(asker: &Asker, request: &ExecRequest) -> Vec<String> {
    let mut claims = Vec::new();
    if !asker.proven {
        claims.push(format!("it is agent {}", asker.named));
    }
    let said = [
        ("host", &request.host),
        ("security", &request.security),
        ("ask", &request.ask),
        ("reason", &request.reason),
    ];
    for (what, text) in said {
        if let Some(text) = text {
            claims.push(format!("{what}: {}", visible(text)));
        }
    }
    claims
}

/// Files behind redirections, and words that are paths.
fn touches(steps: &[Step]) -> Vec<String> {
    let mut touched = Vec::new();
    for step in steps {
        let files = step.redirects.iter().map(|redirect| {
            let sign = match redirect.direction {
                Direction::Read => "<",
                Direction::Write => ">",
                Direction::Append => ">>",
                Direction::Both => "<>",
            };
            format!("{sign} {}", visible(&redirect.file.text))
        });
        let words = step.argv.iter().skip(1).map(|word| word.text.as_str());
        let paths = words.filter(|word| is_path(word)).map(visible);
        for touch in files.chain(paths) {
            if !touched.contains(&touch) {
                touched.push(touch);
            }
        }
    }
    touched
}

fn is_path(word: &str) -> bool {
    !word.starts_with('-')
        && !word.contains("://")
        && !word.contains([' ', '\n'])
        && (word.contains('/') || word == "." || word == ".." || word.starts_with('~'))
}

fn hosts(steps: &[Step]) -> Vec<String> {
    let words = steps.iter().flat_map(|step| &step.argv);
    let mut hosts: Vec<String> = Vec::new();
    for host in words.filter_map(|word| host_of(&word.text)) {
        let host = visible(host);
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}

/// The authority of a URL, or the host of `user@host:path`.
fn host_of(word: &str) -> Option<&str> {
    if let Some((_, rest)) = word.split_once("://") {
        let end = rest
            .find(['/', '?', '#', ' ', '\'', '"'])
            .unwrap_or(rest.len());
        return Some(&rest[..end]).filter(|host| !host.is_empty());
    }
    let (user, rest) = word.split_once('@')?;
    let plain = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    let host = rest.split(':').next().unwrap_or(rest);
    (plain(user) && plain(host)).then_some(host)
}

/// As a shell would want it, for the one line.
fn quoted(word: &str) -> String {
    let bare = |one: char| one.is_ascii_alphanumeric() || "-_./:=@,+%~^".contains(one);
    match !word.is_empty() && word.chars().all(bare) {
        true => word.to_owned(),
        false => format!("'{}'", visible(word).replace('\'', r"'\''")),
    }
}

/// The rules that `allow-always` would keep, and how the card shows them, held
/// against what the agent asked for before.
pub(crate) fn proposal(judged: &Judged, past: &[String]) -> (Vec<Rule>, Option<Proposal>) {
    let mut rules = Vec::new();
    let proposals = tollgate_command::propose(&judged.verdict);
    for proposed in &proposals {
        let evidence = judged.survey.evidence.iter();
        let own = evidence.filter(|one| one.step == proposed.step);
        let binary = own
            .clone()
            .find(|one| one.role == tollgate_command::Role::Binary);
        let Some(binary) = binary else {
            return (Vec::new(), None);
        };
        let scripts = own.filter(|one| one.role != tollgate_command::Role::Binary);
        let scripts = scripts.map(|one| tollgate_approvals::BoundScript {
            path: one.path.clone(),
            sha256: one.sha256.map(tollgate_approvals::Digest::from_bytes),
        });
        let id = crate::chance().map(|bytes| tollgate_approvals::Digest::of(&bytes).short());
        rules.push(Rule {
            id: id.unwrap_or_default(),
            pattern: proposed.pattern.to_string(),
            last_used_at: None,
            resolved_path: Some(binary.path.clone()),
            scripts: scripts.collect(),
        });
    }
    if rules.is_empty() {
        return (rules, None);
    }
    let patterns: Vec<_> = rules.iter().map(|rule| visible(&rule.pattern)).collect();
    let (would_allow, would_not_allow) = compared(&proposals, past);
    let proposal = Proposal {
        pattern: patterns.join("  and  "),
        would_allow,
        would_not_allow,
    };
    (rules, Some(proposal))
}

/// Which past commands the patterns would have allowed, and which others of
/// the same programs they would not have.
fn compared(
    proposals: &[tollgate_command::Proposal],
    past: &[String],
) -> (Vec<String>, Vec<String>) {
    let (mut would, mut would_not) = (Vec::new(), Vec::new());
    let full = |list: &Vec<String>| list.len() >= MOST_COMPARED;
    let named = |command: &&String| {
        let mut programs = proposals.iter().map(|it| it.pattern.program());
        programs.any(|program| command.contains(program))
    };
    for command in past.iter().filter(named) {
        if full(&would) && full(&would_not) {
            break;
        }
        // Wild text, which the agent wrote, is not worth a process here.
        let setting = tollgate_command::Setting::default();
        let Some(verdict) = tollgate_command::judge_tame(command, &setting) else {
            continue;
        };
        let programs = || verdict.steps.iter().filter_map(|step| step.argv.first());
        let same = |proposal: &&tollgate_command::Proposal| {
            programs().any(|program| program.text == proposal.pattern.program())
        };
        let Some(proposal) = proposals.iter().find(same) else {
            continue;
        };
        let list = match proposal.pattern.would_allow(&verdict) {
            true => &mut would,
            false => &mut would_not,
        };
        if !full(list) {
            list.push(visible(command));
        }
    }
    (would, would_not)
}
