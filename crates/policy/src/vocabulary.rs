//! The words that a policy file may use beside Starlark's own.

use std::cell::Cell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use starlark::collections::SmallMap;
use starlark::environment::{Globals, GlobalsBuilder, LibraryExtension};
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::dict::AllocDict;
use starlark::values::list_or_tuple::UnpackListOrTuple;
use starlark::values::none::{NoneOr, NoneType};
use starlark::values::{Heap, StringValue, Value};

use crate::domain::{Domain, covers_domain, domain_of};
use crate::limits::GROWTH;
use crate::value::Keys;
use crate::{argv, glob, time};

/// Everything that all files share, made once.
pub(crate) struct Vocabulary {
    pub(crate) globals: Globals,
    pub(crate) keys: Keys,
}

pub(crate) static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| {
    use LibraryExtension::{Filter, Json, Map, Partial, Print, SetType, StructType};
    let extensions = [StructType, SetType, Map, Filter, Partial, Json, Print];
    let builder = GlobalsBuilder::extended_by(&extensions)
        .with(bounded)
        .with(marks)
        .with(declarations)
        .with(questions)
        .with(argv_questions);
    Vocabulary {
        keys: Keys::new(&builder),
        globals: builder.build(),
    }
});

/// What an evaluation carries: the mark of the `return` that spoke last, or,
/// while a file is loaded, how many declarations it has made.
///
/// One number, because that is what the library lets us carry without `unsafe`:
/// bit 127 says "loading"; below it the mark in the upper and the identity of
/// the returned value in the lower 64 bits.
#[derive(Default)]
pub(crate) struct Carried(pub(crate) Cell<u128>);

const LOADING: u128 = 1 << 127;

impl Carried {
    pub(crate) fn loading() -> Self {
        Self(Cell::new(LOADING))
    }

    /// The mark of the `return` that handed this very value back.
    pub(crate) fn mark_of(&self, value: Value<'_>) -> Option<u32> {
        let carried = self.0.get();
        (carried as u64 == identity(value)).then_some((carried >> 64) as u32)
    }
}

fn identity(value: Value<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.identity().hash(&mut hasher);
    hasher.finish()
}

fn carried<'a>(eval: &'a Evaluator<'_, '_, '_>) -> Option<&'a Cell<u128>> {
    eval.extra?.downcast_ref::<Cell<u128>>()
}

/// The name under which a module keeps its n-th declaration. No identifier of
/// a file can be this.
pub(crate) fn declaration(at: u64) -> String {
    format!("declared {at}")
}

fn refused<T>(message: impl Into<String>) -> starlark::Result<T> {
    Err(starlark::Error::new_other(anyhow_of(message.into())))
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Message(String);

fn anyhow_of(message: String) -> Message {
    Message(message)
}

#[starlark_module]
pub(crate) fn bounded(globals: &mut GlobalsBuilder) {
    fn _tollgate_plus<'v>(
        #[starlark(require = pos)] left: Value<'v>,
        #[starlark(require = pos)] right: Value<'v>,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        if size(left).saturating_add(size(right)) > GROWTH {
            return refused(format!(
                "`+` would build more than {GROWTH} characters or elements"
            ));
        }
        left.add(right, heap)
    }

    fn _tollgate_times<'v>(
        #[starlark(require = pos)] left: Value<'v>,
        #[starlark(require = pos)] right: Value<'v>,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        let times = |value: Value<'v>| value.unpack_i32().map_or(0, |n| n.max(0) as usize);
        let built = match (size(left), size(right)) {
            (0, 0) => 0,
            (0, size) => size.saturating_mul(times(left)),
            (size, _) => size.saturating_mul(times(right)),
        };
        if built > GROWTH {
            return refused(format!(
                "`*` would build more than {GROWTH} characters or elements"
            ));
        }
        left.mul(right, heap)
    }

    fn _tollgate_shift<'v>(
        #[starlark(require = pos)] left: Value<'v>,
        #[starlark(require = pos)] right: Value<'v>,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        if right
            .unpack_i32()
            .is_none_or(|bits| bits as i64 > GROWTH as i64)
        {
            return refused(format!("`<<` would build more than {GROWTH} bits"));
        }
        left.left_shift(right, heap)
    }
}

