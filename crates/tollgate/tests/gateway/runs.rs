//! Runs: keys that live as long as a command, and orders that reach it.

use serde_json::{Value, json};
use tollgate_testkit::{Answer, Request, Script, Stream, within};

use crate::house::{FIRST_KEY, House};

async fn post(house: &House, path: &str, body: &Value) -> Answer {
    let request = Request::post(path, body).key(&house.gateway.operator_token());
    house.client().send(&request).await
}

/// A run of the tester: its id and its key.
async fn begin(house: &House, budget: Option<u64>) -> (String, String) {
    let wanted = json!({"agent": "tester", "budget": budget, "command": "sh"});
    let begun = post(house, "/control/runs", &wanted).await;
    assert_eq!(begun.status(), 201, "{}", begun.text());
    let (begun, text) = (begun.json(), |value: &Value| {
        value.as_str().unwrap().to_owned()
    });
    assert_eq!(begun["agent"], "tester");
    (text(&begun["run"]), text(&begun["key"]))
}

/// A connection for orders.
struct Orders {
    stream: Stream,
    held: Vec<u8>,
}

async fn orders(house: &House, run: &str) -> Orders {
    let request = Request::get(&format!("/control/runs/{run}/orders"));
    let request = request.key(&house.gateway.operator_token());
    let stream = house.client().open(&request).await;
    let held = Vec::new();
    let mut orders = Orders { stream, held };
    assert_eq!(orders.next().await, "thaw", "the order that stands");
    orders
}

impl Orders {
    async fn next(&mut self) -> String {
        self.line().await.expect("another order")
    }

    /// None at the end. Empty lines say that the gateway is there.
    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.held.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.held.drain(..=end).collect();
                if line.len() > 1 {
                    let order: Value = serde_json::from_slice(&line).unwrap();
                    return Some(order["order"].as_str().unwrap().to_owned());
                }
            } else {
                self.held.extend(self.stream.next_bytes().await?);
            }
        }
    }
}

fn ask(max_tokens: u64) -> Request {
    let body = json!({"model": "gpt-4o", "max_tokens": max_tokens,
        "messages": [{"role": "user", "content": "hello"}]});
    Request::post("/v1/chat/completions", &body)
}

async fn command(house: &House, arguments: &[&str]) -> String {
    let done = house.gateway.command(arguments).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    done.stdout
}

#[tokio::test]
async fn a_runs_key_is_the_agents_until_the_run_ends() {
    let house = House::open().await;
    let (run, key) = begin(&house, None).await;
    let answer = house.client().send(&ask(9).key(&key)).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let story = house.story_of(&answer).await;
    assert_eq!(story["request"]["agent"], "tester", "{story}");
    assert_eq!(story["run"], *run, "{story}");
    // A reload keeps what is not in any file.
    post(&house, "/control/reload", &json!({})).await;
    let answer = house.client().send(&ask(9).key(&key)).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());

    let mut orders = orders(&house, &run).await;
    let end = format!("/control/runs/{run}/end");
    let how = json!({"code": 0, "cause": "itself"});
    let ended = post(&house, &end, &how).await;
    assert_eq!(ended.status(), 200, "{}", ended.text());
    assert_eq!(orders.line().await, None, "no orders after the end");
    let refused = house.client().send(&ask(9).key(&key)).await;
    assert_eq!(refused.status(), 401, "{}", refused.text());
    assert_eq!(post(&house, &end, &how).await.status(), 404);
}

#[tokio::test]
async fn a_run_wants_an_agent_that_is_there() {
    let house = House::open().await;
    let wanted = |agent: Value| json!({"agent": agent, "command": "sh"});
    let nobody = post(&house, "/control/runs", &wanted(Value::Null)).await;
    assert_eq!(nobody.status(), 400, "{}", nobody.text());
    assert!(nobody.text().contains("--agent NAME"), "{}", nobody.text());
    let stranger = post(&house, "/control/runs", &wanted("ada".into())).await;
    assert_eq!(stranger.status(), 404, "{}", stranger.text());
    command(&house, &["cutoff", "tester"]).await;
    let cut = post(&house, "/control/runs", &wanted("tester".into())).await;
    assert_eq!(cut.status(), 403, "{}", cut.text());
}

