//! Aliases and synthetic models: declared, followed to the models at their
//! ends, and checked on the way.

use std::collections::{HashMap, HashSet};

use tollgate_types::Label;

use super::listed::literals;
use super::synthetic::{Member, Order, Synthetic, Target};
use super::{RouteTable, draw::Draw};
use crate::fault::Entry;
use crate::schedule::schedule;
use crate::{MemberSpec, RoutingConfig, RoutingFault, Strategy};

/// How deep names may lead on to names. Nobody writes that; it bounds the
/// stack of whoever follows them.
const DEEPEST: usize = 64;

/// Most members of a synthetic model, and most models that it leads to: each
/// of them is put to the rules for every request.
const MOST_MODELS: usize = 64;

/// The declared names, while they are followed.
pub(super) struct Names<'c> {
    declared: Vec<Declared<'c>>,
    by_name: HashMap<&'c str, usize>,
    states: Vec<State>,
    /// The names that are being followed, outermost first, each with the
    /// member that leads on.
    path: Vec<(usize, usize)>,
    in_circles: HashSet<usize>,
    window: &'c dyn Fn(&str, &str) -> Option<u64>,
    table: &'c mut RouteTable,
    faults: &'c mut Vec<RoutingFault>,
}

struct Declared<'c> {
    entry: Entry,
    name: &'c str,
    strategy: Strategy,
    members: Vec<MemberSpec>,
}

#[derive(Clone)]
enum State {
    Unseen,
    Open,
    /// With how deep names lead on from here.
    Done(Target, usize),
    /// Something is wrong with it or behind it, and was said.
    Broken,
}

impl<'c> Names<'c> {
    /// Every name once; those that can't be reached are faults.
    pub(super) fn declare(
        config: &'c RoutingConfig,
        window: &'c dyn Fn(&str, &str) -> Option<u64>,
        table: &'c mut RouteTable,
        faults: &'c mut Vec<RoutingFault>,
    ) -> Self {
        let mut names = Self {
            declared: Vec::new(),
            by_name: HashMap::new(),
            states: Vec::new(),
            path: Vec::new(),
            in_circles: HashSet::new(),
            window,
            table,
            faults,
        };
        let models: HashMap<&str, &Label> = literals(config)
            .map(|(provider, model)| (model, provider))
            .collect();
        for declared in all(config) {
            if let Some(fault) = names.unreachable(&declared, &models) {
                names.faults.push(fault);
            } else {
                names.by_name.insert(declared.name, names.declared.len());
                names.declared.push(declared);
            }
        }
        names.states = vec![State::Unseen; names.declared.len()];
        names
    }

    fn unreachable(
        &self,
        declared: &Declared<'_>,
        models: &HashMap<&str, &Label>,
    ) -> Option<RoutingFault> {
        let (entry, name) = (declared.entry, declared.name.to_owned());
        let first = declared.name.split_once('/');
        let first = first.and_then(|(first, _)| self.table.by_id.get_key_value(first));
        if let Some((provider, _)) = first {
            let provider = Label::clone(provider);
            return Some(RoutingFault::ShadowedName {
                entry,
                name,
                provider,
            });
        }
        if let Some(&before) = self.by_name.get(declared.name) {
            let other = self.declared[before].entry;
            return Some(match other.to_string() == entry.to_string() {
                true => RoutingFault::DuplicateName { entry, name },
                false => RoutingFault::TakenName {
                    entry,
                    name,
                    other: format!("the {other} above"),
                },
            });
        }
        // An alias may stand for a model's name on purpose, to lead it
        // elsewhere; a synthetic model would hide one of its own members.
        let model = models.get(declared.name);
        let model = model.filter(|_| !matches!(entry, Entry::Shortcut(_)));
        model.map(|provider| RoutingFault::TakenName {
            entry,
            name,
            other: format!("a model of provider `{provider}`"),
        })
    }

    /// Follows every name, in the order of the configuration.
    pub(super) fn resolve_all(mut self) {
        for index in 0..self.declared.len() {
            if let State::Done(target, _) = self.follow(index) {
                let name = self.declared[index].name.to_owned();
                self.table.names.insert(name, target);
            }
        }
    }

    fn follow(&mut self, index: usize) -> State {
        match &self.states[index] {
            State::Unseen => {}
            State::Open => {
                self.circle(index);
                return State::Broken;
            }
            known => return known.clone(),
        }
        if self.path.len() > DEEPEST {
            let outermost = self.path.first().map_or(index, |(index, _)| *index);
            self.too_deep(outermost);
            return State::Broken;
        }
        self.states[index] = State::Open;
        let state = self.made(index);
        self.states[index] = state.clone();
        state
    }

