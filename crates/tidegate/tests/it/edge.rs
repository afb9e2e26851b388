//! The edge, as programs and browsers reach it: a real server, asked over loopback.

mod client;
mod downloads;
mod examples;
mod fuzz;
mod reference;
mod safety;
mod server;
mod sign_in;
mod whole;
