//! The operators of the demo, all with one password that everybody knows.

/// Password of everybody in the demo, which only this machine can reach.
pub const PASSWORD: &str = "tide-gate-demo";
/// Whoever runs the site.
pub const ADA: &str = "ada@example.com";
/// Whoever writes.
pub const EDITH: &str = "edith@example.com";
/// Whoever looks.
pub const VICTOR: &str = "victor@example.com";
/// Whoever worked here once, and is shut out by now. Only a site with a past knows her.
pub const MARA: &str = "mara@example.com";

/// Everybody who may sign in, with their roles.
pub const PEOPLE: [(&str, &str); 3] =
    [(ADA, "administrator"), (EDITH, "editor"), (VICTOR, "viewer")];
