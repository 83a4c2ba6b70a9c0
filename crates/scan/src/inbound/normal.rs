//! One spelling for many.

use unicode_normalization::UnicodeNormalization;

/// A text in small letters, in compatibility form, with single blanks, without
/// invisible letters, and with look-alikes turned into what they look like.
pub(crate) struct View {
    pub(crate) text: Vec<u8>,
    /// Pairs of (here, original) offsets, each holding from there on.
    places: Vec<(usize, usize)>,
    /// What was written in invisible tag letters.
    pub(crate) tags: Vec<u8>,
    /// How many invisible letters there were, tags aside.
    pub(crate) invisible: usize,
    /// How many look-alikes stood in words of other letters.
    pub(crate) look_alikes: usize,
    length: usize,
}

impl View {
    /// What follows here stands at `at` in the original.
    fn note(&mut self, at: usize) {
        let here = self.text.len();
        let last = self.places.last().map_or((0, 0), |last| *last);
        if last.1 + here - last.0 != at {
            self.places.push((here, at));
        }
    }

    /// Where a range of this view stands in the original.
    pub(crate) fn place(&self, start: usize, end: usize) -> (usize, usize) {
        let map = |at: usize| {
            let next = self.places.partition_point(|(here, _)| *here <= at);
            let (here, there) = next.checked_sub(1).map_or((0, 0), |last| self.places[last]);
            (there + at - here).min(self.length)
        };
        let start = map(start);
        (start, map(end).max(start))
    }
}

/// A phrase of a table in the spelling of a view; ends are kept as they are.
pub(crate) fn phrase(text: &str) -> String {
    String::from_utf8_lossy(&view(text.as_bytes()).text).into_owned()
}

pub(crate) fn view(text: &[u8]) -> View {
    let mut view = View {
        text: Vec::with_capacity(text.len()),
        places: Vec::new(),
        tags: Vec::new(),
        invisible: 0,
        look_alikes: 0,
        length: text.len(),
    };
    match text.is_ascii() {
        true => ascii(text, 0, &mut view),
        false => wide(&String::from_utf8_lossy(text), &mut view),
    }
    view
}

/// Letters of which all are ASCII, from `from` on in the original: in bulk.
fn ascii(text: &[u8], from: usize, view: &mut View) {
    let plain = |byte: &u8| match *byte {
        0..=b' ' => b' ',
        other => other.to_ascii_lowercase(),
    };
    let mut at = 0;
    if view.text.last() == Some(&b' ') {
        at = text.iter().take_while(|byte| **byte <= b' ').count();
    }
    if at == text.len() {
        return;
    }
    view.note(from + at);
    let start = view.text.len();
    view.text.extend(text[at..].iter().map(plain));
    // Blanks side by side become one; most text has none.
    let out = &mut view.text;
    let Some(first) = doubled(out, start) else {
        return;
    };
    let mut read = first + 1;
    let mut here = read;
    while read < out.len() {
        let blanks = out[read..].iter().take_while(|byte| **byte == b' ').count();
        read += blanks;
        let next = doubled(out, read).map_or(out.len(), |at| at + 1);
        if read < out.len() {
            view.places.push((here, from + at + read - start));
        }
        out.copy_within(read..next, here);
        here += next - read;
        read = next;
    }
    out.truncate(here);
}

/// Where two blanks stand side by side, from here on. Without branches within
/// a stretch, so that sixteen letters are looked at in one step.
fn doubled(text: &[u8], mut from: usize) -> Option<usize> {
    const STEP: usize = 64;
    while from + 1 < text.len() {
        let befores = &text[from..text.len() - 1];
        let befores = &befores[..befores.len().min(STEP)];
        let is_double = |(before, behind): (&u8, &u8)| (*before == b' ') & (*behind == b' ');
        let mut pairs = befores.iter().zip(&text[from + 1..]);
        if pairs.clone().fold(false, |any, pair| any | is_double(pair)) {
            return pairs.position(is_double).map(|at| from + at);
        }
        from += befores.len();
    }
    None
}

