//! Use cases of Tidegate: what operators, workers and upkeep do, each through the one door.

mod access;
mod activity;
pub mod artifacts;
pub mod audit;
mod backup;
mod clock;
mod egress;
mod error;
mod exports;
mod formats;
mod gate;
mod keys;
pub mod link;
pub mod manifest;
mod operators;
mod report;
mod roles;
pub mod scope_words;
mod second_factor;
mod service;
mod settings;
mod setup;
mod sign_in;
mod standing;
mod subjects;
mod tokens;
pub mod trace;
pub mod upkeep;
mod vault;
pub mod words;
mod worker;

pub use access::{Access, Reach};
pub use activity::{
    ACTIVITY_PAGE_MAX, ActivityPage, ActivityRequest, ActivitySort, ChainState, CheckpointState,
    FoundEntry,
};
pub use egress::{
    Egress, EgressDay, EgressKey, EgressMeasure, EgressPart, EgressRequest, EgressShare,
    EgressWindow, OPERATORS_SHOWN_MAX, PERIOD_DAYS_MAX, hours_of,
};
pub use error::ServiceError;
pub use exports::{
    Beside, Created, Download, LinkedFile, ListPage, ListRequest, NewLink, Pass, Sending, Story,
    Watched,
};
pub use formats::{FormatSummary, OptionSummary, OptionTakes, formats};
pub use keys::{KeyError, Keys, NextKeys, PublicKeys, Purpose};
pub use report::{REPORT_ROWS_MAX, Report, ReportKind};
pub use second_factor::{SecondFactorOffer, SecondFactorProofs, SecondFactorState};
pub use service::{EXPORTS_MAX, Service, Site};
pub use settings::PersonalFields;
pub use sign_in::{
    Entrance, InvitationSecret, NewSession, NewStep, SETUP_HOURS, SignedIn, Visitor, Vouched,
};
pub use standing::Standing;
pub use subjects::{
    Basis, Counting, Estimate, ExportTerms, FormatEstimate, Preview, ROWS_PAGE_MAX, RowPage,
    RowsRequest, SubjectSummary,
};
pub use tidegate_store::{
    Attempt, Clock, Creator, CursorFault, EgressAmounts, EndReason, Figures, JobCursor, JobOrder,
    JobSort, Matching, Operator, Quarantined, Session, SortFault, Store, StoreError, Token,
    TransitionRow,
};
pub use tokens::NewToken;
pub use upkeep::{PurgeGuard, SweepSettings, Upkeep, UpkeepSettings};
pub use worker::{Worker, WorkerByHand, WorkerSettings};
