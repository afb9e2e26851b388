//! Lets the people of the demo do what the script says, each in the own name.

use std::{net::Ipv4Addr, sync::Arc};

use serde_json::json;
use tidegate_model::{
    actor::{Caller, Via},
    capability::{export_of, list_of},
    ids::JobId,
    role::{Role, RowLimit},
    status::Status,
};
use tidegate_service::{EndReason, ServiceError, Visitor};

use super::{
    Past, Step,
    script::{DAY, Deed, Fate, HOUR, MINUTE, Overreach, SECOND},
    wish::{ALL_USERS, ON_THE_WAY, Wish},
};
use crate::{
    demo::operators::{ADA, PASSWORD},
    failure::Failure,
};

/// What somebody's browser calls itself.
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

impl Past {
    pub(super) async fn deed(&mut self, deed: Deed) -> Result<(), Failure> {
        match deed {
            Deed::Join { email, role } => self.join(email, role).await,
            Deed::ShutOut { email } => self.shut_out(email).await,
            Deed::SignIn { email, is_typo } => self.sign_in(email, is_typo).await,
            Deed::SupportRole => self.put_support_role().await,
            Deed::EditorsGetOrders => self.give_orders_to_editors().await,
            Deed::RowLimit { is_on } => self.limit_rows(is_on).await,
            Deed::Overreach { email, what } => self.overreach(email, what).await,
            Deed::Schedule { email, wish } => self.schedule(email, wish).await,
            Deed::PauseSchedule { email, reason } => self.pause_schedule(email, reason).await,
            Deed::ReadNotices { email } => self.read_notices(email).await,
            Deed::Export { email, wish, fate } => self.export(email, wish, fate).await,
        }
    }

    pub(super) async fn caller(&self, email: &str) -> Result<Caller, Failure> {
        Ok(self.control.service.operator_caller(email, Via::Admin).await?)
    }

    async fn join(&self, email: &str, role: &str) -> Result<(), Failure> {
        let service = &self.control.service;
        let adder = match service.is_empty().await? {
            true => service.setup_caller("demo").await?,
            false => self.caller(ADA).await?,
        };
        service.add_operator(&adder, email, role, Some(PASSWORD.to_owned())).await?;
        Ok(())
    }

    /// Shuts somebody out whose last export still waits: it fails, as its right is gone.
    async fn shut_out(&self, email: &str) -> Result<(), Failure> {
        let service = &self.control.service;
        let caller = self.caller(email).await?;
        let job = service.create_export(&caller, &ON_THE_WAY.request(), None).await?.job;
        self.clock.step(2 * SECOND);
        service.set_disabled(&self.caller(ADA).await?, email, true).await?;
        self.clock.step(SECOND);
        Ok(self.worker.build(job).await?)
    }

    async fn sign_in(&mut self, email: &str, is_typo: bool) -> Result<(), Failure> {
        // From one of three networks: the office, home, and on the way.
        let network = [[192, 0, 2], [198, 51, 100], [203, 0, 113]][self.draw.below(3) as usize];
        let [a, b, c] = network;
        let visitor = Visitor {
            address: Some(Ipv4Addr::new(a, b, c, self.draw.between(2, 90) as u8).into()),
            agent: Some(AGENT.to_owned()),
            via: Via::Admin,
        };
        let typed = if is_typo { format!("{PASSWORD}#") } else { PASSWORD.to_owned() };
        match self.control.service.sign_in(email, typed, &visitor).await {
            Err(ServiceError::Unknown) if is_typo => Ok(()),
            signed_in => signed_in.map(|_| ()).map_err(Failure::from),
        }
    }

    /// Whoever helps customers sees orders to one country.
    async fn put_support_role(&self) -> Result<(), Failure> {
        let own = ["exports.list.own", "exports.download.own", "exports.cancel.own"];
        let orders = [list_of("orders"), export_of("orders")];
        let role = Role {
            slug: "support".to_owned(),
            label: "Support".to_owned(),
            capabilities: own.map(str::to_owned).into_iter().chain(orders).collect(),
            limits: vec![RowLimit {
                subject: "orders".to_owned(),
                filter: json!({ "field": "shipping.country", "op": "eq", "value": "DE" }),
            }],
            masks: Default::default(),
        };
        Ok(self.control.service.put_role(&self.caller(ADA).await?, role).await?)
    }

    async fn give_orders_to_editors(&self) -> Result<(), Failure> {
        let (service, ada) = (&self.control.service, self.caller(ADA).await?);
        let roles = service.roles(&ada).await?;
        let Some(mut editor) = roles.into_iter().find(|role| role.slug == "editor") else {
            return Ok(());
        };
        editor.capabilities.insert(export_of("orders"));
        Ok(service.put_role(&ada, editor).await?)
    }

    /// Fewer rows than there are views.
    async fn limit_rows(&self, is_on: bool) -> Result<(), Failure> {
        let (service, ada) = (&self.control.service, self.caller(ADA).await?);
        let mut settings = service.settings(&ada).await?;
        settings.rows_max = is_on.then_some(self.options.views() / 2);
        Ok(service.set_settings(&ada, settings).await?)
    }

