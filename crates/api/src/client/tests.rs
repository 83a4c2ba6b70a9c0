use super::*;
use crate::ProfileReport;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers one call with `answer` and gives back what was asked.
async fn once(answer: String) -> (Client, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut seen = Vec::new();
        while !whole(&seen) {
            let mut part = [0; 4096];
            let read = stream.read(&mut part).await.unwrap();
            assert!(read > 0, "closed before the request was whole");
            seen.extend_from_slice(&part[..read]);
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(seen).unwrap()
    });
    (Client::new(base, Secret::new("tgo-1-x".into())), served)
}

fn whole(seen: &[u8]) -> bool {
    let text = String::from_utf8_lossy(seen);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        line.to_lowercase()
            .strip_prefix("content-length: ")?
            .parse()
            .ok()
    });
    body.len() >= length.unwrap_or(0)
}

fn http(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn a_call_carries_the_token_and_reads_the_answer() {
    let body =
        r#"[{"profileId":"a:1","requestsCount":1,"failureCount":0,"standing":"ready","later":1}]"#;
    let (client, served) = once(http("200 OK", body)).await;
    let profiles: Vec<ProfileReport> = client.get("/control/profiles").await.unwrap();
    assert_eq!(profiles[0].profile_id, "a:1");
    let seen = served.await.unwrap().to_lowercase();
    assert!(
        seen.starts_with("get /control/profiles http/1.1\r\n"),
        "{seen}"
    );
    assert!(
        seen.contains("\r\nauthorization: bearer tgo-1-x\r\n"),
        "{seen}"
    );
    assert!(!format!("{client:?}").contains("tgo-1-x"));
}

#[tokio::test]
async fn a_body_is_sent_as_json() {
    let (client, served) = once(http("200 OK", r#"{"name":"a"}"#)).await;
    let body = crate::NewAgentRequest {
        name: "a".into(),
        ..Default::default()
    };
    let _: crate::AgentRemoved = client.post("/control/agents", &body).await.unwrap();
    assert!(served.await.unwrap().ends_with("\r\n\r\n{\"name\":\"a\"}"));
}

#[tokio::test]
async fn a_refusal_keeps_code_message_and_hint() {
    let body =
        r#"{"error":{"code":"exists","message":"agent `a` exists","hint":"remove it first"}}"#;
    let (client, _served) = once(http("409 Conflict", body)).await;
    let error = client
        .delete::<crate::AgentRemoved>("/control/agents/a")
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "agent `a` exists");
    assert_eq!(error.hint(), Some("remove it first"));
    assert!(
        matches!(error, ClientError::Refused { status: 409, ref code, .. } if code == "exists")
    );
}

#[tokio::test]
async fn what_is_no_gateway_is_named() {
    let (client, _served) = once(http("404 Not Found", "<html>nginx</html>")).await;
    let error = client
        .get::<ErrorBody>("/control/status")
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::BadAnswer { .. }), "{error}");
    let (client, _served) = once(http("200 OK", "{}")).await;
    let error = client
        .get::<ErrorBody>("/control/status")
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::BadAnswer { .. }), "{error}");
}

#[tokio::test]
async fn nobody_there_is_not_reachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = Client::new(base.clone(), Secret::new(String::new()))
        .get::<ErrorBody>("/control/status")
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("no gateway at `{base}`: connection refused")
    );
    assert_eq!(error.hint(), Some("start it with `tollgate serve`"));
}

#[tokio::test]
async fn an_answer_past_the_limit_is_cut_off() {
    let huge = LARGEST_ANSWER + 1;
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {huge}\r\n\r\n{}",
        " ".repeat(huge)
    );
    let (client, served) = once(answer).await;
    let error = client
        .get::<ErrorBody>("/control/status")
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::BadAnswer { .. }), "{error}");
    served.abort();
}

#[tokio::test]
async fn lines_are_read_as_they_come_and_half_a_line_is_none() {
    use crate::{Order, RunOrder};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let client = Client::new(base, Secret::new("tgo-1-x".into()));
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut part = [0; 4096];
        assert!(stream.read(&mut part).await.unwrap() > 0);
        let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n\n{\"order\":\"fre";
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    });
    let mut lines = client.lines("/control/runs/run_1/orders").await.unwrap();
    let mut stream = served.await.unwrap();
    let mut next = Box::pin(lines.next::<RunOrder>());
    let none_yet = tokio::select! {
        biased;
        _ = &mut next => false,
        () = tokio::task::yield_now() => true,
    };
    assert!(none_yet);
    stream
        .write_all(b"eze\"}\n\n{\"order\":\"kill\"}\n{\"order\":")
        .await
        .unwrap();
    let order = |order| Some(RunOrder { order });
    assert_eq!(next.await.unwrap(), order(Order::Freeze));
    assert_eq!(lines.next().await.unwrap(), order(Order::Kill));
    drop(stream);
    assert_eq!(lines.next::<RunOrder>().await.unwrap(), None);
}

#[tokio::test]
async fn lines_that_are_refused_say_why() {
    let body = r#"{"error":{"code":"not_found","message":"no run `run_1`"}}"#;
    let (client, _served) = once(http("404 Not Found", body)).await;
    let error = client
        .lines("/control/runs/run_1/orders")
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "no run `run_1`");
}
