use std::fmt::Write;

use super::{Default, Key, Kind, ROOT, Section, Standing};

const HEAD: &str = "\
# Configuration

`tollgate.toml` stands in `$TOLLGATE_HOME`, else in `~/.config/tollgate/`, else where `--config`
names it. Without one, `tollgate serve` starts with the keys that it finds in the environment.
`tollgate config check` prints everything that is wrong with it; `tollgate config schema` prints a
JSON Schema for editors, and `tollgate config schema --markdown` this page.

* `${VAR}` in a string is filled in from the environment; an unset variable is a fault, `$${` writes `${`.
* Relative paths begin in the folder of the file.
* A file that has a key written out must be private: `chmod 600 tollgate.toml`.
* An unknown key is a fault. A key that this version does not act on is marked below.
";

/// The configuration as a page of documentation.
pub fn markdown() -> String {
    let mut page = HEAD.to_owned();
    let mut sections: Vec<(String, &str, &Section, Standing)> = Vec::new();
    for key in ROOT.keys {
        gather(&mut sections, key.name, key, key.standing);
    }
    for (header, doc, section, standing) in sections {
        // Writing to a string can't fail.
        let _written = write!(page, "\n## `{header}`\n\n{doc}{}\n\n", note(standing));
        page.push_str("| key | value | default | |\n|---|---|---|---|\n");
        for key in section.keys {
            page.push_str(&row(key));
        }
    }
    page
}

/// Every table of the file with the header that it has there, outer first.
fn gather<'a>(
    sections: &mut Vec<(String, &'a str, &'static Section, Standing)>,
    path: &str,
    key: &'a Key,
    standing: Standing,
) {
    let mut found: Vec<(String, String, &'static Section)> = Vec::new();
    match key.kind {
        Kind::Table(section) => found.push((format!("[{path}]"), path.to_owned(), section)),
        Kind::Tables(section) | Kind::OneOrMore(section) => {
            found.push((format!("[[{path}]]"), path.to_owned(), section));
        }
        Kind::Named(section, defaults) => {
            found.push((format!("[{path}.NAME]"), format!("{path}.NAME"), section));
            let defaults = defaults.map(|defaults| {
                (
                    format!("[{path}.defaults]"),
                    format!("{path}.defaults"),
                    defaults,
                )
            });
            found.extend(defaults);
        }
        _ => {}
    }
    for (header, path, section) in found {
        sections.push((header, key.doc, section, standing));
        for key in section.keys {
            let standing = match standing {
                Standing::Works => key.standing,
                outer => outer,
            };
            gather(sections, &format!("{path}.{}", key.name), key, standing);
        }
    }
}

fn row(key: &Key) -> String {
    let value = match key.kind {
        Kind::Text => "string".to_owned(),
        Kind::Word(words) => format!("`\"{}\"`", words.join("\"`, `\"")),
        Kind::WordOrFalse(words) => format!("`\"{}\"`, `false`", words.join("\"`, `\"")),
        Kind::Integer(low, high) => format!("{low} to {high}"),
        Kind::Seconds(low, high) => format!("seconds, {low} to {high}"),
        Kind::Float(low, high) => format!("number, {low} to {high}"),
        Kind::Usd => "US dollars".to_owned(),
        Kind::Boolean => "`true`, `false`".to_owned(),
        Kind::Texts => "list of strings".to_owned(),
        Kind::TextOrTexts => "string or list of strings".to_owned(),
        Kind::Map => "table of strings".to_owned(),
        Kind::Table(_) | Kind::Named(..) => "table".to_owned(),
        Kind::Tables(_) => "list of tables".to_owned(),
        Kind::OneOrMore(_) => "table, or a list of them".to_owned(),
    };
    let default = match key.default {
        Default::Absent => String::new(),
        Default::Required => "required".to_owned(),
        Default::Text(text) => format!("`\"{text}\"`"),
        Default::Integer(number) => format!("`{number}`"),
        Default::Boolean(flag) => format!("`{flag}`"),
        Default::Texts(texts) => format!("`{texts:?}`"),
    };
    format!(
        "| `{}` | {value} | {default} | {}{} |\n",
        key.name,
        key.doc,
        note(key.standing)
    )
}

fn note(standing: Standing) -> &'static str {
    match standing {
        Standing::Works => "",
        Standing::Ignored => " *Not built into this version: ignored with a warning.*",
    }
}
