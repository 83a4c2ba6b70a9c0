//! What choosing a candidate and a credential costs, from 2 to 10,000
//! credentials and agents: `cargo bench -p tollgate-routing`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement prints and reads the clock"
)]

use std::hash::Hasher;
use std::hint::black_box;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tollgate_routing::{
    Affinity, AgentFallback, AlloySpec, Ask, CredentialSpec, MemberSpec, Pool, ProviderRoutes,
    RouteTable, RoutingConfig, SizedSpec, Strategy, Tried,
};
use tollgate_types::{FaultClass, UnixMillis};

const NOW: UnixMillis = UnixMillis(1_795_176_000_000);
const ROUNDS: u32 = 200_000;

fn main() {
    println!(
        "| credentials and agents | plain name | alloy of 3 | dispatcher of 3 | lease | 2 threads | half rest | all but 1 rest | pinned |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for count in [2, 100, 10_000] {
        let table = table(count);
        let ask = |name, round: u32| Ask {
            name,
            agent: "agent-1",
            need: 9_000,
            random: u64::from(round),
        };
        let resolve = |name: &'static str| {
            each(|round| drop(black_box(table.resolve(&ask(name, round)).unwrap())))
        };
        let (healthy, half, one) = (
            pool(count, 0),
            pool(count, count / 2),
            pool(count, count - 1),
        );
        println!(
            "| {count} | {} ns | {} ns | {} ns | {} ns | {} ns | {} ns | {} ns | {} ns |",
            resolve("openai/gpt-4o"),
            resolve("blend"),
            resolve("fit"),
            each(|_| lease(&healthy)),
            together(&healthy),
            each(|_| lease(&half)),
            each(|_| lease(&one)),
            pinned(&healthy),
        );
    }
}

fn table(agents: usize) -> RouteTable {
    let member = |model: &str, context_window| MemberSpec {
        model: model.to_owned(),
        weight: 1,
        context_window,
    };
    let own = |at: usize| AgentFallback {
        agent: Some(format!("agent-{at}").into()),
        primary: "openai/o3".to_owned(),
        fallback: vec!["blend".to_owned()],
    };
    let config = RoutingConfig {
        providers: vec![ProviderRoutes {
            id: "openai".into(),
            models: vec!["gpt-*".to_owned()],
            takes_callers_key: false,
        }],
        alloys: vec![AlloySpec {
            id: "blend".to_owned(),
            strategy: Strategy::Weighted,
            members: ["gpt-1", "gpt-2", "gpt-3"]
                .map(|it| member(it, None))
                .into(),
        }],
        dispatchers: vec![SizedSpec {
            id: "fit".to_owned(),
            members: vec![
                member("gpt-1", Some(8_000)),
                member("gpt-2", Some(32_000)),
                member("gpt-3", Some(128_000)),
            ],
        }],
        fallbacks: (0..agents).map(own).collect(),
        ..RoutingConfig::default()
    };
    RouteTable::new(config, &|_, _| None).unwrap()
}

/// A pool in which the first so many rest.
fn pool(count: usize, resting: usize) -> Arc<Pool> {
    let specs = (0..count).map(|at| CredentialSpec {
        profile: format!("openai:{at}").into(),
        weight: 1 + at as u32 % 3,
        priority: 1,
    });
    let pool = Arc::new(Pool::new(specs.collect()));
    for at in 0..resting {
        let lease = pool
            .lease_tagged(tag_of(at), NOW, &Tried::default())
            .unwrap();
        lease.fail(NOW, FaultClass::AuthError, None);
    }
    pool
}

/// The tag of a credential: the same in every pool with such a profile.
fn tag_of(at: usize) -> u32 {
    let only = CredentialSpec {
        profile: format!("openai:{at}").into(),
        weight: 1,
        priority: 1,
    };
    let alone = Arc::new(Pool::new(vec![only]));
    alone.lease(NOW, &Tried::default()).unwrap().tag()
}

fn lease(pool: &Arc<Pool>) {
    pool.lease(NOW, &Tried::default()).unwrap().succeed(NOW);
}

fn pinned(pool: &Arc<Pool>) -> u128 {
    let affinity = Affinity::default();
    let tag = pool.lease(NOW, &Tried::default()).unwrap().tag();
    let key = |round: u32| {
        let mut hasher = affinity.hasher();
        hasher.write_u32(round % 10_000);
        hasher.finish()
    };
    (0..10_000).for_each(|round| affinity.note(key(round), tag, NOW));
    each(|round| {
        let tag = affinity.find(key(round), NOW).unwrap_or(tag);
        let lease = pool.lease_tagged(tag, NOW, &Tried::default()).unwrap();
        lease.succeed(NOW);
    })
}

fn together(pool: &Arc<Pool>) -> u128 {
    let run = || each(|_| lease(pool));
    thread::scope(|scope| {
        let threads = [scope.spawn(run), scope.spawn(run)];
        let times = threads.map(|thread| thread.join().unwrap());
        times.iter().sum::<u128>() / 2
    })
}

/// The median of eleven means, in nanoseconds.
fn each(work: impl Fn(u32)) -> u128 {
    let mut means: Vec<Duration> = (0..11)
        .map(|_| {
            let begin = Instant::now();
            (0..ROUNDS / 10).for_each(&work);
            begin.elapsed() / (ROUNDS / 10)
        })
        .collect();
    means.sort_unstable();
    means[5].as_nanos()
}
