//! The card as lines of text, for every surface that has nothing better.

use crate::{Card, CardCall, CardFile, Role};

/// Width of the words on the left.
const LABEL: usize = 10;
/// Narrowest card.
const NARROWEST: usize = 30;

impl Card {
    /// The card as lines of at most `width` columns. Long lines go on below
    /// themselves; nothing is left out. The first line has tier and reason.
    pub fn lines(&self, width: usize) -> Vec<String> {
        let mut out = Page {
            width: width.max(NARROWEST),
            lines: Vec::new(),
        };
        out.wrapped(0, &self.first());
        out.part(
            "agent",
            [format!("{}, asked by {}", self.agent, self.requester)],
        );
        out.part("it claims", &self.claims);
        match &self.call {
            Some(call) => call.parts(&mut out),
            None => self.command(&mut out),
        }
        out.part("not seen", &self.unseen);
        let rules = self.rules.iter();
        out.part(
            "rules",
            rules.map(|it| format!("{} {}: {}", it.tier, it.rule, it.reason)),
        );
        if let Some(advice) = &self.advice {
            let text = format!(
                "{} says {}: {}",
                advice.model, advice.verdict, advice.reason
            );
            out.part("judge", [text]);
        }
        self.always(&mut out);
        out.lines
    }

    /// Tier and reason.
    fn first(&self) -> String {
        match &*self.known {
            "" => format!("{}: {}", self.tier, self.reason),
            known => format!("{} ({known}): {}", self.tier, self.reason),
        }
    }

    fn command(&self, out: &mut Page) {
        self.commands(out);
        if let Some(raw) = &self.raw {
            out.part("as given", [raw]);
        }
        out.part("folder", [&self.folder]);
        out.part("runs in", [self.place()]);
        out.part("changes", &self.environment);
        for file in &self.files {
            out.part(role(file.role), [described(file)]);
        }
        out.part("not there", together(&self.absent));
        out.part("touches", together(&self.touches));
        out.part("hosts", together(&self.hosts));
    }

    /// One argument a line.
    fn commands(&self, out: &mut Page) {
        let several = self.commands.len() > 1;
        for (place, argv) in self.commands.iter().enumerate() {
            let label = match several {
                true => format!("command {}", place + 1),
                false => "command".to_owned(),
            };
            let words = argv.iter().map(|word| match word.is_empty() {
                true => "''",
                false => word,
            });
            out.part(&label, words);
        }
        if self.commands.is_empty() {
            out.part("command", ["could not be read; it runs as given"]);
        }
    }

    fn place(&self) -> String {
        match self.lacks.is_empty() {
            true => self.place.clone(),
            false => format!("{}, without {}", self.place, self.lacks.join(", ")),
        }
    }

    fn always(&self, out: &mut Page) {
        let Some(proposal) = &self.proposal else {
            return;
        };
        out.part("always", [&proposal.pattern]);
        let past = |what: &str, commands: &[String]| {
            (!commands.is_empty()).then(|| format!("{what} {}", commands.join("; ")))
        };
        let lines = [
            past("would have allowed", &proposal.would_allow),
            past("but not", &proposal.would_not_allow),
        ];
        out.part("", lines.into_iter().flatten());
    }
}

impl CardCall {
    fn parts(&self, out: &mut Page) {
        out.part("model", [format!("{} at {}", self.asked, self.endpoint)]);
        out.part("goes to", together(&self.models));
        out.part("size", [&self.size]);
        out.part("may use", [&self.cost]);
        out.part("tools", together(&self.tools));
        out.part("found", &self.found);
        out.part("it says", &self.words);
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Binary => "binary",
        Role::Script => "script",
        Role::Link => "link",
        Role::Other => "file",
        Role::Absent => "not there",
    }
}

fn described(file: &CardFile) -> String {
    let who = match file.changeable {
        Some(true) => "the agent could have changed it",
        Some(false) => "not the agent's to change",
        None => "not known who can change it",
    };
    let path = crate::visible(&file.path);
    format!("{path} {}, {who}", file.sha256.short())
}

/// On as few lines as they need.
fn together(items: &[String]) -> Option<String> {
    (!items.is_empty()).then(|| items.join("  "))
}

struct Page {
    width: usize,
    lines: Vec<String>,
}

impl Page {
    /// A label and what belongs to it; nothing where there is nothing.
    fn part<T: AsRef<str>>(&mut self, label: &str, texts: impl IntoIterator<Item = T>) {
        let mut label = label;
        for text in texts {
            let first = self.lines.len();
            self.wrapped(LABEL + 1, text.as_ref());
            if let Some(line) = self.lines.get_mut(first) {
                let rest = line.split_off(LABEL + 1);
                *line = format!("{label:<LABEL$} {rest}");
            }
            label = "";
        }
    }