/// How long a text or list is; 0 for what is neither.
fn size(value: Value<'_>) -> usize {
    match value.unpack_str() {
        Some(text) => text.len(),
        None if value.unpack_i32().is_some() => 0,
        None => value.length().map_or(0, |length| length.max(0) as usize),
    }
}

#[starlark_module]
pub(crate) fn marks(globals: &mut GlobalsBuilder) {
    fn _tollgate_at<'v>(
        #[starlark(require = pos)] place: u32,
        #[starlark(require = pos)] value: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        mark(place, value, eval, false);
        Ok(value)
    }

    fn _tollgate_via<'v>(
        #[starlark(require = pos)] place: u32,
        #[starlark(require = pos)] value: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        mark(place, value, eval, true);
        Ok(value)
    }
}

fn mark(place: u32, value: Value<'_>, eval: &Evaluator<'_, '_, '_>, keep: bool) {
    let Some(carried) = carried(eval) else { return };
    let (before, identity) = (carried.get(), identity(value));
    if before & LOADING == 0 && !(keep && before as u64 == identity) {
        carried.set(u128::from(place) << 64 | u128::from(identity));
    }
}

#[starlark_module]
fn declarations(globals: &mut GlobalsBuilder) {
    /// Declares a rule of this file.
    fn rule<'v>(
        #[starlark(kwargs)] said: SmallMap<String, Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        declare("rule", said, eval)
    }

    /// Declares what this file must say to a call.
    fn expect<'v>(
        #[starlark(require = pos)] verdict: Value<'v>,
        #[starlark(kwargs)] said: SmallMap<String, Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let mut said = said;
        if said.insert("verdict".to_owned(), verdict).is_some() {
            return refused("the verdict of expect(…) is its first argument");
        }
        declare("expect", said, eval)
    }
}

fn declare<'v>(
    word: &str,
    said: SmallMap<String, Value<'v>>,
    eval: &mut Evaluator<'v, '_, '_>,
) -> starlark::Result<NoneType> {
    let loading = carried(eval).filter(|carried| carried.get() & LOADING != 0);
    let Some(counter) = loading else {
        return refused(format!(
            "{word}(…) is a declaration of the file's top level, it can't be made by evaluate"
        ));
    };
    let at = (counter.get() & !LOADING) as u64;
    counter.set(counter.get() + 1);
    // The outermost call: where the file itself says it.
    let stack = eval.call_stack();
    let place = stack
        .frames
        .first()
        .and_then(|frame| frame.location.as_ref());
    let line = place.map_or(0, |place| place.resolve_span().begin.line as u32 + 1);
    let heap = eval.heap();
    let said = heap.alloc(AllocDict(said));
    let declared = heap.alloc((word, line, said));
    eval.module().set(&declaration(at), declared);
    Ok(NoneType)
}

/// One text, or several of which any will do.
fn any_of<'v>(value: Value<'v>) -> starlark::Result<Vec<&'v str>> {
    if let Some(text) = value.unpack_str() {
        return Ok(vec![text]);
    }
    let list = starlark::values::UnpackValue::unpack_value(value)?;
    let list: Option<UnpackListOrTuple<&'v str>> = list;
    match list {
        Some(list) => Ok(list.items),
        None => refused(format!(
            "found {}, expected a string or a list of strings",
            value.get_type()
        )),
    }
}

