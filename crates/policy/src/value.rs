//! Facts as Starlark values, and back.

use starlark::collections::{Hashed, SmallMap};
use starlark::environment::GlobalsBuilder;
use starlark::values::dict::{Dict, DictRef};
use starlark::values::float::StarlarkFloat;
use starlark::values::list::{AllocList, ListRef};
use starlark::values::tuple::TupleRef;
use starlark::values::{FrozenStringValue, Heap, StringValue, StringValueLike, UnpackValue, Value};

use crate::{Context, Fact, Taint};

/// Deepest value that is read back, in lists within lists.
const DEPTH: usize = 32;

/// The keys of `context`, hashed once.
pub(crate) struct Keys {
    names: Vec<(&'static str, FrozenStringValue)>,
}

const CONTEXT: [&str; 14] = [
    "agent_id",
    "bottle",
    "run",
    "plane",
    "domain",
    "domain_lists",
    "agent_allowed_domains",
    "agent_denied_domains",
    "tier",
    "taint",
    "budget_left",
    "time",
    "claims",
    "v",
];

/// Whether an operator may add a fact of this name to `context`: one that
/// Tollgate does not know itself, spelled like a name.
pub fn may_be_added(name: &str) -> bool {
    let spelled = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let known = CONTEXT.contains(&name) || name == "asked_by";
    !known && (1..=64).contains(&name.len()) && name.bytes().all(spelled)
}

/// Keys that the planes' own `args` are made of.
const ARGS: [&str; 12] = [
    "model",
    "asked",
    "provider",
    "endpoint",
    "stream",
    "max_output",
    "choices",
    "method",
    "host",
    "path",
    "argv",
    "cwd",
];

impl Keys {
    pub(crate) fn new(globals: &GlobalsBuilder) -> Self {
        let heap = globals.frozen_heap();
        let names = CONTEXT.into_iter().chain(ARGS);
        Self {
            names: names.map(|name| (name, heap.alloc_str(name))).collect(),
        }
    }

    fn args_key<'v>(&self, name: &str, heap: Heap<'v>) -> Hashed<Value<'v>> {
        let known = self.names[CONTEXT.len()..]
            .iter()
            .find(|(known, _)| *known == name);
        match known {
            Some((_, key)) => key.to_string_value().get_hashed_value(),
            None => heap.alloc_str(name).get_hashed_value(),
        }
    }

    /// `args`, or any other fact.
    pub(crate) fn fact<'v>(&self, fact: &Fact<'_>, heap: Heap<'v>) -> Value<'v> {
        match fact {
            Fact::Nothing => Value::new_none(),
            Fact::Flag(flag) => Value::new_bool(*flag),
            Fact::Whole(number) => heap.alloc(*number),
            Fact::Number(number) => heap.alloc(*number),
            Fact::Text(text) => text_value(text, heap),
            Fact::List(list) => heap.alloc(AllocList(list.iter().map(|it| self.fact(it, heap)))),
            Fact::Map(pairs) => {
                let mut map = SmallMap::with_capacity(pairs.len());
                for (name, fact) in pairs {
                    map.insert_hashed(self.args_key(name, heap), self.fact(fact, heap));
                }
                heap.alloc(Dict::new(map))
            }
        }
    }

    pub(crate) fn context<'v>(&self, context: &Context<'_>, heap: Heap<'v>) -> Value<'v> {
        let text = |text: &Option<std::borrow::Cow<'_, str>>| match text {
            Some(text) => text_value(text, heap),
            None => Value::new_none(),
        };
        let texts = |texts: &[tollgate_types::Label]| {
            heap.alloc(AllocList(texts.iter().map(|it| text_value(it, heap))))
        };
        // In the order of CONTEXT.
        let values = [
            text_value(&context.agent_id, heap),
            text(&context.bottle),
            text(&context.run),
            text_value(&context.plane, heap),
            text(&context.domain),
            texts(&context.domain_lists),
            texts(&context.agent_allowed_domains),
            texts(&context.agent_denied_domains),
            text(&context.tier),
            self.taint(&context.taint, heap),
            match context.budget_left {
                Some(left) => heap.alloc(left),
                None => Value::new_none(),
            },
            heap.alloc(context.time.0 / 1000),
            self.pairs(&context.claims, heap),
        ];
        let mut map = SmallMap::with_capacity(values.len() + context.extra.len());
        for ((_, key), value) in self.names.iter().zip(values) {
            map.insert_hashed(key.to_string_value().get_hashed_value(), value);
        }
        for (name, fact) in &context.extra {
            // What the operator adds never stands in for what Tollgate knows.
            if !CONTEXT.contains(&name.as_ref()) {
                map.insert_hashed(
                    heap.alloc_str(name).get_hashed_value(),
                    self.fact(fact, heap),
                );
            }
        }
        heap.alloc(Dict::new(map))
    }

    fn pairs<'v>(
        &self,
        pairs: &[(std::borrow::Cow<'_, str>, Fact<'_>)],
        heap: Heap<'v>,
    ) -> Value<'v> {
        let mut map = SmallMap::with_capacity(pairs.len());
        for (name, fact) in pairs {
            map.insert_hashed(
                heap.alloc_str(name).get_hashed_value(),
                self.fact(fact, heap),
            );
        }
        heap.alloc(Dict::new(map))
    }

    fn taint<'v>(&self, taint: &[Taint<'_>], heap: Heap<'v>) -> Value<'v> {
        let mut map = SmallMap::with_capacity(taint.len());
        for taint in taint {
            let since = Fact::from(taint.at.0 / 1000);
            let what = Fact::map([("source", Fact::text(&taint.source)), ("at", since)]);
            map.insert_hashed(
                heap.alloc_str(&taint.kind).get_hashed_value(),
                self.fact(&what, heap),
            );
        }
        heap.alloc(Dict::new(map))
    }
}

fn text_value<'v>(text: &str, heap: Heap<'v>) -> Value<'v> {
    let text: StringValue<'v> = heap.alloc_str(text);
    text.to_value()
}

/// A value of a policy file as a fact; none for functions and whatever else
/// JSON can't say, and for what is nested too deep.
pub(crate) fn read(value: Value<'_>) -> Option<Fact<'static>> {
    read_within(value, DEPTH)
}

fn read_within(value: Value<'_>, depth: usize) -> Option<Fact<'static>> {
    let depth = depth.checked_sub(1)?;
    if value.is_none() {
        return Some(Fact::Nothing);
    }
    if let Some(flag) = value.unpack_bool() {
        return Some(Fact::Flag(flag));
    }
    if let Some(text) = value.unpack_str() {
        return Some(Fact::Text(text.to_owned().into()));
    }
    if let Ok(Some(number)) = i64::unpack_value(value) {
        return Some(Fact::Whole(number));
    }
    if let Ok(Some(number)) = StarlarkFloat::unpack_value(value) {
        return Some(Fact::Number(number.0));
    }
    let items = |items: &[Value<'_>]| {
        let items = items.iter().map(|item| read_within(*item, depth));
        items.collect::<Option<_>>().map(Fact::List)
    };
    if let Some(list) = ListRef::from_value(value) {
        return items(list.content());
    }
    if let Some(tuple) = TupleRef::from_value(value) {
        return items(tuple.content());
    }
    let dict = DictRef::from_value(value)?;
    let pairs = dict.iter().map(|(name, value)| {
        let name = name.unpack_str()?.to_owned();
        Some((name.into(), read_within(value, depth)?))
    });
    pairs.collect::<Option<_>>().map(Fact::Map)
}
