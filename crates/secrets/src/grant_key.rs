use std::path::Path;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

use crate::{SigningKeyError, signing_key};

/// The Ed25519 key (RFC 8032) that signs grants: what may run, once, where.
///
/// It stands in a file of its own and is good for nothing else. Can't be
/// printed. Who checks a grant needs [`GrantKey::public`] only.
pub struct GrantKey {
    pair: Ed25519KeyPair,
}

impl GrantKey {
    /// The key in `path`; made where there is none.
    ///
    /// # Errors
    /// [`SigningKeyError`]; the file's loose mode is one.
    pub fn open_or_make(path: &Path) -> Result<Self, SigningKeyError> {
        let (pair, _) = signing_key::open_or_make(path, "a grant key")?;
        Ok(Self { pair })
    }

    /// The 32 bytes of the half that may be shown to everyone.
    pub fn public(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.pair.public_key().as_ref());
        bytes
    }

    /// The signature of a grant's encoding.
    pub fn sign(&self, text: &[u8]) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes.copy_from_slice(self.pair.sign(text).as_ref());
        bytes
    }
}
