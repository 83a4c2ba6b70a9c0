//! Looks for the text within the guard's limits that takes longest to judge:
//! pieces of shell, repeated and nested at random, the slowest ones changed
//! further. `cargo bench -p tollgate-command --bench worst -- SECONDS`.
#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement reads the clock and prints"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use tollgate_command::{LONGEST, Setting, judge, judge_tame};

/// What shells give a meaning to, and what programs unwrap.
const PIECES: &[&str] = &[
    "(",
    ")",
    "{ ",
    "; }",
    "$(",
    "`",
    "${",
    "}",
    "$((",
    "))",
    "((",
    "'",
    "\"",
    "$'",
    "\\",
    "\\(",
    "<<E\n",
    "\nE\n",
    "<<<",
    "<(",
    ">(",
    "&&",
    "||",
    "|",
    ";",
    "&",
    "\n",
    " ",
    "a",
    "x=",
    "x+=(",
    "x[",
    "]",
    "[[ ",
    " ]]",
    "if ",
    "; then ",
    "; fi",
    "else ",
    "elif ",
    "for x in ",
    "; do ",
    "; done",
    "while ",
    "until ",
    "case x in ",
    "a) ",
    ";; ",
    "esac",
    "select x in ",
    "f() ",
    "function f ",
    "{a,b}",
    "{1..9}",
    "{",
    ",",
    "*",
    "?",
    "[a",
    "!",
    "! ",
    "time ",
    "coproc ",
    "@(",
    "+(",
    "!(",
    "#",
    " # ",
    "~",
    "~/",
    ">",
    ">>",
    "2>&1",
    "<>",
    ">&",
    "$x",
    "${x:-",
    "${x//",
    "$((1+",
    "sudo ",
    "env ",
    "env -S '",
    "bash -c '",
    "sh -c \"",
    "xargs ",
    "eval ",
    "find . -exec ",
    " \\;",
    "echo ",
    "git -c alias.x='!",
    "awk '",
    "sed '",
    "python -c '",
    "timeout 1 ",
    "--x=",
    "-rf ",
    "/etc/",
    "\u{e9}",
    "\u{1f600}",
    "\\\n",
    "\\x28",
    "declare ",
    "export a=",
    "trap '",
];

fn main() {
    let seconds = std::env::args().filter_map(|word| word.parse().ok()).next();
    let seconds = Duration::from_secs(seconds.unwrap_or(2));
    for tame in [true, false] {
        println!("{}", if tame { "tame:" } else { "all:" });
        search(tame, Instant::now() + seconds);
    }
}

fn search(tame: bool, end: Instant) {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut worst: Vec<(Duration, String)> = Vec::new();
    let (mut tried, mut beyond) = (0_u64, 0_u64);
    while Instant::now() < end {
        let text = match worst.is_empty() || dice.below(3) == 0 {
            true => fresh(&mut dice),
            false => {
                let from = dice.below(worst.len());
                changed(&worst[from].1.clone(), &mut dice)
            }
        };
        let text: String = text.chars().take(LONGEST / 4 * 4).collect();
        if text.len() > LONGEST {
            continue;
        }
        if tame && judge_tame(&text, &Setting::default()).is_none() {
            continue;
        }
        tried += 1;
        let once = timed(&text);
        if once.1 {
            beyond += 1;
        }
        let slowest = worst.last().map_or(Duration::ZERO, |(time, _)| *time);
        if worst.len() < 24 || once.0 > slowest {
            // A pause of the machine is not the text's: the best of a few.
            let time = (0..4)
                .map(|_| timed(&text).0)
                .min()
                .unwrap_or(once.0)
                .min(once.0);
            worst.push((time, text));
            worst.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
            worst.truncate(24);
        }
    }
    println!("{tried} texts, {beyond} beyond the guard or the parser");
    for (time, text) in worst.iter().take(5) {
        let shown: String = text.chars().take(160).collect();
        println!(
            "{:8.3} ms  {} bytes  {shown:?}",
            time.as_secs_f64() * 1e3,
            text.len()
        );
    }
}

fn timed(text: &str) -> (Duration, bool) {
    let start = Instant::now();
    let verdict = black_box(judge(black_box(text), &Setting::default()));
    let time = start.elapsed();
    (time, verdict.rules().contains(&"unreadable"))
}

fn fresh(dice: &mut Dice) -> String {
    let mut text = String::new();
    for _ in 0..=dice.below(6) {
        let unit: String = (0..=dice.below(5)).map(|_| dice.piece()).collect();
        // Half of the texts are of what closes by itself, so that they are read.
        let unit = match dice.below(4) {
            0 => format!("echo {unit}\n"),
            1 | 2 => whole(dice, 0),
            _ => unit,
        };
        let times = [1, 2, 5, 12, 60, 400, 3000][dice.below(7)];
        for _ in 0..times.min(LONGEST / unit.len().max(1)) {
            text.push_str(&unit);
        }
    }
    text
}

/// A command that is complete.
fn whole(dice: &mut Dice, depth: usize) -> String {
    if depth > 3 {
        return ["a", "ls -l x", "$x", "'b c'", "a[1]", "{a,b}"][dice.below(6)].to_owned();
    }
    let mut inner = || whole(dice, depth + 1);
    let (one, two) = (inner(), inner());
    match dice.below(16) {
        0 => format!("( {one} )"),
        1 => format!("$({one})"),
        2 => format!("\"{one}$({two})\""),
        3 => format!("{one}; {two}"),
        4 => format!("{one} && {two}"),
        5 => format!("{one} | {two}"),
        6 => format!("if {one}; then {two}; fi"),
        7 => format!("for x in {one}; do {two}; done"),
        8 => format!("x{one}=({two})"),
        9 => format!("f() {{ {one}; }}; f"),
        10 => format!("sudo env A={one} {two}"),
        11 => format!("bash -c '{}'", one.replace('\'', "")),
        12 => format!("cat <<E\n{one}\nE\n"),
        13 => format!("{{{one},{two}}}"),
        14 => format!("case {one} in a) {two};; esac"),
        _ => format!("find . -exec {one} \\; > {two}"),
    }
}

fn changed(text: &str, dice: &mut Dice) -> String {
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let place = |dice: &mut Dice| {
        places
            .get(dice.below(places.len().max(1)))
            .copied()
            .unwrap_or(0)
    };
    let (one, two) = (place(dice), place(dice));
    let (from, to) = (one.min(two), one.max(two));
    match dice.below(5) {
        0 => format!("{}{}{}", &text[..from], dice.piece(), &text[from..]),
        1 => format!("{}{}", &text[..from], &text[to..]),
        2 => format!("{}{}{}", &text[..to], &text[from..to], &text[to..]),
        3 => format!("{text}{text}"),
        _ => format!("{}{}{}", &text[..from], fresh(dice), &text[to..]),
    }
}

/// A small generator, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end.max(1)
    }

    fn piece(&mut self) -> &'static str {
        PIECES[self.below(PIECES.len())]
    }
}
