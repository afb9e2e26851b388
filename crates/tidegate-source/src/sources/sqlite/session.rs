//! A connection with its statements, which may rest between two rows.
//!
//! A reader gives its rows batch by batch and keeps its place in between. The safe statements of
//! `rusqlite` borrow their connection, so that the two cannot rest in one struct; here they do.
//! This is the only unsafe code of the source.

use std::{
    ffi::{CStr, c_int},
    marker::PhantomData,
    ptr::{self, NonNull},
};

use rusqlite::{Connection, Error, ffi, types::ValueRef};

use crate::sql::Bind;

/// A connection and the statements that were prepared on it.
pub(super) struct Session {
    statements: Vec<NonNull<ffi::sqlite3_stmt>>,
    connection: Connection,
}

/// A statement of a session.
#[derive(Clone, Copy, Debug)]
pub(super) struct StatementId(usize);

/// The row that a statement has stepped to.
#[derive(Clone, Copy)]
pub(super) struct Row<'s> {
    statement: NonNull<ffi::sqlite3_stmt>,
    session: PhantomData<&'s Session>,
}

// SAFETY: SQLite is built thread-safe and a connection may move between threads as long as one
// uses it at a time, which `&mut self` sees to. The statements belong to the connection and move
// with it; nothing else has their pointers.
unsafe impl Send for Session {}

impl Session {
    pub(super) fn new(connection: Connection) -> Self {
        Self { statements: Vec::new(), connection }
    }

    /// The connection, for statements that do not rest.
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Prepares a statement and binds its first values.
    pub(super) fn prepare(&mut self, text: &str, values: &[Bind]) -> Result<StatementId, Error> {
        let length = c_int::try_from(text.len()).map_err(|_| Error::InvalidQuery)?;
        let mut statement = ptr::null_mut();
        // SAFETY: the connection is open; the text is given with its length, and is copied.
        let code = unsafe {
            ffi::sqlite3_prepare_v2(
                self.connection.handle(),
                text.as_ptr().cast(),
                length,
                &raw mut statement,
                ptr::null_mut(),
            )
        };
        self.check(code)?;
        let statement = NonNull::new(statement).ok_or(Error::InvalidQuery)?;
        self.statements.push(statement);
        let id = StatementId(self.statements.len() - 1);
        for (at, value) in values.iter().enumerate() {
            self.bind(id, at, value)?;
        }
        Ok(id)
    }

    /// Binds the value at `at`, from 0. The statement must be reset.
    pub(super) fn bind(&mut self, id: StatementId, at: usize, value: &Bind) -> Result<(), Error> {
        let statement = self.statements[id.0].as_ptr();
        let place =
            c_int::try_from(at + 1).map_err(|_| Error::InvalidParameterName(at.to_string()))?;
        let transient = ffi::SQLITE_TRANSIENT();
        // SAFETY: the statement lives until the session is dropped; text and octets are given with
        // their length and are copied.
        let code = unsafe {
            match value {
                Bind::Boolean(value) => {
                    ffi::sqlite3_bind_int64(statement, place, i64::from(*value))
                }
                Bind::Integer(value) => ffi::sqlite3_bind_int64(statement, place, *value),
                Bind::Float(value) => ffi::sqlite3_bind_double(statement, place, *value),
                Bind::Text(value) => ffi::sqlite3_bind_text64(
                    statement,
                    place,
                    value.as_ptr().cast(),
                    value.len() as u64,
                    transient,
                    ffi::SQLITE_UTF8 as u8,
                ),
                Bind::Bytes(value) => ffi::sqlite3_bind_blob64(
                    statement,
                    place,
                    value.as_ptr().cast(),
                    value.len() as u64,
                    transient,
                ),
            }
        };
        self.check(code)
    }

    /// Steps to the next row; false when there is none.
    #[inline]
    pub(super) fn step(&mut self, id: StatementId) -> Result<bool, Error> {
        // SAFETY: the statement lives until the session is dropped; rows borrow the session, so
        // that none is alive while it is borrowed mutably here.
        match unsafe { ffi::sqlite3_step(self.statements[id.0].as_ptr()) } {
            ffi::SQLITE_ROW => Ok(true),
            ffi::SQLITE_DONE => Ok(false),
            code => Err(self.failure(code)),
        }
    }

