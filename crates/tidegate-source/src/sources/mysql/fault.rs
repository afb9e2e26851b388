//! What the driver and the server say, as errors of a source that hold no value of a row.

use mysql_async::{Error, ServerError};

use crate::{SourceError, error::Cause};

/// The statement ran longer than `max_statement_time` (MariaDB) or `max_execution_time` (MySQL).
const STATEMENT_TIMED_OUT: &[u16] = &[1969, 3024];
/// The server ended the session: shutdown, `KILL`, network faults as it saw them, timeouts.
const SESSION_ENDED: &[u16] = &[1053, 1158, 1159, 1160, 1161, 1184, 1317, 1927, 4031];
/// Errors whose text holds names, numbers of the server or our own SQL, but never a row's value.
const PLAIN_TEXT: &[u16] = &[
    1040, 1044, 1045, 1046, 1049, 1052, 1054, 1060, 1064, 1104, 1109, 1114, 1129, 1130, 1141, 1142,
    1143, 1146, 1176, 1203, 1205, 1213, 1222, 1226, 1227, 1235, 1251, 1267, 1270, 1271, 1305, 1317,
    1345, 1356, 1370, 1412, 1449, 1524, 1568, 1698, 1792, 1820, 1862, 1927, 1969, 3024, 3118, 4151,
];
/// Remedies that the server's own text lacks.
const REMEDIES: &[(u16, &str)] = &[
    (1153, "a row or value is larger than the server's `max_allowed_packet`; raise it there"),
    (1301, "a value is larger than the server's `max_allowed_packet`; raise it there"),
    (1412, "the table was altered just as the export began; run it again"),
    (1205, "the table is locked by another session; run the export again"),
    (1213, "the table is locked by another session; run the export again"),
];

/// An error of the server, without values of rows.
#[derive(Debug, thiserror::Error)]
#[error("error {code} ({state}): {message}")]
pub(super) struct ServerFault {
    code: u16,
    state: String,
    message: String,
}

/// An error of the driver, as it shows it to people: its other form may hold values.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct DriverFault(String);

impl From<ServerError> for ServerFault {
    fn from(error: ServerError) -> Self {
        let remedy = REMEDIES.iter().find(|(code, _)| *code == error.code).map(|(_, text)| *text);
        let text = PLAIN_TEXT.contains(&error.code).then_some(error.message);
        let message = match (text, remedy) {
            (Some(text), Some(remedy)) => format!("{text}; {remedy}"),
            (Some(text), None) => text,
            (None, Some(remedy)) => remedy.to_owned(),
            (None, None) => "its text is left out, as it may quote values of rows".to_owned(),
        };
        Self { code: error.code, state: error.state, message }
    }
}

/// The cause of a value that was cut, by the code of the server's warning.
pub(super) fn cut(code: u16) -> Cause {
    let message = "a value was cut, as it is larger than the server's `max_allowed_packet` or \
                   `group_concat_max_len`; raise them there";
    warned(code, message)
}

/// The cause of a comparison with a part of a document that is none, by the code of the warning.
pub(super) fn no_document(code: u16) -> Cause {
    warned(code, "a field compared or sorted by is part of a document that is no JSON")
}

fn warned(code: u16, message: &str) -> Cause {
    Box::new(ServerFault { code, state: "01000".to_owned(), message: message.to_owned() })
}

/// The error as a cause.
pub(super) fn cause(error: Error) -> Cause {
    match error {
        Error::Server(error) => Box::new(ServerFault::from(error)),
        Error::Io(mysql_async::IoError::Io(error)) => Box::new(error),
        Error::Other(error) => error,
        other => Box::new(DriverFault(other.to_string())),
    }
}

/// What was being done when an error came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doing<'a> {
    /// Name of the source in the configuration.
    pub(super) source_name: &'a str,
    /// What was being done: "read `orders`".
    pub(super) what: &'a str,
    /// The source's limit for a statement.
    pub(super) statement_seconds_max: Option<u64>,
}

impl Doing<'_> {
    /// The error of a statement as an error of the source.
    pub(super) fn fault(&self, error: Error) -> SourceError {
        let source_name = self.source_name.to_owned();
        match error {
            Error::Server(error) => match self.statement_seconds_max {
                Some(seconds) if STATEMENT_TIMED_OUT.contains(&error.code) => {
                    SourceError::StatementTooLong { seconds }
                }
                _ if SESSION_ENDED.contains(&error.code) => {
                    SourceError::Lost { source_name, cause: Box::new(ServerFault::from(error)) }
                }
                _ => SourceError::Refused {
                    source_name,
                    doing: self.what.to_owned(),
                    cause: Box::new(ServerFault::from(error)),
                },
            },
            other @ (Error::Driver(_) | Error::Io(_) | Error::Other(_) | Error::Url(_)) => {
                SourceError::Lost { source_name, cause: cause(other) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(code: u16, message: &str) -> Error {
        Error::Server(ServerError { code, message: message.to_owned(), state: "HY000".to_owned() })
    }

    #[test]
    fn an_error_that_may_quote_a_value_keeps_its_code_only() {
        let doing = Doing { source_name: "shop", what: "read `t`", statement_seconds_max: None };
        let fault = doing.fault(server(1690, "BIGINT value is out of range in 'ada@example.com'"));
        let SourceError::Refused { cause, .. } = fault else { panic!("{fault:?}") };
        assert!(cause.to_string().contains("1690"));
        assert!(!format!("{cause} {cause:?}").contains("ada"));
    }

    #[test]
    fn the_end_of_a_session_is_a_loss_and_a_time_limit_is_named() {
        let doing =
            |limit| Doing { source_name: "shop", what: "read `t`", statement_seconds_max: limit };
        let lost = doing(None).fault(server(1927, "Connection was killed"));
        assert!(matches!(lost, SourceError::Lost { .. }));
        let long = doing(Some(7)).fault(server(1969, "Query execution was interrupted"));
        assert!(matches!(long, SourceError::StatementTooLong { seconds: 7 }));
        let unnamed = doing(None).fault(server(1969, "max_statement_time exceeded"));
        assert!(matches!(unnamed, SourceError::Refused { .. }));
    }
}
