use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use tollgate_policy::{Decision, Fact, Facts};

/// Calls that are remembered, at most.
const PLACES: usize = 1024;

/// Largest call that is, in bytes of text and 16 for each value: together with
/// [`PLACES`] the bound of the memory, some 4 MiB.
const LARGEST: usize = 2048;

/// What steady rules said, by the whole call but the moment.
///
/// A place holds one call; another one that falls into it takes it over. A hit
/// is proven by comparing every fact, so that a digest that somebody makes
/// collide costs an evaluation and decides nothing. There is nothing to expire:
/// the memory goes with its judge.
pub(crate) struct Memory {
    places: Box<[ArcSwapOption<Known>]>,
}

struct Known {
    facts: Facts<'static>,
    decision: Decision,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            places: (0..PLACES).map(|_| ArcSwapOption::empty()).collect(),
        }
    }
}

impl Memory {
    /// Where a call belongs; none for one that is too large.
    pub(crate) fn place(&self, facts: &Facts<'_>) -> Option<usize> {
        let mut digest = Digest {
            hasher: DefaultHasher::new(),
            left: LARGEST,
        };
        digest.call(facts)?;
        usize::try_from(digest.hasher.finish() % PLACES as u64).ok()
    }

    pub(crate) fn known(&self, place: usize, facts: &Facts<'_>) -> Option<Decision> {
        let known = self.places.get(place)?.load();
        let known = known.as_ref()?;
        let same = known.facts.same_but_for_the_moment(facts);
        same.then(|| known.decision.clone())
    }

    /// Keeps what a rule said. What kept rules from being asked is not theirs
    /// and is over with the moment.
    pub(crate) fn keep(&self, place: usize, facts: &Facts<'_>, decision: &Decision) {
        if &**decision.rule() == "policy" {
            return;
        }
        if let Some(place) = self.places.get(place) {
            place.store(Some(Arc::new(Known {
                facts: facts.clone().into_owned(),
                decision: decision.clone(),
            })));
        }
    }
}

/// A digest of what tells calls apart, and what is left of [`LARGEST`]. Facts
/// that hold for every call of an agent are weighed and not digested.
struct Digest {
    hasher: DefaultHasher,
    left: usize,
}

impl Digest {
    fn call(&mut self, facts: &Facts<'_>) -> Option<()> {
        let context = &facts.context;
        self.text(&facts.tool)?;
        self.text(&context.agent_id)?;
        self.fact(&facts.args)?;
        for text in [
            &context.domain,
            &context.tier,
            &context.run,
            &context.bottle,
        ] {
            self.text(text.as_deref().unwrap_or_default())?;
        }
        for (name, fact) in context.claims.iter().chain(&context.extra) {
            self.text(name)?;
            self.fact(fact)?;
        }
        // Beside these stand the agent's own domains, shared with the snapshot.
        let lists: usize = context.domain_lists.len() * 16;
        let taint: usize = context.taint.iter().map(|it| it.source.len() + 64).sum();
        self.weigh(lists + taint)
    }

    fn fact(&mut self, fact: &Fact<'_>) -> Option<()> {
        match fact {
            Fact::Nothing => self.weigh(16),
            Fact::Flag(flag) => self.number(u64::from(*flag)),
            Fact::Whole(number) => self.number(number.unsigned_abs()),
            // 0.0 and -0.0 are equal and not the same.
            Fact::Number(_) => None,
            Fact::Text(text) => self.text(text),
            Fact::List(list) => list.iter().try_for_each(|item| self.fact(item)),
            Fact::Map(pairs) => pairs.iter().try_for_each(|(name, fact)| {
                self.weigh(name.len())?;
                self.fact(fact)
            }),
        }
    }

    fn text(&mut self, text: &str) -> Option<()> {
        self.weigh(text.len() + 16)?;
        text.hash(&mut self.hasher);
        Some(())
    }

    fn number(&mut self, number: u64) -> Option<()> {
        self.weigh(16)?;
        self.hasher.write_u64(number);
        Some(())
    }

    fn weigh(&mut self, bytes: usize) -> Option<()> {
        self.left = self.left.checked_sub(bytes)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use tollgate_policy::{Engine, Verdict};
    use tollgate_types::UnixMillis;

    use super::*;
    use crate::judge::{Judge, Kind};
    use crate::serve::proven;

    fn judge(text: &str) -> Judge {
        let files = [("test.star".to_owned(), text.to_owned())];
        let engine = Engine::load(&files, &mut |_| Err("none".to_owned())).unwrap();
        let proven = proven(&engine);
        Judge::new(Kind::Here(engine), &proven, Vec::new())
    }

    fn facts(json: &str) -> Facts<'static> {
        Facts::from_json(json.as_bytes()).unwrap()
    }

    /// The memory has the call, or has not.
    fn knows(judge: &Judge, facts: &Facts<'_>) -> bool {
        let memory = judge.memory().unwrap();
        let place = memory.place(facts);
        place.is_some_and(|place| memory.known(place, facts).is_some())
    }

