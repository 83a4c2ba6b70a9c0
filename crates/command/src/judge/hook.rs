//! Programs whose words need more than a table.

use tollgate_types::Tier;

use super::{Bench, git, shown};
use crate::effect::Effect;
use crate::grammar::{Act, Fit, Hook, Kind};
use crate::plan::{Arg, Step};
use crate::read;
use crate::sight::Sight;
use crate::target::{self, Place};

pub(super) fn run(bench: &mut Bench, hook: Hook, name: &str, fit: &Fit, step: &Step) {
    match hook {
        Hook::Find => find(bench, name, step),
        Hook::Git => git::run(bench, fit, step),
        Hook::Mode => mode(bench, name, fit),
        Hook::Owner => owner(bench, name, fit),
        Hook::Kill => kill(bench, name, step),
        Hook::Tar => tar(bench, name, fit),
        Hook::Test => test(bench, step),
        Hook::Network => network(bench, name, step),
        Hook::Container => container(bench, name, fit),
        Hook::Dump => dump(bench, name, step),
        Hook::Expression => expression(bench, name, fit),
        Hook::Assign => settings(bench, name, fit),
        Hook::Name => {
            if !fit.operands.is_empty() {
                bench.does(Effect::Change, name, "");
            }
        }
        Hook::Secret => {
            if fit
                .operands
                .iter()
                .any(|operand| ["shadow", "gshadow"].contains(&operand.text.as_str()))
            {
                bench.does(Effect::Secret, name, "");
            }
        }
    }
}

/// `find`: its tests read, its actions do.
fn find(bench: &mut Bench, name: &str, step: &Step) {
    let words = &step.argv[1..];
    let roots: Vec<&Arg> = words
        .iter()
        .take_while(|word| !word.text.starts_with(['-', '(', '!']))
        .collect();
    let mut at = 0;
    while at < words.len() {
        let word = words[at].text.as_str();
        at += 1;
        match word {
            "-exec" | "-execdir" | "-ok" | "-okdir" => {
                let rest = &words[at..];
                let end = rest
                    .iter()
                    .position(|word| word.text == ";" || word.text == "+")
                    .unwrap_or(rest.len());
                found(bench, name, &rest[..end], &roots, step);
                at += end + 1;
            }
            "-delete" => deletes(bench, name, &roots),
            "-fprint" | "-fprint0" | "-fprintf" | "-fls" => {
                if let Some(file) = words.get(at) {
                    bench.path(Effect::Write, file, name);
                }
            }
            "-files0-from" => bench.does(Effect::Leak, name, word),
            _ => {}
        }
    }
}

/// A command for each file: what it deletes lies below the roots.
fn found(bench: &mut Bench, name: &str, argv: &[Arg], roots: &[&Arg], step: &Step) {
    let program = argv
        .first()
        .map(|word| word.text.as_str())
        .unwrap_or_default();
    if program == "{}" || program.contains("{}") {
        return bench.opaque("dynamic-program", "`find` runs the files that it finds");
    }
    let removes =
        ["rm", "shred", "unlink", "srm"].contains(&program.rsplit('/').next().unwrap_or(program));
    if removes {
        deletes(bench, name, roots);
    }
    // `{}` lies below a root; only roots elsewhere make a difference.
    let elsewhere = roots.iter().find(|root| {
        let place = target::place(&root.text, &bench.view());
        !matches!(place, Place::Workspace | Place::Temporary | Place::Nothing)
    });
    let argv = argv.iter().map(|word| match elsewhere {
        Some(root) if word.text == "{}" => Arg {
            text: format!("{}/{{}}", root.text.trim_end_matches('/')),
            ..(*root).clone()
        },
        _ => word.clone(),
    });
    bench.inner(argv.collect(), name, step);
}

fn deletes(bench: &mut Bench, name: &str, roots: &[&Arg]) {
    bench.does(Effect::Purge, name, "");
    for root in roots {
        let place = target::place(&root.text, &bench.view());
        if matches!(place, Place::Everything | Place::Vital | Place::System) {
            bench.path(Effect::Destroy, root, name);
        }
    }
}

