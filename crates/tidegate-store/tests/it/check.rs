//! The fixture: a control database with roles and operators, and jobs in it.

mod invariants;
mod site;

use std::collections::BTreeMap;

use serde_json::json;
use tidegate_model::{
    action::{Action, Target},
    actor::{Actor, Caller, Via},
    exposure::Exposure,
    ids::{JobId, OperatorId},
    job::{Failure, FailureReason, Job, NewJob},
    policy::{Permit, authorize},
    role,
};
use tidegate_store::{
    Change, ClaimRequest, Claimed, Clock, Committed, DownloadEnd, EndReason, NewArtifact,
    ObjectUse, OperatorChange, RoleEdit, SourceShare, Store, StoreError,
};

pub(crate) use site::Site;

/// Subjects of the site.
pub(crate) const SUBJECTS: [&str; 4] = ["content", "analytics", "orders", "users"];
/// Microseconds that a lease lives, so long that none ends during a test.
pub(crate) const LEASE_MICROS: i64 = 3_600 * 1_000_000;
/// A life that has ended when the lease is made.
pub(crate) const ENDED_MICROS: i64 = -1_000_000;
/// Ceiling that no test meets by chance.
pub(crate) const OPEN_JOBS_MAX: i64 = 100_000;

/// Tables of the control state.
const TABLES: [&str; 38] = [
    "policy",
    "roles",
    "operators",
    "tokens",
    "settings",
    "jobs",
    "idempotency",
    "attempts",
    "transitions",
    "links",
    "activity",
    "activity_head",
    "checkpoints",
    "streamed",
    "outbox",
    "pauses",
    "sessions",
    "invitations",
    "rows_seen",
    "artifact_store",
    "quarantine",
    "second_factors",
    "recovery_codes",
    "second_steps",
    "subscriptions",
    "webhooks",
    "deliveries",
    "notices",
    "templates",
    "actions",
    "grants",
    "hand_overs",
    "action_runs",
    "schedules",
    "schedule_keys",
    "fires",
    "governance",
    "approvals",
];

/// A store on a fresh database.
pub(crate) struct Check {
    pub(crate) site: Site,
    pub(crate) store: Store,
    /// Whose role is `administrator`.
    pub(crate) admin: Caller,
    /// Whose role is `editor`.
    pub(crate) editor: Caller,
}

impl Check {
    /// Runs a check on a fresh database of each kind. Afterwards, what must always hold must hold.
    pub(crate) fn on_both(check: impl AsyncFn(&Check)) {
        Self::on_both_tampered(async |made| {
            check(made).await;
            made.assert_invariants().await;
        });
    }

