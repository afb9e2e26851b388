//! Every change, one after another, with what each leaves in the log.

mod approvals;
mod schedules;

use std::{cell::RefCell, fmt::Write};

use serde_json::json;
use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    ids::{JobId, LinkId, OperatorId, SessionId, TokenId, WebhookId},
    notice::{Family, Topic},
    policy::authorize,
    role::Role,
};
use tidegate_store::{
    Change, Committed, FailJob, LinkChange, NoticeChange, OperatorChange, PauseChange, ReadNotices,
    RoleEdit, Room, SecondFactorChange, SecondFactorProof, SessionChange, SessionProof, StoreError,
    StoreOwnership, TemplateWords, TokenChange, UnknownObject, WebhookChange, WebhookEnd,
};

use crate::check::{
    Check, ENDED_MICROS, LEASE_MICROS, OPEN_JOBS_MAX, failure, new_job, random_word, sent,
    target_of_new,
};

/// The table of what was done, and what it left.
struct Story<'a> {
    check: &'a Check,
    table: RefCell<String>,
}

impl Story<'_> {
    async fn tell(
        &self,
        words: &str,
        change: impl Future<Output = Result<Committed, StoreError>>,
    ) -> Committed {
        let (committed, left) = self.check.watch(change).await;
        let committed = committed.unwrap();
        let mut table = self.table.borrow_mut();
        writeln!(table, "{words}").unwrap();
        for entry in &left.entries {
            writeln!(table, "    entry       {}", without_numbers(entry)).unwrap();
        }
        for transition in &left.transitions {
            writeln!(table, "    transition  {}", without_numbers(transition)).unwrap();
        }
        committed
    }

    /// No action that leaves an entry is left out, and no other one has left one.
    fn assert_whole(&self) {
        let table = self.table.borrow();
        // What is moved to an archive has a story of its own, with files and signatures, and so has
        // the registry of actions, with what other sites say; a code that is shown is refused, or
        // is part of what it is shown for.
        let elsewhere = [
            Action::ActivityArchive,
            Action::SecondFactorShow,
            Action::ActionSync,
            Action::ActionRun,
            Action::ActionFinish,
            Action::GrantRenew,
            Action::GrantLapse,
            Action::HandOver,
        ];
        for action in Action::ALL.iter().copied().filter(|one| !elsewhere.contains(one)) {
            let is_told = table.contains(&format!(" {} ", action.slug()));
            assert_eq!(is_told, action.leaves_entry(), "{}", action.slug());
        }
    }

    async fn act(&self, words: &str, action: Action, job: JobId, change: Change) -> Committed {
        self.tell(words, self.check.act(&self.check.admin, action, job, change)).await
    }

    async fn work(&self, words: &str, action: Action, job: JobId, change: Change) -> Committed {
        self.tell(words, self.check.work(action, job, change)).await
    }

    async fn upkeep(&self, words: &str, action: Action, job: JobId, change: Change) -> Committed {
        self.tell(words, self.check.upkeep(action, job, change)).await
    }

    async fn manage(&self, words: &str, action: Action, change: Change) -> Committed {
        self.manage_of(self.check.admin.operator().unwrap(), words, action, change).await
    }

    async fn manage_of(
        &self,
        owner: OperatorId,
        words: &str,
        action: Action,
        change: Change,
    ) -> Committed {
        let target = Target { owner: Some(owner), ..Target::default() };
        self.tell(words, self.check.change(&self.check.admin, (action, target), change)).await
    }
}

/// Databases number what they make as they like: which job it is only matters where there is one.
fn without_numbers(line: &str) -> String {
    match line.rsplit_once(' ') {
        Some((words, "0")) => words.to_owned(),
        Some((words, _)) => format!("{words} of the job"),
        None => line.to_owned(),
    }
}

#[test]
fn every_change_leaves_its_entry_and_its_transition() {
    Check::on_both(async |check| {
        let story = Story { check, table: RefCell::default() };
        attempts(&story).await;
        ends(&story).await;
        files(&story).await;
        people(&story).await;
        again(&story).await;
        vault(&story).await;
        looks(&story).await;
        second_factors(&story).await;
        pauses(&story).await;
        approvals::approvals(&story).await;
        schedules::schedules(&story).await;
        notices(&story).await;
        story.assert_whole();
        insta::assert_snapshot!("every_change", story.table.into_inner());
    });
}

