//! What the readers take of a request: everything else is found here, so that
//! nothing is lost in silence.
//!
//! A reader looks for what it knows. Beside each stands the shape of what it
//! reads, and after a translation the request is held against it: a member
//! that the shape does not have was not read, and is recorded by its path.

use super::raw::Raw;

/// What of a value is read.
pub(super) enum Shape {
    /// All of it, or it goes over whole.
    Whole,
    /// An object of these members, and no others.
    Object(Members),
    /// An object whose other members its reader judges by itself.
    Open(Members),
    /// An object of the members that its `type` has; none is the first one.
    Typed(&'static [(&'static str, Members)]),
    /// A list of such; text in its place is read as a whole.
    List(&'static Shape),
}

pub(super) type Members = &'static [(&'static str, &'static Shape)];

pub(super) const WHOLE: &Shape = &Shape::Whole;

/// Whether a key is the one of a shape: Gemini has two spellings of each.
pub(super) type Same = fn(&str, &str) -> bool;

/// Finds the members of a value that nobody read.
pub(super) fn unread<'a>(value: Raw<'a>, shape: &Shape, same: Same, found: &mut Vec<Raw<'a>>) {
    match shape {
        Shape::Whole => {}
        Shape::List(inner) => {
            for element in value.elements().into_iter().flatten() {
                unread(element, inner, same, found);
            }
        }
        Shape::Object(known) => members(value, known, false, same, found),
        Shape::Open(known) => members(value, known, true, same, found),
        Shape::Typed(kinds) => {
            let kind = value.member("type").filter(|kind| !kind.is_null());
            let kind = kind.map(|kind| kind.get().trim_matches('"'));
            let known = match kind {
                None => kinds.first(),
                Some(kind) => kinds.iter().find(|(known, _)| *known == kind),
            };
            if let Some((_, known)) = known {
                members(value, known, false, same, found);
            }
        }
    }
}

fn members<'a>(of: Raw<'a>, known: Members, is_open: bool, same: Same, found: &mut Vec<Raw<'a>>) {
    for (key, value) in of.members().into_iter().flatten() {
        match known.iter().find(|(known, _)| same(&key, known)) {
            Some((_, shape)) => unread(value, shape, same, found),
            None if is_open || says_nothing(value) => {}
            None => found.push(value),
        }
    }
}

/// What is empty was not said.
fn says_nothing(value: Raw<'_>) -> bool {
    let inner = value.get().trim_matches(['[', ']', '{', '}', '"', ' ']);
    inner.is_empty() || value.is_null()
}
