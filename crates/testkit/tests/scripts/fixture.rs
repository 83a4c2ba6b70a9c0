//! The gateway fixture, tried on a stand-in: the bench's upstream prints where
//! it listens and answers `GET /health`, which is all that the fixture needs.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use tollgate_testkit::{Gateway, GatewayBuilder, Request, Signal};

fn stand_in() -> GatewayBuilder {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scripts/fake-gateway.sh");
    Gateway::builder(program).env("UPSTREAM", env!("CARGO_BIN_EXE_bench-relay"))
}

#[tokio::test]
async fn starts_answers_and_ends() {
    let mut gateway = stand_in()
        .config("[server]\nbind = \"127.0.0.1:0\"\n")
        .start()
        .await;
    let config = gateway.home().join("tollgate.toml");
    assert_eq!(
        std::fs::metadata(&config).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(
        gateway
            .client()
            .send(&Request::get("/health"))
            .await
            .status(),
        200
    );
    assert!(gateway.stdout().contains(gateway.url()));
    assert!(
        gateway
            .wait_for_output("listening")
            .await
            .contains(gateway.url())
    );
    assert!(gateway.anonymous_memory() > 0);
    gateway.write_config("# changed\n");
    assert_eq!(std::fs::read_to_string(&config).unwrap(), "# changed\n");

    let home = gateway.home().to_owned();
    assert_eq!(
        gateway.sigterm().await.signal(),
        Some(Signal::SIGTERM as i32)
    );
    gateway.restart().await;
    assert_eq!(gateway.home(), home);
    assert_eq!(gateway.kill9().await.signal(), Some(Signal::SIGKILL as i32));
    assert!(!gateway.client().can_connect().await);
}

#[tokio::test]
async fn a_dropped_gateway_is_gone() {
    let gateway = stand_in().start().await;
    let client = gateway.client();
    let mut open = client.connect().await;
    drop(gateway);
    let mut buffer = bytes::BytesMut::new();
    let read = tollgate_testkit::within("the connection to end", open.read(&mut buffer)).await;
    assert!(matches!(read, Ok(0) | Err(_)));
}

#[tokio::test]
async fn commands_share_home_and_environment() {
    let gateway = stand_in().env("SHOWN", "yes").start().await;
    let output = gateway.command(&["environment"]).await;
    assert_eq!(output.code, Some(0), "{output:?}");
    let has = |line: &str| output.stdout.lines().any(|known| known == line);
    assert!(has("SHOWN=yes"));
    assert!(has(&format!("TOLLGATE_HOME={}", gateway.home().display())));
    assert!(
        !output.stdout.contains("CARGO_MANIFEST_DIR="),
        "nothing else leaks in"
    );
    let wrong = gateway.command(&["no-such-command"]).await;
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("no-such-command"));
}
