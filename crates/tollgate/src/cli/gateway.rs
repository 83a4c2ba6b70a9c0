//! The running gateway: where it is, and the token for it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use tollgate_api::Client;

use super::failure::Failure;
use crate::config::{self, Surroundings};
use crate::paths::Paths;

/// Runs one conversation with the gateway that these paths name.
pub(super) fn talk<T>(
    paths: &Paths,
    surroundings: &dyn Surroundings,
    conversation: impl AsyncFnOnce(Client) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let client = client(paths, surroundings)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::failed)?;
    runtime.block_on(conversation(client))
}

/// `http://ADDRESS` of the gateway, for lines to paste.
pub(super) fn base(paths: &Paths, surroundings: &dyn Surroundings) -> Result<String, Failure> {
    address(paths, surroundings).map(|address| format!("http://{address}"))
}

fn client(paths: &Paths, surroundings: &dyn Surroundings) -> Result<Client, Failure> {
    let base = base(paths, surroundings)?;
    let file = paths.operator_token();
    if !file.exists() {
        return Err(never_ran(&file));
    }
    let token = surroundings
        .secret_file(&file)
        .map_err(|error| Failure::usage(anyhow::anyhow!(error)))?;
    Ok(Client::new(base, token))
}

/// Where the gateway said that it listens (port 0 and `--bind` are known to it
/// alone), else where the configuration says that it would.
fn address(paths: &Paths, surroundings: &dyn Surroundings) -> Result<SocketAddr, Failure> {
    let file = paths.gateway_addr();
    if file.exists() {
        // The operator's token goes to this address, so nobody else may be
        // able to write it: a private file, like the token.
        let written = surroundings
            .secret_file(&file)
            .map_err(|error| Failure::usage(anyhow::anyhow!(error)))?;
        let address = written.expose().trim().parse().map_err(|_| {
            let message = anyhow::anyhow!("`{}` does not hold an address", file.display());
            Failure::not_reachable(message).hint("start the gateway again: `tollgate serve`")
        })?;
        return Ok(reachable(address));
    }
    let bind = config::bind(paths, surroundings);
    match bind.port() {
        0 => Err(never_ran(&file)),
        _ => Ok(reachable(bind)),
    }
}

/// A listener on every address is reached by loopback.
fn reachable(mut bind: SocketAddr) -> SocketAddr {
    match bind.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => bind.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => bind.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    bind
}

fn never_ran(file: &Path) -> Failure {
    Failure::not_reachable(anyhow::anyhow!(
        "no gateway has run here: `{}` does not exist",
        file.display()
    ))
    .hint("start it with `tollgate serve`, or name its configuration with --config")
}
