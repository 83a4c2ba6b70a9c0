use std::os::unix::fs::PermissionsExt;

use tollgate_approvals::{Ask, Security};
use tollgate_command::{Setting, judge, needs};

use super::*;

fn main() -> AgentName {
    AgentName::new("main").unwrap()
}

fn socket() -> SocketEntry {
    SocketEntry {
        path: "exec-approvals.sock".into(),
        token: "tgr-test".into(),
    }
}

struct Place {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Place {
    fn with(text: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("exec-approvals.json");
        if let Some(text) = text {
            write_private(&path, text.as_bytes()).unwrap();
        }
        Self {
            _folder: folder,
            path,
        }
    }

    fn open(&self) -> Rulebook {
        let (book, fault) = Rulebook::open(self.path.clone(), socket());
        assert!(fault.is_none(), "{fault:?}");
        book
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.path).unwrap()
    }
}

fn rule(id: &str, pattern: &str, binary: &str) -> Rule {
    Rule {
        id: id.into(),
        pattern: pattern.into(),
        resolved_path: Some(binary.into()),
        ..Rule::default()
    }
}

/// Whether the rules cover a command whose programs are all in `/usr/bin`.
fn covers(book: &Rulebook, command: &str) -> Vec<(String, String)> {
    let verdict = judge(command, &Setting::default());
    let evidence: Vec<_> = needs(&verdict)
        .into_iter()
        .filter(|need| need.role == tollgate_command::Role::Binary)
        .map(|need| Evidence {
            step: need.step,
            role: need.role,
            path: format!("/usr/bin/{}", need.file),
            sha256: None,
        })
        .collect();
    book.standing(&main());
    book.covers(&main(), &verdict, &evidence, true)
}

#[test]
fn a_file_that_is_not_there_is_made_private_with_the_defaults() {
    let place = Place::with(None);
    let book = place.open();
    let standing = book.standing(&main());
    assert_eq!(
        (standing.security, standing.ask),
        (Security::Allowlist, Ask::OnMiss)
    );
    let mode = place.path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    assert!(place.text().contains("\"token\": \"tgr-test\""));
}

#[test]
fn a_change_is_in_force_at_once_and_a_broken_one_leaves_the_last_good_one() {
    let place = Place::with(None);
    let book = place.open();
    let write = |text: &str| write_private(&place.path, text.as_bytes()).unwrap();
    write(r#"{"version":1,"defaults":{"security":"full"}}"#);
    assert_eq!(book.standing(&main()).security, Security::Full);
    assert_eq!(book.fault(), None);
    for (broken, expected) in [
        ("{\"version\":1,", "line 1: EOF"),
        (
            "{\"version\":1,\"defaults\":{\"security\":\"fool\"}}",
            "unknown variant `fool`",
        ),
        (
            r#"{"version":1,"agents":{"main":{"allowlist":[{"id":"1","pattern":"bash *"}]}}}"#,
            "agents.main.allowlist[0]: pattern `bash *` would allow everything",
        ),
    ] {
        write(broken);
        assert_eq!(book.standing(&main()).security, Security::Full);
        let fault = book.fault().unwrap();
        assert!(fault.contains(expected), "{fault}");
        // What a person has to mend is not written over.
        assert!(
            book.remember(&main(), &[rule("1", "git status", "/usr/bin/git")])
                .is_err()
        );
        assert_eq!(place.text(), broken);
    }
    write(r#"{"version":1,"defaults":{"security":"deny"}}"#);
    assert_eq!(book.standing(&main()).security, Security::Deny);
    assert_eq!(book.fault(), None);
}

#[test]
fn a_file_that_never_was_good_allows_nothing() {
    let place = Place::with(Some("not json"));
    let (book, fault) = Rulebook::open(place.path.clone(), socket());
    assert!(fault.unwrap().to_string().contains("line 1"));
    assert_eq!(book.standing(&main()).security, Security::Deny);
    assert_eq!(place.text(), "not json");
    write_private(&place.path, br#"{"version":1}"#).unwrap();
    assert_eq!(book.standing(&main()).security, Security::Allowlist);
}

#[test]
fn looser_modes_are_refused_with_the_command_that_mends_them() {
    let place = Place::with(Some(r#"{"version":1}"#));
    let loose = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(&place.path, loose).unwrap();
    let (book, fault) = Rulebook::open(place.path.clone(), socket());
    let fault = fault.unwrap().to_string();
    assert!(fault.contains("run `chmod 600"), "{fault}");
    assert_eq!(book.standing(&main()).security, Security::Deny);
}

#[test]
fn rules_are_kept_and_taken_back_and_edits_by_hand_stay() {
    let place = Place::with(None);
    let book = place.open();
    assert!(covers(&book, "git status").is_empty());
    let kept = rule("r1", "git status", "/usr/bin/git");
    book.remember(&main(), std::slice::from_ref(&kept)).unwrap();
    assert_eq!(
        covers(&book, "git status"),
        [("r1".to_owned(), "git status".to_owned())]
    );
    assert!(covers(&book, "git push").is_empty());
    // An edit by hand, not yet looked at, survives the next rule.
    let edited = place.text().replace("\"on-miss\"", "\"always\"");
    write_private(&place.path, edited.as_bytes()).unwrap();
    book.remember(&main(), &[rule("r2", "git push", "/usr/bin/git")])
        .unwrap();
    assert_eq!(book.standing(&main()).ask, Ask::Always);
    assert_eq!(covers(&book, "git push").len(), 1);
    // The same words are not kept twice.
    book.remember(&main(), &[rule("r3", "git push", "/usr/bin/git")])
        .unwrap();
    assert_eq!(place.text().matches("\"git push\"").count(), 1);
    book.forget(&main(), &[kept]).unwrap();
    assert!(covers(&book, "git status").is_empty());
}

#[test]
fn when_a_rule_was_used_is_written_back() {
    let place = Place::with(Some(
        r#"{"version":1,"agents":{"main":{"allowlist":[{"pattern":"touch a"}]}}}"#,
    ));
    let book = place.open();
    let used = covers(&book, "touch a");
    assert_eq!(used.len(), 1, "a rule by hand is about the usual folders");
    assert!(!used[0].0.is_empty(), "and has a name");
    book.used(&main(), &used, UnixMillis(1_709_823_456_789));
    book.write_used().unwrap();
    assert!(place.text().contains("\"lastUsedAt\": 1709823456789"));
    assert_eq!(place.text().matches("tgr-test").count(), 1);
}
