use tollgate_api::ModelReport;

use super::failure::Failure;
use super::gateway;
use super::listing::{Column, listing};
use super::screen::{Paint, Screen};
use crate::config::Surroundings;
use crate::paths::Paths;

/// What `models` takes.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List names that can be asked for
    List {
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
    let Command::List { provider, json } = command;
    let mut models: Vec<ModelReport> = gateway::talk(paths, surroundings, async |client| {
        Ok(client.get("/control/models").await?)
    })?;
    if let Some(provider) = provider {
        models.retain(|model| model.provider.as_deref() == Some(provider));
    }
    screen.either(*json, &models, |paint| render(&models, paint))
}

fn render(models: &[ModelReport], paint: Paint) -> String {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let rows: Vec<[String; 4]> = models
        .iter()
        .map(|model| {
            [
                model.id.clone(),
                model.kind.clone(),
                or_none(&model.provider),
                or_none(&model.target),
            ]
        })
        .collect();
    let columns = [
        Column::Left("MODEL"),
        Column::Left("KIND"),
        Column::Left("PROVIDER"),
        Column::Left("STANDS FOR"),
    ];
    listing(columns, &rows, "no models", paint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_listed_with_what_they_stand_for() {
        let models = [
            ModelReport {
                id: "fast".into(),
                kind: "alias".into(),
                provider: None,
                target: Some("openai/gpt-4o-mini".into()),
            },
            ModelReport {
                id: "gpt-*".into(),
                kind: "pattern".into(),
                provider: Some("openai".into()),
                target: None,
            },
        ];
        insta::assert_snapshot!(render(&models, Paint(false)));
    }
}