#[starlark_module]
pub(crate) fn questions(globals: &mut GlobalsBuilder) {
    /// Whether a text matches a glob, or any of several.
    fn glob<'v>(
        #[starlark(require = pos)] text: NoneOr<&'v str>,
        #[starlark(require = pos)] globs: Value<'v>,
    ) -> starlark::Result<bool> {
        let globs = any_of(globs)?;
        let text = text.into_option();
        Ok(text.is_some_and(|text| globs.iter().any(|glob| glob::matches(glob, text))))
    }

    /// Whether a domain is one of these, or lies below one of them.
    fn domain_matches<'v>(
        #[starlark(require = pos)] domain: NoneOr<&'v str>,
        #[starlark(require = pos)] domains: Value<'v>,
    ) -> starlark::Result<bool> {
        let domains = any_of(domains)?;
        let domain = domain.into_option().and_then(Domain::parse);
        Ok(domain.is_some_and(|domain| domains.iter().any(|it| covers_domain(it, &domain))))
    }

    /// The host of a URL in its canonical form, or None.
    fn domain_of_url<'v>(
        #[starlark(require = pos)] url: NoneOr<&'v str>,
        heap: Heap<'v>,
    ) -> starlark::Result<NoneOr<StringValue<'v>>> {
        let domain = url.into_option().and_then(domain_of);
        Ok(match domain {
            Some(domain) => NoneOr::Other(heap.alloc_str(domain.as_str())),
            None => NoneOr::None,
        })
    }

    /// Whether a path matches a glob by its names, or any of several.
    fn path_matches<'v>(
        #[starlark(require = pos)] path: NoneOr<&'v str>,
        #[starlark(require = pos)] globs: Value<'v>,
    ) -> starlark::Result<bool> {
        let globs = any_of(globs)?;
        let path = path.into_option();
        Ok(path.is_some_and(|path| globs.iter().any(|glob| glob::matches_path(glob, path))))
    }

    /// Whether a path is a folder or lies below it, or one of several.
    fn path_under<'v>(
        #[starlark(require = pos)] path: NoneOr<&'v str>,
        #[starlark(require = pos)] folders: Value<'v>,
    ) -> starlark::Result<bool> {
        let folders = any_of(folders)?;
        let path = path.into_option();
        Ok(path.is_some_and(|path| folders.iter().any(|folder| glob::is_under(path, folder))))
    }

    /// The hour in UTC, 0 to 23.
    fn hour(#[starlark(require = pos)] seconds: i64) -> starlark::Result<i32> {
        Ok(time::hour(seconds))
    }

    /// The weekday in UTC, `mon` to `sun`.
    fn weekday(#[starlark(require = pos)] seconds: i64) -> starlark::Result<&'static str> {
        Ok(time::weekday(seconds))
    }

    /// The date in UTC, as `2026-11-20`.
    fn date(#[starlark(require = pos)] seconds: i64) -> starlark::Result<String> {
        Ok(time::date(seconds))
    }
}

#[starlark_module]
fn argv_questions(globals: &mut GlobalsBuilder) {
    /// The program's own name, or None.
    fn argv_program<'v>(
        #[starlark(require = pos)] argv: UnpackListOrTuple<&'v str>,
        heap: Heap<'v>,
    ) -> starlark::Result<NoneOr<StringValue<'v>>> {
        Ok(text_or_none(argv::program(&argv.items), heap))
    }

    /// Whether any of these options is given.
    fn argv_has<'v>(
        #[starlark(require = pos)] argv: UnpackListOrTuple<&'v str>,
        #[starlark(require = pos)] options: Value<'v>,
    ) -> starlark::Result<bool> {
        let options = any_of(options)?;
        Ok(options.iter().any(|option| argv::has(&argv.items, option)))
    }

    /// The value of an option, or None.
    fn argv_value<'v>(
        #[starlark(require = pos)] argv: UnpackListOrTuple<&'v str>,
        #[starlark(require = pos)] options: Value<'v>,
        heap: Heap<'v>,
    ) -> starlark::Result<NoneOr<StringValue<'v>>> {
        let options = any_of(options)?;
        let value = options
            .iter()
            .find_map(|option| argv::value(&argv.items, option));
        Ok(text_or_none(value, heap))
    }

    /// The words that are no options.
    fn argv_words<'v>(
        #[starlark(require = pos)] argv: UnpackListOrTuple<&'v str>,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        let words = argv::words(&argv.items);
        Ok(heap.alloc(starlark::values::list::AllocList(words)))
    }

    /// Whether it begins with these words.
    fn argv_starts_with<'v>(
        #[starlark(require = pos)] argv: UnpackListOrTuple<&'v str>,
        #[starlark(require = pos)] words: UnpackListOrTuple<&'v str>,
    ) -> starlark::Result<bool> {
        Ok(argv::starts_with(&argv.items, &words.items))
    }
}

fn text_or_none<'v>(text: Option<&str>, heap: Heap<'v>) -> NoneOr<StringValue<'v>> {
    match text {
        Some(text) => NoneOr::Other(heap.alloc_str(text)),
        None => NoneOr::None,
    }
}