async fn attempts(story: &Story<'_>) {
    let check = story.check;
    let made = story
        .tell("create an export", check.create_with(&check.admin, new_job(&check.admin)))
        .await;
    let job = made.job.unwrap();
    let first = claim(story, "claim a pending job").await;
    let change = Change::HandBack(first.lease.proof());
    story.work("hand it back", Action::JobHandBack, job, change).await;
    let second = claim(story, "claim a building job that nobody has").await;
    let change = Change::Retry { proof: second.lease.proof(), failure: failure(), pause_micros: 0 };
    story.work("leave it to a later attempt", Action::JobRetry, job, change).await;
    let third = check.claim_briefly(job).await;
    let (fourth, left) = check.watch(check.claim()).await;
    assert_eq!(left.entries, [format!("job.claimed done worker {job}")], "taken over");
    assert_ne!(fourth.lease.object_key(), third.lease.object_key());
    let change = Change::Rescue { lease_token: check.token_of(job) };
    story.upkeep("rescue it from a worker that is gone", Action::JobRescue, job, change).await;
    let change = Change::Fail(FailJob { proof: None, failure: failure() });
    story.upkeep("fail a job that nobody has", Action::JobFail, job, change).await;
}

async fn claim(story: &Story<'_>, words: &str) -> tidegate_store::Claimed {
    let claimed = RefCell::new(None);
    let change = async {
        *claimed.borrow_mut() = Some(story.check.claim().await);
        Ok(Committed { seq: 0, job: None, id: None })
    };
    story.tell(words, change).await;
    claimed.into_inner().unwrap()
}

async fn ends(story: &Story<'_>) {
    let check = story.check;
    let job = check.create(&check.admin).await;
    story.act("cancel a pending job", Action::ExportCancel, job, Change::CancelExport).await;

    let held = check.building(&check.admin).await;
    let job = held.lease.job();
    story.act("cancel a job that is held", Action::ExportCancel, job, Change::CancelExport).await;
    let change = Change::Cancelled(Some(held.lease.proof()));
    story.work("end it as cancelled", Action::JobCancel, job, change).await;

    let job = check.create(&check.admin).await;
    check.claim_briefly(job).await;
    let words = "cancel a job whose lease has ended";
    story.act(words, Action::ExportCancel, job, Change::CancelExport).await;

    let held = check.building(&check.admin).await;
    let job = held.lease.job();
    check.act(&check.admin, Action::ExportCancel, job, Change::CancelExport).await.unwrap();
    check.store.renew(&held.lease, ENDED_MICROS).await.unwrap();
    let words = "end a cancelled job whose worker is gone";
    story.upkeep(words, Action::JobCancel, job, Change::Cancelled(None)).await;

    let job = check.create(&check.admin).await;
    let change = Change::Fail(FailJob { proof: None, failure: failure() });
    story.work("fail a pending job", Action::JobFail, job, change).await;
    let held = check.building(&check.admin).await;
    let change = Change::Fail(FailJob { proof: Some(held.lease.proof()), failure: failure() });
    story.work("fail a job that is held", Action::JobFail, held.lease.job(), change).await;
}

async fn files(story: &Story<'_>) {
    let check = story.check;
    let held = check.building(&check.admin).await;
    let job = held.lease.job();
    story.tell("publish a file", check.publish(&held)).await;
    let make =
        LinkChange::Make { nonce: random_word(), life_micros: LEASE_MICROS, is_bearer: false };
    let made =
        story.act("make a link", Action::DownloadLink, job, Change::Link(make)).await.id.unwrap();
    let change = Change::DownloadStarted { link: made, range: None };
    story.act("begin a download", Action::DownloadStart, job, change).await;
    let permit = check.permit(&check.admin, Action::DownloadStart, check.target(job).await).await;
    let started = check.store.start_download(permit, LinkId(made), None).await.unwrap();
    story.tell("end a download", check.store.finish_download(started, sent(1))).await;
    let change = Change::Link(LinkChange::Revoke(LinkId(made)));
    story.act("take a link back", Action::DownloadLink, job, change).await;
    let change = Change::Fault { fault: "missing".to_owned() };
    story.upkeep("note a fault", Action::ArtifactFault, job, change).await;
    story.act("delete a file", Action::ArtifactDelete, job, Change::DeleteArtifact).await;
    story.upkeep("see it gone", Action::ArtifactPurge, job, Change::Purged).await;
    let job = check.ready(&check.admin).await;
    check.end_retention(job);
    story.upkeep("end a retention", Action::JobExpire, job, Change::Expire).await;
}

