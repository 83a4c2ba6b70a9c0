use super::AnswerFrame;
use super::event::{Event, Finish, Signer, Usage};
use super::probability::Token;
use super::raw::Text;
use super::source::{Citation, Ruler};

/// An answer in one piece, put together from its events.
pub(super) struct Gathered<'e> {
    pub(super) id: Text<'e>,
    pub(super) model: Text<'e>,
    pub(super) parts: Vec<Spoken<'e>>,
    pub(super) finish: Finish,
    pub(super) stop_sequence: Option<&'e Text<'e>>,
    pub(super) usage: Option<Usage>,
    pub(super) citations: Vec<&'e Citation<'e>>,
    /// How likely the tokens of text were that is still to come.
    ahead: Vec<&'e Token<'e>>,
}

/// One part of an answer, of pieces that follow each other.
pub(super) enum Spoken<'e> {
    Text(Written<'e>),
    Refusal(Vec<&'e Text<'e>>),
    Thinking {
        text: Vec<&'e Text<'e>>,
        signature: Option<(Vec<&'e Text<'e>>, Signer)>,
    },
    Sealed(&'e Text<'e>, Signer),
    Call(Called<'e>),
}

/// Text, and how likely it was where that is told.
#[derive(Default)]
pub(super) struct Written<'e> {
    pub(super) pieces: Vec<&'e Text<'e>>,
    pub(super) tokens: Vec<&'e Token<'e>>,
}

pub(super) struct Called<'e> {
    number: u32,
    pub(super) id: Text<'e>,
    pub(super) name: &'e Text<'e>,
    arguments: Vec<&'e Text<'e>>,
    pub(super) signature: Option<Text<'e>>,
}

impl<'e> Gathered<'e> {
    pub(super) fn of(events: &'e [Event<'e>], frame: &AnswerFrame) -> Self {
        let mut gathered = Self {
            id: Text::of(&frame.request.to_string()),
            model: Text::of(&frame.model),
            parts: Vec::new(),
            finish: Finish::Stop,
            stop_sequence: None,
            usage: None,
            citations: Vec::new(),
            ahead: Vec::new(),
        };
        for event in events {
            gathered.add(event, frame);
        }
        gathered.tell();
        let refuses = |part: &Spoken<'_>| matches!(part, Spoken::Refusal(_));
        if gathered.finish == Finish::Stop && gathered.parts.iter().any(refuses) {
            gathered.finish = Finish::Refused;
        }
        gathered
    }

    fn add(&mut self, event: &'e Event<'e>, frame: &AnswerFrame) {
        match event {
            Event::Start { id, model } => {
                let filled = |it: &&Text<'_>| !it.is_empty();
                let lend = |it: &'e Text<'e>| Text::lent(it.get());
                if let Some(id) = id.as_ref().filter(filled) {
                    self.id = lend(id);
                }
                if let Some(model) = model.as_ref().filter(filled) {
                    self.model = lend(model);
                }
            }
            Event::Text(text) => {
                if !matches!(self.parts.last(), Some(Spoken::Text(_))) {
                    self.parts.push(Spoken::Text(Written::default()));
                }
                self.tell();
                if let Some(Spoken::Text(written)) = self.parts.last_mut() {
                    written.pieces.push(text);
                }
            }
            Event::Probabilities(tokens) => self.ahead.extend(tokens),
            Event::Citation(citation) => self.citations.push(citation),
            Event::Refusal(text) => match self.parts.last_mut() {
                Some(Spoken::Refusal(pieces)) => pieces.push(text),
                _ => self.parts.push(Spoken::Refusal(vec![text])),
            },
            // Thoughts behind signed ones are new ones.
            Event::Thinking(piece) => match self.parts.last_mut() {
                Some(Spoken::Thinking {
                    text,
                    signature: None,
                }) => text.push(piece),
                _ => self.parts.push(Spoken::Thinking {
                    text: vec![piece],
                    signature: None,
                }),
            },
            Event::Signature(proof, maker) => self.sign(proof, *maker),
            Event::Sealed(data, maker) => self.parts.push(Spoken::Sealed(data, *maker)),
            Event::Call {
                call,
                id,
                name,
                signature,
            } => self.parts.push(Spoken::Call(Called {
                number: *call,
                id: call_id(id.as_ref(), *call, frame),
                name,
                arguments: Vec::new(),
                signature: signature.as_ref().map(|it| Text::lent(it.get())),
            })),
            Event::Arguments { call, fragment } => {
                let called = self.parts.iter_mut().find_map(|part| match part {
                    Spoken::Call(called) if called.number == *call => Some(called),
                    _ => None,
                });
                if let Some(called) = called {
                    called.arguments.push(fragment);
                }
            }
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Finish(finish, sequence) => {
                self.finish = *finish;
                self.stop_sequence = sequence.as_ref();
            }
            Event::CallEnd { .. } | Event::Dropped(_) | Event::KeepAlive | Event::End => {}
        }
    }

    /// Probabilities belong to the text that comes behind them; where none does,
    /// to the last one.
    fn tell(&mut self) {
        let texts = self.parts.iter_mut().rev().find_map(|part| match part {
            Spoken::Text(written) => Some(written),
            _ => None,
        });
        if let Some(written) = texts {
            written.tokens.append(&mut self.ahead);
        }
    }

    /// Where each part begins in the text of the answer, in characters, and
    /// where the text ends; counted only where something is cited.
    pub(super) fn begins(&self) -> Vec<u64> {
        let mut ruler = Ruler::default();
        let mut begins = vec![0];
        for part in self.parts.iter().filter(|_| !self.citations.is_empty()) {
            if let Spoken::Text(written) = part {
                written.pieces.iter().for_each(|piece| ruler.add(piece));
            }
            begins.push(ruler.characters());
        }
        begins
    }

    /// A signature may come in pieces, and without any thoughts to read.
    fn sign(&mut self, proof: &'e Text<'e>, maker: Signer) {
        if let Some(Spoken::Thinking { signature, .. }) = self.parts.last_mut() {
            let (pieces, _) = signature.get_or_insert((Vec::new(), maker));
            pieces.push(proof);
            return;
        }
        self.parts.push(Spoken::Thinking {
            text: Vec::new(),
            signature: Some((vec![proof], maker)),
        });
    }
}