/// Text with other letters too: what is ASCII in it in bulk, the others one by
/// one.
fn wide(text: &str, view: &mut View) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(letter) = text.get(at..).and_then(|rest| rest.chars().next()) {
        if letter.is_ascii() {
            let end = at + ascii_run(&bytes[at..]);
            ascii(&bytes[at..end], at, view);
            at = end;
            continue;
        }
        let next = at + letter.len_utf8();
        let is_latin = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
        // Between Latin letters it is meant to be read as one.
        let latin = is_latin(bytes.get(next)) || is_latin(view.text.last());
        one(letter, at, latin, view);
        at = next;
    }
}

/// How many bytes are ASCII from here on.
fn ascii_run(bytes: &[u8]) -> usize {
    const STEP: usize = 16;
    let whole = bytes
        .chunks_exact(STEP)
        .take_while(|chunk| chunk.is_ascii());
    let from = whole.count() * STEP;
    let rest = bytes[from..].iter().take_while(|byte| byte.is_ascii());
    from + rest.count()
}

fn one(letter: char, at: usize, latin: bool, view: &mut View) {
    if let Some(tag) = tag(letter) {
        view.tags.push(tag);
    } else if is_invisible(letter) {
        view.invisible += 1;
    } else if let Some(like) = look_alike(letter).filter(|_| latin) {
        view.look_alikes += 1;
        put(view, at, like);
    } else if letter.is_whitespace() {
        if view.text.last() != Some(&b' ') {
            put(view, at, ' ');
        }
    } else {
        for form in std::iter::once(letter).nfkc().flat_map(char::to_lowercase) {
            put(view, at, form);
        }
    }
}

