//! The rules: from the files that the configuration names to a judge.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tollgate_api::{PolicyFileStatus, PolicyStatus};
use tollgate_judge::{Judge, Place};
use tollgate_policy::{PolicyFault, SHIPPED};

use crate::config::PolicySettings;

/// Largest policy file, in bytes; the engine refuses it too, but only after it
/// was read.
const LARGEST: u64 = 1 << 20;

/// The hidden subcommand that evaluates rules in a process of its own.
pub(crate) const CHILD: &str = "policy-child";

/// Loads and proves the rules; the shipped default where none are named.
pub(crate) async fn load(settings: &PolicySettings) -> Result<Arc<Judge>, Vec<PolicyFault>> {
    if settings.files.is_empty() && settings.isolation == tollgate_judge::Isolation::Auto {
        return Judge::shipped().map(Arc::new);
    }
    let files = match settings.files.is_empty() {
        true => vec![shipped_default()],
        false => read(&settings.files)?,
    };
    let mut library = library(&settings.files);
    let judge = tollgate_judge::load(&place()?, settings.isolation, files, &mut library).await?;
    Ok(Arc::new(judge))
}

/// The rules in force, for whoever asks.
pub(crate) fn status(judge: &Judge, settings: &PolicySettings) -> PolicyStatus {
    let files = judge.files().iter();
    PolicyStatus {
        version: judge.version().to_string(),
        loaded: !judge.has_never_loaded(),
        shipped: settings.files.is_empty(),
        isolated: judge.is_isolated(),
        files: files
            .map(|(file, rules, examples)| PolicyFileStatus {
                file: file.clone(),
                rules: *rules as u64,
                examples: *examples as u64,
            })
            .collect(),
    }
}

/// The same in one line for a person.
pub(crate) fn told(status: &PolicyStatus) -> String {
    if !status.loaded {
        return "never loaded: everything is denied".to_owned();
    }
    let names: Vec<_> = status.files.iter().map(|it| it.file.as_str()).collect();
    let shipped = if status.shipped { " as shipped" } else { "" };
    let isolated = match status.isolated {
        true => ", in a process of its own",
        false => "",
    };
    format!(
        "{}{shipped}, version {}{isolated}",
        names.join(", "),
        status.version
    )
}

/// The default, for a process of its own: it stands in the program.
pub(crate) fn shipped_default() -> (String, String) {
    let text = tollgate_policy::shipped_text("default.star").unwrap_or_default();
    ("default.star".to_owned(), text.to_owned())
}

/// Names and texts of the files.
pub(crate) fn read(files: &[PathBuf]) -> Result<Vec<(String, String)>, Vec<PolicyFault>> {
    let mut read = Vec::new();
    let mut faults = Vec::new();
    for (file, name) in files.iter().zip(names(files)) {
        match text(file) {
            Ok(text) => read.push((name, text)),
            Err(why) => faults.push(PolicyFault::of_file(&name, why)),
        }
    }
    match faults.is_empty() {
        true => Ok(read),
        false => Err(faults),
    }
}

/// The text of what files load: a path beside the first of them.
pub(crate) fn library(
    files: &[PathBuf],
) -> impl FnMut(&str) -> Result<String, String> + Send + use<> {
    let beside = folder(files);
    move |name: &str| text(&beside.join(name))
}

/// Where libraries are looked for.
pub(crate) fn folder(files: &[PathBuf]) -> PathBuf {
    let mut own = files.iter().filter(|file| shipped(file).is_none());
    let first = own.next().and_then(|file| file.parent());
    first.unwrap_or_else(|| Path::new(".")).to_owned()
}

/// Decisions name a file by its own name, or by its whole path where two have
/// the same one.
fn names(files: &[PathBuf]) -> Vec<String> {
    let own = |file: &PathBuf| {
        let name = file.file_name().unwrap_or(file.as_os_str());
        name.to_string_lossy().into_owned()
    };
    let all: Vec<_> = files.iter().map(own).collect();
    let name = |(file, name): (&PathBuf, &String)| match all.iter().filter(|it| *it == name).count()
    {
        1 => name.clone(),
        _ => file.display().to_string(),
    };
    files.iter().zip(&all).map(name).collect()
}

/// The name of a file that stands in the program: `@tollgate/strict.star`.
fn shipped(file: &Path) -> Option<&str> {
    file.to_str()?.strip_prefix(SHIPPED)
}

fn text(file: &Path) -> Result<String, String> {
    use std::io::Read;
    if let Some(name) = shipped(file) {
        let text = tollgate_policy::shipped_text(name).map(str::to_owned);
        return text.ok_or_else(|| {
            "is not shipped, expected default.star, strict.star, ci.star or observe.star".to_owned()
        });
    }
    let failed = |error: std::io::Error| format!("can't be read: {error}");
    let opened = std::fs::File::open(file).map_err(failed)?;
    let mut bytes = Vec::new();
    opened
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("more than {LARGEST} bytes"));
    }
    String::from_utf8(bytes)
        .map_err(|error| format!("not UTF-8 at byte {}", error.utf8_error().valid_up_to()))
}

/// This very program.
pub(crate) fn place() -> Result<Place, Vec<PolicyFault>> {
    let program = std::env::current_exe().map_err(|error| {
        vec![PolicyFault::of_file(
            "policy",
            format!("the program does not find itself: {error}"),
        )]
    })?;
    Ok(Place {
        program,
        arguments: vec![CHILD.to_owned()],
    })
}

/// Faults as lines for a person.
pub(crate) fn lines(faults: &[PolicyFault]) -> String {
    let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
