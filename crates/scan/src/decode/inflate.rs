use std::io::Read;

use super::{Layer, Limits, Trouble, is_text, pay};

/// Places in one text where something compressed may begin.
const MOST_PLACES: usize = 32;

/// Yields below this are never a bomb.
const HARMLESS: usize = 1 << 20;

/// Everything compressed: by its magic number wherever it stands (a label may
/// be wrong, and multipart bodies put it in the middle), and brotli, which has
/// none, where the whole text is noise.
pub(crate) fn parts(
    text: &[u8],
    budget: &mut usize,
    limits: &Limits,
    found: &mut Vec<Layer>,
    trouble: &mut Vec<(Trouble, usize, usize)>,
) {
    let mut places = magic(text);
    if places.is_empty() && text.len() >= 16 && !is_text(&text[..text.len().min(512)]) {
        places.push((0, Form::Brotli));
        places.push((0, Form::Deflate));
    }
    for (start, form) in places.into_iter().take(MOST_PLACES) {
        let room = (*budget).min(text.len().saturating_mul(limits.ratio).max(HARMLESS));
        let (out, more) = read(&text[start..], form, room);
        let is_guess = matches!(form, Form::Brotli | Form::Deflate);
        if out.len() < 4 || is_guess && (!is_text(&out) || out.len() * 2 < text.len() && !more) {
            continue;
        }
        if more {
            trouble.push((Trouble::Bomb, start, text.len()));
        }
        // What a bomb yields is not kept: a sample of it is looked at.
        let keep = if more {
            out.len().min(64 << 10)
        } else {
            out.len()
        };
        pay(budget, out.len());
        found.push(Layer {
            text: out[..keep].to_vec(),
            start,
            end: text.len(),
            places: Vec::new(),
        });
        if is_guess {
            return;
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Form {
    Gzip,
    Zlib,
    Zstd,
    Deflate,
    Brotli,
}

fn magic(text: &[u8]) -> Vec<(usize, Form)> {
    // `x^` is text; the others stand in none, and all but one of them have a
    // byte that plain text is free of.
    const STARTS: [(&[u8], Form); 5] = [
        (&[0x1f, 0x8b, 0x08], Form::Gzip),
        (&[0x28, 0xb5, 0x2f, 0xfd], Form::Zstd),
        (&[0x78, 0x9c], Form::Zlib),
        (&[0x78, 0xda], Form::Zlib),
        (&[0x78, 0x01], Form::Zlib),
    ];
    let starts = match text.is_ascii() {
        true => &STARTS[4..],
        false => &STARTS[..],
    };
    let mut places = Vec::new();
    if text.starts_with(&[0x78, 0x5e]) {
        places.push((0, Form::Zlib));
    }
    for (start, form) in starts {
        let found = memchr::memmem::find_iter(text, start).take(MOST_PLACES);
        places.extend(found.map(|at| (at, *form)));
    }
    places
}

/// At most `room` bytes of what the text decompresses to, and whether there
/// would be more.
fn read(text: &[u8], form: Form, room: usize) -> (Vec<u8>, bool) {
    match form {
        Form::Gzip => take(flate2::read::MultiGzDecoder::new(text), room),
        Form::Zlib => take(flate2::read::ZlibDecoder::new(text), room),
        Form::Deflate => take(flate2::read::DeflateDecoder::new(text), room),
        Form::Brotli => take(brotli_decompressor::Decompressor::new(text, 4096), room),
        Form::Zstd => match ruzstd::decoding::StreamingDecoder::new(text) {
            Ok(decoder) => take(decoder, room),
            Err(_) => (Vec::new(), false),
        },
    }
}

/// What was read before a fault counts: a cut stream holds what it holds.
fn take(mut source: impl Read, room: usize) -> (Vec<u8>, bool) {
    let mut out = Vec::new();
    let mut piece = [0u8; 8192];
    while out.len() < room {
        match source.read(&mut piece) {
            Ok(0) | Err(_) => return (out, false),
            Ok(length) => out.extend_from_slice(&piece[..length]),
        }
    }
    (out, true)
}