    #[tokio::test]
    async fn a_call_that_comes_again_gets_the_same_word_whatever_the_moment() {
        let judge = Judge::shipped().unwrap();
        let mut call = facts(
            r#"{"tool":"model","args":{"model":"m","choices":1},"context":{"agent_id":"a","time":5}}"#,
        );
        assert!(judge.is_steady() && !knows(&judge, &call));
        let said = judge.decide(&call).await;
        assert!(knows(&judge, &call));
        call.context.time = UnixMillis(1_000_000);
        call.context.budget_left = Some(7);
        assert!(knows(&judge, &call));
        assert_eq!(judge.decide(&call).await, said);
    }

    #[tokio::test]
    async fn every_fact_but_the_moment_tells_calls_apart() {
        let judge = Judge::shipped().unwrap();
        let call = r#"{"tool":"http","args":{"method":"POST"},"context":{"agent_id":"a"}}"#;
        assert_eq!(judge.decide(&facts(call)).await.verdict(), Verdict::Allow);
        for (context, verdict) in [
            (
                r#""taint":["untrusted_content","secret_seen"]"#,
                Verdict::Review,
            ),
            (
                r#""domain":"x.example","agent_denied_domains":["example"]"#,
                Verdict::Deny,
            ),
            (
                r#""domain":"x.example","agent_allowed_domains":["y.example"]"#,
                Verdict::Deny,
            ),
        ] {
            let other = call.replace(r#""agent_id":"a""#, &format!(r#""agent_id":"a",{context}"#));
            assert!(!knows(&judge, &facts(&other)), "{context}");
            assert_eq!(
                judge.decide(&facts(&other)).await.verdict(),
                verdict,
                "{context}"
            );
        }
        for context in [
            r#""run":"r""#,
            r#""bottle":"b""#,
            r#""tier":"LOW""#,
            r#""domain_lists":["x"]"#,
            r#""plane":"hook""#,
            r#""claims":{"x":1}"#,
            r#""team":"x""#,
        ] {
            let other = call.replace(r#""agent_id":"a""#, &format!(r#""agent_id":"a",{context}"#));
            assert!(!knows(&judge, &facts(&other)), "{context}");
        }
    }

    #[tokio::test]
    async fn a_rule_that_reads_the_moment_is_asked_every_time() {
        let evaluate = "def evaluate(tool, args, context):\n    return ";
        let late = "context[\"time\"] > 5";
        for text in [
            format!("{evaluate}\"deny\" if {late} else \"allow\"\n"),
            format!(
                "{evaluate}f(context)\ndef f(c):\n    return \"deny\" if c[\"time\"] > 5 else \"allow\"\n"
            ),
            format!(
                "rule(verdict = \"deny\", when = lambda tool, args, context: {late})\n{evaluate}\"allow\"\n"
            ),
            format!(
                "rule(verdict = \"deny\", where = {{\"context.time\": 6}})\n{evaluate}\"allow\"\n"
            ),
            format!(
                "rule(verdict = \"deny\", where = {{\"context.budget_left\": 0}})\n{evaluate}\"deny\" if {late} else \"allow\"\n"
            ),
        ] {
            let judge = judge(&text);
            assert!(!judge.is_steady(), "{text}");
            let mut call = facts(r#"{"tool":"model","context":{"time":5}}"#);
            assert_eq!(
                judge.decide(&call).await.verdict(),
                Verdict::Allow,
                "{text}"
            );
            call.context.time = UnixMillis(6_000);
            assert_eq!(judge.decide(&call).await.verdict(), Verdict::Deny, "{text}");
        }
    }

    #[tokio::test]
    async fn a_budget_that_runs_out_is_seen_at_once() {
        let judge = judge(
            "def evaluate(tool, args, context):\n    return \"deny\" if context[\"budget_left\"] == 0 else \"allow\"\n",
        );
        let mut call = facts(r#"{"tool":"model","context":{"budget_left":1}}"#);
        assert!(judge.decide(&call).await.is_allowed());
        call.context.budget_left = Some(0);
        assert!(!judge.decide(&call).await.is_allowed());
    }

    #[test]
    fn large_calls_are_not_kept() {
        let memory = Memory::default();
        let mut call = Facts {
            args: Fact::Text("x".repeat(LARGEST / 2).into()),
            ..Facts::default()
        };
        assert!(memory.place(&call).is_some());
        call.args = Fact::List(vec![Fact::Nothing; LARGEST / 16]);
        assert!(memory.place(&call).is_none());
    }

    #[tokio::test]
    async fn no_answer_is_not_remembered() {
        let memory = Memory::default();
        let call = facts(r#"{"tool":"x"}"#);
        let place = memory.place(&call).unwrap();
        memory.keep(
            place,
            &call,
            &Decision::failed(&tollgate_policy::Failure::Busy),
        );
        assert!(memory.known(place, &call).is_none());
    }
}
