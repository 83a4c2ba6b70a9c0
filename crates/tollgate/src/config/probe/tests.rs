use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// A server that answers every connection with the same bytes and then holds
/// it open.
async fn server(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1024];
            if stream.read(&mut request).await.is_ok()
                && stream.write_all(answer.as_bytes()).await.is_ok()
            {
                drop(stream.read(&mut request).await);
            }
        }
    });
    address
}

async fn models(kind: Kind, answer: &'static str) -> Option<Vec<String>> {
    let address = server(answer).await;
    ask(kind, address).await.map(|found| found.models)
}

#[tokio::test]
async fn each_kind_is_known_by_its_answer() {
    let ollama = "HTTP/1.1 200 OK\r\ncontent-length: 85\r\n\r\n\
        {\"models\":[{\"name\":\"qwen3:8b\",\"digest\":\"a\"},{\"name\":\"x y\",\"digest\":\"b\"}],\"more\":true}   ";
    assert_eq!(
        models(Kind::Ollama, ollama).await,
        Some(vec!["qwen3:8b".to_owned()])
    );
    let llama = "HTTP/1.0 200 OK\r\n\r\n{\"object\":\"list\",\"data\":[{\"id\":\"m.gguf\",\"owned_by\":\"llamacpp\"}]}";
    let address = server(llama).await;
    let client = ask(Kind::LmStudio, address);
    assert_eq!(client.await, None, "llama.cpp is not LM Studio");
}

#[test]
fn an_answer_of_another_server_is_not_taken() {
    let none = HeaderMap::new();
    let llama = br#"{"object":"list","data":[{"id":"m.gguf","owned_by":"llamacpp"},{"id":"*"}]}"#;
    assert_eq!(
        recognise(Kind::LlamaCpp, &none, llama),
        Some(vec!["m.gguf".to_owned()])
    );
    assert_eq!(recognise(Kind::LmStudio, &none, llama), None);
    assert_eq!(recognise(Kind::Ollama, &none, llama), None);
    let studio = br#"{"object":"list","data":[{"id":"a","owned_by":"organization_owner"}]}"#;
    assert_eq!(
        recognise(Kind::LmStudio, &none, studio),
        Some(vec!["a".to_owned()])
    );
    let mut ours = HeaderMap::new();
    ours.insert(
        "x-tollgate-request-id",
        http::HeaderValue::from_static("req_1"),
    );
    assert_eq!(recognise(Kind::LlamaCpp, &ours, llama), None);
}

#[tokio::test]
async fn garbage_silence_and_floods_end_in_time() {
    assert_eq!(models(Kind::Ollama, "garbage\r\n\r\n").await, None);
    assert_eq!(
        models(
            Kind::Ollama,
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"
        )
        .await,
        None
    );
    assert_eq!(
        models(
            Kind::Ollama,
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
        )
        .await,
        None
    );
    let flood: String = format!("HTTP/1.1 200 OK\r\n\r\n{}", "[".repeat(LARGEST * 2));
    assert_eq!(models(Kind::Ollama, flood.leak()).await, None);
}

#[tokio::test]
async fn nobody_there_is_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert_eq!(ask(Kind::Ollama, address).await, None);
}

#[test]
fn a_found_server_is_a_provider_without_a_key() {
    let found = LocalServer {
        kind: Kind::Ollama,
        address: Kind::Ollama.usual_address(),
        models: vec!["qwen3:8b".to_owned()],
    };
    let provider = found.provider().unwrap();
    assert_eq!(provider.models, ["qwen3:8b"]);
    assert!(provider.keys.is_empty());
    let Upstream::Server { base_url, .. } = provider.upstream else {
        panic!("not a server");
    };
    assert_eq!(base_url, "http://127.0.0.1:11434/v1");
}
