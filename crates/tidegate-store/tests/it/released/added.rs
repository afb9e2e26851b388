//! What each later schema has a place for, put into databases of that schema when their files are
//! written: by statements, since no store of today opens them without changing them.

/// The names of all migrations up to the newest of these, and the statements behind each.
pub(super) const STEPS: &[(&str, &[&str])] = &[
    ("m0002_archives", &[]),
    ("m0003_artifact_store", &[]),
    ("m0004_sessions", &[]),
    ("m0005_traces", &[]),
    ("m0006_second_factors", &[]),
    ("m0007_lists", &[]),
    (
        "m0008_schedules",
        &[
            "insert into schedules (subject, request, timing, has_pii, state, state_at, owner, \
                created_at, next_fire_at, due_at) \
             select 'content', '{\"subject\":\"content\",\"kind\":null,\"scope\":null,\
                \"fields\":[\"id\",\"title\"],\"format\":\"csv\",\"options\":{},\
                \"time_zone\":\"UTC\",\"notify\":null,\"reason\":\"Weekly closing\",\
                \"schedule\":null}', '{\"time_zone\":\"UTC\",\"missed\":\"once\",\
                \"starts_at\":null,\"ends_at\":null,\"jitter_seconds\":0,\"lag_seconds\":0,\
                \"cron\":\"0 6 * * 1\"}', 0, 'active', created_at, id, created_at, \
                4102444800000000, 4102444800000000 from operators where id = 2",
            "insert into schedules (subject, request, timing, has_pii, state, state_reason, \
                state_at, owner, created_at) \
             select subject, request, timing, has_pii, 'held', 'its owner may not any more', \
                state_at, owner, created_at from schedules where id = 1",
            "insert into schedule_keys (operator_id, key, request_hash, schedule_id) \
             values (2, 'weekly', 'hash', 1)",
            "insert into fires (schedule_id, fire_at, outcome, detail, noted_at) \
             select 2, created_at, 'held', 'its owner may not any more', created_at \
             from operators where id = 2",
        ],
    ),
    (
        "m0009_notifications",
        &[
            "insert into subscriptions (operator_id, family, by_mail, in_inbox) \
             values (1, 'security', 1, 1)",
            "insert into webhooks (public_id, url, topics, secret, created_by, created_at) \
             values ('hook', 'https://hooks.example.com/', '[\"export.ready\"]', 'sealed', 1, 1)",
            "insert into outbox (topic, job_id, payload, created_at, fanned_at) \
             values ('export.failed', 4, '{}', 1, 2)",
            "insert into deliveries (outbox_id, channel, recipient, webhook_id, message, sends, \
                attempts, next_at, last_error, created_at) \
             values (5, 'webhook', '1', 1, 'msg_1', 2, 3, 4102444800000000, 'refused', 1)",
            "insert into deliveries (outbox_id, channel, recipient, operator_id, message, sends, \
                state, attempts, next_at, created_at, ended_at) \
             values (5, 'mail', 'ada@example.com', 1, 'msg_2', 1, 'dead', 10, 1, 1, 2)",
            "insert into notices (outbox_id, operator_id, family, subject, created_at) \
             values (5, 1, 'jobs', 'content', 1)",
            "insert into templates (topic, title, body, changed_by, changed_at) \
             values ('export.ready', 'Ready', 'It is ready.', 1, 1)",
        ],
    ),
    (
        "m0010_exposure",
        &["update roles set masks = '[{\"class\":\"email\",\"policy\":\"hash\"}]' \
           where slug = 'viewer'"],
    ),
    (
        "m0011_actions",
        &[
            "insert into actions (origin, model, codename, name, kind, scope, capability, \
                retired_at, changed_at) \
             values ('django', 'shop.Order', 'refund', 'Refund', 'server', 'rows', \
                'orders.refund', null, 1), \
                ('django', 'shop.Order', 'receipt', 'Receipt', 'server', 'rows', \
                'orders.receipt', 2, 2)",
            "insert into grants (operator_id, source, capability, renewed_at, expires_at) \
             values (2, 'django', 'orders.refund', 1, 4102444800000000)",
            "insert into hand_overs (nonce, operator_id, ticket, created_at, expires_at) \
             values ('nonce', 2, 'ticket', 1, 4102444800000000)",
        ],
    ),
    (
        "m0013_pauses",
        &["insert into pauses (subject, reason, paused_by, paused_at, ended_by, ended_at) \
           values ('content', 'an incident', 1, 1, 2, 2), (null, 'a leak', 2, 3, 1, 4)"],
    ),
];
