//! `[scan]`, and the `dlp` of agents and providers.

use std::sync::Arc;
use std::time::Duration;

use tollgate_proxy::{DlpSettings, Inward, Late, OnMatch, Target};
use tollgate_scan::{Catalog, Detector, Limits, Outbound, Profile, Scanner};
use tollgate_types::{AgentName, Secret};

use super::build::Build;
use super::describe;
use super::tree::{Table, Text};

/// Largest file of rules, in bytes.
const LARGEST: usize = 1 << 20;

/// `[scan]` and every `dlp`.
#[derive(Clone, Debug, Default)]
pub struct ScanSettings {
    /// `[agents.defaults] dlp`
    pub defaults: DlpSettings,
    /// `[agents.NAME] dlp`
    pub agents: Vec<(AgentName, DlpSettings)>,
    /// A scanner with rules of the operator's own; none where there are none.
    pub scanner: Option<Arc<Late<Scanner>>>,
    /// Hosts whose text is not looked at.
    pub spared: Vec<String>,
    /// SHA-256 of texts that an operator lets pass.
    pub cleared: Vec<[u8; 32]>,
    /// A scanner that is asked beside.
    pub remote: Option<RemoteScanner>,
    /// A script that is asked beside.
    pub script: Option<ScanScript>,
}

/// `[scan.remote]`
#[derive(Clone, Debug)]
pub struct RemoteScanner {
    /// Its base URL.
    pub url: String,
    /// Where it can't be asked, the text is unsafe.
    pub fails_closed: bool,
    /// Longest wait for it.
    pub limit: Duration,
}

/// `[scan] script`
#[derive(Clone, Debug)]
pub struct ScanScript {
    /// The file's own name.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Where it fails, the text is unsafe.
    pub fails_closed: bool,
}

