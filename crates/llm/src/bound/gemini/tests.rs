use super::super::Beyond;
use super::beyond;

fn of(members: &str) -> Beyond {
    beyond(format!(r#"{{"contents":[]{members}}}"#).as_bytes())
}

#[test]
fn text_functions_and_pictures_have_their_bound_in_the_body() {
    for members in [
        "",
        r#","tools":[{"functionDeclarations":[{"name":"googleSearch"}]},{"function_declarations":[]}]"#,
        r#","x":{"inlineData":{"mimeType" : "image/png","data":"AAAA"}}"#,
        r#","x":"say \"fileUri\" and \"mimeType\": \"video/mp4\"""#,
        r#","generationConfig":{"responseMimeType":"application/json"}"#,
    ] {
        assert_eq!(of(members), Beyond::Nothing, "{members}");
    }
}

#[test]
fn files_caches_and_films_may_fill_the_window() {
    for members in [
        r#","x":{"fileData":{"fileUri":"https://x"}}"#,
        r#","x":{"file_data":{"file_uri":"https://x"}}"#,
        r#","cachedContent":"cachedContents/1""#,
        r#","x":{"inlineData":{"mimeType":"video/mp4","data":"AAAA"}}"#,
        r#","x":{"inline_data":{"mime_type":"Image/png","data":"AAAA"}},"y":"image/""#,
        r#","x":{"inlineData":{"mimeType":"application/pdf","data":"AAAA"}}"#,
    ] {
        assert_eq!(of(members), Beyond::Window, "{members}");
    }
}

/// Attack: a tool that the provider runs, beside functions or misspelt.
#[test]
fn what_the_provider_runs_has_no_bound() {
    for members in [
        r#","tools":[{"googleSearch":{}}]"#,
        r#","tools":[{"google_search":{}}]"#,
        r#","tools":[{"functionDeclarations":[],"codeExecution":{}}]"#,
        r#","tools":[{"urlContext":{}}]"#,
        r#","tools":[{"toolOfTomorrow":{}}]"#,
        r#","tools":{"googleSearch":{}}"#,
        r#","tools":[],"tools":[{"googleSearch":{}}]"#,
    ] {
        assert!(matches!(of(members), Beyond::Unbounded(_)), "{members}");
    }
}
