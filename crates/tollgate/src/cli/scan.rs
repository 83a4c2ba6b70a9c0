//! `scan`: secrets in files, folders and on standard input, and the batch form.

mod batch;
mod sarif;
mod walk;

use std::io::Read;
use std::path::PathBuf;

use serde::Serialize;
use tollgate_scan::{Catalog, Inbound, Injections, Limits, Outbound, Report, Scanner, Verdict};

use super::failure::Failure;
use super::screen::{Paint, Screen, plain};

/// Longest file that is read, in bytes; of longer ones the beginning.
const LONGEST: u64 = 64 << 20;

/// What `scan` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Files and folders; `-` is standard input
    paths: Vec<PathBuf>,
    /// An array of JSON objects; without a path, JSON lines in and out
    #[arg(long, conflicts_with = "sarif")]
    json: bool,
    /// SARIF 2.1.0, as code hosts read it
    #[arg(long)]
    sarif: bool,
    /// Look for instructions to a model instead of secrets
    #[arg(long)]
    inbound: bool,
    /// A file with rules of your own
    #[arg(long, value_name = "FILE")]
    rules: Vec<PathBuf>,
}

/// One finding in one file.
#[derive(Debug, Serialize)]
struct Row {
    path: String,
    line: usize,
    column: usize,
    start: usize,
    end: usize,
    detector: &'static str,
    kind: String,
    severity: &'static str,
}

/// The two scanners.
struct Both {
    scanner: Scanner,
    injections: Injections,
}

impl Both {
    fn look(&self, text: &[u8], inbound: bool) -> Report {
        match inbound {
            true => self.injections.inbound(text, Inbound::default()),
            false => self.scanner.outbound(text, None, Outbound::PATTERNS),
        }
    }
}

pub(super) fn run(arguments: &Arguments, screen: &mut Screen) -> Result<(), Failure> {
    let both = build(&arguments.rules)?;
    if arguments.paths.is_empty() {
        if !arguments.json {
            return Err(Failure::usage(anyhow::anyhow!(
                "nothing to scan, expected files, folders or `-`"
            ))
            .hint("`tollgate scan .` scans the folder you are in"));
        }
        return batch::run(
            &both,
            std::io::stdin().lock(),
            &mut std::io::stdout().lock(),
        );
    }
    let files = walk::files(&arguments.paths)?;
    let mut rows = Vec::new();
    let mut bytes = 0usize;
    let mut worst = Verdict::Clean;
    for (number, path) in files.iter().enumerate() {
        if number % 64 == 0 {
            screen.progress(&format!(
                "{} of {} files, {} findings",
                number,
                files.len(),
                rows.len()
            ));
        }
        let Ok(text) = read(path) else {
            screen.note(&format!(
                "`{}` can't be read, it was left out",
                path.display()
            ));
            continue;
        };
        bytes += text.len();
        let report = both.look(&text, arguments.inbound);
        worst = worst.max(report.verdict());
        rows.extend(rows_of(&path.display().to_string(), &text, &report));
    }
    screen.progress("");
    if arguments.sarif {
        screen.json(&sarif::log(&rows))?;
    } else {
        screen.either(arguments.json, &rows, |paint| {
            render(&rows, files.len(), bytes, paint)
        })?;
    }
    // What is only noted is listed, and stops no pipeline.
    match worst {
        Verdict::Clean => Ok(()),
        Verdict::Review | Verdict::Unsafe => Err(Failure::passed_on(1)),
    }
}

fn build(rules: &[PathBuf]) -> Result<Both, Failure> {
    let mut texts = Vec::new();
    for path in rules {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::usage(anyhow::anyhow!(
                "`{}` can't be read: {error}",
                path.display()
            ))
        })?;
        texts.push(text);
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let catalog = Catalog::with(&texts).map_err(Failure::usage)?;
    Ok(Both {
        scanner: Scanner::new(catalog, Limits::default()),
        injections: Injections::shipped().map_err(Failure::failed)?,
    })
}

fn read(path: &std::path::Path) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    match path.as_os_str() == "-" {
        true => std::io::stdin()
            .lock()
            .take(LONGEST)
            .read_to_end(&mut text)?,
        false => std::fs::File::open(path)?
            .take(LONGEST)
            .read_to_end(&mut text)?,
    };
    Ok(text)
}

fn rows_of(path: &str, text: &[u8], report: &Report) -> Vec<Row> {
    let mut line = 1;
    let mut begin = 0;
    let mut at = 0;
    let row = |finding: &tollgate_scan::Finding| {
        for (offset, byte) in text[at..finding.start.max(at)].iter().enumerate() {
            if *byte == b'\n' {
                line += 1;
                begin = at + offset + 1;
            }
        }
        at = at.max(finding.start);
        Row {
            path: path.to_owned(),
            line,
            column: String::from_utf8_lossy(&text[begin..finding.start.max(begin)])
                .chars()
                .count()
                + 1,
            start: finding.start,
            end: finding.end,
            detector: finding.detector.as_str(),
            kind: finding.kind.to_string(),
            severity: finding.severity.as_str(),
        }
    };
    report.findings.iter().map(row).collect()
}

fn render(rows: &[Row], files: usize, bytes: usize, paint: Paint) -> String {
    let mut out = String::new();
    for row in rows {
        let place = format!("{}:{}:{}", plain(&row.path), row.line, row.column);
        let severity = match row.severity {
            "high" | "critical" => paint.bad(row.severity),
            severity => paint.faint(severity),
        };
        out += &format!("{place}  {}  {severity}\n", paint.strong(&row.kind));
    }
    let found = match rows.len() {
        0 => "nothing found".to_owned(),
        1 => "1 finding".to_owned(),
        many => format!("{many} findings"),
    };
    let files = match files {
        1 => "1 file".to_owned(),
        many => format!("{many} files"),
    };
    out + &paint.faint(&format!("{found} in {files}, {} KiB", bytes / 1024)) + "\n"
}

#[cfg(test)]
mod tests;
