//! Subcommands that a grammar does not list, judged by their verb.
//!
//! `describe-instances`, `vm list`, `compute instances delete`: command lines
//! of services are made of a few verbs, and a new service brings new nouns.

use crate::effect::Effect;

/// What the first verb among the operands does; `remote` where it is done to a
/// service of others, and can't be undone here.
pub(super) fn of(operands: &[&str], remote: bool) -> Option<Effect> {
    let (at, found) = operands
        .iter()
        .take(5)
        .enumerate()
        .find_map(|(at, operand)| {
            let first = operand
                .split(['-', '_', ':', '.'])
                .next()
                .unwrap_or(operand);
            // Heroku and its like: `apps:destroy`.
            let last = operand.rsplit_once(':').map_or("", |(_, last)| last);
            let found = word(operand, remote)
                .or_else(|| word(last, remote))
                .or_else(|| word(first, remote))?;
            Some((at, found))
        })?;
    // One entry of a service is less than what holds many: `storage entity
    // delete` is an entry, `storage account delete` and `delete-bucket` are not.
    let noun = &operands[at.saturating_sub(1)..operands.len().min(at + 2)];
    match found == Effect::Destroy && remote && !noun.iter().any(|one| holds(one)) {
        true => Some(Effect::Purge),
        false => Some(found),
    }
}

/// Words for what holds data or many other things, and for loss itself.
fn holds(operand: &str) -> bool {
    const HOLDERS: &[&str] = &[
        "group",
        "cluster",
        "project",
        "namespace",
        "account",
        "database",
        "databases",
        "db",
        "bucket",
        "volume",
        "disk",
        "vault",
        "server",
        "instance",
        "instances",
        "vm",
        "table",
        "snapshot",
        "backup",
        "container",
        "repository",
        "repo",
        "stack",
        "environment",
        "org",
        "organization",
        "tenant",
        "user",
        "users",
        "storage",
        "filesystem",
        "pool",
        "node",
        "machine",
        "droplet",
        "app",
        "application",
        "site",
        "zone",
        "domain",
        "key",
        "secret",
        "queue",
        "topic",
        "stream",
        "index",
        "collection",
        "keyspace",
        "dataset",
        "warehouse",
        "destroy",
        "wipe",
        "nuke",
        "terminate",
        "volumes",
        "objects",
        "object",
        "all",
    ];
    operand
        .split(['-', '_', ':', '.', '/'])
        .any(|part| HOLDERS.contains(&part))
}

