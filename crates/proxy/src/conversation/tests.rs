use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::*;
use crate::body::BodyError;

/// What serves the requests of a test.
#[derive(Default)]
struct Echo {
    served: AtomicUsize,
    /// A request to `/wait` was dropped before it was answered.
    dropped: Notify,
}

struct Dropped<'e>(&'e Echo);

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        self.0.dropped.notify_one();
    }
}

/// A body that comes in pieces of unknown number.
struct Streamed(Vec<&'static str>);

impl http_body::Body for Streamed {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, BodyError>>> {
        let next = (!self.0.is_empty()).then(|| self.0.remove(0));
        Poll::Ready(next.map(|text| match text {
            "!" => Err("broken".into()),
            text => Ok(http_body::Frame::data(text.into())),
        }))
    }
}

impl Echo {
    async fn serve(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        self.served.fetch_add(1, Ordering::SeqCst);
        let (head, body) = request.into_parts();
        match head.uri.path() {
            "/stream" => Response::new(Body::foreign(Streamed(vec!["ab", "", "cde"]))),
            "/broken" => Response::new(Body::foreign(Streamed(vec!["ab", "!"]))),
            "/unread" => Response::new(Body::whole("no".into())),
            "/wait" => {
                let _dropped = Dropped(&self);
                std::future::pending().await
            }
            _ => match body.collect().await {
                Ok(all) => Response::new(Body::whole(all.to_bytes())),
                Err(fault) => Response::new(Body::whole(fault.to_string().into())),
            },
        }
    }
}

struct Conversation {
    socket: TcpStream,
    echo: Arc<Echo>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), HeadFault>>,
}

impl Conversation {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (theirs, _) = listener.accept().await.unwrap();
        let (stop, stops) = watch::channel(false);
        let echo = Arc::new(Echo::default());
        let serving = Arc::clone(&echo);
        let task = tokio::spawn(converse(theirs, stops, move |request| {
            Arc::clone(&serving).serve(request)
        }));
        Self {
            socket,
            echo,
            stop,
            task,
        }
    }

    async fn say(&mut self, text: &str) {
        self.socket.write_all(text.as_bytes()).await.unwrap();
    }

    /// What comes up to `end`, dates taken out.
    async fn hear(&mut self, end: &str) -> String {
        let mut heard = String::new();
        while !heard.ends_with(end) {
            let byte = self.socket.read_u8().await;
            heard.push(char::from(
                byte.unwrap_or_else(|_| panic!("closed after {heard:?}")),
            ));
        }
        without_date(&heard)
    }

    async fn hear_all(&mut self) -> String {
        let mut heard = Vec::new();
        let end = self.socket.read_to_end(&mut heard);
        tokio::time::timeout(Duration::from_secs(10), end)
            .await
            .unwrap()
            .ok();
        without_date(&String::from_utf8(heard).unwrap())
    }
}

fn without_date(text: &str) -> String {
    let lines = text.split_inclusive("\r\n");
    lines.filter(|line| !line.starts_with("date: ")).collect()
}

fn post(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

const OK: &str = "HTTP/1.1 200 OK\r\n";

#[tokio::test]
async fn requests_follow_one_another_however_they_are_cut() {
    let mut it = Conversation::open().await;
    it.say(&format!("{}{}", post("/", "one"), post("/", "two")))
        .await;
    assert_eq!(
        it.hear("one").await,
        format!("{OK}content-length: 3\r\n\r\none")
    );
    assert_eq!(
        it.hear("two").await,
        format!("{OK}content-length: 3\r\n\r\ntwo")
    );
    for byte in post("/", "three").bytes() {
        it.socket.write_all(&[byte]).await.unwrap();
    }
    assert_eq!(
        it.hear("three").await,
        format!("{OK}content-length: 5\r\n\r\nthree")
    );
    it.say("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nfo\r\n2\r\nur\r\n0\r\n\r\n")
        .await;
    assert_eq!(
        it.hear("four").await,
        format!("{OK}content-length: 4\r\n\r\nfour")
    );
    drop(it.socket);
    assert_eq!(it.task.await.unwrap(), Ok(()));
    assert_eq!(it.echo.served.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_stream_goes_out_in_chunks_and_by_closing_to_old_callers() {
    let mut it = Conversation::open().await;
    it.say("GET /stream HTTP/1.1\r\n\r\n").await;
    let chunks = "2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n";
    assert_eq!(
        it.hear("0\r\n\r\n").await,
        format!("{OK}transfer-encoding: chunked\r\n\r\n{chunks}")
    );
    it.say("GET /stream HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
        .await;
    assert_eq!(
        it.hear_all().await,
        format!("{OK}connection: close\r\n\r\nabcde")
    );
}

#[tokio::test]
async fn a_body_that_breaks_never_ends_cleanly() {
    let mut it = Conversation::open().await;
    it.say("GET /broken HTTP/1.1\r\n\r\n").await;
    assert!(!it.hear_all().await.contains("0\r\n\r\n"));
}

#[tokio::test]
async fn a_caller_that_waits_is_asked_for_its_body_by_who_reads_it() {
    let mut it = Conversation::open().await;
    let head = "HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n";
    it.say(&format!("POST / {head}")).await;
    assert_eq!(it.hear("\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
    it.say("hi").await;
    assert_eq!(
        it.hear("hi").await,
        format!("{OK}content-length: 2\r\n\r\nhi")
    );
    it.say(&format!("POST /unread {head}")).await;
    assert_eq!(
        it.hear_all().await,
        format!("{OK}content-length: 2\r\n\r\nno")
    );
}

#[tokio::test]
async fn a_body_that_nobody_read_is_not_the_next_request() {
    let mut it = Conversation::open().await;
    it.say(&post("/unread", "GET /smuggled HTTP/1.1\r\n\r\n"))
        .await;
    it.say(&post("/", "x")).await;
    it.hear("no").await;
    assert_eq!(
        it.hear("x").await,
        format!("{OK}content-length: 1\r\n\r\nx")
    );
    assert_eq!(it.echo.served.load(Ordering::SeqCst), 2);
    let mut it = Conversation::open().await;
    it.say("POST /unread HTTP/1.1\r\ncontent-length: 1000\r\n\r\nGET / HTTP/1.1\r\n\r\n")
        .await;
    it.hear_all().await;
    assert_eq!(it.echo.served.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_caller_that_leaves_ends_what_is_done_for_it() {
    let mut it = Conversation::open().await;
    it.say("GET /wait HTTP/1.1\r\n\r\n").await;
    drop(it.socket);
    it.echo.dropped.notified().await;
    assert_eq!(it.task.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn heads_that_are_none_get_their_status_and_the_end() {
    for (head, status) in [
        ("no request\r\n\r\n", "400 Bad Request"),
        (
            "POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
            "400 Bad Request",
        ),
    ] {
        let mut it = Conversation::open().await;
        it.say(head).await;
        let expected =
            format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        assert_eq!(it.hear_all().await, expected, "{head}");
        assert!(it.task.await.unwrap().is_err());
        assert_eq!(it.echo.served.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn who_stops_closes_what_is_idle_and_finishes_what_runs() {
    let mut it = Conversation::open().await;
    it.say(&post("/", "one")).await;
    it.hear("one").await;
    it.stop.send_replace(true);
    assert_eq!(it.hear_all().await, "");
    let mut it = Conversation::open().await;
    it.say("POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\nh")
        .await;
    while it.echo.served.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    it.stop.send_replace(true);
    it.say("i").await;
    assert_eq!(
        it.hear_all().await,
        format!("{OK}content-length: 2\r\nconnection: close\r\n\r\nhi")
    );
}
