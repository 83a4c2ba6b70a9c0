//! What stands in a request that should not leave, and what a candidate gets
//! of it.

use http::Uri;
use tollgate_desk::TaintKind;
use tollgate_identity::query_without_key;
use tollgate_llm::RequestView;
use tollgate_scan::Severity;
use tollgate_types::{Consequence, Direction, Sighting};

use super::{Permitted, Planned};
use crate::account::Account;
use crate::gateway::Gateway;
use crate::lanes::{
    Dlp, Found, Kept, Plan, Subject, Sweep, Tainting, clear, supervised, sweep, wanted,
};
use crate::refusal::Refusal;
use crate::upstream::is_ours;

impl Planned {
    /// Looks at everything that would go out, for the strictest of the
    /// candidates, and taints the run by what tools brought. Comes before the
    /// rules, so that they judge this very call by it.
    pub(crate) async fn scan(
        mut self: Box<Self>,
        gateway: &Gateway,
        account: &mut Account,
    ) -> Result<Box<Self>, Refusal> {
        let scanning = &self.identified.snapshot.scanning;
        let Some(wanted) = wanted(self.dlps()) else {
            return Ok(self);
        };
        let subject = Subject {
            endpoint: self.endpoint,
            body: &self.body,
            head: self.head_text(),
            principal: self.identified.agent.principal(),
        };
        let swept = sweep(scanning, &gateway.memory_of_parts, subject, wanted).await;
        if !swept.is_clean() {
            self.taint(gateway, &swept, account).await?;
            self.sweep = Some(Box::new(swept));
        }
        Ok(self)
    }

    /// What holds for each of the candidates.
    fn dlps(&self) -> impl Iterator<Item = Dlp> {
        let snapshot = &self.identified.snapshot;
        let agent = self.identified.agent.name();
        self.candidates.iter().filter_map(move |candidate| {
            let provider = snapshot.provider(candidate.provider)?;
            Some(snapshot.scanning.dlp(agent, provider))
        })
    }

    /// What was found and would go out as it is to any candidate, if a person
    /// says so.
    pub(super) fn supervised(&self) -> Vec<Found> {
        match &self.sweep {
            Some(swept) => supervised(swept, self.dlps()),
            None => Vec::new(),
        }
    }

    /// The query and the fields that go on to a provider, a line each.
    fn head_text(&self) -> Vec<u8> {
        let mut text = Vec::with_capacity(512);
        let uri: &Uri = &self.head.uri;
        if let Some(query) = uri.query().map(query_without_key) {
            text.extend_from_slice(query.as_bytes());
            text.push(b'\n');
        }
        for (name, value) in &self.head.headers {
            if !is_ours(name) {
                text.extend_from_slice(name.as_str().as_bytes());
                text.extend_from_slice(b": ");
                text.extend_from_slice(value.as_bytes());
                text.push(b'\n');
            }
        }
        text
    }

    /// Puts down what the run has met. What was sent before set its taint then.
    async fn taint(
        &self,
        gateway: &Gateway,
        swept: &Sweep,
        account: &mut Account,
    ) -> Result<(), Refusal> {
        let identified = &self.identified;
        let principal = identified.agent.principal();
        let versions = &identified.snapshot.versions;
        let tainting = Tainting::new(gateway, principal, versions, account.id());
        let Some(subject) = tainting.subject() else {
            return Ok(());
        };
        let known = &gateway.memory_of_parts;
        let is_new = |kind, name| known.is_new_taint(&subject, kind, name);
        for (order, place, name) in &swept.orders {
            account.found([Sighting {
                detector: order.detector.as_str().into(),
                kind: order.kind.clone(),
                direction: Direction::Inbound,
                place: place.clone(),
                consequence: Consequence::Tainted,
                count: 1,
            }]);
            if is_new(TaintKind::InjectionFound, *name) {
                let written = tainting.order(order, place).await;
                written.map_err(|_| Refusal::Ledger)?;
            }
        }
        for (hit, place, name) in &swept.hits {
            if hit.severity >= Severity::High && is_new(TaintKind::SecretSeen, *name) {
                let written = tainting.secret(&hit.kind, place).await;
                written.map_err(|_| Refusal::Ledger)?;
            }
        }
        Ok(())
    }
}

impl Permitted {
    /// What the candidate whose turn it is gets, where that is not what the
    /// caller wrote.
    ///
    /// # Errors
    /// It gets nothing: the request holds what must not go there.
    pub(crate) fn clear(&mut self, account: &mut Account) -> Result<(), Kept> {
        let planned = &self.planned;
        let (Some(swept), None) = (&planned.sweep, &self.edited) else {
            return Ok(());
        };
        let Some(provider) = self.provider() else {
            return Ok(());
        };
        let snapshot = &planned.identified.snapshot;
        let scanning = &snapshot.scanning;
        let plan = Plan {
            endpoint: planned.endpoint,
            path: planned.path(),
            query: planned.head.uri.query(),
            view: &planned.view,
            is_opaque: planned.is_opaque(),
            body: &planned.body,
            provider: &provider.id,
            released: self.released,
        };
        let dlp = scanning.dlp(planned.identified.agent.name(), provider);
        let mut sightings = Vec::new();
        let cleared = clear(swept, &scanning.redactor, dlp, &plan, &mut sightings);
        account.found(sightings);
        self.edited = cleared?.map(Box::new);
        Ok(())
    }

    /// The request as the caller's dialect has it, cleared for the candidate.
    pub(crate) fn asked(&self) -> (&RequestView, &bytes::Bytes) {
        match &self.edited {
            Some(edited) => (&edited.view, &edited.body),
            None => (&self.planned.view, &self.planned.body),
        }
    }
}

impl Planned {
    pub(super) fn path(&self) -> &str {
        match &self.through {
            Some(through) => &through.path,
            None => self.head.uri.path(),
        }
    }

    pub(super) fn is_opaque(&self) -> bool {
        let through = self.through.as_ref();
        through.is_some_and(|through| through.stated.is_some())
    }
}