/// `chmod`: what everybody may write, what runs with other rights.
fn mode(bench: &mut Bench, name: &str, fit: &Fit) {
    let Some((mode, files)) = fit.operands.split_first() else {
        return;
    };
    let text = mode.text.as_str();
    grants(bench, text, name);
    for file in files {
        let place = target::place(&file.text, &bench.view());
        let effect = match place {
            Place::Everything | Place::Vital if fit.has_flag("--recursive") => Effect::Destroy,
            _ => Effect::Write,
        };
        bench.path(effect, file, name);
    }
}

/// What a mode gives to everybody, or to whoever runs the file.
pub(super) fn grants(bench: &mut Bench, text: &str, name: &str) {
    let octal = text.chars().all(|one| one.is_digit(8)) && !text.is_empty();
    let digits: Vec<u32> = text.chars().filter_map(|one| one.to_digit(8)).collect();
    let world = octal && digits.last().is_some_and(|last| last & 2 != 0)
        || text.split(',').any(|part| {
            let (who, what) = part.split_at(part.find(['+', '=', '-']).unwrap_or(0));
            (who.contains('o') || who.contains('a')) && !what.starts_with('-') && what.contains('w')
        });
    let special = octal && digits.len() == 4 && digits[0] & 6 != 0
        || text.split(',').any(|part| {
            part.contains("+s")
                || part.contains("=s")
                || part.contains('+') && part.contains('s') && !part.contains("-s")
        });
    if world && text != "1777" {
        bench.find(
            Tier::High,
            Sight::Known,
            "world-writable",
            format!("`{}` lets everybody write", shown(name)),
        );
    }
    if special {
        bench.find(
            Tier::High,
            Sight::Known,
            "set-id",
            format!("`{}` lets a program run with other rights", shown(name)),
        );
    }
}

/// `chown`: to root, or of what is not ours.
fn owner(bench: &mut Bench, name: &str, fit: &Fit) {
    let Some((owner, files)) = fit.operands.split_first() else {
        return;
    };
    let to_root = |text: &str| ["root", "0", "wheel"].contains(&text);
    if owner.text.split([':', '.']).any(to_root) && name != "chgrp"
        || owner.text.split([':', '.']).next().is_some_and(to_root)
    {
        bench.find(
            Tier::High,
            Sight::Known,
            "owner-root",
            format!("`{}` gives files to root", shown(name)),
        );
    }
    for file in files {
        let effect = match target::place(&file.text, &bench.view()) {
            Place::Everything | Place::Vital if fit.has_flag("--recursive") => Effect::Destroy,
            _ => Effect::Write,
        };
        bench.path(effect, file, name);
    }
}

/// `kill`: everything at once is the end of the session.
fn kill(bench: &mut Bench, name: &str, step: &Step) {
    let words: Vec<&str> = step.argv[1..]
        .iter()
        .map(|word| word.text.as_str())
        .collect();
    let all = words.iter().skip(1).any(|word| *word == "-1")
        || words.as_slice() == ["-1"]
        || words.first() == Some(&"--") && words.get(1) == Some(&"-1");
    if all {
        return bench.find(
            Tier::Critical,
            Sight::Known,
            "kill-all",
            format!("`{}` ends every process", shown(name)),
        );
    }
    if words.contains(&"1") && !words.contains(&"-0") && !words.contains(&"-l") {
        bench.find(
            Tier::High,
            Sight::Known,
            "kill-init",
            format!("`{}` signals the first process", shown(name)),
        );
    }
}

/// `tar`: the archive is written by `c`, `r` and `u`, read otherwise.
fn tar(bench: &mut Bench, name: &str, fit: &Fit) {
    let makes = fit.has_flag("--create") || fit.has_flag("--append") || fit.has_flag("--update");
    let lists = fit.has_flag("--list") || fit.has_flag("--diff");
    let unpacks = fit.has_flag("--extract");
    for act in &fit.acts {
        if let Act::Has(Kind::Dir, folder) = act
            && unpacks
            && !fit.has_flag("--to-stdout")
        {
            bench.path(Effect::Write, folder, name);
        }
    }
    let archive = fit.flags.iter().any(|flag| flag == "--file");
    let file = fit.acts.iter().find_map(|act| match act {
        Act::Has(Kind::Remote, file) => Some(file.clone()),
        _ => None,
    });
    match file.filter(|_| archive) {
        Some(file) if makes => {
            bench.path(Effect::Write, &file, name);
            if file.text.contains(':') {
                bench.does(Effect::Send, name, &file.text);
            }
        }
        _ => {}
    }
    if unpacks && !lists {
        bench.does(Effect::Write, name, "");
        if fit.has_flag("--absolute-names") {
            bench.does(Effect::Unsure, name, "to wherever the archive says");
        }
    }
}

