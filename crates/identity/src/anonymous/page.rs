use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, header};

/// A request that a web page may have made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageRefusal {
    /// No `Host`, or more than one.
    #[error("found {found} `host` headers, expected one")]
    HostCount {
        /// How many.
        found: usize,
    },
    /// A name that is not this machine's: DNS rebinding, where a page's own
    /// name is made to lead to 127.0.0.1.
    #[error(
        "`host` is `{found}`, expected `localhost:{port}` or a loopback address with that port"
    )]
    Host {
        /// What stood there, cut to 64 characters.
        found: String,
        /// Our port.
        port: u16,
    },
    /// A page, an extension or a web view asks.
    #[error("found an `origin` header, which browsers set")]
    Origin,
    /// A page asks.
    #[error("found `sec-fetch-site` other than `none`, which browsers set")]
    FetchSite,
}

impl PageRefusal {
    /// What the caller may do instead.
    pub fn hint(&self) -> &'static str {
        "anonymous callers must not be web pages; make a key with `tollgate agents add NAME`"
    }
}

/// Refuses every request that a browser may have sent for a page. `bind` is
/// the address that the gateway listens on.
///
/// * `Host` must be `localhost` or a loopback address, with our port.
/// * Any `Origin` is refused, that of a page on this machine as well: another
///   program's development server is a page like any other.
/// * `Sec-Fetch-Site` (Fetch Metadata, W3C) must be absent or `none`, which is
///   what a person sends who types the address.
///
/// Command-line clients and SDKs send neither of the last two.
///
/// # Errors
/// [`PageRefusal`] says what was found.
pub fn page_guard(headers: &HeaderMap, bind: SocketAddr) -> Result<(), PageRefusal> {
    let hosts = headers.get_all(header::HOST).iter().count();
    let host = headers.get(header::HOST).filter(|_| hosts == 1);
    let host = host.ok_or(PageRefusal::HostCount { found: hosts })?;
    if !host.to_str().is_ok_and(|host| is_ours(host, bind.port())) {
        let shown = String::from_utf8_lossy(host.as_bytes());
        return Err(PageRefusal::Host {
            found: shown.chars().filter(|c| !c.is_control()).take(64).collect(),
            port: bind.port(),
        });
    }
    if headers.contains_key(header::ORIGIN) {
        return Err(PageRefusal::Origin);
    }
    let mut sites = headers.get_all("sec-fetch-site").iter();
    if sites.any(|site| site.as_bytes() != b"none") {
        return Err(PageRefusal::FetchSite);
    }
    Ok(())
}

fn is_ours(host: &str, port: u16) -> bool {
    let (name, found) = match host.rsplit_once(':') {
        // The last colon of `[::1]` is the address's, not a port's.
        Some((name, digits)) if !digits.ends_with(']') => (name, digits.parse().ok()),
        _ => (host, Some(80)),
    };
    found == Some(port) && (name.eq_ignore_ascii_case("localhost") || is_loopback(name))
}

fn is_loopback(name: &str) -> bool {
    let address: Option<IpAddr> = match name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
    {
        Some(six) => six.parse().ok().map(IpAddr::V6),
        None => name.parse().ok().map(IpAddr::V4),
    };
    address.is_some_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn judge(pairs: &[(&str, &str)]) -> Result<(), PageRefusal> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name = name.parse::<HeaderName>().unwrap();
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        page_guard(&headers, "127.0.0.1:4100".parse().unwrap())
    }

    #[test]
    fn tools_on_this_machine_pass() {
        let tools: [&[(&str, &str)]; 6] = [
            &[
                ("host", "127.0.0.1:4100"),
                ("user-agent", "curl/8.5.0"),
                ("accept", "*/*"),
            ],
            &[
                ("host", "localhost:4100"),
                ("user-agent", "OpenAI/Python 1.99"),
                ("x-stainless-lang", "python"),
            ],
            &[
                ("host", "LOCALHOST:4100"),
                ("anthropic-version", "2023-06-01"),
            ],
            // Node's fetch sets this one, without a page.
            &[("host", "[::1]:4100"), ("sec-fetch-mode", "cors")],
            &[("host", "127.9.9.9:4100")],
            &[("host", "127.0.0.1:4100"), ("sec-fetch-site", "none")],
        ];
        for pairs in tools {
            assert_eq!(judge(pairs), Ok(()), "{pairs:?}");
        }
    }

    #[test]
    fn a_foreign_host_is_dns_rebinding() {
        for host in [
            "evil.com:4100",
            "evil.com",
            "localhost.evil.com:4100",
            "127.0.0.1.evil.com:4100",
            "evil.com#127.0.0.1:4100",
            "evil@127.0.0.1:4100",
            "0.0.0.0:4100",
            "192.168.1.5:4100",
            "[::]:4100",
            "::1:4100",
            "[127.0.0.1]:4100",
            "2130706433:4100",
            "0x7f.1:4100",
            "127.1:4100",
            "localhost",
            "localhost:",
            "localhost:80",
            "localhost:4101",
            "localhost.:4100",
            "localhost:4100:4100",
            "localhost:4100, evil.com",
            "127.0.0.1",
            "[::1]",
            "",
            "löcalhost:4100",
        ] {
            let refused = judge(&[("host", host)]);
            assert!(
                matches!(refused, Err(PageRefusal::Host { .. })),
                "{host}: {refused:?}"
            );
        }
        assert_eq!(judge(&[]), Err(PageRefusal::HostCount { found: 0 }));
        let two = [("host", "localhost:4100"), ("host", "evil.com")];
        assert_eq!(judge(&two), Err(PageRefusal::HostCount { found: 2 }));
    }

    #[test]
    fn a_host_without_port_is_port_80() {
        let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("localhost"))]);
        assert_eq!(
            page_guard(&headers, "127.0.0.1:80".parse().unwrap()),
            Ok(())
        );
    }

    #[test]
    fn every_origin_is_a_page() {
        for origin in [
            "http://evil.com",
            "null",
            "http://localhost:3000",
            "http://127.0.0.1:4100",
            "chrome-extension://abcdef",
            "file://",
            "",
        ] {
            let pairs = [("host", "127.0.0.1:4100"), ("origin", origin)];
            assert_eq!(judge(&pairs), Err(PageRefusal::Origin), "{origin}");
        }
    }

    #[test]
    fn every_fetch_site_but_none_is_a_page() {
        for site in ["cross-site", "same-site", "same-origin", "None", ""] {
            let pairs = [("host", "127.0.0.1:4100"), ("sec-fetch-site", site)];
            assert_eq!(judge(&pairs), Err(PageRefusal::FetchSite), "{site}");
        }
        let hidden = [
            ("host", "127.0.0.1:4100"),
            ("sec-fetch-site", "none"),
            ("sec-fetch-site", "cross-site"),
        ];
        assert_eq!(judge(&hidden), Err(PageRefusal::FetchSite));
    }

    #[test]
    fn a_refusal_says_what_was_found() {
        let refused = judge(&[("host", "evil.com:4100")]).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "`host` is `evil.com:4100`, expected `localhost:4100` or a loopback address with that port"
        );
    }
}
