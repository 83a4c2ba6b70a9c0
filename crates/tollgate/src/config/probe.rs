//! Local model servers, asked whether they are there.
//!
//! A port says little about who listens on it, so a server counts only where
//! it answers as that kind of server does. Everything is bounded: one request
//! per server, 300 ms, 256 KiB, 256 models.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tollgate_llm::Dialect;

use super::discover;
use super::settings::{ProviderSettings, Upstream};

const PATIENCE: Duration = Duration::from_millis(300);
const LARGEST: usize = 256 * 1024;
const MOST_MODELS: usize = 256;
const LONGEST_NAME: usize = 200;

/// A kind of server that people run on their own machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// <https://github.com/ollama/ollama>
    Ollama,
    /// `llama-server` of <https://github.com/ggml-org/llama.cpp>
    LlamaCpp,
    /// <https://lmstudio.ai>
    LmStudio,
}

impl Kind {
    /// Every kind that is looked for.
    pub const ALL: [Self; 3] = [Self::Ollama, Self::LlamaCpp, Self::LmStudio];

    /// The provider id that it gets.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Ollama => "ollama",
            Self::LlamaCpp => "llamacpp",
            Self::LmStudio => "lmstudio",
        }
    }

    /// As people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ollama => "Ollama",
            Self::LlamaCpp => "llama.cpp",
            Self::LmStudio => "LM Studio",
        }
    }

    /// Where it listens unless told otherwise.
    pub fn usual_address(self) -> SocketAddr {
        let port = match self {
            Self::Ollama => 11434,
            Self::LlamaCpp => 8080,
            Self::LmStudio => 1234,
        };
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Ollama => "/api/tags",
            Self::LlamaCpp | Self::LmStudio => "/v1/models",
        }
    }
}

/// A server that answered as its kind does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalServer {
    /// What it is.
    pub kind: Kind,
    /// Where it is.
    pub address: SocketAddr,
    /// The names of its models.
    pub models: Vec<String>,
}

impl LocalServer {
    /// The server as a provider; it wants no key.
    pub fn provider(&self) -> Option<ProviderSettings> {
        let base_url: Uri = format!("http://{}/v1", self.address).parse().ok()?;
        let upstream = Upstream::Server {
            dialect: Dialect::OpenAi,
            base_url,
        };
        let models: Vec<&str> = self.models.iter().map(String::as_str).collect();
        Some(discover::provider(self.kind.id(), upstream, &models))
    }
}

/// Asks every kind of server at its usual address, all at the same time.
/// `own` is where this gateway listens: it is not asked.
pub async fn find(own: SocketAddr) -> Vec<LocalServer> {
    let ask = |kind: Kind| async move {
        let address = kind.usual_address();
        match address.port() == own.port() {
            true => None,
            false => ask(kind, address).await,
        }
    };
    let [first, second, third] = Kind::ALL;
    let (first, second, third) = tokio::join!(ask(first), ask(second), ask(third));
    [first, second, third].into_iter().flatten().collect()
}

/// One server, or nothing where another program or nobody answers in time.
pub async fn ask(kind: Kind, address: SocketAddr) -> Option<LocalServer> {
    let answer = tokio::time::timeout(PATIENCE, get(address, kind.path())).await;
    let (headers, body) = answer.ok()??;
    let models = recognise(kind, &headers, &body)?;
    Some(LocalServer {
        kind,
        address,
        models,
    })
}

async fn get(address: SocketAddr, path: &str) -> Option<(HeaderMap, Bytes)> {
    let stream = TcpStream::connect(address).await.ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .ok()?;
    let request = Request::get(path)
        .header(header::HOST, address.to_string())
        .header(header::ACCEPT, "application/json")
        .body(Empty::<Bytes>::new())
        .ok()?;
    let answer = async {
        let answer = sender.send_request(request).await.ok()?;
        let (parts, body) = answer.into_parts();
        if !parts.status.is_success() {
            return None;
        }
        let body = Limited::new(body, LARGEST).collect().await.ok()?;
        Some((parts.headers, body.to_bytes()))
    };
    // The connection only moves while it is polled, and goes with this call.
    tokio::pin!(answer);
    tokio::select! {
        answer = &mut answer => answer,
        _ended = connection => answer.await,
    }
}

/// The models of an answer that only this kind of server gives.
fn recognise(kind: Kind, headers: &HeaderMap, body: &[u8]) -> Option<Vec<String>> {
    // A Tollgate answers `/v1/models` too: asking it would be a circle.
    if headers
        .keys()
        .any(|name| name.as_str().starts_with("x-tollgate-"))
    {
        return None;
    }
    let answer: Value = serde_json::from_slice(body).ok()?;
    let (list, name) = match kind {
        Kind::Ollama => (answer.get("models")?, "name"),
        Kind::LlamaCpp | Kind::LmStudio => (answer.get("data")?, "id"),
    };
    let list = list.as_array()?;
    let is_a_list = answer.get("object").and_then(Value::as_str) == Some("list");
    let known = match kind {
        Kind::Ollama => list.iter().all(|model| model.get("digest").is_some()),
        Kind::LlamaCpp => is_a_list && list.iter().any(|model| owner(model) == "llamacpp"),
        Kind::LmStudio => {
            is_a_list
                && list
                    .iter()
                    .all(|model| owner(model).starts_with("organization"))
        }
    };
    known.then(|| names(list, name))
}

fn owner(model: &Value) -> &str {
    model
        .get("owned_by")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Names that can stand in a listing and in a route. A name with `*` would be
/// taken for a glob and draw other providers' models to it.
fn names(list: &[Value], key: &str) -> Vec<String> {
    let plain = |name: &&str| {
        !name.is_empty()
            && name.len() <= LONGEST_NAME
            && !name
                .chars()
                .any(|c| c.is_control() || c.is_whitespace() || matches!(c, '*' | '?'))
    };
    list.iter()
        .filter_map(|model| model.get(key)?.as_str())
        .filter(plain)
        .take(MOST_MODELS)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests;
