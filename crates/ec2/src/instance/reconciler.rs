//! Brings guests where instances' records want them.

use std::collections::BTreeMap;
use std::time::Duration;

use aws::Timestamp;
use host::{Generation, Guest, GuestId, ImageStatus, VolumeId, VolumeMount};
use state::reconcile::{Failure, Next, Reconciler};
use state::{Scope, Stored};

use super::health::Health;
use super::next_step::{Seen, SeenGuest, SeenPart, Step, next_step};
use super::{AttachPhase, Attached, Instance, Phase, Reason, describe};
use crate::error::Result;
use crate::instance_type::InstanceType;
use crate::network_interface::plan::Plan;
use crate::network_interface::{Attachment, NetworkInterface};
use crate::volume::{self, Volume};
use crate::{Ec2, client_token};

pub struct Instances(pub Ec2);

const STOP_GRACE: Duration = Duration::from_secs(30);
const TERMINATE_GRACE: Duration = Duration::from_secs(5);
const SOON: Duration = Duration::from_millis(200);

impl Reconciler for Instances {
    type Wanted = Instance;
    type Seen = Seen;
    type Step = Step;

    const RUNS_MAX: usize = 32;

    async fn look(&self, wanted: &Stored<Instance>) -> std::result::Result<Seen, Failure> {
        let instance = &wanted.record;
        let nothing = Seen {
            guest: SeenGuest::None,
            image: SeenPart::Absent,
            volumes: SeenPart::Absent,
            interfaces: BTreeMap::new(),
        };
        if !matches!(instance.phase, Phase::Pending | Phase::Running) {
            return Ok(nothing);
        }
        let guest = match self.0.inner.host.guest(&instance.guest_id()).await {
            Ok(Some(guest)) => SeenGuest::Is(guest),
            Ok(None) => SeenGuest::None,
            Err(host::Error::Unavailable(_)) => SeenGuest::Unknown,
            Err(other) => return Err(other.into()),
        };
        let volumes = self.look_at_volumes(&wanted.key.scope, instance).await;
        let volumes = volumes.map_err(aws::Error::from)?;
        let image = match instance.ran == instance.generation {
            true => SeenPart::Ready,
            false => self.look_at_image(instance).await?,
        };
        let interfaces = self.look_at_interfaces(&wanted.key.scope, instance).await;
        let interfaces = interfaces.map_err(aws::Error::from)?;
        Ok(Seen { guest, image, volumes, interfaces })
    }

    fn next_step(wanted: &Instance, seen: &Seen, now: Timestamp) -> Step {
        next_step(wanted, seen, now)
    }

    async fn run_step(
        &self,
        wanted: &Stored<Instance>,
        step: Step,
    ) -> std::result::Result<Next, Failure> {
        let now = self.0.inner.clock.now();
        let instance = &wanted.record;
        match step {
            Step::Rest => return Ok(Next::Settled),
            Step::Wait(until) => return Ok(Next::At(until)),
            Step::BuildImage => {
                let id = host::ImageId(instance.root.image.clone());
                let source = host::ImageSource::System;
                self.0.inner.host.ensure_image(&host::Image { id, source }).await?;
                return Ok(Next::At(now + SOON));
            }
            Step::Start | Step::Attach => return self.start(wanted, now).await,
            Step::Snapshot => self.snapshot(wanted).await?,
            Step::SayRunning => self.say_running(wanted, now).await?,
            Step::SayUnseen => {
                self.put(wanted, Instance { unseen: true, ..instance.clone() }).await?
            }
            // Until it is seen again, it is shown as impaired.
            Step::Replace => {
                let again = instance.next(instance.phase, instance.since);
                self.put(wanted, Instance { unseen: true, ..again }).await?;
            }
            Step::End => {
                let phase = instance.shutdown_behavior.phase();
                let reason = "Client.InstanceInitiatedShutdown";
                let reason = Reason::coded(reason, "Instance initiated shutdown");
                let reason = Some(reason);
                let transition = String::new();
                self.put(wanted, Instance { reason, transition, ..instance.next(phase, now) })
                    .await?;
            }
            Step::Fail(why) => {
                self.put(wanted, failed(instance, "Server.InternalError", &why, now)).await?
            }
            Step::Stop => self.stop(wanted, now).await?,
            Step::Settle => self.settle(wanted).await?,
            Step::Terminate => self.terminate(wanted, now).await?,
            Step::Forget => self.forget(wanted).await?,
        }
        Ok(Next::Again)
    }
}

