//! What the store owes on every database.

mod beside;
mod cancel;
mod egress;
mod file;
mod lease;
mod life;
mod link;
mod list;
mod log;
mod notices;
mod pause;
mod people;
mod registry;
mod request;
mod second_factor;
mod sessions;
mod story;
mod together;
mod vault;