/// Values that the configuration brought and that must not leave, each with the
/// kind that it is called. They go into a book of fingerprints and are dropped.
#[derive(Default)]
pub struct Guarded(pub Vec<(&'static str, Secret)>);

impl std::fmt::Debug for Guarded {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Guarded({})", self.0.len())
    }
}

impl Build<'_> {
    /// `[scan]` and the `dlp` of every agent.
    pub(super) fn scan(&mut self, root: &Table) -> ScanSettings {
        let absent = Table::default_of("scan");
        let table = root.table("scan").unwrap_or(&absent);
        let mut settings = ScanSettings {
            scanner: self.rules(table),
            spared: table.words("skip_protection_domains"),
            cleared: self.cleared(table),
            remote: self.remote(table),
            script: self.script(table),
            ..ScanSettings::default()
        };
        for (name, agent) in root.named("agents") {
            let dlp = self.dlp(agent);
            match AgentName::new(name) {
                _ if name == "defaults" => settings.defaults = dlp,
                Ok(name) if dlp != DlpSettings::default() => settings.agents.push((name, dlp)),
                _ => {}
            }
        }
        settings
    }

    /// The `dlp` of an agent or a provider.
    pub(super) fn dlp(&mut self, table: &Table) -> DlpSettings {
        let Some(dlp) = table.table("dlp") else {
            return DlpSettings::default();
        };
        let out = [Detector::TokenPatterns, Detector::KnownSecrets];
        let both = [
            Detector::NaiveInjection,
            Detector::InjectionSignals,
            Detector::TokenPatterns,
            Detector::KnownSecrets,
        ];
        let outbound = self.detectors(dlp, "outbound_detectors", &out);
        let inbound = self.detectors(dlp, "inbound_detectors", &both);
        let secrets = |found: &[Detector]| Outbound {
            token_patterns: found.contains(&Detector::TokenPatterns),
            known_secrets: found.contains(&Detector::KnownSecrets),
        };
        DlpSettings {
            outbound: outbound.map(|found| secrets(&found)),
            inbound: inbound.map(|found| Inward {
                naive: found.contains(&Detector::NaiveInjection),
                signals: found.contains(&Detector::InjectionSignals),
                secrets: secrets(&found),
            }),
            on_match: match dlp.word("outbound_on_match") {
                "redact" => Some(OnMatch::Redact),
                "block" => Some(OnMatch::Block),
                "supervise" => Some(OnMatch::Supervise),
                _ => None,
            },
            profile: Profile::named(dlp.word("profile")),
        }
    }

    fn detectors(&mut self, dlp: &Table, key: &str, known: &[Detector]) -> Option<Vec<Detector>> {
        if !dlp.has(key) {
            return None;
        }
        let mut found = Vec::new();
        for text in dlp.texts(key) {
            match known.iter().find(|it| it.as_str() == text.as_str()) {
                Some(detector) => found.push(*detector),
                None => {
                    let names: Vec<_> = known.iter().map(|it| it.as_str()).collect();
                    let message =
                        format!("{key} has {}, expected {}", text.shown, names.join(", "));
                    self.fault(dlp, text.line, message);
                }
            }
        }
        Some(found)
    }

    /// The shipped rules and those of the files, where there are any.
    fn rules(&mut self, table: &Table) -> Option<Arc<Late<Scanner>>> {
        let mut texts = Vec::new();
        for file in table.texts("rules") {
            texts.push(self.read_text(table, "rules", file)?);
        }
        if texts.is_empty() {
            return None;
        }
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        match Catalog::with(&texts) {
            Ok(catalog) => {
                let scanner = Scanner::new(catalog, Limits::default());
                Some(Arc::new(Late::new(Box::new(|| scanner))))
            }
            Err(fault) => {
                let line = table.line_of("rules");
                self.fault(table, line, format!("rules: {fault}"));
                None
            }
        }
    }

    fn cleared(&mut self, table: &Table) -> Vec<[u8; 32]> {
        let mut cleared = Vec::new();
        for text in table.texts("cleared") {
            match digest(text.as_str()) {
                Some(digest) => cleared.push(digest),
                None => {
                    let message = format!("cleared has {}, expected 64 hex digits", text.shown);
                    let fault = self.fault(table, text.line, message);
                    fault.hint("the `sha256` that `POST /scan` and the ledger give");
                }
            }
        }
        cleared
    }

    fn remote(&mut self, table: &Table) -> Option<RemoteScanner> {
        let remote = table.table("remote")?;
        let url = remote.text("url")?;
        if let Err(error) = Target::new(url.as_str()) {
            let shown = match url.expanded {
                true => "url is no base URL".to_owned(),
                false => error.to_string().replace("base_url", "url"),
            };
            self.fault(remote, url.line, shown);
            return None;
        }
        Some(RemoteScanner {
            url: url.as_str().to_owned(),
            fails_closed: remote.flag("fail_closed"),
            limit: Duration::from_millis(remote.number("timeout_ms")),
        })
    }

    fn script(&mut self, table: &Table) -> Option<ScanScript> {
        let file = table.text("script")?;
        let text = self.read_text(table, "script", file)?;
        let name = std::path::Path::new(file.as_str()).file_name();
        let name = name.unwrap_or_default().to_string_lossy().into_owned();
        if let Err(fault) = tollgate_policy::ScanScript::load(&name, &text) {
            self.fault(table, file.line, format!("script: {fault}"));
            return None;
        }
        Some(ScanScript {
            name,
            text,
            fails_closed: table.flag("script_fail_closed"),
        })
    }

    fn read_text(&mut self, table: &Table, key: &str, file: &Text) -> Option<String> {
        let path = self.beside.join(file.as_str());
        self.files.push(path.clone());
        let bytes = self.surroundings.file(&path, LARGEST);
        let text = bytes
            .map_err(|error| format!("can't be read: {}", describe::io(&error)))
            .and_then(|bytes| match bytes.len() > LARGEST {
                true => Err(format!("has more than {LARGEST} bytes")),
                false => String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned()),
            });
        match text {
            Ok(text) => Some(text),
            Err(why) => {
                let message = format!("{key}: {} {why}", file.shown);
                self.fault(table, file.line, message);
                None
            }
        }
    }
}

fn digest(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut digest = [0; 32];
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(digest)
}
