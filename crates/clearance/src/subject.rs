//! From a request to the thing that is judged, shown and run.

use std::path::{Path, PathBuf};

use tollgate_api::ExecRequest;
use tollgate_approvals::{Command, Folder, Words};
use tollgate_command::{Finding, Setting, Sight, Verdict, too_slow};
use tollgate_judge::Commands;
use tollgate_types::{Tier, Versions};

use crate::Terms;
use crate::case::Denial;
use crate::claim::Asker;
use crate::place::{USUAL, in_folders};
use crate::survey::{self, Site, Survey};

/// How a place begins whose programs come with it.
const IN_IMAGE: &str = "sandbox:podman";

/// A command, judged, with everything that it depends on.
pub(crate) struct Judged {
    pub(crate) command: Command,
    pub(crate) verdict: Verdict,
    pub(crate) survey: Survey,
    pub(crate) raw: Option<String>,
}

impl Judged {
    pub(crate) fn tier(&self) -> Tier {
        self.verdict.tier
    }

    pub(crate) fn is_opaque(&self) -> bool {
        self.verdict.sight == Sight::Opaque
    }
}

/// What has to be known before a command can be judged.
pub(crate) struct Prepared {
    words: Words,
    folder: Folder,
    home: Option<PathBuf>,
    setting: Setting,
}

/// Resolves the folder. Asks the file system, so it belongs on a thread that
/// may wait.
pub(crate) fn prepared(
    asker: &Asker,
    request: &ExecRequest,
    terms: &Terms,
) -> Result<Prepared, Denial> {
    let words = words(request)?;
    let folder = survey::folder(&request.cwd).map_err(Denial::bad)?;
    let home = home(asker.peer.uid);
    let setting = Setting {
        folder: Some(folder.path.clone()),
        workspace: None,
        home: home.as_deref().and_then(Path::to_str).map(str::to_owned),
        guarded: terms.guarded.clone(),
    };
    Ok(Prepared {
        words,
        folder,
        home,
        setting,
    })
}

/// Looks at the files of what was judged. Takes as long as reading them takes.
pub(crate) fn surveyed(
    asker: &Asker,
    request: &ExecRequest,
    terms: &Terms,
    versions: &Versions,
    prepared: Prepared,
    mut verdict: Verdict,
) -> Result<Judged, Denial> {
    let place = request.place.clone().or_else(|| request.host.clone());
    let mut command = Command {
        words: prepared.words,
        environment: request.env.clone(),
        files: request.files.clone(),
        place: place.unwrap_or_else(|| "gateway".to_owned()).into(),
        lacks: request.lacks.clone(),
        agent: asker.named.clone(),
        requester: asker.requester().into(),
        policy_version: versions.policy.clone(),
        config_version: versions.config,
        folder: prepared.folder,
    };
    command
        .check()
        .map_err(|fault| Denial::bad(fault.to_string()))?;
    let search = request.env.get("PATH").and_then(Option::as_deref);
    let site = Site {
        folder: Path::new(&command.folder.path),
        search,
        home: prepared.home.as_deref(),
        uid: asker.peer.uid,
        in_image: command.place.starts_with(IN_IMAGE),
    };
    let survey = survey::survey(&verdict, &request.files, &site)
        .map_err(|text| Denial::new("changed", text))?;
    hijacked(&mut verdict, &survey, &terms.search);
    command.files.clone_from(&survey.files);
    command.sort_files();
    Ok(Judged {
        command,
        verdict,
        survey,
        raw: request.command.clone(),
    })
}

fn words(request: &ExecRequest) -> Result<Words, Denial> {
    match (&request.argv, &request.command) {
        (Some(argv), None) => Ok(Words::Plan(vec![argv.clone()])),
        (None, Some(text)) => Ok(Words::Text(text.clone())),
        _ => Err(Denial::bad(
            "expected exactly one of `argv` and `command`".to_owned(),
        )),
    }
}