fn put(view: &mut View, at: usize, letter: char) {
    view.note(at);
    view.text
        .extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Letters of the tag block say what their ASCII twins say, unseen.
fn tag(letter: char) -> Option<u8> {
    match letter as u32 {
        code @ 0xE0020..=0xE007E => u8::try_from(code - 0xE0000).ok(),
        0xE0001 | 0xE007F => Some(b' '),
        _ => None,
    }
}

/// Zero width, bidirectional marks, variation selectors, soft hyphens. Joiners
/// are part of some scripts and vanish with the rest.
fn is_invisible(letter: char) -> bool {
    matches!(letter as u32, 0xAD | 0x34F | 0x61C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180E | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0xFE00..=0xFE0F | 0xFEFF | 0xE0100..=0xE01EF)
}

/// Cyrillic, Greek and others that look like a Latin letter.
fn look_alike(letter: char) -> Option<char> {
    let like = match letter {
        'а' | 'А' | 'α' | 'Α' | 'ɑ' => 'a',
        'Ь' | 'в' | 'В' | 'Β' | 'β' => 'b',
        'с' | 'С' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'Е' | 'ё' | 'Ε' | 'ε' | 'є' => 'e',
        'ɡ' | 'ց' => 'g',
        'һ' | 'Н' | 'н' | 'Η' => 'h',
        'і' | 'І' | 'ı' | 'ι' | 'Ι' | 'ӏ' => 'i',
        'ј' | 'Ј' => 'j',
        'к' | 'К' | 'κ' | 'Κ' => 'k',
        'ⅼ' => 'l',
        'м' | 'М' | 'Μ' => 'm',
        'ո' | 'Ν' | 'п' => 'n',
        'о' | 'О' | 'ο' | 'Ο' | 'օ' => 'o',
        'р' | 'Р' | 'ρ' | 'Ρ' => 'p',
        'ԛ' => 'q',
        'г' => 'r',
        'ѕ' | 'Ѕ' => 's',
        'т' | 'Т' | 'τ' | 'Τ' => 't',
        'υ' | 'ս' => 'u',
        'ν' | 'ѵ' => 'v',
        'ω' | 'ԝ' => 'w',
        'х' | 'Х' | 'χ' | 'Χ' => 'x',
        'у' | 'У' | 'Υ' | 'γ' => 'y',
        _ => return None,
    };
    Some(like)
}

/// Digits and signs read as letters, where they stand inside words: a second
/// view for texts that have several such words.
pub(crate) fn leet(text: &[u8]) -> Option<Vec<u8>> {
    // Without branches, so that sixteen letters are looked at in one step.
    let is_inner = |before: u8, sign: u8| {
        let is_sign = (sign.wrapping_sub(b'3') < 3)
            | (sign.wrapping_sub(b'0') < 2)
            | (sign == b'7')
            | (sign == b'@')
            | (sign == b'$');
        is_sign & before.is_ascii_lowercase()
    };
    let inner = text.chunks(128).zip(text.get(1..)?.chunks(128));
    let inner = inner.map(|(befores, signs)| {
        let pairs = befores.iter().zip(signs);
        let inner: u8 = pairs.map(|(a, b)| u8::from(is_inner(*a, *b))).sum();
        usize::from(inner)
    });
    if inner.sum::<usize>() < 2 {
        return None;
    }
    let mut words = 0;
    let mut out = Vec::with_capacity(text.len());
    for word in text.split_inclusive(|byte| *byte == b' ') {
        let letters = word.iter().filter(|byte| byte.is_ascii_lowercase()).count();
        let signs = word
            .iter()
            .filter(|byte| {
                matches!(
                    byte,
                    b'0' | b'1' | b'3' | b'4' | b'5' | b'7' | b'@' | b'$' | b'!'
                )
            })
            .count();
        let is_leet =
            signs >= 1 && letters >= 1 && word.len() >= 4 && letters + signs + 2 >= word.len();
        words += usize::from(is_leet);
        match is_leet {
            true => out.extend(word.iter().map(|byte| unleet(*byte))),
            false => out.extend_from_slice(word),
        }
    }
    (words >= 2).then_some(out)
}

fn unleet(byte: u8) -> u8 {
    match byte {
        b'0' => b'o',
        b'1' | b'!' => b'i',
        b'3' => b'e',
        b'4' | b'@' => b'a',
        b'5' | b'$' => b's',
        b'7' => b't',
        other => other,
    }
}

/// The text without the sequences that steer a terminal (colours, titles,
/// links, letters that are not shown), each replaced.
pub(crate) fn without_escapes(text: &[u8], between: &[u8]) -> Option<Vec<u8>> {
    let mut next = memchr::memchr(0x1b, text)?;
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    loop {
        out.extend_from_slice(&text[at..next]);
        out.extend_from_slice(between);
        at = next + escape(&text[next..]);
        match memchr::memchr(0x1b, &text[at..]) {
            Some(step) => next = at + step,
            None => break,
        }
    }
    out.extend_from_slice(&text[at..]);
    Some(out)
}

/// The length of the control sequence that the text begins with (ECMA-48). The
/// text of a title is kept: it is what hides there.
fn escape(text: &[u8]) -> usize {
    match text.get(1) {
        Some(b'[') => {
            let body = text[2..].iter().take(64);
            let inner = body.take_while(|byte| matches!(byte, 0x20..0x40)).count();
            (2 + inner + 1).min(text.len())
        }
        Some(b']') => {
            let inner = text[2..].iter().take(8);
            2 + inner
                .take_while(|byte| matches!(byte, b'0'..=b'9' | b';'))
                .count()
        }
        Some(_) => 2,
        None => 1,
    }
}

/// `i g n o r e` as one word, where several letters stand alone in a row.
pub(crate) fn joined(text: &[u8]) -> Option<Vec<u8>> {
    if !is_spaced(text) {
        return None;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut single = 0;
    let mut most = 0;
    for word in text.split(|byte| matches!(byte, b' ' | b'-' | b'.' | b'_')) {
        let alone = word.len() == 1 && word[0].is_ascii_alphabetic();
        if !(alone && single > 0) {
            out.push(b' ');
        }
        single = if alone { single + 1 } else { 0 };
        most = most.max(single);
        out.extend_from_slice(word);
    }
    (most >= 6).then_some(out)
}

/// Whether three letters stand somewhere with a gap behind each.
fn is_spaced(text: &[u8]) -> bool {
    const STEP: usize = 64;
    const REACH: usize = 5;
    // Without branches within a stretch, so that sixteen letters are looked at
    // in one step.
    for at in (0..text.len()).step_by(STEP) {
        let stretch = &text[at..text.len().min(at + STEP + REACH)];
        let mut gaps = [0u8; STEP + REACH];
        for (gap, byte) in gaps.iter_mut().zip(stretch) {
            *gap = u8::from((*byte == b' ') | (*byte == b'-') | (*byte == b'.') | (*byte == b'_'));
        }
        let mut any = 0;
        for from in 0..STEP {
            let turns = !gaps[from] & gaps[from + 1] & !gaps[from + 2];
            any |= turns & gaps[from + 3] & !gaps[from + 4] & gaps[from + 5];
        }
        if any & 1 == 1 {
            return true;
        }
    }
    false
}
