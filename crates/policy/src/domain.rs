use url::{Host, Url};

/// A host as it is compared: lower case, Punycode (UTS 46), no dot at its end;
/// addresses in their one canonical form.
///
/// Two spellings of one host must not be two hosts, or a rule about one of
/// them is walked around: `EXAMPLE.com.`, `ｅxample.com` and `%65xample.com`
/// are all `example.com`, `0x7f.1` is `127.0.0.1`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Domain {
    name: String,
    is_address: bool,
}

impl Domain {
    /// Reads a bare host, without scheme and port.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(name) = plain_ascii(text) {
            return Some(Self {
                name: name.to_owned(),
                is_address: false,
            });
        }
        Self::of_host(Host::parse(text).ok()?)
    }

    fn of_host<S: AsRef<str>>(host: Host<S>) -> Option<Self> {
        match host {
            Host::Domain(name) => {
                let name = name.as_ref();
                let name = name.strip_suffix('.').unwrap_or(name);
                let labelled = !name.is_empty() && name.split('.').all(|label| !label.is_empty());
                labelled.then(|| Self {
                    name: name.to_owned(),
                    is_address: false,
                })
            }
            Host::Ipv4(address) => Some(Self {
                name: address.to_string(),
                is_address: true,
            }),
            Host::Ipv6(address) => Some(Self {
                name: address.to_string(),
                is_address: true,
            }),
        }
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Whether it is this one or lies below it. Addresses have nothing below.
    pub fn is_within(&self, apex: &Domain) -> bool {
        self == apex || (!self.is_address && !apex.is_address && is_below(&self.name, &apex.name))
    }
}

/// What needs no reading at all: lower-case ASCII labels, with a letter in the
/// last one so that it is no address, and no Punycode to be checked.
fn plain_ascii(text: &str) -> Option<&str> {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with("xn--")
            && label
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let last = text.rsplit('.').next()?;
    let named = last.bytes().any(|byte| byte.is_ascii_lowercase()) && !last.starts_with("0x");
    (text.len() <= 253 && named && text.split('.').all(label)).then_some(text)
}

/// Whether a pattern covers a host: `example.com` covers itself and everything
/// below, `*.example.com` only what lies below, `*` everything.
/// `evil-example.com` and `example.com.evil.net` are never covered.
///
/// A pattern or host that can't be read is covered by nothing.
pub fn covers(pattern: &str, host: &str) -> bool {
    Domain::parse(host).is_some_and(|host| covers_domain(pattern, &host))
}

/// Whether a text is such a pattern.
pub fn is_pattern(pattern: &str) -> bool {
    let pattern = pattern.trim();
    pattern == "*" || Domain::parse(pattern.strip_prefix("*.").unwrap_or(pattern)).is_some()
}

pub(crate) fn covers_domain(pattern: &str, host: &Domain) -> bool {
    let pattern = pattern.trim();
    if pattern == "*" {
        return true;
    }
    match pattern.strip_prefix("*.") {
        Some(apex) => {
            Domain::parse(apex).is_some_and(|apex| host != &apex && host.is_within(&apex))
        }
        None => Domain::parse(pattern).is_some_and(|apex| host.is_within(&apex)),
    }
}

fn is_below(name: &str, apex: &str) -> bool {
    name.strip_suffix(apex)
        .is_some_and(|rest| rest.ends_with('.') && rest.len() > 1)
}

/// The host of a URL, of `host:port` or of a bare host.
pub fn domain_of(text: &str) -> Option<Domain> {
    let text = text.trim();
    if text.contains("://") {
        return Domain::of_host(Url::parse(text).ok()?.host()?.to_owned());
    }
    if let Some(domain) = Domain::parse(text) {
        return Some(domain);
    }
    // Without a scheme there is at most a port and a path behind the host.
    let with_scheme = format!("http://{text}");
    Domain::of_host(Url::parse(&with_scheme).ok()?.host()?.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn below_means_behind_a_dot() {
        for host in [
            "example.com",
            "a.example.com",
            "a.b.example.com",
            "EXAMPLE.com.",
            "Example.COM",
        ] {
            assert!(covers("example.com", host), "{host}");
        }
        for host in [
            "evil-example.com",
            "example.com.evil.net",
            "xample.com",
            "com",
            "",
            ".",
            ".example.com",
            "a..example.com",
            "example.com:80",
            "example.com/",
            "user@example.com",
        ] {
            assert!(!covers("example.com", host), "{host}");
        }
        assert!(covers("*.example.com", "a.example.com"));
        assert!(!covers("*.example.com", "example.com"));
        assert!(covers("*", "anything.at.all"));
        assert!(!covers("*", ""));
    }

    #[test]
    fn one_host_has_one_spelling() {
        let one = |text: &str| Domain::parse(text).map(|domain| domain.name);
        assert_eq!(
            one("bücher.example").as_deref(),
            Some("xn--bcher-kva.example")
        );
        assert_eq!(one("BÜCHER.example."), one("xn--bcher-kva.example"));
        assert_eq!(one("ｅｘａｍｐｌｅ。com").as_deref(), Some("example.com"));
        assert_eq!(one("%65xample.com").as_deref(), Some("example.com"));
        assert_eq!(one("0x7f.1").as_deref(), Some("127.0.0.1"));
        assert_eq!(one("2130706433").as_deref(), Some("127.0.0.1"));
        assert_eq!(one("[::1]").as_deref(), Some("::1"));
        assert!(
            !covers("0.0.1", "127.0.0.1"),
            "addresses have nothing below"
        );
        // Cyrillic а: looks the same, is another name.
        assert!(!covers("apple.com", "аpple.com"));
    }

    #[test]
    fn urls_give_their_host() {
        let of = |text: &str| domain_of(text).map(|domain| domain.name);
        assert_eq!(
            of("https://user:pw@Api.Example.com:8443/a?b#c").as_deref(),
            Some("api.example.com")
        );
        assert_eq!(
            of("https://example.com\\@evil.net/").as_deref(),
            Some("example.com")
        );
        assert_eq!(of("example.com:443").as_deref(), Some("example.com"));
        assert_eq!(of("example.com/path").as_deref(), Some("example.com"));
        assert_eq!(of("http://[::1]:80/").as_deref(), Some("::1"));
        for none in ["", "http://", "file:///etc/passwd", "https://a b/"] {
            assert_eq!(of(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn nothing_but_below_is_covered(host in "[a-z.-]{0,20}") {
            let below = host == "ex.org" || host.ends_with(".ex.org");
            if covers("ex.org", &host) {
                prop_assert!(below);
            }
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,40}") {
            let domain = Domain::parse(&text);
            if let Some(domain) = domain {
                // Canonical means that reading it again changes nothing.
                prop_assert_eq!(domain_of(&domain.name).map(|it| it.name.clone()).is_some(), true);
            }
        }
    }
}
