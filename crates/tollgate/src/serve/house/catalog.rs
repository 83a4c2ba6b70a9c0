use std::collections::HashSet;

use tollgate_api::ModelReport;
use tollgate_proxy::Snapshot;
use tollgate_routing::Ask;
use tollgate_types::Money;

/// The models that are listed, with what is known of each, and those of the
/// catalog that a provider's globs take.
pub(super) fn known(listed: Vec<ModelReport>, snapshot: &Snapshot) -> Vec<ModelReport> {
    let mut models = listed;
    let names: HashSet<String> = models.iter().map(|model| model.id.clone()).collect();
    let more = snapshot.catalog.names().into_iter().filter_map(|name| {
        let ask = Ask {
            name,
            ..Ask::default()
        };
        let plan = snapshot.routes.resolve(&ask).ok()?;
        let first = plan.candidates.first()?;
        let provider = snapshot.routes.provider(first.provider);
        // A name such as `openai/gpt-oss-20b` is another provider's own, not
        // this one's `gpt-oss-20b`.
        let is_taken = *first.model == *name && !names.contains(name);
        is_taken.then(|| ModelReport {
            id: name.to_owned(),
            kind: "model".to_owned(),
            provider: Some(provider.to_string()),
            target: Some(first.model.to_string()),
            ..ModelReport::default()
        })
    });
    models.extend(more);
    for model in &mut models {
        describe(model, snapshot);
    }
    models
}

/// Puts beside a model what the catalog knows of it.
pub(super) fn describe(model: &mut ModelReport, snapshot: &Snapshot) {
    let (Some(provider), Some(target)) = (&model.provider, &model.target) else {
        return;
    };
    let facts = snapshot.catalog.facts(provider, target);
    let dollars = |price: Money| price.nanos() as f64 / 1e9;
    model.context_window = facts.context_window;
    model.max_output = facts.max_output;
    model.input_usd_per_million = facts.price.map(|price| dollars(price.input));
    model.output_usd_per_million = facts.price.map(|price| dollars(price.output));
}
