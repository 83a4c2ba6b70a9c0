use super::*;

fn first(text: &[u8]) -> Vec<u8> {
    let mut trouble = Vec::new();
    let layers = layers(text, &mut (1 << 20), &Limits::default(), &mut trouble);
    layers
        .into_iter()
        .next()
        .map(|layer| layer.text)
        .unwrap_or_default()
}

#[test]
fn every_encoding_gives_its_text_back() {
    let cases: &[(&[u8], &[u8])] = &[
        (b"x=aGVsbG8gd29ybGQgYWdhaW4=", b"hello world again"),
        (b"68656c6c6f20776f726c6420616761696e", b"hello world again"),
        (
            b"68:65:6c:6c:6f:20:77:6f:72:6c:64:20:61:67",
            b"hello world ag",
        ),
        (b"h%65llo", b"hello"),
        (b"h\\u0065llo", b"hello"),
        (b"h&#101;llo", b"hello"),
        (b"h=65llo", b"hello"),
        (b"h\0e\0l\0l\0o\0", b"hello"),
    ];
    for (encoded, plain) in cases {
        assert_eq!(
            first(encoded),
            *plain,
            "{}",
            String::from_utf8_lossy(encoded)
        );
    }
}

#[test]
fn escapes_know_their_place() {
    let mut trouble = Vec::new();
    let text = b"abc %41%42%43 def";
    let layers = layers(text, &mut 1000, &Limits::default(), &mut trouble);
    assert_eq!(layers[0].place(4, 7), (4, 13));
    assert_eq!(layers[0].place(8, 11), (14, 17));
}

#[test]
fn a_bomb_is_said_and_not_kept() {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![0u8; 1 << 20];
    for _ in 0..64 {
        encoder.write_all(&zeros).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    let (mut trouble, mut budget) = (Vec::new(), 8 << 20);
    let layers = layers(&bomb, &mut budget, &Limits::default(), &mut trouble);
    assert_eq!(trouble[0].0, Trouble::Bomb);
    assert!(layers.iter().map(|layer| layer.text.len()).sum::<usize>() <= 64 << 10);
}
