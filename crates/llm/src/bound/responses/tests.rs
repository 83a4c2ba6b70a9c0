use super::super::Beyond;
use super::beyond;

fn of(members: &str) -> Beyond {
    beyond(format!(r#"{{"model":"m","input":"x"{members}}}"#).as_bytes())
}

#[test]
fn what_the_client_runs_has_its_bound_in_the_body() {
    for members in [
        "",
        r#","tools":[{"type":"function","name":"f"},{"type":"custom","name":"web_search"}]"#,
        r#","tools":[{"type":"tool_search","execution":"client"},{"type":"namespace","tools":[{"type":"function"}]}]"#,
        r#","tools":null,"previous_response_id":null,"conversation":null"#,
        r#","instructions":"say \"item_reference\" and \"web_search\"""#,
    ] {
        assert_eq!(of(members), Beyond::Nothing, "{members}");
    }
}

#[test]
fn turns_that_the_provider_keeps_may_fill_the_window() {
    for members in [
        r#","previous_response_id":"resp_1""#,
        r#","conversation":{"id":"conv_1"}"#,
        r#","prompt":{"id":"pmpt_1"}"#,
        r#","input2":[{"type":"item_reference","id":"msg_1"}]"#,
        r#","input2":[{"type":"input_file","file_id":"file_1"}]"#,
    ] {
        assert_eq!(of(members), Beyond::Window, "{members}");
    }
}

/// Attack: a tool that the provider runs, hidden from whoever reads only the
/// tools that are known.
#[test]
fn what_the_provider_runs_has_no_bound() {
    for members in [
        r#","tools":[{"type":"web_search"}]"#,
        r#","tools":[{"type":"web\u005fsearch"}]"#,
        r#","tools":[{"type":"tool_search"}]"#,
        r#","tools":[{"type":"mcp"}]"#,
        r#","tools":[{"type":"tool_of_tomorrow"}]"#,
        r#","tools":[{"name":"f"}]"#,
        r#","tools":[{"type":"namespace","tools":[{"type":"file_search"}]}]"#,
        r#","tools":[{"type":"function","type":"web_search"}]"#,
        r#","tools":{"type":"function"}"#,
        r#","context_management":[{"type":"compaction"}]"#,
    ] {
        assert!(matches!(of(members), Beyond::Unbounded(_)), "{members}");
    }
}
