//! Where each step runs, for sure: what a rule is bound to depends on it.
//!
//! The judgement of paths guesses on after `cd`; this does not. `cd a || npm
//! test` runs the test where `cd` did not go to.

use crate::needs;
use crate::plan::{Arm, Origin, Spot, Step};
use crate::setting::Setting;

/// The working folder along a plan.
pub(super) struct Way {
    folder: Option<String>,
    /// The last `cd`, and the folder before it.
    last: Option<(Spot, Option<String>)>,
}

impl Way {
    pub(super) fn new(setting: &Setting) -> Self {
        Self {
            folder: Some(setting.folder.clone().unwrap_or_default()),
            last: None,
        }
    }

    /// Where a step runs.
    pub(super) fn at(&mut self, step: &Step) -> Option<String> {
        if let Some((spot, before)) = &self.last
            && step.origin == Origin::Text
        {
            if spot.chain == step.spot.chain && step.spot.arm == Arm::Or {
                return before.clone().filter(|_| spot.arm == Arm::First);
            }
            if spot.chain != step.spot.chain && spot.arm != Arm::First {
                self.folder = None;
            }
        }
        self.folder.clone()
    }

    /// A function may go anywhere.
    pub(super) fn lost(&mut self) {
        self.folder = None;
    }

    /// Goes where a step goes.
    pub(super) fn moved(&mut self, step: &Step, home: Option<&str>) {
        let moves = ["cd", "pushd", "popd", "chdir"];
        let Some(at) = step
            .argv
            .iter()
            .position(|word| moves.contains(&word.text.as_str()))
            .filter(|at| *at == 0 || ["command", "builtin"].contains(&step.argv[0].text.as_str()))
        else {
            return;
        };
        let before = self.folder.clone();
        let words = &step.argv[at + 1..];
        let certain = at == 0 && step.origin == Origin::Text && !step.spot.uncertain;
        self.folder = match words {
            _ if !certain || step.argv[0].text == "popd" => None,
            [] if step.argv[0].text == "cd" => Some(home.unwrap_or("~").to_owned()),
            [folder] if !folder.dynamic && !folder.glob => before
                .as_deref()
                .and_then(|before| needs::join(before, &folder.text)),
            _ => None,
        };
        self.last = Some((step.spot, before));
    }
}
