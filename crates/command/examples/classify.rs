//! Reads questions as JSON lines, writes answers as JSON lines.

use std::io::{BufRead, Write};

fn main() -> std::io::Result<()> {
    let setting = tollgate_command::Setting::default();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let Ok(question) = serde_json::from_str(&line?) else {
            continue;
        };
        let answer =
            tollgate_command::answer(&question, tollgate_command::Reading::Command, &setting);
        serde_json::to_writer(&mut out, &answer)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}
