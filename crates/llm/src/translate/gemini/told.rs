//! What Gemini tells of a text: how likely its tokens were, and its sources.

use super::{member, needed, text};
use crate::translate::pen::Pen;
use crate::translate::probability::{CERTAIN, Probabilities, Token};
use crate::translate::raw::{Fault, Raw, Text};
use crate::translate::source::{Citation, Ruler};

type Read<'a, T = ()> = Result<T, Fault<'a>>;

/// Tokens, and beside them lists of others in the place of each.
pub(super) fn read_probabilities(result: Raw<'_>) -> Read<'_, Probabilities<'_>> {
    let Some(chosen) = member(result, "chosen_candidates") else {
        return Ok(Vec::new());
    };
    let mut tops = match member(result, "top_candidates") {
        Some(tops) => Some(tops.elements()?),
        None => None,
    };
    let mut tokens = Vec::new();
    for at in chosen.elements()? {
        let top = tops.as_mut().and_then(Iterator::next);
        let others = top.and_then(|top| member(top, "candidates"));
        let others = match others {
            Some(others) => others
                .elements()?
                .map(|at| read_token(at, Vec::new()))
                .collect(),
            None => Ok(Vec::new()),
        };
        tokens.push(read_token(at, others?)?);
    }
    Ok(tokens)
}

fn read_token<'a>(at: Raw<'a>, others: Vec<Token<'a>>) -> Read<'a, Token<'a>> {
    Ok(Token {
        text: text(at, "token")?.unwrap_or(Text::lent("")),
        logarithm: member(at, "log_probability").unwrap_or(Raw::of(CERTAIN)),
        bytes: None,
        others,
    })
}

/// The pages that an answer rests on, and texts that it repeats. `ruler` has
/// measured the text so far, in which Gemini counts bytes; `begins` says where
/// each of its parts begins.
pub(super) fn read_citations<'a>(
    candidate: Raw<'a>,
    ruler: &Ruler,
    begins: &[u64],
) -> Read<'a, Vec<Citation<'a>>> {
    let mut found = Vec::new();
    if let Some(grounding) = member(candidate, "grounding_metadata") {
        read_grounding(grounding, ruler, begins, &mut found)?;
    }
    let repeated = member(candidate, "citation_metadata");
    let repeated =
        repeated.and_then(|it| member(it, "citation_sources").or_else(|| member(it, "citations")));
    if let Some(list) = repeated {
        for at in list.elements()? {
            if let Some(address) = text(at, "uri")?.filter(|it| !it.is_empty()) {
                found.push(Citation {
                    address,
                    title: text(at, "title")?,
                    place: place(at, 0, ruler),
                });
            }
        }
    }
    Ok(found)
}

fn read_grounding<'a>(
    grounding: Raw<'a>,
    ruler: &Ruler,
    begins: &[u64],
    found: &mut Vec<Citation<'a>>,
) -> Read<'a> {
    let mut pages = Vec::new();
    if let Some(chunks) = member(grounding, "grounding_chunks") {
        for chunk in chunks.elements()? {
            let inner = ["web", "retrieved_context", "maps"]
                .iter()
                .find_map(|key| member(chunk, key));
            pages.push((inner, false));
        }
    }
    if let Some(supports) = member(grounding, "grounding_supports") {
        for support in supports.elements()? {
            let segment = member(support, "segment").unwrap_or(support);
            let part = figure(segment, "part_index") as usize;
            let base = begins.get(part).copied().unwrap_or(0);
            let place = place(segment, base, ruler);
            let Some(indices) = member(support, "grounding_chunk_indices") else {
                continue;
            };
            for index in indices.elements()? {
                let index = index.count()? as usize;
                if let Some((Some(page), told)) = pages.get_mut(index) {
                    *told = true;
                    found.extend(read_page(*page, place)?);
                }
            }
        }
    }
    // Pages that were read, and stand for nothing in particular.
    for page in pages.iter().filter(|(_, told)| !told) {
        if let Some(page) = page.0 {
            found.extend(read_page(page, None)?);
        }
    }
    Ok(())
}

fn read_page<'a>(page: Raw<'a>, place: Option<(u64, u64)>) -> Read<'a, Option<Citation<'a>>> {
    if member(page, "uri").is_none() {
        return Ok(None);
    }
    Ok(Some(Citation {
        address: needed(page, "uri", "an address")?,
        title: text(page, "title")?,
        place,
    }))
}

