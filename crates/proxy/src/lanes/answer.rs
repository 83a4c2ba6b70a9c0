//! Answers, listened to while they pass.

use std::sync::Arc;

use bytes::Bytes;
use smallvec::SmallVec;
use tokio::sync::Semaphore;
use tollgate_llm::{Endpoint, Text, TextKind, Texts, Unescaped};
use tollgate_scan::{Context, Verdict};
use tollgate_types::{Consequence, Direction, Label, Sighting};

use super::dlp::Dlp;
use super::look::{Order, Wanted};
use super::scanning::Scanning;
use super::taint::Tainting;
use super::veil::Veil;

/// Text of an answer that is looked at for injections in one go, in bytes: so
/// much is kept of it.
const WINDOW: usize = 64 << 10;

/// Text that is looked at again with what follows it: further apart no two
/// words make a signal.
const OVERLAP: usize = 4 << 10;

/// Windows of one answer that others are asked about at once: each is memory.
const MOST_ASKED: usize = 4;

/// Where something in an answer stands.
const PLACE: &str = "answer";

/// Listens to one answer: masks secrets in it where that is asked for, and
/// taints the run where it holds an injection.
pub(crate) struct Listener {
    scanning: Arc<Scanning>,
    endpoint: Endpoint,
    wanted: Wanted,
    tainting: Arc<Tainting>,
    /// Places for windows that others are asked about.
    asking: Arc<Semaphore>,
    texts: Texts,
    plain: Unescaped,
    /// What was written and not looked at yet, text after text.
    heard: Vec<u8>,
    /// The worst that was found.
    worst: Verdict,
    sightings: Vec<Sighting>,
    /// The text that it ends with.
    last: (u64, &'static str),
    veil: Option<Box<Veil>>,
}

impl Listener {
    /// A listener for what holds; none where nothing is to be looked for.
    pub(crate) fn new(
        scanning: &Arc<Scanning>,
        dlp: Dlp,
        endpoint: Endpoint,
        tainting: impl FnOnce() -> Tainting,
    ) -> Option<Self> {
        let (listens, masks) = (dlp.inbound.listens(), dlp.inbound.masks());
        if !(listens || masks) || !endpoint.generates() {
            return None;
        }
        let veil = masks.then(|| Box::new(Veil::new(endpoint, dlp.inbound.secrets)));
        Some(Self {
            scanning: Arc::clone(scanning),
            endpoint,
            wanted: Wanted {
                outbound: dlp.inbound.secrets,
                inbound: dlp.inbound,
                profile: dlp.profile,
            },
            tainting: Arc::new(tainting()),
            asking: Arc::new(Semaphore::new(MOST_ASKED)),
            texts: Texts::default(),
            plain: Unescaped::default(),
            heard: Vec::new(),
            worst: Verdict::Clean,
            sightings: Vec::new(),
            last: (0, ""),
            veil,
        })
    }

    /// Takes events of a stream and leaves what may go on now. An error names
    /// the kind of a secret that can't be masked, because it is signed.
    pub(crate) fn pass(&mut self, events: &mut SmallVec<[Bytes; 2]>) -> Result<(), Label> {
        if self.wanted.inbound.listens() {
            for event in events.iter() {
                self.hear(event, true);
            }
        }
        match &mut self.veil {
            Some(veil) => veil.pass(&self.scanning, events),
            None => Ok(()),
        }
    }

    /// The stream is over: what was held back goes on.
    pub(crate) fn release(&mut self, events: &mut SmallVec<[Bytes; 2]>) -> Result<(), Label> {
        match &mut self.veil {
            Some(veil) => veil.release(&self.scanning, events),
            None => Ok(()),
        }
    }

    /// An answer in one piece, with masks where there were secrets.
    pub(crate) fn whole(&mut self, body: Bytes) -> Result<Bytes, Label> {
        if self.wanted.inbound.listens() {
            self.hear(&body, false);
        }
        match &mut self.veil {
            Some(veil) => veil.whole(&self.scanning, body),
            None => Ok(body),
        }
    }

    /// The answer is over: what was found in it. The run is tainted at the side.
    pub(crate) fn close(&mut self) -> Vec<Sighting> {
        let heard = std::mem::take(&mut self.heard);
        if !heard.is_empty() {
            self.judge(heard);
        }
        let mut sightings = match &mut self.veil {
            Some(veil) => std::mem::take(&mut veil.sightings),
            None => Vec::new(),
        };
        sightings.append(&mut self.sightings);
        sightings
    }

    /// Looks at what was heard; where others are asked as well, at the side.
    fn judge(&mut self, heard: Vec<u8>) {
        let (scanning, wanted) = (Arc::clone(&self.scanning), self.wanted);
        let tainting = Arc::clone(&self.tainting);
        if self.scanning.opinions.is_empty() {
            return self.found(scanning.orders(&heard, &wanted, Context::Api, ""));
        }
        // A provider may write faster than others judge.
        if let Ok(place) = Arc::clone(&self.asking).try_acquire_owned() {
            tokio::spawn(async move {
                let _place = place;
                let judged = tokio::task::spawn_blocking(move || {
                    scanning.orders(&heard, &wanted, Context::Api, "")
                });
                if let Ok(Some(order)) = judged.await {
                    put_down(&tainting, order).await;
                }
            });
            return;
        }
        self.found(scanning.orders_alone(&heard, &wanted, Context::Api));
    }

    /// Keeps what is worse than all before, and taints the run with it.
    fn found(&mut self, order: Option<Order>) {
        let Some(order) = order.filter(|order| order.verdict > self.worst) else {
            return;
        };
        self.worst = order.verdict;
        self.sightings.push(Sighting {
            detector: order.detector.as_str().into(),
            kind: order.kind.clone(),
            direction: Direction::Inbound,
            place: PLACE.into(),
            consequence: Consequence::Tainted,
            count: 1,
        });
        let tainting = Arc::clone(&self.tainting);
        tokio::spawn(async move { put_down(&tainting, order).await });
    }

    /// Gathers what is written in an event, or in a whole answer.
    fn hear(&mut self, event: &[u8], is_stream: bool) {
        if self.worst == Verdict::Unsafe {
            return;
        }
        if self.heard.len() >= WINDOW {
            let overlap = self.heard[self.heard.len() - OVERLAP..].to_vec();
            let heard = std::mem::replace(&mut self.heard, overlap);
            self.judge(heard);
        }
        for text in self.texts.read(self.endpoint, event) {
            let written = matches!(text.kind, TextKind::Free | TextKind::Signed);
            // What a stream says again at its end was heard already.
            if !written || is_stream && !text.delta && !text.foreign || text.key.is_empty() {
                continue;
            }
            let lane = (text.lane, text.key);
            if (lane != self.last || !text.delta) && !self.heard.is_empty() {
                self.heard.extend_from_slice(b"\n\n");
            }
            self.last = lane;
            self.heard
                .extend_from_slice(value(&text, event, &mut self.plain));
        }
    }
}

/// The text without its escapes.
pub(super) fn value<'t>(text: &Text, event: &'t [u8], plain: &'t mut Unescaped) -> &'t [u8] {
    let raw = &event[text.span.clone()];
    match text.escaped {
        false => raw,
        true => {
            plain.read(b"", raw);
            plain.text()
        }
    }
}

async fn put_down(tainting: &Tainting, order: Order) {
    if let Err(error) = tainting.order(&order, PLACE).await {
        tracing::error!(%error, "an injection in an answer is not in the ledger, so it taints nobody");
    }
}
