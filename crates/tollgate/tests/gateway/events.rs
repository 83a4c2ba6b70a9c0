//! The ledger followed over a real connection.

use serde_json::{Value, json};
use tollgate_testkit::{Gateway, Request, SseEvent, Stream, within};

use crate::house::{FIRST_KEY, House};

async fn follow(gateway: &Gateway, path: &str, last: Option<u64>) -> Stream {
    let mut request = Request::get(path).key(&gateway.operator_token());
    if let Some(last) = last {
        request = request.header("last-event-id", &last.to_string());
    }
    let stream = gateway.client().open(&request).await;
    assert_eq!(stream.head.status, 200, "{:?}", stream.head);
    assert_eq!(
        stream.head.header("content-type"),
        Some("text/event-stream")
    );
    stream
}

fn id(event: &SseEvent) -> Option<u64> {
    let text = String::from_utf8_lossy(&event.raw).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("id: "))?;
    line.parse().ok()
}

/// The next event that says something, comments and the opening left out.
async fn next(stream: &mut Stream) -> SseEvent {
    loop {
        let event = stream.next_event().await.expect("the stream goes on");
        if !event.data.is_empty() {
            return event;
        }
    }
}

/// The next entry of this kind, and where it stands.
async fn entry(stream: &mut Stream, kind: &str) -> (Value, u64) {
    within(kind, async {
        loop {
            let event = next(stream).await;
            assert_eq!(event.event, None, "{event:?}");
            let entry = event.json();
            assert_eq!(entry["cursor"].as_u64(), id(&event));
            if entry["event"]["kind"] == kind {
                return (entry, id(&event).unwrap());
            }
        }
    })
    .await
}

#[tokio::test]
async fn entries_come_as_they_are_committed_and_a_cursor_outlives_the_gateway() {
    let mut house = House::open().await;
    let mut now = follow(&house.gateway, "/control/events", None).await;
    let answer = house.send(&Request::chat("gpt-4o", "hello")).await;
    let (request, at) = entry(&mut now, "request.finished").await;
    assert_eq!(
        request["event"]["id"],
        answer.header("x-tollgate-request-id").unwrap()
    );
    assert!(!request.to_string().contains(FIRST_KEY));
    let token = house.gateway.operator_token();
    let body = json!({"name": "ci-bot"});
    let added = Request::post("/control/agents", &body).key(&token);
    assert_eq!(house.client().send(&added).await.status(), 201);
    let (added, _) = entry(&mut now, "agent.added").await;
    assert_eq!(added["event"]["principal"]["actor"]["operator"], "operator");
    assert_eq!(added["event"]["plane"], "gateway");

    // The drain ends it, cleanly and with a word.
    house.gateway.begin_sigterm();
    let last = next(&mut now).await;
    assert_eq!(last.event.as_deref(), Some("end"));
    assert_eq!(last.json()["reason"], "draining");
    let rest = now.finish().await;
    assert_eq!(rest.ending, tollgate_testkit::Ending::Clean);
    house.gateway.exit().await;

    house.gateway.restart().await;
    // A browser that comes back has both; what it saw last counts.
    let mut again = follow(&house.gateway, "/control/events?after=0", Some(at)).await;
    let (added, later) = entry(&mut again, "agent.added").await;
    assert_eq!(added["event"]["facts"]["agent"], "ci-bot");
    assert!(later > at);
    let mut from_start = follow(&house.gateway, "/control/events?after=0", None).await;
    let (_, first) = entry(&mut from_start, "request.finished").await;
    assert_eq!(first, at);
}

#[tokio::test]
async fn followers_have_places_and_need_a_token() {
    let house = House::open().await;
    let answer = house.client().send(&Request::get("/control/events")).await;
    assert_eq!(answer.status(), 401);
    let mut streams = Vec::new();
    for _ in 0..32 {
        streams.push(follow(&house.gateway, "/control/events", None).await);
    }
    let request = Request::get("/control/events").key(&house.gateway.operator_token());
    let answer = house.client().send(&request).await;
    assert_eq!(answer.status(), 429, "{}", answer.text());
    assert_eq!(answer.json()["error"]["code"], "too_many_followers");
    // One that leaves makes room.
    streams.pop();
    within("a free place", async {
        loop {
            let stream = house.client().open(&request).await;
            if stream.head.status == 200 {
                return;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
}
