use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tollgate_api::{ExecOutcome, ExecRequest};
use tollgate_approvals::{GrantPublicKey, Ruling, SafeTier, Subject, visible};
use tollgate_desk::Room;
use tollgate_policy::{Decision, Fact, Verdict};
use tollgate_secrets::GrantKey;
use tollgate_types::Versions;

use crate::card;
use crate::case::{Case, Denial, Yes, denied};
use crate::claim::{Asker, Facts, Peer, Wish};
use crate::journal::After;
use crate::subject::{self, Judged};
use crate::{House, Journal, Rulebook};

/// Commands judged at once: each may read files.
const AT_ONCE: usize = 8;
/// Most steps of a command that policy is asked about, one by one.
const MOST_STEPS: usize = 64;

/// What the operator configured.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// The model that judges LOW.
    pub judge: Option<String>,
    /// LOW is asked about where no model says.
    pub ask_low: bool,
    /// Commands run in a sandbox, or not at all.
    pub sandbox: bool,
    /// Folders and files of the guard itself.
    pub guarded: Vec<String>,
    /// `PATH` of the gateway: which program a name usually stands for.
    pub search: String,
}

/// The command plane.
pub struct Clearance {
    pub(crate) house: Arc<dyn House>,
    pub(crate) rulebook: Arc<Rulebook>,
    pub(crate) room: Room,
    pub(crate) journal: Arc<Journal>,
    pub(crate) key: GrantKey,
    pub(crate) terms: arc_swap::ArcSwap<Terms>,
    judging: Semaphore,
}
impl Clearance {
    /// The plane, put together.
    pub fn new(
        house: Arc<dyn House>,
        rulebook: Arc<Rulebook>,
        room: Room,
        journal: Arc<Journal>,
        key: GrantKey,
        terms: Terms,
    ) -> Self {
        Self {
            house,
            rulebook,
            room,
            journal,
            key,
            terms: arc_swap::ArcSwap::from_pointee(terms),
            judging: Semaphore::new(AT_ONCE),
        }
    }

    /// Where questions wait.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// Other terms, from the next command on.
    pub fn replace(&self, terms: Terms) {
        self.terms.store(Arc::new(terms));
    }

    /// The half of the key that checks grants.
    pub fn public_key(&self) -> GrantPublicKey {
        GrantPublicKey::from_bytes(self.key.public())
    }

    /// Writes down what became of a grant.
    pub(crate) async fn after(&self, after: After) -> Result<(), String> {
        let versions = self.house.versions();
        self.journal.after(after, versions).await
    }

    pub(crate) fn house(&self) -> &dyn House {
        &*self.house
    }

    /// The whole path of a command, from the request to a signed grant or a no.
    /// `tell` hears each time that it waits or rises.
    pub(crate) async fn clear(
        &self,
        peer: Peer,
        request: ExecRequest,
        tell: impl Fn(ExecOutcome) + Send,
    ) -> ExecOutcome {
        let asker = match Asker::identify(self.house(), peer, &request) {
            Ok(asker) => asker,
            Err(denial) => return denied(denial, None, None),
        };
        let versions = self.house.versions();
        let (asker, request) = (Arc::new(asker), Arc::new(request));
        let judged = match self.judge(&asker, &request, &versions).await {
            Ok(judged) => judged,
            Err(denial) => return denied(denial, None, None),
        };
        let subject = Subject::Command(judged.command.clone());
        let case = Case {
            asker: &asker,
            request: &request,
            judged: &judged,
            subject: &subject,
            versions: &versions,
        };
        let said = match self.decide(&case, tell).await {
            Ok(yes) => self.grant(&case, yes).await,
            Err(denial) => Err(denial),
        };
        match said {
            Ok(allowed) => allowed,
            Err(denial) => self.refuse(&case, denial).await,
        }
    }

    /// Judging reads files, so it has threads of its own, and not too many.
    async fn judge(
        &self,
        asker: &Arc<Asker>,
        request: &Arc<ExecRequest>,
        versions: &Versions,
    ) -> Result<Judged, Denial> {
        let failed = |_| Denial::new("failed", "the command could not be judged");
        let place = self.judging.acquire().await;
        let _place = place.map_err(|_| Denial::new("failed", "the gateway is stopping"))?;
        let (by, what) = (Arc::clone(asker), Arc::clone(request));
        let terms = self.terms.load_full();
        let under = Arc::clone(&terms);
        let prepare = move || subject::prepared(&by, &what, &under);
        let prepared = spawn_blocking(prepare).await.map_err(failed)??;
        let verdict = subject::verdict(self.house.commands(), &prepared, request).await;
        let (by, what) = (Arc::clone(asker), Arc::clone(request));
        let versions = versions.clone();
        let survey = move || subject::surveyed(&by, &what, &terms, &versions, prepared, verdict);
        spawn_blocking(survey).await.map_err(failed)?
    }

    /// Where it would run has to be where the operator wants it. That it runs
    /// there is the executor's word, like everything that it will do.
    fn placed(&self, case: &Case<'_>) -> Result<(), Denial> {
        let place = &*case.judged.command.place;
        let host = place.split(':').next().unwrap_or_default();
        match (host, self.terms.load().sandbox) {
            ("sandbox", _) | ("gateway", false) => Ok(()),
            ("gateway", true) => {
                let text = "commands run in a sandbox here, this one would run beside the gateway";
                let hint = "`tollgate exec --sandbox` runs it in one".to_owned();
                Err(Denial::new("security", text).hint(hint))
            }
            (other, _) => Err(Denial::bad(format!(
                "place is `{}`, expected `gateway` or `sandbox:` and a back end",
                visible(other)
            ))),
        }
    }

