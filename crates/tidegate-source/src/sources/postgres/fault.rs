//! What the server or the connection says when something goes wrong, without values of rows.

use std::io;

use tokio_postgres::error::DbError;

use crate::{SourceError, error::Cause};

/// An error of the server. Its text is the server's own only where that cannot quote a row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text} (SQLSTATE {code})")]
pub(super) struct ServerFault {
    /// SQLSTATE.
    pub(super) code: String,
    text: String,
}

impl ServerFault {
    pub(super) fn new(code: &str, message: &str) -> Self {
        let text = match remedy(code, message) {
            Some(text) => text.to_owned(),
            None if may_be_quoted(code) => message.trim_end().to_owned(),
            None => "the statement failed on a row; the server's log has the message".to_owned(),
        };
        Self { code: code.to_owned(), text }
    }

    fn is_loss(&self) -> bool {
        matches!(
            &self.code[..],
            "57P01" | "57P02" | "57P04" | "57P05" | "25P03" | "25P04" | "40001"
        ) || self.code.starts_with("08")
    }
}

impl From<&DbError> for ServerFault {
    fn from(error: &DbError) -> Self {
        Self::new(error.code().code(), error.message())
    }
}

/// Words for what the server says badly, or may say with a value in it.
fn remedy(code: &str, message: &str) -> Option<&'static str> {
    Some(match code {
        "22003" => "a number is out of the range of the type that its field declares",
        "22007" | "22008" => "a value is no date or time, or one out of range",
        "22012" => "a division by zero in the query of the subject",
        "22021" | "22P05" => "a text cannot be converted to UTF-8",
        "22P02" | "22018" | "22030" | "22032" => {
            "a value does not fit the type that its field declares"
        }
        "22P03" => "the server takes a value of the filter for another type",
        "25P03" => "the server ended the session: `idle_in_transaction_session_timeout`",
        "25P04" => "the server ended the session: `transaction_timeout`",
        "40001" if message.contains("recovery") => {
            "the standby stopped the export to apply what the primary had changed; raise \
             `max_standby_streaming_delay` there, or set `hot_standby_feedback = on`"
        }
        "53300" => "the server has no connection left; lower `readers` of the source",
        "55P03" => "a table is locked by somebody who changes it; try again when that is over",
        "54000" => "a row is larger than the gigabyte that the server can send",
        "57P01" => "the server ended the session",
        "57P02" => "the server ended the session because another one crashed",
        _ => return None,
    })
}

/// Whether messages of this class name objects and limits only. Data exceptions and those of
/// functions (`raise exception`) may quote what they choked on.
fn may_be_quoted(code: &str) -> bool {
    const CLASSES: &[&str] =
        &["08", "0A", "25", "28", "3D", "3F", "40", "42", "53", "54", "55", "57", "58"];
    CLASSES.iter().any(|class| code.starts_with(class))
}

/// How the server says that somebody cancelled the statement, rather than its own clock. Servers
/// that speak another language leave the two apart only by our having set a limit.
const BY_HAND: &str = "user request";

/// What went wrong, before it is known in what.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The server refused, or gave up.
    #[error(transparent)]
    Server(#[from] ServerFault),
    /// The connection broke, or the driver did.
    #[error("the connection failed")]
    Broken(#[source] Cause),
    /// The server broke the protocol.
    #[error("the server does not keep to the protocol: {0}")]
    Protocol(&'static str),
    /// A column is not what it was when it was described.
    #[error("field `{field}` has become a `{found}` since it was described; try again")]
    Changed {
        /// Slug of the field.
        field: String,
        /// Type that the server has for it now.
        found: String,
    },
    /// No snapshot knows the tables as they are.
    #[error("its tables are truncated or rewritten again and again; try again when that is over")]
    Unsettled,
    /// We were told to stop.
    #[error("interrupted")]
    Interrupted,
    /// What callers of the source are to be told, as it is.
    #[error(transparent)]
    Told(Box<SourceError>),
}

impl Fault {
    /// Whether the session is gone.
    pub(super) fn is_loss(&self) -> bool {
        match self {
            Self::Broken(_) | Self::Protocol(_) => true,
            Self::Server(fault) => fault.is_loss(),
            Self::Told(error) => matches!(**error, SourceError::Lost { .. }),
            Self::Changed { .. } | Self::Unsettled | Self::Interrupted => false,
        }
    }
}

impl From<SourceError> for Fault {
    fn from(error: SourceError) -> Self {
        Self::Told(Box::new(error))
    }
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(server) => Self::Server(server.into()),
            None => Self::Broken(Box::new(error)),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Broken(Box::new(error))
    }
}

/// What a statement was to do, for its errors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doing<'a> {
    /// Name of the source in the configuration.
    pub(super) source_name: &'a str,
    /// "read `orders`".
    pub(super) what: &'a str,
    /// The limit that the session was given.
    pub(super) statement_seconds_max: Option<u64>,
}

