use std::sync::Arc;

use anyhow::Context;
use tollgate_control::Operators;
use tollgate_identity::{KeyDigest, OperatorBook, mint_operator_token};
use tollgate_types::{OperatorName, Secret};

use crate::paths::Paths;

/// Longest token that is read from a file, in bytes.
const LONGEST: usize = 512;

/// The first operator's name.
const FIRST: &str = "operator";

/// Operators by their tokens. The first one's is made at the first start and
/// stands in `operator.token`, for the commands of the same user; it is given
/// back to be guarded.
pub(super) fn open(paths: &Paths) -> anyhow::Result<(Arc<dyn Operators>, Secret)> {
    let file = paths.operator_token();
    let token = match tollgate_secrets::read_private(&file, LONGEST) {
        Ok(token) => token,
        Err(error) if error.is_missing() => {
            let minted = mint_operator_token()?;
            tollgate_secrets::write_private(&file, minted.token.expose().as_bytes())?;
            minted.token
        }
        Err(error) => {
            let mending = error.mending().map(|command| format!("\nhint: {command}"));
            anyhow::bail!("{error}{}", mending.unwrap_or_default());
        }
    };
    let name = OperatorName::new(FIRST)?;
    let book = OperatorBook::new(vec![(name, KeyDigest::of(token.expose()))]);
    let book = book.ok().context("operators of one name or token")?;
    Ok((Arc::new(Book(book)), token))
}

struct Book(OperatorBook);

impl Operators for Book {
    fn identify(&self, token: &str) -> Option<OperatorName> {
        self.0.identify(token).cloned()
    }
}
