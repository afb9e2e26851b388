//! Tells people what has happened: in the pages, by mail, to webhooks.

mod audience;
mod inbox;
mod mail;
mod render;
mod sender;
mod sending;
mod settings;
mod template;
mod template_guard;
mod webhook;
mod webhooks;

pub use inbox::{FamilyState, NoticePage, NoticeText};
pub use mail::MailError;
pub(crate) use sending::Sending;
pub use settings::{NotifySettings, SmtpSecurity};
pub use template::{Rendered, TemplateState};
pub use webhook::{SIGNATURE_SCHEME, WebhookError, signature};
pub use webhooks::{DeliveryPage, NewWebhook, WebhookEdit};
