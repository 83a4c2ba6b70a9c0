//! Where files stand.

use std::path::{Path, PathBuf};

/// The configuration and the folder for what the gateway itself writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// `tollgate.toml`, whether it exists or not.
    pub config: PathBuf,
    /// True where `--config` named it: then it has to exist.
    pub named: bool,
    /// The ledger, `operator.token`, `gateway.addr`.
    pub state: PathBuf,
}

/// There is nowhere to put files.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("neither TOLLGATE_HOME nor HOME is set to an absolute path")]
pub struct NoHome;

impl Paths {
    /// `TOLLGATE_HOME` holds everything; else what is written stands beside
    /// `--config`; else the folders of the XDG base directory specification.
    ///
    /// # Errors
    /// [`NoHome`] where no folder can be named.
    pub fn find(
        named: Option<&Path>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, NoHome> {
        let folder = |name: &str| {
            variable(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let home = variable("TOLLGATE_HOME")
            .filter(|home| !home.is_empty())
            .map(PathBuf::from);
        if let (None, Some(file)) = (&home, named) {
            let beside = match file.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent,
                _ => Path::new("."),
            };
            return Ok(Self::new(file.to_owned(), true, beside.to_owned()));
        }
        if let Some(home) = home {
            let config = named.map_or_else(|| home.join("tollgate.toml"), Path::to_owned);
            return Ok(Self::new(config, named.is_some(), home));
        }
        let user = folder("HOME");
        let base = |xdg: &str, usual: &str| {
            folder(xdg)
                .or_else(|| Some(user.as_ref()?.join(usual)))
                .ok_or(NoHome)
        };
        let config = base("XDG_CONFIG_HOME", ".config")?.join("tollgate/tollgate.toml");
        let state = base("XDG_STATE_HOME", ".local/state")?.join("tollgate");
        Ok(Self::new(config, false, state))
    }

    fn new(config: PathBuf, named: bool, state: PathBuf) -> Self {
        Self {
            config,
            named,
            state,
        }
    }

    /// The machine's budgets: with `TOLLGATE_HOME`, else beside the
    /// configuration. Never taken from the folder that a command runs in.
    pub fn settings(&self) -> PathBuf {
        self.beside().join("settings.yml")
    }

    /// What agents may run, where the configuration names no other file.
    pub fn approvals(&self) -> PathBuf {
        self.beside().join("exec-approvals.json")
    }

    fn beside(&self) -> &Path {
        match self.named {
            true => &self.state,
            false => self.config.parent().unwrap_or(&self.state),
        }
    }

    /// The key that signs grants.
    pub fn grant_key(&self) -> PathBuf {
        self.state.join("grant.key")
    }

    /// Operators beside the first one.
    pub fn operators(&self) -> PathBuf {
        self.state.join("operators.json")
    }

    /// The first operator's token.
    pub fn operator_token(&self) -> PathBuf {
        self.state.join("operator.token")
    }

    /// Where a running gateway writes the address that it took.
    pub fn gateway_addr(&self) -> PathBuf {
        self.state.join("gateway.addr")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(named: Option<&str>, variables: &[(&str, &str)]) -> Result<Paths, NoHome> {
        let look = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Paths::find(named.map(Path::new), look)
    }

    fn paths(config: &str, named: bool, state: &str) -> Result<Paths, NoHome> {
        Ok(Paths::new(config.into(), named, state.into()))
    }

    #[test]
    fn one_folder_or_two_or_the_one_beside_the_file() {
        let home = ("HOME", "/home/u");
        assert_eq!(
            find(None, &[home]),
            paths(
                "/home/u/.config/tollgate/tollgate.toml",
                false,
                "/home/u/.local/state/tollgate"
            )
        );
        assert_eq!(
            find(
                None,
                &[
                    home,
                    ("XDG_CONFIG_HOME", "/c"),
                    ("XDG_STATE_HOME", "relative")
                ]
            ),
            paths(
                "/c/tollgate/tollgate.toml",
                false,
                "/home/u/.local/state/tollgate"
            )
        );
        assert_eq!(
            find(None, &[home, ("TOLLGATE_HOME", "/t")]),
            paths("/t/tollgate.toml", false, "/t")
        );
        assert_eq!(
            find(Some("/x/a.toml"), &[home]),
            paths("/x/a.toml", true, "/x")
        );
        assert_eq!(find(Some("a.toml"), &[home]), paths("a.toml", true, "."));
        assert_eq!(
            find(Some("/x/a.toml"), &[("TOLLGATE_HOME", "/t")]),
            paths("/x/a.toml", true, "/t")
        );
        assert_eq!(find(None, &[]), Err(NoHome));
    }

    #[test]
    fn budgets_stand_with_the_home_or_beside_the_configuration() {
        let settings = |named, variables: &[(&str, &str)]| {
            let file = find(named, variables).unwrap().settings();
            file.to_str().unwrap().to_owned()
        };
        let (user, home) = (("HOME", "/home/u"), ("TOLLGATE_HOME", "/t"));
        assert_eq!(
            settings(None, &[user]),
            "/home/u/.config/tollgate/settings.yml"
        );
        assert_eq!(settings(None, &[home]), "/t/settings.yml");
        assert_eq!(settings(Some("/x/a.toml"), &[user]), "/x/settings.yml");
        assert_eq!(settings(Some("/x/a.toml"), &[home]), "/t/settings.yml");
    }
}
