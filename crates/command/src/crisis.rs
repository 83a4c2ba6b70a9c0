//! A person at risk. Only text that a person wrote is read this way; a command
//! that searches for such words is a search.

/// Where help is: name of the field, what it says.
pub const RESOURCES: [(&str, &str); 3] = [
    (
        "lifeline",
        "988 Suicide & Crisis Lifeline (call or text 988)",
    ),
    ("crisis_text", "Crisis Text Line (text HOME to 741741)"),
    ("emergency", "911"),
];

/// Whether a message says that its writer is at risk, or asks for a way to die.
pub fn is_crisis(message: &str) -> bool {
    let text = plain(message);
    SAYINGS.iter().any(|saying| phrase(&text, saying)) || asks(&text)
}

/// Sayings, apostrophes and punctuation taken out. `*` stands for up to three
/// words.
const SAYINGS: &[&str] = &[
    "kill myself",
    "killing myself",
    "end my life",
    "ending my life",
    "end my own life",
    "take my own life",
    "taking my own life",
    "take my life",
    "i am suicidal",
    "im suicidal",
    "i feel suicidal",
    "feeling suicidal",
    "been suicidal",
    "suicidal thoughts",
    "thoughts of suicide",
    "commit suicide",
    "thinking about suicide",
    "thinking of suicide",
    "contemplating suicide",
    "considering suicide",
    "i want to die",
    "i wanna die",
    "want to be dead",
    "i wish to die",
    "i wish i was dead",
    "i wish i were dead",
    "wish to be dead",
    "wish i were never born",
    "wish i was never born",
    "better off dead",
    "better off without me",
    "no reason to live",
    "no reason to keep living",
    "nothing to live for",
    "dont want to live",
    "do not want to live",
    "dont want to be alive",
    "do not want to be alive",
    "dont want to wake up",
    "do not want to wake up",
    "cant go on living",
    "want to end it all",
    "going to end it all",
    "end it all",
    "want to end it",
    "wanna end it",
    "ready to end it",
    "tired of living",
    "tired of being alive",
    "hurt myself",
    "harm myself",
    "cut myself",
    "cutting myself",
    "hang myself",
    "shoot myself",
    "drown myself",
    "overdose on",
    "life is not worth living",
    "life isnt worth living",
    "not worth living",
    "want to disappear forever",
    "ready to die",
    "i should be dead",
    "i should just die",
    "plan to die",
    "going to kill me myself",
    "self harm",
];

fn asks(text: &str) -> bool {
    let ways = [
        "kill yourself",
        "kill oneself",
        "kill myself",
        "hang myself",
        "hang yourself",
        "hang oneself",
        "cut myself",
        "overdose",
        "commit suicide",
        "die painlessly",
        "painlessly die",
        "slit my wrists",
        "slit your wrists",
        "end my life",
        "die quickly",
        "kill me",
        "cut yourself",
        "cut oneself",
    ];
    let asks = [
        "how to",
        "how do i",
        "how can i",
        "how would i",
        "how many",
        "best way to",
        "easiest way to",
        "ways to",
        "way to",
        "how should i",
    ];
    let methods = [
        "suicide method",
        "suicide methods",
        "methods of suicide",
        "method of suicide",
        "methods of dying",
        "ways of dying",
        "ways to die",
        "way to die",
        "methods to die",
        "methods for suicide",
        "how to die",
        "painless death",
        "painless way to",
    ];
    methods.iter().any(|method| phrase(text, method))
        || asks.iter().any(|ask| phrase(text, ask)) && ways.iter().any(|way| phrase(text, way))
}

/// Lower case, words and single spaces only, so that layout hides nothing.
fn plain(message: &str) -> String {
    let mut text = String::from(" ");
    for character in message.chars().take(64 * 1024) {
        match character {
            '\'' | '’' | '‘' | '`' | '\u{200b}'..='\u{200f}' | '\u{feff}' => {}
            one if one.is_alphanumeric() => text.extend(one.to_lowercase()),
            _ if text.ends_with(' ') => {}
            _ => text.push(' '),
        }
    }
    text.push(' ');
    text
}

fn phrase(text: &str, phrase: &str) -> bool {
    text.match_indices(phrase).any(|(at, _)| {
        text[..at].ends_with(' ')
            && text[at + phrase.len()..].starts_with(' ')
            && !idiom(text, at + phrase.len())
    })
}

/// "I want to die laughing", "end it all with a semicolon".
fn idiom(text: &str, end: usize) -> bool {
    let next = text[end..].trim_start();
    [
        "laughing",
        "of laughter",
        "of embarrassment",
        "the process",
        "the loop",
        "of boredom",
        "the script",
        "it with",
        "prevention",
        "hotline",
        "helpline",
    ]
    .iter()
    .any(|word| next.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_at_risk_is_heard() {
        for message in [
            "I want to kill myself",
            "i'm going to END MY LIFE tonight",
            "I want to die.",
            "I just want to end it all",
            "I am suicidal",
            "I'm   suicidal",
            "there is no reason to live",
            "everyone would be better off dead... me first",
            "I wish I was dead",
            "how do I overdose on pills?",
            "how to hang yourself",
            "best way to kill myself",
            "methods of suicide",
            "what are painless ways to die",
            "how can i cut myself",
        ] {
            assert!(is_crisis(message), "{message}");
        }
    }

    #[test]
    fn everyday_talk_is_not_a_crisis() {
        for message in [
            "please kill the process on port 3000",
            "how do I kill a zombie process",
            "the server keeps dying",
            "I will cut the release branch",
            "let us end it here and commit",
            "the loop should end it",
            "deadline is killing me",
            "I want to diet",
            "hang on a second",
            "I nearly wanted to die laughing",
            "",
        ] {
            assert!(!is_crisis(message), "{message}");
        }
    }
}
