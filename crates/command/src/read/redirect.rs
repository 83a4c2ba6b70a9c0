//! Redirections: the files that a step reads and writes, and its input.

use brush_parser::ast::{IoFileRedirectKind, IoFileRedirectTarget, IoRedirect, Word};

use super::lower::{Lowering, join};
use super::word;
use crate::plan::{Arg, Direction, Input, Redirect, Step};

impl Lowering<'_> {
    pub(super) fn redirect(&mut self, redirect: &IoRedirect, step: &mut Step) {
        match redirect {
            IoRedirect::File(_, kind, target) => self.file(kind, target, step),
            IoRedirect::OutputAndError(word, append) => {
                let direction = if *append {
                    Direction::Append
                } else {
                    Direction::Write
                };
                self.target(direction, word, step);
            }
            IoRedirect::HereString(_, word) => {
                let text = self
                    .words(word)
                    .into_iter()
                    .reduce(join)
                    .unwrap_or_default();
                step.input = Input::Text(text);
            }
            IoRedirect::HereDocument(_, document) => {
                let body = &document.doc.value;
                let text = match document.requires_expansion {
                    true => {
                        let decoded = word::decode_body(body, &|name| self.scope.known(name));
                        self.args(decoded)
                            .into_iter()
                            .reduce(join)
                            .unwrap_or_default()
                    }
                    false => Arg::fixed(body.clone()),
                };
                step.input = Input::Text(text);
            }
        }
    }

    fn file(&mut self, kind: &IoFileRedirectKind, target: &IoFileRedirectTarget, step: &mut Step) {
        let direction = match kind {
            IoFileRedirectKind::Read => Direction::Read,
            IoFileRedirectKind::Write | IoFileRedirectKind::Clobber => Direction::Write,
            IoFileRedirectKind::Append => Direction::Append,
            IoFileRedirectKind::ReadAndWrite => Direction::Both,
            IoFileRedirectKind::DuplicateInput => Direction::Read,
            IoFileRedirectKind::DuplicateOutput => Direction::Write,
        };
        match target {
            IoFileRedirectTarget::Filename(word) => self.target(direction, word, step),
            IoFileRedirectTarget::Duplicate(word) => {
                let numbered = word
                    .value
                    .chars()
                    .all(|one| one.is_ascii_digit() || one == '-');
                if !numbered {
                    self.target(direction, word, step);
                }
            }
            IoFileRedirectTarget::Fd(_) => {}
            IoFileRedirectTarget::ProcessSubstitution(_, shell) => self.nested(&shell.list),
        }
    }

    fn target(&mut self, direction: Direction, word: &Word, step: &mut Step) {
        for file in self.words(word) {
            step.redirects.push(Redirect { direction, file });
        }
    }
}
