//! What a value is made of: whether a program made it up or a person wrote it.

/// Bits per byte that the value carries, by its own frequencies.
pub(crate) fn entropy(value: &[u8]) -> f32 {
    let mut counts = [0u32; 256];
    value
        .iter()
        .for_each(|byte| counts[usize::from(*byte)] += 1);
    let length = value.len().max(1) as f32;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| *count as f32 / length)
        .map(|share| -share * share.log2())
        .sum()
}

/// What a value is made of.
pub(crate) struct Shape {
    pub(crate) length: usize,
    pub(crate) digits: usize,
    pub(crate) lower: usize,
    pub(crate) upper: usize,
    other: usize,
    /// How often digits and letters take turns.
    turns: usize,
    /// How often a capital follows a small letter, or the other way round
    /// after more than one capital.
    pub(crate) humps: usize,
    /// Bytes in parts that read like words, numbers or versions.
    wordy: usize,
}

impl Shape {
    pub(crate) fn of(value: &[u8]) -> Self {
        let count = |test: fn(&u8) -> bool| value.iter().filter(|byte| test(byte)).count();
        let (digits, lower, upper) = (
            count(u8::is_ascii_digit),
            count(u8::is_ascii_lowercase),
            count(u8::is_ascii_uppercase),
        );
        let mut shape = Self {
            length: value.len(),
            digits,
            lower,
            upper,
            other: value.len() - digits - lower - upper,
            turns: 0,
            humps: 0,
            wordy: 0,
        };
        for pair in value.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            shape.turns += usize::from(
                a.is_ascii_digit() != b.is_ascii_digit()
                    && a.is_ascii_alphanumeric()
                    && b.is_ascii_alphanumeric(),
            );
            shape.humps += usize::from(a.is_ascii_lowercase() && b.is_ascii_uppercase());
        }
        let parts = value.split(|byte| !byte.is_ascii_alphanumeric());
        shape.wordy = parts
            .map(|part| match is_wordy(part) {
                true => part.len(),
                false => camel_words(part),
            })
            .sum();
        shape
    }

    fn letters(&self) -> usize {
        self.lower + self.upper
    }

    /// Whether a program made it up: letters and digits mixed as no name is.
    pub(crate) fn is_random(&self, least: usize) -> bool {
        let solid = self.length - self.other;
        if self.length < least || self.wordy * 10 > solid * 6 || self.other * 3 > self.length {
            return false;
        }
        match (self.digits, self.letters()) {
            (0, letters) if self.lower == 0 || self.upper == 0 => letters >= 20,
            (0, letters) => letters >= 14 && self.humps * 6 >= letters,
            (digits, 0) => digits >= 24,
            _ => self.turns >= 2 || self.length >= 20,
        }
    }

    /// `Curve25519SeedBin`: a capital first, and one number in all.
    pub(crate) fn is_type_name(&self, value: &[u8]) -> bool {
        let vowels = value
            .iter()
            .filter(|byte| b"aeiouyAEIOUY".contains(byte))
            .count();
        value.first().is_some_and(u8::is_ascii_uppercase)
            && self.other == 0
            && self.turns <= 2
            && self.lower > self.upper * 2
            && vowels * 5 >= self.letters()
    }

    /// Eight, four, four, four, twelve and their like.
    pub(crate) fn is_dashed(&self, value: &[u8]) -> bool {
        let mut parts = value.split(|byte| *byte == b'-');
        self.length >= 20
            && value.iter().filter(|byte| **byte == b'-').count() >= 3
            && parts.all(|part| part.len() >= 4 && part.iter().all(u8::is_ascii_alphanumeric))
            && self.digits >= 4
    }
}

/// Letters in the words of a name such as `ExchangeCofactorX963`: five small
/// ones in a row with a vowel, in a part that has capitals too.
fn camel_words(part: &[u8]) -> usize {
    if !part.iter().any(u8::is_ascii_uppercase) {
        return 0;
    }
    let rows = part.split(|byte| !byte.is_ascii_lowercase());
    let is_word = |row: &&[u8]| {
        row.len() >= 5
            && row.iter().filter(|byte| b"aeiouy".contains(byte)).count() * 5 >= row.len()
    };
    rows.filter(is_word).map(|row| row.len() + 1).sum()
}

/// All letters with a vowel and few capitals, or all digits, or a short mix
/// such as `v2` and `x64`.
fn is_wordy(part: &[u8]) -> bool {
    let letters = part
        .iter()
        .filter(|byte| byte.is_ascii_alphabetic())
        .count();
    let digits = part.len() - letters;
    if digits == 0 {
        let humps = part
            .windows(2)
            .filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
            .count();
        let vowels = part
            .iter()
            .filter(|byte| b"aeiouyAEIOUY".contains(byte))
            .count();
        return part.len() <= 18 && vowels * 6 >= part.len() && humps * 4 <= part.len();
    }
    letters == 0 && part.len() <= 14 || part.len() <= 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_not_random() {
        for text in [
            "SalesResults-1.2",
            "DOC_Vector_5_32",
            "cmp2-qat-1208358310",
            "AmazonBedrockKeyShort",
            "rc0.15.0_20231217_1420-SNAPSHOT",
        ] {
            assert!(!Shape::of(text.as_bytes()).is_random(10), "{text}");
        }
        for text in [
            "kT7mQ2vWz9bX",
            "951bc382db9cfee29c68634761dd6e19",
            "a1b2c3d4e5f6g7h8",
        ] {
            assert!(Shape::of(text.as_bytes()).is_random(10), "{text}");
        }
    }
}
