//! The gateway itself, put together.
//!
//! [`run`] is the whole life of a gateway in one function: check, open, bind,
//! serve, drain. [`snapshot`] turns settings into what judges requests;
//! [`house`] is the running gateway as the operator plane sees it; [`reload`]
//! waits for signals and changed files. [`roster`] knows the runs that go on
//! and the order that stands for each, [`runs`] begins and ends them.
//! [`scanning`] gives the scanner its rules and the secrets that it guards.
//! [`commands`] judges commands, asks about them and grants them.
//! [`telemetry`] starts and ends what is sent to a collector.

pub(crate) mod classifier;
mod commands;
mod house;
mod judge;
mod notary;
mod operators;
pub(crate) mod policy;
mod reload;
mod roster;
mod runs;
mod scanning;
mod snapshot;
mod telemetry;
mod treasury;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tollgate_control::{Control, Followers, Metrics, Recent};
use tollgate_judge::Judge;
use tollgate_ledger::{Ledger, LedgerConfig};
use tollgate_proxy::{Body, Gateway, listen};
use tollgate_telemetry::Telemetry;
use tollgate_types::RequestRecord;

use crate::config::Settings;
use crate::greeting;
use crate::paths::Paths;
use crate::taint;
use commands::{Commands, Parts};
use house::{House, Offices};
use runs::Runs;
use scanning::Lookout;
use snapshot::Fixed;
use treasury::Treasury;

/// Runs the gateway until it is told to stop; `greet` is given the start-up
/// text once it listens.
///
/// # Errors
/// Whatever keeps it from starting, or from writing its last records.
pub async fn run(
    mut settings: Settings,
    paths: Paths,
    greet: impl FnOnce(&str),
) -> anyhow::Result<()> {
    let began = Instant::now();
    let signals = Signals::install()?;
    // No core dump, and no other process of this user, shows the keys.
    nix::sys::prctl::set_dumpable(false)?;
    tollgate_secrets::make_private_dir(&paths.state)?;
    let (operators, token) = operators::open(&paths)?;
    let lookout = Lookout::new(token)?;
    let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION")));
    let recent = Arc::new(Recent::new(settings.monitoring.ring_buffer_size));
    let telemetry = telemetry::start(settings.telemetry.as_ref())?;
    let observe = observer(&metrics, &recent, telemetry.clone());
    let ledger = open_ledger(&settings, &paths.state, observe).await?;
    let stored = ledger.agents().await?;
    let (judge, policy_fault) = match policy::load(&settings.policy).await {
        Ok(judge) => (judge, None),
        Err(faults) => {
            let faults = policy::lines(&faults);
            tracing::error!("the policy does not load, so everything is denied:\n{faults}");
            (Arc::new(Judge::never()), Some(faults))
        }
    };
    let rules = policy::status(&judge, &settings.policy);
    let guarded = std::mem::take(&mut settings.guarded);
    let scanning = lookout.scanning(&settings, &guarded)?;
    drop(guarded);
    let fixed = Fixed { judge, scanning };
    let snapshot = snapshot::build(&settings, &[], &stored, Vec::new(), 1, fixed, None)?;
    let (listener, address) = bind(settings.server.bind).await?;
    tollgate_secrets::publish_private(&paths.gateway_addr(), address.to_string().as_bytes())?;

    let metrics_public = settings.monitoring.metrics_public;
    let drain = settings.server.drain;
    let greeting = greeting::text(&settings, address, &rules, policy_fault.as_deref());
    let (bank, roster) = treasury::open(&settings, &ledger).await?;
    let gateway = Gateway::new(snapshot, ledger.clone(), Arc::clone(&bank));
    let gateway = gateway
        .with_traces(telemetry.is_some())
        .with_commands(classifier::open(&paths))
        .with_exec(commands::command_line(&paths));
    let gateway = Arc::new(gateway);
    let parts = Parts {
        gateway: Arc::clone(&gateway),
        bank: Arc::clone(&bank),
        ledger: ledger.clone(),
        operators: Arc::clone(&operators),
        roster: Arc::clone(&roster),
        address,
    };
    let mut commands = Commands::open(&settings, &paths, parts).await?;
    let sockets = commands.serve();
    let commands = Arc::new(commands);
    let treasury = Treasury::new(
        &settings,
        Arc::clone(&bank),
        Arc::clone(&roster),
        ledger.clone(),
        Arc::clone(&gateway),
    );
    let house = House::new(
        settings,
        paths,
        address,
        Arc::clone(&gateway),
        ledger.clone(),
        stored,
        Offices {
            treasury: Arc::clone(&treasury),
            lookout,
            commands: Arc::clone(&commands),
        },
    );
    if let Some(fault) = policy_fault {
        house.began_without_rules(fault);
    }
    taint::recall(gateway.desk(), &ledger, house::now()).await?;
    let runs = Runs::new(
        Arc::clone(&bank),
        Arc::clone(&roster),
        ledger.clone(),
        Arc::clone(&gateway),
        Arc::clone(&house),
    );
    let (drains, stopping) = watch::channel(false);
    let control = Arc::new(Control {
        ledger: ledger.clone(),
        operators,
        gateway: Arc::clone(&house) as Arc<dyn tollgate_control::Gateway>,
        treasury: Arc::clone(&treasury) as Arc<dyn tollgate_control::Treasury>,
        runs: Arc::clone(&runs) as Arc<dyn tollgate_control::Runs>,
        approvals: commands.approvals(),
        desk: Arc::clone(gateway.desk()),
        metrics,
        recent,
        followers: Followers::new(stopping.clone()),
        metrics_public,
        bind: address,
    });
    let warmed = Arc::clone(&gateway);
    let served = tokio::spawn(listen(
        listener,
        gateway,
        operator_plane(control),
        stopping,
        drain,
    ));
    greet(&greeting);
    tracing::info!(%address, micros = began.elapsed().as_micros() as u64, "ready");

    let Signals { mut stop, hangup } = signals;
    let reloads = tokio::spawn(reload::watch(Arc::clone(&house), hangup));
    let probes = tokio::spawn(async move {
        tokio::join!(house.probe(), warmed.warm());
    });
    let slices = tokio::spawn(treasury::write_slices(Arc::clone(&bank), ledger.clone()));
    let orders = tokio::spawn(runs.watch());
    let sockets = tokio::spawn(sockets);
    stop.recv().await;
    tracing::info!(seconds = drain.as_secs(), "draining");
    drains.send_replace(true);
    // Connections for orders would last as long as their runs.
    roster.close();
    orders.abort();
    reloads.abort();
    probes.abort();
    let cut = served.await??;
    if cut > 0 {
        tracing::warn!(
            requests = cut,
            "the drain's time is over; requests were cut short"
        );
    }
    sockets.abort();
    commands.close();
    slices.abort();
    treasury::close(&bank, &ledger).await;
    let closed = ledger.close().await;
    // The ledger's writer has shown its last record by now.
    telemetry::close(telemetry).await;
    closed.context("the ledger's last records")
}

