//! Action types: what a caller says that it means to do.

use tollgate_types::Tier;

/// The tier of a named action; `None` for a name that is not known. `object`
/// is what it is done to: formatting a disk is not formatting code.
pub fn action_tier(action: &str, object: &str) -> Option<Tier> {
    let lower = action.trim().to_ascii_lowercase().replace(['-', ' '], "_");
    Some(match lower.as_str() {
        "read" | "search" | "list" | "query" | "check" | "status" | "log" | "diff" => Tier::Safe,
        "format" if is_disk(object) => Tier::Critical,
        "write" | "edit" | "patch" | "create" | "delete" | "move" | "copy" | "mkdir" | "script"
        | "test" | "lint" | "format" => Tier::Low,
        "message" | "send" | "api_call" | "webhook" | "email" | "notify" | "commit" | "push"
        | "branch" | "pr" | "install" => Tier::Medium,
        "deploy" | "config" | "crypto" | "key" | "secret" | "credential" | "auth"
        | "permission" | "firewall" | "network" | "database" | "migration" | "systemd" => {
            Tier::High
        }
        "crisis" | "suicide" | "kill" | "destroy" | "wipe" | "nuke" | "self_modify" => {
            Tier::Critical
        }
        _ => return None,
    })
}

fn is_disk(object: &str) -> bool {
    let lower = object.to_ascii_lowercase();
    let words = [
        "disk",
        "drive",
        "device",
        "partition",
        "volume",
        "filesystem",
        "mkfs",
    ];
    lower.contains("/dev/")
        || lower.contains("file system")
        || words.iter().any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_type_has_its_tier() {
        let table = [
            (Tier::Safe, "read search list query check status log diff"),
            (
                Tier::Low,
                "write edit patch create delete move copy mkdir script test lint format",
            ),
            (
                Tier::Medium,
                "message send api_call webhook email notify commit push branch pr install",
            ),
            (
                Tier::High,
                "deploy config crypto key secret credential auth permission firewall network database migration systemd",
            ),
            (
                Tier::Critical,
                "crisis suicide kill destroy wipe nuke self_modify",
            ),
        ];
        for (tier, names) in table {
            for name in names.split(' ') {
                assert_eq!(action_tier(name, ""), Some(tier), "{name}");
            }
        }
    }

    #[test]
    fn formatting_a_device_is_not_formatting_code() {
        assert_eq!(action_tier("format", "src/main.rs"), Some(Tier::Low));
        assert_eq!(action_tier("format", "/dev/sda1"), Some(Tier::Critical));
        assert_eq!(
            action_tier("format", "the file system"),
            Some(Tier::Critical)
        );
    }

    #[test]
    fn an_action_that_is_not_known_has_no_tier() {
        assert_eq!(action_tier("frobnicate", ""), None);
    }
}
