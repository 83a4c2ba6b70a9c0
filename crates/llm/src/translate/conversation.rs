//! The neutral form: what a conversation says, whoever said it.
//!
//! Everything in it is lent from the caller's body, and carries the place where
//! it stood, so that a writer which has no way to say it can name the field.

use std::borrow::Cow;

use super::raw::{Raw, Text};

/// A request, in no dialect.
#[derive(Debug)]
pub(super) struct Conversation<'a> {
    /// The whole body.
    pub(super) body: Raw<'a>,
    /// What the developer says before everything else.
    pub(super) system: Vec<Part<'a>>,
    pub(super) turns: Vec<Turn<'a>>,
    pub(super) tools: Vec<Tool<'a>>,
    /// Everything else, in the caller's order.
    pub(super) settings: Vec<Setting<'a>>,
}

#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub(super) at: Raw<'a>,
    pub(super) role: Role,
    pub(super) parts: Vec<Part<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    User,
    Assistant,
    /// A system or developer prompt in the middle of a conversation.
    System,
}

/// One piece of a turn.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) at: Raw<'a>,
    /// The mark that the prompt is to be cached up to here, where there is one.
    pub(super) cache: Option<Raw<'a>>,
    pub(super) kind: Kind<'a>,
}

#[derive(Debug)]
pub(super) enum Kind<'a> {
    Text(Text<'a>),
    Refusal(Text<'a>),
    Image {
        source: Source<'a>,
        detail: Option<Raw<'a>>,
    },
    Document {
        source: Source<'a>,
        name: Option<Text<'a>>,
    },
    Audio {
        data: Text<'a>,
        /// `wav`, `mp3` …
        format: Text<'a>,
    },
    /// What a model thought, with the proof that its maker wants back.
    Thinking {
        text: Text<'a>,
        signature: Option<Text<'a>>,
        maker: Maker,
    },
    /// Thoughts that only their maker can read.
    Sealed {
        data: Text<'a>,
        maker: Maker,
    },
    Call(Call<'a>),
    Result(Outcome<'a>),
    /// Something that only the caller's own API knows.
    Foreign,
}

/// Whose signature or seal it is; nobody else can use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Maker {
    Anthropic,
    OpenAi,
    Gemini,
    /// Reasoning without any proof, as imitators of OpenAI have it.
    Nobody,
}

#[derive(Debug)]
pub(super) struct Call<'a> {
    /// Absent only where the dialect knows none.
    pub(super) id: Option<Text<'a>>,
    pub(super) name: Text<'a>,
    pub(super) arguments: Arguments<'a>,
    /// Gemini's thought signature.
    pub(super) signature: Option<Text<'a>>,
}

/// What a tool is called with.
#[derive(Clone, Debug)]
pub(super) enum Arguments<'a> {
    /// As an object.
    Object(Raw<'a>),
    /// As JSON within a string.
    Encoded(Text<'a>),
}

/// What a tool answered.
#[derive(Debug)]
pub(super) struct Outcome<'a> {
    pub(super) id: Option<Text<'a>>,
    /// Of Gemini, which names the tool and not the call.
    pub(super) name: Option<Text<'a>>,
    pub(super) parts: Vec<Part<'a>>,
    pub(super) is_error: bool,
}

/// Where the bytes of an image or document are.
#[derive(Clone, Debug)]
pub(super) enum Source<'a> {
    Url(Text<'a>),
    Base64 {
        media: Text<'a>,
        data: Text<'a>,
    },
    /// A document that is plain text.
    Plain(Text<'a>),
    /// A file that was uploaded to the provider.
    File,
}

#[derive(Debug)]
pub(super) struct Tool<'a> {
    pub(super) at: Raw<'a>,
    pub(super) name: Text<'a>,
    pub(super) description: Option<Text<'a>>,
    /// JSON Schema of the arguments.
    pub(super) schema: Option<Cow<'a, str>>,
    pub(super) strict: Option<bool>,
    pub(super) cache: Option<Raw<'a>>,
    /// A tool that the caller's provider runs or defines by itself.
    pub(super) is_foreign: bool,
}

/// One field that is no message and no tool.
#[derive(Debug)]
pub(super) struct Setting<'a> {
    pub(super) at: Raw<'a>,
    pub(super) value: Value<'a>,
}

