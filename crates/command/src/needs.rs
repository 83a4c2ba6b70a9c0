//! Which files a plan depends on.
//!
//! The crate reads none of them. It names them; who runs or allows the command
//! finds, hashes and seals them.

use std::borrow::Cow;

use crate::grammar::{self, Act, Fit, Kind};
use crate::pattern::base;
use crate::plan::Step;
use crate::verdict::Verdict;

/// What a file is to a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// The program itself: a name for `PATH`, or a path.
    Binary,
    /// Run as a whole: `./build.sh`, `bash x.sh`, `python x.py`, `source x`.
    Script,
    /// Scripts in the description of a package: `package.json`.
    PackageScript,
    /// Rules of a build: `Makefile`, `justfile`.
    Makefile,
    /// Settings that decide what is run: `.npmrc`, `.cargo/config.toml`.
    Config,
}

impl Role {
    /// As it stands in cards and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Script => "script",
            Self::PackageScript => "package-script",
            Self::Makefile => "makefile",
            Self::Config => "config",
        }
    }
}

/// One file that one step of a plan depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Place of the step in [`Verdict::steps`].
    pub step: usize,
    /// What the file is to it.
    pub role: Role,
    /// A name for `PATH` (a binary without a slash), an absolute path, or one
    /// below `folder`. A leading `~/` is the home.
    pub file: String,
    /// Where the step runs: absolute, or below the folder that the whole plan
    /// starts in (empty: that folder). `None` where only running it would tell:
    /// such a step can't be bound.
    pub folder: Option<String>,
    /// The nearest one in `folder` or above it is meant.
    pub upward: bool,
}

impl Need {
    /// What of the file's bytes decides what runs: the scripts of a
    /// `package.json`, all of any other file. Hash this, and a new dependency
    /// does not ask for a new approval.
    pub fn counted<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let whole = Cow::Borrowed(bytes);
        if self.role != Role::PackageScript {
            return whole;
        }
        let Ok(serde_json::Value::Object(package)) = serde_json::from_slice(bytes) else {
            return whole;
        };
        // All scripts, since one may run another; by name, whatever the order.
        let mut counted = std::collections::BTreeMap::new();
        for key in ["scripts", "tasks", "config", "packageManager", "workspaces"] {
            if let Some(value) = package.get(key) {
                counted.insert(key, sorted(value));
            }
        }
        serde_json::to_vec(&counted).map_or(whole, Cow::Owned)
    }
}

/// A value whose text does not depend on the order of members.
fn sorted(value: &serde_json::Value) -> Vec<(String, String)> {
    match value {
        serde_json::Value::Object(members) => {
            let mut all: Vec<(String, String)> = members
                .iter()
                .map(|(name, member)| (name.clone(), member.to_string()))
                .collect();
            all.sort();
            all
        }
        other => vec![(String::new(), other.to_string())],
    }
}

/// Every file that the steps of a verdict depend on, in their order: for each
/// the program, then the scripts and settings that it is known to run by. The
/// sources that a build compiles and what scripts run in turn are not among
/// them.
pub fn needs(verdict: &Verdict) -> Vec<Need> {
    let steps = verdict.steps.iter().enumerate();
    steps.flat_map(|(place, step)| of(place, step)).collect()
}

fn of(place: usize, step: &Step) -> Vec<Need> {
    let Some((program, words)) = step.argv.split_first() else {
        return Vec::new();
    };
    if program.dynamic {
        return Vec::new();
    }
    let name = base(&program.text);
    let fit = grammar::find(name).map(|grammar| grammar::fit(grammar, words));
    let folder = fit
        .as_ref()
        .map_or_else(|| step.folder.clone(), |fit| folder(step, fit));
    let need = |role, file: &str, folder: &Option<String>, upward| Need {
        step: place,
        role,
        file: file.to_owned(),
        folder: folder.clone(),
        upward,
    };
    let mut needs = Vec::new();
    if !is_builtin(&program.text) {
        needs.push(need(Role::Binary, &program.text, &step.folder, false));
    }
    let Some(fit) = fit else {
        return needs;
    };
    for act in &fit.acts {
        if let Act::Has(Kind::Run, file) = act
            && !file.dynamic
        {
            needs.push(need(Role::Script, &file.text, &step.folder, false));
        }
    }
    if !fit.info
        && let Some(project) = PROJECTS
            .iter()
            .find(|project| project.programs.contains(&name))
    {
        let files = project.files.iter();
        needs.extend(files.map(|(role, file)| need(*role, file, &folder, project.upward)));
    }
    needs
}

/// Where a step runs, with its own flag for that (`make -C lib`).
fn folder(step: &Step, fit: &Fit) -> Option<String> {
    let own = fit.acts.iter().find_map(|act| match act {
        Act::Has(Kind::Dir, folder) => Some(folder),
        _ => None,
    });
    match own {
        None => step.folder.clone(),
        Some(own) if own.dynamic => None,
        Some(own) => join(step.folder.as_deref()?, &own.text),
    }
}

