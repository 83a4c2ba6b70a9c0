//! The beginning of a stream that is kept back, so that an early cut can still
//! be mended.

use tollgate_testkit::{Gate, Request, Script, Wire};

use crate::house::{FIRST_KEY, House, KEY, SECOND_KEY, WIRES, model};
use crate::matrix::heard::{is_whole, objects, said};

const WORDS: &str = "word0 word1 word2 word3 word4";

fn cut() -> Script {
    Script::Cut { events: 2 }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_kept_back_survives_an_early_cut() {
    let house = House::holding("hold_tokens = 50", "", &[FIRST_KEY, SECOND_KEY]).await;
    for wire in WIRES {
        for script in [cut(), Script::ResetAfterFirstEvent, Script::BadChunk] {
            let case = format!("{wire:?}, {script:?}");
            house.provider(wire).push(script);
            let answer = house.send(&Request::ask(wire, true, model(wire))).await;
            assert_eq!(answer.status(), 200, "{case}: {}", answer.text());
            assert_eq!(said(wire, true, &answer).trim_end(), WORDS, "{case}");
            assert!(is_whole(wire, &answer), "{case}: {}", answer.text());
            assert_eq!(answer.header("x-tollgate-attempts"), Some("2"), "{case}");
            let row = house.story_of(&answer).await["request"].clone();
            assert_eq!(row["outcome"], "ok", "{case}: {row}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_early_cut_goes_over_to_another_dialect() {
    let more = "[agents.defaults.model]\nprovider = \"openai/gpt-4o\"\nfallback = [\"google/gemini-2.5-flash\"]\n";
    let house = House::holding("hold_ms = 5000", more, &[FIRST_KEY]).await;
    house.openai.push(cut());
    house.openai.push(cut());
    let answer = house
        .send(&Request::ask(Wire::OpenAi, true, "openai/gpt-4o"))
        .await;
    assert_eq!(answer.header("x-tollgate-provider"), Some("google"));
    assert_eq!(said(Wire::OpenAi, true, &answer).trim_end(), WORDS);
    assert!(is_whole(Wire::OpenAi, &answer), "{}", answer.text());
    // What the cut streams had produced is told, and billed.
    let story = house.story_of(&answer).await;
    let told = story.to_string();
    assert!(told.contains("without its terminator"), "{told}");
    assert!(story["request"]["output"].as_u64() > Some(5), "{story}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_it_an_early_cut_is_an_error_event() {
    let house = House::open().await;
    for wire in WIRES {
        house.provider(wire).push(cut());
        let answer = house.send(&Request::ask(wire, true, model(wire))).await;
        let last = objects(wire, true, &answer).pop().unwrap();
        assert!(last.get("error").is_some(), "{wire:?}: {}", answer.text());
        assert_eq!(answer.header("x-tollgate-attempts"), Some("1"), "{wire:?}");
    }
}

/// A cut behind what is kept back is an error as ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_later_cut_is_an_error_event() {
    let house = House::holding("hold_tokens = 2", "", &[FIRST_KEY, SECOND_KEY]).await;
    for wire in WIRES {
        house.provider(wire).push(Script::Cut { events: 12 });
        let answer = house.send(&Request::ask(wire, true, model(wire))).await;
        let last = objects(wire, true, &answer).pop().unwrap();
        assert!(last.get("error").is_some(), "{wire:?}: {}", answer.text());
        assert!(said(wire, true, &answer).contains("word11"), "{wire:?}");
    }
}

/// The time is over while the provider is silent: what came goes out.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_back_goes_out_in_time() {
    let house = House::holding("hold_ms = 40", "", &[FIRST_KEY]).await;
    for wire in WIRES {
        let gate = Gate::closed();
        house.provider(wire).push(Script::Stream {
            events: 3,
            gate: Some(gate.clone()),
        });
        gate.release(1);
        let request = Request::ask(wire, true, model(wire)).key(KEY);
        let mut stream = house.client().open(&request).await;
        let first = stream.next_bytes().await.expect("the first event is out");
        assert!(!first.is_empty());
        gate.open();
        let answer = stream.finish().await;
        assert!(is_whole(wire, &answer), "{wire:?}: {}", answer.text());
    }
}

/// An agent's word counts before everybody's, and that before the server's.
#[tokio::test(flavor = "multi_thread")]
async fn an_agent_may_hold_its_streams_back_or_not() {
    for (server, all, own, held) in [
        ("", "", "hold_tokens = 50", true),
        ("", "hold_ms = 5000", "", true),
        ("hold_tokens = 50", "", "hold_tokens = 0", false),
        ("hold_tokens = 50", "hold_tokens = 0", "", false),
        ("", "hold_tokens = 50", "hold_tokens = 0", false),
    ] {
        let house = House::build(&[FIRST_KEY, SECOND_KEY], |config| {
            let config = config.replacen("[server]\n", &format!("[server]\n{server}\n"), 1);
            let agent = format!("keys = [\"{KEY}\"]\n");
            assert!(config.contains(&agent), "{config}");
            let own = config.replacen(&agent, &format!("{agent}{own}\n"), 1);
            format!("{own}\n[agents.defaults]\n{all}\n")
        })
        .await;
        house.openai.push(cut());
        let ask = Request::ask(Wire::OpenAi, true, model(Wire::OpenAi));
        let answer = house.send(&ask).await;
        let case = format!("{server}, {all}, {own}: {}", answer.text());
        assert_eq!(is_whole(Wire::OpenAi, &answer), held, "{case}");
    }
}
