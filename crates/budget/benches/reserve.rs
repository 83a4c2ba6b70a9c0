//! What reserve and settle cost on the path of a request, from 10 to 100,000
//! budgets: `cargo bench -p tollgate-budget`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement prints and reads the clock"
)]

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use tollgate_budget::{Amount, BudgetSpec, Budgets, Extends, Limit, Scope, ScopePath, Window};
use tollgate_types::{AgentName, Label, Money, UnixMillis};

const NOW: UnixMillis = UnixMillis(1_795_176_000_000);
const ROUNDS: usize = 200_000;

fn main() {
    println!("| budgets | of agents that call | threads | reserve + settle | 99.9 % below |");
    println!("|---|---|---|---|---|");
    // The last but one tells the cost of many budgets from that of many callers.
    for (count, calling) in [(10, 7), (1_000, 997), (100_000, 997), (100_000, 99_997)] {
        for threads in [1, 2] {
            let (mean, tail) = measure(count, calling, threads);
            println!("| {count} | {calling} | {threads} | {mean:.0} ns | {tail:.0} ns |");
        }
    }
}

/// Agents in a bottle that extends another, on a host with a ceiling: four
/// budgets for each request, one of them by the day, all with both units.
fn measure(count: usize, calling: usize, threads: usize) -> (f64, f64) {
    let agents = count - 3;
    let names: Vec<AgentName> = (0..agents)
        .map(|at| AgentName::new(&format!("agent-{at}")).unwrap())
        .collect();
    let budgets = budgets(&names);
    let extends = Extends::new([("dev".into(), vec!["base".into()])]);
    // Spread over the whole table.
    let paths: Vec<ScopePath> = names
        .iter()
        .step_by(agents / calling)
        .take(calling)
        .map(|name| ScopePath::bottled(name.clone(), "dev", &extends).unwrap())
        .collect();
    let start = Barrier::new(threads);
    let mut times: Vec<Duration> = thread::scope(|scope| {
        let run = || {
            // Opens every agent's window and lets the ledger write its slice.
            drop(rounds(&budgets, &paths, paths.len()));
            start.wait();
            rounds(&budgets, &paths, ROUNDS)
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        running
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    times.sort_unstable();
    let mean = times.iter().sum::<Duration>().as_nanos() as f64 / times.len() as f64;
    let tail = times[times.len() * 999 / 1_000].as_nanos() as f64;
    (mean, tail)
}

fn budgets(names: &[AgentName]) -> Budgets {
    let limit = Limit {
        tokens: Some(1_000_000_000_000),
        usd: Some("1000000".parse().unwrap()),
    };
    let outer = ["dev", "base"].map(|name| BudgetSpec::new(Scope::Bottle(name.into()), limit));
    let mut host = BudgetSpec::new(Scope::Host, limit);
    host.ceiling = true;
    let own = names.iter().map(|name| {
        let mut spec = BudgetSpec::new(Scope::Agent(name.clone()), limit);
        spec.window = Window::Day;
        spec
    });
    Budgets::new(own.chain(outer).chain([host]).collect(), &[]).unwrap()
}

fn rounds(budgets: &Budgets, paths: &[ScopePath], count: usize) -> Vec<Duration> {
    let provider = Label::from("openai");
    let most = Amount::priced(11_000, Money::from_nanos(90_000_000));
    let actual = Amount::priced(2_100, Money::from_nanos(17_000_000));
    // A stride that visits agents far apart, so that caches help as little as in life.
    let agents = (0..count).map(|round| round.wrapping_mul(7_919) % paths.len());
    let mut times = Vec::with_capacity(count);
    for agent in agents {
        let begin = Instant::now();
        let held = budgets
            .reserve(&paths[agent], None, &provider, most, NOW)
            .unwrap();
        drop(held.settle(actual));
        times.push(begin.elapsed());
        if budgets.is_wanting() {
            let batch = budgets.want();
            budgets.granted(batch);
        }
    }
    times
}
