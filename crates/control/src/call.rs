use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use tower::ServiceExt;

/// An error that ends a connection instead of an answer.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// One request through the router, for a listener that is not axum's own.
pub async fn call<B>(
    router: axum::Router,
    request: Request<B>,
) -> Response<impl http_body::Body<Data = Bytes, Error = BoxError> + Send + 'static>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    use http_body_util::BodyExt;
    let answered: Result<_, Infallible> = router.oneshot(request.map(axum::body::Body::new)).await;
    match answered {
        Ok(response) => response.map(|body| body.map_err(BoxError::from)),
        Err(never) => match never {},
    }
}
