use tollgate_ledger::LedgerConfig;
use tollgate_types::{
    Event, OperatorName, Plane, Principal, RequestId, Severity, UnixMillis, Versions,
};

use super::*;

struct Place {
    _folder: tempfile::TempDir,
    ledger: Ledger,
    drains: watch::Sender<bool>,
    places: Arc<Semaphore>,
}

async fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("private/ledger.db");
    Place {
        ledger: Ledger::open(LedgerConfig::new(path), |_| {}).await.unwrap(),
        _folder: folder,
        drains: watch::Sender::new(false),
        places: Arc::new(Semaphore::new(1)),
    }
}

impl Place {
    fn feed(&self, after: u64) -> Feed {
        Feed {
            ledger: self.ledger.clone(),
            committed: self.ledger.committed(),
            stopping: self.drains.subscribe(),
            cursor: Cursor(after),
            page: VecDeque::new(),
            handed_over: None,
            stage: Stage::Begin,
            heartbeat: HEARTBEAT,
            _place: Arc::clone(&self.places).try_acquire_owned().unwrap(),
        }
    }

    async fn write(&self, kind: &str, filler: usize) {
        let event = Event {
            id: RequestId::fresh(),
            parent: None,
            at: UnixMillis(1),
            plane: Plane::Gateway,
            kind: kind.into(),
            principal: Principal::operator(OperatorName::new("olga").unwrap()),
            rule: None,
            versions: Versions::default(),
            facts: json!({"v": 1, "filler": "x".repeat(filler)}),
            outcome: "ok".into(),
            severity: Severity::Record,
        };
        self.ledger.write_event(event).await.unwrap();
    }
}

async fn next(feed: Feed) -> (String, Feed) {
    let (chunk, feed) = feed.next().await.unwrap();
    let chunk = chunk.unwrap_or_else(|never| match never {});
    (String::from_utf8(chunk.into()).unwrap(), feed)
}

#[tokio::test]
async fn entries_come_in_order_from_the_cursor_on_and_then_as_they_are_written() {
    let place = place().await;
    for kind in ["a.one", "a.two", "a.three"] {
        place.write(kind, 0).await;
    }
    let (begin, feed) = next(place.feed(1)).await;
    assert_eq!(begin, "retry: 2000\nid: 1\n\n");
    let (text, feed) = next(feed).await;
    assert!(text.starts_with("id: 2\ndata: {\"cursor\":2,"), "{text}");
    assert!(text.contains("\n\nid: 3\ndata: "), "{text}");
    assert!(text.contains("a.two") && text.contains("a.three") && !text.contains("a.one"));
    let ((text, _), ()) = tokio::join!(next(feed), place.write("a.four", 0));
    assert!(
        text.starts_with("id: 4\n") && text.contains("a.four"),
        "{text}"
    );
}

#[tokio::test]
async fn a_drain_ends_a_feed_with_its_cursor() {
    let place = place().await;
    place.write("a.one", 0).await;
    let (_, feed) = next(place.feed(1)).await;
    let ((text, feed), _) = tokio::join!(next(feed), async { place.drains.send(true) });
    assert_eq!(
        text,
        "event: end\ndata: {\"cursor\":1,\"message\":\"the gateway ends\",\"reason\":\"draining\"}\n\n"
    );
    assert!(feed.next().await.is_none());
    assert_eq!(
        place.places.available_permits(),
        1,
        "its place is free again"
    );
}

#[tokio::test]
async fn a_slow_reader_is_told_so_and_ended() {
    let place = place().await;
    for _ in 0..3 {
        place.write("a.large", 40 << 10).await;
    }
    let (_, feed) = next(place.feed(0)).await;
    let (first, mut feed) = next(feed).await;
    assert!(first.starts_with("id: 1\n"));
    assert!(
        first.len() < 2 * CHUNK,
        "no more than an entry over the limit"
    );
    assert!(
        feed.page.len() < PAGE as usize,
        "no more than a page is held"
    );
    feed.handed_over = Instant::now().checked_sub(SLOWEST + Duration::from_secs(1));
    let (text, feed) = next(feed).await;
    assert!(text.starts_with("event: end\n"), "{text}");
    assert!(
        text.contains("\"reason\":\"slow\"") && text.contains("\"cursor\":1"),
        "{text}"
    );
    assert!(feed.next().await.is_none());
}

#[tokio::test]
async fn silence_is_filled_with_comments() {
    let place = place().await;
    let (_, mut feed) = next(place.feed(0)).await;
    feed.heartbeat = Duration::from_millis(1);
    let (text, _) = next(feed).await;
    assert_eq!(text, ": \n\n");
}