#[tokio::test]
async fn a_runs_budget_holds_for_the_run_and_nobody_else() {
    let house = House::with("", &[FIRST_KEY]).await;
    house.openai.otherwise(Script::Text { words: 600 });
    let (_, key) = begin(&house, Some(1000)).await;
    let first = house.client().send(&ask(700).key(&key)).await;
    assert_eq!(first.status(), 200, "{}", first.text());
    let refused = house.client().send(&ask(700).key(&key)).await;
    assert_eq!(refused.status(), 429, "{}", refused.text());
    assert!(refused.text().contains("389"), "{}", refused.text());
    let (_, other) = begin(&house, Some(1000)).await;
    for request in [ask(700).key(&other), ask(5000).key(crate::house::KEY)] {
        let answer = house.client().send(&request).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
    }
}

#[tokio::test]
async fn the_commands_own_code_is_passed_on() {
    let house = House::open().await;
    let script = ["/bin/sh", "-c", "test -n \"$TOLLGATE_RUN\" && exit 7"];
    let run = [&["run", "--agent", "tester", "--"][..], &script].concat();
    let done = house.gateway.command(&run).await;
    assert_eq!(done.code, Some(7), "{done:?}");
    command(&house, &["cutoff", "tester"]).await;
    let done = house.gateway.command(&run).await;
    assert_eq!(done.code, Some(126), "{done:?}");
    assert!(done.stderr.contains("cut off"), "{done:?}");
}

/// A tree that writes its id and its key and then waits.
const WAITS: [&str; 7] = [
    "run",
    "--agent",
    "tester",
    "--",
    "/bin/sh",
    "-c",
    "echo $$ $OPENAI_API_KEY > pid.new; mv pid.new pid; exec sleep 1000",
];