/// The changes of the environment are judged as if they stood before the
/// command: `LD_PRELOAD` is what it is, wherever it is set.
pub(crate) async fn verdict(
    commands: &Commands,
    prepared: &Prepared,
    request: &ExecRequest,
) -> Verdict {
    let setting = &prepared.setting;
    let judged = match &prepared.words {
        Words::Text(text) => commands.judge_at(text, setting).await,
        Words::Plan(plan) => match plan.as_slice() {
            [argv] => commands.judge_argv_at(argv, setting).await,
            _ => too_slow(),
        },
    };
    let changes: Vec<String> = request
        .env
        .iter()
        .filter(|(name, _)| !is_usual(name))
        .map(|(name, value)| format!("{name}={}", value.as_deref().unwrap_or_default()))
        .collect();
    if changes.is_empty() {
        return judged;
    }
    let env = std::iter::once("env".to_owned()).chain(changes);
    let argv: Vec<String> = env.chain(["true".to_owned()]).collect();
    with(judged, commands.judge_argv_at(&argv, setting).await)
}

/// A name was judged as the program that it usually stands for. Where the
/// requester's `PATH` leads elsewhere, it is another program, and nobody knows
/// which.
fn hijacked(verdict: &mut Verdict, survey: &Survey, search: &str) {
    let binaries = survey.evidence.iter();
    let binaries = binaries.filter(|it| it.role == tollgate_command::Role::Binary);
    let mut found = Vec::new();
    for binary in binaries {
        let name = verdict
            .steps
            .get(binary.step)
            .and_then(|step| step.argv.first());
        let Some(name) = name.filter(|name| !name.text.contains('/')) else {
            continue;
        };
        let usual = in_folders(&name.text, search).or_else(|| in_folders(&name.text, USUAL));
        if usual.as_deref() != Some(Path::new(&binary.path)) {
            let usual = usual.map(|path| format!(", not {}", path.display()));
            found.push(Finding {
                tier: Tier::Medium,
                sight: Sight::Unknown,
                rule: "other-binary".to_owned(),
                reason: format!(
                    "`{}` is {}{}",
                    name.text,
                    binary.path,
                    usual.unwrap_or_default()
                ),
                step: Some(binary.step),
            });
        }
    }
    let found = Verdict {
        tier: found.iter().map(|it| it.tier).max().unwrap_or_default(),
        sight: found.iter().map(|it| it.sight).max().unwrap_or_default(),
        reason: found
            .first()
            .map(|it| it.reason.clone())
            .unwrap_or_default(),
        findings: found,
        ..Verdict::default()
    };
    *verdict = joined(std::mem::take(verdict), found);
}

/// Variables that executors set for their own sake, and that change nothing.
fn is_usual(name: &str) -> bool {
    matches!(
        name,
        "PATH" | "HOME" | "USER" | "LOGNAME" | "LANG" | "TERM" | "TZ" | "PWD" | "SHLVL" | "_"
    ) || name.starts_with("LC_")
        || name.starts_with("TOLLGATE_")
}

/// What the environment brings counts for the command as a whole.
fn with(judged: Verdict, mut environment: Verdict) -> Verdict {
    for finding in &mut environment.findings {
        finding.step = None;
    }
    joined(judged, environment)
}

/// The worst of both; steps and order are the first one's.
fn joined(mut judged: Verdict, more: Verdict) -> Verdict {
    if more.tier > judged.tier {
        judged.reason.clone_from(&more.reason);
    }
    judged.tier = judged.tier.max(more.tier);
    judged.sight = judged.sight.max(more.sight);
    judged.findings.extend(more.findings);
    judged
        .findings
        .sort_by_key(|finding| std::cmp::Reverse((finding.tier, finding.sight)));
    judged
}

/// By the kernel's user, never by `HOME`.
fn home(uid: u32) -> Option<PathBuf> {
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(uid));
    user.ok().flatten().map(|user| user.dir)
}