    /// Where a name leads, once all that it leads to is known.
    fn made(&mut self, index: usize) -> State {
        let specs = std::mem::take(&mut self.declared[index].members);
        let sound = self.shape(index, &specs);
        let mut members = Vec::new();
        let mut deepest = 0;
        for (at, spec) in specs.iter().enumerate() {
            self.path.push((index, at));
            let found = self.member(index, at, spec);
            self.path.pop();
            if let Some((member, depth)) = found {
                deepest = deepest.max(depth + 1);
                members.push(member);
            }
        }
        if !sound || members.len() < specs.len() {
            return State::Broken;
        }
        if deepest > DEEPEST {
            self.misshapen(index, None, format!("leads over more than {DEEPEST} names"));
            return State::Broken;
        }
        match (self.declared[index].entry, members.pop()) {
            (Entry::Shortcut(_), Some(only)) => State::Done(only.target, deepest),
            (_, last) => {
                members.extend(last);
                self.synthetic(index, members, deepest)
            }
        }
    }

    fn member(&mut self, index: usize, at: usize, spec: &MemberSpec) -> Option<(Member, usize)> {
        let declared = self.by_name.get(spec.model.as_str()).copied();
        let (target, depth) = match declared {
            Some(next) => match self.follow(next) {
                State::Done(target, depth) => (target, depth),
                _ => return None,
            },
            None => match self.table.leads(&spec.model) {
                Some(target) => (target, 0),
                None => {
                    let fault = RoutingFault::Unresolved {
                        entry: self.declared[index].entry,
                        member: at,
                        name: self.declared[index].name.to_owned(),
                        model: spec.model.clone(),
                        nearest: self.table.near(&spec.model),
                    };
                    self.faults.push(fault);
                    return None;
                }
            },
        };
        let window = self.window_of(index, spec, &target);
        let is_dispatcher = matches!(self.declared[index].entry, Entry::Dispatcher(_));
        if is_dispatcher && window.is_none() {
            let problem = format!(
                "has `{}`, whose context window is not known, expected context_window",
                spec.model
            );
            self.misshapen(index, Some(at), problem);
            return None;
        }
        let weight = spec.weight;
        Some((
            Member {
                target,
                weight,
                window,
            },
            depth,
        ))
    }

    /// What a member of a cascade or dispatcher takes.
    fn window_of(&self, index: usize, spec: &MemberSpec, target: &Target) -> Option<u64> {
        match (self.declared[index].entry, target) {
            (Entry::Shortcut(_) | Entry::Alloy(_), _) => None,
            _ if spec.context_window.is_some() => spec.context_window,
            (_, Target::Model(model)) => {
                (self.window)(self.table.provider(model.provider), &model.model)
            }
            (_, Target::Synthetic(_)) => None,
        }
    }

    /// What can be said without looking at where the members lead.
    fn shape(&mut self, index: usize, specs: &[MemberSpec]) -> bool {
        let before = self.faults.len();
        if specs.is_empty() {
            self.misshapen(
                index,
                None,
                "has no models, expected at least one".to_owned(),
            );
        }
        if specs.len() > MOST_MODELS {
            let problem = format!("has {} models, expected at most {MOST_MODELS}", specs.len());
            self.misshapen(index, None, problem);
        }
        let mut seen = HashSet::new();
        for (at, spec) in specs.iter().enumerate() {
            if spec.weight == 0 {
                let problem = format!("gives `{}` the weight 0, expected 1 or more", spec.model);
                self.misshapen(index, Some(at), problem);
            }
            if !seen.insert(&spec.model) {
                let problem = format!("has `{}` twice, expected each model once", spec.model);
                self.misshapen(index, Some(at), problem);
            }
        }
        self.faults.len() == before
    }

    fn synthetic(&mut self, index: usize, mut members: Vec<Member>, depth: usize) -> State {
        let declared = &self.declared[index];
        let order = match (declared.entry, declared.strategy) {
            (Entry::Alloy(_), Strategy::Weighted) => Order::Drawn,
            (Entry::Alloy(_), Strategy::RoundRobin) => {
                let weights: Vec<_> = (0..).zip(members.iter().map(|it| it.weight)).collect();
                Order::InTurn {
                    cycle: schedule(&weights),
                    position: Default::default(),
                }
            }
            (Entry::Dispatcher(_), _) => {
                members.sort_by_key(|member| member.window);
                Order::AsTheyStand
            }
            _ => Order::AsTheyStand,
        };
        let Ok(place) = u32::try_from(self.table.synthetics.len()) else {
            return State::Broken;
        };
        let narrowest = self.table.narrowest_of(&members);
        self.table.synthetics.push(Synthetic {
            order,
            members,
            narrowest,
        });
        self.models(index, place);
        State::Done(Target::Synthetic(place), depth)
    }