    /// Policy, then the matrix, then whoever has to be asked.
    async fn decide(
        &self,
        case: &Case<'_>,
        tell: impl Fn(ExecOutcome) + Send,
    ) -> Result<Yes, Denial> {
        let wish = Wish::read(case.request)?;
        self.placed(case)?;
        let policy = self.policy(case).await;
        if policy.verdict() == Verdict::Deny {
            let text = format!("rule {}: {}", policy.rule(), policy.reason());
            let rule = Some(policy.rule().clone());
            return Err(Denial {
                rule,
                ..Denial::new("policy", text)
            });
        }
        let (ruling, rules) = self.ruling(case, &wish);
        let ruling = match policy.is_allowed() {
            true => ruling,
            false => ruling.max(Ruling::Ask),
        };
        let yes = match ruling {
            Ruling::Deny => return Err(self.out_of_the_question(case)),
            Ruling::Allow => self.allowed(case, rules),
            Ruling::Judge => self.low(case, &tell, &policy).await?,
            Ruling::Ask => self.ask(case, &tell, &policy, !rules.is_empty()).await?,
        };
        Ok(Yes {
            policy: Some(policy.rule().clone()),
            ..yes
        })
    }

    /// Each command of the text is put to the rules; the strictest word counts.
    async fn policy(&self, case: &Case<'_>) -> Decision {
        let text = card::summary(case.judged);
        let steps = &case.judged.verdict.steps;
        let whole: Vec<Vec<&str>> = match steps.len() {
            0 => vec![vec!["bash", "-c", &text]],
            _ => steps
                .iter()
                .take(MOST_STEPS)
                .map(|step| step.argv.iter().map(|word| word.text.as_str()).collect())
                .collect(),
        };
        let mut strictest: Option<Decision> = None;
        for argv in whole {
            let argv = Fact::List(argv.into_iter().map(Fact::text).collect());
            let args = Fact::map([
                ("argv", argv),
                ("command", Fact::text(&text)),
                ("cwd", Fact::text(&case.judged.command.folder.path)),
                ("host", Fact::text(&case.judged.command.place)),
                ("known", Fact::text(case.judged.verdict.sight.name())),
            ]);
            for named in case.asker.names() {
                let args = args.clone();
                let tier = case.judged.tier();
                let said = self
                    .house
                    .policy(&case.asker.agent, named, args, tier)
                    .await;
                let stricter = strictest
                    .as_ref()
                    .is_none_or(|so_far| said.verdict() > so_far.verdict());
                if stricter {
                    strictest = Some(said);
                }
            }
        }
        match strictest {
            Some(decision) if steps.len() <= MOST_STEPS => decision,
            _ => Decision::failed(&tollgate_policy::Failure::Busy),
        }
    }

    /// What the files of all names say together, and the rules that matched.
    fn ruling(&self, case: &Case<'_>, wish: &Wish) -> (Ruling, Vec<(String, String)>) {
        let (mut ruling, mut matched) = (Ruling::Allow, Vec::new());
        for name in case.asker.names() {
            let standing = self.rulebook.standing(name);
            let safe_is_free = standing.safe_tier == SafeTier::Allow;
            let Judged {
                verdict, survey, ..
            } = case.judged;
            let rules = self
                .rulebook
                .covers(name, verdict, &survey.evidence, safe_is_free);
            let facts = Facts {
                tier: case.judged.tier(),
                is_opaque: case.judged.is_opaque(),
                rule_matches: !rules.is_empty(),
            };
            ruling = ruling.max(wish.ruling(standing, facts));
            matched = rules;
        }
        (ruling, matched)
    }

    fn out_of_the_question(&self, case: &Case<'_>) -> Denial {
        let (tier, sight) = (case.judged.tier(), case.judged.verdict.sight.name());
        if let Some(fault) = self.rulebook.fault() {
            let text = format!("the rules for commands are not in force: {fault}");
            return Denial::new("security", text).hint(
                "mend the file; it is read again at once, nothing has to be restarted".to_owned(),
            );
        }
        let text = format!(
            "agent `{}` may not run this without being asked about ({tier}, {sight}): {}",
            case.asker.named, case.judged.verdict.reason
        );
        Denial::new("security", text)
            .hint("`security` and `ask` in exec-approvals.json decide".to_owned())
    }

    fn allowed(&self, case: &Case<'_>, rules: Vec<(String, String)>) -> Yes {
        let full = case.asker.names().into_iter().all(|name| {
            let standing = self.rulebook.standing(name);
            standing.security == tollgate_approvals::Security::Full
        });
        let patterns: Vec<&str> = rules.iter().map(|(_, pattern)| pattern.as_str()).collect();
        let (by, detail) = match (rules.is_empty(), full) {
            (false, _) => ("rule", Some(patterns.join(", "))),
            (true, true) => ("full", None),
            (true, false) => ("tier", None),
        };
        Yes {
            by,
            detail,
            rules,
            ..Yes::default()
        }
    }
}
