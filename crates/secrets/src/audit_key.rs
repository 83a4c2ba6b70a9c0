use std::fmt;
use std::path::Path;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use crate::SigningKeyError;
use crate::signing_key::{self, PREFIX, hex, unhex};

/// The Ed25519 key (RFC 8032) that signs what the ledger says of its records.
///
/// It stands in a file of its own, never in the database, and is good for
/// nothing else: no other key of the house has this type. Can't be printed.
pub struct AuditKey {
    pair: Ed25519KeyPair,
}

/// What faults call it.
const WHAT: &str = "an audit key";

impl AuditKey {
    /// The key in `path`; made where there is none. The flag says that it was
    /// made now.
    ///
    /// # Errors
    /// [`SigningKeyError`].
    pub fn open_or_make(path: &Path) -> Result<(Self, bool), SigningKeyError> {
        let (pair, made) = signing_key::open_or_make(path, WHAT)?;
        Ok((Self { pair }, made))
    }

    /// The key in `path`.
    ///
    /// # Errors
    /// [`SigningKeyError`]; the file's loose mode is one.
    pub fn open(path: &Path) -> Result<Self, SigningKeyError> {
        let pair = signing_key::open(path, WHAT)?;
        Ok(Self { pair })
    }

    /// The half that may be shown to everyone.
    pub fn public(&self) -> AuditPublicKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.pair.public_key().as_ref());
        AuditPublicKey(bytes)
    }

    /// The signature of `text`.
    pub fn sign(&self, text: &[u8]) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes.copy_from_slice(self.pair.sign(text).as_ref());
        bytes
    }
}

/// What checks an [`AuditKey`]'s signatures. As text `ed25519:` and 64
/// hexadecimal digits; without the prefix it is read as well.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AuditPublicKey([u8; 32]);

impl AuditPublicKey {
    /// A key from its 32 bytes (RFC 8032).
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether `signature` is of `text` and by this key.
    pub fn verify(&self, text: &[u8], signature: &[u8; 64]) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, &self.0);
        key.verify(text, signature).is_ok()
    }
}

impl fmt::Display for AuditPublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{PREFIX}{}", &*hex(&self.0))
    }
}

impl fmt::Debug for AuditPublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// Text that is no public key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a public key, expected `ed25519:` and 64 hexadecimal digits")]
pub struct ParsePublicKeyError(String);

impl FromStr for AuditPublicKey {
    type Err = ParsePublicKeyError;

    fn from_str(text: &str) -> Result<Self, ParsePublicKeyError> {
        unhex(text.strip_prefix(PREFIX).unwrap_or(text))
            .map(Self)
            .ok_or_else(|| ParsePublicKeyError(text.chars().take(80).collect()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use tollgate_types::Secret;

    use super::*;
    use crate::write_private;

    #[test]
    fn a_key_is_made_once_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.key");
        let (made, new) = AuditKey::open_or_make(&path).unwrap();
        let (again, newer) = AuditKey::open_or_make(&path).unwrap();
        assert_eq!((new, newer), (true, false));
        assert_eq!(made.public(), again.public());
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let signature = made.sign(b"text");
        assert!(again.public().verify(b"text", &signature));
        assert!(!again.public().verify(b"Text", &signature));
    }

    /// RFC 8032, section 7.1, test 2.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let seed = "ed25519:4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
        let key = AuditKey {
            pair: signing_key::from_text(&Secret::new(seed.to_owned())).unwrap(),
        };
        assert_eq!(
            key.public().to_string(),
            "ed25519:3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
        );
        let expected = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                        085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
        assert_eq!(hex(&key.sign(&[0x72])).as_str(), expected);
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.key");
        write_private(&path, b"ed25519:topsecret").unwrap();
        let error = AuditKey::open_or_make(&path).err().unwrap();
        assert!(error.to_string().contains("does not hold an audit key"));
        assert!(!format!("{error:?} {error}").contains("topsecret"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = AuditKey::open_or_make(&path).err().unwrap().to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn public_keys_read_back() {
        let key = AuditPublicKey::from_bytes([0xa1; 32]);
        assert_eq!(key.to_string().parse(), Ok(key));
        assert_eq!(key.to_string()[8..].parse(), Ok(key));
        assert!("ed25519:xyz".parse::<AuditPublicKey>().is_err());
    }
}
