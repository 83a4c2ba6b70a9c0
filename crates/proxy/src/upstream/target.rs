use std::sync::Mutex;
use std::time::{Duration, Instant};

use http::uri::{PathAndQuery, Scheme};
use http::{HeaderValue, Uri};

use super::connection::Connection;

/// Most connections kept idle for one target.
const MOST_IDLE: usize = 256;

/// Longest time that a connection is kept idle. Below the 60 s after which
/// most servers close on their side, so that a request rarely meets a
/// connection that is being closed.
const LONGEST_IDLE: Duration = Duration::from_secs(50);

/// A provider's address, and the idle connections to it.
pub struct Target {
    pub(super) tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) host_header: HeaderValue,
    base_path: String,
    idle: Mutex<Vec<IdleConnection>>,
}

struct IdleConnection {
    connection: Box<Connection>,
    since: Instant,
}

/// A base URL that can't be a provider's.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TargetError {
    /// Not a URL at all.
    #[error("base_url `{0}` is not a URL, expected such as `https://api.openai.com/v1`")]
    NotUrl(String),
    /// Neither `http` nor `https`.
    #[error("base_url `{0}` begins with neither `https://` nor `http://`")]
    Scheme(String),
    /// A query, which would get lost behind the endpoint's path.
    #[error("base_url `{0}` has a query, expected a path at most")]
    Query(String),
}

impl Target {
    /// Takes a base URL apart.
    ///
    /// # Errors
    /// [`TargetError`] shows the URL that was found; it holds no credential,
    /// because a URL with user information is not one here.
    pub fn new(base_url: &str) -> Result<Self, TargetError> {
        let not_url = || TargetError::NotUrl(without_user(base_url));
        let uri: Uri = base_url.parse().map_err(|_| not_url())?;
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(_) => return Err(TargetError::Scheme(without_user(base_url))),
            None => return Err(not_url()),
        };
        let authority = uri
            .authority()
            .filter(|it| !it.as_str().contains('@'))
            .ok_or_else(not_url)?;
        if uri.query().is_some() {
            return Err(TargetError::Query(without_user(base_url)));
        }
        Ok(Self {
            tls,
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            host_header: HeaderValue::from_str(authority.as_str()).map_err(|_| not_url())?,
            base_path: uri.path().trim_end_matches('/').to_owned(),
            idle: Mutex::default(),
        })
    }

    /// Host and port, for notes and listings.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Whether it is behind TLS.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// The base URL, for listings.
    pub fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        let host = self.host_header.to_str().unwrap_or(&self.host);
        format!("{scheme}://{host}{}", self.base_path)
    }

    /// A path below the base URL, with the caller's query.
    pub(super) fn path(&self, path: &str, query: Option<&str>) -> Option<PathAndQuery> {
        let mut text = String::with_capacity(
            self.base_path.len() + path.len() + query.map_or(0, |query| query.len() + 1),
        );
        text.push_str(&self.base_path);
        text.push_str(path);
        if let Some(query) = query.filter(|query| !query.is_empty()) {
            text.push('?');
            text.push_str(query);
        }
        PathAndQuery::from_maybe_shared(bytes::Bytes::from(text)).ok()
    }

    /// A connection that another request has left, the youngest first.
    pub(super) fn take_idle(&self) -> Option<Box<Connection>> {
        loop {
            let idle = self.idle.lock().ok()?.pop()?;
            if idle.since.elapsed() < LONGEST_IDLE
                && let Some(connection) = idle.connection.still_open()
            {
                return Some(connection);
            }
        }
    }

    /// The answer was read to its end: the next request may have it.
    pub(super) fn keep(&self, connection: Box<Connection>) {
        if let Some(connection) = connection.still_open()
            && let Ok(mut idle) = self.idle.lock()
            && idle.len() < MOST_IDLE
        {
            idle.push(IdleConnection {
                connection,
                since: Instant::now(),
            });
        }
    }
}

fn without_user(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => {
            format!("{}[secret]{}", &url[..scheme + 3], &url[at..])
        }
        _ => url.chars().take(200).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_queries_are_joined() {
        let target = Target::new("https://api.openai.com/v1/").unwrap();
        let path = target.path("/chat/completions", Some("beta=true")).unwrap();
        assert_eq!(path, "/v1/chat/completions?beta=true");
        assert_eq!(target.authority(), "api.openai.com:443");
        let target = Target::new("http://127.0.0.1:8080").unwrap();
        assert_eq!(target.path("/v1/messages", None).unwrap(), "/v1/messages");
    }

    #[test]
    fn a_password_in_a_url_is_refused_and_not_shown() {
        let error = Target::new("https://user:hunter2@example.com/v1")
            .err()
            .unwrap();
        assert_eq!(
            error.to_string(),
            "base_url `https://[secret]@example.com/v1` is not a URL, expected such as `https://api.openai.com/v1`"
        );
    }

    #[test]
    fn other_schemes_and_queries_are_refused() {
        assert!(matches!(
            Target::new("ftp://x/v1"),
            Err(TargetError::Scheme(_))
        ));
        assert!(matches!(
            Target::new("https://x/v1?a=b"),
            Err(TargetError::Query(_))
        ));
        assert!(matches!(
            Target::new("not a url"),
            Err(TargetError::NotUrl(_))
        ));
    }
}