/// The process and the key of such a tree, once it runs.
async fn waiting(house: &House) -> (String, String) {
    let file = house.gateway.home().join("pid");
    let said = within("the command to run", async {
        loop {
            match std::fs::read_to_string(&file) {
                Ok(said) => return said,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    });
    let said = said.await;
    let (pid, key) = said.trim().split_once(' ').unwrap();
    (pid.to_owned(), key.to_owned())
}

fn is_gone(pid: &str) -> bool {
    !std::path::Path::new(&format!("/proc/{pid}")).exists()
}

#[tokio::test]
async fn a_budget_that_is_used_up_kills_the_tree_that_did_it() {
    let budget = "[[agents.tester.budget]]\ntokens = 1000\nshutdown = \"kill\"\n";
    let house = House::with(budget, &[FIRST_KEY]).await;
    house.openai.otherwise(Script::Text { words: 1100 });
    let spend = async {
        let (pid, key) = waiting(&house).await;
        let answer = house.client().send(&ask(500).key(&key)).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        pid
    };
    let (done, pid) = tokio::join!(house.gateway.command(&WAITS), spend);
    assert_eq!(done.code, Some(137), "{done:?}");
    assert!(done.stderr.contains("killed by the gateway"), "{done:?}");
    assert!(is_gone(&pid));
    // With nothing left, none begins anew.
    let (_, key) = begin(&house, None).await;
    let refused = house.client().send(&ask(1).key(&key)).await;
    assert_eq!(refused.header("x-tollgate-reason"), Some("cut_off"));
}

#[tokio::test]
async fn a_tree_that_outlives_its_gateway_obeys_the_next_one() {
    let mut house = House::with("", &[FIRST_KEY]).await;
    // The port has to stay the same, as it does in real life.
    let address = house.gateway.url().trim_start_matches("http://").to_owned();
    let file = house.gateway.home().join("tollgate.toml");
    let config = std::fs::read_to_string(file).unwrap();
    house
        .gateway
        .write_config(config.replace("127.0.0.1:0", &address));
    house.gateway.kill9().await;
    house.gateway.restart().await;
    let home = house.gateway.home().to_owned();
    let mut command = tokio::process::Command::new(crate::house::program());
    let running = command
        .args(WAITS)
        .env("TOLLGATE_HOME", &home)
        .current_dir(&home)
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output();
    let running = tokio::spawn(running);
    let (pid, key) = waiting(&house).await;
    house.gateway.kill9().await;
    house.gateway.restart().await;
    let answered = within("the key to open again", async {
        loop {
            let answer = house.client().send(&ask(9).key(&key)).await;
            match answer.status() {
                401 => tokio::task::yield_now().await,
                _ => return answer,
            }
        }
    });
    assert_eq!(answered.await.status(), 200);
    assert!(!is_gone(&pid));
    let cut = ["cutoff", "tester", "--kill"];
    self::command(&house, &cut).await;
    let done = within("its end", running).await.unwrap().unwrap();
    assert_eq!(done.status.code(), Some(137), "{done:?}");
    assert!(is_gone(&pid));
}

#[tokio::test]
async fn what_a_run_has_used_is_not_forgotten_with_the_gateway() {
    let per_run = "[[agents.tester.budget]]\ntokens = 2000\nper = \"run\"\nceiling = true\n";
    let mut house = House::with(per_run, &[FIRST_KEY]).await;
    house.openai.otherwise(Script::Text { words: 600 });
    let (own, own_key) = begin(&house, Some(1000)).await;
    let (agents, agents_key) = begin(&house, None).await;
    for key in [&own_key, &agents_key] {
        let answer = house.client().send(&ask(700).key(key)).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
    }
    house.gateway.kill9().await;
    house.gateway.restart().await;
    for (run, key, budget, too_much) in [
        (&own, &own_key, Some(1000), 300),
        (&agents, &agents_key, None, 1300),
    ] {
        let wanted = json!({"agent": "tester", "budget": budget, "command": "sh",
            "resume": {"run": run, "key": key}});
        let resumed = post(&house, "/control/runs", &wanted).await;
        assert_eq!(resumed.status(), 201, "{}", resumed.text());
        assert_eq!(resumed.json()["run"], *run);
        let refused = house.client().send(&ask(too_much).key(key)).await;
        assert_eq!(refused.status(), 429, "{}", refused.text());
        let twice = post(&house, "/control/runs", &wanted).await;
        assert_eq!(twice.status(), 400, "{}", twice.text());
    }
    for (run, key) in [("run_7", &own_key), (&*own, &"short".to_owned())] {
        let wanted = json!({"agent": "tester", "command": "sh",
            "resume": {"run": run, "key": key}});
        let refused = post(&house, "/control/runs", &wanted).await;
        assert_eq!(refused.status(), 400, "{}", refused.text());
    }
}

#[tokio::test]
async fn kill_ends_a_running_tree() {
    let house = House::open().await;
    let kill = async {
        let (pid, _) = waiting(&house).await;
        let cut = ["cutoff", "tester", "--kill", "--json"];
        let report: Value = serde_json::from_str(&command(&house, &cut).await).unwrap();
        assert_eq!(report["runs"], 1, "{report}");
        pid
    };
    let (done, pid) = tokio::join!(house.gateway.command(&WAITS), kill);
    assert_eq!(done.code, Some(137), "{done:?}");
    assert!(done.stderr.contains("killed by the gateway"), "{done:?}");
    assert!(is_gone(&pid));
}

#[tokio::test]
async fn freeze_and_undo_reach_every_run_of_the_agent() {
    let house = House::open().await;
    let (one, _) = begin(&house, None).await;
    let (two, _) = begin(&house, None).await;
    let mut all = [orders(&house, &one).await, orders(&house, &two).await];
    let said = command(&house, &["cutoff", "tester", "--freeze"]).await;
    assert!(said.contains("2 of its runs"), "{said}");
    for orders in &mut all {
        assert_eq!(orders.next().await, "freeze");
    }
    command(&house, &["cutoff", "tester", "--undo"]).await;
    for orders in &mut all {
        assert_eq!(orders.next().await, "thaw");
    }
    // Who was killed stays killed.
    command(&house, &["cutoff", "tester", "--kill"]).await;
    assert_eq!(all[0].next().await, "kill");
    let undone = command(&house, &["cutoff", "tester", "--undo", "--json"]).await;
    assert!(
        undone.contains("\"runs\":2") || undone.contains("\"runs\": 2"),
        "{undone}"
    );
}

#[tokio::test]
async fn a_budget_that_is_used_up_freezes_runs_until_it_is_raised() {
    let budget = "[[agents.tester.budget]]\ntokens = 1000\nshutdown = \"freeze\"\n";
    let house = House::with(budget, &[FIRST_KEY]).await;
    // More than was asked for: the truth is booked all the same.
    house.openai.otherwise(Script::Text { words: 1100 });
    let (run, key) = begin(&house, None).await;
    let (idle, _) = begin(&house, None).await;
    let mut all = [orders(&house, &run).await, orders(&house, &idle).await];
    let answer = house.client().send(&ask(500).key(&key)).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    for orders in &mut all {
        assert_eq!(orders.next().await, "freeze");
    }
    command(&house, &["budget", "set", "tester", "9000"]).await;
    for orders in &mut all {
        assert_eq!(orders.next().await, "thaw");
    }
}

#[tokio::test]
async fn connections_for_orders_do_not_hold_a_drain_up() {
    let mut house = House::open().await;
    let (run, _) = begin(&house, None).await;
    let mut orders = orders(&house, &run).await;
    house.gateway.sigterm().await;
    assert_eq!(orders.line().await, None);
}