/// What is told of every finished request, by the ledger's writer.
fn observer(
    metrics: &Arc<Metrics>,
    recent: &Arc<Recent>,
    telemetry: Option<Arc<Telemetry>>,
) -> impl FnMut(&RequestRecord) + Send + 'static {
    let (metrics, recent) = (Arc::clone(metrics), Arc::clone(recent));
    move |record| {
        metrics.observe(record);
        recent.observe(record);
        if let Some(telemetry) = &telemetry {
            telemetry.observe(record);
        }
    }
}

async fn open_ledger(
    settings: &Settings,
    state: &Path,
    observe: impl FnMut(&RequestRecord) + Send + 'static,
) -> anyhow::Result<Ledger> {
    let config = LedgerConfig {
        notary: Some(Arc::new(notary::Seal::open(state)?)),
        ..LedgerConfig::new(&settings.ledger.path)
    };
    let opened = Ledger::open(config, observe);
    opened.await.map_err(|error| match error.hint() {
        Some(hint) => anyhow::anyhow!("{error}\nhint: {hint}"),
        None => error.into(),
    })
}

async fn bind(wanted: SocketAddr) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(wanted).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => anyhow::anyhow!(
            "{wanted} is in use\nhint: another gateway may be running (`tollgate status`); `serve --bind 127.0.0.1:0` takes a free port"
        ),
        _ => anyhow::anyhow!("bind {wanted}: {error}"),
    })?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// The control API as the listener calls it.
fn operator_plane(control: Arc<Control>) -> tollgate_proxy::Control {
    let router = tollgate_control::router(control);
    Arc::new(move |request| {
        let router = router.clone();
        Box::pin(async move {
            tollgate_control::call(router, request)
                .await
                .map(Body::foreign)
        })
    })
}

/// Caught from the first moment on: a signal that comes while the gateway
/// starts must not end it as if nobody listened.
struct Signals {
    stop: Stop,
    hangup: Signal,
}

struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn install() -> std::io::Result<Self> {
        Ok(Self {
            stop: Stop {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
            },
            hangup: signal(SignalKind::hangup())?,
        })
    }
}

impl Stop {
    async fn recv(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
