use tollgate_types::Secret;

use crate::KeyDigest;

/// A fresh key: `token` is shown once, `digest` is kept.
#[derive(Debug)]
pub struct Minted {
    /// The key itself.
    pub token: Secret,
    /// What is stored.
    pub digest: KeyDigest,
    /// What listings show: `tg-1a2b3c4d-…`, enough to tell keys apart.
    pub hint: String,
}

/// The system gave no random bytes; no key was made.
#[derive(Debug, thiserror::Error)]
#[error("the system's random source failed: {0}")]
pub struct MintError(String);

/// A key for an agent: `tg-`, 8 hexadecimal digits that name it, and 43
/// characters base64url that are 256 random bits.
///
/// # Errors
/// [`MintError`] where the system has no randomness to give.
pub fn mint_agent_key() -> Result<Minted, MintError> {
    mint("tg")
}

/// A token for an operator: as an agent's key, but `tgo-`.
///
/// # Errors
/// [`MintError`] where the system has no randomness to give.
pub fn mint_operator_token() -> Result<Minted, MintError> {
    mint("tgo")
}

fn mint(kind: &str) -> Result<Minted, MintError> {
    let id = u32::from_be_bytes(random()?);
    let secret = base64url(&random::<32>()?);
    let token = format!("{kind}-{id:08x}-{secret}");
    Ok(Minted {
        digest: KeyDigest::of(&token),
        token: Secret::new(token),
        hint: format!("{kind}-{id:08x}-…"),
    })
}

fn random<const N: usize>() -> Result<[u8; N], MintError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| MintError(error.to_string()))?;
    Ok(bytes)
}

/// RFC 4648, section 5, without padding.
fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let mut three = [0; 4];
        three[1..=group.len()].copy_from_slice(group);
        let bits = u32::from_be_bytes(three);
        for place in 0..=group.len() {
            let six = bits >> (18 - 6 * place) & 63;
            text.push(char::from(ALPHABET[six as usize]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64url_matches_the_vectors_of_rfc_4648() {
        let vectors = [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ];
        for (bytes, text) in vectors {
            assert_eq!(base64url(bytes.as_bytes()), text);
        }
        assert_eq!(base64url(&[0xfb, 0xff, 0xfe]), "-__-");
    }

    #[test]
    fn a_key_has_its_documented_shape() {
        let minted = mint_agent_key().unwrap();
        let token = minted.token.expose();
        let parts: Vec<_> = token.splitn(3, '-').collect();
        assert_eq!(
            (parts[0], parts[1].len(), parts[2].len(), token.len()),
            ("tg", 8, 43, 55)
        );
        assert_eq!(minted.hint, format!("tg-{}-…", parts[1]));
        assert_eq!(minted.digest, KeyDigest::of(token));
        assert_eq!(crate::weakness(token), None);
        let operator = mint_operator_token().unwrap();
        assert!(operator.token.expose().starts_with("tgo-"));
    }

    #[test]
    fn no_two_keys_are_alike_and_none_is_printed() {
        let keys: std::collections::HashSet<_> = (0..1000)
            .map(|_| mint_agent_key().unwrap().digest)
            .collect();
        assert_eq!(keys.len(), 1000);
        let minted = mint_agent_key().unwrap();
        let secret = &minted.token.expose()[12..];
        assert!(!format!("{minted:?}").contains(secret));
    }
}
