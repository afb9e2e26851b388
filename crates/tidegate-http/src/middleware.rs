//! What every request passes before a handler sees it, one file each.

pub(crate) mod caller;
pub(crate) mod headers;
pub(crate) mod host;
pub(crate) mod measured;
pub(crate) mod origin;
pub(crate) mod peer;
pub(crate) mod quota;
pub(crate) mod request_id;
pub(crate) mod traced;
