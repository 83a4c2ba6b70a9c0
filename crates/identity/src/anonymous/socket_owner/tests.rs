use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::*;

/// A connection to a listener on `bind`, called at `call`: the client's end,
/// ours, and what was found of it.
fn connect(bind: &str, call: &str) -> Option<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((bind, 0)).ok()?;
    let client = TcpStream::connect((call, listener.local_addr().ok()?.port())).ok()?;
    let (server, _) = listener.accept().ok()?;
    Some((client, server))
}

fn judge(server: &TcpStream) -> bool {
    same_user(server.local_addr().unwrap(), server.peer_addr().unwrap()).unwrap()
}

#[test]
fn a_process_of_the_same_user_is_known() {
    let (client, server) = connect("127.0.0.1", "127.0.0.1").unwrap();
    assert!(judge(&server));
    drop(client);
}

#[test]
fn ipv6_and_mapped_addresses_are_found_too() {
    let mut judged = 0;
    for (bind, call) in [
        ("::1", "::1"),
        ("::", "127.0.0.1"),
        ("127.0.0.1", "::ffff:127.0.0.1"),
    ] {
        match connect(bind, call) {
            Some((_client, server)) => assert!(judge(&server), "{bind} {call}"),
            None => eprintln!("skipped {bind} {call}: this machine has no IPv6"),
        }
        judged += 1;
    }
    assert_eq!(judged, 3);
}

#[test]
fn whoever_has_hung_up_is_nobody() {
    let (client, server) = connect("127.0.0.1", "127.0.0.1").unwrap();
    let (local, peer) = (server.local_addr().unwrap(), server.peer_addr().unwrap());
    drop(client);
    assert!(!same_user(local, peer).unwrap());
}

#[test]
fn a_connection_that_is_not_there_or_not_loopback_is_nobodys() {
    let (_client, server) = connect("127.0.0.1", "127.0.0.1").unwrap();
    let (local, peer) = (server.local_addr().unwrap(), server.peer_addr().unwrap());
    // Our own end of the connection must not vouch for the other one.
    let elsewhere = SocketAddr::new(local.ip(), 1);
    assert!(!same_user(elsewhere, peer).unwrap());
    assert!(!same_user(local, elsewhere).unwrap());
    assert!(!same_user(local, "192.0.2.1:4000".parse().unwrap()).unwrap());
    assert!(!same_user("192.0.2.1:4000".parse().unwrap(), peer).unwrap());
}

#[test]
fn rows_are_read_as_the_kernel_writes_them() {
    let (from, to) = (
        "127.0.0.1:51234".parse().unwrap(),
        "127.0.0.1:4100".parse().unwrap(),
    );
    let row = |state: &str, inode: &str| {
        // As a little-endian kernel writes it.
        format!(
            "  12: 0100007F:C822 0100007F:1004 {state} 00000000:00000000 00:00000000 00000000  1000        0 {inode} 1 0000 20 4 30 10 -1"
        )
    };
    if cfg!(target_endian = "little") {
        let judge = |row: &str| table::owner_on(row, from, to);
        assert_eq!(judge(&row("01", "4711")), Some(1000));
        assert_eq!(judge(&row("06", "4711")), None);
        assert_eq!(judge(&row("01", "0")), None);
        let mapped = row("01", "4711").replace("0100007F", "0000000000000000FFFF00000100007F");
        assert_eq!(judge(&mapped), Some(1000));
        for junk in [
            "",
            "sl local_address rem_address st",
            "1: 0100007F 0100007F:1004 01",
            "1: äääääääää:1 x",
        ] {
            assert_eq!(judge(junk), None, "{junk}");
        }
    }
}

#[test]
fn a_process_of_another_user_is_not() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: only root can start a process of another user");
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let Some(mut stranger) = stranger(listener.local_addr().unwrap().port()) else {
        eprintln!("skipped: neither setpriv nor runuser is here");
        return;
    };
    let server = accept(&listener, &mut stranger);
    let judged = judge(&server);
    drop(server);
    stranger.kill().ok();
    stranger.wait().unwrap();
    assert!(!judged);
}

/// A process of user 65534 that connects and waits until we hang up.
fn stranger(port: u16) -> Option<Child> {
    let connect = format!("exec 3<>/dev/tcp/127.0.0.1/{port} && read -r -u 3 _");
    let setpriv: &[&str] = &[
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
    ];
    let runuser: &[&str] = &["runuser", "-u", "nobody", "--"];
    [setpriv, runuser].into_iter().find_map(|words| {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).args(["bash", "-c", &connect]);
        command.current_dir("/").stdin(Stdio::null()).spawn().ok()
    })
}

fn accept(listener: &TcpListener, stranger: &mut Child) -> TcpStream {
    listener.set_nonblocking(true).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        if let Ok((server, _)) = listener.accept() {
            return server;
        }
        assert_eq!(
            stranger.try_wait().unwrap(),
            None,
            "the other user's process ended early"
        );
        std::thread::yield_now();
    }
    panic!("the other user's process did not connect within 20 s");
}
