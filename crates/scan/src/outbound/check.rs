use sha2::{Digest, Sha256};

/// What a format can prove about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Check {
    /// CRC32 of the random part in base 62, six digits at the end.
    Github,
    /// The same under npm's prefix.
    Npm,
    /// Letters and digits of base32 only, and an account that can be.
    Aws,
    /// A header that is a JSON object with an algorithm.
    Jwt,
    /// Four bytes of a double SHA-256.
    Base58check,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The checksum is right.
    Holds,
    /// It is not: mistyped, made up, or of an older form. Milder, but said.
    Fails,
    /// It can't be what it looks like.
    Impossible,
}

impl Check {
    pub(crate) fn prove(self, value: &[u8]) -> Proof {
        match self {
            Self::Github | Self::Npm => crc62(value),
            Self::Aws => aws(value),
            Self::Jwt => jwt(value),
            Self::Base58check => base58check(value),
        }
    }
}

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `prefix_` + 30 random + 6 digits of checksum (GitHub's blog, April 2021).
fn crc62(value: &[u8]) -> Proof {
    let Some(at) = value.iter().position(|byte| *byte == b'_') else {
        return Proof::Fails;
    };
    let body = &value[at + 1..];
    let Some(cut) = body.len().checked_sub(6) else {
        return Proof::Impossible;
    };
    let mut sum = crc32(&body[..cut]);
    let mut digits = [0u8; 6];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[(sum % 62) as usize];
        sum /= 62;
    }
    match digits == body[cut..] {
        true => Proof::Holds,
        false => Proof::Fails,
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |mut sum, byte| {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ (0xEDB8_8320 & (sum & 1).wrapping_neg());
        }
        sum
    })
}

/// The twelve digits of the account stand in the base32 part; old keys of
/// before 2019 have an `I` or `J` there and carry none.
fn aws(value: &[u8]) -> Proof {
    let Some(tail) = value.get(4..) else {
        return Proof::Impossible;
    };
    let digit = |byte: &u8| match byte {
        b'A'..=b'Z' => Some(u64::from(byte - b'A')),
        b'2'..=b'7' => Some(u64::from(byte - b'2') + 26),
        _ => None,
    };
    let Some(bits) = tail.iter().map(digit).collect::<Option<Vec<_>>>() else {
        return Proof::Fails;
    };
    let number = bits
        .iter()
        .take(10)
        .fold(0u64, |sum, five| (sum << 5) | five);
    // Six bytes of fifty bits; the account is what the upper 40 and a half say.
    let account = (number >> 2 & 0x7fff_ffff_ff80) >> 7;
    match account < 1_000_000_000_000 {
        true => Proof::Holds,
        false => Proof::Fails,
    }
}

fn jwt(value: &[u8]) -> Proof {
    let header = value.split(|byte| *byte == b'.').next().unwrap_or_default();
    let Some(decoded) = crate::decode::base64_all(header) else {
        return Proof::Impossible;
    };
    let object = decoded.starts_with(b"{") && crate::decode::is_text(&decoded);
    let named = [&b"\"alg\""[..], b"\"typ\"", b"\"enc\"", b"\"kid\""]
        .iter()
        .any(|name| memchr::memmem::find(&decoded, name).is_some());
    match (object, named) {
        (true, true) => Proof::Holds,
        (true, false) => Proof::Fails,
        (false, _) => Proof::Impossible,
    }
}

fn base58check(value: &[u8]) -> Proof {
    const LETTERS: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut bytes = [0u8; 38];
    for letter in value.iter().take(60) {
        let Some(digit) = LETTERS.iter().position(|known| known == letter) else {
            return Proof::Impossible;
        };
        let mut carry = digit;
        for byte in bytes.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = (carry & 0xff) as u8;
            carry >>= 8;
        }
    }
    // Uncompressed keys are a byte shorter than compressed ones.
    let whole = match bytes[0] {
        0x80 => &bytes[..],
        _ => &bytes[1..],
    };
    let (body, sum) = whole.split_at(whole.len() - 4);
    let twice = Sha256::digest(Sha256::digest(body));
    match twice[..4] == *sum && body[0] == 0x80 {
        true => Proof::Holds,
        false => Proof::Fails,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_tells_a_token_from_a_mistyped_one() {
        let body = b"0123456789abcdefghijABCDEFGHIJ";
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        let mut sum = crc32(body);
        let mut digits = [0u8; 6];
        for digit in digits.iter_mut().rev() {
            *digit = BASE62[(sum % 62) as usize];
            sum /= 62;
        }
        let mut token = b"ghp_".to_vec();
        token.extend_from_slice(body);
        token.extend_from_slice(&digits);
        assert_eq!(Check::Github.prove(&token), Proof::Holds);
        token[7] ^= 1;
        assert_eq!(Check::Github.prove(&token), Proof::Fails);
    }

    #[test]
    fn a_header_must_be_a_json_object() {
        assert_eq!(
            Check::Jwt.prove(b"eyJhbGciOiJIUzI1NiJ9.eyJ4IjoxfQ.c2ln"),
            Proof::Holds
        );
        assert_eq!(Check::Jwt.prove(b"eyAAAA.eyBBB"), Proof::Impossible);
    }
}
