use super::anchors::Set;
use super::concepts::{File, Hit, Hits};
use super::normal::View;
use super::{ConceptFault, finding};
use crate::finding::Finding;

/// Concepts that stand together, and what that weighs.
#[derive(Debug)]
pub(crate) struct Signals {
    signals: Vec<Signal>,
    /// Talk about such things.
    pub(crate) discussion: usize,
    /// How far apart two concepts of a signal may stand.
    pub(crate) widest: usize,
}

#[derive(Debug)]
struct Signal {
    kind: String,
    weight: u32,
    first: usize,
    second: Option<usize>,
    within: usize,
    most: u32,
    /// The concepts that any text with this signal has an anchor of.
    needs: Set,
}

/// What a text comes to.
#[derive(Debug, Default)]
pub(crate) struct Sum {
    pub(crate) score: u32,
    /// How many signals spoke.
    pub(crate) count: u32,
    pub(crate) findings: Vec<Finding>,
}

impl Sum {
    pub(crate) fn add(&mut self, weight: u32, kind: &str, place: (usize, usize)) {
        if weight == 0 {
            return;
        }
        self.score = self.score.saturating_add(weight);
        self.count += 1;
        if self.findings.len() < 100 {
            self.findings.push(finding(kind, weight, place.0, place.1));
        }
    }
}

impl Signals {
    pub(crate) fn new(file: &File) -> Result<Self, ConceptFault> {
        let number = |name: &String| {
            let at = file.concepts.keys().position(|known| known == name);
            at.ok_or_else(|| ConceptFault(format!("no concept is called `{name}`")))
        };
        let mut signals = Vec::new();
        for written in &file.signals {
            let numbers = written
                .concepts
                .iter()
                .map(number)
                .collect::<Result<Vec<_>, _>>()?;
            let first = numbers.first().copied();
            let anchors = written
                .concepts
                .iter()
                .zip(&numbers)
                .filter(|(name, _)| !file.common.contains(name));
            let needs = anchors.fold(0, |set, (_, number)| set | 1 << number);
            if needs == 0 {
                return Err(ConceptFault(format!(
                    "signal `{}` is made of common concepts alone",
                    written.kind
                )));
            }
            signals.push(Signal {
                kind: written.kind.clone(),
                weight: written.weight,
                first: first.ok_or_else(|| {
                    ConceptFault(format!("signal `{}` has no concept", written.kind))
                })?,
                second: numbers.get(1).copied(),
                within: written.within,
                most: written.most.unwrap_or(1),
                needs,
            });
        }
        Ok(Self {
            widest: signals.iter().map(|it| it.within).max().unwrap_or(0),
            signals,
            discussion: number(&"discussion".to_owned())?,
        })
    }

    /// What a text with these anchors can come to at most.
    pub(crate) fn bound(&self, present: Set) -> u32 {
        let possible = self.signals.iter().filter(|it| it.needs & !present == 0);
        possible.map(|it| it.weight * it.most).sum()
    }

    pub(crate) fn weigh(&self, hits: &Hits, view: &View) -> Sum {
        let mut sum = Sum::default();
        for signal in &self.signals {
            let places = match signal.second {
                Some(second) => pairs(
                    &hits[signal.first],
                    &hits[second],
                    signal.within,
                    signal.most,
                ),
                None => hits[signal.first]
                    .iter()
                    .take(signal.most as usize)
                    .copied()
                    .collect(),
            };
            for place in places {
                sum.add(
                    signal.weight,
                    &signal.kind,
                    view.place(place.start, place.end),
                );
            }
        }
        sum
    }
}

/// Places where one stands within so many bytes of the other: swept with two
/// pointers, because thousands of both would make their product a denial of
/// service.
fn pairs(first: &[Hit], second: &[Hit], within: usize, most: u32) -> Vec<Hit> {
    let mut found: Vec<Hit> = Vec::new();
    let mut from = 0;
    for hit in first {
        while second
            .get(from)
            .is_some_and(|other| other.end + within < hit.start)
        {
            from += 1;
        }
        let near = second[from..].iter().take(8).find(|other| {
            let apart = other.start >= hit.end || other.end <= hit.start;
            let gap = other
                .start
                .saturating_sub(hit.end)
                .max(hit.start.saturating_sub(other.end));
            apart && gap <= within
        });
        let Some(other) = near else { continue };
        let place = Hit {
            start: hit.start.min(other.start),
            end: hit.end.max(other.end),
        };
        if found.last().is_none_or(|last| place.start >= last.end) {
            found.push(place);
        }
        if found.len() >= most as usize {
            break;
        }
    }
    found
}