#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    MaxOutput(u64),
    Temperature,
    TopP,
    TopK,
    Seed,
    PresencePenalty,
    FrequencyPenalty,
    Stop(Vec<Text<'a>>),
    /// The caller wants the probabilities of tokens.
    Logprobs,
    /// And those of so many others in the place of each.
    TopLogprobs(u64),
    /// So many answers.
    Choices(u64),
    Effort(Effort),
    /// At most so many tokens of thinking.
    ThinkingBudget(u64),
    /// The model decides by itself how much to think.
    Adaptive,
    ToolChoice(ToolChoice<'a>),
    ParallelTools(bool),
    Format(Format<'a>),
    /// The caller's own user.
    User(Text<'a>),
    /// How many words the answer may make, which only OpenAI knows.
    Verbosity,
    /// A hint that both of OpenAI's APIs have under this name, and nobody else.
    OpenAi(&'static str),
    /// A field that makes no difference to what is answered.
    Hint,
    /// A field that may change what is answered, or that is not known.
    Foreign,
}

/// How much a model is to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    ExtraHigh,
    Max,
}

#[derive(Clone, Debug)]
pub(super) enum ToolChoice<'a> {
    Auto,
    None,
    Any,
    Named(Text<'a>),
}

/// What the answer must look like.
#[derive(Clone, Debug)]
pub(super) enum Format<'a> {
    Text,
    /// Any JSON object.
    Json,
    Schema {
        name: Option<Text<'a>>,
        schema: Cow<'a, str>,
        strict: Option<bool>,
    },
}

impl<'a> Conversation<'a> {
    pub(super) fn of(body: Raw<'a>) -> Self {
        Self {
            body,
            system: Vec::new(),
            turns: Vec::new(),
            tools: Vec::new(),
            settings: Vec::new(),
        }
    }

    pub(super) fn set(&mut self, at: Raw<'a>, value: Value<'a>) {
        self.settings.push(Setting { at, value });
    }
}

impl<'a> Part<'a> {
    pub(super) fn of(at: Raw<'a>, kind: Kind<'a>) -> Self {
        Self {
            at,
            cache: None,
            kind,
        }
    }
}

impl Effort {
    const WORDS: [(Self, &'static str); 7] = [
        (Self::None, "none"),
        (Self::Minimal, "minimal"),
        (Self::Low, "low"),
        (Self::Medium, "medium"),
        (Self::High, "high"),
        (Self::ExtraHigh, "xhigh"),
        (Self::Max, "max"),
    ];

    pub(super) fn read<'a>(raw: Raw<'a>) -> Result<Self, super::raw::Fault<'a>> {
        let word = raw.string()?;
        let found = Self::WORDS.iter().find(|(_, known)| *known == word);
        found.map(|(effort, _)| *effort).ok_or_else(|| {
            raw.unknown_word("`none`, `minimal`, `low`, `medium`, `high`, `xhigh` or `max`")
        })
    }

    pub(super) const fn word(self) -> &'static str {
        Self::WORDS[self as usize].1
    }

    /// The budget that stands for it, in tokens, as Google maps them.
    pub(super) const fn budget(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Minimal | Self::Low => 1_024,
            Self::Medium => 8_192,
            Self::High => 24_576,
            Self::ExtraHigh | Self::Max => 32_768,
        }
    }

    /// The effort that a budget stands for.
    pub(super) const fn of_budget(tokens: u64) -> Self {
        match tokens {
            0 => Self::None,
            1..=1_024 => Self::Low,
            1_025..=8_192 => Self::Medium,
            _ => Self::High,
        }
    }
}
