//! What holder and keeper say to each other once the command is named: lines
//! of words, so that a trace of the socket can be read.

use std::fmt;
use std::str::FromStr;

use crate::end::Exit;

/// From the holder to the keeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Freeze,
    Thaw,
    Kill,
    Members,
    /// A signal for the command itself.
    Signal(i32),
}

/// From the keeper to the holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// The command runs: its process id, and its cgroup where it has one.
    Started { pid: i32, cgroup: Option<String> },
    /// It does not: `errno`, and what could not be done.
    Failed { errno: i32, what: String },
    /// An order was carried out, but for this many processes.
    Done { left: usize },
    /// The members of the tree.
    Members(Vec<i32>),
    /// The command and its tree ended.
    Ended { exit: Exit, left: usize },
}

/// A line that is none of ours.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unread;

impl fmt::Display for Order {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Freeze => out.write_str("freeze"),
            Self::Thaw => out.write_str("thaw"),
            Self::Kill => out.write_str("kill"),
            Self::Members => out.write_str("members"),
            Self::Signal(signal) => write!(out, "signal {signal}"),
        }
    }
}

impl FromStr for Order {
    type Err = Unread;

    fn from_str(line: &str) -> Result<Self, Unread> {
        match line {
            "freeze" => Ok(Self::Freeze),
            "thaw" => Ok(Self::Thaw),
            "kill" => Ok(Self::Kill),
            "members" => Ok(Self::Members),
            line => number(line.strip_prefix("signal ")).map(Self::Signal),
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { pid, cgroup } => {
                write!(out, "started {pid} {}", cgroup.as_deref().unwrap_or("-"))
            }
            Self::Failed { errno, what } => write!(out, "failed {errno} {what}"),
            Self::Done { left } => write!(out, "done {left}"),
            Self::Members(pids) => {
                out.write_str("members")?;
                pids.iter().try_for_each(|pid| write!(out, " {pid}"))
            }
            Self::Ended {
                exit: Exit::Code(code),
                left,
            } => write!(out, "ended code {code} {left}"),
            Self::Ended {
                exit: Exit::Signal(signal),
                left,
            } => write!(out, "ended signal {signal} {left}"),
        }
    }
}

impl FromStr for Word {
    type Err = Unread;

    fn from_str(line: &str) -> Result<Self, Unread> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (first, after) = rest.split_once(' ').unwrap_or((rest, ""));
        match word {
            "started" => Ok(Self::Started {
                pid: number(Some(first))?,
                cgroup: (after != "-").then(|| after.to_owned()),
            }),
            "failed" => Ok(Self::Failed {
                errno: number(Some(first))?,
                what: after.to_owned(),
            }),
            "done" => number(Some(first)).map(|left| Self::Done { left }),
            "members" => {
                let pids = rest.split_whitespace().map(|pid| number(Some(pid)));
                pids.collect::<Result<_, _>>().map(Self::Members)
            }
            "ended" => ended(first, after),
            _ => Err(Unread),
        }
    }
}

fn ended(how: &str, rest: &str) -> Result<Word, Unread> {
    let (value, left) = rest.split_once(' ').ok_or(Unread)?;
    let exit = match how {
        "code" => Exit::Code(number(Some(value))?),
        "signal" => Exit::Signal(number(Some(value))?),
        _ => return Err(Unread),
    };
    Ok(Word::Ended {
        exit,
        left: number(Some(left))?,
    })
}

fn number<N: FromStr>(text: Option<&str>) -> Result<N, Unread> {
    text.and_then(|text| text.parse().ok()).ok_or(Unread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_reads_back() {
        let orders = [
            Order::Freeze,
            Order::Thaw,
            Order::Kill,
            Order::Members,
            Order::Signal(15),
        ];
        for order in orders {
            assert_eq!(order.to_string().parse(), Ok(order));
        }
        let words = [
            Word::Started {
                pid: 7,
                cgroup: None,
            },
            Word::Started {
                pid: 7,
                cgroup: Some("/sys/fs/cgroup/a b".into()),
            },
            Word::Failed {
                errno: 2,
                what: "program".into(),
            },
            Word::Done { left: 0 },
            Word::Members(vec![]),
            Word::Members(vec![1, 22, 333]),
            Word::Ended {
                exit: Exit::Code(255),
                left: 0,
            },
            Word::Ended {
                exit: Exit::Signal(9),
                left: 3,
            },
        ];
        for word in words {
            assert_eq!(word.to_string().parse(), Ok(word));
        }
    }

    #[test]
    fn other_lines_are_no_orders() {
        for line in ["", "Freeze", "signal", "signal x", "kill 1"] {
            assert_eq!(line.parse::<Order>(), Err(Unread), "{line}");
        }
        for line in ["", "done", "done x", "ended code 256 0", "ended code 1"] {
            assert_eq!(line.parse::<Word>(), Err(Unread), "{line}");
        }
    }
}
