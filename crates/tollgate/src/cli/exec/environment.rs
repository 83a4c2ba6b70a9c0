//! The environment of a command: little that is taken as it is, and whatever
//! was named, which is then a part of what is approved.
//!
//! Nothing else of the caller's environment gets through. So no key does by
//! accident, and no variable changes what a command does unless the person who
//! is asked has seen it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use nix::unistd::{Uid, User};

use crate::cli::run::Secrets;

/// Where programs are looked for when the caller says nothing else.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How things look, never what is done.
const LOOKS: [&str; 13] = [
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLORTERM",
    "COLUMNS",
    "FORCE_COLOR",
    "LANG",
    "LANGUAGE",
    "LINES",
    "NO_COLOR",
    "TERM",
    "TERM_PROGRAM",
    "TZ",
    "CI",
];
const LOCALE: &str = "LC_";

/// What changes how every program is loaded or every shell begins: never given,
/// not when it is asked for either.
const NEVER: [&str; 14] = [
    "BASHOPTS",
    "BASH_ENV",
    "BASH_XTRACEFD",
    "ENV",
    "GCONV_PATH",
    "GLIBC_TUNABLES",
    "IFS",
    "LOCPATH",
    "MALLOC_CHECK_",
    "NLSPATH",
    "PROMPT_COMMAND",
    "PS4",
    "SHELLOPTS",
    "ZDOTDIR",
];
const NEVER_BEGINS: [&str; 4] = ["LD_", "DYLD_", "BASH_FUNC_", "TOLLGATE_"];

/// What a command gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Environment {
    given: BTreeMap<String, String>,
    /// What the gateway is told of, shows and binds.
    pub(super) changes: BTreeMap<String, Option<String>>,
}

impl Environment {
    /// # Errors
    /// A variable that is never given, or that is not there.
    pub(super) fn of(
        callers: &[(OsString, OsString)],
        named: &[OsString],
        secrets: &Secrets,
        is_container: bool,
    ) -> Result<Self, String> {
        let looks = callers.iter().filter_map(|(name, value)| {
            let (name, value) = (name.to_str()?, value.to_str()?);
            let is_look = LOOKS.contains(&name) || name.starts_with(LOCALE);
            (is_look && is_harmless(value)).then(|| (name.to_owned(), value.to_owned()))
        });
        let mut given: BTreeMap<String, String> = looks.collect();
        // A container has an account and programs of its own.
        let usual: &[&str] = match is_container {
            true => &[],
            false => {
                given.extend(account());
                given.insert("PATH".to_owned(), PATH.to_owned());
                &["PATH", "HOME"]
            }
        };
        let mut changes = BTreeMap::new();
        // What a user's tools can't do without; a change like any other.
        for name in usual {
            if let Some(value) = from(callers, name)
                && given.get(*name).is_none_or(|usual| usual != value)
            {
                changes.insert((*name).to_owned(), Some(value.to_owned()));
            }
        }
        for named in named {
            let (name, value) = pair(named, callers)?;
            refuse(&name, &value, secrets)?;
            changes.insert(name, Some(value));
        }
        Ok(Self { given, changes })
    }

    /// Everything that the command gets.
    pub(super) fn whole(&self) -> Vec<(OsString, OsString)> {
        let mut whole = self.given.clone();
        for (name, change) in &self.changes {
            match change {
                Some(value) => whole.insert(name.clone(), value.clone()),
                None => whole.remove(name),
            };
        }
        whole
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }

    /// Where programs are looked for.
    pub(super) fn search(&self) -> &OsStr {
        match self.changes.get("PATH") {
            Some(Some(path)) => OsStr::new(path),
            _ => OsStr::new(PATH),
        }
    }
}

/// By the system's own table, since a variable says what its setter likes.
fn account() -> Vec<(String, String)> {
    let Ok(Some(user)) = User::from_uid(Uid::effective()) else {
        return Vec::new();
    };
    let text = |path: std::path::PathBuf| path.to_str().map(str::to_owned);
    let mut account = vec![
        ("USER".to_owned(), user.name.clone()),
        ("LOGNAME".to_owned(), user.name),
    ];
    account.extend(text(user.dir).map(|home| ("HOME".to_owned(), home)));
    account.extend(text(user.shell).map(|shell| ("SHELL".to_owned(), shell)));
    account
}

fn from<'c>(callers: &'c [(OsString, OsString)], name: &str) -> Option<&'c str> {
    let found = callers.iter().find(|(known, _)| known == name)?;
    found.1.to_str()
}