async fn people(story: &Story<'_>) {
    let role = Role {
        slug: "auditor".to_owned(),
        label: "Auditor".to_owned(),
        capabilities: ["activity.view".to_owned()].into(),
        limits: Vec::new(),
        masks: Default::default(),
    };
    let put = Change::Role(RoleEdit::Put(role));
    story.manage("add a role", Action::RoleChange, put).await;
    let remove = Change::Role(RoleEdit::Remove("auditor".to_owned()));
    story.manage("remove a role", Action::RoleRemove, remove).await;
    let add = Change::Operator(OperatorChange::Add {
        email: "new@example.com".to_owned(),
        name: "New".to_owned(),
        role: "viewer".to_owned(),
        password_hash: None,
    });
    let added = story.manage("add an operator", Action::OperatorAdd, add).await.id.unwrap();
    let id = OperatorId(added);
    for (words, action, change) in [
        (
            "give an operator another role",
            Action::OperatorChange,
            OperatorChange::Role { id, role: "editor".to_owned() },
        ),
        (
            "set a password",
            Action::OperatorPassword,
            OperatorChange::Password {
                id,
                password_hash: "$argon2id$".to_owned(),
                invitation: None,
                session: None,
            },
        ),
        (
            "make a link to set a password",
            Action::OperatorInvite,
            OperatorChange::Invite { id, hash: random_word(), life_micros: 1 },
        ),
        ("shut an operator out", Action::OperatorDisable, OperatorChange::Disable(id)),
        ("let an operator in again", Action::OperatorChange, OperatorChange::Enable(id)),
    ] {
        story.manage_of(id, words, action, Change::Operator(change)).await;
    }
    let create = TokenChange::Create {
        name: "nightly".to_owned(),
        hash: random_word(),
        scopes: None,
        expires_at: i64::MAX,
    };
    let token = story.manage("make a token", Action::TokenCreate, Change::Token(create)).await;
    let revoke = Change::Token(TokenChange::Revoke(TokenId(token.id.unwrap())));
    story.manage("take a token back", Action::TokenRevoke, revoke).await;
    let settings = Change::Settings(Box::default());
    story.manage("change the settings", Action::SettingChange, settings).await;
    let note = Change::Note(json!({ "key": "k2" }));
    story.manage("rotate a key", Action::KeyRotate, note).await;
    let note = Change::Note(json!({ "bytes": 1 }));
    story.manage("save the control state", Action::Backup, note).await;
    let note = Change::Note(json!({ "file": "activity-entries.csv", "rows": 7 }));
    story.manage("take a report of the log", Action::ActivityExport, note).await;
}

async fn again(story: &Story<'_>) {
    let check = story.check;
    let job = new_job(&check.admin);
    let target = target_of_new(&job);
    let change = Change::CreateExport { job: Box::new(job), open_jobs_max: OPEN_JOBS_MAX };
    let made = check.change(&check.admin, (Action::ExportRerun, target), change);
    story.tell("make an export like an old one", made).await;
}