/// One that never ran goes, as in AWS; one that did is stopped again.
fn failed(instance: &Instance, code: &str, why: &str, now: Timestamp) -> Instance {
    let phase = match instance.ran {
        0 => Phase::ShuttingDown,
        _ => Phase::Stopping,
    };
    let reason = Some(Reason::coded(code, why));
    let transition = code.to_owned();
    Instance { reason, transition, force: true, ..instance.next(phase, now) }
}

/// Whether the guest is to have an interface.
fn is_to_have(instance: &Instance, interface: &Stored<NetworkInterface>) -> bool {
    interface.record.instance_id() == Some(instance.id.as_str()) && interface.record.is_to_stay()
}

impl Instance {
    pub fn guest_id(&self) -> GuestId {
        GuestId(self.id.clone())
    }

    fn generation(&self) -> Generation {
        Generation(self.generation)
    }
}

impl Instances {
    async fn put(
        &self,
        wanted: &Stored<Instance>,
        now: Instance,
    ) -> std::result::Result<(), Failure> {
        let mut txn = self.0.records().transaction();
        txn.update(wanted, &now);
        txn.commit().await?;
        Ok(())
    }

    async fn look_at_volumes(&self, scope: &Scope, instance: &Instance) -> Result<SeenPart> {
        let mut all = SeenPart::Ready;
        for one in instance.wanted_volumes() {
            let stored = self.0.records().get::<Volume>(scope, &one.volume).await?;
            match stored.map(|stored| stored.record.phase) {
                None | Some(volume::Phase::Deleting) => return Ok(SeenPart::Absent),
                Some(volume::Phase::Failed(why)) => return Ok(SeenPart::Failed(why)),
                Some(volume::Phase::Creating) => all = SeenPart::Coming,
                Some(volume::Phase::Available) => {}
            }
        }
        Ok(all)
    }

    async fn look_at_interfaces(
        &self,
        scope: &Scope,
        instance: &Instance,
    ) -> Result<BTreeMap<String, bool>> {
        let mut changing = BTreeMap::new();
        for id in &instance.changing {
            let stored = self.0.records().get::<NetworkInterface>(scope, id).await?;
            changing.insert(id.clone(), stored.is_some_and(|one| is_to_have(instance, &one)));
        }
        Ok(changing)
    }

    /// Writes of the interfaces that came or went that they did.
    async fn say_interfaces(
        &self,
        scope: &Scope,
        txn: &mut state::Transaction,
        instance: &mut Instance,
        is_so: impl Fn(&str, bool) -> bool,
    ) -> std::result::Result<(), Failure> {
        let mut plan = Plan::new(&self.0, scope);
        for id in instance.changing.clone() {
            let stored = self.0.records().get::<NetworkInterface>(scope, &id).await?;
            let to_be = stored.as_ref().is_some_and(|one| is_to_have(instance, one));
            if !is_so(&id, to_be) {
                continue;
            }
            instance.changing.remove(&id);
            let mine = |one: &Stored<NetworkInterface>| {
                one.record.instance_id() == Some(instance.id.as_str())
            };
            if let Some(stored) = stored.filter(mine) {
                let mut now = stored.record.clone();
                let attached = |held| Attachment { phase: AttachPhase::Attached, ..held };
                now.attachment = now.attachment.filter(|_| to_be).map(attached);
                let raised = plan.update(txn, &stored, &now).await;
                raised.map_err(aws::Error::from)?;
            }
        }
        plan.finish(txn);
        Ok(())
    }

    async fn look_at_image(
        &self,
        instance: &Instance,
    ) -> std::result::Result<SeenPart, host::Error> {
        let all = self.0.inner.host.images().await?;
        let found = all.into_iter().find(|image| image.id.0 == instance.root.image);
        Ok(match found.map(|image| image.status) {
            None => SeenPart::Absent,
            Some(ImageStatus::Building { .. }) => SeenPart::Coming,
            Some(ImageStatus::Ready) => SeenPart::Ready,
            Some(ImageStatus::Failed(why)) => SeenPart::Failed(why),
        })
    }

    async fn start(
        &self,
        wanted: &Stored<Instance>,
        now: Timestamp,
    ) -> std::result::Result<Next, Failure> {
        let scope = &wanted.key.scope;
        self.0.make_network(scope, &wanted.record.vpc).await?;
        let guest = self.guest(scope, &wanted.record).await.map_err(aws::Error::from)?;
        let code = match self.0.inner.host.ensure_guest(&guest).await {
            Ok(()) => return Ok(Next::At(now + SOON)),
            Err(host::Error::Refused(why)) => ("Server.InternalError", why),
            Err(host::Error::NoRoom(why)) => ("Server.InsufficientInstanceCapacity", why),
            Err(other) => return Err(other.into()),
        };
        self.put(wanted, failed(&wanted.record, code.0, &code.1, now)).await?;
        Ok(Next::Again)
    }

