use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::fragments::Cover;
use super::random::{count, random};
use super::{DERIVED, MOST, SHORTEST, variants};
use crate::finding::{Detector, Finding, Severity};

/// Bytes of a fingerprint's window.
const WINDOW: usize = 6;

/// Only every so many bytes of a text are looked at; every form is entered at
/// so many offsets in turn.
const STRIDE: usize = 3;

/// Shortest part of a secret that is told, in bytes: every one of it holds a
/// window that is looked at.
const PIECE: usize = WINDOW + STRIDE - 1;

/// Longest secret, in bytes.
const LONGEST: usize = 16_384;

/// Why a secret is not taken.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SecretFault {
    /// It would be found everywhere.
    #[error("a secret has {0} bytes, expected at least {SHORTEST}")]
    TooShort(usize),
    /// It is a file and no secret.
    #[error("a secret has {0} bytes, expected at most {LONGEST}")]
    TooLong(usize),
    /// One letter over and over stands everywhere too.
    #[error("a secret has fewer than 4 different bytes")]
    TooPlain,
    /// The book is full.
    #[error("{MOST} secrets are guarded already")]
    Full,
}

/// The guarded secrets, as fingerprints.
pub struct Book {
    key: [u8; 32],
    multiplier: u64,
    mask: u64,
    secrets: Vec<Secret>,
    forms: Vec<Form>,
    free: Vec<u32>,
    /// Secrets that have all their forms, the oldest first.
    derived: VecDeque<u32>,
    /// Forms by the fingerprint of one of their windows.
    windows: HashMap<u32, Vec<Entry>>,
    /// Three bits of one word for every window: one look into memory per
    /// position of the text.
    bits: Vec<u64>,
}

struct Secret {
    kind: Arc<str>,
    digest: [u8; 16],
    /// Which of its bytes are followed when it leaves in pieces.
    random: Option<Box<Cover>>,
}

/// A part of a guarded secret in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The kind it is guarded under.
    pub kind: Arc<str>,
    /// Which one, by its number in the book.
    pub(super) secret: u32,
    /// Where in the secret it begins.
    pub(super) offset: usize,
    /// Where in the text it begins, in bytes.
    pub start: usize,
    /// Where in the text it ends.
    pub end: usize,
}

impl Piece {
    /// Whether it is of one of these secrets.
    pub fn is_of(&self, secrets: &HashSet<u32>) -> bool {
        secrets.contains(&self.secret)
    }
}

struct Form {
    secret: u32,
    length: u32,
    digest: [u8; 16],
    windows: Vec<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry {
    form: u32,
    offset: u16,
    length: u32,
    /// The form's last window: many secrets begin alike, and to go through all
    /// of them must stay in one place of memory.
    tail: u32,
}

/// Words of the bitmap: 128 KiB.
const WORDS: usize = 1 << 14;

impl std::fmt::Debug for Book {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Book({} secrets)", self.secrets.len())
    }
}

impl Book {
    /// Bytes of a secret that are followed in pieces.
    pub(super) const FOLLOWED: usize = 512;

    /// An empty book under a key of 32 random bytes.
    pub fn new(key: [u8; 32]) -> Self {
        let word = |at: usize| {
            u64::from_le_bytes([
                key[at],
                key[at + 1],
                key[at + 2],
                key[at + 3],
                key[at + 4],
                key[at + 5],
                key[at + 6],
                key[at + 7],
            ])
        };
        Self {
            multiplier: word(0) | 1,
            mask: word(8),
            key,
            secrets: Vec::new(),
            forms: Vec::new(),
            free: Vec::new(),
            derived: VecDeque::new(),
            windows: HashMap::new(),
            bits: vec![0; WORDS],
        }
    }

    /// Guards a secret under a kind such as `provider-key`. One that is known
    /// already is not entered twice.
    ///
    /// # Errors
    /// It is too short or too long, or the book is full.
    pub fn guard(&mut self, kind: &str, secret: &[u8]) -> Result<(), SecretFault> {
        if secret.len() < SHORTEST {
            return Err(SecretFault::TooShort(secret.len()));
        }
        if secret.len() > LONGEST {
            return Err(SecretFault::TooLong(secret.len()));
        }
        let mut kinds = [false; 256];
        secret
            .iter()
            .for_each(|byte| kinds[usize::from(*byte)] = true);
        if kinds.iter().filter(|kind| **kind).count() < 4 {
            return Err(SecretFault::TooPlain);
        }
        let digest = self.digest(secret);
        if self.secrets.iter().any(|known| known.digest == digest) {
            return Ok(());
        }
        if self.secrets.len() >= MOST {
            return Err(SecretFault::Full);
        }
        let number = u32::try_from(self.secrets.len()).unwrap_or(u32::MAX);
        self.secrets.push(Secret {
            kind: kind.into(),
            digest,
            random: random(secret),
        });
        for (at, form) in variants::of(secret).iter().enumerate() {
            self.enter(number, form, at == 0);
        }
        self.derived.push_back(number);
        if self.derived.len() > DERIVED {
            self.forget_oldest();
        }
        Ok(())
    }

