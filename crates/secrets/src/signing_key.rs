use std::path::{Path, PathBuf};

use aws_lc_rs::signature::Ed25519KeyPair;
use tollgate_types::Secret;
use zeroize::Zeroizing;

use crate::{PrivateFileError, read_private, write_private};

/// What stands before the digits in the file, and in a public key's text.
pub(crate) const PREFIX: &str = "ed25519:";
/// Longest file, in bytes.
const LONGEST: usize = 256;

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    /// The file can't be used as it is.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// The file holds something else.
    #[error("`{path}` does not hold {what}, expected `{PREFIX}` and 64 hexadecimal digits")]
    NotAKey {
        /// The file.
        path: PathBuf,
        /// Which key it should hold.
        what: &'static str,
    },
    /// The system gave no randomness.
    #[error("{0} could not be made: the system gave no randomness")]
    NoRandomness(&'static str),
}

/// The key in `path`; made where there is none. The flag says that it was made
/// now.
pub(crate) fn open_or_make(
    path: &Path,
    what: &'static str,
) -> Result<(Ed25519KeyPair, bool), SigningKeyError> {
    match open(path, what) {
        Ok(pair) => Ok((pair, false)),
        Err(SigningKeyError::File(error)) if error.is_missing() => {
            make(path, what).map(|pair| (pair, true))
        }
        Err(error) => Err(error),
    }
}

/// The key in `path`.
pub(crate) fn open(path: &Path, what: &'static str) -> Result<Ed25519KeyPair, SigningKeyError> {
    let text = read_private(path, LONGEST)?;
    from_text(&text).ok_or_else(|| SigningKeyError::NotAKey {
        path: path.to_owned(),
        what,
    })
}

fn make(path: &Path, what: &'static str) -> Result<Ed25519KeyPair, SigningKeyError> {
    // The system's randomness: the library's own takes 30 ms to begin, at
    // the first start of all times.
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(|_| SigningKeyError::NoRandomness(what))?;
    let pair = Ed25519KeyPair::from_seed_unchecked(&*seed)
        .map_err(|_| SigningKeyError::NoRandomness(what))?;
    let text = Zeroizing::new(format!("{PREFIX}{}\n", &*hex(&*seed)));
    write_private(path, text.as_bytes())?;
    Ok(pair)
}

pub(crate) fn from_text(text: &Secret) -> Option<Ed25519KeyPair> {
    let digits = text.expose().strip_prefix(PREFIX)?;
    let seed = Zeroizing::new(unhex::<32>(digits)?);
    Ed25519KeyPair::from_seed_unchecked(&*seed).ok()
}

/// Wiped when it is dropped, for one of the two is a secret.
pub(crate) fn hex(bytes: &[u8]) -> Zeroizing<String> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    // All the room at once: a string that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(bytes.len() * 2));
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::try_from(digit(&pair[0])? * 16 + digit(&pair[1])?).ok()?;
    }
    Some(bytes)
}
