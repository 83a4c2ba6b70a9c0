//! The scanner's rules, and the secrets that it guards.

use std::sync::{Arc, LazyLock, Mutex};

use anyhow::Context;
use tollgate_policy::ScanScript;
use tollgate_proxy::{Late, Opinions, Remote, Scanning, Script, Target};
use tollgate_scan::{Book, Digests, Injections, Redactor, Scanner, Spared};
use tollgate_types::Secret;

use crate::config::{Guarded, Settings};

/// Second opinions that are remembered.
const MOST_SAID: usize = 4096;

/// What stays over reloads: the shipped rules, and a key, so that the same
/// secret has the same placeholder for as long as the gateway runs.
pub(super) struct Lookout {
    shipped: Arc<Late<Scanner>>,
    injections: Arc<Late<Injections>>,
    redactor: Redactor,
    token: Secret,
}

impl Lookout {
    /// Begins to read the shipped rules at the side; `token` is the first
    /// operator's.
    pub(super) fn new(token: Secret) -> anyhow::Result<Self> {
        let shipped = late(|| match Scanner::shipped() {
            Ok(scanner) => scanner,
            // A test holds them; whoever waits for them fails closed.
            Err(fault) => panic!("the shipped rules: {fault}"),
        });
        let injections = late(|| match Injections::shipped() {
            Ok(injections) => injections,
            Err(fault) => panic!("the shipped concepts: {fault}"),
        });
        let warmed = (Arc::clone(&shipped), Arc::clone(&injections));
        std::thread::Builder::new()
            .name("rules".to_owned())
            .spawn(move || {
                LazyLock::force(&warmed.0);
                LazyLock::force(&warmed.1);
            })
            .context("no thread for the scanner's rules")?;
        Ok(Self {
            shipped,
            injections,
            redactor: Redactor::new(key()?),
            token,
        })
    }

    /// What looks at texts under these settings. Of the guarded values only
    /// fingerprints stay.
    pub(super) fn scanning(
        &self,
        settings: &Settings,
        guarded: &Guarded,
    ) -> anyhow::Result<Arc<Scanning>> {
        let own = settings.scan.scanner.clone();
        Ok(Arc::new(Scanning {
            scanner: own.unwrap_or_else(|| Arc::clone(&self.shipped)),
            injections: Arc::clone(&self.injections),
            book: Arc::new(self.book(settings, guarded)?),
            redactor: self.redactor.clone(),
            defaults: settings.scan.defaults,
            agents: settings.scan.agents.iter().cloned().collect(),
            spared: Spared::new(settings.scan.spared.iter().map(String::as_str)),
            cleared: settings.scan.cleared.iter().copied().collect(),
            opinions: opinions(settings)?,
            said: Mutex::new(Digests::new(MOST_SAID)),
            fragments: Mutex::default(),
            generation: Scanning::next_generation(),
        }))
    }

    /// Fingerprints of everything that must not leave.
    fn book(&self, settings: &Settings, guarded: &Guarded) -> anyhow::Result<Book> {
        let mut book = Book::new(key()?);
        let keys = settings.providers.iter().flat_map(|it| &it.keys);
        let keys = keys.map(|(_, key)| ("provider-key", key));
        let others = guarded.0.iter().map(|(kind, secret)| (*kind, secret));
        let operator = std::iter::once(("operator-token", &self.token));
        let mut unguarded = 0_u32;
        for (kind, secret) in keys.chain(operator).chain(others) {
            let text = secret.expose().trim();
            let taken = text.is_empty() || book.guard(kind, text.as_bytes()).is_ok();
            unguarded += u32::from(!taken);
        }
        if unguarded > 0 {
            tracing::warn!(
                unguarded,
                "some configured secrets are too short or too plain to be found in text"
            );
        }
        Ok(book)
    }
}

/// Who is asked beside, the script first: it costs less.
fn opinions(settings: &Settings) -> anyhow::Result<Opinions> {
    let mut opinions = Opinions::new();
    if let Some(it) = &settings.scan.script {
        let script = ScanScript::load(&it.name, &it.text)?;
        opinions.push(Arc::new(Script::new(script, it.fails_closed)));
    }
    if let Some(it) = &settings.scan.remote {
        let target = Target::new(&it.url)?;
        opinions.push(Arc::new(Remote::new(target, it.fails_closed, it.limit)));
    }
    Ok(opinions)
}

fn late<T>(make: impl FnOnce() -> T + Send + 'static) -> Arc<Late<T>> {
    Arc::new(Late::new(Box::new(make)))
}

/// Random bytes that die with the process.
fn key() -> anyhow::Result<[u8; 32]> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).context("the system gives no random bytes")?;
    Ok(key)
}