/// `projects`, `pipelines`: services list what is named in the plural.
pub(super) fn is_plural(noun: &str) -> bool {
    noun.len() > 3
        && noun.ends_with('s')
        && !noun.ends_with("ss")
        && noun.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn word(verb: &str, remote: bool) -> Option<Effect> {
    let here = |local, elsewhere| Some(if remote { elsewhere } else { local });
    match verb {
        "list" | "ls" | "lst" | "show" | "get" | "describe" | "status" | "info" | "view"
        | "search" | "find" | "log" | "logs" | "diff" | "version" | "help" | "inspect"
        | "print" | "query" | "count" | "history" | "tree" | "top" | "verify" | "validate"
        | "whoami" | "explain" | "doctor" | "display" | "read" | "stat" | "stats" | "check"
        | "wait" | "head" | "list-all" | "outdated" | "audit" | "examine" | "lookup" | "env"
        | "lint" | "test" | "events" | "preview" | "plan" | "is" | "has" | "exists" | "dump"
        | "cat" | "which" | "locate" | "enumerate" | "report" | "summary" | "analyze"
        | "metrics" | "ps" | "watch" | "details" | "docs" | "usage" | "compare" | "current"
        | "tail" | "monitor" | "scan" | "completion" | "completions" | "complete" | "depends"
        | "deps" | "graph" | "why" | "filter" | "batch" => Some(Effect::Read),
        "fetch" | "download" | "pull" | "clone" | "sync" | "export" | "refresh" | "checkout"
        | "copy-from" => Some(Effect::Fetch),
        "init" | "new" | "build" | "compile" | "format" | "fmt" | "generate" | "gen" | "clean"
        | "pack" | "package" | "archive" | "convert" | "edit" | "open" | "select" | "use"
        | "mark" | "tag" | "mv" | "move" | "rename" | "cp" | "copy" | "merge" | "split"
        | "extract" | "unpack" | "save" | "switch" | "cache" | "index" | "setup" | "bootstrap"
        | "decrypt" | "encrypt" | "sign" | "toggle" | "pin" | "unpin" | "bump" => {
            here(Effect::Local, Effect::Change)
        }
        "create" | "add" | "make" | "mk" | "set" | "update" | "modify" | "put" | "patch"
        | "change" | "assign" | "attach" | "detach" | "associate" | "disassociate" | "import"
        | "restore" | "upgrade" | "connect" | "register" | "tag-resource" | "replace"
        | "append" | "insert" | "write" | "unset" | "label" | "annotate" | "disconnect"
        | "link" | "unlink" | "join" | "lock" | "unlock" | "resize" | "scale" | "rotate"
        | "trust" | "untrust" | "allow" | "deny" | "accept" | "reject" | "approve" | "migrate"
        | "rebalance" | "gc" | "optimise" | "optimize" | "scrub" | "evacuate" | "rekey"
        | "prepare" | "sort" | "dedupe" | "upsert" | "increment" | "touch" | "mkdir" => {
            here(Effect::Local, Effect::Change)
        }
        "delete" | "drop" | "purge" | "erase" => here(Effect::Purge, Effect::Destroy),
        "destroy" | "wipe" | "nuke" | "terminate" | "format-disk" => Some(Effect::Destroy),
        "start" | "resume" | "enable" | "serve" | "up" | "launch" | "invoke" | "trigger"
        | "run" | "restart" | "reload" | "retry" | "boot" | "activate" | "mount" | "unmount"
        | "umount" => Some(Effect::Change),
        "exec" | "shell" | "ssh" | "eval" | "console" | "sh" | "repl" | "attach-shell"
        | "script" => Some(Effect::Run),
        "stop" | "disable" | "shutdown" | "halt" | "kill" | "suspend" | "pause" | "cancel"
        | "abort" | "down" | "deactivate" | "reboot" | "revoke" | "block" | "skip" => {
            Some(Effect::Change)
        }
        "send" | "upload" | "notify" | "message" | "post" | "reply" | "comment" | "submit"
        | "pub" | "request" => Some(Effect::Send),
        "push" | "share" => Some(Effect::Push),
        "deploy" | "publish" | "release" | "promote" => Some(Effect::Deploy),
        "install" | "i" => Some(Effect::Install),
        "login" | "logout" | "auth" | "token" | "authorize" | "configure" => Some(Effect::Change),
        "config" | "settings" => here(Effect::Local, Effect::Change),
        "rm" | "remove" | "del" | "uninstall" | "deregister" | "clear" | "flush" | "prune"
        | "reset" | "forget" | "expire" | "truncate" | "empty" => Some(Effect::Purge),
        "apply" | "rollback" | "rollout" => here(Effect::Change, Effect::Deploy),
        "estimate" | "simulate" | "detect" | "calculate" | "peek" | "receive" | "sample"
        | "benchmark" | "identify" | "inspect-image" | "ping" | "trace" | "profile" | "probe"
        | "lookups" | "resolve" | "measure" | "translate" | "recognize" | "about" | "license"
        | "schema" | "openapi" | "spec" | "versions" | "changelog" | "parse" | "decode"
        | "encode" | "hash" | "hexdump" | "today" | "introspect" | "snapshots" | "browse"
        | "finder" | "support" | "discover" | "suggest" | "scope" | "quota" | "avail"
        | "changes" | "blame" | "annotations" => Some(Effect::Read),
        _ => None,
    }
}
