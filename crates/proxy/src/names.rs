//! Names of the fields that Tollgate adds or reads, made once: looking a
//! field up by a string hashes and checks the string each time.

use http::HeaderName;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-tollgate-request-id");
pub(crate) const PROVIDER: HeaderName = HeaderName::from_static("x-tollgate-provider");
pub(crate) const MODEL: HeaderName = HeaderName::from_static("x-tollgate-model");
pub(crate) const ATTEMPTS: HeaderName = HeaderName::from_static("x-tollgate-attempts");
pub(crate) const CREDENTIAL: HeaderName = HeaderName::from_static("x-tollgate-credential");
pub(crate) const REASON: HeaderName = HeaderName::from_static("x-tollgate-reason");
pub(crate) const ESTIMATE: HeaderName = HeaderName::from_static("x-tollgate-estimate");
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(crate) const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");