/// A path below a folder; `folder` may be empty. What climbs is not followed:
/// behind a link, a shell and the system do not agree where `..` is.
pub(crate) fn join(folder: &str, path: &str) -> Option<String> {
    Some(match (folder, path) {
        (folder, "." | "./") => folder.to_owned(),
        (_, path) if path.split('/').any(|part| part == "..") => return None,
        (_, path) if path.starts_with('/') || path == "~" || path.starts_with("~/") => {
            path.to_owned()
        }
        (_, path) if path.starts_with(['~', '-', '$']) => return None,
        ("", path) => path.to_owned(),
        (folder, path) => format!("{}/{path}", folder.trim_end_matches('/')),
    })
}

/// What exists only inside a shell.
fn is_builtin(program: &str) -> bool {
    const ONLY: &[&str] = &[
        ".",
        ":",
        "alias",
        "bg",
        "bind",
        "break",
        "builtin",
        "caller",
        "cd",
        "command",
        "compgen",
        "complete",
        "compopt",
        "continue",
        "declare",
        "dirs",
        "disown",
        "enable",
        "eval",
        "exec",
        "exit",
        "export",
        "fc",
        "fg",
        "getopts",
        "hash",
        "history",
        "jobs",
        "let",
        "local",
        "logout",
        "mapfile",
        "popd",
        "pushd",
        "read",
        "readarray",
        "readonly",
        "return",
        "set",
        "shift",
        "shopt",
        "source",
        "suspend",
        "times",
        "trap",
        "type",
        "typeset",
        "ulimit",
        "umask",
        "unalias",
        "unset",
        "wait",
    ];
    ONLY.contains(&program)
}

/// Whether all that a program does stands in one file of rules.
pub(crate) fn runs_a_file(program: &str) -> bool {
    PROJECTS.iter().any(|project| {
        project.programs.contains(&base(program))
            && project
                .files
                .iter()
                .all(|(role, _)| *role == Role::Makefile)
    })
}

/// Programs that run what stands in files of the project.
struct Project {
    programs: &'static [&'static str],
    /// Looked for in the folder and above it.
    upward: bool,
    files: &'static [(Role, &'static str)],
}

const PROJECTS: &[Project] = &[
    Project {
        programs: &["npm", "pnpm", "yarn", "cnpm", "bun", "ni", "nr"],
        upward: true,
        files: &[
            (Role::PackageScript, "package.json"),
            (Role::Config, ".npmrc"),
        ],
    },
    Project {
        programs: &["deno"],
        upward: true,
        files: &[
            (Role::PackageScript, "deno.json"),
            (Role::PackageScript, "package.json"),
        ],
    },
    Project {
        programs: &["composer"],
        upward: false,
        files: &[(Role::PackageScript, "composer.json")],
    },
    Project {
        programs: &["make", "gmake"],
        upward: false,
        files: &[
            (Role::Makefile, "GNUmakefile"),
            (Role::Makefile, "makefile"),
            (Role::Makefile, "Makefile"),
        ],
    },
    Project {
        programs: &["just"],
        upward: true,
        files: &[
            (Role::Makefile, "justfile"),
            (Role::Makefile, "Justfile"),
            (Role::Makefile, ".justfile"),
        ],
    },
    Project {
        programs: &["task", "go-task"],
        upward: true,
        files: &[
            (Role::Makefile, "Taskfile.yml"),
            (Role::Makefile, "Taskfile.yaml"),
        ],
    },
    Project {
        programs: &["cargo"],
        upward: true,
        files: &[
            (Role::Config, "Cargo.toml"),
            (Role::Config, ".cargo/config.toml"),
            (Role::Config, ".cargo/config"),
            (Role::Script, "build.rs"),
        ],
    },
    Project {
        programs: &["rake"],
        upward: true,
        files: &[(Role::Makefile, "Rakefile"), (Role::Makefile, "rakefile")],
    },
    Project {
        programs: &["gulp"],
        upward: true,
        files: &[(Role::Makefile, "gulpfile.js")],
    },
    Project {
        programs: &["grunt"],
        upward: true,
        files: &[(Role::Makefile, "Gruntfile.js")],
    },
    Project {
        programs: &["tox"],
        upward: false,
        files: &[(Role::Config, "tox.ini"), (Role::Config, "pyproject.toml")],
    },
    Project {
        programs: &["nox"],
        upward: false,
        files: &[(Role::Script, "noxfile.py")],
    },
    Project {
        programs: &["mvn", "maven"],
        upward: false,
        files: &[
            (Role::Config, "pom.xml"),
            (Role::Config, ".mvn/extensions.xml"),
        ],
    },
    Project {
        programs: &["ant"],
        upward: false,
        files: &[(Role::Makefile, "build.xml")],
    },
    Project {
        programs: &["gradle"],
        upward: true,
        files: &[
            (Role::Makefile, "build.gradle"),
            (Role::Makefile, "build.gradle.kts"),
            (Role::Config, "settings.gradle"),
            (Role::Config, "settings.gradle.kts"),
        ],
    },
    Project {
        programs: &["ninja"],
        upward: false,
        files: &[(Role::Makefile, "build.ninja")],
    },
];

#[cfg(test)]
mod tests;