fn pair(named: &OsStr, callers: &[(OsString, OsString)]) -> Result<(String, String), String> {
    let text = named.to_str().ok_or("--env is not UTF-8, expected UTF-8")?;
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, value),
        None => {
            let value = from(callers, text);
            (
                text,
                value.ok_or_else(|| format!("variable `{text}` is not set here"))?,
            )
        }
    };
    match is_name(name) {
        true => Ok((name.to_owned(), value.to_owned())),
        false => Err(format!("`{name}` is not the name of a variable")),
    }
}

fn refuse(name: &str, value: &str, secrets: &Secrets) -> Result<(), String> {
    if NEVER.contains(&name) || NEVER_BEGINS.iter().any(|begin| name.starts_with(begin)) {
        return Err(format!(
            "variable `{name}` is never given to a command: it changes how programs are loaded"
        ));
    }
    match secrets.are_in(OsStr::new(name), OsStr::new(value)) {
        true => Err(format!(
            "variable `{name}` holds a key that Tollgate guards"
        )),
        false => Ok(()),
    }
}

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty() && name.bytes().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// A locale or a zone can be a path, and what stands there is then loaded.
fn is_harmless(value: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.,:@+-/ ".contains(&byte);
    value.len() <= 128
        && value.bytes().all(plain)
        && !value.starts_with(['/', ':'])
        && !value.contains("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(callers: &[(&str, &str)], named: &[&str]) -> Result<Environment, String> {
        let callers: Vec<(OsString, OsString)> = callers
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        let named: Vec<OsString> = named.iter().map(OsString::from).collect();
        Environment::of(&callers, &named, &Secrets::default(), false)
    }

    fn value(environment: &Environment, name: &str) -> Option<String> {
        let whole = environment.whole();
        let found = whole.into_iter().find(|(known, _)| known == name)?;
        found.1.into_string().ok()
    }

    #[test]
    fn only_looks_get_through_by_themselves() {
        let environment = of(
            &[
                ("LD_PRELOAD", "/tmp/evil.so"),
                ("BASH_ENV", "/tmp/evil"),
                ("GIT_SSH_COMMAND", "evil"),
                ("AWS_SECRET_ACCESS_KEY", "x"),
                ("TERM", "xterm"),
                ("LC_ALL", "C.UTF-8"),
                ("LANG", "/tmp/evil"),
                ("TZ", "Europe/Berlin"),
            ],
            &[],
        );
        let environment = environment.unwrap();
        for absent in [
            "LD_PRELOAD",
            "BASH_ENV",
            "GIT_SSH_COMMAND",
            "AWS_SECRET_ACCESS_KEY",
            "LANG",
        ] {
            assert_eq!(value(&environment, absent), None, "{absent}");
        }
        assert_eq!(value(&environment, "TERM").as_deref(), Some("xterm"));
        assert_eq!(value(&environment, "LC_ALL").as_deref(), Some("C.UTF-8"));
        assert_eq!(value(&environment, "TZ").as_deref(), Some("Europe/Berlin"));
        assert_eq!(value(&environment, "PATH").as_deref(), Some(PATH));
        assert!(environment.changes.is_empty());
    }

    #[test]
    fn what_is_named_is_given_and_told() {
        let environment = of(
            &[("PATH", "/home/a/bin:/bin"), ("NODE_ENV", "test")],
            &["NODE_ENV", "A=b=c"],
        );
        let environment = environment.unwrap();
        assert_eq!(value(&environment, "NODE_ENV").as_deref(), Some("test"));
        assert_eq!(value(&environment, "A").as_deref(), Some("b=c"));
        assert_eq!(environment.search(), "/home/a/bin:/bin");
        let told: Vec<&str> = environment.changes.keys().map(String::as_str).collect();
        assert_eq!(told, ["A", "NODE_ENV", "PATH"]);
    }

    #[test]
    fn what_loads_code_and_what_is_a_key_is_refused() {
        for named in [
            "LD_PRELOAD=x",
            "BASH_ENV=x",
            "BASH_FUNC_ls%%=x",
            "TOLLGATE_HOME=x",
            "IFS=x",
        ] {
            assert!(of(&[], &[named]).is_err(), "{named}");
        }
        let key = format!("A=sk-{}", "a".repeat(24));
        assert!(
            of(&[], &[&key])
                .unwrap_err()
                .contains("a key that Tollgate guards")
        );
        assert!(
            of(&[], &["NOT_SET"])
                .unwrap_err()
                .contains("is not set here")
        );
        assert!(of(&[], &["=x"]).unwrap_err().contains("not the name"));
    }
}
