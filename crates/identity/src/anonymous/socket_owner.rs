use std::io;
use std::net::SocketAddr;

/// Whether the process at the other end of a loopback connection runs as the
/// same user as this one. `local` is our address of the accepted connection,
/// `peer` the caller's. False where either is not loopback or where the
/// kernel does not list the connection as open.
///
/// Reads `/proc/net/tcp` and `tcp6`, about a millisecond for a few thousand
/// sockets: ask once per connection.
///
/// # Errors
/// Where the tables can't be read, or are longer than 64 MiB; on systems other
/// than Linux always [`io::ErrorKind::Unsupported`]. An error is a no.
pub fn same_user(local: SocketAddr, peer: SocketAddr) -> io::Result<bool> {
    let (local, peer) = (canonical(local), canonical(peer));
    if !local.ip().is_loopback() || !peer.ip().is_loopback() {
        return Ok(false);
    }
    let owner = owner(peer, local)?;
    Ok(owner == Some(nix::unistd::geteuid().as_raw()))
}

/// A listener on `[::]` sees IPv4 callers as `::ffff:127.0.0.1`, and so do
/// callers with an IPv6 socket; the table of either may hold the row.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(not(target_os = "linux"))]
fn owner(_: SocketAddr, _: SocketAddr) -> io::Result<Option<u32>> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(target_os = "linux")]
use table::owner;

#[cfg(target_os = "linux")]
mod table {
    use std::fs::File;
    use std::io::{self, BufRead, BufReader, Read};
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

    use super::canonical;

    /// Most that is read of one table: some 400,000 sockets.
    const LONGEST: u64 = 64 << 20;

    /// `TCP_ESTABLISHED` of `net/tcp_states.h`.
    const ESTABLISHED: &str = "01";

    /// The user that owns the socket which goes from `from` to `to`.
    pub(super) fn owner(from: SocketAddr, to: SocketAddr) -> io::Result<Option<u32>> {
        // The kernel lists while sockets come and go, so that a row can be
        // passed over; a second look settles it.
        for _ in 0..2 {
            for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
                if let Some(uid) = owner_in(table, from, to)? {
                    return Ok(Some(uid));
                }
            }
        }
        Ok(None)
    }

    fn owner_in(table: &str, from: SocketAddr, to: SocketAddr) -> io::Result<Option<u32>> {
        let file = match File::open(table) {
            // A kernel without IPv6 has one table.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut rows = BufReader::with_capacity(64 << 10, file.take(LONGEST));
        let mut line = String::with_capacity(256);
        while rows.read_line(&mut line)? > 0 {
            if let Some(uid) = owner_on(&line, from, to) {
                return Ok(Some(uid));
            }
            line.clear();
        }
        if rows.get_ref().limit() == 0 {
            return Err(io::Error::other(format!(
                "`{table}` is longer than {LONGEST} bytes"
            )));
        }
        Ok(None)
    }

    /// The uid of a row, where the row is this connection and open.
    ///
    /// Only an established socket counts: once its process has closed it, the
    /// kernel lists it with uid 0 and no inode, and a stranger who sends its
    /// request and hangs up would pass for root.
    pub(super) fn owner_on(row: &str, from: SocketAddr, to: SocketAddr) -> Option<u32> {
        let mut fields = row.split_ascii_whitespace().skip(1);
        let here = endpoint(fields.next()?)?;
        let there = endpoint(fields.next()?)?;
        if here != from || there != to || fields.next()? != ESTABLISHED {
            return None;
        }
        let uid = fields.nth(3)?.parse().ok()?;
        let inode = fields.nth(1)?;
        (inode != "0").then_some(uid)
    }

    /// `0100007F:1004`: the address as words in the machine's byte order, the
    /// port in the usual one.
    fn endpoint(text: &str) -> Option<SocketAddr> {
        let (address, port) = text.split_once(':')?;
        let port = u16::from_str_radix(port, 16).ok()?;
        let word = |at: usize| {
            let digits = address.get(8 * at..8 * at + 8)?;
            Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
        };
        let ip = match address.len() {
            8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
            32 => {
                let words = [word(0)?, word(1)?, word(2)?, word(3)?];
                let bytes: [u8; 16] = words.concat().try_into().ok()?;
                IpAddr::V6(Ipv6Addr::from(bytes))
            }
            _ => return None,
        };
        Some(canonical(SocketAddr::new(ip, port)))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
