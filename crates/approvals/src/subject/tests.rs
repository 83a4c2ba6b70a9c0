use proptest::prelude::*;

use super::*;

fn command() -> Command {
    Command {
        words: Words::Plan(vec![vec!["rm".into(), "-rf".into(), "./build".into()]]),
        folder: Folder {
            path: "/w".into(),
            device: 1,
            inode: 2,
        },
        environment: [("A".to_owned(), Some("1".to_owned()))].into(),
        files: vec![file(Role::Binary, "/usr/bin/rm")],
        place: "gateway".into(),
        lacks: Vec::new(),
        agent: AgentName::new("main").unwrap(),
        requester: "uid 1000".into(),
        policy_version: "none".into(),
        config_version: 1,
    }
}

fn file(role: Role, path: &str) -> SubjectFile {
    SubjectFile {
        role,
        path: path.into(),
        sha256: Digest::of(path.as_bytes()),
        device: 3,
        inode: 4,
    }
}

fn digest(command: &Command) -> Digest {
    Subject::Command(command.clone()).digest()
}

#[test]
fn the_bytes_are_those_that_are_documented() {
    let mut expected = b"tollgate-subject\n\x01\x01\x01".to_vec();
    let text = |out: &mut Vec<u8>, text: &str| {
        out.extend_from_slice(&u32::try_from(text.len()).unwrap().to_be_bytes());
        out.extend_from_slice(text.as_bytes());
    };
    expected.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 3]);
    for word in ["rm", "-rf", "./build", "/w"] {
        text(&mut expected, word);
    }
    expected.extend_from_slice(&1_u64.to_be_bytes());
    expected.extend_from_slice(&2_u64.to_be_bytes());
    expected.extend_from_slice(&[0, 0, 0, 1]);
    text(&mut expected, "A");
    expected.push(1);
    text(&mut expected, "1");
    expected.extend_from_slice(&[0, 0, 0, 1, 1]);
    text(&mut expected, "/usr/bin/rm");
    expected.extend_from_slice(Digest::of(b"/usr/bin/rm").as_bytes());
    expected.extend_from_slice(&3_u64.to_be_bytes());
    expected.extend_from_slice(&4_u64.to_be_bytes());
    text(&mut expected, "gateway");
    expected.extend_from_slice(&[0; 4]);
    for word in ["main", "uid 1000", "none"] {
        text(&mut expected, word);
    }
    expected.extend_from_slice(&1_u64.to_be_bytes());
    assert_eq!(Subject::Command(command()).encode(), expected);
}

#[test]
fn whatever_could_change_what_happens_changes_the_digest() {
    type Change = fn(&mut Command);
    let changes: &[Change] = &[
        |it| it.words = Words::Plan(vec![vec!["rm".into(), "-rf ./build".into()]]),
        |it| {
            it.words = Words::Plan(vec![
                vec!["rm".into()],
                vec!["-rf".into(), "./build".into()],
            ]);
        },
        |it| it.words = Words::Text("rm -rf ./build".into()),
        |it| it.folder.path = "/x".into(),
        |it| it.folder.inode = 9,
        |it| it.folder.device = 9,
        |it| it.environment = [("A".to_owned(), None)].into(),
        |it| it.environment = [("A".to_owned(), Some(String::new()))].into(),
        |it| it.environment.clear(),
        |it| it.files.clear(),
        |it| it.files[0].sha256 = Digest::of(b"other"),
        |it| it.files[0].inode = 9,
        |it| it.files[0].device = 9,
        |it| it.files[0].path.push('x'),
        |it| it.files[0].role = Role::Script,
        |it| it.place = "sandbox:bubblewrap".into(),
        |it| it.lacks.push("seccomp".into()),
        |it| it.agent = AgentName::new("other").unwrap(),
        |it| it.requester = "uid 0".into(),
        |it| it.policy_version = "0123456789ab".into(),
        |it| it.config_version = 2,
    ];
    let mut seen = vec![digest(&command())];
    for change in changes {
        let mut changed = command();
        change(&mut changed);
        let digest = digest(&changed);
        assert!(!seen.contains(&digest), "{changed:?}");
        seen.push(digest);
    }
}

#[test]
fn the_order_in_which_files_were_found_does_not_count() {
    let (mut one, mut two) = (command(), command());
    let (script, binary) = (
        file(Role::Script, "/w/a"),
        file(Role::Binary, "/usr/bin/sh"),
    );
    one.files = vec![script.clone(), binary.clone(), script.clone()];
    two.files = vec![binary, script];
    assert_eq!(digest(&one), digest(&two));
    one.sort_files();
    two.sort_files();
    assert_eq!(one, two);
}