    /// Runs a check that writes rows around the store, so that no more holds than it asserts.
    pub(crate) fn on_both_tampered(check: impl AsyncFn(&Check)) {
        for site in Site::both() {
            eprintln!("on {}", site.name());
            let runtime = tokio::runtime::Builder::new_multi_thread();
            let runtime = { runtime }.worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                let made = Self::new(site).await;
                check(&made).await;
            });
        }
    }

    /// Runs a check on databases whose time begins so long ago, and goes on by steps.
    pub(crate) fn on_both_behind(micros: i64, check: impl AsyncFn(&Check)) {
        for site in Site::both() {
            eprintln!("on {}", site.name());
            let runtime = tokio::runtime::Builder::new_multi_thread();
            let runtime = { runtime }.worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                #[expect(clippy::disallowed_methods, reason = "the test makes a past")]
                let clock = Clock::behind(micros);
                check(&Self::by(site, &clock).await).await;
            });
        }
    }

    /// Opens the database, and makes its roles and operators.
    pub(crate) async fn new(site: Site) -> Self {
        Self::by(site, &Clock::default()).await
    }

    async fn by(site: Site, clock: &Clock) -> Self {
        let store = Store::open_by(&site.url(), clock).await.unwrap();
        for role in role::defaults(SUBJECTS) {
            let permit = permit(&store, &setup(), Action::RoleChange, Target::default()).await;
            store.commit(permit, Change::Role(RoleEdit::Put(role))).await.unwrap();
        }
        let admin = add_operator(&store, "ada@example.com", "administrator").await;
        let editor = add_operator(&store, "edith@example.com", "editor").await;
        Self { site, store, admin, editor }
    }

    /// Allows something by the policy as it is now.
    pub(crate) async fn permit(&self, caller: &Caller, action: Action, target: Target) -> Permit {
        permit(&self.store, caller, action, target).await
    }

    /// Allows upkeep what the log notes of itself.
    pub(crate) async fn log_permit(&self, action: Action) -> Permit {
        self.permit(&Caller::upkeep("log"), action, Target::default()).await
    }

    /// Does something as somebody.
    pub(crate) async fn change(
        &self,
        caller: &Caller,
        (action, target): (Action, Target),
        change: Change,
    ) -> Result<Committed, StoreError> {
        self.store.commit(self.permit(caller, action, target).await, change).await
    }

    /// Does something to a job, as an operator.
    pub(crate) async fn act(
        &self,
        caller: &Caller,
        action: Action,
        job: JobId,
        change: Change,
    ) -> Result<Committed, StoreError> {
        self.change(caller, (action, self.target(job).await), change).await
    }

    /// Does something to a job, as a worker.
    pub(crate) async fn work(
        &self,
        action: Action,
        job: JobId,
        change: Change,
    ) -> Result<Committed, StoreError> {
        self.act(&worker(), action, job, change).await
    }

    /// Does something to a job, as upkeep.
    pub(crate) async fn upkeep(
        &self,
        action: Action,
        job: JobId,
        change: Change,
    ) -> Result<Committed, StoreError> {
        self.act(&Caller::upkeep("upkeep"), action, job, change).await
    }

    /// A job as the service would load it.
    pub(crate) async fn target(&self, job: JobId) -> Target {
        let job = self.job(job).await;
        Target {
            subject: Some(job.subject),
            codename: None,
            owner: Some(job.created_by),
            job: Some(job.id),
            schedule: None,
            status: Some(job.status),
            has_pii: job.has_pii,
            withheld: None,
        }
    }

    pub(crate) async fn job(&self, job: JobId) -> Job {
        self.store.job(job).await.unwrap().unwrap()
    }

    pub(crate) async fn create(&self, caller: &Caller) -> JobId {
        self.create_with(caller, new_job(caller)).await.unwrap().job.unwrap()
    }

    pub(crate) async fn create_with(
        &self,
        caller: &Caller,
        job: NewJob,
    ) -> Result<Committed, StoreError> {
        let target = target_of_new(&job);
        let change = Change::CreateExport { job: Box::new(job), open_jobs_max: OPEN_JOBS_MAX };
        self.change(caller, (Action::ExportCreate, target), change).await
    }

    pub(crate) async fn claim_by(&self, request: ClaimRequest) -> Option<Claimed> {
        let permit = self.permit(&worker(), Action::JobClaim, Target::default()).await;
        self.store.claim(permit, request).await.unwrap()
    }

    /// Claims some job that waits.
    pub(crate) async fn claim(&self) -> Claimed {
        self.claim_by(claim_request()).await.unwrap()
    }

    /// Claims that job, for a time that has ended already.
    pub(crate) async fn claim_briefly(&self, job: JobId) -> Claimed {
        let request =
            ClaimRequest { lease_micros: ENDED_MICROS, only: Some(job), ..claim_request() };
        self.claim_by(request).await.unwrap()
    }

    pub(crate) async fn publish(&self, claimed: &Claimed) -> Result<Committed, StoreError> {
        let artifact = self.artifact(claimed).await;
        let change = Change::Publish(claimed.lease.proof(), Box::new(artifact));
        self.work(Action::JobPublish, claimed.lease.job(), change).await
    }

    pub(crate) async fn artifact(&self, claimed: &Claimed) -> NewArtifact {
        NewArtifact {
            object_key: claimed.lease.object_key().to_owned(),
            file_name: "orders.csv".to_owned(),
            bytes: 1_234,
            rows: 56,
            rows_estimated: None,
            sha256: "ab".repeat(32),
            exposure: Exposure::default(),
            retention_micros: LEASE_MICROS,
            policy_version: self.store.policy().await.unwrap().version,
            since: None,
        }
    }

    /// A job that is building.
    pub(crate) async fn building(&self, caller: &Caller) -> Claimed {
        let job = self.create(caller).await;
        let request = ClaimRequest { only: Some(job), ..claim_request() };
        self.claim_by(request).await.unwrap()
    }

    /// A job that is ready.
    pub(crate) async fn ready(&self, caller: &Caller) -> JobId {
        let claimed = self.building(caller).await;
        self.publish(&claimed).await.unwrap();
        claimed.lease.job()
    }

    /// The token of the lease on a job.
    pub(crate) fn token_of(&self, job: JobId) -> String {
        let query = format!("select lease_token from jobs where id = {job}");
        self.site.rows(&query)[0][0].clone().unwrap()
    }

    /// Makes the time of a job's file come.
    pub(crate) fn end_retention(&self, job: JobId) {
        let end = format!("update jobs set expires_at = completed_at where id = {job}");
        self.site.execute(&end).unwrap();
    }

    /// Number of the last entry.
    pub(crate) async fn head(&self) -> i64 {
        self.store.head().await.unwrap().0
    }

    /// What a change leaves in the log and in the record of transitions.
    pub(crate) async fn watch<T>(&self, change: impl Future<Output = T>) -> (T, Left) {
        let head = self.head().await;
        let done = change.await;
        let entries = format!(
            "select action, outcome, actor, coalesce(job_id, 0) from activity \
             where seq > {head} order by seq"
        );
        let transitions = format!(
            "select transition, status_from, status_to, job_id from transitions \
             where activity_seq > {head} order by id"
        );
        (
            done,
            Left { entries: self.site.lines(&entries), transitions: self.site.lines(&transitions) },
        )
    }

    /// Asserts that a change is refused, and leaves nothing at all.
    pub(crate) async fn refused<T: std::fmt::Debug>(
        &self,
        change: impl Future<Output = Result<T, StoreError>>,
    ) -> StoreError {
        let before = self.site.dump(&TABLES);
        let error = change.await.unwrap_err();
        assert_eq!(self.site.dump(&TABLES), before, "{error}");
        error
    }

    /// Whether an object has to stay: its job has it as its file, or its attempt may be at work.
    pub(crate) async fn is_in_use(&self, object_key: &str) -> bool {
        let uses = self.store.object_uses(&[object_key.to_owned()]).await.unwrap();
        matches!(uses.get(object_key), Some(ObjectUse::Shown | ObjectUse::Live))
    }

    /// The attempts at a job: number, outcome, whether ended.
    pub(crate) fn attempts(&self, job: JobId) -> Vec<String> {
        self.site.lines(&format!(
            "select attempt, outcome, case when ended_at is null then 'open' else 'ended' end \
             from attempts where job_id = {job} order by attempt"
        ))
    }
}

