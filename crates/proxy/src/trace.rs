use http::{HeaderMap, HeaderValue};
use tollgate_types::TraceParent;

use crate::account::Account;
use crate::names;

/// Takes the caller's `traceparent` as the parent of this request's span, and
/// puts this request in its place for whoever comes next.
///
/// A header that can't be read, or stands twice, is nobody's: it goes on as it
/// came, as it does where no traces are sent. A caller without one gets none
/// sent on in its name.
pub(crate) fn continued(headers: &mut HeaderMap, account: &mut Account) {
    let mut all = headers.get_all(names::TRACEPARENT).iter();
    let parent = match (all.next(), all.next()) {
        (Some(value), None) => value.to_str().ok().and_then(TraceParent::parse),
        _ => None,
    };
    let Some(next) = account.traced(parent) else {
        return;
    };
    if let Ok(value) = HeaderValue::from_str(&next.to_header()) {
        headers.insert(names::TRACEPARENT, value);
    }
}
