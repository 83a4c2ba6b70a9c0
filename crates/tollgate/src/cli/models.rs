use tollgate_api::ModelReport;

use super::failure::Failure;
use super::gateway;
use super::listing::{Column, grouped, listing};
use super::screen::{Paint, Screen};
use crate::config::Surroundings;
use crate::paths::Paths;

/// What `models` takes.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List names that can be asked for
    List {
        /// Ask the providers what they serve now
        #[arg(long)]
        live: bool,
        /// Only those of this provider
        #[arg(long, value_name = "ID")]
        provider: Option<String>,
        /// An array of JSON objects
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(
    command: &Command,
    paths: &Paths,
    surroundings: &dyn Surroundings,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let Command::List {
        live,
        provider,
        json,
    } = command;
    let path = path(*live, provider.as_deref());
    let models: Vec<ModelReport> = gateway::talk(paths, surroundings, async |client| {
        Ok(client.get(&path).await?)
    })?;
    screen.either(*json, &models, |paint| match live {
        true => render_live(&models, paint),
        false => render(&models, paint),
    })
}

fn path(live: bool, provider: Option<&str>) -> String {
    let mut query = Vec::new();
    if live {
        query.push("live=1".to_owned());
    }
    if let Some(provider) = provider {
        query.push(format!("provider={}", encoded(provider)));
    }
    match query.is_empty() {
        true => "/control/models".to_owned(),
        false => format!("/control/models?{}", query.join("&")),
    }
}

/// As RFC 3986 wants it: an id is a plain word, a slip may be anything.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

fn render(models: &[ModelReport], paint: Paint) -> String {
    use Column::{Left, Right};
    let rows: Vec<[String; 8]> = models
        .iter()
        .map(|model| {
            let [window, output, input_price, output_price] = facts(model);
            [
                model.id.clone(),
                model.kind.clone(),
                or_none(&model.provider),
                or_none(&model.target),
                window,
                output,
                input_price,
                output_price,
            ]
        })
        .collect();
    let columns = [
        Left("MODEL"),
        Left("KIND"),
        Left("PROVIDER"),
        Left("STANDS FOR"),
        Right("WINDOW"),
        Right("MAX OUTPUT"),
        Right("$/M IN"),
        Right("$/M OUT"),
    ];
    listing(columns, &rows, "no models", paint)
}

fn render_live(models: &[ModelReport], paint: Paint) -> String {
    use Column::{Left, Right, State};
    let rows: Vec<[String; 9]> = models
        .iter()
        .map(|model| {
            let [window, output, input_price, output_price] = facts(model);
            [
                model.id.clone(),
                or_none(&model.provider),
                or_none(&model.live),
                model.probe_ms.map_or_else(nothing, |ms| format!("{ms} ms")),
                window,
                output,
                input_price,
                output_price,
                model.error.clone().unwrap_or_default(),
            ]
        })
        .collect();
    let columns = [
        Left("MODEL"),
        Left("PROVIDER"),
        State("LIVE"),
        Right("TOOK"),
        Right("WINDOW"),
        Right("MAX OUTPUT"),
        Right("$/M IN"),
        Right("$/M OUT"),
        Left("ERROR"),
    ];
    listing(columns, &rows, "no models", paint)
}

fn facts(model: &ModelReport) -> [String; 4] {
    let tokens = |count: Option<u64>| count.map_or_else(nothing, grouped);
    let price = |price: Option<f64>| price.map_or_else(nothing, |price| format!("{price}"));
    [
        tokens(model.context_window),
        tokens(model.max_output),
        price(model.input_usd_per_million),
        price(model.output_usd_per_million),
    ]
}

fn or_none(text: &Option<String>) -> String {
    text.clone().unwrap_or_else(nothing)
}

fn nothing() -> String {
    "-".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn models() -> [ModelReport; 3] {
        let mini = ModelReport {
            id: "fast".into(),
            kind: "alias".into(),
            provider: Some("openai".into()),
            target: Some("gpt-4o-mini".into()),
            context_window: Some(128_000),
            max_output: Some(16_384),
            input_usd_per_million: Some(0.15),
            output_usd_per_million: Some(0.6),
            live: Some("served".into()),
            probe_ms: Some(212),
            error: None,
        };
        let pattern = ModelReport {
            id: "gpt-*".into(),
            kind: "pattern".into(),
            provider: Some("openai".into()),
            ..ModelReport::default()
        };
        let silent = ModelReport {
            id: "anthropic".into(),
            kind: "provider".into(),
            provider: Some("anthropic".into()),
            live: Some("failed".into()),
            probe_ms: Some(10_000),
            error: Some("no answer in 10 s".into()),
            ..ModelReport::default()
        };
        [mini, pattern, silent]
    }

    #[test]
    fn models_are_listed_with_what_they_stand_for() {
        insta::assert_snapshot!(render(&models()[..2], Paint(false)));
    }

    #[test]
    fn what_providers_say_now_stands_beside() {
        insta::assert_snapshot!(render_live(&models(), Paint(false)));
    }

    #[test]
    fn a_slip_in_the_provider_stays_in_its_place() {
        assert_eq!(path(false, None), "/control/models");
        assert_eq!(
            path(true, Some("a b&live=0")),
            "/control/models?live=1&provider=a%20b%26live%3D0"
        );
    }
}
