use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tollgate_api::ModelReport;
use tollgate_proxy::{Gateway, Probed, Snapshot, probe};

use super::catalog::describe;

/// Providers asked at once.
const AT_ONCE: usize = 8;
/// How long one may take.
const ONE: Duration = Duration::from_secs(10);
/// How long all of them may take: the caller waits for a minute at most.
const ALL: Duration = Duration::from_secs(25);

/// The models that are known, with what their providers say of them now, and
/// those that only the providers name.
pub(super) async fn models(
    gateway: &Arc<Gateway>,
    mut models: Vec<ModelReport>,
    wanted: Option<String>,
) -> Vec<ModelReport> {
    let snapshot = gateway.snapshot();
    let probed = ask(gateway, &snapshot, wanted.as_deref()).await;
    for model in &mut models {
        if let Some(probed) = model.provider.as_ref().and_then(|id| probed.get(id)) {
            mark(model, probed);
        }
    }
    let mut more = Vec::new();
    for provider in &snapshot.providers {
        if let Some(probed) = probed.get(&*provider.id) {
            more.extend(unlisted(&models, &provider.id, probed));
        }
    }
    for model in &mut more {
        describe(model, &snapshot);
    }
    models.extend(more);
    models
}

/// Asks every provider that is wanted, a few at once. One that is not done
/// when the time is over has failed.
async fn ask(
    gateway: &Arc<Gateway>,
    snapshot: &Arc<Snapshot>,
    wanted: Option<&str>,
) -> HashMap<String, Probed> {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let (mut probes, mut probed) = (JoinSet::new(), HashMap::new());
    for (index, provider) in snapshot.providers.iter().enumerate() {
        if wanted.is_some_and(|wanted| wanted != &*provider.id) {
            continue;
        }
        probed.insert(provider.id.to_string(), late());
        let (gateway, snapshot) = (Arc::clone(gateway), Arc::clone(snapshot));
        let places = Arc::clone(&places);
        probes.spawn(async move {
            let _place = places.acquire_owned().await.ok()?;
            let provider = snapshot.providers.get(index)?;
            let probed = probe(&gateway, provider, ONE).await;
            Some((provider.id.to_string(), probed))
        });
    }
    let all = async {
        while let Some(done) = probes.join_next().await {
            probed.extend(done.ok().flatten());
        }
    };
    // What is left is aborted with the set.
    tokio::time::timeout(ALL, all).await.ok();
    probed
}

fn late() -> Probed {
    Probed {
        micros: u64::try_from(ALL.as_micros()).unwrap_or(u64::MAX),
        models: Err("its turn did not come in time".to_owned()),
    }
}

fn mark(model: &mut ModelReport, probed: &Probed) {
    let Some(target) = &model.target else { return };
    let live = match &probed.models {
        Ok(names) if names.contains(target) => "served",
        Ok(_) => "not_listed",
        Err(_) => "failed",
    };
    model.live = Some(live.to_owned());
    model.probe_ms = Some(probed.micros / 1000);
    model.error = probed.models.as_ref().err().cloned();
}

/// What a provider names and no list of ours does; where it could not be
/// asked and nothing else would say so, a line for the provider itself.
fn unlisted(models: &[ModelReport], provider: &str, probed: &Probed) -> Vec<ModelReport> {
    let ours = |model: &&ModelReport| {
        model.provider.as_deref() == Some(provider) && model.target.is_some()
    };
    let mut line = ModelReport {
        id: provider.to_owned(),
        kind: "provider".to_owned(),
        provider: Some(provider.to_owned()),
        probe_ms: Some(probed.micros / 1000),
        ..ModelReport::default()
    };
    let names = match &probed.models {
        Ok(names) => names,
        Err(_) if models.iter().any(|model| ours(&model)) => return Vec::new(),
        Err(error) => {
            line.live = Some("failed".to_owned());
            line.error = Some(error.clone());
            return vec![line];
        }
    };
    let known: Vec<&str> = models
        .iter()
        .filter(ours)
        .filter_map(|model| model.target.as_deref())
        .collect();
    let new = names.iter().filter(|name| !known.contains(&name.as_str()));
    new.map(|name| ModelReport {
        id: format!("{provider}/{name}"),
        kind: "model".to_owned(),
        target: Some(name.clone()),
        live: Some("served".to_owned()),
        ..line.clone()
    })
    .collect()
}
