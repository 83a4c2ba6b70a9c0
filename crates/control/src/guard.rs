use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, HOST, ORIGIN, WWW_AUTHENTICATE};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, StatusCode};
use tollgate_types::OperatorName;

use crate::Control;
use crate::answer::Refusal;

/// Lets a call through with its operator in the request's extensions.
pub(crate) async fn guard(
    State(control): State<Arc<Control>>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Err(refusal) = check_place(control.bind, request.headers()) {
        return refusal.into_response();
    }
    if request.uri().path() == "/metrics" && control.metrics_public {
        return next.run(request).await;
    }
    match operator(&control, request.headers()) {
        Ok(operator) => {
            request.extensions_mut().insert(operator);
            next.run(request).await
        }
        Err(refusal) => {
            let mut response = refusal.into_response();
            let headers = response.headers_mut();
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            response
        }
    }
}

/// Refuses calls that a foreign web page may have made.
fn check_place(bind: SocketAddr, headers: &HeaderMap) -> Result<(), Refusal> {
    let forbidden = |code, message| {
        Refusal::new(StatusCode::FORBIDDEN, code, message)
            .hint(format!("call it as `http://{bind}`"))
    };
    let host = single(headers, HOST.as_str()).and_then(|host| host.parse::<Authority>().ok());
    let Some(host) = host.filter(|host| is_ours(host, bind)) else {
        return Err(forbidden("foreign_host", "`Host` is not this gateway's"));
    };
    if !headers.contains_key(ORIGIN) {
        return Ok(());
    }
    let own = single(headers, ORIGIN.as_str())
        .and_then(|origin| {
            origin
                .strip_prefix("http://")
                .or_else(|| origin.strip_prefix("https://"))
        })
        .is_some_and(|origin| origin.eq_ignore_ascii_case(host.as_str()));
    if own {
        return Ok(());
    }
    Err(forbidden("foreign_origin", "`Origin` is not this gateway"))
}

/// A header that stands exactly once.
fn single<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// Only a name can be rebound, so an address that this gateway listens on is
/// safe; where it listens on all, any address is.
fn is_ours(host: &Authority, bind: SocketAddr) -> bool {
    if host.as_str().contains('@') {
        return false;
    }
    let name = host.host();
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let literal = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    let address = match literal {
        Some(inner) => inner.parse::<Ipv6Addr>().map(IpAddr::V6),
        None => name.parse(),
    };
    address.is_ok_and(|address| {
        address.is_loopback() || address == bind.ip() || bind.ip().is_unspecified()
    })
}

fn operator(control: &Control, headers: &HeaderMap) -> Result<OperatorName, Refusal> {
    let refused = |message: &str| {
        Refusal::new(StatusCode::UNAUTHORIZED, "unauthenticated", message)
            .hint("send the token of `operator.token` as `Authorization: Bearer`")
    };
    if !headers.contains_key(AUTHORIZATION) {
        return Err(refused("no operator token"));
    }
    let token = single(headers, AUTHORIZATION.as_str()).and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then_some(token.trim())
    });
    let Some(token) = token else {
        return Err(refused("`Authorization` is not one `Bearer` token"));
    };
    let operator = control.operators.identify(token);
    operator.ok_or_else(|| refused("no operator has this token"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(bind: &str, headers: &[(&'static str, &str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        check_place(bind.parse().unwrap(), &map).is_ok()
    }

    #[test]
    fn only_our_own_host_passes() {
        let local = "127.0.0.1:4100";
        for good in [
            "127.0.0.1:4100",
            "localhost:4100",
            "LOCALHOST",
            "[::1]:4100",
            "127.9.9.9",
        ] {
            assert!(place(local, &[("host", good)]), "{good}");
        }
        for bad in [
            "evil.example",
            "evil.example:4100",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "user@127.0.0.1",
            "192.168.1.5:4100",
            "[::2]",
            "",
        ] {
            assert!(!place(local, &[("host", bad)]), "{bad}");
        }
        assert!(!place(local, &[]));
        assert!(!place(
            local,
            &[("host", "localhost"), ("host", "evil.example")]
        ));
        assert!(place("192.168.1.5:4100", &[("host", "192.168.1.5:4100")]));
        assert!(place("0.0.0.0:4100", &[("host", "192.168.1.5:4100")]));
        assert!(!place("0.0.0.0:4100", &[("host", "evil.example")]));
    }

    #[test]
    fn an_origin_must_be_the_host_itself() {
        let with = |origin| {
            place(
                "127.0.0.1:4100",
                &[("host", "127.0.0.1:4100"), ("origin", origin)],
            )
        };
        assert!(with("http://127.0.0.1:4100"));
        for bad in [
            "http://127.0.0.1:9000",
            "https://evil.example",
            "null",
            "",
            "127.0.0.1:4100",
        ] {
            assert!(!with(bad), "{bad}");
        }
    }
}