async fn looks(story: &Story<'_>) {
    let start = SessionChange::Start {
        hash: random_word(),
        life_micros: LEASE_MICROS,
        address: None,
        agent: None,
        by: SessionProof::Password,
    };
    let started = story.manage("sign in", Action::SessionStart, Change::Session(start)).await;
    let end = SessionChange::End(SessionId(started.id.unwrap()));
    story.manage("sign out", Action::SessionEnd, Change::Session(end)).await;
    let note = || Change::Note(json!({ "format": "csv" }));
    for (words, action) in [
        ("preview", Action::ExportPreview),
        ("estimate", Action::ExportEstimate),
        ("file made in a browser", Action::ClientExport),
    ] {
        let target = target_of_new(&new_job(&story.check.admin));
        story.tell(words, story.check.change(&story.check.admin, (action, target), note())).await;
    }
    let (seen, left) = story.check.watch(look(story.check, 11)).await;
    assert_eq!(seen.unwrap(), None);
    let mut table = story.table.borrow_mut();
    writeln!(table, "look at too many rows").unwrap();
    for entry in &left.entries {
        writeln!(table, "    entry       {}", without_numbers(entry)).unwrap();
    }
}

async fn pauses(story: &Story<'_>) {
    let begin = PauseChange::Begin { reason: "a leak".to_owned() };
    story.manage("pause", Action::EgressPause, Change::Pause(begin)).await;
    story.manage("resume", Action::EgressResume, Change::Pause(PauseChange::End)).await;
}

async fn second_factors(story: &Story<'_>) {
    let tell = async |words: &str, action, change| {
        story.manage(words, action, Change::SecondFactor(change)).await
    };
    let sealed = random_word();
    let offer = SecondFactorChange::Offer { sealed: sealed.clone(), proof: None };
    tell("begin to enrol a second factor", Action::SecondFactorOffer, offer).await;
    let (recovery, step) = (vec![random_word()], random_word());
    let proof = SecondFactorProof::Recovery(recovery[0].clone());
    let enrol = SecondFactorChange::Enrol { sealed, step: 1, recovery, session: None };
    tell("enrol it", Action::SecondFactorEnrol, enrol).await;
    let ask = SecondFactorChange::Ask { hash: step.clone(), life_micros: LEASE_MICROS };
    tell("ask for it", Action::SecondFactorAsk, ask).await;
    let start = SessionChange::Start {
        hash: random_word(),
        life_micros: LEASE_MICROS,
        address: None,
        agent: None,
        by: SessionProof::SecondFactor { proof, step: Some(step) },
    };
    story.manage("sign in by a recovery code", Action::SessionStart, Change::Session(start)).await;
    let remove = SecondFactorChange::Remove(SecondFactorProof::Step(2));
    tell("turn it off", Action::SecondFactorRemove, remove).await;
    tell("take it away", Action::SecondFactorReset, SecondFactorChange::Reset).await;
}

async fn notices(story: &Story<'_>) {
    let tell = async |words: &str, action, change| {
        story.manage(words, action, Change::Notices(change)).await.id
    };
    let read = NoticeChange::Read(ReadNotices::UpTo(i64::MAX));
    tell("read notices", Action::NoticeRead, read).await;
    let (by_mail, in_inbox) = (true, true);
    let hear = NoticeChange::Subscribe { family: Family::Jobs, by_mail, in_inbox };
    tell("choose what to be told of", Action::SubscriptionChange, hear).await;
    let add = WebhookChange::Add {
        public_id: random_word(),
        url: "https://example.com/".to_owned(),
        topics: vec!["jobs".to_owned()],
        secret: "sealed".to_owned(),
    };
    let made = tell("add a webhook", Action::WebhookAdd, NoticeChange::Webhook(add)).await;
    let id = WebhookId(made.unwrap());
    let change = WebhookChange::Change {
        id,
        url: "https://example.com/".to_owned(),
        topics: vec!["security".to_owned()],
        is_enabled: true,
    };
    let secret = "sealed again".to_owned();
    for (words, action, change) in [
        ("change it", Action::WebhookChange, change),
        (
            "give it a new secret",
            Action::WebhookRotate,
            WebhookChange::Rotate { id, secret, overlap_micros: 1 },
        ),
        ("test it", Action::WebhookTest, WebhookChange::Test(id)),
    ] {
        tell(words, action, NoticeChange::Webhook(change)).await;
    }
    let check = story.check;
    let permit = check.log_permit(Action::DeliveryKeep).await;
    let taken = check
        .store
        .take_deliveries(permit, LEASE_MICROS, &Room { limit: 1, full: Vec::new() })
        .await
        .unwrap()
        .remove(0);
    let delivery = taken.id();
    let permit = check.log_permit(Action::DeliveryEnd).await;
    let end = async {
        check.store.end_delivery(permit, taken, "down".to_owned(), true).await?;
        Ok(Committed { seq: 0, job: None, id: None })
    };
    story.tell("give up on a delivery", end).await;
    tell("send it again", Action::DeliveryRepeat, NoticeChange::Repeat(delivery)).await;
    check.site.execute("update webhooks set failing_since = 1").unwrap();
    let disable = WebhookChange::Disable { id, why: WebhookEnd::Failing { before: 2 } };
    let disable = Change::Notices(NoticeChange::Webhook(disable));
    let target = (Action::WebhookDisable, Target::default());
    let upkeep = Caller::upkeep("upkeep");
    story.tell("switch it off", check.change(&upkeep, target, disable)).await;
    let remove = NoticeChange::Webhook(WebhookChange::Remove(id));
    tell("remove it", Action::WebhookRemove, remove).await;
    let topic = Topic::ExportReady;
    let words = TemplateWords { title: "t".to_owned(), body: "b".to_owned(), html: None };
    let set = NoticeChange::Template { topic, words: Some(words) };
    tell("change the words of a mail", Action::TemplateChange, set).await;
    let test = NoticeChange::TestTemplate { topic, address: "a@example.com".to_owned() };
    tell("try them", Action::TemplateTest, test).await;
}

