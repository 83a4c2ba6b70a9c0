use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use tollgate_types::{Label, UnixMillis};

use crate::Digest;
use crate::digest::{as_text, hex, unhex};
use crate::encoding::Encoder;

const DOMAIN: &[u8] = b"tollgate-grant\n";
const VERSION: u8 = 1;
/// What stands before the digits of a public key.
const PREFIX: &str = "ed25519:";

/// The permission to run one subject, once, at one place, until a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Of the encoding, 1.
    pub version: u8,
    /// What may run.
    pub subject: Digest,
    /// Who may run it: `exec` for `tollgate exec` beside the gateway, `host:`
    /// and a name for a host daemon.
    pub place: Label,
    /// What the executor asked with; it makes a fresh one for each question.
    pub nonce: Nonce,
    /// From this moment on it is worth nothing.
    pub not_after: UnixMillis,
}

/// A grant and the gateway's signature of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedGrant {
    /// What is permitted.
    pub grant: Grant,
    /// Ed25519 over [`Grant::encode`], 128 hexadecimal digits.
    pub signature: Signature,
}

/// 16 random bytes that an executor made for one question, 32 hexadecimal
/// digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nonce([u8; 16]);

/// An Ed25519 signature (RFC 8032).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

/// The half of the gateway's key that checks grants: `ed25519:` and 64
/// hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct GrantPublicKey([u8; 32]);

/// Why a grant permits nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantFault {
    /// Made by a newer or older gateway.
    #[error("the grant has version {0}, expected {VERSION}")]
    Version(u8),
    /// Not by this gateway, or changed since.
    #[error("the grant's signature is not the gateway's")]
    Signature,
    /// For something else: what was approved is not what would run.
    #[error("what was approved ({approved}) is not what would run ({found})")]
    Subject {
        /// First digits of the digest in the grant.
        approved: String,
        /// First digits of what would run.
        found: String,
    },
    /// For another executor.
    #[error("the grant is for `{found}`, expected `{expected}`")]
    Place {
        /// In the grant.
        found: Label,
        /// This executor.
        expected: Label,
    },
    /// For another question: replayed.
    #[error("the grant answers another question")]
    Nonce,
    /// Too late.
    #[error("the grant expired {late_ms} ms ago")]
    Expired {
        /// By how much.
        late_ms: u64,
    },
}

impl Grant {
    /// A grant in the present version.
    pub fn new(subject: Digest, place: Label, nonce: Nonce, not_after: UnixMillis) -> Self {
        Self {
            version: VERSION,
            subject,
            place,
            nonce,
            not_after,
        }
    }

    /// The bytes that are signed; the crate's documentation has the form.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::begin(DOMAIN, self.version);
        out.raw(self.subject.as_bytes());
        out.text(&self.place);
        out.raw(&self.nonce.0);
        out.number(self.not_after.0);
        out.finish()
    }

    /// Joins a signature made over [`Grant::encode`].
    pub fn signed(self, signature: [u8; 64]) -> SignedGrant {
        SignedGrant {
            grant: self,
            signature: Signature(signature),
        }
    }
}

impl SignedGrant {
    /// Whether this permits `subject`, here, for the question with `nonce`, now.
    ///
    /// # Errors
    /// [`GrantFault`]: nothing is permitted.
    pub fn verify(
        &self,
        key: &GrantPublicKey,
        subject: &Digest,
        place: &str,
        nonce: &Nonce,
        now: UnixMillis,
    ) -> Result<(), GrantFault> {
        let grant = &self.grant;
        if grant.version != VERSION {
            return Err(GrantFault::Version(grant.version));
        }
        let key = UnparsedPublicKey::new(&ED25519, &key.0);
        key.verify(&grant.encode(), &self.signature.0)
            .map_err(|_| GrantFault::Signature)?;
        if *grant.place != *place {
            let (found, expected) = (grant.place.clone(), place.into());
            return Err(GrantFault::Place { found, expected });
        }
        if grant.nonce != *nonce {
            return Err(GrantFault::Nonce);
        }
        if now >= grant.not_after {
            let late_ms = now.since(grant.not_after);
            return Err(GrantFault::Expired { late_ms });
        }
        if grant.subject != *subject {
            let (approved, found) = (grant.subject.short(), subject.short());
            return Err(GrantFault::Subject { approved, found });
        }
        Ok(())
    }
}

impl Nonce {
    /// A nonce of 16 bytes, which must come from the system's randomness.
    pub const fn from_random(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl GrantPublicKey {
    /// A key from its 32 bytes (RFC 8032).
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// Fixed bytes as hexadecimal digits behind a prefix.
macro_rules! digits {
    ($Name:ident, $prefix:expr, $expected:literal) => {
        impl fmt::Display for $Name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, "{}{}", $prefix, hex(&self.0))
            }
        }

        impl fmt::Debug for $Name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, out)
            }
        }

        impl FromStr for $Name {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, &'static str> {
                let digits = text.strip_prefix($prefix).and_then(unhex);
                digits.map(Self).ok_or($expected)
            }
        }

        as_text!($Name);
    };
}

digits!(Nonce, "", "a nonce has 32 hexadecimal digits");
digits!(Signature, "", "a signature has 128 hexadecimal digits");
digits!(
    GrantPublicKey,
    PREFIX,
    "a public key is `ed25519:` and 64 hexadecimal digits"
);

#[cfg(test)]
mod tests;
