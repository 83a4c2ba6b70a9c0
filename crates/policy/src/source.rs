//! From text to a module that is ready to be evaluated.
//!
//! Two things are done to the text of an operator, neither of which changes
//! what it means:
//!
//! * Every `return` that could hand back a verdict is marked with its line, so
//!   that a decision can name it: `return "deny"` becomes
//!   `return _tollgate_at(12, "deny")`.
//! * `+`, `*` and `<<` become calls that do the same and stop at
//!   [`limits::GROWTH`]: `'a' * 2000000000` alone takes half a minute, and the
//!   library's own limits don't see it.

use std::collections::HashMap;

use starlark::syntax::ast::{AssignOp, AstExpr, AstLiteral, AstStmt, Expr, Stmt};
use starlark::syntax::{AstModule, Dialect, DialectTypes};

use crate::fault::PolicyFault;
use crate::limits;

/// Brackets within brackets: the parser goes down one call for each.
const NESTING: usize = 200;

/// The bounded stand-ins, by operator.
const STAND_INS: [(&str, &str); 3] = [
    ("+", "_tollgate_plus"),
    ("*", "_tollgate_times"),
    ("<<", "_tollgate_shift"),
];

/// Room for lines of one file within a mark.
const LINES: usize = 1 << 20;

/// A file as it was written, parsed.
pub(crate) struct Source {
    written: AstModule,
    text: String,
}

/// Parses a file as it was written.
pub(crate) fn parse(file: &str, text: &str) -> Result<Source, PolicyFault> {
    if text.len() > limits::FILE_BYTES {
        let message = format!(
            "{} bytes, expected at most {}",
            text.len(),
            limits::FILE_BYTES
        );
        return Err(PolicyFault::of_file(file, message));
    }
    if let Some(line) = too_deep(text) {
        let message = format!("brackets stand more than {NESTING} deep");
        return Err(PolicyFault::at(file, line, message));
    }
    let written = AstModule::parse(file, text.to_owned(), &dialect())
        .map_err(|error| PolicyFault::starlark(file, &error))?;
    let mut fault = None;
    visit(written.statement(), &mut |statement| {
        if let Stmt::AssignModify(_, op @ (AssignOp::Multiply | AssignOp::LeftShift), _) =
            &statement.node
        {
            let sign = if *op == AssignOp::Multiply { "*" } else { "<<" };
            let line = line_of(&written, statement);
            fault.get_or_insert_with(|| {
                PolicyFault::at(file, line, format!("`{sign}=` is not taken"))
                    .hint(format!("write x = x {sign} y, which is bounded"))
            });
        }
    });
    match fault {
        Some(fault) => Err(fault),
        None => Ok(Source {
            written,
            text: text.to_owned(),
        }),
    }
}

impl Source {
    /// As it was written.
    pub(crate) fn written(&self) -> &AstModule {
        &self.written
    }

    /// The line of `def evaluate`, where the file has one.
    pub(crate) fn line_of_evaluate(&self) -> Option<u32> {
        let mut found = None;
        visit(self.written.statement(), &mut |statement| {
            if let Stmt::Def(def) = &statement.node
                && def.name.node.ident == "evaluate"
            {
                found = Some(line_of(&self.written, statement));
            }
        });
        found
    }

    /// As it is evaluated: returns marked, growth bounded. `index` is the
    /// file's place among all that are loaded.
    pub(crate) fn marked(
        &self,
        file: &str,
        index: usize,
    ) -> Result<(AstModule, Vec<u32>), PolicyFault> {
        let mut places = Vec::new();
        let mut marks = Vec::new();
        visit(self.written.statement(), &mut |statement| {
            if let Stmt::Return(Some(value)) = &statement.node
                && let Some(mark) = mark_of(value)
            {
                let place = index * LINES + line_of(&self.written, statement) as usize;
                places.push(u32::try_from(place).unwrap_or(0));
                marks.push((
                    value.span.begin().get() as usize,
                    format!("{mark}({place}, "),
                ));
                marks.push((value.span.end().get() as usize, ")".to_owned()));
            }
        });
        marks.sort_by_key(|(at, _)| *at);
        let mut text = String::with_capacity(self.text.len() + 32 * marks.len());
        let mut done = 0;
        for (at, mark) in marks {
            text += self.text.get(done..at).unwrap_or_default();
            text += &mark;
            done = at;
        }
        text += self.text.get(done..).unwrap_or_default();
        let mut marked = AstModule::parse(file, text, &dialect())
            .map_err(|error| PolicyFault::starlark(file, &error))?;
        let stand_ins = STAND_INS.map(|(sign, name)| (sign.to_owned(), name.to_owned()));
        marked.replace_binary_operators(&HashMap::from(stand_ins));
        Ok((marked, places))
    }
}

/// From a mark to the file's index and the line.
pub(crate) fn place_of(mark: u32) -> (usize, u32) {
    (mark as usize / LINES, mark % LINES as u32)
}

/// Which mark a returned expression gets. A literal is the verdict's own
/// place; what passes on another function's answer keeps that one's.
fn mark_of(value: &AstExpr) -> Option<&'static str> {
    match &value.node {
        Expr::Literal(AstLiteral::String(_)) | Expr::Dict(_) => Some("_tollgate_at"),
        Expr::If(_) | Expr::Call(..) | Expr::Identifier(_) | Expr::Index(_) | Expr::Op(..) => {
            Some("_tollgate_via")
        }
        _ => None,
    }
}

/// What existing policies were written in: the standard, with the additions
/// that do no harm.
fn dialect() -> Dialect {
    Dialect {
        enable_keyword_only_arguments: true,
        enable_types: DialectTypes::ParseOnly,
        enable_top_level_stmt: true,
        enable_f_strings: true,
        ..Dialect::Standard
    }
}

/// Every statement, the inner ones too.
pub(crate) fn visit<'a>(statement: &'a AstStmt, each: &mut impl FnMut(&'a AstStmt)) {
    each(statement);
    statement.visit_stmt(|inner| visit(inner, each));
}

pub(crate) fn line_of(module: &AstModule, statement: &AstStmt) -> u32 {
    let span = module.file_span(statement.span).resolve_span();
    u32::try_from(span.begin.line + 1).unwrap_or(u32::MAX)
}

/// The line where brackets stand too deep. Those in strings and comments
/// count, so this may be wrong about a very odd file, in the safe direction.
fn too_deep(text: &str) -> Option<u32> {
    let mut depth = 0usize;
    let mut line = 1;
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'\n' => line += 1,
            _ => {}
        }
        if depth > NESTING {
            return Some(line);
        }
    }
    None
}