/// What a change left.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Left {
    /// Entries: action, outcome, actor, job, 0 where there is none.
    pub(crate) entries: Vec<String>,
    /// Transitions: name, from, to, job.
    pub(crate) transitions: Vec<String>,
}

pub(crate) async fn permit(
    store: &Store,
    caller: &Caller,
    action: Action,
    target: Target,
) -> Permit {
    authorize(&store.policy().await.unwrap(), caller, action, target).unwrap()
}

/// Adds an operator through the door; gives the caller that signs in as that operator.
pub(crate) async fn add_operator(store: &Store, email: &str, role: &str) -> Caller {
    let permit = permit(store, &setup(), Action::OperatorAdd, Target::default()).await;
    let added = OperatorChange::Add {
        email: email.to_owned(),
        name: email.to_owned(),
        role: role.to_owned(),
        password_hash: None,
    };
    let committed = store.commit(permit, Change::Operator(added)).await.unwrap();
    operator(committed.id.unwrap(), email, role)
}

/// The end of a download of so many bytes, which are the whole file.
pub(crate) fn sent(bytes: u64) -> DownloadEnd {
    DownloadEnd { bytes, is_whole: true, reason: EndReason::Sent }
}

pub(crate) fn operator(id: i64, email: &str, role: &str) -> Caller {
    Caller {
        actor: Actor::Operator { id: OperatorId(id), token: None },
        name: email.to_owned(),
        role: Some(role.to_owned()),
        token_scopes: None,
        session: None,
        via: Via::Api,
        address: Some("192.0.2.7".to_owned()),
    }
}

pub(crate) fn setup() -> Caller {
    Caller::setup("root")
}

pub(crate) fn worker() -> Caller {
    Caller::worker("worker-1")
}

pub(crate) fn new_job(caller: &Caller) -> NewJob {
    NewJob {
        subject: "content".to_owned(),
        kind: Some("pages".to_owned()),
        scope: json!({ "filter": { "all": [] } }),
        fields: json!(["id", "title"]),
        format: "csv".to_owned(),
        options: BTreeMap::from([("profile".to_owned(), "exact".to_owned())]),
        time_zone: "Europe/Berlin".to_owned(),
        has_pii: false,
        is_unmasked: true,
        notify_email: None,
        reason: None,
        via: Via::Api,
        created_by: caller.operator().unwrap(),
        rerun_of: None,
        schedule: None,
        rows_estimated: None,
        attempts_max: 3,
        exposure: Exposure::default(),
        scope_summary: json!({ "filter": { "all": [] } }),
        idempotency: None,
        trace: None,
    }
}

/// What a request for a job is about, before there is one.
pub(crate) fn target_of_new(job: &NewJob) -> Target {
    Target {
        subject: Some(job.subject.clone()),
        owner: Some(job.created_by),
        has_pii: job.has_pii,
        ..Target::default()
    }
}

pub(crate) fn claim_request() -> ClaimRequest {
    ClaimRequest {
        worker: "worker-1".to_owned(),
        host: "host-1".to_owned(),
        lease_token: random_word(),
        object_nonce: random_word(),
        lease_micros: LEASE_MICROS,
        only_small: false,
        only: None,
        sources: vec![SourceShare {
            subjects: ["content", "orders", "users"].map(String::from).into(),
            exports_max: 1_000_000,
        }],
    }
}

pub(crate) fn random_word() -> String {
    format!("{:032x}", rand::random::<u128>())
}

pub(crate) fn failure() -> Failure {
    Failure { reason: FailureReason::SourceLost, detail: "the source went away".to_owned() }
}