    /// The row that the last step found; all NULL if it found none.
    #[inline]
    pub(super) fn row(&self, id: StatementId) -> Row<'_> {
        Row { statement: self.statements[id.0], session: PhantomData }
    }

    /// Gives the statement's place up, so that it can be bound anew.
    pub(super) fn reset(&mut self, id: StatementId) {
        // SAFETY: as for `step`. The code repeats the error of the last step, which was told then.
        unsafe { ffi::sqlite3_reset(self.statements[id.0].as_ptr()) };
    }

    /// Octets of the database file at `offset`, through SQLite's own descriptor: to open and close
    /// the file beside it would drop its locks.
    pub(super) fn read_file(&self, offset: i64, octets: &mut [u8]) -> Result<(), Error> {
        let mut file: *mut ffi::sqlite3_file = ptr::null_mut();
        let length = c_int::try_from(octets.len()).map_err(|_| Error::InvalidQuery)?;
        // SAFETY: this control writes a pointer to the connection's file object, which lives as
        // long as the connection; its methods table is filled once the file is open.
        let code = unsafe {
            let code = ffi::sqlite3_file_control(
                self.connection.handle(),
                c"main".as_ptr(),
                ffi::SQLITE_FCNTL_FILE_POINTER,
                (&raw mut file).cast(),
            );
            let read =
                file.as_ref().and_then(|file| file.pMethods.as_ref()).and_then(|it| it.xRead);
            match (code, read) {
                (ffi::SQLITE_OK, Some(read)) => {
                    read(file, octets.as_mut_ptr().cast(), length, offset)
                }
                (ffi::SQLITE_OK, None) => ffi::SQLITE_IOERR,
                (code, _) => code,
            }
        };
        self.check(code)
    }

    fn check(&self, code: c_int) -> Result<(), Error> {
        if code == ffi::SQLITE_OK { Ok(()) } else { Err(self.failure(code)) }
    }

    #[cold]
    fn failure(&self, code: c_int) -> Error {
        // SAFETY: the connection is open, and the message is copied before the next call.
        let message = unsafe { CStr::from_ptr(ffi::sqlite3_errmsg(self.connection.handle())) };
        let message = message.to_string_lossy().into_owned();
        Error::SqliteFailure(ffi::Error::new(code), Some(message))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for statement in &self.statements {
            // SAFETY: each was prepared on the connection, which is dropped after this, and is
            // finalized here only.
            unsafe { ffi::sqlite3_finalize(statement.as_ptr()) };
        }
    }
}

impl<'s> Row<'s> {
    /// The value in column `at`, from 0. It lives until the statement steps.
    #[inline]
    pub(super) fn cell(self, at: c_int) -> ValueRef<'s> {
        // SAFETY: the session is borrowed, so that the statement neither steps nor ends. SQLite
        // answers NULL for a column that is not there. The value is one that SQLite calls
        // unprotected, for which only the connection's mutex is missing; one thread at a time uses
        // the connection, so that nothing is missing. Text and octets are valid for the length
        // that is asked for after the pointer, as the documentation demands; a pointer to nothing
        // stands for no octets.
        unsafe {
            let value = ffi::sqlite3_column_value(self.statement.as_ptr(), at);
            match ffi::sqlite3_value_type(value) {
                ffi::SQLITE_INTEGER => ValueRef::Integer(ffi::sqlite3_value_int64(value)),
                ffi::SQLITE_FLOAT => ValueRef::Real(ffi::sqlite3_value_double(value)),
                ffi::SQLITE_TEXT => {
                    let text = ffi::sqlite3_value_text(value);
                    ValueRef::Text(octets(text, ffi::sqlite3_value_bytes(value)))
                }
                ffi::SQLITE_BLOB => {
                    let blob = ffi::sqlite3_value_blob(value);
                    ValueRef::Blob(octets(blob.cast(), ffi::sqlite3_value_bytes(value)))
                }
                _ => ValueRef::Null,
            }
        }
    }
}

/// # Safety
///
/// `start` is null, or valid for `length` octets for as long as the caller says.
#[inline]
unsafe fn octets<'s>(start: *const u8, length: c_int) -> &'s [u8] {
    match usize::try_from(length) {
        // SAFETY: the caller's promise.
        Ok(length) if !start.is_null() => unsafe { std::slice::from_raw_parts(start, length) },
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        Session::new(Connection::open_in_memory().unwrap())
    }

    #[test]
    fn a_statement_rests_between_two_rows() {
        let mut session = session();
        let sql = "select value, ? from json_each(?)";
        let values = [Bind::Bytes(vec![0, 1]), Bind::Text("[1, \"é\", null, 2.5]".to_owned())];
        let id = session.prepare(sql, &values).unwrap();
        let mut session = std::thread::spawn(move || {
            assert!(session.step(id).unwrap());
            assert_eq!(session.row(id).cell(0), ValueRef::Integer(1));
            assert_eq!(session.row(id).cell(1), ValueRef::Blob(&[0, 1]));
            session
        })
        .join()
        .unwrap();
        assert!(session.step(id).unwrap());
        assert_eq!(session.row(id).cell(0), ValueRef::Text("é".as_bytes()));
        assert!(session.step(id).unwrap());
        assert_eq!(session.row(id).cell(0), ValueRef::Null);
        assert!(session.step(id).unwrap());
        assert_eq!(session.row(id).cell(0), ValueRef::Real(2.5));
        assert_eq!(session.row(id).cell(99), ValueRef::Null);
        assert!(!session.step(id).unwrap());
        session.reset(id);
        session.bind(id, 1, &Bind::Text("[7]".to_owned())).unwrap();
        assert!(session.step(id).unwrap());
        assert_eq!(session.row(id).cell(0), ValueRef::Integer(7));
    }

    #[test]
    fn a_wrong_statement_is_told_with_its_message() {
        let error = session().prepare("select nonsense", &[]).unwrap_err();
        assert!(error.to_string().contains("no such column: nonsense"), "{error}");
        assert!(session().prepare("", &[]).is_err());
    }
}
