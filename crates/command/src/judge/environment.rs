//! Variables of the environment by how their names end: a new program brings
//! new names, and `_OPTIONS` or `_WRAPPER` of it mean what they always mean.

/// What a variable decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing that matters, for this value.
    Harmless,
    /// Which settings a program reads: a home, a file of settings.
    Settings,
    /// Options of a program, some of which load or run.
    Options,
    /// A program that is run.
    Program,
    /// A file that is written.
    Log,
    /// The repository whose settings git takes.
    Repository,
    /// The machine that is talked to.
    Host,
}

/// The kind of a variable; `None` for a name that says nothing.
pub(super) fn of(name: &str, value: &str) -> Option<Kind> {
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    if ends(&[
        "FLAGS", "_OPTIONS", "_OPTS", "_ADDOPTS", "_ARGS", "_PLUGINS",
    ]) || [
        "LESS",
        "MANOPT",
        "MAKEFILES",
        "ZIPOPT",
        "UNZIP",
        "SPEC_OPTS",
    ]
    .contains(&name)
    {
        return Some(options(name, value));
    }
    if ends(&[
        "_WRAPPER",
        "_LINKER",
        "_RUNNER",
        "_LAUNCHER",
        "_COMMAND",
        "_PROG",
        "_PAGER",
        "_EDITOR",
        "_SHELL",
        "_ASKPASS",
        "_BROWSER",
        "BREAKPOINT",
    ]) || COMPILERS.contains(&name)
    {
        return Some(program(value));
    }
    if name.starts_with("GIT_TRACE") || ends(&["LOGFILE", "_LOG_FILE"]) {
        return Some(match value.contains('/') {
            true => Kind::Log,
            false => Kind::Harmless,
        });
    }
    match name {
        "GIT_DIR" | "GIT_COMMON_DIR" => Some(match value.rsplit('/').next() == Some(".git") {
            true => Kind::Harmless,
            false => Kind::Repository,
        }),
        "GIT_WORK_TREE" | "GIT_INDEX_FILE" | "GIT_OBJECT_DIRECTORY" => Some(Kind::Log),
        "DOCKER_HOST" | "CONTAINER_HOST" => Some(Kind::Host),
        _ => settings(name, value),
    }
}

const COMPILERS: &[&str] = &[
    "CC",
    "CXX",
    "CPP",
    "LD",
    "AR",
    "AS",
    "FC",
    "NM",
    "RANLIB",
    "HOSTCC",
    "RUSTC",
    "RUSTDOC",
    "CARGO_BUILD_RUSTC",
    "PKG_CONFIG",
];

fn settings(name: &str, value: &str) -> Option<Kind> {
    let ends = [
        "_HOME",
        "_CONFIG",
        "_CONFIG_FILE",
        "_CONFIG_PATH",
        "_CONFIG_DIR",
        "RC",
        "GOROOT",
    ];
    let named = [
        "HOME",
        "KUBECONFIG",
        "GCC_EXEC_PREFIX",
        "VIM",
        "VIMRUNTIME",
        "LESSKEYIN",
        "BUNDLE_GEMFILE",
        "PGSERVICEFILE",
        "PYTHONINSPECT",
        "GNUPGHOME",
        "XDG_DATA_DIRS",
        "XDG_CONFIG_DIRS",
    ];
    if !ends
        .iter()
        .any(|end| name.len() > end.len() && name.ends_with(end))
        && !named.contains(&name)
        && name != "GOROOT"
    {
        return None;
    }
    let installed = ["/usr/", "/opt/", "/Library/", "/nix/store/"];
    Some(
        match installed.iter().any(|base| value.starts_with(base)) && !value.contains("..") {
            true => Kind::Harmless,
            false => Kind::Settings,
        },
    )
}

/// A compiler, a pager or an editor by its bare name.
fn program(value: &str) -> Kind {
    const USUAL: &[&str] = &[
        "gcc",
        "g++",
        "clang",
        "clang++",
        "cc",
        "c++",
        "tcc",
        "ccache",
        "sccache",
        "distcc",
        "ld",
        "lld",
        "mold",
        "ar",
        "nm",
        "ranlib",
        "gcc-ar",
        "llvm-ar",
        "rustc",
        "rustdoc",
        "pkg-config",
        "pkgconf",
        "cat",
        "less",
        "more",
        "bat",
        "delta",
        "vim",
        "vi",
        "nvim",
        "nano",
        "emacs",
        "code",
        "true",
        "false",
        "bash",
        "zsh",
        "sh",
        "0",
        "1",
        "",
    ];
    let plain = |word: &str| {
        let stem =
            word.trim_end_matches(|one: char| one.is_ascii_digit() || one == '.' || one == '-');
        USUAL.contains(&word) || USUAL.contains(&stem)
    };
    match value.split_whitespace().all(plain) {
        true => Kind::Harmless,
        false => Kind::Program,
    }
}

/// `-O2 -g`, `--max-old-space-size=4096`, `-j4`: words that only tune.
fn options(name: &str, value: &str) -> Kind {
    let tunes = |word: &str| {
        let starts = |starts: &[&str]| starts.iter().any(|start| word.starts_with(start));
        starts(&[
            "-O", "-g", "-D", "-I", "-L", "-l", "-std=", "-m", "-Xm", "-Xs", "--max",
        ]) || word.starts_with("-W") && !word.starts_with("-Wl")
            || word.starts_with("-f") && !starts(&["-fplugin", "-fuse-ld"])
            || [
                "-v",
                "-q",
                "-s",
                "-x",
                "-k",
                "--color",
                "--verbose",
                "--quiet",
            ]
            .contains(&word)
            || ["-C", "link-arg=-s"].contains(&word) && name == "RUSTFLAGS"
            || starts(&[
                "-Ctarget-cpu",
                "target-cpu=",
                "-Dwarnings",
                "-Copt-level",
                "opt-level=",
            ])
    };
    let less = name == "LESS" && !value.contains(['+', '!']);
    match less || value.split_whitespace().all(tunes) {
        true => Kind::Harmless,
        false => Kind::Options,
    }
}
