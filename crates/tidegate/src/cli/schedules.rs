//! `tidegate schedules`: what can be typed about schedules.

use clap::{Args, Subcommand};

/// What to do with schedules.
#[derive(Clone, Debug, Subcommand)]
pub enum SchedulesCommand {
    /// List schedules, the newest first
    List(SchedulesArgs),
    /// Show one schedule, with its next times and its last runs
    Show(ScheduleArgs),
    /// Pause a schedule
    Pause(SchedulePauseArgs),
    /// Let a schedule fire again, from its next time on
    Resume(ScheduleArgs),
    /// Run a schedule now, beside its times, and print the number of the export
    Run(ScheduleArgs),
    /// Give a schedule to somebody else, in whose name it fires from now on
    Reassign(ReassignArgs),
    /// Delete a schedule; the record of its runs stays
    Delete(ScheduleArgs),
}

/// Which schedule.
#[derive(Clone, Debug, Args)]
pub struct ScheduleArgs {
    /// Number of the schedule
    pub id: i64,
}

/// Which schedules.
#[derive(Clone, Debug, Args)]
pub struct SchedulesArgs {
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub limit: u32,
    /// Behind that one: older ones
    #[arg(long, value_name = "ID")]
    pub behind: Option<i64>,
}

/// Which schedule, and why.
#[derive(Clone, Debug, Args)]
pub struct SchedulePauseArgs {
    /// Number of the schedule
    pub id: i64,
    /// Why, for whoever looks at it
    #[arg(long)]
    pub reason: Option<String>,
}

/// Which schedule, and whose it is to be.
#[derive(Clone, Debug, Args)]
pub struct ReassignArgs {
    /// Number of the schedule
    pub id: i64,
    /// Mail address of an operator who may export its subject and make schedules
    #[arg(long, value_name = "EMAIL")]
    pub to: String,
}