/// Looks at rows, where ten may be seen.
async fn look(check: &Check, rows: i64) -> Result<Option<i64>, StoreError> {
    let policy = check.store.policy().await.unwrap();
    let target = target_of_new(&new_job(&check.admin));
    let permit = authorize(&policy, &check.admin, Action::RowsView, target).unwrap();
    check.store.count_rows_seen(permit, rows, 10).await
}

#[test]
fn rows_are_counted_for_an_hour_and_told_of_once() {
    Check::on_both(async |check| {
        assert_eq!(look(check, 4).await.unwrap(), Some(6));
        assert_eq!(look(check, 6).await.unwrap(), Some(0));
        for _ in 0..3 {
            assert_eq!(look(check, 1).await.unwrap(), None);
        }
        let told = "select count(*) from activity where action = 'egress.volume'";
        assert_eq!(check.site.lines(told), ["1"]);
        // An hour later.
        check.site.execute("update rows_seen set minute = minute - 60").unwrap();
        assert_eq!(look(check, 10).await.unwrap(), Some(0));
        assert_eq!(check.site.lines("select count(*) from rows_seen"), ["1"], "old counts go");
        let other = authorize(
            &check.store.policy().await.unwrap(),
            &check.admin,
            Action::Backup,
            Target::default(),
        );
        let refused = check.store.count_rows_seen(other.unwrap(), 1, 10).await;
        assert!(matches!(refused, Err(StoreError::WrongPermit { .. })));
    });
}

async fn vault(story: &Story<'_>) {
    let program = |action, change| {
        let upkeep = Caller::upkeep("upkeep");
        async move { story.check.change(&upkeep, (action, Target::default()), change).await }
    };
    let claim = || Change::Ownership(StoreOwnership::Claim);
    story.tell("claim the artifact store", program(Action::StoreClaim, claim())).await;
    let adopt = StoreOwnership::Adopt { identity: random_word(), found: None };
    story.manage("adopt another one", Action::StoreAdopt, Change::Ownership(adopt)).await;
    story.tell("claim that one", program(Action::StoreClaim, claim())).await;
    let unknown = |key: &str| UnknownObject { key: key.to_owned(), bytes: 1 };
    let keep = Change::Quarantine(vec![unknown("9/1-a"), unknown("9/1-b")]);
    story.tell("keep unknown files", program(Action::ArtifactQuarantine, keep)).await;
    let end = |key: &str| Change::EndQuarantine(key.to_owned());
    story.manage("release one", Action::QuarantineRelease, end("9/1-a")).await;
    story.manage("delete one", Action::QuarantineDelete, end("9/1-b")).await;
}
