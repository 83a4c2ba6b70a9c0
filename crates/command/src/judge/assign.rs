//! Assignments that change what other commands do.

use tollgate_types::Tier;

use super::{Bench, environment, shown};
use crate::effect::Effect;
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
    "NODE_PATH",
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
        if let Some(kind) = environment::of(base, &value.text) {
            return self.environment(kind, base, value, prefix);
        }
        let loads = LOADED.contains(&base)
            || base.len() > 4
                && (base.ends_with("LIB")
                    || base.ends_with("PATH") && base != "GOPATH" && base != "XPATH" && prefix)
            || base.starts_with("GIT_CONFIG_")
            || base.starts_with("BASH_FUNC_")
            || base.to_ascii_lowercase().starts_with("npm_config_");
        let usual = base == "PATH" && usual_path(&value.text);
        if loads && !usual {
            self.loads(base);
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

    fn loads(&mut self, name: &str) {
        self.opaque(
            "loading-variable",
            &format!("`{}` decides what other programs load or run", shown(name)),
        );
    }

    /// Variables that are told by how their names end.
    fn environment(&mut self, kind: environment::Kind, name: &str, value: &Arg, prefix: bool) {
        match kind {
            environment::Kind::Settings if prefix || name == "HOME" => self.loads(name),
            environment::Kind::Settings | environment::Kind::Harmless => {}
            environment::Kind::Options => self.loads(name),
            environment::Kind::Program => {
                self.loads(name);
                self.text(&value.text.clone(), Some(name));
            }
            environment::Kind::Log => self.path(Effect::Write, value, name),
            environment::Kind::Repository => self.opaque(
                "git-folder",
                &format!(
                    "`{}` makes git take its settings from another folder",
                    shown(name)
                ),
            ),
            environment::Kind::Host => self.does(Effect::Connect, name, ""),
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