    /// The guest as the records want it.
    async fn guest(&self, scope: &Scope, instance: &Instance) -> Result<Guest> {
        let mut interfaces = Vec::new();
        for interface in self.0.interfaces_of(scope, &instance.id).await? {
            if !interface.record.is_to_stay() {
                continue;
            }
            let subnet = self.0.subnet(scope, &interface.record.subnet_id).await?.record;
            interfaces.push(interface.record.card(&subnet));
        }
        let mount = |one: &Attached| VolumeMount {
            volume: VolumeId(one.volume.clone()),
            device: one.device.clone(),
        };
        Ok(Guest {
            id: instance.guest_id(),
            generation: instance.generation(),
            zone: instance.zone,
            image: host::ImageId(instance.root.image.clone()),
            hostname: describe::hostname(instance),
            volumes: instance.wanted_volumes().into_iter().map(mount).collect(),
            interfaces,
            limits: InstanceType::named(&instance.instance_type)?.limits(),
        })
    }

    async fn snapshot(&self, wanted: &Stored<Instance>) -> std::result::Result<(), Failure> {
        let instance = &wanted.record;
        let host = &self.0.inner.host;
        host.stop_guest(&instance.guest_id(), instance.generation(), STOP_GRACE).await?;
        for one in &instance.snapshots {
            let (id, volume) = (host::SnapshotId(one.host.clone()), VolumeId(one.volume.clone()));
            match host.ensure_snapshot(&id, &volume).await {
                // Whoever waits for it hears of it from its own record.
                Ok(()) | Err(host::Error::Refused(_) | host::Error::NoRoom(_)) => {}
                Err(other) => return Err(other.into()),
            }
        }
        // The guest of this generation is fenced off: the next starts.
        let now = instance.next(instance.phase, instance.since);
        self.put(wanted, Instance { snapshots: Vec::new(), ..now }).await
    }

    /// Writes what the guest was seen to have.
    async fn say_running(
        &self,
        wanted: &Stored<Instance>,
        now: Timestamp,
    ) -> std::result::Result<(), Failure> {
        let scope = &wanted.key.scope;
        let Some(guest) = self.0.inner.host.guest(&wanted.record.guest_id()).await? else {
            return Ok(());
        };
        if guest.generation != wanted.record.generation() {
            return Ok(());
        }
        let there = |id: &str| guest.volumes.iter().any(|volume| volume.0 == id);
        let mut instance = wanted.record.clone();
        let mut txn = self.0.records().transaction();
        for one in &mut instance.volumes {
            if one.phase == AttachPhase::Attaching && there(&one.volume) {
                one.phase = AttachPhase::Attached;
            }
        }
        self.let_go(scope, &mut txn, &mut instance, |one| !there(&one.volume)).await?;
        let there = |id: &str| guest.interfaces.iter().any(|one| one.0 == id);
        self.say_interfaces(scope, &mut txn, &mut instance, |id, to_be| there(id) == to_be).await?;
        if instance.phase != Phase::Running || instance.ran != instance.generation {
            txn.put_unconditionally(scope, &instance.id, &Health::default());
        }
        if instance.phase != Phase::Running {
            (instance.phase, instance.since) = (Phase::Running, now);
        }
        instance.ran = instance.generation;
        instance.unseen = false;
        txn.update(wanted, &instance);
        txn.commit().await?;
        Ok(())
    }

    /// Frees the volumes that were being detached and are.
    async fn let_go(
        &self,
        scope: &Scope,
        txn: &mut state::Transaction,
        instance: &mut Instance,
        is_gone: impl Fn(&Attached) -> bool,
    ) -> std::result::Result<(), Failure> {
        let gone = |one: &Attached| one.phase == AttachPhase::Detaching && is_gone(one);
        for one in instance.volumes.iter().filter(|one| gone(one)) {
            if let Some(volume) = self.0.records().get::<Volume>(scope, &one.volume).await? {
                txn.update(&volume, &Volume { instance: None, ..volume.record.clone() });
            }
        }
        instance.volumes.retain(|one| !gone(one));
        Ok(())
    }

