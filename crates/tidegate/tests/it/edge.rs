//! The edge, as programs and browsers reach it: a real server, asked over loopback.

mod alike;
mod client;
mod cover;
mod deployment;
mod downloads;
mod examples;
mod figures;
mod fuzz;
mod issuer;
mod leaks;
mod look;
mod operations;
mod proxy;
mod reach;
mod reference;
mod safety;
mod second_factor;
mod server;
mod sign_in;
mod signed_out;
mod single_sign_on;
mod traces;
mod trusted_header;
mod volume;
mod watching;
mod whole;
