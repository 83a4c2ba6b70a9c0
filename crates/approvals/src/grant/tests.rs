use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

use super::*;

fn key() -> (Ed25519KeyPair, GrantPublicKey) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let public = pair.public_key().as_ref().try_into().unwrap();
    (pair, GrantPublicKey(public))
}

fn signed(pair: &Ed25519KeyPair, grant: Grant) -> SignedGrant {
    let signature = pair.sign(&grant.encode()).as_ref().try_into().unwrap();
    grant.signed(signature)
}

fn grant() -> Grant {
    Grant::new(
        Digest::of(b"subject"),
        "exec".into(),
        Nonce([1; 16]),
        UnixMillis(1_000),
    )
}

#[test]
fn a_grant_is_good_for_its_subject_place_question_and_time_only() {
    let (pair, public) = key();
    let good = signed(&pair, grant());
    let (subject, nonce) = (Digest::of(b"subject"), Nonce([1; 16]));
    let now = UnixMillis(999);
    assert_eq!(good.verify(&public, &subject, "exec", &nonce, now), Ok(()));
    let fault = |subject: &Digest, place: &str, nonce: &Nonce, now| {
        good.verify(&public, subject, place, nonce, now)
            .unwrap_err()
    };
    let other = Digest::of(b"other");
    assert!(matches!(
        fault(&other, "exec", &nonce, now),
        GrantFault::Subject { .. }
    ));
    assert!(matches!(
        fault(&subject, "host:a", &nonce, now),
        GrantFault::Place { .. }
    ));
    assert_eq!(
        fault(&subject, "exec", &Nonce([2; 16]), now),
        GrantFault::Nonce
    );
    assert_eq!(
        fault(&subject, "exec", &nonce, UnixMillis(1_000)),
        GrantFault::Expired { late_ms: 0 }
    );
}

#[test]
fn a_grant_that_was_changed_has_no_signature() {
    let (pair, public) = key();
    let good = signed(&pair, grant());
    let (subject, nonce) = (Digest::of(b"subject"), Nonce([1; 16]));
    type Change = fn(&mut SignedGrant);
    let changes: [Change; 5] = [
        |it| it.grant.subject = Digest::of(b"other"),
        |it| it.grant.place = "host:a".into(),
        |it| it.grant.nonce = Nonce([3; 16]),
        |it| it.grant.not_after = UnixMillis(9_999),
        |it| it.signature.0[0] ^= 1,
    ];
    for change in changes {
        let mut bad = good.clone();
        change(&mut bad);
        let said = bad.verify(&public, &subject, "exec", &nonce, UnixMillis(0));
        assert_eq!(said, Err(GrantFault::Signature));
    }
    let mut newer = good;
    newer.grant.version = 2;
    let said = newer.verify(&public, &subject, "exec", &nonce, UnixMillis(0));
    assert_eq!(said, Err(GrantFault::Version(2)));
}

#[test]
fn the_signed_bytes_are_those_that_are_documented() {
    let mut expected = b"tollgate-grant\n\x01".to_vec();
    expected.extend_from_slice(Digest::of(b"subject").as_bytes());
    expected.extend_from_slice(b"\0\0\0\x04exec");
    expected.extend_from_slice(&[1; 16]);
    expected.extend_from_slice(&1_000_u64.to_be_bytes());
    assert_eq!(grant().encode(), expected);
}

#[test]
fn a_signed_grant_passes_through_json() {
    let (pair, _) = key();
    let good = signed(&pair, grant());
    let text = serde_json::to_string(&good).unwrap();
    assert_eq!(serde_json::from_str::<SignedGrant>(&text).unwrap(), good);
}
