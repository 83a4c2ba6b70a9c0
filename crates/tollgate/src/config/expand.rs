//! `${VAR}` inside a string of the configuration.

/// A string with its variables filled in.
pub(crate) struct Expanded {
    pub(crate) text: String,
    /// True where at least one variable stood in it.
    pub(crate) expanded: bool,
}

/// Why a string can't be filled in. Never holds a value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unexpanded {
    /// The environment has no such variable.
    Unset(String),
    /// `${` without `}`, or a name that no variable has.
    Malformed,
}

/// Fills in `${VAR}`; `$${` writes `${`. What a variable brings in is not
/// looked at again, so that a value can't name another variable.
pub(crate) fn expand(
    text: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Expanded, Vec<Unexpanded>> {
    let mut out = String::with_capacity(text.len());
    let mut expanded = false;
    let mut faults = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        if let Some(escaped) = before.strip_suffix('$') {
            out.push_str(escaped);
            out.push_str("${");
            rest = from.get(2..).unwrap_or_default();
            continue;
        }
        out.push_str(before);
        let inner = from.get(2..).unwrap_or_default();
        let name = inner.split_once('}').filter(|(name, _)| is_name(name));
        let Some((name, after)) = name else {
            faults.push(Unexpanded::Malformed);
            rest = inner;
            continue;
        };
        expanded = true;
        match variable(name) {
            Some(value) => out.push_str(&value),
            None => faults.push(Unexpanded::Unset(name.to_owned())),
        }
        rest = after;
    }
    out.push_str(rest);
    match faults.is_empty() {
        true => Ok(Expanded {
            text: out,
            expanded,
        }),
        false => Err(faults),
    }
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    let first = bytes.next();
    first.is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && name.len() <= 128
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<(String, bool), Vec<Unexpanded>> {
        let variable = |name: &str| match name {
            "A" => Some("1".to_owned()),
            "LOOP" => Some("${A}".to_owned()),
            _ => None,
        };
        expand(text, &variable).map(|made| (made.text, made.expanded))
    }

    #[test]
    fn variables_are_filled_in_once() {
        assert_eq!(filled("x${A}y${A}"), Ok(("x1y1".into(), true)));
        assert_eq!(filled("${LOOP}"), Ok(("${A}".into(), true)));
        assert_eq!(filled("$A {A} $"), Ok(("$A {A} $".into(), false)));
        assert_eq!(filled("$${A}"), Ok(("${A}".into(), false)));
    }

    #[test]
    fn every_fault_of_a_string_is_found() {
        assert_eq!(
            filled("${NO} ${} ${B"),
            Err(vec![
                Unexpanded::Unset("NO".into()),
                Unexpanded::Malformed,
                Unexpanded::Malformed
            ])
        );
    }
}