impl Spoken<'_> {
    /// The pieces of text in it.
    pub(super) fn pieces(&self) -> Vec<&str> {
        match self {
            Self::Text(Written { pieces, .. })
            | Self::Refusal(pieces)
            | Self::Thinking { text: pieces, .. } => {
                pieces.iter().map(|piece| piece.get()).collect()
            }
            Self::Sealed(..) | Self::Call(_) => Vec::new(),
        }
    }
}

impl Called<'_> {
    /// The arguments as JSON within a string; none is `{}`.
    pub(super) fn pieces(&self) -> Vec<&str> {
        match self.arguments.is_empty() {
            true => vec!["{}"],
            false => self.arguments.iter().map(|piece| piece.get()).collect(),
        }
    }

    /// The arguments as an object.
    pub(super) fn object(&self) -> String {
        as_object(&self.pieces().concat())
    }
}

/// Arguments that stand in a string, as an object; what is none is shown as
/// text in one, so that the caller's own checks see it.
pub(super) fn as_object(encoded: &str) -> String {
    let text = Text::lent(encoded).plain().unwrap_or_default().into_owned();
    if text.trim().is_empty() {
        return "{}".to_owned();
    }
    let is_object = text.trim_start().starts_with('{')
        && serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
    match is_object {
        true => text,
        false => format!("{{\"arguments\":\"{encoded}\"}}"),
    }
}

/// The provider's id of a call, else one made of the request's and the call's
/// number.
pub(super) fn call_id<'e>(id: Option<&'e Text<'e>>, call: u32, frame: &AnswerFrame) -> Text<'e> {
    match id.filter(|id| !id.is_empty()) {
        Some(id) => Text::lent(id.get()),
        None => Text(format!("call_{}_{call}", frame.plain_id()).into()),
    }
}