    /// Broken at spaces where there are some, anywhere else where not.
    fn wrapped(&mut self, indent: usize, text: &str) {
        let room = self.width - indent;
        let mut rest = text;
        loop {
            let fits = fitting(rest, room);
            let (line, more) = match fits < rest.len() {
                false => (rest, None),
                true => {
                    let at_space = rest[..fits].rfind(' ').filter(|at| *at > fits / 2);
                    let end = at_space.map_or(fits, |at| at + 1);
                    (&rest[..end], Some(&rest[end..]))
                }
            };
            self.lines.push(format!("{:indent$}{line}", ""));
            match more {
                Some(more) => rest = more,
                None => return,
            }
        }
    }
}

/// Bytes of the text that fit into so many columns; one character at least.
fn fitting(text: &str, columns: usize) -> usize {
    let mut used = 0;
    for (at, one) in text.char_indices() {
        // East Asian characters take two columns.
        used += if u32::from(one) >= 0x1100 && !"⟨⟩…–—".contains(one) {
            2
        } else {
            1
        };
        if used > columns {
            return at.max(one.len_utf8().min(text.len()));
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Advice, CardRule, Digest, Proposal};

    fn whole() -> Card {
        let file = |role, path: &str, changeable| CardFile {
            role,
            path: path.to_owned(),
            sha256: Digest::of(path.as_bytes()),
            changeable,
        };
        Card {
            tier: "MEDIUM".into(),
            known: "known".into(),
            reason: "`npm` runs a task of the project".into(),
            agent: "ci-bot".into(),
            requester: "uid 1000, process 7 (node)".into(),
            raw: Some("npm test 2>&1".into()),
            commands: vec![vec!["npm".into(), "test".into()]],
            folder: "/home/u/shop".into(),
            place: "sandbox:bubblewrap".into(),
            lacks: vec!["seccomp".into()],
            environment: vec!["CI=1".into(), "DEBUG removed".into()],
            files: vec![
                file(Role::Binary, "/usr/bin/npm", Some(false)),
                file(Role::Script, "/home/u/shop/package.json", Some(true)),
                file(Role::Other, "/home/u/.npmrc", None),
            ],
            absent: vec!["/home/u/shop/.npmrc".into()],
            touches: vec!["./out".into(), "> log".into()],
            hosts: vec!["packages.shop.example".into()],
            unseen: vec!["what `package.json` runs in turn".into()],
            rules: vec![CardRule {
                rule: "task".into(),
                tier: "MEDIUM".into(),
                reason: "`npm` runs a task of the project".into(),
            }],
            claims: vec!["reason: tests before the release".into()],
            advice: Some(Advice {
                model: "demo".into(),
                verdict: "ask".into(),
                reason: "it runs code".into(),
            }),
            proposal: Some(Proposal {
                pattern: "npm test".into(),
                would_allow: vec!["npm test".into()],
                would_not_allow: vec!["npm publish".into()],
            }),
            call: None,
        }
    }

    #[test]
    fn a_request_to_a_model_is_shown_as_one() {
        let card = Card {
            tier: "MEDIUM".into(),
            reason: "reserved for release agents".into(),
            agent: "ci-bot".into(),
            requester: "127.0.0.1:50212".into(),
            rules: vec![CardRule {
                rule: "models.star:2".into(),
                tier: "MEDIUM".into(),
                reason: "reserved for release agents".into(),
            }],
            call: Some(CardCall {
                asked: "opus-large".into(),
                endpoint: "/v1/messages".into(),
                models: vec!["anthropic/claude-opus".into(), "google/gemini".into()],
                size: "3 messages, 12040 bytes, sha256 58e8be37049d".into(),
                cost: "about 3010 tokens in, up to 4096 out; at most $0.35".into(),
                tools: vec!["bash".into(), "write_file".into()],
                found: vec!["github-token in messages[2].content".into()],
                words: Some("now release it".into()),
            }),
            ..Card::default()
        };
        insta::assert_snapshot!(card.lines(80).join("\n"));
    }

    #[test]
    fn a_card_shows_each_of_its_parts_and_fits_a_screen() {
        let lines = whole().lines(80);
        insta::assert_snapshot!(lines.join("\n"));
        assert!(lines.len() <= 24, "{}", lines.len());
        assert!(lines.iter().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn nothing_of_a_long_card_is_cut() {
        let mut card = whole();
        let long: String = ('a'..='z').cycle().take(1_000).collect();
        card.commands = vec![vec!["echo".into(), long.clone()], vec![String::new()]];
        for width in [20, 30, 80, 200] {
            let lines = card.lines(width);
            let all: String = lines.iter().map(|line| line.trim()).collect();
            assert!(all.contains(&long), "{width}");
            assert!(
                lines
                    .iter()
                    .all(|line| line.chars().count() <= width.max(NARROWEST))
            );
            assert!(lines.iter().any(|line| line.ends_with("''")));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_wrapped_whole(text in "\\PC{0,300}", width in 0_usize..120) {
            let card = Card { folder: text.clone(), ..Card::default() };
            let all: String = card.lines(width).concat();
            let squeezed = |text: &str| text.replace(' ', "");
            assert!(squeezed(&all).contains(&squeezed(&text)));
        }
    }
}
