use std::net::{Ipv4Addr, SocketAddr};

use toml::de::{DeTable, DeValue};

use super::discover::PORT;
use super::expand::expand;
use super::surroundings::Surroundings;
use super::syntax;
use crate::paths::Paths;

/// Where the running gateway would listen, for commands that look for it.
///
/// Takes what it can from a file that is broken elsewhere: the gateway runs on
/// with the last good one, and must be found to be asked about it.
pub fn bind(paths: &Paths, surroundings: &dyn Surroundings) -> SocketAddr {
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
    let Ok(bytes) = surroundings.file(&paths.config, syntax::LARGEST) else {
        return usual;
    };
    let text = String::from_utf8_lossy(&bytes);
    let (document, _) = DeTable::parse_recoverable(&text);
    let written = document
        .get_ref()
        .get("server")
        .and_then(|server| match server.get_ref() {
            DeValue::Table(server) => server.get("bind")?.get_ref().as_str(),
            _ => None,
        });
    let variable = |name: &str| surroundings.variable(name);
    written
        .and_then(|bind| expand(bind, &variable).ok()?.text.parse().ok())
        .unwrap_or(usual)
}
