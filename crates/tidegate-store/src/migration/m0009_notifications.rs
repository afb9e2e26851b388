//! Who is told of what, by which way, and what became of each delivery.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

use super::statements;

/// The migration.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0009_notifications"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        statements::run(manager, &[STATEMENTS]).await
    }

    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("the control state is never taken down".to_owned()))
    }
}

const STATEMENTS: &[&str] = &[
    "alter table outbox add column fanned_at {int}",
    // What happened before anybody could be told of it is the past: nobody is told of it now.
    "update outbox set fanned_at = created_at",
    "create index outbox_open on outbox (id) where fanned_at is null",
    // When people were told of a download by it.
    "alter table links add column told_at {int}",
    "create table subscriptions (
        operator_id {int} not null references operators (id),
        family text not null,
        by_mail {int} not null check (by_mail in (0, 1)),
        in_inbox {int} not null check (in_inbox in (0, 1)),
        primary key (operator_id, family)
    ){strict}",
    "create table webhooks (
        id {id},
        public_id text not null unique,
        url text not null,
        topics text not null,
        secret text not null,
        secret_before text,
        secret_before_until {int},
        created_by {int} not null references operators (id),
        created_at {int} not null,
        failing_since {int},
        disabled_at {int},
        disabled_reason text,
        removed_at {int}
    ){strict}",
    "create table deliveries (
        id {id},
        outbox_id {int} not null references outbox (id),
        channel text not null,
        recipient text not null,
        operator_id {int} references operators (id),
        webhook_id {int} references webhooks (id),
        message text not null unique,
        series {int} not null default 0,
        sends {int} not null default 0 check (sends between 0 and 2),
        state text not null default 'pending'
            check (state in ('pending', 'sent', 'dead', 'dropped')),
        attempts {int} not null default 0,
        next_at {int} not null,
        lease_token text,
        lease_expires {int},
        last_error text,
        created_at {int} not null,
        ended_at {int},
        unique (outbox_id, channel, recipient),
        check ((state = 'pending') = (ended_at is null))
    ){strict}",
    "create index deliveries_due on deliveries (next_at) where state = 'pending'",
    "create index deliveries_by_webhook on deliveries (webhook_id, id)",
    "create index deliveries_dead on deliveries (id) where state = 'dead'",
    "create table notices (
        id {id},
        outbox_id {int} not null references outbox (id),
        operator_id {int} not null references operators (id),
        family text not null,
        subject text,
        created_at {int} not null,
        read_at {int},
        unique (outbox_id, operator_id)
    ){strict}",
    "create index notices_by_operator on notices (operator_id, id)",
    "create index notices_unread on notices (operator_id) where read_at is null",
    "create table templates (
        topic text primary key,
        title text not null,
        body text not null,
        html text,
        changed_by {int} references operators (id),
        changed_at {int} not null
    ){strict}",
];
