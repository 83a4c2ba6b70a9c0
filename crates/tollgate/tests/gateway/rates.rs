//! Requests and tokens a minute.

use serde_json::json;
use tollgate_testkit::{Request, Script, Wire};

use crate::house::{FIRST_KEY, House, KEY, config, model};

async fn house(limits: &str) -> House {
    House::with(limits, &[FIRST_KEY]).await
}

#[tokio::test]
async fn requests_beyond_the_limit_are_429_in_the_callers_dialect() {
    for wire in [Wire::OpenAi, Wire::Responses, Wire::Anthropic] {
        let house = house("rate_limit_rpm = 3\n").await;
        let ask = Request::ask(wire, false, model(wire));
        let [limit, remaining, reset] = match wire {
            Wire::Anthropic => [
                "anthropic-ratelimit-requests-limit",
                "anthropic-ratelimit-requests-remaining",
                "anthropic-ratelimit-requests-reset",
            ],
            _ => [
                "x-ratelimit-limit-requests",
                "x-ratelimit-remaining-requests",
                "x-ratelimit-reset-requests",
            ],
        };
        for left in ["2", "1", "0"] {
            let answer = house.send(&ask).await;
            assert_eq!(answer.status(), 200, "{}", answer.text());
            assert_eq!(answer.header(limit), Some("3"));
            assert_eq!(answer.header(remaining), Some(left));
            assert!(answer.header(reset).is_some());
        }
        let answer = house.send(&ask).await;
        assert_eq!(answer.status(), 429, "{}", answer.text());
        assert_eq!(answer.header("x-tollgate-reason"), Some("rate_limited"));
        let after: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((50..=65).contains(&after), "{after}");
        assert_eq!(answer.header(remaining), Some("0"));
        assert_eq!(answer.json()["error"]["type"], "rate_limit_error");
        assert_eq!(house.provider(wire).requests().len(), 3);
        let story = house.story_of(&answer).await;
        assert_eq!(story["request"]["reason"], "rate_limited", "{story}");
    }
}

#[tokio::test]
async fn tokens_are_settled_to_what_was_used() {
    let house = house("rate_limit_tpm = 1000\n").await;
    house.openai.otherwise(Script::Text { words: 40 });
    let ask = |most: u64| {
        let body = json!({"model": "gpt-4o", "max_tokens": most, "messages": [{"role": "user", "content": "hello"}]});
        Request::post("/v1/chat/completions", &body)
    };
    let left = |answer: &tollgate_testkit::Answer| -> u64 {
        let text = answer.header("x-ratelimit-remaining-tokens").unwrap();
        text.parse().unwrap()
    };
    let used = tollgate_testkit::INPUT_TOKENS + 40;
    let answer = house.send(&ask(900)).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    // An answer in one piece is settled when its head goes out.
    let answer = house.send(&ask(600)).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert!(left(&answer) <= 1000 - used, "{}", left(&answer));
    let answer = house.send(&ask(1000 - 2 * used + 1)).await;
    assert_eq!(answer.status(), 429, "{}", answer.text());
    assert!(
        answer.text().contains("tokens a minute are allowed"),
        "{}",
        answer.text()
    );
    assert_eq!(left(&answer), 1000 - 2 * used);
}

#[tokio::test]
async fn many_at_once_never_pass_the_limit_and_a_reload_forgets_nothing() {
    let mut house = house("rate_limit_rpm = 20\n").await;
    let asks = (0..60).map(|_| {
        let client = house.client();
        tokio::spawn(async move {
            client
                .send(&Request::chat("gpt-4o", "hello").key(KEY))
                .await
        })
    });
    let mut through = 0;
    for ask in asks.collect::<Vec<_>>() {
        through += usize::from(ask.await.unwrap().status() == 200);
    }
    assert_eq!(through, 20);
    let text = config(&house.openai, &house.anthropic, &[FIRST_KEY]) + "rate_limit_rpm = 25\n";
    house.gateway.write_config(text);
    house.gateway.sighup();
    tollgate_testkit::within("the reload", async {
        loop {
            let answer = house.send(&Request::get("/v1/models")).await;
            assert_eq!(answer.status(), 200);
            let answer = house.send(&Request::chat("gpt-4o", "hello")).await;
            if answer.status() == 200 {
                assert_eq!(answer.header("x-ratelimit-remaining-requests"), Some("4"));
                return;
            }
        }
    })
    .await;
}
