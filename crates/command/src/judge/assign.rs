//! Assignments that change what other commands do.

use tollgate_types::Tier;

use super::{Bench, shown};
use crate::plan::Arg;
use crate::sight::Sight;

/// Libraries, start-up files and options that a program loads.
const LOADED: &[&str] = &[
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "LD_AUDIT",
    "DYLD_INSERT_LIBRARIES",
    "DYLD_LIBRARY_PATH",
    "BASH_ENV",
    "ENV",
    "PYTHONSTARTUP",
    "PYTHONPATH",
    "PYTHONHOME",
    "PERL5LIB",
    "PERL5OPT",
    "PERL5DB",
    "RUBYOPT",
    "RUBYLIB",
    "NODE_OPTIONS",
    "NODE_PATH",
    "JAVA_TOOL_OPTIONS",
    "_JAVA_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "PATH",
    "SHELLOPTS",
    "BASHOPTS",
    "PS4",
    "PROMPT_COMMAND",
    "GCONV_PATH",
    "GIT_EXEC_PATH",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_TEMPLATE_DIR",
    "OPENSSL_CONF",
    "OPENSSL_ENGINES",
    "LUA_INIT",
    "LUA_PATH",
    "LUA_CPATH",
    "TERMINFO",
    "MODPROBE_OPTIONS",
    "ZDOTDIR",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "VIMINIT",
    "EXINIT",
    "GIT_DIR",
    "RUSTC_WRAPPER",
    "CARGO_HOME",
    "MAKEFLAGS",
    "GOFLAGS",
    "CDPATH",
];

/// Values that are commands.
const COMMANDS: &[&str] = &[
    "GIT_SSH_COMMAND",
    "GIT_SSH",
    "GIT_PAGER",
    "PAGER",
    "MANPAGER",
    "EDITOR",
    "VISUAL",
    "GIT_EDITOR",
    "SUDO_EDITOR",
    "BROWSER",
    "LESSOPEN",
    "LESSCLOSE",
    "GIT_ASKPASS",
    "SSH_ASKPASS",
    "SUDO_ASKPASS",
    "GIT_EXTERNAL_DIFF",
    "RSYNC_RSH",
    "CVS_RSH",
    "GIT_PROXY_COMMAND",
    "GIT_SEQUENCE_EDITOR",
    "TAR_OPTIONS",
    "PERLDOC_PAGER",
    "SYSTEMD_PAGER",
    "FCEDIT",
    "SYSTEMD_EDITOR",
    "HGEDITOR",
    "SVN_EDITOR",
    "KUBE_EDITOR",
    "KUBE_PAGER",
    "AWS_PAGER",
    "GH_PAGER",
    "CRONTAB_EDITOR",
    "SHELL",
];

/// Programs that are harmless wherever a command is wanted.
const HARMLESS: &[&str] = &[
    "cat",
    "less",
    "more",
    "true",
    "",
    "false",
    "vi",
    "vim",
    "nano",
    "emacs",
    "code",
    "/bin/true",
];

impl Bench {
    /// Judges `name=value`; `prefix` where it stands before a command, so that
    /// it holds for that one. Otherwise it changes all that follow.
    pub(super) fn assignment(&mut self, name: &str, value: &Arg, prefix: bool) {
        let base = name.trim_end_matches('+');
        if COMMANDS.contains(&base) {
            if value.dynamic {
                return self.opaque(
                    "command-variable",
                    &format!("`{}` names a command that is not known yet", shown(base)),
                );
            }
            if !HARMLESS.contains(&value.text.trim()) {
                self.find(
                    Tier::Medium,
                    Sight::Known,
                    "command-variable",
                    format!("`{}` makes other programs run a command", shown(base)),
                );
                self.text(&value.text.clone(), Some(base));
            }
            return;
        }
        let loads = LOADED.contains(&base)
            || base.len() > 4
                && (base.ends_with("LIB")
                    || base.ends_with("PATH") && base != "GOPATH" && base != "XPATH" && prefix)
            || base.starts_with("GIT_CONFIG_")
            || base.starts_with("BASH_FUNC_")
            || base.starts_with("npm_config_");
        let usual = base == "PATH" && usual_path(&value.text)
            || base == "GIT_DIR"
            || base == "MAKEFLAGS" && value.text.starts_with("-j") && !value.text.contains(' ')
            || base == "NODE_OPTIONS"
                && value.text.starts_with("--max")
                && !value.text.contains(' ');
        if loads && !usual {
            self.opaque(
                "loading-variable",
                &format!("`{}` decides what other programs load or run", shown(base)),
            );
        }
        if base.starts_with("HIST")
            && (value.text.is_empty()
                || value.text.contains("/dev/null")
                || value.text == "0"
                || base == "HISTCONTROL")
            && !prefix
        {
            self.find(
                Tier::Medium,
                Sight::Known,
                "traces",
                format!("`{}` hides what is done", shown(base)),
            );
        }
    }
}

/// `PATH` with folders of the system or the home added to what it was.
fn usual_path(value: &str) -> bool {
    value.split(':').all(|part| {
        ["$PATH", "${PATH}", "/bin", "/sbin"].contains(&part)
            || part.starts_with("/usr/") && part.ends_with("bin")
            || part.starts_with("/opt/homebrew/")
    })
}