impl Doing<'_> {
    /// The fault as callers of the source see it.
    pub(super) fn error(&self, fault: Fault) -> SourceError {
        let source_name = self.source_name.to_owned();
        match fault {
            Fault::Interrupted => SourceError::Interrupted,
            Fault::Told(error) => *error,
            Fault::Server(fault) if fault.is_loss() => {
                SourceError::Lost { source_name, cause: Box::new(fault) }
            }
            Fault::Server(fault) => match (&fault.code[..], self.statement_seconds_max) {
                ("57014", Some(seconds)) if !fault.text.contains(BY_HAND) => {
                    SourceError::StatementTooLong { seconds }
                }
                _ => SourceError::Refused {
                    source_name,
                    doing: self.what.to_owned(),
                    cause: Box::new(fault),
                },
            },
            Fault::Broken(cause) => SourceError::Lost { source_name, cause },
            fault @ Fault::Protocol(_) => SourceError::Lost { source_name, cause: Box::new(fault) },
            fault @ (Fault::Changed { .. } | Fault::Unsettled) => SourceError::Refused {
                source_name,
                doing: self.what.to_owned(),
                cause: Box::new(fault),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: &str, message: &str, limit: Option<u64>) -> SourceError {
        Doing { source_name: "shop", what: "read `orders`", statement_seconds_max: limit }
            .error(ServerFault::new(code, message).into())
    }

    #[test]
    fn a_message_that_may_quote_a_row_is_never_passed_on() {
        for code in ["22P02", "22003", "22008", "23505", "P0001", "XX000", "38000", "21000"] {
            let told = error(code, "invalid input for type integer: \"ada@example.com\"", None);
            let told = format!("{told:?}");
            assert!(!told.contains("ada"), "{told}");
            assert!(told.contains(code), "{told}");
        }
    }

    #[test]
    fn a_message_about_objects_is_passed_on() {
        let told = error("42501", "permission denied for table orders", None);
        let SourceError::Refused { cause, .. } = told else { panic!("{told:?}") };
        assert_eq!(cause.to_string(), "permission denied for table orders (SQLSTATE 42501)");
    }

    #[test]
    fn the_end_of_a_session_is_a_loss_and_says_why() {
        for (code, word) in [
            ("57P01", "ended"),
            ("25P03", "idle_in_transaction_session_timeout"),
            ("08006", "gone"),
            ("40001", "hot_standby_feedback"),
        ] {
            let message = "gone: canceling statement due to conflict with recovery";
            let told = error(code, message, Some(5));
            let SourceError::Lost { cause, .. } = told else { panic!("{told:?}") };
            assert!(cause.to_string().contains(word), "{cause}");
        }
    }

    #[test]
    fn a_cancelled_statement_was_too_long_only_where_there_is_a_limit() {
        let long = error("57014", "canceling statement due to statement timeout", Some(7));
        assert!(matches!(long, SourceError::StatementTooLong { seconds: 7 }), "{long:?}");
        for limit in [None, Some(7)] {
            let by_hand = error("57014", "canceling statement due to user request", limit);
            assert!(matches!(by_hand, SourceError::Refused { .. }), "{by_hand:?}");
        }
    }
}
