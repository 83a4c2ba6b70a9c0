//! The fake provider: what a test holds in its hand.

mod listen;
mod pen;
mod play;
mod read;

pub(crate) use read::read_request;
mod refusal;

use crate::authority::Authority;
use crate::deadline::within;
use crate::received::{Log, Received};
use crate::script::Script;
use crate::wire::Wire;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A provider on a loopback port; it ends, with every connection, when dropped.
#[derive(Debug)]
pub struct FakeProvider {
    shared: Arc<Shared>,
    address: SocketAddr,
    authority: Option<Authority>,
    task: JoinHandle<()>,
}

/// A provider that is not started yet.
#[derive(Debug)]
pub struct FakeProviderBuilder {
    wire: Wire,
    authority: Option<Authority>,
    models: Vec<String>,
    scripts: Scripts,
}

/// What connections share with the test.
#[derive(Debug)]
struct Shared {
    wire: Wire,
    models: Vec<String>,
    scripts: Mutex<Scripts>,
    log: Log,
}

#[derive(Debug)]
struct Scripts {
    queue: VecDeque<Script>,
    by_key: HashMap<String, Script>,
    otherwise: Script,
}

impl FakeProvider {
    /// A provider that speaks OpenAI's format.
    #[must_use]
    pub fn openai() -> FakeProviderBuilder {
        FakeProviderBuilder::new(Wire::OpenAi)
    }

    /// A provider that speaks Anthropic's format.
    #[must_use]
    pub fn anthropic() -> FakeProviderBuilder {
        FakeProviderBuilder::new(Wire::Anthropic)
    }

    /// A provider that speaks Gemini's format.
    #[must_use]
    pub fn gemini() -> FakeProviderBuilder {
        FakeProviderBuilder::new(Wire::Gemini)
    }

    /// A provider that speaks `wire`.
    #[must_use]
    pub fn speaking(wire: Wire) -> FakeProviderBuilder {
        FakeProviderBuilder::new(match wire {
            Wire::GeminiArray => Wire::Gemini,
            wire => wire,
        })
    }

    /// Its dialect.
    #[must_use]
    pub fn wire(&self) -> Wire {
        self.shared.wire
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT` (`https` with TLS).
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.authority.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.address)
    }

    /// What a configuration's `base_url` has to be: with `/v1` for OpenAI,
    /// without for Anthropic and Gemini.
    #[must_use]
    pub fn base_url(&self) -> String {
        let version = if self.shared.wire.is_openai() {
            "/v1"
        } else {
            ""
        };
        format!("{}{version}", self.url())
    }

    /// The authority's certificate, where the provider has TLS.
    ///
    /// # Panics
    /// Where it has none.
    #[must_use]
    pub fn ca_pem_path(&self) -> PathBuf {
        self.authority
            .as_ref()
            .expect("the provider was started with tls()")
            .pem_path()
    }

    /// Plays this for the next request (`POST`) that no key's script claims;
    /// scripts queue up.
    pub fn push(&self, script: Script) {
        self.shared.scripts().queue.push_back(script);
    }

    /// Plays this for every request with this credential, from now on.
    pub fn for_key(&self, key: &str, script: Script) {
        self.shared.scripts().by_key.insert(key.to_owned(), script);
    }

    /// Plays this where nothing else is scripted, from now on.
    pub fn otherwise(&self, script: Script) {
        self.shared.scripts().otherwise = script;
    }

    /// Everything received so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Received> {
        self.shared.log.requests()
    }

    /// The requests, as soon as there are at least `count`.
    ///
    /// # Panics
    /// Past the deadline.
    pub async fn wait_for_requests(&self, count: usize) -> Vec<Received> {
        within(
            "requests at the fake provider",
            self.shared.log.wait(|seen| seen.requests >= count),
        )
        .await;
        self.requests()
    }

    /// Waits until a peer hung up while its request was being answered.
    ///
    /// # Panics
    /// Past the deadline.
    pub async fn wait_for_disconnect(&self) {
        self.wait_for_disconnects(1).await;
    }

    /// Waits until `count` peers hung up while being answered, over all time.
    ///
    /// # Panics
    /// Past the deadline.
    pub async fn wait_for_disconnects(&self, count: usize) {
        within(
            "a disconnect at the fake provider",
            self.shared.log.wait(|seen| seen.disconnects >= count),
        )
        .await;
    }

    /// Waits until `count` scripts have been played to their end.
    ///
    /// # Panics
    /// Past the deadline.
    pub async fn wait_for_answers(&self, count: usize) {
        within(
            "answers of the fake provider",
            self.shared.log.wait(|seen| seen.answered >= count),
        )
        .await;
    }

    /// How many peers hung up while being answered.
    #[must_use]
    pub fn disconnects(&self) -> usize {
        self.shared.log.counts().disconnects
    }

    /// How many connections were accepted.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.log.counts().connections
    }

    /// How many bytes the peers' sockets took: shows that a flood was stopped.
    #[must_use]
    pub fn sent_bytes(&self) -> u64 {
        self.shared.log.counts().sent_bytes
    }
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FakeProviderBuilder {
    fn new(wire: Wire) -> Self {
        let scripts = Scripts {
            queue: VecDeque::new(),
            by_key: HashMap::new(),
            otherwise: Script::usual(),
        };
        Self {
            wire,
            authority: None,
            models: vec!["fake-model".to_owned()],
            scripts,
        }
    }

    /// Speaks TLS under an authority of its own.
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.authority = Some(Authority::new());
        self
    }

    /// The names in its list of models.
    #[must_use]
    pub fn models<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.models = names.into_iter().map(Into::into).collect();
        self
    }

    /// See [`FakeProvider::push`].
    #[must_use]
    pub fn push(mut self, script: Script) -> Self {
        self.scripts.queue.push_back(script);
        self
    }

    /// See [`FakeProvider::for_key`].
    #[must_use]
    pub fn for_key(mut self, key: &str, script: Script) -> Self {
        self.scripts.by_key.insert(key.to_owned(), script);
        self
    }

    /// See [`FakeProvider::otherwise`].
    #[must_use]
    pub fn otherwise(mut self, script: Script) -> Self {
        self.scripts.otherwise = script;
        self
    }

    /// Listens.
    ///
    /// # Panics
    /// Where no loopback port is to be had.
    pub async fn start(self) -> FakeProvider {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tls = self
            .authority
            .as_ref()
            .map(|authority| authority.server(&["127.0.0.1", "localhost"]));
        let shared = Arc::new(Shared {
            wire: self.wire,
            models: self.models,
            scripts: Mutex::new(self.scripts),
            log: Log::default(),
        });
        let task = tokio::spawn(listen::accept(listener, tls, Arc::clone(&shared)));
        FakeProvider {
            shared,
            address,
            authority: self.authority,
            task,
        }
    }
}

impl Shared {
    fn scripts(&self) -> std::sync::MutexGuard<'_, Scripts> {
        self.scripts
            .lock()
            .expect("no panic while the scripts were locked")
    }

    /// Lists of models are answered as they are unless the credential has a
    /// script, so that a gateway that asks for one does not use up the queue.
    fn choose(&self, request: &Received) -> Script {
        let mut scripts = self.scripts();
        let by_key = request
            .credential
            .as_ref()
            .and_then(|key| scripts.by_key.get(key))
            .cloned();
        match by_key {
            Some(script) => script,
            None if request.method != "POST" => Script::usual(),
            None => scripts
                .queue
                .pop_front()
                .unwrap_or_else(|| scripts.otherwise.clone()),
        }
    }
}
