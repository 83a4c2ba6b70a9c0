/// Longest cycle that weights are kept exact for.
const LONGEST: u64 = 4096;

/// The order in which credentials of one priority take their turns.
///
/// Each occurs in the cycle as often as its weight says (weights divided by
/// their common divisor), spread evenly: the k-th of w turns stands at
/// (2k + 1) / 2w of the cycle, which is Webster's method of apportionment.
/// So 60 to 40 is A B A B A, not three of one and two of the other, and any
/// part of the cycle keeps nearly the same shares as the whole.
///
/// Weights that would need a cycle beyond 4096 turns are scaled to that
/// length, each at least once: 1 to 100,000 becomes 1 to 4096. A weight of 0
/// takes no turn. Costs n log n once, when a configuration is read.
pub(crate) fn schedule(weights: &[(u32, u32)]) -> Box<[u32]> {
    let reduced = reduce(weights);
    let mut turns: Vec<(u64, u64, u32)> = Vec::new();
    for &(index, weight) in &reduced {
        turns.extend((0..weight).map(|turn| (2 * turn + 1, weight, index)));
    }
    // Fractions are compared by cross multiplication: both sides stay below
    // 2^26, and no rounding makes the order differ between machines.
    turns.sort_by(|a, b| (a.0 * b.1).cmp(&(b.0 * a.1)).then(a.2.cmp(&b.2)));
    turns.into_iter().map(|(_, _, index)| index).collect()
}

/// Index and turns in one cycle.
fn reduce(weights: &[(u32, u32)]) -> Vec<(u32, u64)> {
    let used = || weights.iter().filter(|(_, weight)| *weight > 0);
    let divisor = used().fold(0, |divisor, (_, weight)| gcd(divisor, u64::from(*weight)));
    let total = used()
        .map(|(_, weight)| u64::from(*weight) / divisor)
        .sum::<u64>();
    let longest = LONGEST.max(used().count() as u64);
    used()
        .map(|&(index, weight)| {
            let turns = u64::from(weight) / divisor;
            let scaled = (turns * longest + total / 2) / total.max(1);
            (
                index,
                if total > longest {
                    scaled.max(1)
                } else {
                    turns
                },
            )
        })
        .collect()
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn turns_are_interleaved() {
        assert_eq!(*schedule(&[(0, 60), (1, 40)]), [0, 1, 0, 1, 0]);
        assert_eq!(*schedule(&[(0, 7), (1, 7), (2, 7)]), [0, 1, 2]);
        assert_eq!(*schedule(&[(5, 100)]), [5]);
        assert!(schedule(&[(0, 0)]).is_empty() && schedule(&[]).is_empty());
    }

    #[test]
    fn huge_weights_and_many_credentials_stay_bounded() {
        let huge = schedule(&[(0, u32::MAX), (1, u32::MAX - 1), (2, 1)]);
        assert!(huge.len() <= 4099 && huge.contains(&2), "{}", huge.len());
        let many: Vec<_> = (0..10_000).map(|index| (index, 1 + index % 97)).collect();
        assert!(schedule(&many).len() <= 30_000);
    }

    proptest! {
        #[test]
        fn every_stretch_keeps_the_shares(weights in proptest::collection::vec(1u32..50, 1..6), start in 0usize..500) {
            let numbered: Vec<_> = weights.iter().enumerate().map(|(index, weight)| (index as u32, *weight)).collect();
            let order = schedule(&numbered);
            let total: u32 = weights.iter().sum();
            let length = 200;
            for (index, weight) in weights.iter().enumerate() {
                let got = (start..start + length).filter(|at| order[at % order.len()] == index as u32).count();
                let due = length as f64 * f64::from(*weight) / f64::from(total);
                prop_assert!((got as f64 - due).abs() <= 1.0 + weights.len() as f64 / 2.0, "{got} of {due}");
            }
        }
    }
}
