//! `tidegate schedules`: lists, shows, pauses, runs and gives away schedules.

use serde_json::{Value, json};
use tidegate_model::{actor::Caller, ids::ScheduleId, schedule::Schedule};
use tidegate_service::{ScheduleCall, ScheduleListRequest, ScheduleStory};

use crate::{
    cli::{Cli, SchedulesCommand},
    commands::jobs::time,
    control::{self, Control},
    failure::Failure,
};

/// Runs the command.
///
/// # Errors
///
/// If it may not be done, or cannot.
pub fn run(command: &SchedulesCommand, cli: &Cli) -> Result<(), Failure> {
    control::run(async {
        let control = Control::open(cli).await?;
        let caller = control.caller(cli).await?;
        let schedules = Schedules { control, caller, is_json: cli.json };
        match command {
            SchedulesCommand::List(args) => {
                let behind = args.behind.map(ScheduleId);
                let limit = Some(args.limit);
                schedules.list(ScheduleListRequest { state: None, behind, limit }).await
            }
            SchedulesCommand::Show(args) => schedules.show(ScheduleId(args.id)).await,
            SchedulesCommand::Pause(args) => {
                schedules.call(args.id, ScheduleCall::Pause(args.reason.clone())).await
            }
            SchedulesCommand::Resume(args) => schedules.call(args.id, ScheduleCall::Resume).await,
            SchedulesCommand::Run(args) => schedules.run(ScheduleId(args.id)).await,
            SchedulesCommand::Reassign(args) => schedules.reassign(args.id, &args.to).await,
            SchedulesCommand::Delete(args) => schedules.call(args.id, ScheduleCall::Delete).await,
        }
    })
}

struct Schedules {
    control: Control,
    caller: Caller,
    is_json: bool,
}

impl Schedules {
    async fn list(&self, request: ScheduleListRequest) -> Result<(), Failure> {
        let (lines, has_more) = self.control.service.schedule_lines(&self.caller, request).await?;
        if self.is_json {
            let shown: Vec<Value> = lines.iter().map(|line| document(&line.schedule)).collect();
            println!("{}", json!({ "schedules": shown, "has_more": has_more }));
            return Ok(());
        }
        println!(
            "{:>6}  {:<7} {:<20} {:<22} {:<30}  owner",
            "id", "state", "subject", "next", "when"
        );
        for line in &lines {
            let schedule = &line.schedule;
            println!(
                "{:>6}  {:<7} {:<20} {:<22} {:<30}  {}",
                schedule.id,
                schedule.state.slug(),
                schedule.request.subject,
                schedule.next_fire_at.map(time).unwrap_or_default(),
                schedule.timing.words(),
                line.owner,
            );
        }
        if let Some(last) = lines.last().filter(|_| has_more) {
            eprintln!("tidegate: more: --behind {}", last.schedule.id);
        }
        Ok(())
    }

    async fn show(&self, id: ScheduleId) -> Result<(), Failure> {
        let story = self.control.service.schedule_story(&self.caller, id).await?;
        let ScheduleStory { schedule, next_fires, fires, runs } = story;
        if self.is_json {
            let mut shown = document(&schedule);
            shown["next_fires"] = next_fires.iter().map(|at| time(*at)).collect();
            shown["runs"] = json!(runs);
            println!("{}", json!({ "schedule": shown }));
            return Ok(());
        }
        println!("schedule {}  {}", schedule.id, schedule.state.slug());
        if let Some(reason) = &schedule.state_reason {
            println!("because    {reason}");
        }
        println!("subject    {}", schedule.request.subject);
        println!("format     {}", schedule.request.format);
        let zone = schedule.timing.recurrence.zone();
        println!("fires      {}, {zone}", schedule.timing.words());
        for at in next_fires {
            println!("next       {}", time(at));
        }
        for fire in fires.iter().filter(|fire| fire.job.is_none()) {
            let detail = fire.detail.as_deref().unwrap_or_default();
            println!("{:<10} {} {detail}", fire.outcome.slug(), time(fire.fire_at));
        }
        for run in runs {
            println!("export {}  {}  {}", run.id, run.status, time(run.created_at));
        }
        Ok(())
    }

    async fn call(&self, id: i64, call: ScheduleCall) -> Result<(), Failure> {
        Ok(self.control.service.call_schedule(&self.caller, ScheduleId(id), call).await?)
    }

    async fn run(&self, id: ScheduleId) -> Result<(), Failure> {
        let job = self.control.service.run_schedule(&self.caller, id).await?;
        match self.is_json {
            true => println!("{}", json!({ "export": job })),
            false => println!("{job}"),
        }
        Ok(())
    }

    async fn reassign(&self, id: i64, email: &str) -> Result<(), Failure> {
        let owners = self.control.service.schedule_owners_of(&self.caller, ScheduleId(id)).await?;
        let owner = owners.iter().find(|one| one.email.eq_ignore_ascii_case(email));
        let owner = owner.ok_or_else(|| {
            Failure::wrong("no operator of that address may export this and make schedules")
        })?;
        self.call(id, ScheduleCall::Reassign(owner.id)).await
    }
}

/// A schedule, for programs.
fn document(schedule: &Schedule) -> Value {
    json!({
        "id": schedule.id,
        "state": schedule.state,
        "state_reason": schedule.state_reason,
        "request": schedule.request,
        "schedule": schedule.timing.document(),
        "owner": schedule.owner,
        "next_fire_at": schedule.next_fire_at.map(time),
        "failures": schedule.failures,
        "created_at": time(schedule.created_at),
    })
}