fn place(of: Raw<'_>, base: u64, ruler: &Ruler) -> Option<(u64, u64)> {
    let at = |key| ruler.character_at(base.saturating_add(figure(of, key)));
    let (begin, end) = (at("start_index"), at("end_index"));
    (begin < end).then_some((begin, end))
}

fn figure(of: Raw<'_>, key: &str) -> u64 {
    let figure = member(of, key).and_then(|it| it.count().ok());
    figure.unwrap_or(0)
}

/// Probabilities that are to be written, as the elements of Gemini's lists.
#[derive(Debug, Default)]
pub(super) struct Told {
    chosen: Pen,
    top: Pen,
    /// Whether any others were told; if not, their list is left out.
    has_others: bool,
    sum: f64,
    count: u32,
}

impl Told {
    pub(super) fn add<'t, 'a: 't>(&mut self, tokens: impl IntoIterator<Item = &'t Token<'a>>) {
        for token in tokens {
            write_token(token, &mut self.chosen);
            self.top.open('{');
            self.top.key("candidates").open('[');
            for other in &token.others {
                self.has_others = true;
                write_token(other, &mut self.top);
            }
            self.top.close(']');
            self.top.close('}');
            self.sum += token.logarithm.get().parse().unwrap_or(0.0);
            self.count += 1;
        }
    }

    /// Bytes that are held.
    pub(super) fn held(&self) -> usize {
        self.chosen.len() + self.top.len()
    }

    /// Writes what has come since the last time, as members of a candidate.
    pub(super) fn write(&mut self, pen: &mut Pen) {
        let (chosen, top) = (
            std::mem::take(&mut self.chosen).finish(),
            std::mem::take(&mut self.top).finish(),
        );
        if chosen.is_empty() {
            return;
        }
        pen.key("logprobsResult").open('{');
        if std::mem::take(&mut self.has_others) {
            pen.key("topCandidates").open('[');
            pen.frame(&top);
            pen.close(']');
        }
        pen.key("chosenCandidates").open('[');
        pen.frame(&chosen);
        pen.close(']');
        pen.close('}');
    }

    /// Writes the average of all tokens.
    pub(super) fn write_average(&self, pen: &mut Pen) {
        let average = self.sum / f64::from(self.count);
        if average.is_finite() {
            pen.key("avgLogprobs").verbatim(&average.to_string());
        }
    }
}

fn write_token(token: &Token<'_>, pen: &mut Pen) {
    pen.open('{');
    pen.key("token").text(&token.text);
    pen.key("logProbability").raw(token.logarithm);
    pen.close('}');
}

/// Writes sources as a member of a candidate, places in bytes of the text that
/// `ruler` has measured.
pub(super) fn write_citations<'t, 'a: 't>(
    citations: impl Iterator<Item = &'t Citation<'a>> + Clone,
    ruler: &Ruler,
    pen: &mut Pen,
) {
    let mut pages: Vec<&Citation<'_>> = Vec::new();
    let same = |one: &Citation<'_>, other: &Citation<'_>| one.address == other.address;
    for citation in citations.clone() {
        if !pages.iter().any(|page| same(page, citation)) {
            pages.push(citation);
        }
    }
    if pages.is_empty() {
        return;
    }
    pen.key("groundingMetadata").open('{');
    pen.key("groundingChunks").open('[');
    for page in &pages {
        pen.open('{');
        pen.key("web").open('{');
        pen.key("uri").text(&page.address);
        if let Some(title) = &page.title {
            pen.key("title").text(title);
        }
        pen.close('}');
        pen.close('}');
    }
    pen.close(']');
    pen.key("groundingSupports").open('[');
    for citation in citations {
        let page = pages.iter().position(|page| same(page, citation));
        if let (Some((begin, end)), Some(page)) = (citation.place, page) {
            pen.open('{');
            pen.key("segment").open('{');
            pen.key("startIndex").number(ruler.byte_at(begin));
            pen.key("endIndex").number(ruler.byte_at(end));
            pen.close('}');
            pen.key("groundingChunkIndices").open('[');
            pen.number(page as u64);
            pen.close(']');
            pen.close('}');
        }
    }
    pen.close(']');
    pen.close('}');
}