    /// What is wrong with all the models behind a synthetic one together.
    fn models(&mut self, index: usize, place: u32) {
        let found = self.table.all_of(&Target::Synthetic(place)).len();
        if found > MOST_MODELS {
            let problem = format!("leads to {found} models, expected at most {MOST_MODELS}");
            self.misshapen(index, None, problem);
        }
        if let Some(providers) = self.table.callers_keys(place) {
            self.faults.push(RoutingFault::TwoCallersKeys {
                entry: Some(self.declared[index].entry),
                agent: None,
                name: self.declared[index].name.to_owned(),
                providers,
            });
        }
    }

    fn too_deep(&mut self, index: usize) {
        let problem = format!("leads over more than {DEEPEST} names");
        self.misshapen(index, None, problem);
    }

    fn misshapen(&mut self, index: usize, member: Option<usize>, problem: String) {
        let declared = &self.declared[index];
        self.faults.push(RoutingFault::Shape {
            entry: declared.entry,
            member,
            name: declared.name.to_owned(),
            problem,
        });
    }

    /// The path has come back to a name: the circle is told from the name that
    /// stands first in the configuration, and only once.
    fn circle(&mut self, back: usize) {
        let start = self.path.iter().position(|(index, _)| *index == back);
        let mut circle = self.path.split_off(start.unwrap_or(0));
        let told = circle.clone();
        let first = (0..circle.len())
            .min_by_key(|&at| circle[at].0)
            .unwrap_or(0);
        circle.rotate_left(first);
        if circle
            .iter()
            .all(|(index, _)| self.in_circles.insert(*index))
        {
            let names = circle.iter().chain(circle.first());
            let fault = RoutingFault::Cycle {
                entry: self.declared[circle[0].0].entry,
                member: circle[0].1,
                chain: names
                    .map(|(index, _)| self.declared[*index].name.to_owned())
                    .collect(),
            };
            self.faults.push(fault);
        }
        self.path.extend(told);
    }
}

fn all(config: &RoutingConfig) -> impl Iterator<Item = Declared<'_>> {
    let aliases = config.shortcuts.iter().enumerate();
    let aliases = aliases.map(|(at, (alias, model))| Declared {
        entry: Entry::Shortcut(at),
        name: alias,
        strategy: Strategy::FirstAvailable,
        members: vec![MemberSpec {
            model: model.clone(),
            weight: 1,
            context_window: None,
        }],
    });
    let alloys = config.alloys.iter().enumerate();
    let alloys = alloys.map(|(at, alloy)| Declared {
        entry: Entry::Alloy(at),
        name: &alloy.id,
        strategy: alloy.strategy,
        members: alloy.members.clone(),
    });
    let cascades = config
        .cascades
        .iter()
        .enumerate()
        .map(|(at, spec)| Declared {
            entry: Entry::Cascade(at),
            name: &spec.id,
            strategy: Strategy::FirstAvailable,
            members: spec.members.clone(),
        });
    let dispatchers = config.dispatchers.iter().enumerate();
    let dispatchers = dispatchers.map(|(at, spec)| Declared {
        entry: Entry::Dispatcher(at),
        name: &spec.id,
        strategy: Strategy::FirstAvailable,
        members: spec.members.clone(),
    });
    aliases.chain(alloys).chain(cascades).chain(dispatchers)
}

impl RouteTable {
    /// The smallest window among members and what they nest.
    pub(super) fn narrowest_of(&self, members: &[Member]) -> Option<u64> {
        let nested = |member: &Member| match member.target {
            Target::Synthetic(index) => self.synthetics.get(index as usize)?.narrowest,
            Target::Model(_) => None,
        };
        let windows = members.iter().flat_map(|it| [it.window, nested(it)]);
        windows.flatten().min()
    }

    /// Two providers behind a synthetic model that are both sent the caller's
    /// own credential, where there are.
    pub(super) fn callers_keys(&self, index: u32) -> Option<Box<[Label; 2]>> {
        let mut draw = Draw::new(&self.synthetics, 0, 0).in_order();
        draw.add(index);
        let candidates = draw.into_candidates();
        let mut found = candidates
            .iter()
            .map(|candidate| &self.providers[usize::from(candidate.provider.0)])
            .filter(|provider| provider.takes_callers_key);
        let first = found.next()?;
        let other = found.find(|other| other.id != first.id)?;
        Some(Box::new([first.id.clone(), other.id.clone()]))
    }
}