    /// How many secrets are guarded.
    pub fn len(&self) -> usize {
        self.secrets.len()
    }

    /// Whether nothing is guarded.
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// What the fingerprints take, in bytes, without allocator overhead.
    pub fn memory(&self) -> usize {
        let windows: usize = self
            .windows
            .values()
            .map(|entries| 32 + entries.capacity() * size_of::<Entry>())
            .sum();
        let forms: usize = self
            .forms
            .iter()
            .map(|form| size_of::<Form>() + form.windows.capacity() * 4)
            .sum();
        windows + forms + self.secrets.len() * 48 + self.bits.len() * 8
    }

    /// Every guarded secret in the text, in any of its forms; returns from
    /// where on one may have begun that the text does not end.
    pub(crate) fn scan(&self, text: &[u8], found: &mut Vec<Finding>) -> usize {
        let mut open = text.len();
        if self.secrets.is_empty() {
            return open;
        }
        let mut at = 0;
        // Four windows at once: hardly ever is one of them known.
        while let Some(bytes) = text[at..].first_chunk::<{ 3 * STRIDE + 8 }>() {
            let mut hashes = [0; 4];
            let mut any = false;
            for (step, hash) in hashes.iter_mut().enumerate() {
                let word = bytes[step * STRIDE..].first_chunk::<8>();
                *hash = self.hash(word.map_or(0, |word| u64::from_le_bytes(*word)));
                any |= self.has_bits(*hash);
            }
            if any {
                for (step, hash) in hashes.into_iter().enumerate() {
                    if self.has_bits(hash) {
                        open = open.min(self.look(text, at + step * STRIDE, hash, found));
                    }
                }
            }
            at += 4 * STRIDE;
        }
        while at + WINDOW <= text.len() {
            let hash = self.window(&text[at..]);
            if self.has_bits(hash) {
                open = open.min(self.look(text, at, hash, found));
            }
            at += STRIDE;
        }
        open
    }

    /// Guarded secrets of which a window begins at `from` or later: where they
    /// begin and end, and whether it is one; of those that the text does not
    /// end nobody knows yet.
    pub(crate) fn begun(&self, text: &[u8], from: usize, tell: &mut impl FnMut(usize, usize)) {
        let mut at = from;
        while !self.secrets.is_empty() && at + WINDOW <= text.len() {
            let hash = self.window(&text[at..]);
            if self.has_bits(hash) {
                let mut found = Vec::new();
                for entry in self.windows.get(&hash).into_iter().flatten() {
                    let form = &self.forms[entry.form as usize];
                    let start = at.checked_sub(usize::from(entry.offset));
                    if let Some(start) =
                        start.filter(|start| start + form.length as usize > text.len())
                    {
                        tell(start, start + form.length as usize);
                    }
                }
                self.look(text, at, hash, &mut found);
                found.iter().for_each(|found| tell(found.start, found.end));
            }
            at += 1;
        }
    }

    /// Whether this is one of the guarded secrets, in one of its forms.
    pub(crate) fn holds(&self, bytes: &[u8]) -> bool {
        let mut found = Vec::new();
        self.scan(bytes, &mut found);
        found
            .iter()
            .any(|found| found.end - found.start == bytes.len())
    }

    fn look(&self, text: &[u8], at: usize, hash: u32, found: &mut Vec<Finding>) -> usize {
        let mut open = text.len();
        let Some(entries) = self.windows.get(&hash) else {
            return open;
        };
        let mut tail = (0, 0);
        for entry in entries {
            let Some(start) = at.checked_sub(usize::from(entry.offset)) else {
                continue;
            };
            let end = start + entry.length as usize;
            if end > text.len() {
                open = open.min(start);
                continue;
            }
            if tail.0 != end {
                tail = (end, self.window(&text[end - WINDOW..]));
            }
            if tail.1 != entry.tail
                || found
                    .iter()
                    .any(|known| known.start <= start && known.end >= end)
            {
                continue;
            }
            let form = &self.forms[entry.form as usize];
            if self.digest(&text[start..end]) == form.digest {
                found.push(Finding {
                    detector: Detector::KnownSecrets,
                    kind: self.secrets[form.secret as usize].kind.clone(),
                    severity: Severity::Critical,
                    start,
                    end,
                });
            }
        }
        open
    }

    /// Parts of guarded secrets as they are written, in order of their ends,
    /// where at least one byte is followed. Those of [`PIECE`] bytes are seen
    /// for certain.
    pub fn pieces(&self, text: &[u8]) -> Vec<Piece> {
        let mut found: Vec<Piece> = Vec::new();
        for at in (0..(text.len() + 1).saturating_sub(WINDOW)).step_by(STRIDE) {
            let hash = self.window(&text[at..]);
            if !self.has_bits(hash) {
                continue;
            }
            for entry in self.windows.get(&hash).into_iter().flatten() {
                let form = &self.forms[entry.form as usize];
                let is_known = |piece: &Piece| piece.secret == form.secret && at < piece.end;
                let is_raw = form.digest == self.secrets[form.secret as usize].digest;
                if is_raw && !found.iter().rev().take(8).any(is_known) {
                    found.extend(self.piece(text, at, form, usize::from(entry.offset)));
                }
            }
        }
        found
    }

