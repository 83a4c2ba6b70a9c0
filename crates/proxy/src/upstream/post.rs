use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderValue};
use http::{HeaderMap, Method};

use super::connect::Connector;
use super::outgoing::{Outgoing, whole};
use super::source::Source;
use super::target::Target;

/// Posts JSON to a path below a base URL and gives the answer's body; an answer
/// that is no success or longer than `limit` is an error without content.
pub(crate) async fn post_json(
    connector: &Connector,
    target: &Arc<Target>,
    path: &str,
    body: Bytes,
    limit: usize,
) -> Result<Bytes, String> {
    let path = target.path(path, None).ok_or("the path can't be written")?;
    let json = HeaderValue::from_static("application/json");
    let mut headers = HeaderMap::with_capacity(3);
    headers.insert(header::HOST, target.host_header.clone());
    headers.insert(header::CONTENT_TYPE, json.clone());
    headers.insert(header::ACCEPT, json);
    let connection = connector.connect(target).await;
    let mut connection = connection.map_err(|error| error.to_string())?;
    let request = Outgoing::new(Method::POST, &path, &headers, whole(&body));
    let answer = connection.send(request, None).await;
    let head = answer.map_err(|unanswered| unanswered.fault.to_string())?;
    if !head.status.is_success() {
        return Err(format!("it answered {}", head.status.as_u16()));
    }
    let mut source = Source::Http(Some(connection), Arc::clone(target));
    let mut bytes = BytesMut::new();
    while let Some(chunk) = source.next().await {
        bytes.extend_from_slice(&chunk.map_err(|error| error.to_string())?);
        if bytes.len() > limit {
            return Err(format!("its answer has more than {limit} bytes"));
        }
    }
    Ok(bytes.freeze())
}
