//! Use cases of Tidegate: what operators, workers and upkeep do, each through the one door.

mod access;
mod actions;
mod activity;
mod approvals;
pub mod artifacts;
pub mod audit;
mod backup;
mod clock;
mod egress;
mod error;
mod exports;
mod exposure;
mod formats;
mod gate;
mod hand_over;
mod keys;
pub mod link;
pub mod manifest;
mod notify;
mod operators;
mod outbound;
mod pause;
mod report;
mod roles;
mod schedules;
pub mod scope_words;
mod second_factor;
mod service;
mod settings;
mod setup;
mod sign_in;
mod signed;
mod standing;
mod subjects;
mod tokens;
pub mod trace;
pub mod upkeep;
mod vault;
pub mod words;
mod worker;

pub use access::{Access, Reach};
pub use actions::{ActionOrigin, ActionSummary};
pub use activity::{
    ACTIVITY_PAGE_MAX, ActivityPage, ActivityRequest, ActivitySort, ChainState, CheckpointState,
    FoundEntry,
};
pub use approvals::{ApprovalStory, BudgetLeft, Forecast};
pub use egress::{
    Egress, EgressDay, EgressKey, EgressMeasure, EgressPart, EgressRequest, EgressShare,
    EgressWindow, OPERATORS_SHOWN_MAX, PERIOD_DAYS_MAX, hours_of,
};
pub use error::ServiceError;
pub use exports::{
    Beside, Created, Download, LinkedFile, ListPage, ListRequest, NewLink, Pass, Sending, Story,
    Watch, Watched,
};
pub use formats::{FormatSummary, OptionSummary, OptionTakes, formats};
pub use hand_over::{GRANT_MICROS, HAND_OVER_SECONDS, HandOverSettings, HandedOver, SignedRequest};
pub use keys::{KeyError, Keys, NextKeys, PublicKeys, Purpose};
pub use notify::{
    DeliveryPage, FamilyState, MailError, NewWebhook, NoticePage, NoticeText, NotifySettings,
    Rendered, SIGNATURE_SCHEME, SmtpSecurity, TemplateState, WebhookEdit, WebhookError, signature,
};
pub use outbound::address::{AddressFault, Network};
pub use report::{REPORT_ROWS_MAX, Report, ReportKind};
pub use schedules::{
    CreatedSchedule, SCHEDULES_PAGE_MAX, ScheduleCall, ScheduleLine, ScheduleListRequest,
    ScheduleStory, ScheduleWish,
};
pub use second_factor::{SecondFactorOffer, SecondFactorProofs, SecondFactorState};
pub use service::{EXPORTS_MAX, Service, Site};
pub use settings::PersonalFields;
pub use sign_in::{
    Entrance, InvitationSecret, NewSession, NewStep, SETUP_HOURS, SignedIn, Visitor, Vouched,
};
pub use signed::{BadKey, KEY_BYTES_MIN, SharedKey};
pub use standing::Standing;
pub use subjects::{
    ActionQuestion, ActionRun, Agreed, Basis, Counting, Estimate, ExportTerms, FormatEstimate,
    Preview, ROWS_PAGE_MAX, RUN_RECORDS_MAX, RowPage, RowsRequest, RunOutcome, RunRequest,
    SubjectSummary,
};
pub use tidegate_store::{ApprovalsOf, RecentUse, Versioned};
pub use tidegate_store::{
    Attempt, Clock, Creator, CursorFault, Delivery, DeliveryCount, DeliveryFilter, EgressAmounts,
    EndReason, Figures, JobCursor, JobOrder, JobSort, Matching, Operator, PastPause, Quarantined,
    ReadNotices, Session, SortFault, Store, StoreError, Subscription, TemplateWords, Token,
    TransitionRow, Webhook,
};
pub use tokens::NewToken;
pub use upkeep::{PurgeGuard, SweepSettings, Task, TaskRun, Upkeep, UpkeepSettings};
pub use worker::{Worker, WorkerByHand, WorkerSettings};