    async fn stop(
        &self,
        wanted: &Stored<Instance>,
        now: Timestamp,
    ) -> std::result::Result<(), Failure> {
        let (scope, instance) = (&wanted.key.scope, &wanted.record);
        let grace = if instance.force { Duration::ZERO } else { STOP_GRACE };
        let host = &self.0.inner.host;
        host.stop_guest(&instance.guest_id(), instance.generation(), grace).await?;
        let mut txn = self.0.records().transaction();
        let mut plan = Plan::new(&self.0, scope);
        let interfaces = self.0.interfaces_of(scope, &instance.id).await;
        for interface in interfaces.map_err(aws::Error::from)? {
            let back = plan.take_public_back(&mut txn, &interface).await;
            back.map_err(aws::Error::from)?;
        }
        plan.finish(&mut txn);
        let stopped = Instance {
            phase: Phase::Stopped,
            since: now,
            force: false,
            snapshots: Vec::new(),
            ..instance.clone()
        };
        txn.update(wanted, &stopped);
        txn.commit().await?;
        Ok(())
    }

    /// A guest that does not run still holds what it was given: it is forgotten before any goes.
    async fn settle(&self, wanted: &Stored<Instance>) -> std::result::Result<(), Failure> {
        let mut instance = wanted.record.clone();
        let goes = |one: &Attached| one.phase == AttachPhase::Detaching;
        if instance.volumes.iter().any(goes) || !instance.changing.is_empty() {
            let host = &self.0.inner.host;
            host.remove_guest(&instance.guest_id(), instance.generation()).await?;
        }
        let mut txn = self.0.records().transaction();
        let scope = &wanted.key.scope;
        self.let_go(scope, &mut txn, &mut instance, |_| true).await?;
        self.say_interfaces(scope, &mut txn, &mut instance, |_, _| true).await?;
        for one in &mut instance.volumes {
            one.phase = AttachPhase::Attached;
        }
        txn.update(wanted, &instance);
        txn.commit().await?;
        Ok(())
    }

    async fn terminate(
        &self,
        wanted: &Stored<Instance>,
        now: Timestamp,
    ) -> std::result::Result<(), Failure> {
        let (scope, instance) = (&wanted.key.scope, &wanted.record);
        let (host, id) = (&self.0.inner.host, instance.guest_id());
        let grace = if instance.force { Duration::ZERO } else { TERMINATE_GRACE };
        host.stop_guest(&id, instance.generation(), grace).await?;
        host.remove_guest(&id, instance.generation()).await?;
        let mut txn = self.0.records().transaction();
        for one in &instance.volumes {
            if let Some(volume) = self.0.records().get::<Volume>(scope, &one.volume).await? {
                let mut freed = Volume { instance: None, ..volume.record.clone() };
                if one.delete_on_termination {
                    freed.phase = volume::Phase::Deleting;
                }
                txn.update(&volume, &freed);
            }
        }
        self.drop_interfaces(scope, &mut txn, instance).await.map_err(aws::Error::from)?;
        if let Some(health) = self.0.records().get::<Health>(scope, &instance.id).await? {
            txn.delete(&health);
        }
        let terminated = Instance {
            phase: Phase::Terminated,
            since: now,
            volumes: Vec::new(),
            changing: Default::default(),
            snapshots: Vec::new(),
            ..instance.clone()
        };
        txn.update(wanted, &terminated);
        txn.commit().await?;
        Ok(())
    }

    async fn drop_interfaces(
        &self,
        scope: &Scope,
        txn: &mut state::Transaction,
        instance: &Instance,
    ) -> Result<()> {
        let mut plan = Plan::new(&self.0, scope);
        for interface in self.0.interfaces_of(scope, &instance.id).await? {
            let held = interface.record.attachment.as_ref();
            if held.is_some_and(|held| held.delete_on_termination) {
                plan.delete(txn, &interface).await?;
            } else {
                let mut free = interface.record.clone();
                free.attachment = None;
                plan.update(txn, &interface, &free).await?;
            }
        }
        plan.finish(txn);
        Ok(())
    }

    async fn forget(&self, wanted: &Stored<Instance>) -> std::result::Result<(), Failure> {
        let (scope, instance) = (&wanted.key.scope, &wanted.record);
        let mut txn = self.0.records().transaction();
        txn.delete(wanted);
        self.0.drop_tags(&mut txn, scope, &instance.id).await.map_err(aws::Error::from)?;
        if let Some(owner) = self.0.guest_owner(&instance.id).await? {
            txn.delete(&owner);
        }
        if let Some(token) = &instance.client_token {
            client_token::forget(&self.0, &mut txn, scope, "RunInstances", token).await?;
        }
        txn.commit().await?;
        Ok(())
    }
}