    async fn overreach(&self, email: &str, what: Overreach) -> Result<(), Failure> {
        let (service, caller) = (&self.control.service, self.caller(email).await?);
        let tried = match what {
            Overreach::Users => {
                service.create_export(&caller, &ALL_USERS.request(), None).await.map(|_| ())
            }
            Overreach::Settings => {
                let settings = service.settings(&self.caller(ADA).await?).await?;
                service.set_settings(&caller, settings).await
            }
            Overreach::Operators => service.operators(&caller).await.map(|_| ()),
        };
        match tried {
            Err(ServiceError::Denied(_) | ServiceError::Faults(_)) => Ok(()),
            Err(error) => Err(error.into()),
            Ok(()) => Err(Failure::wrong(format!("{email} may do more than the past knows"))),
        }
    }

    async fn export(&mut self, email: &'static str, wish: Wish, fate: Fate) -> Result<(), Failure> {
        let service = Arc::clone(&self.control.service);
        let caller = self.caller(email).await?;
        let job = service.create_export(&caller, &wish.request(), None).await?.job;
        match fate {
            Fate::CancelledWaiting => {
                self.wait(40);
                return Ok(service.cancel_export(&caller, job).await?);
            }
            Fate::CancelledBuilding => {
                self.break_off(job).await?;
                self.wait(9);
                let cancelled = service.cancel_export(&caller, job).await;
                return unless_over(cancelled);
            }
            Fate::HandedBack => {
                self.break_off(job).await?;
                self.wait(25);
            }
            Fate::Kept
            | Fate::Downloaded
            | Fate::DownloadedTwice
            | Fate::Resumed
            | Fate::Deleted
            | Fate::MadeAgain => self.wait(2),
        }
        self.worker.build(job).await?;
        self.follow(email, job, fate).await
    }

    /// Lets some seconds pass, up to as many.
    fn wait(&mut self, seconds_max: u64) {
        let wait = self.draw.between(1, seconds_max * 1_000);
        self.clock.step(wait as i64 * (SECOND / 1_000));
    }

    /// What comes of a file later.
    async fn follow(&mut self, email: &'static str, job: JobId, fate: Fate) -> Result<(), Failure> {
        let made = self.control.service.export(&self.caller(email).await?, job).await?;
        let (Status::Ready, Some(expires_at)) = (made.status, made.expires_at) else {
            return Ok(());
        };
        self.put(expires_at + 3 * SECOND, Step::Upkeep);
        let now = self.now().await?;
        let soon = now + self.draw.between(20, 3_600) as i64 * SECOND;
        let later = soon + self.draw.between(1, 3) as i64 * DAY - 37 * MINUTE;
        let download = |is_whole| Step::Download { email, job, is_whole };
        match fate {
            Fate::Kept | Fate::CancelledWaiting | Fate::CancelledBuilding => {}
            Fate::Downloaded | Fate::HandedBack => self.put(soon, download(true)),
            Fate::DownloadedTwice => {
                self.put(soon, download(true));
                self.put(later, download(true));
            }
            Fate::Resumed => {
                self.put(soon, download(false));
                self.put(soon + 4 * MINUTE, download(true));
            }
            Fate::Deleted => {
                self.put(soon, download(true));
                self.put(soon + HOUR, Step::Delete { email, job });
            }
            Fate::MadeAgain => {
                self.put(soon, download(true));
                self.put(later, Step::MakeAgain { email, job });
            }
        }
        Ok(())
    }

    pub(super) async fn download(
        &mut self,
        email: &str,
        job: JobId,
        is_whole: bool,
    ) -> Result<(), Failure> {
        let Some(caller) = self.still(email).await? else { return Ok(()) };
        unless_over(self.receive(&caller, job, is_whole).await)
    }

    /// Receives a file, or the first half of it.
    async fn receive(
        &mut self,
        caller: &Caller,
        id: JobId,
        is_whole: bool,
    ) -> Result<(), ServiceError> {
        let service = Arc::clone(&self.control.service);
        let job = service.export(caller, id).await?;
        let half = job.size_bytes.unwrap_or_default().unsigned_abs() / 2;
        let range = (!is_whole && half > 0).then_some(0..half);
        let link = service.make_link(caller, id).await?;
        self.wait(3);
        let artifacts = &self.control.artifacts;
        let mut sending = service.redeem(artifacts, caller, link.link.token(), range).await?;
        while sending.next().await?.is_some() {}
        self.wait(2);
        sending.finish(EndReason::Left).await
    }

    pub(super) async fn delete(&self, email: &str, job: JobId) -> Result<(), Failure> {
        let Some(caller) = self.still(email).await? else { return Ok(()) };
        unless_over(self.control.service.delete_artifact(&caller, job).await)
    }

    pub(super) async fn make_again(
        &mut self,
        email: &'static str,
        job: JobId,
    ) -> Result<(), Failure> {
        let Some(caller) = self.still(email).await? else { return Ok(()) };
        let made = self.control.service.rerun_export(&caller, job, None).await?.job;
        self.wait(2);
        self.worker.build(made).await?;
        self.follow(email, made, Fate::Downloaded).await
    }

    /// Somebody, unless shut out by now.
    async fn still(&self, email: &str) -> Result<Option<Caller>, Failure> {
        match self.control.service.operator_caller(email, Via::Admin).await {
            Ok(caller) => Ok(Some(caller)),
            Err(ServiceError::Unknown) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// A file that has expired or was deleted meanwhile is what somebody finds who comes late.
fn unless_over(done: Result<(), ServiceError>) -> Result<(), Failure> {
    match done {
        Ok(()) | Err(ServiceError::Conflict { .. } | ServiceError::Denied(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