#[test]
fn what_no_process_could_be_given_is_no_subject() {
    type Change = fn(&mut Command);
    let changes: &[(Change, &str)] = &[
        (|it| it.words = Words::Plan(vec![]), "empty"),
        (|it| it.words = Words::Plan(vec![vec![]]), "empty"),
        (
            |it| it.words = Words::Plan(vec![vec![String::new()]]),
            "empty",
        ),
        (|it| it.words = Words::Text(" \n".into()), "empty"),
        (|it| it.words = Words::Text("a\0b".into()), "NUL"),
        (|it| it.words = Words::Text("x".repeat(16_385)), "16384"),
        (
            |it| it.words = Words::Plan(vec![vec!["a".into(), "b\0".into()]]),
            "NUL",
        ),
        (
            |it| it.words = Words::Plan(vec![vec!["a".into(); 4097]]),
            "4096",
        ),
        (|it| it.folder.path = "w".into(), "absolute"),
        (|it| it.files[0].path = "rm".into(), "absolute"),
        (
            |it| it.environment = [("A=B".to_owned(), None)].into(),
            "variable",
        ),
        (
            |it| it.environment = [(String::new(), None)].into(),
            "variable",
        ),
    ];
    assert_eq!(command().check(), Ok(()));
    for (change, part) in changes {
        let mut changed = command();
        change(&mut changed);
        let error = changed.check().unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

fn words() -> impl Strategy<Value = Words> {
    let word = "[a-c]{0,3}";
    prop_oneof![
        proptest::collection::vec(proptest::collection::vec(word, 0..4), 0..4)
            .prop_map(Words::Plan),
        "[a-c ]{0,8}".prop_map(Words::Text),
    ]
}

proptest! {
    #[test]
    fn two_commands_have_the_same_digest_only_where_they_are_the_same(
        one in words(), two in words(),
    ) {
        let of = |words: &Words| digest(&Command { words: words.clone(), ..command() });
        prop_assert_eq!(of(&one) == of(&two), one == two);
    }

    #[test]
    fn a_subject_passes_through_json(words in words()) {
        let subject = Subject::Command(Command { words, ..command() });
        let text = serde_json::to_string(&subject).unwrap();
        let back: Subject = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(back.digest(), subject.digest());
        prop_assert_eq!(back, subject);
    }
}

fn call() -> ModelCall {
    ModelCall {
        agent: AgentName::new("main").unwrap(),
        run: None,
        endpoint: "/v1/messages".into(),
        asked: "opus".into(),
        models: vec!["b/m".into(), "a/m".into()],
        body: Digest::of(b"{}"),
        size: 2,
        found: vec![("github-token".into(), "messages[0]".into())],
        rule: Some("a.star:1".into()),
        policy_version: "p".into(),
        config_version: 1,
    }
}

fn digest_of(change: impl FnOnce(&mut ModelCall)) -> Digest {
    let mut call = call();
    change(&mut call);
    Subject::ModelCall(call).digest()
}

#[test]
fn the_bytes_of_a_model_call_are_those_that_are_documented() {
    let mut expected = b"tollgate-subject\n\x01\x02".to_vec();
    let text = |out: &mut Vec<u8>, text: &str| {
        out.extend_from_slice(&u32::try_from(text.len()).unwrap().to_be_bytes());
        out.extend_from_slice(text.as_bytes());
    };
    text(&mut expected, "main");
    expected.push(0);
    text(&mut expected, "/v1/messages");
    text(&mut expected, "opus");
    expected.extend_from_slice(&[0, 0, 0, 2]);
    text(&mut expected, "a/m");
    text(&mut expected, "b/m");
    expected.extend_from_slice(Digest::of(b"{}").as_bytes());
    expected.extend_from_slice(&2_u64.to_be_bytes());
    expected.extend_from_slice(&[0, 0, 0, 1]);
    text(&mut expected, "github-token");
    text(&mut expected, "messages[0]");
    expected.push(1);
    text(&mut expected, "a.star:1");
    text(&mut expected, "p");
    expected.extend_from_slice(&1_u64.to_be_bytes());
    assert_eq!(Subject::ModelCall(call()).encode(), expected);
}

#[test]
fn whatever_changes_a_model_call_changes_its_digest_and_an_order_does_not() {
    let same = digest_of(|_| {});
    assert_eq!(digest_of(|it| it.models.reverse()), same);
    let changes: [fn(&mut ModelCall); 11] = [
        |it| it.agent = AgentName::new("other").unwrap(),
        |it| it.run = Some("run_1".into()),
        |it| it.endpoint.push('x'),
        |it| it.asked.push('x'),
        |it| it.models.truncate(1),
        |it| it.body = Digest::of(b"{ }"),
        |it| it.size = 3,
        |it| it.found.clear(),
        |it| it.rule = None,
        |it| it.policy_version = "q".into(),
        |it| it.config_version = 2,
    ];
    let mut seen = vec![same];
    for change in changes {
        let digest = digest_of(change);
        assert!(!seen.contains(&digest));
        seen.push(digest);
    }
}
