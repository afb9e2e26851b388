//! What becomes of schedules: by hand, as their time comes, and where it cannot.

use serde_json::json;
use tidegate_model::{
    action::{Action, Target},
    actor::{Caller, Via},
    ids::ScheduleId,
    job::NewJob,
    pointer::Pointer,
    request::ExportRequest,
    schedule::{Due, FireOutcome, NewSchedule, Schedule, Timing},
};
use tidegate_store::{
    Change, Committed, NewFire, ScheduleChange, ScheduleEdit, SkippedFires, StoreError,
};

use super::Story;
use crate::check::{OPEN_JOBS_MAX, new_job};

/// Microseconds of a day.
const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;

fn timing() -> Timing {
    let daily = json!({ "cron": "0 6 * * *" });
    Timing::read(&daily, None, &Pointer::at("/schedule")).unwrap()
}

impl Story<'_> {
    async fn schedule(&self, id: ScheduleId) -> Schedule {
        self.check.store.schedule(id).await.unwrap().unwrap()
    }

    async fn on_schedule(
        &self,
        caller: &Caller,
        action: Action,
        (id, change): (ScheduleId, ScheduleChange),
    ) -> Result<Committed, StoreError> {
        let schedule = self.schedule(id).await;
        let target = Target {
            subject: Some(schedule.request.subject),
            owner: Some(schedule.owner),
            schedule: Some(id),
            ..Target::default()
        };
        self.check.change(caller, (action, target), Change::Schedule(change)).await
    }

    /// What has come of a schedule whose next fire is as it stands there.
    async fn due(&self, id: ScheduleId) -> (i64, Due) {
        let next = self.schedule(id).await.next_fire_at.unwrap();
        let due = Due { fire: Some(next), next: Some(next + DAY_MICROS), ..Due::default() };
        (next, due)
    }

    /// A run of it.
    fn run(&self, id: ScheduleId) -> NewJob {
        NewJob { schedule: Some(id), via: Via::Schedule, ..new_job(&self.check.admin) }
    }
}

pub(super) async fn schedules(story: &Story<'_>) {
    let admin = &story.check.admin;
    let asked = new_job(admin);
    let request = ExportRequest::new(asked.subject.clone(), asked.format.clone());
    let made = NewSchedule {
        request: request.clone(),
        timing: timing(),
        has_pii: false,
        owner: admin.operator().unwrap(),
        scope_summary: json!({}),
        idempotency: None,
    };
    let target = Target { subject: Some(asked.subject), ..Target::default() };
    let change = Change::Schedule(ScheduleChange::Create(Box::new(made)));
    let create = story.check.change(admin, (Action::ScheduleCreate, target), change);
    let id = ScheduleId(story.tell("make a schedule", create).await.id.unwrap());
    by_hand(story, id, request).await;
    by_time(story, id).await;
    let delete = (id, ScheduleChange::Delete);
    let deleted = story.on_schedule(admin, Action::ScheduleDelete, delete);
    story.tell("delete it", deleted).await;
}

async fn by_hand(story: &Story<'_>, id: ScheduleId, request: ExportRequest) {
    let owner = story.check.admin.operator().unwrap();
    let edit = ScheduleEdit {
        version: story.schedule(id).await.version,
        timing: None,
        request: Some((request, false)),
        scope_summary: json!({}),
    };
    for (words, action, change) in [
        ("change it", Action::ScheduleChange, ScheduleChange::Edit(Box::new(edit))),
        ("pause it", Action::SchedulePause, ScheduleChange::Pause { reason: None }),
        ("resume it", Action::ScheduleResume, ScheduleChange::Resume),
        ("give it away", Action::ScheduleReassign, ScheduleChange::Reassign { owner }),
    ] {
        story.tell(words, story.on_schedule(&story.check.admin, action, (id, change))).await;
    }
    let (version, job) = (story.schedule(id).await.version, Box::new(story.run(id)));
    let run = ScheduleChange::Run { version, job, open_jobs_max: OPEN_JOBS_MAX };
    let run = story.on_schedule(&story.check.admin, Action::ScheduleRun, (id, run));
    story.tell("run it beside its times", run).await;
}

async fn by_time(story: &Story<'_>, id: ScheduleId) {
    let upkeep = Caller::upkeep("schedule");
    let (known_fire_at, due) = story.due(id).await;
    let (version, job) = (story.schedule(id).await.version, story.run(id));
    // Made from what it asked for before somebody changed that.
    let (old, due_then) = (version - 1, due.clone());
    let open_jobs_max = OPEN_JOBS_MAX;
    let fire =
        NewFire { version: old, known_fire_at, due: due_then, job: job.clone(), open_jobs_max };
    let fire = (id, ScheduleChange::Fire(Box::new(fire)));
    let late = story.on_schedule(&story.check.admin, Action::ScheduleFire, fire).await;
    assert!(matches!(late, Err(StoreError::Overtaken { .. })), "{late:?}");
    let fire = NewFire { version, known_fire_at, due, job, open_jobs_max: OPEN_JOBS_MAX };
    let fire = (id, ScheduleChange::Fire(Box::new(fire)));
    let fired = story.on_schedule(&story.check.admin, Action::ScheduleFire, fire);
    story.tell("its time has come", fired).await;

    let (known_fire_at, due) = story.due(id).await;
    let missed = Due { fire: None, missed: vec![known_fire_at], missed_count: 1, ..due };
    let miss = (id, ScheduleChange::Miss(missed, known_fire_at));
    let noted = story.on_schedule(&upkeep, Action::ScheduleMiss, miss);
    story.tell("nobody was there", noted).await;

    for (words, action, outcome) in [
        ("it cannot be asked for", Action::ScheduleFail, FireOutcome::Refused),
        ("its owner may not any more", Action::ScheduleHold, FireOutcome::Held),
    ] {
        let (known_fire_at, due) = story.due(id).await;
        let detail = "as it is".to_owned();
        let skip = (id, ScheduleChange::Skip(SkippedFires { known_fire_at, due, outcome, detail }));
        story.tell(words, story.on_schedule(&upkeep, action, skip)).await;
    }
}