/// `test` and `[`: a subscript is evaluated.
fn test(bench: &mut Bench, step: &Step) {
    for word in &step.argv[1..] {
        if let Some(why) = read::subscript(word) {
            bench.opaque("subscript", &why);
        }
    }
}

/// `ip` and its like: `show` and no verb at all read.
fn network(bench: &mut Bench, name: &str, step: &Step) {
    let changes = [
        "add",
        "del",
        "delete",
        "set",
        "flush",
        "change",
        "replace",
        "append",
        "up",
        "down",
        "exec",
        "modify",
        "hw",
        "mtu",
        "netmask",
        "attach",
        "detach",
        "connect",
        "disconnect",
        "enable",
        "disable",
        "forget",
        "start",
        "stop",
        "remove",
        "setfd",
        "stp",
        "clear",
    ];
    let words: Vec<&str> = step.argv[1..]
        .iter()
        .map(|word| word.text.as_str())
        .collect();
    let verb = |word: &str| word.split('-').next().unwrap_or_default().to_owned();
    if let Some(at) = words.iter().position(|word| *word == "exec") {
        bench.does(Effect::Root, name, "exec");
        return bench.inner(
            step.argv[(at + 3).min(step.argv.len())..].to_vec(),
            name,
            step,
        );
    }
    if words.iter().any(|word| changes.contains(&&*verb(word)))
        || name == "brctl" && words.iter().any(|word| word.starts_with(['a', 'd']))
        || ["ifconfig", "iwconfig", "iwpriv"].contains(&name)
            && words.iter().filter(|word| !word.starts_with('-')).count() > 1
    {
        bench.does(Effect::Config, name, "");
    }
}

/// `docker run`: what it takes from the machine.
fn container(bench: &mut Bench, name: &str, fit: &Fit) {
    for act in &fit.acts {
        let Act::Has(Kind::Dir, arg) = act else {
            continue;
        };
        let source = arg.text.split(':').next().unwrap_or_default();
        let source = source
            .split("source=")
            .nth(1)
            .or_else(|| source.split("src=").nth(1))
            .unwrap_or(source);
        let source = source.split(',').next().unwrap_or(source);
        let place = target::place(source, &bench.view());
        if matches!(place, Place::Everything | Place::Vital | Place::System)
            && source.starts_with(['/', '~', '$'])
            || source.contains("docker.sock")
        {
            bench.find(
                Tier::High,
                Sight::Known,
                "host-mount",
                format!(
                    "`{}` gives a container `{}` of the machine",
                    shown(name),
                    shown(source)
                ),
            );
        }
    }
}

/// `mlr put 'system("id")'`: calls, and redirections of its output.
fn expression(bench: &mut Bench, name: &str, fit: &Fit) {
    for operand in &fit.operands {
        let calls = ["system(", "exec(", "os."];
        if calls.iter().any(|call| operand.text.contains(call)) {
            bench.code(operand, name);
        } else if ["tee >", "emit >", "print >", "dump >", "| \""]
            .iter()
            .any(|sign| operand.text.contains(sign))
        {
            bench.does(Effect::Unsure, name, "");
        }
    }
}

/// `sysctl kernel.x=1` sets with and without `-w`.
fn settings(bench: &mut Bench, name: &str, fit: &Fit) {
    if fit
        .operands
        .iter()
        .any(|operand| operand.text.contains('='))
    {
        bench.does(Effect::Config, name, "");
    }
}

/// `dd`: a device as its end is lost.
fn dump(bench: &mut Bench, name: &str, step: &Step) {
    for word in &step.argv[1..] {
        if let Some(file) = word.text.strip_prefix("if=") {
            bench.path(
                Effect::Read,
                &Arg {
                    text: file.to_owned(),
                    ..word.clone()
                },
                name,
            );
        }
    }
}
