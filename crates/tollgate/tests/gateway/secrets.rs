//! No key shows anywhere.

use tollgate_testkit::{Request, Script, Wire};

use crate::house::{FIRST_KEY, House, KEY, SECOND_KEY, model};

#[tokio::test]
async fn no_key_shows_anywhere() {
    let mut house = House::open().await;
    let mut seen = String::new();
    for wire in [Wire::OpenAi, Wire::Anthropic] {
        let own = format!("{{\"error\":{{\"message\":\"this key is {FIRST_KEY}\"}}}}");
        house.provider(wire).push(Script::json(400, own));
        let answer = house.send(&Request::ask(wire, false, model(wire))).await;
        assert_eq!(answer.status(), 400);
        seen += &answer.text();
        house.provider(wire).otherwise(Script::EchoCredential);
        for stream in [false, true] {
            let answer = house.send(&Request::ask(wire, stream, model(wire))).await;
            seen += &String::from_utf8_lossy(&answer.head.raw);
            seen += &answer.text();
            seen += &house.story_of(&answer).await.to_string();
            let id = answer.header("x-tollgate-request-id").unwrap().to_owned();
            let why = house.gateway.command(&["why", &id]).await;
            seen += &(why.stdout + &why.stderr);
        }
    }
    for path in [
        "/control/status",
        "/control/profiles",
        "/control/agents",
        "/control/models",
    ] {
        seen += &house.control(path).await.to_string();
    }
    for command in [
        &["status"][..],
        &["agents", "list"],
        &["models", "list"],
        &["config", "check"],
    ] {
        let run = house.gateway.command(command).await;
        seen += &(run.stdout + &run.stderr);
    }
    let metrics = Request::get("/metrics").key(&house.gateway.operator_token());
    seen += &house.client().send(&metrics).await.text();
    house.gateway.sigterm().await;
    seen += &house.gateway.stdout();
    seen += &house.gateway.stderr();
    for name in std::fs::read_dir(house.gateway.home()).unwrap() {
        let path = name.unwrap().path();
        if path.file_name().is_some_and(|name| name != "tollgate.toml") && path.is_file() {
            seen += &String::from_utf8_lossy(&std::fs::read(path).unwrap());
        }
    }
    assert!(
        seen.contains("provided: [key]"),
        "the provider's echo was met, and masked"
    );
    assert!(
        seen.contains("is [secret]"),
        "the provider's own answer was passed on, and scrubbed"
    );
    for key in [KEY, FIRST_KEY, SECOND_KEY] {
        let secret_part = &key[key.len() - 20..];
        assert!(!seen.contains(secret_part), "`{}…` shows", &key[..8]);
    }
}
