//! Shell text to a plan: guard, tokens, tree, words.

mod braces;
mod lower;
mod redirect;
mod scope;
mod word;

use std::panic::{AssertUnwindSafe, catch_unwind};

use brush_parser::{ParserOptions, Token, ast::Program};

use crate::guard::{self, Beyond, LONGEST};
use crate::plan::Plan;
pub(crate) use lower::{FORK_BOMB, subscript};
pub(crate) use scope::Scope;

/// Nesting from which the parser gets a stack of its own.
const SHALLOW: usize = 4;
/// That stack, in bytes. The deepest text that the guard passes takes a
/// fraction of it, in a build without optimization too.
const STACK: usize = 32 * 1024 * 1024;

/// Reads a text; `scope` is what earlier texts have said of variables and
/// functions.
///
/// # Errors
/// [`Beyond`]: the text is too long, too deep, or not shell.
pub(crate) fn plan(text: &str, scope: &mut Scope) -> Result<Plan, Beyond> {
    scope.bytes_read += text.len();
    if scope.bytes_read > 2 * LONGEST {
        return Err(Beyond::Length);
    }
    if scope.only_tame && !guard::is_tame(text, scope.bytes_read) {
        scope.met_wild = true;
        return Err(Beyond::Wild);
    }
    guard::text(text)?;
    let program = parse(text, scope)?;
    Ok(lower::lower(&program, scope))
}

fn parse(text: &str, scope: &mut Scope) -> Result<Program, Beyond> {
    let options = ParserOptions::default();
    let tokens = unharmed(|| {
        brush_parser::uncached_tokenize_str(text, &options.tokenizer_options())
            .map_err(|_| Beyond::Syntax)
    })?;
    let levels = guard::tokens(&tokens)?;
    if scope.only_tame && levels > guard::TAME_LEVELS {
        scope.met_wild = true;
        return Err(Beyond::Wild);
    }
    match levels {
        depth if depth <= SHALLOW => unharmed(|| tree(&tokens, &options)),
        _ => std::thread::scope(|scope| {
            std::thread::Builder::new()
                .stack_size(STACK)
                .spawn_scoped(scope, || tree(&tokens, &options))
                .map_err(|_| Beyond::Nesting)?
                .join()
                .map_err(|_| Beyond::Syntax)?
        }),
    }
}

fn tree(tokens: &[Token], options: &ParserOptions) -> Result<Program, Beyond> {
    brush_parser::parse_tokens(tokens, options).map_err(|_| Beyond::Syntax)
}

/// A parser of foreign text that panics has not understood it.
fn unharmed<T>(read: impl FnOnce() -> Result<T, Beyond>) -> Result<T, Beyond> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or(Err(Beyond::Syntax))
}
