//! What is compressed is found by what it is, whatever a label says of it.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use tollgate_scan::{Book, Detector, Outbound, Scanner};

const SECRET: &str = "pk-Zq83hT0vLm2XbN6y/+Wr5&K";

/// `{"note":"the key is SECRET, and the rest of this letter …"}`, by the
/// reference encoder at quality 11.
const BROTLI: &str = "1b71008064609ea90e70a84a73037082430e9c5a121d2cc2842c8fb16d6c31e4095f48fb06b2a0b3ad80a17a03dd01ac039b6e86dcfac2ed4c529c7bda9ba7a35dc5ec04cdb15aba31e294a68c98d036db6f00fd01";

fn letter() -> String {
    format!(
        "{{\"note\":\"the key is {SECRET}, and the rest of this letter is about the harvest\"}}"
    )
}

#[track_caller]
fn found(text: &[u8], how: &str) {
    static SCANNER: std::sync::OnceLock<Scanner> = std::sync::OnceLock::new();
    let scanner = SCANNER.get_or_init(|| Scanner::shipped().unwrap());
    let mut book = Book::new([9; 32]);
    book.guard("provider-key", SECRET.as_bytes()).unwrap();
    assert!(
        !text
            .windows(SECRET.len())
            .any(|part| part == SECRET.as_bytes()),
        "{how}: it stands there in plain letters"
    );
    let report = scanner.outbound(text, Some(&book), Outbound::ALL);
    let is_known = |found: &tollgate_scan::Finding| found.detector == Detector::KnownSecrets;
    assert!(
        report.findings.iter().any(is_known),
        "{how}: {:?}",
        report.findings
    );
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zlib(text: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn deflate(text: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zstd(text: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(text, ruzstd::encoding::CompressionLevel::Fastest)
}

fn brotli() -> Vec<u8> {
    let digits = BROTLI.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.map(byte).collect()
}

#[test]
fn every_compression_is_read_without_a_label() {
    // So long that the encoders can't store it as it is.
    let letter = letter().replace("harvest", &"harvest and the rain ".repeat(20));
    let letter = letter.replace(SECRET, &format!("{SECRET} or {SECRET}"));
    found(&gzip(letter.as_bytes()), "gzip");
    found(&zlib(letter.as_bytes()), "zlib");
    found(&deflate(letter.as_bytes()), "raw deflate");
    found(&brotli(), "brotli");
}

#[test]
fn a_wrong_label_hides_nothing() {
    for (label, body) in [
        ("br", gzip(letter().as_bytes())),
        ("gzip", zlib(letter().as_bytes())),
        ("identity", gzip(letter().as_bytes())),
    ] {
        let head = format!("POST / HTTP/1.1\r\ncontent-encoding: {label}\r\n\r\n");
        found(&[head.as_bytes(), &body].concat(), label);
    }
}

#[test]
fn every_member_of_several_is_read() {
    for (how, pack) in [
        ("gzip", gzip as fn(&[u8]) -> Vec<u8>),
        ("zlib", zlib),
        ("zstd", zstd),
    ] {
        let empty = pack(b"nothing to see in the first one of them");
        let full = pack(gzip(letter().as_bytes()).as_slice());
        found(&[empty, full].concat(), how);
    }
}

#[test]
fn one_compression_inside_another_is_read() {
    let inner = gzip(letter().as_bytes());
    for (how, text) in [
        ("zlib of gzip", zlib(&inner)),
        ("zstd of gzip", zstd(&inner)),
        ("deflate of gzip", deflate(&inner)),
        ("gzip of brotli", gzip(&brotli())),
    ] {
        found(&text, how);
    }
}

#[test]
fn utf16_of_either_order_is_read_with_and_without_a_mark() {
    let little: Vec<u8> = letter().encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = letter().encode_utf16().flat_map(u16::to_be_bytes).collect();
    found(&little, "little");
    found(&big, "big");
    found(&[&[0xff, 0xfe], &little[..]].concat(), "little with a mark");
    found(&[&[0xfe, 0xff], &big[..]].concat(), "big with a mark");
}
