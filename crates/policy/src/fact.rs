use std::borrow::Cow;

/// One value that a rule may know: what JSON can say.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Fact<'a> {
    /// Nothing is known.
    #[default]
    Nothing,
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Whole(i64),
    /// Any other number.
    Number(f64),
    /// Text.
    Text(Cow<'a, str>),
    /// Several in their order.
    List(Vec<Fact<'a>>),
    /// Several by name; no name stands twice.
    Map(Vec<(Cow<'a, str>, Fact<'a>)>),
}

impl<'a> Fact<'a> {
    /// Borrowed text.
    pub fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// Pairs whose names are known when the program is built.
    pub fn map<const N: usize>(pairs: [(&'static str, Fact<'a>); N]) -> Self {
        Self::Map(
            pairs
                .into_iter()
                .map(|(name, fact)| (Cow::Borrowed(name), fact))
                .collect(),
        )
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&Fact<'a>> {
        match self {
            Self::Map(pairs) => pairs
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, fact)| fact),
            _ => None,
        }
    }

    /// The text, where it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What it is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Nothing => "null",
            Self::Flag(_) => "a boolean",
            Self::Whole(_) | Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "an object",
        }
    }

    /// The same, borrowing nothing.
    pub fn into_owned(self) -> Fact<'static> {
        match self {
            Self::Nothing => Fact::Nothing,
            Self::Flag(flag) => Fact::Flag(flag),
            Self::Whole(number) => Fact::Whole(number),
            Self::Number(number) => Fact::Number(number),
            Self::Text(text) => Fact::Text(Cow::Owned(text.into_owned())),
            Self::List(list) => Fact::List(list.into_iter().map(Fact::into_owned).collect()),
            Self::Map(pairs) => Fact::Map(
                pairs
                    .into_iter()
                    .map(|(name, fact)| (Cow::Owned(name.into_owned()), fact.into_owned()))
                    .collect(),
            ),
        }
    }
}

impl From<bool> for Fact<'_> {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<u64> for Fact<'_> {
    fn from(number: u64) -> Self {
        i64::try_from(number).map_or(Self::Number(number as f64), Self::Whole)
    }
}

impl<'a> From<&'a str> for Fact<'a> {
    fn from(text: &'a str) -> Self {
        Self::text(text)
    }
}

impl<'a, T: Into<Fact<'a>>> From<Option<T>> for Fact<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Into::into)
    }
}
