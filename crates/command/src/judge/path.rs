//! Effects on paths.

use super::act::INPUT;
use super::{Bench, shown};
use crate::effect::Effect;
use crate::plan::Arg;
use crate::setting::Setting;
use crate::sight::Sight;
use crate::target::{self, Place};

/// Programs that write no bytes of the caller's.
const NO_CONTENT: &[&str] = &["touch", "gtouch", "mkdir", "gmkdir", "chmod", "gchmod"];

impl Bench {
    pub(crate) fn view(&self) -> Setting {
        self.setting.clone()
    }

    /// Judges `effect` on the file that `arg` names.
    pub(crate) fn path(&mut self, effect: Effect, arg: &Arg, who: &str) {
        let place = match arg.dynamic {
            // Deleting or touching what `$(find …)` printed is everyday; writing
            // something there is not.
            true if self.scope.is_computed(&arg.text)
                && (effect == Effect::Write && !NO_CONTENT.contains(&who)
                    || effect == Effect::Delete && arg.text[1..].starts_with(INPUT)) =>
            {
                Place::Computed
            }
            true => unknown(&arg.text, &self.setting),
            false => target::place(&arg.text, &self.setting),
        };
        let (tier, what) = target::on(effect, place);
        let own = matches!(place, Place::Workspace | Place::Temporary | Place::Nothing);
        if self.is_elevated && effect == Effect::Read && (arg.dynamic || !own) {
            self.does(Effect::Root, who, &arg.text);
        }
        let rule = match own {
            true => effect.name().to_owned(),
            false => format!("{}.{}", effect.name(), name(place)),
        };
        let reason = format!(
            "`{}` {} `{}`: {what}",
            shown(who),
            effect.says(),
            shown(&arg.text)
        );
        self.find(tier, Sight::Known, &rule, reason);
    }
}

/// A path with a hole in it: the part before the hole says where it is.
fn unknown(text: &str, setting: &Setting) -> Place {
    let fixed = &text[..text.find(['$', '`']).unwrap_or(text.len())];
    match fixed.rfind('/') {
        Some(0) if fixed.len() == 1 => Place::Outside,
        Some(end) => match target::place(&format!("{}/x", &fixed[..end]), setting) {
            Place::Everything | Place::Vital => Place::System,
            place => place,
        },
        None => Place::Workspace,
    }
}

fn name(place: Place) -> &'static str {
    match place {
        Place::Nothing => "nothing",
        Place::Workspace => "workspace",
        Place::Temporary => "temporary",
        Place::HomeFile => "home",
        Place::Outside => "outside",
        Place::Computed => "computed",
        Place::System => "system",
        Place::Vital => "vital",
        Place::Everything => "everything",
        Place::Device => "device",
        Place::Socket => "socket",
        Place::Startup => "startup",
        Place::Hook => "hook",
        Place::Runner => "runner",
        Place::Credential => "credential",
        Place::Private => "private",
        Place::Guard => "guard",
    }
}
