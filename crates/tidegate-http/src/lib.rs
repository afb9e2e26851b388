//! The edge of Tidegate: REST API, downloads, sign-in. What it may do it asks of the service.
//!
//! ```text
//! host ─▶ headers ─▶ limits ─▶ cross-site ─▶ who is it ─▶ handler ─▶ service
//! ```
//!
//! Every route below `/api/v1` is made from its description ([`document`]), so that none can be
//! without one; and every one needs a caller unless its description says that it does not.

mod api;
mod clock;
mod download;
mod edge;
mod events;
mod health;
mod input;
mod metrics;
mod middleware;
mod page;
mod pages;
mod problem;
mod qr;
mod router;
mod serve;
mod session;
mod sign_on;
mod socket;
mod tagged;
mod trusted_header;
mod underway;
mod version;

pub use api::document;
pub use edge::{Edge, EdgeError, EdgeSettings, SetupToken};
pub use pages::password_url;
pub use problem::{PROBLEMS, ProblemKind};
pub use router::router;
pub use serve::serve;
pub use sign_on::{OidcSettings, RoleRules};
pub use trusted_header::TrustedHeader;
