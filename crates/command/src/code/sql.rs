//! SQL and the commands of its clients, statement by statement.

use crate::effect::Effect;

/// What the statements do. Escapes of the clients (`\!`, `.shell`, `system`)
/// run a shell.
pub(crate) fn sql(text: &str) -> Vec<(Effect, &'static str)> {
    let lower = text.to_lowercase();
    let mut found = Vec::new();
    let escapes = [
        "\\!",
        ".shell",
        ".system",
        "system ",
        ".load",
        "\\copy",
        "xp_cmdshell",
        "load_extension",
        "to program",
        "from program",
        ".import |",
        "readfile(",
        "writefile(",
        "edit(",
        "load_file(",
        "into outfile",
        "into dumpfile",
        "pg_read_file",
        "lo_import",
        "lo_export",
        "sys_exec",
        ".output |",
        ".once |",
        "\\o |",
    ];
    if escapes.iter().any(|escape| lower.contains(escape)) {
        found.push((Effect::Run, "an escape to the system"));
    }
    for statement in lower.split(';') {
        found.extend(one(statement));
    }
    found
}

fn one(statement: &str) -> Option<(Effect, &'static str)> {
    let words: Vec<&str> = statement.split_whitespace().collect();
    let first = *words.first()?;
    let has = |word: &str| words.contains(&word);
    Some(match first {
        "drop" => (Effect::Change, "DROP"),
        "truncate" => (Effect::Destroy, "TRUNCATE"),
        "delete" if !has("where") => (Effect::Change, "DELETE without WHERE"),
        "update" if !has("where") => (Effect::Change, "UPDATE without WHERE"),
        "grant" | "revoke" => (Effect::Config, "rights"),
        "insert" | "update" | "delete" | "replace" | "merge" | "copy" | "import" | "attach" => {
            (Effect::Local, "a change")
        }
        "create" | "alter" | "rename" | "vacuum" | "reindex" => {
            match has("user") || has("role") || has("extension") {
                true => (Effect::Config, "rights"),
                false => (Effect::Change, "the schema"),
            }
        }
        "call" | "exec" | "execute" | "do" => (Effect::Change, "a procedure"),
        ".import" | ".restore" | ".output" | ".once" | ".save" | ".backup" | ".dump" | ".clone"
        | ".log" => (Effect::Write, "a file"),
        ".read" | ".open" => (Effect::Run, "a script"),
        _ => return None,
    })
}