    /// What stands around a window that is a secret's, as far as it is the same.
    fn piece(&self, text: &[u8], at: usize, form: &Form, offset: usize) -> Option<Piece> {
        let is_same = |text: Option<&[u8]>, offset: usize| {
            let both = text.zip(form.windows.get(offset));
            both.is_some_and(|(text, known)| text.len() >= WINDOW && self.window(text) == *known)
        };
        let before = (1..=at.min(offset))
            .take_while(|step| is_same(text.get(at - step..), offset - step))
            .count();
        let behind = (1..)
            .take_while(|step| is_same(text.get(at + step..), offset + step))
            .count();
        let piece = Piece {
            kind: self.secrets[form.secret as usize].kind.clone(),
            secret: form.secret,
            offset: offset - before,
            start: at - before,
            end: at + behind + WINDOW,
        };
        let random = self.secrets[form.secret as usize].random.as_ref()?;
        let mut bytes = piece.offset..piece.offset + (piece.end - piece.start);
        let is_followed = |at: usize| at < Self::FOLLOWED && random[at / 64] >> (at % 64) & 1 == 1;
        (piece.end - piece.start >= PIECE && bytes.any(is_followed)).then_some(piece)
    }

    /// How much of what is followed of a secret these bytes are, in percent.
    pub(super) fn share(&self, secret: u32, cover: &Cover) -> u32 {
        let secret = self.secrets.get(secret as usize);
        let Some(random) = secret.and_then(|secret| secret.random.as_ref()) else {
            return 0;
        };
        let mut seen = *cover;
        seen.iter_mut()
            .zip(random.iter())
            .for_each(|(seen, random)| *seen &= random);
        count(&seen) * 100 / count(random).max(1)
    }

    fn enter(&mut self, secret: u32, bytes: &[u8], raw: bool) {
        let last = bytes.len() - WINDOW;
        // The raw form is entered at every offset, so that pieces are seen.
        let reach = if raw {
            last.min(Self::FOLLOWED - 1)
        } else {
            last.min(STRIDE - 1)
        };
        let form = Form {
            secret,
            length: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            digest: self.digest(bytes),
            windows: (0..=reach)
                .map(|offset| self.window(&bytes[offset..]))
                .collect(),
        };
        let tail = self.window(&bytes[last..]);
        let number = match self.free.pop() {
            Some(number) => number,
            None => u32::try_from(self.forms.len()).unwrap_or(u32::MAX),
        };
        for (offset, hash) in form.windows.iter().enumerate() {
            let entry = Entry {
                form: number,
                offset: u16::try_from(offset).unwrap_or(u16::MAX),
                length: form.length,
                tail,
            };
            self.windows.entry(*hash).or_default().push(entry);
            self.bits[word_of(*hash)] |= bits_of(*hash);
        }
        match self.forms.get_mut(number as usize) {
            Some(free) => *free = form,
            None => self.forms.push(form),
        }
    }

    /// Of the secret that came first only the raw form stays.
    fn forget_oldest(&mut self) {
        let Some(oldest) = self.derived.pop_front() else {
            return;
        };
        let raw = self.secrets[oldest as usize].digest;
        for number in 0..self.forms.len() {
            let form = &self.forms[number];
            if form.secret != oldest || form.digest == raw || form.windows.is_empty() {
                continue;
            }
            let gone = u32::try_from(number).unwrap_or(u32::MAX);
            for hash in std::mem::take(&mut self.forms[number].windows) {
                if let Some(entries) = self.windows.get_mut(&hash) {
                    entries.retain(|entry| entry.form != gone);
                    if entries.is_empty() {
                        self.windows.remove(&hash);
                    }
                }
            }
            self.free.push(gone);
        }
        self.bits.fill(0);
        for hash in self.windows.keys() {
            self.bits[word_of(*hash)] |= bits_of(*hash);
        }
    }

    #[inline(always)]
    fn has_bits(&self, hash: u32) -> bool {
        !self.bits[word_of(hash)] & bits_of(hash) == 0
    }

    /// The fingerprint of the first six of these bytes.
    fn window(&self, bytes: &[u8]) -> u32 {
        let mut word = [0; 8];
        word[..WINDOW].copy_from_slice(&bytes[..WINDOW]);
        self.hash(u64::from_le_bytes(word))
    }

    #[inline(always)]
    fn hash(&self, word: u64) -> u32 {
        // Multiply and shift: the upper half depends on all six bytes.
        ((word << 16 ^ self.mask).wrapping_mul(self.multiplier) >> 32) as u32
    }

    fn digest(&self, bytes: &[u8]) -> [u8; 16] {
        let whole = Sha256::new()
            .chain_update(self.key)
            .chain_update(bytes)
            .finalize();
        let mut half = [0; 16];
        half.copy_from_slice(&whole[..16]);
        half
    }
}

fn word_of(hash: u32) -> usize {
    hash as usize % WORDS
}

fn bits_of(hash: u32) -> u64 {
    1 << (hash >> 14 & 63) | 1 << (hash >> 20 & 63) | 1 << (hash >> 26)
}
