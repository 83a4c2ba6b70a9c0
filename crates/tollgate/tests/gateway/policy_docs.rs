//! Every example of `docs/policy.md` is run.

use std::path::Path;
use std::process::Command;

use tollgate_testkit::Gateway;

use crate::house::program;

const KEY: &str = "tg-d0c5d0c5-Hs7Ks2Lw9Qp4Xz6Cv1Bn8Mm3Rt5Yu0Io7Pa2Sd4Fg6J";

/// A block between fences.
struct Block {
    kind: String,
    text: String,
}

fn blocks() -> Vec<Block> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/policy.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut blocks = Vec::new();
    for (at, part) in page.split("```").enumerate() {
        if at % 2 == 1 {
            let (kind, text) = part.split_once('\n').unwrap();
            blocks.push(Block {
                kind: kind.to_owned(),
                text: text.to_owned(),
            });
        }
    }
    blocks
}

/// The name in the block's first line: `# models.star`.
fn name(block: &Block) -> &str {
    let first = block.text.lines().next().unwrap();
    first
        .strip_prefix("# ")
        .expect("a block begins with its file's name")
}

#[tokio::test]
async fn every_example_of_the_page_works() {
    let home = tempfile::tempdir().unwrap();
    let blocks = blocks();
    std::fs::write(home.path().join("ads.txt"), "ads.example\n").unwrap();
    std::fs::write(home.path().join("agents.json"), "{\"agents\":[]}").unwrap();
    for block in &blocks {
        match block.kind.as_str() {
            "python" => std::fs::write(home.path().join(name(block)), &block.text).unwrap(),
            "toml" if name(block) != "tollgate.toml" => {
                std::fs::write(home.path().join(name(block)), &block.text).unwrap();
            }
            _ => {}
        }
    }
    let main = blocks
        .iter()
        .find(|it| it.kind == "toml" && name(it) == "tollgate.toml")
        .unwrap();
    let gateway = Gateway::builder(program())
        .home(home.path())
        .config(main.text.clone())
        .env("CI_BOT_KEY", KEY)
        .args(&["--bind", "127.0.0.1:0"])
        .start()
        .await;
    let mut run = 0;
    for block in &blocks {
        match block.kind.as_str() {
            "python" if name(block) != "lists.star" => {
                let file = home.path().join(name(block));
                let checked = gateway
                    .command(&["policy", "test", file.to_str().unwrap()])
                    .await;
                assert_eq!(checked.code, Some(0), "{}: {checked:?}", name(block));
                run += 1;
            }
            "toml" => {
                let file = home.path().join(name(block));
                let checked = gateway
                    .command(&["config", "check", "--config", file.to_str().unwrap()])
                    .await;
                assert_eq!(checked.code, Some(0), "{}: {checked:?}", name(block));
                run += 1;
            }
            "console" => run += console(&block.text, &gateway, home.path()),
            "python" => {}
            other => panic!("a block of `{other}`, which nobody runs"),
        }
    }
    assert!(run >= 10, "only {run} examples were run");
}

/// Runs each command of a block and compares what it prints.
fn console(text: &str, gateway: &Gateway, home: &Path) -> usize {
    let mut run = 0;
    for part in text.split("$ ").skip(1).filter(|part| part.contains('\n')) {
        let (command, expected) = part.split_once('\n').unwrap();
        let command = command.replace("http://127.0.0.1:4100", gateway.url());
        let folder = Path::new(program()).parent().unwrap().display().to_string();
        let output = Command::new("sh")
            .args(["-c", &command])
            .current_dir(home)
            .env(
                "PATH",
                format!("{folder}:{}", std::env::var("PATH").unwrap()),
            )
            .env("TOLLGATE_HOME", home)
            .env("CI_BOT_KEY", KEY)
            .output()
            .unwrap();
        let found = String::from_utf8(output.stdout).unwrap();
        let found = found.lines().map(without_digest);
        let expected = expected.lines().map(without_digest);
        assert_eq!(
            found.collect::<Vec<_>>(),
            expected.collect::<Vec<_>>(),
            "{command}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        run += 1;
    }
    run
}

/// The digest changes with every word of the file, and says nothing here.
fn without_digest(line: &str) -> String {
    let known = |word: &str| {
        let bare = word.trim_end_matches(':');
        let is_digest = bare.len() == 12 && bare.bytes().all(|it| it.is_ascii_hexdigit());
        match word {
            _ if is_digest => "DIGEST".to_owned(),
            word if word.starts_with("req_") => "REQUEST".to_owned(),
            word => word.to_owned(),
        }
    };
    line.split(' ').map(known).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_first_rule_stands_on_the_first_screen() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/policy.md");
    let page = std::fs::read_to_string(page).unwrap();
    let screen: Vec<_> = page.lines().take(24).collect();
    let screen = screen.join("\n");
    assert!(
        screen.contains("\nrule(") && screen.contains("return \"allow\"\n```"),
        "{screen}"
    );
}
